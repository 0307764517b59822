package benefits_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestATagIsAppliedForAndDecided walks P19: applied for, failed, suspended for six months, applied for again, granted.
func TestATagIsAppliedForAndDecided(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		apply := func() (models.CapabilityStatus, string) {
			done, err := w.ApplyForCapability(w.ctx, as(w.provider), benefits.ApplyForCapability{TagCode: "BIG_DATA"})
			return done.PartnerCapability, reasonOf(err)
		}
		status, reason := apply()
		if reason != "" || *status.State() != models.CapabilityApplied || status.DecidedAt() != nil || status.UseBy() != nil {
			t.Fatalf("%s %+v", reason, status)
		}
		id := *status.CapabilityID()
		if _, reason := apply(); reason != "CAPABILITY_APPLIED" {
			t.Errorf("a second application: %s", reason)
		}
		failed, err := w.DecideCapability(w.ctx, operator(), benefits.DecideCapability{CapabilityID: id, Opinion: ptr("too few projects")})
		w.must(err)
		if got := failed.PartnerCapability; *got.State() != models.CapabilityFailed || *got.Opinion() != "too few projects" || !got.NotBefore().Equal(w.at.AddDate(0, 6, 0)) {
			t.Errorf("%+v", got)
		}
		_, err = w.DecideCapability(w.ctx, operator(), benefits.DecideCapability{CapabilityID: id, Granted: true})
		if reasonOf(err) != "CAPABILITY_DECIDED" {
			t.Errorf("a second decision: %v", err)
		}
		w.at = w.at.AddDate(0, 6, 0).Add(-time.Second)
		if _, reason := apply(); reason != "CAPABILITY_SUSPENDED" {
			t.Errorf("a second before six months: %s", reason)
		}
		w.at = w.at.Add(time.Second)
		if status, reason := apply(); reason != "" || *status.CapabilityID() != id || status.Opinion() != nil {
			t.Errorf("after six months: %s %+v", reason, status)
		}
		granted, err := w.DecideCapability(w.ctx, operator(), benefits.DecideCapability{CapabilityID: id, Granted: true})
		w.must(err)
		ends := time.Date(2027, 12, 31, 16, 0, 0, 0, time.UTC)
		if got := granted.PartnerCapability; !got.UseBy().Equal(ends) || !got.Eligible() || !w.due[id].Equal(ends) {
			t.Errorf("%+v, due %s", got, w.due[id])
		}
		if _, reason := apply(); reason != "CAPABILITY_GRANTED" {
			t.Errorf("a tag that it has: %s", reason)
		}
		if n := w.happened(models.EventCapabilityApplied, id) + w.happened(models.EventCapabilityFailed, id) + w.happened(models.EventCapabilityGranted, id); n != 4 {
			t.Errorf("%d events", n)
		}
	})
}

// TestTagsAreKept: the catalogue has N06 from the beginning, takes more, and is bounded.
func TestTagsAreKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		tags, err := w.Tags(w.ctx, as(w.provider))
		w.must(err)
		scopes := map[models.TagScope]int{}
		for _, tag := range tags {
			scopes[tag.Scope]++
		}
		if diff := cmp.Diff(map[models.TagScope]int{models.TagGlobal: 2, models.TagChina: 7, models.TagOverseas: 1}, scopes); diff != "" {
			t.Errorf("N06: %s", diff)
		}
		set := func(code string, active bool) error {
			_, err := w.SetTag(w.ctx, operator(), benefits.SetTag{Code: code, Name: "A tag", Level: 2, Scope: models.TagGlobal, Active: active})
			return err
		}
		for _, code := range []string{"BIG_DATA", "OPS_EXPERT", "OPS_EXPERT"} {
			w.must(set(code, code != "BIG_DATA"))
		}
		if n := w.happened(models.EventCapabilityTagSet, "OPS_EXPERT"); n != 1 {
			t.Errorf("the same again was recorded: %d events", n)
		}
		_, err = w.ApplyForCapability(w.ctx, as(w.provider), benefits.ApplyForCapability{TagCode: "BIG_DATA"})
		if reasonOf(err) != "TAG_RETIRED" {
			t.Errorf("a retired tag: %v", err)
		}
		for i := len(tags) + 1; i < models.MaxCapabilityTags; i++ {
			w.must(set(fmt.Sprintf("TAG_%d", i), true))
		}
		if err := set("ONE_MORE", true); reasonOf(err) != "TAGS_FULL" {
			t.Errorf("one more than there is room for: %v", err)
		}
	})
}

