package testschema

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/shopspring/decimal"
)

// Secret is part of the text of the error that Query.fail returns; no answer may hold it.
const Secret = "SELECT password FROM users"

// Root resolves the schema.
type Root struct {
	// Bumps counts the calls of Mutation.bump.
	Bumps atomic.Int32
	// Gone counts the streams of Subscription.forever whose client has left.
	Gone atomic.Int32
}

var _ ResolverRoot = (*Root)(nil)

// Query resolves the fields of Query.
func (r *Root) Query() QueryResolver { return query{} }

// Mutation resolves the fields of Mutation.
func (r *Root) Mutation() MutationResolver { return mutation{r} }

// Subscription resolves the fields of Subscription.
func (r *Root) Subscription() SubscriptionResolver { return subscription{r} }

type query struct{}

func (query) Hello(context.Context) (string, error) { return "hello <world>", nil }

func (query) Echo(_ context.Context, amount decimal.Decimal) (decimal.Decimal, error) {
	return amount, nil
}

func (query) Items(_ context.Context, first *int) (ItemConnection, error) {
	var c ItemConnection
	for i := range *first {
		c.Nodes = append(c.Nodes, &Item{ID: strconv.Itoa(i), Name: "item"})
	}
	return c, nil
}

// Slow waits until the operation ends.
func (query) Slow(ctx context.Context) (*string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (query) Fail(context.Context) (*string, error) { return nil, errors.New(Secret) }

func (query) Panic(context.Context) (*string, error) { panic(Secret) }

func (query) RequiredFail(context.Context) (string, error) { return "", errors.New(Secret) }

func (query) Shade(_ context.Context, of Shade) (Shade, error) { return of, nil }

type mutation struct{ root *Root }

func (m mutation) Bump(context.Context) (int, error) { return int(m.root.Bumps.Add(1)), nil }

type subscription struct{ root *Root }

func (subscription) Ticks(ctx context.Context, count int) (<-chan int, error) {
	ch := make(chan int)
	go func() {
		defer close(ch)
		for i := range count {
			select {
			case ch <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ch, nil
}

func (s subscription) Forever(ctx context.Context) (<-chan int, error) {
	ch := make(chan int, 1)
	ch <- 1
	go func() {
		<-ctx.Done()
		s.root.Gone.Add(1)
		close(ch)
	}()
	return ch, nil
}
