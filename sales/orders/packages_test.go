package orders_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// sold is a catalogue that knows the content of one package: ten hours for each period, and a gigabyte a month.
type sold struct{ err error }

func (s sold) PackagesIn(_ context.Context, _ bun.IDB, _ string, _ models.ID, _ time.Time, products []string) (map[string][]models.PackageContent, error) {
	held := map[string][]models.PackageContent{}
	for _, product := range products {
		if product == models.ProductKey("hws.service.type.ec2", "hws.resource.type.package.vm", "cn-north-1", "hours.10") {
			held[product] = []models.PackageContent{
				{ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", Region: "cn-north-1", UsageType: "duration", Amount: decimal.NewFromInt(10), MeasureID: 4},
				{
					ServiceType: "hws.service.type.obs", ResourceType: "hws.resource.type.obs", Region: "cn-north-1", UsageType: "traffic.out", Amount: decimal.NewFromInt(1),
					MeasureID: 10, Cycle: models.ResetMonthly, Basis: models.ResetBySubscription,
				},
			}
		}
	}
	return held, s.err
}

// withPackages sells packages in a world.
func (w *world) withPackages() *packages.Service {
	p := &packages.Service{DB: w.DB, Now: w.Now, IDs: w.IDs, Contents: sold{}}
	w.Packages = p
	return p
}

// tenHours are so many packages for three months.
func tenHours(quantity int, minor int64) orders.PlaceItem {
	return orders.PlaceItem{
		ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.package.vm", SpecCode: "hours.10", Region: "cn-north-1",
		Quantity: quantity, PeriodType: models.PeriodMonth, PeriodCount: 3, AmountMinor: minor,
	}
}

func (w *world) packs(p *packages.Service, who models.Principal) []models.ResourcePackage {
	w.t.Helper()
	found, err := p.Find(w.ctx, who, packages.Filter{}, models.PageArgs{})
	if err != nil {
		w.t.Fatal(err)
	}
	return found.Nodes()
}

// periods are when the hours of a package are there, and how many.
func (w *world) periods(pack models.ResourcePackage) (spans []string) {
	w.t.Helper()
	var rows []models.PackageCycle
	if err := w.DB.NewSelect().Model(&rows).Where("pkc.item_id = ?", pack.Items[0].ID).Order("pkc.starts_at").Scan(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	for _, row := range rows {
		spans = append(spans, row.StartsAt.UTC().Format(time.DateOnly)+" "+row.EndsAt.UTC().Format(time.DateOnly)+" "+row.Remaining.String())
	}
	return spans
}

func (w *world) checkPackages(p *packages.Service) {
	w.t.Helper()
	if report, err := p.Audit(w.ctx); err != nil || report.Breaches() > 0 {
		w.t.Errorf("packages: %+v, %v", report, err)
	}
}

func TestAPackageLivesAsItsResourceDoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.withPackages()
		w.give(w.ofProvider, 100_000)
		order, mains := w.run(w.ofProvider, tenHours(2, 6_000))
		if _, others := w.run(w.ofProvider, line(1, 3_000, 300)); len(others) != 1 {
			t.Fatal("a server is no package")
		}
		packs := w.packs(p, asCustomer(w.ofProvider))
		if len(packs) != 2 || len(w.packs(p, asPartner(w.provider))) != 2 || len(w.packs(p, asPartner(w.stranger)))+len(w.packs(p, asCustomer(w.advised))) != 0 {
			t.Fatalf("every piece is a package, for the customer and its partner: %+v", packs)
		}
		pack := packs[1]
		if pack.ResourceID != mains[0].ID || pack.OrderID != order.ID || pack.Status() != models.PackageInEffect || !pack.ExpiresAt.Equal(*mains[0].ExpiresAt) || len(pack.Items) != 2 {
			t.Errorf("%+v", pack)
		}
		if diff := cmp.Diff([]string{"2026-11-20 2027-02-20 10"}, w.periods(pack)); diff != "" {
			t.Error(diff)
		}
		// A renewal is a period of its own, with ten hours of its own.
		if _, err := w.Renew(w.ctx, asCustomer(w.ofProvider), renew("renew", 1, true, mains[0].ID)); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if diff := cmp.Diff([]string{"2026-11-20 2027-02-20 10", "2027-02-20 2027-03-20 10"}, w.periods(pack)); diff != "" {
			t.Errorf("after a renewal:\n%s", diff)
		}
		w.checkPackages(p)
		w.clock.advance(93 * 24 * time.Hour)
		now := w.packs(p, asCustomer(w.ofProvider))
		if got := now[1].Items[0]; now[1].Status() != models.PackageInEffect || now[0].Status() != models.PackageExpired || !got.Shown.Start.Equal(*pack.ExpiresAt) {
			t.Errorf("in the renewed period: %s, %s, %+v", now[1].Status(), now[0].Status(), got)
		}
	})
}

