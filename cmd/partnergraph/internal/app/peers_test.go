package app_test

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/partners"
)

// instance serves a server of the development kind under a name of its own, so that two of them are two sites to a browser.
func instance(t *testing.T, name, databaseURL string, migrate bool) (s *server, origin string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	origin = "http://" + name + ".localhost:" + port
	cfg := settings(databaseURL)
	cfg.PublicURL, cfg.Dev, cfg.Migrate = origin, true, migrate
	s = &server{logs: new(logs), done: make(chan error, 1), url: "http://" + listener.Addr().String(), client: newVisitor().client}
	if s.App, err = app.New(t.Context(), cfg, app.Options{LogOutput: s.logs}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	ready := make(chan struct{})
	go func() {
		s.done <- s.Serve(ctx, listener, func(net.Addr) { close(ready) })
		close(s.done)
	}()
	<-ready
	t.Cleanup(func() { s.end(t) })
	return s, origin
}

// peers are two servers that trust each other: a platform whose people sign in here, and a cloud that they go to.
type peers struct {
	shop, cloud             *server
	shopOrigin, cloudOrigin string
	provider                string // the cloud, as the platform has registered it
	customer                models.Customer
}

const cloudPlatform = "acme_IDP" // what the cloud calls the platform

func newPeers(t *testing.T) *peers {
	t.Helper()
	p := &peers{}
	p.shop, p.shopOrigin = instance(t, "shop", worldURL(t), false)
	p.cloud, p.cloudOrigin = instance(t, "cloud", "sqlite://"+filepath.Join(t.TempDir(), "cloud.db"), true)
	ctx, system := t.Context(), models.SystemPrincipal("test")
	theirs, err := p.cloud.Rooms.Partners.Create(ctx, system, partners.CreatePartner{
		Kind: models.SolutionProvider, Name: "Acme", Level: models.LevelLeading, Country: "CN", SigningEntity: "Cloud", Currency: models.CNY, Cloud: "hws",
	})
	if err != nil {
		t.Fatal(err)
	}
	metadata := p.shop.ask(t, "GET", "/saml/idp/"+demo.PlatformID+"/metadata", "").body
	platform, enabled, bound := cloudPlatform, models.ExposureEnabled, p.shopOrigin+"/saml/idp/"+demo.PlatformID+"/bind"
	_, err = p.cloud.Rooms.Exposure.Update(ctx, system, exposure.UpdateAccessConfiguration{
		PartnerID: theirs.ID, PlatformID: &platform, State: &enabled, IDPMetadata: &metadata, BindNotificationURL: &bound,
	})
	if err != nil {
		t.Fatalf("the cloud does not take the platform's metadata: %v\n%s", err, metadata)
	}

	own := p.partnerOf(t)
	p.customer, err = p.shop.Rooms.Customers.Create(ctx, system, customers.CreateCustomer{
		Name: "harbour-books", Kind: models.Enterprise, PartnerID: own, Mode: models.Resale, ExternalID: "shop-77", Email: "books@example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	registered := p.as(t, `mutation($i: RegisterServiceProviderInput!){registerServiceProvider(input: $i){serviceProvider{id entityId consumerUrls} findings{code}}}`, map[string]any{
		"partnerId": own, "name": "Cloud", "metadataUrl": p.cloud.url + "/saml/sp/" + cloudPlatform + "/metadata", "bpId": theirs.ID,
		"loginUrl": p.cloudOrigin + "/saml/login?xAccountType=" + cloudPlatform + "&isFirstLogin=true", "nameIdFormat": "PERSISTENT",
	})
	p.provider = at[string](t, registered, "registerServiceProvider", "serviceProvider", "id")
	return p
}

func (p *peers) partnerOf(t *testing.T) models.ID {
	t.Helper()
	return models.ID(at[string](t, p.as(t, `{viewer{partner{id}}}`, nil), "viewer", "partner", "id"))
}

// as asks the platform with its storefront's key.
func (p *peers) as(t *testing.T, query string, input any) map[string]any {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"i": input}})
	if err != nil {
		t.Fatal(err)
	}
	got := p.shop.ask(t, "POST", "/graphql", string(body), "Content-Type", jsonType, "Authorization", "Bearer "+demo.FixedKeys().SolutionProvider)
	var decoded struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.Unmarshal([]byte(got.body), &decoded); err != nil || len(decoded.Errors) > 0 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return decoded.Data
}

// at reads a value of a decoded answer.
func at[T any](t *testing.T, v any, path ...string) T {
	t.Helper()
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no %s in %v", name, v)
		}
		v = object[name]
	}
	value, ok := v.(T)
	if !ok {
		t.Fatalf("%v is %v", path, v)
	}
	return value
}

