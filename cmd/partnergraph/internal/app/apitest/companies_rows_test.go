package apitest_test

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	examples "github.com/partnergraph/partnergraph/examples/companies"
	"github.com/partnergraph/partnergraph/models"
)

// companyRows are those of the register of companies.
func companyRows() map[string]mutationRow {
	return map[string]mutationRow{
		"loadCompanies": {"{companyLoad{id}}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if c.Operator {
				return nil
			}
			return []map[string]any{{"label": "mine", "content": examples.JSONL}}
		}},
	}
}

// companiesUnseen are reports from the register by those who do not look companies up.
func companiesUnseen(w *apitest.World, c apitest.Caller) (all []map[string]any) {
	for _, id := range w.IDs(models.PrefixCompany) {
		if !w.Sees(c, id) {
			all = append(all, map[string]any{"companyId": id, "email": "mine@example.com"})
		}
	}
	return all
}

// lookUpGraphs asks for what lies around every company.
func lookUpGraphs(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, f *ast.FieldDefinition) {
	t.Helper()
	for _, id := range w.IDs(models.PrefixCompany) {
		answer := s.Ask(t, c.Key, "query($id: ID!){"+f.Name+"(id: $id, depth: 3, includeEnded: true){nodes{party{name company{id name report{id email} customer{id name}}}} edges{id}}}", map[string]any{"id": id})
		if wantRefused(t, c, f, answer) {
			return
		}
		wantWhole(t, c, f.Name, answer)
		wantNoLeak(t, w, c, f.Name, answer)
		if got := answer.At(f.Name, "nodes", 0, "party", "company", "id"); got != string(id) {
			t.Errorf("%s(%s) begins with %v", f.Name, id, got)
		}
	}
}
