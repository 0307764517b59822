package cache

import (
	"sync"
	"time"
)

// A breaker keeps callers from waiting for a Redis that does not answer: after three failures in a row it lets one caller
// a second try, and the others go without.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex
	failures int
	retryAt  time.Time
}

const (
	breakerFailures = 3
	breakerPause    = time.Second
)

// allow reports whether a call may be tried.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerFailures {
		return true
	}
	now := b.now()
	if now.Before(b.retryAt) {
		return false
	}
	b.retryAt = now.Add(breakerPause) // this caller is the one
	return true
}

// report tells how a call went; changed says that the breaker opened or closed by it.
func (b *breaker) report(failed bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !failed {
		changed = b.failures >= breakerFailures
		b.failures = 0
		return changed
	}
	b.failures++
	b.retryAt = b.now().Add(breakerPause)
	return b.failures == breakerFailures
}
