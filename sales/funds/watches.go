package funds

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// watches are all balances that are being watched at this replica. The zero value is ready.
type watches struct {
	mu      sync.Mutex
	byOwner map[models.OwnerChange]map[*Watching]struct{} // without the revision
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
			Code: models.CodeRateLimited, Message: "This credential watches as many balances at once as it may; end one first.",
			Details: map[string]any{"limit": "watches", "allowed": MaxWatches},
		}
	}
	if w.byOwner == nil {
		w.byOwner, w.byActor = map[models.OwnerChange]map[*Watching]struct{}{}, map[string]int{}
	}
	owner := models.OwnerChange{Kind: one.kind, ID: string(one.id)}
	if w.byOwner[owner] == nil {
		w.byOwner[owner] = map[*Watching]struct{}{}
	}
	w.byOwner[owner][one] = struct{}{}
	w.byActor[one.actor]++
	return nil
}

func (w *watches) leave(one *Watching) {
	w.mu.Lock()
	defer w.mu.Unlock()
	owner := models.OwnerChange{Kind: one.kind, ID: string(one.id)}
	delete(w.byOwner[owner], one)
	if len(w.byOwner[owner]) == 0 {
		delete(w.byOwner, owner)
	}
	if w.byActor[one.actor]--; w.byActor[one.actor] == 0 {
		delete(w.byActor, one.actor)
	}
}

// hear wakes those who watch one of the changed balances. It never waits for any of them.
func (w *watches) hear(payload []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var changes []models.OwnerChange
	if len(w.byOwner) == 0 || json.Unmarshal(payload, &changes) != nil {
		return // nobody listens, or it is of another version of this program: those who watch look by themselves
	}
	for _, change := range changes {
		change.Revision = 0
		for one := range w.byOwner[change] {
			one.nudge()
		}
	}
}

// wakeAll is for when messages may have been lost.
func (w *watches) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, some := range w.byOwner {
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

// EndWatches ends all watches with ErrWatchOver and refuses new ones, because the server is going down.
func (s *Service) EndWatches() {
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	if !s.watches.isOver {
		s.watches.isOver = true
		close(s.watches.signal())
	}
}

// RunWatches hears of changes from all replicas and wakes those who watch, until ctx ends. Each replica runs it once; without
// it, watches look from time to time.
func (s *Service) RunWatches(ctx context.Context) {
	if s.Bus == nil {
		return
	}
	for {
		if messages, err := s.Bus.Subscribe(ctx, changesChannel); err == nil {
			s.watches.wakeAll()
			for payload := range messages {
				s.watches.hear(payload)
			}
		}
		if !pause(ctx, time.Second) {
			return
		}
	}
}
