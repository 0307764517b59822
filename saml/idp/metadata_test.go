package idp_test

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func peerKey(t *testing.T, name string) samltest.Key {
	t.Helper()
	return samltest.RSA(t, name, 2048)
}

// TestMetadata: domain 2.1, SDP-IDP33, SDP-MD04, SDP-MD05, SDP-MD08, and the errorURL of SDP-MD12: what is served, with every key that may sign, RSA first, each as often as it should.
func TestMetadata(t *testing.T) {
	t.Parallel()
	active, next, retired, ec := peerKey(t, "a"), peerKey(t, "n"), peerKey(t, "r"), samltest.EC(t, "e")
	p := idp.Platform{PlatformID: "storefront", Keys: []saml.SigningKey{
		{Signer: ec.Signer, Cert: ec.Cert, State: saml.KeyActive},
		{Signer: next.Signer, Cert: next.Cert, State: saml.KeyNext},
		{Signer: retired.Signer, Cert: retired.Cert, State: saml.KeyRetired},
		{Signer: active.Signer, Cert: active.Cert, State: saml.KeyActive},
	}}
	doc, err := idp.Metadata("https://partner.example", p, "https://partner.example/help", samltest.Now())
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	for i, k := range []samltest.Key{active, next, ec} {
		cert := b64(k.Cert.Raw)
		if !strings.Contains(text, cert) {
			t.Errorf("certificate %d is missing", i)
		}
		text = strings.Replace(text, cert, "CERTIFICATE-"+string("ane"[i]), 1)
	}
	golden := filepath.Join("testdata", "metadata.golden.xml")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
	md, findings, err := saml.ParseIdPMetadata(doc)
	if err != nil || len(md.SigningCerts) != 3 || md.SLOPostURL == "" || md.EntityID != "https://partner.example/saml/idp/storefront/metadata" {
		t.Errorf("%v %v %+v", err, findings, md)
	}
	p.Keys = p.Keys[:1]
	if _, err := idp.Metadata("https://partner.example", p, "", samltest.Now()); err == nil {
		t.Error("metadata without an active RSA key")
	}
}

// TestMetadataEndpoint: domain 2.1, step 2.
func TestMetadataEndpoint(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	address := s.entityID()
	p := s.browser().open(address)
	if p.status != http.StatusOK || p.body == "" || !strings.Contains(p.body, `entityID="`+address+`"`) || p.header.Get("Content-Disposition") != "" ||
		p.header.Get("Content-Type") != "application/samlmetadata+xml; charset=utf-8" {
		t.Errorf("%d %v", p.status, p.header)
	}
	if got := s.browser().open(address + "?download=1").header.Get("Content-Disposition"); got != `attachment; filename="IDP Metadata.xml"` {
		t.Error(got)
	}
	platform, _ := s.Platform(t.Context(), idptest.PlatformID)
	platform.Disabled = true
	s.SetPlatform(platform)
	if p := s.browser().open(address); p.status != http.StatusOK {
		t.Errorf("switched off: %d", p.status)
	}
	for _, id := range []string{"nobody", "..", "a%2Fb", strings.Repeat("x", 65)} {
		if p := s.browser().open(s.URL + "/saml/idp/" + id + "/metadata"); p.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", id, p.status, p.reason)
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := &idptest.World{Now: time.Now}
	for name, change := range map[string]func(*idp.Config){
		"plain http":    func(c *idp.Config) { c.BaseURL = "http://partner.example" },
		"path":          func(c *idp.Config) { c.BaseURL = "https://partner.example/x" },
		"no people":     func(c *idp.Config) { c.People = nil },
		"no logouts":    func(c *idp.Config) { c.Logouts = nil },
		"error page":    func(c *idp.Config) { c.ErrorURL = "javascript:alert(1)" },
		"dev elsewhere": func(c *idp.Config) { c.BaseURL, c.Dev = "http://partner.example", true },
	} {
		cfg := w.Config("https://partner.example")
		change(&cfg)
		if _, err := idp.New(cfg); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	cfg := w.Config("http://partner.localhost:8080")
	cfg.Dev = true
	if _, err := idp.New(cfg); err != nil {
		t.Errorf("dev on loopback: %v", err)
	}
}

// TestBrokenPortsAreNobodysBusiness: what a store says when it fails reaches the log and nobody else, and a panic ends one request.
func TestBrokenPortsAreNobodysBusiness(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Platform", "Provider", "Once", "Park", "Find", "Current", "Join", "Participants", "SignInURL"} {
		for _, panics := range []bool{false, true} {
			s := newStage(t)
			b := s.browser()
			if method == "Join" || method == "Participants" { // reached when somebody is signed in
				s.login(b, s.cloud, s.request(s.cloud), "")
			}
			s.Fail = func(m string) error {
				if m == method && panics {
					panic("secret row")
				}
				if m == method {
					return errors.New("secret row")
				}
				return nil
			}
			p := b.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "r"))
			want := saml.Unavailable
			if panics {
				want = saml.ResponseMalformed
			}
			if p.reason != string(want) || strings.Contains(p.body, "secret") {
				t.Errorf("%s, panics %t: %d %s %s", method, panics, p.status, p.reason, p.url)
			}
		}
	}
}
