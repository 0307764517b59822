package plan

import (
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/graph"
)

// What a selection compiles to is kept where every request with the document compiles it to the same, and compiled anew where arguments, directives, types of rows or
// another place of the field decide.
func TestConstantSelectionsAreKept(t *testing.T) {
	t.Parallel()
	schema, types := graph.NewExecutableSchema(graph.Config{}).Schema(), tables()
	const variables = "query($v: Boolean! = true)"
	for name, tt := range map[string]struct {
		document string
		kept     bool
	}{
		"plain":                          {`{partner(id: "x") {id name balance {version available {amount currency}}}}`, true},
		"with a variable of the root":    {`query($id: ID!) {partner(id: $id) {id}}`, true},
		"with fragments":                 {`{partner(id: "x") {...f ... on Partner {name}}} fragment f on Partner {id name}`, true},
		"with arguments":                 {`query($n: Int = 2) {partner(id: "x") {id customers(first: $n) {edges {cursor}}}}`, false},
		"with arguments left out":        {`{partner(id: "x") {id customers {edges {cursor}}}}`, false},
		"with a directive":               {variables + `{partner(id: "x") {id name @include(if: $v)}}`, false},
		"with a constant directive":      {`{partner(id: "x") {id name @skip(if: true)}}`, false},
		"with a directive deep down":     {variables + `{partner(id: "x") {id balance {available {amount @skip(if: $v) currency}}}}`, false},
		"with a directive of a fragment": {variables + `{partner(id: "x") {id ... on Partner @include(if: $v) {name}}}`, false},
		"with a directive of a spread":   {variables + `{partner(id: "x") {id ...f @include(if: $v)}} fragment f on Partner {name}`, false},
		"with one within a spread":       {variables + `{partner(id: "x") {id ...f}} fragment f on Partner {name @include(if: $v)}`, false},
		"in two places":                  {`{partner(id: "x") {id} partner(id: "x") {name}}`, false},
		"of a long document":             {`{partner(id: "x") {id ` + strings.Repeat("name ", longestKept/5) + `}}`, false},
	} {
		doc, err := gqlparser.LoadQueryWithRules(schema, tt.document, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		operation := doc.Operations[0]
		k := newKept()
		compile := func(v bool) *object {
			c := compiler{&graphql.OperationContext{RawQuery: tt.document, Doc: doc, Operation: operation, Variables: map[string]any{"v": v, "n": int64(2), "id": "x"}}}
			roots := graphql.CollectFields(c.operation, operation.SelectionSet, []string{operationType(operation)})
			selected, err := k.object(c, types[roots[0].Definition.Type.Name()], roots[0])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return selected
		}
		first := compile(true)
		if again := compile(true); (again == first) != tt.kept {
			t.Errorf("%s: kept is %t, want %t", name, again == first, tt.kept)
		}
		if other := compile(false); !tt.kept && other == first {
			t.Errorf("%s: other variables meet the same selection", name)
		}
	}
}

func operationType(operation *ast.OperationDefinition) string {
	if operation.Operation == ast.Mutation {
		return "Mutation"
	}
	return "Query"
}
