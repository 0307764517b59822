package guard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/partnergraph/partnergraph/graph/guard"
)

const schemaText = `
	scalar Decimal
	interface Node { id: ID! }
	type Customer implements Node {
		id: ID! name: String! tags: [String!]! notes: [Note!]!
		orders(first: Int, last: Int, after: String): OrderConnection!
	}
	type Note { text: String! author: Customer }
	type Order implements Node { id: ID! customer: Customer! items: [Item!]! }
	type Item { sku: String! order: Order! }
	type OrderEdge { cursor: String! node: Order! }
	type OrderConnection { edges: [OrderEdge!]! nodes: [Order!]! totalCount: Int! }
	type Query {
		customer(id: ID): Customer
		node(id: ID!): Node
		nodes(ids: [ID!]!): [Node]!
		orders(first: Int, last: Int, after: String): OrderConnection!
		recent(first: Int = 5): [Order!]!
		all: [Customer!]!
		pay(amount: Decimal): Boolean
	}
`

func TestCostMultipliesPageSizes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		want      int
	}{
		"leaves count one":                 {`{ customer { id name } }`, nil, 3},
		"a default page of 20":             {`{ orders { nodes { id } } }`, nil, 1 + 1 + 20},
		"first as a literal":               {`{ orders(first: 3) { nodes { id } } }`, nil, 1 + 1 + 3},
		"last as a literal":                {`{ orders(last: 7) { nodes { id } } }`, nil, 1 + 1 + 7},
		"first null is the default":        {`{ orders(first: null) { nodes { id } } }`, nil, 1 + 1 + 20},
		"the larger of first and last":     {`{ orders(first: 3, last: 7) { nodes { id } } }`, nil, 1 + 1 + 7},
		"first zero":                       {`{ orders(first: 0) { nodes { id } } }`, nil, 1 + 1},
		"a negative page":                  {`{ orders(first: -5) { nodes { id } } }`, nil, 1 + 1},
		"edges and nodes, count once":      {`{ orders(first: 3) { totalCount edges { cursor node { id } } nodes { id } } }`, nil, 1 + 1 + 1 + 3*3 + 1 + 3},
		"first as a variable":              {`query($n: Int) { orders(first: $n) { nodes { id } } }`, map[string]any{"n": json.Number("100")}, 1 + 1 + 100},
		"first as a variable's default":    {`query($n: Int = 60) { orders(first: $n) { nodes { id } } }`, nil, 1 + 1 + 60},
		"first as an absent variable":      {`query($n: Int) { orders(first: $n) { nodes { id } } }`, nil, 1 + 1 + 20},
		"first as a number in a string":    {`query($n: Int) { orders(first: $n) { nodes { id } } }`, map[string]any{"n": "90"}, 1 + 1 + 90},
		"a page over 100 counts as asked":  {`{ orders(first: 5000) { nodes { id } } }`, nil, 1 + 1 + 5000},
		"a page on a list":                 {`{ recent(first: 4) { id } }`, nil, 1 + 4},
		"a default in the schema":          {`{ recent { id } }`, nil, 1 + 5},
		"a plain list counts ten":          {`{ all { id } }`, nil, 1 + 10},
		"a list of leaves counts once":     {`{ customer { tags } }`, nil, 2},
		"lists in lists":                   {`{ all { notes { text } } }`, nil, 1 + 10*(1+10)},
		"pages in pages":                   {`{ orders(first: 10) { nodes { customer { orders(first: 20) { nodes { id } } } } } }`, nil, 1 + 1 + 10*(1+1+1+20)},
		"a list below an edge":             {`{ orders(first: 2) { edges { node { items { sku } } } } }`, nil, 1 + 1 + 2*(1+1+10)},
		"ids as a literal":                 {`{ nodes(ids: ["a", "b", "c"]) { id } }`, nil, 1 + 3},
		"ids as a variable":                {`query($i: [ID!]!) { nodes(ids: $i) { id } }`, map[string]any{"i": slices.Repeat([]any{"a"}, 500)}, 1 + 500},
		"one id for a list":                {`query($i: [ID!]!) { nodes(ids: $i) { id } }`, map[string]any{"i": "a"}, 1 + 1},
		"no ids":                           {`{ nodes(ids: []) { id } }`, nil, 1},
		"fragments count where spread":     {`{ a: orders(first: 2) { ...c } b: orders(first: 3) { ...c } } fragment c on OrderConnection { nodes { id } }`, nil, 2 + 2 + 2 + 3},
		"inline fragments of an interface": {`{ node(id: "a") { ... on Order { id } ... on Customer { id name } } }`, nil, 1 + 1 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := prepare(t, c.query, c.variables)
			if err := guard.New(guard.Config{}).MutateOperationContext(context.Background(), op); err != nil {
				t.Fatal(err)
			}
			got := guard.CostOf(graphql.WithOperationContext(context.Background(), op))
			if diff := cmp.Diff(&guard.Cost{RequestedQueryCost: c.want, Maximum: 50_000}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOverALimitIsRefusedWithTheLimitAndTheFigure(t *testing.T) {
	t.Parallel()
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+" ", i)
		}
		return b.String()
	}
	const most = 1<<31 - 1
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		limit     string
		actual    int
	}{
		"deep nesting": {"{ customer { orders { nodes { " + strings.Repeat("customer { orders { nodes { ", 4) +
			"id" + strings.Repeat(" } } }", 5) + " }", nil, "depth", 16},
		"an alias flood":                  {"{ customer { " + many(51, "a%d: name") + "} }", nil, "aliases", 51},
		"an alias flood by fragments":     {"{ customer { " + strings.Repeat("...f ", 6) + "} } fragment f on Customer { " + many(10, "a%d: name") + "}", nil, "aliases", 60},
		"a flood of root fields":          {"{ " + strings.Repeat("customer { id } all { id } node(id: \"a\") { id } ", 10) + "orders { totalCount } }", nil, "rootFields", 31},
		"root fields hidden in fragments": {"{ " + strings.Repeat("...f ", 31) + "} fragment f on Query { customer { id } }", nil, "rootFields", 31},
		"a directive flood":               {"{ customer { " + strings.Repeat("name @include(if: true) ", 51) + "} }", nil, "directives", 51},
		"a directive flood on spreads":    {"{ customer { " + strings.Repeat("...f @skip(if: false) ", 26) + "} } fragment f on Customer { name @skip(if: false) }", nil, "directives", 52},
		"a fragment flood":                {"{ customer { ...f0 } } " + fragments(101), nil, "fragments", 101},
		"a field flood":                   {"{ customer { " + strings.Repeat("name ", 1000) + "} }", nil, "fields", 1001},
		"inline fragments, nested":        {"{ " + strings.Repeat("... { ", 50) + "customer { id }" + strings.Repeat(" }", 50) + " }", nil, "nesting", 52},
		"fragments in a chain, nested":    {"{ customer { ...f0 } } " + fragments(60), nil, "nesting", 62},
		"a page bomb": {"{ orders(first: 100) { nodes { customer { orders(first: 100) { nodes { customer { orders(first: 100) { nodes { id } } } } } } } } }", nil,
			"cost", 1 + 1 + 100*(3+100*(3+100))},
		"a page bomb by variable": {`query($n: Int) { orders(first: $n) { nodes { id } } }`, map[string]any{"n": int64(1 << 40)}, "cost", most},
		"a page no one can read":  {`query($n: Int) { orders(first: $n) { nodes { id } } }`, map[string]any{"n": json.Number("1e99")}, "cost", most},
		"plain lists, nested":     {"{ all { notes { author { notes { author { notes { author { notes { text } } } } } } } } }", nil, "cost", 1 + 10*(1+10*(1+1+10*(1+1+10*(1+1+10))))},
		"saturating products": {"{ orders(first: 2000000000) { nodes { customer { orders(first: 2000000000) { nodes { id } } } } } }", nil,
			"cost", most},
		"a huge list of ids":     {`query($i: [ID!]!) { nodes(ids: $i) { id } }`, map[string]any{"i": slices.Repeat([]any{"a"}, 60_000)}, "cost", 60_001},
		"many introspections":    {"{ " + many(5, "a%d: __schema { queryType { name } }") + "}", nil, "introspectionFields", 5},
		"circular introspection": {`{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }`, nil, "introspectionNesting", 3},
		"deep introspection": {"{ __type(name: \"Query\") { " + strings.Repeat("ofType { ", 19) + "name" + strings.Repeat(" }", 19) + " } }", nil,
			"introspectionDepth", 21},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := prepare(t, c.query, c.variables)
			g := guard.New(guard.Config{Introspection: true})
			err := g.MutateOperationContext(context.Background(), op)
			wantLimit(t, err, c.limit, g, c.actual)
		})
	}
}