// ticket lets the storefront sign its person in.
func (p *peers) ticket(t *testing.T, more map[string]any) string {
	t.Helper()
	input := map[string]any{"customerId": p.customer.ID, "externalUserId": "ann"}
	maps.Copy(input, more)
	return at[string](t, p.as(t, `mutation($i: CreateSignInTicketInput!){createSignInTicket(input: $i){url expiresAt}}`, input), "createSignInTicket", "url")
}

// navigate is following an address and the forms that a page posts by itself: SAML messages on their way.
func (v *visitor) navigate(t *testing.T, address string) answer {
	t.Helper()
	page := v.follow(t, address)
	for range 8 {
		if !strings.Contains(page.body, "SAMLResponse") && !strings.Contains(page.body, "SAMLRequest") {
			return page
		}
		action, fields := formOf(t, page)
		var next string
		if page, next = v.visit(t, action, fields); next != "" {
			page = v.follow(t, next)
		}
	}
	t.Fatalf("the browser is sent round in circles: %.300s", page.body)
	return page
}

// viewer is who is signed in at the cloud in this browser.
func (v *visitor) signedInAt(t *testing.T, origin string) string {
	t.Helper()
	page, _ := v.visit(t, origin+"/console", nil)
	if page.status != 200 {
		return ""
	}
	_, rest, _ := strings.Cut(page.body, "Signed in as ")
	name, _, _ := strings.Cut(rest, "<")
	return strings.TrimSpace(name)
}

// open creates an account at the cloud on its first-login page, and lets the browser carry the bind notification.
func (v *visitor) open(t *testing.T, cloud string, page answer, account string) {
	t.Helper()
	_, fields := formOf(t, page)
	fields.Set(pages.FieldAccountName, account)
	fields.Set(pages.FieldConsent, "yes")
	fields.Set(pages.FieldBranch, pages.BranchCreate)
	_, next := v.visit(t, cloud+"/first-login", fields)
	if !strings.HasSuffix(next, "/bound") {
		t.Fatalf("after the first login comes %q", next)
	}
	action, notice := formOf(t, v.follow(t, next))
	if got, _ := v.visit(t, action, notice, "Origin", cloud); got.status != 200 {
		t.Fatalf("the notification: %d %.300s", got.status, got.body)
	}
}

// TestTwoServersFederate: one as partner platform, the other as cloud, from the storefront's ticket to the cloud's console and back (2.2-2.7).
func TestTwoServersFederate(t *testing.T) {
	t.Parallel()
	p := newPeers(t)
	browser := newVisitor()

	// First login: the ticket launches the cloud, which asks the platform and shows its create-or-bind page.
	page := browser.navigate(t, p.ticket(t, map[string]any{"serviceProviderId": p.provider}))
	if page.status != 200 || !strings.Contains(page.body, pages.FieldConsent) {
		t.Fatalf("%d %.600s\n%s\n%s", page.status, page.body, p.shop.logs, p.cloud.logs)
	}
	if !strings.Contains(page.body, "harbour-books") {
		t.Error("the account's name did not come along")
	}
	browser.open(t, p.cloudOrigin, page, "harbour-books")
	bindings := func() []any {
		found := p.as(t, `query($i: ID!){customer(id: $i){cloudBindings{totalCount nodes{state xAccountId xUserId domainName serviceProvider{id}}}}}`, p.customer.ID)
		return at[[]any](t, found, "customer", "cloudBindings", "nodes")
	}
	got := bindings()
	if len(got) != 1 || at[string](t, got[0], "state") != "BOUND" || at[string](t, got[0], "xAccountId") != "shop-77" || at[string](t, got[0], "xUserId") != "ann" ||
		at[string](t, got[0], "domainName") != "harbour-books" || at[string](t, got[0], "serviceProvider", "id") != p.provider {
		t.Fatalf("the platform knows %v", got)
	}
	if who := browser.signedInAt(t, p.cloudOrigin); who != "harbour-books" {
		t.Errorf("at the cloud %q is signed in", who)
	}

	// Later login: the platform still knows the browser and asks nobody.
	delete(browser.cookies, strings.TrimPrefix(p.cloudOrigin, "http://"))
	login := p.cloudOrigin + "/saml/login?xAccountType=" + cloudPlatform + "&service=" + url.QueryEscape(p.cloudOrigin+"/console")
	page = browser.navigate(t, login)
	if who := browser.signedInAt(t, p.cloudOrigin); page.status != 200 || who != "harbour-books" {
		t.Errorf("%d, at the cloud %q is signed in", page.status, who)
	}
	if n := len(bindings()); n != 1 {
		t.Errorf("%d bindings", n)
	}

	// Signing out at the platform ends what it began: this browser is nobody here any more.
	action, fields := formOf(t, browser.follow(t, p.shopOrigin+"/console"))
	page, next := browser.visit(t, p.shopOrigin+strings.TrimPrefix(action, p.shopOrigin), fields)
	if next != "" {
		page = browser.navigate(t, next)
	}
	if page.status != 200 || !strings.Contains(page.body, "wherever else you were signed in") {
		t.Errorf("signing out: %d %.2000s", page.status, page.body)
	}
	if who := browser.signedInAt(t, p.cloudOrigin); who != "" {
		t.Errorf("%q is still signed in at the cloud", who)
	}
	if who := browser.signedInAt(t, p.shopOrigin); who != "" {
		t.Errorf("%q is still signed in at the platform", who)
	}
}

