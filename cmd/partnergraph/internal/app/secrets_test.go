package app_test

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/session"
)

// visitor is a browser without the script: it keeps cookies by host, also Secure ones, which browsers keep on localhost
// too, and remembers everything that must not be written down.
type visitor struct {
	client  *http.Client
	cookies map[string]map[string]string
	secrets map[string]string // what it is, by value
}

func newVisitor() *visitor {
	return &visitor{
		cookies: map[string]map[string]string{}, secrets: map[string]string{},
		client: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(addr) // names under localhost are loopback, whatever the resolver thinks
				return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
			}},
		},
	}
}

// visit sends one request, a form when there is one, and returns the answer and where it leads.
func (v *visitor) visit(t *testing.T, address string, form url.Values, headers ...string) (answer, string) {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range v.cookies[r.URL.Host] {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if v.cookies[r.URL.Host] == nil {
		v.cookies[r.URL.Host] = map[string]string{}
	}
	for _, c := range resp.Cookies() {
		v.cookies[r.URL.Host][c.Name] = c.Value
		v.keep("cookie "+c.Name, c.Value)
	}
	next := ""
	if location, err := resp.Location(); err == nil {
		next = location.String()
	}
	return answer{resp.StatusCode, resp.Header, string(raw)}, next
}

// follow goes where an address leads, and returns the page at the end.
func (v *visitor) follow(t *testing.T, address string) answer {
	t.Helper()
	var page answer
	for hops := 0; address != "" && hops < 10; hops++ {
		page, address = v.visit(t, address, nil)
	}
	return page
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	formField  = regexp.MustCompile(`name="([A-Za-z_]+)" value="([^"]*)"`)
)

// formOf reads the first form of a page.
func formOf(t *testing.T, page answer) (action string, fields url.Values) {
	t.Helper()
	form, _, _ := strings.Cut(page.body, "</form>")
	found := formAction.FindStringSubmatch(form)
	if found == nil {
		t.Fatalf("%d: no form in %.600s", page.status, page.body)
	}
	fields = url.Values{}
	for _, field := range formField.FindAllStringSubmatch(form, -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	return html.UnescapeString(found[1]), fields
}

// keep remembers secrets by what they are.
func (v *visitor) keep(what string, values ...string) {
	for _, value := range values {
		if len(value) > 3 {
			v.secrets[value] = what
		}
	}
}

// runDemo runs the demo, which has an identity provider, and returns where it is and what it logs.
func runDemo(t *testing.T) (demo.Info, *logs) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	written, ready, done := new(logs), make(chan demo.Info, 1), make(chan error, 1)
	go func() {
		done <- demo.Run(ctx, demo.Options{
			Listen: "127.0.0.1:0", StorefrontListen: "127.0.0.1:0", LogLevel: "debug", Out: io.Discard, LogOutput: written,
			Ready: func(info demo.Info) { ready <- info },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("demo: %v", err)
		}
	})
	select {
	case info := <-ready:
		return info, written
	case <-time.After(time.Minute):
		t.Fatal("the demo does not come up")
		return demo.Info{}, nil
	}
}

// TestLogHoldsNoSecret signs in by key, by password and by SAML, with everything logged that can be, and looks for each
// credential and each name in what was written.
func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	info, written := runDemo(t)
	v := newVisitor()
	origin, _, _ := strings.Cut(info.Console, "/console")

	// By key, which makes another key; and by one that is wrong.
	v.keep("API key", info.Keys.SolutionProvider, "pgk_guessedGuessedGuessedGuessed")
	made, _ := v.graphql(t, info, info.Keys.SolutionProvider, `mutation { createApiKey(input: {name: "log test", scopes: [CUSTOMERS_READ]}) { secret apiKey { id } } }`)
	var answered struct {
		Data struct{ CreateAPIKey struct{ Secret string } }
	}
	if err := json.Unmarshal([]byte(made.body), &answered); err != nil || answered.Data.CreateAPIKey.Secret == "" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	v.keep("new API key", answered.Data.CreateAPIKey.Secret)
	v.graphql(t, info, "pgk_guessedGuessedGuessedGuessed", `{ viewer { kind } }`)
	v.graphql(t, info, info.Keys.SolutionProvider, `{ customers(query: "demo-secret-search") { nodes { id } } }`)
	v.keep("searched name", "demo-secret-search")

	// By password, wrong and right.
	v.keep("password", demo.Password, "wrong-Password-1")
	for _, password := range []string{"wrong-Password-1", demo.Password} {
		page, _ := v.visit(t, origin+"/sign-in?next=/console", nil)
		_, form := formOf(t, page)
		v.keep("form token", form.Get(pages.FieldCSRF))
		form.Set(pages.FieldLoginName, "demo-bakery")
		form.Set(pages.FieldPassword, password)
		v.visit(t, origin+"/sign-in", form, "Origin", origin)
	}
	host := strings.TrimPrefix(origin, "http://")
	if v.cookies[host][session.CookieName] == "" {
		t.Fatal("not signed in")
	}
	v.visit(t, origin+"/console", nil)
	v.keep("login name", "demo-bakery")
	delete(v.cookies, host)

	// By SAML, up to the new account.
	v.federate(t, info, origin)
	if v.cookies[host][session.CookieName] == "" {
		t.Fatalf("the SAML login did not end in a session:\n%s", written)
	}

	// Something no room has words for.
	v.visit(t, origin+"/checkout/%00?token=query-secret", nil)
	v.keep("query", "query-secret")

	text := written.String()
	for value, what := range v.secrets {
		if strings.Contains(text, value) || strings.Contains(text, url.QueryEscape(value)) {
			t.Errorf("%s %q is in the log", what, value)
		}
	}
	for _, want := range []string{"msg=request", "saml_outcome=LOGIN_STARTED", "saml_outcome=LOGIN_ACCEPTED", "route=/sign-in"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not even have %q", want)
		}
	}
	if len(v.secrets) < 15 {
		t.Errorf("only %d secrets were seen: %v", len(v.secrets), v.secrets)
	}
}

