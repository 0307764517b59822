package verify_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

const logoutOpen = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1">`

// TestWhatALibrarySignsIsCovered: whatever name spaces, attributes and text a message has, the library's canonical form of it is ours.
func TestWhatALibrarySignsIsCovered(t *testing.T) {
	t.Parallel()
	key := samltest.RSA(t, "idp", 2048)
	rapid.Check(t, func(rt *rapid.T) {
		root := samltest.Parse(t, []byte(logoutOpen+`<first/>`+body(rt, 0, []string{"samlp"})+`</samlp:LogoutRequest>`))
		message := samltest.Write(t, samltest.Recipe{Key: key}.Sign(t, root))
		if err := xmlguard.Request(message); err != nil {
			rt.Skip(err) // a declaration that means nothing, or a name twice
		}
		got, err := verify.Enveloped(message, expect(t).Certificates)
		if err != nil {
			rt.Fatalf("%v:\n%s", err, message)
		}
		want, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(unsigned(samltest.Parse(t, message)))
		if err != nil || string(got) != string(want) {
			rt.Fatalf("%v\n%s\n%s", err, want, got)
		}
	})
}

func unsigned(root *etree.Element) *etree.Element {
	root.RemoveChild(samltest.Child(root, "Signature"))
	return root
}

// body draws elements and text. Attributes of one element have prefixes of one name space at most, since the library puts those of several
// in another order than the specification.
func body(rt *rapid.T, depth int, prefixes []string) string {
	var b strings.Builder
	for range rapid.IntRange(0, 3).Draw(rt, "children") {
		if depth > 4 || rapid.Bool().Draw(rt, "text") {
			b.WriteString(rapid.SampledFrom([]string{"x", " \n ", "&lt;a&gt;", "&amp;", "é\t'\"", "a\r\nb"}).Draw(rt, "data"))
			continue
		}
		below := append([]string(nil), prefixes...)
		var attrs strings.Builder
		if rapid.Bool().Draw(rt, "declare") {
			p := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "prefix")
			fmt.Fprintf(&attrs, ` xmlns:%s="urn:%s"`, p, rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "space"))
			below = append(below, p)
		}
		if rapid.Bool().Draw(rt, "default") {
			fmt.Fprintf(&attrs, ` xmlns="urn:%s"`, rapid.SampledFrom([]string{"3", "4"}).Draw(rt, "default space"))
		}
		of := rapid.SampledFrom(below).Draw(rt, "attribute's prefix")
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"z", "y", of + ":z", of + ":y", "xml:lang"}), 0, 4, rapid.ID).Draw(rt, "attributes") {
			fmt.Fprintf(&attrs, ` %s="%s"`, name, rapid.SampledFrom([]string{"", "v", "&lt;&amp;&quot;>'", "&#9;&#10;"}).Draw(rt, "value"))
		}
		tag := rapid.SampledFrom(below).Draw(rt, "element's prefix") + ":e"
		if rapid.Bool().Draw(rt, "without prefix") {
			tag = "e"
		}
		fmt.Fprintf(&b, "<%s%s>%s</%s>", tag, attrs.String(), body(rt, depth+1, below), tag)
	}
	return b.String()
}

// TestCanonicalFormIsTheSpecifications holds octets to what the specification says where the library does not write them so.
func TestCanonicalFormIsTheSpecifications(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ prefixes, message, want string }{
		"attributes by name space, then name": {
			message: logoutOpen + `%s<samlp:e xmlns:a="urn:2" xmlns:b="urn:1" a:x="1" b:y="2" z="3" a:a="4"></samlp:e></samlp:LogoutRequest>`,
			want:    logoutOpen + `<samlp:e xmlns:a="urn:2" xmlns:b="urn:1" z="3" b:y="2" a:a="4" a:x="1"></samlp:e></samlp:LogoutRequest>`,
		},
		"prefixes of the list where they are in scope": {
			prefixes: "a #default",
			message:  `<samlp:LogoutRequest xmlns:a="urn:a" xmlns:b="urn:b" xmlns="urn:d" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1">%s<samlp:e></samlp:e></samlp:LogoutRequest>`,
			want:     `<samlp:LogoutRequest xmlns="urn:d" xmlns:a="urn:a" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"><samlp:e></samlp:e></samlp:LogoutRequest>`,
		},
		"characters that are escaped": {
			message: logoutOpen + `%s<samlp:e a="&#9;&#10;&#13;&quot;&lt;&amp;&gt;'é">&#13;&lt;&gt;&amp;"'é&#x1F600;</samlp:e></samlp:LogoutRequest>`,
			want:    logoutOpen + `<samlp:e a="&#x9;&#xA;&#xD;&quot;&lt;&amp;>'é">&#xD;&lt;&gt;&amp;"'é😀</samlp:e></samlp:LogoutRequest>`,
		},
		"a prefix that is bound anew": {
			message: logoutOpen + `%s<a:e xmlns:a="urn:1"><a:e xmlns:a="urn:2"><a:e xmlns:a="urn:2"></a:e></a:e><a:e></a:e></a:e></samlp:LogoutRequest>`,
			want:    logoutOpen + `<a:e xmlns:a="urn:1"><a:e xmlns:a="urn:2"><a:e></a:e></a:e><a:e></a:e></a:e></samlp:LogoutRequest>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := verify.Enveloped(enveloping(t, tc.message, tc.want, tc.prefixes), expect(t).Certificates)
			if err != nil || string(got) != tc.want {
				t.Errorf("%v\n%s\n%s", err, tc.want, got)
			}
			// One octet more that somebody vouches for is another message.
			if _, err := verify.Enveloped(enveloping(t, tc.message, tc.want+" ", tc.prefixes), expect(t).Certificates); reason(t, err) != saml.SignatureInvalid {
				t.Errorf("other octets: %v", err)
			}
		})
	}
}

// enveloping puts a signature for these octets into the message.
func enveloping(t *testing.T, message, octets, prefixes string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(octets))
	list := ""
	if prefixes != "" {
		list = `<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="` + prefixes + `"></ec:InclusiveNamespaces>`
	}
	inside := `<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI="#_1"><ds:Transforms>` +
		`<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>` +
		`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">` + list + `</ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>` +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(digest[:]) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
	sum := sha256.Sum256([]byte(`<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + inside))
	value, err := samltest.RSA(t, "idp", 2048).Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	signed := []byte(fmt.Sprintf(message, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>`+inside+
		`<ds:SignatureValue>`+base64.StdEncoding.EncodeToString(value)+`</ds:SignatureValue></ds:Signature>`))
	if err := xmlguard.Request(signed); err != nil {
		t.Fatal(err)
	}
	return signed
}
