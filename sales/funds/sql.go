package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func selectPartners(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]owner, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var owners []owner
	q := db.NewSelect().Model((*models.Partner)(nil)).Column("p.id", "p.currency").Where("p.id IN (?)", bun.List(ids))
	err := access.PartnersWithin(q, who).Scan(ctx, &owners)
	return owners, store.Translate(err)
}

func selectCustomers(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]owner, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var owners []owner
	q := db.NewSelect().Model((*models.Customer)(nil)).Column("c.id", "c.currency").Where("c.id IN (?)", bun.List(ids))
	err := access.CustomersWithBalance(q, who).Scan(ctx, &owners)
	return owners, store.Translate(err)
}
