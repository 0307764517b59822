package access

import (
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
)

// Scope narrows a query to the rows that a principal may see. The query's model must use the alias its bun tag gives it.
type Scope func(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery

// Partners shows a partner itself, its distributor and its resellers; a customer its own partner.
func Partners(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return q.Where("p.id IN (SELECT cs.partner_id FROM customers AS cs WHERE cs.id = ?)", who.CustomerID)
	case who.PartnerID == "":
		return nothing(q)
	case who.PartnerKind == models.CloudReseller:
		return q.Where("(p.id = ? OR p.id IN (SELECT ps.parent_id FROM partners AS ps WHERE ps.id = ?))", who.PartnerID, who.PartnerID)
	}
	return q.Where("(p.id = ? OR p.parent_id = ?)", who.PartnerID, who.PartnerID)
}

// PartnersWithin shows the partners whose business the principal may read and act for: itself and its resellers, but
// not its distributor. Customers see none.
func PartnersWithin(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.PartnerID == "" || who.CustomerID != "":
		return nothing(q)
	}
	return q.Where("(p.id = ? OR p.parent_id = ?)", who.PartnerID, who.PartnerID)
}

// Customers shows a customer itself, and a partner the customers associated with it or with its resellers now, in
// either mode.
func Customers(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "c.id", "c.partner_id")
}

// CustomersWithBalance shows the customers whose money the principal may see: a partner only its resale customers,
// because an advisory customer's money is its own (C01, M02).
func CustomersWithBalance(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	q = Customers(q, who)
	if who.SeesAll() || who.CustomerID != "" {
		return q
	}
	return q.Where("c.mode = ?", models.Resale)
}

// SeesMoneyOf is CustomersWithBalance asked of a customer's row that was just read: whether the principal may see that customer's
// money. Where the row alone does not say, whether its partner is a reseller of the caller's, certain is false.
func SeesMoneyOf(who models.Principal, id, partner models.ID, mode models.AssociationMode) (sees, certain bool) {
	switch {
	case who.SeesAll():
		return true, true
	case who.CustomerID != "":
		return id == who.CustomerID, true
	case who.PartnerID == "" || partner == "" || mode != models.Resale:
		return false, true
	case partner == who.PartnerID:
		return true, true
	}
	return false, who.PartnerKind != models.Distributor
}

// OwnBalance returns the one owner of a kind whose money the principal sees whatever the rows say, itself; "" when there is
// none. It is what PartnersWithin and CustomersWithBalance show of that id, provided that the row exists.
func OwnBalance(who models.Principal, kind models.OwnerKind) models.ID {
	switch {
	case who.SeesAll():
		return ""
	case kind == models.OwnerCustomer:
		return who.CustomerID
	case kind == models.OwnerPartner && who.CustomerID == "":
		return who.PartnerID
	}
	return ""
}

// Associations shows the same as Customers, and to a partner only those with itself or its resellers.
func Associations(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "a.customer_id", "a.partner_id")
}

// AssociationRequests shows a customer its own, and a partner those about a relation with itself or its resellers.
func AssociationRequests(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "arq.customer_id", "arq.partner_id")
}

// Authorizations shows a customer its own, and a partner those that were asked for itself or its resellers, also past ones.
func Authorizations(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "aut.customer_id", "aut.partner_id")
}

// CustomerReports shows a partner its own and its resellers'; customers see none.
func CustomerReports(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofPartners(q, who, "crp.partner_id")
}

// Invitations shows a partner its own and its resellers'; a customer knows one by its link only.
func Invitations(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofPartners(q, who, "inv.partner_id")
}

// Cooperations shows both sides theirs, also past ones: what a distributor had with another reseller, and a reseller with another distributor, is
// theirs alone. Customers see none.
func Cooperations(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofBothSides(q, who, "cop")
}

// CooperationRequests shows both sides theirs.
func CooperationRequests(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofBothSides(q, who, "crq")
}

func ofBothSides(q *bun.SelectQuery, who models.Principal, alias string) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.PartnerID == "" || who.CustomerID != "":
		return nothing(q)
	}
	return q.Where("(?.distributor_id = ? OR ?.reseller_id = ?)", bun.Ident(alias), who.PartnerID, bun.Ident(alias), who.PartnerID)
}