// TestBadInputOfCapabilitiesIsRefused, and nothing changes.
func TestBadInputOfCapabilitiesIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		applied, err := w.ApplyForCapability(w.ctx, as(w.provider), benefits.ApplyForCapability{TagCode: "DATABASE"})
		w.must(err)
		id := *applied.PartnerCapability.CapabilityID()
		tag := func(change func(*benefits.SetTag)) error {
			cmd := benefits.SetTag{Code: "NEW_TAG", Name: "New", Level: 1, Scope: models.TagGlobal, Active: true}
			change(&cmd)
			_, err := w.SetTag(w.ctx, operator(), cmd)
			return err
		}
		standing := func(cmd benefits.SetStanding) error {
			if cmd.PartnerID == "" {
				cmd.PartnerID = w.provider.ID
			}
			_, err := w.SetStanding(w.ctx, operator(), cmd)
			return err
		}
		decide := func(cmd benefits.DecideCapability) error {
			if cmd.CapabilityID == "" {
				cmd.CapabilityID = id
			}
			_, err := w.DecideCapability(w.ctx, operator(), cmd)
			return err
		}
		apply := func(who models.Principal, cmd benefits.ApplyForCapability) error {
			_, err := w.ApplyForCapability(w.ctx, who, cmd)
			return err
		}
		draft := func(tag string, form models.UpliftForm) error {
			_, err := w.DraftUplift(w.ctx, as(w.provider), benefits.DraftUplift{TagCode: tag, Form: form})
			return err
		}
		for name, row := range map[string]struct {
			err  error
			want string
		}{
			"a code in lower case":      {tag(func(c *benefits.SetTag) { c.Code = "new" }), "INVALID code"},
			"a name with a control":     {tag(func(c *benefits.SetTag) { c.Name = "a\nb" }), "INVALID name"},
			"a level of 3":              {tag(func(c *benefits.SetTag) { c.Level = 3 }), "INVALID level"},
			"no scope":                  {tag(func(c *benefits.SetTag) { c.Scope = "MARS" }), "INVALID scope"},
			"a path without a stage":    {standing(benefits.SetStanding{Path: ptr(models.PathService)}), "INVALID stage"},
			"an unknown path":           {standing(benefits.SetStanding{Path: ptr(models.DevelopmentPath("X")), Stage: ptr(models.StageSelected)}), "INVALID path"},
			"an unknown stage":          {standing(benefits.SetStanding{Path: ptr(models.PathService), Stage: ptr(models.PathStage("X"))}), "INVALID stage"},
			"region 4":                  {standing(benefits.SetStanding{PartnerID: w.distributor.ID, Region: ptr(4)}), "INVALID region"},
			"a provider's region":       {standing(benefits.SetStanding{Region: ptr(1)}), "INVALID region"},
			"a rank off the path":       {standing(benefits.SetStanding{SoftwareStanding: ptr(models.SoftwareAdvanced)}), "INVALID softwareStanding"},
			"a reseller's standing":     {standing(benefits.SetStanding{PartnerID: w.reseller.ID}), "RESELLER_HAS_NO_BENEFITS"},
			"nobody's standing":         {standing(benefits.SetStanding{PartnerID: "par_01h455vb4pex5vsknk084sn02q"}), "NOT_FOUND"},
			"failed without a word":     {decide(benefits.DecideCapability{}), "INVALID opinion"},
			"granted with an opinion":   {decide(benefits.DecideCapability{Granted: true, Opinion: ptr("fine")}), "INVALID opinion"},
			"granted tomorrow":          {decide(benefits.DecideCapability{Granted: true, DecidedAt: ptr(w.at.Add(time.Hour))}), "INVALID decidedAt"},
			"granted before":            {decide(benefits.DecideCapability{Granted: true, DecidedAt: ptr(w.at.Add(-time.Hour))}), "INVALID decidedAt"},
			"what is none":              {decide(benefits.DecideCapability{CapabilityID: "bap_01h455vb4pex5vsknk084sn02q", Granted: true}), "INVALID capabilityId"},
			"nobody's":                  {decide(benefits.DecideCapability{CapabilityID: "pcp_01h455vb4pex5vsknk084sn02q", Granted: true}), "NOT_FOUND"},
			"an unknown tag":            {apply(as(w.provider), benefits.ApplyForCapability{TagCode: "NOTHING"}), "NOT_FOUND"},
			"a bad code":                {apply(as(w.provider), benefits.ApplyForCapability{TagCode: "x"}), "INVALID tagCode"},
			"an operator for nobody":    {apply(operator(), benefits.ApplyForCapability{TagCode: "DATABASE"}), "INVALID partnerId"},
			"an operator's bad id":      {apply(operator(), benefits.ApplyForCapability{PartnerID: ptr(id), TagCode: "DATABASE"}), "INVALID partnerId"},
			"an operator, for reseller": {apply(operator(), benefits.ApplyForCapability{PartnerID: &w.reseller.ID, TagCode: "DATABASE"}), "RESELLER_HAS_NO_BENEFITS"},
			"another's":                 {apply(as(w.stranger), benefits.ApplyForCapability{PartnerID: &w.provider.ID, TagCode: "DATABASE"}), "NOT_FOUND"},
			"its reseller's":            {apply(as(w.distributor), benefits.ApplyForCapability{PartnerID: &w.reseller.ID, TagCode: "DATABASE"}), "NOT_FOUND"},
			"no form":                   {draft("DATABASE", "GOLD"), "INVALID form"},
			"a draft of a bad code":     {draft("x", models.UpliftCash), "INVALID tagCode"},
			"a draft of an unknown tag": {draft("NOTHING", models.UpliftCash), "NOT_FOUND"},
		} {
			if got := reasonOf(row.err); got != row.want {
				t.Errorf("%s: %q, want %q", name, got, row.want)
			}
		}
		after, err := w.Capabilities(w.ctx, as(w.provider), nil)
		w.must(err)
		for _, status := range after {
			if status.Tag.Code == "DATABASE" && *status.State() != models.CapabilityApplied {
				t.Errorf("%+v", status)
			}
		}
	})
}

