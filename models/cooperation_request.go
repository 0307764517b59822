package models

import (
	"time"

	"github.com/uptrace/bun"
)

// CooperationRequestKind is what a request asks for.
type CooperationRequestKind string

// The kinds.
const (
	CooperationInvitation  CooperationRequestKind = "INVITATION"  // a distributor invites a reseller
	CooperationApplication CooperationRequestKind = "APPLICATION" // a reseller asks a distributor
	CooperationEnd         CooperationRequestKind = "END"         // either side asks the other to end what is in force
)

// CooperationRequestState is the state of a request.
type CooperationRequestState string

// The states. All but REQUESTED are final.
const (
	CooperationRequested CooperationRequestState = "REQUESTED"
	CooperationConfirmed CooperationRequestState = "CONFIRMED"
	CooperationRejected  CooperationRequestState = "REJECTED"
	CooperationCancelled CooperationRequestState = "CANCELLED" // by who asked, or because it was overtaken
	CooperationExpired   CooperationRequestState = "EXPIRED"
)

// CooperationRequest is one side's wish that a distributor and a reseller begin or end to cooperate, which the other side confirms or rejects
// (P15).
type CooperationRequest struct {
	bun.BaseModel `bun:"table:cooperation_requests,alias:crq" json:"-"`

	ID            ID                      `bun:"id,pk"`
	DistributorID ID                      `bun:"distributor_id"`
	ResellerID    ID                      `bun:"reseller_id"`
	Kind          CooperationRequestKind  `bun:"kind"`
	RequestedBy   CooperationSide         `bun:"requested_by"`
	State         CooperationRequestState `bun:"state"`
	Reason        string                  `bun:"reason"`
	Answer        string                  `bun:"answer,nullzero"` // why it was rejected
	ExpiresAt     time.Time               `bun:"expires_at"`
	CreatedAt     time.Time               `bun:"created_at"`
	DecidedAt     *time.Time              `bun:"decided_at"`

	// The names are read with the row, not written: the sides of an invitation do not see each other's rows yet.
	DistributorName string `bun:"distributor_name,scanonly"`
	ResellerName    string `bun:"reseller_name,scanonly"`
}

// NodeID returns the id to page by.
func (r CooperationRequest) NodeID() ID { return r.ID }

// IsNode marks the type as a GraphQL Node.
func (CooperationRequest) IsNode() {}

// AnswerOrNil returns Answer, or nil when it is empty.
func (r CooperationRequest) AnswerOrNil() *string { return orNil(r.Answer) }

// Become moves the request to a final state, or is PRECONDITION_FAILED: REQUEST_EXPIRED when its time is over, REQUEST_CLOSED when it was
// decided before.
func (r *CooperationRequest) Become(next CooperationRequestState, now time.Time) error {
	if err := mayClose(r.State, next, r.ExpiresAt, now); err != nil {
		return err
	}
	r.State, r.DecidedAt = next, &now
	return nil
}

// CooperationRequestConnection is a page of requests.
type CooperationRequestConnection = Connection[CooperationRequest]

// CooperationRequestEdge is one of the requests and its position.
type CooperationRequestEdge = Edge[CooperationRequest]
