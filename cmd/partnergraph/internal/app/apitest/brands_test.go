package apitest_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

// TestABrandThroughTheAPI brings a logo, saves a draft, has it published, and reads it as everybody does (A09).
func TestABrandThroughTheAPI(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		a := asker{t, s}
		provider, distributor := w.Providers[0], w.Distributors[0]
		const storefront = `query($p: ID){storefrontBrand(partnerId: $p){nameEn nameZh style accentColor logoUrl stylesheetUrl serviceTypes promoMenu{titleZh url} notice{textEn}}}`
		if got := s.Ask(t, provider.Resale.Key, storefront, nil).At("storefrontBrand", "nameEn"); got != "provider0 brand" {
			t.Errorf("its customer sees %v", got)
		}
		if got := s.Ask(t, provider.Resale.Key, storefront, fields{"p": distributor.Partner.ID}); !cmp.Equal(got.Codes(), []string{"NOT_FOUND"}) {
			t.Errorf("a customer of another sees %s", got.Body)
		}
		if got := s.Ask(t, w.Resellers[0].Resale.Key, storefront, nil); got.At("storefrontBrand") != nil || len(got.Errors) > 0 {
			t.Errorf("a reseller's customer sees %s", got.Body)
		}
		waiting := a.ask(w.OperatorKey, `{brandReviews{id state reviewDueAt nameEn}}`, nil)
		if list, _ := waiting.At("brandReviews").([]any); len(list) != 2 || waiting.At("brandReviews", 0, "state") != "IN_REVIEW" || waiting.At("brandReviews", 0, "reviewDueAt") == nil {
			t.Errorf("what waits: %s", waiting.Body)
		}

		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 60, 20))); err != nil {
			t.Fatal(err)
		}
		announced := a.ask(provider.Key, `mutation($i: CreateUploadInput!){createUpload(input: $i){uploadId url}}`, fields{
			"purpose": "BRAND_LOGO", "fileName": "logo.png", "contentType": "image/png", "size": b.Len(),
		})
		id, address := announced.At("createUpload", "uploadId"), announced.At("createUpload", "url").(string)
		if answer := send(t, s, http.MethodPut, provider.Key, address, bytes.NewReader(b.Bytes())); answer.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s", answer.StatusCode, bodyOf(t, answer))
		}
		const save = `mutation($i: SaveBrandDraftInput!){saveBrandDraft(input: $i){brandVersion{id state revision nameEn previewUrl logo{width height contentType digest}}}}`
		wantError(t, s.Ask(t, provider.Key, save, fields{"i": fields{"accentColor": "#ffcc00"}}), "INVALID", "accentColor", "")
		if body := s.Ask(t, provider.Key, save, fields{"i": fields{"accentColor": "#ffcc00"}}).Body; !strings.Contains(body, `"ratio":"1.`) {
			t.Errorf("the ratio is not in %s", body)
		}
		wantError(t, s.Ask(t, provider.Key, save, fields{"i": fields{"promoMenu": []fields{{"titleEn": "A", "titleZh": "甲", "url": "https://evil.example.com/"}}}}), "PRECONDITION_FAILED", "", "ORIGIN_NOT_ALLOWED")
		wantError(t, s.Ask(t, provider.Key, save, fields{"i": fields{"serviceTypes": []string{"hws.service.type.moon"}}}), "PRECONDITION_FAILED", "", "SERVICE_TYPE_UNKNOWN")
		saved := a.ask(provider.Key, save, fields{"logoUploadId": id, "nameEn": "Bright Cloud", "style": "PARTNER_ONLY"})
		version := saved.At("saveBrandDraft", "brandVersion", "id")
		if saved.At("saveBrandDraft", "brandVersion", "logo", "width") != 60.0 || saved.At("saveBrandDraft", "brandVersion", "revision") != 2.0 {
			t.Errorf("saved: %s", saved.Body)
		}
		a.ask(provider.Key, `mutation($i: SubmitBrandInput!){submitBrand(input: $i){brandVersion{state reviewDueAt}}}`, fields{"brandVersionId": version})
		const review = `mutation($i: ReviewBrandInput!){reviewBrand(input: $i){brandVersion{state}}}`
		wantError(t, s.Ask(t, provider.Key, review, fields{"i": fields{"brandVersionId": version, "revision": 2, "publish": true}}), "FORBIDDEN", "", "")
		wantError(t, s.Ask(t, w.OperatorKey, review, fields{"i": fields{"brandVersionId": version, "revision": 1, "publish": true}}), "CONFLICT", "", "")
		a.ask(w.OperatorKey, review, fields{"brandVersionId": version, "revision": 2, "publish": true})
		brand := a.ask(provider.Resale.Key, storefront, nil)
		if brand.At("storefrontBrand", "nameEn") != "Bright Cloud" || brand.At("storefrontBrand", "style") != "PARTNER_ONLY" || brand.At("storefrontBrand", "promoMenu", 0, "url") != "https://provider0.example.com/sale" {
			t.Errorf("customers see %s", brand.Body)
		}
		address, _ = brand.At("storefrontBrand", "logoUrl").(string)
		if !strings.HasSuffix(address, saved.At("saveBrandDraft", "brandVersion", "logo", "digest").(string)+".png") {
			t.Errorf("the logo is at %s", address)
		}
		served := send(t, s, http.MethodGet, "", address, nil)
		if served.StatusCode != http.StatusOK || served.Header.Get("Content-Type") != "image/png" || served.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the logo is served as %d %v", served.StatusCode, served.Header)
		}
	})
}
