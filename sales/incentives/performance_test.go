package incentives_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// desk is an office with a clock that moves, and customers.
type desk struct {
	*office
	ctx       context.Context
	mu        sync.Mutex
	at        time.Time
	customers []models.ID
	bills     int
	other     models.ID // another account of the provider's company; zero = there is none
}

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	d := &desk{office: newOffice(t, db), ctx: t.Context(), at: time.Date(2026, 11, 10, 8, 0, 0, 0, time.UTC)}
	d.Now = func() time.Time {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.at
	}
	d.Events = &events.Recorder{IDs: d.IDs, Now: d.Now}
	for _, id := range []models.ID{d.distributor, d.reseller, d.provider} {
		_, err := db.NewUpdate().Model((*models.Partner)(nil)).Set("level = ?", models.LevelLeading).Set("state = ?", models.PartnerActive).Where("id = ?", id).Exec(d.ctx)
		d.want(err, "")
	}
	for i := range 3 {
		c := models.Customer{ID: d.IDs(models.PrefixCustomer), Cloud: "sim", Currency: models.CNY, CreatedAt: noon, UpdatedAt: noon, Name: fmt.Sprint("c", i)}
		d.insert(&c)
		d.customers = append(d.customers, c.ID)
	}
	return d
}

func (d *desk) insert(row any) {
	d.t.Helper()
	if _, err := d.DB.NewInsert().Model(row).Exec(d.ctx); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) moveTo(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
}

func (d *desk) want(err error, refused string) {
	d.t.Helper()
	got := models.ReasonOf(err)
	if got == "" {
		got = string(models.CodeOf(err))
	}
	if got != refused {
		d.t.Fatalf("got %q (%v), want %q", got, err, refused)
	}
}

func boss() models.Principal {
	return models.Principal{Kind: models.Operator, Permissions: models.DefaultPermissions(models.Operator, ""), RequestID: "test"}
}

// spend is a consumption with the bill line that it needs.
func (d *desk) spend(partner models.ID, service string, minor int64, at time.Time) models.Consumption {
	d.t.Helper()
	d.bills++
	line := models.BillLine{
		ID: d.IDs(models.PrefixBillLine), Cloud: "sim", SourceID: fmt.Sprint("source ", d.bills), Kind: models.BillNew, CustomerID: d.customers[0], PartnerID: partner,
		Mode: models.Resale, ServiceType: service, Quantity: 1, UsedAt: at.UTC(), Currency: models.CNY, CreatedAt: d.at, PayableMinor: minor, CashMinor: minor,
	}
	billed := at.UTC()
	line.BilledAt, line.Cycle = &billed, models.BillingCycleAt(at)
	d.insert(&line)
	return models.Consumption{
		SourceID: string(line.ID), LineID: line.ID, Cause: models.CausePurchase, Cloud: "sim", CustomerID: line.CustomerID, PartnerID: partner, Mode: line.Mode,
		ServiceType: service, Currency: models.CNY, PaidMinor: minor, At: at,
	}
}

func (d *desk) count(consumed ...models.Consumption) {
	d.t.Helper()
	d.want(d.DB.InTx(d.ctx, func(ctx context.Context, tx bun.Tx) error { return d.CountIn(ctx, tx, consumed) }), "")
}

func (d *desk) accrue() {
	d.t.Helper()
	_, err := d.Accrue(d.ctx)
	d.want(err, "")
}

// statementOf is a partner's statement with what its lines say, in their order.
func (d *desk) statementOf(partner models.ID, period models.BillingCycle) (models.IncentiveStatement, []string) {
	d.t.Helper()
	found, err := d.FindStatements(d.ctx, boss(), incentives.StatementFilter{PartnerID: &partner, Period: &period}, models.PageArgs{})
	d.want(err, "")
	if len(found.Edges) != 1 {
		d.t.Fatalf("%d statements", len(found.Edges))
	}
	statement := found.Nodes()[0]
	var lines []models.IncentiveLine
	d.want(d.DB.NewSelect().Model(&lines).Where("isl.statement_id = ?", statement.ID).Scan(d.ctx), "")
	said := make([]string, len(lines))
	for i, line := range lines {
		said[i] = fmt.Sprintf("%s %s %d of %d at %s = %d %s", line.ServiceType, line.Rule, line.PerformanceMinor, line.ConsumptionMinor, line.Rate, line.AmountMinor, line.Reason)
	}
	slices.Sort(said)
	again, recomputed, err := d.Recompute(d.ctx, boss(), statement.ID)
	d.want(err, "")
	if again.TotalMinor != statement.TotalMinor || again.PerformanceMinor != statement.PerformanceMinor || len(recomputed) != len(lines) {
		d.t.Fatalf("worked out again: %+v with %d lines, not %+v with %d", again, len(recomputed), statement, len(lines))
	}
	return statement, said
}

