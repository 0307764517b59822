package incentives_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestTheIncentiveDashboardEqualsTheStatements: two partners, two months and every state.
func TestTheIncentiveDashboardEqualsTheStatements(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.load(policies)
		november := d.at
		d.count(d.spend(d.provider, "ecs", 30_000, november), d.spend(d.provider, "obs", 7_000, november), d.spend(d.distributor, "ecs", 90_000, november))
		d.moveTo(time.Date(2026, 12, 6, 0, 0, 0, 0, time.UTC))
		d.count(d.spend(d.provider, "ecs", 20_000, d.at))
		d.accrue()
		confirmed, _ := d.statementOf(d.distributor, "2026-11")
		_, err := d.Confirm(d.ctx, boss(), incentives.ConfirmStatement{StatementID: confirmed.ID})
		d.want(err, "")

		said := func(who models.Principal, q models.IncentiveQuery) (all []string) {
			t.Helper()
			if q.Top == 0 {
				q.Top = 10
			}
			rows, err := d.IncentiveDashboard(d.ctx, who, q)
			d.want(err, "")
			for _, row := range rows {
				all = append(all, fmt.Sprintf("%s %d: %d of %d = %d + %d + %d + %d", row.Key, row.Statements, row.TotalMinor, row.PerformanceMinor,
					row.EstimatedMinor, row.ToConfirmMinor, row.IssuingMinor, row.DoneMinor))
			}
			return all
		}
		var statements []models.IncentiveStatement
		d.want(db.NewSelect().Model(&statements).Order("ist.period").Scan(d.ctx), "")
		byMonth, mine := map[models.BillingCycle]int64{}, map[models.BillingCycle]int64{}
		for _, s := range statements {
			byMonth[s.Period] += s.TotalMinor
			if s.PartnerID == d.provider {
				mine[s.Period] += s.TotalMinor
			}
		}
		if len(byMonth) != 2 || mine["2026-11"] == 0 || mine["2026-12"] == 0 || byMonth["2026-11"] == mine["2026-11"] {
			t.Fatalf("the statements show nothing: %v and %v", byMonth, mine)
		}
		own := d.partner(d.provider, models.SolutionProvider)
		first := models.BillingCycle("2026-11")
		for name, tt := range map[string]struct {
			who  models.Principal
			q    models.IncentiveQuery
			want []string
		}{
			"by month": {boss(), models.IncentiveQuery{By: models.IncentiveByMonth}, []string{
				fmt.Sprintf("2026-11 2: %d of 127000 = 0 + %d + %d + 0", byMonth["2026-11"], mine["2026-11"], byMonth["2026-11"]-mine["2026-11"]),
				fmt.Sprintf("2026-12 1: %d of 20000 = %d + 0 + 0 + 0", mine["2026-12"], mine["2026-12"]),
			}},
			"one's own": {own, models.IncentiveQuery{By: models.IncentiveByMonth, Until: &first}, []string{
				fmt.Sprintf("2026-11 1: %d of 37000 = 0 + %d + 0 + 0", mine["2026-11"], mine["2026-11"]),
			}},
			"by service type": {own, models.IncentiveQuery{By: models.IncentiveByServiceType}, []string{
				fmt.Sprintf("ecs 2: %d of 50000 = %d + %d + 0 + 0", mine["2026-11"]+mine["2026-12"], mine["2026-12"], mine["2026-11"]),
				"obs 1: 0 of 7000 = 0 + 0 + 0 + 0",
			}},
			"by state, the largest": {boss(), models.IncentiveQuery{By: models.IncentiveByStatus, Top: 1}, []string{
				fmt.Sprintf("ISSUING 1: %d of 90000 = 0 + 0 + %d + 0", confirmed.TotalMinor, confirmed.TotalMinor),
			}},
			"by partner": {boss(), models.IncentiveQuery{By: models.IncentiveByPartner, PartnerID: &d.distributor}, []string{
				fmt.Sprintf("%s 1: %d of 90000 = 0 + 0 + %d + 0", d.distributor, confirmed.TotalMinor, confirmed.TotalMinor),
			}},
			"of another":            {own, models.IncentiveQuery{By: models.IncentiveByMonth, PartnerID: &d.distributor}, nil},
			"a reseller earns none": {d.partner(d.reseller, models.CloudReseller), models.IncentiveQuery{By: models.IncentiveByMonth}, nil},
		} {
			if diff := cmp.Diff(tt.want, said(tt.who, tt.q)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		december, customer := models.BillingCycle("2026-12"), d.customers[0]
		for field, q := range map[string]models.IncentiveQuery{
			"from": {By: models.IncentiveByMonth, From: &december, Until: &first, Top: 1}, "top": {By: models.IncentiveByMonth},
			"partnerId": {By: models.IncentiveByMonth, PartnerID: &customer, Top: 1}, "by": {By: "COLOUR", Top: 1},
		} {
			_, err := d.IncentiveDashboard(d.ctx, boss(), q)
			if e := models.AsError(err); e == nil || e.Code != models.CodeInvalid || e.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		_, err = d.IncentiveDashboard(d.ctx, models.Principal{Kind: models.PartnerKey, PartnerID: d.provider}, models.IncentiveQuery{By: models.IncentiveByMonth, Top: 1})
		d.want(err, "FORBIDDEN")
	})
}
