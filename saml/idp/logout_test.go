package idp_test

import (
	"net/http"
	"net/url"
	"slices"
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
	"github.com/partnergraph/partnergraph/saml/wire"
)

// signedIn is a browser that is signed in at both service providers.
func (s *stage) signedIn() *browser {
	s.t.Helper()
	b := s.browser()
	for _, p := range []peer{s.cloud, s.other} {
		if got := s.login(b, p, s.request(p), ""); got.away != p.acs() {
			s.t.Fatalf("%d %s", got.status, got.reason)
		}
	}
	return b
}

// told is what a service provider was told last.
func (s *stage) told(p peer) idp.Participant {
	s.t.Helper()
	all := s.Participants()
	for _, told := range slices.Backward(all) {
		if told.ProviderID == p.id {
			return told
		}
	}
	s.t.Fatal("no participant")
	return idp.Participant{}
}

func (s *stage) logoutRequest(p peer) wire.LogoutRequest {
	s.t.Helper()
	at := s.told(p)
	return wire.LogoutRequest{
		ID: newID(), Issuer: p.entity(), Destination: s.sloURL(), IssueInstant: s.Now(), NameID: at.NameID, SessionIndexes: []string{at.SessionIndex},
	}
}

// asked reads the LogoutRequest that a page carries to a service provider and checks its signature, SDP-IDP23.
func (s *stage) asked(p page, to peer) wire.LogoutRequest {
	s.t.Helper()
	if !strings.HasPrefix(p.away, to.slo()) {
		s.t.Fatalf("%d %s %s %s", p.status, p.reason, p.away, p.body)
	}
	q, err := wire.ParseLogoutRequest(s.signedByUs(p, wire.Request))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := q.Check(wire.Expected{Issuer: s.entityID(), Destination: to.slo(), Now: s.Now()}); err != nil {
		s.t.Fatal(err)
	}
	return q
}

