package cache

import (
	"sync"
	"time"
)

const (
	// shareOf bounds what is taken at once: a 64th of the limit.
	shareOf = 64
	// sharesMax bounds for how many keys there are shares; with more, what is left of them is given up.
	sharesMax = 4096
)

// shares are hits that were counted in Redis before they happened, so that a caller who comes often is not a round trip each time. What is
// taken at once doubles, up to a small part of the limit: nobody gets past the limit, and what a process holds and does not use is no
// more than what it has used already.
type shares struct {
	now func() time.Time

	mu   sync.Mutex
	keys map[string]share
}

type share struct {
	left  int64 // hits that were counted and did not happen yet
	taken int64 // how many were counted at once
	until time.Time
}

// use takes one hit of the key's share; otherwise it says how many to count next.
func (s *shares) use(key string, limit int64) (ok bool, next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	has, known := s.keys[key]
	if !known || !s.now().Before(has.until) {
		return false, 1
	}
	if has.left > 0 {
		has.left--
		s.keys[key] = has
		return true, 0
	}
	return false, max(1, min(2*has.taken, limit/shareOf))
}

// keep notes that so many were counted at once, until the window ends, of which one has happened.
func (s *shares) keep(key string, taken int64, window time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || len(s.keys) >= sharesMax {
		s.keys = map[string]share{}
	}
	until := s.now().Add(window)
	// Of two who took at the same time, both have something left.
	left := taken - 1
	if has, known := s.keys[key]; known && s.now().Before(has.until) {
		left += has.left
	}
	s.keys[key] = share{left: left, taken: taken, until: until}
}
