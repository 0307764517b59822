package transport

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// CORS lets pages of allowed origins read answers. Wrap the GraphQL handler in it, outside authentication: a preflight
// carries no credentials.
type CORS struct {
	// AllowedOrigin says whether pages of origin may read answers. Required; nil allows none.
	AllowedOrigin func(ctx context.Context, origin string) bool
	// Credentials lets browsers send cookies along. CSRF must then guard the handler.
	Credentials bool
	// MaxAge is how long a browser may remember a preflight. Default 10 minutes.
	MaxAge time.Duration
}

const (
	corsHeaders = "Content-Type, Accept, Authorization, Last-Event-ID, X-Request-Id, traceparent, tracestate"
	corsExposed = "X-Request-Id, Retry-After"
)

// Wrap answers preflights and adds the headers to what next answers. A preflight of another origin is 403; its other
// requests reach next, whose answer the browser then keeps from the page.
func (c CORS) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		allowed := origin != "" && origin != "null" && c.AllowedOrigin != nil && c.AllowedOrigin(r.Context(), origin)
		if allowed {
			h.Set("Access-Control-Allow-Origin", origin)
			if c.Credentials {
				h.Set("Access-Control-Allow-Credentials", "true")
			}
		}
		switch {
		case preflight && origin != "":
			c.preflight(w, allowed)
		case allowed:
			h.Set("Access-Control-Expose-Headers", corsExposed)
			next.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (c CORS) preflight(w http.ResponseWriter, allowed bool) {
	if !allowed {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	age := c.MaxAge
	if age == 0 {
		age = 10 * time.Minute
	}
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", strconv.Itoa(int(age.Seconds())))
	w.WriteHeader(http.StatusNoContent)
}