// signedByUs verifies what a page carries.
func (s *stage) signedByUs(p page, param string) []byte {
	s.t.Helper()
	if !p.redirect {
		covered, err := verify.Enveloped(p.message(s.t), s.certs())
		if err != nil {
			s.t.Fatal(err)
		}
		return covered
	}
	req, err := http.NewRequest(http.MethodGet, p.away, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := wire.Read(nil, req, param)
	if err != nil {
		s.t.Fatal(err)
	}
	covered, err := m.Verified(s.certs())
	if err != nil {
		s.t.Fatal(err)
	}
	return covered
}

// reply is a participant's answer to what a page carries.
func (s *stage) reply(p page, from peer, change ...func(*wire.LogoutResponse)) (e *etree.Element, relay string) {
	s.t.Helper()
	q := s.asked(p, from)
	a := wire.LogoutResponse{ID: newID(), InResponseTo: q.ID, Issuer: from.entity(), Destination: s.sloURL(), IssueInstant: s.Now(), Status: wire.StatusSuccess}
	for _, c := range change {
		c(&a)
	}
	relay = p.fields.Get("RelayState")
	if p.redirect {
		u, _ := url.Parse(p.away)
		relay = u.Query().Get("RelayState")
	}
	return a.Element(), relay
}

// final reads the LogoutResponse that the asker gets.
func (s *stage) final(p page, to peer, request wire.LogoutRequest) []string {
	s.t.Helper()
	if !strings.HasPrefix(p.away, to.slo2()) {
		s.t.Fatalf("%d %s %s %s", p.status, p.reason, p.away, p.body)
	}
	a, err := wire.ParseLogoutResponse(s.signedByUs(p, wire.Response))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := a.Check(wire.Expected{Issuer: s.entityID(), Destination: to.slo2(), Now: s.Now()}); err != nil {
		s.t.Fatal(err)
	}
	if a.InResponseTo != request.ID {
		s.t.Errorf("answers %s", a.InResponseTo)
	}
	return statusOf(s.t, p.message(s.t))
}

// TestLogoutBySP: SDP-IDP21, SDP-IDP22, SDP-IDP23, SDP-IDP24, SDP-IDP25, SDP-IDP26, SDP-IDP27, SDP-IDP28, SDP-IDP29, SDP-IDP30, SDP-IDP31,
// IIP-IDP17, IIP-IDP18: local session first, the others through the browser, the truth to the asker, by the binding
// it used and at its ResponseLocation.
func TestLogoutBySP(t *testing.T) {
	t.Parallel()
	for _, binding := range []string{"redirect", "post"} {
		t.Run(binding, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if binding == "post" { // then the other one is told by POST, too
				s.change("other", func(p *idp.ServiceProvider) { p.Metadata.SLORedirectURL = "" })
			}
			b := s.signedIn()
			bystander := s.signedIn()
			s.told(s.cloud)
			mine := s.Participants()[0]
			q := s.logoutRequest(s.cloud)
			q.NameID, q.SessionIndexes = mine.NameID, []string{mine.SessionIndex}
			var p page
			if binding == "redirect" {
				p = b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), "their state"))
			} else {
				p = b.post(s.sloURL(), s.form(s.cloud, q.Element(), "their state"))
			}
			if p.redirect != (binding == "redirect") {
				t.Errorf("told by another binding")
			}
			// The session here is over before anybody else is told.
			if got := s.Sessions(); len(got) != 1 || got[0] == mine.SessionID || b.cookie(idptest.SessionCookie) != "" {
				t.Errorf("sessions %v", got)
			}
			answer, relay := s.reply(p, s.other)
			if binding == "redirect" {
				p = b.open(s.redirect(s.other, s.sloURL(), answer, relay))
			} else {
				p = b.post(s.sloURL(), s.form(s.other, answer, relay))
			}
			if diff := cmp.Diff([]string{"Success"}, s.final(p, s.cloud, q)); diff != "" {
				t.Error(diff)
			}
			if p.redirect != (binding == "redirect") || p.redirect && !strings.Contains(p.away, "RelayState=their+state") || !p.redirect && p.fields.Get("RelayState") != "their state" {
				t.Errorf("%s %v", p.away, p.fields)
			}
			if len(s.LogoutsUnderWay()) != 0 || len(s.Participants()) != 2 || b.cookie(idp.LogoutCookieName) != "" {
				t.Error("something is left of the logout")
			}
			if p := bystander.open(s.redirect(s.cloud, s.ssoURL(), s.request(s.cloud), "")); p.away != s.cloud.acs() {
				t.Error("somebody else was signed out")
			}
			if lines := strings.Join(s.AuditLines(), "\n"); !strings.Contains(lines, "storefront cloud LOGOUT_STARTED\nstorefront cloud LOGOUT_FINISHED") {
				t.Error(lines)
			}
		})
	}
}

