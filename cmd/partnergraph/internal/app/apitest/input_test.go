package apitest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// closedCodes are all that extensions.code may say: the product's, and those of GraphQL itself.
func closedCodes() []string {
	return []string{
		"INVALID", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "INSUFFICIENT_BALANCE", "PRECONDITION_FAILED", "RATE_LIMITED",
		"TOO_COMPLEX", "UNAVAILABLE", "INTERNAL", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "PERSISTED_QUERY_NOT_FOUND",
	}
}

// wantError checks that an answer refuses with one error of this code, and field or reason when given.
func wantError(t *testing.T, answer apitest.Answer, code, field, reason string) {
	t.Helper()
	if len(answer.Errors) != 1 {
		t.Errorf("%d errors: %.400s", len(answer.Errors), answer.Body)
		return
	}
	e := answer.Errors[0]
	got := []any{e.Code(), e.Extensions["field"], e.Extensions["reason"]}
	want := []any{code, orNil(field), orNil(reason)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("code, field and reason %s: %.400s", diff, answer.Body)
	}
	if !slices.Contains(closedCodes(), e.Code()) || len(e.Message) < 10 {
		t.Errorf("an error is a closed code and a sentence: %+v", e)
	}
	for name, value := range answer.Data {
		if value != nil {
			t.Errorf("%s is refused, and yet %v", name, value)
		}
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// TestBadQueriesAreRefusedInTheirOwnWords sends what a client gets wrong, as a partner's key.
func TestBadQueriesAreRefusedInTheirOwnWords(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const lookUp, page = `query($id: ID!){customer(id: $id){id}}`, `query($n: Int, $m: Int, $c: String){customers(first: $n, last: $m, after: $c){nodes{id}}}`
	const badID, noCustomer = "cus_01h455vb4pex5vsknk084sn02!", "cus_01h455vb4pex5vsknk084sn02q"
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		me, other := w.Providers[0], w.Providers[1]
		before := s.Fingerprint(t)
		of := func(list string, id models.ID) string { return models.Cursor(list, id) }
		for name, c := range map[string]struct {
			document    string
			variables   vars
			code, field string
		}{
			"an id that is none":             {lookUp, vars{"id": badID}, "INVALID", "id"},
			"an id that is a number":         {lookUp, vars{"id": 7}, "INVALID", "id"},
			"an empty id":                    {lookUp, vars{"id": ""}, "INVALID", "id"},
			"an endless id":                  {lookUp, vars{"id": strings.Repeat("cus_", 10_000)}, "INVALID", "id"},
			"an id of another kind":          {lookUp, vars{"id": me.Partner.ID}, "INVALID", "id"},
			"an id in capitals":              {lookUp, vars{"id": strings.ToUpper(string(me.Resale.Customer.ID))}, "INVALID", "id"},
			"nobody's id":                    {lookUp, vars{"id": noCustomer}, "NOT_FOUND", ""},
			"another's id":                   {lookUp, vars{"id": other.Resale.Customer.ID}, "NOT_FOUND", ""},
			"no id":                          {lookUp, vars{}, "GRAPHQL_VALIDATION_FAILED", ""},
			"null for an id":                 {lookUp, vars{"id": nil}, "GRAPHQL_VALIDATION_FAILED", ""},
			"node of a kind that is none":    {`{node(id: "itm_01h455vb4pex5vsknk084sn02q"){id}}`, nil, "INVALID", "id"},
			"node of an id that is none":     {`{node(id: "x"){id}}`, nil, "INVALID", "id"},
			"a filter of another kind":       {`query($id: ID){orders(customerId: $id){totalCount}}`, vars{"id": me.Partner.ID}, "INVALID", "customerId"},
			"a filter that is no id":         {`query($id: ID){orders(customerId: $id){totalCount}}`, vars{"id": badID}, "INVALID", "customerId"},
			"a page too large":               {page, vars{"n": 101}, "INVALID", "first"},
			"a page below zero":              {page, vars{"n": -1}, "INVALID", "first"},
			"the last too many":              {page, vars{"m": 101}, "INVALID", "last"},
			"first and last":                 {page, vars{"n": 1, "m": 1}, "INVALID", "last"},
			"a nested page too large":        {`query($id: ID!){customer(id: $id){orders(first: 101){nodes{id}}}}`, vars{"id": me.Resale.Customer.ID}, "INVALID", "first"},
			"a page of one and a half":       {page, vars{"n": 1.5}, "GRAPHQL_VALIDATION_FAILED", ""},
			"a page as a text":               {page, vars{"n": "ten"}, "GRAPHQL_VALIDATION_FAILED", ""},
			"a page beyond 32 bits":          {page, vars{"n": 1 << 40}, "TOO_COMPLEX", ""},
			"a cursor that is none":          {page, vars{"c": "garbage"}, "INVALID", "after"},
			"a cursor of another list":       {page, vars{"c": of("orders", me.Resale.Waiting.ID)}, "INVALID", "after"},
			"a cursor of the nested list":    {page, vars{"c": of("partner.customers", me.Resale.Customer.ID)}, "INVALID", "after"},
			"a cursor of no id":              {page, vars{"c": of("customers", "' OR 1=1 --")}, "INVALID", "after"},
			"an endless cursor":              {page, vars{"c": strings.Repeat("a", 100_000)}, "INVALID", "after"},
			"an enum value that is none":     {`query($m: AssociationMode){customers(mode: $m){nodes{id}}}`, vars{"m": "BOTH"}, "GRAPHQL_VALIDATION_FAILED", ""},
			"an enum value in small letters": {`query($m: AssociationMode){customers(mode: $m){nodes{id}}}`, vars{"m": "resale"}, "GRAPHQL_VALIDATION_FAILED", ""},
			"small letters in a list":        {`query($s: [OrderStatus!]){orders(status: $s){nodes{id}}}`, vars{"s": []string{"COMPLETED", "cancelled"}}, "GRAPHQL_VALIDATION_FAILED", ""},
			"small letters for a list":       {`query($s: [OrderStatus!]){orders(status: $s){nodes{id}}}`, vars{"s": "cancelled"}, "GRAPHQL_VALIDATION_FAILED", ""},
			"small letters in an input": {
				`mutation($i: CreateApiKeyInput!){createApiKey(input: $i){secret}}`, vars{"i": vars{"name": "x", "scopes": []string{"orders_read"}}}, "GRAPHQL_VALIDATION_FAILED", "",
			},
			"a month that is none":           {`query($p: BillingCycle){incentiveStatements(period: $p){nodes{id}}}`, vars{"p": "2026-13"}, "INVALID", "period"},
			"a month as a number":            {`query($p: BillingCycle){incentiveStatements(period: $p){nodes{id}}}`, vars{"p": 2026.11}, "INVALID", "period"},
			"an endless search":              {`query($q: String){customers(query: $q){nodes{id}}}`, vars{"q": strings.Repeat("x", 1000)}, "INVALID", "query"},
			"too many ids":                   {`query($ids: [ID!]!){nodes(ids: $ids){id}}`, vars{"ids": slices.Repeat([]string{noCustomer}, 101)}, "INVALID", "ids"},
			"a field that is none":           {`{viewer{kind password}}`, nil, "GRAPHQL_VALIDATION_FAILED", ""},
			"a document that is none":        {`{viewer{`, nil, "GRAPHQL_PARSE_FAILED", ""},
			"an interface without its types": {`{node(id: "` + noCustomer + `"){name}}`, nil, "GRAPHQL_VALIDATION_FAILED", ""},
		} {
			t.Run(name, func(t *testing.T) { wantError(t, s.Ask(t, me.Key, c.document, c.variables), c.code, c.field, "") })
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
	})
}

// TestNullDoesNotFilterAndAnEmptyListMatchesNothing for every list argument of the schema's lists.
func TestNullDoesNotFilterAndAnEmptyListMatchesNothing(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		tried := 0
		for _, f := range apitest.Fields(schema.Query) {
			if apitest.NodeOf(schema, schema.Types[f.Type.Name()]) == nil {
				continue
			}
			key := w.OperatorKey
			if ofOneOwner(f) {
				key = w.Distributors[0].Key // an operator has no ledger of its own
			}
			all := s.Ask(t, key, "{"+f.Name+"{totalCount}}", nil).At(f.Name, "totalCount")
			for _, arg := range f.Arguments {
				if arg.Type.NamedType != "" { // not a list
					continue
				}
				tried++
				document := "query($v: " + arg.Type.String() + "){" + f.Name + "(" + arg.Name + ": $v){totalCount nodes{id}}}"
				none := s.Ask(t, key, document, map[string]any{"v": []string{}})
				if none.At(f.Name, "totalCount") != 0.0 || len(idsOf(none.At(f.Name, "nodes"))) != 0 {
					t.Errorf("%s(%s: []): %.200s", f.Name, arg.Name, none.Body)
				}
				for _, variables := range []map[string]any{{"v": nil}, {}} {
					if got := s.Ask(t, key, document, variables).At(f.Name, "totalCount"); got != all || got == 0.0 {
						t.Errorf("%s(%s: null) counts %v of %v", f.Name, arg.Name, got, all)
					}
				}
			}
		}
		if tried < 5 {
			t.Errorf("only %d list arguments tried", tried)
		}
	})
}

