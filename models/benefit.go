package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// BenefitKind is what a partner applies for (4.1).
type BenefitKind string

// The kinds.
const (
	BenefitUplift      BenefitKind = "CAPABILITY_UPLIFT" // N05
	BenefitMDF         BenefitKind = "MDF"               // N09
	BenefitOpportunity BenefitKind = "PO_INCENTIVE"      // N10
)

// BenefitStatus is where an application stands (4.2).
type BenefitStatus string

// The states. Which kind knows which follows from BenefitMoves.
const (
	BenefitDraft      BenefitStatus = "DRAFT"
	BenefitApplied    BenefitStatus = "APPLIED"
	BenefitReviewing  BenefitStatus = "REVIEWING"
	BenefitApproved   BenefitStatus = "APPROVED"
	BenefitRejected   BenefitStatus = "REJECTED"
	BenefitWithdrawn  BenefitStatus = "WITHDRAWN"
	BenefitDeleted    BenefitStatus = "DELETED"
	BenefitLapsed     BenefitStatus = "LAPSED"
	BenefitProving    BenefitStatus = "PROOF_REVIEWING"
	BenefitPublicised BenefitStatus = "PUBLICISED"
	BenefitInvoiced   BenefitStatus = "INVOICED" // the list is printed, and the invoice's number is known
	BenefitAwaiting   BenefitStatus = "AWAITING_PAYMENT"
	BenefitPaid       BenefitStatus = "PAID"
)

// BenefitStatuses returns every state, in a fixed order.
func BenefitStatuses() []BenefitStatus {
	return []BenefitStatus{
		BenefitDraft, BenefitApplied, BenefitReviewing, BenefitApproved, BenefitRejected, BenefitWithdrawn, BenefitDeleted, BenefitLapsed,
		BenefitProving, BenefitPublicised, BenefitInvoiced, BenefitAwaiting, BenefitPaid,
	}
}

// BenefitMove is what brings an application from one state to the next.
type BenefitMove string

// The moves.
const (
	MoveSubmit        BenefitMove = "SUBMIT"
	MoveStartReview   BenefitMove = "START_REVIEW"
	MoveApprove       BenefitMove = "APPROVE"
	MoveReject        BenefitMove = "REJECT"
	MoveWithdraw      BenefitMove = "WITHDRAW"
	MoveEdit          BenefitMove = "EDIT"
	MoveDelete        BenefitMove = "DELETE"
	MoveLapse         BenefitMove = "LAPSE"
	MoveProve         BenefitMove = "PROVE"
	MoveAcceptProof   BenefitMove = "ACCEPT_PROOF"
	MoveRefuseProof   BenefitMove = "REFUSE_PROOF"
	MoveEndPublicity  BenefitMove = "END_PUBLICITY"
	MoveInvoice       BenefitMove = "INVOICE"
	MoveAcceptInvoice BenefitMove = "ACCEPT_INVOICE"
	MovePay           BenefitMove = "PAY"
)

// BenefitMoves returns every move, in a fixed order.
func BenefitMoves() []BenefitMove {
	return []BenefitMove{
		MoveSubmit, MoveStartReview, MoveApprove, MoveReject, MoveWithdraw, MoveEdit, MoveDelete, MoveLapse, MoveProve, MoveAcceptProof, MoveRefuseProof,
		MoveEndPublicity, MoveInvoice, MoveAcceptInvoice, MovePay,
	}
}

// benefitStep is where a move leads to, and from where.
type benefitStep struct {
	move BenefitMove
	from []BenefitStatus
	to   BenefitStatus
}

// benefitSteps is the table of moves of each kind (4.2, N05, N09, N10).
func benefitSteps(kind BenefitKind) []benefitStep {
	in := func(all ...BenefitStatus) []BenefitStatus { return all }
	switch kind {
	case BenefitUplift:
		return []benefitStep{
			{MoveEdit, in(BenefitDraft), BenefitDraft}, {MoveSubmit, in(BenefitDraft), BenefitApplied}, {MoveDelete, in(BenefitDraft), BenefitDeleted},
			{MoveLapse, in(BenefitDraft), BenefitLapsed}, {MoveStartReview, in(BenefitApplied), BenefitReviewing},
			{MoveApprove, in(BenefitReviewing), BenefitApproved}, {MoveReject, in(BenefitReviewing), BenefitRejected},
			{MoveInvoice, in(BenefitApproved), BenefitInvoiced}, {MoveAcceptInvoice, in(BenefitInvoiced), BenefitAwaiting},
			{MovePay, in(BenefitAwaiting), BenefitPaid},
		}
	case BenefitMDF:
		return []benefitStep{
			{MoveApprove, in(BenefitReviewing), BenefitApproved}, {MoveReject, in(BenefitReviewing), BenefitRejected},
			{MoveWithdraw, in(BenefitReviewing, BenefitApproved), BenefitWithdrawn}, {MoveEdit, in(BenefitWithdrawn), BenefitWithdrawn},
			{MoveDelete, in(BenefitWithdrawn), BenefitDeleted}, {MoveSubmit, in(BenefitWithdrawn), BenefitReviewing},
			{MoveProve, in(BenefitApproved), BenefitProving}, {MoveAcceptProof, in(BenefitProving), BenefitAwaiting},
			{MoveRefuseProof, in(BenefitProving), BenefitApproved}, {MovePay, in(BenefitAwaiting), BenefitPaid},
		}
	case BenefitOpportunity:
		return []benefitStep{
			{MoveApprove, in(BenefitReviewing), BenefitPublicised}, {MoveReject, in(BenefitReviewing, BenefitPublicised), BenefitRejected},
			{MoveEndPublicity, in(BenefitPublicised), BenefitAwaiting}, {MovePay, in(BenefitAwaiting), BenefitPaid},
		}
	}
	return nil
}

