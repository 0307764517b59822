//go:build e2e

package peers_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// TestAnswersWithEveryKey: what the peers above do not ask for. None of them verifies ECDSA, and no person of theirs has a name with
// everything in it that XML escapes.
func TestAnswersWithEveryKey(t *testing.T) {
	t.Parallel()
	receiver := samltest.RSA(t, "receiver", 2048)
	odd := "\"quoted\" & <b>'s\u00a0\t\u4e2d\u6587\U0001f600 \u2028]]>"
	for name, key := range map[string]samltest.Key{"RSA": samltest.RSA(t, "messages", 2048), "ECDSA": samltest.EC(t, "messages-ec")} {
		answer := idp.Answer{
			Issuer: "https://storefront.example/metadata?a=1&b=2", Audience: "https://cloud.example/sp", ACSURL: "https://cloud.example/acs?x=<>",
			InResponseTo: "_request", Name: wire.NameID{Value: odd, Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", NameQualifier: odd},
			SessionIndex: "_index", Context: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", SignedInAt: time.Now(), SessionNotOnOrAfter: time.Now().Add(time.Hour),
			Attributes: []idp.Value{{Name: "name", Value: odd}, {Name: odd, Value: ""}}, Now: time.Now(), Key: active(key), SignAssertion: true,
		}
		t.Run(name+", plain", func(t *testing.T) {
			message, _, err := answer.Write(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			valid(t, "protocol", message)
			signed(t, message, key.Cert, "Response", "Assertion")
		})
		for data, method := range map[string]string{
			"AES-256-GCM": "http://www.w3.org/2009/xmlenc11#aes256-gcm", "AES-128-GCM": "http://www.w3.org/2009/xmlenc11#aes128-gcm",
			"AES-128-CBC": "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
		} {
			t.Run(name+", "+data, func(t *testing.T) {
				answer := answer
				answer.EncryptTo, answer.Methods = receiver.Cert, []string{method}
				message, _, err := answer.Write(rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				valid(t, "protocol", message)
				signed(t, message, key.Cert, "Response")
				checkSealed(t, message, key.Cert, receiver)
			})
		}
	}
}

// TestLogoutMessagesWithECDSA: signatures inside are r||s.
func TestLogoutMessagesWithECDSA(t *testing.T) {
	t.Parallel()
	key := samltest.EC(t, "messages-ec")
	for name, element := range map[string]func() ([]byte, error){
		"LogoutRequest": func() ([]byte, error) {
			return signedMessage(active(key), wire.LogoutRequest{
				ID: "_1", Issuer: "https://a.example", Destination: "https://b.example/slo", IssueInstant: time.Now(), NotOnOrAfter: time.Now(),
				NameID: wire.NameID{Value: "alice & bob"}, SessionIndexes: []string{"_s1", "_s2"},
			})
		},
		"LogoutResponse": func() ([]byte, error) {
			return signedMessage(active(key), wire.LogoutResponse{
				ID: "_2", InResponseTo: "_1", Issuer: "https://b.example", Destination: "https://a.example/slo", IssueInstant: time.Now(),
				Status: wire.StatusResponder, SubStatus: wire.StatusPartialLogout,
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			message, err := element()
			if err != nil {
				t.Fatal(err)
			}
			valid(t, "protocol", message)
			signed(t, message, key.Cert, name)
		})
	}
}

func signedMessage(key saml.SigningKey, m interface{ Element() *etree.Element }) ([]byte, error) {
	e, err := wire.Sign(m.Element(), key)
	if err != nil {
		return nil, err
	}
	return wire.Write(e)
}
