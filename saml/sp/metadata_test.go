package sp_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// publicOnly has a certificate's public key and cannot sign: all that metadata needs.
type publicOnly struct{ *rsa.PrivateKey }

func readCert(t *testing.T, name string) saml.SigningKey {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return saml.SigningKey{Signer: publicOnly{&rsa.PrivateKey{PublicKey: *cert.PublicKey.(*rsa.PublicKey)}}, Cert: cert}
}

func about() saml.About {
	return saml.About{
		UI: saml.UIInfo{
			DisplayNames: []saml.Localized{{Language: "en", Text: "Cloud & <more>"}, {Language: "zh", Text: "云"}}, Descriptions: []saml.Localized{{Language: "en", Text: "What is sold."}},
			InformationURLs:      []saml.Localized{{Language: "en", Text: "https://cloud.example/about?a=1&b=2"}},
			PrivacyStatementURLs: []saml.Localized{{Language: "en", Text: "https://cloud.example/privacy"}},
			Logos:                []saml.Logo{{URL: "https://cloud.example/logo.png", Width: 80, Height: 60}},
		},
		Contacts: []saml.Contact{{Kind: saml.TechnicalContact, Name: "Li", Email: "li+saml@cloud.example"}, {Kind: saml.SupportContact, Email: "help@cloud.example"}},
	}
}

// TestSDPMD09WhatMetadataSaysForPeople: SDP-MD09, SDP-MD10, SDP-MD11: names, logo and contacts come back as they were given, and nothing is written
// that is not set. SDP-SP14: which scoped identifier a platform is to send stands there when it fills a field.
func TestSDPMD09WhatMetadataSaysForPeople(t *testing.T) {
	t.Parallel()
	key := readCert(t, "active.pem")
	key.State = saml.KeyActive
	c := sp.Connection{PlatformID: "storefront", Keys: []saml.SigningKey{key}}
	read := func(about saml.About) (saml.SPMetadata, string) {
		t.Helper()
		text := must(sp.Metadata("https://cloud.example", c, about, samltest.Now()))
		md, findings, err := saml.ParseSPMetadata(text)
		if err != nil {
			t.Fatal(err, findings)
		}
		return md, string(text)
	}
	md, text := read(about())
	if diff := cmp.Diff(saml.UIInfo{DisplayNames: about().UI.DisplayNames, Logos: about().UI.Logos}, md.UI); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{`<md:ContactPerson contactType="technical">`, "<md:EmailAddress>mailto:li+saml@cloud.example</md:EmailAddress>", `contactType="support"`, ">https://cloud.example/privacy<"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	if md, text = read(saml.About{}); !md.UI.IsZero() || strings.Contains(text, "Extensions") || strings.Contains(text, "ContactPerson") {
		t.Errorf("%s", text)
	}
	for want, mapping := range map[string]sp.Mapping{
		"": {XUserID: saml.PairwiseID, XAccountID: saml.SubjectID}, saml.RequirePairwiseID: {XUserID: saml.PairwiseID}, saml.RequireSubjectID: {XAccountID: saml.SubjectID},
	} {
		c.Attributes = mapping
		if md, _ := read(about()); md.SubjectIDRequirement != want {
			t.Errorf("%+v asks for %q", mapping, md.SubjectIDRequirement)
		}
	}
}

func TestMetadataGolden(t *testing.T) {
	t.Parallel()
	active, next, retired := readCert(t, "active.pem"), readCert(t, "next.pem"), readCert(t, "active.pem")
	active.State, next.State, retired.State = saml.KeyActive, saml.KeyNext, saml.KeyRetired
	c := sp.Connection{PlatformID: "storefront", Keys: []saml.SigningKey{retired, next, active}}
	got, err := sp.Metadata("https://cloud.example", c, about(), samltest.Now())
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "metadata.golden.xml")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	if bytes.Contains(got, []byte("Artifact")) || bytes.Count(got, []byte("<md:AssertionConsumerService")) != 1 {
		t.Error("metadata must advertise exactly one consumer and no artifacts")
	}
}

func TestMetadataEndpoint(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if got := s.get("/saml/sp/storefront/metadata"); !bytes.Contains(got, []byte(`entityID="`+s.cloud.URL+`/saml/sp/storefront/metadata"`)) {
		t.Errorf("%s", got)
	}
	if p := newBrowser(t).open(s.cloud.URL + "/saml/sp/nobody/metadata"); p.status != http.StatusNotFound || p.reason != string(saml.UnknownPlatform) {
		t.Errorf("%d %s", p.status, p.reason)
	}
}