// ErrBenefitMove refuses a move that applications of the kind do not know.
var ErrBenefitMove = Precondition("BENEFIT_KIND", "Applications of this kind have no such step.")

// benefitRefusals say why a move cannot be made from a state.
func benefitRefusals() map[BenefitStatus]*Error {
	return map[BenefitStatus]*Error{
		BenefitDraft:      Precondition("BENEFIT_DRAFT", "The application is a draft."),
		BenefitApplied:    Precondition("BENEFIT_APPLIED", "The application was submitted, and its review has not begun."),
		BenefitReviewing:  Precondition("BENEFIT_REVIEWING", "The application is under review."),
		BenefitApproved:   Precondition("BENEFIT_APPROVED", "The application was approved."),
		BenefitRejected:   Precondition("BENEFIT_REJECTED", "The application was rejected."),
		BenefitWithdrawn:  Precondition("BENEFIT_WITHDRAWN", "The application was withdrawn."),
		BenefitDeleted:    Precondition("BENEFIT_DELETED", "The application was deleted."),
		BenefitLapsed:     Precondition("BENEFIT_LAPSED", "The application has lapsed with the year (N05)."),
		BenefitProving:    Precondition("BENEFIT_PROOF_REVIEWING", "The proof is under review."),
		BenefitPublicised: Precondition("BENEFIT_PUBLICISED", "The application is publicised."),
		BenefitInvoiced:   Precondition("BENEFIT_INVOICED", "The invoice was sent and not accepted yet."),
		BenefitAwaiting:   Precondition("BENEFIT_AWAITING_PAYMENT", "The application waits for its payment."),
		BenefitPaid:       Precondition("BENEFIT_PAID", "The application was paid."),
	}
}

