package orders

import (
	"cmp"
	"context"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// Why a watch ends or cannot begin, besides the refusals of reading.
var (
	ErrWatchCredential = models.Unauthenticated("This credential is no longer valid, so nothing more is sent: sign in again, or send another key.")
	ErrWatchHidden     = &models.Error{Code: models.CodeNotFound, Message: "This order may no longer be seen."}
	ErrWatchOver       = &models.Error{Code: models.CodeUnavailable, Message: "This server is going down; subscribe again."}
)

const (
	// changesChannel is where replicas tell each other of changed orders, by id.
	changesChannel = "orders"
	// defaultLookEvery is how often a watch looks without having been told to: messages may be lost.
	defaultLookEvery = 15 * time.Second
	// watchPace is the shortest time between two answers of one watch.
	watchPace = 100 * time.Millisecond
	// watchPatience bounds one look.
	watchPatience = 10 * time.Second
	// MaxWatches is how many orders one credential may watch at once at one replica.
	MaxWatches = 100
)

// Bus tells all replicas.
type Bus interface {
	Publish(ctx context.Context, channel string, payload []byte) error
	Subscribe(ctx context.Context, channel string) (<-chan []byte, error)
}

// Watching is an order under watch.
type Watching struct {
	id    models.ID
	actor string
	still func(ctx context.Context) (models.Principal, error)

	wake   chan struct{} // something may have changed
	orders chan models.Order
	err    error
}

// Orders gives the order as it is now and then each time it has changed; of changes in quick succession, and for a reader that is slow,
// only the newest. It is closed when the watch is over.
func (w *Watching) Orders() <-chan models.Order { return w.orders }

// Err says why the watch is over, once Orders is closed: ErrWatchCredential, ErrWatchHidden, ErrWatchOver, FORBIDDEN, or nil when its
// context ended.
func (w *Watching) Err() error { return w.err }

// Watch begins to watch an order until ctx ends. It needs ORDERS_READ; an order that may not be seen is NOT_FOUND. Before every answer
// still says who the caller is by then, and whether that one may see the order is asked again: when not, the watch ends. RATE_LIMITED beyond
// MaxWatches.
func (s *Service) Watch(ctx context.Context, who models.Principal, id models.ID, still func(ctx context.Context) (models.Principal, error)) (*Watching, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	if err := id.Require(models.PrefixOrder, "orderId"); err != nil {
		return nil, err
	}
	w := &Watching{id: id, actor: who.ActorID(), still: still, wake: make(chan struct{}, 1), orders: make(chan models.Order)}
	// It listens before it looks, so that no change falls between the two.
	if err := s.watches.join(w); err != nil {
		return nil, err
	}
	first, err := s.see(ctx, who, id, ErrUnknown)
	if err != nil {
		s.watches.leave(w)
		return nil, err
	}
	go s.follow(ctx, w, first)
	return w, nil
}

// follow sends the order until the watch is over.
func (s *Service) follow(ctx context.Context, w *Watching, next models.Order) {
	defer close(w.orders)
	defer s.watches.leave(w)
	// Not all at the same moment, where many began together.
	every := cmp.Or(s.LookEvery, defaultLookEvery)
	poll := time.NewTicker(every - time.Duration(rand.Int64N(int64(every/5))))
	defer poll.Stop()
	out, last := w.orders, next
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.watches.ending():
			w.err = ErrWatchOver
			return
		case out <- next:
			out, last = nil, next
			if !pause(ctx, watchPace) {
				return
			}
			continue
		case <-w.wake:
		case <-poll.C:
		}
		newest, err := s.look(ctx, w)
		switch models.CodeOf(err) {
		case "":
		case models.CodeUnauthenticated, models.CodeForbidden, models.CodeNotFound:
			w.err = err
			return
		default:
			// Nobody can tell now, so nothing is sent; the next look may.
			out = nil
			continue
		}
		if !reflect.DeepEqual(newest, last) {
			out, next = w.orders, newest
		}
	}
}

