package guard

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// measurer walks the document of one operation. It looks at each selection once, whatever the fragments do.
type measurer struct {
	cfg       Config
	doc       *ast.QueryDocument
	fragments map[string]*ast.FragmentDefinition
	variables map[string]any
	known     map[string]set
	open      map[string]bool
	sizes     map[*ast.Field]int // fields in and below each field; kept only when not nil
	visits    int
	cycle     string     // a fragment that spreads itself, if there is one
	number    *ast.Value // a number literal that no Go type holds, if there is one
}

func newMeasurer(cfg Config, doc *ast.QueryDocument, variables map[string]any) *measurer {
	m := &measurer{
		cfg: cfg, doc: doc, variables: variables,
		fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
		known:     make(map[string]set, len(doc.Fragments)),
		open:      map[string]bool{},
	}
	for _, f := range doc.Fragments {
		m.fragments[f.Name] = f
	}
	return m
}

// operation measures op; the memory of fragments is shared between the operations of a document.
func (m *measurer) operation(op *ast.OperationDefinition) Figures {
	s := m.selections(op.SelectionSet)
	s.directives = plus(s.directives, len(op.Directives))
	for _, d := range op.Directives {
		m.arguments(d.Arguments)
	}
	for _, v := range op.VariableDefinitions {
		s.directives = plus(s.directives, len(v.Directives))
		m.value(v.DefaultValue)
	}
	return Figures{
		Depth: s.depth, Aliases: s.aliases, RootFields: s.top, Directives: s.directives,
		Fragments: len(m.doc.Fragments), FragmentSpreads: s.spreads, Nesting: s.nesting, Fields: s.fields,
		Cost:               s.cost(m.cfg.ListSize),
		IntrospectionDepth: s.introDepth, IntrospectionFields: s.introFields, IntrospectionHops: s.introHops,
		Visits: m.visits,
	}
}

func (m *measurer) selections(in ast.SelectionSet) set {
	var s set
	for _, selection := range in {
		m.visits++
		switch selection := selection.(type) {
		case *ast.Field:
			s.add(m.field(selection))
		case *ast.InlineFragment:
			inner := m.selections(selection.SelectionSet)
			inner.directives = plus(inner.directives, m.directives(selection.Directives))
			s.add(inner)
		case *ast.FragmentSpread:
			inner := m.fragment(selection.Name)
			inner.directives = plus(inner.directives, m.directives(selection.Directives))
			inner.spreads = plus(inner.spreads, 1)
			s.add(inner)
		}
	}
	if len(in) > 0 {
		s.nesting = plus(s.nesting, 1)
	}
	return s
}

// fragment measures a fragment the first time it is spread and remembers it. An unknown fragment, or one inside itself,
// measures nothing: validation reports the former, the guard the latter.
func (m *measurer) fragment(name string) set {
	if s, ok := m.known[name]; ok {
		return s
	}
	f := m.fragments[name]
	if f == nil {
		return set{}
	}
	if m.open[name] {
		m.cycle = name
		return set{}
	}
	m.open[name] = true
	s := m.selections(f.SelectionSet)
	s.directives = plus(s.directives, m.directives(f.Directives))
	delete(m.open, name)
	m.known[name] = s
	return s
}

// field measures a field with all that is below it.
func (m *measurer) field(f *ast.Field) set {
	m.arguments(f.Arguments)
	inner := m.selections(f.SelectionSet)
	s := set{
		depth: plus(inner.depth, 1), hops: inner.hops, nesting: inner.nesting,
		introDepth: inner.introDepth, introHops: inner.introHops, introFields: inner.introFields,
		aliases:    inner.aliases,
		directives: plus(inner.directives, m.directives(f.Directives)),
		spreads:    inner.spreads,
		top:        1,
		fields:     plus(inner.fields, 1),
		flat:       1,
	}
	if m.sizes != nil {
		m.sizes[f] = s.fields
	}
	if f.Alias != "" && f.Alias != f.Name {
		s.aliases = plus(s.aliases, 1)
	}
	switch f.Name {
	case "fields", "inputFields", "interfaces", "possibleTypes":
		s.hops = plus(s.hops, 1)
	case "__schema", "__type":
		// Introspection has limits of its own: it nests deeper than any query, and its lists are the schema's.
		s.introDepth, s.introHops, s.introFields = s.depth, inner.hops, plus(inner.introFields, 1)
		s.depth, s.hops, s.flat = 1, 0, s.fields
		return s
	}
	m.price(f, &inner, &s)
	return s
}

