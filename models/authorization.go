package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// AuthorizationScope is what a customer lets its partner do on its behalf (O16).
type AuthorizationScope string

// The scopes.
const (
	AuthorizedToOrder   AuthorizationScope = "ORDER"   // place orders, renew and change what is bought
	AuthorizedToOperate AuthorizationScope = "OPERATE" // start, stop and change what runs
)

// AuthorizationScopes returns every scope, in a fixed order.
func AuthorizationScopes() []AuthorizationScope {
	return []AuthorizationScope{AuthorizedToOrder, AuthorizedToOperate}
}

// Valid reports whether s is one of AuthorizationScopes.
func (s AuthorizationScope) Valid() bool { return slices.Contains(AuthorizationScopes(), s) }

// AuthorizationState is the state of an authorisation (4.2).
type AuthorizationState string

// The states. All but REQUESTED and GRANTED are final.
const (
	AuthorizationRequested AuthorizationState = "REQUESTED"
	AuthorizationGranted   AuthorizationState = "GRANTED"
	AuthorizationRefused   AuthorizationState = "REFUSED" // by the customer
	AuthorizationRevoked   AuthorizationState = "REVOKED" // by either side, also a request that its partner took back
	AuthorizationEnded     AuthorizationState = "ENDED"   // with the relation: the customer left, or is not resale any more
	AuthorizationExpired   AuthorizationState = "EXPIRED" // nobody decided in time, or its time is over
)

// The limits of authorisations.
const (
	// AuthorizationDecision is how long a customer has to decide. It is ours; the vendor does not say.
	AuthorizationDecision = 15 * 24 * time.Hour
	// AuthorizationYears is the longest that one may be valid, in years from the request. It is ours, too.
	AuthorizationYears = 1
)

// The refusals of authorisations, with machine-readable reasons.
var (
	ErrNotAuthorised     = Precondition("NOT_AUTHORISED", "The customer has not authorised its partner to do this (O16); ask with requestAuthorization.")
	ErrAdvisoryBuys      = Precondition("ADVISORY_BUYS_ITSELF", "An advisory customer buys and runs things itself (O16).")
	ErrAuthorizationOpen = Precondition("AUTHORISATION_OPEN", "There is an authorisation or a request for this scope already (O16).")
)

// Authorization lets a partner act for one of its resale customers within a scope, from the grant until ValidUntil (O16).
type Authorization struct {
	bun.BaseModel `bun:"table:authorizations,alias:aut"`

	ID            ID                 `bun:"id,pk"`
	CustomerID    ID                 `bun:"customer_id"`
	PartnerID     ID                 `bun:"partner_id"` // the customer's own partner, not its distributor
	AssociationID ID                 `bun:"association_id"`
	Scope         AuthorizationScope `bun:"scope"`
	State         AuthorizationState `bun:"state"`
	Reason        string             `bun:"reason"`
	Answer        string             `bun:"answer,nullzero"`   // why it was refused or revoked
	EndedBy       RelationSide       `bun:"ended_by,nullzero"` // who refused or revoked it
	Language      Language           `bun:"language"`          // of the letter to the customer
	DecideBy      time.Time          `bun:"decide_by"`         // the customer may grant it before then
	ValidUntil    time.Time          `bun:"valid_until"`       // it lets nobody act from then on
	ClosesAt      time.Time          `bun:"closes_at"`         // when its state expires: DecideBy, and ValidUntil once it is granted
	CreatedAt     time.Time          `bun:"created_at"`
	GrantedAt     *time.Time         `bun:"granted_at"`
	EndedAt       *time.Time         `bun:"ended_at"`
}

// NodeID returns the id to page by.
func (a Authorization) NodeID() ID { return a.ID }

// IsNode marks the type as a GraphQL Node.
func (Authorization) IsNode() {}

// AnswerOrNil returns Answer, or nil when it is empty.
func (a Authorization) AnswerOrNil() *string { return orNil(a.Answer) }

// EndedByOrNil returns EndedBy, or nil when it is empty.
func (a Authorization) EndedByOrNil() *RelationSide {
	if a.EndedBy == "" {
		return nil
	}
	return &a.EndedBy
}

// IsLive reports whether it is neither over nor past its time.
func (a Authorization) IsLive(now time.Time) bool {
	return (a.State == AuthorizationRequested || a.State == AuthorizationGranted) && now.Before(a.ClosesAt)
}

// Allows reports whether somebody may act under it now.
func (a Authorization) Allows(now time.Time) bool {
	return a.State == AuthorizationGranted && now.Before(a.ValidUntil)
}

// Become moves it to another state, or is PRECONDITION_FAILED: AUTHORISATION_EXPIRED when its time is over,
// AUTHORISATION_CLOSED when it was refused, revoked or ended before, AUTHORISATION_DECIDED when it was granted before and is
// to be granted or refused.
func (a *Authorization) Become(next AuthorizationState, now time.Time) error {
	live := a.State == AuthorizationRequested || a.State == AuthorizationGranted
	switch {
	case a.State == AuthorizationExpired, live && next != AuthorizationExpired && !now.Before(a.ClosesAt):
		return Precondition("AUTHORISATION_EXPIRED", "The time of this authorisation is over; the partner can ask again.")
	case !live:
		return Precondition("AUTHORISATION_CLOSED", "This authorisation has been refused, revoked or ended before.")
	case a.State == AuthorizationGranted && (next == AuthorizationGranted || next == AuthorizationRefused):
		return Precondition("AUTHORISATION_DECIDED", "This authorisation has been granted before; it can be revoked.")
	}
	a.State = next
	if next == AuthorizationGranted {
		a.GrantedAt, a.ClosesAt = &now, a.ValidUntil
		return nil
	}
	a.EndedAt = &now
	return nil
}

// AuthorizationConnection is a page of authorisations.
type AuthorizationConnection = Connection[Authorization]

// AuthorizationEdge is one of the authorisations and its position.
type AuthorizationEdge = Edge[Authorization]
