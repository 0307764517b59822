package sp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// CookieName is the cookie that binds a login to the browser that started it. The prefix makes browsers refuse one set by another
// host; SameSite=None is needed because the answer comes as a cross-site POST.
const CookieName = "__Host-pg-login"

// maxTabs is how many logins one browser may have open; starting another forgets the oldest.
const maxTabs = 8

var token = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// random returns n random bytes as base64url without padding.
func (h *Handler) random(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(h.cfg.Rand, b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// tokens reads the cookie: one token of each open login, oldest first. What is not a token is dropped.
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

// bindBrowser adds a fresh token to the browser's cookie and returns its hash for the parked row.
func (h *Handler) bindBrowser(w http.ResponseWriter, r *http.Request) (hash string, err error) {
	t, err := h.random(16)
	if err != nil {
		return "", err
	}
	all := append(tokens(r), t)
	if len(all) > maxTabs {
		all = all[len(all)-maxTabs:]
	}
	h.setCookie(w, all)
	return hashToken(t), nil
}

// releaseBrowser reports whether this browser holds the login's token, and takes it from the cookie.
func (h *Handler) releaseBrowser(w http.ResponseWriter, r *http.Request, hash string) bool {
	all := tokens(r)
	i := slices.IndexFunc(all, func(t string) bool {
		return subtle.ConstantTimeCompare([]byte(hashToken(t)), []byte(hash)) == 1
	})
	if i < 0 {
		return false
	}
	h.setCookie(w, slices.Delete(all, i, i+1))
	return true
}

func (h *Handler) setCookie(w http.ResponseWriter, all []string) {
	c := &http.Cookie{
		Name: CookieName, Value: strings.Join(all, "."), Path: "/",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode,
		MaxAge: int(h.cfg.ParkFor.Seconds()),
	}
	if len(all) == 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func hashToken(t string) string {
	sum := sha256.Sum256([]byte(t))
	return hex.EncodeToString(sum[:])
}
