package plan

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"

	"github.com/partnergraph/partnergraph/graph"
)

// Extension answers what lies below the fields of Query and Mutation. Make it with New.
type Extension struct {
	resolvers graph.ResolverRoot
	rounds    func(ctx context.Context) Rounds
	walked    func(ctx context.Context, field string, why error)
	beside    func(ctx context.Context, field string, answer []byte)
	types     map[string]*objectType
	kept      kept
}

var (
	_ graphql.HandlerExtension = (*Extension)(nil)
	_ graphql.FieldInterceptor = (*Extension)(nil)
)

// New makes the extension for the resolvers. rounds begins the collecting of one root field. walked is told of every root
// field that the ordinary executor has to walk after all, and why; a Panic is a defect of this package or of a resolver.
// It may be nil.
func New(resolvers graph.ResolverRoot, rounds func(ctx context.Context) Rounds, walked func(ctx context.Context, field string, why error)) *Extension {
	if walked == nil {
		walked = func(context.Context, string, error) {}
	}
	return &Extension{resolvers: resolvers, rounds: rounds, walked: walked, types: tables(), kept: newKept()}
}

// Beside gives every answer to told, and lets the ordinary executor answer from the same value after all, so that a test can hold one
// against the other.
func (e *Extension) Beside(told func(ctx context.Context, field string, answer []byte)) *Extension {
	e.beside = told
	return e
}

// ExtensionName names it for gqlgen.
func (*Extension) ExtensionName() string { return "Plan" }

// Validate accepts every schema: a field that the tables do not have is walked.
func (*Extension) Validate(graphql.ExecutableSchema) error { return nil }

// Panic is the error of a plan that panicked.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("plan: panic: %v", p.Value) }

// InterceptField puts the answer of a planned field in the place of the value, which gqlgen then writes as it is.
func (e *Extension) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Object != "Query" && fc.Object != "Mutation" {
		return next(ctx)
	}
	value, err := next(ctx)
	if err != nil || value == nil || fc.Field.Definition == nil {
		return value, err
	}
	of, known := e.types[fc.Field.Definition.Type.Name()]
	if !known {
		return value, nil
	}
	answer, why := e.answer(ctx, fc, of, value)
	if why != nil {
		e.walked(ctx, fc.Field.Name, why)
		return value, nil
	}
	if e.beside != nil {
		e.beside(ctx, fc.Field.Name, answer)
		return value, nil
	}
	return answer, nil
}

// written is an answer, ready to be sent.
type written []byte

// MarshalGQL writes it.
func (w written) MarshalGQL(to io.Writer) { _, _ = to.Write(w) }

var _ graphql.Marshaler = written(nil)

func (e *Extension) answer(ctx context.Context, fc *graphql.FieldContext, of *objectType, value any) (answer written, why error) {
	defer func() {
		if v := recover(); v != nil {
			answer, why = nil, &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	root := &field{
		kind:      &fieldType{of: of, list: fc.Field.Definition.Type.Elem != nil, nonNull: fc.Field.Definition.Type.NonNull},
		collected: fc.Field,
	}
	l := &loader{compiler: compiler{graphql.GetOperationContext(ctx)}, resolvers: e.resolvers}
	if of.concrete != nil {
		root.variants = map[*objectType]*object{}
	} else if root.selected, why = e.kept.object(l.compiler, of, fc.Field); why != nil {
		return nil, why
	}
	if len(fc.Field.Deferrables) > 0 {
		return nil, unplannable("@defer")
	}
	if !root.kind.list && of.concrete == nil {
		if value = of.pointer(value); value == nil {
			return nil, unplannable("null")
		}
	}
	if root.variants != nil || root.selected.loads {
		rounds := e.rounds(ctx)
		ctx, l.fetch = rounds.Context, rounds.Fetch
	}
	var loaded relation
	if why := l.objects(ctx, root, []any{value}, &loaded); why != nil {
		return nil, why
	}
	b := &buffer{bytes: make([]byte, 0, sizeOf(&loaded))}
	if !b.relation(root, &loaded, 0) {
		return nil, errNull
	}
	return b.bytes, nil
}

// sizeOf guesses how long the answer will be, so that it is not copied often.
func sizeOf(r *relation) int {
	size := 256
	if r.rows != nil {
		size += len(r.rows.rows) * 64 * len(r.rows.of.fields)
		for i := range r.rows.loaded {
			size += sizeOf(&r.rows.loaded[i])
		}
	}
	return size
}
