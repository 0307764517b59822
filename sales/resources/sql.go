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
	err := store.Read(ctx, db, access.Resources(store.Narrowed[models.Resource](ctx, db.NewSelect().Model(&rows)).Where("r.id ?", store.In(ids)), who), &rows)
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

// selectMainsAfter reads main resources that have an end and are not closed, in the order of their ids, and the last id.
func selectMainsAfter(ctx context.Context, db bun.IDB, after models.ID, limit int) (rows []models.Resource, last models.ID, err error) {
	err = db.NewSelect().Model(&rows).Where("r.id > ?", after).Where("r.parent_id IS NULL").Where("r.status <> ?", models.ResourceClosed).
		Where("r.expires_at IS NOT NULL").Order("r.id").Limit(int64(limit)).Scan(ctx)
	if len(rows) > 0 {
		last = rows[len(rows)-1].ID
	}
	return rows, last, store.Translate(err)
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
	// Who names resources gets them, whether main or not (3.5).
	if f.IDs == nil && f.OnlyMain != nil && *f.OnlyMain {
		q = q.Where("r.parent_id IS NULL")
	}
	if f.IDs == nil && f.OnlyMain != nil && !*f.OnlyMain {
		q = q.Where("r.parent_id IS NOT NULL")
	}
	if f.ExternalID != nil {
		q = q.Where("r.external_id = ?", *f.ExternalID)
	}
	if f.Status != nil {
		q = q.Where("r.status IN (?)", bun.List(f.Status))
	}
	return f.applyLife(q)
}

// applyLife narrows by what a resource's life looks like.
func (f ResourceFilter) applyLife(q *bun.SelectQuery) *bun.SelectQuery {
	if f.IDs != nil {
		q = q.Where("r.id IN (?)", bun.List(f.IDs))
	}
	if f.UsageStatus != nil {
		q = q.Where("r.usage_status IN (?)", bun.List(f.UsageStatus))
	}
	for column, value := range map[string]*string{
		"r.charging_mode": (*string)(f.ChargingMode), "r.service_type": f.ServiceType, "r.enterprise_project": f.EnterpriseProject,
	} {
		if value != nil {
			q = q.Where("? = ?", bun.Safe(column), *value)
		}
	}
	if f.ExpiresBefore != nil {
		q = q.Where("r.expires_at < ?", f.ExpiresBefore.UTC())
	}
	if f.ExpiresAfter != nil {
		q = q.Where("r.expires_at >= ?", f.ExpiresAfter.UTC())
	}
	if f.Renewable != nil {
		renewable := "(r.parent_id IS NULL AND r.charging_mode = ? AND r.expires_at IS NOT NULL AND (r.status IN (?) OR (r.status = ? AND COALESCE(r.frozen_reason, '') = ?)))"
		if !*f.Renewable {
			renewable = "NOT " + renewable
		}
		q = q.Where(renewable, models.ChargedByPeriod, bun.List([]models.ResourceStatus{models.ResourceInUse, models.ResourceExpired}),
			models.ResourceFrozen, models.FreezeByExpiry)
	}
	return q
}