// TestStorefrontsOwnSignInPage: the platform sends people there, and only the browser that came can go on with the ticket made for it.
func TestStorefrontsOwnSignInPage(t *testing.T) {
	t.Parallel()
	p := newPeers(t)
	browser := newVisitor()
	// The account is bound first.
	browser.open(t, p.cloudOrigin, browser.navigate(t, p.ticket(t, map[string]any{"serviceProviderId": p.provider})), "harbour-books")

	ownPage := "http://127.0.0.1:9/sign-in?shop=1"
	p.as(t, `mutation($i: UpdateAccessConfigurationInput!){updateAccessConfiguration(input: $i){accessConfiguration{signInUrl}}}`, map[string]any{
		"partnerId": p.partnerOf(t), "signInUrl": ownPage,
	})
	login := p.cloudOrigin + "/saml/login?xAccountType=" + cloudPlatform
	fresh := newVisitor()
	next := login
	for hops := 0; hops < 6 && !strings.HasPrefix(next, "http://127.0.0.1:9/"); hops++ {
		_, next = fresh.visit(t, next, nil)
	}
	came, err := url.Parse(next)
	if err != nil || came.Query().Get("shop") != "1" || came.Query().Get(models.SignInRequestParameter) == "" {
		t.Fatalf("the person is sent to %q", next)
	}
	request := map[string]any{"requestId": came.Query().Get(models.SignInRequestParameter)}
	stolen := p.ticket(t, request)
	if page := newVisitor().navigate(t, stolen); page.status != 403 {
		t.Errorf("another browser: %d %.300s", page.status, page.body)
	}
	if page := fresh.navigate(t, stolen); page.status != 403 {
		t.Errorf("a ticket that was tried elsewhere: %d %.300s", page.status, page.body)
	}
	page := fresh.navigate(t, p.ticket(t, request))
	if who := fresh.signedInAt(t, p.cloudOrigin); page.status != 200 || who != "harbour-books" {
		t.Errorf("%d, at the cloud %q is signed in: %.300s", page.status, who, page.body)
	}
}

// TestOurSignInPageForAPlatform: it takes the platform's people only and tells the others, also those who are signed in already.
func TestOurSignInPageForAPlatform(t *testing.T) {
	t.Parallel()
	p := newPeers(t)
	browser := newVisitor()
	signIn := func(page answer, name string) (answer, string) {
		action, fields := formOf(t, page)
		fields.Set(pages.FieldLoginName, name)
		fields.Set(pages.FieldPassword, demo.Password)
		return browser.visit(t, p.shopOrigin+strings.TrimPrefix(action, p.shopOrigin), fields)
	}
	if _, next := signIn(browser.follow(t, p.shopOrigin+"/sign-in"), "operator"); next == "" {
		t.Fatal("the operator cannot sign in at all")
	}
	page := browser.follow(t, p.cloudOrigin+"/saml/login?xAccountType="+cloudPlatform+"&isFirstLogin=true")
	if !strings.Contains(page.body, "does not belong to the platform") {
		t.Fatalf("an operator is told nothing: %d %.600s", page.status, page.body)
	}
	refused, next := signIn(page, "operator")
	if refused.status != 401 || next != "" || !strings.Contains(refused.body, "does not belong to the platform") {
		t.Errorf("the operator again: %d %q", refused.status, next)
	}
	_, next = signIn(page, "demo-bakery")
	if page := browser.navigate(t, next); page.status != 200 || !strings.Contains(page.body, pages.FieldConsent) {
		t.Errorf("a customer: %d %.600s", page.status, page.body)
	}
}