func TestTheLastOneAllowedIsAllowed(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"depth 15":      "{ customer { orders { nodes { customer { notes { author { orders(first: 1) { nodes { customer { notes { author { notes { author { notes { text } } } } } } } } } } } } } } }",
		"50 aliases":    "{ customer { " + strings.Repeat("a: name ", 50) + "} }",
		"30 root":       "{ " + strings.Repeat("customer { id } ", 30) + "}",
		"50 directives": "{ customer { " + strings.Repeat("name @include(if: true) ", 50) + "} }",
		"48 in a chain": "{ customer { ...f0 } } " + fragments(48),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := guard.New(guard.Config{Cost: 1 << 30})
			if err := g.MutateOperationContext(context.Background(), prepare(t, query, nil)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFragmentBombIsMeasuredInOneLook counts visits: a chain that expands to 2^26 fields is looked at once.
func TestFragmentBombIsMeasuredInOneLook(t *testing.T) {
	t.Parallel()
	op := prepare(t, bomb(26), nil)
	g := guard.New(guard.Config{})
	figures := g.Measure(op.Doc, op.Operation, nil)
	// The document has its root field and spread, two spreads per link and the last one's field.
	if want := 2 + 2*26 + 1; figures.Visits != want {
		t.Errorf("looked at %d selections of %d", figures.Visits, want)
	}
	if figures.Fields <= 1<<26 || figures.FragmentSpreads <= 1<<26 {
		t.Errorf("expanded figures are %+v", figures)
	}
	wantLimit(t, g.MutateOperationContext(context.Background(), op), "fragmentSpreads", g, figures.FragmentSpreads)

	huge := prepare(t, bomb(400), nil)
	if figures := g.Measure(huge.Doc, huge.Operation, nil); figures.Fields != 1<<31-1 || figures.Visits > 2+2*400+1 {
		t.Errorf("400 links measure %+v", figures)
	}
}

func TestCyclicFragmentsEnd(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"itself":  `{ customer { ...a } } fragment a on Customer { name ...a ...a }`,
		"a round": `{ customer { ...a } } fragment a on Customer { ...b ...b } fragment b on Customer { ...c ...c } fragment c on Customer { ...a ...a }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Validation refuses such a document, so it is parsed only.
			doc, err := parser.ParseQuery(&ast.Source{Input: query})
			if err != nil {
				t.Fatal(err)
			}
			op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}
			g := guard.New(guard.Config{})
			if f := g.Measure(doc, doc.Operations[0], nil); f.Visits > 10 {
				t.Errorf("looked at %d selections", f.Visits)
			}
			refused := g.MutateOperationContext(context.Background(), op)
			if refused == nil || refused.Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("got %v", refused)
			}
			if errs := validator.ValidateWithRules(schema(t), doc, g.Rules(true)); len(errs) == 0 {
				t.Error("the guard's rules let a circle through")
			}
		})
	}
}

func TestIntrospectionIsASwitch(t *testing.T) {
	t.Parallel()
	op := prepare(t, graphiqlIntrospection, nil)
	if err := guard.New(guard.Config{Introspection: true}).MutateOperationContext(context.Background(), op); err != nil {
		t.Errorf("the query GraphiQL sends is refused: %v", err)
	}
	if op.DisableIntrospection {
		t.Error("introspection stays off in the executor")
	}
	for _, query := range []string{graphiqlIntrospection, `{ ...f } fragment f on Query { __type(name: "Query") { name } }`} {
		err := guard.New(guard.Config{}).MutateOperationContext(context.Background(), prepare(t, query, nil))
		if err == nil || err.Extensions["code"] != "FORBIDDEN" {
			t.Errorf("switched off, got %v", err)
		}
	}
	typename := prepare(t, `{ __typename customer { __typename } }`, nil)
	if err := guard.New(guard.Config{}).MutateOperationContext(context.Background(), typename); err != nil {
		t.Errorf("__typename is refused: %v", err)
	}
}

func TestNumbersThatFitNoTypeAreRefusedBeforeTheyPanic(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		`{ pay(amount: 1e50000000) }`,
		`{ pay(amount: 99999999999999999999) }`,
		`{ pay(amount: [{a: 1e999}]) }`,
		`{ ...f } fragment f on Query { pay(amount: 1e999) }`,
		`query($a: Decimal = 1e999) { pay(amount: $a) }`,
	} {
		// Parsed with its variables left out: coercing such a default fails already.
		doc, errs := gqlparser.LoadQueryWithRules(schema(t), query, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: map[string]any{}}
		err := guard.New(guard.Config{}).MutateOperationContext(context.Background(), op)
		if err == nil || err.Extensions["code"] != "INVALID" {
			t.Errorf("%s: got %v", query, err)
		}
	}
}

// TestRulesRunThePairwiseComparisonOnlyOnModestDocuments checks both halves: the comparison still happens, and an
// oversized document is answered by its limit.
func TestRulesRunThePairwiseComparisonOnlyOnModestDocuments(t *testing.T) {
	t.Parallel()
	g := guard.New(guard.Config{})
	validate := func(query string, suggestions bool) gqlerror.List {
		doc, err := parser.ParseQuery(&ast.Source{Input: query})
		if err != nil {
			t.Fatal(err)
		}
		return validator.ValidateWithRules(schema(t), doc, g.Rules(suggestions))
	}
	if errs := validate(`{ customer { a: name a: id } }`, true); len(errs) != 1 || !strings.Contains(errs[0].Message, "conflict") {
		t.Errorf("a conflict was answered with %v", errs)
	}
	if errs := validate(`{ customer { name orders(first: 1) { nodes { id } } } }`, true); len(errs) != 0 {
		t.Errorf("a good query was answered with %v", errs)
	}
	errs := validate(bomb(26), true)
	if len(errs) != 1 {
		t.Fatalf("got %v", errs)
	}
	figures := 1 + (1<<27 - 2)
	wantLimit(t, errs[0], "fragmentSpreads", g, figures)

	repeated := "{ customer { " + strings.Repeat("... { name ", 40) + strings.Repeat("name ", 900) + strings.Repeat("} ", 40) + "} }"
	want := 2 * 940 * 940 // of customer and of its outermost fragment; the inner ones have fewer by one each
	for n := 901; n < 940; n++ {
		want += n * n
	}
	if errs = validate(repeated, true); len(errs) != 1 {
		t.Fatalf("got %v", errs)
	}
	wantLimit(t, errs[0], "overlap", g, want)

	introspectionBomb := "{ __schema { ...f0 } } fragment f26 on __Schema { queryType { name } } " + chain(26, "__Schema")
	if errs := validate(introspectionBomb, true); len(errs) != 1 || errs[0].Extensions["code"] != guard.CodeTooComplex {
		t.Errorf("an introspection bomb was answered with %v", errs)
	}
	if errs := validate(`{ customer(idd: "a") { id } }`, true); len(errs) == 0 || !strings.Contains(errs[0].Message, `"id"`) {
		t.Errorf("no suggestion in %v", errs)
	}
	if errs := validate(`{ customer(idd: "a") { id } }`, false); len(errs) == 0 || strings.Contains(errs[0].Message, `"id"`) {
		t.Errorf("a suggestion in %v", errs)
	}
}

func TestConfigOverridesDefaults(t *testing.T) {
	t.Parallel()
	g := guard.New(guard.Config{Cost: 10, DefaultPage: 3, ListSize: 2})
	op := prepare(t, `{ all { id } orders { nodes { id } } }`, nil)
	if got := g.Measure(op.Doc, op.Operation, op.Variables).Cost; got != 1+2+1+1+3 {
		t.Errorf("got cost %d", got)
	}
	if got := g.Config(); got.Cost != 10 || got.Depth != 15 {
		t.Errorf("got %+v", got)
	}
	op = prepare(t, `{ all { id name } orders { nodes { id } } recent { id } }`, nil)
	wantLimit(t, g.MutateOperationContext(context.Background(), op), "cost", g, 1+4+1+1+3+1+5)
}

// FuzzMeasure holds the guard to its promise on anything that parses: no panic, and never more looks than bytes.
func FuzzMeasure(f *testing.F) {
	f.Add(`{ customer { ...a } } fragment a on Customer { ...a orders(first: 3) { nodes { id } } }`)
	f.Add(bomb(5))
	f.Add(graphiqlIntrospection)
	f.Fuzz(func(t *testing.T, query string) {
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, 5000)
		if err != nil || len(doc.Operations) == 0 {
			return
		}
		g := guard.New(guard.Config{})
		if f := g.Measure(doc, doc.Operations[0], nil); f.Visits > len(query) || f.Cost < 0 || f.Fields < 0 {
			t.Fatalf("%d bytes measure %+v", len(query), f)
		}
		_ = validator.ValidateWithRules(schema(t), doc, g.Rules(true))
	})
}

func wantLimit(t *testing.T, err *gqlerror.Error, limit string, g *guard.Guard, actual int) {
	t.Helper()
	if err == nil {
		t.Fatalf("let through; want the limit %s with %d", limit, actual)
	}
	c := g.Config()
	allowed := map[string]int{
		"depth": c.Depth, "aliases": c.Aliases, "rootFields": c.RootFields, "directives": c.Directives,
		"fragments": c.Fragments, "fragmentSpreads": c.FragmentSpreads, "nesting": c.Nesting, "fields": c.Fields, "overlap": c.Overlap, "cost": c.Cost,
		"introspectionDepth": c.IntrospectionDepth, "introspectionFields": c.IntrospectionFields, "introspectionNesting": 2,
	}[limit]
	want := map[string]any{
		"code":    "TOO_COMPLEX",
		"details": map[string]any{"limit": limit, "allowed": allowed, "actual": actual},
	}
	if diff := cmp.Diff(want, err.Extensions); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(err.Message, fmt.Sprint(allowed)) {
		t.Errorf("the message %q does not give the limit", err.Message)
	}
}

func prepare(t *testing.T, query string, variables map[string]any) *graphql.OperationContext {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema(t), query, nil)
	for _, e := range errs {
		// The library's own depth rule and the repeated directives of a flood are not under test.
		if e.Rule != "MaxIntrospectionDepth" {
			t.Fatal(e)
		}
	}
	if doc == nil {
		d, err := parser.ParseQuery(&ast.Source{Input: query})
		if err != nil {
			t.Fatal(err)
		}
		validator.Walk(schema(t), d, &validator.Events{})
		doc = d
	}
	values, err := validator.VariableValues(schema(t), doc.Operations[0], variables)
	if err != nil {
		// Values the library refuses reach the guard raw, which must hold all the same.
		values = variables
	}
	return &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: values}
}

func schema(t *testing.T) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Input: schemaText})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fragments is a chain of n fragments, each spread once.
func fragments(n int) string {
	var b strings.Builder
	for i := range n - 1 {
		fmt.Fprintf(&b, "fragment f%d on Customer { ...f%d } ", i, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Customer { id } ", n-1)
	return b.String()
}

// chain is n fragments of which each spreads the next one twice.
func chain(n int, on string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on %s { ...f%d ...f%d } ", i, on, i+1, i+1)
	}
	return b.String()
}

// bomb expands to 2^n fields.
func bomb(n int) string {
	return "{ customer { ...f0 } } " + chain(n, "Customer") + fmt.Sprintf("fragment f%d on Customer { name }", n)
}

const graphiqlIntrospection = `
query IntrospectionQuery {
	__schema {
		description queryType { name } mutationType { name } subscriptionType { name }
		types { ...FullType }
		directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
	}
}
fragment FullType on __Type {
	kind name description specifiedByURL
	fields(includeDeprecated: true) {
		name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
	}
	inputFields(includeDeprecated: true) { ...InputValue }
	interfaces { ...TypeRef }
	enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
	possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
	kind name
	ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
		ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`