// CooperationSide returns the side of two that cooperate, or are about to, that the principal is; "" for everybody else.
func CooperationSide(who models.Principal, distributor, reseller models.ID) models.CooperationSide {
	switch {
	case who.PartnerID == "" || who.CustomerID != "":
		return ""
	case who.PartnerID == distributor:
		return models.SideDistributor
	case who.PartnerID == reseller:
		return models.SideReseller
	}
	return ""
}

// ResellerUpgrades shows a reseller its own: its distributor, which it would leave, learns nothing of them.
func ResellerUpgrades(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "rup.reseller_id")
}

// ResellerManagers shows a distributor who looks after its resellers, or did: neither they nor their next distributor learn it.
func ResellerManagers(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "rsm.distributor_id")
}

// Verifications shows a customer its own, and a partner those that were submitted while the customer was its own or its reseller's: what a
// former partner has submitted is no business of the next one.
func Verifications(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "vrf.customer_id", "vrf.partner_id")
}

// Orders shows a customer its own orders, and a partner those that its resale customers, or its resellers', pay with its
// money (O02).
func Orders(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "o.customer_id", "o.partner_id")
}

// MonthlySettlements shows the months on account of the customers whose money the principal may see, a partner those since its association with
// the customer began: what came before is not its business. The query must have joined the customers as c.
func MonthlySettlements(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	if who.PartnerID != "" && who.CustomerID == "" && !who.SeesAll() {
		q = q.Where("mst.created_at >= (SELECT a.since FROM associations AS a WHERE a.customer_id = c.id AND a.until IS NULL)")
	}
	return CustomersWithBalance(q, who)
}

// Resources shows a customer its own resources, and a partner those of its resale customers and its resellers'.
func Resources(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "r.customer_id", "r.partner_id")
}

// ResourcePackages shows the same as Resources.
func ResourcePackages(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "rpk.customer_id", "rpk.partner_id")
}

// PackageUsages shows what the packages of a customer paid for to the same as the bill lines of that use (O02).
func PackageUsages(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return bills(q, who, "pku")
}

// Quotes shows a customer its own quotes, and a partner those of its resale customers, or its resellers', and those that it asked for
// itself.
func Quotes(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "qot.customer_id", "qot.partner_id")
}

// Discounts shows a customer what it was given, and a partner what it, or a reseller of its, gave, and the contracts of its present
// customers with the cloud: what a former partner gave is no business of the next one.
func Discounts(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return q.Where("dsc.customer_id = ?", who.CustomerID)
	case who.PartnerID == "":
		return nothing(q)
	}
	customers := Customers(q.NewSelect().Model((*models.Customer)(nil)).Column("c.id"), who)
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		return owned(q, who, "", "dsc.partner_id").
			WhereOr("dsc.kind = ? AND dsc.customer_id IN (?)", models.DiscountContract, customers)
	})
}

// CouponQuotas shows a partner its own quotas and those of its resellers; customers see none.
func CouponQuotas(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofPartners(q, who, "cqt.partner_id")
}

// CouponQuotaRecords shows the same as CouponQuotas.
func CouponQuotaRecords(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofPartners(q, who, "cqr.partner_id")
}

// Coupons shows a customer its own, and a partner those that it, or a reseller of its, issued, also when the customer has left.
func Coupons(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "cpn.customer_id", "cpn.partner_id")
}

// CouponRecords shows what was done to Coupons. What a partner tried in vain is no business of the customer's.
func CouponRecords(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	q = owned(q, who, "cpr.customer_id", "cpr.partner_id")
	if who.CustomerID != "" {
		q = q.Where("cpr.result = ?", models.CouponSucceeded)
	}
	return q
}

// CouponUses shows what Coupons paid.
func CouponUses(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "cpu.customer_id", "cpu.partner_id")
}

// CouponWhitelists shows a partner its own and its resellers'; customers see none.
func CouponWhitelists(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofPartners(q, who, "cwl.partner_id")
}

// BillLines shows a customer its own, and a partner those of what its resale customers, or its resellers', consumed while they were: what an
// advisory customer buys is its own business (O02).
func BillLines(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return bills(q, who, "bil")
}

// BillMonths shows the sums of what BillLines shows.
func BillMonths(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return bills(q, who, "bmo")
}

// BillTotals shows the sums of what BillMonths shows, to all but customers: totals do not tell them apart.
func BillTotals(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ofPartners(resaleOnly(q, who, "bto"), who, "bto.partner_id")
}

