package idp_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/bind"
	"github.com/partnergraph/partnergraph/saml/idp"
)

func notice() bind.Notification {
	return bind.Notification{XUserID: "user-alice", XAccountID: "account-alice", DomainID: "cust_1", DomainName: "alice", Nonce: "n-1"}
}

// notification signs one as a cloud does.
func (s *stage) notification(p peer, n bind.Notification, at time.Time) url.Values {
	s.t.Helper()
	f, err := bind.Build(n, p.key.Signer, at, rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	return url.Values{"bindRequest": {f.BindRequest}, "SigAlg": {f.SigAlg}, "Signature": {f.Signature}}
}

// undated signs what the vendor documents: neither nonce nor issuedAt, the action as a text.
func (s *stage) undated(p peer, body string) url.Values {
	s.t.Helper()
	text := b64([]byte(body))
	sum := sha256.Sum256([]byte(text))
	signature, err := p.key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		s.t.Fatal(err)
	}
	return url.Values{"bindRequest": {text}, "SigAlg": {strings.ToUpper(bind.SigAlg)}, "Signature": {b64(signature)}}
}

// TestBindNotification: domain 2.6 and 2.8: verified, kept once, answered alike, echoed never.
func TestBindNotification(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	address := s.URL + "/saml/idp/storefront/bind"
	form := s.notification(s.cloud, notice(), s.Now())
	for range 2 { // the person pressed reload
		p := s.browser().post(address, form)
		if p.status != http.StatusOK || strings.Contains(p.body, "alice") || p.header.Get("X-Frame-Options") != "" {
			t.Errorf("%d %s %s", p.status, p.reason, p.body)
		}
	}
	s.browser().post(address, s.notification(s.cloud, notice(), s.Now().Add(time.Second))) // sent again by the cloud
	got := s.Recorded()
	if len(got) != 1 || got[0].DomainID != "cust_1" || got[0].XAccountID != "account-alice" || got[0].BindAction != bind.Bind {
		t.Fatalf("%+v", got)
	}
	if p := s.browser().post(address, s.undated(s.other, `{"domainName":"yongzhi","domainId":"yongzhiid","xUserId":"yongzhix","bindAction":"1"}`)); p.status != http.StatusOK {
		t.Errorf("as documented: %d %s", p.status, p.reason)
	}
	if got := s.Recorded(); len(got) != 2 || got[1].BindAction != bind.Unbind {
		t.Fatalf("%+v", got)
	}
	lines := s.AuditLines()
	if got := lines[len(lines)-1]; got != "storefront other NOTIFICATION_TAKEN" {
		t.Error(got)
	}
}

// TestForgedNotifications: nothing that is not genuine is kept, and each says why.
func TestForgedNotifications(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	address := s.URL + "/saml/idp/storefront/bind"
	genuine := func() url.Values { return s.notification(s.cloud, notice(), s.Now()) }
	edit := func(name, value string) url.Values { f := genuine(); f.Set(name, value); return f }
	stranger := peer{"stranger", peerKey(t, "stranger")}
	s.Register(t, "off", stranger.metadata(), func(p *idp.ServiceProvider) { p.Disabled = true })
	elsewhere := notice()
	elsewhere.XAccountType = "rival"
	nobody := notice()
	nobody.XUserID, nobody.XAccountID = "", ""
	double := genuine()
	double.Add("bindRequest", double.Get("bindRequest"))
	for name, tc := range map[string]struct {
		form   url.Values
		reason saml.Reason
	}{
		"signed by nobody registered": {s.notification(peer{"x", peerKey(t, "nobody")}, notice(), s.Now()), saml.NotificationForged},
		"signed by one switched off":  {s.notification(stranger, notice(), s.Now()), saml.NotificationForged},
		"another text":                {edit("bindRequest", b64([]byte(`{"xUserId":"mallory","domainId":"d","bindAction":0}`))), saml.NotificationForged},
		"another signature":           {edit("Signature", "AAAA"), saml.NotificationForged},
		"SHA-1":                       {edit("SigAlg", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), saml.NotificationForged},
		"for another platform":        {s.notification(s.cloud, elsewhere, s.Now()), saml.NotificationForged},
		"old":                         {s.notification(s.cloud, notice(), s.Now().Add(-16*time.Minute)), saml.NotificationStale},
		"from the future":             {s.notification(s.cloud, notice(), s.Now().Add(16*time.Minute)), saml.NotificationStale},
		"of nobody":                   {s.notification(s.cloud, nobody, s.Now()), saml.NotificationInvalid},
		"twice a field":               {double, saml.NotificationInvalid},
		"no signature":                {edit("Signature", ""), saml.NotificationInvalid},
		"nothing":                     {url.Values{}, saml.NotificationInvalid},
		"not JSON":                    {s.undated(s.cloud, "[]"), saml.NotificationForged},
		"endless":                     {edit("bindRequest", strings.Repeat("A", 65<<10)), saml.ResponseTooLarge},
	} {
		if p := s.browser().post(address, tc.form); p.reason != string(tc.reason) || p.status != tc.reason.Status() || p.status/100 != 4 {
			t.Errorf("%s: %d %s", name, p.status, p.reason)
		}
	}
	if p := s.browser().open(address + "?" + genuine().Encode()); p.reason != string(saml.MethodNotAllowed) || p.header.Get("Allow") != http.MethodPost {
		t.Errorf("GET: %d %s", p.status, p.reason)
	}
	if p := s.browser().post(address+"?"+genuine().Encode(), nil); p.reason != string(saml.NotificationInvalid) {
		t.Errorf("in the query: %d %s", p.status, p.reason)
	}
	if got := s.Recorded(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	// What could not be kept is not answered as if it had been, and can be sent again.
	s.Fail = func(method string) error {
		if method == "Record" {
			return errors.New("secret row")
		}
		return nil
	}
	form := genuine()
	if p := s.browser().post(address, form); p.status != http.StatusServiceUnavailable || strings.Contains(p.body, "secret") {
		t.Errorf("not kept: %d %s", p.status, p.body)
	}
	s.Fail = nil
	if s.browser().post(address, form); len(s.Recorded()) != 1 {
		t.Error("lost")
	}
}
