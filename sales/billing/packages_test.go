package billing_test

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

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

const (
	packVM, packOBS = "hws.resource.type.package.vm", "hws.resource.type.package.obs"
	hours750        = "hours.750"        // of small servers, once for the period
	traffic100      = "obs.traffic.100g" // a calendar month, and a million requests a month of its own
)

// pack gives a customer a package from a moment on for so many months, as an order would, and returns its resource.
func (o *office) pack(c models.Customer, spec string, from time.Time, months int) models.Resource {
	o.t.Helper()
	service, kind := ec2, packVM
	if spec == traffic100 {
		service, kind = "hws.service.type.obs", packOBS
	}
	end := from.AddDate(0, months, 0)
	order := models.Order{
		ID: o.IDs(models.PrefixOrder), Cloud: "hws", Number: string(o.IDs("nr")), CustomerID: c.ID, Status: models.OrderCompleted, Type: models.OrderNew,
		Source: models.PlacedBySystem, Currency: models.CNY, CreatedAt: from, UpdatedAt: from,
	}
	item := models.OrderItem{
		ID: o.IDs(models.PrefixOrderItem), OrderID: order.ID, Position: 1, ServiceType: service, ResourceType: kind, SpecCode: spec, Region: "cn-north-4",
		Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: months, Currency: models.CNY,
	}
	resource := models.Resource{
		ID: o.IDs(models.PrefixResource), Cloud: "hws", CustomerID: c.ID, OrderID: order.ID, OrderItemID: item.ID, Name: spec, Status: models.ResourceInUse,
		Region: "cn-north-4", ServiceType: service, ResourceType: kind, SpecCode: spec, ChargingMode: models.ChargedByPeriod,
		ExpirePolicy: models.ExpireGracePeriod, EffectiveAt: from.UTC(), ExpiresAt: &end, CreatedAt: from, UpdatedAt: from,
	}
	resource.CloudID = string(resource.ID)
	if c.Mode == models.Resale {
		resource.PartnerID = c.PartnerID
	}
	o.insert(&order)
	o.insert(&item)
	o.insert(&resource)
	o.in(func(ctx context.Context, tx bun.IDB) error {
		return o.packages.CreateIn(ctx, tx, order, []models.Resource{resource})
	})
	return resource
}

func (o *office) in(fn func(ctx context.Context, tx bun.IDB) error) {
	o.t.Helper()
	o.want(o.DB.InTx(o.ctx, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, tx) }), "")
}

// traffic is a record of so many megabytes to the internet, at 0.50 a gigabyte.
func traffic(key string, c models.Customer, megabytes string, at time.Time) billing.UsageRecord {
	return billing.UsageRecord{
		ExternalID: key, CustomerID: c.ID, ServiceType: "hws.service.type.obs", ResourceType: "hws.resource.type.obs", SpecCode: "obs.standard",
		Region: "cn-north-4", UsageType: "traffic.out", UsageValue: decimal.RequireFromString(megabytes), UsageMeasureID: 11, UsedAt: at,
	}
}

// left is what the packages of a customer have left now, by specification and usage type, oldest package first.
func (o *office) left(c models.Customer) map[string][]string {
	o.t.Helper()
	left := map[string][]string{}
	for _, pack := range o.packs(c) {
		for _, item := range pack.Items {
			left[item.UsageType] = append(left[item.UsageType], item.Remaining.String())
		}
	}
	return left
}

func (o *office) packs(c models.Customer) []models.ResourcePackage {
	o.t.Helper()
	found, err := o.packages.FindForCustomers(o.ctx, operator(), []models.ID{c.ID}, models.PageArgs{})
	o.want(err, "")
	packs := found[c.ID].Nodes()
	slices.Reverse(packs)
	return packs
}

// taken are the records of packages of a customer, oldest first: what was taken for which use.
func (o *office) taken(c models.Customer) (rows []models.PackageUsage) {
	o.t.Helper()
	o.want(o.DB.NewSelect().Model(&rows).Where("pku.customer_id = ?", c.ID).OrderExpr("pku.id").Scan(o.ctx), "")
	return rows
}

