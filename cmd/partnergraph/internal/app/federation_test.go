package app_test

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/session"
)

// trip is a visitor of the demo and its partner's program.
type trip struct {
	*visitor
	t      *testing.T
	info   demo.Info
	origin string
	host   string
}

func newTrip(t *testing.T) *trip {
	t.Helper()
	info, _ := runDemo(t)
	origin, _, _ := strings.Cut(info.Console, "/console")
	return &trip{newVisitor(), t, info, origin, strings.TrimPrefix(origin, "http://")}
}

// ask calls the API as the partner and reads data into out.
func (p *trip) ask(document string, out any) {
	p.t.Helper()
	got, _ := p.graphql(p.t, p.info, p.info.Keys.SolutionProvider, document)
	var envelope struct {
		Data   json.RawMessage
		Errors []any
	}
	if err := json.Unmarshal([]byte(got.body), &envelope); err != nil || len(envelope.Errors) > 0 {
		p.t.Fatalf("%s: %s", document, got.body)
	}
	if err := json.Unmarshal(envelope.Data, out); err != nil {
		p.t.Fatal(err)
	}
}

// arrive goes from a login link to the answer of the consumer, and returns it and where it leads.
func (p *trip) arrive(link string) (answer, string) {
	p.t.Helper()
	_, request := p.visit(p.t, link, nil)
	page := p.follow(p.t, request)
	if !strings.Contains(page.body, "SAMLResponse") { // the platform's own sign-in
		_, form := formOf(p.t, page)
		form.Set("account", "federation-person")
		sent, err := url.Parse(request)
		if err != nil {
			p.t.Fatal(err)
		}
		_, then := p.visit(p.t, sent.Scheme+"://"+sent.Host+"/sign-in", form)
		page = p.follow(p.t, then)
	}
	acs, form := formOf(p.t, page)
	return p.visit(p.t, acs, form)
}

// link is the demo's login link, as of a later login.
func (p *trip) link(first string) string {
	p.t.Helper()
	u, err := url.Parse(p.info.SAML.Login)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	q.Set("isFirstLogin", first)
	u.RawQuery = q.Encode()
	return u.String()
}

type noticed struct {
	Partner struct {
		AccessConfiguration struct {
			BindNotifications struct {
				Nodes []struct {
					ID, Action, State string
					Attempts          int
				}
			}
		}
	}
}

func (p *trip) notices() noticed {
	p.t.Helper()
	var viewer struct {
		Viewer struct{ Partner struct{ ID string } }
	}
	p.ask(`{ viewer { partner { id } } }`, &viewer)
	var out noticed
	p.ask(`{ partner(id: "`+viewer.Viewer.Partner.ID+`") { accessConfiguration { bindNotifications(first: 5) { nodes { id action state attempts } } } } }`, &out)
	return out
}

func (p *trip) wantNotice(what, action, state string, attempts int) string {
	p.t.Helper()
	all := p.notices().Partner.AccessConfiguration.BindNotifications.Nodes
	if len(all) == 0 || all[0].Action != action || all[0].State != state || all[0].Attempts != attempts {
		p.t.Fatalf("%s: %+v, want %s %s %d", what, all, action, state, attempts)
	}
	return all[0].ID
}

