package apitest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/cache/cachetest"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/graph/plan"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// author writes random documents over the schema: every field, argument, fragment and directive that a client may send, right
// more often than wrong.
type author struct {
	*rand.Rand
	schema  *ast.Schema
	ids     map[string][]models.ID // by prefix
	kinds   map[string]string      // prefix by type
	all     []models.ID
	aliases int
}

func (a *author) oneIn(n int) bool { return a.IntN(n) == 0 }

func pick[T any](a *author, from ...T) T { return from[a.IntN(len(from))] }

// document asks for one to three root fields.
func (a *author) document() string {
	var b strings.Builder
	b.WriteString("query($yes: Boolean! = true, $no: Boolean! = false, $few: Int = 2) {")
	for range 1 + a.IntN(3) {
		f := pick(a, apitest.Fields(a.schema.Query)...)
		b.WriteString(" " + a.field(f, 4))
	}
	b.WriteString(" used: __typename @skip(if: $no) @include(if: $yes)")
	if a.oneIn(2) {
		b.WriteString(" u2: partners(first: $few){totalCount}")
	} else {
		b.WriteString(" u2: orders(last: $few){edges{cursor}}")
	}
	return b.String() + "}"
}

// variables are those that a document is asked with: none, and for every third one others after it, for which what was kept of the first must not be used.
func (a *author) variables() []map[string]any {
	if !a.oneIn(3) {
		return []map[string]any{nil}
	}
	return []map[string]any{nil, {"yes": false, "no": a.oneIn(2), "few": 1}}
}

func (a *author) field(f *ast.FieldDefinition, depth int) string {
	a.aliases++
	text := fmt.Sprintf("a%d: %s%s", a.aliases, f.Name, a.arguments(f))
	switch a.IntN(12) {
	case 0:
		text += " @include(if: $yes)"
	case 1:
		text += " @skip(if: $yes)"
	}
	if target := a.schema.Types[f.Type.Name()]; !target.IsLeafType() {
		text += a.selection(target, depth-1)
	}
	return text
}