// TestLogoutTruth: SDP-IDP29: what the asker is told when not everybody could be told.
func TestLogoutTruth(t *testing.T) {
	t.Parallel()
	partial := []string{"Success", "PartialLogout"}
	for name, tc := range map[string]struct {
		before func(*stage)
		answer func(*wire.LogoutResponse)
		want   []string
	}{
		"all told":         {nil, func(*wire.LogoutResponse) {}, []string{"Success"}},
		"one failed":       {nil, func(a *wire.LogoutResponse) { a.Status = wire.StatusResponder }, partial},
		"one told not all": {nil, func(a *wire.LogoutResponse) { a.SubStatus = wire.StatusPartialLogout }, partial},
		"one has no address": {func(s *stage) {
			s.change("other", func(p *idp.ServiceProvider) { p.Metadata.SLORedirectURL, p.Metadata.SLOPostURL = "", "" })
		}, nil, partial},
		"one is switched off":   {func(s *stage) { s.change("other", func(p *idp.ServiceProvider) { p.Disabled = true }) }, nil, partial},
		"one was deleted":       {func(s *stage) { s.DropProvider("other") }, nil, partial},
		"one is over by itself": {func(s *stage) { s.Shift(9 * time.Hour) }, nil, []string{"Success"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			b := s.signedIn()
			if tc.before != nil {
				tc.before(s)
			}
			q := s.logoutRequest(s.cloud)
			p := b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
			if tc.answer != nil {
				e, relay := s.reply(p, s.other, tc.answer)
				p = b.open(s.redirect(s.other, s.sloURL(), e, relay))
			}
			if diff := cmp.Diff(tc.want, s.final(p, s.cloud, q)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLogoutNames: SDP-IDP25, SDP-SP28: a name is compared in all its parts, and an index limits what ends.
func TestLogoutNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*stage, *wire.LogoutRequest)
		ends   bool
	}{
		"as told":            {func(*stage, *wire.LogoutRequest) {}, true},
		"no index":           {func(_ *stage, q *wire.LogoutRequest) { q.SessionIndexes = nil }, true},
		"one of two indexes": {func(_ *stage, q *wire.LogoutRequest) { q.SessionIndexes = append(q.SessionIndexes, "_other") }, true},
		"default qualifiers, spelled": {func(s *stage, q *wire.LogoutRequest) {
			q.NameID.NameQualifier, q.NameID.SPNameQualifier = s.entityID(), s.cloud.entity()
		}, true},
		"another index": {func(_ *stage, q *wire.LogoutRequest) { q.SessionIndexes = []string{"_other"} }, false},
		"another name":  {func(_ *stage, q *wire.LogoutRequest) { q.NameID.Value = "_other" }, false},
		"another format": {func(_ *stage, q *wire.LogoutRequest) {
			q.NameID.Format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
		}, false},
		"another qualifier":          {func(_ *stage, q *wire.LogoutRequest) { q.NameID.NameQualifier = "https://x.example" }, false},
		"the name another was told":  {func(s *stage, q *wire.LogoutRequest) { q.NameID = s.told(s.other).NameID; q.SessionIndexes = nil }, false},
		"the index another was told": {func(s *stage, q *wire.LogoutRequest) { q.SessionIndexes = []string{s.told(s.other).SessionIndex} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			b := s.signedIn()
			q := s.logoutRequest(s.cloud)
			tc.change(s, &q)
			p := b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
			if ended := len(s.Sessions()) == 0; ended != tc.ends {
				t.Errorf("ended %t", ended)
			}
			if !tc.ends {
				if diff := cmp.Diff([]string{"Requester", "UnknownPrincipal"}, s.final(p, s.cloud, q)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	// Persistent names may come back without their qualifiers (Core 8.3.7).
	s := newStage(t)
	s.change("cloud", func(p *idp.ServiceProvider) { p.Persistent = true })
	b := s.signedIn()
	q := s.logoutRequest(s.cloud)
	q.NameID.NameQualifier, q.NameID.SPNameQualifier = "", ""
	if b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), "")); len(s.Sessions()) != 0 {
		t.Error("a persistent name without qualifiers is another name")
	}
}

// TestLogoutAttacks is the attack corpus "SLO" as far as requests go: nothing of it ends a session.
// Attack classes: single logout.
func TestLogoutAttacks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attack func(*stage, *browser) page
		reason saml.Reason
	}{
		"SDP-IDP22: unsigned": {func(s *stage, b *browser) page {
			return b.open(s.unsigned(s.sloURL(), samltest.Write(s.t, s.logoutRequest(s.cloud).Element()), ""))
		}, saml.SignatureMissing},
		"unsigned form": {func(s *stage, b *browser) page {
			return b.post(s.sloURL(), url.Values{"SAMLRequest": {b64(samltest.Write(s.t, s.logoutRequest(s.cloud).Element()))}})
		}, saml.SignatureMissing},
		"signed by another": {func(s *stage, b *browser) page {
			return b.open(s.redirect(s.other, s.sloURL(), s.logoutRequest(s.cloud).Element(), ""))
		}, saml.SignatureInvalid},
		"form signed by another": {func(s *stage, b *browser) page {
			return b.post(s.sloURL(), s.form(s.other, s.logoutRequest(s.cloud).Element(), ""))
		}, saml.SignatureInvalid},
		"unknown issuer": {func(s *stage, b *browser) page {
			q := s.logoutRequest(s.cloud)
			q.Issuer = "https://nobody.example"
			return b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
		}, saml.UnknownServiceProvider},
		"switched off": {func(s *stage, b *browser) page {
			s.change("cloud", func(p *idp.ServiceProvider) { p.Disabled = true })
			return b.open(s.redirect(s.cloud, s.sloURL(), s.logoutRequest(s.cloud).Element(), ""))
		}, saml.ServiceProviderDisabled},
		"expired NotOnOrAfter": {func(s *stage, b *browser) page {
			q := s.logoutRequest(s.cloud)
			q.NotOnOrAfter = s.Now().Add(-4 * time.Minute)
			return b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
		}, saml.AssertionExpired},
		"too old": {func(s *stage, b *browser) page {
			q := s.logoutRequest(s.cloud)
			q.IssueInstant = s.Now().Add(-14 * time.Minute)
			return b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
		}, saml.AssertionExpired},
		"from the future": {func(s *stage, b *browser) page {
			q := s.logoutRequest(s.cloud)
			q.IssueInstant = s.Now().Add(4 * time.Minute)
			return b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
		}, saml.AssertionNotYetValid},
		"addressed to another": {func(s *stage, b *browser) page {
			q := s.logoutRequest(s.cloud)
			q.Destination = s.ssoURL()
			return b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
		}, saml.DestinationMismatch},
		"relay state swapped": {func(s *stage, b *browser) page {
			return b.open(strings.Replace(s.redirect(s.cloud, s.sloURL(), s.logoutRequest(s.cloud).Element(), "mine"), "mine", "evil", 1))
		}, saml.SignatureInvalid},
		"in the place of an answer": {func(s *stage, b *browser) page {
			return b.open(strings.Replace(s.redirect(s.cloud, s.sloURL(), s.logoutRequest(s.cloud).Element(), ""), "SAMLRequest=", "SAMLResponse=", 1))
		}, saml.ResponseMalformed},
		"at the sign-on address": {func(s *stage, b *browser) page {
			return b.open(s.redirect(s.cloud, s.ssoURL(), s.logoutRequest(s.cloud).Element(), ""))
		}, saml.ResponseMalformed},
		"a sign-on request": {func(s *stage, b *browser) page {
			return b.open(s.redirect(s.cloud, s.sloURL(), s.request(s.cloud), ""))
		}, saml.ResponseMalformed},
		"an answer to nobody": {func(s *stage, b *browser) page {
			a := wire.LogoutResponse{ID: newID(), InResponseTo: "_x", Issuer: s.cloud.entity(), Destination: s.sloURL(), IssueInstant: s.Now(), Status: wire.StatusSuccess}
			return b.open(s.redirect(s.cloud, s.sloURL(), a.Element(), strings.Repeat("x", 43)))
		}, saml.LogoutUnknown},
		"nothing":     {func(s *stage, b *browser) page { return b.open(s.sloURL()) }, saml.LogoutUnknown},
		"another way": {func(s *stage, b *browser) page { return b.follow(http.MethodPut, s.sloURL(), nil) }, saml.MethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			b := s.signedIn()
			p := tc.attack(s, b)
			if p.reason != string(tc.reason) || p.status != tc.reason.Status() {
				t.Errorf("%d %s", p.status, p.reason)
			}
			if len(s.Sessions()) != 1 || len(s.Participants()) != 2 {
				t.Error("it worked")
			}
		})
	}
	s := newStage(t)
	b := s.signedIn()
	address := s.redirect(s.cloud, s.sloURL(), s.logoutRequest(s.cloud).Element(), "")
	b.open(address)
	if p := b.open(address); p.reason != string(saml.Replayed) {
		t.Errorf("replayed: %d %s", p.status, p.reason)
	}
}

// TestLogoutAnswers is the attack corpus "SLO" as far as answers go: a wrong one changes nothing, and the genuine one still works after.
func TestLogoutAnswers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := s.signedIn()
	q := s.logoutRequest(s.cloud)
	p := b.open(s.redirect(s.cloud, s.sloURL(), q.Element(), ""))
	genuine, relay := s.reply(p, s.other)
	with := func(change func(*wire.LogoutResponse)) *etree.Element { e, _ := s.reply(p, s.other, change); return e }
	thief := s.browser() // knows the logout's id, which every participant sees, and not the browser's token
	u, _ := url.Parse(s.URL)
	thief.client.Jar.SetCookies(u, []*http.Cookie{{Name: idp.LogoutCookieName, Value: relay + "." + strings.Repeat("x", 22), Secure: true}})
	for name, tc := range map[string]struct {
		b       *browser
		address string
		reason  saml.Reason
	}{
		"foreign InResponseTo":  {b, s.redirect(s.other, s.sloURL(), with(func(a *wire.LogoutResponse) { a.InResponseTo = q.ID }), relay), saml.InResponseToMismatch},
		"no InResponseTo":       {b, s.redirect(s.other, s.sloURL(), with(func(a *wire.LogoutResponse) { a.InResponseTo = "" }), relay), saml.InResponseToMismatch},
		"of another":            {b, s.redirect(s.cloud, s.sloURL(), with(func(a *wire.LogoutResponse) { a.Issuer = s.cloud.entity() }), relay), saml.SignatureInvalid},
		"in another's name":     {b, s.redirect(s.other, s.sloURL(), with(func(a *wire.LogoutResponse) { a.Issuer = s.cloud.entity() }), relay), saml.IssuerMismatch},
		"signed by another":     {b, s.redirect(s.cloud, s.sloURL(), genuine.Copy(), relay), saml.SignatureInvalid},
		"unsigned":              {b, strings.Replace(s.unsigned(s.sloURL(), samltest.Write(t, genuine), relay), "SAMLRequest=", "SAMLResponse=", 1), saml.SignatureMissing},
		"to another address":    {b, s.redirect(s.other, s.sloURL(), with(func(a *wire.LogoutResponse) { a.Destination = s.ssoURL() }), relay), saml.DestinationMismatch},
		"too old":               {b, s.redirect(s.other, s.sloURL(), with(func(a *wire.LogoutResponse) { a.IssueInstant = s.Now().Add(-14 * time.Minute) }), relay), saml.AssertionExpired},
		"another relay state":   {b, s.redirect(s.other, s.sloURL(), genuine.Copy(), strings.Repeat("x", 43)), saml.LogoutUnknown},
		"no relay state":        {b, s.redirect(s.other, s.sloURL(), genuine.Copy(), ""), saml.LogoutUnknown},
		"from another browser":  {s.browser(), s.redirect(s.other, s.sloURL(), genuine.Copy(), relay), saml.LogoutUnknown},
		"with the id alone":     {thief, s.redirect(s.other, s.sloURL(), genuine.Copy(), relay), saml.LogoutUnknown},
		"resumed by a thief":    {thief, s.sloURL(), saml.LogoutUnknown},
		"at another's platform": {b, strings.Replace(s.redirect(s.other, s.sloURL(), genuine.Copy(), relay), "/storefront/", "/rival/", 1), saml.UnknownPlatform},
	} {
		if got := tc.b.open(tc.address); got.reason != string(tc.reason) {
			t.Errorf("%s: %d %s", name, got.status, got.reason)
		}
		if len(s.LogoutsUnderWay()) != 1 {
			t.Fatalf("%s: the logout is gone", name)
		}
	}
	p = b.open(s.redirect(s.other, s.sloURL(), genuine.Copy(), relay))
	if diff := cmp.Diff([]string{"Success"}, s.final(p, s.cloud, q)); diff != "" {
		t.Error(diff)
	}
	if p := b.open(s.redirect(s.other, s.sloURL(), genuine.Copy(), relay)); p.reason != string(saml.LogoutUnknown) {
		t.Errorf("a second time: %s", p.reason)
	}
}

