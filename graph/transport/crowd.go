package transport

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// crowdPatience is how long an operation waits for its turn before it is refused.
const crowdPatience = 100 * time.Millisecond

// Crowd executes so many queries and mutations at once. What comes beyond waits a moment and is then refused, so that whoever
// was let in is answered soon, however many there are. Subscriptions last and have limits of their own. It is one server's, from NewCrowd.
type Crowd struct {
	places  chan struct{}
	waiting atomic.Int64
}

// NewCrowd lets n in at once; with zero it is nil, which lets everybody in.
func NewCrowd(n int) *Crowd {
	if n == 0 {
		return nil
	}
	return &Crowd{places: make(chan struct{}, n)}
}

// Wrap refuses what would only join a line that is as long as the crowd already, before anything is spent on it: wrap what authenticates
// callers in it. Streams pass.
func (c *Crowd) Wrap(next http.Handler) http.Handler {
	if c == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.waiting.Load() < int64(cap(c.places)) || r.Header.Get("Upgrade") != "" || (sse{}).Supports(r) {
			next.ServeHTTP(w, r)
			return
		}
		media := negotiate(r, mediaJSON, mediaResponse)
		if media == "" {
			media = mediaJSON
		}
		w.Header().Set("Retry-After", "1")
		writeRefusal(w, media, &refusal{status: http.StatusTooManyRequests, err: c.tooMany()})
	})
}

func (c *Crowd) tooMany() *gqlerror.Error {
	err := newError("RATE_LIMITED", "too many requests are being answered; wait and try again")
	err.Extensions["retryAfter"] = 1
	err.Extensions["details"] = map[string]any{"limit": "inFlight", "allowed": cap(c.places), "retryAfter": 1}
	return err
}

// crowd is a Crowd as the server's extension.
type crowd struct{ *Crowd }

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
		return &graphql.Response{Errors: gqlerror.List{c.tooMany()}}
	}
	defer func() { <-c.places }()
	return next(ctx)
}

// enter takes a place within crowdPatience, while the caller is there.
func (c *Crowd) enter(ctx context.Context) bool {
	select {
	case c.places <- struct{}{}:
		return true
	default:
	}
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
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
