package companies_test

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// everything is a record that has something of all.
func everything() fields {
	return company(1, fields{
		"nameEn": "Sample One Technology Co., Ltd.", "formerNames": []string{"老样例有限公司"}, "legalRepresentative": "样某", "founded": "2010-02-03",
		"registeredCapital": fields{"amount": "5000000.50", "currency": "CNY"}, "industry": "Software", "region": "Guangdong", "size": "MEDIUM",
		"website": "http://one.example", "revision": 2,
		"relations": []fields{
			{"kind": "SHAREHOLDER", "name": "样例控股", "country": "CN", "registrationNumber": creditCode(2), "share": "51.50", "since": "2015-01-01"},
			{"kind": "SUBSIDIARY", "name": "Sample Three", "country": "DE", "registrationNumber": "HRB 3"},
			{"kind": "OFFICER", "name": "Sample Four"},
		},
		"cloud":           fields{"walletThickness": "UP_TO_1M", "activity": "HIGH", "providers": []string{"hws"}, "url": "https://app.one.example/"},
		"financingRounds": []fields{{"round": "A", "on": "2018-05-05", "amount": fields{"amount": "1000000", "currency": "USD"}, "investors": []string{"Some Fund"}}},
		"products":        []fields{{"name": "Thing", "description": "a thing"}}, "brands": []fields{{"name": "Brand"}},
		"rankings":             []fields{{"name": "Top 100", "place": 42, "on": "2025-12-31"}},
		"intellectualProperty": fields{"patents": 3, "softwareCopyrights": 0, "list": []fields{{"kind": "PATENT", "title": "A way", "number": "ZL0", "on": "2019-01-01"}}},
	})
}

func TestARecordIsReadWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		loaded := w.load(everything())
		if diff := cmp.Diff([]int{1, 0, 0, 0, 0}, counts(loaded)); diff != "" || loaded.CompanyLoad.FinishedAt == nil {
			t.Fatalf("%s %+v", diff, loaded)
		}
		c := w.named(1)
		want := models.Company{
			ID: c.ID, Key: "CN/" + creditCode(1), Country: "CN", RegistrationNumber: creditCode(1), Name: "样例1号科技有限公司", NameEn: "Sample One Technology Co., Ltd.",
			FormerNames: []string{"老样例有限公司"}, Status: models.CompanyActive, LegalRepresentative: "样某", Founded: "2010-02-03", CapitalAmount: "5000000.5",
			CapitalCurrency: "CNY", Industry: "Software", Region: "Guangdong", Size: models.CompanyMedium, Website: "http://one.example",
			WalletThickness: models.WalletTo1M, CloudActivity: models.ActivityHigh, CloudProviders: []string{"hws"}, CloudURL: "https://app.one.example/",
			PatentCount: ptr(3), SoftwareCount: ptr(0), Source: "a test", AsOf: "2026-11-01", Revision: 2, ContentHash: c.ContentHash, LoadID: loaded.CompanyLoad.ID,
			CreatedAt: w.at, UpdatedAt: w.at,
		}
		c.CreatedAt, c.UpdatedAt = c.CreatedAt.UTC(), c.UpdatedAt.UTC()
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		ids := []models.ID{c.ID}
		relations, err := w.RelationsFor(w.ctx, operator(), ids, models.PageArgs{WantTotal: true})
		w.done("relations", err)
		var said []string
		for _, r := range relations[c.ID].Nodes() {
			share := "-"
			if r.Share() != nil {
				share = r.Share().String()
			}
			said = append(said, fmt.Sprint(r.Kind, " ", r.FromName, " > ", r.ToName, " ", share, " ", r.Since))
		}
		if diff := cmp.Diff([]string{"HOLDING 样例控股 > 样例1号科技有限公司 51.5 2015-01-01", "SUBSIDIARY 样例1号科技有限公司 > Sample Three - ", "OFFICER 样例1号科技有限公司 > Sample Four - "}, said); diff != "" {
			t.Errorf("relations (-want +got):\n%s", diff)
		}
		rounds, err := w.FinancingsFor(w.ctx, operator(), ids, models.PageArgs{})
		w.done("rounds", err)
		if one := rounds[c.ID].Nodes()[0]; one.Round != "A" || one.Amount().Amount.String() != "1000000" || one.Amount().Currency != "USD" || one.Investors[0] != "Some Fund" {
			t.Errorf("%+v", one)
		}
		for kind, name := range map[models.OfferingKind]string{models.OfferingProduct: "Thing", models.OfferingBrand: "Brand"} {
			found, err := w.OfferingsFor(w.ctx, operator(), ids, companies.OfferingFilter{Kind: kind}, models.PageArgs{WantTotal: true})
			w.done("offerings", err)
			if page := found[c.ID]; *page.TotalCount != 1 || page.Nodes()[0].Name != name {
				t.Errorf("%s: %+v", kind, page)
			}
		}
		rankings, err := w.RankingsFor(w.ctx, operator(), ids, models.PageArgs{})
		w.done("rankings", err)
		if one := rankings[c.ID].Nodes()[0]; one.Place != 42 || one.On != "2025-12-31" {
			t.Errorf("%+v", one)
		}
		for kind, n := range map[models.IntellectualPropertyKind]int{models.RightPatent: 1, models.RightTrademark: 0, models.RightSoftware: 0} {
			found, err := w.RightsFor(w.ctx, operator(), ids, companies.RightFilter{Kind: kind}, models.PageArgs{WantTotal: true})
			w.done("rights", err)
			if *found[c.ID].TotalCount != n {
				t.Errorf("%s: %d, want %d", kind, *found[c.ID].TotalCount, n)
			}
		}
		wantEvents(w, 1)
	})
}

