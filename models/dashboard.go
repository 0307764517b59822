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

// ConsumptionSum is a row of the dashboard of consumption: sums of bill lines, with refunds and corrections.
type ConsumptionSum struct {
	Key           string   `bun:"key"` // a month, mode or service type, or the id of a customer, partner or person; empty = none
	Currency      Currency `bun:"currency"`
	Lines         int64    `bun:"lines"`
	DiscountMinor int64    `bun:"discount_minor"`
	PayableMinor  int64    `bun:"payable_minor"`
	CashMinor     int64    `bun:"cash_minor"`
	CreditMinor   int64    `bun:"credit_minor"`
	CouponMinor   int64    `bun:"coupon_minor"`
	DebtMinor     int64    `bun:"debt_minor"`
	DebtPaidMinor int64    `bun:"debt_paid_minor"`
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
func (s ConsumptionSum) Official() Money { return NewMoney(s.DiscountMinor+s.PayableMinor, s.Currency) }

// Payable returns what there was to pay.
func (s ConsumptionSum) Payable() Money { return NewMoney(s.PayableMinor, s.Currency) }

// Paid returns what was paid with money, then and since.
func (s ConsumptionSum) Paid() Money {
	return NewMoney(s.CashMinor+s.CreditMinor+s.DebtPaidMinor, s.Currency)
}

// DebtLeft returns what is unpaid now.
func (s ConsumptionSum) DebtLeft() Money { return NewMoney(s.DebtMinor-s.DebtPaidMinor, s.Currency) }

// PerformanceMonth is the sum of a partner's performance lines of one month, by customer, reseller, mode, service type and currency. It is kept
// up with the lines, in the same transactions.
type PerformanceMonth struct {
	bun.BaseModel `bun:"table:performance_months,alias:pfm"`

	PartnerID    ID              `bun:"partner_id,pk"`
	Period       BillingCycle    `bun:"period,pk"`
	CustomerID   ID              `bun:"customer_id,pk"`
	ResellerID   ID              `bun:"reseller_id,pk"` // empty = the partner's own customer
	Mode         AssociationMode `bun:"mode,pk"`
	ServiceType  string          `bun:"service_type,pk"`
	Currency     Currency        `bun:"currency,pk"`
	Lines        int64           `bun:"lines"`
	AmountMinor  int64           `bun:"amount_minor"`
	CountedMinor int64           `bun:"counted_minor"`
}

// PerformanceSum is a row of the dashboard of performance.
type PerformanceSum struct {
	Key          string   `bun:"key"` // as of ConsumptionSum
	Currency     Currency `bun:"currency"`
	Lines        int64    `bun:"lines"`
	AmountMinor  int64    `bun:"amount_minor"`
	CountedMinor int64    `bun:"counted_minor"`
}

// KeyOrNil returns Key, or nil when it is empty.
func (s PerformanceSum) KeyOrNil() *string { return orNil(s.Key) }

// Consumption returns what was paid with money.
func (s PerformanceSum) Consumption() Money { return NewMoney(s.AmountMinor, s.Currency) }

// Counted returns what of it is performance.
func (s PerformanceSum) Counted() Money { return NewMoney(s.CountedMinor, s.Currency) }