// TestBindingFromFirstLoginToItsEnd follows a notification that the browser lost, its repetition, and the end of the binding by the
// person, through the real program (2.5, 2.6, domain 4.2).
func TestBindingFromFirstLoginToItsEnd(t *testing.T) {
	t.Parallel()
	p := newTrip(t)
	_, next := p.arrive(p.info.SAML.Login)
	page := p.follow(t, next)
	_, form := formOf(t, page)
	form.Set(pages.FieldAccountName, "federation-account")
	form.Set(pages.FieldConsent, "yes")
	if done, next := p.visit(t, p.origin+"/first-login", form); !strings.HasSuffix(next, "/bound") {
		t.Fatalf("%d %q %.900s", done.status, next, done.body)
	}
	// The browser is closed before the page that posts the notification.
	id := p.wantNotice("lost by the browser", "BIND", "PENDING", 0)
	var sent struct {
		ResendBindNotification struct {
			Form struct{ URL, BindRequest, SigAlg, Signature string }
		}
	}
	p.ask(`mutation { resendBindNotification(input: {bindNotificationId: "`+id+`"}) { form { url bindRequest sigAlg signature } } }`, &sent)
	if f := sent.ResendBindNotification.Form; f.URL == "" || len(f.Signature) < 300 || !strings.HasSuffix(f.SigAlg, "rsa-sha256") {
		t.Errorf("%+v", f)
	}
	p.wantNotice("taken by the program", "BIND", "REPEAT", 1)
	if _, next := p.arrive(p.link("false")); !strings.HasSuffix(next, "/bound") {
		t.Fatalf("the next login leads to %q", next)
	}
	if page := p.follow(t, p.origin+"/bound"); !strings.Contains(page.body, "bindRequest") {
		t.Fatalf("%d %.600s", page.status, page.body)
	}
	p.wantNotice("repeated", "BIND", "SENT", 2)
	if _, next := p.arrive(p.link("false")); strings.HasSuffix(next, "/bound") {
		t.Error("it is repeated for ever")
	}

	console := p.follow(t, p.origin+"/console")
	ask := regexp.MustCompile(`/unbind\?identity=fid_[0-9a-z]+`).FindString(console.body)
	if ask == "" {
		t.Fatalf("no way to disconnect: %.2000s", console.body)
	}
	page, _ = p.visit(t, p.origin+ask, nil)
	action, form := formOf(t, page)
	if forged, _ := p.visit(t, p.origin+action, url.Values{pages.FieldIdentity: {form.Get(pages.FieldIdentity)}}); strings.Contains(forged.body, "bindRequest") {
		t.Error("a form without its token disconnects")
	}
	if foreign, _ := p.visit(t, p.origin+"/unbind?identity=fid_01h455vb4pex5vsknk084sn02q", nil); foreign.status != 404 {
		t.Errorf("somebody else's binding: %d", foreign.status)
	}
	page, _ = p.visit(t, p.origin+action, form)
	if !strings.Contains(page.body, "bindRequest") || !strings.Contains(page.body, "no longer connected") {
		t.Fatalf("%d %.900s", page.status, page.body)
	}
	p.wantNotice("disconnected", "UNBIND", "SENT", 1)
	if _, next := p.visit(t, p.origin+"/console", nil); !strings.Contains(next, "/sign-in") {
		t.Errorf("the session that came from the platform goes on: %q", next)
	}
	if refused, _ := p.arrive(p.link("false")); refused.status != 403 || !strings.Contains(refused.body, "IDENTITY_NOT_BOUND") {
		t.Errorf("a login after the end: %d %.600s", refused.status, refused.body)
	}
}

// TestTheFirstPersonOfACreatedAccountIsBound: a customer that the platform created is known by its xAccountId, so its first person signs in
// without a page and without isFirstLogin (2.5); the next one does not.
func TestTheFirstPersonOfACreatedAccountIsBound(t *testing.T) {
	t.Parallel()
	p := newTrip(t)
	var made struct {
		CreateCustomer struct{ Customer struct{ ID, Name string } }
	}
	p.ask(`mutation { createCustomer(input: {accountName: "prebound-account", externalId: "federation-person", idempotencyKey: "1"}) { customer { id name } } }`, &made)
	if done, next := p.arrive(p.link("false")); done.status != 303 || strings.Contains(next, "first-login") {
		t.Fatalf("%d, on to %q: %.900s", done.status, next, done.body)
	}
	if page := p.follow(t, p.origin+"/console"); !strings.Contains(page.body, "prebound-account") {
		t.Errorf("signed in: %.900s", page.body)
	}
}

