package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// dial opens a connection that says what the test wants it to say.
func (s *server) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestHeaderThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	conn := s.dial(t)
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("after %s: %v", time.Since(started), err)
	}
	if took := time.Since(started); took < 3*time.Second || took > 15*time.Second {
		t.Errorf("cut off after %s", took)
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	conn := s.dial(t)
	go func() {
		_, _ = fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("a", 80<<10))
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 80 KiB: %d", resp.StatusCode)
	}
	body := `{"query":"{ __typename }","variables":{"a":"` + strings.Repeat("a", 1<<20) + `"}}`
	if got := s.ask(t, "POST", "/graphql", body, "Content-Type", jsonType); got.status != http.StatusRequestEntityTooLarge || got.code(t) == "" {
		t.Errorf("a body of 1 MiB and a bit: %d %s", got.status, got.body)
	}
	if got := s.ask(t, "POST", "/sign-in", strings.Repeat("a", 65<<10), "Content-Type", "application/x-www-form-urlencoded"); got.status < 400 || got.status >= 500 {
		t.Errorf("a form of 65 KiB: %d", got.status)
	}
}

// Each limit of a document is the configured one, and the answer says which it was and what was asked.
func TestDocumentsAreHeldToTheSettings(t *testing.T) {
	t.Parallel()
	s := world(t, func(c *app.Config) { c.MaxDepth, c.MaxAliases, c.MaxRootFields, c.MaxCost = 4, 3, 2, 50 })
	for document, figure := range map[string]string{
		`{ viewer { partner { customers { nodes { id } } } } }`:       "4",
		`{ a: viewer { b: kind c: kind d: kind } }`:                   "3",
		`{ viewer { kind } v2: viewer { kind } v3: viewer { kind } }`: "2",
		`{ customers(first: 100) { nodes { id name } } }`:             "50",
	} {
		got := s.query(t, document, bearer(demo.FixedKeys().SolutionProvider)...)
		if got.code(t) != "TOO_COMPLEX" || !strings.Contains(got.body, figure) {
			t.Errorf("%s: %d %s", document, got.status, got.body)
		}
	}
	if got := s.query(t, `{ viewer { kind } }`, bearer(demo.FixedKeys().SolutionProvider)...); got.code(t) != "" {
		t.Errorf("within the limits: %s", got.body)
	}
}

func TestOperationEndsAtItsTimeout(t *testing.T) {
	t.Parallel()
	cfg := settings(storetest.PostgresURL(t))
	cfg.OperationTimeout = 300 * time.Millisecond
	s := serve(t, cfg, app.Options{})
	if err := fill(t.Context(), s.App); err != nil {
		t.Fatal(err)
	}
	holder := storetest.Open(t, cfg.DatabaseURL)
	tx, err := holder.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE partners, access_configurations IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	got := s.query(t, `{ partners { nodes { name } } }`, bearer(demo.FixedKeys().Operator)...)
	if got.code(t) != "UNAVAILABLE" {
		t.Errorf("%d %s", got.status, got.body)
	}
	got = s.query(t, `{ viewer { partner { name } } }`, bearer(demo.FixedKeys().SolutionProvider)...)
	if got.code(t) != "UNAVAILABLE" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if page := s.ask(t, "GET", "/saml/login?xAccountType="+demo.PlatformID, ""); page.status != 503 {
		t.Errorf("%d %s", page.status, page.body)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("after %s", took)
	}
}
