package app_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// TestAnAssertionIsUsedOnce is Profiles 4.1.4.5: the id of an assertion that was used is refused although the request it answers is
// fresh, also after the cache was flushed and by a server that was started anew. The platform's own identity provider, which signs
// genuinely, is the one that tries.
// Attack classes: replay, also after a restart and with an empty cache.
func TestAnAssertionIsUsedOnce(t *testing.T) {
	t.Parallel()
	var own servers.Servers
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	redis, err := own.Redis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings(worldURL(t))
	cfg.CacheURL = redis.URL()
	s := serve(t, cfg, app.Options{})
	p := newPlatform(t, s)

	if got := p.login(t, s, "_used"); got.status != http.StatusSeeOther || got.header.Get("Location") != "/first-login" {
		t.Fatalf("the first use: %d %.300s", got.status, got.body)
	}
	refused := func(when string, s *server) {
		t.Helper()
		if got := p.login(t, s, "_used"); got.status != http.StatusBadRequest || !bytes.Contains([]byte(got.body), []byte(saml.Replayed)) {
			t.Errorf("%s: %d %.300s", when, got.status, got.body)
		}
	}
	refused("the same server", s)
	flush(t, redis)
	refused("the cache flushed", s)
	s.end(t)
	flush(t, redis)
	again := serve(t, cfg, app.Options{})
	refused("another server, the cache flushed", again)
	if got := p.login(t, again, "_fresh"); got.status != http.StatusSeeOther {
		t.Errorf("a fresh id: %d %.300s", got.status, got.body)
	}
}

// platform is the solution provider's identity provider.
type platform struct {
	key     samltest.Key
	partner models.ID
}

// newPlatform connects it to the demo's platform id.
func newPlatform(t *testing.T, s *server) *platform {
	t.Helper()
	p := &platform{key: samltest.RSA(t, "platform", 2048)}
	config, err := s.Rooms.Exposure.ByPlatform(t.Context(), demo.PlatformID)
	if err != nil {
		t.Fatal(err)
	}
	p.partner = config.PartnerID
	metadata := fmt.Sprintf(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s">`+
		`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">`+
		`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`+
		`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.storefront.example/sso"/>`+
		`</IDPSSODescriptor></EntityDescriptor>`, samltest.Issuer, base64.StdEncoding.EncodeToString(p.key.Cert.Raw))
	_, err = s.Rooms.Exposure.Update(t.Context(), models.SystemPrincipal("test"), exposure.UpdateAccessConfiguration{PartnerID: p.partner, IDPMetadata: &metadata})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// login walks the login link of a first login and answers its request with an assertion of this id.
func (p *platform) login(t *testing.T, s *server, assertionID string) answer {
	t.Helper()
	return p.loginBy(t, s, "/saml/login?isFirstLogin=true&xAccountType="+demo.PlatformID, assertionID)
}

// loginBy is login by another link.
func (p *platform) loginBy(t *testing.T, s *server, link, assertionID string) answer {
	t.Helper()
	begun := s.ask(t, http.MethodGet, link, "")
	target, err := url.Parse(begun.header.Get("Location"))
	if err != nil || begun.status != http.StatusFound {
		t.Fatalf("login link: %d %.300s", begun.status, begun.body)
	}
	raw, err := base64.StdEncoding.DecodeString(target.Query().Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	var request struct {
		ID     string `xml:",attr"`
		ACS    string `xml:"AssertionConsumerServiceURL,attr"`
		Issuer string
	}
	if err := xml.NewDecoder(flate.NewReader(bytes.NewReader(raw))).Decode(&request); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	message := samltest.Recipe{
		Key: p.key,
		Response: func(r *crewjam.Response) {
			r.InResponseTo, r.Destination, r.IssueInstant = request.ID, request.ACS, now
		},
		Assertion: func(a *crewjam.Assertion) {
			a.ID, a.IssueInstant = assertionID, now
			confirmed := a.Subject.SubjectConfirmations[0].SubjectConfirmationData
			confirmed.InResponseTo, confirmed.Recipient, confirmed.NotOnOrAfter = request.ID, request.ACS, now.Add(5*time.Minute)
			a.Conditions.NotBefore, a.Conditions.NotOnOrAfter = now.Add(-time.Minute), now.Add(5*time.Minute)
			a.Conditions.AudienceRestrictions[0].Audience.Value = request.Issuer
			a.AuthnStatements[0].AuthnInstant = now
			for i, attribute := range a.AttributeStatements[0].Attributes {
				if attribute.Name == "bpId" {
					a.AttributeStatements[0].Attributes[i].Values[0].Value = string(p.partner)
				}
			}
		},
	}.Build(t)
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(message)}, "RelayState": {target.Query().Get("RelayState")}}
	cookie := begun.cookie(t, "__Host-pg-login")
	return s.ask(t, http.MethodPost, "/saml/sp/"+demo.PlatformID+"/acs", form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie.Name+"="+cookie.Value)
}
