package wire

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
)

// Status codes of a logout response.
const (
	StatusSuccess       = "urn:oasis:names:tc:SAML:2.0:status:Success"
	StatusRequester     = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	StatusResponder     = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	StatusPartialLogout = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout" // second level, below Success or Responder
)

const (
	// skew is how wrong clocks may be (SDP-G01), maxAge how old a message may be besides.
	skew   = 3 * time.Minute
	maxAge = 10 * time.Minute

	nsAsync      = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo"
	formatEntity = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
	timeFormat   = "2006-01-02T15:04:05.000Z"
	// maxIndexes bounds what one request may name.
	maxIndexes = 64
)

// NameID names a person between two entities. It is compared in all its parts (SDP-SP28).
type NameID struct{ Value, Format, NameQualifier, SPNameQualifier string }

// LogoutRequest asks to end the sessions of a person.
type LogoutRequest struct {
	ID, Issuer, Destination string
	IssueInstant            time.Time
	NotOnOrAfter            time.Time // zero: none
	NameID                  NameID
	SessionIndexes          []string // empty: all sessions of the person
	// Asynchronous says that no answer is wanted (Asynchronous Single Logout extension). Element does not write it.
	Asynchronous bool
}

// LogoutResponse says what became of a LogoutRequest.
type LogoutResponse struct {
	ID, InResponseTo, Issuer, Destination string
	IssueInstant                          time.Time
	Status                                string // top-level status code
	SubStatus                             string // second level; may be empty
}

// Expected is what a logout message must say to be ours.
type Expected struct {
	Issuer      string // the peer's entityID
	Destination string // the address at which it was received
	Now         time.Time
}

// ParseLogoutRequest reads a message that was verified. The error is a *saml.Refusal; an encrypted name is refused, because nobody is
// told to send one.
func ParseLogoutRequest(message []byte) (LogoutRequest, error) {
	root, err := rootOf(message, "LogoutRequest")
	if err != nil {
		return LogoutRequest{}, err
	}
	q := LogoutRequest{ID: root.SelectAttrValue("ID", ""), Destination: root.SelectAttrValue("Destination", "")}
	if q.Issuer, err = issuerOf(root); err != nil {
		return LogoutRequest{}, err
	}
	if q.IssueInstant, err = instant(root, "IssueInstant"); err != nil || q.IssueInstant.IsZero() {
		return LogoutRequest{}, refuse(saml.ResponseMalformed, "issue instant")
	}
	if q.NotOnOrAfter, err = instant(root, "NotOnOrAfter"); err != nil {
		return LogoutRequest{}, err
	}
	names := children(root, nsAssertion, "NameID")
	if len(names) != 1 {
		return LogoutRequest{}, refuse(saml.ResponseMalformed, "name")
	}
	if q.NameID, err = nameOf(names[0]); err != nil {
		return LogoutRequest{}, err
	}
	if extensions := child(root, nsProtocol, "Extensions"); extensions != nil {
		q.Asynchronous = child(extensions, nsAsync, "Asynchronous") != nil
	}
	for _, index := range children(root, nsProtocol, "SessionIndex") {
		q.SessionIndexes = append(q.SessionIndexes, strings.TrimSpace(index.Text()))
	}
	if len(q.SessionIndexes) > maxIndexes || slices.ContainsFunc(q.SessionIndexes, func(i string) bool { return i == "" || len(i) > maxText }) {
		return LogoutRequest{}, refuse(saml.ResponseMalformed, "session indexes")
	}
	return q, nil
}

// Check judges issuer, address and time. The error is a *saml.Refusal.
func (q LogoutRequest) Check(want Expected) error {
	if err := want.check(q.Issuer, q.Destination, q.IssueInstant); err != nil {
		return err
	}
	if !q.NotOnOrAfter.IsZero() && !want.Now.Add(-skew).Before(q.NotOnOrAfter) {
		return refuse(saml.AssertionExpired, "logout request")
	}
	return nil
}

// UsableUntil is until when the same request would be accepted: keep its ID that long against replay.
func (q LogoutRequest) UsableUntil() time.Time {
	until := q.IssueInstant.Add(maxAge)
	if !q.NotOnOrAfter.IsZero() && q.NotOnOrAfter.Before(until) {
		until = q.NotOnOrAfter
	}
	return until.Add(skew)
}

// Element builds the message, unsigned.
func (q LogoutRequest) Element() *etree.Element {
	e := root("LogoutRequest", q.ID, q.Issuer, q.Destination, q.IssueInstant)
	if !q.NotOnOrAfter.IsZero() {
		e.CreateAttr("NotOnOrAfter", q.NotOnOrAfter.UTC().Format(timeFormat))
	}
	name := e.CreateElement("saml:NameID")
	for _, a := range []struct{ name, value string }{
		{"NameQualifier", q.NameID.NameQualifier}, {"SPNameQualifier", q.NameID.SPNameQualifier}, {"Format", q.NameID.Format},
	} {
		if a.value != "" {
			name.CreateAttr(a.name, a.value)
		}
	}
	name.SetText(q.NameID.Value)
	for _, index := range q.SessionIndexes {
		e.CreateElement("samlp:SessionIndex").SetText(index)
	}
	return e
}

