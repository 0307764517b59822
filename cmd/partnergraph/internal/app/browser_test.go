package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/session"
)

var formToken = regexp.MustCompile(`name="` + pages.FieldCSRF + `" value="([^"]+)"`)

// signIn signs a person in with a password as a browser does.
func (s *server) signIn(t *testing.T, name, password string, headers ...string) answer {
	t.Helper()
	page := s.ask(t, "GET", "/sign-in", "", headers...)
	found := formToken.FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("%d: no form: %.300s", page.status, page.body)
	}
	form := url.Values{pages.FieldCSRF: {found[1]}, pages.FieldLoginName: {name}, pages.FieldPassword: {password}}
	visitor := page.cookie(t, "__Host-partnergraph-visitor")
	return s.ask(t, "POST", "/sign-in", form.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded", "Cookie", visitor.Name+"="+visitor.Value)...)
}

// cookieOf signs the demo's customer in and returns the Cookie header of its session.
func (s *server) cookieOf(t *testing.T, name string) string {
	t.Helper()
	cookie := s.signIn(t, name, demo.Password).cookie(t, session.CookieName)
	return cookie.Name + "=" + cookie.Value
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	in := s.signIn(t, "demo-bakery", demo.Password)
	cookie := in.cookie(t, session.CookieName)
	if in.status != 303 || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 0 {
		t.Errorf("%d %+v", in.status, cookie)
	}
	if !strings.HasPrefix(cookie.Name, "__Host-") || len(cookie.Value) < 43 {
		t.Errorf("%s holds %d characters", cookie.Name, len(cookie.Value))
	}
	got := s.query(t, `{ viewer { kind } }`, "Cookie", cookie.Name+"="+cookie.Value, "Origin", publicOrigin)
	if !strings.Contains(got.body, `"CUSTOMER_USER"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestPasswordGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	status := map[int]int{}
	locked := false
	for range 31 {
		// Unknown names, so that what stops the caller is its address and not the account.
		got := s.signIn(t, "nobody-here", "wrong-Password-1")
		status[got.status]++
		locked = strings.Contains(got.body, "Too many")
	}
	if !locked || status[401] != 31 {
		t.Errorf("statuses %v, locked %v", status, locked)
	}
	if got := s.signIn(t, "demo-bakery", demo.Password); got.status == 303 {
		t.Error("the address may go on")
	}

	// One account is held up wherever the guesses come from.
	other := world(t, func(c *app.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
	from := func(i int) []string { return []string{"X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i)} }
	for i := range 20 {
		if got := other.signIn(t, "demo-bakery", "wrong-Password-1", from(i)...); strings.Contains(got.body, "Too many") {
			t.Fatalf("guess %d is refused already", i)
		}
	}
	if got := other.signIn(t, "demo-bakery", demo.Password, from(20)...); got.status == 303 || !strings.Contains(got.body, "Too many") {
		t.Error("the account may be guessed at without end")
	}
}

func TestFormsNeedTheirToken(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	form := url.Values{pages.FieldLoginName: {"demo-bakery"}, pages.FieldPassword: {demo.Password}, pages.FieldCSRF: {"guessed"}}
	got := s.ask(t, "POST", "/sign-in", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Cookie", "__Host-partnergraph-visitor="+strings.Repeat("A", 43))
	if got.status != 403 || strings.Contains(strings.Join(got.header.Values("Set-Cookie"), ";"), session.CookieName+"=") {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestWhoMayCallFromWhere(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	cookie := s.cookieOf(t, "demo-bakery")
	key := "Bearer " + demo.FixedKeys().Customer
	const query, mutation = `{"query":"{ viewer { kind } }"}`, `{"query":"mutation { revokeApiKey(input: {apiKeyId: \"key_01h455vb4pex5vsknk084sn02q\"}) { apiKey { id } } }"}`
	get := "/graphql?query=" + url.QueryEscape(`{ viewer { kind } }`)
	getMutation := "/graphql?query=" + url.QueryEscape(`mutation { revokeApiKey(input: {apiKeyId: "key_01h455vb4pex5vsknk084sn02q"}) { apiKey { id } } }`)
	for name, c := range map[string]struct {
		method, path, body, origin, site, kind string
		cookie, key                            string
		status                                 int
		code                                   string
	}{
		"cookie, own origin":               {method: "POST", body: query, origin: publicOrigin, kind: jsonType, cookie: cookie, status: 200},
		"cookie, the platform's origin":    {method: "POST", body: query, origin: shopOrigin, kind: jsonType, cookie: cookie, status: 200},
		"cookie, a foreign origin":         {method: "POST", body: query, origin: otherOrigin, kind: jsonType, cookie: cookie, status: 403, code: "FORBIDDEN"},
		"cookie, a mutation from there":    {method: "POST", body: mutation, origin: otherOrigin, kind: jsonType, cookie: cookie, status: 403, code: "FORBIDDEN"},
		"cookie, no origin":                {method: "POST", body: query, kind: jsonType, cookie: cookie, status: 403, code: "FORBIDDEN"},
		"cookie, null origin":              {method: "POST", body: query, origin: "null", kind: jsonType, cookie: cookie, status: 403, code: "FORBIDDEN"},
		"cookie, a form":                   {method: "POST", body: query, origin: publicOrigin, kind: "text/plain", cookie: cookie, status: 403, code: "FORBIDDEN"},
		"cookie, GET":                      {method: "GET", path: get, cookie: cookie, site: "same-origin", status: 200},
		"cookie, GET from another site":    {method: "GET", path: get, cookie: cookie, site: "cross-site", status: 403, code: "FORBIDDEN"},
		"cookie, GET of a mutation":        {method: "GET", path: getMutation, cookie: cookie, site: "same-origin", status: 405, code: "INVALID"},
		"key, GET of a mutation":           {method: "GET", path: getMutation, key: key, status: 405, code: "INVALID"},
		"key, no origin":                   {method: "POST", body: query, kind: jsonType, key: key, status: 200},
		"key, a foreign origin":            {method: "POST", body: query, origin: otherOrigin, kind: jsonType, key: key, status: 200},
		"key and cookie, a foreign origin": {method: "POST", body: query, origin: otherOrigin, kind: jsonType, cookie: cookie, key: key, status: 200},
		"key, a form":                      {method: "POST", body: query, kind: "text/plain", key: key, status: 415, code: "INVALID"},
		"nobody, a foreign origin":         {method: "POST", body: `{"query":"{ __typename }"}`, origin: otherOrigin, kind: jsonType, status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.path == "" {
				c.path = "/graphql"
			}
			var headers []string
			for key, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site, "Content-Type": c.kind, "Cookie": c.cookie, "Authorization": c.key} {
				if value != "" {
					headers = append(headers, key, value)
				}
			}
			got := s.ask(t, c.method, c.path, c.body, headers...)
			if got.status != c.status || got.code(t) != c.code {
				t.Errorf("want %d %q, got %d %s", c.status, c.code, got.status, got.body)
			}
			readable := got.header.Get("Access-Control-Allow-Origin")
			if want := map[bool]string{true: shopOrigin}[c.origin == shopOrigin]; readable != want {
				t.Errorf("readable by %q, want %q", readable, want)
			}
		})
	}
}

// The operator belongs to no platform, so no platform's pages may use its session.
func TestAPlatformsOriginIsForItsOwnPeople(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	cookie := s.cookieOf(t, "operator")
	got := s.query(t, `{ viewer { kind } }`, "Cookie", cookie, "Origin", shopOrigin)
	if got.status != 403 || got.code(t) != "FORBIDDEN" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	ask := func(origin string) answer {
		return s.ask(t, "OPTIONS", "/graphql", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,authorization")
	}
	got := ask(shopOrigin)
	h := got.header
	if got.status != 204 || h.Get("Access-Control-Allow-Origin") != shopOrigin || h.Get("Access-Control-Allow-Credentials") != "true" ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("%d %v", got.status, h)
	}
	for _, origin := range []string{otherOrigin, "null", "http://shop.example.com", shopOrigin + ".evil.example", shopOrigin + ":8443", "%", "' OR 1=1"} {
		if got := ask(origin); got.status != 403 || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", origin, got.status, got.header)
		}
	}
	// Only GraphQL is for other origins.
	if got := s.ask(t, "GET", "/sign-in", "", "Origin", shopOrigin); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("pages can be read by platforms")
	}
}
