package companies_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestCompaniesAreFoundByWhatIsKnownOfThem tries each filter, alone and together with others.
func TestCompaniesAreFoundByWhatIsKnownOfThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.load(
			company(1, fields{"name": "云帆（深圳）科技有限公司", "nameEn": "Yunfan Technology Co., Ltd.", "industry": "Software", "size": "SMALL", "cloud": fields{"activity": "HIGH", "walletThickness": "UP_TO_1M"}}),
			company(2, fields{"name": "深圳山岚贸易有限公司", "formerNames": []string{"云帆贸易有限公司"}, "industry": "Trade", "region": "Shenzhen", "status": "DEREGISTERED"}),
			fields{"country": "DE", "registrationNumber": "HRB 77", "name": "Gipfel Software GmbH", "status": "ACTIVE", "source": "a test", "asOf": "2026-11-01", "industry": "Software"},
		)
		yunfan, shanlan, gipfel := "云帆（深圳）科技有限公司", "深圳山岚贸易有限公司", "Gipfel Software GmbH"
		type filter = companies.CompanyFilter
		for name, c := range map[string]struct {
			filter
			want []string
		}{
			"all":                     {filter{}, []string{gipfel, yunfan, shanlan}},
			"the start":               {filter{Search: ptr("云帆")}, []string{yunfan, shanlan}},
			"in the middle":           {filter{Search: ptr("深圳")}, []string{yunfan, shanlan}},
			"across brackets":         {filter{Search: ptr("云帆深圳科技")}, []string{yunfan}},
			"with other brackets":     {filter{Search: ptr("云帆(深圳)")}, []string{yunfan}},
			"one character of a word": {filter{Search: ptr("岚贸易有限公司")}, []string{shanlan}},
			"in English":              {filter{Search: ptr("TECHNOLOGY  co")}, []string{yunfan}},
			"within an English word":  {filter{Search: ptr("chnology")}, nil},
			"by a legal form":         {filter{Search: ptr("有限公司")}, nil},
			"a sign of SQL":           {filter{Search: ptr("云%帆")}, []string{yunfan, shanlan}},
			"nothing of the kind":     {filter{Search: ptr("zzz")}, nil},
			"country":                 {filter{Country: ptr("de")}, []string{gipfel}},
			"number":                  {filter{RegistrationNumber: ptr("hrb77 ")}, []string{gipfel}},
			"a part of a number":      {filter{RegistrationNumber: ptr("HRB7")}, nil},
			"status":                  {filter{Status: ptr(models.CompanyDeregistered)}, []string{shanlan}},
			"industry":                {filter{Industry: ptr("Software")}, []string{gipfel, yunfan}},
			"region":                  {filter{Region: ptr("Shenzhen")}, []string{shanlan}},
			"size":                    {filter{Size: ptr(models.CompanySmall)}, []string{yunfan}},
			"wallet":                  {filter{WalletThickness: ptr(models.WalletTo1M)}, []string{yunfan}},
			"activity":                {filter{CloudActivity: ptr(models.ActivityHigh)}, []string{yunfan}},
			"name and industry":       {filter{Search: ptr("深圳"), Industry: ptr("Trade"), Country: ptr("CN")}, []string{shanlan}},
		} {
			if diff := cmp.Diff(c.want, w.find(c.filter)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			var paged []string
			for args := (models.PageArgs{First: ptr(1)}); ; {
				page, err := w.Find(w.ctx, operator(), c.filter, args)
				w.done(name, err)
				for _, found := range page.Nodes() {
					paged = append(paged, found.Name)
				}
				if !page.PageInfo.HasNextPage {
					break
				}
				args.After = page.PageInfo.EndCursor
			}
			if slices.Sort(paged); !cmp.Equal(c.want, paged) {
				t.Errorf("%s in pages: %v", name, paged)
			}
		}
		for name, c := range map[string]struct {
			filter
			field string
		}{
			"one letter": {filter{Search: ptr("云")}, "search"}, "only signs": {filter{Search: ptr("%%%")}, "search"}, "an endless search": {filter{Search: ptr(strings.Repeat("x", 65))}, "search"},
			"a NUL": {filter{Region: ptr("a\x00")}, "region"}, "half a character": {filter{Country: ptr("\xe4")}, "country"},
			"an endless text": {filter{Industry: ptr(strings.Repeat("x", 201))}, "industry"}, "an endless number": {filter{RegistrationNumber: ptr(strings.Repeat("1", 201))}, "registrationNumber"},
		} {
			_, err := w.Find(w.ctx, operator(), c.filter, models.PageArgs{})
			if e := models.AsError(err); e == nil || e.Code != models.CodeInvalid || e.Field != c.field {
				t.Errorf("%s: %v, want INVALID of %s", name, err, c.field)
			}
		}
	})
}

