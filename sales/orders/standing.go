package orders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// Authorised says whether a partner may act for a customer (O16).
type Authorised interface {
	// RequireIn returns nil when who may act for the customer within the scope, else models.ErrNotAuthorised or another refusal.
	RequireIn(ctx context.Context, tx bun.IDB, who models.Principal, customerID models.ID, scope models.AuthorizationScope) error
}

// standing is a customer with the main resources that an order is about, in the order in which they were asked for.
type standing struct {
	customer models.Customer
	families []resources.Family
}

// members returns the ids of all resources, mains before what follows them.
func (s standing) members() []models.ID {
	var ids []models.ID
	for _, family := range s.families {
		for _, member := range family.Members() {
			ids = append(ids, member.ID)
		}
	}
	return ids
}

// checkResources applies the rules for a list of main resources in an input (O07, O12).
func checkResources(ids []models.ID) error {
	if len(ids) == 0 || len(ids) > models.MaxOrderResources {
		return models.Invalid("resourceIds", fmt.Sprintf("Name 1 to %d main resources.", models.MaxOrderResources))
	}
	for i, id := range ids {
		if err := id.Require(models.PrefixResource, "resourceIds"); err != nil {
			return err
		}
		if slices.Contains(ids[:i], id) {
			return models.Invalid("resourceIds", "A resource is named twice.")
		}
	}
	return nil
}

// stand finds the resources and makes sure that an order for them may be made now: they are main resources of one customer, the
// caller may act for it, no other order is under way for them, and their state and the mode in which they are charged allow it. With lock the customer and the resources stay
// as they are until the transaction ends; the customer is locked first, as everywhere.
func (s *Service) stand(ctx context.Context, tx bun.IDB, who models.Principal, ids []models.ID, mode models.ChargingMode, lock bool) (standing, error) {
	found, err := s.Resources.FamiliesIn(ctx, tx, who, ids, false)
	if err != nil {
		return standing{}, err
	}
	var owner models.ID
	for _, id := range ids {
		family, seen := found[id]
		if !seen {
			return standing{}, models.NotFound("resource")
		}
		if owner == "" {
			owner = family.Main.CustomerID
		}
		if family.Main.CustomerID != owner {
			return standing{}, models.Invalid("resourceIds", "The resources must be one customer's.")
		}
	}
	st := standing{}
	if st.customer, err = s.customerOf(ctx, tx, who, owner); err != nil {
		return standing{}, err
	}
	if err := s.actFor(ctx, tx, who, owner); err != nil {
		return standing{}, err
	}
	if lock {
		if found, err = s.Resources.FamiliesIn(ctx, tx, who, ids, true); err != nil {
			return standing{}, err
		}
	}
	for _, id := range ids {
		family, seen := found[id]
		if !seen {
			return standing{}, models.NotFound("resource")
		}
		if err := family.Main.CheckOrderableIn(mode); err != nil {
			return standing{}, err
		}
		st.families = append(st.families, family)
	}
	return st, s.checkIdle(ctx, tx, ids)
}

// customerOf returns a customer that the caller may see, and keeps it from leaving its partner and from being frozen until the transaction
// ends.
func (s *Service) customerOf(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Customer, error) {
	customer, found, err := s.Customers.ByIDForShareIn(ctx, tx, who, id)
	if err == nil && !found {
		err = ErrCustomerUnknown
	}
	return customer, err
}

// actFor lets the customer itself and operators order for a customer, and its partner when the customer has authorised it (O16).
func (s *Service) actFor(ctx context.Context, tx bun.IDB, who models.Principal, customer models.ID) error {
	switch {
	case who.SeesAll() || who.CustomerID == customer:
		return nil
	case who.PartnerID == "":
		return ErrCustomerUnknown
	case s.Authorised == nil:
		return models.ErrNotAuthorised
	}
	return s.Authorised.RequireIn(ctx, tx, who, customer, models.AuthorizedToOrder)
}

