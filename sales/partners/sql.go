package partners

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func lock(ctx context.Context, tx bun.IDB, id models.ID) (models.Partner, bool, error) {
	var partner models.Partner
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&partner).Where("p.id = ?", id)).Scan(ctx))
	return partner, found, err
}

func filtered(idb bun.IDB, who models.Principal, filter PartnerFilter) *bun.SelectQuery {
	q := access.Partners(idb.NewSelect().Model((*models.Partner)(nil)), who)
	switch {
	case filter.Kind == nil:
	case len(filter.Kind) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("p.kind IN (?)", bun.List(filter.Kind))
	}
	if filter.ParentID != nil {
		q = q.Where("p.parent_id = ?", *filter.ParentID)
		if who.CustomerID != "" { // it does not see its partner's distributor, so it does not learn which one it is either
			q = q.Where("1 = 0")
		}
	}
	if filter.Query != nil {
		q = store.StartsWith(q, "p.name", *filter.Query)
	}
	return q
}

func selectByIDs(ctx context.Context, idb bun.IDB, who models.Principal, ids []models.ID) ([]models.Partner, error) {
	var rows []models.Partner
	err := store.Read(ctx, idb, filtered(idb, who, PartnerFilter{}).Where("p.id ?", store.In(ids)), &rows)
	return rows, err
}
