package models

import (
	"hash/fnv"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// The bounds of usage intake.
const (
	MaxUsageRecords = 1000   // of one call
	MaxUsageRows    = 10_000 // of one file
)

// billZone is where the vendor's days and months begin.
var billZone = time.FixedZone("UTC+8", 8*60*60)

// BillDay returns the beginning of the day in UTC+8 that an instant falls on.
func BillDay(t time.Time) time.Time {
	y, m, d := t.In(billZone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, billZone)
}

// Begins returns the first instant of the month in UTC+8.
func (c BillingCycle) Begins() time.Time {
	t, err := time.ParseInLocation("2006-01", string(c), billZone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Ends returns the first instant after the month.
func (c BillingCycle) Ends() time.Time { return c.Begins().AddDate(0, 1, 0) }

// SettlementInterval says how often a kind of use is paid.
type SettlementInterval string

// The intervals. Vendor codes of period_type: 24, 20.
const (
	SettleDaily   SettlementInterval = "DAILY"
	SettleMonthly SettlementInterval = "MONTHLY"
)

// DueBefore returns the instant before which use of the interval is paid by a settlement at now: the beginning of the day, or of the
// month, in UTC+8.
func (i SettlementInterval) DueBefore(now time.Time) time.Time {
	if i == SettleMonthly {
		return BillingCycleAt(now).Begins()
	}
	return BillDay(now)
}

// BillLineKind says what a line of a bill is for (3.8).
type BillLineKind string

// The kinds of line. Vendor codes of bill_detail_type: 1, 2, 3, 4, 5.
const (
	BillNew     BillLineKind = "NEW"
	BillRenewal BillLineKind = "RENEWAL"
	BillChange  BillLineKind = "CHANGE"
	BillRefund  BillLineKind = "REFUND"
	BillUse     BillLineKind = "USE"
)

// BillLineStatus says whether a line is paid (3.8).
type BillLineStatus string

// The states. Vendor codes: 3, 1, 2.
const (
	BillUnbilled BillLineStatus = "UNBILLED" // used, and not settled yet
	BillPaid     BillLineStatus = "PAID"
	BillInDebt   BillLineStatus = "IN_DEBT" // a part is still to be paid
)

// UsageRecord is a record of use by the reporter's own key, as it stands: a correction replaces what it says, and the bill lines tell how
// it came about.
type UsageRecord struct {
	bun.BaseModel `bun:"table:usage_records,alias:usg"`

	ID           ID              `bun:"id,pk"`
	Cloud        string          `bun:"cloud"`
	ExternalID   string          `bun:"external_id"` // unique per cloud
	Digest       string          `bun:"digest"`      // SHA-256 of what it says, in hex
	CustomerID   ID              `bun:"customer_id"`
	Product      string          `bun:"product"` // ProductKey
	Revision     int             `bun:"revision"`
	Value        decimal.Decimal `bun:"value"`    // of use, as it stands
	Official     decimal.Decimal `bun:"official"` // the same, at the list price
	Payable      decimal.Decimal `bun:"payable"`  // the same, after the discount
	FirstLineID  ID              `bun:"first_line_id"`
	LatestLineID ID              `bun:"latest_line_id"`
	CreatedAt    time.Time       `bun:"created_at"`
	UpdatedAt    time.Time       `bun:"updated_at"`
}

// BillLine is one line of a customer's bill: use, a purchase, or what is given back of either. A correction is a line of its own with the
// difference. Its figures are written once, when it is billed; only DebtLeftMinor goes down as the debt is paid.
type BillLine struct {
	bun.BaseModel `bun:"table:bill_lines,alias:bil"`

	ID             ID                 `bun:"id,pk"`
	Cloud          string             `bun:"cloud"`
	SourceID       string             `bun:"source_id"` // what it comes from; unique, so that nothing is billed twice
	Kind           BillLineKind       `bun:"kind"`
	CustomerID     ID                 `bun:"customer_id"`
	PartnerID      ID                 `bun:"partner_id,nullzero"` // of the association at the time of use; zero = none
	Mode           AssociationMode    `bun:"mode,nullzero"`       // of the same
	BaseID         ID                 `bun:"base_id,nullzero"`    // the line that it corrects or gives back
	OrderID        ID                 `bun:"order_id,nullzero"`
	ServiceType    string             `bun:"service_type"`
	ResourceType   string             `bun:"resource_type"`
	SpecCode       string             `bun:"spec_code"`
	Region         string             `bun:"region"`
	ResourceID     string             `bun:"resource_id,nullzero"` // as the reporter names it
	Quantity       int                `bun:"quantity"`
	UsageType      string             `bun:"usage_type,nullzero"`
	UsageValue     *decimal.Decimal   `bun:"usage_value"` // of a correction: the difference
	UsageMeasureID int                `bun:"usage_measure_id,nullzero"`
	Size           *decimal.Decimal   `bun:"size"`
	SizeMeasureID  int                `bun:"size_measure_id,nullzero"`
	VersionID      ID                 `bun:"catalogue_version,nullzero"` // that it was rated by
	UnitPrice      *decimal.Decimal   `bun:"unit_price"`                 // of that version
	DiscountID     ID                 `bun:"discount_id,nullzero"`
	UsedAt         time.Time          `bun:"used_at"` // of use; of a purchase when it was paid
	Settlement     SettlementInterval `bun:"settlement,nullzero"`
	Currency       Currency           `bun:"currency"`
	ExactOfficial  decimal.Decimal    `bun:"exact_official"` // 10 fraction digits
	ExactPayable   decimal.Decimal    `bun:"exact_payable"`  // 10 fraction digits
	CreatedAt      time.Time          `bun:"created_at"`

	SettlementID  ID           `bun:"settlement_id,nullzero"`
	BilledAt      *time.Time   `bun:"billed_at"` // nil = not yet; the figures below are then zero
	Cycle         BillingCycle `bun:"cycle,nullzero"`
	DiscountMinor int64        `bun:"discount_minor"`
	PayableMinor  int64        `bun:"payable_minor"`
	CashMinor     int64        `bun:"cash_minor"`
	CreditMinor   int64        `bun:"credit_minor"`
	CouponMinor   int64        `bun:"coupon_minor"`
	DebtMinor     int64        `bun:"debt_minor"`      // when it was billed
	DebtLeftMinor int64        `bun:"debt_left_minor"` // now
}

// NodeID returns the id to page by.
func (l BillLine) NodeID() ID { return l.ID }

// IsNode marks the type as a GraphQL Node.
func (BillLine) IsNode() {}

// Status says whether the line is paid.
func (l BillLine) Status() BillLineStatus {
	switch {
	case l.BilledAt == nil:
		return BillUnbilled
	case l.DebtLeftMinor > 0:
		return BillInDebt
	}
	return BillPaid
}

// CycleOrNil returns the month that the line is billed in, nil before it is.
func (l BillLine) CycleOrNil() *BillingCycle {
	if l.Cycle == "" {
		return nil
	}
	return &l.Cycle
}

// Official returns the list price as it is billed: the discount and what is payable.
func (l BillLine) Official() Money { return NewMoney(l.DiscountMinor+l.PayableMinor, l.Currency) }

// Discount returns what is taken off.
func (l BillLine) Discount() Money { return NewMoney(l.DiscountMinor, l.Currency) }

// Payable returns what there was to pay: cash, credit, coupons and debt.
func (l BillLine) Payable() Money { return NewMoney(l.PayableMinor, l.Currency) }

// Cash returns what was paid of money that was there.
func (l BillLine) Cash() Money { return NewMoney(l.CashMinor, l.Currency) }

// Credit returns what was paid below zero, out of a credit line.
func (l BillLine) Credit() Money { return NewMoney(l.CreditMinor, l.Currency) }

// Coupon returns what coupons paid.
func (l BillLine) Coupon() Money { return NewMoney(l.CouponMinor, l.Currency) }

// Debt returns what stayed unpaid when the line was billed.
func (l BillLine) Debt() Money { return NewMoney(l.DebtMinor, l.Currency) }

// DebtLeft returns what is unpaid now.
func (l BillLine) DebtLeft() Money { return NewMoney(l.DebtLeftMinor, l.Currency) }

// ResourceIDOrNil returns ResourceID, or nil when it is empty.
func (l BillLine) ResourceIDOrNil() *string { return orNil(l.ResourceID) }

// UsageTypeOrNil returns UsageType, or nil when it is empty.
func (l BillLine) UsageTypeOrNil() *string { return orNil(l.UsageType) }

// UsageMeasureIDOrNil returns UsageMeasureID, or nil when it is 0.
func (l BillLine) UsageMeasureIDOrNil() *int { return intOrNil(l.UsageMeasureID) }

// SizeMeasureIDOrNil returns SizeMeasureID, or nil when it is 0.
func (l BillLine) SizeMeasureIDOrNil() *int { return intOrNil(l.SizeMeasureID) }

// SettlementOrNil returns Settlement, or nil for what is not paid by use.
func (l BillLine) SettlementOrNil() *SettlementInterval {
	if l.Settlement == "" {
		return nil
	}
	return &l.Settlement
}

// BillLineConnection is a page of bill lines.
type BillLineConnection = Connection[BillLine]

// BillLineEdge is one of the bill lines and its position.
type BillLineEdge = Edge[BillLine]

// BillSettlement is one payment of what a customer used: one posting for all lines that were due.
type BillSettlement struct {
	bun.BaseModel `bun:"table:bill_settlements,alias:bst"`

	ID             ID           `bun:"id,pk"`
	CustomerID     ID           `bun:"customer_id"`
	Currency       Currency     `bun:"currency"`
	Cycle          BillingCycle `bun:"cycle"`
	Lines          int          `bun:"lines"`
	PayableMinor   int64        `bun:"payable_minor"`
	CashMinor      int64        `bun:"cash_minor"` // of the lines, negative when more was given back
	CreditMinor    int64        `bun:"credit_minor"`
	DebtMinor      int64        `bun:"debt_minor"`       // that the lines left
	DebtsPaidMinor int64        `bun:"debts_paid_minor"` // of earlier settlements
	TransferID     ID           `bun:"transfer_id,nullzero"`
	CreatedAt      time.Time    `bun:"created_at"`
}

// DebtPayment is what a later settlement paid of the debt of one line.
type DebtPayment struct {
	bun.BaseModel `bun:"table:bill_debt_payments,alias:bdp"`

	ID           ID        `bun:"id,pk"`
	SettlementID ID        `bun:"settlement_id"`
	LineID       ID        `bun:"line_id"`
	CashMinor    int64     `bun:"cash_minor"`
	CreditMinor  int64     `bun:"credit_minor"`
	CreatedAt    time.Time `bun:"created_at"`
}

// BillMonth is the sum of a customer's bill lines of one month, by the partner and mode that it belonged to then, service type and
// currency. It is kept up with the lines, in the same transactions.
type BillMonth struct {
	bun.BaseModel `bun:"table:bill_months,alias:bmo"`

	ID          ID              `bun:"id,pk"`
	CustomerID  ID              `bun:"customer_id"`
	PartnerID   ID              `bun:"partner_id"` // empty = none
	Mode        AssociationMode `bun:"mode"`       // empty = none
	Cycle       BillingCycle    `bun:"cycle"`
	ServiceType string          `bun:"service_type"`
	Currency    Currency        `bun:"currency"`
	BillSums
}

// BillTotal is the sum of all BillMonths of a partner, mode, service type and currency whose customers are of one part (see PartOf): what
// dashboards read that do not tell customers apart.
type BillTotal struct {
	bun.BaseModel `bun:"table:bill_totals,alias:bto"`

	PartnerID   ID              `bun:"partner_id,pk"` // empty = none
	Cycle       BillingCycle    `bun:"cycle,pk"`
	Mode        AssociationMode `bun:"mode,pk"` // empty = none
	ServiceType string          `bun:"service_type,pk"`
	Currency    Currency        `bun:"currency,pk"`
	Part        int64           `bun:"part,pk"`
	BillSums
}

// BillSums are what is added up of bill lines, in minor units.
type BillSums struct {
	Lines         int64 `bun:"lines"`
	DiscountMinor int64 `bun:"discount_minor"`
	PayableMinor  int64 `bun:"payable_minor"`
	CashMinor     int64 `bun:"cash_minor"`
	CreditMinor   int64 `bun:"credit_minor"`
	CouponMinor   int64 `bun:"coupon_minor"`
	DebtMinor     int64 `bun:"debt_minor"`
	DebtPaidMinor int64 `bun:"debt_paid_minor"` // of DebtMinor, by later settlements
}

// Plus returns the sums of both.
func (s BillSums) Plus(more BillSums) BillSums {
	return BillSums{
		Lines: s.Lines + more.Lines, DiscountMinor: s.DiscountMinor + more.DiscountMinor, PayableMinor: s.PayableMinor + more.PayableMinor,
		CashMinor: s.CashMinor + more.CashMinor, CreditMinor: s.CreditMinor + more.CreditMinor, CouponMinor: s.CouponMinor + more.CouponMinor,
		DebtMinor: s.DebtMinor + more.DebtMinor, DebtPaidMinor: s.DebtPaidMinor + more.DebtPaidMinor,
	}
}

// PartsOfTotals is in how many rows the total of a partner's month is kept, so that transactions of different customers seldom wait for each other.
const PartsOfTotals = 8

// PartOf returns the part of totals that a customer's sums are added to. Which it is matters only to who waits for whom.
func PartOf(customer ID) int64 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(customer))
	return int64(hash.Sum32() % PartsOfTotals)
}

// NodeID returns the id to page by.
func (m BillMonth) NodeID() ID { return m.ID }

// Official returns the list price of all lines.
func (m BillMonth) Official() Money { return NewMoney(m.DiscountMinor+m.PayableMinor, m.Currency) }

// Discount returns what is taken off.
func (m BillMonth) Discount() Money { return NewMoney(m.DiscountMinor, m.Currency) }

// Payable returns what there was to pay.
func (m BillMonth) Payable() Money { return NewMoney(m.PayableMinor, m.Currency) }

// Cash returns what was paid of money that was there when the lines were billed.
func (m BillMonth) Cash() Money { return NewMoney(m.CashMinor, m.Currency) }

// Credit returns what was paid out of a credit line when the lines were billed.
func (m BillMonth) Credit() Money { return NewMoney(m.CreditMinor, m.Currency) }

// Coupon returns what coupons paid.
func (m BillMonth) Coupon() Money { return NewMoney(m.CouponMinor, m.Currency) }

// Debt returns what stayed unpaid when the lines were billed.
func (m BillMonth) Debt() Money { return NewMoney(m.DebtMinor, m.Currency) }

// DebtPaid returns what has been paid of the debt since.
func (m BillMonth) DebtPaid() Money { return NewMoney(m.DebtPaidMinor, m.Currency) }

// BillMonthConnection is a page of monthly sums.
type BillMonthConnection = Connection[BillMonth]

// BillMonthEdge is one of the monthly sums and its position.
type BillMonthEdge = Edge[BillMonth]

// MonthOf returns the sum that a billed line belongs to, with the line alone in it.
func MonthOf(l BillLine) BillMonth {
	return BillMonth{
		CustomerID: l.CustomerID, PartnerID: l.PartnerID, Mode: l.Mode, Cycle: l.Cycle, ServiceType: l.ServiceType, Currency: l.Currency,
		BillSums: BillSums{
			Lines: 1, DiscountMinor: l.DiscountMinor, PayableMinor: l.PayableMinor, CashMinor: l.CashMinor, CreditMinor: l.CreditMinor,
			CouponMinor: l.CouponMinor, DebtMinor: l.DebtMinor,
		},
	}
}

// UseFunds is what a customer has to pay with, in minor units, none below zero.
type UseFunds struct {
	CashMinor   int64 // money that is there
	CreditMinor int64 // that may be owed below zero
}

// SettledUse is what a settlement comes to.
type SettledUse struct {
	Lines      []BillLine    // with their figures
	Payments   []DebtPayment // of earlier debts; without ids
	Debts      []BillLine    // those of the debts that were paid of, with what is left of them
	TakenMinor int64         // from the balance; negative = given back
}

// SettleUse works out the payment of unbilled lines of one customer and currency, in the order they are given, after its earlier debts,
// oldest first. It does not change what it is given.
//
// Rounding: the exact amounts are added up and the sums rounded once, half away from zero, to minor units; each line gets what it adds to
// the rounded sum, so that lines and posting agree to the cent. What is payable and what is discounted are rounded apart, and the list
// price is their sum: official = discount + payable, payable = cash + credit + coupon + debt, for each line.
//
// What lines give back comes first: it pays older debts, then the other lines, and the rest goes back to the balance. Cash is spent before
// credit. What then is not covered stays a debt of its lines.
func SettleUse(lines, debts []BillLine, funds UseFunds) SettledUse {
	settled := SettledUse{Lines: roundUse(lines)}
	purse := funds
	for i := range settled.Lines {
		line := &settled.Lines[i]
		if line.PayableMinor < 0 {
			line.CashMinor = line.PayableMinor
			purse.CashMinor -= line.PayableMinor
		}
	}
	for _, debt := range debts {
		cash, credit := purse.take(debt.DebtLeftMinor)
		if cash+credit == 0 {
			continue
		}
		settled.Payments = append(settled.Payments, DebtPayment{LineID: debt.ID, CashMinor: cash, CreditMinor: credit})
		debt.DebtLeftMinor -= cash + credit
		settled.Debts = append(settled.Debts, debt)
		settled.TakenMinor += cash + credit
	}
	for i := range settled.Lines {
		line := &settled.Lines[i]
		if line.PayableMinor > 0 {
			line.CashMinor, line.CreditMinor = purse.take(line.PayableMinor)
			line.DebtMinor = line.PayableMinor - line.CashMinor - line.CreditMinor
			line.DebtLeftMinor = line.DebtMinor
		}
		settled.TakenMinor += line.CashMinor + line.CreditMinor
	}
	return settled
}

// take spends up to an amount, cash first.
func (f *UseFunds) take(minor int64) (cash, credit int64) {
	cash = min(minor, max(f.CashMinor, 0))
	credit = min(minor-cash, max(f.CreditMinor, 0))
	f.CashMinor -= cash
	f.CreditMinor -= credit
	return cash, credit
}

// roundUse gives each line its part of the rounded sums.
func roundUse(lines []BillLine) []BillLine {
	rounded := make([]BillLine, len(lines))
	var payable, discount running
	for i, line := range lines {
		scale := line.Currency.Scale()
		line.PayableMinor = payable.add(line.ExactPayable.Shift(scale))
		line.DiscountMinor = discount.add(line.ExactOfficial.Sub(line.ExactPayable).Shift(scale))
		rounded[i] = line
	}
	return rounded
}

// running is an exact sum with what it was rounded to.
type running struct {
	exact decimal.Decimal
	minor int64
}

// add returns what an amount adds to the rounded sum.
func (r *running) add(amount decimal.Decimal) int64 {
	r.exact = r.exact.Add(amount)
	before := r.minor
	r.minor = r.exact.Round(0).IntPart()
	return r.minor - before
}

// Spread divides a total in proportion to weights, none below zero, so that the parts add up to it: each part is what it adds to the
// rounded running share. Without any weight the last part is all of it.
func Spread(total int64, weights []int64) []int64 {
	parts := make([]int64, len(weights))
	if len(weights) == 0 {
		return parts
	}
	var whole int64
	for _, weight := range weights {
		whole += weight
	}
	if whole == 0 {
		parts[len(parts)-1] = total
		return parts
	}
	var upTo, given int64
	for i, weight := range weights {
		upTo += weight
		share := decimal.NewFromInt(total).Mul(decimal.NewFromInt(upTo)).DivRound(decimal.NewFromInt(whole), 0).IntPart()
		parts[i] = share - given
		given = share
	}
	return parts
}
