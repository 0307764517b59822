package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// MaxWrongConfirmations is how many wrong amounts lock a certification until an operator unlocks it (M13).
const MaxWrongConfirmations = 3

// MaxTestAmountMinor is the most that an operator sends to try a bank account, in minor units.
const MaxTestAmountMinor = 999

// CertificationState is how far the certification of a partner's commercial information has come (M13).
type CertificationState string

// The states of a certification.
const (
	CertificationReviewing  CertificationState = "REVIEWING"  // an operator looks at it
	CertificationConfirming CertificationState = "CONFIRMING" // a small amount was sent; the partner says how much arrived
	CertificationLocked     CertificationState = "LOCKED"     // three wrong amounts
	CertificationCertified  CertificationState = "CERTIFIED"
	CertificationRejected   CertificationState = "REJECTED"
	CertificationReplaced   CertificationState = "REPLACED" // the partner has changed what it says
)

// CertificationStates returns every state there is, in a fixed order.
func CertificationStates() []CertificationState {
	return []CertificationState{
		CertificationReviewing, CertificationConfirming, CertificationLocked, CertificationCertified, CertificationRejected, CertificationReplaced,
	}
}

// Living reports whether the certification is the partner's present one. A partner has at most one.
func (s CertificationState) Living() bool {
	return s != CertificationRejected && s != CertificationReplaced
}

// CanBecome reports whether a certification may move from s to next (M13). An operator may reject whatever lives: also what is certified,
// when the bank account turns out not to be the partner's.
func (s CertificationState) CanBecome(next CertificationState) bool {
	var to []CertificationState
	switch s {
	case CertificationReviewing:
		to = []CertificationState{CertificationConfirming, CertificationRejected}
	case CertificationConfirming:
		to = []CertificationState{CertificationCertified, CertificationLocked, CertificationRejected}
	case CertificationLocked:
		to = []CertificationState{CertificationConfirming, CertificationRejected}
	case CertificationCertified:
		to = []CertificationState{CertificationReplaced, CertificationRejected}
	case CertificationRejected, CertificationReplaced:
	}
	return slices.Contains(to, next)
}

// CertificationRejection says why an operator sent a certification back.
type CertificationRejection string

// The codes of rejection.
const (
	CertificationBankDetails CertificationRejection = "BANK_DETAILS_WRONG"
	CertificationLetter      CertificationRejection = "BANK_LETTER_UNFIT"
	CertificationTaxRate     CertificationRejection = "TAX_RATE_WRONG"
	CertificationOther       CertificationRejection = "OTHER"
)

// Valid reports whether r is one of the codes.
func (r CertificationRejection) Valid() bool {
	return slices.Contains([]CertificationRejection{CertificationBankDetails, CertificationLetter, CertificationTaxRate, CertificationOther}, r)
}

