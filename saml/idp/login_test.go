package idp_test

import (
	"crypto"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// verified opens an answer as a strict service provider does.
func (s *stage) verified(p peer, message []byte, requestID string, change ...func(*verify.Expect)) verify.Verified {
	s.t.Helper()
	want := verify.Expect{
		Issuer: s.entityID(), Audience: p.entity(), ACS: p.acs(), RequestID: requestID, Certificates: s.certs(), Now: s.Now(),
		Keys: []crypto.Decrypter{p.key.Signer.(crypto.Decrypter)},
	}
	for _, c := range change {
		c(&want)
	}
	v, err := verify.Response(message, want)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, message)
	}
	return v
}

func (s *stage) certs() []*x509.Certificate {
	md, _, err := saml.ParseIdPMetadata(s.Metadata(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	return md.SigningCerts
}

// login goes through the whole trip and returns the answer.
func (s *stage) login(b *browser, p peer, e *etree.Element, relay string) page {
	s.t.Helper()
	got := b.open(s.redirect(p, s.ssoURL(), e, relay))
	if strings.Contains(got.url, idptest.SignInPath) {
		got = b.signIn(got)
	}
	return got
}

// TestLogin: SDP-IDP02, IIP-SSO02, SDP-IDP09, SDP-IDP10, SDP-IDP18, SDP-IDP19, SDP-IDP20 and domain 2.4, with the form of the request either way.
func TestLogin(t *testing.T) {
	t.Parallel()
	for _, binding := range []string{"redirect", "post"} {
		t.Run(binding, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			b := s.browser()
			e := s.request(s.cloud)
			id := e.SelectAttrValue("ID", "")
			relay := "what?&=<they> gave"
			var p page
			if binding == "redirect" {
				p = b.open(s.redirect(s.cloud, s.ssoURL(), e, relay))
			} else {
				p = b.post(s.ssoURL(), s.form(s.cloud, e, relay))
			}
			p = b.signIn(p)
			if p.status != http.StatusOK || p.away != s.cloud.acs() || p.fields.Get("RelayState") != relay || len(p.fields) != 2 {
				t.Fatalf("%d %s %s %v", p.status, p.reason, p.away, p.fields)
			}
			message := p.message(t)
			v := s.verified(s.cloud, message, id)
			if !v.ResponseSigned || v.Encrypted || v.SessionIndex == "" {
				t.Errorf("%+v", v)
			}
			got := map[string]string{}
			for _, a := range v.Assertion.AttributeStatements[0].Attributes {
				if len(a.Values) != 1 || a.NameFormat != "urn:oasis:names:tc:SAML:2.0:attrname-format:uri" {
					t.Errorf("%+v", a)
				}
				got[a.Name] = a.Values[0].Value
			}
			alice := idptest.Alice()
			if diff := cmp.Diff(map[string]string{
				"xUserId": alice.UserID, "xAccountId": alice.AccountID, "bpId": samltest.BPID, "name": alice.Name, "email": alice.Email, "mobile": alice.Mobile,
			}, got); diff != "" {
				t.Error(diff)
			}
			text := string(message)
			for part, n := range map[string]int{
				"<saml:Assertion ": 1, "<saml:AuthnStatement ": 1, "<saml:AttributeStatement>": 1, "<ds:Signature ": 2,
				"Address": 0, "SubjectLocality": 0, "rsa-sha256": 2, "ses_": 0, "usr_": 0,
			} {
				if c := strings.Count(text, part); c != n {
					t.Errorf("%d times %q, want %d", c, part, n)
				}
			}
			a := v.Assertion
			if d := a.Conditions.NotOnOrAfter.Sub(a.IssueInstant); d != 5*time.Minute {
				t.Errorf("usable for %s", d)
			}
			if a.AuthnStatements[0].SessionNotOnOrAfter == nil || a.Subject.NameID.Format != "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" {
				t.Errorf("%+v", a.AuthnStatements[0])
			}
			joined := s.Participants()
			if len(joined) != 1 || joined[0].SessionIndex != v.SessionIndex || joined[0].NameID.Value != a.Subject.NameID.Value || joined[0].ProviderID != "cloud" {
				t.Errorf("%+v", joined)
			}
			if len(s.Parked()) != 0 || b.cookie(idp.CookieName) != "" {
				t.Error("the request is still parked")
			}
			if diff := cmp.Diff([]string{"storefront cloud REQUEST_PARKED", "storefront cloud REQUEST_ANSWERED " + a.ID}, s.AuditLines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRefusedRequests is the attack corpus "IdP request side" and the rules of saml.md 3b on requests that get no answer at all.
// Attack classes: sign-on requests.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	attr := func(name, value string) func(*etree.Element) {
		return func(e *etree.Element) {
			e.RemoveAttr(name)
			if value != "" {
				e.CreateAttr(name, value)
			}
		}
	}
	for name, tc := range map[string]struct {
		change func(*etree.Element)
		reason saml.Reason
	}{
		"I01: no issuer":                        {func(e *etree.Element) { e.RemoveChild(samltest.Child(e, "Issuer")) }, saml.IssuerMismatch},
		"two issuers":                           {func(e *etree.Element) { e.CreateElement("saml:Issuer").SetText("https://x.example") }, saml.IssuerMismatch},
		"empty issuer":                          {func(e *etree.Element) { samltest.Child(e, "Issuer").SetText("") }, saml.UnknownServiceProvider},
		"unknown service provider":              {func(e *etree.Element) { samltest.Child(e, "Issuer").SetText("https://nobody.example") }, saml.UnknownServiceProvider},
		"issuer of another format":              {func(e *etree.Element) { samltest.Child(e, "Issuer").CreateAttr("Format", "x:y") }, saml.IssuerMismatch},
		"SDP-IDP05: signed by another":          {func(e *etree.Element) { samltest.Child(e, "Issuer").SetText("https://other.example/metadata") }, saml.SignatureInvalid},
		"SDP-IDP06: foreign consumer":           {attr("AssertionConsumerServiceURL", "https://evil.example/acs"), saml.ConsumerUnknown},
		"consumer of another service provider":  {attr("AssertionConsumerServiceURL", "https://other.example/acs"), saml.ConsumerUnknown},
		"script as consumer":                    {attr("AssertionConsumerServiceURL", "javascript:alert(1)"), saml.ConsumerUnknown},
		"consumer with a suffix":                {attr("AssertionConsumerServiceURL", "https://cloud.example/acs?x"), saml.ConsumerUnknown},
		"I04: index beside address, Core 3.4.1": {attr("AssertionConsumerServiceIndex", "0"), saml.RequestInvalid},
		"I04b: unknown index": {func(e *etree.Element) {
			attr("AssertionConsumerServiceURL", "")(e)
			attr("AssertionConsumerServiceIndex", "9")(e)
		}, saml.ConsumerUnknown},
		"I04c: index that is no number": {func(e *etree.Element) {
			attr("AssertionConsumerServiceURL", "")(e)
			attr("AssertionConsumerServiceIndex", "-1")(e)
		}, saml.RequestInvalid},
		"index beside binding, Core 3.4.1": {func(e *etree.Element) {
			attr("AssertionConsumerServiceURL", "")(e)
			attr("AssertionConsumerServiceIndex", "0")(e)
			attr("ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")(e)
		}, saml.RequestInvalid},
		"artifact binding":                     {attr("ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"), saml.RequestInvalid},
		"Bind 3.4.5.2: signed without address": {attr("Destination", ""), saml.DestinationMismatch},
		"addressed to another":                 {attr("Destination", "https://elsewhere.example/sso"), saml.DestinationMismatch},
		"addressed by path only, F13":          {attr("Destination", "/saml/idp/storefront/sso"), saml.DestinationMismatch},
		"I08: too old":                         {attr("IssueInstant", time.Now().Add(-14*time.Minute).UTC().Format(time.RFC3339)), saml.AssertionExpired},
		"I14: from the future":                 {attr("IssueInstant", time.Now().Add(4*time.Minute).UTC().Format(time.RFC3339)), saml.AssertionNotYetValid},
		"no instant":                           {attr("IssueInstant", ""), saml.ResponseMalformed},
		"another version":                      {attr("Version", "1.1"), saml.VersionMismatch},
		"no version":                           {attr("Version", ""), saml.VersionMismatch},
		"no ID":                                {attr("ID", ""), saml.ResponseMalformed},
		"boolean that is none":                 {attr("ForceAuthn", "maybe"), saml.ResponseMalformed},
		"policy twice":                         {func(e *etree.Element) { e.CreateElement("samlp:NameIDPolicy"); e.CreateElement("samlp:NameIDPolicy") }, saml.ResponseMalformed},
		"too many contexts": {func(e *etree.Element) {
			c := e.CreateElement("samlp:RequestedAuthnContext")
			for range 17 {
				c.CreateElement("saml:AuthnContextClassRef").SetText("x:y")
			}
		}, saml.ResponseMalformed},
		"assertion inside":      {func(e *etree.Element) { e.CreateElement("saml:Assertion").CreateAttr("ID", "_x") }, saml.ResponseMalformed},
		"comment in the issuer": {func(e *etree.Element) { samltest.Child(e, "Issuer").CreateComment("x") }, saml.ResponseMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			e := s.request(s.cloud)
			tc.change(e)
			if p := s.browser().open(s.redirect(s.cloud, s.ssoURL(), e, "r")); p.reason != string(tc.reason) || p.status != tc.reason.Status() {
				t.Errorf("redirect: %d %s %s", p.status, p.reason, p.url)
			}
			if name != "no ID" && name != "comment in the issuer" { // these cannot be signed inside
				e = s.request(s.cloud)
				tc.change(e)
				if p := s.browser().post(s.ssoURL(), s.form(s.cloud, e, "r")); p.reason != string(tc.reason) || p.status != tc.reason.Status() {
					t.Errorf("post: %d %s %s", p.status, p.reason, p.url)
				}
			}
			if len(s.Parked()) != 0 {
				t.Error("parked all the same")
			}
		})
	}
}

// TestSignatureRules: SDP-IDP04, SDP-IDP05 and SDP-IDP32.
func TestSignatureRules(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	signs := func(yes bool) {
		s.change("cloud", func(p *idp.ServiceProvider) { p.Metadata.AuthnRequestsSigned = yes })
	}
	plain := func() string { return s.unsigned(s.ssoURL(), samltest.Write(t, s.request(s.cloud)), "r") }
	signed := func() string { return s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "r") }
	another := peer{"cloud", samltest.RSA(t, "third", 2048)}
	swap := func(address, name, value string) string {
		u, _ := url.Parse(address)
		parts := strings.Split(u.RawQuery, "&")
		for i, part := range parts {
			if strings.HasPrefix(part, name+"=") {
				parts[i] = name + "=" + url.QueryEscape(value)
			}
		}
		u.RawQuery = strings.Join(parts, "&")
		return u.String()
	}
	inside := func() string {
		e, err := signElement(s.request(s.cloud), s.cloud)
		if err != nil {
			t.Fatal(err)
		}
		return s.unsigned(s.ssoURL(), samltest.Write(t, e), "r")
	}
	for _, tc := range []struct {
		name    string
		signs   bool
		address string
		reason  saml.Reason
	}{
		{"SDP-IDP04: unsigned where signed ones were announced", true, plain(), saml.SignatureMissing},
		{"unsigned where that is allowed", false, plain(), ""},
		{"signed where nobody must", false, signed(), ""},
		{"SDP-IDP05: signed by a stranger where nobody must", false, s.redirect(another, s.ssoURL(), s.request(s.cloud), "r"), saml.SignatureInvalid},
		{"signed by a stranger", true, s.redirect(another, s.ssoURL(), s.request(s.cloud), "r"), saml.SignatureInvalid},
		{"relay state swapped under the signature", true, swap(signed(), "RelayState", "evil"), saml.SignatureInvalid},
		{"relay state swapped where nobody must sign", false, swap(signed(), "RelayState", "evil"), saml.SignatureInvalid},
		{"signature of nothing", true, swap(signed(), "Signature", "AAAA"), saml.SignatureInvalid},
		{"SHA-1", true, swap(signed(), "SigAlg", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), saml.AlgorithmRefused},
		{"keyed hash", true, swap(signed(), "SigAlg", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), saml.AlgorithmRefused},
		{"another algorithm", true, swap(signed(), "SigAlg", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"), saml.SignatureInvalid},
		{"signature inside a redirect", true, inside(), saml.SignatureInvalid},
		{"signature inside a redirect where nobody must", false, inside(), saml.SignatureInvalid},
		{"parameter repeated", true, signed() + "&RelayState=x", saml.ResponseMalformed},
		{"request and response", true, signed() + "&SAMLResponse=x", saml.ResponseMalformed},
		{"artifact", true, signed() + "&SAMLart=x", saml.ArtifactRefused},
		{"nothing at all", true, s.ssoURL(), saml.ResponseMalformed},
	} {
		signs(tc.signs)
		p := s.browser().open(tc.address)
		if p.reason != string(tc.reason) {
			t.Errorf("%s: %d %s", tc.name, p.status, p.reason)
		}
	}
	signs(true)
	// SDP-IDP32: the second certificate of a service provider serves as well as the first.
	s.change("cloud", func(p *idp.ServiceProvider) {
		p.Metadata.SigningCerts = append([]*x509.Certificate{samltest.RSA(t, "retired", 2048).Cert}, p.Metadata.SigningCerts...)
	})
	if p := s.browser().open(signed()); p.reason != "" {
		t.Errorf("second certificate: %s", p.reason)
	}
	s.change("cloud", func(p *idp.ServiceProvider) { p.Metadata.SigningCerts = nil })
	if p := s.browser().open(signed()); p.reason != string(saml.SignatureInvalid) {
		t.Errorf("no certificate: %s", p.reason)
	}
}

// TestReplayedRequest: F18.
func TestReplayedRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	original := s.request(s.cloud)
	address := s.redirect(s.cloud, s.ssoURL(), original, "r")
	if p := s.browser().open(address); p.reason != "" {
		t.Fatal(p.reason)
	}
	for _, b := range []*browser{s.browser(), s.browser()} {
		if p := b.open(address); p.reason != string(saml.Replayed) {
			t.Errorf("%d %s", p.status, p.reason)
		}
	}
	// The same ID of another service provider is another request.
	e := s.request(s.other)
	e.CreateAttr("ID", original.SelectAttrValue("ID", ""))
	if p := s.browser().open(s.redirect(s.other, s.ssoURL(), e, "r")); p.reason != "" {
		t.Error(p.reason)
	}
}

// TestErrorResponses: IIP-IDP05, IIP-IDP07, IIP-IDP08 and IIP-IDP10: what cannot be given is answered at the consumer, signed.
func TestErrorResponses(t *testing.T) {
	t.Parallel()
	policy := func(name, value string) func(*etree.Element) {
		return func(e *etree.Element) { e.CreateElement("samlp:NameIDPolicy").CreateAttr(name, value) }
	}
	contexts := func(comparison string, classes ...string) func(*etree.Element) {
		return func(e *etree.Element) {
			c := e.CreateElement("samlp:RequestedAuthnContext")
			if comparison != "" {
				c.CreateAttr("Comparison", comparison)
			}
			for _, class := range classes {
				c.CreateElement("saml:AuthnContextClassRef").SetText("urn:oasis:names:tc:SAML:2.0:ac:classes:" + class)
			}
		}
	}
	subject := func(format, value string) func(*etree.Element) {
		return func(e *etree.Element) {
			n := e.CreateElement("saml:Subject").CreateElement("saml:NameID")
			n.CreateAttr("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:"+format)
			n.SetText(value)
		}
	}
	for name, tc := range map[string]struct {
		change func(*etree.Element)
		sub    string // of the answer; empty: signed in
		class  string // stated, when signed in
	}{
		"IIP-IDP07: passive, nobody signed in": {func(e *etree.Element) { e.CreateAttr("IsPassive", "true") }, "NoPassive", ""},
		"IIP-IDP10: e-mail as name":            {policy("Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"), "InvalidNameIDPolicy", ""},
		"IIP-IDP10: encrypted name":            {policy("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"), "InvalidNameIDPolicy", ""},
		"IIP-IDP10: qualifier of another":      {policy("SPNameQualifier", "https://other.example/metadata"), "InvalidNameIDPolicy", ""},
		"IIP-IDP10: own qualifier":             {policy("SPNameQualifier", "https://cloud.example/metadata"), "", "PasswordProtectedTransport"},
		"IIP-IDP10: unspecified":               {policy("Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"), "", "PasswordProtectedTransport"},
		"IIP-IDP08: a certificate":             {contexts("", "X509"), "NoAuthnContext", ""},
		"IIP-IDP08: ours":                      {contexts("exact", "PasswordProtectedTransport"), "", "PasswordProtectedTransport"},
		"IIP-IDP08: password":                  {contexts("exact", "Password"), "", "Password"},
		"IIP-IDP08: one of two":                {contexts("", "X509", "Password"), "", "Password"},
		"IIP-IDP08: unspecified":               {contexts("", "unspecified"), "", "unspecified"},
		"IIP-IDP08: at least a password":       {contexts("minimum", "Password"), "", "PasswordProtectedTransport"},
		"IIP-IDP08: at least a certificate":    {contexts("minimum", "X509"), "NoAuthnContext", ""},
		"IIP-IDP08: better than a password":    {contexts("better", "Password"), "", "PasswordProtectedTransport"},
		"IIP-IDP08: better than ours":          {contexts("better", "PasswordProtectedTransport"), "NoAuthnContext", ""},
		"IIP-IDP08: better than the unknown":   {contexts("better", "X509"), "NoAuthnContext", ""},
		"IIP-IDP08: at most a password":        {contexts("maximum", "Password"), "", "Password"},
		"IIP-IDP08: unknown comparison":        {contexts("roughly", "Password"), "NoAuthnContext", ""},
		"IIP-IDP08: a declaration": {func(e *etree.Element) {
			e.CreateElement("samlp:RequestedAuthnContext").CreateElement("saml:AuthnContextDeclRef").SetText("x:y")
		}, "NoAuthnContext", ""},
		"another identity provider": {func(e *etree.Element) {
			e.CreateElement("samlp:Scoping").CreateElement("samlp:IDPList").CreateElement("samlp:IDPEntry").CreateAttr("ProviderID", "x:y")
		}, "NoSupportedIDP", ""},
		"somebody else":               {subject("persistent", "nobody"), "UnknownPrincipal", ""},
		"somebody of another session": {subject("transient", "_1"), "UnknownPrincipal", ""},
		"somebody, not named": {func(e *etree.Element) {
			e.CreateElement("saml:Subject").CreateElement("saml:SubjectConfirmation").CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
		}, "RequestUnsupported", ""},
		"alice": {subject("persistent", (&idptest.World{}).PairwiseID(idptest.PlatformID, "https://cloud.example/metadata", "usr_alice")), "", "PasswordProtectedTransport"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			e := s.request(s.cloud)
			tc.change(e)
			id := e.SelectAttrValue("ID", "")
			p := s.login(s.browser(), s.cloud, e, "r")
			if p.away != s.cloud.acs() || p.fields.Get("RelayState") != "r" {
				t.Fatalf("%d %s %q %s", p.status, p.reason, p.away, p.url)
			}
			message := p.message(t)
			if tc.sub == "" {
				v := s.verified(s.cloud, message, id)
				if got := v.Assertion.AuthnStatements[0].AuthnContext.AuthnContextClassRef.Value; got != "urn:oasis:names:tc:SAML:2.0:ac:classes:"+tc.class {
					t.Error(got)
				}
				return
			}
			codes := statusOf(t, message)
			if len(codes) != 2 || codes[0] != "Requester" && codes[0] != "Responder" || codes[1] != tc.sub {
				t.Errorf("%v", codes)
			}
			if strings.Contains(string(message), "Assertion>") {
				t.Error("an assertion in a refusal")
			}
			signed, err := verify.Enveloped(message, s.certs())
			if err != nil {
				t.Fatal(err)
			}
			root := samltest.Parse(t, signed)
			if root.SelectAttrValue("InResponseTo", "") != id || root.SelectAttrValue("Destination", "") != s.cloud.acs() {
				t.Errorf("%s", signed)
			}
			if len(s.Participants()) != 0 {
				t.Error("joined all the same")
			}
		})
	}
}

// TestForceAuthn: SDP-IDP07, IIP-IDP06.
func TestForceAuthn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := s.browser()
	if p := s.login(b, s.cloud, s.request(s.cloud), "r"); p.away != s.cloud.acs() {
		t.Fatal(p.reason)
	}
	// Signed in: the next request is answered at once.
	if p := b.open(s.redirect(s.other, s.ssoURL(), s.request(s.other), "r")); p.away != s.other.acs() {
		t.Fatalf("%d %s %s", p.status, p.reason, p.url)
	}
	force := func(passive string) *etree.Element {
		e := s.request(s.cloud)
		e.CreateAttr("ForceAuthn", "1")
		e.CreateAttr("IsPassive", passive)
		return e
	}
	e := force("false")
	p := b.open(s.redirect(s.cloud, s.ssoURL(), e, "r"))
	if !strings.Contains(p.url, idptest.SignInPath) || !strings.Contains(p.url, "fresh=true") {
		t.Fatalf("%s %s", p.reason, p.url)
	}
	// Going on without signing in again leads back to the page.
	resume, _ := url.Parse(p.url)
	if again := b.open(s.URL + resume.Query().Get("resume")); !strings.Contains(again.url, idptest.SignInPath) {
		t.Fatalf("%s %s", again.reason, again.url)
	}
	s.Shift(2 * time.Minute)
	began := s.Now()
	v := s.verified(s.cloud, b.signIn(p).message(t), e.SelectAttrValue("ID", ""))
	if at := v.Assertion.AuthnStatements[0].AuthnInstant; at.Before(began.Add(-time.Second)) {
		t.Errorf("authenticated at %s, asked for after %s", at, began)
	}
	if p := b.open(s.redirect(s.cloud, s.ssoURL(), force("true"), "r")); statusOf(t, p.message(t))[1] != "NoPassive" {
		t.Error("fresh and passive cannot both be")
	}
}

// TestParkedRequest: saml.md 0.8 and the browser binding.
func TestParkedRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	start := func() (*browser, page, string) {
		b := s.browser()
		p := b.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "r"))
		u, _ := url.Parse(p.url)
		return b, p, s.URL + u.Query().Get("resume")
	}
	b, p, resume := start()
	s.Shift(12 * time.Minute) // a login form may take ten
	if p := b.signIn(p); p.away != s.cloud.acs() {
		t.Errorf("after twelve minutes: %s", p.reason)
	}
	if p := b.open(resume); p.reason != string(saml.RequestUnknown) {
		t.Errorf("a second time: %s", p.reason)
	}
	b, p, resume = start()
	if p := s.browser().open(resume); p.reason != string(saml.BrowserMismatch) {
		t.Errorf("in another browser: %s", p.reason)
	}
	if p := b.open(strings.Replace(resume, "request=", "request=x", 1)); p.reason != string(saml.RequestUnknown) {
		t.Errorf("unknown id: %s", p.reason)
	}
	if p := b.open(resume + "&request=x"); p.reason != string(saml.RequestInvalid) {
		t.Errorf("two ids: %s", p.reason)
	}
	s.Shift(16 * time.Minute)
	if p := b.signIn(p); p.reason != string(saml.RequestUnknown) {
		t.Errorf("after sixteen minutes: %s", p.reason)
	}
	// Several tabs.
	b = s.browser()
	first := b.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "1"))
	second := b.open(s.redirect(s.other, s.ssoURL(), s.request(s.other), "2"))
	if p := b.signIn(second); p.away != s.other.acs() {
		t.Error(p.reason)
	}
	if p := b.signIn(first); p.away != s.cloud.acs() || p.fields.Get("RelayState") != "1" {
		t.Error(p.reason)
	}
	for range 12 {
		b.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "1"))
	}
	if n := strings.Count(b.cookie(idp.CookieName), ".") + 1; n > 8 {
		t.Errorf("%d tokens in the cookie", n)
	}
}

