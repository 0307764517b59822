package resolvers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vikstrous/dataloadgen"

	"github.com/partnergraph/partnergraph/graph/plan"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

const (
	// loaderWait is how long the first call of a level waits for the others. A level of a list starts all its calls at once.
	loaderWait = 300 * time.Microsecond
	// loaderBatch is how many keys one call of a room takes at most.
	loaderBatch = 1000
)

// errNotFound is what a loader returns for a key that its room has nothing for.
var errNotFound = dataloadgen.ErrNotFound

// refusals are the errors of single keys of a call.
type refusals[K comparable] = dataloadgen.MappedFetchError[K]

// batch is what loaders have read and are asked for: by all fields of one operation, which then wait for each other, or by one
// plan, which says itself when everybody has asked.
type batch struct {
	set  *loaders
	who  models.Principal
	wait time.Duration
	// alone says that the operation has one root field: what that one asks for need not wait for anybody.
	alone bool
	// shown are the fields of the operation, if it only reads.
	shown *store.Shown
	// planned says that a plan asks, all by itself.
	planned bool

	mu      sync.Mutex // of slots, unless planned
	slots   []any      // by loader
	waiting []func(ctx context.Context)
}

type batchKey struct{}

func batchOf(ctx context.Context) *batch {
	found, _ := ctx.Value(batchKey{}).(*batch)
	return found
}

func loadersOf(ctx context.Context) *loaders {
	if found := batchOf(ctx); found != nil {
		return found.set
	}
	return nil
}

// WithLoaders puts a fresh batch on the context of one operation.
func (r *Resolver) WithLoaders(ctx context.Context) context.Context {
	one := r.newBatch(r.Who(ctx))
	if graphql.HasOperationContext(ctx) {
		if operation := graphql.GetOperationContext(ctx).Operation; operation != nil {
			if len(operation.SelectionSet) == 1 {
				_, one.alone = operation.SelectionSet[0].(*ast.Field)
			}
			if operation.Operation == ast.Query && !r.Whole {
				one.shown = shownBy(operation.SelectionSet)
			}
		}
	}
	return context.WithValue(ctx, batchKey{}, one)
}

func (r *Resolver) newBatch(who models.Principal) *batch {
	r.loadersOnce.Do(func() { r.loaders = r.newLoaders() })
	one := &batch{set: r.loaders, who: who, wait: r.LoaderWait}
	if one.wait == 0 {
		one.wait = loaderWait
	}
	return one
}

// Rounds begins the collecting of one plan. What it reads is its own: a plan asks for a whole level at once, so that there is
// nobody to wait for.
func (r *Resolver) Rounds(ctx context.Context) plan.Rounds {
	around := batchOf(ctx)
	if around == nil {
		around = &batch{who: r.Who(ctx)}
	}
	one := r.newBatch(around.who)
	one.shown, one.planned = around.shown, true
	return plan.Rounds{Context: context.WithValue(ctx, batchKey{}, one), Fetch: one.fetch}
}

// fetch reads what was asked for since it was called last, together what does not wait for each other.
func (b *batch) fetch(ctx context.Context) bool {
	waiting := b.waiting
	b.waiting = nil
	store.Together(ctx, waiting...)
	return len(waiting) > 0
}

// fetch is a call of a room: what is missing from its answer is absent or invisible.
type fetch[K comparable, V any] func(ctx context.Context, who models.Principal, keys []K) (map[K]V, error)

// slots numbers loaders.
type slots int

// loader joins the calls for single keys.
type loader[K comparable, V any] struct {
	slot  int
	fetch fetch[K, V]
}

func newLoader[K comparable, V any](n *slots, from fetch[K, V]) *loader[K, V] {
	*n++
	return &loader[K, V]{slot: int(*n) - 1, fetch: from}
}

// Load returns the value of a key, or errNotFound; in a plan plan.ErrPending until it has been fetched.
func (l *loader[K, V]) Load(ctx context.Context, key K) (V, error) {
	asked := batchOf(ctx)
	switch {
	case asked.planned:
		return l.collect(asked, key)
	case asked.alone && enclosedByNothing(ctx):
		return l.one(ctx, asked.who, key)
	}
	return l.joined(asked).Load(ctx, key)
}

// enclosedByNothing says whether a field of Query asks that returns one object.
func enclosedByNothing(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Object == "Query" && fc.Field.Field != nil && fc.Field.Definition != nil && fc.Field.Definition.Type.Elem == nil
}

func (l *loader[K, V]) one(ctx context.Context, who models.Principal, key K) (V, error) {
	found, err := l.fetch(ctx, who, []K{key})
	got := resultOf(key, found, err)
	return got.value, got.err
}

// joined returns the operation's loader, whose calls wait for each other.
func (l *loader[K, V]) joined(in *batch) *dataloadgen.Loader[K, V] {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.slots = slices.Grow(in.slots, max(l.slot+1-len(in.slots), 0))
	for len(in.slots) <= l.slot {
		in.slots = append(in.slots, nil)
	}
	if in.slots[l.slot] == nil {
		in.slots[l.slot] = dataloadgen.NewMappedLoader(func(ctx context.Context, keys []K) (map[K]V, error) {
			return l.fetch(ctx, in.who, keys)
		}, dataloadgen.WithWait(in.wait), dataloadgen.WithBatchCapacity(loaderBatch))
	}
	return in.slots[l.slot].(*dataloadgen.Loader[K, V]) //nolint:forcetypeassert // the slot is this loader's
}

// collected is what a plan knows of one loader's keys, and still wants to know.
type collected[K comparable, V any] struct {
	known  map[K]result[V]
	wanted []K
}

type result[V any] struct {
	value V
	err   error
}

func (l *loader[K, V]) collect(in *batch, key K) (V, error) {
	for len(in.slots) <= l.slot {
		in.slots = append(in.slots, nil)
	}
	here, ok := in.slots[l.slot].(*collected[K, V])
	if !ok {
		here = &collected[K, V]{known: map[K]result[V]{}}
		in.slots[l.slot] = here
	}
	known, ok := here.known[key]
	if ok {
		return known.value, known.err
	}
	if len(here.wanted) == 0 {
		in.waiting = append(in.waiting, func(ctx context.Context) { l.read(ctx, in.who, here) })
	}
	here.wanted = append(here.wanted, key)
	known.err = plan.ErrPending
	here.known[key] = known
	return known.value, known.err
}

// read fetches everything that is wanted.
func (l *loader[K, V]) read(ctx context.Context, who models.Principal, into *collected[K, V]) {
	for keys := range slices.Chunk(into.wanted, loaderBatch) {
		found, err := l.fetch(ctx, who, keys)
		for _, key := range keys {
			into.known[key] = resultOf(key, found, err)
		}
	}
	into.wanted = nil
}

// resultOf is what a call's answer means for one of its keys, to whom an error of its own is more than that of others.
func resultOf[K comparable, V any](key K, found map[K]V, err error) result[V] {
	if err != nil {
		single, ok := errors.AsType[refusals[K]](err)
		if !ok {
			return result[V]{err: err}
		}
		if own := single[key]; own != nil {
			return result[V]{err: own}
		}
	}
	if value, ok := found[key]; ok {
		return result[V]{value: value}
	}
	return result[V]{err: errNotFound}
}
