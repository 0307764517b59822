package sp_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/verify"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// TestRequestClauses holds the request that we send to its clauses.
func TestRequestClauses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	target, in, request := s.asked()
	acs := sp.ACSURL(s.cloud.URL, "storefront")
	for clause, holds := range map[string]bool{
		"SDP-SP02 by redirect":                                 target.Query().Has("SAMLRequest") && in.Binding == wire.Redirect,
		"SDP-SP04 IIP-SP03 no NameIDPolicy":                    samltest.Child(request, "NameIDPolicy") == nil,
		"SDP-SP05 the address as in our metadata":              request.SelectAttrValue("AssertionConsumerServiceURL", "") == acs && strings.Contains(string(s.get("/saml/sp/storefront/metadata")), `Location="`+acs+`"`),
		"SDP-SP06 no index":                                    request.SelectAttr("AssertionConsumerServiceIndex") == nil,
		"SDP-SP07 IIP-SP06 no RequestedAuthnContext":           samltest.Child(request, "RequestedAuthnContext") == nil,
		"SDP-SP08 SDP-SP09 the answer by post":                 strings.HasSuffix(request.SelectAttrValue("ProtocolBinding", ""), ":HTTP-POST") && strings.HasPrefix(acs, "https://"),
		"Core 3.4.1 no index beside the address":               request.SelectAttr("AttributeConsumingServiceIndex") == nil,
		"Bind 3.4.3 Bind 3.5.3 at most 80 bytes of RelayState": len(in.RelayState) > 0 && len(in.RelayState) <= 80,
		"Bind 3.4.4.1 the order of the signed octets": func() bool {
			order := ""
			for pair := range strings.SplitSeq(target.RawQuery, "&") {
				name, _, _ := strings.Cut(pair, "=")
				order += name + " "
			}
			return order == "SAMLRequest RelayState SigAlg Signature "
		}(),
	} {
		if !holds {
			t.Errorf("%s does not hold: %s", clause, in.XML)
		}
	}
}

// asked returns what the storefront is asked for a login, and how.
func (s *stage) asked() (target *url.URL, in wire.Incoming, request *etree.Element) {
	s.t.Helper()
	r := must(http.NewRequest(http.MethodGet, s.cloud.URL+"/saml/login?xAccountType=storefront", nil))
	link := newBrowser(s.t).do(r, false).header.Get("Location")
	in, err := wire.Read(nil, must(http.NewRequest(http.MethodGet, link, nil)), wire.Request)
	if err != nil {
		s.t.Fatal(err)
	}
	return must(url.Parse(link)), in, samltest.Parse(s.t, in.XML)
}

const (
	contextPassword  = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
	contextProtected = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	contextMFA       = "https://refeds.org/profile/mfa"
)

// TestIIPSP07AuthenticationContext: IIP-SP07, SDP-SP07, IIP-SP06: what is asked for, exactly, and what becomes of another answer. The
// storefront's identity provider always says PasswordProtectedTransport.
func TestIIPSP07AuthenticationContext(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		contexts []string
		reason   saml.Reason // empty: signed in
	}{
		"one of those": {[]string{contextMFA, contextProtected}, ""},
		"another":      {[]string{contextMFA, contextPassword}, saml.AuthnContextMismatch},
		"eight that do not fit into a short message": {func() (all []string) {
			for i := range 8 {
				all = append(all, "https://contexts.example/"+strings.Repeat(string(rune('a'+i)), 200))
			}
			return all
		}(), saml.AuthnContextMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			c := s.connection("storefront")
			c.AuthnContexts = tc.contexts
			s.world.SetConnection(c)
			_, _, request := s.asked()
			requested := samltest.Child(request, "RequestedAuthnContext")
			if requested == nil || requested.SelectAttrValue("Comparison", "") != "exact" || requested.Index() != len(request.ChildElements())-1 {
				t.Fatalf("%s", samltest.Write(t, request))
			}
			var classes []string
			for _, ref := range requested.ChildElements() {
				if ref.NamespaceURI() != "urn:oasis:names:tc:SAML:2.0:assertion" || ref.Tag != "AuthnContextClassRef" {
					t.Errorf("%s", samltest.Write(t, request))
				}
				classes = append(classes, ref.Text())
			}
			if diff := cmp.Diff(tc.contexts, classes); diff != "" {
				t.Error(diff)
			}
			b := newBrowser(t)
			p := b.post(s.signIn(b, "xAccountType=storefront"))
			arrived := len(s.world.Arrivals())
			if tc.reason == "" && (p.status != http.StatusSeeOther || arrived != 1) || tc.reason != "" && (p.status != http.StatusForbidden || p.reason != string(tc.reason) || arrived != 0) {
				t.Errorf("%d %s, %d arrived", p.status, p.reason, arrived)
			}
			// The test login says the same.
			token := strings.Repeat("t", 43)
			s.world.AddTest(token, "tlg_1")
			b.post(s.signIn(b, "xAccountType=storefront&testLogin="+token))
			report, _ := s.world.Report("tlg_1")
			i := slices.IndexFunc(report.Checks, func(c verify.Check) bool { return c.Name == verify.CheckAuthnContext })
			if i < 0 || report.Checks[i].Reason != tc.reason || (report.Checks[i].Verdict == verify.Passed) != (tc.reason == "") || report.OK() != (tc.reason == "") {
				t.Errorf("%+v", report.Checks)
			}
		})
	}
	t.Run("asked for while the login was under way", func(t *testing.T) {
		t.Parallel()
		s, b := newStage(t), newBrowser(t)
		action, fields := s.signIn(b, "xAccountType=storefront")
		c := s.connection("storefront")
		c.AuthnContexts = []string{contextMFA}
		s.world.SetConnection(c)
		if p := b.post(action, fields); p.reason != string(saml.AuthnContextMismatch) {
			t.Errorf("%d %s", p.status, p.reason)
		}
	})
}

