package billing

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// Dashboard returns sums of the consumption that FindLines shows, per currency: by month in their order, otherwise the largest first. It reads the
// monthly sums, not the lines. It needs BILLS_READ, and is INVALID for months that make no sense.
func (s *Service) Dashboard(ctx context.Context, who models.Principal, query models.DashboardQuery) ([]models.ConsumptionSum, error) {
	if err := access.Require(who, models.ReadBills); err != nil {
		return nil, err
	}
	from, until, err := query.Check(models.BillingCycleAt(s.now()))
	if err != nil {
		return nil, err
	}
	q := visibleMonths(s.DB, who).Where("bmo.cycle >= ?", from).Where("bmo.cycle <= ?", until)
	if query.PartnerID != nil {
		q = q.Where("bmo.partner_id = ?", *query.PartnerID)
	}
	manager, args := access.ManagerOf(who, "bmo.customer_id")
	if query.ManagerID != nil {
		q = q.Where(manager+" = ?", append(args, *query.ManagerID)...)
	}
	switch query.By {
	case models.ByMonth:
		q = q.ColumnExpr("bmo.cycle AS key")
	case models.ByMode:
		q = q.ColumnExpr("bmo.mode AS key")
	case models.ByServiceType:
		q = q.ColumnExpr("bmo.service_type AS key")
	case models.ByCustomer:
		q = q.ColumnExpr("bmo.customer_id AS key")
	case models.ByReseller:
		q = q.ColumnExpr("bmo.partner_id AS key")
	case models.ByAccountManager:
		q = q.ColumnExpr(manager+" AS key", args...)
	default:
		return nil, models.Invalid("by", "There is no such grouping.")
	}
	q = q.Column("bmo.currency")
	for _, column := range []string{
		"lines", "discount_minor", "payable_minor", "cash_minor", "credit_minor", "coupon_minor", "debt_minor", "debt_paid_minor",
	} {
		q = q.ColumnExpr("CAST(SUM(bmo.?) AS BIGINT) AS ?", bun.Ident(column), bun.Ident(column))
	}
	rows := []models.ConsumptionSum{}
	q = q.GroupExpr("1, bmo.currency")
	if query.By == models.ByMonth {
		q = q.OrderExpr("1, bmo.currency")
	} else {
		q = q.OrderExpr("SUM(bmo.payable_minor) DESC, 1, bmo.currency").Limit(int64(query.Top))
	}
	err = q.Scan(ctx, &rows)
	return rows, store.Translate(err)
}
