package plan

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"

	"github.com/partnergraph/partnergraph/graph"
)

// ErrPending is what a resolver returns when it asked for something that the next round will have. It is not shown to anybody.
var ErrPending = errors.New("plan: to be had in the next round")

// Rounds is a context for resolvers in which loaders collect keys, and answer ErrPending, until Fetch gets all that was
// asked for.
type Rounds struct {
	Context context.Context //nolint:containedctx // it is this one's only purpose
	// Fetch gets what was asked for since the last call; false when nothing was.
	Fetch func(ctx context.Context) bool
}

var (
	errNull  = unplannable("a null where none may be")
	errStuck = unplannable("a resolver waits for nothing")
)

// level is all rows of one place in the answer: the objects that one selection is applied to, in the order of the answer.
type level struct {
	of     *object
	rows   []any
	loaded []relation // by field; nothing where the field asks nobody
	next   int        // the row to be written next
}

// relation is what one field has for all rows of its level.
type relation struct {
	values []any    // by row: what a resolver that returns no objects returned
	counts []int32  // by row: how many objects, -1 for null
	rows   *level   // the objects of all rows, one after the other
	mixed  []*level // of an interface or union: by object, the level of its type
	at     int      // the object in mixed to be written next
}

const null = -1

// loader reads levels.
type loader struct {
	compiler
	resolvers graph.ResolverRoot
	fetch     func(ctx context.Context) bool
}

// level reads everything below rows. What its fields ask for is collected first, so that it is read together.
func (l *loader) level(ctx context.Context, of *object, rows []any) (*level, error) {
	lv := &level{of: of, rows: rows}
	if !of.loads || len(rows) == 0 {
		return lv, nil
	}
	lv.loaded = make([]relation, len(of.fields))
	asked := make([]asking, 0, len(of.fields))
	for i := range of.fields {
		if of.fields[i].loads {
			asked = append(asked, asking{field: &of.fields[i], into: &lv.loaded[i], values: make([]any, len(rows)), ctx: lv.asks(ctx, &of.fields[i])})
		}
	}
	if err := l.resolve(ctx, lv, asked); err != nil {
		return nil, err
	}
	for i := range asked {
		one := &asked[i]
		if one.field.kind.of == nil {
			one.into.values = one.values
			continue
		}
		if err := l.objects(one.ctx, one.field, one.values, one.into); err != nil {
			return nil, err
		}
	}
	return lv, nil
}

// asking is a field whose resolver is asked for every row of a level.
type asking struct {
	field   *field
	into    *relation
	values  []any           // by row
	ctx     context.Context //nolint:containedctx // it is that of one field
	waiting []int           // rows whose values the next round will have
}

// resolve asks the resolvers for every row, in as many rounds as it takes: in each the loaders collect what the rows need, and
// then it is read at once.
func (l *loader) resolve(ctx context.Context, lv *level, asked []asking) error {
	waiting := 0
	for i := range asked {
		one := &asked[i]
		if one.field.kind.resolve == nil {
			for n, row := range lv.rows {
				one.values[n] = one.field.kind.value(row)
			}
			continue
		}
		for n := range lv.rows {
			if err := l.ask(one, lv.rows, n); err != nil {
				return err
			}
		}
		waiting += len(one.waiting)
	}
	for waiting > 0 {
		if !l.fetch(ctx) {
			return errStuck
		}
		waiting = 0
		for i := range asked {
			one := &asked[i]
			again := one.waiting
			one.waiting = again[:0]
			for _, n := range again {
				if err := l.ask(one, lv.rows, n); err != nil {
					return err
				}
			}
			waiting += len(one.waiting)
		}
	}
	return nil
}

// asks is the context of a field: its own where a resolver is asked.
func (lv *level) asks(ctx context.Context, f *field) context.Context {
	if f.kind.resolve == nil {
		return ctx
	}
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: lv.of.of.name, Field: f.collected, IsResolver: true})
}

// ask asks the resolver for one row, which may have to wait.
func (l *loader) ask(one *asking, rows []any, n int) error {
	value, err := one.field.kind.resolve(one.ctx, l.resolvers, rows[n], one.field.args)
	switch err {
	case nil:
		one.values[n] = value
	case ErrPending: //nolint:errorlint // it is never wrapped, and this is asked for every row
		one.waiting = append(one.waiting, n)
	default:
		return err
	}
	return nil
}

// objects lays the objects of all rows one after the other, and reads what is below them.
func (l *loader) objects(ctx context.Context, f *field, values []any, into *relation) error {
	into.counts = make([]int32, len(values))
	rows := make([]any, 0, len(values))
	for i, value := range values {
		switch {
		case value == nil && f.kind.nonNull:
			return errNull
		case value == nil:
			into.counts[i] = null
		case f.kind.list:
			before := len(rows)
			rows = f.kind.of.spread(value, rows)
			into.counts[i] = int32(len(rows) - before)
		default:
			into.counts[i] = 1
			rows = append(rows, value)
		}
	}
	var err error
	if f.variants == nil {
		into.rows, err = l.level(ctx, f.selected, rows)
		return err
	}
	into.mixed, err = l.mixed(ctx, f, rows)
	return err
}

// mixed reads objects of an interface or union, each type's together.
func (l *loader) mixed(ctx context.Context, f *field, rows []any) ([]*level, error) {
	types := make([]*objectType, len(rows))
	byType := map[*objectType][]any{}
	var order []*objectType
	for i, row := range rows {
		of, pointer := f.kind.of.concrete(row)
		if of == nil {
			return nil, unplannable("a value of no known type")
		}
		if _, seen := byType[of]; !seen {
			order = append(order, of)
		}
		types[i], byType[of] = of, append(byType[of], pointer)
	}
	levels := map[*objectType]*level{}
	for _, of := range order {
		selected, err := l.on(f, of)
		if err != nil {
			return nil, err
		}
		if levels[of], err = l.level(ctx, selected, byType[of]); err != nil {
			return nil, err
		}
	}
	mixed := make([]*level, len(rows))
	for i, of := range types {
		mixed[i] = levels[of]
	}
	return mixed, nil
}
