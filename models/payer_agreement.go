package models

import (
	"time"

	"github.com/uptrace/bun"
)

// PayerAgreementState is the state of a third-party payer agreement.
type PayerAgreementState string

// The states of an agreement: it is in force for its time unless it is voided, and then for good.
const (
	PayerAgreementActive PayerAgreementState = "ACTIVE"
	PayerAgreementVoided PayerAgreementState = "VOIDED"
)

// CanBecome reports whether an agreement may move from s to next.
func (s PayerAgreementState) CanBecome(next PayerAgreementState) bool {
	return s == PayerAgreementActive && next == PayerAgreementVoided
}

// PayerAgreement says that somebody else pays for a partner or customer (代付, M08). Exactly one of PartnerID and CustomerID
// is set. The payer's name is sealed like that of a remittance.
type PayerAgreement struct {
	bun.BaseModel `bun:"table:payer_agreements,alias:pag"`

	ID              ID                  `bun:"id,pk"`
	PartnerID       ID                  `bun:"partner_id,nullzero"`
	CustomerID      ID                  `bun:"customer_id,nullzero"`
	PayerNameSealed []byte              `bun:"payer_name_sealed" json:"-"`
	PayerNameBlind  string              `bun:"payer_name_blind" json:"-"`
	ValidFrom       time.Time           `bun:"valid_from"`  // inclusive
	ValidUntil      time.Time           `bun:"valid_until"` // exclusive
	State           PayerAgreementState `bun:"state"`
	VoidedAt        *time.Time          `bun:"voided_at"`
	CreatedAt       time.Time           `bun:"created_at"`
	UpdatedAt       time.Time           `bun:"updated_at"`

	PayerName *string `bun:"-" json:"-"`
}

// NodeID returns the id to page by.
func (a PayerAgreement) NodeID() ID { return a.ID }

// IsNode marks the type as a GraphQL Node.
func (PayerAgreement) IsNode() {}

// InForceAt reports whether the agreement counts at an instant.
func (a PayerAgreement) InForceAt(now time.Time) bool {
	return a.State == PayerAgreementActive && !now.Before(a.ValidFrom) && now.Before(a.ValidUntil)
}

// Void ends the agreement, or is PRECONDITION_FAILED with the reason AGREEMENT_VOIDED.
func (a *PayerAgreement) Void(now time.Time) error {
	if !a.State.CanBecome(PayerAgreementVoided) {
		return Precondition("AGREEMENT_VOIDED", "This agreement has been voided before.")
	}
	a.State, a.VoidedAt, a.UpdatedAt = PayerAgreementVoided, &now, now
	return nil
}

// PayerAgreementConnection is a page of agreements.
type PayerAgreementConnection = Connection[PayerAgreement]

// PayerAgreementEdge is one of the agreements and its position.
type PayerAgreementEdge = Edge[PayerAgreement]
