package app_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
)

func TestEveryKindOfAnswerIsHardened(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	_, sheet, _ := strings.Cut(s.ask(t, "GET", "/sign-in", "").body, `<link rel="stylesheet" href="`)
	sheet, _, _ = strings.Cut(sheet, `"`)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		policy             string // what the policy must contain
	}{
		"graphql":            {"POST", "/graphql", `{"query":"{ __typename }"}`, 200, "default-src 'none'"},
		"graphql refused":    {"POST", "/graphql", `nonsense`, 400, "default-src 'none'"},
		"graphiql":           {"GET", "/graphiql", "", 200, "script-src 'self'"},
		"graphiql's nothing": {"GET", "/graphiql/assets/none.js", "", 404, "default-src 'none'"},
		"sign-in":            {"GET", "/sign-in", "", 200, "form-action 'self'"},
		"form refused":       {"POST", "/sign-in", "", 403, "form-action 'self'"},
		"style sheet":        {"GET", sheet, "", 200, "default-src 'none'"},
		"redirect":           {"GET", "/console", "", 303, "default-src 'none'"},
		"no such page":       {"GET", "/no/such/page", "", 404, "form-action 'self'"},
		"no such method":     {"DELETE", "/sign-in", "", 404, "form-action 'self'"},
		"saml refused":       {"GET", "/saml/login?xAccountType=nobody", "", 404, "form-action 'self'"},
		"saml metadata":      {"GET", "/saml/sp/" + demo.PlatformID + "/metadata", "", 200, "default-src 'none'"},
		"health":             {"GET", "/healthz", "", 200, "default-src 'none'"},
		"readiness":          {"GET", "/readyz", "", 200, "default-src 'none'"},
		"metrics":            {"GET", "/metrics", "", 200, "default-src 'none'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.ask(t, c.method, c.path, c.body, "Content-Type", jsonType)
			if got.status != c.status {
				t.Errorf("status %d, want %d: %.300s", got.status, c.status, got.body)
			}
			h := got.header
			for key, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
				"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
			} {
				if h.Get(key) != want {
					t.Errorf("%s: %q, want %q", key, h.Get(key), want)
				}
			}
			if policies := h.Values("Content-Security-Policy"); len(policies) != 1 || !strings.Contains(policies[0], c.policy) || !strings.Contains(policies[0], "frame-ancestors 'none'") {
				t.Errorf("policies %q lack %s", policies, c.policy)
			}
			if strings.Contains(h.Get("Content-Security-Policy"), "script-src 'unsafe") || h.Get("Referrer-Policy") == "" || len(h.Get("X-Request-Id")) != 32 {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func TestUnknownPageIsAPageAndNamesTheRequest(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	got := s.ask(t, "GET", "/nothing-here", "")
	if got.status != 404 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, got.header.Get("X-Request-Id")) {
		t.Errorf("%d %v: %s", got.status, got.header, got.body)
	}
}

func TestRequestIDIsOursUnlessAProxySentIt(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	got := s.ask(t, "GET", "/sign-in", "", "X-Request-Id", "chosen-by-a-stranger")
	id := got.header.Get("X-Request-Id")
	if id == "chosen-by-a-stranger" || len(id) != 32 {
		t.Errorf("id %q", id)
	}
	if !strings.Contains(s.logs.String(), `"request_id":"`+id+`"`) {
		t.Errorf("no line of the log carries %s", id)
	}

	behind := world(t, func(c *app.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} })
	if got := behind.ask(t, "GET", "/sign-in", "", "X-Request-Id", "sent-by-the-proxy").header.Get("X-Request-Id"); got != "sent-by-the-proxy" {
		t.Errorf("the proxy's id became %q", got)
	}
	for _, bad := range []string{"a b", strings.Repeat("a", 65), "x\"y"} {
		if got := behind.ask(t, "GET", "/sign-in", "", "X-Request-Id", bad).header.Get("X-Request-Id"); len(got) != 32 {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// The address that counts is seen in the log.
func TestCallersAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies []string
		lines   []string
		want    string
	}{
		"nobody is trusted":                     {nil, []string{"198.51.100.7"}, "127.0.0.1"},
		"another proxy is trusted":              {[]string{"10.0.0.0/8"}, []string{"198.51.100.7"}, "127.0.0.1"},
		"a trusted proxy tells":                 {[]string{"127.0.0.1"}, []string{"198.51.100.7"}, "198.51.100.7"},
		"what the caller claimed comes first":   {[]string{"127.0.0.1"}, []string{"203.0.113.1, 198.51.100.7"}, "198.51.100.7"},
		"in a header line of its own":           {[]string{"127.0.0.1"}, []string{"203.0.113.1", "198.51.100.7"}, "198.51.100.7"},
		"through two trusted proxies":           {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"198.51.100.7, 10.1.2.3"}, "198.51.100.7"},
		"IPv6":                                  {[]string{"127.0.0.1"}, []string{"2001:db8::7"}, "2001:db8::7"},
		"a trusted proxy that tells nothing":    {[]string{"127.0.0.1"}, nil, "127.0.0.1"},
		"a trusted proxy that tells no address": {[]string{"127.0.0.1"}, []string{"unknown"}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := world(t, func(c2 *app.Config) { c2.TrustedProxies = c.proxies })
			var headers []string
			for _, line := range c.lines {
				headers = append(headers, "X-Forwarded-For", line)
			}
			s.ask(t, "GET", "/sign-in", "", headers...)
			if !strings.Contains(s.logs.String(), `"remote_addr":"`+c.want+`"`) {
				t.Errorf("want %s in %s", c.want, s.logs)
			}
		})
	}
}

func TestMetricsAreForThisMachineOrAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	s.query(t, `{ viewer { kind } }`)
	s.ask(t, "BREW", "/sign-in", "")
	s.ask(t, "GET", "/checkout/ord_01h455vb4pex5vsknk084sn02q", "")
	got := s.ask(t, "GET", "/metrics", "")
	for _, want := range []string{
		`partnergraph_graphql_operation_duration_seconds_count{operation="query",outcome=`, `route="/graphql",status="200"`,
		`method="OTHER",route="/"`, `route="/checkout/{orderId}"`, "go_goroutines",
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%d: no %s", got.status, want)
		}
	}
	if strings.Contains(got.body, "BREW") || strings.Contains(got.body, "01h455vb4pex5vsknk084sn02q") {
		t.Error("what callers write multiplies the metrics")
	}
	if got := s.ask(t, "GET", "/metrics", "", "X-Forwarded-For", "198.51.100.7"); got.status != 404 {
		t.Errorf("a stranger behind a proxy on this machine: %d", got.status)
	}
	// A caller from elsewhere cannot be had on loopback, so the handler is asked itself.
	if status := s.from(t, "198.51.100.7:4711", "/metrics"); status != 404 {
		t.Errorf("a stranger: %d", status)
	}
	if status := s.from(t, "[::1]:4711", "/metrics"); status != 200 {
		t.Errorf("this machine: %d", status)
	}

	apart := "127.0.0.1:" + freePort(t)
	other := world(t, func(c *app.Config) { c.MetricsListen = apart })
	if got := other.ask(t, "GET", "/metrics", ""); got.status != 404 {
		t.Errorf("on the main address: %d", got.status)
	}
	resp, err := other.client.Get("http://" + apart + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("on its own address: %d", resp.StatusCode)
	}
}

func TestProfilesHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	apart := "127.0.0.1:" + freePort(t)
	s := world(t, func(c *app.Config) { c.PprofListen = apart })
	if got := s.ask(t, "GET", "/debug/pprof/", ""); got.status != 404 {
		t.Errorf("on the main address: %d", got.status)
	}
	resp, err := s.client.Get("http://" + apart + "/debug/pprof/goroutine")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("on its own address: %d", resp.StatusCode)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := world(t, func(c *app.Config) { c.RateLimit, c.RateWindow, c.TrustedProxies = 3, time.Hour, []string{"127.0.0.1"} })
	keys := demo.FixedKeys()
	for range 3 {
		if got := s.query(t, `{ viewer { kind } }`, bearer(keys.Customer)...); got.status != 200 || got.code(t) != "" {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	got := s.query(t, `{ viewer { kind } }`, bearer(keys.Customer)...)
	if got.status != 429 || got.code(t) != "RATE_LIMITED" || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, `"retryAfter":`+got.header.Get("Retry-After")) {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if got := s.query(t, `{ viewer { kind } }`, bearer(keys.Reseller)...); got.status != 200 {
		t.Errorf("another key is held up too: %d %s", got.status, got.body)
	}

	// Without a key the address counts; a stranger cannot take another's.
	visit := func(addr string) answer {
		return s.ask(t, "GET", "/sign-in", "", "X-Forwarded-For", addr)
	}
	for range 3 {
		if got := visit("198.51.100.1"); got.status != 200 {
			t.Fatalf("%d", got.status)
		}
	}
	page := visit("198.51.100.1")
	if page.status != 429 || page.header.Get("Retry-After") == "" || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", page.status, page.header)
	}
	if got := visit("198.51.100.2"); got.status != 200 {
		t.Errorf("another address is held up too: %d", got.status)
	}
	// Guessing keys is counted like any anonymous call.
	for i := range 4 {
		got := s.query(t, `{ viewer { kind } }`, "Authorization", "Bearer pgk_wrong", "X-Forwarded-For", "198.51.100.3")
		if want := map[bool]int{true: 429, false: 401}[i == 3]; got.status != want {
			t.Errorf("guess %d: %d %s", i, got.status, got.body)
		}
	}
	for range 5 {
		if got := s.ask(t, "GET", "/healthz", ""); got.status != 200 {
			t.Errorf("probes are limited: %d", got.status)
		}
	}
}

// TestGraphQLOverHTTPAudit runs the public audit suite of npm graphql-http against the assembled program, as a caller
// without a credential.
func TestGraphQLOverHTTPAudit(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	dir, absErr := filepath.Abs("../../../../web/audit")
	if absErr != nil {
		t.Fatal(absErr)
	}
	_, statErr := os.Stat(filepath.Join(dir, "node_modules", "graphql-http"))
	if err != nil || statErr != nil {
		t.Fatal("the audit needs node, and `npm ci` in web/audit; `make test` does both")
	}
	s := world(t, nil)
	cmd := exec.CommandContext(t.Context(), node, "audit.mjs", s.url+"/graphql")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "61/61 audits passed") {
		t.Errorf("%v\n%s", err, out)
	}
}

// from asks the handler as a caller at this address.
func (s *server) from(t *testing.T, addr, path string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = addr
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return w.Code
}
