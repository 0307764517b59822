package orders

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// openOrder is an order that is under way for a resource.
type openOrder struct {
	ResourceID models.ID
	OrderID    models.ID
	Status     models.OrderStatus
}

func selectOpenOrdersOf(ctx context.Context, db bun.IDB, resources []models.ID, now time.Time) ([]openOrder, error) {
	var rows []openOrder
	err := db.NewSelect().Model((*models.OrderItem)(nil)).ColumnExpr("oi.resource_id, oi.order_id, o.status").
		Join("JOIN orders AS o ON o.id = oi.order_id").Where("oi.resource_id IN (?)", bun.List(resources)).
		Where("o.status NOT IN (?)", bun.List([]models.OrderStatus{models.OrderCompleted, models.OrderCancelled})).
		Where("(o.status <> ? OR o.pay_by IS NULL OR o.pay_by > ?)", models.OrderPendingPayment, now.UTC()).
		Order("oi.order_id", "oi.resource_id").Limit(1).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectPurchases reads the line of each resource, and which piece of the line it is: pieces count in the order of their ids, those
// that are closed included, so that a piece's share never changes.
func selectPurchases(ctx context.Context, db bun.IDB, resources []models.Resource) ([]purchase, error) {
	if len(resources) == 0 {
		return nil, nil
	}
	ids, orders := make([]models.ID, len(resources)), make([]models.ID, len(resources))
	for i, r := range resources {
		ids[i], orders[i] = r.ID, r.OrderID
	}
	pieces := db.NewSelect().Model((*models.Resource)(nil)).ColumnExpr("r.id, r.order_item_id, r.effective_at").
		ColumnExpr("ROW_NUMBER() OVER (PARTITION BY r.order_item_id ORDER BY r.id) AS piece").
		ColumnExpr("COUNT(*) OVER (PARTITION BY r.order_item_id) AS pieces").Where("r.order_id IN (?)", bun.List(orders))
	var rows []purchase
	err := db.NewSelect().TableExpr("(?) AS x", pieces).
		ColumnExpr("x.id AS resource_id, oi.order_id, oi.id AS item_id, oi.amount_minor, oi.coupon_minor, oi.period_type, oi.period_count, x.effective_at, x.piece, x.pieces").
		ColumnExpr("COALESCE(up.period_type, '') AS parent_type, COALESCE(up.period_count, 0) AS parent_count").
		Join("JOIN order_items AS oi ON oi.id = x.order_item_id").Join("LEFT JOIN order_items AS up ON up.id = oi.parent_id").
		Where("x.id IN (?)", bun.List(ids)).
		Where("NOT EXISTS (?)", turnsOf(db).Where("ti.resource_id = x.id")).Order("x.id").Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// turnsOf starts a query of the lines, ti, with which resources turned from use to a period, and of their orders, tor. What was paid for before such a
// turn was over when the resource was charged by use.
func turnsOf(db bun.IDB) *bun.SelectQuery {
	return db.NewSelect().TableExpr("order_items AS ti").ColumnExpr("1").Join("JOIN orders AS tor ON tor.id = ti.order_id").
		Where("tor.type = ?", models.OrderToPeriod).Where("tor.status = ?", models.OrderCompleted)
}

// givenBack is what a change gave back of a line, and the moment from which on it counts.
type givenBack struct {
	ResourceID  models.ID
	BaseItemID  models.ID
	AmountMinor int64 // negative
	At          time.Time
}

// selectGivenBack reads what changes have given back, in the order in which they did: the first line of a change begins when it counts.
func selectGivenBack(ctx context.Context, db bun.IDB, resources []models.Resource) ([]givenBack, error) {
	if len(resources) == 0 {
		return nil, nil
	}
	ids := make([]models.ID, len(resources))
	for i, r := range resources {
		ids[i] = r.ID
	}
	var rows []givenBack
	err := db.NewSelect().Model((*models.RefundInfo)(nil)).ColumnExpr("rfi.resource_id, rfi.base_item_id, rfi.amount_minor, oi.effective_at AS at").
		Join("JOIN orders AS o ON o.id = rfi.order_id").Join("JOIN order_items AS oi ON oi.order_id = o.id AND oi.position = 1").
		Where("rfi.resource_id IN (?)", bun.List(ids)).Where("rfi.kind = ?", models.RefundInfoRefund).
		Where("o.type = ?", models.OrderChange).Where("o.status = ?", models.OrderCompleted).Order("rfi.order_id", "rfi.position").Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectRenewals reads the lines that added or changed periods of resources, since they turned from use to a period if they did. Orders about one
// resource are completed one after the other.
func selectRenewals(ctx context.Context, db bun.IDB, resources []models.Resource) ([]models.OrderItem, error) {
	if len(resources) == 0 {
		return nil, nil
	}
	ids := make([]models.ID, len(resources))
	for i, r := range resources {
		ids[i] = r.ID
	}
	var rows []models.OrderItem
	err := db.NewSelect().Model(&rows).Join("JOIN orders AS o ON o.id = oi.order_id").
		Where("oi.resource_id IN (?)", bun.List(ids)).Where("o.type IN (?, ?, ?)", models.OrderRenew, models.OrderChange, models.OrderToPeriod).Where("o.status = ?", models.OrderCompleted).
		Where("oi.unsubscribed_by IS NULL").Where("oi.effective_at IS NOT NULL").
		Where("NOT EXISTS (?)", turnsOf(db).Where("ti.resource_id = oi.resource_id").
			Where("(tor.completed_at > o.completed_at OR tor.completed_at = o.completed_at AND tor.id > o.id)")).Order("oi.resource_id", "oi.effective_at", "oi.id").Scan(ctx)
	return rows, store.Translate(err)
}

// selectOrdersForUpdate locks orders in the order of their ids.
func selectOrdersForUpdate(ctx context.Context, tx bun.IDB, ids []models.ID) (map[models.ID]models.Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []models.Order
	if err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("o.id IN (?)", bun.List(ids)).Order("o.id")).Scan(ctx); err != nil {
		return nil, store.Translate(err)
	}
	return byOrderID(rows), nil
}

func byOrderID(rows []models.Order) map[models.ID]models.Order {
	byID := make(map[models.ID]models.Order, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID
}

func insertRefundInfos(ctx context.Context, tx bun.IDB, rows []models.RefundInfo) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return store.Translate(err)
}

func selectFreeUsed(ctx context.Context, db bun.IDB, customer models.ID, year int) (int, error) {
	var used []int
	err := db.NewSelect().Model((*models.FreeUnsubscription)(nil)).Column("used").Where("customer_id = ?", customer).Where("year = ?", year).Scan(ctx, &used)
	if err != nil || len(used) == 0 {
		return 0, store.Translate(err)
	}
	return used[0], nil
}

// takeFree counts n more, or fewer when n is negative. The row makes unsubscriptions of one customer take turns here; false when there are
// not so many left.
func takeFree(ctx context.Context, tx bun.IDB, customer models.ID, year, n int) (bool, error) {
	row := models.FreeUnsubscription{CustomerID: customer, Year: year}
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (customer_id, year) DO NOTHING").Exec(ctx); err != nil {
		return false, store.Translate(err)
	}
	result, err := tx.NewUpdate().Model((*models.FreeUnsubscription)(nil)).Set("used = used + ?", n).
		Where("customer_id = ?", customer).Where("year = ?", year).Where("used + ? BETWEEN 0 AND ?", n, models.FreeUnsubscriptions).Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	changed, err := result.RowsAffected()
	return changed == 1, err
}

// updateItemPeriod writes the period that a renewal's line added.
func updateItemPeriod(ctx context.Context, tx bun.IDB, item models.OrderItem) error {
	_, err := tx.NewUpdate().Model(&item).Column("effective_at", "expires_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// updateUnsubscribed marks renewals as taken back by an order.
func updateUnsubscribed(ctx context.Context, tx bun.IDB, items []models.ID, order models.ID) error {
	if len(items) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*models.OrderItem)(nil)).Set("unsubscribed_by = ?", order).Where("id IN (?)", bun.List(items)).Exec(ctx)
	return store.Translate(err)
}

// selectRefundInfos asks for the orders first, because what a principal may see of a breakdown is what it may see of the order.
func selectRefundInfos(ctx context.Context, db bun.IDB, who models.Principal, orders []models.ID) ([]models.RefundInfo, error) {
	var rows []models.RefundInfo
	q := db.NewSelect().Model(&rows).Where("rfi.order_id ?", seen(db, who, orders)).Order("rfi.order_id", "rfi.position")
	err := store.Read(ctx, db, q, &rows)
	return rows, err
}
