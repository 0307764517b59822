package idp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/sp/sptest"
)

// TestOurOwnCloud: our service provider, registered from its own metadata, takes what our identity provider answers: plain and encrypted,
// and only from the platform it asked. Its metadata asks for pairwise-id, by which it knows people, and its request for the context that it
// demands.
func TestOurOwnCloud(t *testing.T) {
	t.Parallel()
	for name, encrypt := range map[string]idp.Encryption{"plain": idp.EncryptNever, "encrypted": idp.EncryptAlways} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			partner := idptest.Start(t, false)
			world := &sptest.World{Now: partner.Now}
			var handler http.Handler
			cloud := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
			t.Cleanup(cloud.Close)
			key := samltest.RSA(t, "own-cloud", 2048)
			connection := sp.Connection{
				PlatformID: "storefront", PartnerBPID: samltest.BPID, IdPMetadata: partner.Metadata(t),
				Keys:          []saml.SigningKey{{Signer: key.Signer, Cert: key.Cert, State: saml.KeyActive}},
				Attributes:    sp.Mapping{XUserID: saml.PairwiseID},
				SubjectScopes: []string{idptest.Scope},
				AuthnContexts: []string{"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
			}
			world.SetConnection(connection)
			var err error
			if handler, err = sp.New(world.Config(cloud.URL)); err != nil {
				t.Fatal(err)
			}
			md, err := sp.Metadata(cloud.URL, connection, saml.About{}, partner.Now())
			if err != nil {
				t.Fatal(err)
			}
			registered := partner.Register(t, "own", md, func(p *idp.ServiceProvider) { p.Encrypt = encrypt })
			if !registered.Metadata.AuthnRequestsSigned || !registered.Metadata.WantAssertionsSigned || registered.Metadata.EncryptionCert == nil ||
				len(registered.Metadata.EncryptionMethods) != 3 {
				t.Fatalf("%+v", registered.Metadata)
			}
			s := &stage{Server: partner, t: t}
			b := s.browser()
			b.client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true // two throw-away certificates on loopback
			start := b.once(http.MethodGet, cloud.URL+"/saml/login?xAccountType=storefront", nil)
			p := b.signIn(b.open(start.away))
			if encrypted := strings.Contains(string(p.message(t)), "EncryptedAssertion"); encrypted != (name == "encrypted") {
				t.Errorf("encrypted %t", encrypted)
			}
			p = b.once(http.MethodPost, p.away, p.fields)
			if p.away != cloud.URL+"/home" {
				t.Fatalf("%d %s %s", p.status, p.reason, p.body)
			}
			got := world.Arrivals()
			pairwise := partner.PairwiseID("storefront", sp.EntityID(cloud.URL, "storefront"), idptest.Alice().SubjectID) + "@" + idptest.Scope
			if len(got) != 1 || got[0].XUserID != pairwise || got[0].XAccountID != "account-alice" || got[0].Name != idptest.Alice().Name {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestEncryptAlways: a registration that insists on encryption gets no answer in the clear.
func TestEncryptAlways(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.change("cloud", func(p *idp.ServiceProvider) { p.Encrypt = idp.EncryptAlways })
	if p := s.login(s.browser(), s.cloud, s.request(s.cloud), ""); p.reason != string(saml.EncryptionKeyMissing) || p.status != http.StatusBadGateway {
		t.Errorf("%d %s", p.status, p.reason)
	}
	s.change("cloud", func(p *idp.ServiceProvider) { p.Metadata.EncryptionCert = s.cloud.key.Cert })
	e := s.request(s.cloud)
	if v := s.verified(s.cloud, s.login(s.browser(), s.cloud, e, "").message(t), e.SelectAttrValue("ID", "")); !v.Encrypted {
		t.Error("in the clear")
	}
	s.change("cloud", func(p *idp.ServiceProvider) { p.Encrypt = idp.EncryptNever })
	e = s.request(s.cloud)
	if v := s.verified(s.cloud, s.login(s.browser(), s.cloud, e, "").message(t), e.SelectAttrValue("ID", "")); v.Encrypted {
		t.Error("encrypted")
	}
}