// TestLogoutByPerson: IIP-IDP18 from our own sign-out page.
func TestLogoutByPerson(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := s.signedIn()
	p := b.open(s.URL + idptest.LogoutPath)
	if len(s.Sessions()) != 0 || b.cookie(idptest.SessionCookie) != "" {
		t.Error("still signed in here")
	}
	e, relay := s.reply(p, s.cloud)
	p = b.open(s.redirect(s.cloud, s.sloURL(), e, relay))
	e, relay = s.reply(p, s.other)
	if p = b.open(s.redirect(s.other, s.sloURL(), e, relay)); p.body != "signed out" {
		t.Errorf("%d %s %s", p.status, p.reason, p.body)
	}
	if len(s.Participants()) != 0 || len(s.LogoutsUnderWay()) != 0 {
		t.Error("something is left")
	}
	// Nobody to tell.
	b = s.browser()
	u, _ := url.Parse(s.URL)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: idptest.SessionCookie, Value: s.World.Start(idptest.Alice())}})
	if p := b.open(s.URL + idptest.LogoutPath); p.body != "signed out" || b.cookie(idp.LogoutCookieName) != "" {
		t.Errorf("%d %s %s", p.status, p.reason, p.body)
	}
}

// TestLogoutThatGotStuck: a participant that never sends the browser back does not hold the person.
func TestLogoutThatGotStuck(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := s.signedIn()
	s.asked(b.open(s.URL+idptest.LogoutPath), s.cloud)
	// The person opens the address anew; the next one is told.
	p := b.open(s.sloURL())
	e, relay := s.reply(p, s.other)
	if p = b.open(s.redirect(s.other, s.sloURL(), e, relay)); p.body != "signed out, partial" {
		t.Errorf("%d %s %s", p.status, p.reason, p.body)
	}
	// Or signs in again, and out: what was left undone is done with it.
	b = s.signedIn()
	s.asked(b.open(s.URL+idptest.LogoutPath), s.cloud)
	if p := s.login(b, s.cloud, s.request(s.cloud), ""); p.away != s.cloud.acs() {
		t.Fatal(p.reason)
	}
	p = b.open(s.URL + idptest.LogoutPath)
	e, relay = s.reply(p, s.cloud)
	p = b.open(s.redirect(s.cloud, s.sloURL(), e, relay))
	e, relay = s.reply(p, s.other)
	if p = b.open(s.redirect(s.other, s.sloURL(), e, relay)); p.body != "signed out, partial" {
		t.Errorf("%d %s %s", p.status, p.reason, p.body)
	}
	// Or never comes back: the row ends by itself.
	b = s.signedIn()
	p = b.open(s.URL + idptest.LogoutPath)
	e, relay = s.reply(p, s.cloud)
	s.Shift(16 * time.Minute)
	if p := b.open(s.redirect(s.cloud, s.sloURL(), e, relay)); p.reason != string(saml.LogoutUnknown) {
		t.Errorf("%d %s", p.status, p.reason)
	}
	if len(s.Sessions()) != 0 {
		t.Error("still signed in")
	}
}