// TestSDPSP14ScopedIdentifiers: SDP-SP14, IIP-SP12, SDP-SP16, SDP-SP17: who is identified by subject-id or pairwise-id is of a scope that
// the platform may speak for, whatever the case of its letters.
func TestSDPSP14ScopedIdentifiers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value  string
		reason saml.Reason
		want   string
	}{
		"its scope":                      {"Ab-9=x@Shop.Example", "", "ab-9=x@shop.example"},
		"the other of its scopes":        {"a@b2b.shop.example", "", "a@b2b.shop.example"},
		"another's scope":                {"a@rival.example", saml.ScopeMismatch, ""},
		"a scope below its own":          {"a@x.shop.example", saml.ScopeMismatch, ""},
		"a scope that ends like its own": {"a@evilshop.example", saml.ScopeMismatch, ""},
		"no scope":                       {"alice", saml.AttributeInvalid, ""},
		"two scopes":                     {"a@rival.example@shop.example", saml.AttributeInvalid, ""},
		"an empty id":                    {"@shop.example", saml.AttributeInvalid, ""},
		"a letter that is no ASCII one":  {"\u212a@shop.example", saml.AttributeInvalid, ""},
		"blanks inside":                  {"a b@shop.example", saml.AttributeInvalid, ""},
		"an id of 128 characters":        {strings.Repeat("a", 128) + "@shop.example", saml.AttributeInvalid, ""},
	} {
		for _, attribute := range []string{saml.SubjectID, saml.PairwiseID} {
			t.Run(name+" "+attribute[strings.LastIndexByte(attribute, ':')+1:], func(t *testing.T) {
				t.Parallel()
				s, b := newStage(t), newBrowser(t)
				s.person.Others = map[string]string{attribute: tc.value}
				c := s.connection("storefront")
				c.Attributes.XUserID, c.SubjectScopes = attribute, []string{"shop.example", "b2b.shop.example"}
				s.world.SetConnection(c)
				p := b.post(s.signIn(b, "xAccountType=storefront"))
				arrived := s.world.Arrivals()
				if tc.reason != "" {
					if p.reason != string(tc.reason) || len(arrived) != 0 {
						t.Errorf("%d %s", p.status, p.reason)
					}
					return
				}
				if p.status != http.StatusSeeOther || len(arrived) != 1 || arrived[0].XUserID != tc.want {
					t.Errorf("%d %s %+v", p.status, p.reason, arrived)
				}
			})
		}
	}
}

