package pages

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
)

// Token computes the hidden form token that belongs to a session: an HMAC over
// the session's id, so that no store is needed and a page of another origin,
// which cannot read it, cannot forge a form. The empty session has none.
func Token(key []byte, sessionID string) string {
	if sessionID == "" {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("partnergraph form token\x00"))
	mac.Write([]byte(sessionID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckForm reports whether the posted form carries the token that the pages
// gave to this session. A request without a session fails. It parses the form;
// the caller has limited the body.
func (v *Views) CheckForm(r *http.Request) bool {
	want := v.formToken(r)
	got := r.PostFormValue(FieldCSRF)
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
