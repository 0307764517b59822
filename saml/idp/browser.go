package idp

import (
	"net/http"
	"regexp"

	"github.com/partnergraph/partnergraph/saml/internal/browser"
)

// CookieName is the cookie that binds parked requests to the browser that brought them, LogoutCookieName the one of a logout under way.
const (
	CookieName       = "__Host-pg-idp"
	LogoutCookieName = "__Host-pg-idp-logout"
)

var logoutToken = regexp.MustCompile(`^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$`)

func (h *Handler) binder(name string) browser.Binder {
	return browser.Binder{Name: name, Life: h.cfg.ParkFor, Rand: h.cfg.Rand}
}

// random returns n random bytes as base64url without padding.
func (h *Handler) random(n int) (string, error) { return browser.Random(h.cfg.Rand, n) }

// bindBrowser adds a fresh token to the browser's cookie and returns its hash for the row.
func (h *Handler) bindBrowser(w http.ResponseWriter, r *http.Request) (hash string, err error) {
	return h.binder(CookieName).Bind(w, r)
}

// holds reports whether this browser holds the row's token.
func (h *Handler) holds(r *http.Request, hash string) bool {
	return h.binder(CookieName).Holds(r, hash)
}

// releaseBrowser takes the row's token out of the cookie.
func (h *Handler) releaseBrowser(w http.ResponseWriter, r *http.Request, hash string) {
	h.binder(CookieName).Release(w, r, hash)
}

// bindLogout gives this browser the logout, replacing one it may have had.
func (h *Handler) bindLogout(w http.ResponseWriter, id string) (hash string, err error) {
	t, err := h.random(16)
	if err != nil {
		return "", err
	}
	h.binder(LogoutCookieName).Set(w, id+"."+t)
	return browser.Hash(t), nil
}

// logoutOf returns the id of this browser's logout and its token.
func logoutOf(r *http.Request) (id, t string, ok bool) {
	c, err := r.Cookie(LogoutCookieName)
	if err != nil || len(c.Value) > 128 {
		return "", "", false
	}
	m := logoutToken.FindStringSubmatch(c.Value)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}
