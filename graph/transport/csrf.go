package transport

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// CSRF tells requests of our own pages, and of origins on the list, from those another site makes a browser send.
type CSRF struct {
	// PublicOrigin is the origin browsers see this server under, such as https://partners.example. Set it behind a
	// proxy that ends TLS; empty, the request's Host and connection tell.
	PublicOrigin string
	// AllowedOrigin says whether pages of origin (scheme://host[:port]) may send requests with cookies. It reads the
	// platforms' access configuration, and must be quick. Nil: no other origin may.
	AllowedOrigin func(ctx context.Context, origin string) bool
}

// Check lets a cookie-authenticated request pass or returns FORBIDDEN, to be answered with 403. A request that could
// change something must be JSON, which no HTML form can send, and name an allowed Origin, which every browser adds. A
// GET, which serves queries only, may come without an Origin, but not from another site.
func (c CSRF) Check(r *http.Request) *gqlerror.Error {
	origin := r.Header.Get("Origin")
	if origin != "" && !c.Allowed(r, origin) {
		return newError(codeForbidden, "requests from this origin may not use the session; add the origin to the platform's allowed origins")
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if origin == "" && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			return newError(codeForbidden, "requests from another site may not use the session")
		}
		return nil
	}
	if origin == "" {
		return newError(codeForbidden, "a request with a session cookie must carry an Origin header; use an API key outside browsers")
	}
	if !isJSON(r) {
		return newError(codeForbidden, "a request with a session cookie must have Content-Type: application/json")
	}
	return nil
}

// Allowed says whether origin is the server's own or on the list.
func (c CSRF) Allowed(r *http.Request, origin string) bool {
	if c.sameOrigin(r, origin) {
		return true
	}
	return origin != "null" && c.AllowedOrigin != nil && c.AllowedOrigin(r.Context(), origin)
}

func (c CSRF) sameOrigin(r *http.Request, origin string) bool {
	if c.PublicOrigin != "" {
		return strings.EqualFold(origin, strings.TrimSuffix(c.PublicOrigin, "/"))
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
		return false
	}
	// Without TLS here a proxy may have ended it, so both schemes are ours; with TLS only https is.
	return u.Scheme == "https" || u.Scheme == "http" && r.TLS == nil
}

// crossSite applies CSRF to a request that a cookie authorises.
func (d door) crossSite(r *http.Request) *refusal {
	if d.cfg.CookieAuthenticated == nil || !d.cfg.CookieAuthenticated(r) {
		return nil
	}
	if err := d.cfg.CSRF.Check(r); err != nil {
		return &refusal{http.StatusForbidden, err}
	}
	return nil
}
