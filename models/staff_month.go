package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// StaffMonthState is where a person's month stands (N07).
type StaffMonthState string

// The states.
const (
	StaffMonthApplied   StaffMonthState = "APPLIED"
	StaffMonthConfirmed StaffMonthState = "CONFIRMED"
	StaffMonthRejected  StaffMonthState = "REJECTED"  // may be applied for again
	StaffMonthWithdrawn StaffMonthState = "WITHDRAWN" // by the partner, which may apply again
)

// StaffMonthStates returns every state, in a fixed order.
func StaffMonthStates() []StaffMonthState {
	return []StaffMonthState{StaffMonthApplied, StaffMonthConfirmed, StaffMonthRejected, StaffMonthWithdrawn}
}

// CanBecome reports whether a month may move from s to next.
func (s StaffMonthState) CanBecome(next StaffMonthState) bool {
	switch s {
	case StaffMonthApplied:
		return slices.Contains([]StaffMonthState{StaffMonthConfirmed, StaffMonthRejected, StaffMonthWithdrawn}, next)
	case StaffMonthRejected, StaffMonthWithdrawn:
		return next == StaffMonthApplied
	case StaffMonthConfirmed:
	}
	return false
}

// StaffMonth is what a person did in a month, as the partner says and an operator confirms. Its amount is exact: days x day rate x share of the
// criteria that were met; only the payment of a quarter is rounded.
type StaffMonth struct {
	bun.BaseModel `bun:"table:staff_months,alias:sft"`

	ID        ID              `bun:"id,pk"`
	SchemeID  ID              `bun:"scheme_id"`
	PartnerID ID              `bun:"partner_id"`
	MemberID  ID              `bun:"member_id"`
	IDBlind   string          `bun:"id_blind" json:"-"` // the person's: a month of a person is paid under one scheme
	Month     BillingCycle    `bun:"month"`
	State     StaffMonthState `bun:"state"`
	Currency  Currency        `bun:"currency"`
	Days      decimal.Decimal `bun:"days"` // more than zero, halves
	Met       []string        `bun:"met,type:jsonb"`
	DayRate   decimal.Decimal `bun:"day_rate"` // of the role when it was applied for
	Exact     decimal.Decimal `bun:"exact"`    // in the currency, not rounded
	PaymentID ID              `bun:"payment_id,nullzero"`
	Reason    string          `bun:"reason,nullzero"` // why it was rejected, for the partner
	DecidedAt *time.Time      `bun:"decided_at"`
	CreatedAt time.Time       `bun:"created_at"`
	UpdatedAt time.Time       `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (m StaffMonth) NodeID() ID { return m.ID }

// ReasonOrNil is nil unless it was rejected.
func (m StaffMonth) ReasonOrNil() *string { return orNil(m.Reason) }

// Become moves the month to another state at now, or is PRECONDITION_FAILED with the reason STAFF_MONTH_STATE and the present state as a detail.
func (m *StaffMonth) Become(next StaffMonthState, now time.Time) error {
	if !m.State.CanBecome(next) {
		refused := Precondition("STAFF_MONTH_STATE", "A month that is "+string(m.State)+" cannot become "+string(next)+".")
		refused.Details["state"] = string(m.State)
		return refused
	}
	m.State, m.UpdatedAt, m.Reason, m.DecidedAt = next, now, "", nil
	if next == StaffMonthConfirmed || next == StaffMonthRejected {
		m.DecidedAt = &now
	}
	return nil
}

// StaffAmount is what a month is worth, exactly.
func StaffAmount(days, dayRate, share decimal.Decimal) decimal.Decimal {
	return days.Mul(dayRate).Mul(share)
}

// StaffMonthConnection is a page of months.
type StaffMonthConnection = Connection[StaffMonth]

// StaffMonthEdge is one of the months and its position.
type StaffMonthEdge = Edge[StaffMonth]