// TestSwitchedOffUnderWay: Keycloak CVE-2026-2603, CVE-2026-3047, CVE-2026-3009: what was switched off while the person signed in gets no
// answer.
func TestSwitchedOffUnderWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*stage)
		reason saml.Reason
	}{
		"platform": {func(s *stage) {
			p, _ := s.Platform(s.t.Context(), idptest.PlatformID)
			p.Disabled = true
			s.SetPlatform(p)
		}, saml.PlatformDisabled},
		"service provider": {func(s *stage) { s.change("cloud", func(p *idp.ServiceProvider) { p.Disabled = true }) }, saml.ServiceProviderDisabled},
		"deleted":          {func(s *stage) { s.DropProvider("cloud") }, saml.UnknownServiceProvider},
		"consumer": {func(s *stage) {
			s.change("cloud", func(p *idp.ServiceProvider) { p.Metadata.Consumers = p.Metadata.Consumers[1:] })
		}, saml.ConsumerUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			b := s.browser()
			p := b.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "r"))
			tc.change(s)
			if p := b.signIn(p); p.reason != string(tc.reason) {
				t.Errorf("under way: %d %s", p.status, p.reason)
			}
			if name == "consumer" {
				return
			}
			if p := b.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "r")); p.reason != string(tc.reason) {
				t.Errorf("anew: %d %s", p.status, p.reason)
			}
			s.change2("cloud", func(p *idp.ServiceProvider) { p.Unsolicited = true })
			if p := b.open(s.URL + "/saml/idp/storefront/launch?sp=cloud"); p.reason != string(tc.reason) {
				t.Errorf("launched: %d %s", p.status, p.reason)
			}
		})
	}
}