// TestEligibilitySaysWhyNot as the rows tell it, to the partner and to operators.
func TestEligibilitySaysWhyNot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		blockers := func(who models.Principal, named *models.ID, code string) (all []models.BenefitBlock) {
			statuses, err := w.Capabilities(w.ctx, who, named)
			w.must(err)
			for _, status := range statuses {
				if status.Tag.Code == code {
					for _, blocker := range status.Blockers {
						all = append(all, blocker.Code)
					}
				}
			}
			return all
		}
		want := func(name string, got []models.BenefitBlock, want ...models.BenefitBlock) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		want("never applied", blockers(as(w.provider), nil, "DATABASE"), "TAG_NOT_GRANTED")
		want("for abroad", blockers(as(w.provider), nil, "CLOUD_MIGRATION_PLANNING"), "TAG_OUT_OF_SCOPE", "TAG_NOT_GRANTED")
		want("not on the path", blockers(as(w.stranger), nil, "DATABASE"), "NOT_ON_SERVICE_PATH", "NOT_ROLE_CERTIFIED", "TAG_NOT_GRANTED")
		want("a reseller", blockers(operator(), &w.reseller.ID, "DATABASE"), "RESELLER_HAS_NO_BENEFITS", "NOT_ON_SERVICE_PATH", "NOT_ROLE_CERTIFIED", "TAG_NOT_GRANTED")
		w.certify(w.provider, "DATABASE")
		want("granted", blockers(as(w.provider), nil, "DATABASE"))
		_, err := db.NewUpdate().Model((*models.Partner)(nil)).Set("state = ?", models.PartnerExpired).Where("id = ?", w.provider.ID).Exec(w.ctx)
		w.must(err)
		want("expired", blockers(operator(), &w.provider.ID, "DATABASE"), "PARTNER_EXPIRED")
		_, err = w.DraftUplift(w.ctx, as(w.provider), benefits.DraftUplift{TagCode: "DATABASE", Form: models.UpliftCash})
		if reasonOf(err) != "PARTNER_EXPIRED" {
			t.Errorf("an expired partner's draft: %v", err)
		}
		nothing, err := w.Capabilities(w.ctx, operator(), nil)
		if err != nil || len(nothing) != 0 {
			t.Errorf("an operator that names nobody: %v %v", nothing, err)
		}
		for _, who := range []models.Principal{as(w.stranger), as(w.distributor)} {
			for _, other := range []models.ID{w.provider.ID, w.reseller.ID} {
				if _, err := w.Capabilities(w.ctx, who, &other); reasonOf(err) != "NOT_FOUND" {
					t.Errorf("another's capabilities: %v", err)
				}
				if _, err := w.Standing(w.ctx, who, &other); reasonOf(err) != "NOT_FOUND" {
					t.Errorf("another's standing: %v", err)
				}
				if _, err := w.Budget(w.ctx, who, &other, nil); reasonOf(err) != "NOT_FOUND" {
					t.Errorf("another's budget: %v", err)
				}
			}
		}
		if _, err := w.Capabilities(w.ctx, as(w.reseller), nil); reasonOf(err) != "FORBIDDEN" {
			t.Errorf("a reseller: %v", err)
		}
	})
}

