package cache

import (
	"bytes"
	"context"
	"crypto/rand"
	"sync"
	"time"
)

// Memory is a cache in this process. It is bounded and forgets the least recently used first.
type Memory struct {
	now func() time.Time
	bus localBus

	mu      sync.Mutex
	entries *lru
}

var _ Cache = (*Memory)(nil)

// record is a row of the memory cache; which fields count depends on the kind in its key.
type record struct {
	value    []byte
	fresh    time.Time // leased: the value counts until then; zero = there is none
	version  int64
	floor    int64 // leased: the lowest version that may be filled, when hasFloor
	hasFloor bool
	lease    string
	leaseBy  time.Time
	count    int64
	until    time.Time
}

func newMemory(options Options) *Memory {
	return &Memory{now: options.Now, entries: newLRU(options.MaxBytes)}
}

// Get implements Bytes.
func (m *Memory) Get(_ context.Context, key string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.live("b:" + key)
	if found == nil {
		return nil, false
	}
	return bytes.Clone(found.value), true
}

// Set implements Bytes.
func (m *Memory) Set(_ context.Context, key string, value []byte, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.put("b:"+key, &record{value: bytes.Clone(value), until: m.now().Add(ttl)})
}

// Delete implements Bytes.
func (m *Memory) Delete(_ context.Context, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.remove("b:" + key)
}

// Lookup implements Leased.
func (m *Memory) Lookup(_ context.Context, key string) Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lookup(key)
}

// LookupAll implements Leased.
func (m *Memory) LookupAll(_ context.Context, keys []string) []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries := make([]Entry, len(keys))
	for i, key := range keys {
		entries[i] = m.lookup(key)
	}
	return entries
}

func (m *Memory) lookup(key string) Entry {
	now, found := m.now(), m.live("v:"+key)
	if found == nil {
		found = &record{}
	}
	if now.Before(found.fresh) {
		return Entry{Value: bytes.Clone(found.value), Version: found.version, Hit: true}
	}
	if found.lease != "" && now.Before(found.leaseBy) {
		return Entry{}
	}
	found.lease, found.leaseBy = rand.Text(), now.Add(leaseTTL)
	if now.Add(leaseTTL).After(found.until) {
		found.until = now.Add(leaseTTL)
	}
	m.entries.put("v:"+key, found)
	return Entry{Lease: found.lease}
}

// Fill implements Leased.
func (m *Memory) Fill(_ context.Context, key, lease string, version int64, value []byte, ttl time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fill(Filling{Key: key, Lease: lease, Version: version, Value: value}, ttl)
}

// FillAll implements Leased.
func (m *Memory) FillAll(_ context.Context, fillings []Filling, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, filling := range fillings {
		m.fill(filling, ttl)
	}
}

func (m *Memory) fill(f Filling, ttl time.Duration) bool {
	now, found := m.now(), m.live("v:"+f.Key)
	if found == nil || f.Lease == "" || found.lease != f.Lease || !now.Before(found.leaseBy) || found.hasFloor && f.Version < found.floor {
		return false
	}
	m.entries.put("v:"+f.Key, &record{
		value: bytes.Clone(f.Value), version: f.Version, floor: f.Version, hasFloor: true,
		fresh: now.Add(min(ttl, MaxLeasedTTL)), until: now.Add(floorTTL),
	})
	return true
}

// Invalidate implements Leased.
func (m *Memory) Invalidate(ctx context.Context, key string, version int64) error {
	return m.InvalidateAll(ctx, []Invalidation{{key, version}})
}

// InvalidateAll implements Leased.
func (m *Memory) InvalidateAll(_ context.Context, invalidations []Invalidation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range invalidations {
		found := m.live("v:" + i.Key)
		if found != nil && found.hasFloor && found.floor >= i.Version {
			continue
		}
		m.entries.put("v:"+i.Key, &record{floor: i.Version, hasFloor: true, until: m.now().Add(floorTTL)})
	}
	return nil
}

// Hit implements Counters.
func (m *Memory) Hit(_ context.Context, key string, window time.Duration) (int64, error) {
	count, _ := m.hit(key, window)
	return count, nil
}

// Allow implements Counters.
func (m *Memory) Allow(_ context.Context, key string, limit int64, window time.Duration) (bool, time.Duration) {
	count, left := m.hit(key, window)
	if count <= limit {
		return true, 0
	}
	return false, left
}

func (m *Memory) hit(key string, window time.Duration) (count int64, left time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, found := m.now(), m.live("c:"+key)
	if found == nil {
		found = &record{until: now.Add(window)}
	}
	found.count++
	m.entries.put("c:"+key, found)
	return found.count, found.until.Sub(now)
}

// Publish implements Bus.
func (m *Memory) Publish(_ context.Context, channel string, payload []byte) error {
	m.bus.publish(channel, payload)
	return nil
}

// Subscribe implements Bus.
func (m *Memory) Subscribe(ctx context.Context, channel string) (<-chan []byte, error) {
	return m.bus.subscribe(ctx, channel), nil
}

// Ping implements Cache.
func (m *Memory) Ping(context.Context) error { return nil }

// Close implements Cache.
func (m *Memory) Close() error {
	m.bus.close()
	return nil
}

// live returns the record of key and forgets it when its time is over. The caller holds the lock.
func (m *Memory) live(key string) *record {
	found := m.entries.get(key)
	if found == nil {
		return nil
	}
	if !m.now().Before(found.until) {
		m.entries.remove(key)
		return nil
	}
	return found
}