// TestLogoutClauses holds our side of single logout to SDP-SP24 to SDP-SP36, clause by clause.
func TestLogoutClauses(t *testing.T) {
	t.Parallel()
	e := newExit(t)
	left := e.leave("s1")
	in, asked := e.answer(left, wire.Request)
	request, err := wire.ParseLogoutRequest(asked)
	if err != nil {
		t.Fatal(err)
	}
	served := e.send(wire.Redirect, wire.Request, "r", "idp", e.request(nil), false)
	out, told := e.answer(served, wire.Response)
	back := wire.LogoutResponse{
		ID: "_back", InResponseTo: request.ID, Issuer: peerID, Destination: sp.SLOURL(cloudURL, "shop"), IssueInstant: e.now, Status: wire.StatusSuccess,
	}
	finished := e.send(wire.Redirect, wire.Response, in.RelayState, "idp", back.Element(), false)
	for clause, holds := range map[string]bool{
		"SDP-SP25 our request goes by redirect":           in.Binding == wire.Redirect && in.Name == "LogoutRequest",
		"SDP-SP26 a request is taken by redirect":         out.Name == "LogoutResponse" && len(e.world.Ended()) == 1,
		"SDP-SP27 never inside a frame":                   left.Header().Get("Refresh") != "" && !strings.Contains(left.Body.String(), "<iframe"),
		"SDP-SP28 our request is signed":                  len(asked) > 0, // answer has verified it
		"SDP-SP29 the name exactly as it came":            request.NameID == wire.NameID{Value: "alice", Format: "urn:f", NameQualifier: "nq", SPNameQualifier: "spnq"},
		"SDP-SP30 the name is not encrypted":              !strings.Contains(string(asked), "EncryptedID"),
		"SDP-SP31 our answer goes by redirect":            served.Code == http.StatusFound && out.Binding == wire.Redirect,
		"SDP-SP32 an answer is taken by redirect":         finished.Code == http.StatusOK && strings.Contains(finished.Body.String(), "everywhere: true"),
		"SDP-SP33 our answer is signed":                   len(told) > 0, // answer has verified it
		"SDP-SP36 each platform has an entity of its own": sp.EntityID(cloudURL, "shop") != sp.EntityID(cloudURL, "rival") && request.Issuer == sp.EntityID(cloudURL, "shop"),
	} {
		if !holds {
			t.Errorf("%s does not hold: %s %s", clause, asked, told)
		}
	}
}

// TestSDPSP12WhereToFindHelp: SDP-SP11 and SDP-SP12: whoever is refused for what the platform said is led to the platform's errorURL, and to
// nothing that is no https address.
func TestSDPSP12WhereToFindHelp(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://shop.example/help": "https://shop.example/help", "http://shop.example/help": "", "javascript:alert(1)": "", "": "",
	} {
		s, b := newStage(t), newBrowser(t)
		c := s.connection("storefront")
		c.IdPMetadata = []byte(strings.Replace(string(c.IdPMetadata), "IDPSSODescriptor ", `IDPSSODescriptor errorURL="`+address+`" `, 1))
		if !strings.Contains(string(c.IdPMetadata), "errorURL") {
			t.Fatalf("%s", c.IdPMetadata)
		}
		s.world.SetConnection(c)
		s.person.AccountID = ""
		p := b.post(s.signIn(b, "xAccountType=storefront"))
		if p.reason != string(saml.AttributeMissing) || p.header.Get("X-Help") != want {
			t.Errorf("%q: %s, help at %q, want %q", address, p.reason, p.header.Get("X-Help"), want)
		}
	}
}

// TestMetadataClauses holds what we publish to its clauses: SDP-MD04 to SDP-MD08 and the choice of 2.1 to leave the signature out.
func TestMetadataClauses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	signed, plain := s.get("/saml/sp/storefront/metadata"), s.get("/saml/sp/storefront/metadata?unsigned=true")
	if strings.Contains(string(plain), "SignatureValue") || !strings.Contains(string(signed), "SignatureValue") {
		t.Error("2.1: unsigned=true leaves out the signature, and nothing else does")
	}
	for clause, text := range map[string]string{
		"SDP-MD05 a key in X.509":          `<ds:X509Certificate>`,
		"SDP-MD08 an encryption key":       `use="encryption"`,
		"SDP-SP25 logout by redirect":      `Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + sp.SLOURL(s.cloud.URL, "storefront") + `"`,
		"IIP-MD04 an end to its validity":  `validUntil="`,
		"SDP-ALG01 GCM is offered first":   `xmlenc11#aes256-gcm`,
		"IIP-MD03 signed with our own key": `URI="#_storefront"`,
	} {
		if !strings.Contains(string(signed), text) {
			t.Errorf("%s: %s", clause, signed)
		}
	}
	for _, never := range []string{"Artifact", "ManageNameID", "AssertionConsumerService\" index=\"1", "aes128-cbc", ":SOAP"} {
		if strings.Contains(string(signed), never) {
			t.Errorf("SDP-MD04: %s is advertised and not served", never)
		}
	}
}

// TestSDPSP20SeveralIdentityProviders: SDP-SP20, IIP-SP05: one server, an identity provider for each platform, and neither's answer at the
// other's address.
func TestSDPSP20SeveralIdentityProviders(t *testing.T) {
	t.Parallel()
	s, b := newStage(t), newBrowser(t)
	for _, platform := range []string{"storefront", "rival"} {
		if p := b.post(s.signIn(b, "xAccountType="+platform)); p.status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", platform, p.status, p.reason)
		}
	}
	_, fields := s.signIn(b, "xAccountType=storefront")
	if p := b.post(sp.ACSURL(s.cloud.URL, "rival"), fields); p.reason != string(saml.LoginUnknown) {
		t.Errorf("%d %s", p.status, p.reason)
	}
}
