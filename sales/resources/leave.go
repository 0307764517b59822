package resources

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// LeaveIn takes the partner off everything that a customer runs, in the transaction that ends the association: the partner
// of a resale customer sees its resources, a former one does not. The customer runs them on.
func (s *Service) LeaveIn(ctx context.Context, tx bun.IDB, _ models.Principal, customer models.Customer) error {
	s.announce(ctx, customer.ID)
	return updateWithoutPartner(ctx, tx, customer.ID, s.now())
}

// TurnIn lets the partner of a customer that has become a resale customer see what it runs, and that of one that has become
// an advisory customer no longer, in the transaction that changes the mode.
func (s *Service) TurnIn(ctx context.Context, tx bun.IDB, _ models.Principal, customer models.Customer) error {
	s.announce(ctx, customer.ID)
	if customer.Mode != models.Resale {
		return updateWithoutPartner(ctx, tx, customer.ID, s.now())
	}
	return updatePartner(ctx, tx, customer.ID, customer.PartnerID, s.now())
}
