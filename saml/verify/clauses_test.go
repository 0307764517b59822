package verify_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// TestClauses holds the pipeline to the clauses of the SAML specifications and their profiles, by their ids. What fails in more ways
// than a clause names is in TestAttacks.
func TestClauses(t *testing.T) {
	t.Parallel()
	idp, sp := samltest.RSA(t, "idp", 2048), samltest.RSA(t, "sp", 2048)
	now := samltest.Now()
	as := func(f func(*crewjam.Assertion)) samltest.Recipe { return samltest.Recipe{Key: idp, Assertion: f} }
	ax := func(f func(*etree.Element)) samltest.Recipe { return samltest.Recipe{Key: idp, AssertionXML: f} }
	at := func(d time.Duration) func(*verify.Expect) { return func(e *verify.Expect) { e.Now = now.Add(d) } }
	sealed := func(s samltest.Sealing) samltest.Recipe {
		return samltest.Recipe{Key: idp, Encrypt: samltest.Encrypt(t, sp, s)}
	}
	audience := func(values ...string) func(*etree.Element) {
		return func(e *etree.Element) {
			restriction := samltest.Child(samltest.Child(e, "Conditions"), "AudienceRestriction")
			for _, c := range restriction.ChildElements() {
				restriction.RemoveChild(c)
			}
			for _, v := range values {
				restriction.CreateElement("saml:Audience").SetText(v)
			}
		}
	}
	onReference := func(change func(*etree.Element)) samltest.Recipe {
		return samltest.Recipe{Key: idp, ResponseUnsigned: true, SealedXML: func(e *etree.Element) { change(samltest.Find(t, e, "Reference")) }}
	}
	for _, c := range []struct {
		clause, what string
		recipe       samltest.Recipe
		bytes        func([]byte) []byte
		change       func(*verify.Expect)
		want         saml.Reason // empty: accepted
	}{
		{"SDP-G01 IIP-G01", "NotOnOrAfter passed within the skew", samltest.Recipe{Key: idp}, nil, at(7*time.Minute + 59*time.Second), ""},
		{"SDP-G01 IIP-G01", "NotOnOrAfter passed beyond the skew", samltest.Recipe{Key: idp}, nil, at(8*time.Minute + time.Second), saml.AssertionExpired},
		{"SDP-G01 IIP-G01", "NotBefore to come within the skew", as(func(a *crewjam.Assertion) { a.Conditions.NotBefore = now.Add(2 * time.Minute) }), nil, nil, ""},
		{"SDP-G01 IIP-G01", "NotBefore to come beyond the skew", as(func(a *crewjam.Assertion) { a.Conditions.NotBefore = now.Add(4 * time.Minute) }), nil, nil, saml.AssertionNotYetValid},
		{"SDP-G02 IIP-G02", "a string of 256 characters", as(func(a *crewjam.Assertion) {
			a.AttributeStatements[0].Attributes[3].Values[0].Value = strings.Repeat("é", 256)
		}), nil, nil, ""},
		{"SDP-G03 IIP-G03", "a document type", samltest.Recipe{Key: idp}, prefix("<!DOCTYPE r>"), nil, saml.ResponseMalformed},
		{"SDP-SP10 SDP-SP38 IIP-SP08", "encrypted to the second of our keys", sealed(samltest.Sealing{}), nil, func(e *verify.Expect) {
			e.Keys = []crypto.Decrypter{samltest.RSA(t, "other", 2048).Signer.(*rsa.PrivateKey), sp.Signer.(*rsa.PrivateKey)}
		}, ""},
		{"SDP-SP10 SDP-SP38 IIP-SP08", "encrypted to none of our keys", sealed(samltest.Sealing{}), nil, func(e *verify.Expect) { e.Keys = e.Keys[:1] }, saml.DecryptionFailed},
		{"SDP-SP11 SDP-SP12", "a status that is no success", samltest.Recipe{Key: idp, Response: func(r *crewjam.Response) {
			r.Status.StatusCode.Value = crewjam.StatusRequester
		}}, nil, nil, saml.StatusNotSuccess},
		{"SDP-SP13", "no NameID", as(func(a *crewjam.Assertion) { a.Subject.NameID = nil }), nil, nil, ""},
		{"SDP-SP14 IIP-SP12", "subject-id and pairwise-id", as(func(a *crewjam.Assertion) {
			for _, name := range []string{"subject-id", "pairwise-id"} {
				a.AttributeStatements[0].Attributes = append(a.AttributeStatements[0].Attributes, crewjam.Attribute{
					Name: "urn:oasis:names:tc:SAML:attribute:" + name, Values: []crewjam.AttributeValue{{Value: "x@y"}},
				})
			}
		}), nil, nil, ""},
		{"SDP-SP37 IIP-MD07", "signed with the second key of the metadata", samltest.Recipe{Key: idp}, nil, func(e *verify.Expect) {
			e.Certificates = []*x509.Certificate{samltest.RSA(t, "other", 2048).Cert, samltest.RSA(t, "third", 2048).Cert, idp.Cert}
		}, ""},
		{"IIP-MD12", "a certificate that is long expired", samltest.Recipe{Key: idp}, nil, func(e *verify.Expect) { e.Certificates = []*x509.Certificate{idp.Cert} }, ""},
		{"IIP-SP01 IIP-SP10 IIP-SP11", "unknown attributes, without xsi:type and with another's FriendlyName", as(func(a *crewjam.Assertion) {
			a.AttributeStatements[0].Attributes = append(a.AttributeStatements[0].Attributes, crewjam.Attribute{
				Name: "urn:oid:1.2.3", FriendlyName: "xAccountId", Values: []crewjam.AttributeValue{{Value: "account-mallory"}},
			})
		}), nil, nil, ""},
		{"IIP-SP02", "no attribute carries xsi:type", as(func(a *crewjam.Assertion) {
			for i := range a.AttributeStatements[0].Attributes {
				a.AttributeStatements[0].Attributes[i].Values[0].Type = ""
			}
		}), nil, nil, ""},
		{"IIP-SP13", "nothing is signed", samltest.Recipe{Key: idp, AssertionUnsigned: true, ResponseUnsigned: true}, nil, nil, saml.SignatureMissing},
		{"IIP-SP07", "the authentication context that was asked for", samltest.Recipe{Key: idp}, nil, asking(contextPassword, contextProtected), ""},
		{"IIP-SP07", "another authentication context", samltest.Recipe{Key: idp}, nil, asking(contextPassword), saml.AuthnContextMismatch},
		{"IIP-SP07", "another spelling of it", as(func(a *crewjam.Assertion) {
			a.AuthnStatements[0].AuthnContext.AuthnContextClassRef.Value = strings.ToLower(contextProtected)
		}), nil, asking(contextProtected), saml.AuthnContextMismatch},
		{"IIP-SP07", "an authentication context in lines", as(func(a *crewjam.Assertion) {
			a.AuthnStatements[0].AuthnContext.AuthnContextClassRef.Value = "\n  " + contextProtected + "\n"
		}), nil, asking(contextProtected), ""},
		{"IIP-SP07", "no authentication context", as(func(a *crewjam.Assertion) { a.AuthnStatements[0].AuthnContext.AuthnContextClassRef = nil }), nil, asking(contextProtected), saml.AuthnContextMismatch},
		{"IIP-SP07", "a weaker statement beside the one asked for", as(func(a *crewjam.Assertion) {
			weak := a.AuthnStatements[0]
			weak.AuthnContext.AuthnContextClassRef = &crewjam.AuthnContextClassRef{Value: contextPassword}
			a.AuthnStatements = append(a.AuthnStatements, weak)
		}), nil, asking(contextProtected), saml.AuthnContextMismatch},
		{"IIP-SP07", "any authentication context, or none, where none was asked for", as(func(a *crewjam.Assertion) { a.AuthnStatements[0].AuthnContext.AuthnContextClassRef = nil }), nil, nil, ""},
		{"IIP-ALG04", "AES-128-GCM", sealed(samltest.Sealing{Data: encGCM128}), nil, nil, ""},
		{"IIP-ALG04", "AES-256-GCM", sealed(samltest.Sealing{}), nil, nil, ""},
		{"IIP-ALG06", "RSA-OAEP with its usual parameters", sealed(samltest.Sealing{Transport: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"}), nil, nil, ""},
		{"IIP-ALG08", "rsa-1_5", sealed(samltest.Sealing{Transport: "http://www.w3.org/2001/04/xmlenc#rsa-1_5"}), nil, nil, saml.DecryptionFailed},
		{"IIP-ALG08", "rsa-sha1", samltest.Recipe{Key: idp, Method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}, nil, nil, saml.AlgorithmRefused},
		{"Core 5.4.1", "the signature outside the object that it signs", samltest.Recipe{Key: idp, ResponseUnsigned: true, SealedXML: func(e *etree.Element) {
			sig := samltest.Child(e, "Signature")
			e.RemoveChild(sig)
			samltest.Child(e, "Subject").AddChild(sig)
		}}, nil, nil, saml.SignatureInvalid},
		{"Core 5.4.2", "a reference to something else", onReference(func(r *etree.Element) { r.CreateAttr("URI", "#_response-1") }), nil, nil, saml.SignatureInvalid},
		{"Core 5.4.2", "two references", onReference(func(r *etree.Element) { r.Parent().AddChild(r.Copy()) }), nil, nil, saml.SignatureInvalid},
		{"Core 5.4.3", "inclusive canonicalization", onReference(func(r *etree.Element) {
			samltest.Child(r.Parent(), "CanonicalizationMethod").CreateAttr("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
		}), nil, nil, saml.AlgorithmRefused},
		{"Core 5.4.4", "a transform that is neither enveloped-signature nor canonicalization", onReference(func(r *etree.Element) {
			samltest.Child(r, "Transforms").ChildElements()[0].CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		}), nil, nil, saml.AlgorithmRefused},
		{"Core 1.3.4", "an ID that is no name", samltest.Recipe{Key: idp}, replace(`ID="_response-1"`, `ID="1"`), nil, saml.ResponseMalformed},
		{"Core 2.3.3", "a version that is not 2.0", ax(func(e *etree.Element) { e.CreateAttr("Version", "1.1") }), nil, nil, saml.VersionMismatch},
		{"Core 2.5.1.2", "Conditions are over", as(func(a *crewjam.Assertion) { a.Conditions.NotOnOrAfter = now.Add(-time.Hour) }), nil, nil, saml.AssertionExpired},
		{"Core 2.5.1.4", "one of several audiences is ours", ax(audience("https://else.example", samltest.Audience)), nil, nil, ""},
		{"Core 2.5.1.4", "none of several audiences is ours", ax(audience("https://else.example", "https://third.example")), nil, nil, saml.AudienceMismatch},
		{"Core 2.5.1.4", "all restrictions must hold", ax(func(e *etree.Element) {
			c := samltest.Child(e, "Conditions")
			c.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText("https://else.example")
		}), nil, nil, saml.AudienceMismatch},
		{"Core 2.5.1.5", "OneTimeUse", ax(func(e *etree.Element) { samltest.Child(e, "Conditions").CreateElement("saml:OneTimeUse") }), nil, nil, ""},
		{"Prof 4.1.4.2", "a bearer confirmation with NotBefore", as(func(a *crewjam.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.NotBefore = now
		}), nil, nil, saml.SubjectNotConfirmed},
		{"Prof 4.1.4.2", "no AuthnStatement", as(func(a *crewjam.Assertion) { a.AuthnStatements = nil }), nil, nil, saml.AuthnStatementMissing},
		{"Prof 4.1.4.3", "Recipient is another address", as(func(a *crewjam.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient = samltest.ACS + "/"
		}), nil, nil, saml.RecipientMismatch},
		{"Prof 4.1.4.3", "SessionNotOnOrAfter has passed", as(func(a *crewjam.Assertion) {
			past := now.Add(-time.Hour)
			a.AuthnStatements[0].SessionNotOnOrAfter = &past
		}), nil, nil, saml.AssertionExpired},
		{"Bind 3.5.5.2", "Destination is another address", samltest.Recipe{Key: idp, Response: func(r *crewjam.Response) { r.Destination += "/" }}, nil, nil, saml.DestinationMismatch},
	} {
		t.Run(c.clause+" "+c.what, func(t *testing.T) {
			t.Parallel()
			message, want := c.recipe.Build(t), expect(t)
			if c.bytes != nil {
				message = c.bytes(message)
			}
			if c.change != nil {
				c.change(&want)
			}
			v, err := verify.Response(message, want)
			if got := reason(t, err); got != c.want {
				t.Fatalf("verdict %q (%v), want %q", got, err, c.want)
			}
			if err == nil && account(v) != "account-alice" {
				t.Errorf("accepted as %q", account(v))
			}
			if c.clause == "Core 2.5.1.5" && !v.OneTimeUse {
				t.Error("OneTimeUse is not noted")
			}
		})
	}
}

const (
	contextPassword  = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
	contextProtected = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
)

func asking(contexts ...string) func(*verify.Expect) {
	return func(e *verify.Expect) { e.AuthnContexts = contexts }
}

const encGCM128 = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
