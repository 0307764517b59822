package packages_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func idsOf(rows []models.ResourcePackage) []models.ID {
	ids := []models.ID{}
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	return ids
}

func sorted(ids ...models.ID) []models.ID {
	all := append([]models.ID{}, ids...)
	slices.Sort(all)
	return all
}

func TestPackagesAreSeenAsResourcesAre(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		from := s.at.AddDate(0, 0, -1)
		resale, advisory, below := s.sell(s.resale, "once", from, 1), s.sell(s.advisory, "once", from, 1), s.sell(s.ofReseller, "once", from, 1)
		for _, c := range []models.Customer{s.resale, s.advisory, s.ofReseller} {
			if paid := s.use(c, "1", s.at); paid != "1" {
				t.Fatalf("paid %s", paid)
			}
		}
		all := []models.ResourcePackage{resale, advisory, below}
		for name, c := range map[string]struct {
			who  models.Principal
			want []models.ID
		}{
			"the customer":          {self(s.resale), sorted(resale.ID)},
			"an advisory customer":  {self(s.advisory), sorted(advisory.ID)},
			"the partner of resale": {as(s.provider), sorted(resale.ID)},
			"a reseller":            {as(s.reseller), sorted(below.ID)},
			"its distributor":       {as(s.distributor), sorted(below.ID)},
			"a stranger":            {as(s.stranger), sorted()},
			"an operator":           {models.SystemPrincipal("test"), sorted(idsOf(all)...)},
		} {
			found, err := s.Find(s.ctx, c.who, packages.Filter{}, models.PageArgs{WantTotal: true})
			if diff := cmp.Diff(c.want, idsOf(found.Nodes())); err != nil || diff != "" || *found.TotalCount != len(c.want) {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
			byID, err := s.ByIDs(s.ctx, c.who, idsOf(all))
			if err != nil || len(byID) != len(c.want) {
				t.Errorf("%s looks up %d: %v", name, len(byID), err)
			}
			var items []models.ID
			for _, pack := range all {
				items = append(items, pack.Items[0].ID)
			}
			usage, err := s.Usage(s.ctx, c.who, items)
			if err != nil || len(usage) != len(c.want) {
				t.Errorf("%s sees the use of %d items: %v", name, len(usage), err)
			}
			for _, item := range usage {
				if item.Remaining.String() != "9" {
					t.Errorf("%s: %s is left", name, item.Remaining)
				}
			}
			records, err := s.FindUsages(s.ctx, c.who, packages.UsageFilter{}, models.PageArgs{WantTotal: true})
			if err != nil || *records.TotalCount != len(c.want) {
				t.Errorf("%s sees %d records: %v", name, *records.TotalCount, err)
			}
		}
		pages, err := s.FindForCustomers(s.ctx, as(s.provider), []models.ID{s.resale.ID, s.advisory.ID, s.ofReseller.ID}, models.PageArgs{WantTotal: true})
		if err != nil || *pages[s.resale.ID].TotalCount != 1 || *pages[s.advisory.ID].TotalCount != 0 || *pages[s.ofReseller.ID].TotalCount != 0 {
			t.Errorf("by customer: %+v, %v", pages, err)
		}
		without := self(s.resale)
		without.Permissions = nil
		for name, err := range map[string]error{
			"packages": second(s.Find(s.ctx, without, packages.Filter{}, models.PageArgs{})), "by id": second(s.ByIDs(s.ctx, without, nil)),
			"by customer": second(s.FindForCustomers(s.ctx, without, nil, models.PageArgs{})), "use": second(s.Usage(s.ctx, without, nil)),
			"records": second(s.FindUsages(s.ctx, without, packages.UsageFilter{}, models.PageArgs{})),
		} {
			if models.CodeOf(err) != models.CodeForbidden {
				t.Errorf("%s without the permission: %v", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestFiltersOfPackages: the filter of states finds what the states of the rows say.
func TestFiltersOfPackages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		c := s.resale
		day := func(n int) time.Time { return s.at.AddDate(0, 0, n) }
		expired := s.sell(c, "once", day(-40), 1)
		usedUp := s.sell(c, "daily", day(-3), 1)
		s.use(c, "12", s.at)
		half := s.sell(c, "both", day(-2), 1) // of two items one is used up
		s.use(c, "11", s.at)
		waits := s.sell(c, "once", day(2), 1)
		gone := s.sell(c, "once", day(-1), 1)
		s.in(func(ctx context.Context, tx bun.IDB) error {
			return s.UnsubscribeIn(ctx, tx, []models.ID{gone.ResourceID})
		})
		s.sell(c, "once", s.at.AddDate(0, -19, -1), 1) // ended more than 18 months ago
		all := []models.ResourcePackage{expired, usedUp, half, waits, gone}
		find := func(f packages.Filter) []models.ID {
			t.Helper()
			found, err := s.Find(s.ctx, self(c), f, models.PageArgs{})
			if err != nil {
				t.Fatal(err)
			}
			return idsOf(found.Nodes())
		}
		byStatus := map[models.PackageStatus]models.ID{
			models.PackageExpired: expired.ID, models.PackageUsedUp: usedUp.ID, models.PackageInEffect: half.ID, models.PackageNotInEffect: waits.ID, models.PackageUnsubscribed: gone.ID,
		}
		for status, id := range byStatus {
			if got := find(packages.Filter{Statuses: []models.PackageStatus{status}}); !slices.Equal(got, []models.ID{id}) || s.byID(id).Status() != status {
				t.Errorf("%s: %v, its state is %s", status, got, s.byID(id).Status())
			}
		}
		if got := find(packages.Filter{Statuses: []models.PackageStatus{}}); len(got) != 0 {
			t.Errorf("no state: %v", got)
		}
		other, region, service, spec := s.advisory.ID, "cn-north-9", "hws.service.type.ec2", "both"
		for name, c := range map[string]struct {
			filter packages.Filter
			want   []models.ID
		}{
			"nothing":          {packages.Filter{}, idsOf(all)},
			"another customer": {packages.Filter{CustomerID: &other}, sorted()},
			"an order":         {packages.Filter{OrderID: &half.OrderID}, sorted(half.ID)},
			"a resource":       {packages.Filter{ResourceID: &gone.ResourceID}, sorted(gone.ID)},
			"a region":         {packages.Filter{Region: &region}, sorted()},
			"a service":        {packages.Filter{ServiceType: &service}, sorted()},
			"a specification":  {packages.Filter{SpecCode: &spec}, sorted(half.ID)},
		} {
			if diff := cmp.Diff(c.want, find(c.filter)); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
		// The next day the daily item is full again.
		s.at = day(1)
		if got := s.byID(usedUp.ID); got.Status() != models.PackageInEffect || got.Items[0].Remaining.String() != "10" {
			t.Errorf("the next day it is %s with %s", got.Status(), got.Items[0].Remaining)
		}
		for _, wrong := range []packages.Filter{{CustomerID: &half.ID}, {OrderID: &half.ID}, {ResourceID: &half.ID}} {
			if _, err := s.Find(s.ctx, self(c), wrong, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("an id of another kind: %v", err)
			}
		}
	})
}

func TestTheBoundsOfUsage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		pack := s.sell(s.resale, "both", s.at.AddDate(0, 0, -1), 12)
		item := pack.Items[0].ID
		s.use(s.resale, "1", s.at)
		first := s.at
		s.at = s.at.AddDate(0, 0, 89)
		s.use(s.resale, "2", s.at)
		me := self(s.resale)
		for name, ids := range map[string][]models.ID{"too many": slices.Repeat([]models.ID{item}, 101), "none": nil, "no item": {pack.ID}} {
			if _, err := s.Usage(s.ctx, me, ids); refusal(err) != "INVALID itemIds" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if found, err := s.Usage(s.ctx, me, []models.ID{pack.Items[1].ID, item, item, "pki_01h455vb4pex5vsknk084sn02q"}); err != nil || len(found) != 2 || found[1].ID != item {
			t.Errorf("in the order asked, each once: %+v, %v", found, err)
		}
		at := func(d time.Duration) *time.Time { moment := first.Add(d); return &moment }
		spec, kind, other := "both", obsType, "hws.resource.type.vm"
		for name, c := range map[string]struct {
			filter packages.UsageFilter
			want   int
		}{
			"the last 90 days":      {packages.UsageFilter{}, 2},
			"90 days to the second": {packages.UsageFilter{From: at(0), Until: at(90 * 24 * time.Hour)}, 2},
			"until is exclusive":    {packages.UsageFilter{From: at(-time.Hour), Until: at(0)}, 0},
			"from is inclusive":     {packages.UsageFilter{From: at(0), Until: at(time.Microsecond)}, 1},
			"an item":               {packages.UsageFilter{ItemID: &item}, 2},
			"another item":          {packages.UsageFilter{ItemID: &pack.Items[1].ID}, 0},
			"a package":             {packages.UsageFilter{PackageID: &pack.ID, CustomerID: &s.resale.ID, PackageSpec: &spec, ResourceType: &kind}, 2},
			"another resource type": {packages.UsageFilter{ResourceType: &other}, 0},
		} {
			found, err := s.FindUsages(s.ctx, me, c.filter, models.PageArgs{})
			if err != nil || len(found.Nodes()) != c.want {
				t.Errorf("%s: %d records, want %d: %v", name, len(found.Nodes()), c.want, err)
			}
		}
		for name, c := range map[string]struct {
			filter packages.UsageFilter
			want   string
		}{
			"more than 90 days":        {packages.UsageFilter{From: at(0), Until: at(90*24*time.Hour + time.Microsecond)}, "INVALID deductedFrom"},
			"more than 90 days to now": {packages.UsageFilter{From: at(-2 * 24 * time.Hour)}, "INVALID deductedFrom"},
			"backwards":                {packages.UsageFilter{From: at(1), Until: at(0)}, "INVALID deductedUntil"},
			"no item":                  {packages.UsageFilter{ItemID: &pack.ID}, "INVALID itemId"},
			"no package":               {packages.UsageFilter{PackageID: &item}, "INVALID packageId"},
			"no customer":              {packages.UsageFilter{CustomerID: &item}, "INVALID customerId"},
		} {
			if _, err := s.FindUsages(s.ctx, me, c.filter, models.PageArgs{}); refusal(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		// What was used under a former partner is no business of the next one, who sees the package and what is left.
		s.resale.PartnerID = s.stranger.ID
		s.in(func(ctx context.Context, tx bun.IDB) error { return s.TurnIn(ctx, tx, me, s.resale) })
		records, err := s.FindUsages(s.ctx, as(s.stranger), packages.UsageFilter{}, models.PageArgs{})
		seen, err2 := s.Find(s.ctx, as(s.stranger), packages.Filter{}, models.PageArgs{})
		if err != nil || err2 != nil || len(records.Nodes()) != 0 || len(seen.Nodes()) != 1 {
			t.Errorf("the next partner sees %d records and %d packages", len(records.Nodes()), len(seen.Nodes()))
		}
	})
}

func TestListsTakeAFixedNumberOfStatements(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		count := func() int {
			ctx, counter := store.CountStatements(s.ctx)
			if _, err := s.Find(ctx, self(s.resale), packages.Filter{}, models.PageArgs{}); err != nil {
				t.Fatal(err)
			}
			return len(counter.Statements())
		}
		s.sell(s.resale, "both", s.at, 1)
		one := count()
		for range 5 {
			s.sell(s.resale, "daily", s.at, 1)
		}
		if many := count(); one != many || many > 3 {
			t.Errorf("one package takes %d statements, six take %d", one, many)
		}
	})
}

func TestTheAuditFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage string
		want   packages.Report
	}{
		"sound":                        {"", packages.Report{}},
		"more is left":                 {"UPDATE package_cycles SET remaining = '9.00000000001'", packages.Report{WrongCycles: 1}},
		"a cycle below nothing":        {"UPDATE package_cycles SET remaining = '-1'", packages.Report{WrongCycles: 1}},
		"a record of something else":   {"UPDATE package_usages SET amount = '2'", packages.Report{WrongCycles: 1}},
		"a record that is gone":        {"DELETE FROM package_usages", packages.Report{WrongCycles: 1, WrongCovers: 1}},
		"another use was paid":         {"UPDATE usage_records SET covered = '3'", packages.Report{WrongCovers: 1}},
		"it ends without its resource": {"UPDATE resource_packages SET expires_at = NULL", packages.Report{WrongPackages: 1}},
		"it was left behind":           {"UPDATE resources SET partner_id = NULL", packages.Report{WrongPackages: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				s := open(t, db)
				s.sell(s.resale, "once", s.at.AddDate(0, 0, -1), 1)
				s.use(s.resale, "1", s.at)
				if c.damage != "" {
					if _, err := db.NewRaw(c.damage).Exec(s.ctx); err != nil {
						t.Fatal(err)
					}
				}
				got, err := s.Audit(s.ctx)
				if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
					t.Errorf("%v\n%s", err, diff)
				}
				if got.Breaches() != got.WrongCycles+got.WrongCovers+got.WrongPackages {
					t.Errorf("%d breaches of %+v", got.Breaches(), got)
				}
			})
		})
	}
}
