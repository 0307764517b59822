package models

import (
	"maps"
	"time"

	"github.com/uptrace/bun"
)

// CooperationSide is one of the two that cooperate.
type CooperationSide string

// The sides.
const (
	SideDistributor CooperationSide = "DISTRIBUTOR"
	SideReseller    CooperationSide = "RESELLER"
)

// Other returns the side that decides about what this one asks.
func (s CooperationSide) Other() CooperationSide {
	if s == SideDistributor {
		return SideReseller
	}
	return SideDistributor
}

// Cooperation says that a cloud reseller belonged to a distributor during a time (P12). The one in force is repeated on the reseller's row,
// Partner.ParentID, where every row scope reads it.
type Cooperation struct {
	bun.BaseModel `bun:"table:cooperations,alias:cop" json:"-"`

	ID            ID         `bun:"id,pk"`
	DistributorID ID         `bun:"distributor_id"`
	ResellerID    ID         `bun:"reseller_id"`
	Since         time.Time  `bun:"since"`
	Until         *time.Time `bun:"until"` // exclusive; nil = in force

	// The names are read with the row, not written: who cooperated once knows the other's name when it does not see its row any more.
	DistributorName string `bun:"distributor_name,scanonly"`
	ResellerName    string `bun:"reseller_name,scanonly"`
}

// NodeID returns the id to page by.
func (c Cooperation) NodeID() ID { return c.ID }

// CooperationConnection is a page of cooperations.
type CooperationConnection = Connection[Cooperation]

// CooperationEdge is one of the cooperations and its position.
type CooperationEdge = Edge[Cooperation]

// The refusals of a cooperation, with machine-readable reasons (P15).
var (
	ErrNotAReseller          = suggest(Precondition("NOT_A_RESELLER", "This partner is not in the reseller program."), "It joins the reseller program first.")
	ErrNotADistributor       = suggest(Precondition("NOT_A_DISTRIBUTOR", "This partner is not a distributor."), "Ask a distributor.")
	ErrResellerTaken         = suggest(Precondition("RESELLER_HAS_DISTRIBUTOR", "This reseller has a distributor already."), "Their cooperation ends first, with requestCooperationEnd.")
	ErrOtherRegion           = suggest(Precondition("OTHER_REGION", "The distributor and the reseller are in different countries or regions."), "The reseller asks a distributor of its own country or region.")
	ErrCooperationSite       = suggest(Precondition("OTHER_SITE", "The distributor and the reseller are on different clouds or use different currencies."), "The reseller joins the program on the distributor's cloud.")
	ErrDistributorBarred     = suggest(Precondition("PARTNER_RESTRICTED", "This distributor may not win new resellers now."), "Ask the cloud why, and renew the program where it has expired.")
	ErrResellerExpired       = suggest(Precondition("RESELLER_EXPIRED", "The reseller's membership in the program has run out."), "The reseller renews its membership.")
	ErrNoCooperation         = suggest(Precondition("NO_COOPERATION", "This reseller has no distributor."), "There is nothing to end.")
	ErrCooperationAskedTwice = suggest(Precondition("REQUEST_OPEN", "There is a request between the two already."), "Decide or cancel it first.")
)

// suggest adds to a refusal what may be done about it.
func suggest(refused *Error, action string) *Error {
	refused.Details["suggestedAction"] = action
	return refused
}

// MayCooperate returns nil when a distributor and a reseller may begin to cooperate (P15), else the first refusal with the reasons of all in
// Details["blockers"]: NOT_A_DISTRIBUTOR, NOT_A_RESELLER, RESELLER_HAS_DISTRIBUTOR, OTHER_SITE, OTHER_REGION, PARTNER_RESTRICTED and
// RESELLER_EXPIRED.
func MayCooperate(distributor, reseller Partner) error {
	var found []*Error
	for _, rule := range []struct {
		broken  bool
		refusal *Error
	}{
		{distributor.Kind != Distributor, ErrNotADistributor},
		{reseller.Kind != CloudReseller, ErrNotAReseller},
		{reseller.ParentID != "", ErrResellerTaken},
		{distributor.Cloud != reseller.Cloud || distributor.Currency != reseller.Currency, ErrCooperationSite},
		{distributor.Country != reseller.Country, ErrOtherRegion},
		{distributor.State != PartnerActive, ErrDistributorBarred},
		{reseller.State == PartnerExpired, ErrResellerExpired},
	} {
		if rule.broken {
			found = append(found, rule.refusal)
		}
	}
	if len(found) == 0 {
		return nil
	}
	blockers := make([]string, len(found))
	for i, refusal := range found {
		blockers[i] = refusal.Reason()
	}
	refused := *found[0]
	refused.Details = maps.Clone(refused.Details)
	refused.Details["blockers"] = blockers
	return &refused
}
