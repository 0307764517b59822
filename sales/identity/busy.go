package identity

import (
	"sync"
	"time"
)

// busyWithin is how soon a key must come again to be worth a place in the cache: one that comes less often than that would be forgotten
// before it was asked for, and a look at the cache, its miss and its filling cost more than the row.
const busyWithin = 2 * time.Second

// maxBusy bounds what is remembered of each of two turns.
const maxBusy = 1 << 14

// busy remembers which keys came to this replica lately, for one to two turns. The zero value is ready.
type busy struct {
	mu         sync.Mutex
	turned     time.Time
	young, old map[string]struct{}
}

// again reports whether the key came before within busyWithin, or somewhat longer, and remembers that it came now.
func (b *busy) again(hash string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch since := now.Sub(b.turned); {
	case b.young == nil || since >= 2*busyWithin || since < 0:
		b.young, b.old, b.turned = map[string]struct{}{}, nil, now
	case since >= busyWithin || len(b.young) >= maxBusy:
		b.young, b.old, b.turned = map[string]struct{}{}, b.young, now
	}
	if _, before := b.young[hash]; before {
		return true
	}
	_, before := b.old[hash]
	b.young[hash] = struct{}{}
	return before
}
