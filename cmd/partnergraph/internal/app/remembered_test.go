package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestALoginIsFourRoundTripsAndSeesEveryChange: a server remembers a platform, and what another server changes of it counts at once.
func TestALoginIsFourRoundTripsAndSeesEveryChange(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	cfg := settings(storetest.PostgresURL(t))
	here := serve(t, cfg, app.Options{Traces: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))})
	there := serve(t, cfg, app.Options{})
	if err := fill(t.Context(), here.App); err != nil {
		t.Fatal(err)
	}
	p := newPlatform(t, here)
	bindAlice(t, here, p)
	signedIn := func(assertionID string) {
		t.Helper()
		if got := p.loginBy(t, here, "/saml/login?xAccountType="+demo.PlatformID, assertionID); got.status != http.StatusSeeOther || got.header.Get("Location") != "/console" {
			t.Fatalf("%s: %d to %q %.300s", assertionID, got.status, got.header.Get("Location"), got.body)
		}
	}
	signedIn("_first")
	signedIn("_again")
	find(t, spans, "POST /saml/")
	seen := len(spans.Ended())
	signedIn("_counted")
	var trips []string
	for _, span := range spans.Ended()[seen:] {
		if span.SpanKind() == trace.SpanKindClient && strings.HasPrefix(span.InstrumentationScope().Name, "github.com/partnergraph/partnergraph/store") && span.Parent().IsValid() {
			trips = append(trips, span.Name())
		}
	}
	if diff := cmp.Diff([]string{"INSERT saml_requests", "DELETE saml_requests", "INSERT saml_replays", "INSERT sessions"}, trips); diff != "" {
		t.Errorf("round trips (-want +got):\n%s", diff)
	}

	change := func(command exposure.UpdateAccessConfiguration) {
		t.Helper()
		command.PartnerID = p.partner
		if _, err := there.Rooms.Exposure.Update(t.Context(), models.SystemPrincipal("test"), command); err != nil {
			t.Fatal(err)
		}
	}
	link := func() answer { return here.ask(t, http.MethodGet, "/saml/login?xAccountType="+demo.PlatformID, "") }
	off, on := models.ExposureDisabled, models.ExposureEnabled
	change(exposure.UpdateAccessConfiguration{State: &off})
	if got := link(); got.status != http.StatusForbidden || !strings.Contains(got.body, string(saml.PlatformDisabled)) {
		t.Errorf("a disabled platform's link: %d %.300s", got.status, got.body)
	}
	change(exposure.UpdateAccessConfiguration{State: &on})
	signedIn("_enabled")
	change(exposure.UpdateAccessConfiguration{AuthnContexts: []string{"https://refeds.org/profile/mfa"}})
	if got := p.loginBy(t, here, "/saml/login?xAccountType="+demo.PlatformID, "_weak"); got.status != http.StatusForbidden || !strings.Contains(got.body, string(saml.AuthnContextMismatch)) {
		t.Errorf("signed in otherwise than is demanded now: %d %.300s", got.status, got.body)
	}
	change(exposure.UpdateAccessConfiguration{AuthnContexts: []string{}})
	signedIn("_free")
	config, err := there.Rooms.Exposure.ByPlatform(t.Context(), demo.PlatformID)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.ReplaceAll(config.IDPMetadata, "idp.storefront.example", "moved.storefront.example")
	change(exposure.UpdateAccessConfiguration{IDPMetadata: &moved})
	if got := link(); !strings.HasPrefix(got.header.Get("Location"), "https://moved.storefront.example/") {
		t.Errorf("after a move the link leads to %.80s", got.header.Get("Location"))
	}
}

// bindAlice binds the person of samltest's assertions to a user.
func bindAlice(t *testing.T, s *server, p *platform) {
	t.Helper()
	now, ids := time.Now().UTC().Truncate(time.Microsecond), s.Rooms.IDs
	customer := models.Customer{
		ID: ids(models.PrefixCustomer), Cloud: "hws", Name: "alice", Kind: models.Enterprise, VerifiedStatus: models.Verified, Frozen: models.NotFrozen,
		Currency: models.CNY, PartnerID: p.partner, Mode: models.Resale, CreatedAt: now, UpdatedAt: now,
	}
	user := models.User{
		ID: ids(models.PrefixUser), Kind: models.CustomerUser, CustomerID: customer.ID, LoginName: "alice", State: models.UserActive,
		Permissions: []models.Permission{}, CreatedAt: now, UpdatedAt: now,
	}
	for _, row := range []any{
		&customer, &user,
		&models.FederatedAccount{PlatformID: demo.PlatformID, XAccountID: "account-alice", CustomerID: customer.ID, BoundAt: now},
		&models.FederatedIdentity{
			ID: ids(models.PrefixFederatedIdentity), PlatformID: demo.PlatformID, XAccountID: "account-alice", XUserID: "user-alice", UserID: user.ID, BoundAt: now,
		},
	} {
		if _, err := s.Rooms.DB.NewInsert().Model(row).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
