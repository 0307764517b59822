package cachetest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cache"
)

// Conformance checks all that package cache promises of c, which must be empty.
func Conformance(t *testing.T, c cache.Cache) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, cache.Cache){
		"bytes live as long as they were given":          bytesLive,
		"a hit comes with its version":                   hitHasVersion,
		"one reader at a time holds the lease":           oneLease,
		"an invalidation ends the lease":                 invalidationEndsLease,
		"an older version never follows a newer":         noOlderVersion,
		"an old invalidation leaves a newer value":       oldInvalidation,
		"versions are exact to 64 bits":                  exactVersions,
		"an expired value gives a lease":                 expiredValue,
		"many keys are as one":                           manyKeys,
		"no reader sees less than what was acknowledged": neverStale,
		"a counter starts again after its window":        counterWindow,
		"a limit says when to come back":                 limit,
		"concurrent hits are all counted":                concurrentHits,
		"messages reach subscribers of their channel":    messages,
		"a subscription ends with its context":           subscriptionEnds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, c)
		})
	}
}

func bytesLive(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	c.Set(ctx, "bytes", []byte{0, 1, 255}, time.Minute)
	c.Set(ctx, "bytes short", []byte("x"), 20*time.Millisecond)
	if got, ok := c.Get(ctx, "bytes"); !ok || string(got) != "\x00\x01\xff" {
		t.Errorf("Get = %v, %v", got, ok)
	}
	c.Delete(ctx, "bytes")
	if _, ok := c.Get(ctx, "bytes"); ok {
		t.Error("deleted and still there")
	}
	time.Sleep(60 * time.Millisecond)
	if _, ok := c.Get(ctx, "bytes short"); ok {
		t.Error("its time is over and it is still there")
	}
}

func hitHasVersion(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	miss := c.Lookup(ctx, "hit")
	if miss.Hit || miss.Lease == "" {
		t.Fatalf("first Lookup = %+v, want a lease", miss)
	}
	if !c.Fill(ctx, "hit", miss.Lease, 7, []byte("seven"), time.Minute) {
		t.Fatal("the lease is current and Fill refused")
	}
	if got := c.Lookup(ctx, "hit"); !got.Hit || got.Version != 7 || string(got.Value) != "seven" {
		t.Errorf("Lookup = %+v", got)
	}
	if c.Fill(ctx, "hit", miss.Lease, 8, nil, time.Minute) {
		t.Error("a lease filled twice")
	}
}

func oneLease(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	first, second := c.Lookup(ctx, "one"), c.Lookup(ctx, "one")
	if first.Lease == "" || second.Hit || second.Lease != "" {
		t.Fatalf("leases %q and %q, want one", first.Lease, second.Lease)
	}
	for _, lease := range []string{"", "made up"} {
		if c.Fill(ctx, "one", lease, 1, nil, time.Minute) {
			t.Errorf("filled under the lease %q", lease)
		}
	}
}

func invalidationEndsLease(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	slow := c.Lookup(ctx, "slow")
	must(t, c.Invalidate(ctx, "slow", 5))
	if c.Fill(ctx, "slow", slow.Lease, 9, []byte("x"), time.Minute) {
		t.Error("filled under a lease that an invalidation ended")
	}
	if got := c.Lookup(ctx, "slow"); got.Hit || got.Lease == "" {
		t.Errorf("Lookup = %+v, want a new lease", got)
	}
}

func noOlderVersion(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	must(t, c.Invalidate(ctx, "old", 5))
	lease := c.Lookup(ctx, "old").Lease // and now a read of a replica that lags behind
	if c.Fill(ctx, "old", lease, 4, []byte("four"), time.Minute) {
		t.Error("version 4 filled after 5 was invalidated")
	}
	if !c.Fill(ctx, "old", lease, 5, []byte("five"), time.Minute) {
		t.Error("version 5 refused")
	}
}

func oldInvalidation(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	fill(t, c, "newer", 6, time.Minute)
	must(t, c.Invalidate(ctx, "newer", 6))
	must(t, c.Invalidate(ctx, "newer", 3))
	if got := c.Lookup(ctx, "newer"); !got.Hit || got.Version != 6 {
		t.Errorf("Lookup = %+v, want version 6", got)
	}
	must(t, c.Invalidate(ctx, "newer", 7))
	if got := c.Lookup(ctx, "newer"); got.Hit {
		t.Errorf("version %d is still there after 7", got.Version)
	}
}

func exactVersions(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	const top = int64(math.MaxInt64)
	must(t, c.Invalidate(ctx, "exact", top))
	lease := c.Lookup(ctx, "exact").Lease
	if c.Fill(ctx, "exact", lease, top-1, nil, time.Minute) || !c.Fill(ctx, "exact", lease, top, nil, time.Minute) {
		t.Error("2^63-2 and 2^63-1 were taken for equal")
	}
	must(t, c.Invalidate(ctx, "digits", 10))
	if c.Fill(ctx, "digits", c.Lookup(ctx, "digits").Lease, 9, nil, time.Minute) {
		t.Error("9 was taken for more than 10")
	}
}

func expiredValue(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	fill(t, c, "expired", 4, 20*time.Millisecond)
	time.Sleep(60 * time.Millisecond)
	lease := c.Lookup(ctx, "expired").Lease
	if lease == "" {
		t.Fatal("no lease for an expired value")
	}
	if c.Fill(ctx, "expired", lease, 3, nil, time.Minute) {
		t.Error("an older version followed an expired newer one")
	}
}

func manyKeys(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	const n = 2500 // more than goes to Redis at once
	keys, fillings := make([]string, n), make([]cache.Filling, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("many %d", i)
	}
	must(t, c.Invalidate(ctx, keys[0], 9))
	taken := c.Lookup(ctx, keys[1])
	for i, entry := range c.LookupAll(ctx, keys) {
		if entry.Hit || (entry.Lease == "") != (i == 1) {
			t.Fatalf("%s: %+v, want a lease unless another reader has it", keys[i], entry)
		}
		fillings[i] = cache.Filling{Key: keys[i], Lease: entry.Lease, Version: int64(i + 1), Value: []byte(keys[i])}
	}
	fillings[2].Lease = "made up"
	c.FillAll(ctx, fillings, time.Minute)
	wantHits := func(what string, hit func(i int) bool) {
		t.Helper()
		for i, entry := range c.LookupAll(ctx, keys) {
			if entry.Hit != hit(i) || entry.Hit && (entry.Version != int64(i+1) || string(entry.Value) != keys[i]) {
				t.Errorf("%s: %s is %+v", what, keys[i], entry)
			}
		}
	}
	wantHits("filled", func(i int) bool { return i > 2 })
	if !c.Fill(ctx, keys[1], taken.Lease, 2, []byte(keys[1]), time.Minute) {
		t.Error("the lease of another reader was lost")
	}

	invalidations := make([]cache.Invalidation, n)
	for i := range invalidations {
		invalidations[i] = cache.Invalidation{Key: keys[i], Version: int64(i + 1 + i%2)} // every second one is newer
	}
	must(t, c.InvalidateAll(ctx, invalidations))
	wantHits("invalidated", func(i int) bool { return i > 2 && i%2 == 0 })
	must(t, c.InvalidateAll(ctx, nil))
	c.FillAll(ctx, nil, time.Minute)
	if entries := c.LookupAll(ctx, nil); len(entries) != 0 {
		t.Errorf("nothing asked, %d answered", len(entries))
	}
}

