package idp

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const (
	// usableFor is how long an assertion can be handed in; backdate is how far the service provider's clock may be behind (SDP-G01).
	usableFor = 5 * time.Minute
	backdate  = 3 * time.Minute

	timeFormat    = "2006-01-02T15:04:05.000Z"
	attributeURI  = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
	methodBearer  = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
)

// Value is one attribute with its value.
type Value struct{ Name, Value string }

// Answer is everything that a Response says about a person. Write turns it into XML.
type Answer struct {
	Issuer, Audience, ACSURL string
	InResponseTo             string // empty: nobody asked
	Name                     wire.NameID
	SessionIndex             string
	Context                  string
	SignedInAt               time.Time
	SessionNotOnOrAfter      time.Time // zero: no end is stated
	Attributes               []Value
	Now                      time.Time

	Key           saml.SigningKey
	SignAssertion bool
	// EncryptTo encrypts the assertion to this RSA key; nil leaves it plain. Methods are what the service provider's metadata names.
	EncryptTo *x509.Certificate
	Methods   []string
}

// Write builds the signed Response and returns it with the assertion's ID.
//
// The text is written in exclusive canonical form to begin with (namespaces where they are used first, attributes in order, no empty
// element tags), so what is digested is what is sent and nothing is parsed or canonicalized: a sign-in costs its signatures and little
// else. Tests hold it against a canonicalizer.
func (a Answer) Write(rand io.Reader) (response []byte, assertionID string, err error) {
	if assertionID, err = newID(rand); err != nil {
		return nil, "", err
	}
	assertion, err := a.assertion(assertionID, rand)
	if err != nil {
		return nil, "", err
	}
	if a.EncryptTo != nil {
		if assertion, err = encryptAssertion(assertion, a.EncryptTo, a.Methods, rand); err != nil {
			return nil, "", err
		}
	}
	response, err = envelope{
		Issuer: a.Issuer, Destination: a.ACSURL, InResponseTo: a.InResponseTo, Now: a.Now, Status: statusSuccess, Body: assertion, Key: a.Key,
	}.write(rand)
	return response, assertionID, err
}

// assertion writes the Assertion, signed when the service provider wants that: the signature of the Response covers it anyhow.
func (a Answer) assertion(id string, rand io.Reader) ([]byte, error) {
	now, until := a.Now.UTC().Format(timeFormat), a.Now.UTC().Add(usableFor).Format(timeFormat)
	head := make([]byte, 0, 512)
	head = add(head, `<saml:Assertion xmlns:saml="`, nsAssertion, `" ID="`, id, `" IssueInstant="`, now, `" Version="2.0"><saml:Issuer>`, text(a.Issuer), `</saml:Issuer>`)

	b := make([]byte, 0, 4096)
	b = add(b, `<saml:Subject><saml:NameID`)
	b = attribute(b, "Format", a.Name.Format)
	b = attribute(b, "NameQualifier", a.Name.NameQualifier)
	b = attribute(b, "SPNameQualifier", a.Name.SPNameQualifier)
	b = add(b, `>`, text(a.Name.Value), `</saml:NameID><saml:SubjectConfirmation Method="`, methodBearer, `"><saml:SubjectConfirmationData`)
	b = attribute(b, "InResponseTo", a.InResponseTo)
	b = add(b, ` NotOnOrAfter="`, until, `"`)
	b = attribute(b, "Recipient", a.ACSURL)
	b = add(b, `></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>`)
	b = add(b, `<saml:Conditions NotBefore="`, a.Now.UTC().Add(-backdate).Format(timeFormat), `" NotOnOrAfter="`, until,
		`"><saml:AudienceRestriction><saml:Audience>`, text(a.Audience), `</saml:Audience></saml:AudienceRestriction></saml:Conditions>`)
	b = add(b, `<saml:AuthnStatement AuthnInstant="`, a.SignedInAt.UTC().Format(timeFormat), `"`)
	b = attribute(b, "SessionIndex", a.SessionIndex)
	if !a.SessionNotOnOrAfter.IsZero() {
		b = attribute(b, "SessionNotOnOrAfter", a.SessionNotOnOrAfter.UTC().Format(timeFormat))
	}
	b = add(b, `><saml:AuthnContext><saml:AuthnContextClassRef>`, text(a.Context), `</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`)
	if len(a.Attributes) != 0 {
		b = add(b, `<saml:AttributeStatement>`)
		for _, v := range a.Attributes {
			b = add(b, `<saml:Attribute`)
			b = attribute(b, "Name", v.Name)
			b = add(b, ` NameFormat="`, attributeURI, `"><saml:AttributeValue>`, text(v.Value), `</saml:AttributeValue></saml:Attribute>`)
		}
		b = add(b, `</saml:AttributeStatement>`)
	}
	b = add(b, `</saml:Assertion>`)
	if !a.SignAssertion {
		return append(head, b...), nil
	}
	return seal(id, head, b, a.Key, rand)
}

