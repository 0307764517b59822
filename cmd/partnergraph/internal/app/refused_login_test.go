package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/saml"
)

// TestARefusedLoginSaysWhyAndIsOnRecord: a page in the person's language with what happened, what to do and the support id; the reason in
// the partner's record; and nothing of the message in either. At both doors.
func TestARefusedLoginSaysWhyAndIsOnRecord(t *testing.T) {
	t.Parallel()
	s := serve(t, settings(worldURL(t)), app.Options{})
	p := newPlatform(t, s)
	demand := func(contexts ...string) {
		t.Helper()
		_, err := s.Rooms.Exposure.Update(t.Context(), models.SystemPrincipal("test"), exposure.UpdateAccessConfiguration{PartnerID: p.partner, AuthnContexts: contexts})
		if err != nil {
			t.Fatal(err)
		}
	}
	recorded := func(reason saml.Reason) models.Event {
		t.Helper()
		var events []models.Event
		if err := s.Rooms.DB.NewSelect().Model(&events).Where("type = ?", models.EventSignInRefused).OrderExpr("id").Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 || events[len(events)-1].Data["reason"] != string(reason) {
			t.Fatalf("on record: %+v", events)
		}
		return events[len(events)-1]
	}
	says := func(got answer, status int, reason saml.Reason, words ...string) {
		t.Helper()
		for _, word := range append(words, string(reason), got.header.Get("X-Request-Id")) {
			if word == "" || !strings.Contains(got.body, word) {
				t.Errorf("%s: no %q in %.1500s", reason, word, got.body)
			}
		}
		for _, word := range []string{"alice", "_refused", "_assertion", "PasswordProtectedTransport", "storefront.example"} {
			if strings.Contains(got.body, word) {
				t.Errorf("%s: the page says %q", reason, word)
			}
		}
		if got.status != status {
			t.Errorf("%s: %d", reason, got.status)
		}
	}

	demand("https://refeds.org/profile/mfa")
	says(p.login(t, s, "_refused"), http.StatusForbidden, saml.AuthnContextMismatch, "Your platform has to sign you in another way", "a second factor for example")
	if event := recorded(saml.AuthnContextMismatch); event.PartnerID != p.partner || event.Data["platformId"] != demo.PlatformID {
		t.Errorf("%+v", event)
	}
	// Refused before it was used up: what is demanded may change, and the same assertion answers another request.
	demand("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
	if got := p.login(t, s, "_refused"); got.status != http.StatusSeeOther {
		t.Errorf("%d %.300s", got.status, got.body)
	}

	says(s.ask(t, http.MethodGet, "/saml/idp/"+demo.PlatformID+"/sso?SAMLRequest=alice", "", "Accept-Language", "zh"), http.StatusBadRequest, saml.ResponseMalformed, "未能通过您的平台登录")
	if event := recorded(saml.ResponseMalformed); event.PartnerID != p.partner {
		t.Errorf("%+v", event)
	}
}
