package xmlguard_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

// kind returns the verdict's kind; empty is acceptance.
func kind(t testing.TB, err error) xmlguard.Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	var r *xmlguard.Refusal
	if !errors.As(err, &r) || r.Rule == "" {
		t.Fatalf("not a refusal: %v", err)
	}
	return r.Kind
}

func TestResponseAcceptsGenuineMessages(t *testing.T) {
	t.Parallel()
	idp, sp := samltest.RSA(t, "idp", 2048), samltest.RSA(t, "sp", 2048)
	genuine := string(samltest.Recipe{Key: idp}.Build(t))
	for name, msg := range map[string]string{
		"both signed":           genuine,
		"sealed":                string(samltest.Recipe{Key: idp, Encrypt: samltest.Encrypt(t, sp, samltest.Sealing{})}.Build(t)),
		"with declaration":      `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + genuine,
		"declared in lower":     `<?xml version='1.0' encoding='utf-8' standalone="yes" ?>` + genuine,
		"blanks around":         " \n" + genuine + "\n\n",
		"failure, no assertion": `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"><p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/></p:Status></p:Response>`,
		"prefix list": strings.Replace(genuine, `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`,
			`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/></ds:Transform>`, 1),
	} {
		if err := xmlguard.Response([]byte(msg)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLimitsAreInclusive: the greatest allowed document passes, the next one does not.
func TestLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	lim := xmlguard.MessageLimits()
	request := func(attrs, inside string) []byte {
		return []byte(`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"` + attrs + `>` + inside + `</p:AuthnRequest>`)
	}
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return b.String()
	}
	frame := len(request("", ""))
	for name, tc := range map[string]struct {
		size func(n int) []byte
		max  int
	}{
		"bytes":      {func(n int) []byte { return request("", strings.Repeat("x", n-frame)) }, lim.Bytes},
		"elements":   {func(n int) []byte { return request("", strings.Repeat("<p:x/>", n-1)) }, lim.Elements},
		"depth":      {func(n int) []byte { return request("", strings.Repeat("<p:x>", n-1)+strings.Repeat("</p:x>", n-1)) }, lim.Depth},
		"namespaces": {func(n int) []byte { return request("", strings.Repeat(`<p:x xmlns:n="urn:n"/>`, n-1)) }, lim.Namespaces},
		"attributes": {func(n int) []byte { return request(attributes(n-1), "") }, lim.Attributes},
	} {
		if err := xmlguard.Request(tc.size(tc.max)); err != nil {
			t.Errorf("%s at the limit: %v", name, err)
		}
		if got := kind(t, xmlguard.Request(tc.size(tc.max+1))); got != xmlguard.TooLarge {
			t.Errorf("%s over the limit: %q", name, got)
		}
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	for msg, want := range map[string]xmlguard.Kind{
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"/>`:  "",
		`<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"/>`: "",
		`<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"/>`:      xmlguard.Structure,
		`<AuthnRequest ID="_1"/>`: xmlguard.Structure,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1"/></p:AuthnRequest>`:        xmlguard.Structure,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" id="_1"/>`:                                                                              xmlguard.Malformed,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:q="urn:oasis:names:tc:SAML:2.0:protocol" p:a="" q:a=""/>`:                                 xmlguard.Malformed,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"></p:AuthnRequest`:                                                                               xmlguard.Malformed,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"></q:AuthnRequest>`:                                                                              xmlguard.Malformed,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:p="urn:x"/>`:                                                                              xmlguard.Malformed,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></p:AuthnRequest>`:                 xmlguard.Signature,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><p:x><ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></p:x></p:AuthnRequest>`: xmlguard.Signature,
		`<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><Signature xmlns="urn:none"/></p:AuthnRequest>`:                                                 xmlguard.Structure,
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><p:AuthnRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>":                                             xmlguard.Forbidden,
		"<?xml version=\"1.1\"?><p:AuthnRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>":                                                                     xmlguard.Malformed,
		"<?xml-stylesheet href=\"x\"?><p:AuthnRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>":                                                               xmlguard.Malformed,
	} {
		if got := kind(t, xmlguard.Request([]byte(msg))); got != want {
			t.Errorf("%s: %q, want %q", msg, got, want)
		}
	}
}

// TestWrappingsStopHere: every move that needs a second element, or one out of place, is refused for its shape alone. The two that
// only change content are left to the signature.
func TestWrappingsStopHere(t *testing.T) {
	t.Parallel()
	for _, w := range samltest.Wrappings(samltest.RSA(t, "idp", 2048)) {
		root := w.Base.Element(t)
		w.Move(t, root)
		contentOnly := strings.Contains(w.Name, "in place of the signed one") || strings.Contains(w.Name, "in a signed response")
		if got := kind(t, xmlguard.Response(samltest.Write(t, root))); (got == "") != contentOnly {
			t.Errorf("%s: %q", w.Name, got)
		}
	}
}

// TestSignatureShape: anything but the one prescribed shape is refused before a key is touched.
func TestSignatureShape(t *testing.T) {
	t.Parallel()
	genuine := string(samltest.Recipe{Key: samltest.RSA(t, "idp", 2048), ResponseUnsigned: true}.Build(t))
	for name, tc := range map[string]struct {
		old, with string
		want      xmlguard.Kind
	}{
		"reference to the response": {`URI="#_assertion-1"`, `URI="#_response-1"`, xmlguard.Signature},
		"reference to everything":   {`URI="#_assertion-1"`, `URI=""`, xmlguard.Signature},
		"reference without URI":     {` URI="#_assertion-1"`, ``, xmlguard.Signature},
		"object":                    {`</ds:Signature>`, `<ds:Object/></ds:Signature>`, xmlguard.Signature},
		"object in key info":        {`<ds:KeyInfo>`, `<ds:KeyInfo><ds:Object/>`, xmlguard.Signature},
		"two signatures":            {`<ds:Signature `, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/><ds:Signature `, xmlguard.Signature},
		"markup in the value":       {`</ds:SignatureValue>`, `<ds:x/></ds:SignatureValue>`, xmlguard.Signature},
		"markup in the digest":      {`</ds:DigestValue>`, `<ds:x/></ds:DigestValue>`, xmlguard.Signature},
		"hmac output length":        {`rsa-sha256"/>`, `rsa-sha256"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>`, xmlguard.Algorithm},
		"xpath":                     {`xmldsig#enveloped-signature"`, `xmldsig#xpath"`, xmlguard.Algorithm},
		"c14n with comments":        {`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`, `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#WithComments"`, xmlguard.Algorithm},
		"sha1 digest":               {`http://www.w3.org/2001/04/xmlenc#sha256`, `http://www.w3.org/2000/09/xmldsig#sha1`, xmlguard.Algorithm},
	} {
		changed := strings.Replace(genuine, tc.old, tc.with, 1)
		if changed == genuine {
			t.Fatalf("%s: nothing changed", name)
		}
		if got := kind(t, xmlguard.Response([]byte(changed))); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestMetadataToleratesExports(t *testing.T) {
	t.Parallel()
	const md = `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x">%s</md:EntityDescriptor>`
	const sha1 = `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:Reference URI=""><ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></ds:Reference></ds:SignedInfo></ds:Signature>`
	for name, tc := range map[string]struct {
		doc  string
		want xmlguard.Kind
	}{
		"plain":         {fmt.Sprintf(md, ""), ""},
		"comment":       {fmt.Sprintf(md, "<!-- made by hand -->"), ""},
		"mark":          {"\xef\xbb\xbf" + fmt.Sprintf(md, ""), ""},
		"signed, SHA-1": {fmt.Sprintf(md, sha1), ""},
		"document type": {"<!DOCTYPE x>" + fmt.Sprintf(md, ""), xmlguard.Forbidden},
		"CDATA":         {fmt.Sprintf(md, "<![CDATA[x]]>"), xmlguard.Forbidden},
		"too large":     {fmt.Sprintf(md, strings.Repeat(" ", 2<<20)), xmlguard.TooLarge},
	} {
		if got := kind(t, xmlguard.Metadata([]byte(tc.doc))); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// FuzzResponse: what the guard lets through, every parser behind it reads as the same tree of names and text.
func FuzzResponse(f *testing.F) {
	key := samltest.RSA(f, "idp", 2048)
	f.Add(samltest.Recipe{Key: key}.Build(f))
	for _, w := range samltest.Wrappings(key) {
		root := w.Base.Element(f)
		w.Move(f, root)
		f.Add(samltest.Write(f, root))
	}
	const p = `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol">%s</p:Response>`
	for _, inside := range []string{"<a:b/>", "<x xmlns=\"\"/>", "<!-- -->", "&#13;&amp;", "<p:x a='1'b='2'/>", "<:x/>", "<p:/>"} {
		f.Add([]byte(fmt.Sprintf(p, inside)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = xmlguard.Metadata(data)
		_ = xmlguard.Assertion(data)
		if err := xmlguard.Response(data); err != nil {
			_ = kind(t, err)
			return
		}
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(data); err != nil || doc.Root() == nil {
			t.Fatalf("guard accepts, etree does not: %v", err)
		}
		sameTree(t, data)
		want, err := outline(data)
		if err != nil {
			t.Fatalf("guard accepts, encoding/xml does not: %v", err)
		}
		if got := outlineTree(doc.Root()); got != want {
			t.Fatalf("two readings:\n%s\n%s", got, want)
		}
		// Written and read again it is still the same: no round trip can mutate it.
		again, err := doc.WriteToBytes()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := outline(again); err != nil || got != want {
			t.Fatalf("round trip: %v\n%s\n%s", err, got, want)
		}
	})
}

func outline(data []byte) (string, error) {
	var b strings.Builder
	dec := xml.NewDecoder(strings.NewReader(string(data)))
	depth := 0
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			fmt.Fprintf(&b, "<%s %s>", tok.Name.Space, tok.Name.Local)
		case xml.EndElement:
			depth--
			b.WriteString("</>")
		case xml.CharData:
			if depth > 0 {
				b.Write(tok)
			}
		}
	}
}

func outlineTree(e *etree.Element) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s %s>", e.NamespaceURI(), e.Tag)
	for _, c := range e.Child {
		switch c := c.(type) {
		case *etree.Element:
			b.WriteString(outlineTree(c))
		case *etree.CharData:
			b.WriteString(c.Data)
		}
	}
	b.WriteString("</>")
	return b.String()
}

// sameTree: what the guard hands on is what etree makes of the same bytes.
func sameTree(t *testing.T, data []byte) {
	t.Helper()
	got, err := xmlguard.ReadResponse(data)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat(doc.Root()), flat(got)); diff != "" {
		t.Fatalf("the guard reads another tree than etree: %s", diff)
	}
}

// flat lists everything of a tree, name spaces resolved.
func flat(e *etree.Element) []string {
	out := []string{"<" + e.Space + ":" + e.Tag + " {" + e.NamespaceURI() + "}"}
	for i := range e.Attr {
		a := &e.Attr[i]
		out = append(out, "@"+a.Space+":"+a.Key+" {"+a.NamespaceURI()+"} "+a.Value)
	}
	for _, token := range e.Child {
		switch c := token.(type) {
		case *etree.Element:
			out = append(out, flat(c)...)
		case *etree.CharData:
			out = append(out, c.Data)
		default:
			out = append(out, fmt.Sprintf("%T", c))
		}
	}
	return append(out, ">")
}

func TestReadResponseReturnsTheTreeThatItJudged(t *testing.T) {
	t.Parallel()
	key := samltest.RSA(t, "idp", 2048)
	for _, data := range [][]byte{
		samltest.Recipe{Key: key}.Build(t),
		[]byte("<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" xml:lang=\"en\"> &lt;\r\n<q xmlns=\"u:x\" a=\"&#9;'&quot;\"><r/> tail</q>" +
			"<p:Status><p:StatusCode Value=\"x:y\"/></p:Status>&#13;</p:Response>"),
	} {
		sameTree(t, data)
	}
	if root, err := xmlguard.ReadResponse([]byte("<x/>")); err == nil || root != nil {
		t.Errorf("what is refused is handed on all the same: %v, %v", root, err)
	}
}
