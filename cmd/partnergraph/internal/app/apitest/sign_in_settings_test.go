package apitest_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

// saying gives the installation words of its own.
func saying(t *testing.T) apitest.Option {
	t.Helper()
	file := filepath.Join(t.TempDir(), "about.json")
	about := `{"displayNames": [{"language": "en", "text": "Example Cloud"}], "technicalContact": {"name": "Identity team", "email": "saml@sales.example.com"}}`
	if err := os.WriteFile(file, []byte(about), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(cfg *app.Config, _ *app.Options) { cfg.SAMLAbout = file }
}

// inflated is the request in an address.
func inflated(t *testing.T, address string) string {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(target.Query().Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSignInSettingsOverTheAPI: what a partner says of how its people are signed in and of itself, where it is shown, and that the metadata
// that anybody can fetch says what was released and nothing else.
func TestSignInSettingsOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	type list = []any
	const save = `mutation($i: UpdateAccessConfigurationInput!){updateAccessConfiguration(input: $i){accessConfiguration{authnContexts subjectScopes publishContact
		display{displayNames{language text} descriptions{text} informationUrls{text} privacyStatementUrls{text} logo{url width height}} idpDisplayNames{language text} idpLogos{url width height}}}}`
	ui := `<md:Extensions><mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui"><mdui:DisplayName xml:lang="en">Their shop</mdui:DisplayName>` +
		`<mdui:Logo width="80" height="60">https://new.example.com/l.png</mdui:Logo></mdui:UIInfo></md:Extensions>`
	theirs := strings.Replace(apitest.Metadata(t, "https://new.example.com"), "<md:KeyDescriptor", ui+"<md:KeyDescriptor", 1)
	asks := `<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Attribute ` +
		`Name="urn:oasis:names:tc:SAML:profiles:subject-id:req"><saml:AttributeValue>pairwise-id</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></md:Extensions>`
	service := strings.Replace(strings.Replace(apitest.ProviderMetadata(t, "https://asks.example.com"), "<md:SPSSO", asks+"<md:SPSSO", 1), "<md:KeyDescriptor", ui+"<md:KeyDescriptor", 1)
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		provider := w.Providers[0]
		get := func(path string) string {
			t.Helper()
			got := httptest.NewRecorder()
			s.App.Handler.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "https://sales.example.com"+path, nil))
			if got.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", path, got.Code, got.Body)
			}
			return got.Body.String()
		}
		ask := func(document string, input vars) apitest.Answer {
			t.Helper()
			answer := s.Ask(t, provider.Key, document, vars{"i": input})
			if len(answer.Errors) > 0 {
				t.Fatal(answer.Body)
			}
			return answer
		}
		ask(save, vars{"partnerId": provider.Partner.ID, "contact": vars{"name": "Li", "email": "li@provider0.example.com"}})
		idp, sp := "/saml/idp/"+provider.PlatformID+"/metadata", "/saml/sp/"+provider.PlatformID+"/metadata"
		if text := get(idp); strings.Contains(text, "UIInfo") || strings.Contains(text, "li@") || !strings.Contains(text, ">mailto:saml@sales.example.com<") || !strings.Contains(text, `regexp="false">sales.example.com</shibmd:Scope>`) {
			t.Errorf("before anything was released: %s", text)
		}
		if text := get(sp); !strings.Contains(text, `xml:lang="en">Example Cloud<`) || !strings.Contains(text, ">mailto:saml@sales.example.com<") || strings.Contains(text, "subject-id") {
			t.Errorf("%s", text)
		}
		saved := ask(save, vars{
			"partnerId": provider.Partner.ID, "authnContexts": list{"https://refeds.org/profile/mfa"}, "subjectScopes": list{"Shop.example.com"}, "publishContact": true,
			"attributeMapping": vars{"xUserId": "urn:oasis:names:tc:SAML:attribute:subject-id"}, "idpMetadata": theirs,
			"display": vars{"displayNames": list{vars{"language": "zh", "text": "店面"}}, "logo": vars{"url": "https://shop.example.com/l.png", "width": 80, "height": 60}},
		})
		want := vars{
			"authnContexts": list{"https://refeds.org/profile/mfa"}, "subjectScopes": list{"shop.example.com"}, "publishContact": true,
			"display": vars{"displayNames": list{vars{"language": "zh", "text": "店面"}}, "descriptions": list{}, "informationUrls": list{}, "privacyStatementUrls": list{},
				"logo": vars{"url": "https://shop.example.com/l.png", "width": 80.0, "height": 60.0}},
			"idpDisplayNames": list{vars{"language": "en", "text": "Their shop"}}, "idpLogos": list{vars{"url": "https://new.example.com/l.png", "width": 80.0, "height": 60.0}},
		}
		if diff := cmp.Diff(any(want), saved.At("updateAccessConfiguration", "accessConfiguration")); diff != "" {
			t.Error(diff)
		}
		if text := get(idp); !strings.Contains(text, `xml:lang="zh">店面<`) || strings.Contains(text, "Their shop") || strings.Index(text, "li@provider0") > strings.Index(text, "saml@sales") || !strings.Contains(text, "mailto:li@provider0.example.com") {
			t.Errorf("%s", text)
		}
		if text := get(sp); strings.Contains(text, "店面") || strings.Contains(text, "li@") || !strings.Contains(text, ">subject-id</saml:AttributeValue>") {
			t.Errorf("%s", text)
		}
		// The request asks for what is demanded.
		got := httptest.NewRecorder()
		s.App.Handler.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "https://sales.example.com/saml/login?xAccountType="+provider.PlatformID, nil))
		if got.Code != http.StatusFound || !strings.Contains(inflated(t, got.Header().Get("Location")), "<saml:AuthnContextClassRef>https://refeds.org/profile/mfa</saml:AuthnContextClassRef>") {
			t.Errorf("%d %s", got.Code, got.Header().Get("Location"))
		}

		const register = `mutation($i: RegisterServiceProviderInput!){registerServiceProvider(input: $i){findings{code} serviceProvider{displayNames{text} logos{width} subjectIdRequirement attributes{name source}}}}`
		scoped := list{vars{"name": "urn:oasis:names:tc:SAML:attribute:subject-id", "source": "SUBJECT_ID"}}
		registered := ask(register, vars{"partnerId": provider.Partner.ID, "name": "asks", "metadata": service, "attributes": scoped})
		if diff := cmp.Diff(any(vars{"findings": list{}, "serviceProvider": vars{
			"displayNames": list{vars{"text": "Their shop"}}, "logos": list{vars{"width": 80.0}}, "subjectIdRequirement": "PAIRWISE_ID", "attributes": scoped,
		}}), registered.At("registerServiceProvider")); diff != "" {
			t.Error(diff)
		}
		const read = `{viewer{partner{accessConfiguration{updatedAt contact{email} authnContexts subjectScopes publishContact display{displayNames{text}} serviceProviders(first: 0){totalCount}}}}}`
		before := s.Ask(t, provider.Key, read, nil)
		for _, wrong := range []vars{
			{"name": "urn:oasis:names:tc:SAML:attribute:subject-id", "source": "EMAIL"}, {"name": "urn:oasis:names:tc:SAML:attribute:pairwise-id", "source": "PAIRWISE_ID"},
		} {
			wantError(t, s.Ask(t, provider.Key, register, vars{"i": vars{"partnerId": provider.Partner.ID, "name": "x", "metadata": apitest.ProviderMetadata(t, "https://x.example.com"), "attributes": list{wrong}}}), "INVALID", "attributes", "")
		}
		for field, bad := range map[string]any{
			"authnContexts": list{"weak"}, "subjectScopes": list{}, "publishContact": nil, "display.displayNames": nil, "display.logo.url": nil,
		} {
			input := vars{"partnerId": provider.Partner.ID, field: bad}
			switch field {
			case "publishContact":
				input = vars{"partnerId": provider.Partner.ID, "contact": vars{}}
			case "display.displayNames":
				input = vars{"partnerId": provider.Partner.ID, "display": vars{"displayNames": list{vars{"language": "english language", "text": "x"}}}}
			case "display.logo.url":
				input = vars{"partnerId": provider.Partner.ID, "display": vars{"displayNames": list{vars{"language": "en", "text": "x"}}, "logo": vars{"url": "http://x.example.com", "width": 1, "height": 1}}}
			}
			wantError(t, s.Ask(t, provider.Key, save, vars{"i": input}), "INVALID", field, "")
		}
		if after := s.Ask(t, provider.Key, read, nil); before.Body != after.Body || len(before.Errors) != 0 || before.At("viewer", "partner", "accessConfiguration", "contact", "email") == nil {
			t.Errorf("something was saved: %s instead of %s", after.Body, before.Body)
		}
	}, saying(t))
}
