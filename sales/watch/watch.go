package watch

import (
	"cmp"
	"context"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Why a watch ends or cannot begin, besides the refusals of reading.
var (
	ErrCredential = models.Unauthenticated("This credential is no longer valid, so nothing more is sent: sign in again, or send another key.")
	ErrOver       = &models.Error{Code: models.CodeUnavailable, Message: "This server is going down; subscribe again."}
)

const (
	// defaultLookEvery is how often a watch looks without having been told to: messages may be lost.
	defaultLookEvery = 15 * time.Second
	// pace is the shortest time between two answers of one watch.
	pace = 100 * time.Millisecond
	// patience bounds one look.
	patience = 10 * time.Second
	// Max is how many objects of one Hub one credential may watch at once at one replica.
	Max = 100
)

// Bus tells all replicas.
type Bus interface {
	Publish(ctx context.Context, channel string, payload []byte) error
	Subscribe(ctx context.Context, channel string) (<-chan []byte, error)
}

// Source is how the object of one watch is read.
type Source[T any] struct {
	// Topics are the ids under which changes of the object are announced.
	Topics []models.ID
	// Read returns the object as the caller may see it at that moment, else a refusal.
	Read func(ctx context.Context, who models.Principal) (T, error)
	// Hidden ends the watch when the object may no longer be seen; its code is NOT_FOUND.
	Hidden error
	// Still says who the caller is by now.
	Still func(ctx context.Context) (models.Principal, error)
	// Newer says whether what was read last is to be sent after what was sent; nil = when it is not the same.
	Newer func(newest, sent T) bool
	// Every is how often to look without having been told to; 0 = 15 seconds.
	Every time.Duration
}

func (s Source[T]) newer(newest, sent T) bool {
	if s.Newer == nil {
		return !reflect.DeepEqual(newest, sent)
	}
	return s.Newer(newest, sent)
}

// Watching is an object under watch.
type Watching[T any] struct {
	source Source[T]
	actor  string
	wake   chan struct{} // something may have changed
	values chan T
	err    error
}

// Values gives the object as it is now and then each time it has changed; of changes in quick succession, and for a reader that is slow,
// only the newest. It is closed when the watch is over.
func (w *Watching[T]) Values() <-chan T { return w.values }

// Err says why the watch is over, once Values is closed: ErrCredential, ErrOver, the source's Hidden, FORBIDDEN, or nil when its
// context ended.
func (w *Watching[T]) Err() error { return w.err }

// Hub is all that is being watched of one kind at this replica. The zero value is ready and safe for concurrent use.
type Hub[T any] struct {
	mu      sync.Mutex
	byTopic map[models.ID]map[*Watching[T]]struct{}
	byActor map[string]int
	over    chan struct{}
	isOver  bool
}

// Watch begins to watch an object until ctx ends. Before every answer the source says who the caller is by then, and the object is read
// for that one: when it may not be, the watch ends. RATE_LIMITED beyond Max; a refusal of the first reading is returned as it is.
func (h *Hub[T]) Watch(ctx context.Context, who models.Principal, source Source[T]) (*Watching[T], error) {
	w := &Watching[T]{source: source, actor: who.ActorID(), wake: make(chan struct{}, 1), values: make(chan T)}
	// It listens before it looks, so that no change falls between the two.
	if err := h.join(w); err != nil {
		return nil, err
	}
	first, err := source.Read(ctx, who)
	if err != nil {
		h.leave(w)
		return nil, err
	}
	go h.follow(ctx, w, first)
	return w, nil
}

// follow sends the object until the watch is over.
func (h *Hub[T]) follow(ctx context.Context, w *Watching[T], next T) {
	defer close(w.values)
	defer h.leave(w)
	// Not all at the same moment, where many began together.
	every := cmp.Or(w.source.Every, defaultLookEvery)
	poll := time.NewTicker(every - time.Duration(rand.Int64N(int64(every/5))))
	defer poll.Stop()
	out, last := w.values, next
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.ending():
			w.err = ErrOver
			return
		case out <- next:
			out, last = nil, next
			if !pause(ctx, pace) {
				return
			}
			continue
		case <-w.wake:
		case <-poll.C:
		}
		newest, err := w.look(ctx)
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
		if w.source.newer(newest, last) {
			out, next = w.values, newest
		}
	}
}