// BenefitApplication is what a partner asks of one benefit, and what has come of it. What kinds do not share is in Details.
type BenefitApplication struct {
	bun.BaseModel `bun:"table:benefit_applications,alias:bap"`

	ID            ID             `bun:"id,pk"`
	PartnerID     ID             `bun:"partner_id"`
	Kind          BenefitKind    `bun:"kind"`
	Status        BenefitStatus  `bun:"status"`
	Year          int            `bun:"year"`    // whose budget or right it uses, in UTC+8
	Subject       string         `bun:"subject"` // what there is one application for: the tag's code, the PO's number; the id for MDF
	Currency      Currency       `bun:"currency"`
	AmountMinor   int64          `bun:"amount_minor"`   // asked for; 0 where the cloud says how much
	ApprovedMinor *int64         `bun:"approved_minor"` // nil before
	Details       BenefitDetails `bun:"details,type:jsonb"`
	Opinion       string         `bun:"opinion,nullzero"`        // of whoever refused it or its proof, for the partner
	InvoiceNumber string         `bun:"invoice_number,nullzero"` // of the partner's invoice
	Reference     string         `bun:"reference,nullzero"`      // of the payment, as the operator noted it
	ReviewDueAt   *time.Time     `bun:"review_due_at"`           // until when the first review is due (N10); nil = no such promise
	SubmittedAt   *time.Time     `bun:"submitted_at"`            // nil while it is a draft
	DecidedAt     *time.Time     `bun:"decided_at"`              // when it was first approved or rejected
	PaidAt        *time.Time     `bun:"paid_at"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
}

// BenefitDetails has what one kind alone has; exactly one is set.
type BenefitDetails struct {
	Uplift      *CapabilityUplift     `json:"uplift,omitempty"`
	MDF         *MarketFundUse        `json:"mdf,omitempty"`
	Opportunity *OpportunityIncentive `json:"opportunity,omitempty"`
}

// UpliftForm is what the capability-uplift incentive is taken as (N05).
type UpliftForm string

// The forms.
const (
	UpliftTraining UpliftForm = "TRAINING"
	UpliftExam     UpliftForm = "EXAM_VOUCHER"
	UpliftCash     UpliftForm = "CASH"
)

// Valid reports whether f is one of the forms.
func (f UpliftForm) Valid() bool { return f == UpliftTraining || f == UpliftExam || f == UpliftCash }

// CapabilityUplift is what an application for the capability-uplift incentive says.
type CapabilityUplift struct {
	TagCode string     `json:"tagCode"`
	Form    UpliftForm `json:"form"`
}

// MarketFundUse is what money of the market development fund is to be used for (N09).
type MarketFundUse struct {
	Purpose string         `json:"purpose"`
	From    Date           `json:"from"`
	Until   Date           `json:"until"` // inclusive
	Proofs  []BenefitProof `json:"proofs,omitempty"`
}

// BenefitProof is a file that shows that money was used as it was to be.
type BenefitProof struct {
	UploadID    ID     `json:"uploadId"`
	ContentType string `json:"contentType"`
	Extension   string `json:"extension"` // without the dot
	Size        int64  `json:"size"`      // in bytes
	Digest      string `json:"digest"`    // SHA-256 in hex
}

// BenefitOrder is an order of an opportunity; it is in one only (N10).
type BenefitOrder struct {
	bun.BaseModel `bun:"table:benefit_orders,alias:bor"`

	OrderID       ID `bun:"order_id,pk"`
	ApplicationID ID `bun:"application_id"`
}

// OpportunityIncentive is the opportunity that an incentive is asked for (N10).
type OpportunityIncentive struct {
	PONumber string `json:"poNumber"`
}

// NodeID returns the id to page by.
func (a BenefitApplication) NodeID() ID { return a.ID }

// IsNode marks the type as a GraphQL Node.
func (BenefitApplication) IsNode() {}

// Amount is what is asked for, nil where the cloud says how much.
func (a BenefitApplication) Amount() *Money {
	if a.AmountMinor == 0 {
		return nil
	}
	money := NewMoney(a.AmountMinor, a.Currency)
	return &money
}

// Approved is what was approved, nil before or where it is not money.
func (a BenefitApplication) Approved() *Money {
	if a.ApprovedMinor == nil {
		return nil
	}
	money := NewMoney(*a.ApprovedMinor, a.Currency)
	return &money
}

// Uplift is nil for other kinds.
func (a BenefitApplication) Uplift() *CapabilityUplift { return a.Details.Uplift }

// MDF is nil for other kinds.
func (a BenefitApplication) MDF() *MarketFundUse { return a.Details.MDF }

// Opportunity is nil for other kinds.
func (a BenefitApplication) Opportunity() *OpportunityIncentive { return a.Details.Opportunity }

// OpinionOrNil is nil when there is none.
func (a BenefitApplication) OpinionOrNil() *string { return orNil(a.Opinion) }

// InvoiceNumberOrNil is nil before the invoice.
func (a BenefitApplication) InvoiceNumberOrNil() *string { return orNil(a.InvoiceNumber) }

// ReferenceOrNil is nil before the payment.
func (a BenefitApplication) ReferenceOrNil() *string { return orNil(a.Reference) }

// Move makes a move and returns the state before it. It is PRECONDITION_FAILED with the reason BENEFIT_KIND where the kind knows no such move,
// and BENEFIT_ with the present state where it does not lead on from there.
func (a *BenefitApplication) Move(move BenefitMove, now time.Time) (before BenefitStatus, err error) {
	for _, step := range benefitSteps(a.Kind) {
		if step.move != move {
			continue
		}
		if !slices.Contains(step.from, a.Status) {
			return a.Status, benefitRefusals()[a.Status]
		}
		before = a.Status
		a.Status, a.UpdatedAt = step.to, now
		switch move {
		case MoveSubmit:
			a.SubmittedAt = &now
		case MoveApprove, MoveReject:
			if a.DecidedAt == nil {
				a.DecidedAt = &now
			}
		case MoveWithdraw: // what comes next is another request
			a.DecidedAt, a.ApprovedMinor, a.Opinion = nil, nil, ""
		case MovePay:
			a.PaidAt = &now
		case MoveStartReview, MoveEdit, MoveDelete, MoveLapse, MoveProve, MoveAcceptProof, MoveRefuseProof, MoveEndPublicity, MoveInvoice, MoveAcceptInvoice:
		}
		return before, nil
	}
	return a.Status, ErrBenefitMove
}

// BenefitApplicationConnection is a page of applications.
type BenefitApplicationConnection = Connection[BenefitApplication]

// BenefitApplicationEdge is one of the applications and its position.
type BenefitApplicationEdge = Edge[BenefitApplication]

// WorkingDaysAfter is the moment that lies so many working days, Monday to Friday in UTC+8, after another one (N10). Holidays are not known here.
func WorkingDaysAfter(at time.Time, days int) time.Time {
	due := at.In(time.FixedZone("UTC+8", 8*60*60))
	for days > 0 {
		due = due.AddDate(0, 0, 1)
		if day := due.Weekday(); day != time.Saturday && day != time.Sunday {
			days--
		}
	}
	return due.UTC()
}
