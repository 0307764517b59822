package resources

import (
	"context"

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
	err := access.Resources(db.NewSelect().Model(&rows).Where("r.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectPage(ctx context.Context, db bun.IDB, who models.Principal, f ResourceFilter, page models.Page) ([]models.Resource, *int, error) {
	var rows []models.Resource
	q := f.apply(access.Resources(db.NewSelect().Model(&rows), who))
	if err := store.PageKeyset(page, true).Apply(q).Scan(ctx); err != nil {
		return nil, nil, store.Translate(err)
	}
	if !page.WantTotal {
		return rows, nil, nil
	}
	counted, err := f.apply(access.Resources(db.NewSelect().Model((*models.Resource)(nil)), who)).Count(ctx)
	total := int(counted)
	return rows, &total, store.Translate(err)
}

// selectPerParent reads a page for each of the parents, which the column names.
func selectPerParent(ctx context.Context, db bun.IDB, who models.Principal, column string, parents []string, page models.Page, descending bool) ([]models.Resource, error) {
	var rows []models.Resource
	err := store.PerParent(ctx, db, &rows, store.PageKeyset(page, descending), parents, func(parent string) *bun.SelectQuery {
		return access.Resources(db.NewSelect().Model((*models.Resource)(nil)).Where("r.? = ?", bun.Ident(column), parent), who)
	})
	return rows, store.Translate(err)
}

func countPerParent(ctx context.Context, db bun.IDB, who models.Principal, column string, parents []string) ([]count, error) {
	var counts []count
	q := db.NewSelect().Model((*models.Resource)(nil)).ColumnExpr("r.? AS parent_id, count(*) AS rows", bun.Ident(column)).
		Where("r.? IN (?)", bun.Ident(column), bun.List(parents)).GroupExpr("r.?", bun.Ident(column))
	err := store.Translate(access.Resources(q, who).Scan(ctx, &counts))
	return counts, err
}

// count is how many children a parent has.
type count struct {
	ParentID models.ID
	Rows     int
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
	if f.Status != nil {
		q = q.Where("r.status IN (?)", bun.List(f.Status))
	}
	return q
}
