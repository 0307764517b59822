package samltest

import (
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// Names every forged message uses unless changed.
const (
	Issuer    = "https://idp.storefront.example/metadata"
	Audience  = "https://cloud.example/saml/sp/storefront/metadata"
	ACS       = "https://cloud.example/saml/sp/storefront/acs"
	RequestID = "_request-1"
	BPID      = "0123456789abcdef0123456789abcdef"
)

// Now is when forged messages are issued.
func Now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// Recipe says how to build one response. The zero value with a Key gives a genuine one, assertion and response both signed.
type Recipe struct {
	Key Key // signs

	// Response and Assertion change the values before anything is signed.
	Response  func(*crewjam.Response)
	Assertion func(*crewjam.Assertion)
	// AssertionXML changes the assertion element before it is signed, SealedXML the element after that.
	AssertionXML, SealedXML func(*etree.Element)
	// Encrypt replaces the (signed) assertion element by an encrypted one.
	Encrypt func(*etree.Element) *etree.Element
	// ResponseXML changes the response before it is signed, PostedXML after that: the attacker's place.
	ResponseXML, PostedXML func(*etree.Element)

	AssertionUnsigned, ResponseUnsigned bool
	// Method overrides the signature algorithm.
	Method string
}

// Build returns the message.
func (r Recipe) Build(t testing.TB) []byte {
	t.Helper()
	return Write(t, r.Element(t))
}

// Element returns the message as a tree.
func (r Recipe) Element(t testing.TB) *etree.Element {
	t.Helper()
	a := Assertion()
	apply(r.Assertion, a)
	el := reparse(t, a.Element())
	apply(r.AssertionXML, el)
	if !r.AssertionUnsigned {
		el = r.Sign(t, el)
	}
	apply(r.SealedXML, el)
	if r.Encrypt != nil {
		el = r.Encrypt(el)
	}
	resp := Response()
	apply(r.Response, resp)
	root := resp.Element()
	root.AddChild(el)
	root = reparse(t, root)
	apply(r.ResponseXML, root)
	if !r.ResponseUnsigned {
		root = r.Sign(t, root)
	}
	apply(r.PostedXML, root)
	return root
}

func apply[T any](f func(T), v T) {
	if f != nil {
		f(v)
	}
}

// Assertion returns a genuine assertion of the storefront's identity provider about alice.
func Assertion() *crewjam.Assertion {
	now := Now()
	attr := func(name, value string) crewjam.Attribute {
		return crewjam.Attribute{
			Name: name, FriendlyName: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
			Values: []crewjam.AttributeValue{{Type: "xs:string", Value: value}},
		}
	}
	return &crewjam.Assertion{
		ID: "_assertion-1", Version: "2.0", IssueInstant: now, Issuer: crewjam.Issuer{Value: Issuer},
		Subject: &crewjam.Subject{
			NameID: &crewjam.NameID{Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient", Value: "alice"},
			SubjectConfirmations: []crewjam.SubjectConfirmation{{
				Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
				SubjectConfirmationData: &crewjam.SubjectConfirmationData{
					InResponseTo: RequestID, NotOnOrAfter: now.Add(5 * time.Minute), Recipient: ACS,
				},
			}},
		},
		Conditions: &crewjam.Conditions{
			NotBefore: now.Add(-time.Minute), NotOnOrAfter: now.Add(5 * time.Minute),
			AudienceRestrictions: []crewjam.AudienceRestriction{{Audience: crewjam.Audience{Value: Audience}}},
		},
		AuthnStatements: []crewjam.AuthnStatement{{
			AuthnInstant: now, SessionIndex: "_session-1",
			AuthnContext: crewjam.AuthnContext{AuthnContextClassRef: &crewjam.AuthnContextClassRef{Value: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}},
		}},
		AttributeStatements: []crewjam.AttributeStatement{{Attributes: []crewjam.Attribute{
			attr("xUserId", "user-alice"), attr("xAccountId", "account-alice"), attr("bpId", BPID), attr("email", "alice@storefront.example"),
		}}},
	}
}

// Response returns the genuine envelope.
func Response() *crewjam.Response {
	return &crewjam.Response{
		ID: "_response-1", InResponseTo: RequestID, Version: "2.0", IssueInstant: Now(), Destination: ACS,
		Issuer: &crewjam.Issuer{Value: Issuer},
		Status: crewjam.Status{StatusCode: crewjam.StatusCode{Value: crewjam.StatusSuccess}},
	}
}

// Sign returns the element with an enveloped signature placed behind its Issuer.
func (r Recipe) Sign(t testing.TB, e *etree.Element) *etree.Element {
	t.Helper()
	ctx, err := dsig.NewSigningContext(r.Key.Signer, [][]byte{r.Key.Cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if r.Method != "" {
		if err := ctx.SetSignatureMethod(r.Method); err != nil {
			t.Fatal(err)
		}
	}
	sig, err := ctx.ConstructSignature(e, true)
	if err != nil {
		t.Fatal(err)
	}
	out := e.Copy()
	out.InsertChildAt(1, sig)
	return reparse(t, out)
}

// Write serialises an element.
func Write(t testing.TB, e *etree.Element) []byte {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(e.Copy())
	out, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Parse reads an element.
func Parse(t testing.TB, data []byte) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

func reparse(t testing.TB, e *etree.Element) *etree.Element { return Parse(t, Write(t, e)) }

// Find returns the first element of that local name, in document order, or fails.
func Find(t testing.TB, e *etree.Element, tag string) *etree.Element {
	t.Helper()
	if found := find(e, tag); found != nil {
		return found
	}
	t.Fatalf("no %s in the message", tag)
	return nil
}

func find(e *etree.Element, tag string) *etree.Element {
	if e.Tag == tag {
		return e
	}
	for _, c := range e.ChildElements() {
		if found := find(c, tag); found != nil {
			return found
		}
	}
	return nil
}

// Child returns the direct child of that local name, or nil.
func Child(e *etree.Element, tag string) *etree.Element {
	for _, c := range e.ChildElements() {
		if c.Tag == tag {
			return c
		}
	}
	return nil
}

// Evilize makes an assertion speak of mallory.
func Evilize(e *etree.Element) {
	for _, c := range e.ChildElements() {
		switch {
		case c.Tag == "NameID":
			c.SetText("mallory")
		case c.Tag == "AttributeValue" && len(c.ChildElements()) == 0 && c.Text() == "account-alice":
			c.SetText("account-mallory")
		}
		Evilize(c)
	}
}
