package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// ready asks /readyz and returns what it says.
func (s *server) ready(t *testing.T) (int, map[string]string) {
	t.Helper()
	got := s.ask(t, "GET", "/readyz", "")
	var said map[string]string
	if err := json.Unmarshal([]byte(got.body), &said); err != nil {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return got.status, said
}

func TestReadyOnBothEngines(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, settings(url(t)), app.Options{})
			status, said := s.ready(t)
			if diff := cmp.Diff(map[string]string{"database": "ok", "schema": "ok"}, said); status != 200 || diff != "" {
				t.Errorf("%d %s", status, diff)
			}
			if got := s.ask(t, "GET", "/healthz", ""); got.status != 200 || got.body != "ok\n" {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestUnmigratedSchemaIsNotReady(t *testing.T) {
	t.Parallel()
	s := serve(t, settings("sqlite://"+filepath.Join(t.TempDir(), "empty.db")), app.Options{})
	status, said := s.ready(t)
	if status != 503 || said["database"] != "ok" || !strings.Contains(said["schema"], "run partnergraph migrate") {
		t.Errorf("%d %v", status, said)
	}
	// The process lives all the same, and says so without details.
	if got := s.ask(t, "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("%d", got.status)
	}
	got := s.query(t, `{ viewer { kind } }`, bearer(demo.FixedKeys().Customer)...)
	if got.status < 500 || strings.Contains(got.body, "api_keys") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestDatabaseAway puts a relay in front of PostgreSQL and cuts it.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	between := relay(t, u)
	s := serve(t, settings(u.String()), app.Options{})
	if status, said := s.ready(t); status != 200 {
		t.Fatalf("%d %v", status, said)
	}
	between.cut()
	status, said := s.ready(t)
	if status != 503 || said["database"] != "does not answer" {
		t.Errorf("%d %v", status, said)
	}
	got := s.query(t, `{ viewer { kind } }`, bearer(demo.FixedKeys().Customer)...)
	if got.status != 503 || got.code(t) != "UNAVAILABLE" {
		t.Errorf("%d %s", got.status, got.body)
	}
	page := s.ask(t, "GET", "/checkout/ord_01h455vb4pex5vsknk084sn02q", "", "Cookie", "__Host-partnergraph="+strings.Repeat("A", 43))
	if page.status != 503 || strings.Contains(page.body, "127.0.0.1") {
		t.Errorf("%d %s", page.status, page.body)
	}
	if got := s.ask(t, "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("%d", got.status)
	}
}

func TestRequestInFlightIsFinished(t *testing.T) {
	t.Parallel()
	cfg := settings(storetest.PostgresURL(t))
	cfg.ShutdownDelay = 300 * time.Millisecond
	s := serve(t, cfg, app.Options{})
	if err := fill(t.Context(), s.App); err != nil {
		t.Fatal(err)
	}
	// Whoever holds the table makes the query slow.
	holder := storetest.Open(t, cfg.DatabaseURL)
	tx, err := holder.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE partners IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	slow := make(chan answer, 1)
	go func() {
		slow <- s.query(t, `{ partners { nodes { name } } }`, bearer(demo.FixedKeys().Operator)...)
	}()
	waitFor(t, "the query waits for the table", func() bool {
		var waiting int
		err := holder.NewRaw("SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND NOT granted").Scan(t.Context(), &waiting)
		return err == nil && waiting > 0
	})

	s.stop()
	waitFor(t, "/readyz says that it is over", func() bool {
		status, said := s.ready(t)
		return status == 503 && said["server"] == "shutting down"
	})
	waitFor(t, "nobody new is let in", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case got := <-slow:
		t.Fatalf("answered before the table was free: %d %s", got.status, got.body)
	case err := <-s.done:
		t.Fatalf("gone with a request in flight: %v", err)
	default:
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := <-slow; got.status != 200 || !strings.Contains(got.body, "Demo Distributor") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if err := <-s.done; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestRequestThatDoesNotFinishIsCutOff(t *testing.T) {
	t.Parallel()
	cfg := settings(worldURL(t))
	cfg.ShutdownTimeout = 100 * time.Millisecond
	server, err := app.New(t.Context(), cfg, app.Options{LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- server.Serve(ctx, listener, func(net.Addr) { close(ready) }) }()
	<-ready
	// A body that never comes keeps the request in flight; 100 says that the handler waits for it.
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "did not finish in time") {
		t.Errorf("serve: %v", err)
	}
}

// TestNothingIsLeftRunning is not parallel, so that it counts its own goroutines only.
func TestNothingIsLeftRunning(t *testing.T) {
	url := worldURL(t)
	before := runtime.NumGoroutine()
	for range 2 {
		cfg := settings(url)
		cfg.MetricsListen = "127.0.0.1:" + freePort(t)
		s := serve(t, cfg, app.Options{})
		if got := s.query(t, `{ viewer { kind } }`, bearer(demo.FixedKeys().Customer)...); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
		s.end(t)
	}
	stacks := func() string {
		text := make([]byte, 1<<20)
		return string(text[:runtime.Stack(text, true)])
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// link is a TCP relay that can be cut.
type link struct {
	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	isCut    bool
}

// relay puts a link in front of what u names, and its address into u.
func relay(t *testing.T, u *url.URL) *link {
	t.Helper()
	target := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{listener: listener}
	t.Cleanup(l.cut)
	u.Host = listener.Addr().String()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				_ = near.Close()
				continue
			}
			l.add(near, far)
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
		}
	}()
	return l
}

func (l *link) add(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conns...)
	if l.isCut {
		l.close()
	}
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	_ = l.listener.Close()
	l.close()
}

func (l *link) close() {
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}
