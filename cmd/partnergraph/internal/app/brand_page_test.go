package app_test

import (
	"bytes"
	"image"
	"image/png"
	"net/url"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/orders"
)

// TestPagesShowWhatIsPublishedOfABrand: nothing of a draft is on any page but its preview; what is published is on the pages of its platform's
// flow and of its customers, and on nobody else's (A09).
func TestPagesShowWhatIsPublishedOfABrand(t *testing.T) {
	t.Parallel()
	s := serve(t, settings(worldURL(t)), app.Options{Objects: &filestest.Memory{}})
	ctx, system := t.Context(), models.SystemPrincipal("test")
	platform, err := s.Rooms.Exposure.ByPlatform(ctx, demo.PlatformID)
	if err != nil {
		t.Fatal(err)
	}
	row := s.draftBrand(t, system, platform.PartnerID)
	member, customer := s.cookieOf(t, "partner"), s.cookieOf(t, "demo-bakery")
	stranger, err := s.Rooms.Customers.Create(ctx, system, customers.CreateCustomer{Name: "nobodys", Cloud: "hws", Currency: models.CNY})
	if err != nil {
		t.Fatal(err)
	}
	password := demo.Password
	if _, err := s.Rooms.Identity.CreateUser(ctx, system, identity.CreateUser{CustomerID: &stranger.ID, LoginName: "nobodys", Password: &password}); err != nil {
		t.Fatal(err)
	}
	nobodys := s.cookieOf(t, "nobodys")
	invited, err := s.Rooms.Customers.Invite(ctx, system, customers.CreateInvitation{PartnerID: &platform.PartnerID, Channel: models.InviteByLink, Mode: models.Resale})
	if err != nil {
		t.Fatal(err)
	}
	signIn := "/sign-in?" + url.Values{"next": {"/saml/idp/" + demo.PlatformID + "/sso?id=1"}}.Encode()
	found, err := s.Rooms.Orders.Find(ctx, system, orders.OrderFilter{PartnerID: &platform.PartnerID, Status: []models.OrderStatus{models.OrderPendingPayment}}, models.PageArgs{})
	if err != nil {
		t.Fatal(err)
	}
	bakery, checkout := s.customerOf(t, "demo-bakery"), ""
	for _, order := range found.Nodes() {
		if order.CustomerID == bakery {
			checkout = "/checkout/" + string(order.ID)
		}
	}
	// Every page, who asks for it, and whether it is the partner's.
	pages := map[string]struct {
		path, cookie string
		ours         bool
	}{
		"sign-in for the platform":    {signIn, "", true},
		"plain sign-in":               {"/sign-in", "", false},
		"an error of the platform":    {"/saml/sp/" + demo.PlatformID + "/acs", "", true},
		"an error of another":         {"/saml/sp/other_IDP/acs", "", false},
		"the customer's console":      {"/console", customer, true},
		"the customer's checkout":     {checkout, customer, true},
		"the customer's error":        {"/checkout/none", customer, true},
		"the partner's console":       {"/console", member, true},
		"a stranger's console":        {"/console", nobodys, false},
		"a stranger's invitation":     {strings.TrimPrefix(*invited.Link, publicOrigin), nobodys, true},
		"nothing at all, for nobody":  {"/nothing", "", false},
		"nothing at all, for its own": {"/nothing", customer, true},
	}
	check := func(shown bool) {
		t.Helper()
		for name, page := range pages {
			for language, words := range map[string][2]string{"en": {"Bright Cloud", "All rights of Bright"}, "zh-CN": {"明亮云", "明亮云版权所有"}} {
				got := s.ask(t, "GET", page.path, "", "Cookie", page.cookie, "Accept-Language", language)
				if has := strings.Contains(got.body, words[0]) && strings.Contains(got.body, words[1]); has != (shown && page.ours) {
					t.Errorf("%s in %s: the brand is there: %v, published: %v\n%.900s", name, language, has, shown, got.body)
				}
			}
		}
	}
	logo := "/pages/brands/" + row.Logo().FileName()
	check(false)
	if got := s.ask(t, "GET", logo, ""); got.status != 404 {
		t.Errorf("the logo of a draft: %d", got.status)
	}
	preview := strings.TrimPrefix(s.Rooms.Brands.PreviewURL(row), publicOrigin)
	for name, c := range map[string]struct {
		path, cookie string
		status       int
	}{
		"nobody": {preview, "", 303}, "a customer": {preview, customer, 403}, "a stranger": {preview, nobodys, 403}, "the partner": {preview, member, 200},
		"another": {"/brand-previews/brv_01h455vb4pex5vsknk084sn02q", member, 404}, "the logo for the partner": {preview + "/logo", member, 200},
		"the logo for a customer": {preview + "/logo", customer, 404}, "the logo for nobody": {preview + "/logo", "", 404},
	} {
		if got := s.ask(t, "GET", c.path, "", "Cookie", c.cookie); got.status != c.status {
			t.Errorf("%s: %d %.300s", name, got.status, got.body)
		}
	}
	got := s.ask(t, "GET", preview, "", "Cookie", member)
	for _, want := range []string{"This version is a draft", "Bright Cloud", "明亮云", "Winter sale", `src="` + preview + `/logo"`, `href="/pages/accents/b3261e.css"`, ">partnergraph<"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the preview lacks %q: %s", want, got.body)
		}
	}

	handed, err := s.Rooms.Brands.Submit(ctx, system, brands.Version{BrandVersionID: row.ID})
	if err != nil {
		t.Fatal(err)
	}
	check(false)
	if _, err := s.Rooms.Brands.Review(ctx, system, brands.Review{BrandVersionID: row.ID, Revision: handed.BrandVersion.Revision, Publish: true}); err != nil {
		t.Fatal(err)
	}
	check(true)
	served := s.ask(t, "GET", logo, "")
	if picture, err := png.Decode(strings.NewReader(served.body)); err != nil || picture.Bounds().Dx() != 120 {
		t.Errorf("the logo: %d, %v", served.status, err)
	}
	for header, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable",
		"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'", "Set-Cookie": "",
	} {
		if got := served.header.Get(header); got != want {
			t.Errorf("the logo's %s is %q, want %q", header, got, want)
		}
	}
	if got := s.ask(t, "GET", "/pages/accents/b3261e.css", ""); got.status != 200 || !strings.Contains(got.body, "--accent: #b3261e;") {
		t.Errorf("the accent: %d %s", got.status, got.body)
	}
	if _, err := s.Rooms.Brands.Retire(ctx, system, brands.Retire{BrandVersionID: row.ID, Reason: &password}); err != nil {
		t.Fatal(err)
	}
	check(false)
	if got := s.ask(t, "GET", logo, ""); got.status != 404 {
		t.Errorf("the logo of a brand that was taken off: %d", got.status)
	}
}