// graphql posts a document with a key.
func (v *visitor) graphql(t *testing.T, info demo.Info, key, document string) (answer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, info.GraphQL, strings.NewReader(document2body(t, document)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Authorization", "Bearer "+key)
	return (&server{client: v.client}).send(t, r), ""
}

// federate goes through a first login: link, identity provider, assertion, new account.
func (v *visitor) federate(t *testing.T, info demo.Info, origin string) {
	t.Helper()
	_, request := v.visit(t, info.SAML.Login, nil)
	sent, err := url.Parse(request)
	if err != nil || sent.Query().Get("SAMLRequest") == "" {
		t.Fatalf("the login link leads to %q", request)
	}
	v.keep("SAML request", sent.Query().Get("SAMLRequest"), sent.Query().Get("Signature"))
	v.keep("relay state", sent.Query().Get("RelayState"))
	theirs := sent.Scheme + "://" + sent.Host
	page := v.follow(t, request)
	_, form := formOf(t, page)
	form.Set("account", "log-test-person")
	_, then := v.visit(t, theirs+"/sign-in", form)
	page = v.follow(t, then)
	acs, form := formOf(t, page)
	v.keep("assertion", form.Get("SAMLResponse"))
	v.keep("relay state", form.Get("RelayState"))
	arrived, next := v.visit(t, acs, form, "Origin", theirs)
	if next == "" {
		t.Fatalf("%d %.600s", arrived.status, arrived.body)
	}
	page = v.follow(t, next)
	_, form = formOf(t, page)
	v.keep("ticket", form.Get(pages.FieldTicket))
	v.keep("form token", form.Get(pages.FieldCSRF))
	v.keep("account name", "log-test-account", "log-test-person")
	form.Set(pages.FieldAccountName, "log-test-account")
	form.Set(pages.FieldConsent, "yes")
	if done, next := v.visit(t, origin+"/first-login", form, "Origin", origin); next == "" {
		t.Fatalf("%d %.900s", done.status, done.body)
	}
}