// TestFirstLoginStopsWithThePlatform: the platform is switched off while a person is on the create-or-bind page.
func TestFirstLoginStopsWithThePlatform(t *testing.T) {
	t.Parallel()
	p := newTrip(t)
	_, next := p.arrive(p.info.SAML.Login)
	page := p.follow(t, next)
	_, form := formOf(t, page)
	form.Set(pages.FieldAccountName, "federation-account")
	form.Set(pages.FieldConsent, "yes")
	p.exposure(`state: DISABLED`)
	if got, next := p.visit(t, p.origin+"/first-login", form); got.status != 403 || next != "" || !strings.Contains(got.body, "PLATFORM_DISABLED") {
		t.Errorf("%d %q %.600s", got.status, next, got.body)
	}
	if got, _ := p.visit(t, p.origin+"/first-login", nil); got.status != 403 {
		t.Errorf("the page is still shown: %d", got.status)
	}
	var found struct {
		Customers struct{ Nodes []struct{ Name string } }
	}
	p.ask(`{ customers(query: "federation-account") { nodes { name } } }`, &found)
	if len(found.Customers.Nodes) > 0 {
		t.Error("an account was made")
	}
}

// exposure changes the platform's settings.
func (p *trip) exposure(change string) {
	p.t.Helper()
	var viewer struct {
		Viewer struct{ Partner struct{ ID string } }
	}
	p.ask(`{ viewer { partner { id } } }`, &viewer)
	p.ask(`mutation { updateAccessConfiguration(input: {partnerId: "`+viewer.Viewer.Partner.ID+`", `+change+`}) { accessConfiguration { id } } }`, &struct{}{})
}

// TestTestLoginThroughTheProgram: the person sees every verdict, the partner reads the same, and nobody is signed in.
func TestTestLoginThroughTheProgram(t *testing.T) {
	t.Parallel()
	p := newTrip(t)
	p.exposure(`state: DISABLED, attributeMapping: {email: "mail"}`)
	var viewer struct {
		Viewer struct{ Partner struct{ ID string } }
	}
	p.ask(`{ viewer { partner { id } } }`, &viewer)
	var made struct {
		CreateTestLogin struct {
			TestLogin struct{ ID string }
			URL       string
		}
	}
	p.ask(`mutation { createTestLogin(input: {partnerId: "`+viewer.Viewer.Partner.ID+`"}) { testLogin { id } url } }`, &made)
	page, next := p.arrive(made.CreateTestLogin.URL)
	if page.status != 200 || next != "" || !strings.Contains(page.body, "would be refused") || !strings.Contains(page.body, "PLATFORM_ENABLED") || p.cookies[p.host][session.CookieName] != "" {
		t.Fatalf("%d %q %.900s", page.status, next, page.body)
	}
	var read struct {
		TestLogin struct {
			State  string
			Report struct {
				Accepted   bool
				Checks     []struct{ Name, Verdict, Reason string }
				Attributes []struct {
					Name   string
					Values []string
					Fills  *string
				}
			}
		}
	}
	p.ask(`{ testLogin(id: "`+made.CreateTestLogin.TestLogin.ID+`") { state report { accepted checks { name verdict reason } attributes { name values fills } } } }`, &read)
	failed := ""
	for _, c := range read.TestLogin.Report.Checks {
		if c.Verdict == "FAILED" {
			failed += c.Name + " " + c.Reason
		}
	}
	if read.TestLogin.State != "DONE" || read.TestLogin.Report.Accepted || failed != "PLATFORM_ENABLED PLATFORM_DISABLED" || len(read.TestLogin.Report.Attributes) < 3 {
		t.Errorf("%+v", read)
	}
}