func (o *office) checkPackages() {
	o.t.Helper()
	report, err := o.packages.Audit(o.ctx)
	if err != nil || report.Breaches() > 0 {
		o.t.Errorf("packages: %+v, %v", report, err)
	}
}

func covered(line models.BillLine) string {
	if line.CoveredValue == nil {
		return ""
	}
	return line.CoveredValue.String()
}

func TestPackagesPayBeforeMoney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.pack(o.resale, hours750, o.at.AddDate(0, 0, -1), 1)
		now := o.at
		until := o.at.Add(time.Hour)
		o.insert(&models.Discount{
			ID: o.IDs(models.PrefixDiscount), Cloud: "hws", CustomerID: o.resale.ID, Kind: models.DiscountContract, Mode: models.DiscountRate,
			Value: decimal.RequireFromString("0.9"), From: o.at.AddDate(0, 0, -9), Until: &until, CreatedAt: o.at,
		})
		two := 2
		both := hours("two-servers", o.resale, "300", now)
		both.Quantity = &two
		dear := hours("another-server", o.resale, "1", now)
		dear.SpecCode = "c7.large.2.linux"
		lines := o.record(hours("a", o.resale, "100.5", now), both, hours("b", o.resale, "60", now), hours("c", o.resale, "1", now), dear,
			hours("other-customer", o.advisory, "1", now), hours("before", o.resale, "1", now.AddDate(0, 0, -2)))
		for i, want := range [][3]string{
			{"100.5", "0", "0"},          // all of it
			{"600", "0", "0"},            // of both pieces
			{"49.5", "4.9875", "4.4888"}, // what is left; 10.5 hours at 0.4750, and the contract
			{"", "0.475", "0.4275"},      // nothing is left
			{"", "0.6552", "0.5897"},     // not one of the package's servers
			{"", "0.475", "0.475"},       // nobody else's
			{"", "0.475", "0.4275"},      // the package came later
		} {
			got := [3]string{covered(lines[i]), lines[i].ExactOfficial.String(), lines[i].ExactPayable.Round(4).String()}
			if got != want {
				t.Errorf("line %d: covered, official, payable %v, want %v", i, got, want)
			}
		}
		if diff := cmp.Diff(map[string][]string{"duration": {"0"}}, o.left(o.resale)); diff != "" {
			t.Error(diff)
		}
		if got := o.packs(o.resale)[0].Status(); got != models.PackageUsedUp {
			t.Errorf("the package is %s", got)
		}
		if n, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", models.EventPackageUsedUp).Where("ev.customer_id = ?", o.resale.ID).Count(o.ctx); err != nil || n != 1 {
			t.Errorf("%d events tell that it is used up, %v", n, err)
		}
		if !lines[2].UnitPrice.Equal(decimal.RequireFromString("0.475")) || !lines[2].UsageValue.Equal(decimal.NewFromInt(60)) {
			t.Errorf("a line says what was used, and at which price: %+v", lines[2])
		}
		o.checkPackages()
	})
}

func TestThePackageThatEndsFirstPays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.pack(o.resale, hours750, o.at.AddDate(0, 0, -3), 2)
		o.pack(o.resale, hours750, o.at.AddDate(0, 0, -2), 1)
		o.pack(o.resale, hours750, o.at.AddDate(0, 0, -1), 1)
		o.record(hours("a", o.resale, "700", o.at), hours("b", o.resale, "100", o.at))
		if diff := cmp.Diff(map[string][]string{"duration": {"750", "0", "700"}}, o.left(o.resale)); diff != "" {
			t.Errorf("the second ends first, then the third:\n%s", diff)
		}
		if records := o.taken(o.resale); len(records) != 3 || !records[1].Amount.Equal(decimal.NewFromInt(50)) || records[1].BillLineID != records[2].BillLineID {
			t.Errorf("one use of two packages leaves two records: %+v", records)
		}
		o.checkPackages()
	})
}

