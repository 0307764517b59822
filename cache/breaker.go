package cache

import (
	"sync"
	"time"
)

// A breaker keeps callers from waiting for a Redis that does not answer: after a failure all go without until a probe, once
// a second and beside them, has been answered.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex
	failures int
	retryAt  time.Time
}

const breakerPause = time.Second

// allow reports whether a call may be tried, and whether it is time to probe.
func (b *breaker) allow() (allowed, probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures == 0 {
		return true, false
	}
	now := b.now()
	if now.Before(b.retryAt) {
		return false, false
	}
	b.retryAt = now.Add(breakerPause)
	return false, true
}

// report tells how a call went; changed says that the breaker opened or closed by it.
func (b *breaker) report(failed bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !failed {
		changed = b.failures > 0
		b.failures = 0
		return changed
	}
	b.failures++
	b.retryAt = b.now().Add(breakerPause)
	return b.failures == 1
}
