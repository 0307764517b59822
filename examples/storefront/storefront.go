package storefront

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Khan/genqlient/graphql"

	"github.com/partnergraph/partnergraph/examples/storefront/idp"
	"github.com/partnergraph/partnergraph/examples/storefront/webhook"
)

// Config says where the two sides are and what they share. All fields are required but for WebhookSecret.
type Config struct {
	Origin       string // this storefront's own origin
	PublicOrigin string // partnergraph as browsers reach it
	APIOrigin    string // partnergraph as this program reaches it
	APIKey       string // the partner's API key
	PlatformID   string // xAccountType
	PartnerID    string // the partner's id, the vendor's bpId
	ReturnSecret string // signs the way back after payment
	// WebhookSecret is that of the webhook endpoint at /webhooks; without one nothing is taken there.
	WebhookSecret string
	Key           *rsa.PrivateKey
	Certificate   *x509.Certificate
	Now           func() time.Time
}

// Storefront is the partner platform. Use New.
type Storefront struct {
	cfg      Config
	api      graphql.Client
	idp      *idp.Provider
	mux      *http.ServeMux
	mu       sync.Mutex
	signedIn map[string]string // cookie -> account
	bound    map[string]string // account -> customer id
	nonces   map[string]bool   // of bind notifications and ways back that were taken
	told     []webhook.Message // by webhooks, the latest first
}

// New makes the storefront. It calls nobody yet.
func New(cfg Config) (*Storefront, error) {
	s := &Storefront{cfg: cfg, mux: http.NewServeMux(), signedIn: map[string]string{}, bound: map[string]string{}, nonces: map[string]bool{}}
	s.api = graphql.NewClient(cfg.APIOrigin+"/graphql", &bearer{key: cfg.APIKey, next: &http.Client{Timeout: 15 * time.Second}})
	provider, err := idp.New(idp.Config{
		EntityID: cfg.Origin + "/saml/metadata", SSOURL: cfg.Origin + "/saml/login", Key: cfg.Key, Cert: cfg.Certificate, Now: cfg.Now,
		SPMetadata: s.spMetadata, Person: s.person, LoginPage: http.HandlerFunc(s.signInPage),
	})
	if err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	s.idp = provider
	s.mux.HandleFunc("GET /{$}", s.home)
	s.mux.HandleFunc("POST /sign-in", s.signIn)
	s.mux.HandleFunc("POST /sign-out", s.signOut)
	s.mux.HandleFunc("POST /bind", s.bind)
	s.mux.HandleFunc("GET /paid", s.paid)
	s.mux.Handle("/saml/", provider)
	if cfg.WebhookSecret != "" {
		s.mux.Handle("POST /webhooks", &webhook.Receiver{Secret: cfg.WebhookSecret, Now: cfg.Now, Handle: s.webhook})
	}
	return s, nil
}

// Metadata returns the identity provider's metadata, to be saved in the access configuration.
func (s *Storefront) Metadata() []byte { return s.idp.Metadata() }

// ServeHTTP serves the platform's pages.
func (s *Storefront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

// bearer sends the API key with every call.
type bearer struct {
	key  string
	next graphql.Doer
}

// Do sends one request.
func (b *bearer) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+b.key)
	return b.next.Do(r)
}

// spMetadata fetches partnergraph's service provider metadata, which carries the key that requests and notifications are
// signed with.
func (s *Storefront) spMetadata(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.APIOrigin+"/saml/sp/"+s.cfg.PlatformID+"/metadata", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("service provider metadata: status %d", answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 2<<20))
}

const cookieName = "storefront"

var accountPattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]{4,31}$`)

// signIn lets anybody in under any account name: this is a demo of what comes after signing in.
func (s *Storefront) signIn(w http.ResponseWriter, r *http.Request) {
	account := r.PostFormValue("account")
	if !accountPattern.MatchString(account) {
		s.show(w, r, http.StatusBadRequest, view{Problem: "An account name has 5 to 32 letters, digits, _ and -, and starts with a letter."})
		return
	}
	token := randomHex()
	s.mu.Lock()
	s.signedIn[token] = account
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	// A sign-in that a SAML request started goes on with that request; anything else goes home.
	http.Redirect(w, r, localTarget(r.PostFormValue("then")), http.StatusSeeOther)
}

func (s *Storefront) signOut(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.signedIn, cookie.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// account returns who is signed in on this storefront, or "".
func (s *Storefront) account(r *http.Request) string {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signedIn[cookie.Value]
}

// person tells the identity provider whom to assert (the attributes of the vendor's profile).
func (s *Storefront) person(r *http.Request) (idp.Person, bool) {
	account := s.account(r)
	if account == "" {
		return idp.Person{}, false
	}
	return idp.Person{
		UserID: account + "-admin", AccountID: account, BPID: s.cfg.PartnerID, Name: account,
		Email: account + "@example.com",
	}, true
}

// loginLink is the vendor's login link form: it starts the trip at partnergraph (2.2).
func (s *Storefront) loginLink(first bool) string {
	query := url.Values{"xAccountType": {s.cfg.PlatformID}, "service": {s.cfg.PublicOrigin + "/console"}}
	if first {
		query.Set("isFirstLogin", "true")
	}
	return s.cfg.PublicOrigin + "/saml/login?" + query.Encode()
}

// localTarget keeps only paths of this storefront.
func localTarget(then string) string {
	if !strings.HasPrefix(then, "/") || strings.HasPrefix(then, "//") || strings.Contains(then, "\\") {
		return "/"
	}
	return then
}

func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
