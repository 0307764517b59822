package saml_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

const ssoRedirect = `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>`

// file writes a metadata file around the parts.
func file(root, keys, endpoints string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example"%s>
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">%s%s</md:IDPSSODescriptor></md:EntityDescriptor>`, root, keys, endpoints)
}

func key(t *testing.T, use string, k samltest.Key) string {
	t.Helper()
	if use != "" {
		use = ` use="` + use + `"`
	}
	der := base64.StdEncoding.EncodeToString(k.Cert.Raw)
	return `<md:KeyDescriptor` + use + `><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + "\n " + der[:64] + "\n " + der[64:] +
		"\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
}

func TestParseIdPMetadata(t *testing.T) {
	t.Parallel()
	rsa, weak, ec := samltest.RSA(t, "idp", 2048), samltest.RSA(t, "weak", 1024), samltest.EC(t, "ec")
	good := key(t, "signing", rsa)
	now := samltest.Now()
	for name, tc := range map[string]struct {
		doc   string
		opts  []saml.MetadataOption
		codes []string // of all findings
		keys  int      // of the result; 0 means the file is refused
	}{
		"plain":                         {file("", good, ssoRedirect), nil, nil, 1},
		"two keys, one without use":     {file("", good+key(t, "", ec), ssoRedirect), nil, nil, 2},
		"encryption key ignored":        {file("", good+key(t, "encryption", weak), ssoRedirect), nil, nil, 1},
		"weak key left out":             {file("", good+key(t, "signing", weak), ssoRedirect), nil, []string{"CERTIFICATE_WEAK"}, 1},
		"only a weak key":               {file("", key(t, "signing", weak), ssoRedirect), nil, []string{"CERTIFICATE_WEAK", "CERTIFICATE_MISSING"}, 0},
		"no key":                        {file("", "", ssoRedirect), nil, []string{"CERTIFICATE_MISSING"}, 0},
		"mark and comment":              {"\xef\xbb\xbf" + strings.Replace(file("", good, ssoRedirect), "<md:IDP", "<!-- ours --><md:IDP", 1), nil, nil, 1},
		"signed over SHA-1":             {strings.Replace(file("", good, ssoRedirect), "<md:IDP", `<ds:Signature><ds:SignedInfo><ds:Reference URI=""><ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></ds:Reference></ds:SignedInfo><ds:Attr/><ds:Child/></ds:Signature><md:IDP`, 1), nil, nil, 1},
		"no sign-on":                    {file("", good, ""), nil, []string{"SSO_MISSING"}, 0},
		"plain http":                    {file("", good, strings.Replace(ssoRedirect, "https:", "http:", 1)), nil, []string{"ENDPOINT_NOT_HTTPS", "SSO_MISSING"}, 0},
		"loopback in production":        {file("", good, strings.Replace(ssoRedirect, "https://idp.example", "http://shop.localhost:9", 1)), nil, []string{"ENDPOINT_NOT_HTTPS", "SSO_MISSING"}, 0},
		"loopback in development":       {file("", good, strings.Replace(ssoRedirect, "https://idp.example", "http://shop.localhost:9", 1)), []saml.MetadataOption{saml.AllowLoopback(true)}, nil, 1},
		"http elsewhere in development": {file("", good, strings.Replace(ssoRedirect, "https:", "http:", 1)), []saml.MetadataOption{saml.AllowLoopback(true)}, []string{"ENDPOINT_NOT_HTTPS", "SSO_MISSING"}, 0},
		"script":                        {file("", good, strings.Replace(ssoRedirect, "https://idp.example/sso", "javascript:alert(1)", 1)), nil, []string{"METADATA_NOT_ENTITY"}, 0},
		"logout left out":               {file("", good, ssoRedirect+`<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="http://idp.example/slo"/>`), nil, []string{"ENDPOINT_NOT_HTTPS"}, 1},
		"overdue":                       {file(` validUntil="2020-01-01T00:00:00Z"`, good, ssoRedirect), []saml.MetadataOption{saml.At(now)}, []string{"METADATA_EXPIRED"}, 0},
		"dated":                         {file(` validUntil="2030-01-01T00:00:00Z" cacheDuration="P1D"`, good, ssoRedirect), []saml.MetadataOption{saml.At(now)}, []string{"METADATA_VALID_UNTIL"}, 1},
		"no role":                       {`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"/>`, nil, []string{"IDP_DESCRIPTOR_COUNT"}, 0},
		"a service provider's":          {strings.ReplaceAll(file("", good, ssoRedirect), "IDPSSO", "SPSSO"), nil, []string{"IDP_DESCRIPTOR_COUNT"}, 0},
		"no entityID":                   {strings.Replace(file("", good, ssoRedirect), `entityID="https://idp.example"`, "", 1), nil, []string{"ENTITY_ID_INVALID"}, 0},
		"another protocol":              {strings.Replace(file("", good, ssoRedirect), "SAML:2.0:protocol", "SAML:1.1:protocol", 1), nil, []string{"PROTOCOL_UNSUPPORTED"}, 0},
		"a federation":                  {`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>`, nil, []string{"METADATA_NOT_ENTITY"}, 0},
		"document type":                 {"<!DOCTYPE x>" + file("", good, ssoRedirect)[39:], nil, []string{"METADATA_NOT_XML"}, 0},
		"too large":                     {file("", good, ssoRedirect) + strings.Repeat(" ", 2<<20), nil, []string{"METADATA_TOO_LARGE"}, 0},
		"nothing":                       {"", nil, []string{"METADATA_NOT_XML"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			md, findings, err := saml.ParseIdPMetadata([]byte(tc.doc), tc.opts...)
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
			if refused := err != nil; refused != (tc.keys == 0) || refused && !errors.Is(err, saml.ErrMetadata) {
				t.Fatalf("error %v", err)
			}
			if len(md.SigningCerts) != tc.keys {
				t.Errorf("%d certificates, want %d", len(md.SigningCerts), tc.keys)
			}
			if err == nil && (md.EntityID != "https://idp.example" || !strings.HasSuffix(md.SSORedirectURL, "/sso") || md.SLORedirectURL != "") {
				t.Errorf("%+v", md)
			}
		})
	}
}

