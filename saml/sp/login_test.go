package sp_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/partnergraph/partnergraph/examples/storefront/idp"
	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/sp/sptest"
)

// stage is a cloud and two storefronts on real sockets, with TLS because the cookie demands it.
type stage struct {
	t      *testing.T
	world  *sptest.World
	cloud  *httptest.Server
	shift  atomic.Int64 // moves the cloud's clock, in nanoseconds
	person idp.Person
	idps   map[string]*idp.Provider
	held   sync.Map // platform id to the copy of our metadata that it goes on with; without one it fetches it each time
}

const bpid = "0123456789abcdef0123456789abcdef"

func alice() idp.Person {
	return idp.Person{UserID: "user-alice", AccountID: "account-alice", BPID: bpid, Name: "Alice <b>", Email: "alice@storefront.example", SessionID: "s1"}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, person: alice(), idps: map[string]*idp.Provider{}}
	now := func() time.Time { return time.Now().Add(time.Duration(s.shift.Load())) }
	s.world = &sptest.World{Now: now, AllowServices: []string{"https://console.cloud.example/app"}}
	var handler http.Handler
	s.cloud = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.cloud.Close)
	cfg := s.world.Config(s.cloud.URL)
	cfg.Logger = slog.New(slog.DiscardHandler)
	h, err := sp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	handler = h
	s.addPlatform("storefront", "idp")
	s.addPlatform("rival", "rival-idp")
	return s
}

// addPlatform starts an identity provider and connects it.
func (s *stage) addPlatform(id, key string) {
	s.t.Helper()
	k := samltest.RSA(s.t, key, 2048)
	var provider *idp.Provider
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	s.t.Cleanup(srv.Close)
	provider, err := idp.New(idp.Config{
		EntityID: srv.URL + "/metadata", SSOURL: srv.URL + "/saml/login", Key: k.Signer.(*rsa.PrivateKey), Cert: k.Cert,
		SPMetadata: func(context.Context) ([]byte, error) {
			if copied, ok := s.held.Load(id); ok {
				return copied.([]byte), nil
			}
			return s.get("/saml/sp/" + id + "/metadata"), nil
		},
		Person: func(r *http.Request) (idp.Person, bool) {
			_, err := r.Cookie("signed-in")
			return s.person, err == nil
		},
		LoginPage: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "signed-in", Value: "1", Path: "/", Secure: true})
			http.Redirect(w, r, r.URL.String(), http.StatusSeeOther)
		}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.idps[id] = provider
	s.world.SetConnection(s.connection(id))
}

func (s *stage) connection(id string) sp.Connection {
	k := samltest.RSA(s.t, "sp-"+id, 2048)
	return sp.Connection{
		PlatformID: id, PartnerBPID: bpid, IdPMetadata: s.idps[id].Metadata(),
		Keys: []saml.SigningKey{{Signer: k.Signer, Cert: k.Cert, State: saml.KeyActive}},
	}
}

func (s *stage) get(path string) []byte {
	s.t.Helper()
	resp, err := s.cloud.Client().Get(s.cloud.URL + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %d %v", path, resp.StatusCode, err)
	}
	return body
}

// browser is a cookie-keeping client that follows redirects between the hosts and submits self-submitting forms when told to.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{
		Jar:       jar,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // throw-away certificates on loopback
	}}
}

type page struct {
	status int
	reason string
	body   string
	header http.Header
}

func (b *browser) do(req *http.Request, follow bool) page {
	b.t.Helper()
	c := *b.client
	if !follow {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	resp, err := c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Header.Get("X-Reason"), string(body), resp.Header}
}

func (b *browser) open(address string) page {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req, true)
}

func (b *browser) post(address string, form url.Values) page {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req, false)
}

