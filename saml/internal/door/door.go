// Package door is what the handlers towards partner platforms and towards service providers do alike: defaults, and what becomes of an
// error or a panic.
//
// Owns: the guard around every handler. Does not own: what is served, audited or shown. Neighbours: sp and idp. Keeps no state.
package door

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/saml"
)

// Defaults fills in the fields that both configurations have: slog.Default(), time.Now, crypto/rand and 15 minutes, because people
// read, mistype and fetch second factors.
func Defaults(logger **slog.Logger, now *func() time.Time, random *io.Reader, parkFor *time.Duration) {
	if *logger == nil {
		*logger = slog.Default()
	}
	if *now == nil {
		*now = time.Now //nolint:forbidigo // the default of a field
	}
	if *random == nil {
		*random = rand.Reader
	}
	if *parkFor <= 0 {
		*parkFor = 15 * time.Minute
	}
}

// Guard turns the error of a handler into a log line and whatever Refused does, and a panic into a malformed message: whatever a stranger
// sent, the process and everybody else go on. V is what a handler collects about a request. Every field is required.
type Guard[V any] struct {
	Logger *slog.Logger
	// About names the request in log lines: keys and values.
	About func(*V) []any
	// Refused audits and shows a refusal. An error that is none is ours: it comes as Unavailable, and nobody but the log is told.
	Refused func(http.ResponseWriter, *http.Request, *V, *saml.Refusal)
	// Done audits what was served.
	Done func(*http.Request, *V)
}

// Handle wraps a handler. Nothing that it answers may be kept by a cache or told to another site.
func (g Guard[V]) Handle(serve func(http.ResponseWriter, *http.Request, *V) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := new(V)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		defer func() {
			if p := recover(); p != nil {
				g.Logger.ErrorContext(r.Context(), "saml handler panicked", append(g.About(v), "panic_type", fmt.Sprintf("%T", p))...)
				g.refuse(w, r, v, &saml.Refusal{Reason: saml.ResponseMalformed, Detail: "panic"})
			}
		}()
		if err := serve(w, r, v); err != nil {
			g.refuse(w, r, v, err)
			return
		}
		g.Done(r, v)
	})
}

func (g Guard[V]) refuse(w http.ResponseWriter, r *http.Request, v *V, err error) {
	var ref *saml.Refusal
	if !errors.As(err, &ref) {
		g.Logger.ErrorContext(r.Context(), "saml request failed", append(g.About(v), "error", err)...)
		ref = &saml.Refusal{Reason: saml.Unavailable}
	} else {
		g.Logger.InfoContext(r.Context(), "saml request refused", append(g.About(v), "reason", string(ref.Reason), "detail", ref.Detail)...)
	}
	g.Refused(w, r, v, ref)
}