func TestLateUseIsPaidFromItsOwnCycle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		october, november := time.Date(2026, 10, 31, 15, 59, 0, 0, time.UTC), time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC) // of UTC+8
		// The example catalogue is in force since November here; October's use needs one that began before.
		_, err := db.NewUpdate().Model((*models.CatalogueVersion)(nil)).Set("effective_at = ?", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).Where("1 = 1").Exec(o.ctx)
		o.want(err, "")
		o.pack(o.resale, traffic100, time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC), 2)
		o.moveTo(time.Date(2026, 11, 10, 8, 0, 0, 0, time.UTC))
		lines := o.record(traffic("nov", o.resale, "51200", november), traffic("late", o.resale, "103424", october))
		if covered(lines[0]) != "51200" || covered(lines[1]) != "102400" || lines[1].ExactOfficial.String() != "0.5" {
			t.Errorf("covered %s and %s, %s to pay", covered(lines[0]), covered(lines[1]), lines[1].ExactOfficial)
		}
		if diff := cmp.Diff(map[string][]string{"traffic.out": {"50"}, "requests": {"1000000"}}, o.left(o.resale)); diff != "" {
			t.Errorf("November has what October did not take:\n%s", diff)
		}
		shown := o.packs(o.resale)[0].Items[0].Shown
		if !shown.Start.Equal(november) || !shown.End.Equal(time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)) {
			t.Errorf("the cycle is %s to %s", shown.Start, shown.End)
		}
		o.moveTo(time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC))
		if got := o.left(o.resale)["traffic.out"]; got[0] != "100" {
			t.Errorf("December begins with %s", got)
		}
		o.moveTo(time.Date(2026, 12, 20, 8, 0, 0, 0, time.UTC))
		after := o.record(traffic("after", o.resale, "1024", o.at), traffic("before-the-end", o.resale, "1024", time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC)))
		if covered(after[0]) != "" || covered(after[1]) != "1024" || o.packs(o.resale)[0].Status() != models.PackageExpired {
			t.Errorf("an expired package pays for what was used in its time: %q, %q", covered(after[0]), covered(after[1]))
		}
		o.checkPackages()
	})
}

func TestCorrectionsGiveBackAndTakeMore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.pack(o.resale, hours750, o.at.AddDate(0, 0, -1), 1)
		first := hours("a", o.resale, "700", o.at)
		o.record(first, hours("b", o.resale, "40", o.at))
		for _, step := range []struct{ value, covered, official, left string }{
			{"720", "10", "4.75", "0"},        // 10 of 20 hours more
			{"100", "-610", "-4.75", "610"},   // all that is too much, the money first
			{"100.25", "0.25", "0", "609.75"}, // a little
			{"0", "-100.25", "0", "710"},      // nothing was used
			{"800", "710", "42.75", "0"},      // and yet
			{"790", "", "-4.75", "0"},         // money only
		} {
			line := o.record(corrected(first, step.value))[0]
			if covered(line) != step.covered || line.ExactOfficial.String() != step.official || o.left(o.resale)["duration"][0] != step.left {
				t.Errorf("to %s: covered %q, %s, left %s; want %+v", step.value, covered(line), line.ExactOfficial, o.left(o.resale)["duration"], step)
			}
			again := o.record(corrected(first, step.value))[0]
			if again.ID != line.ID {
				t.Error("the correction again is another line")
			}
			o.checkPackages()
		}
		records := o.taken(o.resale)
		if len(records) != 7 || !records[3].Amount.Equal(decimal.NewFromInt(-610)) {
			t.Errorf("every deduction and every return is a record of its own, nothing is overwritten: %+v", records)
		}
		// In gigabytes instead of megabytes, and of another month: the same use.
		o.pack(o.advisory, traffic100, o.at.AddDate(0, 0, -9), 3)
		some := traffic("t", o.advisory, "10240", o.at)
		o.record(some)
		some.UsageMeasureID, some.UsedAt = 10, o.at.AddDate(0, 0, -8)
		o.record(corrected(some, "10"))
		if got := o.left(o.advisory)["traffic.out"][0]; got != "90" {
			t.Errorf("left %s", got)
		}
		o.checkPackages()
	})
}

