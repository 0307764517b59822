package incentives

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// PerformanceOfReseller returns what was counted for a reseller's customers from a month on, in minor units of a currency, for whichever
// distributor it was: what decides whether it may become one itself (P13). It asks nobody's permission; sales/partners does.
func (s *Service) PerformanceOfReseller(ctx context.Context, db bun.IDB, reseller models.ID, from models.BillingCycle, currency models.Currency) (int64, error) {
	var counted int64
	err := db.NewSelect().Model((*models.PerformanceMonth)(nil)).ColumnExpr("CAST(COALESCE(SUM(pfm.counted_minor), 0) AS BIGINT)").
		Where("pfm.reseller_id = ?", reseller).Where("pfm.period >= ?", from).Where("pfm.currency = ?", currency).Scan(ctx, &counted)
	return counted, store.Translate(err)
}

// Dashboard returns sums of the performance that FindPerformance shows, per currency: by month in their order, otherwise the largest first. It
// reads the monthly sums, not the lines. It needs INCENTIVES_READ, and is INVALID for months that make no sense.
func (s *Service) Dashboard(ctx context.Context, who models.Principal, query models.DashboardQuery) ([]models.PerformanceSum, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	from, until, err := query.Check(models.BillingCycleAt(s.now()))
	if err != nil {
		return nil, err
	}
	q := access.PerformanceMonths(s.DB.NewSelect().Model((*models.PerformanceMonth)(nil)), who).Where("pfm.period >= ?", from).Where("pfm.period <= ?", until)
	if query.PartnerID != nil {
		q = q.Where("(pfm.partner_id = ? AND pfm.reseller_id = '' OR pfm.reseller_id = ?)", *query.PartnerID, *query.PartnerID)
	}
	manager, args := access.ManagerOf(who, "pfm.customer_id")
	if query.ManagerID != nil {
		q = q.Where(manager+" = ?", append(args, *query.ManagerID)...)
	}
	switch query.By {
	case models.ByMonth:
		q = q.ColumnExpr("pfm.period AS key")
	case models.ByMode:
		q = q.ColumnExpr("pfm.mode AS key")
	case models.ByServiceType:
		q = q.ColumnExpr("pfm.service_type AS key")
	case models.ByCustomer:
		q = q.ColumnExpr("pfm.customer_id AS key")
	case models.ByReseller:
		q = q.ColumnExpr("pfm.reseller_id AS key")
	case models.ByAccountManager:
		q = q.ColumnExpr(manager+" AS key", args...)
	default:
		return nil, models.Invalid("by", "There is no such grouping.")
	}
	q = q.Column("pfm.currency")
	for _, column := range []string{
		"lines", "amount_minor", "counted_minor",
	} {
		q = q.ColumnExpr("CAST(SUM(pfm.?) AS BIGINT) AS ?", bun.Ident(column), bun.Ident(column))
	}
	rows := []models.PerformanceSum{}
	q = q.GroupExpr("1, pfm.currency")
	if query.By == models.ByMonth {
		q = q.OrderExpr("1, pfm.currency")
	} else {
		q = q.OrderExpr("SUM(pfm.counted_minor) DESC, 1, pfm.currency").Limit(int64(query.Top))
	}
	err = q.Scan(ctx, &rows)
	return rows, store.Translate(err)
}
