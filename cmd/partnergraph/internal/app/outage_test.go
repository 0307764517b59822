package app_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestTortureRedis is R10: two replicas under load while their Redis is killed, flushed and frozen. Money moves on, nobody is
// logged out, and no balance is read, at either replica, that is older than what was acknowledged before.
func TestTortureRedis(t *testing.T) {
	t.Parallel()
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
	length := 1500 * time.Millisecond
	if os.Getenv("PARTNERGRAPH_TORTURE") != "" {
		length = 5 * time.Second
	}
	cfg := settings(storetest.PostgresURL(t))
	cfg.CacheURL, cfg.RateLimit, cfg.LogLevel = redis.URL(), 0, "warn"
	l := &load{t: t, replicas: []*server{serve(t, cfg, app.Options{}), serve(t, cfg, app.Options{})}}
	world, err := demo.Fill(t.Context(), l.replicas[0].Rooms)
	if err != nil {
		t.Fatal(err)
	}
	l.customer = world.Customer.ID
	l.cookie = l.replicas[0].cookieOf(t, "demo-bakery")
	stop := l.start()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	normal := l.during("before", 2*length, func() {})
	outages := []float64{l.during("killed", length, func() { must(redis.Kill()) })}
	must(redis.Start(t.Context()))
	l.during("back", length, func() {})
	if l.writes.Load() == 0 || l.reads.Load() == 0 {
		t.Error("nothing happened: the test proves nothing")
	}
	outages = append(outages, l.during("flushed", length, func() { flush(t, redis) }), l.during("frozen", length, func() { must(redis.Freeze()) }))
	must(redis.Thaw())
	l.during("thawed", length, func() {})
	l.during("believed again", 10*time.Second, func() {})
	stop()
	report, err := l.replicas[0].Rooms.Ledger.Audit(t.Context())
	if err != nil || report.Breaches() != 0 {
		t.Errorf("audit: %+v, %v", report, err)
	}
	if l.stale.Load() != 0 || l.out.Load() != 0 || l.failed.Load() != 0 {
		t.Errorf("%d stale reads, %d times logged out, %d failures", l.stale.Load(), l.out.Load(), l.failed.Load())
	}
	t.Logf("R10 postgres: Redis killed, flushed and frozen for %s each: writes %.0f %% of normal at least, %d of %d reads stale after acknowledge, %d times logged out, audit clean: %v",
		length, 100*slices.Min(outages)/normal, l.stale.Load(), l.reads.Load(), l.out.Load(), !t.Failed())
}

// load is writers, readers and a signed-in person on two replicas.
type load struct {
	t                         *testing.T
	replicas                  []*server
	customer                  models.ID
	cookie                    string
	acknowledged              atomic.Int64
	writes, reads, stale, out atomic.Int64
	failed, refused           atomic.Int64
}

// during lets the load go on for a while after something happened, says what came of it, and returns the writes of a second.
func (l *load) during(what string, d time.Duration, happens func()) float64 {
	l.t.Helper()
	happens()
	writes, reads, began := l.writes.Load(), l.reads.Load(), time.Now()
	time.Sleep(d)
	took := time.Since(began).Seconds()
	rate := float64(l.writes.Load()-writes) / took
	l.t.Logf("%-14s %6.0f writes/s, %6.0f reads/s, so far %d stale, %d logged out, %d refused, %d failures", what,
		rate, float64(l.reads.Load()-reads)/took, l.stale.Load(), l.out.Load(), l.refused.Load(), l.failed.Load())
	return rate
}

func (l *load) start() (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	repeat := func(n int, step func(worker, i int)) {
		for worker := range n {
			running.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-done:
						return
					default:
						step(worker, i)
					}
				}
			})
		}
	}
	repeat(4, func(worker, i int) { l.write(l.replicas[worker%2], fmt.Sprint(worker, "-", i)) })
	repeat(4, func(worker, _ int) { l.read(l.replicas[worker%2]) })
	repeat(2, func(worker, _ int) {
		l.look(l.replicas[worker%2])
		time.Sleep(10 * time.Millisecond)
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// answered asks and returns the data of an answer; false when there is none.
func (l *load) answered(s *server, document string, into any, headers ...string) bool {
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(document2body(l.t, document)))
	if err != nil {
		l.failed.Add(1)
		return false
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.Header.Set("Content-Type", jsonType)
	resp, err := s.client.Do(r)
	if err != nil {
		l.failed.Add(1)
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	var body struct {
		Data   json.RawMessage
		Errors []struct{ Extensions struct{ Code models.Code } }
	}
	err = json.NewDecoder(resp.Body).Decode(&body)
	if err == nil && len(body.Errors) > 0 && body.Errors[0].Extensions.Code == models.CodeRateLimited {
		l.refused.Add(1) // the machine is busy; a client comes again
		return false
	}
	if err != nil || len(body.Errors) > 0 || json.Unmarshal(body.Data, into) != nil {
		l.failed.Add(1)
		l.t.Logf("%d %v %v", resp.StatusCode, err, body.Errors)
		return false
	}
	return true
}

func (l *load) write(s *server, key string) {
	var data struct {
		FundCustomer struct{ CustomerBalance struct{ Version int64 } }
	}
	document := fmt.Sprintf(`mutation { fundCustomer(input: { customerId: %q, amount: "0.01", idempotencyKey: %q }) { customerBalance { version } } }`, l.customer, key)
	if !l.answered(s, document, &data, bearer(demo.FixedKeys().SolutionProvider)...) {
		return
	}
	l.writes.Add(1)
	version := data.FundCustomer.CustomerBalance.Version
	for known := l.acknowledged.Load(); known < version && !l.acknowledged.CompareAndSwap(known, version); {
		known = l.acknowledged.Load()
	}
}

func (l *load) read(s *server) {
	var data struct {
		Viewer struct {
			Customer struct{ Balance struct{ Version int64 } }
		}
	}
	known := l.acknowledged.Load()
	if !l.answered(s, `{ viewer { customer { balance { version } } } }`, &data, bearer(demo.FixedKeys().Customer)...) {
		return
	}
	l.reads.Add(1)
	if data.Viewer.Customer.Balance.Version < known {
		l.stale.Add(1)
	}
}

// look is the signed-in person's.
func (l *load) look(s *server) {
	var data struct{ Viewer struct{ Kind string } }
	if l.answered(s, `{ viewer { kind } }`, &data, "Cookie", l.cookie, "Origin", publicOrigin) && data.Viewer.Kind != "CUSTOMER_USER" {
		l.out.Add(1)
	}
}

// flush makes a Redis server forget everything.
func flush(t *testing.T, redis *servers.Redis) {
	t.Helper()
	address, err := url.Parse(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprint(conn, "FLUSHALL\r\n"); err != nil {
		t.Error(err)
	}
	if answer := make([]byte, 5); true {
		if n, err := conn.Read(answer); err != nil || string(answer[:n]) != "+OK\r\n" {
			t.Errorf("%q, %v", answer[:n], err)
		}
	}
}
