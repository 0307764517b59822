package sp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/examples/storefront/idp"
	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/verify"
)

// TestMappedAttributes: a platform may name its attributes as it likes; the defaults then mean nothing (2.4).
func TestMappedAttributes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	c := s.connection("storefront")
	c.Attributes = sp.Mapping{Name: "email", Email: "name"}
	s.world.SetConnection(c)
	b := newBrowser(t)
	if p := b.post(s.signIn(b, "xAccountType=storefront")); p.status != http.StatusSeeOther {
		t.Fatalf("%d %s", p.status, p.reason)
	}
	if a := s.world.Arrivals()[0]; a.Name != "alice@storefront.example" || a.Email != "Alice <b>" || a.XUserID != "user-alice" {
		t.Errorf("%+v", a)
	}
	c.Attributes.XAccountID = "urn:account"
	s.world.SetConnection(c)
	if p := b.post(s.signIn(b, "xAccountType=storefront")); p.reason != string(saml.AttributeMissing) {
		t.Errorf("an attribute that is not sent: %d %s", p.status, p.reason)
	}
}

// TestTestLogin: the answer signs nobody in and is used up by nobody; every verdict is kept.
func TestTestLogin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		person  func(*idp.Person)
		change  func(*sp.Connection)
		accept  bool
		failing map[string]saml.Reason
	}{
		"as it should be": {accept: true, failing: map[string]saml.Reason{}},
		"switched off": {change: func(c *sp.Connection) { c.Disabled = true }, failing: map[string]saml.Reason{
			sp.CheckPlatform: saml.PlatformDisabled,
		}},
		"another partner's id": {person: func(p *idp.Person) { p.BPID = "par_other" }, failing: map[string]saml.Reason{sp.CheckPartner: saml.PartnerMismatch}},
		"no account, and another name for the person": {
			person: func(p *idp.Person) { p.AccountID = "" }, change: func(c *sp.Connection) { c.Attributes.XUserID = "uid" },
			failing: map[string]saml.Reason{"ATTRIBUTE_XACCOUNTID": saml.AttributeMissing, "ATTRIBUTE_XUSERID": saml.AttributeMissing},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, token := newStage(t), strings.Repeat("t", 43)
			if tc.person != nil {
				tc.person(&s.person)
			}
			c := s.connection("storefront")
			if tc.change != nil {
				tc.change(&c)
			}
			s.world.SetConnection(c)
			s.world.AddTest(token, "tlg_1")
			b := newBrowser(t)
			p := b.post(s.signIn(b, "xAccountType=storefront&testLogin="+token))
			if p.status != http.StatusOK || p.body != "test tlg_1" || len(s.world.Arrivals()) != 0 {
				t.Fatalf("%d %s %s, arrived %v", p.status, p.reason, p.body, s.world.Arrivals())
			}
			report, ok := s.world.Report("tlg_1")
			failing := map[string]saml.Reason{}
			for _, check := range report.Checks {
				if check.Verdict == verify.Failed {
					failing[check.Name] = check.Reason
				}
			}
			if diff := cmp.Diff(tc.failing, failing); diff != "" || !ok || report.OK() != tc.accept {
				t.Errorf("%v %v: %s", ok, report.OK(), diff)
			}
			fills := map[string]string{}
			for _, a := range report.Attributes {
				fills[a.Name] = a.Fills
			}
			if fills["bpId"] != "bpId" || fills["email"] != "email" {
				t.Errorf("%+v", report.Attributes)
			}
			if again := b.open(s.cloud.URL + "/saml/login?xAccountType=storefront&testLogin=" + token); again.reason != string(saml.TestLinkInvalid) {
				t.Errorf("the link works twice: %d %s", again.status, again.reason)
			}
		})
	}
}

// TestLinksOfTestLogins: only what was made here, once.
func TestLinksOfTestLogins(t *testing.T) {
	t.Parallel()
	s, b := newStage(t), newBrowser(t)
	for _, link := range []string{"&testLogin=x", "&testLogin=" + strings.Repeat("n", 43), "&testLogin=%00"} {
		if p := b.open(s.cloud.URL + "/saml/login?xAccountType=storefront" + link); p.reason != string(saml.TestLinkInvalid) {
			t.Errorf("%q: %d %s", link, p.status, p.reason)
		}
	}
	if p := b.open(s.cloud.URL + "/saml/login?xAccountType=storefront&testLogin=a&testLogin=b"); p.reason != string(saml.LoginLinkInvalid) {
		t.Errorf("%d %s", p.status, p.reason)
	}
}