func (d *desk) load(content string) models.IncentiveVersion {
	d.t.Helper()
	loaded, err := d.Load(d.ctx, boss(), incentives.LoadPolicies{Content: content})
	d.want(err, "")
	return loaded.IncentiveVersion
}

const policies = `{
  "schema": 1, "cloud": "sim", "version": "one", "effectiveFrom": "2026-01-01T00:00:00+08:00",
  "policies": [
    {"serviceType": "ecs", "from": "2026-11", "until": "2026-12", "levels": ["LEADING", "CORE"], "currency": "CNY", "incentive": 0,
     "tiers": [{"from": "0", "rate": "0.05"}, {"from": "1000.00", "rate": "0.08", "cap": "150"}]},
    {"serviceType": "rds", "from": "2026-11", "until": "2026-12", "currency": "CNY", "incentive": 1, "tiers": [{"from": "500", "rate": "0.1"}]},
    {"serviceType": "cdn", "from": "2026-11", "currency": "CNY", "incentive": 2},
    {"serviceType": "obs", "from": "2026-11", "currency": "CNY", "incentive": 13},
    {"serviceType": "shop", "from": "2026-11", "currency": "CNY", "incentive": 0, "curated": true}
  ]
}`

func TestPoliciesAreLoadedWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		first := d.load(policies)
		if first.Rules != 2*2+3*2+3+3+3 {
			t.Errorf("%d policies", first.Rules)
		}
		again, err := d.Load(d.ctx, boss(), incentives.LoadPolicies{Content: strings.ReplaceAll(policies, "\n", "\n\n")})
		d.want(err, "")
		if again.Changed || again.IncentiveVersion.ID != first.ID {
			t.Errorf("the same content again: %+v", again)
		}
		for name, tt := range map[string]struct{ old, young, path string }{
			"another schema":       {`"schema": 1`, `"schema": 2`, "schema"},
			"an unknown field":     {`"rate": "0.05"`, `"rate": "0.05", "colour": 1`, "policies[0].tiers[0].colour"},
			"a rate above one":     {`"rate": "0.05"`, `"rate": "1.05"`, "policies[0].tiers[0].rate"},
			"a rate as number":     {`"rate": "0.05"`, `"rate": 0.05`, "policies[0].tiers[0].rate"},
			"falling tiers":        {`"from": "1000.00"`, `"from": "0"`, "policies[0].tiers[1].from"},
			"a broken cap":         {`"cap": "150"`, `"cap": "-1"`, "policies[0].tiers[1].cap"},
			"an unknown level":     {`"CORE"]`, `"GOLD"]`, "policies[0].levels[1]"},
			"a level twice":        {`"CORE"]`, `"LEADING"]`, "policies[0].levels[1]"},
			"an unknown incentive": {`"incentive": 13`, `"incentive": 3`, "policies[3].incentive"},
			"an unknown currency":  {`"currency": "CNY", "incentive": 2`, `"currency": "EUR", "incentive": 2`, "policies[2].currency"},
			"no tier":              {`"tiers": [{"from": "500", "rate": "0.1"}]`, `"tiers": []`, "policies[1].tiers"},
			"tiers for nothing":    {`"incentive": 13}`, `"incentive": 13, "tiers": [{"from": "0", "rate": "0"}]}`, "policies[3].tiers"},
			"no such month":        {`"from": "2026-11", "until": "2026-12", "levels"`, `"from": "2026-13", "levels"`, "policies[0].from"},
			"an end before":        {`"until": "2026-12", "levels"`, `"until": "2026-10", "levels"`, "policies[0].until"},
			"too many months":      {`"until": "2026-12", "levels"`, `"until": "2040-10", "levels"`, "policies[0].until"},
			"a month twice":        {`"serviceType": "rds"`, `"serviceType": "ecs"`, "policies[1]"},
			"no time":              {`"2026-01-01T00:00:00+08:00"`, `"tomorrow"`, "effectiveFrom"},
			"a nameless version":   {`"version": "one"`, `"version": ""`, "version"},
		} {
			if !strings.Contains(policies, tt.old) {
				t.Fatalf("%s: nothing to change", name)
			}
			_, err := d.Load(d.ctx, boss(), incentives.LoadPolicies{Content: strings.Replace(policies, tt.old, tt.young, 1)})
			if e := models.AsError(err); e == nil || e.Code != models.CodeInvalid || e.Details["path"] != tt.path {
				t.Errorf("%s: %v, want INVALID of %s", name, err, tt.path)
			}
		}
		_, err = d.Load(d.ctx, boss(), incentives.LoadPolicies{Content: strings.Replace(policies, `"0.05"`, `"0.06"`, 1)})
		d.want(err, "CONFLICT")
		_, err = d.Load(d.ctx, boss(), incentives.LoadPolicies{Content: strings.Replace(policies, `"one"`, `"two"`, 1)})
		d.want(err, "POLICIES_BACKDATED")
		for _, who := range []models.Principal{d.partner(d.provider, models.SolutionProvider), {Kind: models.PartnerKey, PartnerID: d.provider, Permissions: models.AllPermissions()}} {
			_, err = d.Load(d.ctx, who, incentives.LoadPolicies{Content: policies})
			d.want(err, "FORBIDDEN")
		}
		_, err = d.Load(d.ctx, models.Principal{}, incentives.LoadPolicies{Content: policies})
		d.want(err, "UNAUTHENTICATED")

		level, month, service := models.LevelCore, models.BillingCycle("2026-12"), "ecs"
		found, err := d.FindPolicies(d.ctx, d.partner(d.provider, models.SolutionProvider), incentives.PolicyFilter{Level: &level, Month: &month, ServiceType: &service}, models.PageArgs{})
		d.want(err, "")
		if len(found.Edges) != 1 || found.Nodes()[0].Tiers[1].FromMinor != 100_000 || *found.Nodes()[0].Tiers[1].CapMinor != 15_000 {
			t.Errorf("%+v", found.Nodes())
		}
		ahead := d.at.Add(time.Hour)
		_, err = d.FindPolicies(d.ctx, d.partner(d.provider, models.SolutionProvider), incentives.PolicyFilter{AsOf: &ahead}, models.PageArgs{})
		d.want(err, "INVALID")
		versions, err := d.FindVersions(d.ctx, boss(), models.PageArgs{})
		d.want(err, "")
		if len(versions.Edges) != 1 {
			t.Errorf("%d versions", len(versions.Edges))
		}
	})
}

