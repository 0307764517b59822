//go:build e2e

package idp_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const schemas = "/usr/share/simplesamlphp/schemas/"

// run starts one of the programs that know better.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, out)
	}
	return out
}

func temporary(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// valid holds a message against the schema.
func valid(t *testing.T, schema string, message []byte) {
	t.Helper()
	if _, err := os.Stat(schemas); err != nil {
		t.Skip("the SAML schemas are not installed")
	}
	run(t, "xmllint", "--nonet", "--noout", "--schema", schemas+"saml-schema-"+schema+"-2.0.xsd", temporary(t, "message.xml", message))
}

// signed has every signature of a message verified by a library that is not ours.
func signed(t *testing.T, key samltest.Key, message []byte) {
	t.Helper()
	cert := temporary(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key.Cert.RawSubjectPublicKeyInfo}))
	file := temporary(t, "message.xml", message)
	roots := []string{"Response", "LogoutRequest", "LogoutResponse"}
	args := []string{"--verify", "--pubkey-pem", cert}
	for _, r := range roots {
		args = append(args, "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:"+r)
	}
	args = append(args, "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion")
	places := []string{"/*/*[local-name()='Signature']"}
	if bytes.Contains(message, []byte("<saml:Assertion ")) && bytes.Count(message, []byte("<ds:Signature ")) == 2 {
		places = append(places, "//*[local-name()='Assertion']/*[local-name()='Signature']")
	}
	for _, place := range places {
		run(t, "xmlsec1", append(args, "--node-xpath", place, file)...)
	}
}

// TestMessagesAreValid: every message that we emit follows the schema and carries signatures that xmlsec1 verifies.
func TestMessagesAreValid(t *testing.T) {
	t.Parallel()
	rsa, ec, to := samltest.RSA(t, "issue", 2048), samltest.EC(t, "issue-ec"), samltest.RSA(t, "issue-sp", 2048)
	for name, tc := range map[string]struct {
		key    samltest.Key
		change func(*idp.Answer)
	}{
		"plain":       {rsa, func(*idp.Answer) {}},
		"both signed": {rsa, func(a *idp.Answer) { a.SignAssertion = true }},
		"encrypted":   {rsa, func(a *idp.Answer) { a.EncryptTo = to.Cert }},
		"encrypted CBC": {rsa, func(a *idp.Answer) {
			a.EncryptTo, a.Methods = to.Cert, []string{"http://www.w3.org/2001/04/xmlenc#aes128-cbc"}
		}},
		"ECDSA": {ec, func(a *idp.Answer) { a.SignAssertion = true }},
		"hostile texts": {rsa, func(a *idp.Answer) {
			a.SignAssertion = true
			a.Attributes = []idp.Value{{Name: "name", Value: hostile}}
			a.Name.Value = hostile
		}},
		"unsolicited": {rsa, func(a *idp.Answer) { a.InResponseTo, a.Attributes = "", nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answer(t, tc.key)
			tc.change(&a)
			message := write(t, a)
			valid(t, "protocol", message)
			signed(t, tc.key, message)
		})
	}
	t.Run("metadata", func(t *testing.T) {
		t.Parallel()
		p := idp.Platform{PlatformID: "storefront", Keys: []saml.SigningKey{
			{Signer: rsa.Signer, Cert: rsa.Cert, State: saml.KeyActive}, {Signer: ec.Signer, Cert: ec.Cert, State: saml.KeyNext},
		}}
		doc, err := idp.Metadata("https://partner.example", p, words(), samltest.Now())
		if err != nil {
			t.Fatal(err)
		}
		valid(t, "metadata", doc)
	})
	t.Run("refusal", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		e := s.request(s.cloud)
		e.CreateAttr("IsPassive", "true")
		message := s.browser().open(s.redirect(s.cloud, s.ssoURL(), e, "")).message(t)
		valid(t, "protocol", message)
		signed(t, samltest.RSA(t, "idptest", 2048), message)
	})
	t.Run("logout", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		for _, id := range []string{"cloud", "other"} {
			s.change(id, func(p *idp.ServiceProvider) { p.Metadata.SLORedirectURL = "" })
		}
		b := s.signedIn()
		p := b.post(s.sloURL(), s.form(s.cloud, s.logoutRequest(s.cloud).Element(), ""))
		valid(t, "protocol", p.message(t))
		signed(t, samltest.RSA(t, "idptest", 2048), p.message(t))
		e, relay := s.reply(p, s.other, func(a *wire.LogoutResponse) { a.Status = wire.StatusResponder })
		p = b.post(s.sloURL(), s.form(s.other, e, relay))
		valid(t, "protocol", p.message(t))
		signed(t, samltest.RSA(t, "idptest", 2048), p.message(t))
	})
}

// TestOthersDecrypt: xmlsec1 opens what we encrypt.
func TestOthersDecrypt(t *testing.T) {
	t.Parallel()
	rsa, to := samltest.RSA(t, "issue", 2048), samltest.RSA(t, "issue-sp", 2048)
	private := pkcs8(t, to)
	for name, method := range map[string]string{
		"GCM": "http://www.w3.org/2009/xmlenc11#aes256-gcm", "small GCM": "http://www.w3.org/2009/xmlenc11#aes128-gcm", "CBC": "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answer(t, rsa)
			a.EncryptTo, a.Methods, a.SignAssertion = to.Cert, []string{method}, true
			data := samltest.Find(t, samltest.Parse(t, write(t, a)), "EncryptedData")
			doc := etree.NewDocument()
			doc.SetRoot(data.Copy())
			sealed, err := doc.WriteToBytes()
			if err != nil {
				t.Fatal(err)
			}
			plain := run(t, "xmlsec1", "--decrypt", "--privkey-pem", temporary(t, "to.pem", private), temporary(t, "sealed.xml", sealed))
			if !bytes.Contains(plain, []byte("account-alice")) {
				t.Errorf("%s", plain)
			}
			if i := bytes.Index(plain, []byte("<saml:Assertion")); i >= 0 {
				signed(t, rsa, bytes.TrimSpace(plain[i:]))
			}
		})
	}
}

func pkcs8(t *testing.T, k samltest.Key) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
