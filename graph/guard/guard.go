package guard

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Guard is a gqlgen extension that refuses an operation over a limit after validation and before execution, and reports
// the cost of the others in extensions.cost. It is immutable and safe for concurrent use.
type Guard struct {
	cfg Config
}

var (
	_ graphql.HandlerExtension        = (*Guard)(nil)
	_ graphql.OperationContextMutator = (*Guard)(nil)
	_ graphql.ResponseInterceptor     = (*Guard)(nil)
)

// New makes a guard; zero fields of cfg take their defaults.
func New(cfg Config) *Guard { return &Guard{cfg: cfg.withDefaults()} }

// Config returns the limits in force, defaults filled in.
func (g *Guard) Config() Config { return g.cfg }

const extensionName = "Guard"

// ExtensionName names the guard in gqlgen's statistics.
func (g *Guard) ExtensionName() string { return extensionName }

// Validate accepts every schema.
func (g *Guard) Validate(graphql.ExecutableSchema) error { return nil }

// Cost is extensions.cost of an answer.
type Cost struct {
	// RequestedQueryCost is the cost computed before execution, page sizes multiplied through.
	RequestedQueryCost int `json:"requestedQueryCost"`
	// Maximum is the most one operation may cost.
	Maximum int `json:"maximum"`
	// ThrottleStatus is what a rate limiter adds about the client's budget, if there is one.
	ThrottleStatus any `json:"throttleStatus,omitempty"`
}

// CostOf returns the cost of the operation in ctx, nil before the guard has measured it. A rate limiter reads it, and
// may set ThrottleStatus before the answer is written.
func CostOf(ctx context.Context) *Cost {
	if !graphql.HasOperationContext(ctx) {
		return nil
	}
	cost, _ := graphql.GetOperationContext(ctx).Stats.GetExtension(extensionName).(*Cost)
	return cost
}

// Measure returns the figures of op, one of doc's operations, with the variables it will be executed with. doc must be
// validated for the cost to see page sizes; the other figures are right for any document that parses.
func (g *Guard) Measure(doc *ast.QueryDocument, op *ast.OperationDefinition, variables map[string]any) Figures {
	return newMeasurer(g.cfg, doc, variables).operation(op)
}

// MutateOperationContext measures the operation. Over a limit it returns TOO_COMPLEX; introspection that is switched
// off is FORBIDDEN, and on it is switched on in the executor too; a number literal too large for any number type INVALID.
func (g *Guard) MutateOperationContext(_ context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	m := newMeasurer(g.cfg, opCtx.Doc, opCtx.Variables)
	figures := m.operation(opCtx.Operation)
	opCtx.Stats.SetExtension(extensionName, &Cost{RequestedQueryCost: figures.Cost, Maximum: g.cfg.Cost})

	if figures.IntrospectionFields > 0 && !g.cfg.Introspection {
		return coded("FORBIDDEN", "introspection is switched off on this server", nil)
	}
	opCtx.DisableIntrospection = !g.cfg.Introspection
	if m.cycle != "" {
		return coded("GRAPHQL_VALIDATION_FAILED", "a fragment of this document spreads itself", m.fragments[m.cycle].Position)
	}
	if m.number != nil {
		return coded("INVALID", "a number in this document is too large; send a string if the argument is a Decimal", m.number.Position)
	}
	if err := g.cfg.check(figures); err != nil {
		return err.GraphQL()
	}
	return nil
}

// InterceptResponse adds extensions.cost to the answer of a query or mutation, refused or not. Events of a subscription
// carry none: the cost is that of subscribing.
func (g *Guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	cost := CostOf(ctx)
	if cost == nil || graphql.GetExtension(ctx, "cost") != nil {
		return next(ctx)
	}
	if op := graphql.GetOperationContext(ctx).Operation; op == nil || op.Operation != ast.Subscription {
		graphql.RegisterExtension(ctx, "cost", cost)
	}
	return next(ctx)
}
