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

// words are what the metadata of the tests says.
func words() idp.Words {
	return idp.Words{
		ErrorURL: "https://partner.example/help", Scope: "partner.example",
		About: saml.About{
			UI: saml.UIInfo{
				DisplayNames: []saml.Localized{{Language: "en", Text: "Storefront & <more>"}, {Language: "zh", Text: "店面"}}, Descriptions: []saml.Localized{{Language: "en", Text: "Sells."}},
				InformationURLs:      []saml.Localized{{Language: "en", Text: "https://partner.example/about?a=1&b=2"}},
				PrivacyStatementURLs: []saml.Localized{{Language: "en", Text: "https://partner.example/privacy"}},
				Logos:                []saml.Logo{{URL: "https://partner.example/logo.png", Width: 80, Height: 60}},
			},
			Contacts: []saml.Contact{{Kind: saml.TechnicalContact, Name: "Li", Email: "li+saml@partner.example"}, {Kind: saml.SupportContact, Email: "help@partner.example"}},
		},
	}
}

// TestSDPMD09WhatMetadataSaysForPeople: SDP-MD09, SDP-MD10, SDP-MD11, and the Scope of SDP-MD12: as served, what is set and nothing else.
func TestSDPMD09WhatMetadataSaysForPeople(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	plain := s.browser().open(s.entityID()).body
	if strings.Contains(plain, "UIInfo") || strings.Contains(plain, "ContactPerson") {
		t.Errorf("%s", plain)
	}
	s.Says = words().About
	text := s.browser().open(s.entityID()).body
	md, findings, err := saml.ParseIdPMetadata([]byte(text), saml.AllowLoopback(true))
	if err != nil {
		t.Fatal(err, findings)
	}
	if diff := cmp.Diff(saml.UIInfo{DisplayNames: s.Says.UI.DisplayNames, Logos: s.Says.UI.Logos}, md.UI); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{
		`<shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" regexp="false">` + idptest.Scope + `</shibmd:Scope>`, `<md:ContactPerson contactType="technical">`,
		"<md:EmailAddress>mailto:li+saml@partner.example</md:EmailAddress>", `contactType="support"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

// TestSDPIDP13SubjectIdentifiers: SDP-IDP13: subject-id or pairwise-id goes to whom the metadata, or the registration, says that it goes:
// one of them, id@scope, of which pairwise-id is another one for everybody and subject-id is not.
func TestSDPIDP13SubjectIdentifiers(t *testing.T) {
	t.Parallel()
	asks := func(value string) func(*idp.ServiceProvider) {
		return func(p *idp.ServiceProvider) { p.Metadata.SubjectIDRequirement = value }
	}
	maps := func(name string, source idp.Source) func(*idp.ServiceProvider) {
		return func(p *idp.ServiceProvider) {
			p.Metadata.SubjectIDRequirement = saml.RequireSubjectID
			p.Attributes = append(p.Attributes, idp.Attribute{Name: name, Source: source})
		}
	}
	for name, tc := range map[string]struct {
		change func(*idp.ServiceProvider)
		person func(*idp.Person)
		want   string // attribute; empty: neither
	}{
		"does not say":                      {asks(""), nil, ""},
		"none":                              {asks(saml.RequireNone), nil, ""},
		"subject-id":                        {asks(saml.RequireSubjectID), nil, saml.SubjectID},
		"pairwise-id":                       {asks(saml.RequirePairwiseID), nil, saml.PairwiseID},
		"any":                               {asks(saml.RequireAny), nil, saml.PairwiseID},
		"what the registration says counts": {maps(saml.PairwiseID, idp.SourceScopedPairwiseID), nil, saml.PairwiseID},
		"nobody known by such a name":       {asks(saml.RequireSubjectID), func(p *idp.Person) { p.OpaqueID = "" }, ""},
		"a name that could be none":         {asks(saml.RequireSubjectID), func(p *idp.Person) { p.OpaqueID = "usr_1" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if tc.person != nil {
				tc.person(&s.Person)
			}
			values := map[string]string{}
			for _, p := range []peer{s.cloud, s.other} {
				s.change(p.id, tc.change)
				e := s.request(p)
				answer := s.login(s.browser(), p, e, "")
				for _, a := range s.verified(p, answer.message(t), e.SelectAttrValue("ID", "")).Assertion.AttributeStatements[0].Attributes {
					if !saml.IsSubjectID(a.Name) {
						continue
					}
					if a.Name != tc.want || values[p.id] != "" || a.NameFormat != "urn:oasis:names:tc:SAML:2.0:attrname-format:uri" {
						t.Errorf("%+v", a)
					}
					values[p.id] = a.Values[0].Value
				}
			}
			id, scope, ok := saml.ParseSubjectID(values["cloud"])
			if ok != (tc.want != "") || ok && (scope != idptest.Scope || id+"@"+scope != values["cloud"] || strings.Contains(id, "alice")) {
				t.Errorf("%q", values)
			}
			if same := values["cloud"] == values["other"]; same != (tc.want != saml.PairwiseID) {
				t.Errorf("%q", values)
			}
		})
	}
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
	doc, err := idp.Metadata("https://partner.example", p, words(), samltest.Now())
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
	if _, err := idp.Metadata("https://partner.example", p, idp.Words{}, samltest.Now()); err == nil {
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
		"upper case":    func(c *idp.Config) { c.Scope = "Partner.example" },
		"two scopes":    func(c *idp.Config) { c.Scope = "a@partner.example" },
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
