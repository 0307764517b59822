// Package browser ties what is parked here to the browser that brought it, with a token in a cookie of which the row keeps the hash.
//
// Owns: the cookie's shape and attributes, tokens, their hashes. Does not own: what is parked. Neighbours: sp and idp. Keeps no state.
package browser

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
	"time"
)

// maxTabs is how much one browser may have parked; another forgets the oldest.
const maxTabs = 8

var token = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// Binder is one cookie. Its fields are set once, before use.
type Binder struct {
	Name string        // with the prefix __Host-, which makes browsers refuse a cookie that another host set
	Life time.Duration // how long the cookie lives
	Rand io.Reader
}

// Random returns n random bytes as base64url without padding.
func Random(source io.Reader, n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(source, b); err != nil {
		return "", fmt.Errorf("saml: random: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// Bind adds a fresh token to the browser's cookie and returns its hash for the row.
func (b Binder) Bind(w http.ResponseWriter, r *http.Request) (hash string, err error) {
	t, err := Random(b.Rand, 16)
	if err != nil {
		return "", err
	}
	b.Set(w, strings.Join(newest(append(b.tokens(r), t)), "."))
	return Hash(t), nil
}

// Holds reports whether this browser holds the row's token.
func (b Binder) Holds(r *http.Request, hash string) bool { return indexOf(b.tokens(r), hash) >= 0 }

// Release reports whether this browser holds the row's token, and takes it from the cookie.
func (b Binder) Release(w http.ResponseWriter, r *http.Request, hash string) bool {
	all := b.tokens(r)
	i := indexOf(all, hash)
	if i < 0 {
		return false
	}
	b.Set(w, strings.Join(slices.Delete(all, i, i+1), "."))
	return true
}

// Set writes the cookie; an empty value deletes it. SameSite=None is needed because messages come by cross-site POST.
func (b Binder) Set(w http.ResponseWriter, value string) {
	c := &http.Cookie{
		Name: b.Name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, MaxAge: int(b.Life.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// tokens reads the cookie: one token of each thing that is parked, oldest first. What is not a token is dropped.
func (b Binder) tokens(r *http.Request) []string {
	c, err := r.Cookie(b.Name)
	if err != nil || len(c.Value) > 4096 {
		return nil
	}
	return newest(slices.DeleteFunc(strings.Split(c.Value, "."), func(t string) bool { return !token.MatchString(t) }))
}

func newest(all []string) []string { return all[max(0, len(all)-maxTabs):] }

func indexOf(all []string, hash string) int {
	return slices.IndexFunc(all, func(t string) bool { return SameHash(t, hash) })
}

// Hash returns the hexadecimal SHA-256 of a token.
func Hash(t string) string {
	sum := sha256.Sum256([]byte(t))
	return hex.EncodeToString(sum[:])
}

// SameHash reports whether the hash is the token's, in constant time.
func SameHash(t, hash string) bool {
	return subtle.ConstantTimeCompare([]byte(Hash(t)), []byte(hash)) == 1
}
