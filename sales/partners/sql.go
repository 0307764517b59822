package partners

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insert(ctx context.Context, tx bun.IDB, partner *models.Partner) error {
	_, err := tx.NewInsert().Model(partner).Exec(ctx)
	return store.Translate(err)
}

func lock(ctx context.Context, tx bun.IDB, id models.ID) (models.Partner, bool, error) {
	var partner models.Partner
	err := store.Translate(store.ForUpdate(tx.NewSelect().Model(&partner).Where("p.id = ?", id)).Scan(ctx))
	if errors.Is(err, store.ErrNotFound) {
		return partner, false, nil
	}
	return partner, err == nil, err
}

func filtered(q *bun.SelectQuery, who models.Principal, filter PartnerFilter) *bun.SelectQuery {
	q = access.Partners(q, who)
	switch {
	case filter.Kind == nil:
	case len(filter.Kind) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("p.kind IN (?)", bun.List(filter.Kind))
	}
	if filter.ParentID != nil {
		q = q.Where("p.parent_id = ?", *filter.ParentID)
	}
	if filter.Query != nil {
		// Both sides are folded by the database, so that they are folded alike.
		q = q.Where(`lower(p.name) LIKE lower(?) ESCAPE '\'`, likePrefix(*filter.Query))
	}
	return q
}

func selectPage(ctx context.Context, idb bun.IDB, who models.Principal, filter PartnerFilter, page models.Page) ([]models.Partner, error) {
	var rows []models.Partner
	q := filtered(idb.NewSelect().Model(&rows), who, filter)
	return rows, store.Translate(store.PageKeyset(page, false).Apply(q).Scan(ctx))
}

func count(ctx context.Context, idb bun.IDB, who models.Principal, filter PartnerFilter) (*int, error) {
	var n int
	err := filtered(idb.NewSelect().Model((*models.Partner)(nil)).ColumnExpr("count(*)"), who, filter).Scan(ctx, &n)
	return &n, store.Translate(err)
}

func selectByIDs(ctx context.Context, idb bun.IDB, who models.Principal, ids []models.ID) ([]models.Partner, error) {
	var rows []models.Partner
	q := access.Partners(idb.NewSelect().Model(&rows).Where("p.id IN (?)", bun.List(ids)), who)
	return rows, store.Translate(q.Scan(ctx))
}

func selectChildren(ctx context.Context, idb bun.IDB, who models.Principal, parents []models.ID, page models.Page) ([]models.Partner, error) {
	var rows []models.Partner
	names := make([]string, len(parents))
	for i, parent := range parents {
		names[i] = string(parent)
	}
	err := store.PerParent(ctx, idb, &rows, store.PageKeyset(page, false), names, func(parent string) *bun.SelectQuery {
		return access.Partners(idb.NewSelect().Model((*models.Partner)(nil)).Where("p.parent_id = ?", parent), who)
	})
	return rows, err
}

func countChildren(ctx context.Context, idb bun.IDB, who models.Principal, parents []models.ID) (map[models.ID]int, error) {
	totals := map[models.ID]int{}
	if len(parents) == 0 {
		return totals, nil
	}
	var rows []struct {
		ParentID models.ID
		Total    int
	}
	q := idb.NewSelect().Model((*models.Partner)(nil)).ColumnExpr("p.parent_id").ColumnExpr("count(*) AS total").
		Where("p.parent_id IN (?)", bun.List(parents)).GroupExpr("p.parent_id")
	err := store.Translate(access.Partners(q, who).Scan(ctx, &rows))
	for _, row := range rows {
		totals[row.ParentID] = row.Total
	}
	return totals, err
}