// TestSignOutAsksThePlatform: the session here is over before the platform is asked (SDP-SP24, SDP-SP34).
func TestSignOutAsksThePlatform(t *testing.T) {
	t.Parallel()
	p := newTrip(t)
	_, next := p.arrive(p.info.SAML.Login)
	_, form := formOf(t, p.follow(t, next))
	form.Set(pages.FieldAccountName, "federation-account")
	form.Set(pages.FieldConsent, "yes")
	p.visit(t, p.origin+"/first-login", form)
	var viewer struct {
		Viewer struct {
			Partner struct {
				AccessConfiguration struct{ IdpMetadata string }
			}
		}
	}
	p.ask(`{ viewer { partner { accessConfiguration { idpMetadata } } } }`, &viewer)
	const role = "SingleSignOnService"
	metadata := viewer.Viewer.Partner.AccessConfiguration.IdpMetadata
	at := strings.Index(metadata, role)
	if at < 0 {
		t.Fatal(metadata)
	}
	at = strings.LastIndex(metadata[:at], "<")
	prefix, _, _ := strings.Cut(metadata[at+1:], role)
	slo := "<" + prefix + `SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://shop.example.com/slo?x=1"/>`
	quoted, err := json.Marshal(metadata[:at] + slo + metadata[at:])
	if err != nil {
		t.Fatal(err)
	}
	p.exposure("idpMetadata: " + string(quoted))
	console := p.follow(t, p.origin+"/console")
	action, form := formOf(t, console)
	out, _ := p.visit(t, p.origin+action, form)
	target := out.header.Get("Refresh")
	if out.status != 200 || !strings.HasPrefix(target, "0;url=https://shop.example.com/slo?x=1&SAMLRequest=") || !strings.Contains(target, "&Signature=") {
		t.Fatalf("%d %q %.600s", out.status, target, out.body)
	}
	if p.cookies[p.host][session.CookieName] != "" {
		t.Error("the cookie stays")
	}
	if got, _ := p.visit(t, p.origin+"/saml/sp/"+demo.PlatformID+"/slo", nil); got.status != 400 {
		t.Errorf("an empty logout message: %d", got.status)
	}
}

var variables = regexp.MustCompile(`^(query|mutation) \([^)]*\)`)

// documented returns the examples of a section of docs/api.md.
func documented(t *testing.T, heading string) (examples []string) {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/api.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, block := range strings.Split(section, "```graphql\n")[1:] {
		example, _, _ := strings.Cut(block, "```")
		examples = append(examples, variables.ReplaceAllString(example, "$1"))
	}
	return examples
}

// TestDocumentedExamples runs what docs/api.md shows of bindings and test logins.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	p := newTrip(t)
	_, next := p.arrive(p.info.SAML.Login)
	_, form := formOf(t, p.follow(t, next))
	form.Set(pages.FieldAccountName, "federation-account")
	form.Set(pages.FieldConsent, "yes")
	p.visit(t, p.origin+"/first-login", form)
	var bound struct {
		Customers struct {
			Nodes []struct {
				ID                  string
				FederatedIdentities []struct{ ID string }
			}
		}
	}
	p.ask(`{ customers(query: "federation-account") { nodes { id federatedIdentities { id } } } }`, &bound)
	var made struct {
		CreateTestLogin struct{ TestLogin struct{ ID string } }
	}
	p.ask(`mutation { createTestLogin(input: {partnerId: "`+p.info.PartnerID+`"}) { testLogin { id } } }`, &made)
	values := strings.NewReplacer(
		"$partner", `"`+p.info.PartnerID+`"`, "$notification", `"`+p.notices().Partner.AccessConfiguration.BindNotifications.Nodes[0].ID+`"`,
		"$customer", `"`+bound.Customers.Nodes[0].ID+`"`, "$identity", `"`+bound.Customers.Nodes[0].FederatedIdentities[0].ID+`"`,
		"$test", `"`+made.CreateTestLogin.TestLogin.ID+`"`,
	)
	examples := append(documented(t, "Bindings and their notifications"), documented(t, "Test logins")...)
	if len(examples) != 6 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		var data map[string]map[string]any
		if p.ask(values.Replace(example), &data); len(data) != 1 {
			t.Errorf("%s: %v", example, data)
		}
	}
}
