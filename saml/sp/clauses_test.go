package sp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// TestRequestClauses holds the request that we send to its clauses.
func TestRequestClauses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := must(http.NewRequest(http.MethodGet, s.cloud.URL+"/saml/login?xAccountType=storefront", nil))
	link := newBrowser(t).do(r, false).header.Get("Location")
	target := must(url.Parse(link))
	in, err := wire.Read(nil, must(http.NewRequest(http.MethodGet, link, nil)), wire.Request)
	if err != nil {
		t.Fatal(err)
	}
	request := samltest.Parse(t, in.XML)
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
