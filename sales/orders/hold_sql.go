package orders

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// selectHolds reads what the orders' rows point at, so that no hold of another order or account can come in.
func selectHolds(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.OrderHold, error) {
	var rows []models.OrderHold
	q := db.NewSelect().Model((*models.Order)(nil)).
		ColumnExpr("h.id, o.id AS order_id, o.currency, h.amount_minor, h.expires_at, h.state").
		Join("JOIN holds AS h ON h.order_id = o.id AND h.id = o.hold_id").Where("h.id IN (?)", bun.List(ids))
	err := access.Orders(q, who).Scan(ctx, &rows)
	return rows, store.Translate(err)
}
