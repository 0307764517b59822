package pages_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
)

// brand is a whole one, each text filled with s(field).
func brand(s func(string) string) *pages.Brand {
	return &pages.Brand{
		NameEN: s("Bright Bakery Cloud"), NameZH: s("明亮云"), LogoURL: "/pages/brands/" + strings.Repeat("0a", 32) + ".png", LogoWidth: 96, LogoHeight: 32,
		StylesheetURL: "/pages/accents/b3261e.css", Dual: true, SupportURL: "https://shop.example/help", SupportPhone: s("+86 10 1234 5678"),
		FooterEN: s("All rights reserved"), FooterZH: s("版权所有"), NoticeEN: s("Closed on Sunday"), NoticeZH: s("周日休息"),
		Menu: []pages.BrandLink{{TitleEN: s("Winter sale"), TitleZH: s("冬季促销"), URL: "https://shop.example/sale"}},
	}
}

// branded are pages in a brand: before and after somebody has signed in, and the preview in every state.
func branded(s func(string) string, b *pages.Brand) []sample {
	list := []sample{
		{"branded sign-in", pages.SignIn, pages.SignInPage{Common: pages.Common{Brand: b}, Action: "/sign-in"}, nil, nil},
		{"branded console", pages.Console, pages.ConsolePage{Common: pages.Common{Brand: b, SignedInAs: s("person")}, CustomerName: s("customer")}, nil, nil},
		{"branded error", pages.Error, pages.ErrorPage{Common: pages.Common{Brand: b}, Code: "INTERNAL"}, nil, nil},
	}
	for _, state := range []models.BrandState{
		models.BrandDraft, models.BrandInReview, models.BrandPublished, models.BrandRejected, models.BrandReplaced, models.BrandRetired,
	} {
		list = append(list, sample{"preview " + string(state), pages.BrandPreview, pages.BrandPreviewPage{
			Common: pages.Common{Brand: b, SignedInAs: s("person")}, State: string(state), Reason: s("The name is taken."), ReviewDue: s("2026-11-25"),
			ServiceTypes: []string{s("hws.service.type.ec2")}, NoticeFrom: s("2026-11-20"), NoticeUntil: s("2026-11-22"), NoticeEN: s("Closed"), NoticeZH: s("休息"),
		}, nil, nil})
	}
	return append(list, sample{"preview of nothing", pages.BrandPreview, pages.BrandPreviewPage{Common: pages.Common{Brand: &pages.Brand{}}, State: "DRAFT"}, nil, nil})
}

func TestBrandedPagesAreWellFormedInEveryLanguage(t *testing.T) {
	t.Parallel()
	v := views(t)
	for _, accept := range []string{"en", "zh-CN"} {
		for _, s := range branded(same, brand(same)) {
			page, header := render(t, v, accept, s)
			checkMarkup(t, page)
			if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "<no value>") {
				t.Errorf("%s: something was not filled in:\n%s", s.label, page)
			}
			if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'none';") {
				t.Errorf("%s: policy %q", s.label, policy)
			}
		}
	}
}

func TestAPageShowsTheBrandInTheVisitorsLanguage(t *testing.T) {
	t.Parallel()
	v := views(t)
	both := []string{
		`src="/pages/brands/` + strings.Repeat("0a", 32) + `.png"`, `width="96" height="32"`, `href="/pages/accents/b3261e.css"`, `href="https://shop.example/help"`,
		"&#43;86 10 1234 5678", ">partnergraph<",
	}
	words := map[string][]string{
		"en": {"Bright Bakery Cloud</title>", "All rights reserved", "Closed on Sunday", "Help and support"},
		"zh": {"明亮云</title>", "版权所有", "周日休息", "帮助与支持"},
	}
	menu := map[string]string{"en": "Winter sale", "zh": "冬季促销"}
	for language, other := range map[string]string{"en": "zh", "zh": "en"} {
		for i, s := range branded(same, brand(same))[:3] {
			page, _ := render(t, v, language, s)
			for _, want := range append(both, words[language]...) {
				if !strings.Contains(page, want) {
					t.Errorf("%s in %s lacks %q:\n%s", s.label, language, want, page)
				}
			}
			for _, bad := range words[other] {
				if strings.Contains(page, bad) {
					t.Errorf("%s in %s has %q", s.label, language, bad)
				}
			}
			if signedIn := i == 1; strings.Contains(page, menu[language]) != signedIn {
				t.Errorf("%s in %s: the menu is for whoever is signed in", s.label, language)
			}
		}
	}
	alone := brand(same)
	alone.Dual = false
	if page, _ := render(t, v, "en", branded(same, alone)[0]); strings.Contains(page, ">partnergraph<") {
		t.Error("the operator's brand is on a page that has the partner's alone")
	}
	if page, _ := render(t, v, "en", branded(same, nil)[0]); !strings.Contains(page, ">partnergraph<") || strings.Contains(page, "<img") || strings.Contains(page, "<footer") {
		t.Error("a page without a brand has something of one")
	}
}

func TestHostileBrandsStayText(t *testing.T) {
	t.Parallel()
	v := views(t)
	hostile := func(field string) string {
		return `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}` + field
	}
	b := brand(hostile)
	b.SupportURL, b.Menu[0].URL = "javascript:alert(1)", "javascript:alert(1)"
	for _, s := range branded(hostile, b) {
		page, _ := render(t, v, "zh", s)
		if strings.Contains(page, "<script") || strings.Contains(page, "<img src=x") || strings.Contains(page, "javascript:") {
			t.Errorf("%s lets markup through:\n%s", s.label, page)
		}
	}
}

// TestAccentsAreCheckedAgainstWhatThePagesHave: whoever changes a colour of the pages changes what accents are checked against.
func TestAccentsAreCheckedAgainstWhatThePagesHave(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("static/pages.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("the style sheet has no dark theme")
	}
	names := [][]string{{"--card: #fff;", "--page: #f4f6f8;", "--plain-bg: #e8f0f9;"}, {"--card: #1b2229;", "--page: #12171c;", "--plain-bg: #16293d;", "--accent-ink: #0c1a29;"}}
	for i, theme := range []string{light, dark} {
		surfaces := [][]models.Colour{models.LightSurfaces(), models.DarkSurfaces()}[i]
		for j, name := range names[i] {
			if !strings.Contains(theme, name) {
				t.Errorf("the theme has no %s", name)
			}
			if colour := surfaces[j].String(); colour != "#ffffff" && !strings.Contains(name, colour) {
				t.Errorf("accents are checked against %s in place of %s", colour, name)
			}
		}
	}
	// The operator's own accent passes its own check.
	if _, err := models.CheckAccent("#1f5fa8", "accentColor"); err != nil || !strings.Contains(light, "--accent: #1f5fa8; --accent-ink: #fff;") {
		t.Errorf("the pages' own accent: %v", err)
	}
}

func TestAccentStylesheetsAreServed(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	site := &pages.Site{Views: views(t)}
	site.Register(mux, func(next http.Handler) http.Handler { return next })
	for path, want := range map[string]int{
		"/pages/accents/b3261e.css": 200, "/pages/accents/ffffff.css": 404, "/pages/accents/B3261E.css": 404, "/pages/accents/b3261e": 404,
		"/pages/accents/": 404, "/pages/brands/x.png": 404, "/pages/brands/" + strings.Repeat("0a", 32) + ".svg": 404,
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
		h := w.Header()
		if want == 200 && (h.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s: %v", path, h)
		}
	}
}
