package saml_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

const acsPost = `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/acs" index="0"/>`

// spFile writes a service provider's metadata around the parts.
func spFile(root, role, keys, rest string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://sp.example"%s>
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"%s>%s%s</md:SPSSODescriptor></md:EntityDescriptor>`, root, role, keys, rest)
}

func acs(location string, index int, more string) string {
	return fmt.Sprintf(`<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s" index="%d"%s/>`, location, index, more)
}

func many(n int, f func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

// TestParseSPMetadata is the attack corpus "IdP metadata side" with F15 and I20..I22 of saml.md.
// Attack classes: registered metadata.
func TestParseSPMetadata(t *testing.T) {
	t.Parallel()
	rsa, weak, ec := samltest.RSA(t, "sp", 2048), samltest.RSA(t, "weak", 1024), samltest.EC(t, "ec")
	signing := key(t, "signing", rsa)
	now := samltest.Now()
	slo := func(binding, location, more string) string {
		return `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:` + binding + `" Location="` + location + `"` + more + `/>`
	}
	empty := `<md:KeyDescriptor use="encryption"><ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>`
	unreadable := `<md:KeyDescriptor use="encryption"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	for name, tc := range map[string]struct {
		doc     string
		opts    []saml.MetadataOption
		codes   []string // of all findings
		refused bool
	}{
		"plain":                         {spFile("", "", signing, acsPost), nil, nil, false},
		"no key at all":                 {spFile("", "", "", acsPost), nil, nil, false},
		"signs without a key":           {spFile("", ` AuthnRequestsSigned="true"`, "", acsPost), nil, []string{"CERTIFICATE_MISSING"}, true},
		"signs with a weak key":         {spFile("", ` AuthnRequestsSigned="1"`, key(t, "signing", weak), acsPost), nil, []string{"CERTIFICATE_WEAK", "CERTIFICATE_MISSING"}, true},
		"signs with an encryption key":  {spFile("", ` AuthnRequestsSigned="true"`, key(t, "encryption", rsa), acsPost), nil, []string{"CERTIFICATE_MISSING"}, true},
		"I21: encryption without X509":  {spFile("", "", signing+empty, acsPost), nil, []string{"ENCRYPTION_KEY_UNUSABLE"}, false},
		"unreadable encryption":         {spFile("", "", signing+unreadable, acsPost), nil, []string{"ENCRYPTION_KEY_UNUSABLE"}, false},
		"I22: EC encryption":            {spFile("", "", signing+key(t, "encryption", ec), acsPost), nil, []string{"ENCRYPTION_KEY_UNUSABLE"}, false},
		"weak encryption":               {spFile("", "", signing+key(t, "encryption", weak), acsPost), nil, []string{"ENCRYPTION_KEY_UNUSABLE"}, false},
		"I20: script":                   {spFile("", "", signing, acs("javascript:alert(1)", 0, "")), nil, []string{"ENDPOINT_NOT_HTTPS"}, true},
		"I20c: script under no binding": {spFile("", "", signing, acsPost+strings.Replace(acs("javascript:alert(1)", 1, ""), "HTTP-POST", "X", 1)), nil, []string{"ENDPOINT_NOT_HTTPS"}, true},
		"script for logout":             {spFile("", "", signing, slo("HTTP-POST", "https://sp.example/slo", ` ResponseLocation="javascript:alert(1)"`)+acsPost), nil, []string{"ENDPOINT_NOT_HTTPS"}, true},
		"data for management":           {spFile("", "", signing, strings.Replace(slo("SOAP", "data:text/html,x", ""), "SingleLogout", "ManageNameID", 1)+acsPost), nil, []string{"ENDPOINT_NOT_HTTPS"}, true},
		"plain http":                    {spFile("", "", signing, acs("http://sp.example/acs", 0, "")), nil, []string{"ENDPOINT_NOT_HTTPS", "CONSUMER_MISSING"}, true},
		"plain http beside https":       {spFile("", "", signing, acsPost+acs("http://sp.example/acs", 1, "")), nil, []string{"ENDPOINT_NOT_HTTPS"}, true},
		"loopback in development":       {spFile("", "", signing, acs("http://sp.localhost:9/acs", 0, "")), []saml.MetadataOption{saml.AllowLoopback(true)}, nil, false},
		"fragment":                      {spFile("", "", signing, acs("https://sp.example/acs#x", 0, "")), nil, []string{"ENDPOINT_NOT_HTTPS", "CONSUMER_MISSING"}, true},
		"only artifact":                 {spFile("", "", signing, strings.Replace(acsPost, "HTTP-POST", "HTTP-Artifact", 1)), nil, []string{"CONSUMER_MISSING"}, true},
		"a thousand consumers":          {spFile("", "", signing, many(1000, func(i int) string { return acs("https://sp.example/acs", i, "") })), nil, []string{"CONSUMERS_TOO_MANY"}, true},
		"sixty-four":                    {spFile("", "", signing, many(64, func(i int) string { return acs("https://sp.example/acs", i, "") })), nil, nil, false},
		"index repeated":                {spFile("", "", signing, acsPost+acs("https://sp.example/2", 0, "")), nil, []string{"CONSUMER_INDEX"}, false},
		"index below zero":              {spFile("", "", signing, acs("https://sp.example/2", -1, "")), nil, []string{"CONSUMER_INDEX", "CONSUMER_MISSING"}, true},
		"index that is no number":       {spFile("", "", signing, strings.Replace(acsPost, `index="0"`, `index="x"`, 1)), nil, []string{"METADATA_NOT_ENTITY"}, true},
		"nine keys":                     {spFile("", "", strings.Repeat(signing, 9), acsPost), nil, []string{"CERTIFICATES_TOO_MANY"}, true},
		"logout by http left out":       {spFile("", "", signing, slo("HTTP-Redirect", "http://sp.example/slo", "")+acsPost), nil, []string{"ENDPOINT_NOT_HTTPS"}, false},
		"logout twice":                  {spFile("", "", signing, strings.Repeat(slo("HTTP-Redirect", "https://sp.example/slo", ""), 2)+acsPost), nil, []string{"ENDPOINT_REPEATED"}, false},
		"overdue":                       {spFile(` validUntil="2020-01-01T00:00:00Z"`, "", signing, acsPost), []saml.MetadataOption{saml.At(now)}, []string{"METADATA_EXPIRED"}, true},
		"role overdue":                  {spFile("", ` validUntil="2020-01-01T00:00:00Z"`, signing, acsPost), []saml.MetadataOption{saml.At(now)}, []string{"METADATA_EXPIRED"}, true},
		"just overdue, SDP-G01":         {spFile(` validUntil="`+now.Add(-2*time.Minute).Format(time.RFC3339)+`"`, "", signing, acsPost), []saml.MetadataOption{saml.At(now)}, []string{"METADATA_VALID_UNTIL"}, false},
		"dated":                         {spFile(` validUntil="2030-01-01T00:00:00Z" cacheDuration="P1D"`, "", signing, acsPost), []saml.MetadataOption{saml.At(now)}, []string{"METADATA_VALID_UNTIL"}, false},
		"an identity provider's":        {file("", signing, ssoRedirect), nil, []string{"SP_DESCRIPTOR_COUNT"}, true},
		"two roles":                     {strings.Replace(spFile("", "", signing, acsPost), "</md:SPSSODescriptor>", `</md:SPSSODescriptor><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>`, 1), nil, []string{"SP_DESCRIPTOR_COUNT"}, true},
		"another protocol":              {strings.Replace(spFile("", "", signing, acsPost), "SAML:2.0:protocol", "SAML:1.1:protocol", 1), nil, []string{"PROTOCOL_UNSUPPORTED"}, true},
		"no entityID":                   {strings.Replace(spFile("", "", signing, acsPost), `entityID="https://sp.example"`, "", 1), nil, []string{"ENTITY_ID_INVALID"}, true},
		"document type":                 {"<!DOCTYPE x>" + spFile("", "", signing, acsPost)[39:], nil, []string{"METADATA_NOT_XML"}, true},
		"too large":                     {spFile("", "", signing, acsPost) + strings.Repeat(" ", 2<<20), nil, []string{"METADATA_TOO_LARGE"}, true},
		"nothing":                       {"", nil, []string{"METADATA_NOT_XML"}, true},
		"a federation":                  {`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>`, nil, []string{"METADATA_NOT_ENTITY"}, true},
		"with all that we do not read":  {spFile("", "", signing, acsPost+`<md:AttributeConsumingService index="x"><md:ServiceName xml:lang="en">x</md:ServiceName></md:AttributeConsumingService>`), nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			md, findings, err := saml.ParseSPMetadata([]byte(tc.doc), tc.opts...)
			var codes []string
			for _, f := range findings {
				codes = append(codes, f.Code)
				if f.Message == "" {
					t.Errorf("%s has no message", f.Code)
				}
			}
			if diff := cmp.Diff(tc.codes, codes); diff != "" {
				t.Error(diff)
			}
			if (err != nil) != tc.refused || tc.refused && !errors.Is(err, saml.ErrMetadata) {
				t.Fatalf("error %v", err)
			}
			if err == nil && (md.EntityID != "https://sp.example" || len(md.Consumers) == 0 || md.EncryptionCert != nil) {
				t.Errorf("%+v", md)
			}
		})
	}
}

// TestVendorSPMetadata is the shape of the captured file (domain 2.1): its own signature over a SHA-1 digest, name management, an artifact
// service at the consumer's address.
func TestVendorSPMetadata(t *testing.T) {
	t.Parallel()
	rsa := samltest.RSA(t, "sp", 2048)
	const at = "https://auth.cloud.example/authui/saml/"
	signature := `<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#_e"><ds:DigestMethod ` +
		`Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>`
	both := func(what, location string) string {
		return `<md:` + what + ` Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + at + location + `HTTPPost" ResponseLocation="` + at + location + `HTTPPostResponse"/>` +
			`<md:` + what + ` Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + at + location + `HTTPRedirect" ResponseLocation="` + at + location + `HTTPRedirectResponse"/>`
	}
	encryption := strings.Replace(key(t, "encryption", rsa), "</md:KeyDescriptor>", `<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></md:KeyDescriptor>`, 1)
	doc := spFile(` ID="_e"`, ` AuthnRequestsSigned="true" WantAssertionsSigned="true"`, key(t, "signing", rsa)+encryption,
		`<md:ArtifactResolutionService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="`+at+`SAMLAssertionConsumer" index="0" isDefault="true"/>`+
			both("SingleLogoutService", "LogoutService")+both("ManageNameIDService", "ManageNameID")+
			`<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>`+
			acs(at+"SAMLAssertionConsumer", 0, ` isDefault="true"`)+
			strings.Replace(acs(at+"SAMLAssertionConsumer", 1, ""), "HTTP-POST", "HTTP-Artifact", 1))
	doc = strings.Replace(doc, "<md:SPSSO", signature+"<md:SPSSO", 1)
	got, findings, err := saml.ParseSPMetadata([]byte(doc))
	if err != nil || len(findings) != 0 {
		t.Fatalf("%v %v", err, findings)
	}
	if len(got.SigningCerts) != 1 || got.EncryptionCert == nil {
		t.Fatalf("%+v", got)
	}
	got.SigningCerts, got.EncryptionCert = nil, nil
	want := saml.SPMetadata{
		EntityID: "https://sp.example", Consumers: []saml.ACS{{URL: at + "SAMLAssertionConsumer", Default: true}},
		SLORedirectURL: at + "LogoutServiceHTTPRedirect", SLORedirectResponseURL: at + "LogoutServiceHTTPRedirectResponse",
		SLOPostURL: at + "LogoutServiceHTTPPost", SLOPostResponseURL: at + "LogoutServiceHTTPPostResponse",
		EncryptionMethods:   []string{"http://www.w3.org/2001/04/xmlenc#aes128-cbc"},
		AuthnRequestsSigned: true, WantAssertionsSigned: true, NameIDFormats: []string{"urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestUselessKeyServesBoth: CVE-2026-16443: a descriptor without use is for signing and for encryption.
func TestUselessKeyServesBoth(t *testing.T) {
	t.Parallel()
	rsa, ec := samltest.RSA(t, "sp", 2048), samltest.EC(t, "ec")
	md, _, err := saml.ParseSPMetadata([]byte(spFile("", ` AuthnRequestsSigned="true"`, key(t, "", ec)+key(t, "", rsa), acsPost)))
	if err != nil || len(md.SigningCerts) != 2 || md.EncryptionCert == nil || !md.EncryptionCert.Equal(rsa.Cert) {
		t.Errorf("%v %+v", err, md)
	}
	der := base64.StdEncoding.EncodeToString(rsa.Cert.Raw)
	if md.EncryptionCert != nil && base64.StdEncoding.EncodeToString(md.EncryptionCert.Raw) != der {
		t.Error("another certificate")
	}
}

// TestDefaultConsumer: Metadata 2.2.3.
func TestDefaultConsumer(t *testing.T) {
	t.Parallel()
	at := func(n int, more string) string { return acs(fmt.Sprintf("https://sp.example/%d", n), n, more) }
	const yes, no = ` isDefault="true"`, ` isDefault="0"`
	for name, tc := range map[string]struct {
		consumers string
		want      int
	}{
		"the first":                    {at(4, "") + at(2, ""), 4},
		"the marked one":               {at(4, "") + at(2, yes), 2},
		"the first marked one":         {at(4, "") + at(2, yes) + at(1, yes), 2},
		"the first not marked no":      {at(4, no) + at(2, "") + at(1, ""), 2},
		"all marked no":                {at(4, no) + at(2, no), 4},
		"marked under another binding": {strings.Replace(at(4, yes), "HTTP-POST", "HTTP-Artifact", 1) + at(2, ""), 2},
	} {
		md, _, err := saml.ParseSPMetadata([]byte(spFile("", "", "", tc.consumers)))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := md.DefaultConsumer()
		if !ok || got.Index != tc.want {
			t.Errorf("%s: %+v", name, got)
		}
		if byIndex, ok := md.ConsumerByIndex(tc.want); !ok || byIndex != got {
			t.Errorf("%s: by index %+v", name, byIndex)
		}
		if byURL, ok := md.ConsumerByURL(got.URL); !ok || byURL != got {
			t.Errorf("%s: by address %+v", name, byURL)
		}
		if _, ok := md.ConsumerByIndex(99); ok {
			t.Error("index 99")
		}
	}
	if _, ok := (saml.SPMetadata{}).DefaultConsumer(); ok {
		t.Error("a consumer out of nothing")
	}
}

// FuzzParseSPMetadata: a registration never panics, and what is accepted is usable.
func FuzzParseSPMetadata(f *testing.F) {
	f.Add([]byte(spFile("", "", "", acsPost)))
	f.Add([]byte(spFile(` validUntil="2030-01-01T00:00:00Z"`, ` AuthnRequestsSigned="true"`, `<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`, acsPost)))
	f.Fuzz(func(t *testing.T, data []byte) {
		md, findings, err := saml.ParseSPMetadata(data, saml.At(time.Unix(0, 0)))
		if err != nil && len(findings) == 0 {
			t.Fatal("refused without a finding")
		}
		if err != nil {
			return
		}
		if _, ok := md.DefaultConsumer(); !ok || md.EntityID == "" || md.AuthnRequestsSigned && len(md.SigningCerts) == 0 {
			t.Fatalf("accepted unusable metadata %+v", md)
		}
		for _, c := range md.Consumers {
			if !saml.UsableURL(c.URL, false) {
				t.Fatalf("consumer %q", c.URL)
			}
		}
	})
}
