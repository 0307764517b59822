package orders

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// replaceAdjustment ends the price that the seller had set for an order, if there is one, and writes another one, if there is.
func replaceAdjustment(ctx context.Context, tx bun.IDB, order models.Order, to *models.PriceAdjustment, now time.Time) error {
	if order.AdjustmentID != "" {
		_, err := tx.NewUpdate().Model((*models.PriceAdjustment)(nil)).Set("ended_at = ?", now).Where("id = ?", order.AdjustmentID).Exec(ctx)
		if err != nil {
			return store.Translate(err)
		}
	}
	if to == nil {
		return nil
	}
	_, err := tx.NewInsert().Model(to).Exec(ctx)
	return store.Translate(err)
}

// selectAdjustments reads what the orders' rows point at, so that no price of another order can come in.
func selectAdjustments(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.PriceAdjustment, error) {
	var rows []models.PriceAdjustment
	q := db.NewSelect().Model(&rows).Join("JOIN orders AS o ON o.id = pad.order_id AND o.adjustment_id = pad.id").Where("pad.id IN (?)", bun.List(ids))
	err := access.Orders(q, who).Scan(ctx)
	return rows, store.Translate(err)
}