// TestRequestIsSealed: the identity provider refuses a request of which any signed part was changed, so what we sign is what counts.
func TestRequestIsSealed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	req, err := http.NewRequest(http.MethodGet, s.cloud.URL+"/saml/login?xAccountType=storefront", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	genuine := b.do(req, false).header.Get("Location")
	if p := b.open(genuine); p.status != http.StatusOK {
		t.Fatalf("genuine request: %d", p.status)
	}
	rival := newBrowser(t).do(must(http.NewRequest(http.MethodGet, s.cloud.URL+"/saml/login?xAccountType=rival", nil)), false).header.Get("Location")
	q := func(link, name string) string { return must(url.Parse(link)).Query().Get(name) }
	for name, link := range map[string]string{
		"relay state swapped":  strings.Replace(genuine, url.QueryEscape(q(genuine, "RelayState")), url.QueryEscape(q(rival, "RelayState")), 1),
		"request swapped":      strings.Replace(genuine, url.QueryEscape(q(genuine, "SAMLRequest")), url.QueryEscape(q(rival, "SAMLRequest")), 1),
		"signature of another": strings.Replace(genuine, url.QueryEscape(q(genuine, "Signature")), url.QueryEscape(q(rival, "Signature")), 1),
		"signature left out":   genuine[:strings.Index(genuine, "&Signature=")],
		"parameter repeated":   genuine + "&RelayState=x",
		"algorithm weakened":   strings.Replace(genuine, "rsa-sha256", "rsa-sha1", 1),
	} {
		if link == genuine {
			t.Fatalf("%s: nothing changed", name)
		}
		if p := newBrowser(t).open(link); p.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, p.status)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestServiceInList(t *testing.T) {
	t.Parallel()
	list := []string{"https://a.example/app", "https://b.example:8443/", "https://c.example"}
	for service, want := range map[string]bool{
		"https://a.example/app":                true,
		"https://a.example/app/":               true,
		"https://a.example/app/x?y=1#z":        true,
		"https://A.EXAMPLE/app":                true,
		"https://a.example/application":        false,
		"https://a.example/":                   false,
		"https://a.example/app/../secret":      false,
		"https://a.example/app/%2e%2e/secret":  false,
		"https://a.example.evil.example/app":   false,
		"https://a.example:444/app":            false,
		"https://a.example@evil.example/app":   false,
		"http://a.example/app":                 false,
		"https://b.example:8443/any":           true,
		"https://b.example/any":                false,
		"https://c.example":                    true,
		"https://c.example?x=1":                true,
		"https://c.example/deep/path":          true,
		"https://c.example//evil.example":      false,
		"javascript:alert(1)":                  false,
		"//c.example/x":                        false,
		"":                                     false,
		"https://c.example\\@evil.example/app": false,
	} {
		if got := sp.ServiceInList(service, list); got != want {
			t.Errorf("%q: %t, want %t", service, got, want)
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, change := range map[string]func(*sp.Config){
		"plain http":    func(c *sp.Config) { c.BaseURL = "http://cloud.example" },
		"path":          func(c *sp.Config) { c.BaseURL = "https://cloud.example/x" },
		"no people":     func(c *sp.Config) { c.People = nil },
		"dev elsewhere": func(c *sp.Config) { c.BaseURL, c.Dev = "http://cloud.example", true },
	} {
		cfg := s.world.Config("https://cloud.example")
		change(&cfg)
		if _, err := sp.New(cfg); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	cfg := s.world.Config("http://cloud.localhost:8080")
	cfg.Dev = true
	if _, err := sp.New(cfg); err != nil {
		t.Errorf("dev on loopback: %v", err)
	}
}

// TestPeopleMayRefuse: what the next room answers reaches the visitor as a reason, and its inner errors do not.
func TestPeopleMayRefuse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		status int
		reason saml.Reason
	}{
		"not bound": {&saml.Refusal{Reason: saml.IdentityNotBound}, 403, saml.IdentityNotBound},
		"refused":   {&saml.Refusal{Reason: saml.PersonRefused}, 403, saml.PersonRefused},
		"broken":    {errors.New("secret row"), 503, saml.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.world.OnArrive = func(http.ResponseWriter, *http.Request, sp.Arrival) (string, error) { return "", tc.err }
			b := newBrowser(t)
			p := b.post(s.signIn(b, "xAccountType=storefront"))
			if p.status != tc.status || p.reason != string(tc.reason) || strings.Contains(p.body, "secret") {
				t.Errorf("%d %s %q", p.status, p.reason, p.body)
			}
		})
	}
}

// TestKeyRotation: after the next key became active, partners who still hold the old metadata can be read with the retired key, and
// both certificates are published while the change is announced.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	c := s.connection("storefront")
	next := samltest.RSA(t, "sp-next", 2048)
	c.Keys = append(c.Keys, saml.SigningKey{Signer: next.Signer, Cert: next.Cert, State: saml.KeyNext})
	s.world.SetConnection(c)
	b := newBrowser(t)
	if p := b.post(s.signIn(b, "xAccountType=storefront")); p.status != http.StatusSeeOther {
		t.Fatalf("announced: %d %s", p.status, p.reason)
	}
	action, fields := s.signIn(b, "xAccountType=storefront")
	c.Keys[0].State, c.Keys[1].State = saml.KeyRetired, saml.KeyActive
	s.world.SetConnection(c)
	if p := b.post(action, fields); p.status != http.StatusSeeOther {
		t.Fatalf("switched under way: %d %s", p.status, p.reason)
	}
	if got := s.get("/saml/sp/storefront/metadata"); bytes.Count(got, []byte(`use="signing"`)) != 1 {
		t.Error("the retired key is still published")
	}
	if p := b.post(s.signIn(b, "xAccountType=storefront")); p.status != http.StatusSeeOther {
		t.Fatalf("after: %d %s", p.status, p.reason)
	}
}
