package models

import (
	"slices"
	"time"
)

// DirectWindow is how long after registering a customer may be associated without a report (C07).
const DirectWindow = 7 * 24 * time.Hour

// RelationFacts are all that decides about a customer's relation to a partner.
type RelationFacts struct {
	Now          time.Time
	RegisteredAt time.Time
	Frozen       bool
	HasPaid      bool // any order, in cash (C07)
	OrdersAwait  bool // there are orders that it may still pay (C13)
	Owes         bool // an account of it is below zero, or something that it used is not paid
	HasGifts     bool // money that came with a recharge is not spent
	HasCredit    bool
	HeldMoney    bool // money that goes back to the partner is set aside
	Restrictions []CustomerRestriction

	Associated bool
	Mode       AssociationMode // of the association in force

	// About the partner, for associating only.
	PartnerBarred bool // it, or its distributor, may not win customers
	OtherSite     bool
	Reported      bool // by this partner, and the report is live
}

// AssociationBlockers returns everything that keeps the customer from being associated in a mode (C07, C08, and C09 for
// resale); none means that it may be.
func (f RelationFacts) AssociationBlockers(mode AssociationMode) []RelationBlocker {
	var found blockers
	found.when(f.Associated, BlockAssociated)
	found.when(f.Frozen, BlockAccount)
	found.when(!f.Reported && (f.HasPaid || f.Now.Sub(f.RegisteredAt) > DirectWindow), BlockUnreported)
	found.when(f.PartnerBarred, BlockPartner)
	found.when(f.OtherSite, BlockSite)
	found.when(f.Owes, BlockOwing)
	found.restricted(f.Restrictions, func(k CustomerRestrictionKind) bool {
		return k.BlocksAssociation() || mode == Resale && k.BlocksResale()
	})
	if mode == Resale {
		f.resale(&found)
	}
	return found
}

// DisassociationBlockers returns everything that keeps the customer from leaving its partner (C13).
func (f RelationFacts) DisassociationBlockers() []RelationBlocker {
	var found blockers
	f.leaving(&found)
	found.restricted(f.Restrictions, CustomerRestrictionKind.BlocksLeaving)
	return found
}

// SwitchBlockers returns everything that keeps the customer from changing to a mode (C13, and C09 for resale).
func (f RelationFacts) SwitchBlockers(mode AssociationMode) []RelationBlocker {
	var found blockers
	f.leaving(&found)
	found.when(f.Associated && f.Mode == mode, BlockSameMode)
	found.restricted(f.Restrictions, func(k CustomerRestrictionKind) bool {
		return k.BlocksLeaving() || mode == Resale && k.BlocksResale()
	})
	if mode == Resale {
		f.resale(&found)
	}
	return found
}

func (f RelationFacts) leaving(found *blockers) {
	found.when(!f.Associated, BlockUnlinked)
	found.when(f.Frozen, BlockAccount)
	found.when(f.OrdersAwait, BlockOrders)
	found.when(f.Owes, BlockOwing)
	found.when(f.HeldMoney && f.Mode == Resale, BlockHeldMoney)
}

// resale adds what the rows tell of C09.
func (f RelationFacts) resale(found *blockers) {
	found.when(f.HasGifts, RelationBlock(RestrictGift))
	found.when(f.HasCredit, BlockCredit)
}

type blockers []RelationBlocker

// when adds a reason once.
func (b *blockers) when(holds bool, code RelationBlock) {
	for _, blocker := range *b {
		holds = holds && blocker.Code != code
	}
	if holds {
		*b = append(*b, code.Blocker())
	}
}

func (b *blockers) restricted(restrictions []CustomerRestriction, counts func(CustomerRestrictionKind) bool) {
	for _, restriction := range restrictions {
		if counts(restriction.Kind) {
			*b = append(*b, restriction.blocker())
		}
	}
}

// AssociationEligibility says whether a customer may be associated in one mode, and what stands in the way.
type AssociationEligibility struct {
	Mode     AssociationMode
	Blockers []RelationBlocker
}

// Eligible reports whether nothing stands in the way.
func (e AssociationEligibility) Eligible() bool { return len(e.Blockers) == 0 }

// RelationThrottle bounds how often a relation may be asked to change (C12).
type RelationThrottle string

// The throttles.
const (
	// ThrottleChina is the rule of the Chinese site: a customer asks once in 3 months, and its partner waits 3 months after that
	// before it asks the customer to leave.
	ThrottleChina RelationThrottle = "cn"
	// ThrottleInternational is the rule of the international site: three requests in 3 months per side.
	ThrottleInternational RelationThrottle = "intl"
)

// NotBefore returns when a side may ask next, given the requests about the customer of the last months; the zero time means
// now. What was asked counts, whatever became of it. On the Chinese site a customer's wish to change its mode counts as one to
// leave, which is what it is there (C11); a partner's wish to change the mode is not bounded.
func (t RelationThrottle) NotBefore(asked []AssociationRequest, kind AssociationRequestKind, by RelationSide, now time.Time) time.Time {
	var own, customers []time.Time
	for _, request := range asked {
		if !now.Before(request.CreatedAt.AddDate(0, 3, 0)) {
			continue
		}
		if request.RequestedBy == by {
			own = append(own, request.CreatedAt)
		}
		if request.RequestedBy == SideCustomer {
			customers = append(customers, request.CreatedAt)
		}
	}
	switch {
	case t == ThrottleInternational && len(own) >= 3:
		return nth(own, 3).AddDate(0, 3, 0)
	case t == ThrottleInternational:
	case by == SideCustomer && len(own) > 0:
		return nth(own, 1).AddDate(0, 3, 0)
	case by == SidePartner && kind == RequestDisassociation && len(customers) > 0:
		return nth(customers, 1).AddDate(0, 3, 0)
	}
	return time.Time{}
}

// nth is the n-th newest time.
func nth(times []time.Time, n int) time.Time {
	newest := slices.SortedFunc(slices.Values(times), func(a, b time.Time) int { return b.Compare(a) })
	return newest[n-1]
}
