package apitest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cache/cachetest"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// Server is an assembled server over a database of its own.
type Server struct {
	App   *app.App
	Clock *Clock
	Log   *Buffer
	Mails *Letters
	Files *filestest.Memory
}

// Option changes what a Server is made of.
type Option func(*app.Config, *app.Options)

// Each runs fn as two parallel subtests: SQLite with the memory cache, and PostgreSQL with Redis.
func Each(t *testing.T, fn func(t *testing.T, s *Server), opts ...Option) {
	t.Helper()
	eachEngine(t, func(t *testing.T, e engine) { fn(t, New(t, e.fresh(t), e.cacheURL(t), opts...)) })
}

// engine is a database with its cache.
type engine struct {
	name  string
	fresh func(t *testing.T) string // the url of an empty database
	redis bool
}

// eachEngine runs fn as parallel subtests.
func eachEngine(t *testing.T, fn func(t *testing.T, e engine)) {
	t.Helper()
	for _, e := range []engine{{"sqlite and memory", storetest.SQLiteURL, false}, {"postgres and redis", storetest.PostgresURL, true}} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			fn(t, e)
		})
	}
}

// cacheURL is a cache of the test's own, as the ids of copied worlds are the same.
func (e engine) cacheURL(t *testing.T) string {
	t.Helper()
	if !e.redis {
		return "memory:"
	}
	url := cachetest.RedisURL(t)
	return url + map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")] + "prefix=" + rand.Text()
}

// New assembles a server with the production settings, apart from rate limits and the log's level, and closes it when
// the test ends.
func New(t *testing.T, databaseURL, cacheURL string, opts ...Option) *Server {
	t.Helper()
	s := &Server{Clock: &Clock{at: time.Date(2026, 11, 10, 8, 0, 0, 0, time.UTC)}, Log: &Buffer{}, Mails: &Letters{}, Files: &filestest.Memory{}}
	s.start(t, databaseURL, cacheURL, opts...)
	return s
}

func (s *Server) start(t *testing.T, databaseURL, cacheURL string, opts ...Option) {
	t.Helper()
	cfg, options := settings(s, databaseURL, cacheURL)
	for _, opt := range opts {
		opt(&cfg, &options)
	}
	var err error
	if s.App, err = app.New(t.Context(), cfg, options); err != nil {
		t.Fatalf("apitest: %v", err)
	}
	t.Cleanup(func() { _ = s.App.Close() }) // a test may have closed parts of it
}

// Settings are those of a Server on SQLite, for tests of what makes app.New fail.
func Settings(t *testing.T) (app.Config, app.Options) {
	t.Helper()
	return settings(&Server{Clock: &Clock{}, Log: &Buffer{}, Mails: &Letters{}, Files: &filestest.Memory{}}, storetest.SQLiteURL(t), "memory:")
}

func settings(s *Server, databaseURL, cacheURL string) (app.Config, app.Options) {
	cfg := app.Config{
		Listen: "127.0.0.1:0", PublicURL: "https://sales.example.com", DatabaseURL: databaseURL, CacheURL: cacheURL,
		SealKeys: "k1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)), MaxConns: 8, Introspection: true,
		OperationTimeout: 30 * time.Second, MaxDepth: 15, MaxAliases: 50, MaxRootFields: 30, MaxCost: 50_000,
		RateWindow: time.Minute, SessionIdle: 30 * time.Minute, SessionLife: 12 * time.Hour, ShutdownTimeout: time.Second,
		GracePeriod: 360 * time.Hour, RetentionPeriod: 360 * time.Hour, LogLevel: "warn", LogFormat: "json", Cloud: "hws",
	}
	options := app.Options{
		Version: "test", LogOutput: s.Log, Now: s.Clock.Now,
		Providers: map[string]funds.Provider{"signed": Payments(s.Clock)}, SigningEntities: signingEntities(), Mailer: s.Mails, Objects: s.Files,
	}
	return cfg, options
}

// Wide lifts the limits of a document and of searches, for tests that ask for everything at once.
func Wide(cfg *app.Config, _ *app.Options) {
	cfg.CompanySearches = 1_000_000
	cfg.MaxDepth, cfg.MaxAliases, cfg.MaxRootFields, cfg.MaxCost = 100, 10_000, 1000, 100_000_000
}

// Patient makes the calls of one level of a query wait for each other even on a machine that is busy with other tests.
func Patient(_ *app.Config, opts *app.Options) { opts.LoaderWait = 20 * time.Millisecond }

// Clock is the time of a Server, which moves only when told to. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves it on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Buffer is a log to read in a test. It is safe for concurrent use.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*Buffer)(nil)

// Write appends.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns everything so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Answer is a GraphQL answer with the HTTP around it.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Data   map[string]any
	Errors []Error
}

// Error is one entry of errors.
type Error struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

// Code is extensions.code.
func (e Error) Code() string {
	code, _ := e.Extensions["code"].(string)
	return code
}

// Codes lists the codes of the errors in their order, repeated ones once.
func (a Answer) Codes() []string {
	var codes []string
	for _, e := range a.Errors {
		if len(codes) == 0 || codes[len(codes)-1] != e.Code() {
			codes = append(codes, e.Code())
		}
	}
	return codes
}

// At returns what is in the data at a path of names and indexes, or nil.
func (a Answer) At(path ...any) any {
	var at any = a.Data
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := at.(map[string]any)
			at = object[step]
		case int:
			list, _ := at.([]any)
			if step >= len(list) {
				return nil
			}
			at = list[step]
		}
	}
	return at
}

// Ask posts a GraphQL document with the API key, which may be empty.
func (s *Server) Ask(t *testing.T, key, document string, variables map[string]any) Answer {
	t.Helper()
	return s.AskCtx(t.Context(), t, key, document, variables)
}

// AskCtx is Ask under a context of the caller's, such as one that counts statements.
func (s *Server) AskCtx(ctx context.Context, t *testing.T, key, document string, variables map[string]any) Answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return s.Post(ctx, t, key, string(body))
}

// Post posts a body as it is.
func (s *Server) Post(ctx context.Context, t *testing.T, key, body string) Answer {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "https://sales.example.com/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	s.App.Handler.ServeHTTP(w, r)
	answer, err := NewAnswer(w.Code, w.Header(), w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// NewAnswer reads an HTTP answer as one of GraphQL, or says that it is none.
func NewAnswer(status int, header http.Header, body []byte) (Answer, error) {
	answer := Answer{Status: status, Header: header, Body: string(body)}
	var decoded struct {
		Data   map[string]any
		Errors []Error
	}
	if err := json.Unmarshal(body, &decoded); err != nil {
		return answer, fmt.Errorf("status %d, not JSON: %w\n%.400s", status, err, body)
	}
	answer.Data, answer.Errors = decoded.Data, decoded.Errors
	return answer, nil
}
