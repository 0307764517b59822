package transport

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// crowdPatience is how long an operation waits for its turn before it is refused.
const crowdPatience = 250 * time.Millisecond

// crowd executes so many queries and mutations at once. What comes beyond waits a moment and is then refused, so that whoever
// was let in is answered soon, however many there are. Subscriptions last and have limits of their own.
type crowd struct{ places chan struct{} }

var (
	_ graphql.HandlerExtension    = crowd{}
	_ graphql.ResponseInterceptor = crowd{}
)

func (crowd) ExtensionName() string                   { return "Crowd" }
func (crowd) Validate(graphql.ExecutableSchema) error { return nil }

func (c crowd) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		return next(ctx)
	}
	if !c.enter(ctx) {
		err := newError("RATE_LIMITED", "too many requests are being answered; wait and try again")
		err.Extensions["retryAfter"] = 1
		err.Extensions["details"] = map[string]any{"limit": "inFlight", "allowed": cap(c.places), "retryAfter": 1}
		return &graphql.Response{Errors: gqlerror.List{err}}
	}
	defer func() { <-c.places }()
	return next(ctx)
}

// enter takes a place within crowdPatience, while the caller is there.
func (c crowd) enter(ctx context.Context) bool {
	select {
	case c.places <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(crowdPatience)
	defer timer.Stop()
	select {
	case c.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
