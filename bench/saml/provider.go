package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const attributeFormat = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

// newKey makes an RSA-2048 key with a certificate.
func newKey(name string) (saml.SigningKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return saml.SigningKey{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return saml.SigningKey{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return saml.SigningKey{Signer: private, Cert: cert, State: saml.KeyActive}, err
}

// provider is the identity provider of the partner platform.
type provider struct {
	entityID string
	key      saml.SigningKey
	person   map[string]string // attributes
}

// question is what a response answers.
type question struct{ requestID, audience, acs string }

// travel says how a response is protected.
type travel struct {
	name              string
	assertionUnsigned bool
	responseUnsigned  bool
	encryptTo         *x509.Certificate
}

// metadata is the file to upload.
func (p provider) metadata() []byte {
	return fmt.Appendf(nil, `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="%s">`+
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>`+
		`<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`+
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.bench.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`,
		p.entityID, base64.StdEncoding.EncodeToString(p.key.Cert.Raw))
}

// answer makes a response.
func (p provider) answer(q question, how travel) ([]byte, error) {
	now := time.Now().UTC()
	assertion := p.assertion(q, now).Element()
	var err error
	if !how.assertionUnsigned {
		if assertion, err = wire.Sign(assertion, p.key); err != nil {
			return nil, err
		}
	}
	if how.encryptTo != nil {
		if assertion, err = encrypt(assertion, how.encryptTo); err != nil {
			return nil, err
		}
	}
	response := crewjam.Response{
		ID: "_" + rand.Text(), InResponseTo: q.requestID, Version: "2.0", IssueInstant: now, Destination: q.acs,
		Issuer: &crewjam.Issuer{Value: p.entityID}, Status: crewjam.Status{StatusCode: crewjam.StatusCode{Value: crewjam.StatusSuccess}},
	}
	element := response.Element()
	element.AddChild(assertion)
	if !how.responseUnsigned {
		if element, err = wire.Sign(element, p.key); err != nil {
			return nil, err
		}
	}
	return wire.Write(element)
}

// sealedAnswer makes a response with both signed and the assertion encrypted with AES-256-GCM, as our own identity provider does.
func (p provider) sealedAnswer(q question, how travel) ([]byte, error) {
	now := time.Now()
	answer := idp.Answer{
		Issuer: p.entityID, Audience: q.audience, ACSURL: q.acs, InResponseTo: q.requestID,
		Name:         wire.NameID{Value: "_" + rand.Text(), Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
		SessionIndex: "_" + rand.Text(), Context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		SignedInAt: now, SessionNotOnOrAfter: now.Add(time.Hour), Now: now, Key: p.key, SignAssertion: true, EncryptTo: how.encryptTo,
	}
	for name, value := range p.person {
		answer.Attributes = append(answer.Attributes, idp.Value{Name: name, Value: value})
	}
	message, _, err := answer.Write(rand.Reader)
	return message, err
}

func (p provider) assertion(q question, now time.Time) *crewjam.Assertion {
	var attributes []crewjam.Attribute
	for _, name := range []string{"xUserId", "xAccountId", "bpId", "name", "email"} {
		attributes = append(attributes, crewjam.Attribute{
			Name: name, FriendlyName: name, NameFormat: attributeFormat, Values: []crewjam.AttributeValue{{Type: "xs:string", Value: p.person[name]}},
		})
	}
	return &crewjam.Assertion{
		ID: "_" + rand.Text(), Version: "2.0", IssueInstant: now, Issuer: crewjam.Issuer{Value: p.entityID},
		Subject: &crewjam.Subject{
			NameID: &crewjam.NameID{Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient", Value: "_" + rand.Text()},
			SubjectConfirmations: []crewjam.SubjectConfirmation{{
				Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
				SubjectConfirmationData: &crewjam.SubjectConfirmationData{
					InResponseTo: q.requestID, NotOnOrAfter: now.Add(time.Hour), Recipient: q.acs,
				},
			}},
		},
		Conditions: &crewjam.Conditions{
			NotBefore: now.Add(-time.Minute), NotOnOrAfter: now.Add(time.Hour),
			AudienceRestrictions: []crewjam.AudienceRestriction{{Audience: crewjam.Audience{Value: q.audience}}},
		},
		AuthnStatements: []crewjam.AuthnStatement{{
			AuthnInstant: now, SessionIndex: "_" + rand.Text(),
			AuthnContext: crewjam.AuthnContext{AuthnContextClassRef: &crewjam.AuthnContextClassRef{Value: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}},
		}},
		AttributeStatements: []crewjam.AttributeStatement{{Attributes: attributes}},
	}
}

// encrypt seals an assertion as the library does, which is the one way that both parsers open.
func encrypt(assertion *etree.Element, to *x509.Certificate) (*etree.Element, error) {
	plain, err := wire.Write(assertion)
	if err != nil {
		return nil, err
	}
	by := xmlenc.OAEP()
	by.BlockCipher, by.DigestMethod = xmlenc.AES128CBC, &xmlenc.SHA1
	data, err := by.Encrypt(to, plain, nil)
	if err != nil {
		return nil, err
	}
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	sealed := etree.NewElement("saml:EncryptedAssertion")
	sealed.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	sealed.AddChild(data)
	return sealed, nil
}
