package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// WithdrawalRoute says how money leaves (M10).
type WithdrawalRoute string

// The routes. The first two take from the cash balance, the last from the bonus account, which holds rebates (M01).
const (
	OriginalRoute   WithdrawalRoute = "ORIGINAL_ROUTE"   // back the way it was recharged
	BankCardRoute   WithdrawalRoute = "BANK_CARD"        // what has no original route, or no longer has one (M11)
	IncentiveRebate WithdrawalRoute = "INCENTIVE_REBATE" // a partner's incentives, to a bank card
)

// WithdrawalRoutes returns every route there is, in a fixed order.
func WithdrawalRoutes() []WithdrawalRoute {
	return []WithdrawalRoute{OriginalRoute, BankCardRoute, IncentiveRebate}
}

// Valid reports whether r is one of WithdrawalRoutes.
func (r WithdrawalRoute) Valid() bool { return slices.Contains(WithdrawalRoutes(), r) }

// NeedsCard reports whether the owner has to say which bank card the money goes to.
func (r WithdrawalRoute) NeedsCard() bool { return r == BankCardRoute || r == IncentiveRebate }

// Account is the kind of account that the route takes from.
func (r WithdrawalRoute) Account() AccountKind {
	if r == IncentiveRebate {
		return AccountBonus
	}
	return AccountBalance
}

// WithdrawalState is how far a withdrawal has come (4.2). The vendor's draft is a form that nobody has sent: it is no state.
type WithdrawalState string

// The states of a withdrawal.
const (
	WithdrawalSubmitted      WithdrawalState = "SUBMITTED"
	WithdrawalReviewing      WithdrawalState = "REVIEWING"
	WithdrawalRejected       WithdrawalState = "REJECTED"
	WithdrawalApproved       WithdrawalState = "APPROVED"
	WithdrawalPaying         WithdrawalState = "PAYING"
	WithdrawalDone           WithdrawalState = "DONE"
	WithdrawalFailedOriginal WithdrawalState = "FAILED_ORIGINAL_ROUTE"
	WithdrawalCancelled      WithdrawalState = "CANCELLED"
)

// WithdrawalStates returns every state there is, in a fixed order.
func WithdrawalStates() []WithdrawalState {
	return []WithdrawalState{
		WithdrawalSubmitted, WithdrawalReviewing, WithdrawalRejected, WithdrawalApproved, WithdrawalPaying, WithdrawalDone,
		WithdrawalFailedOriginal, WithdrawalCancelled,
	}
}

// WithdrawalsInFlight returns the states in which money is held. An owner has at most one withdrawal in any of them (M10).
func WithdrawalsInFlight() []WithdrawalState {
	return []WithdrawalState{WithdrawalSubmitted, WithdrawalReviewing, WithdrawalApproved, WithdrawalPaying}
}

// InFlight reports whether money is held in this state.
func (s WithdrawalState) InFlight() bool { return slices.Contains(WithdrawalsInFlight(), s) }

// CanBecome reports whether a withdrawal may move from s to next (4.2). Its owner may cancel it until somebody reviews it;
// one that did not get through by the original route may be submitted again to a bank card.
func (s WithdrawalState) CanBecome(next WithdrawalState) bool {
	var to []WithdrawalState
	switch s {
	case WithdrawalSubmitted:
		to = []WithdrawalState{WithdrawalReviewing, WithdrawalCancelled}
	case WithdrawalReviewing:
		to = []WithdrawalState{WithdrawalApproved, WithdrawalRejected}
	case WithdrawalApproved:
		to = []WithdrawalState{WithdrawalPaying}
	case WithdrawalPaying:
		to = []WithdrawalState{WithdrawalDone, WithdrawalFailedOriginal, WithdrawalRejected}
	case WithdrawalFailedOriginal:
		to = []WithdrawalState{WithdrawalSubmitted}
	}
	return slices.Contains(to, next)
}

// WithdrawalRejection says why an operator sent a withdrawal back.
type WithdrawalRejection string

// The codes of rejection.
const (
	RejectedBankDetails  WithdrawalRejection = "BANK_DETAILS_WRONG"
	RejectedDocuments    WithdrawalRejection = "DOCUMENTS_MISSING"
	RejectedContract     WithdrawalRejection = "CONTRACT"
	RejectedPayoutFailed WithdrawalRejection = "PAYOUT_FAILED" // the bank sent the money back; set by the failure itself
	RejectedOther        WithdrawalRejection = "OTHER"
)

// Givable reports whether a reviewer may give this code.
func (r WithdrawalRejection) Givable() bool {
	return slices.Contains([]WithdrawalRejection{RejectedBankDetails, RejectedDocuments, RejectedContract, RejectedOther}, r)
}

// WithdrawalDecision is what a reviewer does with a withdrawal.
type WithdrawalDecision string

// The decisions.
const (
	StartReview   WithdrawalDecision = "START"
	ApproveReview WithdrawalDecision = "APPROVE"
	RejectReview  WithdrawalDecision = "REJECT"
)

// Next returns the state that the decision leads to, or "" for a decision that there is not.
func (d WithdrawalDecision) Next() WithdrawalState {
	switch d {
	case StartReview:
		return WithdrawalReviewing
	case ApproveReview:
		return WithdrawalApproved
	case RejectReview:
		return WithdrawalRejected
	}
	return ""
}

