package resources

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// LeaveIn takes the partner off everything that a customer runs, in the transaction that ends the association: the partner
// of a resale customer sees its resources, a former one does not. The customer runs them on.
func (s *Service) LeaveIn(ctx context.Context, tx bun.IDB, _ models.Principal, customer models.Customer) error {
	return updateWithoutPartner(ctx, tx, customer.ID, s.now())
}
