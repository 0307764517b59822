package orders_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestWhoSeesWhichOrders(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ofReseller, ofProvider, advised := w.place(w.ofReseller, 1), w.place(w.ofProvider, 1), w.place(w.advised, 1)
		all := []models.ID{ofReseller.ID, ofProvider.ID, advised.ID}
		customers := []models.ID{w.ofReseller.ID, w.ofProvider.ID, w.advised.ID}
		partners := []models.ID{w.distributor.ID, w.reseller.ID, w.provider.ID, w.stranger.ID}
		for _, row := range []struct {
			name string
			who  models.Principal
			want []models.ID
		}{
			{"operator", operator(), all},
			{"distributor sees its reseller's", asPartner(w.distributor), []models.ID{ofReseller.ID}},
			{"reseller", asPartner(w.reseller), []models.ID{ofReseller.ID}},
			{"provider does not see its advisory customer's", asPartner(w.provider), []models.ID{ofProvider.ID}},
			{"stranger", asPartner(w.stranger), nil},
			{"customer", asCustomer(w.ofProvider), []models.ID{ofProvider.ID}},
			{"advisory customer", asCustomer(w.advised), []models.ID{advised.ID}},
		} {
			found, err := w.Find(w.ctx, row.who, orders.OrderFilter{}, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sorted(row.want), sorted(idsOf(found))); diff != "" || *found.TotalCount != len(row.want) {
				t.Errorf("%s: list of %d: %s", row.name, *found.TotalCount, diff)
			}
			byID, err := w.ByIDs(w.ctx, row.who, all)
			if err != nil {
				t.Fatal(err)
			}
			var looked []models.ID
			for id := range byID {
				looked = append(looked, id)
			}
			if diff := cmp.Diff(sorted(row.want), sorted(looked)); diff != "" {
				t.Errorf("%s: lookup: %s", row.name, diff)
			}
			nested, err := w.FindForCustomers(w.ctx, row.who, customers, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			ofPartners, err := w.FindForPartners(w.ctx, row.who, partners, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sorted(row.want), sorted(idsIn(t, nested))); diff != "" {
				t.Errorf("%s: nested under customers: %s", row.name, diff)
			}
			paidByPartners := slices.DeleteFunc(slices.Clone(row.want), func(id models.ID) bool { return id == advised.ID })
			if diff := cmp.Diff(sorted(paidByPartners), sorted(idsIn(t, ofPartners))); diff != "" {
				t.Errorf("%s: nested under partners: %s", row.name, diff)
			}
			items, err := w.ItemsFor(w.ctx, row.who, all)
			if err != nil || len(items) != len(row.want) {
				t.Errorf("%s: lines of %d orders, want %d, %v", row.name, len(items), len(row.want), err)
			}
		}
	})
}

func TestFindNeedsThePermission(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for want, who := range map[models.Code]models.Principal{
			models.CodeUnauthenticated: {},
			models.CodeForbidden:       {Kind: models.PartnerKey, PartnerID: w.provider.ID, Permissions: []models.Permission{models.PayOrders}},
		} {
			id := []models.ID{w.IDs(models.PrefixOrder)}
			_, find := w.Find(w.ctx, who, orders.OrderFilter{}, models.PageArgs{})
			_, byIDs := w.ByIDs(w.ctx, who, id)
			_, forCustomers := w.FindForCustomers(w.ctx, who, id, models.PageArgs{})
			_, forPartners := w.FindForPartners(w.ctx, who, id, models.PageArgs{})
			_, items := w.ItemsFor(w.ctx, who, id)
			for i, err := range []error{find, byIDs, forCustomers, forPartners, items} {
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
		old, err := w.Place(w.ctx, system(), orders.PlaceOrder{CustomerID: w.ofReseller.ID, ExternalID: "shop-1", Items: []orders.PlaceItem{server(1)}})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.advance(1e9)
		recent := w.place(w.ofProvider, 1)
		if _, err := w.Cancel(w.ctx, operator(), orders.CancelOrder{OrderID: recent.ID}); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name   string
			filter orders.OrderFilter
			want   []models.ID
		}{
			{"nothing said, newest first", orders.OrderFilter{}, []models.ID{recent.ID, old.ID}},
			{"a customer", orders.OrderFilter{CustomerID: &w.ofReseller.ID}, []models.ID{old.ID}},
			{"a partner", orders.OrderFilter{PartnerID: &w.provider.ID}, []models.ID{recent.ID}},
			{"a status", orders.OrderFilter{Status: []models.OrderStatus{models.OrderCancelled}}, []models.ID{recent.ID}},
			{"two statuses", orders.OrderFilter{Status: []models.OrderStatus{models.OrderCancelled, models.OrderPendingPayment}}, []models.ID{recent.ID, old.ID}},
			{"no status", orders.OrderFilter{Status: []models.OrderStatus{}}, nil},
			{"no type", orders.OrderFilter{Type: []models.OrderType{}}, nil},
			{"a type", orders.OrderFilter{Type: []models.OrderType{models.OrderRenew}}, nil},
			{"a number", orders.OrderFilter{Number: &recent.Number}, []models.ID{recent.ID}},
			{"an external id", orders.OrderFilter{ExternalID: ptr("shop-1")}, []models.ID{old.ID}},
			{"an empty external id", orders.OrderFilter{ExternalID: ptr("")}, nil},
			{"created from the second on", orders.OrderFilter{CreatedAfter: &recent.CreatedAt}, []models.ID{recent.ID}},
			{"created before the second", orders.OrderFilter{CreatedBefore: &recent.CreatedAt}, []models.ID{old.ID}},
		} {
			found, err := w.Find(w.ctx, operator(), row.filter, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, idsOf(found)); diff != "" || *found.TotalCount != len(row.want) {
				t.Errorf("%s: %d %s", row.name, *found.TotalCount, diff)
			}
		}
		for name, filter := range map[string]orders.OrderFilter{
			"customerId": {CustomerID: &w.provider.ID}, "partnerId": {PartnerID: &w.ofProvider.ID},
		} {
			if _, err := w.Find(w.ctx, operator(), filter, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s of another kind: %v", name, err)
			}
		}
	})
}