// checkIdle refuses resources that another order is about: RESOURCE_IN_PENDING_ORDER while that one waits, RESOURCE_IN_TRADE while it is
// being carried out. An order whose payment deadline has passed stands in nobody's way.
func (s *Service) checkIdle(ctx context.Context, tx bun.IDB, ids []models.ID) error {
	busy, err := selectOpenOrdersOf(ctx, tx, ids, s.now())
	if err != nil || len(busy) == 0 {
		return err
	}
	refusal := models.Precondition("RESOURCE_IN_PENDING_ORDER", "Another order for this resource waits; pay it or cancel it first.")
	if busy[0].Status == models.OrderProcessing || busy[0].Status == models.OrderPendingRefund {
		refusal = models.Precondition("RESOURCE_IN_TRADE", "Another order for this resource is being carried out; wait for its end.")
	}
	refusal.Details["resourceId"], refusal.Details["orderId"] = string(busy[0].ResourceID), string(busy[0].OrderID)
	return refusal
}

// terms returns what was paid for each resource, oldest first: the period it was bought with, or turned to from use, then renewals and changes that
// were carried out and not taken back, less what changes gave back. What was paid before it was charged by use is over.
func (s *Service) terms(ctx context.Context, tx bun.IDB, families []resources.Family) (map[models.ID][]models.PaidTerm, error) {
	var members []models.Resource
	for _, family := range families {
		members = append(members, family.Members()...)
	}
	bought, err := selectPurchases(ctx, tx, members)
	if err != nil {
		return nil, err
	}
	renewed, err := selectRenewals(ctx, tx, members)
	if err != nil {
		return nil, err
	}
	terms := make(map[models.ID][]models.PaidTerm, len(members))
	for _, p := range bought {
		if p.ParentType != "" { // a part ends with its main resource, whatever its own line says (O11)
			p.PeriodType, p.PeriodCount = p.ParentType, p.ParentCount
		}
		term := models.PaidTerm{
			OrderID: p.OrderID, ItemID: p.ItemID, PaidMinor: p.share(p.AmountMinor - p.CouponMinor), CouponMinor: p.share(p.CouponMinor), From: p.EffectiveAt, PeriodType: p.PeriodType, PeriodCount: p.PeriodCount,
		}
		term.Until = p.PeriodType.After(p.EffectiveAt, p.PeriodCount)
		terms[p.ResourceID] = append(terms[p.ResourceID], term)
	}
	for _, item := range renewed {
		term := models.PaidTerm{OrderID: item.OrderID, ItemID: item.ID, PaidMinor: item.MoneyMinor(), CouponMinor: item.CouponMinor, Renewal: true, PeriodType: item.PeriodType, PeriodCount: item.PeriodCount}
		if item.EffectiveAt != nil {
			term.From = *item.EffectiveAt
		}
		if item.ExpiresAt != nil {
			term.Until = *item.ExpiresAt
		}
		if term.Change = item.BaseSpecCode != ""; term.Change {
			term.PeriodMinor = item.PeriodMinor
		}
		terms[item.ResourceID] = append(terms[item.ResourceID], term)
	}
	given, err := selectGivenBack(ctx, tx, members)
	if err != nil {
		return nil, err
	}
	for _, g := range given {
		terms[g.ResourceID] = models.Lessened(terms[g.ResourceID], g.BaseItemID, g.At, -g.AmountMinor)
	}
	return terms, nil
}

// purchase is the line that a resource was bought with, and the resource's place among the line's pieces.
type purchase struct {
	ResourceID  models.ID
	OrderID     models.ID
	ItemID      models.ID
	AmountMinor int64
	CouponMinor int64 // of it, paid by coupons
	PeriodType  models.PeriodType
	PeriodCount int
	ParentType  models.PeriodType // of the line that it is part of; empty = none
	ParentCount int
	EffectiveAt time.Time
	Piece       int64 // from 1
	Pieces      int64
}

// share is one piece's of an amount of the line: the first ones carry the minor units that do not divide.
func (p purchase) share(minor int64) int64 {
	share := minor / max(p.Pieces, 1)
	if p.Piece <= minor%max(p.Pieces, 1) {
		share++
	}
	return share
}