// change2 is change for a registration that may be gone.
func (s *stage) change2(id string, f func(*idp.ServiceProvider)) {
	if p, err := s.ProviderByID(s.t.Context(), idptest.PlatformID, id); err == nil {
		f(&p)
		s.SetProvider(p)
	}
}

// TestNames: Core 8.3.7 and 8.3.8, SDP-IDP12.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ask := func(p peer, b *browser, format string) (value, fmt, index string) {
		e := s.request(p)
		if format != "" {
			e.CreateElement("samlp:NameIDPolicy").CreateAttr("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:"+format)
		}
		v := s.verified(p, s.login(b, p, e, "r").message(t), e.SelectAttrValue("ID", ""))
		n := v.Assertion.Subject.NameID
		if strings.HasSuffix(n.Format, "persistent") && (n.NameQualifier != s.entityID() || n.SPNameQualifier != p.entity()) {
			t.Errorf("qualifiers %+v", n)
		}
		return n.Value, n.Format, v.SessionIndex
	}
	b, again := s.browser(), s.browser()
	first, format, index := ask(s.cloud, b, "persistent")
	if !strings.HasSuffix(format, "persistent") || strings.Contains(first, "alice") {
		t.Errorf("%s %s", format, first)
	}
	if v, _, i := ask(s.cloud, again, "persistent"); v != first || i == index {
		t.Error("the same person in another session has the same name and another index")
	}
	if v, _, _ := ask(s.other, b, "persistent"); v == first {
		t.Error("two service providers can tell each other whom they mean")
	}
	one, format, oneIndex := ask(s.cloud, b, "")
	if !strings.HasSuffix(format, "transient") || one == first {
		t.Errorf("%s %s", format, one)
	}
	if v, _, i := ask(s.cloud, b, "transient"); v != one || i != oneIndex {
		t.Error("within a session the name stays")
	}
	if v, _, i := ask(s.cloud, again, ""); v == one || i == oneIndex {
		t.Error("a transient name outlives its session")
	}
	s.change("cloud", func(p *idp.ServiceProvider) { p.Persistent = true })
	if v, _, _ := ask(s.cloud, b, ""); v != first {
		t.Error("the registration prefers persistent names")
	}
	if n := len(s.Participants()); n != 5 {
		t.Errorf("%d participants", n)
	}
}

// TestIndexedConsumer: Core 3.4.1, Metadata 2.2.3.
// IIP-IDP12: the consumer by its index.
func TestIndexedConsumer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for index, want := range map[string]string{"": s.cloud.acs(), "0": s.cloud.acs(), "3": s.cloud.acs() + "/second"} {
		e := s.request(s.cloud)
		e.RemoveAttr("AssertionConsumerServiceURL")
		if index != "" {
			e.CreateAttr("AssertionConsumerServiceIndex", index)
		}
		p := s.login(s.browser(), s.cloud, e, "")
		if p.away != want || p.fields.Has("RelayState") {
			t.Errorf("%q: %s %s", index, p.away, p.reason)
			continue
		}
		s.verified(s.cloud, p.message(t), e.SelectAttrValue("ID", ""), func(w *verify.Expect) { w.ACS = want })
	}
}
