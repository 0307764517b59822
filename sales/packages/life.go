package packages

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// EndAtIn has the packages among some resources end at another moment, in the transaction that renews them or takes a renewal back. A renewal is a
// period of its own: what is not full again by itself is there again for it, and what is left of the period before stays there. A period that is
// taken back has not begun, so nothing was taken of it.
func (s *Service) EndAtIn(ctx context.Context, tx bun.IDB, resources []models.ID, end time.Time) error {
	packs, err := selectOfResources(ctx, tx, resources)
	if err != nil || len(packs) == 0 {
		return err
	}
	end = end.UTC().Truncate(time.Microsecond)
	var ids []models.ID
	begins := map[models.ID]time.Time{}
	for _, pack := range packs {
		ids = append(ids, pack.ID)
		if pack.ExpiresAt != nil && pack.ExpiresAt.Before(end) {
			begins[pack.ID] = *pack.ExpiresAt
		}
	}
	items, err := selectItems(ctx, tx, ids)
	if err != nil {
		return err
	}
	var once []models.ID
	var again []models.PackageCycle
	for _, item := range items {
		if item.Cycle != "" {
			continue
		}
		once = append(once, item.ID)
		if from, renewed := begins[item.PackageID]; renewed {
			again = append(again, models.PackageCycle{ItemID: item.ID, StartsAt: from, EndsAt: &end, Remaining: item.Amount})
		}
	}
	return updateEnd(ctx, tx, ids, once, end, again)
}

// UnsubscribeIn ends the packages among some resources now, in the transaction that gives them up. What was used before is paid by them still when it
// is reported later.
func (s *Service) UnsubscribeIn(ctx context.Context, tx bun.IDB, resources []models.ID) error {
	return updateUnsubscribed(ctx, tx, resources, s.now())
}

// AnyIn reports whether some of the resources are packages.
func (s *Service) AnyIn(ctx context.Context, tx bun.IDB, resources []models.ID) (bool, error) {
	packs, err := selectOfResources(ctx, tx, resources)
	return len(packs) > 0, err
}

// LeaveIn takes the partner off the packages of a customer that leaves it, in the transaction that ends the association; the customer keeps them.
func (s *Service) LeaveIn(ctx context.Context, tx bun.IDB, _ models.Principal, customer models.Customer) error {
	return updatePartner(ctx, tx, customer.ID, "")
}

// TurnIn lets the partner of a customer that has become a resale customer see its packages, and that of one that has become an advisory customer no
// longer.
func (s *Service) TurnIn(ctx context.Context, tx bun.IDB, _ models.Principal, customer models.Customer) error {
	if customer.Mode != models.Resale {
		return updatePartner(ctx, tx, customer.ID, "")
	}
	return updatePartner(ctx, tx, customer.ID, customer.PartnerID)
}
