package brands_test

import (
	"bytes"
	"image/jpeg"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestABrandGoesFromItsDraftToCustomersAndBack is the life of a brand: what is published stays until the next version is published, and then until it
// is taken off.
func TestABrandGoesFromItsDraftToCustomersAndBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		seen := w.seen
		first := w.named(w.provider, "First")
		if first.State != models.BrandDraft || first.Revision != 1 || first.Style() != models.BrandDual || seen() != "" {
			t.Errorf("the draft is %+v, and customers see %q", first, seen())
		}
		again := w.named(w.provider, "First ")
		if again.ID != first.ID || again.Revision != 2 || *again.NameEN() != "First" {
			t.Errorf("saved again it is %+v", again)
		}
		row := w.submitted(w.provider, "First")
		if row.State != models.BrandInReview || !row.ReviewDueAt.Equal(time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)) || seen() != "" {
			t.Errorf("handed in on a Friday it is due %v, and customers see %q", row.ReviewDueAt, seen())
		}
		if _, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{NameEN: ptr("Other")}); reasonOf(err) != "BRAND_IN_REVIEW" {
			t.Errorf("changed under review: %v", err)
		}
		back, err := w.Withdraw(w.ctx, as(w.provider), brands.Version{BrandVersionID: row.ID})
		if err != nil || back.BrandVersion.State != models.BrandDraft || back.BrandVersion.ReviewDueAt != nil {
			t.Errorf("withdrawn: %+v, %v", back, err)
		}
		row = w.published(w.provider, "First")
		if row.ID != first.ID || row.ReviewDueAt != nil || row.DecidedAt == nil || seen() != "First" {
			t.Errorf("published it is %+v, and customers see %q", row, seen())
		}
		w.replaced(first.ID)
	})
}

// replaced goes on from a published version to a rejected one, to one in its place, and to none, and looks at the history.
func (w *world) replaced(first models.ID) {
	w.t.Helper()
	t, seen := w.t, w.seen
	second := w.submitted(w.provider, "Second")
	if second.ID == first || seen() != "First" {
		t.Errorf("the next version is %s, and customers see %q", second.ID, seen())
	}
	refused, err := w.Review(w.ctx, operator(), brands.Review{BrandVersionID: second.ID, Revision: second.Revision, Reason: ptr("The name is taken.")})
	if err != nil || refused.BrandVersion.State != models.BrandRejected || *refused.BrandVersion.ReasonOrNil() != "The name is taken." || seen() != "First" {
		t.Errorf("rejected: %+v, %v; customers see %q", refused, err, seen())
	}
	third := w.published(w.provider, "Third")
	if seen() != "Third" {
		t.Errorf("customers see %q", seen())
	}
	taken, err := w.Retire(w.ctx, as(w.provider), brands.Retire{BrandVersionID: third.ID})
	if err != nil || taken.BrandVersion.State != models.BrandRetired || taken.BrandVersion.EndedAt == nil || seen() != "" {
		t.Errorf("taken off: %+v, %v; customers see %q", taken, err, seen())
	}

	history, err := w.Find(w.ctx, as(w.provider), brands.Filter{}, models.PageArgs{WantTotal: true})
	w.must(err)
	var states []models.BrandState
	for _, row := range history.Nodes() {
		states = append(states, row.State)
	}
	if diff := cmp.Diff([]models.BrandState{models.BrandRetired, models.BrandRejected, models.BrandReplaced}, states); diff != "" {
		t.Errorf("the history: %s", diff)
	}
	var happened []models.EventType
	for _, event := range w.events(first) {
		happened = append(happened, event.Type)
		if event.PartnerID != w.provider.ID || len(event.Changes) == 0 && event.Type != models.EventBrandSaved {
			t.Errorf("%+v", event)
		}
	}
	want := []models.EventType{
		models.EventBrandSaved, models.EventBrandSaved, models.EventBrandSaved, models.EventBrandSubmitted, models.EventBrandWithdrawn,
		models.EventBrandSaved, models.EventBrandSubmitted, models.EventBrandPublished, models.EventBrandReplaced,
	}
	if diff := cmp.Diff(want, happened); diff != "" {
		t.Errorf("the record: %s", diff)
	}
	if diff := cmp.Diff([]models.FieldChange{models.Changed("state", "IN_REVIEW", "PUBLISHED")}, w.events(first)[7].Changes); diff != "" {
		t.Errorf("what was published: %s", diff)
	}
}

