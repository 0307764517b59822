package wire_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const (
	us   = "https://here.example/slo"
	peer = "https://peer.example/metadata"
)

func signing(k samltest.Key) saml.SigningKey {
	return saml.SigningKey{Signer: k.Signer, Cert: k.Cert, State: saml.KeyActive}
}

func logoutRequest() wire.LogoutRequest {
	return wire.LogoutRequest{
		ID: "_r1", Issuer: peer, Destination: us, IssueInstant: samltest.Now(), NotOnOrAfter: samltest.Now().Add(5 * time.Minute),
		NameID:         wire.NameID{Value: "a & <b>", Format: "x:y", NameQualifier: "q:1", SPNameQualifier: "q:2"},
		SessionIndexes: []string{"_1", "_2"},
	}
}

func logoutResponse() wire.LogoutResponse {
	return wire.LogoutResponse{
		ID: "_a1", InResponseTo: "_r1", Issuer: peer, Destination: us, IssueInstant: samltest.Now(), Status: wire.StatusSuccess, SubStatus: wire.StatusPartialLogout,
	}
}

// carry sends a message by a binding and returns the request that a browser makes of it.
func carry(t testing.TB, o wire.Outgoing, binding wire.Binding) *http.Request {
	t.Helper()
	w := httptest.NewRecorder()
	if err := o.Send(w, httptest.NewRequest(http.MethodGet, "/", nil), binding, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if binding == wire.Redirect {
		if w.Code != http.StatusFound || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		return httptest.NewRequest(http.MethodGet, w.Header().Get("Location"), nil)
	}
	fields := url.Values{}
	for _, m := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(w.Body.String(), -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	return form(fields)
}

func form(fields url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, us, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func read(r *http.Request, params ...string) (wire.Incoming, error) {
	if len(params) == 0 {
		params = []string{wire.Request, wire.Response}
	}
	return wire.Read(httptest.NewRecorder(), r, params...)
}

func reasonOf(err error) saml.Reason {
	if ref := (*saml.Refusal)(nil); errors.As(err, &ref) {
		return ref.Reason
	}
	return ""
}

// TestRoundTrip: what one side sends the other reads, by both bindings, with both kinds of key, to addresses with and without a query.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]samltest.Key{"RSA": samltest.RSA(t, "wire", 2048), "ECDSA": samltest.EC(t, "wire-ec")} {
		for _, binding := range []wire.Binding{wire.Redirect, wire.Post} {
			for _, relay := range []string{"", "a&SigAlg=x <\"'> \u6f22+%41"} {
				t.Run(name+" "+string(binding)+" "+relay, func(t *testing.T) {
					t.Parallel()
					certs := []*x509.Certificate{samltest.RSA(t, "wire-other", 2048).Cert, key.Cert}
					open := func(o wire.Outgoing) []byte {
						o.Key, o.RelayState = signing(key), relay
						m, err := read(carry(t, o, binding))
						if err != nil {
							t.Fatal(err)
						}
						if !m.Signed() || m.Binding != binding || m.RelayState != relay || m.Name != o.Element.Tag || m.Param != o.Param {
							t.Errorf("%+v", m)
						}
						covered, err := m.Verified(certs)
						if err != nil {
							t.Fatal(err)
						}
						if _, err := m.Verified(certs[:1]); reasonOf(err) != saml.SignatureInvalid {
							t.Errorf("by another key: %v", err)
						}
						if _, err := m.Verified(nil); reasonOf(err) != saml.SignatureInvalid {
							t.Errorf("by nobody: %v", err)
						}
						return covered
					}
					want := wire.Expected{Issuer: peer, Destination: us, Now: samltest.Now()}
					q, err := wire.ParseLogoutRequest(open(wire.Outgoing{Param: wire.Request, Element: logoutRequest().Element(), Location: us}))
					if err != nil || q.Check(want) != nil {
						t.Fatal(err, q.Check(want))
					}
					if diff := cmp.Diff(logoutRequest(), q); diff != "" {
						t.Error(diff)
					}
					a, err := wire.ParseLogoutResponse(open(wire.Outgoing{Param: wire.Response, Element: logoutResponse().Element(), Location: us + "?x=1"}))
					if err != nil || a.Check(want) != nil {
						t.Fatal(err, a.Check(want))
					}
					if diff := cmp.Diff(logoutResponse(), a); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// redirect is a genuine signed address, in its parts.
func redirect(t testing.TB, key samltest.Key, e *etree.Element, relay string) string {
	t.Helper()
	out, err := wire.Outgoing{Param: wire.Request, Element: e, Location: us, RelayState: relay, Key: signing(key)}.RedirectURL(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func deflate(message []byte) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write(message)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// TestHostileRedirects: duplicated parameters, halves of signatures, things swapped under one (CVE-2025-27773, CVE-2025-31335), bombs.
// Attack classes: sign-on requests, by what carries them.
func TestHostileRedirects(t *testing.T) {
	t.Parallel()
	key, third := samltest.RSA(t, "wire", 2048), samltest.RSA(t, "wire-other", 2048)
	genuine := redirect(t, key, logoutRequest().Element(), "relay")
	set := func(name, value string) string {
		head, query, _ := strings.Cut(genuine, "?")
		parts := strings.Split(query, "&")
		for i, p := range parts {
			if strings.HasPrefix(p, name+"=") {
				parts[i] = name + "=" + value
			}
		}
		return head + "?" + strings.Join(parts, "&")
	}
	without := func(name string) string {
		return regexp.MustCompile(`&`+name+`=[^&]*`).ReplaceAllString(genuine, "")
	}
	signed, err := wire.Sign(logoutRequest().Element(), signing(key))
	if err != nil {
		t.Fatal(err)
	}
	other := logoutRequest()
	other.ID = "_r2"
	param := func(address, name string) string {
		u, _ := url.Parse(address)
		return url.QueryEscape(u.Query().Get(name))
	}
	plain := samltest.Write(t, logoutRequest().Element())
	for name, tc := range map[string]struct {
		address string
		reason  saml.Reason
	}{
		"genuine":                      {genuine, ""},
		"parameters in another order":  {us + "?Signature=" + param(genuine, "Signature") + "&SigAlg=" + param(genuine, "SigAlg") + "&RelayState=relay&SAMLRequest=" + param(genuine, "SAMLRequest"), ""},
		"parameter of somebody else":   {genuine + "&utm=1", ""},
		"relay state swapped":          {set("RelayState", "evil"), saml.SignatureInvalid},
		"relay state removed":          {without("RelayState"), saml.SignatureInvalid},
		"relay state spelled anew":     {set("RelayState", "r%65lay"), saml.SignatureInvalid},
		"message swapped":              {set("SAMLRequest", param(redirect(t, key, other.Element(), "relay"), "SAMLRequest")), saml.SignatureInvalid},
		"signature of another message": {set("Signature", param(redirect(t, key, other.Element(), "relay"), "Signature")), saml.SignatureInvalid},
		"signed by another":            {redirect(t, third, logoutRequest().Element(), "relay"), saml.SignatureInvalid},
		"algorithm swapped, longer":    {set("SigAlg", url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")), saml.SignatureInvalid},
		"algorithm swapped, EC":        {set("SigAlg", url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")), saml.SignatureInvalid},
		"SHA-1":                        {set("SigAlg", url.QueryEscape("http://www.w3.org/2000/09/xmldsig#rsa-sha1")), saml.AlgorithmRefused},
		"upper case":                   {set("SigAlg", url.QueryEscape("HTTP://WWW.W3.ORG/2001/04/XMLDSIG-MORE#RSA-SHA256")), saml.AlgorithmRefused},
		"no algorithm":                 {set("SigAlg", ""), saml.AlgorithmRefused},
		"half a signature: value":      {without("SigAlg"), saml.SignatureInvalid},
		"half a signature: name":       {without("Signature"), saml.SignatureInvalid},
		"unsigned":                     {strings.Split(without("SigAlg"), "&Signature")[0], saml.SignatureMissing},
		"empty signature":              {set("Signature", ""), saml.SignatureInvalid},
		"signature that is no base64":  {set("Signature", "!!"), saml.SignatureInvalid},
		"short signature":              {set("Signature", "AAAA"), saml.SignatureInvalid},
		"signature inside":             {us + "?SAMLRequest=" + url.QueryEscape(deflate(samltest.Write(t, signed))), saml.SignatureInvalid},
		"message repeated":             {genuine + "&SAMLRequest=x", saml.ResponseMalformed},
		"message repeated, escaped":    {genuine + "&SAML%52equest=x", saml.ResponseMalformed},
		"relay state repeated":         {genuine + "&RelayState=x", saml.ResponseMalformed},
		"anything repeated":            {genuine + "&a=1&a=2", saml.ResponseMalformed},
		"request and response":         {genuine + "&SAMLResponse=x", saml.ResponseMalformed},
		"artifact":                     {genuine + "&SAMLart=x", saml.ArtifactRefused},
		"request as response":          {strings.Replace(genuine, "SAMLRequest", "SAMLResponse", 1), saml.ResponseMalformed},
		"another encoding":             {genuine + "&SAMLEncoding=x", saml.ResponseMalformed},
		"the usual encoding":           {genuine + "&SAMLEncoding=urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE", ""},
		"no message":                   {us, saml.ResponseMalformed},
		"not base64":                   {us + "?SAMLRequest=!", saml.ResponseMalformed},
		"not deflated":                 {us + "?SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(plain)), saml.ResponseMalformed},
		"deflate bomb":                 {us + "?SAMLRequest=" + url.QueryEscape(deflate(bytes.Repeat([]byte(" "), 40<<20))), saml.ResponseTooLarge},
		"escape that is none":          {us + "?SAMLRequest=%zz", saml.ResponseMalformed},
		"name that is no escape":       {genuine + "&%zz=1", saml.ResponseMalformed},
		"endless query":                {genuine + "&x=" + strings.Repeat("x", 64<<10), saml.ResponseTooLarge},
		"endless relay state":          {us + "?RelayState=" + strings.Repeat("x", 2049) + "&SAMLRequest=" + url.QueryEscape(deflate(plain)), saml.ResponseMalformed},
		"document type":                {us + "?SAMLRequest=" + url.QueryEscape(deflate(append([]byte("<!DOCTYPE x>"), plain...))), saml.ResponseMalformed},
		"a response with an assertion": {us + "?SAMLResponse=" + url.QueryEscape(deflate(samltest.Recipe{Key: key}.Build(t))), saml.ResponseMalformed},
	} {
		m, err := read(httptest.NewRequest(http.MethodGet, tc.address, nil))
		if err == nil {
			_, err = m.Verified([]*x509.Certificate{key.Cert})
		}
		if got := reasonOf(err); got != tc.reason || (err == nil) != (tc.reason == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := read(httptest.NewRequest(http.MethodGet, genuine, nil), wire.Response); reasonOf(err) != saml.ResponseMalformed {
		t.Errorf("where only answers are taken: %v", err)
	}
	if _, err := read(httptest.NewRequest(http.MethodPut, genuine, nil)); reasonOf(err) != saml.MethodNotAllowed {
		t.Errorf("PUT: %v", err)
	}
}

// TestHostileForms is the same for the post binding.
func TestHostileForms(t *testing.T) {
	t.Parallel()
	key, third := samltest.RSA(t, "wire", 2048), samltest.RSA(t, "wire-other", 2048)
	sign := func(k samltest.Key) []byte {
		e, err := wire.Sign(logoutRequest().Element(), signing(k))
		if err != nil {
			t.Fatal(err)
		}
		return samltest.Write(t, e)
	}
	genuine := sign(key)
	fields := func(message []byte) url.Values {
		return url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(message)}, "RelayState": {"relay"}}
	}
	edit := func(old, fresh string) []byte { return bytes.Replace(genuine, []byte(old), []byte(fresh), 1) }
	twice := fields(genuine)
	twice.Add("SAMLRequest", "x")
	two := fields(genuine)
	two.Add("RelayState", "x")
	mixed := fields(genuine)
	mixed.Set("SAMLResponse", "x")
	artifact := fields(genuine)
	artifact.Set("SAMLart", "x")
	header := func(kind string) *http.Request {
		r := form(fields(genuine))
		r.Header.Set("Content-Type", kind)
		return r
	}
	query := func(q string) *http.Request {
		r := form(fields(genuine))
		r.URL.RawQuery = q
		return r
	}
	wrapped := url.Values{"SAMLRequest": {regexp.MustCompile(`.{60}`).ReplaceAllString(base64.StdEncoding.EncodeToString(genuine), "$0\r\n")}}
	for name, tc := range map[string]struct {
		r      *http.Request
		reason saml.Reason
	}{
		"genuine":                  {form(fields(genuine)), ""},
		"lines in the base64":      {form(wrapped), ""},
		"with a charset":           {header("application/x-www-form-urlencoded; charset=UTF-8"), ""},
		"unsigned":                 {form(fields(samltest.Write(t, logoutRequest().Element()))), saml.SignatureMissing},
		"signed by another":        {form(fields(sign(third))), saml.SignatureInvalid},
		"name changed":             {form(fields(edit("a &amp;", "b &amp;"))), saml.SignatureInvalid},
		"SHA-1":                    {form(fields(edit("xmldsig-more#rsa-sha256", "rsa-sha1"))), saml.AlgorithmRefused},
		"another algorithm":        {form(fields(edit("rsa-sha256", "rsa-sha512"))), saml.SignatureInvalid},
		"reference elsewhere":      {form(fields(edit(`URI="#_r1"`, `URI=""`))), saml.SignatureInvalid},
		"message repeated":         {form(twice), saml.ResponseMalformed},
		"relay state repeated":     {form(two), saml.ResponseMalformed},
		"request and response":     {form(mixed), saml.ResponseMalformed},
		"artifact":                 {form(artifact), saml.ArtifactRefused},
		"no message":               {form(url.Values{}), saml.ResponseMalformed},
		"not base64":               {form(url.Values{"SAMLRequest": {"!"}}), saml.ResponseMalformed},
		"another content type":     {header("text/plain"), saml.ResponseMalformed},
		"several parts":            {header("multipart/form-data; boundary=x"), saml.ResponseMalformed},
		"message in the query":     {query("SAMLRequest=x"), saml.ResponseMalformed},
		"relay state in the query": {query("RelayState=x"), saml.ResponseMalformed},
		"signature in the query":   {query("Signature=x"), saml.ResponseMalformed},
		"artifact in the query":    {query("SAMLart=x"), saml.ResponseMalformed},
		"endless form":             {form(url.Values{"x": {strings.Repeat("x", 513<<10)}}), saml.ResponseTooLarge},
		"endless message":          {form(fields(bytes.Repeat([]byte(" "), 257<<10))), saml.ResponseTooLarge},
		"nothing of XML":           {form(fields([]byte("x"))), saml.ResponseMalformed},
		"two signatures": {form(fields(func() []byte {
			e := samltest.Parse(t, genuine)
			e.AddChild(samltest.Child(e, "Signature").Copy())
			return samltest.Write(t, e)
		}())), saml.SignatureInvalid},
	} {
		m, err := read(tc.r)
		if err == nil {
			_, err = m.Verified([]*x509.Certificate{key.Cert})
		}
		if got := reasonOf(err); got != tc.reason || (err == nil) != (tc.reason == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLogoutMessages: what must be there, once, and within its bounds.
func TestLogoutMessages(t *testing.T) {
	t.Parallel()
	request, response := logoutRequest().Element(), logoutResponse().Element()
	for name, tc := range map[string]struct {
		root   *etree.Element
		change func(*etree.Element)
		reason saml.Reason
	}{
		"another message":  {response, func(*etree.Element) {}, saml.ResponseMalformed},
		"no name":          {request, func(e *etree.Element) { e.RemoveChild(samltest.Child(e, "NameID")) }, saml.ResponseMalformed},
		"two names":        {request, func(e *etree.Element) { e.CreateElement("saml:NameID").SetText("x") }, saml.ResponseMalformed},
		"empty name":       {request, func(e *etree.Element) { samltest.Child(e, "NameID").SetText(" ") }, saml.ResponseMalformed},
		"markup in it":     {request, func(e *etree.Element) { samltest.Child(e, "NameID").CreateElement("x") }, saml.ResponseMalformed},
		"endless name":     {request, func(e *etree.Element) { samltest.Child(e, "NameID").SetText(strings.Repeat("x", 1025)) }, saml.ResponseMalformed},
		"no issuer":        {request, func(e *etree.Element) { e.RemoveChild(samltest.Child(e, "Issuer")) }, saml.IssuerMismatch},
		"two issuers":      {request, func(e *etree.Element) { e.CreateElement("saml:Issuer").SetText("x") }, saml.IssuerMismatch},
		"no instant":       {request, func(e *etree.Element) { e.RemoveAttr("IssueInstant") }, saml.ResponseMalformed},
		"instant of words": {request, func(e *etree.Element) { e.CreateAttr("IssueInstant", "noon") }, saml.ResponseMalformed},
		"end of words":     {request, func(e *etree.Element) { e.CreateAttr("NotOnOrAfter", "noon") }, saml.ResponseMalformed},
		"another version":  {request, func(e *etree.Element) { e.CreateAttr("Version", "1.1") }, saml.VersionMismatch},
		"no ID":            {request, func(e *etree.Element) { e.RemoveAttr("ID") }, saml.ResponseMalformed},
		"endless ID":       {request, func(e *etree.Element) { e.CreateAttr("ID", strings.Repeat("x", 257)) }, saml.ResponseMalformed},
		"empty index":      {request, func(e *etree.Element) { e.CreateElement("samlp:SessionIndex") }, saml.ResponseMalformed},
		"endless index":    {request, func(e *etree.Element) { e.CreateElement("samlp:SessionIndex").SetText(strings.Repeat("x", 1025)) }, saml.ResponseMalformed},
		"endless indexes": {request, func(e *etree.Element) {
			for range 65 {
				e.CreateElement("samlp:SessionIndex").SetText("x")
			}
		}, saml.ResponseMalformed},
	} {
		e := tc.root.Copy()
		tc.change(e)
		if _, err := wire.ParseLogoutRequest(samltest.Write(t, e)); reasonOf(err) != tc.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*etree.Element){
		"no status":    func(e *etree.Element) { e.RemoveChild(samltest.Child(e, "Status")) },
		"two statuses": func(e *etree.Element) { e.AddChild(samltest.Child(e, "Status").Copy()) },
		"two codes":    func(e *etree.Element) { samltest.Child(e, "Status").CreateElement("samlp:StatusCode") },
	} {
		e := response.Copy()
		change(e)
		if _, err := wire.ParseLogoutResponse(samltest.Write(t, e)); reasonOf(err) != saml.ResponseMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLogoutTimes: SDP-G01 and how long a replay row must live.
func TestLogoutTimes(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) wire.Expected {
		return wire.Expected{Issuer: peer, Destination: us, Now: samltest.Now().Add(d)}
	}
	q := logoutRequest() // valid for five minutes
	for d, want := range map[time.Duration]saml.Reason{
		-4 * time.Minute: saml.AssertionNotYetValid, -2 * time.Minute: "", 0: "", 7 * time.Minute: "", 9 * time.Minute: saml.AssertionExpired,
	} {
		if err := q.Check(at(d)); reasonOf(err) != want {
			t.Errorf("after %s: %v", d, err)
		}
	}
	if until := q.UsableUntil(); until.Before(samltest.Now().Add(8*time.Minute)) || q.Check(at(until.Sub(samltest.Now()))) == nil {
		t.Errorf("usable until %s", until)
	}
	q.NotOnOrAfter = time.Time{}
	if q.Check(at(12*time.Minute)) != nil || reasonOf(q.Check(at(14*time.Minute))) != saml.AssertionExpired {
		t.Error("ten minutes and the skew")
	}
	if until := q.UsableUntil(); q.Check(at(until.Sub(samltest.Now())+time.Second)) == nil {
		t.Errorf("usable until %s", until)
	}
	for _, want := range []wire.Expected{{Issuer: "x", Destination: us, Now: samltest.Now()}, {Issuer: peer, Destination: us + "/", Now: samltest.Now()}, {Destination: us, Now: samltest.Now()}} {
		if q.Check(want) == nil {
			t.Errorf("%+v", want)
		}
	}
}

// FuzzRead: no address and no form makes reading panic, and what is read can be judged.
func FuzzRead(f *testing.F) {
	plain := samltest.Write(f, logoutRequest().Element())
	f.Add(false, "SAMLRequest="+url.QueryEscape(deflate(plain))+"&RelayState=x&SigAlg=y&Signature=AAAA")
	f.Add(true, "SAMLRequest="+url.QueryEscape(base64.StdEncoding.EncodeToString(plain)))
	f.Add(true, "SAMLRequest="+url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0" IssueInstant="2026-03-01T12:00:00Z"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">x</saml:Issuer></samlp:AuthnRequest>`))))
	cert := samltest.RSA(f, "wire", 2048).Cert
	f.Fuzz(func(t *testing.T, post bool, data string) {
		r := httptest.NewRequest(http.MethodGet, us, nil)
		if post {
			r = httptest.NewRequest(http.MethodPost, us, strings.NewReader(data))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		} else {
			r.URL.RawQuery = data
		}
		m, err := read(r)
		if err != nil {
			if reasonOf(err) == "" {
				t.Fatalf("no refusal: %v", err)
			}
			return
		}
		if _, err := m.Verified([]*x509.Certificate{cert}); err == nil {
			t.Fatal("forged")
		}
		for _, err := range []error{
			second(wire.ParseAuthnRequest(m.XML)), second(wire.ParseLogoutRequest(m.XML)), second(wire.ParseLogoutResponse(m.XML)),
		} {
			if err != nil && reasonOf(err) == "" {
				t.Fatalf("no refusal: %v", err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }
