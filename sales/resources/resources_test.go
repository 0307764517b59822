package resources_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// world is a distributor's reseller and a provider, each with a resale customer, and an advisory customer of the provider's.
type world struct {
	*resources.Service
	t   *testing.T
	ctx context.Context

	distributor, reseller, provider, stranger models.Partner
	ofReseller, ofProvider, advised           models.Customer
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) }
	ids := models.RandomIDs()
	w := &world{t: t, ctx: t.Context(), Service: &resources.Service{DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}}}
	w.distributor = w.partner(models.Distributor, "")
	w.reseller = w.partner(models.CloudReseller, w.distributor.ID)
	w.provider = w.partner(models.SolutionProvider, "")
	w.stranger = w.partner(models.Distributor, "")
	w.ofReseller = w.customer("of-reseller", w.reseller.ID, models.Resale)
	w.ofProvider = w.customer("of-provider", w.provider.ID, models.Resale)
	w.advised = w.customer("advised", w.provider.ID, models.Advisory)
	return w
}

func (w *world) insert(row any) {
	w.t.Helper()
	if _, err := w.DB.NewInsert().Model(row).Exec(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) partner(kind models.PartnerKind, parent models.ID) models.Partner {
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: "Partner", Level: models.LevelStandard, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	w.insert(&p)
	return p
}

func (w *world) customer(name string, partner models.ID, mode models.AssociationMode) models.Customer {
	c := models.Customer{
		ID: w.IDs(models.PrefixCustomer), Cloud: "hwc", Name: name, Kind: models.Enterprise, VerifiedStatus: models.NotVerified,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner, Mode: mode, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	w.insert(&c)
	return c
}

// order writes an order of one line and returns a resource that it could bring into being.
func (w *world) order(c models.Customer) models.Resource {
	w.t.Helper()
	var partner models.ID
	if c.Mode == models.Resale {
		partner = c.PartnerID
	}
	o := models.Order{
		ID: w.IDs(models.PrefixOrder), Cloud: "hwc", CustomerID: c.ID, PartnerID: partner, Status: models.OrderProcessing, Type: models.OrderNew,
		Source: models.PlacedBySystem, Currency: models.CNY, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	o.Number = string(o.ID)
	w.insert(&o)
	line := models.OrderItem{
		ID: w.IDs(models.PrefixOrderItem), OrderID: o.ID, Position: 1, ServiceType: "s", ResourceType: "vm", SpecCode: "c", Region: "x",
		Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, Currency: models.CNY,
	}
	w.insert(&line)
	return models.Resource{
		Cloud: "hwc", CustomerID: c.ID, PartnerID: partner, OrderID: o.ID, OrderItemID: line.ID, Name: "vm", Status: models.ResourceInUse,
		Region: "x", ServiceType: "s", ResourceType: "vm", SpecCode: "c", ChargingMode: models.ChargedByPeriod,
		ExpirePolicy: models.ExpireGracePeriod, EffectiveAt: w.Now(),
	}
}

func (w *world) createAs(who models.Principal, made []models.Resource) ([]models.Resource, error) {
	var created []models.Resource
	err := w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		created, err = w.CreateIn(ctx, tx, who, made)
		return err
	})
	return created, err
}

// run gives a customer a main resource with so many sub-resources, under an order of their own.
func (w *world) run(c models.Customer, subs int) []models.Resource {
	w.t.Helper()
	main := w.order(c)
	main.ID = w.IDs(models.PrefixResource)
	main.CloudID = string(main.ID)
	made := []models.Resource{main}
	for i := range subs {
		sub := main
		sub.ID, sub.ParentID, sub.CloudID = "", main.ID, fmt.Sprint(main.ID, i)
		made = append(made, sub)
	}
	made, err := w.createAs(models.SystemPrincipal("test"), made)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
}

func asPartner(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func asCustomer(c models.Customer) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, CustomerID: c.ID, Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

func TestWhoSeesWhichResources(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ofReseller, ofProvider, advised := w.run(w.ofReseller, 1), w.run(w.ofProvider, 1), w.run(w.advised, 1)
		all := idsOf(slices.Concat(ofReseller, ofProvider, advised))
		var orders, mains []models.ID
		for _, made := range [][]models.Resource{ofReseller, ofProvider, advised} {
			orders, mains = append(orders, made[0].OrderID), append(mains, made[0].ID)
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			want []models.ID
		}{
			{"operator", operator(), all},
			{"distributor sees its reseller's", asPartner(w.distributor), idsOf(ofReseller)},
			{"reseller", asPartner(w.reseller), idsOf(ofReseller)},
			{"provider does not see its advisory customer's", asPartner(w.provider), idsOf(ofProvider)},
			{"stranger", asPartner(w.stranger), nil},
			{"customer", asCustomer(w.ofProvider), idsOf(ofProvider)},
			{"advisory customer", asCustomer(w.advised), idsOf(advised)},
		} {
			found, err := w.Find(w.ctx, row.who, resources.ResourceFilter{}, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sorted(row.want), sorted(idsOf(found.Nodes()))); diff != "" || *found.TotalCount != len(row.want) {
				t.Errorf("%s: list of %d: %s", row.name, *found.TotalCount, diff)
			}
			byID, err := w.ByIDs(w.ctx, row.who, all)
			if err != nil || len(byID) != len(row.want) {
				t.Errorf("%s: looked up %d, want %d, %v", row.name, len(byID), len(row.want), err)
			}
			byOrder, err := w.FindForOrders(w.ctx, row.who, orders)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sorted(row.want), sorted(idsOf(flat(byOrder)))); diff != "" {
				t.Errorf("%s: under orders: %s", row.name, diff)
			}
			bySub, err := w.SubResourcesFor(w.ctx, row.who, mains)
			if err != nil || 2*len(flat(bySub)) != len(row.want) {
				t.Errorf("%s: %d sub-resources of %d resources, %v", row.name, len(flat(bySub)), len(row.want), err)
			}
			pages, err := w.FindForCustomers(w.ctx, row.who, []models.ID{w.ofReseller.ID, w.ofProvider.ID, w.advised.ID}, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			nested := 0
			for _, page := range pages {
				nested += *page.TotalCount
				if *page.TotalCount != len(page.Edges) {
					t.Errorf("%s: total %d of %d rows", row.name, *page.TotalCount, len(page.Edges))
				}
			}
			if nested != len(row.want) {
				t.Errorf("%s: %d under customers, want %d", row.name, nested, len(row.want))
			}
		}
	})
}

