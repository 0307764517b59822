package verify

import (
	"crypto"
	"crypto/x509"
	"errors"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsDSig      = "http://www.w3.org/2000/09/xmldsig#"
)

// Refusal is the error of every refused message; the reasons are listed in package saml.
type Refusal = saml.Refusal

// Expect says what an acceptable answer looks like. Every field is required unless noted.
type Expect struct {
	Issuer    string // entityID the request was sent to
	Audience  string // our own entityID
	ACS       string // the address the answer was posted to, as in our metadata
	RequestID string // ID of the AuthnRequest

	Certificates []*x509.Certificate // the issuer's signing certificates; dates are ignored
	Keys         []crypto.Decrypter  // our decryption keys, tried in order; may be empty
	AllowCBC     bool                // accept AES-CBC encryption, which carries no integrity of its own; off by default
	// AuthnContexts are the authentication context classes of which every AuthnStatement must state one, exactly as it is written here
	// (Core 3.3.2.2.1); none: whatever it states will do.
	AuthnContexts []string

	Now  time.Time
	Skew time.Duration // how wrong clocks may be; zero means 3 minutes
	// MaxAge is how old an answer may be by its IssueInstant, besides the skew; zero means 10 minutes.
	MaxAge time.Duration
}

// Verified is an assertion of which every byte was covered by the issuer's signature.
type Verified struct {
	Assertion *crewjam.Assertion
	// UsableUntil is when the assertion stops being acceptable, skew included: keep its ID at least that long against replay.
	UsableUntil time.Time
	// SessionNotOnOrAfter is the earliest end the issuer set for sessions; zero when it set none.
	SessionNotOnOrAfter time.Time
	SessionIndex        string
	OneTimeUse          bool
	// ResponseSigned and Encrypted say how the assertion travelled.
	ResponseSigned, Encrypted bool
}

// Response verifies the decoded XML of a SAMLResponse. The error is always a *Refusal. No input makes it panic.
func Response(message []byte, want Expect) (Verified, error) {
	q := inquiry{want: want.withDefaults()}
	v := q.run(message)
	if q.first != nil {
		return Verified{}, q.first
	}
	return v, nil
}

// Enveloped checks the signature directly inside the root of a message that package xmlguard let pass, and returns the bytes it
// covers. The error is a *Refusal. Callers must drop what they passed in.
func Enveloped(message []byte, certs []*x509.Certificate) ([]byte, error) {
	root, err := parse(message)
	if err != nil {
		return nil, err
	}
	covered, _, err := verifySigned(root, certs)
	return covered, err
}

func (w Expect) withDefaults() Expect {
	if w.Skew == 0 {
		w.Skew = 3 * time.Minute
	}
	if w.MaxAge == 0 {
		w.MaxAge = 10 * time.Minute
	}
	return w
}

func refuse(r saml.Reason, detail string) error { return &Refusal{Reason: r, Detail: detail} }

// GuardRefusal gives a *xmlguard.Refusal its reason; the error is a *Refusal.
func GuardRefusal(err error) error {
	var g *xmlguard.Refusal
	if !errors.As(err, &g) {
		return refuse(saml.ResponseMalformed, "guard")
	}
	switch g.Kind {
	case xmlguard.TooLarge:
		return refuse(saml.ResponseTooLarge, g.Rule)
	case xmlguard.Signature:
		return refuse(saml.SignatureInvalid, g.Rule)
	case xmlguard.Algorithm:
		return refuse(saml.AlgorithmRefused, g.Rule)
	}
	return refuse(saml.ResponseMalformed, g.Rule)
}

func parse(data []byte) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil || doc.Root() == nil {
		return nil, refuse(saml.ResponseMalformed, "not parsed")
	}
	return doc.Root(), nil
}

// openAssertion returns the response's assertion, decrypted if need be.
func openAssertion(root *etree.Element, want Expect) (*etree.Element, error) {
	plain, sealed := child(root, nsAssertion, "Assertion"), child(root, nsAssertion, "EncryptedAssertion")
	switch {
	case plain != nil && sealed == nil:
		return plain, nil
	case sealed != nil && plain == nil:
		return decryptAssertion(sealed, want)
	}
	return nil, refuse(saml.ResponseMalformed, "number of assertions")
}

// child returns the first direct child of that name; the guard has made sure that where it matters there is only one.
func child(e *etree.Element, ns, tag string) *etree.Element {
	for _, c := range e.ChildElements() {
		if c.Tag == tag && c.NamespaceURI() == ns {
			return c
		}
	}
	return nil
}

func children(e *etree.Element, ns, tag string) []*etree.Element {
	var out []*etree.Element
	for _, c := range e.ChildElements() {
		if c.Tag == tag && c.NamespaceURI() == ns {
			out = append(out, c)
		}
	}
	return out
}