func TestAStatementExplainsItself(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.load(policies)
		at := d.at
		vouched := d.spend(d.provider, "ecs", 0, at)
		vouched.CouponMinor = 500
		d.count(
			d.spend(d.provider, "ecs", 30_000, at), d.spend(d.provider, "rds", 10_000, at), d.spend(d.provider, "cdn", 7_000, at),
			d.spend(d.provider, "obs", 5_000, at), d.spend(d.provider, "shop", 900, at), d.spend(d.provider, "new", 800, at), vouched,
			d.spend("", "ecs", 1, at), // nobody's customer
		)
		d.accrue()
		statement, said := d.statementOf(d.provider, "2026-11")
		// 450.00 in all: the lower tier of ecs, none of rds.
		want := []string{
			"cdn NOT_ELIGIBLE 0 of 7000 at 0 = 0 The product is not eligible.",
			"ecs EARNS 30000 of 30000 at 0.05 = 1500 ",
			"ecs PAID_WITH_COUPONS 0 of 0 at 0 = 0 It was paid with coupons.",
			"new NO_POLICY 0 of 800 at 0 = 0 No policy covers this product in this month.",
			"obs PERFORMANCE_WITHOUT_REBATE 5000 of 5000 at 0 = 0 The product counts as performance and brings no incentive.",
			"rds EARNS 10000 of 10000 at 0 = 0 The performance of the month does not reach the first tier.",
			"shop CURATED_PRODUCT 0 of 900 at 0 = 0 Products of the curated store bring the difference in price only.",
		}
		if diff := cmp.Diff(want, said); diff != "" || statement.PerformanceMinor != 45_000 || statement.TotalMinor != 1500 || statement.Status != models.StatementEstimated {
			t.Errorf("%+v\n%s", statement, diff)
		}
		// More brings it to the upper tiers and to the cap.
		d.count(d.spend(d.provider, "ecs", 300_000, at))
		d.accrue()
		statement, said = d.statementOf(d.provider, "2026-11")
		if statement.PerformanceMinor != 345_000 || statement.TotalMinor != 15_000+1000 || !slices.Contains(said, "ecs EARNS 330000 of 330000 at 0.08 = 15000 The policy's cap is reached.") {
			t.Errorf("%+v %v", statement, said)
		}
		// Each line says why.
		found, err := d.FindPerformance(d.ctx, d.partner(d.provider, models.SolutionProvider), incentives.PerformanceFilter{Rules: []models.PerformanceRule{models.RuleCurated, models.RuleEarns}}, models.PageArgs{})
		d.want(err, "")
		if len(found.Edges) != 4 {
			t.Errorf("%d performance lines", len(found.Edges))
		}
		for _, line := range found.Nodes() {
			if (line.Reason() == nil) != (line.Rule == models.RuleEarns) || line.PolicyID == "" {
				t.Errorf("%+v", line)
			}
		}
	})
}