// TestWhoLooksCompaniesUp is a wall of who may and who may not, through each way in.
func TestWhoLooksCompaniesUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.load(everything())
		id := w.named(1).ID
		greedy := partner(models.CloudReseller)
		greedy.Permissions = models.AllPermissions()
		for name, c := range map[string]struct {
			who  models.Principal
			code models.Code
		}{
			"an operator":            {operator(), ""},
			"a solution provider":    {partner(models.SolutionProvider), ""},
			"a distributor":          {partner(models.Distributor), ""},
			"a reseller":             {partner(models.CloudReseller), models.CodeForbidden},
			"a reseller with scopes": {greedy, models.CodeForbidden},
			"a customer":             {models.Principal{Kind: models.CustomerUser, CustomerID: "cus_x", Permissions: models.DefaultPermissions(models.CustomerUser, "")}, models.CodeForbidden},
			"a customer with scopes": {models.Principal{Kind: models.CustomerUser, CustomerID: "cus_x", Permissions: models.AllPermissions()}, models.CodeForbidden},
			"nobody":                 {models.Principal{}, models.CodeUnauthenticated},
		} {
			ids := []models.ID{id}
			for way, ask := range map[string]func() error{
				"search": func() error { _, err := w.Find(w.ctx, c.who, companies.CompanyFilter{}, models.PageArgs{}); return err },
				"id":     func() error { _, err := w.ByIDs(w.ctx, c.who, ids); return err },
				"key":    func() error { _, err := w.ByKeys(w.ctx, c.who, []string{"CN/1"}); return err },
				"graph": func() error {
					_, err := w.Graph(w.ctx, c.who, companies.GraphQuestion{CompanyID: id, Depth: 1})
					return err
				},
				"relations":  func() error { _, err := w.RelationsFor(w.ctx, c.who, ids, models.PageArgs{}); return err },
				"financings": func() error { _, err := w.FinancingsFor(w.ctx, c.who, ids, models.PageArgs{}); return err },
				"rankings":   func() error { _, err := w.RankingsFor(w.ctx, c.who, ids, models.PageArgs{}); return err },
				"offerings": func() error {
					_, err := w.OfferingsFor(w.ctx, c.who, ids, companies.OfferingFilter{Kind: models.OfferingBrand}, models.PageArgs{})
					return err
				},
				"rights": func() error {
					_, err := w.RightsFor(w.ctx, c.who, ids, companies.RightFilter{Kind: models.RightPatent}, models.PageArgs{})
					return err
				},
			} {
				if err := ask(); models.CodeOf(err) != c.code {
					t.Errorf("%s by %s: %v, want %q", name, way, err, c.code)
				}
			}
			if _, found, err := w.ByIDIn(w.ctx, w.Register.DB, c.who, id); err != nil || found != (c.code == "") {
				t.Errorf("%s finds it in a transaction: %v, %v", name, found, err)
			}
		}
	})
}

// counter is a cache that counts within one hour.
type counter struct{ hits map[string]int64 }

func (c counter) Allow(_ context.Context, key string, limit int64, window time.Duration) (bool, time.Duration) {
	c.hits[key]++
	return c.hits[key] <= limit && window == time.Hour, 30 * time.Minute
}

// TestSearchesAreCounted: an organisation that copies the register waits, others and operators do not.
func TestSearchesAreCounted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.load(company(1, nil))
		id := w.named(1).ID
		w.Limits, w.SearchesPerHour = counter{map[string]int64{}}, 3
		provider := partner(models.SolutionProvider)
		search := func(who models.Principal) error {
			_, err := w.Find(w.ctx, who, companies.CompanyFilter{}, models.PageArgs{})
			return err
		}
		for range 2 {
			w.done("search", search(provider))
		}
		_, err := w.Graph(w.ctx, provider, companies.GraphQuestion{CompanyID: id, Depth: 1})
		w.done("graph", err)
		again := provider
		again.KeyID = "key_another"
		e := models.AsError(search(again))
		if e == nil || e.Code != models.CodeRateLimited || e.Details["retryAfter"] != int64(1800) {
			t.Errorf("the fourth of an hour, by another key: %v", e)
		}
		_, err = w.Graph(w.ctx, provider, companies.GraphQuestion{CompanyID: id, Depth: 1})
		if models.CodeOf(err) != models.CodeRateLimited {
			t.Errorf("a graph: %v", err)
		}
		_, err = w.ByIDs(w.ctx, provider, []models.ID{id})
		w.done("what is known already", err)
		w.done("somebody else", search(partner(models.Distributor)))
		for range 5 {
			w.done("an operator", search(operator()))
		}
	})
}

// vendor is a live provider: what it is asked for it is told by somebody outside, and keeps.
type vendor struct {
	*companies.Register

	knows []companies.Record
	asked int
}

func (v *vendor) Search(ctx context.Context, filter companies.CompanyFilter, page models.Page) (models.CompanyConnection, error) {
	v.asked++
	if _, err := v.Keep(ctx, models.SystemPrincipal("vendor"), "vendor", v.knows); err != nil {
		return models.CompanyConnection{}, err
	}
	return v.Register.Search(ctx, filter, page)
}

