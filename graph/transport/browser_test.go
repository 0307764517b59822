package transport_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/graph/transport"
)

const shop = "https://shop.example"

func allowShop(_ context.Context, origin string) bool { return origin == shop }

func TestCSRFCheck(t *testing.T) {
	t.Parallel()
	own := "https://api.example"
	listed := transport.CSRF{AllowedOrigin: allowShop}
	for name, c := range map[string]struct {
		check                      transport.CSRF
		method, origin, site, kind string
		tls, want                  bool
	}{
		"own origin over TLS":              {listed, "POST", own, "", jsonType, true, true},
		"own origin behind a proxy":        {listed, "POST", own, "", jsonType, false, true},
		"own host, but http, over TLS":     {listed, "POST", "http://api.example", "", jsonType, true, false},
		"own host, another port":           {listed, "POST", "https://api.example:8443", "", jsonType, true, false},
		"a listed origin":                  {listed, "POST", shop, "", jsonType, true, true},
		"a listed origin without a list":   {transport.CSRF{}, "POST", shop, "", jsonType, true, false},
		"a foreign origin":                 {listed, "POST", "https://evil.example", "", jsonType, true, false},
		"a listed name as a prefix":        {listed, "POST", shop + ".evil.example", "", jsonType, true, false},
		"null":                             {transport.CSRF{AllowedOrigin: func(context.Context, string) bool { return true }}, "POST", "null", "", jsonType, true, false},
		"no origin":                        {listed, "POST", "", "", jsonType, true, false},
		"own origin, a form":               {listed, "POST", own, "", "application/x-www-form-urlencoded", true, false},
		"own origin, text/plain":           {listed, "POST", own, "", "text/plain", true, false},
		"own origin, no type":              {listed, "POST", own, "", "", true, false},
		"a public origin":                  {transport.CSRF{PublicOrigin: "https://public.example/"}, "POST", "https://public.example", "", jsonType, false, true},
		"the Host, with a public origin":   {transport.CSRF{PublicOrigin: "https://public.example"}, "POST", own, "", jsonType, false, false},
		"GET without an origin":            {listed, "GET", "", "same-origin", "", true, true},
		"GET from another site":            {listed, "GET", "", "cross-site", "", true, false},
		"GET from a foreign origin":        {listed, "GET", "https://evil.example", "cross-site", "", true, false},
		"GET from a listed origin":         {listed, "GET", shop, "cross-site", "", true, true},
		"an origin that is not one at all": {listed, "POST", "::::", "", jsonType, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, "http://api.example/graphql", nil)
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for k, v := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site, "Content-Type": c.kind} {
				if v != "" {
					r.Header.Set(k, v)
				}
			}
			err := c.check.Check(r)
			if (err == nil) != c.want {
				t.Errorf("got %v", err)
			}
			if err != nil && err.Extensions["code"] != "FORBIDDEN" {
				t.Errorf("got %v", err.Extensions)
			}
		})
	}
}

func TestOnlyCookieRequestsAreChecked(t *testing.T) {
	t.Parallel()
	srv, root := serve(t, transport.Config{
		CSRF:                transport.CSRF{AllowedOrigin: allowShop},
		CookieAuthenticated: func(r *http.Request) bool { return r.Header.Get("Cookie") != "" },
	})
	body := query(t, "mutation { bump }")
	send := func(headers ...string) int {
		return do(t, request(t, "POST", srv.URL, body, append(headers, "Content-Type", jsonType)...)).status
	}
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"a key":                     {[]string{"Authorization", "Bearer k", "Origin", "https://evil.example"}, 200},
		"a cookie, own origin":      {[]string{"Cookie", "s=1", "Origin", srv.URL}, 200},
		"a cookie, listed":          {[]string{"Cookie", "s=1", "Origin", shop}, 200},
		"a cookie, foreign":         {[]string{"Cookie", "s=1", "Origin", "https://evil.example"}, 403},
		"a cookie, no origin":       {[]string{"Cookie", "s=1"}, 403},
		"a stream, cookie, foreign": {[]string{"Cookie", "s=1", "Origin", "https://evil.example", "Accept", "text/event-stream"}, 403},
	} {
		if got := send(c.headers...); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	if n := root.Bumps.Load(); n != 3 {
		t.Errorf("%d mutations were executed, want 3", n)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := transport.CORS{AllowedOrigin: allowShop, Credentials: true}.Wrap(reached)
	for name, c := range map[string]struct {
		method, origin, asks string
		status               int
		allowed              bool
	}{
		"a preflight":                  {"OPTIONS", shop, "POST", 204, true},
		"a foreign preflight":          {"OPTIONS", "https://evil.example", "POST", 403, false},
		"a request":                    {"POST", shop, "", 418, true},
		"a foreign request":            {"POST", "https://evil.example", "", 418, false},
		"a request of a sandbox":       {"POST", "null", "", 418, false},
		"a request without an origin":  {"POST", "", "", 418, false},
		"OPTIONS that is no preflight": {"OPTIONS", shop, "", 418, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, "http://api.example/graphql", nil)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if c.asks != "" {
				r.Header.Set("Access-Control-Request-Method", c.asks)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := w.Header().Get("Access-Control-Allow-Origin")
			if w.Code != c.status || (got == c.origin && got != "") != c.allowed || !c.allowed && got != "" {
				t.Errorf("got %d and %q", w.Code, got)
			}
			if c.allowed != (w.Header().Get("Access-Control-Allow-Credentials") == "true") {
				t.Error("credentials do not follow the origin")
			}
			if !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Origin") {
				t.Error("the answer does not vary by Origin")
			}
		})
	}
}