func bills(q *bun.SelectQuery, who models.Principal, alias string) *bun.SelectQuery {
	return owned(resaleOnly(q, who, alias), who, alias+".customer_id", alias+".partner_id")
}

// resaleOnly leaves partners without what advisory customers buy, which is between these and the cloud (O02).
func resaleOnly(q *bun.SelectQuery, who models.Principal, alias string) *bun.SelectQuery {
	if who.SeesAll() || who.CustomerID != "" {
		return q
	}
	return q.Where("?.mode = ?", bun.Ident(alias), models.Resale)
}

// PerformanceLines shows a partner its own, also of advisory customers: its incentive comes of them (N01). A reseller has none (P14).
func PerformanceLines(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "pfl.partner_id")
}

// PerformanceMonths shows the sums of what PerformanceLines shows.
func PerformanceMonths(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "pfm.partner_id")
}

// PerformanceTotals shows the sums of what PerformanceMonths shows.
func PerformanceTotals(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "pft.partner_id")
}

// IncentiveStatements shows a partner its own: a distributor's carry its resellers' performance, a reseller has none
// (P12, P14).
func IncentiveStatements(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "ist.partner_id")
}

// CommercialCertifications shows a partner its own: where its money goes is no business of a distributor.
func CommercialCertifications(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "ccf.partner_id")
}

// PayoutRequests shows a partner its own.
func PayoutRequests(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "pyt.partner_id")
}

// PayoutPreferences shows a partner its own.
func PayoutPreferences(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "pyp.partner_id")
}

// PayoutCarries shows a partner its own.
func PayoutCarries(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "pyc.partner_id")
}

// BenefitApplications shows a partner its own, and not its resellers', who have none (P12, P14).
func BenefitApplications(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "bap.partner_id")
}

// IncentiveTransfers shows a partner those from its account and to it.
func IncentiveTransfers(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.PartnerID == "" || who.CustomerID != "":
		return nothing(q)
	}
	return q.Where("(itr.from_partner_id = ? OR itr.to_partner_id = ?)", who.PartnerID, who.PartnerID)
}

// StaffSchemes shows a partner its own: whom another dedicates is no business of its.
func StaffSchemes(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "sfs.partner_id")
}

// StaffMembers shows a partner its own people.
func StaffMembers(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "sfm.partner_id")
}

// StaffMonths shows a partner those of its own people.
func StaffMonths(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "sft.partner_id")
}

// StaffPayments shows a partner its own.
func StaffPayments(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "sfp.partner_id")
}

// AccessConfigurations shows a partner its own.
func AccessConfigurations(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "ac.partner_id")
}

// BrandVersions shows a partner its own: drafts and decisions are no business of a distributor, and customers see what is published alone.
func BrandVersions(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "brv.partner_id")
}

// ServiceProviders shows a partner those of its own platform.
func ServiceProviders(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "svp.partner_id")
}

// CloudBindings shows a customer its own, and a partner those of the customers that it sees, as far as its own platform or, for a
// reseller, its distributor's was told: what a former partner's cloud said is no business of the next one.
func CloudBindings(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return q.Where("cb.customer_id = ?", who.CustomerID)
	case who.PartnerID == "":
		return nothing(q)
	}
	customers := Customers(q.NewSelect().Model((*models.Customer)(nil)).Column("c.id"), who)
	return q.Where("cb.customer_id IN (?)", customers).
		Where("(cb.partner_id = ? OR cb.partner_id = (SELECT ps.parent_id FROM partners AS ps WHERE ps.id = ?))", who.PartnerID, who.PartnerID)
}

// BindNotifications shows a partner those of its own platform.
func BindNotifications(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "bn.partner_id")
}

// TestLogins shows a partner those of its own platform.
func TestLogins(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "tl.partner_id")
}

// FederatedIdentities shows the bindings of the people of Customers.
func FederatedIdentities(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	q = q.Join("JOIN users AS iu ON iu.id = fi.user_id").Join("JOIN customers AS ic ON ic.id = iu.customer_id")
	return owned(q, who, "ic.id", "ic.partner_id")
}

// APIKeys shows a partner and a customer their own.
func APIKeys(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return q.Where("k.customer_id = ?", who.CustomerID)
	case who.PartnerID != "":
		return q.Where("k.partner_id = ?", who.PartnerID)
	}
	return nothing(q)
}

