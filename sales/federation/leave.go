package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// LeaveIn unbinds a customer from the platforms of the partner that it leaves, in the transaction that ends the association:
// from then on no assertion of theirs signs anybody in as this customer. A later first login binds it again, with its
// consent. Sessions that are open stay.
func (s *Service) LeaveIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	platforms, err := deleteBindings(ctx, tx, customer.ID)
	if err != nil {
		return err
	}
	happened := make([]models.Event, len(platforms))
	for i, platform := range platforms {
		happened[i] = models.Event{
			Type: models.EventIdentityUnbound, SubjectID: string(customer.ID), PartnerID: customer.PartnerID, CustomerID: customer.ID,
			Data: map[string]any{"platformId": platform},
		}
	}
	return s.Events.Record(ctx, tx, who, happened...)
}
