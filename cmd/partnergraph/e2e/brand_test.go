//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
)

// brandedPages has a partner's brand published and looks at it as a visitor does: in both languages, both themes and on a telephone.
func (h *house) brandedPages(t *testing.T) {
	partner, now := h.as(h.info.Keys.SolutionProvider), time.Now().UTC()
	logo := h.bringLogo(t)
	saved := ask[struct {
		SaveBrandDraft struct {
			BrandVersion struct {
				ID         models.ID
				PreviewURL string
			}
		}
	}](t, partner, `mutation($i: SaveBrandDraftInput!) { saveBrandDraft(input: $i) { brandVersion { id previewUrl } } }`, map[string]any{"i": map[string]any{
		"nameEn": "Harbour Cloud", "nameZh": "港湾云", "logoUploadId": logo, "accentColor": "#8a1c4a", "style": "DUAL", "supportPhone": "+86 10 1234 5678",
		"supportUrl": "https://help.example.com/", "footerEn": "Harbour Cloud is sold by a demo.", "footerZh": "港湾云由演示公司销售。",
		"notice": map[string]any{"textEn": "We are closed on New Year's Day.", "textZh": "元旦休息一天。", "from": now.Add(-time.Hour), "until": now.Add(time.Hour)},
	}})
	version := saved.SaveBrandDraft.BrandVersion

	// The partner's people look at the draft; visitors see none of it.
	signIn := origin(h.info.Console) + "/sign-in"
	member := h.open(t)
	member.visit(version.PreviewURL)
	member.lands(signIn, "#login_name")
	member.fill("#login_name", "partner")
	member.fill("#password", demo.Password)
	member.click("form button")
	member.lands(version.PreviewURL, "#sample")
	h.wantBrand(t, member, "Harbour Cloud", "rgb(138, 28, 74)", ".actions .button")
	member.shot("brand-1-preview")
	v := h.open(t)
	platform := signIn + "?" + url.Values{"next": {"/saml/idp/" + demo.PlatformID + "/sso"}}.Encode()
	v.visit(platform)
	v.lands(signIn, "#login_name")
	if got := v.text(".top .brand"); got != "partnergraph" {
		t.Errorf("before it is published a visitor sees %q", got)
	}

	ask[any](t, partner, `mutation($id: ID!) { submitBrand(input: {brandVersionId: $id}) { brandVersion { state } } }`, map[string]any{"id": version.ID})
	if _, err := h.rooms.Brands.Review(t.Context(), models.SystemPrincipal("e2e"), brands.Review{BrandVersionID: version.ID, Revision: 1, Publish: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		why := "the test is over"
		if _, err := h.rooms.Brands.Retire(t.Context(), models.SystemPrincipal("e2e"), brands.Retire{BrandVersionID: version.ID, Reason: &why}); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	v.visit(platform)
	v.lands(signIn, "#login_name")
	h.wantBrand(t, v, "Harbour Cloud", "rgb(138, 28, 74)", "form button")
	v.shot("brand-2-sign-in")
	if _, err := chromedp.Call(v.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": "zh-CN"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}); err != nil {
		t.Fatal(err)
	}
	v.do(chromedp.EmulateViewport(390, 844))
	v.visit(platform)
	v.lands(signIn, "#login_name")
	colour, _ := models.ParseColour("#8a1c4a")
	dark := colour.DarkPalette().Accent
	h.wantBrand(t, v, "港湾云", fmt.Sprintf("rgb(%d, %d, %d)", dark[0], dark[1], dark[2]), "form button")
	if got := v.eval("document.documentElement.scrollWidth <= window.innerWidth"); got != "true" {
		t.Error("the page is wider than a telephone")
	}
	v.shot("brand-3-sign-in-zh-dark")

	// So does whoever comes from the platform for the first time.
	newcomer := h.open(t)
	newcomer.visit(h.info.Storefront)
	newcomer.lands(h.info.Storefront, "#sign-in")
	h.signInAtStorefront(newcomer, "branded-newcomer")
	newcomer.click("#console")
	newcomer.lands(origin(h.info.Console)+"/first-login", "#consent")
	h.wantBrand(t, newcomer, "Harbour Cloud", "rgb(138, 28, 74)", "form button")
	newcomer.shot("brand-5-first-login")

	// A customer of the partner sees it on its own pages.
	customer := h.open(t)
	customer.visit(signIn)
	customer.fill("#login_name", "demo-bakery")
	customer.fill("#password", demo.Password)
	customer.click("form button")
	customer.lands(origin(h.info.Console)+"/console", "#orders")
	h.wantBrand(t, customer, "Harbour Cloud", "rgb(138, 28, 74)", "form button")
	customer.shot("brand-4-console")
}

// wantBrand checks what a browser has made of a brand: the name, the picture, the accent of a button, and that its policy refused nothing.
func (h *house) wantBrand(t *testing.T, v *visitor, name, accent, button string) {
	t.Helper()
	if got := v.text(".top .brand"); got != name+"\npartnergraph" && got != name+"partnergraph" && got != name+" partnergraph" {
		t.Errorf("the header says %q, not %s beside partnergraph", got, name)
	}
	if got := v.eval("document.querySelector('.top img').naturalWidth"); got != "240" {
		t.Errorf("the logo is %q pixels wide", got)
	}
	if got := v.eval("getComputedStyle(document.querySelector('" + button + "')).borderTopColor"); got != accent {
		t.Errorf("the button is %s, not %s", got, accent)
	}
	if got := v.text("footer.bottom"); got == "" {
		t.Error("there is no footer")
	}
}

// bringLogo uploads a picture as the solution provider does.
func (h *house) bringLogo(t *testing.T) string {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, 240, 80))
	for x := range 240 {
		for y := range 80 {
			canvas.Set(x, y, color.RGBA{0xff, 0xff, 0xff, 0xff})
			if y > 20+(x*7/24)%20 && y < 70 && x > 10 && x < 230 {
				canvas.Set(x, y, color.RGBA{0x8a, 0x1c, 0x4a, 0xff})
			}
		}
	}
	var content bytes.Buffer
	if err := png.Encode(&content, canvas); err != nil {
		t.Fatal(err)
	}
	made := ask[struct {
		CreateUpload struct{ UploadID, URL string }
	}](t, h.as(h.info.Keys.SolutionProvider), `mutation($i: CreateUploadInput!) { createUpload(input: $i) { uploadId url } }`, map[string]any{"i": map[string]any{
		"purpose": "BRAND_LOGO", "fileName": "logo.png", "contentType": "image/png", "size": content.Len(),
	}})
	target, err := url.Parse(made.CreateUpload.URL)
	if err != nil {
		t.Fatal(err)
	}
	// Names under localhost are loopback, whether or not this machine's resolver says so.
	dial := *target
	dial.Host = "127.0.0.1:" + target.Port()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, dial.String(), &content)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = target.Host
	answer, err := withHeader{"Authorization", "Bearer " + h.info.Keys.SolutionProvider}.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("the upload is answered with %s", answer.Status)
	}
	return made.CreateUpload.UploadID
}