func wantEvents(w *world, n int) {
	w.t.Helper()
	count, err := w.Register.DB.NewSelect().Model((*models.Event)(nil)).Where("type = ?", models.EventCompaniesLoaded).Count(w.ctx)
	w.done("events", err)
	if int(count) != n {
		w.t.Errorf("%d events, want %d", count, n)
	}
}

// TestLoadsConverge: whichever record comes first, the one of the latest day and revision stays, and a file that is loaded again changes nothing.
func TestLoadsConverge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		of := func(asOf string, revision int, name string) fields {
			return company(1, fields{"asOf": asOf, "revision": revision, "name": name, "products": []fields{{"name": name}}})
		}
		first, second, corrected := of("2026-10-01", 0, "First name"), of("2026-11-01", 0, "Second name"), of("2026-11-01", 1, "Corrected name")
		var id models.ID
		for i, step := range []struct {
			loads []fields
			want  []int // added, replaced, unchanged, older, refused
			name  string
		}{
			{[]fields{second}, []int{1, 0, 0, 0, 0}, "Second name"},
			{[]fields{second}, []int{0, 0, 1, 0, 0}, "Second name"},
			{[]fields{first}, []int{0, 0, 0, 1, 0}, "Second name"},
			{[]fields{of("2026-11-01", 0, "Third name")}, []int{0, 0, 0, 0, 1}, "Second name"},
			{[]fields{first, corrected, second}, []int{0, 1, 0, 2, 0}, "Corrected name"},
			{[]fields{first, corrected, second}, []int{0, 0, 1, 2, 0}, "Corrected name"},
			{[]fields{of("2026-11-02", 0, "Latest name"), company(2, nil), company(2, nil)}, []int{1, 1, 1, 0, 0}, "Latest name"},
		} {
			w.at = w.at.AddDate(0, 0, 1)
			loaded := w.load(step.loads...)
			if diff := cmp.Diff(step.want, counts(loaded)); diff != "" {
				t.Errorf("step %d (-want +got):\n%s", i, diff)
			}
			if changed := step.want[0]+step.want[1] > 0; changed != (loaded.CompanyLoad != nil) {
				t.Errorf("step %d: changed %v, and the load is %v", i, changed, loaded.CompanyLoad)
			}
			c := w.named(1)
			if id == "" {
				id = c.ID
			}
			if c.Name != step.name || c.ID != id {
				t.Errorf("step %d: %s is named %s, want %s named %s", i, c.ID, c.Name, id, step.name)
			}
			products, err := w.OfferingsFor(w.ctx, operator(), []models.ID{id}, companies.OfferingFilter{Kind: models.OfferingProduct}, models.PageArgs{})
			w.done("products", err)
			if rows := products[id].Nodes(); len(rows) != 1 || rows[0].Name != step.name {
				t.Errorf("step %d: products %+v", i, rows)
			}
		}
		if got := w.find(companies.CompanyFilter{Search: ptr("second")}); len(got) > 0 {
			t.Errorf("found by a name of a record that is gone: %v", got)
		}
		wantEvents(w, 3)
		loads, err := w.Loads(w.ctx, operator(), models.PageArgs{})
		w.done("loads", err)
		if len(loads.Edges) != 3 || loads.Edges[0].Node.Added != 1 || loads.Edges[0].Node.Lines != 3 {
			t.Errorf("%+v", loads.Nodes())
		}
	})
}

