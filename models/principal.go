package models

import "slices"

// PrincipalKind says what stands behind a request.
type PrincipalKind string

// The kinds of principal.
const (
	Anonymous     PrincipalKind = "ANONYMOUS"      // no credential
	Operator      PrincipalKind = "OPERATOR"       // runs this server for the cloud; sees everything
	PartnerMember PrincipalKind = "PARTNER_MEMBER" // a person of a partner, signed in
	PartnerKey    PrincipalKind = "PARTNER_KEY"    // a partner's program
	CustomerUser  PrincipalKind = "CUSTOMER_USER"  // a person or program of a customer
	System        PrincipalKind = "SYSTEM"         // this server's own jobs
)

// Permission is one right; scopes of API keys and roles of people are lists of them (G03).
type Permission string

// The permissions, read and write apart.
const (
	ReadPartners   Permission = "PARTNERS_READ"
	WritePartners  Permission = "PARTNERS_WRITE"
	ReadCustomers  Permission = "CUSTOMERS_READ"
	WriteCustomers Permission = "CUSTOMERS_WRITE"
	// ChangeRelations is for a partner's administrators, who alone disassociate customers and switch their mode (C11), and for
	// customers, who agree to belong to a partner, to change the mode and to leave.
	ChangeRelations Permission = "RELATIONS_CHANGE"
	ReadOrders      Permission = "ORDERS_READ"
	PayOrders       Permission = "ORDERS_PAY"
	ReadResources   Permission = "RESOURCES_READ"
	WriteResources  Permission = "RESOURCES_WRITE"
	ReadBalances    Permission = "BALANCES_READ"
	MoveMoney       Permission = "MONEY_MOVE"
	WriteAlerts     Permission = "BALANCE_ALERTS_WRITE"
	ReadIncentives  Permission = "INCENTIVES_READ"
	ReadExposure    Permission = "EXPOSURE_READ"
	WriteExposure   Permission = "EXPOSURE_WRITE"
	ManageKeys      Permission = "KEYS_MANAGE"
	ReadEvents      Permission = "EVENTS_READ"
	// ReviewWithdrawals is for operators who decide about withdrawals and see the bank cards they go to.
	ReviewWithdrawals Permission = "WITHDRAWALS_REVIEW"
	// ReviewVerifications is for operators who decide about real names and see the documents that prove them.
	ReviewVerifications Permission = "VERIFICATIONS_REVIEW"
	// ManageJobs is for operators, who see what this server does at its time, run it again and cancel it.
	ManageJobs Permission = "JOBS_MANAGE"
	// IssueSignIns lets a partner's program sign its customers' people in. People hold it to hand it on and cannot use it.
	IssueSignIns Permission = "SIGN_IN_ISSUE"
	// ReadCatalogue is for everybody who may see what is sold and at which list price, and ask for a quote.
	ReadCatalogue Permission = "CATALOG_READ"
	// LoadCatalogue is for operators, who load catalogues and the contracts of customers with the cloud.
	LoadCatalogue Permission = "CATALOG_LOAD"
	// GrantDiscounts is for partners, who give discounts to their customers.
	GrantDiscounts Permission = "DISCOUNTS_GRANT"
	// ReadCoupons is for partners, who see their quotas and what they issued, and for customers, who see their coupons.
	ReadCoupons Permission = "COUPONS_READ"
	// WriteCoupons is for partners, who issue and reclaim, and for operators, who grant quotas.
	WriteCoupons Permission = "COUPONS_WRITE"
	// WriteUsage is for operators and the cloud's own programs, which report what customers used.
	WriteUsage Permission = "USAGE_WRITE"
	// ReadBills is for customers and for partners, who see what their resale customers consumed.
	ReadBills Permission = "BILLS_READ"
	// WriteIncentives is for partners that earn incentives, who confirm their statements.
	WriteIncentives Permission = "INCENTIVES_WRITE"
	// LoadIncentives is for operators, who load incentive policies and close what was paid out.
	LoadIncentives Permission = "INCENTIVES_LOAD"
	// WritePayouts is for operators, who certify partners, decide about payouts of incentives and see the bank accounts they go to.
	WritePayouts Permission = "PAYOUTS_WRITE"
	// ReviewBenefits is for operators, who keep the capability tags and decide about what partners apply for.
	ReviewBenefits Permission = "BENEFITS_REVIEW"
	// ReviewBrands is for operators, who decide which brands customers see.
	ReviewBrands Permission = "BRANDS_REVIEW"
	// ReadCompanies is for partners that look companies up (C23): solution providers and distributors.
	ReadCompanies Permission = "COMPANIES_READ"
	// LoadCompanies is for operators, who load what is known of companies.
	LoadCompanies Permission = "COMPANIES_LOAD"
)