// look asks who the caller is by now, and reads the object for that one.
func (w *Watching[T]) look(ctx context.Context) (none T, _ error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	who, err := w.source.Still(ctx)
	if models.CodeOf(err) == models.CodeUnauthenticated || err == nil && who.IsAnonymous() {
		return none, ErrCredential
	}
	if err != nil {
		return none, err
	}
	newest, err := w.source.Read(ctx, who)
	if models.CodeOf(err) == models.CodeNotFound {
		err = w.source.Hidden
	}
	return newest, err
}

// Announce tells all replicas of a change once the transaction of ctx has committed. A nil bus tells nobody: watches look from time to
// time.
func Announce(ctx context.Context, bus Bus, channel string, topic models.ID) {
	if bus == nil {
		return
	}
	store.OnCommit(ctx, func(ctx context.Context) {
		// Who does not hear of it looks from time to time.
		_ = bus.Publish(ctx, channel, []byte(topic))
	})
}

// Announced are the topics of a message that Announce has sent: one.
func Announced(message []byte) []models.ID { return []models.ID{models.ID(message)} }

// Run hears of changes from all replicas and wakes those who watch, until ctx ends; topics says what a message is about. Each replica runs it
// once; without it, and with a nil bus, watches look from time to time.
func (h *Hub[T]) Run(ctx context.Context, bus Bus, channel string, topics func(message []byte) []models.ID) {
	if bus == nil {
		return
	}
	for {
		if messages, err := bus.Subscribe(ctx, channel); err == nil {
			h.wakeAll() // messages may have been lost
			for message := range messages {
				h.hear(message, topics)
			}
		}
		if !pause(ctx, time.Second) {
			return
		}
	}
}

// End ends all watches with ErrOver and refuses new ones, because the server is going down.
func (h *Hub[T]) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.isOver {
		h.isOver = true
		close(h.signal())
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

func (h *Hub[T]) join(w *Watching[T]) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.isOver {
		return ErrOver
	}
	if h.byActor[w.actor] >= Max {
		return &models.Error{
			Code: models.CodeRateLimited, Message: "This credential watches as much at once as it may; end one first.",
			Details: map[string]any{"limit": "watches", "allowed": Max},
		}
	}
	if h.byTopic == nil {
		h.byTopic, h.byActor = map[models.ID]map[*Watching[T]]struct{}{}, map[string]int{}
	}
	for _, topic := range w.source.Topics {
		if h.byTopic[topic] == nil {
			h.byTopic[topic] = map[*Watching[T]]struct{}{}
		}
		h.byTopic[topic][w] = struct{}{}
	}
	h.byActor[w.actor]++
	return nil
}

func (h *Hub[T]) leave(w *Watching[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range w.source.Topics {
		delete(h.byTopic[topic], w)
		if len(h.byTopic[topic]) == 0 {
			delete(h.byTopic, topic)
		}
	}
	if h.byActor[w.actor]--; h.byActor[w.actor] == 0 {
		delete(h.byActor, w.actor)
	}
}

// hear wakes those who watch what a message is about. It never waits for any of them.
func (h *Hub[T]) hear(message []byte, topics func([]byte) []models.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.byTopic) == 0 {
		return // nobody watches
	}
	for _, topic := range topics(message) {
		for w := range h.byTopic[topic] {
			w.nudge()
		}
	}
}

func (h *Hub[T]) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, some := range h.byTopic {
		for w := range some {
			w.nudge()
		}
	}
}

func (w *Watching[T]) nudge() {
	select {
	case w.wake <- struct{}{}:
	default: // it is about to look
	}
}

// ending is closed when all watches are to end.
func (h *Hub[T]) ending() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.signal()
}

func (h *Hub[T]) signal() chan struct{} {
	if h.over == nil {
		h.over = make(chan struct{})
	}
	return h.over
}
