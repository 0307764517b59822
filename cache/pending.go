package cache

import (
	"sync"
	"time"
)

// maxPending bounds what a process remembers of a Redis outage.
const maxPending = 10_000

// pending remembers the invalidations that Redis has not heard, so that this process does not trust its old values when
// it comes back.
type pending struct {
	now func() time.Time

	mu       sync.Mutex
	versions map[string]int64
	until    time.Time // nothing is trusted before: more was owed than could be remembered
}

func (p *pending) owe(key string, version int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.versions == nil {
		p.versions = make(map[string]int64)
	}
	if _, known := p.versions[key]; !known && len(p.versions) >= maxPending {
		// By then every value that Redis could hold from before has expired.
		p.until = p.now().Add(MaxLeasedTTL)
		return
	}
	p.versions[key] = max(p.versions[key], version)
}

// owed returns the version still to be invalidated; distrust says that even an unknown key may be old.
func (p *pending) owed(key string) (version int64, owed, distrust bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	version, owed = p.versions[key]
	return version, owed, p.now().Before(p.until)
}

func (p *pending) settle(key string, version int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.versions[key] <= version {
		delete(p.versions, key)
	}
}
