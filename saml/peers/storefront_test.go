//go:build e2e

package peers_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// storefront is our identity provider, with rows in memory and a sign-in page that lets alice in at once.
type storefront struct {
	world *idptest.World
	base  string
	key   samltest.Key
}

func newStorefront(t *testing.T) *storefront {
	t.Helper()
	s := &storefront{world: &idptest.World{Now: time.Now}, key: samltest.RSA(t, "storefront", 2048)}
	s.world.SetPlatform(idp.Platform{PlatformID: idptest.PlatformID, Keys: []saml.SigningKey{active(s.key)}})
	var door *idp.Handler
	mux := http.NewServeMux()
	mux.HandleFunc("/saml/", func(w http.ResponseWriter, r *http.Request) { door.ServeHTTP(w, r) })
	mux.HandleFunc(idptest.SignInPath, func(w http.ResponseWriter, r *http.Request) {
		resume, err := url.Parse(r.URL.Query().Get("resume"))
		if err != nil || resume.Host != "" {
			http.Error(w, "resume", http.StatusBadRequest)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: idptest.SessionCookie, Value: s.world.Start(idptest.Alice()), Path: "/", Secure: true, HttpOnly: true})
		http.Redirect(w, r, resume.String(), http.StatusSeeOther)
	})
	mux.HandleFunc(idptest.LogoutPath, func(w http.ResponseWriter, r *http.Request) {
		session, err := r.Cookie(idptest.SessionCookie)
		if err == nil {
			err = door.BeginLogout(w, r, idptest.PlatformID, session.Value)
		}
		if err != nil {
			t.Errorf("the logout does not start: %v", err)
		}
	})
	s.base = serve(t, "storefront", mux)
	cfg := s.world.Config(s.base)
	cfg.Dev, cfg.Logger, cfg.ErrorURL = true, logger(t), s.base+"/help"
	var err error
	if door, err = idp.New(cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

// describe returns our metadata.
func (s *storefront) describe(t *testing.T) []byte {
	t.Helper()
	platform, err := s.world.Platform(t.Context(), idptest.PlatformID)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := idp.Metadata(s.base, platform, idp.Words{ErrorURL: s.base + "/help", Scope: idptest.Scope, About: about("en", "Storefront", "zh", "店面")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	valid(t, "metadata", metadata)
	return metadata
}

// register lets a service provider in by the file it describes itself with.
func (s *storefront) register(t *testing.T, id string, metadata []byte, change func(*idp.ServiceProvider)) {
	t.Helper()
	parsed, findings, err := saml.ParseSPMetadata(metadata, saml.AllowLoopback(true), saml.At(time.Now()))
	if err != nil {
		t.Fatalf("%v %v\n%s", err, findings, metadata)
	}
	provider := idp.ServiceProvider{
		ID: id, PlatformID: idptest.PlatformID, Metadata: parsed, Attributes: idptest.Vendor(), BPID: bpID, Encrypt: idp.EncryptAuto,
	}
	// None of the peers asks; each is sent its pairwise-id all the same.
	provider.Metadata.SubjectIDRequirement = saml.RequireAny
	if change != nil {
		change(&provider)
	}
	s.world.SetProvider(provider)
}

// plainly is a change of a registration: nothing is encrypted, although the service provider has a key.
func plainly(p *idp.ServiceProvider) { p.Encrypt = idp.EncryptNever }

// always is the other one: an assertion that cannot be encrypted does not leave.
func always(p *idp.ServiceProvider) { p.Encrypt = idp.EncryptAlways }

// sent holds what our identity provider sent against the schemas and xmlsec1, and says what should have been sent.
func (s *storefront) sent(b *browser, receiver samltest.Key, want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.checkOurs(s.base, s.key.Cert, receiver)); diff != "" {
		b.t.Errorf("messages of ours:\n%s", diff)
	}
}

const (
	plainResponse  = "Response by post"
	sealedResponse = "Response (encrypted) by post"
	logoutRequest  = "LogoutRequest by redirect"
	logoutResponse = "LogoutResponse by redirect"
)