func TestResellersCountForTheirDistributorAndRefundsGoBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.load(policies)
		bought := d.spend(d.reseller, "ecs", 40_000, d.at)
		d.count(bought)
		// The customer is the provider's by now, and the policies are others: what it gives back is the distributor's all the same.
		d.load(strings.NewReplacer(`"one"`, `"two"`, "2026-01-01", "2026-11-20", `"0.05"`, `"0.5"`).Replace(policies))
		d.moveTo(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
		back := d.spend(d.provider, "ecs", -10_000, d.at)
		back.BaseID, back.Cause = bought.LineID, models.CauseRefund
		d.count(back, d.spend(d.provider, "ecs", 2_000, d.at))
		d.accrue()
		november, said := d.statementOf(d.distributor, "2026-11")
		if november.TotalMinor != 2000 {
			t.Errorf("%+v %v", november, said)
		}
		december, said := d.statementOf(d.distributor, "2026-12")
		if diff := cmp.Diff([]string{"ecs EARNS -10000 of -10000 at 0.05 = -500 Unsubscriptions and corrections outweigh what was bought."}, said); diff != "" || december.TotalMinor != -500 {
			t.Errorf("%+v\n%s", december, diff)
		}
		if own, said := d.statementOf(d.provider, "2026-12"); own.TotalMinor != 1000 {
			t.Errorf("%+v %v", own, said)
		}
		// What the reseller sold is its own strength, whosever it counts for (P13).
		for name, row := range map[string]struct {
			reseller models.ID
			from     models.BillingCycle
			currency models.Currency
			want     int64
		}{
			"ever": {d.reseller, "2025-12", models.CNY, 30_000}, "of a later month": {d.reseller, "2026-12", models.CNY, -10_000},
			"in another currency": {d.reseller, "2025-12", models.USD, 0}, "of nobody's reseller": {d.provider, "2025-12", models.CNY, 0},
		} {
			if got, err := d.PerformanceOfReseller(d.ctx, db, row.reseller, row.from, row.currency); err != nil || got != row.want {
				t.Errorf("%s: %d, want %d (%v)", name, got, row.want, err)
			}
		}
		for who, want := range map[string]struct {
			who  models.Principal
			want int
		}{
			"distributor": {d.partner(d.distributor, models.Distributor), 2}, "reseller": {d.partner(d.reseller, models.CloudReseller), 0},
			"provider": {d.partner(d.provider, models.SolutionProvider), 1}, "operator": {boss(), 3},
		} {
			found, err := d.FindPerformance(d.ctx, want.who, incentives.PerformanceFilter{}, models.PageArgs{WantTotal: true})
			d.want(err, "")
			if *found.TotalCount != want.want {
				t.Errorf("%s sees %d", who, *found.TotalCount)
			}
		}
		_, err := d.FindPerformance(d.ctx, models.Principal{Kind: models.CustomerUser, CustomerID: d.customers[0]}, incentives.PerformanceFilter{}, models.PageArgs{})
		d.want(err, "FORBIDDEN")
		for _, f := range []incentives.PerformanceFilter{{PartnerID: &d.customers[0]}, {ResellerID: &d.customers[0]}, {CustomerID: &d.provider}} {
			_, err := d.FindPerformance(d.ctx, boss(), f, models.PageArgs{})
			d.want(err, "INVALID")
		}
	})
}

func TestAResellerOfNobodyCountsForNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		before := d.spend(d.reseller, "ecs", 1000, d.at)
		d.count(before)
		_, err := db.NewUpdate().Table("partners").Set("parent_id = NULL").Where("id = ?", d.reseller).Exec(d.ctx)
		d.want(err, "")
		back := d.spend(d.reseller, "ecs", -400, d.at)
		back.Cause, back.BaseID = models.CauseRefund, before.LineID
		d.count(d.spend(d.reseller, "ecs", 700, d.at), back)
		var lines []models.PerformanceLine
		d.want(db.NewSelect().Model(&lines).Order("pfl.amount_minor").Scan(d.ctx), "")
		// What the distributor was counted is taken back from it, whoever has the reseller now.
		if len(lines) != 2 || lines[0].AmountMinor != -400 || lines[0].PartnerID != d.distributor || lines[0].ResellerID != d.reseller {
			t.Errorf("%+v", lines)
		}
	})
}

func TestExpiredPartnersEarnNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.load(policies)
		_, err := db.NewUpdate().Model((*models.Partner)(nil)).Set("state = ?", models.PartnerExpired).Where("id = ?", d.provider).Exec(d.ctx)
		d.want(err, "")
		d.count(d.spend(d.provider, "ecs", 30_000, d.at))
		d.accrue()
		if statement, said := d.statementOf(d.provider, "2026-11"); statement.TotalMinor != 0 || !strings.Contains(said[0], "PARTNER_EXPIRED") {
			t.Errorf("%v", said)
		}
	})
}

func TestNothingIsCountedTwice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		once := d.spend(d.provider, "ecs", 30_000, d.at)
		d.count(once)
		err := db.InTx(d.ctx, func(ctx context.Context, tx bun.Tx) error { return d.CountIn(ctx, tx, []models.Consumption{once}) })
		if !store.Conflicts(err, "performance_lines") {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestStatementsCloseOnTheFifthAndStandThen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.load(policies)
		november := d.at
		d.count(d.spend(d.provider, "ecs", 30_000, november))
		d.moveTo(time.Date(2026, 12, 4, 15, 59, 0, 0, time.UTC)) // a minute before the fifth in Beijing
		d.count(d.spend(d.provider, "ecs", 10_000, november))
		d.accrue()
		statement, _ := d.statementOf(d.provider, "2026-11")
		if statement.Status != models.StatementEstimated || statement.TotalMinor != 2000 {
			t.Errorf("before the fifth: %+v", statement)
		}
		own, id := d.partner(d.provider, models.SolutionProvider), statement.ID
		own.Permissions = append(own.Permissions, models.WriteIncentives)
		confirm := func(who models.Principal) error {
			_, err := d.Confirm(d.ctx, who, incentives.ConfirmStatement{StatementID: id})
			return err
		}
		complete := func(who models.Principal, reference string) error {
			_, err := d.Complete(d.ctx, who, incentives.CompleteStatement{StatementID: id, Reference: reference})
			return err
		}
		d.want(confirm(own), "STATEMENT_ESTIMATED")
		d.moveTo(d.at.Add(time.Minute))
		d.accrue()
		d.count(d.spend(d.provider, "ecs", 5_000, november)) // late: it is December's
		d.accrue()
		statement, _ = d.statementOf(d.provider, "2026-11")
		if statement.Status != models.StatementToConfirm || statement.ClosedAt == nil || statement.TotalMinor != 2000 {
			t.Errorf("on the fifth: %+v", statement)
		}
		if december, said := d.statementOf(d.provider, "2026-12"); december.PerformanceMinor != 5_000 {
			t.Errorf("%+v %v", december, said)
		}
		d.want(complete(boss(), "1"), "STATEMENT_TO_CONFIRM")
		d.want(confirm(d.partner(d.provider, models.SolutionProvider)), "FORBIDDEN")
		other := d.partner(d.distributor, models.Distributor)
		other.Permissions = own.Permissions
		d.want(confirm(other), "NOT_FOUND")
		d.want(confirm(own), "")
		d.want(confirm(own), "")
		d.want(complete(own, "1"), "FORBIDDEN")
		d.want(complete(boss(), ""), "INVALID")
		d.want(complete(boss(), "two\nlines"), "INVALID")
		d.want(complete(boss(), "payment 7"), "")
		d.want(complete(boss(), "payment 8"), "")
		d.want(confirm(own), "")
		statement, _ = d.statementOf(d.provider, "2026-11")
		if statement.Status != models.StatementDone || statement.Reference != "payment 7" || statement.ConfirmedAt == nil || statement.DoneAt == nil {
			t.Errorf("%+v", statement)
		}
		var told []string
		d.want(db.NewSelect().Model((*models.Event)(nil)).Column("ev.type").Where("ev.subject_id = ?", id).Order("ev.id").Scan(d.ctx, &told), "")
		slices.Sort(told)
		if diff := cmp.Diff([]string{"incentive_statement.confirmed", "incentive_statement.done", "incentive_statement.to_confirm"}, told); diff != "" {
			t.Error(diff)
		}
	})
}

// TestStatementsEqualTheirOracle: random policies, purchases, refunds, partners that change between them and transfers from one account of a company to
// another, accrued at random times and cut short, come to what adding it all up by hand comes to, and to what Recompute says.
func TestStatementsEqualTheirOracle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.other = d.twin()
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			d.oracle(rt, run)
		})
	})
}

// bought is what the oracle remembers of a purchase.
type bought struct {
	line    models.ID
	partner models.ID
	rule    models.PerformanceRule
	left    int64
	service string
}