func TestADraftSaysWhatIsWrongWithItAndIsNotSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		link := func(url string) []models.PromoLink {
			return []models.PromoLink{{TitleEN: "Sale", TitleZH: "促销", URL: url}}
		}
		for name, c := range map[string]struct {
			who  models.Principal
			cmd  brands.SaveDraft
			want string
		}{
			"nobody":                      {models.Principal{}, brands.SaveDraft{}, "UNAUTHENTICATED"},
			"a customer":                  {w.buyer, brands.SaveDraft{}, "FORBIDDEN"},
			"a reseller":                  {as(w.reseller), brands.SaveDraft{}, "FORBIDDEN"},
			"for a reseller":              {operator(), brands.SaveDraft{PartnerID: &w.reseller.ID}, exposure.ErrNoExposure.Reason()},
			"for a stranger":              {as(w.distributor), brands.SaveDraft{PartnerID: &w.provider.ID}, "NOT_FOUND"},
			"for one's reseller":          {as(w.distributor), brands.SaveDraft{PartnerID: &w.reseller.ID}, "NOT_FOUND"},
			"for nobody":                  {operator(), brands.SaveDraft{}, "INVALID partnerId"},
			"for no partner":              {operator(), brands.SaveDraft{PartnerID: ptr(models.ID("par_01h455vb4pex5vsknk084sn02q"))}, "NOT_FOUND"},
			"a long name":                 {as(w.provider), brands.SaveDraft{NameEN: ptr(strings.Repeat("a", 65))}, "INVALID nameEn"},
			"a pale accent":               {as(w.provider), brands.SaveDraft{AccentColor: ptr("#ffcc00")}, "INVALID accentColor"},
			"no colour":                   {as(w.provider), brands.SaveDraft{AccentColor: ptr("url(x)")}, "INVALID accentColor"},
			"no style":                    {as(w.provider), brands.SaveDraft{Style: ptr(models.BrandStyle("MINE"))}, "INVALID style"},
			"help without TLS":            {as(w.provider), brands.SaveDraft{SupportURL: ptr("http://shop.example.com")}, "INVALID supportUrl"},
			"a bad number":                {as(w.provider), brands.SaveDraft{SupportPhone: ptr("now")}, "INVALID supportPhone"},
			"a footer in two lines":       {as(w.provider), brands.SaveDraft{FooterZH: ptr("a\nb")}, "INVALID footerZh"},
			"a menu that leads elsewhere": {as(w.provider), brands.SaveDraft{PromoMenu: link("https://evil.example.com/")}, "ORIGIN_NOT_ALLOWED"},
			"a menu to another port":      {as(w.provider), brands.SaveDraft{PromoMenu: link("https://shop.example.com:8443/")}, "ORIGIN_NOT_ALLOWED"},
			"a menu without a platform":   {as(w.distributor), brands.SaveDraft{PromoMenu: link("https://shop.example.com/")}, "ORIGIN_NOT_ALLOWED"},
			"a service of nobody's":       {as(w.provider), brands.SaveDraft{ServiceTypes: []string{"hws.service.type.ec2", "hws.service.type.moon"}}, "SERVICE_TYPE_UNKNOWN"},
			"a logo kept and removed":     {as(w.provider), brands.SaveDraft{LogoUploadID: ptr(models.ID("upl_01h455vb4pex5vsknk084sn02q")), RemoveLogo: ptr(true)}, "INVALID removeLogo"},
			"a logo of another kind":      {as(w.provider), brands.SaveDraft{LogoUploadID: ptr(models.ID("par_01h455vb4pex5vsknk084sn02q"))}, "INVALID logoUploadId"},
			"a logo that is not there":    {as(w.provider), brands.SaveDraft{LogoUploadID: ptr(models.ID("upl_01h455vb4pex5vsknk084sn02q"))}, "NOT_FOUND"},
			"a notice kept and removed":   {as(w.provider), brands.SaveDraft{Notice: &models.BrandNotice{}, RemoveNotice: ptr(true)}, "INVALID removeNotice"},
		} {
			if _, err := w.SaveDraft(w.ctx, c.who, c.cmd); reasonOf(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		if n := w.count((*models.BrandVersion)(nil)); n != 0 {
			t.Errorf("%d versions were saved", n)
		}
		if n := w.count((*models.Event)(nil)); n != 0 {
			t.Errorf("%d events were recorded", n)
		}
	})
}