// ParseLogoutResponse reads a message that was verified. The error is a *saml.Refusal.
func ParseLogoutResponse(message []byte) (LogoutResponse, error) {
	root, err := rootOf(message, "LogoutResponse")
	if err != nil {
		return LogoutResponse{}, err
	}
	a := LogoutResponse{
		ID: root.SelectAttrValue("ID", ""), InResponseTo: root.SelectAttrValue("InResponseTo", ""), Destination: root.SelectAttrValue("Destination", ""),
	}
	if a.Issuer, err = issuerOf(root); err != nil {
		return LogoutResponse{}, err
	}
	if a.IssueInstant, err = instant(root, "IssueInstant"); err != nil || a.IssueInstant.IsZero() {
		return LogoutResponse{}, refuse(saml.ResponseMalformed, "issue instant")
	}
	status := children(root, nsProtocol, "Status")
	if len(status) != 1 {
		return LogoutResponse{}, refuse(saml.ResponseMalformed, "status")
	}
	codes := children(status[0], nsProtocol, "StatusCode")
	if len(codes) != 1 {
		return LogoutResponse{}, refuse(saml.ResponseMalformed, "status")
	}
	a.Status = codes[0].SelectAttrValue("Value", "")
	if below := child(codes[0], nsProtocol, "StatusCode"); below != nil {
		a.SubStatus = below.SelectAttrValue("Value", "")
	}
	return a, nil
}

// Check judges issuer, address and time; whether anybody asked is the caller's question. The error is a *saml.Refusal.
func (a LogoutResponse) Check(want Expected) error {
	return want.check(a.Issuer, a.Destination, a.IssueInstant)
}

// Element builds the message, unsigned.
func (a LogoutResponse) Element() *etree.Element {
	e := root("LogoutResponse", a.ID, a.Issuer, a.Destination, a.IssueInstant)
	if a.InResponseTo != "" {
		e.CreateAttr("InResponseTo", a.InResponseTo)
	}
	code := e.CreateElement("samlp:Status").CreateElement("samlp:StatusCode")
	code.CreateAttr("Value", a.Status)
	if a.SubStatus != "" {
		code.CreateElement("samlp:StatusCode").CreateAttr("Value", a.SubStatus)
	}
	return e
}

func (want Expected) check(issuer, destination string, issued time.Time) error {
	switch {
	case want.Issuer == "" || issuer != want.Issuer:
		return refuse(saml.IssuerMismatch, "")
	case destination != want.Destination:
		return refuse(saml.DestinationMismatch, "")
	case issued.After(want.Now.Add(skew)):
		return refuse(saml.AssertionNotYetValid, "issue instant")
	case issued.Before(want.Now.Add(-maxAge - skew)):
		return refuse(saml.AssertionExpired, "issue instant")
	}
	return nil
}

// root starts a message of ours.
func root(name, id, issuer, destination string, issued time.Time) *etree.Element {
	e := etree.NewElement("samlp:" + name)
	e.CreateAttr("xmlns:samlp", nsProtocol)
	e.CreateAttr("xmlns:saml", nsAssertion)
	e.CreateAttr("ID", id)
	e.CreateAttr("Version", "2.0")
	e.CreateAttr("IssueInstant", issued.UTC().Format(timeFormat))
	if destination != "" {
		e.CreateAttr("Destination", destination)
	}
	e.CreateElement("saml:Issuer").SetText(issuer)
	return e
}

// rootOf parses a verified message and checks what every message must have.
func rootOf(message []byte, name string) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(message); err != nil || doc.Root() == nil {
		return nil, refuse(saml.ResponseMalformed, "not parsed")
	}
	e := doc.Root()
	switch {
	case e.Tag != name || e.NamespaceURI() != nsProtocol:
		return nil, refuse(saml.ResponseMalformed, "another message was expected")
	case e.SelectAttrValue("Version", "") != "2.0":
		return nil, refuse(saml.VersionMismatch, "")
	case e.SelectAttrValue("ID", "") == "" || len(e.SelectAttrValue("ID", "")) > 256:
		return nil, refuse(saml.ResponseMalformed, "ID")
	}
	return e, nil
}

func issuerOf(e *etree.Element) (string, error) {
	issuers := children(e, nsAssertion, "Issuer")
	if len(issuers) != 1 {
		return "", refuse(saml.IssuerMismatch, "no issuer")
	}
	if format := issuers[0].SelectAttrValue("Format", ""); format != "" && format != formatEntity {
		return "", refuse(saml.IssuerMismatch, "format")
	}
	return strings.TrimSpace(issuers[0].Text()), nil
}

// instant reads an optional attribute; the zero time when it is absent.
func instant(e *etree.Element, name string) (time.Time, error) {
	text := e.SelectAttrValue(name, "")
	if text == "" {
		return time.Time{}, nil
	}
	var at crewjam.RelaxedTime
	if err := at.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, refuse(saml.ResponseMalformed, name)
	}
	return time.Time(at), nil
}

func children(e *etree.Element, ns, tag string) []*etree.Element {
	return slices.DeleteFunc(e.ChildElements(), func(c *etree.Element) bool { return c.Tag != tag || c.NamespaceURI() != ns })
}