func TestUnsubscribingEndsAPackage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.withPackages()
		w.give(w.ofProvider, 100_000)
		_, mains := w.run(w.ofProvider, tenHours(1, 3_000))
		pack := w.packs(p, asCustomer(w.ofProvider))[0]
		if _, err := w.Renew(w.ctx, asCustomer(w.ofProvider), renew("renew", 2, true, mains[0].ID)); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		// Renewed periods that have not begun are given back, and their hours with them.
		if _, err := w.Unsubscribe(w.ctx, asCustomer(w.ofProvider), giveUp("renewals", models.UnsubscribeRenewals, mains[0].ID)); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if diff := cmp.Diff([]string{"2026-11-20 2027-02-20 10"}, w.periods(pack)); diff != "" {
			t.Errorf("without the renewal:\n%s", diff)
		}
		w.checkPackages(p)
		w.clock.advance(10 * 24 * time.Hour)
		preview, err := w.PreviewUnsubscribe(w.ctx, asCustomer(w.ofProvider), []models.ID{mains[0].ID}, models.UnsubscribeResource)
		if err != nil || preview.Consumed().Minor == 0 || preview.Refund().Minor == 0 {
			t.Errorf("it is refunded by the time that is left, as any resource: %v, %v", figures(preview), err)
		}
		at := w.Now()
		if _, err := w.Unsubscribe(w.ctx, asCustomer(w.ofProvider), giveUp("all", models.UnsubscribeResource, mains[0].ID)); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if got := w.packs(p, asCustomer(w.ofProvider))[0]; got.Status() != models.PackageUnsubscribed || !got.UnsubscribedAt.Equal(at) || got.InEffect(at) {
			t.Errorf("%s, %+v", got.Status(), got)
		}
		w.checkPackages(p)
	})
}

func TestAPackageIsNotChargedByUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.withPackages()
		w.give(w.ofProvider, 100_000)
		_, mains := w.run(w.ofProvider, tenHours(1, 3_000))
		if err := w.ToPayPerUse(w.ctx, mains[0].ID); !errors.Is(err, orders.ErrPackage) || reasonOf(err) != "RESOURCE_IS_PACKAGE" {
			t.Errorf("got %v", err)
		}
		_, servers := w.run(w.ofProvider, line(1, 3_000, 300))
		if err := w.ToPayPerUse(w.ctx, servers[0].ID); err != nil {
			t.Errorf("a server turns: %v", err)
		}
	})
}

func TestAPackageIsSeenByThePartnerOfTheDay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.withPackages()
		w.give(w.ofProvider, 100_000)
		w.run(w.ofProvider, tenHours(1, 3_000))
		c := w.ofProvider
		seen := func(want int, what string) {
			t.Helper()
			if got := len(w.packs(p, asPartner(w.provider))); got != want {
				t.Errorf("%s the partner sees %d packages, want %d", what, got, want)
			}
			if len(w.packs(p, asCustomer(c))) != 1 {
				t.Errorf("%s the customer has lost its package", what)
			}
		}
		in := func(fn func(context.Context, bun.IDB, models.Principal, models.Customer) error) {
			t.Helper()
			if err := db.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, tx, system(), c) }); err != nil {
				t.Fatal(err)
			}
		}
		seen(1, "at first")
		c.Mode = models.Advisory
		in(p.TurnIn)
		seen(0, "of an advisory customer")
		c.Mode = models.Resale
		in(p.TurnIn)
		seen(1, "of a resale customer")
		in(p.LeaveIn)
		seen(0, "after it left")
	})
}

func TestAnOrderIsNotDoneWithoutItsPackages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Packages = &packages.Service{DB: db, Now: w.Now, IDs: w.IDs, Contents: sold{errSigning}}
		order := paidOrder(t, w)
		if err := w.Provision(w.ctx, paymentOf(order)); err == nil {
			t.Fatal("provisioned")
		}
		if got := w.order(order.ID).Status; got != models.OrderProcessing || len(w.mains(order.ID)) != 0 {
			t.Errorf("the order is %s", got)
		}
	})
}
