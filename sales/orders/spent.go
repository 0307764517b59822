package orders

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
)

// Spent measures what customers have spent of a partner's money, for their budgets (C22). The zero value is ready.
type Spent struct{}

var _ customers.Spending = Spent{}

// SpentIn returns what each customer has paid for orders with the partner's money in its period, less what was refunded in it, in minor
// units and with two statements however many periods there are. It may be below zero. Who has neither paid nor been refunded is absent.
func (Spent) SpentIn(ctx context.Context, db bun.IDB, periods []models.SpendingPeriod) (map[models.ID]int64, error) {
	spent := make(map[models.ID]int64, len(periods))
	if len(periods) == 0 {
		return spent, nil
	}
	type sum struct {
		CustomerID models.ID
		Minor      int64
	}
	var paid, refunded []sum
	q := db.NewSelect().Model((*models.Order)(nil)).ColumnExpr("o.customer_id, CAST(SUM(o.total_minor - o.coupon_minor) AS bigint) AS minor").Group("o.customer_id")
	if err := inPeriods(q, "o.paid_at", periods).Scan(ctx, &paid); err != nil {
		return nil, store.Translate(err)
	}
	q = db.NewSelect().Model((*models.OrderRefund)(nil)).Join("JOIN orders AS o ON o.id = rfd.order_id").
		ColumnExpr("o.customer_id, CAST(SUM(rfd.amount_minor) AS bigint) AS minor").Group("o.customer_id")
	if err := inPeriods(q, "rfd.created_at", periods).Scan(ctx, &refunded); err != nil {
		return nil, store.Translate(err)
	}
	for _, s := range paid {
		spent[s.CustomerID] += s.Minor
	}
	for _, s := range refunded {
		spent[s.CustomerID] -= s.Minor
	}
	return spent, nil
}

func inPeriods(q *bun.SelectQuery, moment string, periods []models.SpendingPeriod) *bun.SelectQuery {
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, p := range periods {
			q = q.WhereOr("(o.customer_id = ? AND o.partner_id = ? AND o.currency = ? AND ? >= ? AND ? < ?)", p.CustomerID, p.PartnerID, p.Currency,
				bun.Safe(moment), p.From.UTC(), bun.Safe(moment), p.Until.UTC())
		}
		return q
	})
}