var (
	formAction = regexp.MustCompile(`action="([^"]+)"`)
	formField  = regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`)
)

// form reads a self-submitting page.
func form(t *testing.T, p page) (action string, fields url.Values) {
	t.Helper()
	m := formAction.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no form: %d %s", p.status, p.body)
	}
	fields = url.Values{}
	for _, f := range formField.FindAllStringSubmatch(p.body, -1) {
		fields.Set(f[1], html.UnescapeString(f[2]))
	}
	return html.UnescapeString(m[1]), fields
}

// signIn walks a browser through a login up to the form that would be posted to the consumer.
func (s *stage) signIn(b *browser, query string) (action string, fields url.Values) {
	s.t.Helper()
	return form(s.t, b.open(s.cloud.URL+"/saml/login?"+query))
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := newBrowser(t)
	action, fields := s.signIn(b, "xAccountType=storefront&isFirstLogin=true&service="+url.QueryEscape("https://console.cloud.example/app/orders?x=1#top"))
	if want := s.cloud.URL + "/saml/sp/storefront/acs"; action != want {
		t.Fatalf("form posts to %s", action)
	}
	got := b.post(action, fields)
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "https://console.cloud.example/app/orders?x=1#top" {
		t.Fatalf("%d %s to %q", got.status, got.reason, got.header.Get("Location"))
	}
	want := []sp.Arrival{{
		PlatformID: "storefront", XAccountID: "account-alice", XUserID: "user-alice", BPID: bpid, Name: "Alice <b>", Email: "alice@storefront.example",
		Attributes: map[string][]string{
			"xUserId": {"user-alice"}, "xAccountId": {"account-alice"}, "bpId": {bpid}, "name": {"Alice <b>"}, "email": {"alice@storefront.example"},
		},
		NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient", SessionIndex: "s1", FirstLogin: true,
		Service: "https://console.cloud.example/app/orders?x=1#top",
	}}
	if diff := cmp.Diff(want, s.world.Arrivals(), cmpopts.IgnoreFields(sp.Arrival{}, "NameID", "AssertionID")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"storefront LOGIN_STARTED false", "storefront LOGIN_ACCEPTED true"}, s.world.AuditLines()); diff != "" {
		t.Error(diff)
	}
	if n := len(s.world.Parked()); n != 0 {
		t.Errorf("%d logins still parked", n)
	}
}

// TestLoginByPost: a platform whose metadata offers no redirect binding gets a form with a signature inside the request.
func TestLoginByPost(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	c := s.connection("storefront")
	md, _, err := saml.ParseIdPMetadata(c.IdPMetadata)
	if err != nil {
		t.Fatal(err)
	}
	md.SSORedirectURL = ""
	c.IdP = &md
	k := samltest.RSA(t, "sp-storefront", 2048)
	c.Keys[0].Cert = samltest.Certificate(t, k.Signer, "sp", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	s.world.SetConnection(c)
	b := newBrowser(t)
	action, fields := s.signIn(b, "xAccountType=storefront")
	req, err := http.NewRequest(http.MethodPost, action, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	action, fields = form(t, b.do(req, true))
	if got := b.post(action, fields); got.status != http.StatusSeeOther || got.header.Get("Location") != "/home" {
		t.Fatalf("%d %s", got.status, got.reason)
	}
}

// TestParallelTabs: two logins in one browser both finish, in either order.
func TestParallelTabs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := newBrowser(t)
	action1, fields1 := s.signIn(b, "xAccountType=storefront")
	action2, fields2 := s.signIn(b, "xAccountType=rival")
	for _, p := range []page{b.post(action2, fields2), b.post(action1, fields1)} {
		if p.status != http.StatusSeeOther {
			t.Errorf("%d %s", p.status, p.reason)
		}
	}
}

func TestCookieBindsTheBrowser(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	req, err := http.NewRequest(http.MethodGet, s.cloud.URL+"/saml/login?xAccountType=storefront", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newBrowser(t).do(req, false)
	cookie := p.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-pg-login=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=None"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie %q lacks %q", cookie, want)
		}
	}
	if strings.Contains(cookie, "Domain=") {
		t.Errorf("cookie %q has a domain", cookie)
	}
	if p.status != http.StatusFound || !strings.Contains(p.header.Get("Location"), "&RelayState=") || !strings.Contains(p.header.Get("Location"), "&Signature=") {
		t.Errorf("%d to %q", p.status, p.header.Get("Location"))
	}
}

func TestLoginLink(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	off := s.connection("rival")
	off.PlatformID, off.Disabled = "off", true
	s.world.SetConnection(off)
	broken := s.connection("rival")
	broken.PlatformID, broken.IdPMetadata = "broken", []byte("<x/>")
	s.world.SetConnection(broken)
	keyless := s.connection("rival")
	keyless.PlatformID, keyless.Keys = "keyless", nil
	s.world.SetConnection(keyless)
	for name, tc := range map[string]struct {
		query  string
		status int
		reason saml.Reason
	}{
		"no platform":            {"", 400, saml.LoginLinkInvalid},
		"unknown platform":       {"xAccountType=nobody", 404, saml.UnknownPlatform},
		"platform id with path":  {"xAccountType=..%2Fx", 404, saml.UnknownPlatform},
		"platform twice":         {"xAccountType=storefront&xAccountType=rival", 400, saml.LoginLinkInvalid},
		"first login unclear":    {"xAccountType=storefront&isFirstLogin=1", 400, saml.LoginLinkInvalid},
		"broken escape":          {"xAccountType=storefront&service=%zz", 400, saml.LoginLinkInvalid},
		"disabled":               {"xAccountType=off", 403, saml.PlatformDisabled},
		"unusable metadata":      {"xAccountType=broken", 502, saml.MetadataInvalid},
		"no key":                 {"xAccountType=keyless", 500, saml.SigningKeyMissing},
		"foreign service":        {"xAccountType=storefront&service=https%3A%2F%2Fevil.example", 400, saml.ServiceNotAllowed},
		"service without scheme": {"xAccountType=storefront&service=%2F%2Fevil.example", 400, saml.ServiceNotAllowed},
		"script as service":      {"xAccountType=storefront&service=javascript%3Aalert(1)", 400, saml.ServiceNotAllowed},
		"host that only begins":  {"xAccountType=storefront&service=https%3A%2F%2Fconsole.cloud.example.evil.example%2Fapp", 400, saml.ServiceNotAllowed},
		"user name before host":  {"xAccountType=storefront&service=https%3A%2F%2Fconsole.cloud.example%40evil.example%2Fapp", 400, saml.ServiceNotAllowed},
		"path that only begins":  {"xAccountType=storefront&service=https%3A%2F%2Fconsole.cloud.example%2Fapplication", 400, saml.ServiceNotAllowed},
		"path that climbs":       {"xAccountType=storefront&service=https%3A%2F%2Fconsole.cloud.example%2Fapp%2F..%2Fx", 400, saml.ServiceNotAllowed},
		"path that climbs, sly":  {"xAccountType=storefront&service=https%3A%2F%2Fconsole.cloud.example%2Fapp%2F%252e%252e%2Fx", 400, saml.ServiceNotAllowed},
		"backslash":              {"xAccountType=storefront&service=https%3A%2F%2Fconsole.cloud.example%5C%40evil.example%2Fapp", 400, saml.ServiceNotAllowed},
		"line break":             {"xAccountType=storefront&service=https%3A%2F%2Fconsole.cloud.example%2Fapp%0D%0AX%3A1", 400, saml.ServiceNotAllowed},
		"plain http":             {"xAccountType=storefront&service=http%3A%2F%2Fconsole.cloud.example%2Fapp", 400, saml.ServiceNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newBrowser(t).open(s.cloud.URL + "/saml/login?" + tc.query)
			if p.status != tc.status || p.reason != string(tc.reason) {
				t.Errorf("%d %s, want %d %s", p.status, p.reason, tc.status, tc.reason)
			}
			if strings.Contains(p.header.Get("Set-Cookie"), sp.CookieName) && tc.reason != saml.SigningKeyMissing {
				t.Error("a refused login set the cookie")
			}
		})
	}
}

// decoded returns the posted response for changing.
func decoded(t *testing.T, fields url.Values) []byte {
	t.Helper()
	msg, err := base64.StdEncoding.DecodeString(fields.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func with(fields url.Values, name, value string) url.Values {
	out := url.Values{}
	for k, v := range fields {
		out[k] = append([]string(nil), v...)
	}
	out.Set(name, value)
	return out
}

// TestAnswer: one genuine answer, one thing done to it or around it, and the verdict.
// Attack classes: replay, login CSRF, identity provider mix-up, relay state, InResponseTo.
func TestAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		person func(*idp.Person)
		answer func(t *testing.T, s *stage, b *browser, action string, fields url.Values) page
		status int
		reason saml.Reason
	}{
		"untouched": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page { return b.post(a, f) }, status: 303},
		"posted twice": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			b.post(a, f)
			return b.post(a, f)
		}, status: 400, reason: saml.LoginUnknown},
		"replayed into another login": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			b.post(a, f)
			_, f2 := s.signIn(b, "xAccountType=storefront")
			return b.post(a, with(f2, "SAMLResponse", f.Get("SAMLResponse")))
		}, status: 400, reason: saml.InResponseToMismatch},
		"in another browser": {answer: func(t *testing.T, _ *stage, _ *browser, a string, f url.Values) page {
			return newBrowser(t).post(a, f)
		}, status: 403, reason: saml.BrowserMismatch},
		"in a browser with a login of its own": {answer: func(t *testing.T, s *stage, _ *browser, a string, f url.Values) page {
			victim := newBrowser(t)
			s.signIn(victim, "xAccountType=storefront")
			return victim.post(a, f)
		}, status: 403, reason: saml.BrowserMismatch},
		"relay state of the victim, answer of the attacker": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			victim := newBrowser(t)
			_, own := s.signIn(victim, "xAccountType=storefront")
			return victim.post(a, with(own, "SAMLResponse", f.Get("SAMLResponse")))
		}, status: 400, reason: saml.InResponseToMismatch},
		"at another platform's address": {answer: func(_ *testing.T, s *stage, b *browser, _ string, f url.Values) page {
			return b.post(s.cloud.URL+"/saml/sp/rival/acs", f)
		}, status: 400, reason: saml.LoginUnknown},
		"answer of another platform": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			_, rival := s.signIn(b, "xAccountType=rival")
			return b.post(a, with(f, "SAMLResponse", rival.Get("SAMLResponse")))
		}, status: 400, reason: saml.SignatureInvalid},
		"assertion seen before": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			id := samltest.Find(t, samltest.Parse(t, decoded(t, f)), "Assertion").SelectAttrValue("ID", "")
			if first, err := s.world.Once(t.Context(), "storefront", id, time.Now().Add(time.Hour)); !first || err != nil {
				t.Fatal(first, err)
			}
			return b.post(a, f)
		}, status: 400, reason: saml.Replayed},
		"metadata replaced meanwhile": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			c := s.connection("storefront")
			c.IdPMetadata = s.idps["rival"].Metadata()
			s.world.SetConnection(c)
			return b.post(a, f)
		}, status: 400, reason: saml.IssuerMismatch},
		"rival metadata under the same entityID": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			c := s.connection("storefront")
			md, _, err := saml.ParseIdPMetadata(s.idps["rival"].Metadata())
			if err != nil {
				t.Fatal(err)
			}
			own, _, err := saml.ParseIdPMetadata(c.IdPMetadata)
			if err != nil {
				t.Fatal(err)
			}
			md.EntityID = own.EntityID
			c.IdP = &md
			s.world.SetConnection(c)
			return b.post(a, f)
		}, status: 400, reason: saml.SignatureInvalid},
		"disabled meanwhile": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			c := s.connection("storefront")
			c.Disabled = true
			s.world.SetConnection(c)
			return b.post(a, f)
		}, status: 403, reason: saml.PlatformDisabled},
		"deleted meanwhile": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			s.world.DropConnection("storefront")
			return b.post(a, f)
		}, status: 404, reason: saml.UnknownPlatform},
		"too late": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			s.shift.Store(int64(16 * time.Minute))
			return b.post(a, f)
		}, status: 400, reason: saml.LoginExpired},
		"assertion over, login not": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			s.shift.Store(int64(9 * time.Minute))
			return b.post(a, f)
		}, status: 400, reason: saml.AssertionExpired},
		"unsolicited": {answer: func(t *testing.T, s *stage, b *browser, a string, f url.Values) page {
			f.Del("RelayState")
			return b.post(a, f)
		}, status: 400, reason: saml.UnsolicitedResponse},
		"address as relay state": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.post(a, with(f, "RelayState", "https://evil.example"))
		}, status: 400, reason: saml.LoginUnknown},
		"long relay state": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.post(a, with(f, "RelayState", strings.Repeat("a", 5000)))
		}, status: 400, reason: saml.LoginUnknown},
		"by GET": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.open(a + "?" + f.Encode())
		}, status: 405, reason: saml.MethodNotAllowed},
		"artifact in the query": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.post(a+"?SAMLart=x", f)
		}, status: 400, reason: saml.ArtifactRefused},
		"artifact in the form": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.post(a, with(f, "SAMLart", "x"))
		}, status: 400, reason: saml.ArtifactRefused},
		"two responses": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			f.Add("SAMLResponse", f.Get("SAMLResponse"))
			return b.post(a, f)
		}, status: 400, reason: saml.ResponseMalformed},
		"request beside the response": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.post(a, with(f, "SAMLRequest", "x"))
		}, status: 400, reason: saml.ResponseMalformed},
		"not base64": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.post(a, with(f, "SAMLResponse", "%%%"))
		}, status: 400, reason: saml.ResponseMalformed},
		"form too large": {answer: func(_ *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			return b.post(a, with(f, "SAMLResponse", strings.Repeat("A", 600<<10)))
		}, status: 413, reason: saml.ResponseTooLarge},
		"changed": {answer: func(t *testing.T, _ *stage, b *browser, a string, f url.Values) page {
			msg := bytes.Replace(decoded(t, f), []byte("account-alice"), []byte("account-mallo"), 1)
			return b.post(a, with(f, "SAMLResponse", base64.StdEncoding.EncodeToString(msg)))
		}, status: 400, reason: saml.SignatureInvalid},

		"bpId of another partner":  {person: func(p *idp.Person) { p.BPID = strings.Repeat("f", 32) }, status: 403, reason: saml.PartnerMismatch},
		"no account":               {person: func(p *idp.Person) { p.AccountID = "" }, status: 400, reason: saml.AttributeMissing},
		"no user":                  {person: func(p *idp.Person) { p.UserID = "" }, status: 400, reason: saml.AttributeMissing},
		"no bpId":                  {person: func(p *idp.Person) { p.BPID = "" }, status: 400, reason: saml.AttributeMissing},
		"account too long":         {person: func(p *idp.Person) { p.AccountID = strings.Repeat("a", 129) }, status: 400, reason: saml.AttributeInvalid},
		"invisible sign in a key":  {person: func(p *idp.Person) { p.AccountID = "acc\u200bount" }, status: 400, reason: saml.AttributeInvalid},
		"control sign in a name":   {person: func(p *idp.Person) { p.Name = "a\u0085b" }, status: 400, reason: saml.AttributeInvalid},
		"joiner in a name is fine": {person: func(p *idp.Person) { p.Name = "a\u200cb" }, status: 303},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if tc.person != nil {
				tc.person(&s.person)
			}
			b := newBrowser(t)
			action, fields := s.signIn(b, "xAccountType=storefront")
			var p page
			if tc.answer != nil {
				p = tc.answer(t, s, b, action, fields)
			} else {
				p = b.post(action, fields)
			}
			if p.status != tc.status || p.reason != string(tc.reason) {
				t.Fatalf("%d %q, want %d %q", p.status, p.reason, tc.status, tc.reason)
			}
			if tc.status == http.StatusSeeOther {
				return
			}
			for _, secret := range []string{"alice", "<saml"} {
				if strings.Contains(p.body, secret) {
					t.Errorf("the page echoes %q", secret)
				}
			}
			lines := s.world.AuditLines()
			if last := lines[len(lines)-1]; !strings.Contains(last, " "+string(tc.reason)+" ") {
				t.Errorf("audit line %q", last)
			}
		})
	}
}
