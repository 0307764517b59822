package apitest_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
)

const reportCompany = `mutation($i: ReportCustomerInput!){reportCustomer(input: $i){report{id company registrationNumber registeredCompany{id nameEn}}}}`

// TestACompanyIsFoundAndReported: a partner searches, reports what it finds, and sees when it has become its customer; nobody else does.
func TestACompanyIsFoundAndReported(t *testing.T) {
	t.Parallel()
	const search = `query($s: String!){companies(search: $s){totalCount nodes{id name registrationNumber report{id state email} customer{id name}}}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		me, other, reseller := w.Providers[0], w.Providers[1], w.Resellers[0]
		find := func(key string) any {
			answer := s.Ask(t, key, search, map[string]any{"s": "山岚"})
			if len(answer.Errors) > 0 || answer.At("companies", "totalCount") != 1.0 {
				t.Fatalf("%s", answer.Body)
			}
			return answer.At("companies", "nodes", 0)
		}
		at := func(found any, path ...string) any {
			for _, name := range path {
				object, _ := found.(map[string]any)
				found = object[name]
			}
			return found
		}
		company := find(me.Key)
		if at(company, "report") != nil || at(company, "customer") != nil {
			t.Fatalf("nobody has reported it, and yet %v", company)
		}
		id, account := at(company, "id"), "shanlan-account"
		made := s.Ask(t, me.Key, reportCompany, map[string]any{"i": map[string]any{"companyId": id, "email": "buyer@shanlan.example", "accountName": account}})
		want := map[string]any{"reportCustomer": map[string]any{"report": map[string]any{
			"id": made.At("reportCustomer", "report", "id"), "company": "样例山岚零售有限公司", "registrationNumber": at(company, "registrationNumber"),
			"registeredCompany": map[string]any{"id": id, "nameEn": "Sample Shanlan Retail Co., Ltd."},
		}}}
		if diff := cmp.Diff(want, made.Data); diff != "" || len(made.Errors) > 0 {
			t.Fatalf("%v (-want +got):\n%s", made.Errors, diff)
		}
		if found := find(me.Key); at(found, "report", "id") != made.At("reportCustomer", "report", "id") || at(found, "report", "email") != "buyer@shanlan.example" || at(found, "customer") != nil {
			t.Errorf("after the report: %v", found)
		}
		wantError(t, s.Ask(t, me.Key, reportCompany, map[string]any{"i": map[string]any{"companyId": id, "email": "again@shanlan.example"}}), "PRECONDITION_FAILED", "", "COMPANY_REPORTED")
		wantError(t, s.Ask(t, me.Key, reportCompany, map[string]any{"i": map[string]any{"company": "样例山岚零售有限公司", "email": "again@shanlan.example"}}), "PRECONDITION_FAILED", "", "COMPANY_REPORTED")

		customer, err := w.Customers.Create(t.Context(), models.SystemPrincipal("test"), customers.CreateCustomer{
			Name: account, PartnerID: me.Partner.ID, Mode: models.Resale, Cloud: w.Cloud, Currency: models.CNY, Email: "buyer@shanlan.example",
		})
		if err != nil {
			t.Fatal(err)
		}
		if found := find(me.Key); at(found, "customer", "id") != string(customer.ID) || at(found, "report") != nil {
			t.Errorf("after the association: %v", found)
		}
		for name, key := range map[string]string{"another provider": other.Key, "a distributor": w.Distributors[0].Key, "the operator": w.OperatorKey} {
			if found := find(key); at(found, "report") != nil || at(found, "customer") != nil {
				t.Errorf("%s learns %v", name, found)
			}
		}
		// Another partner may report the same company, and learns nothing by it.
		theirs := s.Ask(t, other.Key, reportCompany, map[string]any{"i": map[string]any{"companyId": id, "email": "buyer@shanlan.example"}})
		if len(theirs.Errors) > 0 {
			t.Errorf("another partner's report: %s", theirs.Body)
		}
		// Once the customer has left, the company is nobody's again.
		if _, err := w.DB.NewUpdate().Table("customers").Set("partner_id = NULL").Set("mode = NULL").Where("id = ?", customer.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if found := find(me.Key); at(found, "customer") != nil {
			t.Errorf("after it has left: %v", found)
		}
		for name, key := range map[string]string{"a reseller": reseller.Key, "a customer": me.Resale.Key} {
			wantError(t, s.Ask(t, key, search, map[string]any{"s": "山岚"}), "FORBIDDEN", "", "")
			if answer := s.Ask(t, key, `query($id: ID!){node(id: $id){id}}`, map[string]any{"id": id}); len(answer.Errors) != 1 || answer.Errors[0].Code() != "FORBIDDEN" {
				t.Errorf("%s: %s", name, answer.Body)
			}
		}
		wantError(t, s.Ask(t, reseller.Key, reportCompany, map[string]any{"i": map[string]any{"companyId": id, "email": "mine@example.com"}}), "NOT_FOUND", "", "")
	})
}

// TestReportsFromTheRegisterAreChecked sends what does not fit the company.
func TestReportsFromTheRegisterAreChecked(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		me := w.Providers[0]
		qinghe, closed := w.Company(t, "Sample Qinghe Data Co., Ltd."), w.Company(t, "Sample Jiugang Trading Co., Ltd.")
		before := s.Fingerprint(t)
		for name, c := range map[string]struct {
			input               map[string]any
			code, field, reason string
		}{
			"nothing":            {map[string]any{}, "INVALID", "company", ""},
			"another's name":     {map[string]any{"companyId": qinghe, "company": "样例山岚零售有限公司"}, "INVALID", "company", ""},
			"an id of no kind":   {map[string]any{"companyId": me.Partner.ID}, "INVALID", "companyId", ""},
			"nobody's id":        {map[string]any{"companyId": "cmp_01h455vb4pex5vsknk084sn02q"}, "NOT_FOUND", "", ""},
			"what is no more":    {map[string]any{"companyId": closed}, "PRECONDITION_FAILED", "", "COMPANY_CLOSED"},
			"no e-mail to write": {map[string]any{"companyId": qinghe, "email": "nobody"}, "INVALID", "email", ""},
		} {
			input := map[string]any{"email": "buyer@example.com"}
			maps.Copy(input, c.input)
			t.Run(name, func(t *testing.T) {
				wantError(t, s.Ask(t, me.Key, reportCompany, map[string]any{"i": input}), c.code, c.field, c.reason)
			})
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		// A name that it has in whatever spelling is right, and the register's own stays.
		made := s.Ask(t, me.Key, reportCompany, map[string]any{"i": map[string]any{"companyId": qinghe, "company": "sample  QINGHE data co., ltd.", "email": "buyer@example.com"}})
		if made.At("reportCustomer", "report", "company") != "样例青禾数据有限公司" {
			t.Errorf("%s", made.Body)
		}
	})
}

// TestSearchesOfCompaniesAreCounted: no organisation copies the register.
func TestSearchesOfCompaniesAreCounted(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		ask := func(key string) apitest.Answer { return s.Ask(t, key, `{companies(first: 1){nodes{id}}}`, nil) }
		for range 2 {
			if answer := ask(w.Providers[0].Key); len(answer.Errors) > 0 {
				t.Fatalf("%s", answer.Body)
			}
		}
		wantError(t, ask(w.Providers[0].Key), "RATE_LIMITED", "", "")
		for name, key := range map[string]string{"another": w.Providers[1].Key, "the operator": w.OperatorKey} {
			if answer := ask(key); len(answer.Errors) > 0 {
				t.Errorf("%s: %s", name, answer.Body)
			}
		}
	}, func(cfg *app.Config, _ *app.Options) { cfg.CompanySearches = 2 })
}

// TestStandingsOfCompaniesTakeOneStatement: what twenty companies are to a partner is not asked row by row.
func TestStandingsOfCompaniesTakeOneStatement(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		s.App.Rooms.Identity.Cache = nil
		// The key, the companies, what they are to the partner, and the customer.
		answer := wantStatements(t, s, w.Providers[0].Key, `{companies{nodes{report{id} customer{id}}}}`, nil, 4)
		if len(apitest.IDsIn(answer.Data, models.PrefixCustomer)) != 1 {
			t.Errorf("%s", answer.Body)
		}
		// The key, the company in the middle, two distances, and the companies of the register that are named.
		graph := `{companyGraph(id: "` + string(w.Company(t, "Sample Yunfan Technology Co., Ltd.")) + `", depth: 2){nodes{party{company{id}}} edges{from{company{id}} to{company{id}}}}}`
		wantStatements(t, s, w.Providers[0].Key, graph, nil, 5)
	}, apitest.Wide, apitest.Patient)
}

// TestCompaniesAreLoadedThroughTheAPI: good lines are kept, and what is wrong with the others is answered by line.
func TestCompaniesAreLoadedThroughTheAPI(t *testing.T) {
	t.Parallel()
	const load = `mutation($i: LoadCompaniesInput!){loadCompanies(input: $i){companyLoad{id added finishedAt} lines added replaced unchanged older refused problems{line registrationNumber error{code field reason}}}}`
	record := func(number, asOf, name string) string {
		return fmt.Sprintf(`{"country": "DE", "registrationNumber": %q, "name": %q, "status": "ACTIVE", "source": "a test", "asOf": %q}`, number, name, asOf)
	}
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		send := func(lines ...string) map[string]any {
			answer := s.Ask(t, w.OperatorKey, load, map[string]any{"i": map[string]any{"label": "by hand", "content": strings.Join(lines, "\n")}})
			if len(answer.Errors) > 0 {
				t.Fatalf("%s", answer.Body)
			}
			done, _ := answer.At("loadCompanies").(map[string]any)
			return done
		}
		first := send(record("HRB 2", "2026-11-02", "Two"), record("HRB 3", "2026-11-99", "Three"))
		want := map[string]any{
			"companyLoad": first["companyLoad"], "lines": 2.0, "added": 1.0, "replaced": 0.0, "unchanged": 0.0, "older": 0.0, "refused": 1.0,
			"problems": []any{map[string]any{"line": 2.0, "registrationNumber": nil, "error": map[string]any{"code": "INVALID", "field": "asOf", "reason": nil}}},
		}
		if diff := cmp.Diff(want, first); diff != "" || first["companyLoad"] == nil {
			t.Errorf("(-want +got):\n%s", diff)
		}
		problem := func(line float64, reason string) any {
			return map[string]any{"line": line, "registrationNumber": "HRB2", "error": map[string]any{"code": "PRECONDITION_FAILED", "field": nil, "reason": reason}}
		}
		again := send(record("HRB 2", "2026-11-01", "Older"), record("HRB 2", "2026-11-02", "Other"), record("hrb2", "2026-11-02", "Two"))
		want = map[string]any{
			"companyLoad": nil, "lines": 3.0, "added": 0.0, "replaced": 0.0, "unchanged": 1.0, "older": 1.0, "refused": 1.0,
			"problems": []any{problem(1, "COMPANY_RECORD_OLDER"), problem(2, "COMPANY_RECORD_DIFFERS")},
		}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if found := s.Ask(t, w.OperatorKey, `{companies(registrationNumber: "hrb 2"){nodes{name}} companyLoads(first: 1){nodes{label added}}}`, nil); found.At("companies", "nodes", 0, "name") != "Two" || found.At("companyLoads", "nodes", 0, "label") != "by hand" {
			t.Errorf("%s", found.Body)
		}
	})
}