func TestADraftIsChangedFieldByField(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		until := w.at.AddDate(0, 0, 2)
		all := brands.SaveDraft{
			NameEN: ptr("Shop"), NameZH: ptr("商店"), AccentColor: ptr("#B3261E"), Style: ptr(models.BrandAlone), SupportURL: ptr("https://help.example.com/"),
			SupportPhone: ptr("+86 10 1234 5678"), FooterEN: ptr("All rights"), FooterZH: ptr("版权所有"),
			PromoMenu:    []models.PromoLink{{TitleEN: "Sale", TitleZH: "促销", URL: "https://shop.example.com/sale"}},
			ServiceTypes: []string{"hws.service.type.ec2"}, Notice: &models.BrandNotice{TextEN: "Closed", TextZH: "休息", From: w.at, Until: until},
		}
		saved, err := w.SaveDraft(w.ctx, as(w.provider), all)
		w.must(err)
		want := models.BrandContent{
			NameEN: "Shop", NameZH: "商店", Accent: "#b3261e", Style: models.BrandAlone, SupportURL: "https://help.example.com/", SupportPhone: "+86 10 1234 5678",
			FooterEN: "All rights", FooterZH: "版权所有", PromoMenu: all.PromoMenu, Services: all.ServiceTypes, Notice: all.Notice,
		}
		if diff := cmp.Diff(want, saved.BrandVersion.Content); diff != "" {
			t.Error(diff)
		}
		one, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{SupportPhone: ptr(""), PromoMenu: []models.PromoLink{}, RemoveNotice: ptr(true), AccentColor: ptr("")})
		w.must(err)
		want.SupportPhone, want.Notice, want.Accent = "", nil, ""
		want.PromoMenu = []models.PromoLink{}
		if diff := cmp.Diff(want, one.BrandVersion.Content); diff != "" {
			t.Error(diff)
		}
		events := w.events(one.BrandVersion.ID)
		if diff := cmp.Diff([]models.FieldChange{
			models.Changed("accentColor", "#b3261e", ""), models.Changed("supportPhone", "+86 10 1234 5678", ""),
			models.Changed("promoMenu", "Sale | 促销 | https://shop.example.com/sale", ""),
			models.Changed("notice", "2026-11-20T08:00:00Z 2026-11-22T08:00:00Z | Closed | 休息", ""),
		}, events[len(events)-1].Changes); diff != "" {
			t.Errorf("the record: %s", diff)
		}
		found, err := w.ByIDs(w.ctx, as(w.provider), []models.ID{one.BrandVersion.ID})
		w.must(err)
		kept := found[one.BrandVersion.ID].Content
		kept.PromoMenu = []models.PromoLink{} // nothing is kept of an empty list
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Errorf("read again: %s", diff)
		}
	})
}