// Withdrawals shows a partner and a customer their own: neither a distributor nor a partner sees where the money of those
// below it goes.
func Withdrawals(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return q.Where("wd.owner_id = ?", who.CustomerID)
	case who.PartnerID != "":
		return q.Where("wd.owner_id = ?", who.PartnerID)
	}
	return nothing(q)
}

// Events shows a partner what happened to it and to its customers, and a customer what happened to it.
func Events(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return events.OfCustomer(q, who.CustomerID)
	case who.PartnerID != "":
		return q.Where("ev.partner_id = ?", who.PartnerID)
	}
	return nothing(q)
}

// AnnouncedEvents shows the events that webhooks tell of to whoever sees what they are about: a distributor also those of its
// resellers, whose customers, orders and balances it reads. For events of models.WebhookEventTypes only; the record as a whole
// is narrower, see Events.
func AnnouncedEvents(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return owned(q, who, "ev.customer_id", "ev.partner_id")
}

// WebhookEndpoints shows a partner its own. Cloud resellers have none, and those of operators are theirs alone (A01).
func WebhookEndpoints(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownPartner(q, who, "whe.partner_id")
}

// WebhookDeliveries shows those to the endpoints that WebhookEndpoints shows.
func WebhookDeliveries(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.PartnerID == "" || who.CustomerID != "":
		return nothing(q)
	}
	return q.Where("whd.endpoint_id IN (SELECT wes.id FROM webhook_endpoints AS wes WHERE wes.partner_id = ?)", who.PartnerID)
}

// Recharges shows a partner and a customer their own. How a reseller or customer comes by its money is no business of its
// distributor or partner, which see the balance where they may (M02).
func Recharges(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownAlone(q, who, "rc.customer_id", "rc.partner_id")
}

// RemittanceClaims shows a partner and a customer their own.
func RemittanceClaims(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownAlone(q, who, "rmc.customer_id", "rmc.partner_id")
}

// PayerAgreements shows a partner and a customer their own.
func PayerAgreements(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return ownAlone(q, who, "pag.customer_id", "pag.partner_id")
}

// Remittances shows operators all and nobody else any: a bank statement names the payers of others.
func Remittances(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return operatorsAlone(q, who)
}

// CompanyLoads shows operators all and nobody else any.
func CompanyLoads(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	return operatorsAlone(q, who)
}

func operatorsAlone(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	if who.SeesAll() {
		return q
	}
	return nothing(q)
}

// ownAlone is for what belongs to a customer or to a partner and is hidden from whoever is above.
func ownAlone(q *bun.SelectQuery, who models.Principal, customer, partner string) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return q.Where("? = ?", bun.Safe(customer), who.CustomerID)
	case who.PartnerID != "":
		return q.Where("? = ?", bun.Safe(partner), who.PartnerID)
	}
	return nothing(q)
}

func owned(q *bun.SelectQuery, who models.Principal, customer, partner string) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.CustomerID != "":
		return q.Where("? = ?", bun.Safe(customer), who.CustomerID)
	case who.PartnerID == "":
		return nothing(q)
	case who.PartnerKind == models.Distributor:
		return q.Where("(? = ? OR ? IN (SELECT ps.id FROM partners AS ps WHERE ps.parent_id = ?))",
			bun.Safe(partner), who.PartnerID, bun.Safe(partner), who.PartnerID)
	}
	return q.Where("? = ?", bun.Safe(partner), who.PartnerID)
}

// ofPartners is for what a partner and its distributor know, and no customer.
func ofPartners(q *bun.SelectQuery, who models.Principal, partner string) *bun.SelectQuery {
	if who.CustomerID != "" {
		return nothing(q)
	}
	return owned(q, who, "", partner)
}

func ownPartner(q *bun.SelectQuery, who models.Principal, partner string) *bun.SelectQuery {
	switch {
	case who.SeesAll():
		return q
	case who.PartnerID == "" || who.CustomerID != "":
		return nothing(q)
	}
	return q.Where("? = ?", bun.Safe(partner), who.PartnerID)
}

func nothing(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("1 = 0") }

// KeptByPartner shows what a partner keeps of its customers, such as its labels: to that partner and to operators, neither to
// its distributor nor to the customer. partner is the column, as SQL writes it.
func KeptByPartner(q *bun.SelectQuery, who models.Principal, partner string) *bun.SelectQuery {
	return ownPartner(q, who, partner)
}
