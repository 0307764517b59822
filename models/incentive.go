package models

import (
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// StatementStatus is the state of an incentive statement (N02).
type StatementStatus string

// The states, in order.
const (
	StatementEstimated StatementStatus = "ESTIMATED"
	StatementToConfirm StatementStatus = "TO_CONFIRM"
	StatementIssuing   StatementStatus = "ISSUING"
	StatementDone      StatementStatus = "DONE"
	// StatementTransferred is how one ends whose figures went to another account of the company (N12).
	StatementTransferred StatementStatus = "TRANSFERRED"
)

// BillingCycle is a month as the vendor bills it, in UTC+8, written 2026-11.
type BillingCycle string

var billingCycle = regexp.MustCompile(`^20\d\d-(0[1-9]|1[0-2])$`)

// ParseBillingCycle checks a month of the years 2000 to 2099. The error is INVALID.
func ParseBillingCycle(s, field string) (BillingCycle, error) {
	if !billingCycle.MatchString(s) {
		return "", Invalid(field, "A billing cycle is a month such as 2026-11.")
	}
	return BillingCycle(s), nil
}

// BillingCycleAt returns the cycle that an instant falls in.
func BillingCycleAt(t time.Time) BillingCycle {
	return BillingCycle(t.In(time.FixedZone("UTC+8", 8*60*60)).Format("2006-01"))
}

// IncentiveStatement is what a partner earns for one reconciliation period.
type IncentiveStatement struct {
	bun.BaseModel `bun:"table:incentive_statements,alias:ist"`

	ID               ID              `bun:"id,pk"`
	PartnerID        ID              `bun:"partner_id"`
	Period           BillingCycle    `bun:"period"`
	Status           StatementStatus `bun:"status"`
	Currency         Currency        `bun:"currency"`
	PerformanceMinor int64           `bun:"performance_minor"`
	TotalMinor       int64           `bun:"total_minor"`
	CreatedAt        time.Time       `bun:"created_at"`
	UpdatedAt        time.Time       `bun:"updated_at"`

	ClosedAt    *time.Time `bun:"closed_at"` // since when its figures stand; nil = it is an estimate
	ConfirmedAt *time.Time `bun:"confirmed_at"`
	DoneAt      *time.Time `bun:"done_at"`
	Reference   string     `bun:"reference,nullzero"` // of the payment, as the operator noted it
	OriginID    ID         `bun:"origin_id,nullzero"` // the statement of another account that it was received from; zero = its own (N12)
}

// StatementClosesAt returns when the figures of a month stand: on the fifth of the month after it, in UTC+8 (N03).
func StatementClosesAt(period BillingCycle) time.Time { return period.Ends().AddDate(0, 0, 4) }

// CanBecome reports whether a statement may move from s to next (4.2).
func (s StatementStatus) CanBecome(next StatementStatus) bool {
	switch s {
	case StatementEstimated:
		return next == StatementToConfirm
	case StatementToConfirm:
		return next == StatementIssuing || next == StatementTransferred
	case StatementIssuing:
		return next == StatementDone || next == StatementTransferred
	case StatementDone, StatementTransferred:
	}
	return false
}

// ReferenceOrNil returns Reference, or nil when it is empty.
func (s IncentiveStatement) ReferenceOrNil() *string { return orNil(s.Reference) }

// NodeID returns the id to page by.
func (s IncentiveStatement) NodeID() ID { return s.ID }

// IsNode marks the type as a GraphQL Node.
func (IncentiveStatement) IsNode() {}

// Total returns the incentive earned.
func (s IncentiveStatement) Total() Money { return NewMoney(s.TotalMinor, s.Currency) }

// Performance returns the settled cash consumption that it is computed from (N01).
func (s IncentiveStatement) Performance() Money { return NewMoney(s.PerformanceMinor, s.Currency) }

// IncentiveStatementConnection is a page of statements.
type IncentiveStatementConnection = Connection[IncentiveStatement]

// IncentiveStatementEdge is one of the statements and its position.
type IncentiveStatementEdge = Edge[IncentiveStatement]

// IncentiveLine explains one part of a statement: a service type's performance, the rate and what comes of it.
type IncentiveLine struct {
	bun.BaseModel `bun:"table:incentive_lines,alias:isl"`

	ID               ID              `bun:"id,pk"`
	StatementID      ID              `bun:"statement_id"`
	CustomerID       ID              `bun:"customer_id,nullzero"`
	ServiceType      string          `bun:"service_type"`
	Currency         Currency        `bun:"currency"`
	PerformanceMinor int64           `bun:"performance_minor"`
	Rate             decimal.Decimal `bun:"rate"` // a fraction: 0.08 is 8 per cent
	AmountMinor      int64           `bun:"amount_minor"`
	Reason           string          `bun:"reason,nullzero"` // why zero or negative (N11)

	ConsumptionMinor int64           `bun:"consumption_minor"` // paid with money, whether it counts or not
	Rule             PerformanceRule `bun:"rule"`
	PolicyID         ID              `bun:"policy_id,nullzero"`
	TierFromMinor    *int64          `bun:"tier_from_minor"` // the tier that was reached; nil = none
	CapMinor         *int64          `bun:"cap_minor"`       // of AmountMinor; nil = none
	Lines            int64           `bun:"lines"`           // how many performance lines it sums up
}

// NodeID returns the id to page by.
func (l IncentiveLine) NodeID() ID { return l.ID }

// Performance returns the consumption that counts.
func (l IncentiveLine) Performance() Money { return NewMoney(l.PerformanceMinor, l.Currency) }

// Consumption returns what customers paid with money, whether it counts or not.
func (l IncentiveLine) Consumption() Money { return NewMoney(l.ConsumptionMinor, l.Currency) }

// TierFrom returns the performance from which the rate holds, nil when no tier is reached.
func (l IncentiveLine) TierFrom() *Money { return l.moneyOrNil(l.TierFromMinor) }

// Cap returns the most that the line can bring, nil when there is no such bound.
func (l IncentiveLine) Cap() *Money { return l.moneyOrNil(l.CapMinor) }

func (l IncentiveLine) moneyOrNil(minor *int64) *Money {
	if minor == nil {
		return nil
	}
	money := NewMoney(*minor, l.Currency)
	return &money
}

// Amount returns the incentive of the line.
func (l IncentiveLine) Amount() Money { return NewMoney(l.AmountMinor, l.Currency) }

// IncentiveLineConnection is a page of lines.
type IncentiveLineConnection = Connection[IncentiveLine]

// IncentiveLineEdge is one of the lines and its position.
type IncentiveLineEdge = Edge[IncentiveLine]

// IncentiveAmountMinor returns performance times rate, rounded half away from zero once, in minor units.
func IncentiveAmountMinor(performanceMinor int64, rate decimal.Decimal) int64 {
	return decimal.NewFromInt(performanceMinor).Mul(rate).Round(0).IntPart()
}

// MarshalGQL writes the month as a JSON string.
func (c BillingCycle) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(c))) }

// UnmarshalGQL reads a month; anything else is INVALID.
func (c *BillingCycle) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return Invalid("billingCycle", "A billing cycle is a string such as \"2026-11\".")
	}
	parsed, err := ParseBillingCycle(s, "billingCycle")
	*c = parsed
	return err
}
