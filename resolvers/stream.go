package resolvers

import (
	"context"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// stream is where a subscription leaves word of why it ended: the channel of its values cannot carry it.
type stream struct{ ended func() error }

type streamKey struct{}

// WithStream prepares the context of a subscription.
func (r *Resolver) WithStream(ctx context.Context) context.Context {
	return context.WithValue(ctx, streamKey{}, &stream{})
}

// StreamError returns why the subscription of this context ended by itself, once; nil when it did not, or for no reason that
// its client should know. Ask it when the stream is over and the context is not.
func (r *Resolver) StreamError(ctx context.Context) *gqlerror.Error {
	over, ok := ctx.Value(streamKey{}).(*stream)
	if !ok || over.ended == nil {
		return nil
	}
	err := over.ended()
	over.ended = nil
	if err == nil {
		return nil
	}
	return r.Present(ctx, err)
}

// streamEndsWith has StreamError answer with err, which is called once the channel of the values is closed.
func streamEndsWith(ctx context.Context, err func() error) {
	if over, ok := ctx.Value(streamKey{}).(*stream); ok {
		over.ended = err
	}
}