func (a *author) selection(of *ast.Definition, depth int) string {
	var parts []string
	if of.IsAbstractType() {
		parts = append(parts, "__typename")
		for _, one := range a.schema.GetPossibleTypes(of) {
			if a.oneIn(3) {
				parts = append(parts, "... on "+one.Name+a.selection(one, depth))
			}
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	for _, f := range of.Fields {
		target := a.schema.Types[f.Type.Name()]
		composite := !target.IsLeafType()
		connection := apitest.NodeOf(a.schema, of) != nil
		wanted := a.oneIn(3) || connection && a.oneIn(2)
		if strings.HasPrefix(f.Name, "__") || !wanted || composite && depth <= 0 && !a.value(target) {
			continue
		}
		one := a.field(f, depth)
		switch a.IntN(10) {
		case 0:
			one = "... on " + of.Name + "{" + one + "}"
		case 1:
			one = "... @include(if: $yes){" + one + "}"
		case 2: // merged with itself
			if len(f.Arguments) == 0 && composite {
				one = f.Name + a.selection(target, depth-1) + " " + f.Name + "{__typename}"
			}
		}
		parts = append(parts, one)
	}
	if len(parts) == 0 || a.oneIn(6) {
		parts = append(parts, "__typename")
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// value tells a value such as Money, which leads nowhere.
func (a *author) value(of *ast.Definition) bool {
	return !slices.ContainsFunc(of.Fields, func(f *ast.FieldDefinition) bool { return !a.schema.Types[f.Type.Name()].IsLeafType() })
}

func (a *author) arguments(f *ast.FieldDefinition) string {
	var given []string
	for _, arg := range f.Arguments {
		if !arg.Type.NonNull && !a.oneIn(4) {
			continue
		}
		if value := a.argument(f, arg); value != "" {
			given = append(given, arg.Name+": "+value)
		}
	}
	if len(given) == 0 {
		return ""
	}
	return "(" + strings.Join(given, ", ") + ")"
}

func (a *author) argument(f *ast.FieldDefinition, arg *ast.ArgumentDefinition) string {
	if !arg.Type.NonNull && a.oneIn(10) {
		return "null"
	}
	def := a.schema.Types[arg.Type.Name()]
	id := func() string {
		own := a.ids[a.kinds[f.Type.Name()]]
		if arg.Name == "id" && len(own) > 0 && !a.oneIn(8) {
			return `"` + string(pick(a, own...)) + `"`
		}
		return `"` + string(pick(a, a.all...)) + `"`
	}
	switch {
	case arg.Type.Elem != nil && def.Name == "ID":
		return "[" + id() + ", " + id() + ", " + id() + "]"
	case def.Name == "ID":
		return id()
	case def.Name == "Int":
		return pick(a, "0", "1", "2", "3", "5", "50", "$few", "$few", "101", "-1")
	case def.Name == "Boolean":
		return pick(a, "true", "false", "$yes")
	case def.Name == "DateTime":
		return pick(a, `"2026-11-10T08:00:00Z"`, `"2026-11-10T09:30:00+08:00"`, `"2020-01-01T00:00:00Z"`, `"yesterday"`)
	case def.Kind == ast.Enum && arg.Type.Elem != nil:
		return "[" + pick(a, def.EnumValues...).Name + "]"
	case def.Kind == ast.Enum:
		return pick(a, def.EnumValues...).Name
	case arg.Name == "after" || arg.Name == "before":
		list := strings.ToLower(strings.TrimSuffix(f.Type.Name(), "Connection")) + "s"
		return `"` + pick(a, models.Cursor(list, pick(a, a.all...)), "rubbish", "") + `"`
	case def.Name == "String":
		return pick(a, `"a"`, `""`, `"nothing of the kind"`)
	case def.Kind == ast.InputObject && !arg.Type.NonNull:
		return "{}"
	}
	return ""
}

// TestPlansAnswerAsTheExecutorDoes asks two servers of one database the same random documents, one that plans and one that
// walks, as several callers: the answers are the same byte for byte, and so are the errors.
func TestPlansAnswerAsTheExecutorDoes(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(t *testing.T) (database, cache string){
		"sqlite and memory":  func(t *testing.T) (string, string) { return storetest.SQLiteURL(t), "memory:" },
		"postgres and redis": func(t *testing.T) (string, string) { return storetest.PostgresURL(t), cachetest.RedisURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database, cache := at(t)
			var mu sync.Mutex
			walked, planned := map[string]int{}, 0
			planning := apitest.New(t, database, cache, apitest.Wide, func(_ *app.Config, opts *app.Options) {
				opts.Walked = func(field string, why error) {
					mu.Lock()
					defer mu.Unlock()
					walked[why.Error()]++
					if _, broken := why.(*plan.Panic); broken {
						t.Errorf("%s: %v", field, why)
					}
				}
			})
			walking := apitest.New(t, database, cache, apitest.Wide, func(_ *app.Config, opts *app.Options) {
				opts.Walk, opts.Now = true, planning.Clock.Now
			})
			w := apitest.Build(t, planning)
			walking.App.Rooms.Partners.Performance = w.Partners.Performance // the world's own
			schema := apitest.Schema()
			a := &author{
				Rand: rand.New(rand.NewPCG(20261121, 6)), schema: schema, kinds: apitest.NodeKinds(t, schema), ids: map[string][]models.ID{}, all: w.IDs(),
			}
			for _, id := range a.all {
				a.ids[id.Prefix()] = append(a.ids[id.Prefix()], id)
			}
			for _, document := range a.singles() {
				want, got := walking.Ask(t, w.OperatorKey, document, nil), planning.Ask(t, w.OperatorKey, document, nil)
				if want.Body != got.Body || len(want.Errors) > 0 {
					t.Errorf("%s\nof whole rows: %s\nof what is shown: %s", document, want.Body, got.Body)
				}
			}
			for range documents {
				document := a.document()
				for _, variables := range a.variables() {
					caller := pick(a, w.Callers()...)
					want, got := walking.Ask(t, caller.Key, document, variables), planning.Ask(t, caller.Key, document, variables)
					if comparable(t, want) != comparable(t, got) || want.Status != got.Status {
						t.Fatalf("as %s: %s\nwith %v\nwalked:  %d %s\nplanned: %d %s", caller.Name, document, variables, want.Status, want.Body, got.Status, got.Body)
					}
					if len(want.Data) > 0 {
						planned++
					}
				}
			}
			count := 0
			for why, n := range walked {
				count += n
				t.Logf("%4d walked: %s", n, why)
			}
			t.Logf("%d answers with data", planned)
			if planned < documents/4 || count > planned {
				t.Errorf("of %d documents %d were answered with data and %d fields walked: the test shows too little", documents, planned, count)
			}
		})
	}
}

// plannedKey is where a request's context says to where the plan's answer goes.
type plannedKey struct{}

// TestPlansAnswerMutationsAsTheExecutorDoes calls every mutation with success, selecting as much of its payload and of what that leads to as a
// document may: the plan's answer and the executor's, from the same value, are the same byte for byte.
func TestPlansAnswerMutationsAsTheExecutorDoes(t *testing.T) {
	t.Parallel()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, apitest.ProviderMetadata(t, "https://planned.example.com"))
	}))
	t.Cleanup(metadata.Close)
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		schema, calls := withoutWalked(apitest.Schema()), apitest.Calls(metadata.URL)
		for _, f := range slices.SortedFunc(slices.Values(apitest.Fields(schema.Mutation)), byName) {
			call, hops := calls[f.Name](t, s, w), 3
			selection := apitest.Selection(t, schema, schema.Types[f.Type.Name()], hops)
			for len(strings.Fields(selection)) > 800 {
				hops--
				selection = apitest.Selection(t, schema, schema.Types[f.Type.Name()], hops)
			}
			var planned []byte
			answer := s.AskCtx(context.WithValue(t.Context(), plannedKey{}, &planned), t, call.Key,
				"mutation($i: "+f.Arguments.ForName("input").Type.String()+"){"+f.Name+"(input: $i)"+selection+"}", map[string]any{"i": call.Input})
			switch {
			case planned == nil:
				t.Errorf("%s(%v) is not planned: %s", f.Name, call.Input, answer.Body)
			case !strings.HasPrefix(answer.Body, `{"data":{"`+f.Name+`":`+string(planned)+`}`):
				t.Errorf("%s\nwalked:  %s\nplanned: %s", f.Name, answer.Body, planned)
			}
		}
	}, apitest.Wide, func(cfg *app.Config, opts *app.Options) {
		cfg.Dev, opts.Buckets = true, anyBucket{}
		opts.Planned = func(ctx context.Context, _ string, answer []byte) {
			if into, ok := ctx.Value(plannedKey{}).(*[]byte); ok {
				*into = answer
			}
		}
		opts.Walked = func(field string, why error) { t.Errorf("%s: %v", field, why) }
	})
}

