package models

import "github.com/uptrace/bun"

// MaxTop bounds the rows of a dashboard.
const MaxTop = 100

// DashboardGrouping says what the rows of a dashboard are about.
type DashboardGrouping string

// The groupings.
const (
	ByMonth          DashboardGrouping = "MONTH"
	ByMode           DashboardGrouping = "MODE"
	ByServiceType    DashboardGrouping = "SERVICE_TYPE"
	ByCustomer       DashboardGrouping = "CUSTOMER"
	ByReseller       DashboardGrouping = "RESELLER"
	ByAccountManager DashboardGrouping = "ACCOUNT_MANAGER"
)

// DashboardQuery asks for sums over whole months.
type DashboardQuery struct {
	By        DashboardGrouping
	From      *BillingCycle // the first month; nil = the twelfth before the last
	Until     *BillingCycle // the last month; nil = the present one
	PartnerID *ID           // only customers of this partner, who may be a reseller; nil = all that the caller sees
	ManagerID *ID           // only customers that this account manager looks after now (C18); nil = all
	Top       int           // at most so many rows, 1 to 100; months are not bounded by it
}

// Check returns the months that are asked for. The error is INVALID and names the field.
func (q DashboardQuery) Check(present BillingCycle) (from, until BillingCycle, err error) {
	until = present
	if q.Until != nil {
		until = *q.Until
	}
	from = BillingCycleAt(until.Begins().AddDate(0, -11, 0))
	if q.From != nil {
		from = *q.From
	}
	switch {
	case from > until:
		return "", "", Invalid("from", "The first month must not be after the last.")
	case from.Begins().AddDate(5, 0, 0).Before(until.Ends()):
		return "", "", Invalid("from", "A dashboard covers at most five years.")
	case q.Top < 1 || q.Top > MaxTop:
		return "", "", Invalid("top", "A dashboard has 1 to 100 rows.")
	}
	if q.PartnerID != nil {
		if err := q.PartnerID.Require(PrefixPartner, "partnerId"); err != nil {
			return "", "", err
		}
	}
	if q.ManagerID != nil {
		if err := q.ManagerID.Require(PrefixUser, "accountManagerId"); err != nil {
			return "", "", err
		}
	}
	return from, until, nil
}

// Dashboard is the answer to one query of several that were asked together.
type Dashboard[Row any] struct {
	Rows []Row
	Err  error // why there are no rows: INVALID
}

// ConsumptionSum is a row of the dashboard of consumption: sums of bill lines, with refunds and corrections.
type ConsumptionSum struct {
	Key           string   `bun:"key"` // a month, mode or service type, or the id of a customer, partner or person; empty = none
	Currency      Currency `bun:"currency"`
	Lines         int64    `bun:"lines" show:"lines"`
	OfficialMinor int64    `bun:"official_minor" show:"official"`
	PayableMinor  int64    `bun:"payable_minor" show:"payable"`
	PaidMinor     int64    `bun:"paid_minor" show:"paid"`
	DebtLeftMinor int64    `bun:"debt_left_minor" show:"debtLeft"`
}

// idOf returns a key that is an id of this kind, else the zero id.
func idOf(key, prefix string) ID {
	if id := ID(key); id.Prefix() == prefix {
		return id
	}
	return ""
}

// CustomerID returns the customer that the row is about; zero when it is about something else.
func (s ConsumptionSum) CustomerID() ID { return idOf(s.Key, PrefixCustomer) }

// PartnerID returns the partner that the row is about; zero when it is about something else.
func (s ConsumptionSum) PartnerID() ID { return idOf(s.Key, PrefixPartner) }

// CustomerID returns the customer that the row is about; zero when it is about something else.
func (s PerformanceSum) CustomerID() ID { return idOf(s.Key, PrefixCustomer) }

// ResellerID returns the reseller that the row is about; zero when it is about something else.
func (s PerformanceSum) ResellerID() ID { return idOf(s.Key, PrefixPartner) }

// KeyOrNil returns Key, or nil when it is empty.
func (s ConsumptionSum) KeyOrNil() *string { return orNil(s.Key) }

// Official returns the list price.
func (s ConsumptionSum) Official() Money { return NewMoney(s.OfficialMinor, s.Currency) }

// Payable returns what there was to pay.
func (s ConsumptionSum) Payable() Money { return NewMoney(s.PayableMinor, s.Currency) }

// Paid returns what was paid with money, then and since.
func (s ConsumptionSum) Paid() Money { return NewMoney(s.PaidMinor, s.Currency) }

// DebtLeft returns what is unpaid now.
func (s ConsumptionSum) DebtLeft() Money { return NewMoney(s.DebtLeftMinor, s.Currency) }

// IncentiveGrouping says what the rows of the dashboard of incentives are about. An incentive comes of tiers and caps over all that a partner's
// customers did in a month, so that there is none of a single customer, reseller or mode; what each brought of it, the dashboard of performance says.
type IncentiveGrouping string

// The groupings.
const (
	IncentiveByMonth       IncentiveGrouping = "MONTH"
	IncentiveByServiceType IncentiveGrouping = "SERVICE_TYPE"
	IncentiveByStatus      IncentiveGrouping = "STATUS"
	IncentiveByPartner     IncentiveGrouping = "PARTNER"
)

