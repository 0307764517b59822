package idp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// CookieName is the cookie that binds parked requests to the browser that brought them, LogoutCookieName the one of a logout under way.
// The prefix makes browsers refuse one set by another host; SameSite=None is needed because service providers send the browser here by
// cross-site POST.
const (
	CookieName       = "__Host-pg-idp"
	LogoutCookieName = "__Host-pg-idp-logout"
)

// maxTabs is how many requests one browser may have parked; another forgets the oldest.
const maxTabs = 8

var (
	token       = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	logoutToken = regexp.MustCompile(`^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$`)
)

// random returns n random bytes as base64url without padding.
func (h *Handler) random(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(h.cfg.Rand, b); err != nil {
		return "", fmt.Errorf("idp: random: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// tokens reads the cookie: one token of each parked request, oldest first. What is not a token is dropped.
func tokens(r *http.Request) []string {
	c, err := r.Cookie(CookieName)
	if err != nil || len(c.Value) > 4096 {
		return nil
	}
	all := slices.DeleteFunc(strings.Split(c.Value, "."), func(t string) bool { return !token.MatchString(t) })
	if len(all) > maxTabs {
		all = all[len(all)-maxTabs:]
	}
	return all
}

// bindBrowser adds a fresh token to the browser's cookie and returns its hash for the row.
func (h *Handler) bindBrowser(w http.ResponseWriter, r *http.Request) (hash string, err error) {
	t, err := h.random(16)
	if err != nil {
		return "", err
	}
	all := append(tokens(r), t)
	if len(all) > maxTabs {
		all = all[len(all)-maxTabs:]
	}
	h.setCookie(w, CookieName, strings.Join(all, "."))
	return hashToken(t), nil
}

// holds reports whether this browser holds the row's token.
func holds(r *http.Request, hash string) bool { return indexOf(tokens(r), hash) >= 0 }

// releaseBrowser takes the row's token out of the cookie.
func (h *Handler) releaseBrowser(w http.ResponseWriter, r *http.Request, hash string) {
	all := tokens(r)
	if i := indexOf(all, hash); i >= 0 {
		h.setCookie(w, CookieName, strings.Join(slices.Delete(all, i, i+1), "."))
	}
}

func indexOf(all []string, hash string) int {
	return slices.IndexFunc(all, func(t string) bool { return sameHash(t, hash) })
}

func sameHash(t, hash string) bool {
	return subtle.ConstantTimeCompare([]byte(hashToken(t)), []byte(hash)) == 1
}

// bindLogout gives this browser the logout, replacing one it may have had.
func (h *Handler) bindLogout(w http.ResponseWriter, id string) (hash string, err error) {
	t, err := h.random(16)
	if err != nil {
		return "", err
	}
	h.setCookie(w, LogoutCookieName, id+"."+t)
	return hashToken(t), nil
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

// setCookie keeps the cookie as long as what it is for; an empty value deletes it.
func (h *Handler) setCookie(w http.ResponseWriter, name, value string) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode,
		MaxAge: int(h.cfg.ParkFor.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func hashToken(t string) string {
	sum := sha256.Sum256([]byte(t))
	return hex.EncodeToString(sum[:])
}
