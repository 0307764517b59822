package session

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
)

// Names of the session cookie. The prefix makes browsers insist on Secure, on Path=/ and on no Domain, so that no sibling
// host can set it.
const (
	CookieName      = "__Host-partnergraph"
	PlainCookieName = "partnergraph"
)

// tokenSize is the number of random bytes in a token.
const tokenSize = 32

// cookie is Lax: a link from the partner's platform arrives signed in, a form posted by another site does not. It ends
// with the browser; the row says when it ends at the latest.
func (s *Service) cookie(token string) *http.Cookie {
	name := CookieName
	if s.Plain {
		name = PlainCookieName
	}
	return &http.Cookie{
		Name: name, Value: token, Path: "/", HttpOnly: true, Secure: !s.Plain, SameSite: http.SameSiteLaxMode,
	}
}

func (s *Service) clearCookie(w http.ResponseWriter) {
	gone := s.cookie("")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
}

// tokenOf returns the digest of the request's token; false when it has none of our shape.
func (s *Service) tokenOf(r *http.Request) ([]byte, bool) {
	cookie, err := r.Cookie(s.cookie("").Name)
	if err != nil {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(raw) != tokenSize {
		return nil, false
	}
	return digestOf(cookie.Value), true
}

func (s *Service) newToken() (string, error) {
	raw := make([]byte, tokenSize)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("session: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// digestOf is enough for 256 random bits.
func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
