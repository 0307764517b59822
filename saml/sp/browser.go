package sp

import (
	"net/http"

	"github.com/partnergraph/partnergraph/saml/internal/browser"
)

// CookieName is the cookie that binds a login to the browser that started it.
const CookieName = "__Host-pg-login"

func (h *Handler) binder() browser.Binder {
	return browser.Binder{Name: CookieName, Life: h.cfg.ParkFor, Rand: h.cfg.Rand}
}

// random returns n random bytes as base64url without padding.
func (h *Handler) random(n int) (string, error) { return browser.Random(h.cfg.Rand, n) }

// bindBrowser adds a fresh token to the browser's cookie and returns its hash for the parked row.
func (h *Handler) bindBrowser(w http.ResponseWriter, r *http.Request) (hash string, err error) {
	return h.binder().Bind(w, r)
}

// releaseBrowser reports whether this browser holds the login's token, and takes it from the cookie.
func (h *Handler) releaseBrowser(w http.ResponseWriter, r *http.Request, hash string) bool {
	return h.binder().Release(w, r, hash)
}