// TestAsynchronousLogout: the extension IIP-IDP17 speaks of: nobody waits for an answer.
func TestAsynchronousLogout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := s.signedIn()
	e := s.logoutRequest(s.cloud).Element()
	extensions := etree.NewElement("samlp:Extensions")
	extensions.CreateElement("x:Asynchronous").CreateAttr("xmlns:x", "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo")
	e.InsertChildAt(1, extensions)
	p := b.open(s.redirect(s.cloud, s.sloURL(), e, ""))
	answer, relay := s.reply(p, s.other)
	if p = b.open(s.redirect(s.other, s.sloURL(), answer, relay)); p.body != "signed out" {
		t.Errorf("%d %s %s", p.status, p.reason, p.body)
	}
}

// TestLogoutSignsWithTheProvidersKind: SDP-IDP23: a service provider that wants ECDSA gets it in logout, too.
func TestLogoutSignsWithTheProvidersKind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.change("cloud", func(p *idp.ServiceProvider) { p.ECDSA = true })
	b := s.browser()
	e := s.request(s.cloud)
	message := s.login(b, s.cloud, e, "").message(t)
	if !strings.Contains(string(message), "ecdsa-sha256") || strings.Contains(string(message), "rsa-sha256") {
		t.Error("signed with RSA")
	}
	s.verified(s.cloud, message, e.SelectAttrValue("ID", ""))
	p := b.open(s.URL + idptest.LogoutPath)
	if s.asked(p, s.cloud); !strings.Contains(p.away, url.QueryEscape("ecdsa-sha256")) {
		t.Error(p.away)
	}
	platform, _ := s.Platform(t.Context(), idptest.PlatformID)
	platform.Keys = platform.Keys[:1]
	s.SetPlatform(platform)
	if p := s.login(s.browser(), s.cloud, s.request(s.cloud), ""); p.reason != string(saml.SigningKeyMissing) {
		t.Errorf("without an EC key: %s", p.reason)
	}
}