func TestWhoDecidesAboutABrand(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		row := w.submitted(w.provider, "Shop")
		posing := as(w.provider)
		posing.Permissions = models.AllPermissions()
		narrow := operator()
		narrow.Permissions = []models.Permission{models.WriteExposure, models.ReadExposure}
		yes := brands.Review{BrandVersionID: row.ID, Revision: row.Revision, Publish: true}
		for name, who := range map[string]models.Principal{"the partner": as(w.provider), "posing": posing, "a customer": w.buyer, "a narrow operator": narrow} {
			if _, err := w.Review(w.ctx, who, yes); reasonOf(err) != "FORBIDDEN" {
				t.Errorf("%s reviews: %v", name, err)
			}
			if _, err := w.Reviews(w.ctx, who); reasonOf(err) != "FORBIDDEN" {
				t.Errorf("%s sees what waits: %v", name, err)
			}
		}
		with := func(change func(*brands.Review)) brands.Review {
			r := yes
			change(&r)
			return r
		}
		for name, c := range map[string]struct {
			cmd  brands.Review
			want string
		}{
			"another revision":        {with(func(r *brands.Review) { r.Revision-- }), "CONFLICT"},
			"a rejection without why": {with(func(r *brands.Review) { r.Publish = false }), "INVALID reason"},
			"a long reason":           {with(func(r *brands.Review) { r.Publish, r.Reason = false, ptr(strings.Repeat("a", 257)) }), "INVALID reason"},
			"a reason to publish":     {with(func(r *brands.Review) { r.Reason = ptr("nice") }), "INVALID reason"},
			"no version":              {with(func(r *brands.Review) { r.BrandVersionID = "brv_01h455vb4pex5vsknk084sn02q" }), "NOT_FOUND"},
			"no id":                   {with(func(r *brands.Review) { r.BrandVersionID = "par_01h455vb4pex5vsknk084sn02q" }), "INVALID brandVersionId"},
		} {
			if _, err := w.Review(w.ctx, operator(), c.cmd); reasonOf(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		for name, who := range map[string]models.Principal{"a stranger": as(w.distributor), "a customer": w.buyer, "a reseller": as(w.reseller)} {
			for step, call := range map[string]func() error{
				"submits":   func() error { _, err := w.Submit(w.ctx, who, brands.Version{BrandVersionID: row.ID}); return err },
				"withdraws": func() error { _, err := w.Withdraw(w.ctx, who, brands.Version{BrandVersionID: row.ID}); return err },
				"retires":   func() error { _, err := w.Retire(w.ctx, who, brands.Retire{BrandVersionID: row.ID}); return err },
			} {
				if got := reasonOf(call()); got != "NOT_FOUND" && got != "FORBIDDEN" {
					t.Errorf("%s %s: %s", name, step, got)
				}
			}
		}
		// What does not lead on from where it stands is refused with its state.
		if _, err := w.Submit(w.ctx, as(w.provider), brands.Version{BrandVersionID: row.ID}); reasonOf(err) != "BRAND_IN_REVIEW" {
			t.Errorf("handed in twice: %v", err)
		}
		_, err := w.Review(w.ctx, operator(), yes)
		w.must(err)
		if _, err := w.Review(w.ctx, operator(), yes); reasonOf(err) != "BRAND_PUBLISHED" {
			t.Errorf("decided twice: %v", err)
		}
		if _, err := w.Retire(w.ctx, operator(), brands.Retire{BrandVersionID: row.ID}); reasonOf(err) != "INVALID reason" {
			t.Errorf("an operator takes it off without a word: %v", err)
		}
		done, err := w.Retire(w.ctx, operator(), brands.Retire{BrandVersionID: row.ID, Reason: ptr("Complaints")})
		if err != nil || done.BrandVersion.Reason != "Complaints" {
			t.Errorf("%+v, %v", done, err)
		}
		if _, err := w.Withdraw(w.ctx, as(w.provider), brands.Version{BrandVersionID: row.ID}); reasonOf(err) != "BRAND_RETIRED" {
			t.Errorf("withdrawn after its end: %v", err)
		}
	})
}

func TestReviewsComeInTheOrderInWhichTheyAreDue(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		early := w.named(w.provider, "Early") // begun first, handed in last
		third := w.partner("Third", models.SolutionProvider, "")
		friday := w.submitted(w.distributor, "Friday")
		w.at = w.at.AddDate(0, 0, 1).Add(-time.Hour) // a Saturday, an hour earlier: due before what was handed in on Friday
		saturday := w.submitted(third, "Saturday")
		w.at = w.at.AddDate(0, 0, 5)
		last, err := w.Submit(w.ctx, as(w.provider), brands.Version{BrandVersionID: early.ID})
		w.must(err)
		waiting, err := w.Reviews(w.ctx, operator())
		w.must(err)
		var got []models.ID
		for _, row := range waiting {
			got = append(got, row.ID)
		}
		if diff := cmp.Diff([]models.ID{saturday.ID, friday.ID, last.BrandVersion.ID}, got); diff != "" {
			t.Errorf("%s: %v", diff, waiting)
		}
	})
}

