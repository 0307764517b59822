package orders

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertRefund(ctx context.Context, tx bun.IDB, refund *models.OrderRefund) error {
	_, err := tx.NewInsert().Model(refund).Exec(ctx)
	return store.Translate(err)
}

func selectRefunds(ctx context.Context, db bun.IDB, who models.Principal, orders []models.ID) ([]models.OrderRefund, error) {
	var rows []models.OrderRefund
	err := refundsWithReversal(db.NewSelect().Model(&rows), who).Where("rfd.order_id IN (?)", bun.List(orders)).
		Order("rfd.order_id", "rfd.id").Scan(ctx)
	return rows, store.Translate(err)
}

func selectRefundsByIDs(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.OrderRefund, error) {
	var rows []models.OrderRefund
	err := refundsWithReversal(db.NewSelect().Model(&rows), who).Where("rfd.id IN (?)", bun.List(ids)).Scan(ctx)
	return rows, store.Translate(err)
}

// refundsWithReversal joins the orders, because what a principal may see of a refund is what it may see of the order, and
// the reversal of the refund's transfer, which is all that tells that the refund was taken back.
func refundsWithReversal(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery {
	q = q.ColumnExpr("rfd.*").ColumnExpr("rev.id AS reversal_id").
		Join("JOIN orders AS o ON o.id = rfd.order_id").
		Join("LEFT JOIN transfers AS rev ON rev.reverses_id = rfd.transfer_id")
	return access.Orders(q, who)
}

// selectCustomerForShare locks the customer, on whose row association and freezing stand, against change: payments of the
// same customer do not wait for each other here, whoever ends its association or freezes it waits for them.
func selectCustomerForShare(ctx context.Context, tx bun.IDB, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	err := store.Read(ctx, tx, store.ForShare(tx.NewSelect().Model(&rows).
		Column("c.id", "c.partner_id", "c.mode", "c.frozen").Where("c.id = ?", id)), &rows)
	if err != nil || len(rows) == 0 {
		return models.Customer{}, false, err
	}
	return rows[0], true, nil
}
