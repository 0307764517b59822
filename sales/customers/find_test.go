package customers_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestWhoSeesWhichCustomers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ofReseller, resale := w.create("of-reseller", w.reseller.ID, models.Resale), w.create("resale", w.provider.ID, models.Resale)
		advised, alone := w.create("advised", w.provider.ID, models.Advisory), w.create("alone", "", "")
		all := []models.ID{ofReseller.ID, resale.ID, advised.ID, alone.ID}
		partners := []models.ID{w.distributor.ID, w.reseller.ID, w.provider.ID, w.stranger.ID}
		// What is over shows nobody anything: alone once belonged to the stranger.
		ended := models.Association{
			ID: w.IDs(models.PrefixAssociation), CustomerID: alone.ID, PartnerID: w.stranger.ID, Mode: models.Resale, Source: models.SourceAPI,
			Since: w.at, Until: &w.at,
		}
		if _, err := db.NewInsert().Model(&ended).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			want []string
		}{
			{"operator", operator(), []string{"of-reseller", "resale", "advised", "alone"}},
			{"distributor", asPartner(w.distributor), []string{"of-reseller"}},
			{"reseller", asPartner(w.reseller), []string{"of-reseller"}},
			{"provider sees both modes", asPartner(w.provider), []string{"resale", "advised"}},
			{"stranger", asPartner(w.stranger), nil},
			{"customer", asCustomer(resale), []string{"resale"}},
			{"customer of nobody", asCustomer(alone), []string{"alone"}},
		} {
			found, err := w.Find(w.ctx, row.who, customers.CustomerFilter{}, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, namesOf(found.Nodes())); diff != "" || *found.TotalCount != len(row.want) {
				t.Errorf("%s: list of %d: %s", row.name, *found.TotalCount, diff)
			}
			byID, err := w.ByIDs(w.ctx, row.who, all)
			if err != nil || len(byID) != len(row.want) {
				t.Errorf("%s: looked up %d, want %d, %v", row.name, len(byID), len(row.want), err)
			}
			linked := slices.DeleteFunc(slices.Clone(row.want), func(name string) bool { return name == "alone" })
			associations, err := w.AssociationsFor(w.ctx, row.who, all)
			if err != nil || len(associations) != len(linked) {
				t.Errorf("%s: %d associations, want %d, %v", row.name, len(associations), len(linked), err)
			}
			pages, err := w.FindForPartners(w.ctx, row.who, partners, models.PageArgs{WantTotal: true})
			if err != nil || len(pages) != len(partners) {
				t.Fatalf("%d pages, %v", len(pages), err)
			}
			var nested []string
			for _, page := range pages {
				nested = append(nested, namesOf(page.Nodes())...)
				if *page.TotalCount != len(page.Edges) {
					t.Errorf("%s: total %d of %d rows", row.name, *page.TotalCount, len(page.Edges))
				}
			}
			if diff := cmp.Diff(sorted(linked), sorted(nested)); diff != "" {
				t.Errorf("%s: under partners: %s", row.name, diff)
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
			ids := []models.ID{w.IDs(models.PrefixCustomer)}
			_, find := w.Find(w.ctx, who, customers.CustomerFilter{}, models.PageArgs{})
			_, byIDs := w.ByIDs(w.ctx, who, ids)
			_, forPartners := w.FindForPartners(w.ctx, who, ids, models.PageArgs{})
			_, associations := w.AssociationsFor(w.ctx, who, ids)
			for i, err := range []error{find, byIDs, forPartners, associations} {
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
		w.create("Shop-one", w.provider.ID, models.Resale)
		w.create("shop_two", w.provider.ID, models.Advisory)
		if _, err := w.Create(w.ctx, asPartner(w.stranger), customers.CreateCustomer{Name: "other", ExternalID: "ext-1"}); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name   string
			filter customers.CustomerFilter
			want   []string
		}{
			{"nothing said", customers.CustomerFilter{}, []string{"Shop-one", "shop_two", "other"}},
			{"a partner", customers.CustomerFilter{PartnerID: &w.stranger.ID}, []string{"other"}},
			{"a mode", customers.CustomerFilter{Mode: ptr(models.Advisory)}, []string{"shop_two"}},
			{"a start in any case", customers.CustomerFilter{Query: ptr("SHOP")}, []string{"Shop-one", "shop_two"}},
			{"an underscore is no wildcard", customers.CustomerFilter{Query: ptr("shop_")}, []string{"shop_two"}},
			{"a per cent sign is no wildcard", customers.CustomerFilter{Query: ptr("%")}, nil},
			{"a start, not a part", customers.CustomerFilter{Query: ptr("two")}, nil},
			{"a quote", customers.CustomerFilter{Query: ptr("'!\\")}, nil},
			{"an external id", customers.CustomerFilter{ExternalID: ptr("ext-1")}, []string{"other"}},
			{"two filters at once", customers.CustomerFilter{PartnerID: &w.provider.ID, ExternalID: ptr("ext-1")}, nil},
		} {
			found, err := w.Find(w.ctx, operator(), row.filter, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if diff := cmp.Diff(row.want, namesOf(found.Nodes())); diff != "" || *found.TotalCount != len(row.want) {
				t.Errorf("%s: %d %s", row.name, *found.TotalCount, diff)
			}
		}
		long := string(make([]byte, 65))
		foreign, many := models.Cursor("partners", w.provider.ID), 101
		for name, run := range map[string]func() error{
			"a partner id of another kind": func() error {
				_, err := w.Find(w.ctx, operator(), customers.CustomerFilter{PartnerID: ptr(w.IDs(models.PrefixOrder))}, models.PageArgs{})
				return err
			},
			"a long search": func() error {
				_, err := w.Find(w.ctx, operator(), customers.CustomerFilter{Query: &long}, models.PageArgs{})
				return err
			},
			"cursor of another list": func() error {
				_, err := w.Find(w.ctx, operator(), customers.CustomerFilter{}, models.PageArgs{After: &foreign})
				return err
			},
			"101 rows": func() error {
				_, err := w.FindForPartners(w.ctx, operator(), nil, models.PageArgs{Last: &many})
				return err
			},
		} {
			if err := run(); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestNestedListsTakeOneStatement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var ids []models.ID
		var partners []models.ID
		for i := range 12 {
			p := w.partner("Partner", models.SolutionProvider, "")
			partners = append(partners, p.ID)
			for j := range 3 {
				ids = append(ids, w.create("customer-"+string(rune('a'+i))+string(rune('a'+j)), p.ID, models.Resale).ID)
			}
		}
		ctx, counter := store.CountStatements(w.ctx)
		pages, err := w.FindForPartners(ctx, operator(), partners, models.PageArgs{First: ptr(2)})
		if err != nil || counter.Count() != 1 {
			t.Fatalf("%v, statements %v, want one", err, counter.Statements())
		}
		for i, partner := range partners {
			got := pages[partner]
			if len(got.Edges) != 2 || got.Edges[0].Node.ID != ids[3*i] || got.Edges[1].Node.ID != ids[3*i+1] || !got.PageInfo.HasNextPage {
				t.Errorf("page of partner %d: %v", i, namesOf(got.Nodes()))
			}
		}
		ctx, counter = store.CountStatements(w.ctx)
		if pages, err = w.FindForPartners(ctx, operator(), partners, models.PageArgs{WantTotal: true}); err != nil || counter.Count() != 2 || *pages[partners[5]].TotalCount != 3 {
			t.Errorf("with totals: %v, statements %v, want two", err, counter.Statements())
		}
		ctx, counter = store.CountStatements(w.ctx)
		if found, err := w.AssociationsFor(ctx, operator(), ids); err != nil || counter.Count() != 1 || len(found) != len(ids) {
			t.Errorf("associations: %v, statements %v, want one", err, counter.Statements())
		}
	})
}