// neverStale plays a row that is written while others read it through the cache.
func neverStale(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	var row, acknowledged, stale, hits atomic.Int64
	var group sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				known := acknowledged.Load()
				entry := c.Lookup(ctx, "row")
				if entry.Hit {
					hits.Add(1)
					if entry.Version < known {
						stale.Add(1)
					}
					continue
				}
				read := row.Load()
				time.Sleep(50 * time.Microsecond) // the way back from the database
				c.Fill(ctx, "row", entry.Lease, read, nil, time.Minute)
			}
		})
	}
	for version := range int64(300) {
		row.Store(version + 1)
		must(t, c.Invalidate(ctx, "row", version+1))
		acknowledged.Store(version + 1)
		time.Sleep(200 * time.Microsecond)
	}
	time.Sleep(20 * time.Millisecond)
	close(done)
	group.Wait()
	if stale.Load() != 0 || hits.Load() == 0 {
		t.Errorf("%d of %d hits were older than what was acknowledged before; want 0 of many", stale.Load(), hits.Load())
	}
}

func counterWindow(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	for want := int64(1); want <= 3; want++ {
		if got, err := c.Hit(ctx, "window", 150*time.Millisecond); got != want || err != nil {
			t.Fatalf("Hit = %d, %v, want %d", got, err, want)
		}
	}
	time.Sleep(250 * time.Millisecond)
	if got, _ := c.Hit(ctx, "window", time.Minute); got != 1 {
		t.Errorf("after the window Hit = %d, want 1", got)
	}
}

func limit(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	for i := range 2 {
		if ok, wait := c.Allow(ctx, "limit", 2, time.Minute); !ok || wait != 0 {
			t.Fatalf("call %d of 2 refused for %s", i+1, wait)
		}
	}
	if ok, wait := c.Allow(ctx, "limit", 2, time.Minute); ok || wait <= 0 || wait > time.Minute {
		t.Errorf("third call: %v, %s; want a refusal for up to a minute", ok, wait)
	}
	if ok, _ := c.Allow(ctx, "another limit", 2, time.Minute); !ok {
		t.Error("another key is refused too")
	}
}

func concurrentHits(t *testing.T, c cache.Cache) {
	ctx := t.Context()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 25 {
				c.Allow(ctx, "many", 1, time.Minute)
			}
		})
	}
	group.Wait()
	if got, _ := c.Hit(ctx, "many", time.Minute); got != 201 {
		t.Errorf("200 hits and one counted as %d", got)
	}
}

func messages(t *testing.T, c cache.Cache) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	first, second := subscribe(ctx, t, c, "orders"), subscribe(ctx, t, c, "orders")
	other := subscribe(ctx, t, c, "coupons")
	for i := range 3 {
		must(t, c.Publish(ctx, "orders", fmt.Append(nil, i)))
	}
	for _, sub := range []<-chan []byte{first, second} {
		for want := range 3 {
			select {
			case got := <-sub:
				if string(got) != fmt.Sprint(want) {
					t.Errorf("message %d is %q", want, got)
				}
			case <-ctx.Done():
				t.Fatal("a message did not arrive")
			}
		}
	}
	select {
	case got := <-other:
		t.Errorf("a message went to another channel: %q", got)
	default:
	}
}

func subscriptionEnds(t *testing.T, c cache.Cache) {
	ctx, cancel := context.WithCancel(t.Context())
	sub := subscribe(ctx, t, c, "ending")
	cancel()
	select {
	case _, open := <-sub:
		if open {
			t.Error("a message of nobody")
		}
	case <-time.After(10 * time.Second):
		t.Error("the subscription outlives its context")
	}
}

func fill(t *testing.T, c cache.Cache, key string, version int64, ttl time.Duration) {
	t.Helper()
	if !c.Fill(t.Context(), key, c.Lookup(t.Context(), key).Lease, version, []byte("v"), ttl) {
		t.Fatalf("could not fill %s", key)
	}
}

func subscribe(ctx context.Context, t *testing.T, c cache.Cache, channel string) <-chan []byte {
	t.Helper()
	sub, err := c.Subscribe(ctx, channel)
	must(t, err)
	return sub
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
