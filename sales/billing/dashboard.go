package billing

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// Dashboards returns sums of the consumption that FindLines shows, per currency: by month in their order, otherwise the largest first. It reads the
// monthly sums, or their totals where no customer is told apart, not the lines, and once for the queries of the same months, partner and account manager. The answers are in the queries' order; one
// is INVALID for months that make no sense, whatever the others are. It needs BILLS_READ.
func (s *Service) Dashboards(ctx context.Context, who models.Principal, queries []models.DashboardQuery) ([]models.Dashboard[models.ConsumptionSum], error) {
	if err := access.Require(who, models.ReadBills); err != nil {
		return nil, err
	}
	return access.Answer[models.ConsumptionSum](ctx, who, access.Dashboards{
		DB:     s.DB,
		Months: access.DashboardTable{Alias: "bmo", Rows: func() *bun.SelectQuery { return visibleMonths(s.DB, who) }},
		Totals: access.DashboardTable{Alias: "bto", Rows: func() *bun.SelectQuery {
			return access.BillTotals(s.DB.NewSelect().Model((*models.BillTotal)(nil)), who)
		}},
		OfPartner: func(q *bun.SelectQuery, table bun.Ident, partner models.ID) *bun.SelectQuery {
			return q.Where("?.partner_id = ?", table, partner)
		},
		Month: "cycle", Partner: "partner_id", Largest: "payable_minor",
		Columns: []access.DashboardColumn{
			{Name: "lines", Plus: []string{"lines"}}, {Name: "official_minor", Plus: []string{"discount_minor", "payable_minor"}},
			{Name: "payable_minor", Plus: []string{"payable_minor"}}, {Name: "paid_minor", Plus: []string{"cash_minor", "credit_minor", "debt_paid_minor"}},
			{Name: "debt_left_minor", Plus: []string{"debt_minor"}, Less: "debt_paid_minor"},
		},
	}, models.BillingCycleAt(s.now()), queries)
}
