package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/idp/idptest"
	"github.com/partnergraph/partnergraph/saml/verify"
)

func (s *stage) launch(parameters string) string {
	return s.URL + "/saml/idp/storefront/launch?" + parameters
}

// TestLaunch: an answer without a request, where the registration allows it.
func TestLaunch(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := s.browser()
	if p := b.open(s.launch("sp=cloud&RelayState=x")); p.reason != string(saml.LaunchRefused) || p.status != http.StatusForbidden {
		t.Errorf("not allowed: %d %s", p.status, p.reason)
	}
	s.change("cloud", func(p *idp.ServiceProvider) { p.LoginURL = "https://cloud.example/login?xAccountType=storefront" })
	if p := b.open(s.launch("sp=cloud&RelayState=x")); p.away != "https://cloud.example/login?xAccountType=storefront" {
		t.Errorf("to the login link: %s %s", p.away, p.reason)
	}
	s.change("cloud", func(p *idp.ServiceProvider) { p.LoginURL = "javascript:alert(1)" })
	if p := b.open(s.launch("sp=cloud")); p.reason != string(saml.LaunchRefused) {
		t.Errorf("to a script: %s %s", p.away, p.reason)
	}
	s.change("cloud", func(p *idp.ServiceProvider) { p.Unsolicited = true })
	p := b.signIn(b.open(s.launch("sp=cloud&RelayState=" + url.QueryEscape("/a?b&c"))))
	if p.away != s.cloud.acs() || p.fields.Get("RelayState") != "/a?b&c" {
		t.Fatalf("%s %s %v", p.away, p.reason, p.fields)
	}
	message := p.message(t)
	if strings.Contains(string(message), "InResponseTo") {
		t.Error("answers a request that nobody made")
	}
	if _, err := verify.Enveloped(message, s.certs()); err != nil {
		t.Error(err)
	}
	if p := b.open(s.launch("sp=cloud")); p.away != s.cloud.acs() || p.fields.Has("RelayState") {
		t.Errorf("signed in: %s %s", p.away, p.reason)
	}
	for name, tc := range map[string]struct {
		parameters string
		reason     saml.Reason
	}{
		"unknown":          {"sp=nobody", saml.UnknownServiceProvider},
		"none":             {"", saml.UnknownServiceProvider},
		"an address":       {"sp=https%3A%2F%2Fevil.example", saml.UnknownServiceProvider},
		"two":              {"sp=cloud&sp=other", saml.RequestInvalid},
		"two relay states": {"sp=cloud&RelayState=1&RelayState=2", saml.RequestInvalid},
		"long relay state": {"sp=cloud&RelayState=" + strings.Repeat("x", 2049), saml.RequestInvalid},
		"lines in it":      {"sp=cloud&RelayState=a%0d%0ab", saml.RequestInvalid},
		"not a query":      {"sp=%zz", saml.RequestInvalid},
		"endless":          {"sp=cloud&x=" + strings.Repeat("x", 17<<10), saml.RequestInvalid},
	} {
		if p := b.open(s.launch(tc.parameters)); p.reason != string(tc.reason) {
			t.Errorf("%s: %d %s", name, p.status, p.reason)
		}
	}
	for name, header := range map[string]http.Header{
		"frame": {"Sec-Fetch-Dest": {"iframe"}}, "image": {"Sec-Fetch-Dest": {"image"}}, "script": {"Sec-Fetch-Dest": {"empty"}},
		"prefetch": {"Sec-Purpose": {"prefetch;prerender"}},
	} {
		b.header = header
		if p := b.open(s.launch("sp=cloud")); p.reason != string(saml.RequestInvalid) {
			t.Errorf("%s: %d %s", name, p.status, p.reason)
		}
	}
	b.header = http.Header{"Sec-Fetch-Dest": {"document"}}
	if p := b.open(s.launch("sp=cloud")); p.away != s.cloud.acs() {
		t.Errorf("%d %s", p.status, p.reason)
	}
	b.header = http.Header{}
	// Allowed when it was asked for, not any more when the person came back.
	late := s.browser()
	p = late.open(s.launch("sp=cloud"))
	s.change("cloud", func(p *idp.ServiceProvider) { p.Unsolicited = false })
	if p := late.signIn(p); p.reason != string(saml.LaunchRefused) {
		t.Errorf("forbidden under way: %d %s", p.status, p.reason)
	}
}