// envelope is a Response around a status and perhaps an assertion.
type envelope struct {
	Issuer, Destination, InResponseTo string
	Now                               time.Time
	Status, SubStatus                 string
	Body                              []byte
	Key                               saml.SigningKey
}

func (e envelope) write(rand io.Reader) ([]byte, error) {
	id, err := newID(rand)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 0, 1024)
	head = add(head, `<samlp:Response xmlns:samlp="`, nsProtocol, `"`)
	head = attribute(head, "Destination", e.Destination)
	head = add(head, ` ID="`, id, `"`)
	head = attribute(head, "InResponseTo", e.InResponseTo)
	head = add(head, ` IssueInstant="`, e.Now.UTC().Format(timeFormat), `" Version="2.0"><saml:Issuer xmlns:saml="`, nsAssertion, `">`, text(e.Issuer), `</saml:Issuer>`)

	b := make([]byte, 0, len(e.Body)+512)
	b = add(b, `<samlp:Status><samlp:StatusCode Value="`, e.Status, `">`)
	if e.SubStatus != "" {
		b = add(b, `<samlp:StatusCode Value="`, e.SubStatus, `"></samlp:StatusCode>`)
	}
	b = add(b, `</samlp:StatusCode></samlp:Status>`)
	b = append(b, e.Body...)
	b = add(b, `</samlp:Response>`)
	return seal(id, head, b, e.Key, rand)
}

// seal signs an element that is written in canonical form, head ending behind its Issuer, and puts the signature there.
func seal(id string, head, tail []byte, key saml.SigningKey, rand io.Reader) ([]byte, error) {
	method, err := wire.SignatureMethod(key)
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	digest.Write(head)
	digest.Write(tail)
	const (
		exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
		open      = `<ds:SignedInfo xmlns:ds="` + nsDSig + `">`
	)
	info := make([]byte, 0, 1200)
	info = add(info, open, `<ds:CanonicalizationMethod Algorithm="`+exclusive+`"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="`, method,
		`"></ds:SignatureMethod><ds:Reference URI="#`, id,
		`"><ds:Transforms><ds:Transform Algorithm="`+nsDSig+`enveloped-signature"></ds:Transform><ds:Transform Algorithm="`+exclusive+
			`"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>`,
		base64.StdEncoding.EncodeToString(digest.Sum(nil)), `</ds:DigestValue></ds:Reference></ds:SignedInfo>`)
	value, err := wire.SignOctets(info, key, rand)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(head)+len(tail)+len(info)+2*len(key.Cert.Raw)+1024)
	out = append(out, head...)
	// In the document the prefix is declared one element further out than where the signed octets have it.
	out = add(out, `<ds:Signature xmlns:ds="`+nsDSig+`"><ds:SignedInfo>`)
	out = append(out, info[len(open):]...)
	out = add(out, `<ds:SignatureValue>`, base64.StdEncoding.EncodeToString(value), `</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>`,
		base64.StdEncoding.EncodeToString(key.Cert.Raw), `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`)
	return append(out, tail...), nil
}

// newID returns an identifier that is an XML name and cannot be guessed.
func newID(rand io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("idp: random: %w", err)
	}
	return "_" + hex.EncodeToString(b[:]), nil
}

func add(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// attribute writes an attribute, none when it is empty.
func attribute(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return add(b, " ", name, `="`, escape(value, true), `"`)
}

func text(s string) string { return escape(s, false) }

// escape writes a text or an attribute's value as Canonical XML 2.3 does. Characters that XML cannot hold are left out: they come from
// people's names, and an answer that nobody can parse helps no one.
func escape(s string, quoted bool) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c == utf8.RuneError || !plain(c) }) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i, c := range s {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>' && !quoted:
			b.WriteString("&gt;")
		case c == '"' && quoted:
			b.WriteString("&quot;")
		case c == '\t' && quoted:
			b.WriteString("&#x9;")
		case c == '\n' && quoted:
			b.WriteString("&#xA;")
		case c == '\r':
			b.WriteString("&#xD;")
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"), c < ' ' && c != '\t' && c != '\n', c == 0xFFFE, c == 0xFFFF:
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// plain reports whether a character is written as it is everywhere.
func plain(c rune) bool {
	return c >= ' ' && c != '&' && c != '<' && c != '>' && c != '"' && c != 0xFFFE && c != 0xFFFF
}
