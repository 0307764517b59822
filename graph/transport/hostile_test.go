package transport_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/graph/guard"
	"github.com/partnergraph/partnergraph/graph/transport"
)

// TestHostileDocumentsAreAnsweredByTheirLimit sends documents that cost a stock server seconds to minutes. The limit
// named in the answer shows that none of them came as far as the rules or the executor that they are made for.
func TestHostileDocumentsAreAnsweredByTheirLimit(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, transport.Config{Guard: guard.Config{Introspection: true}})
	chain := func(n int, on, leaf string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "fragment f%d on %s { ...f%d ...f%d } ", i, on, i+1, i+1)
		}
		return b.String() + fmt.Sprintf("fragment f%d on %s { %s }", n, on, leaf)
	}
	for name, c := range map[string]struct{ text, limit string }{
		"a fragment bomb":         {"{ ...f0 } " + chain(26, "Query", "hello"), "fragmentSpreads"},
		"an introspection bomb":   {"{ __schema { ...f0 } } " + chain(26, "__Schema", "queryType { name }"), "fragmentSpreads"},
		"nested inline fragments": {"{ " + strings.Repeat("... { hello ", 1000) + strings.Repeat("} ", 1000) + "}", "nesting"},
		"repeated fields in them": {"{ items { nodes { " + strings.Repeat("... { id ", 40) + strings.Repeat("id ", 900) + strings.Repeat("} ", 40) + "} } }", "overlap"},
		"circular introspection":  {"{ __schema { types " + strings.Repeat("{ fields { type ", 6) + "{ name }" + strings.Repeat(" } }", 6) + " } }", "introspectionNesting"},
		"a page bomb":             {"{ items(first: 2147483647) { nodes { id name } } }", "cost"},
		"an alias flood":          {"{ items { nodes { " + strings.Repeat("a: id ", 500) + "} } }", "aliases"},
		"a directive flood":       {"{ items { nodes { id " + strings.Repeat("@skip(if: false) ", 600) + "} } }", "directives"},
		"deep lists":              {"{ echo(amount: " + strings.Repeat("[", 6000) + " }", "tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := post(t, srv.URL, respType, query(t, c.text))
			if a.status != 400 || a.code() != "TOO_COMPLEX" || len(a.parsed.Errors) != 1 {
				t.Fatalf("got %d %.300s", a.status, a.body)
			}
			details, err := json.Marshal(a.parsed.Errors[0].Extensions["details"])
			if err != nil || !strings.Contains(string(details), `"limit":"`+c.limit+`"`) {
				t.Errorf("got %s, %v", details, err)
			}
		})
	}
}
