//go:build e2e

package peers_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

const (
	schemas  = "/usr/share/simplesamlphp/schemas/"
	nsProto  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssert = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// valid holds documents against a schema, without the network.
func valid(t *testing.T, schema string, documents ...[]byte) {
	t.Helper()
	if len(documents) == 0 {
		t.Errorf("nothing to hold against the %s schema", schema)
		return
	}
	if out, err := held(t, schema, documents...); err != nil {
		t.Errorf("xmllint: %v\n%s", err, out)
		for _, document := range documents {
			t.Logf("%s", document)
		}
	}
}

// held is what xmllint says. Metadata has its extensions judged as well, which the schema of SAML itself lets pass unseen.
func held(t *testing.T, schema string, documents ...[]byte) ([]byte, error) {
	t.Helper()
	file := schemas + "saml-schema-" + schema + "-2.0.xsd"
	if schema == "metadata" {
		file = "testdata/schemas/metadata.xsd"
	}
	at := newPlace(t, "")
	args := []string{"--nonet", "--noout", "--schema", file}
	for i, document := range documents {
		args = append(args, at.write(fmt.Sprintf("%d.xml", i), document))
	}
	return exec.Command(need(t, "xmllint", "libxml2-utils"), args...).CombinedOutput()
}

// about is what our metadata says for people in these tests: its name in some languages, and everything else that there is.
func about(names ...string) saml.About {
	says := saml.About{
		UI: saml.UIInfo{
			Descriptions:         []saml.Localized{{Language: "en", Text: "Sells & buys."}},
			InformationURLs:      []saml.Localized{{Language: "en", Text: "https://partner.example/about?a=1&b=2"}},
			PrivacyStatementURLs: []saml.Localized{{Language: "zh-CN", Text: "https://partner.example/privacy"}},
			Logos:                []saml.Logo{{URL: "https://partner.example/logo.png", Width: 80, Height: 60}},
		},
		Contacts: []saml.Contact{{Kind: saml.TechnicalContact, Name: "Li", Email: "li+saml@partner.example"}, {Kind: saml.SupportContact, Email: "help@partner.example"}},
	}
	for pair := range slices.Chunk(names, 2) {
		says.UI.DisplayNames = append(says.UI.DisplayNames, saml.Localized{Language: pair[0], Text: pair[1]})
	}
	return says
}

// TestExtensionsAreHeldAgainstTheirSchemas: a logo without a width, a scope that is neither a pattern nor none, and a language that is none
// do not pass.
func TestExtensionsAreHeldAgainstTheirSchemas(t *testing.T) {
	t.Parallel()
	good := newStorefront(t).describe(t)
	for from, to := range map[string]string{` width="80"`: "", `regexp="false"`: `regexp="no"`, `xml:lang="zh"`: `xml:lang="zh CN"`} {
		bad := bytes.Replace(good, []byte(from), []byte(to), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("no %s in %s", from, good)
		}
		if out, err := held(t, "metadata", bad); err == nil || !strings.Contains(string(out), "validity error") {
			t.Errorf("%q instead of %q passes: %v %s", to, from, err, out)
		}
	}
}

// signed has xmlsec1 verify the signatures directly inside the named elements, each by this certificate's key alone.
func signed(t *testing.T, document []byte, cert *x509.Certificate, elements ...string) {
	t.Helper()
	at := newPlace(t, "")
	key, file := at.write("key.pem", certPEM(cert)), at.write("message.xml", document)
	for _, element := range elements {
		out, err := exec.Command(need(t, "xmlsec1", "xmlsec1"), "--verify", "--pubkey-cert-pem", key, "--enabled-key-data", "rsa,ec",
			"--id-attr:ID", nsProto+":Response", "--id-attr:ID", nsAssert+":Assertion", "--id-attr:ID", nsProto+":AuthnRequest",
			"--id-attr:ID", nsProto+":LogoutRequest", "--id-attr:ID", nsProto+":LogoutResponse",
			"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
			"--node-xpath", "//*[local-name()='"+element+"']/*[local-name()='Signature']", file).CombinedOutput()
		if err != nil {
			t.Errorf("xmlsec1: signature of the %s: %v\n%s\n%s", element, err, out, document)
		}
	}
}

// signedQuery verifies a redirect's signature from outside: over the octets of the query as they were sent.
func signedQuery(t *testing.T, m message, cert *x509.Certificate) {
	t.Helper()
	octets, escaped, found := strings.Cut(m.rawQuery[max(0, strings.Index(m.rawQuery, m.param+"=")):], "&Signature=")
	text, err := url.QueryUnescape(escaped)
	if err != nil || !found || !strings.Contains(octets, "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256") {
		t.Errorf("%s to %s is not signed as it should be: %s", m.param, m.to.Host, m.rawQuery)
		return
	}
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Error(err)
		return
	}
	sum := sha256.Sum256([]byte(octets))
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("signature of the %s to %s: %v", m.param, m.to.Host, err)
	}
}