// drawPolicy is what the file of a month says of a service, unless it says nothing.
func drawPolicy(rt *rapid.T, month models.BillingCycle, service string) (rule models.IncentiveRule, entry string, stated bool) {
	kind := rapid.SampledFrom([]int{0, 1, 2, 13, -1, 100}).Draw(rt, "kind of "+service)
	if kind == -1 {
		return models.IncentiveRule{}, "", false
	}
	curated := kind == 100
	kind %= 100
	incentive, _ := models.IncentivePolicyOf(kind)
	rule = models.IncentiveRule{Incentive: incentive, Curated: curated}
	var tiers []string
	from := int64(0)
	for i := range rapid.IntRange(1, 3).Draw(rt, "tiers of "+service) {
		if incentive != models.PolicyNonSpecific && incentive != models.PolicySpecific || curated {
			break
		}
		from += rapid.Int64Range(0, 50_000).Draw(rt, fmt.Sprint("from ", i)) + int64(min(i, 1))
		tier := models.IncentiveTier{FromMinor: from, Rate: decimal.New(rapid.Int64Range(0, 2000).Draw(rt, "rate"), -4)}
		text := fmt.Sprintf(`{"from": "%s", "rate": "%s"`, decimal.New(from, -2).StringFixed(2), tier.Rate.StringFixed(4))
		if limit := rapid.Int64Range(-5000, 5000).Draw(rt, "cap"); limit > 0 {
			tier.CapMinor = &limit
			text += fmt.Sprintf(`, "cap": "%s"`, decimal.New(limit, -2).StringFixed(2))
		}
		tiers = append(tiers, text+"}")
		rule.Tiers = append(rule.Tiers, tier)
	}
	return rule, fmt.Sprintf(`{"serviceType": "%s", "from": "%s", "currency": "CNY", "incentive": %d, "curated": %t, "tiers": [%s]}`,
		service, month, kind, curated, strings.Join(tiers, ",")), true
}

// tally is what the oracle has counted of a service under a rule.
type tally struct {
	counted, amount int64
	lines           int // that count for the partner still
}

// tallies are those of each partner, by service and rule.
type tallies map[models.ID]map[string]*tally

func (g tallies) of(partner models.ID, key string) *tally {
	if g[partner] == nil {
		g[partner] = map[string]*tally{}
	}
	if g[partner][key] == nil {
		g[partner][key] = &tally{}
	}
	return g[partner][key]
}

func (g tallies) add(b bought, minor int64) {
	its := g.of(b.partner, b.service+" "+string(b.rule))
	its.amount += minor
	its.lines++
	if b.rule.Counts() {
		its.counted += minor
	}
}

// move counts everything of one partner for another, and returns how many lines that were.
func (g tallies) move(from, to models.ID) (lines int) {
	for key, its := range g[from] {
		if its.lines == 0 {
			continue
		}
		lines += its.lines
		theirs := g.of(to, key)
		theirs.counted, theirs.amount, theirs.lines = theirs.counted+its.counted, theirs.amount+its.amount, theirs.lines+its.lines
		*its = tally{}
	}
	return lines
}

// handOver moves the estimate of a month from one account of a company to the other.
func (d *desk) handOver(rt *rapid.T, month models.BillingCycle, groups tallies, all []bought) {
	from, to := d.provider, d.other
	if rapid.Bool().Draw(rt, "back again") {
		from, to = to, from
	}
	var its []models.ID // the statement of the month: those of other runs stay where they are
	d.want(d.DB.NewSelect().Model((*models.IncentiveStatement)(nil)).Column("ist.id").Where("ist.partner_id = ? AND ist.period = ?", from, month).Scan(d.ctx, &its), "")
	if len(its) == 0 {
		return
	}
	_, err := d.transfer(from, to, its...)
	if lines := groups.move(from, to); (lines == 0) != (models.ReasonOf(err) == "TRANSFER_NOTHING") || lines > 0 && err != nil {
		rt.Fatalf("a transfer of %d lines: %v", lines, err)
	}
	for i := range all {
		if all[i].partner == from {
			all[i].partner = to
		}
	}
}

// wantTallies holds the statements of a month against what was counted by hand.
func (d *desk) wantTallies(rt *rapid.T, month models.BillingCycle, groups tallies, rules map[string]models.IncentiveRule) {
	for partner, its := range groups {
		var performance, total int64
		for _, sum := range its {
			performance += sum.counted
		}
		for key, sum := range its {
			service, rule, _ := strings.Cut(key, " ")
			if models.PerformanceRule(rule) != models.RuleEarns {
				continue
			}
			var tier *models.IncentiveTier
			for i, one := range rules[service].Tiers {
				if one.FromMinor <= max(performance, 0) {
					tier = &rules[service].Tiers[i]
				}
			}
			if tier == nil {
				continue
			}
			earned := decimal.NewFromInt(sum.counted).Mul(tier.Rate).Round(0).IntPart()
			if tier.CapMinor != nil && earned > *tier.CapMinor {
				earned = *tier.CapMinor
			}
			total += earned
		}
		statement, said := d.statementOf(partner, month)
		if statement.PerformanceMinor != performance || statement.TotalMinor != total || len(said) != len(its) {
			rt.Fatalf("%s: performance %d and total %d, want %d and %d, with %d lines\n%s", partner, statement.PerformanceMinor, statement.TotalMinor, performance, total,
				len(its), strings.Join(said, "\n"))
		}
	}
}

