package idp

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// Person is a signed-in user of the storefront.
type Person struct {
	UserID    string // becomes xUserId
	AccountID string // becomes xAccountId: the customer, which several users may share
	BPID      string // becomes bpId: the partner id the cloud assigned

	Name, Email, Mobile string // optional

	// Others are further attributes by their names, such as subject-id; optional.
	Others map[string]string

	SignedInAt time.Time // zero means now
	SessionID  string    // optional; becomes SessionIndex
}

// Config describes one identity provider. All fields are required.
type Config struct {
	EntityID string // also the address of the metadata
	SSOURL   string // where requests arrive
	Key      *rsa.PrivateKey
	Cert     *x509.Certificate
	// SPMetadata returns the service provider's metadata, for instance fetched and kept for an hour.
	SPMetadata func(ctx context.Context) ([]byte, error)
	// Person returns who is signed in at the storefront.
	Person func(r *http.Request) (Person, bool)
	// LoginPage lets the visitor sign in and then sends the browser back to the address it was called with.
	LoginPage http.Handler
	Now       func() time.Time // default time.Now
}

// Provider is the identity provider's http.Handler; it serves the paths of EntityID and SSOURL.
type Provider struct {
	cfg      Config
	idp      *crewjam.IdentityProvider
	metadata []byte
	mux      *http.ServeMux

	mu      sync.Mutex
	pending map[string]pending
}

var _ http.Handler = (*Provider)(nil)

// pending is a checked request whose user is still signing in.
type pending struct {
	req     *crewjam.IdpAuthnRequest
	expires time.Time
}

const (
	pendingFor = 15 * time.Minute
	pendingMax = 1000
	maxMessage = 256 << 10
	clockSkew  = 3 * time.Minute
	validFor   = 5 * time.Minute
)

// New returns the identity provider, or an error naming what is wrong with the configuration.
func New(cfg Config) (*Provider, error) {
	entity, err := url.Parse(cfg.EntityID)
	if err != nil || entity.Path == "" {
		return nil, errors.New("idp: EntityID must be a URL with a path")
	}
	sso, err := url.Parse(cfg.SSOURL)
	if err != nil || sso.Path == "" || sso.Path == entity.Path {
		return nil, errors.New("idp: SSOURL must be a URL with a path of its own")
	}
	if cfg.Key == nil || cfg.Cert == nil || cfg.SPMetadata == nil || cfg.Person == nil || cfg.LoginPage == nil {
		return nil, errors.New("idp: Key, Cert, SPMetadata, Person and LoginPage are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Provider{cfg: cfg, pending: map[string]pending{}, mux: http.NewServeMux()}
	p.idp = &crewjam.IdentityProvider{
		Key: cfg.Key, Certificate: cfg.Cert, MetadataURL: *entity, SSOURL: *sso,
		SignatureMethod: dsig.RSASHA256SignatureMethod,
	}
	if p.metadata, err = describe(cfg); err != nil {
		return nil, err
	}
	p.mux.HandleFunc("GET "+entity.Path, p.serveMetadata)
	p.mux.HandleFunc("GET "+sso.Path, p.serveSSO)
	p.mux.HandleFunc("POST "+sso.Path, p.serveSSO)
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Metadata returns the file to upload at the cloud.
func (p *Provider) Metadata() []byte { return slices.Clone(p.metadata) }

func (p *Provider) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
	_, _ = w.Write(p.metadata)
}

// describe writes the metadata the cloud asks for: one signing key, one sign-on service per binding.
func describe(cfg Config) ([]byte, error) {
	wantSigned := true
	entity := &crewjam.EntityDescriptor{
		EntityID: cfg.EntityID,
		IDPSSODescriptors: []crewjam.IDPSSODescriptor{{
			SSODescriptor: crewjam.SSODescriptor{
				RoleDescriptor: crewjam.RoleDescriptor{
					ProtocolSupportEnumeration: "urn:oasis:names:tc:SAML:2.0:protocol",
					KeyDescriptors: []crewjam.KeyDescriptor{{
						Use: "signing",
						KeyInfo: crewjam.KeyInfo{X509Data: crewjam.X509Data{X509Certificates: []crewjam.X509Certificate{
							{Data: base64.StdEncoding.EncodeToString(cfg.Cert.Raw)},
						}}},
					}},
				},
				NameIDFormats: []crewjam.NameIDFormat{crewjam.TransientNameIDFormat},
			},
			WantAuthnRequestsSigned: &wantSigned,
			SingleSignOnServices: []crewjam.Endpoint{
				{Binding: crewjam.HTTPRedirectBinding, Location: cfg.SSOURL},
				{Binding: crewjam.HTTPPostBinding, Location: cfg.SSOURL},
			},
		}},
	}
	out, err := xml.MarshalIndent(entity, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("idp: write metadata: %w", err)
	}
	return append([]byte(xml.Header), out...), nil
}

// resumeParam names a pending request in the address the sign-in page comes back to.
const resumeParam = "resume"

// serveSSO takes a request, or takes one up again after the user signed in.
func (p *Provider) serveSSO(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if id := r.URL.Query().Get(resumeParam); id != "" {
		p.resume(w, r, id)
		return
	}
	req, err := p.readRequest(w, r)
	if err != nil {
		http.Error(w, "This sign-in request cannot be accepted.", http.StatusBadRequest)
		return
	}
	id := p.park(req)
	http.Redirect(w, r, p.cfg.SSOURL+"?"+resumeParam+"="+url.QueryEscape(id), http.StatusSeeOther)
}

// resume answers a parked request once somebody is signed in, and shows the sign-in page until then.
func (p *Provider) resume(w http.ResponseWriter, r *http.Request, id string) {
	person, ok := p.cfg.Person(r)
	req := p.take(id, ok)
	switch {
	case req == nil:
		http.Error(w, "This sign-in request is no longer known. Please start again.", http.StatusBadRequest)
	case !ok:
		p.cfg.LoginPage.ServeHTTP(w, r)
	default:
		if err := p.answer(w, r, req, person); err != nil {
			http.Error(w, "The answer could not be made.", http.StatusInternalServerError)
		}
	}
}

// park keeps a request; when too many wait, the oldest gives way.
func (p *Provider) park(req *crewjam.IdpAuthnRequest) string {
	id := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Now()
	oldest := ""
	for k, v := range p.pending {
		if now.After(v.expires) {
			delete(p.pending, k)
		} else if oldest == "" || v.expires.Before(p.pending[oldest].expires) {
			oldest = k
		}
	}
	if len(p.pending) >= pendingMax {
		delete(p.pending, oldest)
	}
	p.pending[id] = pending{req, now.Add(pendingFor)}
	return id
}

// take finds a pending request and, when it is to be answered now, removes it.
func (p *Provider) take(id string, remove bool) *crewjam.IdpAuthnRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.pending[id]
	if !ok || p.cfg.Now().After(found.expires) {
		return nil
	}
	if remove {
		delete(p.pending, id)
	}
	return found.req
}