// TestTicket: the storefront signs its user in without a page of ours.
func TestTicket(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.change("cloud", func(p *idp.ServiceProvider) { p.Unsolicited = true })
	redeem := func(b *browser, ticket string) page {
		return b.open(s.URL + idp.TicketPath(idptest.PlatformID, ticket))
	}
	ticket := func(made idp.Redeemed) string { return s.Ticket(idptest.PlatformID, idptest.Alice(), made) }
	park := func() (*browser, string) {
		b := s.browser()
		p := b.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "r"))
		u, _ := url.Parse(p.url)
		return b, u.Query().Get("request")
	}

	b, id := park()
	used := ticket(idp.Redeemed{RequestID: id})
	if p := redeem(b, used); p.away != s.cloud.acs() || p.fields.Get("RelayState") != "r" {
		t.Errorf("for a request: %d %s %s", p.status, p.reason, p.away)
	}
	if p := redeem(s.browser(), used); p.reason != string(saml.TicketRefused) || p.status != http.StatusForbidden {
		t.Errorf("a second time: %d %s", p.status, p.reason)
	}
	if p := redeem(s.browser(), ticket(idp.Redeemed{ProviderID: "cloud", RelayState: "x y"})); p.away != s.cloud.acs() || p.fields.Get("RelayState") != "x y" {
		t.Errorf("for a launch: %d %s %s", p.status, p.reason, p.away)
	}
	// Login CSRF: somebody's ticket for his own request does not sign another browser in.
	_, id = park()
	victim := s.browser()
	if p := redeem(victim, ticket(idp.Redeemed{RequestID: id})); p.reason != string(saml.TicketRefused) || victim.cookie(idptest.SessionCookie) != "" {
		t.Errorf("in another browser: %d %s, session %q", p.status, p.reason, victim.cookie(idptest.SessionCookie))
	}
	for next, want := range map[string]string{
		"/account?x=1": "/account?x=1", "": "/", "//evil.example": "/", "https://evil.example/": "/", "/\\evil.example": "/", "javascript:alert(1)": "/",
		"/a\r\nSet-Cookie: x": "/", "/\t/evil.example": "/",
	} {
		b := s.browser()
		p := b.once(http.MethodGet, s.URL+idp.TicketPath(idptest.PlatformID, ticket(idp.Redeemed{Next: next})), nil)
		if p.away != s.URL+want || b.cookie(idptest.SessionCookie) == "" {
			t.Errorf("%q leads to %s (%s)", next, p.away, p.reason)
		}
	}
	if p := redeem(s.browser(), ticket(idp.Redeemed{RequestID: strings.Repeat("x", 43)})); p.reason != string(saml.RequestUnknown) {
		t.Errorf("for a request that is gone: %s", p.reason)
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 600), "ticket-with-<script>", "ticket-0000000000000000"} {
		if p := redeem(s.browser(), bad); p.reason != string(saml.TicketRefused) {
			t.Errorf("%q: %d %s", bad, p.status, p.reason)
		}
	}
	b = s.browser()
	b.header = http.Header{"Sec-Purpose": {"prefetch"}}
	fetched := ticket(idp.Redeemed{})
	if p := redeem(b, fetched); p.reason != string(saml.RequestInvalid) {
		t.Errorf("prefetched: %s", p.reason)
	}
	if p := s.browser().once(http.MethodGet, s.URL+idp.TicketPath(idptest.PlatformID, fetched), nil); p.away != s.URL+"/" {
		t.Errorf("a prefetch used the ticket up: %s", p.reason)
	}
	other := s.Ticket("elsewhere", idptest.Alice(), idp.Redeemed{})
	if p := redeem(s.browser(), other); p.reason != string(saml.TicketRefused) {
		t.Errorf("of another platform: %s", p.reason)
	}
}
