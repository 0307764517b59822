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

// selectCustomerForShare locks the customer, on whose row partner, mode and freezing stand, against change: moves of the
// same customer do not wait for each other here, whoever ends its association waits for them.
func selectCustomerForShare(ctx context.Context, tx bun.IDB, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	err := store.ForShare(tx.NewSelect().Model(&rows).
		Column("c.id", "c.partner_id", "c.mode", "c.frozen", "c.currency").Where("c.id = ?", id)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Customer{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// selectResellerForShare finds a reseller of the distributor's and locks it against change.
func selectResellerForShare(ctx context.Context, tx bun.IDB, distributor, id models.ID) (owner, bool, error) {
	var rows []owner
	err := store.ForShare(tx.NewSelect().Model((*models.Partner)(nil)).Column("p.id", "p.currency").
		Where("p.id = ? AND p.parent_id = ?", id, distributor).Where("p.kind = ?", models.CloudReseller)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return owner{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}
