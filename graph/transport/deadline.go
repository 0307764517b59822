package transport

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// errDeadline is the cause of the context of an operation that ran too long; it tells our deadline from the client's.
var errDeadline = errors.New("operation deadline")

func deadlineError() *gqlerror.Error {
	return newError(codeUnavailable, "operation deadline: the operation took too long and was stopped")
}

// deadline ends the context of a query or mutation after limit. Resolvers that heed their context stop; what they then
// return is presented as UNAVAILABLE.
type deadline struct{ limit time.Duration }

var (
	_ graphql.HandlerExtension     = deadline{}
	_ graphql.OperationInterceptor = deadline{}
)

func (deadline) ExtensionName() string                   { return "OperationDeadline" }
func (deadline) Validate(graphql.ExecutableSchema) error { return nil }

func (d deadline) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		return next(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.limit, errDeadline)
	handler := next(ctx)
	answered := false
	return func(ctx context.Context) *graphql.Response {
		resp := handler(ctx)
		if resp == nil && !answered && errors.Is(context.Cause(ctx), errDeadline) {
			resp = &graphql.Response{Errors: gqlerror.List{deadlineError()}}
		}
		answered = true
		// Only a deferred answer goes on; everything else is complete, and its timer can go.
		if resp == nil || resp.HasNext == nil || !*resp.HasNext {
			cancel()
		}
		return resp
	}
}

// bounded is the outermost look at every answer: its errors within number and length.
type bounded struct{}

var (
	_ graphql.HandlerExtension    = bounded{}
	_ graphql.ResponseInterceptor = bounded{}
)

func (bounded) ExtensionName() string                   { return "BoundedErrors" }
func (bounded) Validate(graphql.ExecutableSchema) error { return nil }

func (bounded) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp != nil {
		resp.Errors = bound(resp.Errors)
	}
	return resp
}
