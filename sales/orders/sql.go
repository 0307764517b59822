package orders

import (
	"context"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// insertOrder writes an order with its lines in one round trip, and tells of it when there is something to tell.
func (s *Service) insertOrder(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, items []models.OrderItem, happened ...models.Event) error {
	rows := []models.Order{order}
	filled, due := s.Events.Fill(who, happened...)
	script := store.NewScript(tx)
	script.Insert(&rows)
	script.Insert(&items)
	s.Events.AddTo(script, filled, due)
	return store.Translate(script.Exec(ctx))
}

// updateOrder writes what changes in an order's life.
func (s *Service) updateOrder(ctx context.Context, tx bun.IDB, order *models.Order) error {
	return s.updateTold(ctx, tx, models.Principal{}, order)
}

// updateTold is updateOrder that tells of it, in one round trip.
func (s *Service) updateTold(ctx context.Context, tx bun.IDB, who models.Principal, order *models.Order, happened ...models.Event) error {
	s.announce(ctx, order.ID)
	filled, due := s.Events.Fill(who, happened...)
	script := store.NewScript(tx)
	script.Add(tx.NewUpdate().Model(order).
		Column("status", "transfer_id", "hold_id", "paid_at", "completed_at", "failure", "pay_by", "partner_asked_at", "payer_id", "coupon_minor", "account_minor",
			"review_reason", "reviewed_at", "updated_at").WherePK())
	s.Events.AddTo(script, filled, due)
	return store.Translate(script.Exec(ctx))
}

// updateItemCoupons writes what coupons paid of a line.
func updateItemCoupons(ctx context.Context, tx bun.IDB, item models.OrderItem) error {
	_, err := tx.NewUpdate().Model(&item).Column("coupon_minor").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectOrders(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Order, error) {
	var rows []models.Order
	err := store.Read(ctx, db, access.Orders(store.Narrowed[models.Order](ctx, db.NewSelect().Model(&rows)).Where("o.id ?", store.In(ids)), who), &rows)
	return rows, err
}

func selectOrderForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Order, bool, error) {
	var rows []models.Order
	err := store.Read(ctx, tx, store.ForUpdate(access.Orders(tx.NewSelect().Model(&rows).Where("o.id = ?", id), who)), &rows)
	if err != nil || len(rows) == 0 {
		return models.Order{}, false, err
	}
	return rows[0], true, nil
}

// selectItems asks for the orders first, because what a principal may see of a line is what it may see of the order.
func selectItems(ctx context.Context, db bun.IDB, who models.Principal, orders []models.ID) ([]models.OrderItem, error) {
	var rows []models.OrderItem
	q := store.Narrowed[models.OrderItem](ctx, db.NewSelect().Model(&rows)).Where("oi.order_id ?", seen(db, who, orders)).Order("oi.order_id", "oi.position")
	err := store.Read(ctx, db, q, &rows)
	return rows, err
}

// seen is the condition that a column is one of these orders and that the principal may see it.
func seen(db bun.IDB, who models.Principal, orders []models.ID) schema.QueryAppender {
	return store.Within(visible(db, who).Column("o.id").Where("o.id ?", store.In(orders)))
}

// visible starts a query of the orders that a principal may see.
func visible(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.Orders(db.NewSelect().Model((*models.Order)(nil)), who)
}

func existsPaidOrder(ctx context.Context, db bun.IDB, customer models.ID) (bool, error) {
	exists, err := db.NewSelect().Model((*models.Order)(nil)).
		Where("o.customer_id = ?", customer).Where("o.paid_at IS NOT NULL").Exists(ctx)
	return exists, store.Translate(err)
}

func existsPayableOrder(ctx context.Context, db bun.IDB, customer models.ID, now time.Time) (bool, error) {
	exists, err := db.NewSelect().Model((*models.Order)(nil)).
		Where("o.customer_id = ?", customer).Where("o.status = ?", models.OrderPendingPayment).
		Where("o.pay_by IS NULL OR o.pay_by > ?", now.UTC()).Exists(ctx)
	return exists, store.Translate(err)
}

func (f OrderFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.CustomerID != nil {
		q = q.Where("o.customer_id = ?", *f.CustomerID)
	}
	if f.PartnerID != nil {
		q = q.Where("o.partner_id = ?", *f.PartnerID)
	}
	if f.Status != nil {
		q = q.Where("o.status IN (?)", bun.List(f.Status))
	}
	if f.Type != nil {
		q = q.Where("o.type IN (?)", bun.List(f.Type))
	}
	if f.Number != nil {
		q = q.Where("o.number = ?", *f.Number)
	}
	if f.ExternalID != nil {
		q = q.Where("o.external_id = ?", *f.ExternalID)
	}
	if f.CreatedAfter != nil {
		q = q.Where("o.created_at >= ?", f.CreatedAfter.UTC())
	}
	if f.CreatedBefore != nil {
		q = q.Where("o.created_at < ?", f.CreatedBefore.UTC())
	}
	return q
}

func existsReview(ctx context.Context, db bun.IDB, customer models.ID) (bool, error) {
	exists, err := db.NewSelect().Model((*models.OrderReview)(nil)).Where("customer_id = ?", customer).Exists(ctx)
	return exists, store.Translate(err)
}

// replaceReview puts a customer under review, or ends that when there is no reason.
func replaceReview(ctx context.Context, tx bun.IDB, customer models.ID, reason *string, now time.Time) error {
	if _, err := tx.NewDelete().Model((*models.OrderReview)(nil)).Where("customer_id = ?", customer).Exec(ctx); err != nil {
		return store.Translate(err)
	}
	if reason == nil {
		return nil
	}
	_, err := tx.NewInsert().Model(&models.OrderReview{CustomerID: customer, Reason: *reason, CreatedAt: now}).Exec(ctx)
	return store.Translate(err)
}

// selectWaitingAfter reads orders that wait for payment until a deadline, in the order of their ids.
func selectWaitingAfter(ctx context.Context, db bun.IDB, after models.ID, limit int) ([]models.Order, error) {
	var rows []models.Order
	err := db.NewSelect().Model(&rows).Column("o.id", "o.pay_by").Where("o.id > ?", after).Where("o.status = ?", models.OrderPendingPayment).
		Where("o.pay_by IS NOT NULL").Order("o.id").Limit(int64(limit)).Scan(ctx)
	return rows, store.Translate(err)
}