// customerOf is the id of a customer of the demo.
func (s *server) customerOf(t *testing.T, name string) models.ID {
	t.Helper()
	found, err := s.Rooms.Customers.Find(t.Context(), models.SystemPrincipal("test"), customers.CustomerFilter{Query: &name}, models.PageArgs{})
	if err != nil || len(found.Edges) != 1 {
		t.Fatalf("%d customers are called %s: %v", len(found.Edges), name, err)
	}
	return found.Edges[0].Node.ID
}

// draftBrand saves a whole brand of the demo's platform.
func (s *server) draftBrand(t *testing.T, who models.Principal, partner models.ID) models.BrandVersion {
	t.Helper()
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 120, 40))); err != nil {
		t.Fatal(err)
	}
	announced, err := s.Rooms.Files.Create(t.Context(), who, files.CreateUpload{Purpose: models.UploadLogo, FileName: "logo.png", ContentType: "image/png", Size: int64(logo.Len())})
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(announced.URL, files.UploadPath)
	if _, err := s.Rooms.Files.Receive(t.Context(), who, token, -1, "", &logo); err != nil {
		t.Fatal(err)
	}
	text := func(s string) *string { return &s }
	saved, err := s.Rooms.Brands.SaveDraft(t.Context(), who, brands.SaveDraft{
		PartnerID: &partner, NameEN: text("Bright Cloud"), NameZH: text("明亮云"), LogoUploadID: &announced.UploadID, AccentColor: text("#b3261e"),
		FooterEN: text("All rights of Bright Cloud"), FooterZH: text("明亮云版权所有"), SupportPhone: text("+86 10 1234 5678"),
		PromoMenu: []models.PromoLink{{TitleEN: "Winter sale", TitleZH: "冬季促销", URL: shopOrigin + "/sale"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return saved.BrandVersion
}
