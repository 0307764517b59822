// Package bind makes and checks the bind notification: the signed word, carried by the browser, that a person's account at a partner
// platform was bound to a cloud account or released from it (2.6).
//
// Owns: the JSON, its signature, the page that posts it. Does not own: when a binding happens, where a platform wants to hear of it,
// remembering nonces on the receiver's side. Neighbours: whoever binds builds a Form and shows Write; a platform's own program uses
// Verify. Keeps no state.
package bind

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/internal/autopost"
)

// SigAlg is the only algorithm: RSA PKCS #1 v1.5 over SHA-256.
const SigAlg = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

// Action says what happened. The numbers are those of the field table: 0 binds, 1 unbinds.
type Action int

// The two actions.
const (
	Bind   Action = 0
	Unbind Action = 1
)

// UnmarshalJSON reads a number or, as the field table types it, a string holding one.
func (a *Action) UnmarshalJSON(b []byte) error {
	switch strings.Trim(string(b), `"`) {
	case "0":
		*a = Bind
	case "1":
		*a = Unbind
	default:
		return errors.New("bind: unknown bindAction")
	}
	return nil
}

// Notification is what a platform learns. Nonce and IssuedAt are additions of ours, which receivers unaware of them can ignore: the
// documented message can be replayed for ever.
type Notification struct {
	XAccountType string `json:"xAccountType,omitempty"` // platform id
	XAccountID   string `json:"xAccountId,omitempty"`
	XUserID      string `json:"xUserId"`
	DomainID     string `json:"domainId"`   // cloud account id, the customer_id of every later call
	DomainName   string `json:"domainName"` // cloud account name
	UserID       string `json:"userId,omitempty"`
	UserName     string `json:"userName,omitempty"`
	BindAction   Action `json:"bindAction"`
	Nonce        string `json:"nonce,omitempty"`    // set by Build when empty
	IssuedAt     int64  `json:"issuedAt,omitempty"` // set by Build: seconds since 1970
}

// Form is the notification as posted: the fields bindRequest, SigAlg and Signature.
type Form struct{ BindRequest, SigAlg, Signature string }

// Errors of Verify. Both mean: drop the message.
var (
	// ErrForged: the form is malformed or its signature does not verify.
	ErrForged = errors.New("bind: notification is not genuine")
	// ErrStale: genuine, but issued too long ago or in the future, or without saying when.
	ErrStale = errors.New("bind: notification is stale")
)

// Build completes the notification with the time, and a nonce unless it has one, and signs it with the platform's active RSA key, the one whose certificate
// stands in our metadata.
func Build(n Notification, key crypto.Signer, now time.Time, rand io.Reader) (Form, error) {
	if _, ok := key.Public().(*rsa.PublicKey); !ok {
		return Form{}, errors.New("bind: key is not RSA")
	}
	if n.Nonce == "" {
		nonce := make([]byte, 16)
		if _, err := io.ReadFull(rand, nonce); err != nil {
			return Form{}, fmt.Errorf("bind: nonce: %w", err)
		}
		n.Nonce = base64.RawURLEncoding.EncodeToString(nonce)
	}
	n.IssuedAt = now.Unix()
	body, err := json.Marshal(n)
	if err != nil {
		return Form{}, fmt.Errorf("bind: encode: %w", err)
	}
	f := Form{BindRequest: base64.StdEncoding.EncodeToString(body), SigAlg: SigAlg}
	sum := sha256.Sum256([]byte(f.BindRequest))
	signature, err := key.Sign(rand, sum[:], crypto.SHA256)
	if err != nil {
		return Form{}, fmt.Errorf("bind: sign: %w", err)
	}
	f.Signature = base64.StdEncoding.EncodeToString(signature)
	return f, nil
}

// Write answers the browser with a page that posts the form to the platform's notification address.
func Write(w http.ResponseWriter, address string, f Form) error {
	return autopost.Write(w, address,
		autopost.Field{Name: "bindRequest", Value: f.BindRequest},
		autopost.Field{Name: "SigAlg", Value: f.SigAlg},
		autopost.Field{Name: "Signature", Value: f.Signature})
}

// Verify is the receiver's side: any of the certificates of our metadata may have signed. maxAge bounds IssuedAt in both directions;
// zero skips the time, for receivers that only want idempotency. Receivers must still drop a Nonce they have seen.
func Verify(f Form, certs []*x509.Certificate, now time.Time, maxAge time.Duration) (Notification, error) {
	// The manual prints the identifier in upper case; a copy of that is accepted.
	if !strings.EqualFold(f.SigAlg, SigAlg) || len(f.BindRequest) > 16<<10 {
		return Notification{}, ErrForged
	}
	signature, err := base64.StdEncoding.DecodeString(f.Signature)
	if err != nil || !signedByAny(f.BindRequest, signature, certs) {
		return Notification{}, ErrForged
	}
	body, err := base64.StdEncoding.DecodeString(f.BindRequest)
	if err != nil {
		return Notification{}, ErrForged
	}
	var n Notification
	if err := json.Unmarshal(body, &n); err != nil {
		return Notification{}, ErrForged
	}
	age := now.Sub(time.Unix(n.IssuedAt, 0)).Abs()
	if maxAge > 0 && (n.IssuedAt == 0 || age > maxAge) {
		return Notification{}, ErrStale
	}
	return n, nil
}

func signedByAny(text string, signature []byte, certs []*x509.Certificate) bool {
	sum := sha256.Sum256([]byte(text))
	for _, c := range certs {
		if pub, ok := c.PublicKey.(*rsa.PublicKey); ok && saml.StrongKey(pub) && rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], signature) == nil {
			return true
		}
	}
	return false
}