// opened decrypts a message with the receiver's key, by xmlsec1.
func opened(t *testing.T, document []byte, receiver samltest.Key) []byte {
	t.Helper()
	at := newPlace(t, "")
	out, err := exec.Command(need(t, "xmlsec1", "xmlsec1"), "--decrypt", "--privkey-pem", at.write("key.pem", keyPEM(receiver)),
		"--output", at.path("plain.xml"), at.write("message.xml", document)).CombinedOutput()
	if err != nil {
		t.Fatalf("xmlsec1 --decrypt: %v\n%s", err, out)
	}
	return at.read("plain.xml")
}

// checkOurs holds every message that left one of our addresses against the schemas and its signatures against our certificate. It returns
// the names of these messages, in order, with their bindings.
func (b *browser) checkOurs(base string, cert *x509.Certificate, receiver samltest.Key) []string {
	b.t.Helper()
	var names []string
	var documents [][]byte
	for _, m := range b.carried {
		if m.from.Scheme+"://"+m.from.Host != base {
			continue
		}
		root := samltest.Parse(b.t, m.xml)
		name := root.Tag
		if samltest.Child(root, "EncryptedAssertion") != nil {
			name += " (encrypted)"
			checkSealed(b.t, m.xml, cert, receiver)
		}
		documents = append(documents, m.xml)
		inside := signedElements(root)
		if m.rawQuery != "" {
			name += " by redirect"
			signedQuery(b.t, m, cert)
			if len(inside) != 0 {
				b.t.Errorf("%s: signed inside %v as well", name, inside)
			}
		} else {
			name += " by post"
			if len(inside) == 0 && samltest.Child(root, "EncryptedAssertion") == nil {
				b.t.Errorf("%s: not signed", name)
			}
			signed(b.t, m.xml, cert, inside...)
		}
		names = append(names, name)
	}
	valid(b.t, "protocol", documents...)
	b.carried = nil
	return names
}

// checkSealed opens an encrypted assertion as its receiver would, and checks what is inside.
func checkSealed(t *testing.T, document []byte, cert *x509.Certificate, receiver samltest.Key) {
	t.Helper()
	plain := opened(t, document, receiver)
	sealed := samltest.Child(samltest.Parse(t, plain), "EncryptedAssertion")
	assertion := samltest.Child(sealed, "Assertion")
	if assertion == nil {
		t.Errorf("no assertion inside: %s", plain)
		return
	}
	valid(t, "assertion", samltest.Write(t, assertion))
	if slices.Contains(signedElements(assertion), "Assertion") {
		signed(t, plain, cert, "Assertion")
	}
}

// signedElements names the elements with a signature directly inside.
func signedElements(root *etree.Element) []string {
	var names []string
	for _, e := range append([]*etree.Element{root}, root.FindElements(".//Assertion")...) {
		if samltest.Child(e, "Signature") != nil && !slices.Contains(names, e.Tag) {
			names = append(names, e.Tag)
		}
	}
	return names
}