// TestASubmissionAsksAgain: what was allowed when the draft was saved may not be any more.
func TestASubmissionAsksAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		menu := []models.PromoLink{{TitleEN: "Sale", TitleZH: "促销", URL: "https://shop.example.com/sale"}}
		saved, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{NameEN: ptr("Shop"), PromoMenu: menu, ServiceTypes: []string{"hws.service.type.ebs"}})
		w.must(err)
		id := brands.Version{BrandVersionID: saved.BrandVersion.ID}
		if _, err := w.Submit(w.ctx, as(w.provider), id); reasonOf(err) != "BRAND_INCOMPLETE" {
			t.Errorf("without its Chinese name: %v", err)
		}
		_, err = w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{NameZH: ptr("商店")})
		w.must(err)
		w.services = w.services[:1]
		if _, err := w.Submit(w.ctx, as(w.provider), id); reasonOf(err) != "SERVICE_TYPE_UNKNOWN" {
			t.Errorf("with a service that is gone: %v", err)
		}
		w.services = append(w.services, "hws.service.type.ebs")
		w.origins[w.provider.ID] = nil
		if _, err := w.Submit(w.ctx, as(w.provider), id); reasonOf(err) != "ORIGIN_NOT_ALLOWED" {
			t.Errorf("with an origin that is gone: %v", err)
		}
		w.origins[w.provider.ID] = []string{"https://shop.example.com"}
		done, err := w.Submit(w.ctx, as(w.provider), id)
		w.must(err)
		_, err = w.Review(w.ctx, operator(), brands.Review{BrandVersionID: id.BrandVersionID, Revision: done.BrandVersion.Revision, Publish: true})
		w.must(err)
		shown := func() int {
			brand, err := w.Published(w.ctx, w.buyer, nil)
			w.must(err)
			return len(brand.PromoMenu())
		}
		if shown() != 1 {
			t.Error("customers do not see the menu")
		}
		w.origins[w.provider.ID] = []string{"https://other.example.com"}
		if shown() != 0 {
			t.Error("customers are led to an origin that the platform does not allow any more")
		}
	})
}

func TestWhoSeesABrand(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.published(w.provider, "Provider")
		w.published(w.distributor, "Distributor")
		draft := w.named(w.provider, "Secret")
		for name, c := range map[string]struct {
			who   models.Principal
			named *models.ID
			want  string
		}{
			"its customer":                    {w.buyer, nil, "Provider"},
			"its customer by name":            {w.buyer, &w.provider.ID, "Provider"},
			"a customer of another":           {w.buyer, &w.distributor.ID, "NOT_FOUND"},
			"a reseller's customer":           {w.resellersBuyer, nil, ""},
			"a reseller's customer, by name":  {w.resellersBuyer, &w.distributor.ID, "NOT_FOUND"},
			"the partner":                     {as(w.provider), nil, "Provider"},
			"the reseller of its distributor": {as(w.reseller), &w.distributor.ID, "Distributor"},
			"the reseller of itself":          {as(w.reseller), nil, ""},
			"another partner":                 {as(w.provider), &w.distributor.ID, "NOT_FOUND"},
			"an operator":                     {operator(), &w.distributor.ID, "Distributor"},
			"an operator of nobody":           {operator(), nil, ""},
			"nobody":                          {models.Principal{}, nil, "UNAUTHENTICATED"},
			"by another id":                   {operator(), &draft.ID, "INVALID partnerId"},
		} {
			brand, err := w.Published(w.ctx, c.who, c.named)
			got := reasonOf(err)
			if err == nil && brand != nil {
				got = brand.NameEN()
			}
			if got != c.want {
				t.Errorf("%s sees %q, want %q", name, got, c.want)
			}
		}
		for name, c := range map[string]struct {
			who  models.Principal
			want int
		}{
			"the partner": {as(w.provider), 2}, "the distributor": {as(w.distributor), 1}, "an operator": {operator(), 3},
		} {
			found, err := w.Find(w.ctx, c.who, brands.Filter{}, models.PageArgs{WantTotal: true})
			if err != nil || *found.TotalCount != c.want {
				t.Errorf("%s sees %v versions, %v", name, found.TotalCount, err)
			}
		}
		for _, who := range []models.Principal{w.buyer, as(w.reseller)} {
			if _, err := w.Find(w.ctx, who, brands.Filter{}, models.PageArgs{}); reasonOf(err) != "FORBIDDEN" {
				t.Errorf("%s reads versions: %v", who.Kind, err)
			}
		}
		if found, err := w.ByIDs(w.ctx, as(w.distributor), []models.ID{draft.ID}); err != nil || len(found) != 0 {
			t.Errorf("a stranger finds %v, %v", found, err)
		}
		drafts, err := w.Find(w.ctx, operator(), brands.Filter{PartnerID: &w.provider.ID, States: []models.BrandState{models.BrandDraft}}, models.PageArgs{})
		if err != nil || len(drafts.Edges) != 1 || drafts.Edges[0].Node.ID != draft.ID {
			t.Errorf("%v, %v", drafts, err)
		}
	})
}