// withoutWalked is the schema without the fields that plans leave to the executor.
func withoutWalked(schema *ast.Schema) *ast.Schema {
	without := *schema
	without.Types = maps.Clone(schema.Types)
	for name, field := range map[string]string{"Customer": "statement", "Partner": "statement", "WebhookEndpoint": "deliveries"} {
		def := *schema.Types[name]
		def.Fields = slices.DeleteFunc(slices.Clone(def.Fields), func(f *ast.FieldDefinition) bool { return f.Name == field })
		without.Types[name] = &def
	}
	return &without
}

// narrowed are the types whose rows are read in part, with where lists of them are.
var narrowed = map[string]struct {
	model any
	list  string
}{
	"Customer":  {models.Customer{}, "customers(first: 100) {nodes {%s}}"},
	"Order":     {models.Order{}, "orders(first: 100) {nodes {%s}}"},
	"OrderItem": {models.OrderItem{}, "orders(first: 100) {nodes {items {%s}}}"},
	"Resource":  {models.Resource{}, "resources(first: 100) {nodes {%s}}"},
}

// singles asks for every field of the types whose rows are read in part, alone.
func (a *author) singles() []string {
	var documents []string
	for name, one := range narrowed {
		for _, f := range apitest.Fields(a.schema.Types[name]) {
			documents = append(documents, "{"+fmt.Sprintf(one.list, f.Name+a.required(f)+a.shallow(a.schema.Types[f.Type.Name()]))+"}")
		}
	}
	return documents
}

// required are the arguments that a field cannot be without.
func (a *author) required(f *ast.FieldDefinition) string {
	for _, arg := range f.Arguments {
		if arg.Type.NonNull {
			return "(" + arg.Name + `: "2026-11-10T07:59:00Z")`
		}
	}
	return ""
}

