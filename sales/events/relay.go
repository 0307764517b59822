package events

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

const defaultLease = time.Minute

// Handler acts on one event. It may see an event more than once, and events out of their order, so it must be idempotent.
// When it returns an error the event comes again later.
type Handler func(ctx context.Context, event models.Event) error

// Relay delivers the outbox rows of one consumer to its handler, at least once. Several replicas may run the same
// consumer: a row is leased by one of them at a time. Its fields are set before use; it is then safe for concurrent use.
type Relay struct {
	DB       *store.DB
	Consumer string // as Recorder.Consumers names it
	Handle   Handler
	Now      func() time.Time
	Logger   *slog.Logger
	// Poll is how long Run waits when nothing is due and nobody nudges; zero means one second.
	Poll time.Duration
	// Lease is how long claimed rows are out of others' reach, and the time that a batch has; zero means one minute.
	Lease time.Duration
	// Batch is how many rows are claimed at once; zero means 16.
	Batch int
	// MaxBackoff bounds the wait after a failure, which starts at a second and doubles; zero means ten minutes.
	MaxBackoff time.Duration

	once  sync.Once
	nudge chan struct{}
}

// Nudge wakes Run up, for the moment after a commit that recorded an event. It never blocks.
func (r *Relay) Nudge() {
	select {
	case r.signal() <- struct{}{}:
	default: // a nudge is waiting already
	}
}

// Run delivers until the context ends and returns its cause. A database that is away for a while only delays it.
func (r *Relay) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		case <-r.signal():
		}
		more, err := r.Deliver(ctx)
		if err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "outbox not read", "consumer", r.Consumer, "error", err)
		}
		wait := or(r.Poll, time.Second)
		if more && err == nil {
			wait = 0
		}
		timer.Reset(wait)
	}
}

// Deliver claims one batch of what is due, hands it over in the order of the events, and reports whether more may be due.
// Rows of the batch that the context's end leaves untouched are given back.
func (r *Relay) Deliver(ctx context.Context) (more bool, err error) {
	size := or(r.Batch, 16)
	claimed, err := r.claim(ctx, size)
	if err != nil || len(claimed) == 0 {
		return false, err
	}
	// Beyond its lease a row may be in another replica's hands.
	within, cancel := context.WithTimeout(ctx, or(r.Lease, defaultLease))
	defer cancel()
	// What has been done must be noted even when the caller is gone.
	noting := context.WithoutCancel(ctx)
	for i, d := range claimed {
		if within.Err() != nil {
			return false, r.giveBack(noting, claimed[i:])
		}
		failure := r.hand(within, d.event)
		if failure == nil {
			err = deleteDelivered(noting, r.DB, d.row)
		} else {
			err = r.postpone(noting, d.row, failure)
		}
		if err != nil {
			return false, err
		}
	}
	return len(claimed) == size, nil
}

// delivery is a claimed row with its event.
type delivery struct {
	row   models.OutboxRow
	event models.Event
}

// hand calls the handler; its panic is a failure like any other, for the sake of the events behind it.
func (r *Relay) hand(ctx context.Context, event models.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.Logger.ErrorContext(ctx, "event handler panicked", "consumer", r.Consumer, "event_id", event.ID, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	return r.Handle(ctx, event)
}

func (r *Relay) postpone(ctx context.Context, row models.OutboxRow, failure error) error {
	r.Logger.WarnContext(ctx, "event not delivered",
		"consumer", r.Consumer, "event_id", row.EventID, "attempts", row.Attempts, "error", failure)
	row.DueAt = r.Now().UTC().Add(r.backoff(row.Attempts))
	row.LastError = models.Describe(failure)
	return updatePostponed(ctx, r.DB, row)
}

// backoff is a second after the first attempt, and twice as long after each further one.
func (r *Relay) backoff(attempts int) time.Duration {
	longest := or(r.MaxBackoff, 10*time.Minute)
	wait := time.Second << min(max(attempts-1, 0), 20)
	return min(wait, longest)
}

func (r *Relay) signal() chan struct{} {
	r.once.Do(func() { r.nudge = make(chan struct{}, 1) })
	return r.nudge
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