// TestAnUpliftIsPaid walks the whole way of 4.2.
func TestAnUpliftIsPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.certify(w.provider, "DATABASE")
		row := w.draft(w.provider, "DATABASE")
		edited, err := w.DraftUplift(w.ctx, as(w.provider), benefits.DraftUplift{TagCode: "DATABASE", Form: models.UpliftTraining})
		w.must(err)
		if edited.BenefitApplication.ID != row.ID || edited.BenefitApplication.Uplift().Form != models.UpliftTraining {
			t.Errorf("%+v", edited)
		}
		w.must(w.Submit0(row.ID))
		if _, err := w.DraftUplift(w.ctx, as(w.provider), benefits.DraftUplift{TagCode: "DATABASE", Form: models.UpliftCash}); reasonOf(err) != "TAG_USED" {
			t.Errorf("a second application: %v", err)
		}
		one := benefits.Application{ApplicationID: row.ID}
		_, err = w.StartReview(w.ctx, operator(), one)
		w.must(err)
		reviewed, err := w.Review(w.ctx, operator(), benefits.Review{ApplicationID: row.ID, Approve: true, Amount: ptr(decimal.RequireFromString("8000.50"))})
		w.must(err)
		if got := reviewed.BenefitApplication; got.Approved().Minor != 800_050 || got.Amount() != nil || got.DecidedAt == nil {
			t.Errorf("%+v", got)
		}
		_, err = w.SendInvoice(w.ctx, as(w.provider), benefits.SendInvoice{ApplicationID: row.ID, InvoiceNumber: "INV-1"})
		w.must(err)
		_, err = w.AcceptInvoice(w.ctx, operator(), one)
		w.must(err)
		paid, err := w.Complete(w.ctx, operator(), benefits.Complete{ApplicationID: row.ID, Reference: "bank 7"})
		w.must(err)
		if got := paid.BenefitApplication; got.Status != models.BenefitPaid || *got.ReferenceOrNil() != "bank 7" || *got.InvoiceNumberOrNil() != "INV-1" || got.PaidAt == nil {
			t.Errorf("%+v", got)
		}
		_, err = w.Complete(w.ctx, operator(), benefits.Complete{ApplicationID: row.ID, Reference: "bank 7"})
		if reasonOf(err) != "BENEFIT_PAID" {
			t.Errorf("paid twice: %v", err)
		}
		for what, want := range map[models.EventType]int{
			models.EventBenefitDrafted: 1, models.EventBenefitEdited: 1, models.EventBenefitSubmitted: 1, models.EventBenefitReviewStarted: 1,
			models.EventBenefitApproved: 1, models.EventBenefitInvoiced: 1, models.EventBenefitInvoiceAccepted: 1, models.EventBenefitPaid: 1,
		} {
			if got := w.happened(what, row.ID); got != want {
				t.Errorf("%s: %d, want %d", what, got, want)
			}
		}
	})
}