func TestPagesOfOrders(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var newest []models.ID
		for range 5 {
			newest = slices.Insert(newest, 0, w.place(w.ofProvider, 1).ID)
		}
		who := asPartner(w.provider)
		var walked []models.ID
		args := models.PageArgs{First: ptr(2)}
		for {
			found, err := w.Find(w.ctx, who, orders.OrderFilter{}, args)
			if err != nil {
				t.Fatal(err)
			}
			walked = append(walked, idsOf(found)...)
			if !found.PageInfo.HasNextPage {
				break
			}
			args.After = found.PageInfo.EndCursor
		}
		if diff := cmp.Diff(newest, walked); diff != "" {
			t.Errorf("forward: %s", diff)
		}
		last, err := w.Find(w.ctx, who, orders.OrderFilter{}, models.PageArgs{Last: ptr(2), Before: ptr(models.Cursor("orders", newest[4]))})
		if diff := cmp.Diff(newest[2:4], idsOf(last)); err != nil || diff != "" || !last.PageInfo.HasPreviousPage {
			t.Errorf("backward: %v %s", err, diff)
		}
		none, err := w.Find(w.ctx, who, orders.OrderFilter{}, models.PageArgs{First: ptr(0), WantTotal: true})
		if err != nil || len(none.Edges) != 0 || *none.TotalCount != 5 {
			t.Errorf("a page of nothing: %+v %v", none, err)
		}
		for name, args := range map[string]models.PageArgs{
			"101 rows": {First: ptr(101)}, "minus one": {First: ptr(-1)}, "both ways": {First: ptr(1), Last: ptr(1)},
			"cursor of another list":  {After: ptr(models.Cursor("resources", newest[0]))},
			"cursor of a nested list": {After: ptr(models.Cursor("customer.orders", newest[0]))},
			"no cursor at all":        {Before: ptr("!")},
		} {
			if _, err := w.Find(w.ctx, who, orders.OrderFilter{}, args); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := w.FindForPartners(w.ctx, who, []models.ID{w.provider.ID}, args); name != "cursor of a nested list" && models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("nested, %s: %v", name, err)
			}
		}
	})
}

func TestNestedListsTakeOneStatement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var customers, all []models.ID
		for i := range 30 {
			c := w.customer("customer-"+string(rune('a'+i)), w.provider.ID, models.Resale)
			customers = append(customers, c.ID)
			for range 3 {
				all = append(all, w.place(c, 1).ID)
			}
		}
		who := asPartner(w.provider)
		ctx, counter := store.CountStatements(w.ctx)
		found, err := w.FindForCustomers(ctx, who, customers, models.PageArgs{First: ptr(2)})
		if err != nil || counter.Count() != 1 {
			t.Fatalf("%v, statements %v, want one", err, counter.Statements())
		}
		for i, id := range customers {
			page := found[id]
			if diff := cmp.Diff([]models.ID{all[3*i+2], all[3*i+1]}, idsOf(page)); diff != "" || !page.PageInfo.HasNextPage || page.TotalCount != nil {
				t.Errorf("page of customer %d: %s", i, diff)
			}
		}
		ctx, counter = store.CountStatements(w.ctx)
		if found, err = w.FindForCustomers(ctx, who, append(customers, customers[0]), models.PageArgs{WantTotal: true}); err != nil || counter.Count() != 2 {
			t.Errorf("with totals: %v, statements %v, want two", err, counter.Statements())
		}
		if got := found[customers[7]]; *got.TotalCount != 3 || len(got.Edges) != 3 {
			t.Errorf("total %d of %d rows, want 3", *got.TotalCount, len(got.Edges))
		}
		ctx, counter = store.CountStatements(w.ctx)
		if items, err := w.ItemsFor(ctx, who, all); err != nil || counter.Count() != 1 || len(items) != len(all) {
			t.Errorf("lines: %v, statements %v, want one", err, counter.Statements())
		}
	})
}

func idsOf(c models.Connection[models.Order]) []models.ID {
	var ids []models.ID
	for _, order := range c.Nodes() {
		ids = append(ids, order.ID)
	}
	return ids
}

// idsIn returns all ids of nested pages, whose totals must agree with them.
func idsIn(t *testing.T, pages map[models.ID]models.Connection[models.Order]) []models.ID {
	t.Helper()
	var ids []models.ID
	for parent, page := range pages {
		if *page.TotalCount != len(page.Edges) {
			t.Errorf("%s has %d rows and a total of %d", parent, len(page.Edges), *page.TotalCount)
		}
		ids = append(ids, idsOf(page)...)
	}
	return ids
}

func sorted(ids []models.ID) []models.ID {
	ids = append([]models.ID(nil), ids...)
	slices.Sort(ids)
	return ids
}
