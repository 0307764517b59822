package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// selectResalePartners returns the partner of each resale customer among the owners: an advisory customer's money is no
// business of its partner's (C01).
func selectResalePartners(ctx context.Context, tx bun.IDB, owners []models.OwnerBalance) (map[models.ID]models.ID, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	ids := make([]models.ID, len(owners))
	for i, owner := range owners {
		ids[i] = owner.OwnerID
	}
	var customers []models.Customer
	err := tx.NewSelect().Model(&customers).Column("c.id", "c.partner_id").
		Where("c.id IN (?)", bun.List(ids)).Where("c.mode = ?", models.Resale).Scan(ctx)
	partners := make(map[models.ID]models.ID, len(customers))
	for _, customer := range customers {
		partners[customer.ID] = customer.PartnerID
	}
	return partners, store.Translate(err)
}