// shallow selects the fields of an object that lead nowhere, or those of the nodes of a list.
func (a *author) shallow(of *ast.Definition) string {
	if of.IsLeafType() {
		return ""
	}
	var names []string
	for _, f := range apitest.Fields(of) {
		switch {
		case f.Name == "nodes":
			return "{nodes{id}}"
		case f.Name == "id":
			return "{id}"
		case len(f.Arguments) == 0 && a.schema.Types[f.Type.Name()].IsLeafType():
			names = append(names, f.Name)
		}
	}
	return "{" + strings.Join(append(names, "__typename"), " ") + "}"
}

// TestWhatColumnsServeAreFields: a column that is read only for a field names one that there is.
func TestWhatColumnsServeAreFields(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	for name, one := range narrowed {
		tagged := 0
		for field := range reflect.TypeOf(one.model).Fields() {
			serves, ok := field.Tag.Lookup("show")
			if !ok {
				continue
			}
			tagged++
			for served := range strings.SplitSeq(serves, ",") {
				if served != "-" && schema.Types[name].Fields.ForName(served) == nil {
					t.Errorf("%s.%s serves %s, which the type has not", name, field.Name, served)
				}
			}
		}
		if tagged == 0 {
			t.Errorf("no column of %s says what it serves", name)
		}
	}
}

// TestNobodyWaitsForNobody asks one object and all below it of a server whose calls would wait for each other for a minute: a plan
// knows when everybody has asked, and nothing stands beside a single root field.
func TestNobodyWaitsForNobody(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		answer := s.AskCtx(ctx, t, w.OperatorKey, `query($id: ID!) {customer(id: $id) {id balance {version}
			orders(first: 2) {nodes {id items {id} resources {id subResources {id}} customer {association {partner {id}}}}}}}`,
			map[string]any{"id": w.Buyers()[0].Customer.ID})
		if len(answer.Errors) > 0 || len(answer.At("customer", "orders", "nodes").([]any)) == 0 {
			t.Errorf("%s", answer.Body)
		}
	}, func(_ *app.Config, opts *app.Options) { opts.LoaderWait = time.Minute })
}

// documents is how many each engine is asked.
const documents = 600

// shownErrors is how many errors an answer holds at most.
const shownErrors = 10

// comparable is an answer without what is different each time: the order of errors, of many which ones are shown, and which of the errors that
// made the same object null. The executor has these from its goroutines, and the specification of GraphQL leaves them to it.
func comparable(t *testing.T, answer apitest.Answer) string {
	t.Helper()
	if len(answer.Errors) == 0 {
		return answer.Body
	}
	var parts struct {
		Data   json.RawMessage   `json:"data"`
		Errors []json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &parts); err != nil {
		t.Fatal(err)
	}
	var data any // null where an answer has none, being refused whole
	if len(parts.Data) > 0 {
		if err := json.Unmarshal(parts.Data, &data); err != nil {
			t.Fatal(err)
		}
	}
	if len(parts.Errors) >= shownErrors {
		return fmt.Sprintf("%s and %d errors", parts.Data, len(parts.Errors))
	}
	told := map[string]bool{}
	for _, raw := range parts.Errors {
		var one struct {
			Path []any `json:"path"`
		}
		if err := json.Unmarshal(raw, &one); err != nil {
			t.Fatal(err)
		}
		if depth := nulledAt(data, one.Path); depth < len(one.Path) {
			raw = fmt.Appendf(nil, "null because of something below %v", one.Path[:depth])
		}
		told[string(raw)] = true
	}
	return fmt.Sprintf("%s %s", parts.Data, slices.Sorted(maps.Keys(told)))
}

// nulledAt returns how much of a path leads to the null that an answer has there.
func nulledAt(data any, path []any) (depth int) {
	for data != nil && depth < len(path) {
		switch at := path[depth].(type) {
		case string:
			object, _ := data.(map[string]any)
			data = object[at]
		case float64:
			list, _ := data.([]any)
			if int(at) >= len(list) {
				return depth
			}
			data = list[int(at)]
		}
		depth++
	}
	return depth
}
