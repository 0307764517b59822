package sp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/sp"
)

// TestARememberedPlatformCountsAsLongAsItIsUnchanged: a login that begins on what is remembered ends as any other, and every change
// counts from the next login on, whichever way it goes.
func TestARememberedPlatformCountsAsLongAsItIsUnchanged(t *testing.T) {
	t.Parallel()
	off := func(s *stage) {
		c := s.connection("storefront")
		c.Disabled = true
		s.world.SetConnection(c)
	}
	for name, tc := range map[string]struct {
		before, after func(s *stage)
		want          saml.Reason // empty: the login begins
		entity        string      // of the identity provider that is asked
	}{
		"unchanged":          {entity: "storefront"},
		"disabled since":     {after: off, want: saml.PlatformDisabled},
		"deleted since":      {after: func(s *stage) { s.world.DropConnection("storefront") }, want: saml.UnknownPlatform},
		"enabled since":      {before: off, after: func(s *stage) { s.world.SetConnection(s.connection("storefront")) }, entity: "storefront"},
		"disabled and still": {before: off, want: saml.PlatformDisabled},
		"other metadata since": {after: func(s *stage) {
			c := s.connection("storefront")
			c.IdPMetadata = s.idps["rival"].Metadata()
			s.world.SetConnection(c)
		}, entity: "rival"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if tc.before != nil {
				tc.before(s)
			}
			s.world.Remember("storefront")
			if tc.after != nil {
				tc.after(s)
			}
			b := newBrowser(t)
			req, err := http.NewRequest(http.MethodGet, s.cloud.URL+"/saml/login?xAccountType=storefront", nil)
			if err != nil {
				t.Fatal(err)
			}
			got := b.do(req, false)
			if tc.want != "" {
				if got.reason != string(tc.want) || len(s.world.Parked()) != 0 || got.header.Get("Set-Cookie") != "" && tc.before != nil {
					t.Fatalf("%d %s, %d parked", got.status, got.reason, len(s.world.Parked()))
				}
				return
			}
			md, _, err := saml.ParseIdPMetadata(s.idps[tc.entity].Metadata())
			if err != nil {
				t.Fatal(err)
			}
			parked := s.world.Parked()
			if len(parked) != 1 || parked[0].Issuer != md.EntityID || !strings.HasPrefix(got.header.Get("Location"), md.SSORedirectURL) {
				t.Fatalf("%d %s to %.80s, parked %+v", got.status, got.reason, got.header.Get("Location"), parked)
			}
			if cookies := got.header.Values("Set-Cookie"); len(cookies) != 1 || !strings.HasPrefix(cookies[0], sp.CookieName+"=") {
				t.Errorf("the browser gets %v", cookies)
			}
		})
	}
}

// TestALoginOnARememberedPlatformIsAnswered goes all the way.
func TestALoginOnARememberedPlatformIsAnswered(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.world.Remember("storefront")
	b := newBrowser(t)
	action, fields := s.signIn(b, "xAccountType=storefront&service="+url.QueryEscape("https://console.cloud.example/app"))
	if got := b.post(action, fields); got.status != http.StatusSeeOther || len(s.world.Arrivals()) != 1 {
		t.Fatalf("%d %s", got.status, got.reason)
	}
	if got := b.post(action, fields); got.reason != string(saml.LoginUnknown) {
		t.Errorf("a second time: %d %s", got.status, got.reason)
	}
}