// look asks who the caller is by now, and reads the order for that one.
func (s *Service) look(ctx context.Context, w *Watching) (models.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	who, err := w.still(ctx)
	if models.CodeOf(err) == models.CodeUnauthenticated || err == nil && who.IsAnonymous() {
		return models.Order{}, ErrWatchCredential
	}
	if err != nil {
		return models.Order{}, err
	}
	return s.see(ctx, who, w.id, ErrWatchHidden)
}

func (s *Service) see(ctx context.Context, who models.Principal, id models.ID, hidden error) (models.Order, error) {
	found, err := s.ByIDs(ctx, who, []models.ID{id})
	if err != nil {
		return models.Order{}, err
	}
	order, seen := found[id]
	if !seen {
		return models.Order{}, hidden
	}
	return order, nil
}

// announce tells all replicas of a changed order once the transaction has committed.
func (s *Service) announce(ctx context.Context, id models.ID) {
	if s.Bus == nil {
		return
	}
	store.OnCommit(ctx, func(ctx context.Context) {
		// Who does not hear of it looks from time to time.
		_ = s.Bus.Publish(ctx, changesChannel, []byte(id))
	})
}

// RunWatches hears of changes from all replicas and wakes those who watch, until ctx ends. Each replica runs it once; without it, watches look
// from time to time.
func (s *Service) RunWatches(ctx context.Context) {
	if s.Bus == nil {
		return
	}
	for {
		if messages, err := s.Bus.Subscribe(ctx, changesChannel); err == nil {
			s.watches.wakeAll()
			for payload := range messages {
				s.watches.hear(models.ID(payload))
			}
		}
		if !pause(ctx, time.Second) {
			return
		}
	}
}

// EndWatches ends all watches with ErrWatchOver and refuses new ones, because the server is going down.
func (s *Service) EndWatches() {
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	if !s.watches.isOver {
		s.watches.isOver = true
		close(s.watches.signal())
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// watches are all orders that are being watched at this replica. The zero value is ready.
type watches struct {
	mu      sync.Mutex
	byOrder map[models.ID]map[*Watching]struct{}
	byActor map[string]int
	over    chan struct{}
	isOver  bool
}

func (w *watches) join(one *Watching) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isOver {
		return ErrWatchOver
	}
	if w.byActor[one.actor] >= MaxWatches {
		return &models.Error{
			Code: models.CodeRateLimited, Message: "This credential watches as many orders at once as it may; end one first.",
			Details: map[string]any{"limit": "watches", "allowed": MaxWatches},
		}
	}
	if w.byOrder == nil {
		w.byOrder, w.byActor = map[models.ID]map[*Watching]struct{}{}, map[string]int{}
	}
	if w.byOrder[one.id] == nil {
		w.byOrder[one.id] = map[*Watching]struct{}{}
	}
	w.byOrder[one.id][one] = struct{}{}
	w.byActor[one.actor]++
	return nil
}

func (w *watches) leave(one *Watching) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byOrder[one.id], one)
	if len(w.byOrder[one.id]) == 0 {
		delete(w.byOrder, one.id)
	}
	if w.byActor[one.actor]--; w.byActor[one.actor] == 0 {
		delete(w.byActor, one.actor)
	}
}

// hear wakes those who watch the order. It never waits for any of them.
func (w *watches) hear(id models.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.byOrder[id] {
		one.nudge()
	}
}

// wakeAll is for when messages may have been lost.
func (w *watches) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, some := range w.byOrder {
		for one := range some {
			one.nudge()
		}
	}
}

func (w *Watching) nudge() {
	select {
	case w.wake <- struct{}{}:
	default: // it is about to look
	}
}

// ending is closed when all watches are to end.
func (w *watches) ending() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.signal()
}

func (w *watches) signal() chan struct{} {
	if w.over == nil {
		w.over = make(chan struct{})
	}
	return w.over
}