// TestBadLinesSayWhatIsWrong: each alone is refused with its line, path and reason, and keeps no other line out.
func TestBadLinesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	bad := map[string]struct{ line, field string }{
		"no JSON":               {`{"country": `, "country"},
		"a list":                {`[]`, "(the whole)"},
		"two values":            {file(company(9, nil))[:len(file(company(9, nil)))-1] + ` {}`, "(the whole)"},
		"no UTF-8":              {"{\"name\": \"\xff\"}", "content"},
		"an unknown field":      {file(company(9, fields{"owner": "x"})), "owner"},
		"a field twice":         {`{"name": "a", "name": "b"}`, "name"},
		"a number for a text":   {file(company(9, fields{"name": 7})), "name"},
		"no name":               {file(company(9, fields{"name": " "})), "name"},
		"a name of signs":       {file(company(9, fields{"name": "***"})), "name"},
		"an endless name":       {file(company(9, fields{"name": strings.Repeat("n", 201)})), "name"},
		"a name of two lines":   {file(company(9, fields{"name": "a\nb"})), "name"},
		"no source":             {file(company(9, fields{"source": ""})), "source"},
		"no day":                {file(company(9, fields{"asOf": ""})), "asOf"},
		"a day that is none":    {file(company(9, fields{"asOf": "2026-02-30"})), "asOf"},
		"a day to come":         {file(company(9, fields{"asOf": "2026-11-22"})), "asOf"},
		"a revision below 0":    {file(company(9, fields{"revision": -1})), "revision"},
		"a wrong check digit":   {file(company(9, fields{"registrationNumber": "91350100M000100Y44"})), "registrationNumber"},
		"no country":            {file(company(9, fields{"country": ""})), "country"},
		"no status":             {file(company(9, fields{"status": ""})), "status"},
		"another status":        {file(company(9, fields{"status": "active"})), "status"},
		"another size":          {file(company(9, fields{"size": "HUGE"})), "size"},
		"founded on no day":     {file(company(9, fields{"founded": "2010"})), "founded"},
		"a script for a site":   {file(company(9, fields{"website": "javascript:alert(1)"})), "website"},
		"a capital below 0":     {file(company(9, fields{"registeredCapital": fields{"amount": "-1", "currency": "CNY"}})), "registeredCapital.amount"},
		"a capital as 1e9":      {file(company(9, fields{"registeredCapital": fields{"amount": "1e9", "currency": "CNY"}})), "registeredCapital.amount"},
		"a currency that none":  {file(company(9, fields{"registeredCapital": fields{"amount": "1", "currency": "yuan"}})), "registeredCapital.currency"},
		"another wallet":        {file(company(9, fields{"cloud": fields{"walletThickness": "THICK"}})), "cloud.walletThickness"},
		"another activity":      {file(company(9, fields{"cloud": fields{"activity": "SOME"}})), "cloud.activity"},
		"21 former names":       {file(company(9, fields{"formerNames": slices.Repeat([]string{"x"}, 21)})), "formerNames"},
		"a relation to nobody":  {file(company(9, fields{"relations": []fields{{"kind": "PARENT"}}})), "relations[0].name"},
		"a relation of no kind": {file(company(9, fields{"relations": []fields{{"kind": "FRIEND", "name": "x"}}})), "relations[0].kind"},
		"its own parent":        {file(company(9, fields{"relations": []fields{{"kind": "PARENT", "name": "x", "registrationNumber": creditCode(9)}}})), "relations[0].registrationNumber"},
		"a relation's number":   {file(company(9, fields{"relations": []fields{{"kind": "PARENT", "name": "x", "registrationNumber": "1"}}})), "relations[0].registrationNumber"},
		"more than all":         {file(company(9, fields{"relations": []fields{{"kind": "INVESTMENT", "name": "x", "share": "100.01"}}})), "relations[0].share"},
		"a share of a branch":   {file(company(9, fields{"relations": []fields{{"kind": "BRANCH", "name": "x", "share": "1"}}})), "relations[0].share"},
		"over before it began":  {file(company(9, fields{"relations": []fields{{"kind": "BRANCH", "name": "x", "since": "2020-01-02", "until": "2020-01-02"}}})), "relations[0].until"},
		"a round without name":  {file(company(9, fields{"financingRounds": []fields{{"on": "2020-01-01"}}})), "financingRounds[0].round"},
		"a place below 1":       {file(company(9, fields{"rankings": []fields{{"name": "x", "place": -1}}})), "rankings[0].place"},
		"patents below 0":       {file(company(9, fields{"intellectualProperty": fields{"patents": -1}})), "intellectualProperty.patents"},
		"a right of no kind":    {file(company(9, fields{"intellectualProperty": fields{"list": []fields{{"kind": "DESIGN", "title": "x"}}}})), "intellectualProperty.list[0].kind"},
		"an endless line":       {`{"name": "` + strings.Repeat("n", companies.MaxLineBytes) + `"}`, ""},
		"501 relations":         {file(company(9, fields{"relations": slices.Repeat([]fields{{"kind": "OFFICER", "name": "x"}}, 501)})), "relations"},
		"an endless description": {
			file(company(9, fields{"products": []fields{{"name": "x", "description": strings.Repeat("n", 1001)}}})), "products[0].description",
		},
	}
	each(t, func(t *testing.T, w *world) {
		content, order := "\ufeff", []string{}
		for name, c := range bad {
			content += strings.TrimSuffix(c.line, "\n") + "\n\n"
			order = append(order, name)
		}
		loaded, err := w.Load(w.ctx, operator(), companies.LoadCompanies{Label: "bad", Content: content + file(company(1, nil)) + file(company(2, nil))})
		w.done("load", err)
		if diff := cmp.Diff([]int{2, 0, 0, 0, len(bad)}, counts(loaded)); diff != "" || loaded.Lines != len(bad)+2 {
			t.Errorf("%d lines, %s", loaded.Lines, diff)
		}
		for i, problem := range loaded.Problems {
			c := bad[order[i]]
			if problem.Line != 2*i+1 || problem.Error.Code != models.CodeInvalid || problem.Error.Field != c.field || len(problem.Error.Message) < 10 {
				t.Errorf("%s: line %d, %s %q %s, want line %d of %q", order[i], problem.Line, problem.Error.Code, problem.Error.Field, problem.Error.Message, 2*i+1, c.field)
			}
		}
		if got := w.find(companies.CompanyFilter{}); len(got) != 2 {
			t.Errorf("the register has %v", got)
		}
	})
}

