package models

import (
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"
)

// RemittanceState is the state of money that arrived at a bank.
type RemittanceState string

// The states of a remittance: credited once, and then for good.
const (
	RemittanceUnclaimed RemittanceState = "UNCLAIMED"
	RemittanceCredited  RemittanceState = "CREDITED"
)

// CanBecome reports whether a remittance may move from s to next.
func (s RemittanceState) CanBecome(next RemittanceState) bool {
	return s == RemittanceUnclaimed && next == RemittanceCredited
}

// Remittance is money that arrived at the bank account of a signing entity (M08). The payer's name is personal data: it is
// sealed, and found by a keyed digest.
type Remittance struct {
	bun.BaseModel `bun:"table:remittances,alias:rm"`

	ID              ID              `bun:"id,pk"`
	Cloud           string          `bun:"cloud"`
	SigningEntity   string          `bun:"signing_entity"`
	BankReference   string          `bun:"bank_reference"`             // on the bank's statement; unique per signing entity
	PayerNameSealed []byte          `bun:"payer_name_sealed" json:"-"` // nil when an operator confirmed a recharge without it
	PayerNameBlind  string          `bun:"payer_name_blind,nullzero" json:"-"`
	Currency        Currency        `bun:"currency"`
	AmountMinor     int64           `bun:"amount_minor"`
	ReceivedOn      Date            `bun:"received_on"`
	State           RemittanceState `bun:"state"`
	ClaimID         ID              `bun:"claim_id,nullzero"`    // the claim it was credited to
	RechargeID      ID              `bun:"recharge_id,nullzero"` // the recharge it paid for
	TransferID      ID              `bun:"transfer_id,nullzero"`
	CreatedAt       time.Time       `bun:"created_at"`
	UpdatedAt       time.Time       `bun:"updated_at"`

	PayerName *string `bun:"-" json:"-"`
}

// NodeID returns the id to page by.
func (r Remittance) NodeID() ID { return r.ID }

// IsNode marks the type as a GraphQL Node.
func (Remittance) IsNode() {}

// Amount returns what arrived.
func (r Remittance) Amount() Money { return NewMoney(r.AmountMinor, r.Currency) }

// Credit records to which claim and recharge, either of which may be none, the money was credited. It is
// PRECONDITION_FAILED with the reason REMITTANCE_CREDITED when that has happened before.
func (r *Remittance) Credit(claim, recharge ID, now time.Time) error {
	if !r.State.CanBecome(RemittanceCredited) {
		return Precondition("REMITTANCE_CREDITED", "This remittance has been credited before.")
	}
	r.State, r.ClaimID, r.RechargeID, r.UpdatedAt = RemittanceCredited, claim, recharge, now
	return nil
}

// RemittanceConnection is a page of remittances.
type RemittanceConnection = Connection[Remittance]

// RemittanceEdge is one of the remittances and its position.
type RemittanceEdge = Edge[Remittance]

// RemittanceClaimState is the state of a claim.
type RemittanceClaimState string

// The states of a claim: it is credited at once, or waits for an operator who approves or rejects it.
const (
	ClaimPendingReview RemittanceClaimState = "PENDING_REVIEW"
	ClaimCredited      RemittanceClaimState = "CREDITED"
	ClaimRejected      RemittanceClaimState = "REJECTED"
)

// CanBecome reports whether a claim may move from s to next.
func (s RemittanceClaimState) CanBecome(next RemittanceClaimState) bool {
	return s == ClaimPendingReview && slices.Contains([]RemittanceClaimState{ClaimCredited, ClaimRejected}, next)
}

// RemittanceClaim says that a partner or customer sent a remittance. Exactly one of PartnerID and CustomerID is set.
type RemittanceClaim struct {
	bun.BaseModel `bun:"table:remittance_claims,alias:rmc"`

	ID              ID                   `bun:"id,pk"`
	PartnerID       ID                   `bun:"partner_id,nullzero"`
	CustomerID      ID                   `bun:"customer_id,nullzero"`
	Cloud           string               `bun:"cloud"`
	SigningEntity   string               `bun:"signing_entity"`
	Currency        Currency             `bun:"currency"`
	AmountMinor     int64                `bun:"amount_minor"`
	PayerNameSealed []byte               `bun:"payer_name_sealed" json:"-"`
	PayerNameBlind  string               `bun:"payer_name_blind" json:"-"`
	BankReference   string               `bun:"bank_reference,nullzero"`
	RemittedOn      Date                 `bun:"remitted_on"`
	RechargeID      ID                   `bun:"recharge_id,nullzero"`   // that the money is meant for
	RemittanceID    ID                   `bun:"remittance_id,nullzero"` // that was found to be the claimed one
	CreditedMinor   *int64               `bun:"credited_minor"`
	State           RemittanceClaimState `bun:"state"`
	Reason          string               `bun:"reason,nullzero"` // why it was rejected
	TransferID      ID                   `bun:"transfer_id,nullzero"`
	DecidedAt       *time.Time           `bun:"decided_at"`
	CreatedAt       time.Time            `bun:"created_at"`
	UpdatedAt       time.Time            `bun:"updated_at"`

	PayerName *string `bun:"-" json:"-"`
}

// NodeID returns the id to page by.
func (c RemittanceClaim) NodeID() ID { return c.ID }

// IsNode marks the type as a GraphQL Node.
func (RemittanceClaim) IsNode() {}

// Amount returns what is claimed.
func (c RemittanceClaim) Amount() Money { return NewMoney(c.AmountMinor, c.Currency) }

// Credited returns what was credited, which is what arrived; nil before.
func (c RemittanceClaim) Credited() *Money {
	if c.CreditedMinor == nil {
		return nil
	}
	credited := NewMoney(*c.CreditedMinor, c.Currency)
	return &credited
}

// Become moves the claim to the next state, or is PRECONDITION_FAILED with the reason CLAIM_CREDITED, CLAIM_REJECTED or
// CLAIM_PENDING_REVIEW.
func (c *RemittanceClaim) Become(next RemittanceClaimState, now time.Time) error {
	if !c.State.CanBecome(next) {
		is := strings.ToLower(strings.ReplaceAll(string(c.State), "_", " "))
		return Precondition("CLAIM_"+string(c.State), "This claim is "+is+".")
	}
	c.State, c.DecidedAt, c.UpdatedAt = next, &now, now
	return nil
}

// Credit records which remittance the claim turned out to be about. What arrived counts, not what was claimed.
func (c *RemittanceClaim) Credit(remittance Remittance, now time.Time) error {
	if err := c.Become(ClaimCredited, now); err != nil {
		return err
	}
	amount := remittance.AmountMinor
	c.RemittanceID, c.CreditedMinor = remittance.ID, &amount
	return nil
}

// BankReferenceOrNil returns BankReference, or nil when it is empty.
func (c RemittanceClaim) BankReferenceOrNil() *string { return orNil(c.BankReference) }

// ReasonOrNil returns Reason, or nil when it is empty.
func (c RemittanceClaim) ReasonOrNil() *string { return orNil(c.Reason) }

// RemittanceClaimConnection is a page of claims.
type RemittanceClaimConnection = Connection[RemittanceClaim]

// RemittanceClaimEdge is one of the claims and its position.
type RemittanceClaimEdge = Edge[RemittanceClaim]

// PayerKey is a payer's name as it is compared: banks print names in full-width letters, in capitals and with odd spaces.
func PayerKey(name string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(name))), " ")
}