// Withdrawal is a request to pay money out to its owner, a partner or a customer. While it is in flight the amount is held
// in AccountID; when it is done, TransferID took it out. The card is sealed; JSON never carries it, so that neither an
// idempotency key's stored answer nor a log does.
type Withdrawal struct {
	bun.BaseModel `bun:"table:withdrawals,alias:wd"`

	ID            ID                  `bun:"id,pk"`
	Cloud         string              `bun:"cloud"` // whose outside world gets the money
	OwnerKind     OwnerKind           `bun:"owner_kind"`
	OwnerID       ID                  `bun:"owner_id"`
	Route         WithdrawalRoute     `bun:"route"`
	State         WithdrawalState     `bun:"state"`
	Currency      Currency            `bun:"currency"`
	AmountMinor   int64               `bun:"amount_minor"`
	AccountID     ID                  `bun:"account_id"`
	HoldID        ID                  `bun:"hold_id"`              // of the latest submission
	TransferID    ID                  `bun:"transfer_id,nullzero"` // set when done
	CardLastFour  string              `bun:"card_last_four,nullzero"`
	CardSealed    []byte              `bun:"card_sealed" json:"-"`
	RejectionCode WithdrawalRejection `bun:"rejection_code,nullzero"`
	ReasonText    string              `bun:"reason_text,nullzero"`    // why it was rejected or failed, for people
	BankReference string              `bun:"bank_reference,nullzero"` // the bank's name for the payout
	CreatedAt     time.Time           `bun:"created_at"`
	SubmittedAt   time.Time           `bun:"submitted_at"` // the latest submission
	FailedAt      *time.Time          `bun:"failed_at"`    // when the original route failed; kept when it goes on to a card
	EndedAt       *time.Time          `bun:"ended_at"`     // done, rejected, failed or cancelled
	UpdatedAt     time.Time           `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (w Withdrawal) NodeID() ID { return w.ID }

// IsNode marks the type as a GraphQL Node.
func (Withdrawal) IsNode() {}

// Amount returns what is to be paid out.
func (w Withdrawal) Amount() Money { return NewMoney(w.AmountMinor, w.Currency) }

// PartnerID returns the partner that owns the money, or zero.
func (w Withdrawal) PartnerID() ID {
	if w.OwnerKind == OwnerPartner {
		return w.OwnerID
	}
	return ""
}

// CustomerID returns the customer that owns the money, or zero.
func (w Withdrawal) CustomerID() ID {
	if w.OwnerKind == OwnerCustomer {
		return w.OwnerID
	}
	return ""
}

// Become moves the withdrawal to another state at now, or is PRECONDITION_FAILED with the reason WITHDRAWAL_STATE and the
// present state as a detail.
func (w *Withdrawal) Become(next WithdrawalState, now time.Time) error {
	if !w.State.CanBecome(next) {
		return w.misplaced("cannot become " + string(next))
	}
	w.State, w.UpdatedAt, w.EndedAt = next, now, nil
	if !next.InFlight() {
		w.EndedAt = &now
	}
	return nil
}

// Reject ends the review with a code and a text for the owner. Errors as Become.
func (w *Withdrawal) Reject(code WithdrawalRejection, text string, now time.Time) error {
	if w.State != WithdrawalReviewing { // a payout becomes REJECTED too, but by failing only
		return w.misplaced("cannot be rejected")
	}
	w.RejectionCode, w.ReasonText = code, text
	return w.Become(WithdrawalRejected, now)
}

// Fail is what a payout that did not get through makes of the withdrawal: by the original route the money may go to a bank
// card next (M11); from a bank card there is no further way, and the owner has to ask again. Errors as Become.
func (w *Withdrawal) Fail(text string, now time.Time) error {
	if w.State != WithdrawalPaying {
		return w.misplaced("cannot fail")
	}
	w.ReasonText = text
	if w.Route == OriginalRoute {
		w.FailedAt = &now
		return w.Become(WithdrawalFailedOriginal, now)
	}
	w.RejectionCode = RejectedPayoutFailed
	return w.Become(WithdrawalRejected, now)
}

func (w *Withdrawal) misplaced(what string) error {
	refused := Precondition("WITHDRAWAL_STATE", "A withdrawal that is "+string(w.State)+" "+what+".")
	refused.Details["state"] = string(w.State)
	return refused
}

// CardLastFourOrNil returns CardLastFour, or nil when it is empty.
func (w Withdrawal) CardLastFourOrNil() *string { return orNil(w.CardLastFour) }

// ReasonTextOrNil returns ReasonText, or nil when it is empty.
func (w Withdrawal) ReasonTextOrNil() *string { return orNil(w.ReasonText) }

// BankReferenceOrNil returns BankReference, or nil when it is empty.
func (w Withdrawal) BankReferenceOrNil() *string { return orNil(w.BankReference) }

// RejectionCodeOrNil returns RejectionCode, or nil when it is empty.
func (w Withdrawal) RejectionCodeOrNil() *WithdrawalRejection {
	if w.RejectionCode == "" {
		return nil
	}
	return &w.RejectionCode
}

// WithdrawalConnection is a page of withdrawals.
type WithdrawalConnection = Connection[Withdrawal]

// WithdrawalEdge is one of the withdrawals and its position.
type WithdrawalEdge = Edge[Withdrawal]
