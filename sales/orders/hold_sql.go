package orders

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// selectHolds reads what the orders' rows point at, so that no hold of another order or account can come in.
func selectHolds(ctx context.Context, db bun.IDB, who models.Principal, orders []models.ID) ([]models.OrderHold, error) {
	var rows []models.OrderHold
	q := db.NewSelect().Model((*models.Order)(nil)).
		ColumnExpr("o.id AS order_id, o.currency, h.amount_minor, h.expires_at, h.state").
		Join("JOIN holds AS h ON h.id = o.hold_id").Where("o.id IN (?)", bun.List(orders))
	err := access.Orders(q, who).Scan(ctx, &rows)
	return rows, store.Translate(err)
}
