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

// Dashboards returns sums of the performance that FindPerformance shows, per currency: by month in their order, otherwise the largest first. It
// reads the monthly sums, or their totals where no customer is told apart, not the lines, and once for the queries of the same months, partner and account manager. The answers are in the queries'
// order; one is INVALID for months that make no sense, whatever the others are. It needs INCENTIVES_READ.
func (s *Service) Dashboards(ctx context.Context, who models.Principal, queries []models.DashboardQuery) ([]models.Dashboard[models.PerformanceSum], error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	return access.Answer[models.PerformanceSum](ctx, who, access.Dashboards{
		DB: s.DB,
		Months: access.DashboardTable{Alias: "pfm", Rows: func() *bun.SelectQuery {
			return access.PerformanceMonths(s.DB.NewSelect().Model((*models.PerformanceMonth)(nil)), who)
		}},
		Totals: access.DashboardTable{Alias: "pft", Rows: func() *bun.SelectQuery {
			return access.PerformanceTotals(s.DB.NewSelect().Model((*models.PerformanceTotal)(nil)), who)
		}},
		OfPartner: func(q *bun.SelectQuery, table bun.Ident, partner models.ID) *bun.SelectQuery {
			return q.Where("(?.partner_id = ? AND ?.reseller_id = '' OR ?.reseller_id = ?)", table, partner, table, table, partner)
		},
		Month: "period", Partner: "reseller_id", Largest: "counted_minor",
		Columns: []access.DashboardColumn{
			{Name: "lines", Plus: []string{"lines"}}, {Name: "amount_minor", Plus: []string{"amount_minor"}}, {Name: "counted_minor", Plus: []string{"counted_minor"}},
		},
	}, models.BillingCycleAt(s.now()), queries)
}

// IncentiveDashboard returns sums of the statements that FindStatements shows, per currency: by month in their order, otherwise the largest first. By
// service type it adds the statements' lines up. It needs INCENTIVES_READ, and is INVALID for months that make no sense.
func (s *Service) IncentiveDashboard(ctx context.Context, who models.Principal, query models.IncentiveQuery) ([]models.IncentiveSum, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	from, until, err := query.Check(models.BillingCycleAt(s.now()))
	if err != nil {
		return nil, err
	}
	rows := func() *bun.SelectQuery {
		q := access.IncentiveStatements(s.DB.NewSelect().Model((*models.IncentiveStatement)(nil)), who).Where("ist.period >= ?", from).Where("ist.period <= ?", until)
		if query.PartnerID != nil {
			q = q.Where("ist.partner_id = ?", *query.PartnerID)
		}
		if query.By == models.IncentiveByServiceType {
			q = q.Join("JOIN incentive_lines AS isl ON isl.statement_id = ist.id")
		}
		return q
	}
	by, performance, total := store.Grouping{Name: string(query.By), Top: query.Top}, bun.SafeQuery("ist.performance_minor"), bun.SafeQuery("ist.total_minor")
	switch query.By {
	case models.IncentiveByMonth:
		by.Key, by.Top = bun.SafeQuery("ist.period"), 0
	case models.IncentiveByServiceType:
		by.Key, performance, total = bun.SafeQuery("isl.service_type"), bun.SafeQuery("isl.performance_minor"), bun.SafeQuery("isl.amount_minor")
	case models.IncentiveByStatus:
		by.Key = bun.SafeQuery("ist.status")
	case models.IncentiveByPartner:
		by.Key = bun.SafeQuery("ist.partner_id")
	default:
		return nil, models.Invalid("by", "There is no such grouping.")
	}
	in := func(name string, status models.StatementStatus) store.SumColumn {
		return store.SumOf(name, bun.SafeQuery("CASE WHEN ist.status = ? THEN ? ELSE 0 END", status, total))
	}
	found, err := store.SumUp[models.IncentiveSum](ctx, s.DB, store.Sums{
		Rows: rows, Alias: "ist", Largest: bun.SafeQuery("SUM(?)", total),
		Columns: []store.SumColumn{
			{Name: "statements", Sum: bun.SafeQuery("COUNT(DISTINCT ist.id)")}, store.SumOf("performance_minor", performance), store.SumOf("total_minor", total),
			in("estimated_minor", models.StatementEstimated), in("to_confirm_minor", models.StatementToConfirm),
			in("issuing_minor", models.StatementIssuing), in("done_minor", models.StatementDone),
		},
	}, by)
	return found[by.Name], err
}