// price adds to s, the figures of f, the cost of inner, the figures of what f selects.
func (m *measurer) price(f *ast.Field, inner, s *set) {
	list := f.Definition != nil && f.Definition.Type.Elem != nil
	page, sized := m.page(f)
	switch {
	case sized && list:
		s.flat = plus(s.flat, times(page, inner.cost(m.cfg.ListSize)))
	case sized:
		// A connection: its own lists (edges, nodes) are as long as the page, its other fields come once.
		s.flat = plus(s.flat, inner.cost(page))
	case list:
		// How long this list is, the field above knows.
		s.listed = inner.cost(m.cfg.ListSize)
	default:
		s.flat = plus(s.flat, inner.cost(m.cfg.ListSize))
	}
}

// page is how many items f is asked for, and whether it can be asked at all: by first or last, or by a list of ids.
func (m *measurer) page(f *ast.Field) (int, bool) {
	if f.Definition == nil {
		return 0, false
	}
	n, given, takes := 0, false, false
	for _, name := range []string{"first", "last"} {
		def := f.Definition.Arguments.ForName(name)
		if def == nil {
			continue
		}
		takes = true
		if v, ok := m.argument(f, def); ok && v != nil {
			n, given = max(n, size(v)), true
		}
	}
	if takes && !given {
		return m.cfg.DefaultPage, true
	}
	if takes {
		return n, true
	}
	if def := f.Definition.Arguments.ForName("ids"); def != nil && def.Type.Elem != nil {
		if v, ok := m.argument(f, def); ok && v != nil {
			return length(v), true
		}
	}
	return 0, false
}

// argument is the value an argument will have when f is executed.
func (m *measurer) argument(f *ast.Field, def *ast.ArgumentDefinition) (any, bool) {
	value := def.DefaultValue
	if arg := f.Arguments.ForName(def.Name); arg != nil {
		if arg.Value.Kind == ast.Variable {
			if v, ok := m.variables[arg.Value.Raw]; ok {
				return v, true
			}
		} else {
			value = arg.Value
		}
	}
	if value == nil {
		return nil, false
	}
	v, err := value.Value(m.variables)
	if err != nil {
		return saturated, true
	}
	return v, true
}

// size reads a page size as generously as the executor does, which takes numbers in strings. What it cannot read counts
// as the largest.
func size(v any) int {
	var n int64
	var err error
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case float64:
		if math.IsNaN(v) || v > saturated {
			return saturated
		}
		n = int64(max(v, 0))
	case json.Number:
		n, err = strconv.ParseInt(v.String(), 10, 64)
	case string:
		n, err = strconv.ParseInt(v, 10, 64)
	default:
		return saturated
	}
	if err != nil {
		return saturated
	}
	return int(min(max(n, 0), saturated))
}

// length is how many items a list has; a single value stands for a list of one.
func length(v any) int {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice {
		return min(r.Len(), saturated)
	}
	return 1
}

func (m *measurer) directives(list ast.DirectiveList) int {
	for _, d := range list {
		m.arguments(d.Arguments)
	}
	return len(list)
}

func (m *measurer) arguments(list ast.ArgumentList) {
	for _, a := range list {
		m.value(a.Value)
	}
}

// value looks for number literals that fit no Go number. Validation lets them through to a custom scalar, and the
// executor panics on them.
func (m *measurer) value(v *ast.Value) {
	if v == nil {
		return
	}
	var err error
	switch v.Kind {
	case ast.IntValue:
		_, err = strconv.ParseInt(v.Raw, 10, 64)
	case ast.FloatValue:
		_, err = strconv.ParseFloat(v.Raw, 64)
	}
	if err != nil {
		m.number = v
	}
	for _, child := range v.Children {
		m.value(child.Value)
	}
}
