package models_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

// TestABrandMovesOnlyAsItsStateAllows tries every move from every state.
func TestABrandMovesOnlyAsItsStateAllows(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) // a Friday
	steps := map[models.BrandState]map[models.BrandMove]models.BrandState{
		models.BrandDraft: {models.BrandSubmit: models.BrandInReview},
		models.BrandInReview: {
			models.BrandWithdraw: models.BrandDraft, models.BrandPublish: models.BrandPublished, models.BrandReject: models.BrandRejected,
		},
		models.BrandPublished: {models.BrandReplace: models.BrandReplaced, models.BrandRetire: models.BrandRetired},
		models.BrandRejected:  {}, models.BrandReplaced: {}, models.BrandRetired: {},
	}
	moves := []models.BrandMove{models.BrandSubmit, models.BrandWithdraw, models.BrandPublish, models.BrandReject, models.BrandReplace, models.BrandRetire}
	reasons := map[models.BrandState]string{
		models.BrandDraft: "BRAND_DRAFT", models.BrandInReview: "BRAND_IN_REVIEW", models.BrandPublished: "BRAND_PUBLISHED",
		models.BrandRejected: "BRAND_REJECTED", models.BrandReplaced: "BRAND_REPLACED", models.BrandRetired: "BRAND_RETIRED",
	}
	for state, allowed := range steps {
		for _, move := range moves {
			version := models.BrandVersion{State: state, Content: models.BrandContent{NameEN: "Shop", NameZH: "商店"}}
			before, err := version.Move(move, now)
			want, ok := allowed[move]
			if before != state {
				t.Errorf("%s from %s says that it was %s", move, state, before)
			}
			if !ok {
				if models.ReasonOf(err) != reasons[state] || version.State != state || !version.UpdatedAt.IsZero() {
					t.Errorf("%s from %s: %v, and is %s", move, state, err, version.State)
				}
				continue
			}
			if err != nil || version.State != want || !version.UpdatedAt.Equal(now) {
				t.Errorf("%s from %s: %v, and is %s", move, state, err, version.State)
			}
		}
	}
}

func TestAReviewIsDueAfterThreeWorkingDays(t *testing.T) {
	t.Parallel()
	for at, due := range map[string]string{
		"2026-11-16T01:00:00Z": "2026-11-19T01:00:00Z", // a Monday
		"2026-11-20T08:00:00Z": "2026-11-25T08:00:00Z", // a Friday: the weekend is left out
		"2026-11-21T08:00:00Z": "2026-11-25T08:00:00Z", // a Saturday
		"2026-11-19T17:00:00Z": "2026-11-24T17:00:00Z", // a Friday morning already in UTC+8
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		version := models.BrandVersion{State: models.BrandDraft, Content: models.BrandContent{NameEN: "Shop", NameZH: "商店"}}
		if _, err := version.Move(models.BrandSubmit, now); err != nil || version.ReviewDueAt.Format(time.RFC3339) != due {
			t.Errorf("handed in at %s: %v, due at %v", at, err, version.ReviewDueAt)
		}
		if _, err := version.Move(models.BrandWithdraw, now); err != nil || version.ReviewDueAt != nil || version.SubmittedAt != nil {
			t.Errorf("withdrawn: %v, due at %v", err, version.ReviewDueAt)
		}
	}
}

func TestABrandIsHandedInWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content models.BrandContent
		missing []string
	}{
		"nothing":            {models.BrandContent{}, []string{"nameEn", "nameZh"}},
		"no Chinese name":    {models.BrandContent{NameEN: "Shop"}, []string{"nameZh"}},
		"a footer in one":    {models.BrandContent{NameEN: "Shop", NameZH: "商店", FooterZH: "版权"}, []string{"footerEn"}},
		"a footer in other":  {models.BrandContent{NameEN: "Shop", NameZH: "商店", FooterEN: "Rights"}, []string{"footerZh"}},
		"both names":         {models.BrandContent{NameEN: "Shop", NameZH: "商店"}, nil},
		"both of everything": {models.BrandContent{NameEN: "Shop", NameZH: "商店", FooterEN: "Rights", FooterZH: "版权"}, nil},
	} {
		version := models.BrandVersion{State: models.BrandDraft, Content: c.content}
		_, err := version.Move(models.BrandSubmit, time.Now())
		var missing []string
		if e := models.AsError(err); e != nil && e.Reason() == "BRAND_INCOMPLETE" {
			missing, _ = e.Details["missing"].([]string)
		}
		if diff := cmp.Diff(c.missing, missing); diff != "" || (err == nil) != (c.missing == nil) {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	t.Parallel()
	colour := func(text string) models.Colour {
		c, ok := models.ParseColour(text)
		if !ok {
			t.Fatal(text)
		}
		return c
	}
	for _, c := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#777777", "#ffffff", 4.48}, {"#767676", "#FFFFFF", 4.54}, {"#ff0000", "#ffffff", 4.00}, {"#123456", "#123456", 1}} {
		got, back := colour(c.a).Contrast(colour(c.b)), colour(c.b).Contrast(colour(c.a))
		if got != back || got < c.want-0.005 || got > c.want+0.005 {
			t.Errorf("%s on %s: %.3f and %.3f, want %.2f", c.a, c.b, got, back, c.want)
		}
	}
}

func TestAnAccentCanBeRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"#1f5fa8": "#1f5fa8", "#B3261E": "#b3261e", "#000000": "#000000",
		"": "written", "1f5fa8": "written", "#fff": "written", "#1f5fa8;}": "written", "red": "written",
		"#ffffff": "contrast of 1.00:1", "#7db4ee": "contrast of 1.", "#767676": "contrast of 3.",
	} {
		got, err := models.CheckAccent(text, "accentColor")
		if err == nil {
			if got != want {
				t.Errorf("%q is accepted as %q", text, got)
			}
			continue
		}
		e := models.AsError(err)
		if e == nil || e.Code != models.CodeInvalid || e.Field != "accentColor" || !strings.Contains(e.Message, want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if strings.HasPrefix(want, "contrast") && (e.Details["required"] != "4.5" || !strings.Contains(e.Message, e.Details["ratio"].(string)+":1")) {
			t.Errorf("%q: details %v", text, e.Details)
		}
	}
}

// TestBothThemesOfAnAccentCanBeRead tries colours all over the cube.
func TestBothThemesOfAnAccentCanBeRead(t *testing.T) {
	t.Parallel()
	accepted := 0
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				colour := models.Colour{uint8(r), uint8(g), uint8(b)}
				name := models.AccentStylesheetName(colour.String())
				_, err := models.CheckAccent(colour.String(), "accentColor")
				css, ok := models.AccentStylesheet(name)
				if ok != (err == nil) {
					t.Fatalf("%s: accepted %v, and its stylesheet %v", colour, err, ok)
				}
				if !ok {
					continue
				}
				accepted++
				light, dark := colour.LightPalette(), colour.DarkPalette()
				for _, p := range []struct {
					models.Palette
					on []models.Colour
				}{{light, models.LightSurfaces()}, {dark, models.DarkSurfaces()}} {
					if p.Accent.Contrast(p.Ink) < models.MinContrast || p.Hover.Contrast(p.Ink) < models.MinContrast {
						t.Errorf("%s: the text on %s or %s cannot be read", colour, p.Accent, p.Hover)
					}
					for _, surface := range p.on {
						if p.Accent.Contrast(surface) < models.MinContrast {
							t.Errorf("%s: %s cannot be read on %s", colour, p.Accent, surface)
						}
					}
				}
				if !strings.Contains(css, "--accent: "+light.Accent.String()+";") || !strings.Contains(css, "--accent: "+dark.Accent.String()+";") {
					t.Errorf("%s: %s", colour, css)
				}
			}
		}
	}
	// No lighter than it has to be: the colour is the partner's.
	if got := (models.Colour{0x8a, 0x1c, 0x4a}).DarkPalette().Accent.String(); got != "#bf829b" {
		t.Errorf("the dark shade of #8a1c4a is %s", got)
	}
	if got := (models.Colour{0xff, 0xff, 0xff}).DarkPalette().Accent.String(); got != "#ffffff" {
		t.Errorf("the dark shade of white is %s", got)
	}
	if accepted < 500 {
		t.Errorf("%d colours are accepted: the test proves little", accepted)
	}
}

func TestNothingElseBecomesAStylesheet(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".css", "1f5fa8", "1F5FA8.css", "1f5fa8.css.css", "ffffff.css", "1f5fa.css", "../1f5fa8.css", "1f5fa8}a{.css"} {
		if css, ok := models.AccentStylesheet(name); ok {
			t.Errorf("%q: %s", name, css)
		}
	}
	if _, ok := models.AccentStylesheet("1f5fa8.css"); !ok {
		t.Error("a good one is refused")
	}
}

