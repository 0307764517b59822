package store

import (
	"context"
	"reflect"
	"strings"
	"sync"

	"github.com/uptrace/bun"
)

// Shown are the names of the fields that an answer of the API has, of whatever objects. A column that serves none of them need not be read
// for it: such columns name the fields that they serve in a tag, show:"email", or show:"-" where they serve none. Columns without the
// tag are always read. It is safe for concurrent use.
type Shown struct {
	names map[string]struct{}

	mu      sync.Mutex
	columns map[reflect.Type][]string
}

// NewShown takes the names of all fields of an operation.
func NewShown(names map[string]struct{}) *Shown {
	return &Shown{names: names, columns: map[reflect.Type][]string{}}
}

type shownKey struct{}

// Showing says for a call of a room that its rows are read to be shown, and for nothing else; nil changes nothing. What a room
// reads to decide by must not be called under it.
func Showing(ctx context.Context, shown *Shown) context.Context {
	if shown == nil {
		return ctx
	}
	return context.WithValue(ctx, shownKey{}, shown)
}

// Narrowed has q, a query of models T that selects no columns by itself, read only what is shown under the context.
func Narrowed[T any](ctx context.Context, q *bun.SelectQuery) *bun.SelectQuery {
	columns, _ := ShownColumns[T](ctx)
	return q.Column(columns...)
}

// ShownColumns are the columns of models T that are read under the context; not narrowed = all of them.
func ShownColumns[T any](ctx context.Context) (columns []string, narrowed bool) {
	shown, ok := ctx.Value(shownKey{}).(*Shown)
	if !ok {
		return nil, false
	}
	columns = shown.of(reflect.TypeFor[T]())
	return columns, columns != nil
}

// of lists the columns; none stands for all.
func (s *Shown) of(model reflect.Type) []string {
	all := columnsOf(model)
	if all == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if names, known := s.columns[model]; known {
		return names
	}
	names := make([]string, 0, len(all))
	for _, one := range all {
		if one.serves(s.names) {
			names = append(names, one.name)
		}
	}
	s.columns[model] = names
	return names
}

// column is one of a model's and the fields of the API that it serves; nil = it is always read.
type column struct {
	name   string
	fields []string
}

func (c column) serves(names map[string]struct{}) bool {
	if c.fields == nil {
		return true
	}
	for _, field := range c.fields {
		if _, asked := names[field]; asked {
			return true
		}
	}
	return false
}

var modelColumns sync.Map // of reflect.Type to []column

// columnsOf reads the tags of a model; nil when it has none of these.
func columnsOf(model reflect.Type) []column {
	if known, ok := modelColumns.Load(model); ok {
		return known.([]column) //nolint:forcetypeassert // nothing else is kept
	}
	var all []column
	tagged := false
	for field := range model.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("bun"), ",")
		if field.Anonymous || name == "" || name == "-" || strings.Contains(options, "scanonly") {
			continue
		}
		one := column{name: name}
		if shows, ok := field.Tag.Lookup("show"); ok {
			one.fields, tagged = strings.Split(shows, ","), true
		}
		all = append(all, one)
	}
	if !tagged {
		all = nil
	}
	modelColumns.Store(model, all)
	return all
}
