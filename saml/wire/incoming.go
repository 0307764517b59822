package wire

import (
	"bytes"
	"compress/flate"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/verify"
	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

// Binding is one of the two ways through the browser.
type Binding string

// The bindings, by their identifiers in metadata.
const (
	Redirect Binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	Post     Binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// Names of the parameter that carries a message.
const (
	Request  = "SAMLRequest"
	Response = "SAMLResponse"
)

const (
	// maxMessage bounds a decoded message, maxForm what carries it: base64 adds a third, form encoding a little.
	maxMessage = 256 << 10
	maxForm    = 512 << 10
	// maxQuery bounds a redirect's query; servers and browsers stop far below.
	maxQuery = 64 << 10
	// maxRelayState is more than the 80 bytes of Bindings 3.4.3, because common service providers put an address there.
	maxRelayState = 2048
)

// Incoming is a request or a logout response as it came: bounded and of acceptable shape, but not believed yet.
type Incoming struct {
	Binding Binding
	// Param is the parameter it came in, Request or Response.
	Param string
	// Name is the root element: AuthnRequest, LogoutRequest or LogoutResponse.
	Name       string
	RelayState string // must go back unchanged with the answer
	// XML is the decoded message. Nothing vouches for it; Verified returns what a signature covers.
	XML []byte

	root      *etree.Element
	octets    string // what a redirect's signature covers
	sigAlg    string
	signature []byte
}

// Read takes one message from a GET with the redirect binding or a POST with the post binding. The parameter must be the only one
// of SAML's: a repeated parameter, or a request beside a response, is how a check and a use come apart. The error is a *saml.Refusal,
// or http.MaxBytesError's as ResponseTooLarge.
func Read(w http.ResponseWriter, r *http.Request, params ...string) (Incoming, error) {
	switch r.Method {
	case http.MethodGet:
		return readRedirect(r.URL.RawQuery, params)
	case http.MethodPost:
		return readPost(w, r, params)
	}
	w.Header().Set("Allow", "GET, POST")
	return Incoming{}, refuse(saml.MethodNotAllowed, "")
}

// carrier returns the one parameter that carries the message.
func carrier(has func(string) bool, params []string) (string, error) {
	if has("SAMLart") {
		return "", refuse(saml.ArtifactRefused, "")
	}
	found := ""
	for _, name := range []string{Request, Response} {
		switch {
		case !has(name):
		case found != "" || !slices.Contains(params, name):
			return "", refuse(saml.ResponseMalformed, "request and response confused")
		default:
			found = name
		}
	}
	if found == "" {
		return "", refuse(saml.ResponseMalformed, "no message")
	}
	return found, nil
}

func readRedirect(rawQuery string, params []string) (Incoming, error) {
	if len(rawQuery) > maxQuery {
		return Incoming{}, refuse(saml.ResponseTooLarge, "query")
	}
	raw, plain := map[string]string{}, map[string]string{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		escapedName, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(escapedName)
		if err != nil {
			return Incoming{}, refuse(saml.ResponseMalformed, "query")
		}
		if _, twice := raw[name]; twice {
			return Incoming{}, refuse(saml.ResponseMalformed, "parameter repeated")
		}
		raw[name] = value
		if plain[name], err = url.QueryUnescape(value); err != nil {
			return Incoming{}, refuse(saml.ResponseMalformed, "query")
		}
	}
	param, err := carrier(func(name string) bool { _, ok := raw[name]; return ok }, params)
	if err != nil {
		return Incoming{}, err
	}
	if encoding, ok := plain["SAMLEncoding"]; ok && encoding != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return Incoming{}, refuse(saml.ResponseMalformed, "encoding")
	}
	m := Incoming{Binding: Redirect, Param: param, RelayState: plain["RelayState"], sigAlg: plain["SigAlg"]}
	if err := m.readSignature(param, raw, plain); err != nil {
		return Incoming{}, err
	}
	deflated, err := base64.StdEncoding.DecodeString(plain[param])
	if err != nil {
		return Incoming{}, refuse(saml.ResponseMalformed, "base64")
	}
	// One byte more than allowed, so that a bomb costs no more than the limit.
	message, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxMessage+1))
	if err != nil {
		return Incoming{}, refuse(saml.ResponseMalformed, "deflate")
	}
	return m.guarded(message)
}

