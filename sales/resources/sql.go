package resources

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertResources(ctx context.Context, tx bun.IDB, rows []models.Resource) error {
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return store.Translate(err)
}

func selectResources(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Resource, error) {
	var rows []models.Resource
	err := store.Read(ctx, db, access.Resources(db.NewSelect().Model(&rows).Where("r.id ?", store.In(ids)), who), &rows)
	return rows, err
}

func updateWithoutPartner(ctx context.Context, tx bun.IDB, customer models.ID, now time.Time) error {
	_, err := tx.NewUpdate().Model((*models.Resource)(nil)).Set("partner_id = NULL, updated_at = ?", now).
		Where("customer_id = ? AND partner_id IS NOT NULL", customer).Exec(ctx)
	return store.Translate(err)
}

func updatePartner(ctx context.Context, tx bun.IDB, customer, partner models.ID, now time.Time) error {
	_, err := tx.NewUpdate().Model((*models.Resource)(nil)).Set("partner_id = ?, updated_at = ?", partner, now).
		Where("customer_id = ?", customer).Exec(ctx)
	return store.Translate(err)
}

// visible starts a query of the resources that a principal may see.
func visible(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.Resources(db.NewSelect().Model((*models.Resource)(nil)), who)
}

func (f ResourceFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.CustomerID != nil {
		q = q.Where("r.customer_id = ?", *f.CustomerID)
	}
	if f.OrderID != nil {
		q = q.Where("r.order_id = ?", *f.OrderID)
	}
	if f.OnlyMain != nil && *f.OnlyMain {
		q = q.Where("r.parent_id IS NULL")
	}
	if f.OnlyMain != nil && !*f.OnlyMain {
		q = q.Where("r.parent_id IS NOT NULL")
	}
	if f.ExternalID != nil {
		q = q.Where("r.external_id = ?", *f.ExternalID)
	}
	if f.Status != nil {
		q = q.Where("r.status IN (?)", bun.List(f.Status))
	}
	return q
}
