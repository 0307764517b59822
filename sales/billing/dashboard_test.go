package billing_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestDashboardsEqualTheRawSums(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		other := o.customer(o.provider, models.Resale)
		manager := o.IDs(models.PrefixUser)
		o.insert(&models.User{ID: manager, LoginName: "manager", PartnerID: o.provider.ID, CreatedAt: o.at})
		_, err := db.NewUpdate().Model((*models.Customer)(nil)).Set("account_manager_id = ?", manager).Where("id = ?", other.ID).Exec(o.ctx)
		o.want(err, "")
		pay := func(c models.Customer, partner models.ID, minor int64) models.Order {
			order, _ := o.paidOrder(c, partner, minor)
			o.want(o.BillOrder(o.ctx, models.Event{Type: models.EventOrderPaid, SubjectID: string(order.ID)}), "")
			return order
		}
		for i, c := range []models.Customer{o.resale, other, o.ofReseller} {
			partner := c.PartnerID
			first := pay(c, partner, int64(1000*(i+1)))
			pay(c, partner, 50)
			o.want(o.BillOrder(o.ctx, o.refund(first, "", 300)), "")
		}
		pay(o.advisory, "", 7000)
		o.moveTo(time.Date(2026, 12, 10, 0, 0, 0, 0, time.UTC))
		pay(o.resale, o.provider.ID, 40)
		o.record(hours("a", o.resale, "10", o.at.Add(-48*time.Hour)))
		o.settle(o.resale, true) // a debt: only what was paid back is there

		said := func(who models.Principal, q models.DashboardQuery) (all []string) {
			t.Helper()
			if q.Top == 0 {
				q.Top = 10
			}
			rows, err := dashboard(o.Dashboards(o.ctx, who, []models.DashboardQuery{q}))
			o.want(err, "")
			for _, row := range rows {
				all = append(all, fmt.Sprintf("%s %d paid %d owed %d", row.Key, row.PayableMinor, row.Paid().Minor, row.DebtLeft().Minor))
			}
			return all
		}
		november := models.BillingCycle("2026-11")
		for name, tt := range map[string]struct {
			who  models.Principal
			q    models.DashboardQuery
			want []string
		}{
			"by month":                {operator(), models.DashboardQuery{By: models.ByMonth}, []string{"2026-11 12250 paid 12250 owed 0", "2026-12 515 paid 340 owed 175"}},
			"of one month":            {operator(), models.DashboardQuery{By: models.ByMonth, From: &november, Until: &november}, []string{"2026-11 12250 paid 12250 owed 0"}},
			"by mode":                 {operator(), models.DashboardQuery{By: models.ByMode}, []string{"ADVISORY 7000 paid 7000 owed 0", "RESALE 5765 paid 5590 owed 175"}},
			"a partner by mode":       {as(o.provider), models.DashboardQuery{By: models.ByMode}, []string{"RESALE 3015 paid 2840 owed 175"}},
			"the largest customer":    {as(o.provider), models.DashboardQuery{By: models.ByCustomer, Top: 1}, []string{string(other.ID) + " 1750 paid 1750 owed 0"}},
			"by reseller":             {as(o.distributor), models.DashboardQuery{By: models.ByReseller}, []string{string(o.reseller.ID) + " 2750 paid 2750 owed 0"}},
			"by product":              {as(o.reseller), models.DashboardQuery{By: models.ByServiceType}, []string{ec2 + " 2750 paid 2750 owed 0"}},
			"by manager":              {as(o.provider), models.DashboardQuery{By: models.ByAccountManager}, []string{string(manager) + " 1750 paid 1750 owed 0", " 1265 paid 1090 owed 175"}},
			"of one manager":          {as(o.provider), models.DashboardQuery{By: models.ByMonth, ManagerID: &manager}, []string{"2026-11 1750 paid 1750 owed 0"}},
			"another's manager":       {as(o.distributor), models.DashboardQuery{By: models.ByMonth, ManagerID: &manager}, nil},
			"a customer, by manager":  {self(other), models.DashboardQuery{By: models.ByAccountManager}, []string{" 1750 paid 1750 owed 0"}},
			"of one partner":          {operator(), models.DashboardQuery{By: models.ByServiceType, PartnerID: &o.reseller.ID}, []string{ec2 + " 2750 paid 2750 owed 0"}},
			"a stranger sees nothing": {as(o.stranger), models.DashboardQuery{By: models.ByMonth}, nil},
		} {
			if diff := cmp.Diff(tt.want, said(tt.who, tt.q)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		o.checkBooks()

		// Asked together, every dashboard is what it is alone: those of other months, partners and managers, those that are refused, and the
		// same grouping twice.
		var together []models.DashboardQuery
		for _, by := range []models.DashboardGrouping{
			models.ByMonth, models.ByMode, models.ByServiceType, models.ByCustomer, models.ByReseller, models.ByAccountManager, "COLOUR",
		} {
			together = append(together, models.DashboardQuery{By: by, Top: 1}, models.DashboardQuery{By: by, Top: 10}, models.DashboardQuery{By: by},
				models.DashboardQuery{By: by, Top: 2, Until: &november}, models.DashboardQuery{By: by, Top: 2, ManagerID: &manager},
				models.DashboardQuery{By: by, Top: 2, PartnerID: &o.provider.ID}, models.DashboardQuery{By: by, Top: 2, PartnerID: &manager})
		}
		rowsOf := 0
		for _, who := range []models.Principal{operator(), as(o.provider), as(o.distributor), as(o.reseller), self(other), as(o.stranger)} {
			consumed, err := o.Dashboards(o.ctx, who, together)
			o.want(err, "")
			performed, err := o.incentive.Dashboards(o.ctx, who, together)
			earns := who.CustomerID == "" && who.PartnerID != o.reseller.ID // P14
			if earns {
				o.want(err, "")
			} else {
				o.want(err, "FORBIDDEN")
			}
			for i, q := range together {
				rowsOf += len(consumed[i].Rows)
				rows, err := dashboard(o.Dashboards(o.ctx, who, []models.DashboardQuery{q}))
				if diff := cmp.Diff(rows, consumed[i].Rows) + cmp.Diff(fmt.Sprint(err), fmt.Sprint(consumed[i].Err)); diff != "" {
					t.Errorf("consumption, %+v, %+v: %s", who, q, diff)
				}
				if !earns {
					continue
				}
				rowsOf += len(performed[i].Rows)
				counted, err := dashboard(o.incentive.Dashboards(o.ctx, who, []models.DashboardQuery{q}))
				if diff := cmp.Diff(counted, performed[i].Rows) + cmp.Diff(fmt.Sprint(err), fmt.Sprint(performed[i].Err)); diff != "" {
					t.Errorf("performance, %+v, %+v: %s", who, q, diff)
				}
			}
		}
		if rowsOf < 200 {
			t.Errorf("the dashboards have %d rows, too few to show anything", rowsOf)
		}

		o.checkShown()
		december, long := models.BillingCycle("2026-12"), models.BillingCycle("2020-01")
		for field, q := range map[string]models.DashboardQuery{
			"from": {By: models.ByMonth, From: &december, Until: &november, Top: 1}, "from ": {By: models.ByMonth, From: &long, Top: 1}, "top": {By: models.ByMonth},
			"partnerId": {By: models.ByMonth, PartnerID: &manager, Top: 1}, "accountManagerId": {By: models.ByMonth, ManagerID: &o.provider.ID, Top: 1}, "by": {By: "COLOUR", Top: 1},
		} {
			_, err := dashboard(o.Dashboards(o.ctx, operator(), []models.DashboardQuery{q}))
			if e := models.AsError(err); e == nil || e.Code != models.CodeInvalid || e.Field+" " != field+" " && e.Field+" " != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		_, err = o.Dashboards(o.ctx, models.Principal{Kind: models.PartnerKey, PartnerID: o.provider.ID}, []models.DashboardQuery{{By: models.ByMonth, Top: 1}})
		o.want(err, "FORBIDDEN")

		// Performance: what partners see of it, and that its sums are those of its lines.
		rows, err := dashboard(o.incentive.Dashboards(o.ctx, as(o.distributor), []models.DashboardQuery{{By: models.ByReseller, Top: 10}}))
		o.want(err, "")
		if len(rows) != 1 || rows[0].Key != string(o.reseller.ID) || rows[0].AmountMinor != 2750 || rows[0].Lines != 3 {
			t.Errorf("%+v", rows)
		}
		rows, err = dashboard(o.incentive.Dashboards(o.ctx, as(o.provider), []models.DashboardQuery{{By: models.ByMode, PartnerID: &o.provider.ID, Top: 10}}))
		o.want(err, "")
		if len(rows) != 2 || rows[0].AmountMinor+rows[1].AmountMinor != 700+50+1700+50+7000+40+300 {
			t.Errorf("%+v", rows)
		}
		var lines, months int64
		o.want(db.NewSelect().Model((*models.PerformanceLine)(nil)).ColumnExpr("CAST(SUM(amount_minor) AS BIGINT)").Scan(o.ctx, &lines), "")
		o.want(db.NewSelect().Model((*models.PerformanceMonth)(nil)).ColumnExpr("CAST(SUM(amount_minor) AS BIGINT)").Scan(o.ctx, &months), "")
		if lines != months || lines == 0 {
			t.Errorf("the lines add up to %d, the months to %d", lines, months)
		}
		_, err = o.incentive.Dashboards(o.ctx, self(other), []models.DashboardQuery{{By: models.ByMonth, Top: 1}})
		o.want(err, "FORBIDDEN")
	})
}

// dashboard is the answer to a single query.
func dashboard[Row any](answers []models.Dashboard[Row], err error) ([]Row, error) {
	if err != nil {
		return nil, err
	}
	return answers[0].Rows, answers[0].Err
}

// checkShown checks that what is not shown is not summed up, and orders all the same.
func (o *office) checkShown() {
	o.t.Helper()
	few := store.Showing(o.ctx, store.NewShown(map[string]struct{}{"paid": {}, "counted": {}}))
	largest := []models.DashboardQuery{{By: models.ByCustomer, Top: 2}, {By: models.ByMode, Top: 2}}
	whole, err := o.Dashboards(o.ctx, operator(), largest)
	o.want(err, "")
	part, err := o.Dashboards(few, operator(), largest)
	o.want(err, "")
	for i := range whole {
		for j, row := range whole[i].Rows {
			whole[i].Rows[j] = models.ConsumptionSum{Key: row.Key, Currency: row.Currency, PaidMinor: row.PaidMinor}
		}
	}
	if diff := cmp.Diff(whole, part); diff != "" {
		o.t.Error(diff)
	}
}

// TestTheAuditNamesWrongSums: what the database does not check, the audit does. Totals of lines from before there were any are added up by the migration.
func TestTheAuditNamesWrongSums(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage string
		want   billing.Report
	}{
		"an amount":       {"UPDATE bill_lines SET cash_minor = cash_minor + 1, coupon_minor = coupon_minor - 1", billing.Report{WrongMonths: 1}},
		"a month":         {"UPDATE bill_months SET lines = 2", billing.Report{WrongMonths: 1, WrongTotals: 1}},
		"a month is gone": {"DELETE FROM bill_months", billing.Report{WrongMonths: 1, WrongTotals: 1}},
		"a total":         {"UPDATE bill_totals SET debt_paid_minor = 1", billing.Report{WrongTotals: 1}},
		"another's total": {"UPDATE bill_totals SET partner_id = 'ptr_0'", billing.Report{WrongTotals: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				o := open(t, db)
				order, _ := o.paidOrder(o.resale, o.provider.ID, 1000)
				o.want(o.BillOrder(o.ctx, models.Event{Type: models.EventOrderPaid, SubjectID: string(order.ID)}), "")
				for undone := ""; !strings.HasPrefix(undone, "0092"); {
					steps, err := migrations.Down(o.ctx, db, 1)
					o.want(err, "")
					undone = steps[0]
				}
				_, err := migrations.Up(o.ctx, db)
				o.want(err, "")
				o.checkBooks()
				done, err := db.ExecContext(o.ctx, c.damage)
				o.want(err, "")
				if n, err := done.RowsAffected(); err != nil || n != 1 {
					t.Fatalf("%d rows: %v", n, err)
				}
				report, err := o.Audit(o.ctx)
				o.want(err, "")
				if diff := cmp.Diff(c.want, report); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