// TestALiveProviderStandsInFrontOfTheRegister: what it brings is found by id, in lists and in graphs, and an older word of it does not count.
func TestALiveProviderStandsInFrontOfTheRegister(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		parse := func(one fields) companies.Record {
			record, err := companies.ParseRecord([]byte(file(one)), 1, "2026-11-20")
			w.done("parse", err)
			return record
		}
		w.load(company(2, fields{"name": "known already"}))
		live := &vendor{Register: w.Register, knows: []companies.Record{
			parse(company(1, fields{"name": "told outside", "relations": []fields{{"kind": "PARENT", "name": "x", "registrationNumber": creditCode(2)}}})),
			parse(company(2, fields{"name": "of yesterday", "asOf": "2026-10-31"})),
		}}
		w.Provider = live
		if diff := cmp.Diff([]string{"known already", "told outside"}, w.find(companies.CompanyFilter{})); diff != "" || live.asked != 1 {
			t.Errorf("asked %d times (-want +got):\n%s", live.asked, diff)
		}
		graph, err := w.Graph(w.ctx, operator(), companies.GraphQuestion{CompanyID: w.named(1).ID, Depth: 1})
		if err != nil || len(graph.Nodes) != 2 {
			t.Errorf("%+v, %v", graph, err)
		}
	})
}

// TestEverySearchOfCompaniesUsesAnIndex: one statement per page, which reads no table from end to end.
func TestEverySearchOfCompaniesUsesAnIndex(t *testing.T) {
	t.Parallel()
	const n = 4000
	for engine, url := range map[string]string{"sqlite": storetest.SQLiteURL(t), "postgres": storetest.InText(storetest.PostgresURL(t))} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.Open(t, url))
			w.crowd(n)
			last := storetest.HookLast(w.Register.DB)
			type filter = companies.CompanyFilter
			deep := w.named(n - 100)
			for name, f := range map[string]filter{
				"all": {}, "a name": {Search: ptr("样例 17")}, "a common word": {Search: ptr("科技")}, "a number": {RegistrationNumber: ptr(creditCode(3))}, "a country": {Country: ptr("DE")},
				"a status": {Status: ptr(models.CompanyRevoked)}, "an industry": {Industry: ptr("i7")}, "a region": {Region: ptr("r7")}, "a size": {Size: ptr(models.CompanyLarge)},
				"a wallet": {WalletThickness: ptr(models.WalletAbove10M)}, "an activity": {CloudActivity: ptr(models.ActivityHigh)}, "a name and an industry": {Search: ptr("科技"), Industry: ptr("i7")},
			} {
				for _, after := range []string{"", models.Cursor("companies", deep.ID)} {
					ctx, counted := store.CountStatements(w.ctx)
					_, err := w.Find(ctx, operator(), f, models.PageArgs{After: &after})
					w.done(name, err)
					wantIndex(t, w, name, last.Text, counted.Count())
				}
			}
			for _, view := range []*models.CompanyGraphView{nil, ptr(models.ViewStructure), ptr(models.ViewEquity), ptr(models.ViewEnterprise)} {
				ctx, counted := store.CountStatements(w.ctx)
				_, err := w.Graph(ctx, operator(), companies.GraphQuestion{CompanyID: deep.ID, View: view, Depth: 1})
				w.done("graph", err)
				wantIndex(t, w, fmt.Sprint("graph ", view), last.Text, counted.Count()-1) // the company
			}
		})
	}
}

// crowd fills the register with companies that differ in everything.
func (w *world) crowd(n int) {
	w.t.Helper()
	var all []fields
	sizes, wallets := models.CompanySizes(), models.WalletBands()
	for i := range n {
		one := company(i, fields{
			"industry": fmt.Sprint("i", i%50), "region": fmt.Sprint("r", i%50), "size": sizes[i%len(sizes)],
			"cloud":     fields{"walletThickness": wallets[i%len(wallets)], "activity": models.CloudActivities()[i%4]},
			"relations": []fields{{"kind": "PARENT", "name": "x", "registrationNumber": creditCode(n + i%97)}, {"kind": "SHAREHOLDER", "name": "y", "registrationNumber": creditCode(n + i%89)}},
		})
		if i%40 == 0 {
			one["country"], one["registrationNumber"], one["status"] = "DE", fmt.Sprint("HRB", i), "REVOKED"
		}
		all = append(all, one)
	}
	w.load(all...)
	_, err := w.Register.DB.ExecContext(w.ctx, "ANALYZE")
	w.done("analyze", err)
}

func wantIndex(t *testing.T, w *world, name, text string, statements int) {
	t.Helper()
	if statements != 1 {
		t.Errorf("%s: %d statements", name, statements)
	}
	plan := storetest.Explain(t, w.Register.DB, text)
	for _, dear := range []string{"Seq Scan", "SCAN cmp\n", "SCAN cmt\n", "SCAN cmr\n"} {
		if strings.Contains(plan+"\n", dear) {
			t.Errorf("%s: %s in\n%s\n%s", name, dear, plan, text)
		}
	}
}