// TestBatchesNeverOverdraw: many batches at once of the same customers, in different orders, with corrections; the records and what is left are the
// amount in every cycle, and no use is refused.
func TestBatchesNeverOverdraw(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		customers := []models.Customer{o.resale, o.advisory}
		for _, c := range customers {
			o.pack(c, hours750, o.at.AddDate(0, 0, -3), 1)
			o.pack(c, hours750, o.at.AddDate(0, 0, -2), 1)
			o.pack(c, traffic100, o.at.AddDate(0, 0, -2), 1)
		}
		var group sync.WaitGroup
		for n := range 6 {
			group.Go(func() {
				for round := range 3 {
					var batch []billing.UsageRecord
					for i := range 8 {
						c := customers[(i+n)%2]
						one := hours(fmt.Sprintf("h-%d-%d-%d", n, round, i), c, "31.25", o.at)
						if i%3 == 0 {
							one = traffic(fmt.Sprintf("t-%d-%d-%d", n, round, i), c, "3333.1", o.at)
						}
						batch = append(batch, one)
					}
					if n%2 == 1 {
						slices.Reverse(batch)
					}
					done, err := o.Record(o.ctx, operator(), billing.RecordUsage{Records: batch})
					if err != nil {
						t.Error(err)
						return
					}
					for _, result := range done.Results {
						if result.Error != nil {
							t.Error(result.Error)
						}
					}
					if _, err := o.Record(o.ctx, operator(), billing.RecordUsage{Records: []billing.UsageRecord{corrected(batch[n], "5")}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		o.checkPackages()
		left := o.left(o.resale)
		if left["duration"][0] != "0" || left["duration"][1] == "0" {
			t.Errorf("the first package is used up before the second: %v", left)
		}
		var paid decimal.Decimal
		for _, record := range o.taken(o.resale) {
			paid = paid.Add(record.UsageValue)
		}
		var lines decimal.Decimal
		for _, line := range o.lines(o.resale) {
			if line.CoveredValue != nil {
				lines = lines.Add(*line.CoveredValue)
			}
		}
		if !paid.Equal(lines) || paid.IsZero() {
			t.Errorf("the records say that %s was paid for, the bill %s", paid, lines)
		}
	})
}

// TestWhatPackagesPayAddsUp: whatever is reported and corrected, in whatever measure, at whatever time.
func TestWhatPackagesPayAddsUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		c := o.resale
		first := o.pack(c, traffic100, o.at.AddDate(0, 0, -9), 1)
		o.pack(c, traffic100, o.at.AddDate(0, 0, -5), 2)
		o.pack(c, hours750, o.at.AddDate(0, 0, -9), 1)
		reported := map[string]bool{}
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			var batch []billing.UsageRecord
			for i := range rapid.IntRange(1, 6).Draw(rt, "records") {
				key := fmt.Sprintf("r-%d", rapid.IntRange(0, 20).Draw(rt, "key"))
				at := o.at.Add(-time.Duration(rapid.IntRange(0, 8*24*60).Draw(rt, "minutes ago")) * time.Minute)
				one := traffic("t"+key, c, decimal.New(rapid.Int64Range(0, 9e9).Draw(rt, "amount"), -5).String(), at)
				if rapid.Bool().Draw(rt, "hours") {
					one = hours("h"+key, c, decimal.New(rapid.Int64Range(0, 9e6).Draw(rt, "hours"), -5).String(), at)
				} else if rapid.Bool().Draw(rt, "gigabytes") {
					one.UsageMeasureID, one.UsageValue = 10, one.UsageValue.Shift(-3)
				}
				if slices.ContainsFunc(batch, func(r billing.UsageRecord) bool { return r.ExternalID == one.ExternalID }) {
					continue
				}
				if reported[one.ExternalID] {
					yes := true
					one.Corrects = &yes
				}
				reported[one.ExternalID] = true
				batch = append(batch, one)
				_ = i
			}
			done, err := o.Record(o.ctx, operator(), billing.RecordUsage{Records: batch})
			if err != nil {
				rt.Fatal(err)
			}
			for i, result := range done.Results {
				if result.Error != nil {
					rt.Fatalf("%+v: %v", batch[i], result.Error)
				}
			}
			if run%10 == 0 {
				o.checkPackages()
			}
		})
		o.in(func(ctx context.Context, tx bun.IDB) error {
			return o.packages.UnsubscribeIn(ctx, tx, []models.ID{first.ID})
		})
		_, err := db.NewUpdate().Model((*models.Resource)(nil)).Set("status = ?", models.ResourceClosed).Where("id = ?", first.ID).Exec(o.ctx)
		o.want(err, "")
		o.checkPackages()
		o.checkRests(c)
	})
}

