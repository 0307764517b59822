package models

import (
	"time"

	"github.com/uptrace/bun"
)

// settlementDays is how long what is due on account may stay unpaid before nothing more is sold on account: the day that it is due.
const settlementDays = 1

// SettlementLine is how much a customer may owe on account (O04). Who has one pays orders on account first.
type SettlementLine struct {
	bun.BaseModel `bun:"table:settlement_lines,alias:stl"`

	CustomerID ID         `bun:"customer_id,pk"`
	Currency   Currency   `bun:"currency"`
	LineMinor  int64      `bun:"line_minor"` // above zero
	Reason     string     `bun:"reason"`     // why it is so, for operators
	EndedAt    *time.Time `bun:"ended_at"`   // since when nothing more is sold on account; nil = it is in force
	CreatedAt  time.Time  `bun:"created_at"`
	UpdatedAt  time.Time  `bun:"updated_at"`
}

// SettlementStatus is how a month on account stands.
type SettlementStatus string

// The states of a month on account.
const (
	SettlementRunning SettlementStatus = "RUNNING" // the month is not over
	SettlementDue     SettlementStatus = "DUE"     // it is over, and today it is to be paid
	SettlementOverdue SettlementStatus = "OVERDUE" // it should have been paid: nothing is sold on account
	SettlementPaid    SettlementStatus = "PAID"    // nothing is open
)

// MonthlySettlement is what a customer bought on account in one month of UTC+8, and what became of it: Open = Charged - Refunded - Paid, and
// the open parts of a customer add up to what its account is below zero.
type MonthlySettlement struct {
	bun.BaseModel `bun:"table:monthly_settlements,alias:mst"`

	ID            ID           `bun:"id,pk"`
	CustomerID    ID           `bun:"customer_id"`
	Currency      Currency     `bun:"currency"`
	Cycle         BillingCycle `bun:"cycle"`
	ChargedMinor  int64        `bun:"charged_minor"`
	RefundedMinor int64        `bun:"refunded_minor"` // refunds that were taken off it
	PaidMinor     int64        `bun:"paid_minor"`     // from the balance
	OpenMinor     int64        `bun:"open_minor"`
	DueAt         time.Time    `bun:"due_at"`     // the first instant of the next month
	SettledAt     *time.Time   `bun:"settled_at"` // since when nothing is open; nil while something is
	CreatedAt     time.Time    `bun:"created_at"`
	UpdatedAt     time.Time    `bun:"updated_at"`

	// Status is how it stood when it was read; see StatusAt.
	Status SettlementStatus `bun:"-"`
}

// NodeID returns the id to page by.
func (m MonthlySettlement) NodeID() ID { return m.ID }

// IsNode marks the type as a GraphQL Node.
func (MonthlySettlement) IsNode() {}

// Charged returns what was bought on account in the month.
func (m MonthlySettlement) Charged() Money { return NewMoney(m.ChargedMinor, m.Currency) }

// Refunded returns what refunds took off it.
func (m MonthlySettlement) Refunded() Money { return NewMoney(m.RefundedMinor, m.Currency) }

// Paid returns what was paid of it from the balance.
func (m MonthlySettlement) Paid() Money { return NewMoney(m.PaidMinor, m.Currency) }

// Open returns what is still owed.
func (m MonthlySettlement) Open() Money { return NewMoney(m.OpenMinor, m.Currency) }

// DueBy reports whether something of the month is open and should be paid at now.
func (m MonthlySettlement) DueBy(now time.Time) bool { return m.OpenMinor > 0 && !now.Before(m.DueAt) }

// OverdueBy reports whether something of the month is open after the day that it was due.
func (m MonthlySettlement) OverdueBy(now time.Time) bool {
	return m.OpenMinor > 0 && !now.Before(m.DueAt.AddDate(0, 0, settlementDays))
}

// StatusAt returns how the month stands.
func (m MonthlySettlement) StatusAt(now time.Time) SettlementStatus {
	switch {
	case m.OverdueBy(now):
		return SettlementOverdue
	case m.DueBy(now):
		return SettlementDue
	case m.OpenMinor > 0:
		return SettlementRunning
	}
	return SettlementPaid
}

// Add books an amount into one of the month's figures and keeps Open and SettledAt true; false when that would leave one of them below zero.
func (m *MonthlySettlement) Add(figure *int64, minor int64, now time.Time) bool {
	*figure += minor
	m.OpenMinor = m.ChargedMinor - m.RefundedMinor - m.PaidMinor
	m.UpdatedAt = now
	switch {
	case m.OpenMinor > 0:
		m.SettledAt = nil
	case m.SettledAt == nil:
		m.SettledAt = &now
	}
	return *figure >= 0 && m.OpenMinor >= 0
}

// MonthlySettlementConnection is a page of months on account.
type MonthlySettlementConnection = Connection[MonthlySettlement]

// MonthlySettlementEdge is one of the months and its position.
type MonthlySettlementEdge = Edge[MonthlySettlement]

// SettlementAccount is how a customer stands on account at one moment.
type SettlementAccount struct {
	Line      Money // zero when the line has ended
	Used      Money // what is owed
	Available Money // what may be bought on account now: nothing while something is overdue
	Due       Money // what should be paid by now, Overdue included
	Overdue   Money
	DueAt     *time.Time // when the oldest open month is, or was, to be paid; nil = nothing is owed
	EndedAt   *time.Time // nil = the line is in force
}

// SettlementAccountOf adds up the open months of a customer.
func SettlementAccountOf(line SettlementLine, open []MonthlySettlement, now time.Time) SettlementAccount {
	var used, due, overdue, granted int64
	account := SettlementAccount{EndedAt: line.EndedAt}
	for _, month := range open {
		if month.Currency != line.Currency || month.OpenMinor == 0 {
			continue
		}
		used += month.OpenMinor
		if month.DueBy(now) {
			due += month.OpenMinor
		}
		if month.OverdueBy(now) {
			overdue += month.OpenMinor
		}
		if account.DueAt == nil || month.DueAt.Before(*account.DueAt) {
			account.DueAt = &month.DueAt
		}
	}
	if line.EndedAt == nil {
		granted = line.LineMinor
	}
	available := max(granted-used, 0)
	if overdue > 0 {
		available = 0
	}
	money := func(minor int64) Money { return NewMoney(minor, line.Currency) }
	account.Line, account.Used, account.Available, account.Due, account.Overdue = money(granted), money(used), money(available), money(due), money(overdue)
	return account
}

// Room returns what the line has left when nothing stands in its way: what is not available although it would be is blocked by what is overdue.
func (a SettlementAccount) Room() Money {
	return NewMoney(max(a.Line.Minor-a.Used.Minor, 0), a.Line.Currency)
}