// AllPermissions returns every permission there is, in a fixed order.
func AllPermissions() []Permission {
	return []Permission{
		ReadPartners, WritePartners, ReadCustomers, WriteCustomers, ChangeRelations, ReadOrders, PayOrders, ReadResources, WriteResources, ReadBalances, MoveMoney,
		WriteAlerts, ReadIncentives, ReadExposure, WriteExposure, ManageKeys, ReadEvents, ReviewWithdrawals,
		ReviewVerifications, ManageJobs, IssueSignIns, ReadCatalogue, LoadCatalogue, GrantDiscounts,
		ReadCoupons, WriteCoupons,
		WriteUsage, ReadBills, WriteIncentives, LoadIncentives, WritePayouts, ReviewBenefits, ReviewBrands,
		ReadCompanies, LoadCompanies,
	}
}

// Valid reports whether p is one of AllPermissions.
func (p Permission) Valid() bool { return slices.Contains(AllPermissions(), p) }

// Principal is who asks, decided once at the door and handed down as an argument. The zero value is anonymous and may
// see nothing.
type Principal struct {
	Kind        PrincipalKind
	UserID      ID           // the person; zero for keys and system jobs
	KeyID       ID           // the API key; zero for people
	SessionID   ID           // the signed-in session; zero for keys
	PartnerID   ID           // the partner it belongs to; zero for operators and customers
	PartnerKind PartnerKind  // of PartnerID
	CustomerID  ID           // the customer it belongs to; zero for operators and partners
	Permissions []Permission // what it may do at all; rows are another question
	RequestID   string       // for logs and the audit record
	RemoteAddr  string       // for the audit record
}

// SystemPrincipal returns the principal of a background job; it may do everything and the audit record names the job.
func SystemPrincipal(job string) Principal {
	return Principal{Kind: System, Permissions: AllPermissions(), RequestID: "job:" + job}
}

// May reports whether the principal has the permission.
func (p Principal) May(permission Permission) bool {
	return slices.Contains(p.Permissions, permission)
}

// IsAnonymous reports whether there is no credential behind the request.
func (p Principal) IsAnonymous() bool { return p.Kind == "" || p.Kind == Anonymous }

// SeesAll reports whether no row is hidden from the principal.
func (p Principal) SeesAll() bool { return p.Kind == Operator || p.Kind == System }

// OrgID returns the customer or the partner that it belongs to; zero for operators and jobs.
func (p Principal) OrgID() ID {
	if p.CustomerID != "" {
		return p.CustomerID
	}
	return p.PartnerID
}

// OrganisationID returns what idempotency keys and rate limits are scoped to: the customer, the partner, or "operator".
func (p Principal) OrganisationID() string {
	switch {
	case p.CustomerID != "":
		return string(p.CustomerID)
	case p.PartnerID != "":
		return string(p.PartnerID)
	case p.SeesAll():
		return "operator"
	}
	return "anonymous"
}

// ActorID returns the id that the audit record names: the person, else the key, else the kind.
func (p Principal) ActorID() string {
	switch {
	case p.UserID != "":
		return string(p.UserID)
	case p.KeyID != "":
		return string(p.KeyID)
	}
	return string(p.Kind)
}
