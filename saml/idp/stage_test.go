package idp_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// peer is a service provider as far as the wire shows one.
type peer struct {
	id  string
	key samltest.Key
}

func (p peer) entity() string { return "https://" + p.id + ".example/metadata" }
func (p peer) acs() string    { return "https://" + p.id + ".example/acs" }
func (p peer) slo() string    { return "https://" + p.id + ".example/slo" }
func (p peer) slo2() string   { return "https://" + p.id + ".example/slo-answers" }
func (p peer) signing() saml.SigningKey {
	return saml.SigningKey{Signer: p.key.Signer, Cert: p.key.Cert, State: saml.KeyActive}
}

// metadata is the vendor's shape (domain 2.1): signed requests, signed assertions, ResponseLocations.
func (p peer) metadata() []byte {
	cert := base64.StdEncoding.EncodeToString(p.key.Cert.Raw)
	return []byte(fmt.Sprintf(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="%s">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true" WantAssertionsSigned="true">
<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="%s" ResponseLocation="%s"/>
<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s" ResponseLocation="%s"/>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s" index="0" isDefault="true"/>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s/second" index="3"/>
</md:SPSSODescriptor></md:EntityDescriptor>`, p.entity(), cert, p.slo(), p.slo2(), p.slo(), p.slo2(), p.acs(), p.acs()))
}

// stage is an identity provider with two service providers.
type stage struct {
	*idptest.Server

	t            *testing.T
	cloud, other peer
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		Server: idptest.Start(t, false), t: t,
		cloud: peer{"cloud", samltest.RSA(t, "cloud", 2048)}, other: peer{"other", samltest.RSA(t, "other", 2048)},
	}
	s.Register(t, "cloud", s.cloud.metadata())
	s.Register(t, "other", s.other.metadata())
	return s
}

// change alters a registration.
func (s *stage) change(id string, f func(*idp.ServiceProvider)) {
	s.t.Helper()
	p, err := s.ProviderByID(s.t.Context(), idptest.PlatformID, id)
	if err != nil {
		s.t.Fatal(err)
	}
	f(&p)
	s.SetProvider(p)
}

func (s *stage) entityID() string { return idp.EntityID(s.URL, idptest.PlatformID) }
func (s *stage) ssoURL() string   { return idp.SSOURL(s.URL, idptest.PlatformID) }
func (s *stage) sloURL() string   { return idp.SLOURL(s.URL, idptest.PlatformID) }

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return "_" + hex.EncodeToString(b)
}

// request returns an AuthnRequest of a peer, as it should be.
func (s *stage) request(p peer) *etree.Element {
	e := etree.NewElement("samlp:AuthnRequest")
	e.CreateAttr("xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol")
	e.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	e.CreateAttr("ID", newID())
	e.CreateAttr("Version", "2.0")
	e.CreateAttr("IssueInstant", s.Now().UTC().Format(time.RFC3339))
	e.CreateAttr("Destination", s.ssoURL())
	e.CreateAttr("AssertionConsumerServiceURL", p.acs())
	e.CreateElement("saml:Issuer").SetText(p.entity())
	return e
}

// redirect signs a message and puts it into an address.
func (s *stage) redirect(p peer, location string, e *etree.Element, relay string) string {
	s.t.Helper()
	param := wire.Request
	if e.Tag == "LogoutResponse" {
		param = wire.Response
	}
	target, err := wire.Outgoing{Param: param, Element: e, Location: location, RelayState: relay, Key: p.signing()}.RedirectURL(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	return target
}

// unsigned puts a message into an address without a signature.
func (s *stage) unsigned(location string, message []byte, relay string) string {
	s.t.Helper()
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write(message)
	_ = w.Close()
	q := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(b.Bytes())}}
	if relay != "" {
		q.Set("RelayState", relay)
	}
	return location + "?" + q.Encode()
}

// form signs a message inside and returns the fields that carry it.
func (s *stage) form(p peer, e *etree.Element, relay string) url.Values {
	s.t.Helper()
	param := wire.Request
	if e.Tag == "LogoutResponse" {
		param = wire.Response
	}
	signed, err := wire.Sign(e, p.signing())
	if err != nil {
		s.t.Fatal(err)
	}
	f := url.Values{param: {base64.StdEncoding.EncodeToString(samltest.Write(s.t, signed))}}
	if relay != "" {
		f.Set("RelayState", relay)
	}
	return f
}

// browser keeps cookies and follows redirects as long as they stay at the identity provider.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
	header http.Header // sent with every request
}

func (s *stage) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s.t, s.URL, &http.Client{
		Jar: jar, Transport: s.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, http.Header{}}
}

// page is where a browser ended: a page of the identity provider, or on its way to someone else.
type page struct {
	status   int
	reason   string
	body     string
	header   http.Header
	url      string // of the page
	away     string // where a redirect or a form leads
	fields   url.Values
	redirect bool
}

var (
	action = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hidden = regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`)
)

func (b *browser) open(address string) page {
	b.t.Helper()
	return b.follow(http.MethodGet, address, nil)
}

func (b *browser) post(address string, fields url.Values) page {
	b.t.Helper()
	return b.follow(http.MethodPost, address, fields)
}

func (b *browser) follow(method, address string, fields url.Values) page {
	b.t.Helper()
	for range 10 {
		p := b.once(method, address, fields)
		if !p.redirect || !strings.HasPrefix(p.away, b.base) {
			return p
		}
		method, address, fields = http.MethodGet, p.away, nil
	}
	b.t.Fatal("a loop")
	return page{}
}

// once makes one request.
func (b *browser) once(method, address string, fields url.Values) page {
	b.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	for k, v := range b.header {
		req.Header[k] = v
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{status: resp.StatusCode, reason: resp.Header.Get("X-Reason"), body: string(body), header: resp.Header, url: address, fields: url.Values{}}
	if loc, err := resp.Location(); err == nil {
		p.away, p.redirect = loc.String(), true
		return p
	}
	if m := action.FindStringSubmatch(p.body); m != nil {
		p.away = html.UnescapeString(m[1])
		for _, f := range hidden.FindAllStringSubmatch(p.body, -1) {
			p.fields.Set(f[1], html.UnescapeString(f[2]))
		}
	}
	return p
}

// cookie reads one of the browser's cookies.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.base)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// signIn presses the button of the sign-in page.
func (b *browser) signIn(p page) page {
	b.t.Helper()
	if !strings.Contains(p.url, idptest.SignInPath) {
		b.t.Fatalf("no sign-in page: %d %s %s", p.status, p.reason, p.url)
	}
	return b.post(p.url, url.Values{})
}

// message decodes what a page carries away: the XML of a form or of a redirect.
func (p page) message(t testing.TB) []byte {
	t.Helper()
	if p.redirect {
		u, err := url.Parse(p.away)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		raw, err := base64.StdEncoding.DecodeString(q.Get("SAMLRequest") + q.Get("SAMLResponse"))
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	raw, err := base64.StdEncoding.DecodeString(p.fields.Get("SAMLResponse") + p.fields.Get("SAMLRequest"))
	if err != nil || len(raw) == 0 {
		t.Fatalf("no message: %d %s %s", p.status, p.reason, p.body)
	}
	return raw
}

// statusOf returns the status codes of a response, top level first.
func statusOf(t testing.TB, message []byte) (codes []string) {
	t.Helper()
	root := samltest.Parse(t, message)
	for e := samltest.Find(t, root, "StatusCode"); e != nil; e = samltest.Child(e, "StatusCode") {
		v := e.SelectAttrValue("Value", "")
		codes = append(codes, v[strings.LastIndexByte(v, ':')+1:])
	}
	return codes
}

func signElement(e *etree.Element, p peer) (*etree.Element, error) { return wire.Sign(e, p.signing()) }

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
