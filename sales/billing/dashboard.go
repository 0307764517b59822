package billing

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// Dashboards returns sums of the consumption that FindLines shows, per currency: by month in their order, otherwise the largest first. It reads the
// monthly sums, not the lines, and once for the queries of the same months, partner and account manager. The answers are in the queries' order; one
// is INVALID for months that make no sense, whatever the others are. It needs BILLS_READ.
func (s *Service) Dashboards(ctx context.Context, who models.Principal, queries []models.DashboardQuery) ([]models.Dashboard[models.ConsumptionSum], error) {
	if err := access.Require(who, models.ReadBills); err != nil {
		return nil, err
	}
	return access.Answer[models.ConsumptionSum](ctx, who, access.Dashboards{
		DB:   s.DB,
		Rows: func() *bun.SelectQuery { return visibleMonths(s.DB, who) },
		OfPartner: func(q *bun.SelectQuery, partner models.ID) *bun.SelectQuery {
			return q.Where("bmo.partner_id = ?", partner)
		},
		Alias: "bmo", Month: "cycle", Partner: "partner_id", Largest: "payable_minor",
		Columns: []access.DashboardColumn{
			{Name: "lines", Plus: []string{"lines"}}, {Name: "official_minor", Plus: []string{"discount_minor", "payable_minor"}},
			{Name: "payable_minor", Plus: []string{"payable_minor"}}, {Name: "paid_minor", Plus: []string{"cash_minor", "credit_minor", "debt_paid_minor"}},
			{Name: "debt_left_minor", Plus: []string{"debt_minor"}, Less: "debt_paid_minor"},
		},
	}, models.BillingCycleAt(s.now()), queries)
}
