package store

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Together runs functions that do not wait for each other, and sends what they Read of one database to PostgreSQL together: each runs until it
// reads or is done, one after the other, then their statements make one round trip, and so on until all are done. Where nothing is prepared, as on SQLite,
// and in transactions, a read does not wait for others. Each statement has its own error: when one of them fails, each is sent again by itself. A panic
// of a function is raised once all others are done.
func Together(ctx context.Context, functions ...func(ctx context.Context)) {
	if len(functions) == 1 {
		functions[0](ctx)
		return
	}
	g := &gathering{ctx: ctx, told: make(chan news), over: make(chan struct{}), running: len(functions), finished: make([]bool, len(functions))}
	defer close(g.over)
	for i, run := range functions {
		go g.run(i, run)
		g.await(i)
	}
	for g.running > 0 || len(g.waiting) > 0 {
		if len(g.waiting) == 0 {
			g.hear()
			continue
		}
		waiting := g.waiting
		g.waiting = nil
		slices.SortStableFunc(waiting, func(a, b *waitingRead) int { return a.of - b.of })
		send(ctx, waiting)
		for i, one := range waiting {
			close(one.done)
			if i+1 == len(waiting) || waiting[i+1].of != one.of {
				g.await(one.of)
			}
		}
	}
	if g.panicked != nil {
		panic(g.panicked)
	}
}

// gathering is one call of Together. Its fields are those of the goroutine that called.
type gathering struct {
	ctx      context.Context //nolint:containedctx // that of the call, to compare with
	told     chan news
	over     chan struct{} // closed once all are done: who reads later reads alone
	waiting  []*waitingRead
	running  int
	finished []bool
	panicked error
}

// news of one function: it waits for a read, or is done.
type news struct {
	of       int
	read     *waitingRead
	panicked error
}

// waitingRead is a statement that waits to be sent.
type waitingRead struct {
	*read

	of   int
	on   *DB
	err  error
	done chan struct{}
}

type gatheringKey struct{}

// member is one function's place in a gathering.
type member struct {
	*gathering

	of int
}

func (g *gathering) run(i int, function func(ctx context.Context)) {
	end := news{of: i}
	defer func() { g.told <- end }()
	defer func() {
		if p := recover(); p != nil {
			end.panicked = fmt.Errorf("store: a panic: %v\n%s", p, debug.Stack())
		}
	}()
	function(context.WithValue(g.ctx, gatheringKey{}, member{g, i}))
}

// await listens until a function waits or is done. One that reads in several goroutines may have been heard already.
func (g *gathering) await(i int) {
	for !g.finished[i] && !slices.ContainsFunc(g.waiting, func(one *waitingRead) bool { return one.of == i }) && g.hear() != i {
	}
}

// hear listens to one function, and says to which.
func (g *gathering) hear() int {
	heard := <-g.told
	if heard.read != nil {
		g.waiting = append(g.waiting, heard.read)
		return heard.of
	}
	g.running--
	g.finished[heard.of] = true
	if g.panicked == nil {
		g.panicked = heard.panicked
	}
	return heard.of
}

// gathered has a statement sent with those of others, if its context is one of Together's.
func (db *DB) gathered(ctx context.Context, one *read) (err error, sent bool) { //nolint:revive // the error is the statement's
	with, ok := ctx.Value(gatheringKey{}).(member)
	// Who has less time than the others does not wait for them.
	if !ok || ctx.Done() != with.ctx.Done() {
		return nil, false
	}
	waiting := &waitingRead{read: one, of: with.of, on: db, done: make(chan struct{})}
	select {
	case with.told <- news{of: with.of, read: waiting}:
		<-waiting.done
		return waiting.err, true
	case <-with.over:
		return nil, false
	}
}

// send sends statements, those of the first one's database together.
func send(ctx context.Context, waiting []*waitingRead) {
	on := waiting[0].on
	var reads []*read
	for _, one := range waiting {
		if one.on == on {
			reads = append(reads, one.read)
		}
	}
	err := on.alone(ctx, func(conn *pgx.Conn) error { return readAll(ctx, conn, reads) })
	for _, one := range waiting {
		switch {
		case one.on == on && (err == nil || len(reads) == 1):
			one.err = err
		default:
			one.err = one.on.alone(ctx, func(conn *pgx.Conn) error { return readAll(ctx, conn, []*read{one.read}) })
		}
	}
}