func TestWhatABrandMaySay(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	notice := models.BrandNotice{TextEN: "Closed", TextZH: "休息", From: at, Until: at.AddDate(0, 0, 3)}
	link := models.PromoLink{TitleEN: "Sale", TitleZH: "促销", URL: "https://shop.example.com/sale"}
	with := func(change func(*models.BrandNotice)) error {
		n := notice
		change(&n)
		return n.Check("notice")
	}
	menu := func(change func(*models.PromoLink)) error {
		l := link
		change(&l)
		return models.CheckPromoMenu([]models.PromoLink{link, l}, "promoMenu", false)
	}
	services := func(codes ...string) error {
		_, err := models.CheckBrandServices(codes, "serviceTypes")
		return err
	}
	for name, c := range map[string]struct {
		err   error
		field string // "" = it is accepted
	}{
		"a name":                 {models.CheckBrandText("Shop 商店", "nameEn", 64), ""},
		"no name":                {models.CheckBrandText("", "nameEn", 64), ""},
		"64 Chinese characters":  {models.CheckBrandText(strings.Repeat("商", 64), "nameEn", 64), ""},
		"65 characters":          {models.CheckBrandText(strings.Repeat("a", 65), "nameEn", 64), "nameEn"},
		"blanks":                 {models.CheckBrandText("  ", "nameEn", 64), "nameEn"},
		"a control character":    {models.CheckBrandText("a\x00b", "nameEn", 64), "nameEn"},
		"two lines":              {models.CheckBrandText("a\nb", "nameEn", 64), "nameEn"},
		"turned round":           {models.CheckBrandText("knab\u202e", "nameEn", 64), "nameEn"},
		"an invisible character": {models.CheckBrandText("ba\u200bnk", "nameEn", 64), "nameEn"},
		"not UTF-8":              {models.CheckBrandText("a\xff", "nameEn", 64), "nameEn"},
		"a phone number":         {models.CheckSupportPhone("+86 (10) 1234-5678", "supportPhone"), ""},
		"no phone number":        {models.CheckSupportPhone("", "supportPhone"), ""},
		"a word for a number":    {models.CheckSupportPhone("call us", "supportPhone"), "supportPhone"},
		"a menu":                 {menu(func(*models.PromoLink) {}), ""},
		"a menu without a title": {menu(func(l *models.PromoLink) { l.TitleZH = "" }), "promoMenu[1].titleZh"},
		"a long title":           {menu(func(l *models.PromoLink) { l.TitleEN = strings.Repeat("a", 41) }), "promoMenu[1].titleEn"},
		"a script":               {menu(func(l *models.PromoLink) { l.URL = "javascript:alert(1)" }), "promoMenu[1].url"},
		"plain http":             {menu(func(l *models.PromoLink) { l.URL = "http://shop.example.com/" }), "promoMenu[1].url"},
		"a long address":         {menu(func(l *models.PromoLink) { l.URL += strings.Repeat("a", 512) }), "promoMenu[1].url"},
		"eleven entries":         {models.CheckPromoMenu(make([]models.PromoLink, 11), "promoMenu", false), "promoMenu"},
		"services":               {services("hws.service.type.ec2", "hws.service.type.ec2"), ""},
		"a service with markup":  {services("<script>"), "serviceTypes"},
		"too many services":      {services(make([]string, 101)...), "serviceTypes"},
		"a notice":               {with(func(*models.BrandNotice) {}), ""},
		"a notice in one":        {with(func(n *models.BrandNotice) { n.TextZH = "" }), "notice.textZh"},
		"a long notice":          {with(func(n *models.BrandNotice) { n.TextEN = strings.Repeat("a", 501) }), "notice.textEn"},
		"a notice of no time":    {with(func(n *models.BrandNotice) { n.Until = n.From }), "notice.until"},
		"a notice of two years":  {with(func(n *models.BrandNotice) { n.Until = n.From.AddDate(2, 0, 0) }), "notice.until"},
		"a notice of 366 days":   {with(func(n *models.BrandNotice) { n.Until = n.From.AddDate(0, 0, 366) }), ""},
	} {
		e := models.AsError(c.err)
		if (e == nil) != (c.field == "") || e != nil && (e.Code != models.CodeInvalid || e.Field != c.field) {
			t.Errorf("%s: %v, want %q", name, c.err, c.field)
		}
	}
	content := models.BrandContent{Notice: &notice}
	for at, shown := range map[time.Time]bool{notice.From.Add(-1): false, notice.From: true, notice.Until.Add(-1): true, notice.Until: false} {
		if (content.NoticeAt(at) != nil) != shown {
			t.Errorf("the notice at %s: %v", at, content.NoticeAt(at))
		}
	}
}

func TestALogoIsNamedByItsDigest(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("0a", 32)
	for _, kind := range []string{"image/png", "image/jpeg"} {
		if got, ok := models.ParseBrandLogoName(models.BrandLogo{Digest: digest, ContentType: kind}.FileName()); !ok || got != digest {
			t.Errorf("%s: %q", kind, got)
		}
	}
	for _, name := range []string{"", digest, digest + ".svg", digest[1:] + ".png", "../" + digest + ".png", strings.ToUpper(digest) + ".png", digest + ".png\n"} {
		if _, ok := models.ParseBrandLogoName(name); ok {
			t.Errorf("%q is a logo's name", name)
		}
	}
}