func (d *desk) oracle(rt *rapid.T, run int) {
	// Each run has a month and a version of its own, so that runs do not see each other.
	month := models.BillingCycleAt(time.Date(2027, time.Month(run), 10, 0, 0, 0, 0, time.UTC))
	d.moveTo(month.Begins().Add(time.Hour).UTC())
	services := []string{"a", "b", "c"}
	rules := map[string]models.IncentiveRule{}
	var entries []string
	for _, service := range services {
		rule, entry, stated := drawPolicy(rt, month, service)
		if !stated {
			continue
		}
		rules[service] = rule
		entries = append(entries, entry)
	}
	if len(entries) > 0 {
		d.load(fmt.Sprintf(`{"schema": 1, "cloud": "sim", "version": "run-%d", "policies": [%s]}`, run, strings.Join(entries, ",")))
	}
	earnings := map[models.ID]models.ID{d.provider: d.provider, d.distributor: d.distributor, d.reseller: d.distributor, d.other: d.other}
	var all []bought
	groups := tallies{}
	for step := range rapid.IntRange(1, 25).Draw(rt, "steps") {
		at := d.at.Add(time.Duration(step) * time.Hour)
		switch what := rapid.IntRange(0, 10).Draw(rt, "what"); {
		case what < 5 || len(all) == 0:
			partner := rapid.SampledFrom([]models.ID{d.provider, d.distributor, d.reseller, d.other}).Draw(rt, "partner") // the customer switches
			one := bought{service: rapid.SampledFrom(services).Draw(rt, "service"), partner: earnings[partner], left: rapid.Int64Range(1, 40_000).Draw(rt, "minor")}
			rule, stated := rules[one.service]
			switch {
			case !stated:
				one.rule = models.RuleNoPolicy
			case rule.Curated:
				one.rule = models.RuleCurated
			case rule.Incentive == models.PolicyNothing:
				one.rule = models.RuleNotEligible
			case rule.Incentive == models.PolicyPerformanceNoRebate:
				one.rule = models.RulePerformanceOnly
			default:
				one.rule = models.RuleEarns
			}
			spent := d.spend(partner, one.service, one.left, at)
			one.line = spent.LineID
			d.count(spent)
			groups.add(one, one.left)
			all = append(all, one)
		case what < 8:
			i := rapid.IntRange(0, len(all)-1).Draw(rt, "which")
			if all[i].left == 0 {
				continue
			}
			minor := rapid.Int64Range(1, all[i].left).Draw(rt, "back")
			all[i].left -= minor
			back := d.spend(d.provider, all[i].service, -minor, at)
			back.BaseID, back.Cause = all[i].line, models.CauseRefund
			d.count(back)
			groups.add(all[i], -minor)
		case what == 10:
			d.handOver(rt, month, groups, all)
		default: // an accrual that is cut short somewhere
			ctx, cancel := context.WithCancel(d.ctx)
			if what == 9 {
				cancel()
			}
			_, _ = d.Accrue(ctx)
			cancel()
		}
	}
	d.accrue()
	d.wantTallies(rt, month, groups, rules)
	d.sound()
	d.moveWhole(rt, month)
}

// moveWhole closes a month and moves what stands from account to account: both come to what they came to, to the cent.
func (d *desk) moveWhole(rt *rapid.T, month models.BillingCycle) {
	d.moveTo(models.StatementClosesAt(month))
	d.accrue()
	var closed []models.IncentiveStatement
	d.want(d.DB.NewSelect().Model(&closed).Where("ist.partner_id = ? AND ist.period = ? AND ist.status = ?", d.provider, month, models.StatementToConfirm).Scan(d.ctx), "")
	for _, one := range closed {
		done, err := d.transfer(d.provider, d.other, one.ID)
		if err != nil || done.TotalMinor != one.TotalMinor {
			rt.Fatalf("%+v: %v", done, err)
		}
		var received models.IncentiveStatement
		d.want(d.DB.NewSelect().Model(&received).Where("ist.origin_id = ?", one.ID).Scan(d.ctx), "")
		for _, id := range []models.ID{one.ID, received.ID} {
			again, _, err := d.Recompute(d.ctx, boss(), id)
			if err != nil || again.TotalMinor != one.TotalMinor || again.PerformanceMinor != one.PerformanceMinor {
				rt.Fatalf("worked out again: %+v, not %+v: %v", again, one, err)
			}
		}
	}
}