// readSignature notes the octets that Bindings 3.4.4.1 has signed, exactly as they came.
func (m *Incoming) readSignature(param string, raw, plain map[string]string) error {
	_, hasAlg := raw["SigAlg"]
	text, hasSignature := plain["Signature"]
	if hasAlg != hasSignature {
		return refuse(saml.SignatureInvalid, "half a signature")
	}
	if !hasSignature {
		return nil
	}
	m.octets = param + "=" + raw[param]
	if relay, ok := raw["RelayState"]; ok {
		m.octets += "&RelayState=" + relay
	}
	m.octets += "&SigAlg=" + raw["SigAlg"]
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(signature) == 0 {
		return refuse(saml.SignatureInvalid, "base64")
	}
	m.signature = signature
	return nil
}

func readPost(w http.ResponseWriter, r *http.Request, params []string) (Incoming, error) {
	query := r.URL.Query()
	if slices.ContainsFunc([]string{Request, Response, "RelayState", "SAMLart", "Signature"}, query.Has) {
		return Incoming{}, refuse(saml.ResponseMalformed, "message in the query")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return Incoming{}, refuse(saml.ResponseMalformed, "content type")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return Incoming{}, refuse(saml.ResponseTooLarge, "form")
		}
		return Incoming{}, refuse(saml.ResponseMalformed, "form")
	}
	form := r.PostForm
	param, err := carrier(form.Has, params)
	if err != nil {
		return Incoming{}, err
	}
	if len(form[param]) != 1 || len(form["RelayState"]) > 1 {
		return Incoming{}, refuse(saml.ResponseMalformed, "parameter repeated")
	}
	message, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(form.Get(param)), ""))
	if err != nil {
		return Incoming{}, refuse(saml.ResponseMalformed, "base64")
	}
	return Incoming{Binding: Post, Param: param, RelayState: form.Get("RelayState")}.guarded(message)
}

// guarded applies the limits of package xmlguard and reads the root's name.
func (m Incoming) guarded(message []byte) (Incoming, error) {
	if len(message) > maxMessage {
		return Incoming{}, refuse(saml.ResponseTooLarge, "message")
	}
	if len(m.RelayState) > maxRelayState {
		return Incoming{}, refuse(saml.ResponseMalformed, "relay state")
	}
	if err := xmlguard.Request(message); err != nil {
		return Incoming{}, verify.GuardRefusal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(message); err != nil || doc.Root() == nil {
		return Incoming{}, refuse(saml.ResponseMalformed, "not parsed")
	}
	m.XML, m.root, m.Name = message, doc.Root(), doc.Root().Tag
	if (m.Param == Response) != (m.Name == "LogoutResponse") {
		return Incoming{}, refuse(saml.ResponseMalformed, "request and response confused")
	}
	// Bindings 3.4.4.1 has the signature of a redirect beside the message. One inside it would be believed by one reader and
	// not looked at by another.
	if m.Binding == Redirect && child(m.root, nsDSig, "Signature") != nil {
		return Incoming{}, refuse(saml.SignatureInvalid, "inside a redirect")
	}
	return m, nil
}

// Signed reports whether the message carries a signature that its binding knows: detached on a redirect, inside on a post.
func (m Incoming) Signed() bool {
	if m.Binding == Redirect {
		return m.signature != nil
	}
	return child(m.root, nsDSig, "Signature") != nil
}

// Verified returns the bytes that one of these certificates' keys vouches for. The error is a *saml.Refusal: SignatureMissing,
// SignatureInvalid or AlgorithmRefused.
func (m Incoming) Verified(certs []*x509.Certificate) ([]byte, error) {
	switch {
	case !m.Signed():
		return nil, refuse(saml.SignatureMissing, "")
	case m.Binding == Post:
		return verify.Enveloped(m.XML, certs)
	case !xmlguard.SignatureMethodAllowed(m.sigAlg):
		return nil, refuse(saml.AlgorithmRefused, "redirect signature")
	}
	for _, cert := range certs {
		if verify.Octets(cert, m.sigAlg, []byte(m.octets), m.signature) {
			return m.XML, nil
		}
	}
	return nil, refuse(saml.SignatureInvalid, "redirect signature")
}

func refuse(r saml.Reason, detail string) error { return &saml.Refusal{Reason: r, Detail: detail} }
