package idptest

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// PlatformID is the platform that a Server has.
const PlatformID = "storefront"

// LogoutPath is the page of a Server that a person opens to sign out.
const LogoutPath = "/sign-out"

// Server is an identity provider with one platform on a real socket.
type Server struct {
	*World

	URL     string
	Handler *idp.Handler
	// Person is who the sign-in page signs in. Alice unless changed.
	Person idp.Person

	srv   *httptest.Server
	shift atomic.Int64 // moves the clock, in nanoseconds
}

// Alice is a person with everything that can be told of her.
func Alice() idp.Person {
	return idp.Person{
		SubjectID: "usr_alice", OpaqueID: "6ae1b2", UserID: "user-alice", AccountID: "account-alice", Name: "Alice & Söhne <b>", Email: "alice@storefront.example",
		Mobile: "0086-13000000000", LoginName: "alice",
	}
}

// Vendor is the attribute mapping of the vendor's profile (domain 2.4).
func Vendor() []idp.Attribute {
	return []idp.Attribute{
		{Name: "xUserId", Source: idp.SourceUserID},
		{Name: "xAccountId", Source: idp.SourceAccountID},
		{Name: "bpId", Source: idp.SourceBPID},
		{Name: "name", Source: idp.SourceName},
		{Name: "email", Source: idp.SourceEmail},
		{Name: "mobile", Source: idp.SourceMobile},
	}
}

// Start serves an identity provider over TLS with a throw-away certificate, or over plain http on 127.0.0.1 when dev is set, which
// service providers in other processes find easier. It has a platform with an RSA and an EC key, a sign-in page that signs in Person
// at a click (or at once, with auto=1 in the query of SignInPath), and a sign-out page. It stops with the test.
func Start(t testing.TB, dev bool) *Server {
	t.Helper()
	s := &Server{Person: Alice()}
	s.World = &World{Now: func() time.Time { return time.Now().Add(time.Duration(s.shift.Load())) }}
	mux := http.NewServeMux()
	if dev {
		s.srv = httptest.NewServer(mux)
	} else {
		s.srv = httptest.NewTLSServer(mux)
	}
	t.Cleanup(s.srv.Close)
	s.URL = s.srv.URL
	cfg := s.Config(s.URL)
	cfg.Dev = dev
	cfg.Logger = slog.New(slog.DiscardHandler)
	var err error
	if s.Handler, err = idp.New(cfg); err != nil {
		t.Fatal(err)
	}
	key, ec := samltest.RSA(t, "idptest", 2048), samltest.EC(t, "idptest-ec")
	s.SetPlatform(idp.Platform{PlatformID: PlatformID, Keys: []saml.SigningKey{
		{Signer: key.Signer, Cert: key.Cert, State: saml.KeyActive},
		{Signer: ec.Signer, Cert: ec.Cert, State: saml.KeyActive},
	}})
	mux.Handle("/saml/idp/", s.Handler)
	mux.HandleFunc(SignInPath, s.signIn)
	mux.HandleFunc(LogoutPath, s.signOut)
	return s
}

// Client returns a client that trusts the server.
func (s *Server) Client() *http.Client { return s.srv.Client() }

// Shift moves the server's clock.
func (s *Server) Shift(by time.Duration) { s.shift.Add(int64(by)) }

// Register registers a service provider from its metadata with the vendor's attribute mapping, changes the registration if told to, and
// returns it. The id must be a word.
func (s *Server) Register(t testing.TB, id string, metadata []byte, change ...func(*idp.ServiceProvider)) idp.ServiceProvider {
	t.Helper()
	md, findings, err := saml.ParseSPMetadata(metadata, saml.AllowLoopback(strings.HasPrefix(s.URL, "http:")), saml.At(s.Now()))
	if err != nil {
		t.Fatalf("%v %v", err, findings)
	}
	p := idp.ServiceProvider{
		ID: id, PlatformID: PlatformID, Metadata: md, Attributes: Vendor(), BPID: samltest.BPID, Encrypt: idp.EncryptAuto,
	}
	for _, c := range change {
		c(&p)
	}
	s.SetProvider(p)
	return p
}

// Metadata returns the platform's metadata as served.
func (s *Server) Metadata(t testing.TB) []byte {
	t.Helper()
	p, err := s.Platform(t.Context(), PlatformID)
	if err != nil {
		t.Fatal(err)
	}
	md, err := idp.Metadata(s.URL, p, idp.Words{Scope: Scope, About: s.Says}, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return md
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post" action="?{{.}}"><button id="sign-in">Sign in</button></form>
`))

// signIn shows a button, and signs Person in when it is pressed.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Method == http.MethodGet && q.Get("auto") != "1" {
		_ = signInPage.Execute(w, template.URL(r.URL.RawQuery))
		return
	}
	resume, err := url.Parse(q.Get("resume"))
	if err != nil || resume.Host != "" || !strings.HasPrefix(resume.Path, "/saml/idp/") {
		http.Error(w, "resume", http.StatusBadRequest)
		return
	}
	setSession(w, s.World.Start(s.Person))
	http.Redirect(w, r, resume.String(), http.StatusSeeOther)
}

// signOut is what a program's sign-out page does.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		http.Error(w, "nobody", http.StatusUnauthorized)
		return
	}
	if err := s.Handler.BeginLogout(w, r, PlatformID, c.Value); err != nil {
		http.Error(w, "not signed out", http.StatusInternalServerError)
	}
}