func TestReadsNeedThePermission(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for want, who := range map[models.Code]models.Principal{
			models.CodeUnauthenticated: {},
			models.CodeForbidden:       {Kind: models.PartnerKey, PartnerID: w.provider.ID, Permissions: []models.Permission{models.ReadOrders}},
		} {
			ids := []models.ID{w.IDs(models.PrefixResource)}
			_, find := w.Find(w.ctx, who, resources.ResourceFilter{}, models.PageArgs{})
			_, byIDs := w.ByIDs(w.ctx, who, ids)
			_, forCustomers := w.FindForCustomers(w.ctx, who, ids, models.PageArgs{})
			_, forOrders := w.FindForOrders(w.ctx, who, ids)
			_, subs := w.SubResourcesFor(w.ctx, who, ids)
			for i, err := range []error{find, byIDs, forCustomers, forOrders, subs} {
				if models.CodeOf(err) != want {
					t.Errorf("read %d: %v, want %s", i, err, want)
				}
			}
		}
	})
}

func TestFindFilters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first, second := w.run(w.ofReseller, 1), w.run(w.ofProvider, 0)
		if _, err := db.NewUpdate().Table("resources").Set("status = ?", models.ResourceFrozen).Where("id = ?", second[0].ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		yes, no := true, false
		for _, row := range []struct {
			name   string
			filter resources.ResourceFilter
			want   []models.ID
		}{
			{"nothing said, newest first", resources.ResourceFilter{}, []models.ID{second[0].ID, first[1].ID, first[0].ID}},
			{"a customer", resources.ResourceFilter{CustomerID: &w.ofProvider.ID}, []models.ID{second[0].ID}},
			{"an order", resources.ResourceFilter{OrderID: &first[0].OrderID}, []models.ID{first[1].ID, first[0].ID}},
			{"main only", resources.ResourceFilter{OnlyMain: &yes}, []models.ID{second[0].ID, first[0].ID}},
			{"sub-resources only", resources.ResourceFilter{OnlyMain: &no}, []models.ID{first[1].ID}},
			{"a status", resources.ResourceFilter{Status: []models.ResourceStatus{models.ResourceFrozen}}, []models.ID{second[0].ID}},
			{"no status", resources.ResourceFilter{Status: []models.ResourceStatus{}}, nil},
		} {
			found, err := w.Find(w.ctx, operator(), row.filter, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, idsOf(found.Nodes())); diff != "" || *found.TotalCount != len(row.want) {
				t.Errorf("%s: %d %s", row.name, *found.TotalCount, diff)
			}
		}
		for name, filter := range map[string]resources.ResourceFilter{
			"customerId": {CustomerID: &w.provider.ID}, "orderId": {OrderID: &w.provider.ID},
		} {
			if _, err := w.Find(w.ctx, operator(), filter, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s of another kind: %v", name, err)
			}
		}
		cursor, many := models.Cursor("orders", first[0].OrderID), 101
		for name, args := range map[string]models.PageArgs{"cursor of another list": {After: &cursor}, "101 rows": {First: &many}} {
			if _, err := w.Find(w.ctx, operator(), resources.ResourceFilter{}, args); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestNestedListsTakeOneStatement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var orders, mains []models.ID
		var made [][]models.Resource
		for range 20 {
			made = append(made, w.run(w.ofProvider, 3))
			orders, mains = append(orders, made[len(made)-1][0].OrderID), append(mains, made[len(made)-1][0].ID)
		}
		ctx, counter := store.CountStatements(w.ctx)
		byOrder, err := w.FindForOrders(ctx, asPartner(w.provider), orders)
		if err != nil || counter.Count() != 1 {
			t.Fatalf("orders: %v, statements %v, want one", err, counter.Statements())
		}
		for i, order := range orders {
			if diff := cmp.Diff(idsOf(made[i]), idsOf(byOrder[order])); diff != "" {
				t.Errorf("order %d, oldest first: %s", i, diff)
			}
		}
		ctx, counter = store.CountStatements(w.ctx)
		subs, err := w.SubResourcesFor(ctx, asPartner(w.provider), mains)
		if err != nil || counter.Count() != 1 || len(flat(subs)) != 60 {
			t.Errorf("sub-resources: %v, statements %v, %d rows", err, counter.Statements(), len(flat(subs)))
		}
		ctx, counter = store.CountStatements(w.ctx)
		pages, err := w.FindForCustomers(ctx, operator(), []models.ID{w.ofProvider.ID, w.ofReseller.ID}, models.PageArgs{WantTotal: true})
		if err != nil || counter.Count() != 2 {
			t.Fatalf("customers: %v, statements %v, want two", err, counter.Statements())
		}
		if got := pages[w.ofProvider.ID]; len(got.Edges) != models.DefaultPageSize || *got.TotalCount != 80 || !got.PageInfo.HasNextPage {
			t.Errorf("%d rows of %d", len(got.Edges), *got.TotalCount)
		}
		if got := pages[w.ofReseller.ID]; len(got.Edges) != 0 || *got.TotalCount != 0 {
			t.Errorf("a customer without resources has %d of %d", len(got.Edges), *got.TotalCount)
		}
	})
}

func TestAnOrdersResourcesAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		made := w.run(w.ofProvider, resources.MaxNested+1000)
		found, err := w.FindForOrders(w.ctx, operator(), []models.ID{made[0].OrderID})
		if err != nil || len(found[made[0].OrderID]) != resources.MaxNested {
			t.Errorf("%d resources, want %d, %v", len(found[made[0].OrderID]), resources.MaxNested, err)
		}
	})
}

func TestCreateIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		have := w.run(w.ofProvider, 1)
		good := w.order(w.ofProvider)
		good.CloudID = "new"
		change := func(edit func(*models.Resource)) []models.Resource {
			r := good
			edit(&r)
			return []models.Resource{r}
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			made []models.Resource
			want models.Code
		}{
			{"by a customer", asCustomer(w.ofProvider), []models.Resource{good}, models.CodeForbidden},
			{"by a partner", asPartner(w.provider), []models.Resource{good}, models.CodeForbidden},
			{"by nobody", models.Principal{}, []models.Resource{good}, models.CodeUnauthenticated},
			{"without the cloud's id", operator(), change(func(r *models.Resource) { r.CloudID = "" }), models.CodeInvalid},
			{"without an order", operator(), change(func(r *models.Resource) { r.OrderID = "" }), models.CodeInvalid},
			{"under a main resource that is not in the list", operator(), change(func(r *models.Resource) { r.ParentID = have[0].ID }), models.CodeInvalid},
			{"too many", operator(), make([]models.Resource, resources.MaxPerCreate+1), models.CodeInvalid},
		} {
			if _, err := w.createAs(row.who, row.made); models.CodeOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if _, err := w.createAs(operator(), change(func(r *models.Resource) { r.CloudID = have[0].CloudID })); !store.Conflicts(err, "resources", "cloud_id") {
			t.Errorf("the cloud's id twice: %v", err)
		}
		if n, err := db.NewSelect().Model((*models.Resource)(nil)).Count(w.ctx); err != nil || n != 2 {
			t.Errorf("%d resources, want the 2 from before: %v", n, err)
		}
		if n, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", models.EventResourceCreated).Count(w.ctx); err != nil || n != 1 {
			t.Errorf("%d events, want one for the main resource: %v", n, err)
		}
	})
}

func idsOf(rows []models.Resource) []models.ID {
	var ids []models.ID
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func flat(byParent map[models.ID][]models.Resource) []models.Resource {
	var all []models.Resource
	for _, rows := range byParent {
		all = append(all, rows...)
	}
	return all
}

func sorted(ids []models.ID) []models.ID {
	ids = append([]models.ID(nil), ids...)
	slices.Sort(ids)
	return ids
}

// TestAFormerPartnerSeesNoResources is C14: what the customer runs, it runs on, and its partner of before is gone from it.
func TestAFormerPartnerSeesNoResources(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		theirs := w.customer("another", w.provider.ID, models.Resale)
		w.run(w.ofProvider, 2)
		w.run(theirs, 1)
		err := db.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error { return w.LeaveIn(ctx, tx, operator(), w.ofProvider) })
		if err != nil {
			t.Fatal(err)
		}
		for name, row := range map[string]struct {
			who  models.Principal
			want int
		}{
			"the former partner":  {asPartner(w.provider), 2}, // of its other customer
			"the customer itself": {asCustomer(w.ofProvider), 3},
		} {
			found, err := w.Find(w.ctx, row.who, resources.ResourceFilter{}, models.PageArgs{})
			if err != nil || len(found.Edges) != row.want {
				t.Errorf("%s sees %d, want %d: %v", name, len(found.Edges), row.want, err)
			}
		}
	})
}
