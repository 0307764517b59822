package app_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/partners"
)

// TestThePageOfAnInvitation: sign in first, read, agree or refuse, once; a form from elsewhere changes nothing, and what is
// wrong is said in words.
func TestThePageOfAnInvitation(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	ctx, system := t.Context(), models.SystemPrincipal("test")
	found, err := s.Rooms.Partners.Find(ctx, system, partners.PartnerFilter{Kind: []models.PartnerKind{models.SolutionProvider}}, models.PageArgs{})
	if err != nil || len(found.Edges) == 0 {
		t.Fatal(err, found)
	}
	partner := found.Edges[0].Node
	person := func(name string) (models.ID, string) {
		t.Helper()
		c, err := s.Rooms.Customers.Create(ctx, system, customers.CreateCustomer{Name: name, Cloud: "hws", Currency: models.CNY})
		if err != nil {
			t.Fatal(err)
		}
		password := demo.Password
		if _, err := s.Rooms.Identity.CreateUser(ctx, system, identity.CreateUser{CustomerID: &c.ID, LoginName: name, Password: &password}); err != nil {
			t.Fatal(err)
		}
		return c.ID, s.cookieOf(t, name)
	}
	path := func() string {
		t.Helper()
		made, err := s.Rooms.Customers.Invite(ctx, system, customers.CreateInvitation{PartnerID: &partner.ID, Channel: models.InviteByLink, Mode: models.Resale})
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(*made.Link, publicOrigin)
	}
	owner := func(id models.ID) models.ID {
		t.Helper()
		c, err := s.Rooms.Customers.ByIDs(ctx, system, []models.ID{id})
		if err != nil {
			t.Fatal(err)
		}
		return c[id].PartnerID
	}
	decide := func(path, cookie, token, decision string) answer {
		t.Helper()
		form := url.Values{pages.FieldCSRF: {token}, pages.FieldDecision: {decision}}
		return s.ask(t, "POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie, "Origin", publicOrigin)
	}

	link := path()
	if got := s.ask(t, "GET", link, ""); got.status != 303 || got.header.Get("Location") != "/sign-in?next="+url.QueryEscape(link) {
		t.Errorf("a visitor: %d %s", got.status, got.header.Get("Location"))
	}
	id, cookie := person("willing-person")
	shown := s.ask(t, "GET", link, "", "Cookie", cookie)
	if shown.status != 200 || !strings.Contains(shown.body, partner.Name) || !strings.Contains(shown.body, "puts the money") || !strings.Contains(shown.body, "willing-person") {
		t.Fatalf("%d %s", shown.status, shown.body)
	}
	if got := s.ask(t, "GET", link, "", "Cookie", cookie, "Accept-Language", "zh-CN"); !strings.Contains(got.body, "邀请您成为其客户") {
		t.Errorf("in Chinese: %s", got.body)
	}
	token := formToken.FindStringSubmatch(shown.body)[1]
	if got := decide(link, cookie, "guessed", "accept"); got.status != 403 || owner(id) != "" {
		t.Errorf("a form from elsewhere: %d", got.status)
	}
	if got := decide(link, cookie, token, "perhaps"); got.status != 400 || owner(id) != "" {
		t.Errorf("neither yes nor no: %d", got.status)
	}
	if got := decide(link, cookie, token, "refuse"); got.status != 200 || !strings.Contains(got.body, "You have refused") || owner(id) != "" {
		t.Errorf("refused: %d %s", got.status, got.body)
	}
	if got := decide(link, cookie, token, "accept"); got.status != 200 || !strings.Contains(got.body, "You are a customer of") || owner(id) != partner.ID {
		t.Errorf("accepted: %d %s", got.status, got.body)
	}
	if got := decide(link, cookie, token, "accept"); got.status != 409 || !strings.Contains(got.body, "belongs to a partner already") {
		t.Errorf("accepted twice: %d %s", got.status, got.body)
	}
	if got := s.ask(t, "GET", pathOf("A"), "", "Cookie", cookie); got.status != 404 || !strings.Contains(got.body, "There is no such invitation") {
		t.Errorf("a guess: %d %s", got.status, got.body)
	}
	if strings.Contains(s.logs.String(), strings.TrimPrefix(link, customers.InvitationPath)) {
		t.Error("the log tells the token")
	}
}

func pathOf(letter string) string { return customers.InvitationPath + strings.Repeat(letter, 43) }
