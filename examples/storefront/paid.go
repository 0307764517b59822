package storefront

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// returnWindow is how long a way back is good for.
const returnWindow = 5 * time.Minute

// paid takes customers back after payment. What the address says is believed only when it carries our secret's
// signature, is fresh, and was not used before; the order's real state is then read over GraphQL.
func (s *Storefront) paid(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if problem := s.checkReturn(query); problem != "" {
		s.show(w, r, http.StatusBadRequest, view{Problem: problem})
		return
	}
	s.show(w, r, http.StatusOK, view{PaidOrder: query.Get("orderId"), PaidStatus: query.Get("status")})
}

// checkReturn verifies HMAC-SHA256 over the five values in their order, joined by newlines.
func (s *Storefront) checkReturn(query url.Values) string {
	values := make([]string, 0, 5)
	for _, name := range []string{"orderId", "status", "platformId", "issuedAt", "nonce"} {
		if len(query[name]) != 1 {
			return "This way back is incomplete."
		}
		values = append(values, query.Get(name))
	}
	mac := hmac.New(sha256.New, []byte(s.cfg.ReturnSecret))
	mac.Write([]byte(strings.Join(values, "\n")))
	sent, err := hex.DecodeString(query.Get("signature"))
	if err != nil || !hmac.Equal(sent, mac.Sum(nil)) {
		return "The signature of this way back is wrong."
	}
	issued, err := time.Parse(time.RFC3339, query.Get("issuedAt"))
	if age := s.cfg.Now().Sub(issued); err != nil || age > returnWindow || age < -returnWindow {
		return "This way back is too old."
	}
	if query.Get("platformId") != s.cfg.PlatformID {
		return "This way back is for another platform."
	}
	if !s.once("paid:" + query.Get("nonce")) {
		return "This way back was used already."
	}
	return ""
}

// once reports whether a nonce is new, and remembers it.
func (s *Storefront) once(nonce string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nonces[nonce] {
		return false
	}
	s.nonces[nonce] = true
	return true
}