// checkRests wants each usage record to cost what is left of it after packages, at its price.
func (o *office) checkRests(c models.Customer) {
	o.t.Helper()
	var records []models.UsageRecord
	o.want(o.DB.NewSelect().Model(&records).Where("usg.customer_id = ?", c.ID).Scan(o.ctx), "")
	for _, record := range records {
		lines := map[models.ID]models.BillLine{}
		for _, line := range o.lines(c) {
			lines[line.ID] = line
		}
		latest := lines[record.LatestLineID]
		rest := record.Value.Sub(record.Covered)
		if latest.UsageMeasureID == 11 {
			rest = rest.DivRound(decimal.NewFromInt(1024), 20)
		}
		if want := rest.Mul(*latest.UnitPrice).Round(10); !record.Official.Equal(want) || rest.IsNegative() {
			o.t.Errorf("%s: %s of %s is to be paid, %s; want %s", record.ExternalID, rest, record.Value, record.Official, want)
		}
	}
}

func TestPackagesCostABatchAFixedNumberOfStatements(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		count := func(key string, c models.Customer, n int) int {
			var batch []billing.UsageRecord
			for i := range n {
				batch = append(batch, hours(fmt.Sprintf("%s-%d", key, i), c, "1", o.at.Add(-time.Duration(i)*time.Minute)))
			}
			ctx, counter := store.CountStatements(o.ctx)
			_, err := o.Record(ctx, operator(), billing.RecordUsage{Records: batch})
			o.want(err, "")
			return len(counter.Statements())
		}
		o.pack(o.resale, hours750, o.at.AddDate(0, 0, -1), 1)
		count("warm", o.resale, 1)
		one, many := count("one", o.resale, 1), count("many", o.resale, 200)
		if one != many {
			t.Errorf("one record takes %d statements, 200 take %d", one, many)
		}
		with := count("none", o.advisory, 5)
		o.Packages = nil
		if without := count("nobody", o.advisory, 5); with-without > 1 {
			t.Errorf("a customer without packages costs %d statements, %d where there are no packages at all", with, without)
		}
	})
}

func TestANewCatalogueConvertsAnew(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.pack(o.resale, traffic100, o.at.AddDate(0, 0, -1), 1)
		_, err := o.catalog.Load(o.ctx, operator(), catalog.LoadCatalogue{Content: thousand(catalogue.JSON)})
		o.want(err, "")
		lines := o.record(traffic("old", o.resale, "1024", o.at.Add(-time.Hour)))
		o.moveTo(o.at.Add(48 * time.Hour))
		lines = append(lines, o.record(traffic("new", o.resale, "1000", o.at))...)
		if covered(lines[0]) != "1024" || covered(lines[1]) != "1000" || o.left(o.resale)["traffic.out"][0] != "98" {
			t.Errorf("%q, %q, left %v", covered(lines[0]), covered(lines[1]), o.left(o.resale))
		}
	})
}

// thousand is a catalogue of tomorrow by which a gigabyte has 1000 megabytes.
func thousand(content string) string {
	return strings.NewReplacer(`"example-1"`, `"example-2"`, `"ratio": "1024"`, `"ratio": "1000"`, `"schema": 1,`, `"schema": 1, "effectiveFrom": "2026-11-11T00:00:00Z",`).Replace(content)
}
