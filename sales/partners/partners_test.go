package partners_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func newRoom(db *store.DB) *partners.Service {
	now := func() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }
	ids := models.RandomIDs()
	return &partners.Service{DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}}
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
}

func as(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func command(kind models.PartnerKind, name string, parent *models.ID) partners.CreatePartner {
	return partners.CreatePartner{
		Cloud: "hws", Kind: kind, Name: name, ParentID: parent, Country: "CN", SigningEntity: "Example Cloud", Currency: models.CNY,
	}
}

func create(t *testing.T, room *partners.Service, kind models.PartnerKind, name string, parent *models.ID) models.Partner {
	t.Helper()
	partner, err := room.Create(t.Context(), operator(), command(kind, name, parent))
	if err != nil {
		t.Fatal(err)
	}
	return partner
}

func names(connection models.Connection[models.Partner]) []string {
	found := []string{}
	for _, partner := range connection.Nodes() {
		found = append(found, partner.Name)
	}
	return found
}

func ptr[T any](v T) *T { return &v }

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		room := newRoom(db)
		distributor := create(t, room, models.Distributor, "D", nil)
		solution := create(t, room, models.SolutionProvider, "S", nil)
		with := func(change func(*partners.CreatePartner)) partners.CreatePartner {
			cmd := command(models.CloudReseller, "R", &distributor.ID)
			change(&cmd)
			return cmd
		}
		taken := with(func(c *partners.CreatePartner) { c.ExternalID = "ext-1" })
		if _, err := room.Create(t.Context(), operator(), taken); err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			who   models.Principal
			cmd   partners.CreatePartner
			code  models.Code
			field string
		}{
			"nobody":                        {models.Principal{}, taken, models.CodeUnauthenticated, ""},
			"a distributor":                 {as(distributor), with(func(*partners.CreatePartner) {}), models.CodeForbidden, ""},
			"a partner with the permission": {models.Principal{Kind: models.PartnerKey, PartnerID: distributor.ID, Permissions: models.AllPermissions()}, with(func(*partners.CreatePartner) {}), models.CodeForbidden, ""},
			"a distributor with parent":     {operator(), command(models.Distributor, "D2", &distributor.ID), models.CodeInvalid, "parentId"},
			"a reseller of a provider":      {operator(), command(models.CloudReseller, "R", &solution.ID), models.CodeInvalid, "parentId"},
			"an unknown parent":             {operator(), command(models.CloudReseller, "R", ptr(models.RandomIDs()(models.PrefixPartner))), models.CodeNotFound, ""},
			"a parent of another kind":      {operator(), command(models.CloudReseller, "R", ptr(models.RandomIDs()(models.PrefixCustomer))), models.CodeInvalid, "parentId"},
			"another currency":              {operator(), with(func(c *partners.CreatePartner) { c.Currency = models.USD }), models.CodeInvalid, "parentId"},
			"another cloud":                 {operator(), with(func(c *partners.CreatePartner) { c.Cloud = "other" }), models.CodeInvalid, "parentId"},
			"an unknown currency":           {operator(), with(func(c *partners.CreatePartner) { c.Currency = "EUR" }), models.CodeInvalid, "currency"},
			"an unknown kind":               {operator(), with(func(c *partners.CreatePartner) { c.Kind = "FRIEND" }), models.CodeInvalid, "kind"},
			"an unknown level":              {operator(), with(func(c *partners.CreatePartner) { c.Level = "GOLD" }), models.CodeInvalid, "level"},
			"a bad cloud":                   {operator(), with(func(c *partners.CreatePartner) { c.Cloud = "H W" }), models.CodeInvalid, "cloud"},
			"a blank name":                  {operator(), with(func(c *partners.CreatePartner) { c.Name = "  " }), models.CodeInvalid, "name"},
			"a name with a line break":      {operator(), with(func(c *partners.CreatePartner) { c.Name = "a\nb" }), models.CodeInvalid, "name"},
			"a lower-case country":          {operator(), with(func(c *partners.CreatePartner) { c.Country = "cn" }), models.CodeInvalid, "country"},
			"no signing entity":             {operator(), with(func(c *partners.CreatePartner) { c.SigningEntity = "" }), models.CodeInvalid, "signingEntity"},
			"a taken external id":           {operator(), taken, models.CodeConflict, "externalId"},
		} {
			_, err := room.Create(t.Context(), tc.who, tc.cmd)
			refusal, _ := err.(*models.Error)
			if models.CodeOf(err) != tc.code || refusal == nil || refusal.Field != tc.field {
				t.Errorf("%s: got %+v, want %s on %q", name, err, tc.code, tc.field)
			}
		}
		if _, err := db.NewUpdate().Model(&distributor).Set("state = ?", models.PartnerRestricted).WherePK().Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := room.Create(t.Context(), operator(), command(models.CloudReseller, "R", &distributor.ID))
		if refusal, _ := err.(*models.Error); refusal == nil || refusal.Reason() != "PARTNER_RESTRICTED" {
			t.Errorf("a restricted distributor: got %v", err)
		}
	})
}

