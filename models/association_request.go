package models

import (
	"time"

	"github.com/uptrace/bun"
)

// AssociationRequestKind is what a request asks for.
type AssociationRequestKind string

// The kinds of request (4.2).
const (
	RequestModeSwitch     AssociationRequestKind = "MODE_SWITCH"
	RequestDisassociation AssociationRequestKind = "DISASSOCIATION"
)

// RelationSide is one of the two that a relation is between.
type RelationSide string

// The sides.
const (
	SidePartner  RelationSide = "PARTNER"
	SideCustomer RelationSide = "CUSTOMER"
)

// Other returns the side that decides about what this one asks.
func (s RelationSide) Other() RelationSide {
	if s == SidePartner {
		return SideCustomer
	}
	return SidePartner
}

// AssociationRequestState is the state of a request.
type AssociationRequestState string

// The states. All but REQUESTED are final.
const (
	AssociationRequested        AssociationRequestState = "REQUESTED"
	AssociationRequestConfirmed AssociationRequestState = "CONFIRMED"
	AssociationRequestRejected  AssociationRequestState = "REJECTED"
	AssociationRequestCancelled AssociationRequestState = "CANCELLED" // by who asked, or because the association ended otherwise
	AssociationRequestExpired   AssociationRequestState = "EXPIRED"
)

// AssociationRequest is one side's wish to change the relation, which the other side confirms or rejects (C11).
type AssociationRequest struct {
	bun.BaseModel `bun:"table:association_requests,alias:arq"`

	ID            ID                      `bun:"id,pk"`
	CustomerID    ID                      `bun:"customer_id"`
	PartnerID     ID                      `bun:"partner_id"`
	AssociationID ID                      `bun:"association_id"`
	Kind          AssociationRequestKind  `bun:"kind"`
	Mode          AssociationMode         `bun:"mode,nullzero"` // to change to; empty for DISASSOCIATION
	RequestedBy   RelationSide            `bun:"requested_by"`
	State         AssociationRequestState `bun:"state"`
	Reason        string                  `bun:"reason"`
	Answer        string                  `bun:"answer,nullzero"` // why it was rejected
	ExpiresAt     time.Time               `bun:"expires_at"`
	CreatedAt     time.Time               `bun:"created_at"`
	DecidedAt     *time.Time              `bun:"decided_at"`
}

// NodeID returns the id to page by.
func (r AssociationRequest) NodeID() ID { return r.ID }

// IsNode marks the type as a GraphQL Node.
func (AssociationRequest) IsNode() {}

// ModeOrNil returns Mode, or nil when it is empty.
func (r AssociationRequest) ModeOrNil() *AssociationMode {
	if r.Mode == "" {
		return nil
	}
	return &r.Mode
}

// AnswerOrNil returns Answer, or nil when it is empty.
func (r AssociationRequest) AnswerOrNil() *string { return orNil(r.Answer) }

// Become moves the request to a final state, or is PRECONDITION_FAILED: REQUEST_EXPIRED when its time is over,
// REQUEST_CLOSED when it was decided before.
func (r *AssociationRequest) Become(next AssociationRequestState, now time.Time) error {
	if err := mayClose(r.State, next, r.ExpiresAt, now); err != nil {
		return err
	}
	r.State, r.DecidedAt = next, &now
	return nil
}

// mayClose says why a request between two sides does not move to a state, or nil. Requests of all kinds have the same states.
func mayClose[S ~string](state, next S, expiresAt, now time.Time) error {
	open, expired := S(AssociationRequested), S(AssociationRequestExpired)
	switch {
	case state == expired, state == open && next != expired && !now.Before(expiresAt):
		return Precondition("REQUEST_EXPIRED", "This request has expired; it can be made again.")
	case state != open || next == open:
		return Precondition("REQUEST_CLOSED", "This request has been decided or cancelled before.")
	}
	return nil
}

// AssociationRequestConnection is a page of requests.
type AssociationRequestConnection = Connection[AssociationRequest]

// AssociationRequestEdge is one of the requests and its position.
type AssociationRequestEdge = Edge[AssociationRequest]

// AssociationConnection is a page of associations.
type AssociationConnection = Connection[Association]

// AssociationEdge is one of the associations and its position.
type AssociationEdge = Edge[Association]