func TestALogoIsWrittenAnewAndSeenOncePublished(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id, err := w.upload(as(w.provider), "logo.png", "image/png", picture(120, 40))
		w.must(err)
		if _, err := w.SaveDraft(w.ctx, as(w.distributor), brands.SaveDraft{LogoUploadID: &id}); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("another's upload: %v", err)
		}
		row := w.named(w.provider, "Shop")
		saved, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{LogoUploadID: &id})
		w.must(err)
		logo := saved.BrandVersion.Logo()
		if logo == nil || logo.Width != 120 || logo.Height != 40 || logo.ContentType != "image/png" {
			t.Fatalf("the logo is %+v", logo)
		}
		if _, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{LogoUploadID: &id}); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("the upload is used twice: %v", err)
		}
		if _, err := w.Logo(w.ctx, logo.Digest); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("everybody sees the logo of a draft: %v", err)
		}
		for name, c := range map[string]struct {
			who  models.Principal
			want string
		}{"the partner": {as(w.provider), ""}, "an operator": {operator(), ""}, "a stranger": {as(w.distributor), "NOT_FOUND"}, "a customer": {w.buyer, "FORBIDDEN"}} {
			if _, err := w.LogoOf(w.ctx, c.who, row.ID); reasonOf(err) != c.want {
				t.Errorf("%s sees the logo of a draft: %v", name, err)
			}
		}
		done := w.published(w.provider, "Shop")
		file, err := w.Logo(w.ctx, logo.Digest)
		w.must(err)
		if picture, err := png.Decode(bytes.NewReader(file.Content)); err != nil || picture.Bounds().Dx() != 120 || bytes.Contains(file.Content, []byte("taken at")) {
			t.Errorf("what is served: %v, %d bytes", err, len(file.Content))
		}
		brand, err := w.Published(w.ctx, w.buyer, nil)
		if err != nil || *brand.LogoURL != "https://sales.example.com/pages/brands/"+logo.Digest+".png" {
			t.Errorf("%v, %v", brand, err)
		}
		// The next version begins with the logo; another one in its place leaves the published one where it is, and nothing else.
		for i, size := range []int{10, 11} {
			next, err := w.upload(as(w.provider), "next.png", "image/png", picture(size, 10))
			w.must(err)
			_, err = w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{LogoUploadID: &next})
			w.must(err)
			if n := w.count((*models.BrandLogoFile)(nil)); n != 2 {
				t.Errorf("after %d changes %d logos are kept", i+1, n)
			}
		}
		gone, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{RemoveLogo: ptr(true)})
		if err != nil || gone.BrandVersion.Logo() != nil || w.count((*models.BrandLogoFile)(nil)) != 1 {
			t.Errorf("removed: %+v, %v", gone.BrandVersion.Logo(), err)
		}
		_, err = w.Retire(w.ctx, as(w.provider), brands.Retire{BrandVersionID: done.ID})
		w.must(err)
		if _, err := w.Logo(w.ctx, logo.Digest); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("a brand that was taken off still shows: %v", err)
		}
		// What was brought is gone with the next sweep: it was copied.
		if _, err := w.up.Sweep(w.ctx); err != nil || len(w.kept.Keys()) != 0 {
			t.Errorf("%v, the store has %v", err, w.kept.Keys())
		}
	})
}

func TestALogoThatIsNoPictureLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
		for name, c := range map[string]struct {
			file, kind string
			content    []byte
			want       string
		}{
			"a drawing":            {"logo.svg", "image/svg+xml", svg, "INVALID fileName"},
			"a GIF":                {"logo.gif", "image/gif", []byte("GIF89a"), "INVALID fileName"},
			"a drawing called PNG": {"logo.png", "image/png", svg, "TYPE_DIFFERS"},
			"a PNG called JPEG":    {"logo.jpg", "image/jpeg", picture(9, 9), "TYPE_DIFFERS"},
			"a PNG with a script":  {"logo.png", "image/png", append(picture(9, 9), "<script>alert(1)</script>"...), "ACTIVE_CONTENT"},
			"half a PNG":           {"logo.png", "image/png", picture(90, 90)[:60], "NOT_DECODABLE"},
			"too wide":             {"logo.png", "image/png", picture(1025, 2), "TOO_MANY_PIXELS"},
			"too large":            {"logo.png", "image/png", picture(800, 800), "TOO_MANY_PIXELS"},
			"too many bytes":       {"logo.png", "image/png", make([]byte, 512<<10+1), "INVALID size"},
		} {
			id, err := w.upload(as(w.provider), c.file, c.kind, c.content)
			if reasonOf(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
			if id == "" {
				continue
			}
			if _, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{LogoUploadID: &id}); reasonOf(err) != "NOT_FOUND" {
				t.Errorf("%s becomes a logo: %v", name, err)
			}
		}
		if keys := w.kept.Keys(); len(keys) != 0 || w.count((*models.BrandLogoFile)(nil)) != 0 || w.count((*models.BrandVersion)(nil)) != 0 {
			t.Errorf("something was kept: %v", keys)
		}
		var b bytes.Buffer
		shot, err := png.Decode(bytes.NewReader(picture(20, 20)))
		w.must(err)
		w.must(jpeg.Encode(&b, shot, nil))
		id, err := w.upload(as(w.provider), "logo.jpeg", "image/jpeg", b.Bytes())
		w.must(err)
		saved, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{LogoUploadID: &id})
		if err != nil || saved.BrandVersion.Logo().ContentType != "image/jpeg" {
			t.Errorf("a photograph: %+v, %v", saved.BrandVersion.Logo(), err)
		}
	})
}

// TestOneVersionIsOnItsWay has the partner's people save at once, and two operators decide at once.
func TestOneVersionIsOnItsWay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		at := func(n int, call func(i int) error) (failed []string) {
			var wg sync.WaitGroup
			failures := make([]error, n)
			for i := range n {
				wg.Go(func() { failures[i] = call(i) })
			}
			wg.Wait()
			for _, err := range failures {
				if err != nil {
					failed = append(failed, reasonOf(err))
				}
			}
			return failed
		}
		if failed := at(4, func(int) error {
			_, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{NameEN: ptr("Shop"), NameZH: ptr("商店")})
			return err
		}); failed != nil || w.count((*models.BrandVersion)(nil)) != 1 {
			t.Errorf("saved at once: %v, %d versions", failed, w.count((*models.BrandVersion)(nil)))
		}
		row := w.submitted(w.provider, "Shop")
		failed := at(3, func(int) error {
			_, err := w.Review(w.ctx, operator(), brands.Review{BrandVersionID: row.ID, Revision: row.Revision, Publish: true})
			return err
		})
		if diff := cmp.Diff([]string{"BRAND_PUBLISHED", "BRAND_PUBLISHED"}, failed); diff != "" {
			t.Errorf("decided at once: %s", diff)
		}
	})
}

func TestANoticeIsShownInItsTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		_, err := w.SaveDraft(w.ctx, as(w.provider), brands.SaveDraft{
			AccentColor: ptr("#1f5fa8"), Notice: &models.BrandNotice{TextEN: "Closed", TextZH: "休息", From: w.at.Add(time.Hour), Until: w.at.Add(2 * time.Hour)},
		})
		w.must(err)
		w.published(w.provider, "Shop")
		for _, want := range []bool{false, true, false} {
			brand, err := w.For(w.ctx, w.buyer)
			if err != nil || (brand.Notice != nil) != want || *brand.StylesheetURL != "https://sales.example.com/pages/accents/1f5fa8.css" {
				t.Errorf("at %s: %+v, %v", w.at, brand.Notice, err)
			}
			w.at = w.at.Add(time.Hour)
		}
	})
}
