package cache_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/cache/cachetest"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	cachetest.Each(t, cachetest.Conformance)
}

func TestMemoryForgetsTheLeastRecentlyUsedFirst(t *testing.T) {
	t.Parallel()
	c := cachetest.Open(t, "memory:", cache.WithMaxBytes(10_000))
	ctx := t.Context()
	for i := range 20 {
		c.Set(ctx, fmt.Sprint(i), make([]byte, 1000), time.Hour)
		c.Get(ctx, "0")
	}
	kept := 0
	for i := range 20 {
		if _, ok := c.Get(ctx, fmt.Sprint(i)); ok {
			kept++
		}
	}
	if _, ok := c.Get(ctx, "0"); !ok || kept == 0 || kept > 9 {
		t.Errorf("kept %d of 20, the most used: %v; want at most 9 with it", kept, ok)
	}
}

func TestBadURLsAreRefusedWithoutShowingThem(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "memcached://hunter2@x", "redis://u:hunter2@host:notaport", "redis://:hunter2@h/notadb", "redis://:hunter2@h/0?prefix=a:b", "redis://:hunter2@h/0?prefix="} {
		_, err := cache.Open(t.Context(), address)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestWithoutRedisReadsMissAndLimitsHold(t *testing.T) {
	t.Parallel()
	c := cachetest.Open(t, "redis://127.0.0.1:1") // nobody listens there
	ctx := t.Context()
	start := time.Now()

	c.Set(ctx, "k", []byte("v"), time.Minute)
	if _, ok := c.Get(ctx, "k"); ok {
		t.Error("a hit from nowhere")
	}
	if got := c.Lookup(ctx, "k"); got.Hit || got.Lease != "" {
		t.Errorf("Lookup = %+v, want a plain miss", got)
	}
	if c.Invalidate(ctx, "k", 1) == nil || c.Publish(ctx, "p", nil) == nil || c.Ping(ctx) == nil {
		t.Error("what did not happen was reported as done")
	}
	refused := 0
	for range 10 {
		if ok, _ := c.Allow(ctx, "limit", 4, time.Minute); !ok {
			refused++
		}
	}
	if refused != 6 {
		t.Errorf("%d of 10 calls refused, want 6", refused)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("going without took %s", took)
	}
}

func TestOwnSubscribersHearWithoutRedis(t *testing.T) {
	t.Parallel()
	c := cachetest.Open(t, "redis://127.0.0.1:1")
	sub, err := c.Subscribe(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Publish(t.Context(), "p", []byte("hello"))
	select {
	case got := <-sub:
		if string(got) != "hello" {
			t.Errorf("got %q", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing arrived")
	}
}

func TestAnInvalidationLostInAnOutageIsMadeUpFor(t *testing.T) {
	t.Parallel()
	line := newLine(t)
	c := cachetest.Open(t, line.url)
	ctx := t.Context()
	if !c.Fill(ctx, "balance", c.Lookup(ctx, "balance").Lease, 1, []byte("old"), time.Minute) {
		t.Fatal("could not fill")
	}

	line.cut(true)
	if err := c.Invalidate(ctx, "balance", 2); err == nil {
		t.Fatal("an invalidation went through a cut line")
	}
	if got := c.Lookup(ctx, "balance"); got.Hit {
		t.Fatalf("a hit through a cut line: %+v", got)
	}
	line.cut(false)

	deadline := time.Now().Add(15 * time.Second)
	for {
		got := c.Lookup(ctx, "balance")
		if got.Hit {
			t.Fatalf("Redis came back and showed version %d after 2 was acknowledged", got.Version)
		}
		if got.Lease != "" {
			return // Redis is back, knows of version 2, and asks to be filled
		}
		if time.Now().After(deadline) {
			t.Fatal("Redis is back and not used")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestNothingIsBelievedRightAfterAnOutage(t *testing.T) {
	t.Parallel()
	line := newLine(t)
	prefix := cache.WithPrefix("test:" + t.Name() + time.Now().String())
	here, there := cachetest.Open(t, line.url, prefix), cachetest.Open(t, cachetest.RedisURL(t), prefix)
	ctx := t.Context()
	if !there.Fill(ctx, "balance", there.Lookup(ctx, "balance").Lease, 1, []byte("old"), time.Minute) || !here.Lookup(ctx, "balance").Hit {
		t.Fatal("could not fill")
	}
	line.cut(true)
	here.Get(ctx, "anything") // notices
	line.cut(false)
	// Whatever others failed to say while Redis was away, they may say now.
	end := time.Now().Add(4 * time.Second)
	for time.Now().Before(end) {
		if got := here.Lookup(ctx, "balance"); got.Hit {
			t.Fatal("believed at once")
		}
		time.Sleep(20 * time.Millisecond)
	}
	for !here.Lookup(ctx, "balance").Hit {
		if time.Now().After(end.Add(10 * time.Second)) {
			t.Fatal("never believed again")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestScriptsAreSentAgainToAServerThatForgotThem(t *testing.T) {
	t.Parallel()
	forgetful := ownRedis(t)
	c := cachetest.Open(t, forgetful.URL())
	ctx := t.Context()
	keys := []string{"a", "b", "c"}
	for i, entry := range c.LookupAll(ctx, keys) {
		if entry.Lease == "" {
			t.Errorf("%s: no lease from a server that sees the script for the first time", keys[i])
		}
	}
	if err := c.InvalidateAll(ctx, []cache.Invalidation{{Key: "a", Version: 1}, {Key: "b", Version: 1}}); err != nil {
		t.Errorf("invalidations to a server that sees the script for the first time: %v", err)
	}
}

func TestASilentRedisHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	c := cachetest.Open(t, "redis://"+listener.Addr().String())
	start := time.Now()
	for range 200 {
		c.Get(t.Context(), "k")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("200 reads of a frozen Redis took %s", took)
	}
}

// ownRedis starts a server for this test alone.
func ownRedis(t *testing.T) *servers.Redis {
	t.Helper()
	var own servers.Servers
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	redis, err := own.Redis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return redis
}

// line is a connection to Redis that can be cut.
type line struct {
	url    string
	target string

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

func newLine(t *testing.T) *line {
	t.Helper()
	target, err := url.Parse(cachetest.RedisURL(t))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{target: target.Host}
	target.Host = listener.Addr().String()
	l.url = target.String()
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut(true)
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.join(conn)
		}
	}()
	return l
}

func (l *line) join(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = conn.Close()
		return
	}
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		_ = conn.Close()
		return
	}
	l.conns = append(l.conns, conn, server)
	go func() { _, _ = io.Copy(server, conn) }()
	go func() { _, _ = io.Copy(conn, server) }()
}

func (l *line) cut(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}

func TestInstallationsThatShareARedisHaveKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	open := func(prefix string) cache.Cache {
		c, err := cache.Open(t.Context(), cachetest.RedisURL(t)+"?prefix="+prefix)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	name := strings.ToLower(rand.Text())
	north, south, again := open(name+"-north"), open(name+"-south"), open(name+"-north")
	north.Set(t.Context(), "k", []byte("v"), time.Minute)
	if _, found := south.Get(t.Context(), "k"); found {
		t.Error("another installation's key is found")
	}
	if value, found := again.Get(t.Context(), "k"); !found || string(value) != "v" {
		t.Errorf("the same installation finds %q, %v", value, found)
	}
}

// TestACallerWhoComesOftenIsNotARoundTripEachTime: hits are counted some at once, and a limit holds over several processes.
func TestACallerWhoComesOftenIsNotARoundTripEachTime(t *testing.T) {
	t.Parallel()
	const limit, window = 640, time.Minute
	url, prefix := cachetest.RedisURL(t), "test:"+rand.Text()+":"
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	clock := func() time.Time { return time.Unix(0, now.Load()) }
	here, there := cachetest.Open(t, url, cache.WithPrefix(prefix), cache.WithNow(clock)), cachetest.Open(t, url, cache.WithPrefix(prefix), cache.WithNow(clock))
	ctx := t.Context()
	counted := func() int64 {
		n, err := here.Hit(ctx, "caller", window)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}

	// What is taken is counted, and never more than was used besides a 64th.
	for i := range int64(20) {
		if ok, _ := here.Allow(ctx, "caller", limit, window); !ok {
			t.Fatalf("refused at %d", i)
		}
	}
	if n := counted(); n-1 < 20 || n-1 > 30 {
		t.Errorf("%d are counted for 20", n-1)
	}
	// However they come, nobody gets past the limit, and who is refused is so because of what the other holds.
	allowed := 20
	for range 2 * limit {
		for _, c := range []cache.Cache{here, there} {
			if ok, left := c.Allow(ctx, "caller", limit, window); ok {
				allowed++
			} else if left <= 0 || left > window {
				t.Fatalf("refused for %s", left)
			}
		}
	}
	if allowed >= limit || allowed < limit-limit/64-1 {
		t.Errorf("%d of %d were allowed", allowed, limit)
	}
	// A small limit is exact.
	exact := 0
	for range 20 {
		for _, c := range []cache.Cache{here, there} {
			if ok, _ := c.Allow(ctx, "another", 7, window); ok {
				exact++
			}
		}
	}
	if exact != 7 {
		t.Errorf("%d of 7 were allowed", exact)
	}
	// What is left over ends with the window.
	if ok, _ := here.Allow(ctx, "third", limit, window); !ok {
		t.Fatal("refused")
	}
	for range 4 {
		here.Allow(ctx, "third", limit, window)
	}
	now.Add(int64(window))
	n, _ := here.Hit(ctx, "third", window)
	here.Allow(ctx, "third", limit, window)
	if after, _ := here.Hit(ctx, "third", window); after != n+2 {
		t.Errorf("after the window a share of the old one counts: %d, then %d", n, after)
	}
}