// Submit0 hands an application in as the partner that it belongs to.
func (w *world) Submit0(id models.ID) error {
	_, err := w.Submit(w.ctx, as(w.provider), benefits.Application{ApplicationID: id})
	return err
}

// TestAReviewNamesItsAmount: cash needs one, training does not, and a refusal has none.
func TestAReviewNamesItsAmount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		under := map[models.UpliftForm]models.ID{}
		for form, tag := range map[models.UpliftForm]string{models.UpliftCash: "DATABASE", models.UpliftTraining: "BIG_DATA", models.UpliftExam: "DEVSECOPS"} {
			w.certify(w.provider, tag)
			done, err := w.DraftUplift(w.ctx, as(w.provider), benefits.DraftUplift{TagCode: tag, Form: form})
			w.must(err)
			under[form] = done.BenefitApplication.ID
			w.must(w.Submit0(under[form]))
			_, err = w.StartReview(w.ctx, operator(), benefits.Application{ApplicationID: under[form]})
			w.must(err)
		}
		review := func(cmd benefits.Review) string {
			_, err := w.Review(w.ctx, operator(), cmd)
			return reasonOf(err)
		}
		cash := under[models.UpliftCash]
		for name, row := range map[string]struct {
			cmd  benefits.Review
			want string
		}{
			"cash without an amount":     {benefits.Review{ApplicationID: cash, Approve: true}, "INVALID amount"},
			"nothing":                    {benefits.Review{ApplicationID: cash, Approve: true, Amount: ptr(decimal.Zero)}, "INVALID amount"},
			"a fraction of a fen":        {benefits.Review{ApplicationID: cash, Approve: true, Amount: ptr(decimal.RequireFromString("0.001"))}, "INVALID amount"},
			"refused with an amount":     {benefits.Review{ApplicationID: cash, Amount: ptr(decimal.NewFromInt(1)), Opinion: ptr("no")}, "INVALID amount"},
			"refused without a word":     {benefits.Review{ApplicationID: cash}, "INVALID opinion"},
			"approved with an opinion":   {benefits.Review{ApplicationID: cash, Approve: true, Opinion: ptr("good")}, "INVALID opinion"},
			"another kind's step, below": {benefits.Review{ApplicationID: "bap_01h455vb4pex5vsknk084sn02q", Opinion: ptr("no")}, "NOT_FOUND"},
		} {
			if got := review(row.cmd); got != row.want {
				t.Errorf("%s: %q, want %q", name, got, row.want)
			}
		}
		if got := review(benefits.Review{ApplicationID: under[models.UpliftTraining], Approve: true}); got != "" {
			t.Errorf("training: %s", got)
		}
		if got := review(benefits.Review{ApplicationID: under[models.UpliftExam], Opinion: ptr("No budget.")}); got != "" {
			t.Errorf("refused: %s", got)
		}
		_, err := w.SendInvoice(w.ctx, as(w.provider), benefits.SendInvoice{ApplicationID: under[models.UpliftTraining], InvoiceNumber: "tab\t"})
		if reasonOf(err) != "INVALID invoiceNumber" {
			t.Errorf("a bad number: %v", err)
		}
		if _, err := w.Complete(w.ctx, operator(), benefits.Complete{ApplicationID: cash}); reasonOf(err) != "INVALID reference" {
			t.Errorf("no reference: %v", err)
		}
		for name, step := range map[string]func() error{
			"withdraw": func() error {
				_, err := w.Withdraw(w.ctx, as(w.provider), benefits.Application{ApplicationID: cash})
				return err
			},
			"end publicity": func() error {
				_, err := w.EndPublicity(w.ctx, operator(), benefits.Application{ApplicationID: cash})
				return err
			},
			"review a proof": func() error {
				_, err := w.ReviewProof(w.ctx, operator(), benefits.ReviewProof{ApplicationID: cash, Accept: true})
				return err
			},
		} {
			if got := reasonOf(step()); got != "BENEFIT_KIND" {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
}

// TestARightLapsesOnce with the year of its tag in UTC+8: the unused right and its draft, not what was handed in (N05).
func TestARightLapsesOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		unused, drafted, used := w.certify(w.provider, "DATABASE"), w.certify(w.provider, "BIG_DATA"), w.certify(w.provider, "DEVSECOPS")
		draft, handed := w.draft(w.provider, "BIG_DATA"), w.draft(w.provider, "DEVSECOPS")
		w.must(w.Submit0(handed.ID))
		ids := []models.ID{*unused.CapabilityID(), *drafted.CapabilityID(), *used.CapabilityID()}
		w.at = time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC)
		for _, id := range ids {
			until, early := models.NotDueUntil(w.Lapse(w.ctx, id))
			if !early || !until.Equal(w.due[id]) || !until.Equal(w.at.Add(time.Second)) {
				t.Errorf("a second early: %s %v", until, early)
			}
		}
		w.at = w.at.Add(time.Second)
		if err := w.Submit0(draft.ID); reasonOf(err) != "RIGHT_LAPSED" {
			t.Errorf("handed in before the job came: %v", err)
		}
		for _, id := range ids {
			for _, err := range together(3, func(int) error { return w.Lapse(w.ctx, id) }) {
				w.must(err)
			}
		}
		w.must(w.Lapse(w.ctx, "pcp_01h455vb4pex5vsknk084sn02q"))
		got := map[models.ID]int{}
		for _, id := range ids {
			got[id] = w.happened(models.EventCapabilityLapsed, id)
		}
		if diff := cmp.Diff(map[models.ID]int{ids[0]: 1, ids[1]: 1, ids[2]: 0}, got); diff != "" {
			t.Errorf("lapsed: %s", diff)
		}
		if n := w.happened(models.EventBenefitLapsed, draft.ID); n != 1 {
			t.Errorf("the draft lapsed %d times", n)
		}
		rows, err := w.Service.ByIDs(w.ctx, as(w.provider), []models.ID{draft.ID, handed.ID})
		w.must(err)
		if rows[draft.ID].Status != models.BenefitLapsed || rows[handed.ID].Status != models.BenefitApplied {
			t.Errorf("%+v", rows)
		}
		if err := w.Submit0(draft.ID); reasonOf(err) != "BENEFIT_LAPSED" {
			t.Errorf("a draft that has lapsed: %v", err)
		}
		for _, tag := range []string{"DATABASE", "BIG_DATA"} {
			_, err := w.DraftUplift(w.ctx, as(w.provider), benefits.DraftUplift{TagCode: tag, Form: models.UpliftCash})
			if reasonOf(err) != "RIGHT_LAPSED" {
				t.Errorf("%s: %v", tag, err)
			}
		}
	})
}

