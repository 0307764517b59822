package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// StaffPaymentState is how far the payment of a quarter has come (N07, 4.2).
type StaffPaymentState string

// The states.
const (
	StaffPaymentRequested StaffPaymentState = "REQUESTED"
	StaffPaymentApproved  StaffPaymentState = "APPROVED" // the list is printed, then the invoice is entered and both are posted
	StaffPaymentAwaiting  StaffPaymentState = "AWAITING_VENDOR_PAYMENT"
	StaffPaymentPaid      StaffPaymentState = "PAID"
	StaffPaymentRejected  StaffPaymentState = "REJECTED"  // its months may be asked for again
	StaffPaymentWithdrawn StaffPaymentState = "WITHDRAWN" // the same, by the partner
)

// StaffPaymentStates returns every state, in a fixed order.
func StaffPaymentStates() []StaffPaymentState {
	return []StaffPaymentState{
		StaffPaymentRequested, StaffPaymentApproved, StaffPaymentAwaiting, StaffPaymentPaid, StaffPaymentRejected, StaffPaymentWithdrawn,
	}
}

// CanBecome reports whether a payment may move from s to next. What was approved may be withdrawn until it is posted.
func (s StaffPaymentState) CanBecome(next StaffPaymentState) bool {
	var to []StaffPaymentState
	switch s {
	case StaffPaymentRequested:
		to = []StaffPaymentState{StaffPaymentApproved, StaffPaymentRejected, StaffPaymentWithdrawn}
	case StaffPaymentApproved:
		to = []StaffPaymentState{StaffPaymentAwaiting, StaffPaymentWithdrawn}
	case StaffPaymentAwaiting:
		to = []StaffPaymentState{StaffPaymentPaid}
	case StaffPaymentPaid, StaffPaymentRejected, StaffPaymentWithdrawn:
	}
	return slices.Contains(to, next)
}

// Ended reports whether the payment has let its months go without having paid them.
func (s StaffPaymentState) Ended() bool {
	return s == StaffPaymentRejected || s == StaffPaymentWithdrawn
}

// StaffPayment is the request to pay the confirmed months of a quarter, once per scheme and quarter.
type StaffPayment struct {
	bun.BaseModel `bun:"table:staff_payments,alias:sfp"`

	ID            ID                `bun:"id,pk"`
	SchemeID      ID                `bun:"scheme_id"`
	PartnerID     ID                `bun:"partner_id"`
	Year          int               `bun:"year"`
	Quarter       int               `bun:"quarter"` // 1 to 4
	State         StaffPaymentState `bun:"state"`
	Method        PayoutMethod      `bun:"method"` // BANK_TRANSFER or ACCOUNT
	Currency      Currency          `bun:"currency"`
	Exact         decimal.Decimal   `bun:"exact"`        // what the months come to
	AmountMinor   int64             `bun:"amount_minor"` // the same, rounded once, half away from zero
	PrintedAt     *time.Time        `bun:"printed_at"`   // when the list was taken first; nil = not yet
	InvoiceNumber string            `bun:"invoice_number,nullzero"`
	Reference     string            `bun:"reference,nullzero"`   // of the payment, as the operator noted it
	TransferID    ID                `bun:"transfer_id,nullzero"` // that credited the bonus account
	Reason        string            `bun:"reason,nullzero"`      // why it was rejected, for the partner
	DecidedAt     *time.Time        `bun:"decided_at"`
	PaidAt        *time.Time        `bun:"paid_at"`
	CreatedAt     time.Time         `bun:"created_at"`
	UpdatedAt     time.Time         `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (p StaffPayment) NodeID() ID { return p.ID }

// IsNode marks the type as a GraphQL Node.
func (StaffPayment) IsNode() {}

// Amount is what is paid.
func (p StaffPayment) Amount() Money { return NewMoney(p.AmountMinor, p.Currency) }

// InvoiceNumberOrNil is nil before it was posted.
func (p StaffPayment) InvoiceNumberOrNil() *string { return orNil(p.InvoiceNumber) }

// ReferenceOrNil is nil before it was paid.
func (p StaffPayment) ReferenceOrNil() *string { return orNil(p.Reference) }

// TransferIDOrNil is nil before it was paid, and for a bank transfer.
func (p StaffPayment) TransferIDOrNil() *ID { return orNil(p.TransferID) }

// ReasonOrNil is nil unless it was rejected.
func (p StaffPayment) ReasonOrNil() *string { return orNil(p.Reason) }

// Become moves the payment to another state at now, or is PRECONDITION_FAILED with the reason STAFF_PAYMENT_STATE and the present state as a detail.
func (p *StaffPayment) Become(next StaffPaymentState, now time.Time) error {
	if !p.State.CanBecome(next) {
		refused := Precondition("STAFF_PAYMENT_STATE", "A payment that is "+string(p.State)+" cannot become "+string(next)+".")
		refused.Details["state"] = string(p.State)
		return refused
	}
	p.State, p.UpdatedAt = next, now
	switch next {
	case StaffPaymentApproved, StaffPaymentRejected:
		p.DecidedAt = &now
	case StaffPaymentPaid:
		p.PaidAt = &now
	case StaffPaymentRequested, StaffPaymentAwaiting, StaffPaymentWithdrawn:
	}
	return nil
}

// Post notes the invoice that goes with the printed list. Errors as Become; STAFF_LIST_NOT_PRINTED before the list was taken.
func (p *StaffPayment) Post(invoice string, now time.Time) error {
	if err := p.Become(StaffPaymentAwaiting, now); err != nil {
		return err
	}
	if p.PrintedAt == nil {
		return Precondition("STAFF_LIST_NOT_PRINTED", "The list is printed first; the invoice goes with it (N07).")
	}
	p.InvoiceNumber = invoice
	return nil
}

// StaffPaymentTotal adds the exact amounts of months up, and rounds the sum once.
func StaffPaymentTotal(months []StaffMonth, currency Currency) (exact decimal.Decimal, minor int64) {
	exact = decimal.Zero
	for _, month := range months {
		exact = exact.Add(month.Exact)
	}
	return exact, exact.Shift(currency.Scale()).Round(0).IntPart()
}

// StaffPaymentConnection is a page of payments.
type StaffPaymentConnection = Connection[StaffPayment]

// StaffPaymentEdge is one of the payments and its position.
type StaffPaymentEdge = Edge[StaffPayment]