// TestMonthsAreSummedUpAnewFromTheirLines: whoever has lines from before the sums told policies apart has the same statements afterwards, and may go back.
func TestMonthsAreSummedUpAnewFromTheirLines(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.load(policies)
		bought := d.spend(d.provider, "ecs", 60_000, d.at)
		d.count(bought, d.spend(d.provider, "cdn", 500, d.at), d.spend(d.reseller, "ecs", 70_000, d.at), d.spend(d.provider, "nobody", 700, d.at))
		d.accrue()
		before, said := d.statementOf(d.provider, "2026-11")
		var kept, again []models.PerformanceMonth
		order := []string{"pfm.partner_id", "pfm.service_type", "pfm.rule"}
		d.want(db.NewSelect().Model(&kept).Order(order...).Scan(d.ctx), "")
		for undone := ""; !strings.HasPrefix(undone, "0083"); {
			steps, err := migrations.Down(d.ctx, db, 1)
			d.want(err, "")
			undone = steps[0]
		}
		d.sameSums()
		_, err := migrations.Up(d.ctx, db)
		d.want(err, "")
		d.want(db.NewSelect().Model(&again).Order(order...).Scan(d.ctx), "")
		if diff := cmp.Diff(kept, again); diff != "" || len(kept) != 4 {
			t.Errorf("%d sums (-before +after): %s", len(kept), diff)
		}
		back := d.spend(d.provider, "ecs", -10_000, d.at)
		back.BaseID, back.Cause = bought.LineID, models.CauseRefund
		d.count(back)
		d.accrue()
		after, saidAfter := d.statementOf(d.provider, "2026-11")
		if after.PerformanceMinor != before.PerformanceMinor-10_000 || len(saidAfter) != len(said) {
			t.Errorf("%+v %v", after, saidAfter)
		}
		d.sound()
	})
}

// sound fails the test unless the audit finds nothing.
func (d *desk) sound() {
	d.t.Helper()
	report, err := d.Audit(d.ctx)
	d.want(err, "")
	if report.Breaches() != 0 {
		d.t.Errorf("the audit: %+v", report)
	}
}

// TestTheAuditNamesWhatIsLost: what the database does not check, the audit does.
func TestTheAuditNamesWhatIsLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage string
		want   incentives.Report
	}{
		"a bill line":        {"UPDATE performance_lines SET bill_line_id = 'bil_0'", incentives.Report{LostLines: 1}},
		"the customer":       {"UPDATE bill_lines SET customer_id = (SELECT MIN(c.id) FROM customers AS c WHERE c.id <> bill_lines.customer_id)", incentives.Report{LostLines: 1}},
		"the partner":        {"UPDATE performance_lines SET partner_id = 'ptr_0'", incentives.Report{LostLines: 1, WrongMonths: 2}},
		"the reseller":       {"UPDATE performance_lines SET reseller_id = 'ptr_0'", incentives.Report{LostLines: 1, WrongMonths: 2}},
		"the policy":         {"UPDATE performance_lines SET policy_id = 'ipl_0'", incentives.Report{LostLines: 1, WrongMonths: 2}},
		"an amount":          {"UPDATE performance_lines SET amount_minor = amount_minor + 1", incentives.Report{WrongMonths: 1}},
		"what counts":        {"UPDATE performance_months SET counted_minor = 0", incentives.Report{WrongMonths: 1, WrongTotals: 1}},
		"the number":         {"UPDATE performance_months SET lines = 2", incentives.Report{WrongMonths: 1, WrongTotals: 1}},
		"a total":            {"UPDATE performance_totals SET amount_minor = amount_minor - 1", incentives.Report{WrongTotals: 1}},
		"another's total":    {"UPDATE performance_totals SET partner_id = 'ptr_0'", incentives.Report{WrongTotals: 2}},
		"the sum of a month": {"DELETE FROM performance_months", incentives.Report{WrongMonths: 1, WrongTotals: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				d := newDesk(t, db)
				d.load(policies)
				d.count(d.spend(d.provider, "ecs", 60_000, d.at))
				d.sound()
				done, err := db.ExecContext(d.ctx, c.damage)
				d.want(err, "")
				if n, err := done.RowsAffected(); err != nil || n != 1 {
					t.Fatalf("%d rows: %v", n, err)
				}
				report, err := d.Audit(d.ctx)
				d.want(err, "")
				if diff := cmp.Diff(c.want, report); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