// TestOverLimitAnswersNameTheLimitAndTheFigure for each limit of a document, and of the body.
func TestOverLimitAnswersNameTheLimitAndTheFigure(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		before := s.Fingerprint(t)
		repeat := func(pattern string, n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, pattern, i)
			}
			return b.String()
		}
		for name, c := range map[string]struct {
			document string
			details  map[string]any
		}{
			"too deep": {
				"{viewer{partner" + strings.Repeat("{parent", 14) + "{id}" + strings.Repeat("}", 14) + "}}",
				map[string]any{"limit": "depth", "allowed": 15.0, "actual": 17.0},
			},
			"too wide":         {"{" + repeat(" viewer{kind} ... on Query{__typename} #%d\n", 31) + "}", map[string]any{"limit": "rootFields", "allowed": 30.0, "actual": 62.0}},
			"too many aliases": {"{viewer{" + repeat(" a%d: kind", 51) + "}}", map[string]any{"limit": "aliases", "allowed": 50.0, "actual": 51.0}},
			"too costly": {
				"{customers(first: 100){nodes{orders(first: 100){nodes{resources{id name}}}}}}",
				map[string]any{"limit": "cost", "allowed": 50_000.0, "actual": 210_202.0},
			},
			"too much of the schema": {"{__schema{types{fields{type{fields{type{fields{name}}}}}}}}", map[string]any{"limit": "introspectionNesting", "allowed": 2.0, "actual": 3.0}},
		} {
			t.Run(name, func(t *testing.T) {
				answer := s.Ask(t, w.Providers[0].Key, c.document, nil)
				wantError(t, answer, "TOO_COMPLEX", "", "")
				if answer.Status != 400 || len(answer.Errors) != 1 {
					t.Fatalf("%d %s", answer.Status, answer.Body)
				}
				if diff := cmp.Diff(c.details, answer.Errors[0].Extensions["details"]); diff != "" {
					t.Error(diff)
				}
				for _, figure := range []string{"allowed", "actual"} {
					if text := fmt.Sprintf("%.0f", c.details[figure]); !strings.Contains(answer.Errors[0].Message, text) {
						t.Errorf("the message does not say %s: %s", text, answer.Errors[0].Message)
					}
				}
			})
		}
		huge := s.Post(t.Context(), t, w.Providers[0].Key, `{"query":"{viewer{kind}}","variables":{"x":"`+strings.Repeat("x", 1<<20)+`"}}`)
		wantError(t, huge, "TOO_COMPLEX", "", "")
		if huge.Status != 413 {
			t.Errorf("a huge body: %d", huge.Status)
		}
		batch := s.Post(t.Context(), t, w.Providers[0].Key, `[{"query":"{viewer{kind}}"},{"query":"{viewer{kind}}"}]`)
		wantError(t, batch, "INVALID", "", "")
		if batch.Status != 400 {
			t.Errorf("a batch: %d", batch.Status)
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
	})
}