// IncentiveQuery asks for sums of incentive statements over whole months.
type IncentiveQuery struct {
	By        IncentiveGrouping
	From      *BillingCycle // as of DashboardQuery, as are the others
	Until     *BillingCycle
	PartnerID *ID // only this partner's statements; nil = all that the caller sees
	Top       int
}

// Check returns the months that are asked for. The error is INVALID and names the field.
func (q IncentiveQuery) Check(present BillingCycle) (from, until BillingCycle, err error) {
	return DashboardQuery{From: q.From, Until: q.Until, PartnerID: q.PartnerID, Top: q.Top}.Check(present)
}

// IncentiveSum is a row of the dashboard of incentives: sums of statements, or of their lines when it is about a service type.
type IncentiveSum struct {
	Key              string   `bun:"key"` // a month, service type or state, or the id of a partner
	Currency         Currency `bun:"currency"`
	Statements       int64    `bun:"statements"`
	PerformanceMinor int64    `bun:"performance_minor"`
	TotalMinor       int64    `bun:"total_minor"`
	EstimatedMinor   int64    `bun:"estimated_minor"`
	ToConfirmMinor   int64    `bun:"to_confirm_minor"`
	IssuingMinor     int64    `bun:"issuing_minor"`
	DoneMinor        int64    `bun:"done_minor"`
}

// PartnerID returns the partner that the row is about; zero when it is about something else.
func (s IncentiveSum) PartnerID() ID { return idOf(s.Key, PrefixPartner) }

// Performance returns the consumption that counts.
func (s IncentiveSum) Performance() Money { return NewMoney(s.PerformanceMinor, s.Currency) }

// Total returns the incentive earned.
func (s IncentiveSum) Total() Money { return NewMoney(s.TotalMinor, s.Currency) }

// Estimated returns what of the total is an estimate still.
func (s IncentiveSum) Estimated() Money { return NewMoney(s.EstimatedMinor, s.Currency) }

// ToConfirm returns what of the total stands and waits for the partner.
func (s IncentiveSum) ToConfirm() Money { return NewMoney(s.ToConfirmMinor, s.Currency) }

// Issuing returns what of the total is confirmed and not yet paid out.
func (s IncentiveSum) Issuing() Money { return NewMoney(s.IssuingMinor, s.Currency) }

// Done returns what of the total was paid out.
func (s IncentiveSum) Done() Money { return NewMoney(s.DoneMinor, s.Currency) }

// PerformanceMonth is the sum of a partner's performance lines of one month, by customer, reseller, mode, service type, currency and what they fall
// under. It is kept up with the lines, in the same transactions; statements are worked out from it.
type PerformanceMonth struct {
	bun.BaseModel `bun:"table:performance_months,alias:pfm"`

	PartnerID    ID              `bun:"partner_id,pk"`
	Period       BillingCycle    `bun:"period,pk"`
	CustomerID   ID              `bun:"customer_id,pk"`
	ResellerID   ID              `bun:"reseller_id,pk"` // empty = the partner's own customer
	Mode         AssociationMode `bun:"mode,pk"`
	ServiceType  string          `bun:"service_type,pk"`
	Currency     Currency        `bun:"currency,pk"`
	PolicyID     ID              `bun:"policy_id,pk"` // empty = there is none
	Rule         PerformanceRule `bun:"rule,pk"`
	Lines        int64           `bun:"lines"`
	AmountMinor  int64           `bun:"amount_minor"`
	CountedMinor int64           `bun:"counted_minor"`
}

// PerformanceTotal is the sum of all PerformanceMonths of a partner, reseller, mode, service type and currency whose customers are of one part
// (see PartOf): what dashboards read that do not tell customers apart.
type PerformanceTotal struct {
	bun.BaseModel `bun:"table:performance_totals,alias:pft"`

	PartnerID    ID              `bun:"partner_id,pk"`
	Period       BillingCycle    `bun:"period,pk"`
	ResellerID   ID              `bun:"reseller_id,pk"` // empty = the partner's own customers
	Mode         AssociationMode `bun:"mode,pk"`
	ServiceType  string          `bun:"service_type,pk"`
	Currency     Currency        `bun:"currency,pk"`
	Part         int64           `bun:"part,pk"`
	Lines        int64           `bun:"lines"`
	AmountMinor  int64           `bun:"amount_minor"`
	CountedMinor int64           `bun:"counted_minor"`
}

// PerformanceSum is a row of the dashboard of performance.
type PerformanceSum struct {
	Key          string   `bun:"key"` // as of ConsumptionSum
	Currency     Currency `bun:"currency"`
	Lines        int64    `bun:"lines" show:"lines"`
	AmountMinor  int64    `bun:"amount_minor" show:"consumption"`
	CountedMinor int64    `bun:"counted_minor" show:"counted"`
}

// KeyOrNil returns Key, or nil when it is empty.
func (s PerformanceSum) KeyOrNil() *string { return orNil(s.Key) }

// Consumption returns what was paid with money.
func (s PerformanceSum) Consumption() Money { return NewMoney(s.AmountMinor, s.Currency) }

// Counted returns what of it is performance.
func (s PerformanceSum) Counted() Money { return NewMoney(s.CountedMinor, s.Currency) }
