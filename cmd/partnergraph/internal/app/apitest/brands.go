package apitest

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
)

// brand gives the partner a brand that is published, which its customers know, and another version, which they do not: a draft, or for distributors
// one under review.
func (w *World) brand(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	name, zh, link, footer := o.Tag+" brand", o.Tag+" 品牌", "https://"+o.Tag+".example.com/sale", o.Tag+" footer"
	saved, err := w.Brands.SaveDraft(ctx, selfOf(o), brands.SaveDraft{
		NameEN: &name, NameZH: &zh, AccentColor: ptr("#b3261e"), FooterEN: &footer, FooterZH: &footer, ServiceTypes: []string{"hws.service.type.ec2"},
		PromoMenu: []models.PromoLink{{TitleEN: name, TitleZH: zh, URL: link}},
		Notice:    &models.BrandNotice{TextEN: footer, TextZH: footer, From: w.Now(), Until: w.Now().AddDate(0, 1, 0)},
	})
	must(t, err)
	for _, text := range []string{name, zh, link, footer} {
		w.text(text, o.Partner.ID)
	}
	w.publish(t, o, saved.BrandVersion.ID)
	secret := o.Tag + " next brand"
	saved, err = w.Brands.SaveDraft(ctx, selfOf(o), brands.SaveDraft{NameEN: &secret})
	must(t, err)
	w.text(secret, saved.BrandVersion.ID)
	if o.Partner.Kind == models.Distributor {
		_, err = w.Brands.Submit(ctx, selfOf(o), brands.Version{BrandVersionID: saved.BrandVersion.ID})
		must(t, err)
	}
}

// publish has a draft of the partner's published.
func (w *World) publish(t *testing.T, o *Org, id models.ID) {
	t.Helper()
	handed, err := w.Brands.Submit(t.Context(), selfOf(o), brands.Version{BrandVersionID: id})
	must(t, err)
	_, err = w.Brands.Review(t.Context(), w.who, brands.Review{BrandVersionID: id, Revision: handed.BrandVersion.Revision, Publish: true})
	must(t, err)
}

// indexBrands learns whose versions there are.
func (w *World) indexBrands(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var versions []models.BrandVersion
	must(t, w.DB.NewSelect().Model(&versions).Scan(ctx))
	for _, row := range versions {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
}

// brandCalls are those of brands, each of a partner that has nothing else.
func brandCalls() calls {
	draft := func(t *testing.T, w *World) (*Org, models.ID) {
		t.Helper()
		o := w.rich(t, models.SolutionProvider, nil)
		saved, err := w.Brands.SaveDraft(t.Context(), selfOf(o), brands.SaveDraft{NameEN: ptr("Audit"), NameZH: ptr("审计")})
		must(t, err)
		return o, saved.BrandVersion.ID
	}
	submitted := func(t *testing.T, w *World) (*Org, models.ID) {
		t.Helper()
		o, id := draft(t, w)
		_, err := w.Brands.Submit(t.Context(), selfOf(o), brands.Version{BrandVersionID: id})
		must(t, err)
		return o, id
	}
	return calls{
		"saveBrandDraft": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			var b bytes.Buffer
			must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 6, 3))))
			logo := w.Upload(t, selfOf(o), models.UploadLogo, "x.png", "image/png", b.Bytes())
			return Call{o.Key, map[string]any{
				"nameEn": "Audit", "nameZh": "审计", "accentColor": "#1f5fa8", "style": "PARTNER_ONLY", "logoUploadId": logo, "serviceTypes": []string{"hws.service.type.ec2"},
				"supportUrl": "https://audit.example.com/help", "supportPhone": "+86 10 1234 5678", "footerEn": "Audit", "footerZh": "审计",
				"notice": map[string]any{"textEn": "Audit", "textZh": "审计", "from": "2026-12-01T00:00:00Z", "until": "2026-12-02T00:00:00Z"},
			}}
		},
		"submitBrand": func(t *testing.T, _ *Server, w *World) Call {
			o, id := draft(t, w)
			return Call{o.Key, map[string]any{"brandVersionId": id}}
		},
		"withdrawBrand": func(t *testing.T, _ *Server, w *World) Call {
			o, id := submitted(t, w)
			return Call{o.Key, map[string]any{"brandVersionId": id}}
		},
		"reviewBrand": func(t *testing.T, _ *Server, w *World) Call {
			_, id := submitted(t, w)
			return Call{w.OperatorKey, map[string]any{"brandVersionId": id, "revision": 1, "publish": false, "reason": "audit"}}
		},
		"retireBrand": func(t *testing.T, _ *Server, w *World) Call {
			o, id := draft(t, w)
			w.publish(t, o, id)
			return Call{o.Key, map[string]any{"brandVersionId": id, "reason": "audit"}}
		},
	}
}