// TestATagIsUsedOnceInARace: sixteen drafts, then sixteen submissions at once make one of each.
func TestATagIsUsedOnceInARace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.certify(w.provider, "DATABASE")
		for _, err := range together(16, func(int) error {
			_, err := w.DraftUplift(w.ctx, as(w.provider), benefits.DraftUplift{TagCode: "DATABASE", Form: models.UpliftCash})
			return err
		}) {
			w.must(err)
		}
		page, err := w.Find(w.ctx, as(w.provider), benefits.Filter{}, models.PageArgs{})
		w.must(err)
		if len(page.Edges) != 1 {
			t.Fatalf("%d drafts", len(page.Edges))
		}
		submitted := 0
		for _, err := range together(16, func(int) error { return w.Submit0(page.Edges[0].Node.ID) }) {
			switch reasonOf(err) {
			case "":
				submitted++
			case "BENEFIT_APPLIED":
			default:
				t.Error(err)
			}
		}
		if submitted != 1 {
			t.Errorf("submitted %d times", submitted)
		}
	})
}

// TestADraftIsDeletedAndBegunAgain: what was deleted does not use the tag up.
func TestADraftIsDeletedAndBegunAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.certify(w.provider, "DATABASE")
		first := w.draft(w.provider, "DATABASE")
		_, err := w.Delete(w.ctx, as(w.provider), benefits.Application{ApplicationID: first.ID})
		w.must(err)
		if second := w.draft(w.provider, "DATABASE"); second.ID == first.ID {
			t.Error("the deleted one came back")
		}
		if err := w.Submit0(first.ID); reasonOf(err) != "BENEFIT_DELETED" {
			t.Errorf("%v", err)
		}
	})
}
