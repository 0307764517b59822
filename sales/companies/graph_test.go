package companies_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/store"
)

// related is a relation to the company with a number of the test's.
func related(kind string, n int, more fields) fields {
	one := fields{"kind": kind, "name": fmt.Sprint("company ", n), "registrationNumber": creditCode(n)}
	maps.Copy(one, more)
	return one
}

// TestGraphsFollowTheirView: who owns it goes up, what it owns goes down, structure goes both ways; a circle ends.
func TestGraphsFollowTheirView(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		// 1 owns 2 owns 3 owns 1: a circle. 2 has the branch 4, and 5 as its parent; an officer of 2 is one of 6. 7 is in the register of nobody.
		w.load(
			company(1, fields{"relations": []fields{related("INVESTMENT", 2, fields{"share": "40"})}}),
			company(2, fields{"asOf": "2026-11-02", "relations": []fields{
				related("SHAREHOLDER", 1, fields{"share": "41"}), related("INVESTMENT", 3, nil), related("BRANCH", 4, nil), related("PARENT", 5, nil), related("OFFICER", 6, nil),
				related("SHAREHOLDER", 8, fields{"until": "2020-01-01"}), {"kind": "SHAREHOLDER", "name": "Nameless Fund"},
			}}),
			company(3, fields{"relations": []fields{related("INVESTMENT", 1, nil), {"kind": "SHAREHOLDER", "name": "Nameless Fund"}}}),
			company(6, fields{"relations": []fields{related("OFFICER", 2, nil), related("SUBSIDIARY", 7, nil)}}),
		)
		second := w.named(2).ID
		type question = companies.GraphQuestion
		for name, c := range map[string]struct {
			question
			nodes []string // distance and number
			edges int
		}{
			"structure":        {question{View: ptr(models.ViewStructure), Depth: 1}, []string{"0 2", "1 4", "1 5"}, 2},
			"equity":           {question{View: ptr(models.ViewEquity), Depth: 1}, []string{"0 2", "1 1", "1 Nameless Fund"}, 2},
			"equity, farther":  {question{View: ptr(models.ViewEquity), Depth: 2}, []string{"0 2", "1 1", "1 Nameless Fund", "2 3"}, 3},
			"round the circle": {question{View: ptr(models.ViewEquity), Depth: 3}, []string{"0 2", "1 1", "1 Nameless Fund", "2 3", "3 Nameless Fund"}, 5},
			"enterprise":       {question{View: ptr(models.ViewEnterprise), Depth: 1}, []string{"0 2", "1 3", "1 6"}, 2},
			"enterprise twice": {question{View: ptr(models.ViewEnterprise), Depth: 2}, []string{"0 2", "1 3", "1 6", "2 1"}, 3},
			"all":              {question{Depth: 1}, []string{"0 2", "1 1", "1 3", "1 4", "1 5", "1 6", "1 Nameless Fund"}, 6},
			"all, farther":     {question{Depth: 2}, []string{"0 2", "1 1", "1 3", "1 4", "1 5", "1 6", "1 Nameless Fund", "2 7", "2 Nameless Fund"}, 9},
			"ended too":        {question{View: ptr(models.ViewEquity), Depth: 1, IncludeEnded: true}, []string{"0 2", "1 1", "1 8", "1 Nameless Fund"}, 3},
		} {
			c.CompanyID = second
			ctx, counted := store.CountStatements(w.ctx)
			graph, err := w.Graph(ctx, operator(), c.question)
			w.done(name, err)
			var nodes []string
			for _, node := range graph.Nodes {
				nodes = append(nodes, fmt.Sprint(node.Distance, " ", numberOf(node.Party)))
			}
			if slices.Sort(nodes); !cmp.Equal(c.nodes, nodes) || len(graph.Edges) != c.edges || graph.Truncated {
				t.Errorf("%s: %v with %d edges, truncated %v, want %v with %d", name, nodes, len(graph.Edges), graph.Truncated, c.nodes, c.edges)
			}
			if counted.Count() > 1+c.Depth {
				t.Errorf("%s: %d statements for depth %d", name, counted.Count(), c.Depth)
			}
			for _, edge := range graph.Edges { // two records say how much 1 has of 2; that of 2 is the newer one
				if edge.Kind == models.RelationHolding && numberOf(edge.From()) == "1" && edge.Share().String() != "41" {
					t.Errorf("%s: the share is %s", name, edge.Share())
				}
			}
		}
		for name, c := range map[string]struct {
			question
			code models.Code
		}{
			"no depth": {question{CompanyID: second}, models.CodeInvalid}, "too deep": {question{CompanyID: second, Depth: 4}, models.CodeInvalid},
			"no company": {question{CompanyID: "cus_01h455vb4pex5vsknk084sn02q", Depth: 1}, models.CodeInvalid}, "nobody": {question{CompanyID: "cmp_01h455vb4pex5vsknk084sn02q", Depth: 1}, models.CodeNotFound},
		} {
			if _, err := w.Graph(w.ctx, operator(), c.question); models.CodeOf(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func numberOf(party models.CompanyParty) string {
	for n := range 10 {
		if party.RegisteredKey() == "CN/"+creditCode(n) {
			return fmt.Sprint(n)
		}
	}
	return party.Name
}

// TestGraphsAreBounded: a hub shows as much as fits and says that there is more.
func TestGraphsAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		var all []fields
		for i := range 3 {
			var spokes []fields
			for n := range 400 {
				spokes = append(spokes, related("INVESTMENT", 100+1000*i+n, nil))
			}
			all = append(all, company(i, fields{"relations": append(spokes, related("SHAREHOLDER", (i+1)%3, nil))}))
		}
		w.load(all...)
		for depth := 1; depth <= models.MaxGraphDepth; depth++ {
			graph, err := w.Graph(w.ctx, operator(), companies.GraphQuestion{CompanyID: w.named(0).ID, Depth: depth})
			w.done("graph", err)
			if len(graph.Nodes) != models.MaxGraphNodes || !graph.Truncated || len(graph.Edges) > models.MaxGraphEdges {
				t.Errorf("depth %d: %d nodes and %d edges, truncated %v", depth, len(graph.Nodes), len(graph.Edges), graph.Truncated)
			}
			known := map[string]bool{}
			for _, node := range graph.Nodes {
				known[node.Party.Key] = true
			}
			for _, edge := range graph.Edges {
				if !known[edge.FromKey] || !known[edge.ToKey] {
					t.Fatalf("an edge to what is not there: %+v", edge)
				}
			}
		}
	})
}