func TestWhoLoadsAndWhoDoesNot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			who   models.Principal
			label string
			code  models.Code
		}{
			"an operator":          {operator(), "x", ""},
			"without a label":      {operator(), " ", models.CodeInvalid},
			"a long label":         {operator(), strings.Repeat("x", 101), models.CodeInvalid},
			"a solution provider":  {partner(models.SolutionProvider), "x", models.CodeForbidden},
			"a greedy distributor": {models.Principal{Kind: models.PartnerKey, PartnerID: "par_x", PartnerKind: models.Distributor, Permissions: models.AllPermissions()}, "x", models.CodeForbidden},
			"nobody":               {models.Principal{}, "x", models.CodeUnauthenticated},
		} {
			_, err := w.Load(w.ctx, c.who, companies.LoadCompanies{Label: c.label, Content: file(company(1, nil))})
			if models.CodeOf(err) != c.code {
				t.Errorf("%s: %v, want %q", name, err, c.code)
			}
			if _, err := w.Loads(w.ctx, c.who, models.PageArgs{}); models.CodeOf(err) != c.code && c.label == "x" && !strings.HasPrefix(name, "a greedy") {
				t.Errorf("%s lists the loads: %v", name, err)
			}
		}
		greedy, err := w.Loads(w.ctx, models.Principal{Kind: models.PartnerKey, PartnerID: "par_x", Permissions: models.AllPermissions()}, models.PageArgs{WantTotal: true})
		if err != nil || len(greedy.Edges) > 0 || *greedy.TotalCount > 0 {
			t.Errorf("a partner sees %d loads, %v", len(greedy.Edges), err)
		}
	})
}