func TestUsableURL(t *testing.T) {
	t.Parallel()
	usable := []string{"https://a.example", "https://a.example:8443/x?y=1"}
	dev := []string{"http://localhost:1/x", "http://shop.localhost", "http://127.0.0.1:80/", "http://[::1]:80/"}
	never := []string{"", "/x", "//a.example", "javascript:alert(1)", "http://a.example", "https://u:p@a.example", "https://a.example#x", "https://",
		"https://a.example/ x", "https://a.example\\x", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "https://a.example/\n", "ftp://localhost"}
	for _, u := range slices.Concat(usable, dev, never) {
		if got, want := saml.UsableURL(u, false), slices.Contains(usable, u); got != want {
			t.Errorf("%q in production: %t", u, got)
		}
		if got, want := saml.UsableURL(u, true), !slices.Contains(never, u); got != want {
			t.Errorf("%q in development: %t", u, got)
		}
	}
}

// FuzzParseIdPMetadata: an upload never panics, and what is accepted is usable.
func FuzzParseIdPMetadata(f *testing.F) {
	f.Add([]byte(file("", "", ssoRedirect)))
	f.Add([]byte(file(` validUntil="2030-01-01T00:00:00Z"`, `<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`, ssoRedirect)))
	f.Fuzz(func(t *testing.T, data []byte) {
		md, findings, err := saml.ParseIdPMetadata(data, saml.At(time.Unix(0, 0)))
		if err != nil && len(findings) == 0 {
			t.Fatal("refused without a finding")
		}
		if err == nil && (md.EntityID == "" || len(md.SigningCerts) == 0 || md.SSORedirectURL+md.SSOPostURL == "") {
			t.Fatalf("accepted unusable metadata %+v", md)
		}
	})
}
