package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
)

const (
	publicOrigin = "https://sales.example.com"
	shopOrigin   = "https://shop.example.com"
	otherOrigin  = "https://other.example.com"
	jsonType     = "application/json"
)

// settings are valid ones, on the database at url.
func settings(url string) app.Config {
	return app.Config{
		Listen: "127.0.0.1:0", PublicURL: publicOrigin, DatabaseURL: url, CacheURL: "memory:",
		SealKeys: "test:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)), MaxConns: 4, Introspection: true,
		OperationTimeout: 10 * time.Second, MaxDepth: 15, MaxAliases: 50, MaxRootFields: 30, MaxCost: 50_000, RateLimit: 6000,
		RateWindow: time.Minute, SessionIdle: 30 * time.Minute, SessionLife: 12 * time.Hour, ShutdownTimeout: 20 * time.Second,
		LogLevel: "debug", LogFormat: "json", Cloud: "hws",
	}
}

// filled is a SQLite file with the demo's world, made once.
var filled = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "app-test-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "world.db")
	cfg := settings("sqlite://" + path)
	cfg.Migrate = true
	server, err := app.New(context.Background(), cfg, app.Options{LogOutput: io.Discard})
	if err != nil {
		return nil, err
	}
	if err := fill(context.Background(), server); err != nil {
		_ = server.Close()
		return nil, err
	}
	if err := server.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// fill makes the demo's world and lets the solution provider's platform call from shopOrigin.
func fill(ctx context.Context, server *app.App) error {
	world, err := demo.Fill(ctx, server.Rooms)
	if err != nil {
		return err
	}
	platform, enabled, paid := demo.PlatformID, models.ExposureEnabled, shopOrigin+"/paid"
	_, err = server.Rooms.Exposure.Update(ctx, models.SystemPrincipal("test"), exposure.UpdateAccessConfiguration{
		PartnerID: world.SolutionProvider.ID, PlatformID: &platform, State: &enabled, OrderPaidURL: &paid, AllowedOrigins: []string{shopOrigin},
	})
	return err
}

// worldURL is a fresh copy of the filled database.
func worldURL(t *testing.T) string {
	t.Helper()
	content, err := filled()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "world.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path
}

// logs collects what a server writes.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// server is a running one.
type server struct {
	*app.App
	url    string // http://127.0.0.1:port
	logs   *logs
	client *http.Client
	stop   func()     // asks it to stop
	done   chan error // what Serve returned
}

// serve runs a server with cfg until the test ends.
func serve(t *testing.T, cfg app.Config, opts app.Options) *server {
	t.Helper()
	s := &server{logs: new(logs), done: make(chan error, 1), client: &http.Client{
		Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	opts.LogOutput = s.logs
	var err error
	if s.App, err = app.New(t.Context(), cfg, opts); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	ready := make(chan struct{})
	go func() {
		s.done <- s.Serve(ctx, listener, func(net.Addr) { close(ready) })
		close(s.done)
	}()
	<-ready
	t.Cleanup(func() { s.end(t) })
	return s
}

// end stops the server and closes it; once is enough, twice does no harm.
func (s *server) end(t *testing.T) {
	t.Helper()
	s.stop()
	s.client.CloseIdleConnections()
	if err := <-s.done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if s.App != nil {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		s.App = nil
	}
}

// world serves the filled database; change may alter the settings.
func world(t *testing.T, change func(*app.Config)) *server {
	t.Helper()
	cfg := settings(worldURL(t))
	if change != nil {
		change(&cfg)
	}
	return serve(t, cfg, app.Options{})
}

// answer is one answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends one request; headers are pairs.
func (s *server) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return s.send(t, r)
}

func (s *server) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

// query posts a GraphQL document.
func (s *server) query(t *testing.T, document string, headers ...string) answer {
	t.Helper()
	return s.ask(t, http.MethodPost, "/graphql", document2body(t, document), append(headers, "Content-Type", jsonType)...)
}

func document2body(t *testing.T, document string) string {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// bearer is the header of one of the demo's keys.
func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

// code is the code of the first error of a GraphQL answer, or empty.
func (a answer) code(t *testing.T) string {
	t.Helper()
	var body struct {
		Errors []struct {
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%d is not JSON: %s", a.status, a.body)
	}
	if len(body.Errors) == 0 {
		return ""
	}
	return body.Errors[0].Extensions.Code
}

// cookie returns the cookie that the answer sets under name.
func (a answer) cookie(t *testing.T, name string) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, a.header)
	return nil
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// redisURL is the Redis server that tests are given.
func redisURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("TEST_REDIS_URL")
	if url == "" {
		t.Fatal("TEST_REDIS_URL is not set; run `make test`, which starts the servers that tests need")
	}
	// The demo's keys are the same in every world, which their own prefixes keep apart.
	return url + "?prefix=" + strings.ToLower(rand.Text())
}