// many writes records without ever holding them, and keeps the most memory that was in use meanwhile.
type many struct {
	n, at int
	rest  []byte
	peak  uint64
}

func (m *many) Read(into []byte) (int, error) {
	if len(m.rest) == 0 {
		if m.at == m.n {
			return 0, io.EOF
		}
		if m.at++; m.at%20 == 0 {
			m.peak = max(m.peak, heap())
		}
		m.rest = []byte(file(company(m.at, fields{"products": slices.Repeat([]fields{{"name": "x", "description": strings.Repeat("n", 1000)}}, 200)})))
	}
	n := copy(into, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

func heap() uint64 {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// TestFilesAreReadWhileTheyAreLoaded: 60 MB take no more memory than a batch does. It does not run beside others, whose memory it would count.
func TestFilesAreReadWhileTheyAreLoaded(t *testing.T) { //nolint:paralleltest // see there
	w := newWorld(t, storetest.Open(t, storetest.SQLiteURL(t)))
	from, before := &many{n: 300}, heap()
	loaded, err := w.LoadFrom(w.ctx, operator(), "large", from)
	w.done("load", err)
	if diff := cmp.Diff([]int{300, 0, 0, 0, 0}, counts(loaded)); diff != "" {
		t.Error(diff)
	}
	if grown := int64(from.peak) - int64(before); grown > 24<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	fits, over := strings.Repeat("x", companies.MaxLineBytes), strings.Repeat("y", companies.MaxLineBytes+2)
	all, long, err := companies.ReadLines(strings.NewReader("a\r\n\n  \n" + fits + "\n" + over + "\nb\n" + over))
	if diff := cmp.Diff([]string{"a", fits, "b"}, all); diff != "" || err != nil {
		t.Errorf("%d lines, %v", len(all), err)
	}
	if diff := cmp.Diff([]int{5, 7}, long); diff != "" {
		t.Errorf("too long (-want +got):\n%s", diff)
	}
	endless := io.MultiReader(strings.NewReader("a\n"), strings.NewReader(strings.Repeat("\n", companies.MaxLines)))
	if _, _, err := companies.ReadLines(endless); models.CodeOf(err) != models.CodeInvalid {
		t.Errorf("more than %d lines: %v", companies.MaxLines, err)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(file(everything())))
	f.Add([]byte(file(company(1, nil))))
	f.Add([]byte(`{"relations": [{"kind": "OFFICER", "name": "x", "share": "1"}]}`))
	f.Add([]byte(`{"intellectualProperty": {"patents": null, "list": []}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		parsed, err := companies.ParseRecord(line, 7, "2026-11-21")
		if err != nil {
			if models.CodeOf(err) != models.CodeInvalid {
				t.Fatalf("%v is not INVALID", err)
			}
			return
		}
		c := parsed.Company
		if c.Name == "" || c.Source == "" || c.AsOf == "" || c.AsOf > "2026-11-21" || c.Key == "" || len(c.ContentHash) != 64 {
			t.Fatalf("accepted, and yet %+v", c)
		}
		for _, r := range parsed.Relations {
			if r.FromKey == r.ToKey || r.FromKey != c.Key && r.ToKey != c.Key {
				t.Fatalf("a relation of others: %+v", r)
			}
		}
		again, err := companies.ParseRecord(append([]byte(" "), line...), 8, "2026-11-21")
		if err == nil && again.Company.ContentHash != c.ContentHash {
			t.Fatal("a space makes it another record")
		}
	})
}
