package cache

import (
	"sync"
	"time"
)

const (
	// maxPending bounds what a process remembers of a Redis outage.
	maxPending = 10_000
	// doubtFor is how long nothing that Redis holds is believed after a call that failed: other processes may have failed
	// to tell it something, too, and their outbox relays make up for that within this time.
	doubtFor = 10 * time.Second
)

// pending remembers the invalidations that Redis has not heard, so that this process does not trust its old values when
// it comes back.
type pending struct {
	now func() time.Time

	mu       sync.Mutex
	versions map[string]int64
	until    time.Time // nothing is trusted before: something is owed by others, or more than could be remembered
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
	if owed, known := p.versions[key]; !known || owed < version {
		p.versions[key] = version
	}
}

// doubt is for a call that failed.
func (p *pending) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(doubtFor); p.until.Before(until) {
		p.until = until
	}
}

// owed returns the version still to be invalidated; doubtful says that even an unknown key may be old.
func (p *pending) owed(key string) (version int64, owed, doubtful bool) {
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
