package pages

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/session"
)

// registerBrand mounts what brands need: their logos, their accents, and the preview.
func (s *Site) registerBrand(mux *http.ServeMux, wrap func(http.Handler) http.Handler) {
	mux.Handle("GET "+brands.LogoPath+"{file}", wrap(http.HandlerFunc(s.brandLogo)))
	mux.Handle("GET "+brands.StylesheetPath+"{file}", http.HandlerFunc(accentStylesheet))
	mux.Handle("GET "+brands.PreviewPath+"{id}", wrap(bounded(http.HandlerFunc(s.previewBrand))))
	mux.Handle("GET "+brands.PreviewPath+"{id}/logo", wrap(bounded(http.HandlerFunc(s.previewLogo))))
}

// brandOf is the brand that a page for this request shows: that of the platform whose flow it belongs to, else that of whoever is signed in. A page
// without its brand is better than none.
func (s *Site) brandOf(r *http.Request) *Brand {
	if platformID := platformIn(r); platformID != "" {
		return s.platformBrand(r, platformID)
	}
	who := session.Who(r.Context())
	if who.UserID == "" || s.Brands == nil {
		return nil
	}
	published, err := s.Brands.For(r.Context(), who)
	if err != nil {
		s.warn(r, "the brand of a page was not read", err)
		return nil
	}
	return newBrand(published)
}

// platformBrand is the brand of a platform's owner, nil without one.
func (s *Site) platformBrand(r *http.Request, platformID string) *Brand {
	if s.Brands == nil || models.CheckPlatformID(platformID, "platformId") != nil {
		return nil
	}
	published, err := s.Brands.OfPlatform(r.Context(), platformID)
	if err != nil {
		s.warn(r, "the brand of a platform was not read", err)
		return nil
	}
	return newBrand(published)
}

// partnerBrand is the brand of a partner, nil without one.
func (s *Site) partnerBrand(r *http.Request, id models.ID) *Brand {
	published, err := s.Brands.Published(r.Context(), models.SystemPrincipal("pages"), &id)
	if err != nil {
		s.warn(r, "the brand of a partner was not read", err)
		return nil
	}
	return newBrand(published)
}

// platformIn returns the platform that a request to one of the SAML doors names, or "".
func platformIn(r *http.Request) string {
	for _, door := range []string{"/saml/sp/", "/saml/idp/"} {
		if rest, ours := strings.CutPrefix(r.URL.Path, door); ours {
			platformID, _, _ := strings.Cut(rest, "/")
			return platformID
		}
	}
	if r.URL.Path == "/saml/login" {
		return r.URL.Query().Get("xAccountType")
	}
	return ""
}

// brandLogo answers with a logo that is published. Its name is its digest, so that it may be kept for ever; storefronts show it as well.
func (s *Site) brandLogo(w http.ResponseWriter, r *http.Request) {
	digest, ok := models.ParseBrandLogoName(r.PathValue("file"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	file, err := s.Brands.Logo(r.Context(), digest)
	if err != nil {
		s.noPicture(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	writePicture(w, file)
}

// previewLogo answers with the logo of a version that whoever is signed in may see.
func (s *Site) previewLogo(w http.ResponseWriter, r *http.Request) {
	who := session.Who(r.Context())
	if who.UserID == "" {
		http.NotFound(w, r)
		return
	}
	file, err := s.Brands.LogoOf(r.Context(), who, models.ID(r.PathValue("id")))
	if err != nil {
		s.noPicture(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	writePicture(w, file)
}

// noPicture answers in few words: a browser shows none of them in place of a picture.
func (s *Site) noPicture(w http.ResponseWriter, r *http.Request, err error) {
	if models.CodeOf(err) == models.CodeInternal {
		s.warn(r, "a logo was not read", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	http.NotFound(w, r)
}

// writePicture sends what this server has written itself, as no more than a picture.
func writePicture(w http.ResponseWriter, file models.BrandLogoFile) {
	h := w.Header()
	h.Set("Content-Type", file.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(file.Content)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	_, _ = w.Write(file.Content) // a client that has gone needs no answer
}

// accentStylesheet answers with the stylesheet of an accent colour that may be read; the address says all of it.
func accentStylesheet(w http.ResponseWriter, r *http.Request) {
	css, ok := models.AccentStylesheet(r.PathValue("file"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Content-Length", strconv.Itoa(len(css)))
	_, _ = io.WriteString(w, css) // a client that has gone needs no answer
}

// previewBrand shows a version to people of its partner, and to operators, as customers would see it.
func (s *Site) previewBrand(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	id := models.ID(r.PathValue("id"))
	found, err := s.Brands.ByIDs(r.Context(), who, []models.ID{id})
	row, there := found[id]
	if err == nil && !there {
		err = brands.ErrUnknown
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	shown, err := s.Brands.Shown(r.Context(), row)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	page := BrandPreviewPage{
		Common: s.common(r), State: string(row.State), Reason: row.Reason, ReviewDue: shownOptional(row.ReviewDueAt), ServiceTypes: row.ServiceTypes(),
	}
	page.Brand = newBrand(&shown)
	if page.Brand.LogoURL != "" { // it may not be published
		page.Brand.LogoURL = brands.PreviewPath + string(row.ID) + "/logo"
	}
	if notice := row.Content.Notice; notice != nil {
		page.NoticeFrom, page.NoticeUntil, page.NoticeEN, page.NoticeZH = shownTime(notice.From), shownTime(notice.Until), notice.TextEN, notice.TextZH
	}
	s.Views.Render(w, r, http.StatusOK, BrandPreview, page)
}