func TestEveryoneSeesItsPartOfTheTree(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		room := newRoom(db)
		d1 := create(t, room, models.Distributor, "D1", nil)
		r1 := create(t, room, models.CloudReseller, "R1", &d1.ID)
		create(t, room, models.CloudReseller, "R2", &d1.ID)
		d2 := create(t, room, models.Distributor, "D2", nil)
		create(t, room, models.CloudReseller, "R3", &d2.ID)
		s := create(t, room, models.SolutionProvider, "S", nil)
		now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
		customer := models.Customer{
			ID: models.RandomIDs()(models.PrefixCustomer), Cloud: "hws", Name: "buyer", Kind: models.Enterprise, VerifiedStatus: models.Verified,
			Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: r1.ID, Mode: models.Resale, CreatedAt: now, UpdatedAt: now,
		}
		if _, err := db.NewInsert().Model(&customer).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		buyer := models.Principal{Kind: models.CustomerUser, CustomerID: customer.ID, Permissions: models.DefaultPermissions(models.CustomerUser, "")}
		everything, err := room.Find(t.Context(), operator(), partners.PartnerFilter{}, models.PageArgs{})
		if err != nil {
			t.Fatal(err)
		}
		var ids []models.ID
		for _, partner := range everything.Nodes() {
			ids = append(ids, partner.ID)
		}
		for _, tc := range []struct {
			name string
			who  models.Principal
			want []string
		}{
			{"operator", operator(), []string{"D1", "R1", "R2", "D2", "R3", "S"}},
			{"distributor", as(d1), []string{"D1", "R1", "R2"}},
			{"the other distributor", as(d2), []string{"D2", "R3"}},
			{"reseller", as(r1), []string{"D1", "R1"}},
			{"solution provider", as(s), []string{"S"}},
			{"customer", buyer, []string{"R1"}},
		} {
			page, err := room.Find(t.Context(), tc.who, partners.PartnerFilter{}, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, names(page)); diff != "" || *page.TotalCount != len(tc.want) {
				t.Errorf("%s: total %d, list (-want +got):\n%s", tc.name, *page.TotalCount, diff)
			}
			byID, err := room.ByIDs(t.Context(), tc.who, ids)
			if err != nil {
				t.Fatal(err)
			}
			if len(byID) != len(tc.want) {
				t.Errorf("%s: %d partners by id, want %d", tc.name, len(byID), len(tc.want))
			}
		}
		for _, who := range []models.Principal{{}, {Kind: models.PartnerKey, PartnerID: d1.ID}} {
			want := models.CodeForbidden
			if who.IsAnonymous() {
				want = models.CodeUnauthenticated
			}
			_, findErr := room.Find(t.Context(), who, partners.PartnerFilter{}, models.PageArgs{})
			_, byIDsErr := room.ByIDs(t.Context(), who, ids)
			_, childrenErr := room.FindResellersFor(t.Context(), who, ids, models.PageArgs{})
			for _, err := range []error{findErr, byIDsErr, childrenErr} {
				if models.CodeOf(err) != want {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		}
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		room := newRoom(db)
		d := create(t, room, models.Distributor, "Alpha 100%", nil)
		create(t, room, models.CloudReseller, "alpha_1", &d.ID)
		create(t, room, models.CloudReseller, "alphaX1", &d.ID)
		create(t, room, models.SolutionProvider, "云图", nil)
		for _, tc := range []struct {
			name   string
			filter partners.PartnerFilter
			want   []string
		}{
			{"none", partners.PartnerFilter{}, []string{"Alpha 100%", "alpha_1", "alphaX1", "云图"}},
			{"prefix in either case", partners.PartnerFilter{Query: ptr("ALPHA")}, []string{"Alpha 100%", "alpha_1", "alphaX1"}},
			{"underscore stands for itself", partners.PartnerFilter{Query: ptr("alpha_")}, []string{"alpha_1"}},
			{"percent stands for itself", partners.PartnerFilter{Query: ptr("%")}, []string{}},
			{"backslash stands for itself", partners.PartnerFilter{Query: ptr(`\`)}, []string{}},
			{"not in the middle", partners.PartnerFilter{Query: ptr("100")}, []string{}},
			{"Chinese", partners.PartnerFilter{Query: ptr("云")}, []string{"云图"}},
			{"kinds", partners.PartnerFilter{Kind: []models.PartnerKind{models.Distributor, models.SolutionProvider}}, []string{"Alpha 100%", "云图"}},
			{"no kind", partners.PartnerFilter{Kind: []models.PartnerKind{}}, []string{}},
			{"parent and prefix", partners.PartnerFilter{ParentID: &d.ID, Query: ptr("alphax")}, []string{"alphaX1"}},
		} {
			page, err := room.Find(t.Context(), operator(), tc.filter, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, names(page)); diff != "" || *page.TotalCount != len(tc.want) {
				t.Errorf("%s: total %d (-want +got):\n%s", tc.name, *page.TotalCount, diff)
			}
		}
		for name, filter := range map[string]partners.PartnerFilter{
			"a parent of another kind": {ParentID: ptr(models.RandomIDs()(models.PrefixOrder))},
			"a long query":             {Query: ptr(fmt.Sprintf("%101d", 1))},
		} {
			if _, err := room.Find(t.Context(), operator(), filter, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestResellersOfManyDistributorsTakeOneStatement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		room := newRoom(db)
		var parents []models.ID
		for i := range 3 {
			d := create(t, room, models.Distributor, fmt.Sprintf("D%d", i), nil)
			parents = append(parents, d.ID)
			for j := range i + 1 {
				create(t, room, models.CloudReseller, fmt.Sprintf("R%d%d", i, j), &d.ID)
			}
		}
		ctx, counter := store.CountStatements(t.Context())
		found, err := room.FindResellersFor(ctx, operator(), parents, models.PageArgs{First: ptr(2), WantTotal: true})
		if err != nil {
			t.Fatal(err)
		}
		if counter.Count() != 2 {
			t.Errorf("%d statements, want one for the rows and one for the totals: %v", counter.Count(), counter.Statements())
		}
		want := [][]string{{"R00"}, {"R10", "R11"}, {"R20", "R21"}}
		for i, parent := range parents {
			page := found[parent]
			if diff := cmp.Diff(want[i], names(page)); diff != "" || *page.TotalCount != i+1 || page.PageInfo.HasNextPage != (i == 2) {
				t.Errorf("D%d: %+v (-want +got):\n%s", i, page.PageInfo, diff)
			}
		}
		foreign, err := room.FindResellersFor(t.Context(), models.Principal{
			Kind: models.PartnerKey, PartnerID: parents[0], PartnerKind: models.Distributor, Permissions: models.AllPermissions(),
		}, parents, models.PageArgs{WantTotal: true})
		if err != nil {
			t.Fatal(err)
		}
		if *foreign[parents[0]].TotalCount != 1 || *foreign[parents[2]].TotalCount != 0 || len(foreign[parents[2]].Edges) != 0 {
			t.Errorf("a distributor sees another's resellers: %+v", foreign)
		}
		last, err := room.FindResellersFor(t.Context(), operator(), parents, models.PageArgs{Last: ptr(1)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"R22"}, names(last[parents[2]])); diff != "" {
			t.Errorf("last (-want +got):\n%s", diff)
		}
	})
}