// CommercialCertification is what a partner says of its taxes and its bank account, and what became of it: money is paid out to what is
// CERTIFIED (M13). A change is a certification of its own. Bank account and test amount are sealed; JSON carries neither.
type CommercialCertification struct {
	bun.BaseModel `bun:"table:commercial_certifications,alias:ccf"`

	ID                 ID                     `bun:"id,pk"`
	PartnerID          ID                     `bun:"partner_id"`
	State              CertificationState     `bun:"state"`
	TaxRate            decimal.Decimal        `bun:"tax_rate"` // a fraction, 0 to less than 1: 0.06 is 6 per cent
	Currency           Currency               `bun:"currency"`
	CardLastFour       string                 `bun:"card_last_four"`
	CardSealed         []byte                 `bun:"card_sealed" json:"-"`
	LetterID           ID                     `bun:"letter_id"`            // the upload
	LetterType         string                 `bun:"letter_type"`          // its content type, as it was judged
	LetterExtension    string                 `bun:"letter_ending"`        // without the dot
	LetterDigest       string                 `bun:"letter_digest"`        // SHA-256 in hex
	TestSealed         []byte                 `bun:"test_sealed" json:"-"` // the amount that was sent, in minor units; nil = none yet
	WrongConfirmations int                    `bun:"wrong_confirmations"`  // since it was approved or unlocked last
	RejectionCode      CertificationRejection `bun:"rejection_code,nullzero"`
	ReasonText         string                 `bun:"reason_text,nullzero"` // why it was rejected, for people
	CreatedAt          time.Time              `bun:"created_at"`
	ApprovedAt         *time.Time             `bun:"approved_at"`
	CertifiedAt        *time.Time             `bun:"certified_at"`
	EndedAt            *time.Time             `bun:"ended_at"` // rejected or replaced
	UpdatedAt          time.Time              `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (c CommercialCertification) NodeID() ID { return c.ID }

// IsNode marks the type as a GraphQL Node.
func (CommercialCertification) IsNode() {}

// RejectionCodeOrNil returns RejectionCode, or nil when it is empty.
func (c CommercialCertification) RejectionCodeOrNil() *CertificationRejection {
	if c.RejectionCode == "" {
		return nil
	}
	return &c.RejectionCode
}

// ReasonTextOrNil returns ReasonText, or nil when it is empty.
func (c CommercialCertification) ReasonTextOrNil() *string { return orNil(c.ReasonText) }

// become moves the certification to another state at now, or is PRECONDITION_FAILED with the reason CERTIFICATION_STATE and the present
// state as a detail.
func (c *CommercialCertification) become(next CertificationState, now time.Time) error {
	if !c.State.CanBecome(next) {
		return c.misplaced("cannot become " + string(next))
	}
	c.State, c.UpdatedAt = next, now
	if !next.Living() {
		c.EndedAt = &now
	}
	return nil
}

func (c *CommercialCertification) misplaced(what string) error {
	refused := Precondition("CERTIFICATION_STATE", "A certification that is "+string(c.State)+" "+what+".")
	refused.Details["state"] = string(c.State)
	return refused
}

// Approve notes that the small amount is on its way. Errors as CanBecome says: CERTIFICATION_STATE.
func (c *CommercialCertification) Approve(now time.Time) error {
	if c.State != CertificationReviewing { // unlocking leads there too
		return c.misplaced("cannot be approved")
	}
	c.ApprovedAt = &now
	return c.become(CertificationConfirming, now)
}

// Reject ends it with a code and a text for the partner. CERTIFICATION_STATE for one that has ended.
func (c *CommercialCertification) Reject(code CertificationRejection, text string, now time.Time) error {
	if err := c.become(CertificationRejected, now); err != nil {
		return err
	}
	c.RejectionCode, c.ReasonText = code, text
	return nil
}

// Confirm takes the partner's word for the amount that arrived: right certifies, the third wrong one locks. CERTIFICATION_LOCKED when it is
// locked already, CERTIFICATION_STATE when nothing is to be confirmed.
func (c *CommercialCertification) Confirm(right bool, now time.Time) error {
	switch {
	case c.State == CertificationLocked:
		return Precondition("CERTIFICATION_LOCKED", "Three wrong amounts have locked the certification until an operator unlocks it (M13).")
	case c.State != CertificationConfirming:
		return c.misplaced("has no amount to confirm")
	case right:
		c.CertifiedAt, c.WrongConfirmations = &now, 0
		return c.become(CertificationCertified, now)
	}
	c.WrongConfirmations++
	c.UpdatedAt = now
	if c.WrongConfirmations >= MaxWrongConfirmations {
		return c.become(CertificationLocked, now)
	}
	return nil
}

// Unlock lets the partner try again. CERTIFICATION_STATE when it is not locked.
func (c *CommercialCertification) Unlock(now time.Time) error {
	if c.State != CertificationLocked {
		return c.misplaced("is not locked")
	}
	c.WrongConfirmations = 0
	return c.become(CertificationConfirming, now)
}

// Replace ends what was certified because the partner says something else now. PRECONDITION_FAILED with CERTIFICATION_PENDING while an
// operator or the partner has still to decide, CERTIFICATION_LOCKED when it is locked.
func (c *CommercialCertification) Replace(now time.Time) error {
	switch c.State {
	case CertificationLocked:
		return Precondition("CERTIFICATION_LOCKED", "Three wrong amounts have locked the certification until an operator unlocks it (M13).")
	case CertificationReviewing, CertificationConfirming:
		return Precondition("CERTIFICATION_PENDING", "A certification is under way: confirm its amount, or ask for it to be rejected.")
	}
	return c.become(CertificationReplaced, now)
}

// CommercialCertificationConnection is a page of certifications.
type CommercialCertificationConnection = Connection[CommercialCertification]

// CommercialCertificationEdge is one of the certifications and its position.
type CommercialCertificationEdge = Edge[CommercialCertification]
