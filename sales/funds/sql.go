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
	q := db.NewSelect().Model((*models.Partner)(nil)).Column("p.id", "p.currency").Where("p.id ?", store.In(ids))
	err := store.Read(ctx, db, access.PartnersWithin(q, who), &owners)
	return owners, err
}

func selectCustomers(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]owner, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var owners []owner
	q := db.NewSelect().Model((*models.Customer)(nil)).Column("c.id", "c.currency").Where("c.id ?", store.In(ids))
	err := store.Read(ctx, db, access.CustomersWithBalance(q, who), &owners)
	return owners, err
}

// end is a customer or partner as the lower end of an edge.
type end struct {
	ID       models.ID
	Above    models.ID // whose it is; zero when nobody's
	Kind     models.PartnerKind
	Mode     models.AssociationMode
	Frozen   models.FrozenScope
	Currency models.Currency
}

// selectEnds reads customers and partners by id with one statement.
func selectEnds(ctx context.Context, tx bun.IDB, ids []models.ID) (map[models.ID]end, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	partners := tx.NewSelect().Model((*models.Partner)(nil)).
		ColumnExpr("p.id, COALESCE(p.parent_id, '') AS above, p.kind, '' AS mode, '' AS frozen, p.currency").Where("p.id IN (?)", bun.List(ids))
	var rows []end
	err := tx.NewSelect().Model((*models.Customer)(nil)).
		ColumnExpr("c.id, COALESCE(c.partner_id, '') AS above, '' AS kind, COALESCE(c.mode, '') AS mode, c.frozen, c.currency").
		Where("c.id IN (?)", bun.List(ids)).UnionAll(partners).Scan(ctx, &rows)
	ends := make(map[models.ID]end, len(rows))
	for _, row := range rows {
		ends[row.ID] = row
	}
	return ends, err
}
