package benefits_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// figures are what the dashboard shows: the cap, requested, approved, paid and left.
func (w *world) figures(p models.Partner) [5]string {
	w.t.Helper()
	budget, err := w.Budget(w.ctx, as(p), nil, nil)
	w.must(err)
	var all [5]string
	for i, m := range []models.Money{budget.Limit(), budget.Requested(), budget.Approved(), budget.Paid(), budget.Left()} {
		all[i] = m.Amount().StringFixed(2)
	}
	return all
}

// TestAUseOfTheFund walks N09: requested, withdrawn, edited, submitted, approved with less, proven badly, proven, paid; the dashboard follows.
func TestAUseOfTheFund(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		want := func(step string, figures ...string) {
			t.Helper()
			got := w.figures(w.provider)
			if diff := cmp.Diff(figures, got[:]); diff != "" {
				t.Errorf("%s: %s", step, diff)
			}
		}
		want("nothing", "100000.00", "0.00", "0.00", "0.00", "100000.00")
		row, err := w.request(w.provider, "60000")
		w.must(err)
		want("requested", "100000.00", "60000.00", "0.00", "0.00", "40000.00")
		one := benefits.Application{ApplicationID: row.ID}
		_, err = w.Withdraw(w.ctx, as(w.provider), one)
		w.must(err)
		want("withdrawn", "100000.00", "0.00", "0.00", "0.00", "100000.00")
		edit := benefits.EditMDF{ApplicationID: row.ID, Amount: decimal.NewFromInt(100_001), Purpose: "Two fairs", From: "2026-12-01", Until: "2026-12-09"}
		_, err = w.EditMDF(w.ctx, as(w.provider), edit)
		w.must(err)
		if _, err := w.Submit(w.ctx, as(w.provider), one); reasonOf(err) != "MDF_CAP_EXCEEDED" {
			t.Errorf("submitted above the cap: %v", err)
		}
		edit.Amount = decimal.NewFromInt(100_000)
		_, err = w.EditMDF(w.ctx, as(w.provider), edit)
		w.must(err)
		_, err = w.Submit(w.ctx, as(w.provider), one)
		w.must(err)
		if _, err := w.request(w.provider, "0.01"); reasonOf(err) != "MDF_CAP_EXCEEDED" {
			t.Errorf("a fen too much: %v", err)
		} else if details := models.AsError(err).Details; details["left"] != "0.00" || details["cap"] != "100000.00" {
			t.Errorf("%v", details)
		}
		if _, err := w.Review(w.ctx, operator(), benefits.Review{ApplicationID: row.ID, Approve: true, Amount: ptr(decimal.NewFromInt(100_001))}); reasonOf(err) != "INVALID amount" {
			t.Errorf("more than was asked for: %v", err)
		}
		_, err = w.Review(w.ctx, operator(), benefits.Review{ApplicationID: row.ID, Approve: true, Amount: ptr(decimal.NewFromInt(70_000))})
		w.must(err)
		want("approved", "100000.00", "0.00", "70000.00", "0.00", "30000.00")
		for range 2 {
			_, err = w.SubmitProof(w.ctx, as(w.provider), benefits.SubmitProof{ApplicationID: row.ID, UploadIDs: []models.ID{w.upload(as(w.provider)), w.upload(as(w.provider))}})
			w.must(err)
			refused, err := w.ReviewProof(w.ctx, operator(), benefits.ReviewProof{ApplicationID: row.ID, Opinion: ptr("Not legible.")})
			w.must(err)
			if got := refused.BenefitApplication; got.Status != models.BenefitApproved || *got.OpinionOrNil() != "Not legible." || len(got.MDF().Proofs) != 2 {
				t.Errorf("%+v", got)
			}
		}
		_, err = w.SubmitProof(w.ctx, as(w.provider), benefits.SubmitProof{ApplicationID: row.ID, UploadIDs: []models.ID{w.upload(as(w.provider))}})
		w.must(err)
		accepted, err := w.ReviewProof(w.ctx, operator(), benefits.ReviewProof{ApplicationID: row.ID, Accept: true})
		w.must(err)
		if got := accepted.BenefitApplication; got.Status != models.BenefitAwaiting || got.OpinionOrNil() != nil || len(got.MDF().Proofs) != 1 {
			t.Errorf("%+v", got)
		}
		_, err = w.Complete(w.ctx, operator(), benefits.Complete{ApplicationID: row.ID, Reference: "bank 8"})
		w.must(err)
		want("paid", "100000.00", "0.00", "0.00", "70000.00", "30000.00")
		if _, err := w.Withdraw(w.ctx, as(w.provider), one); reasonOf(err) != "BENEFIT_PAID" {
			t.Errorf("withdrawn when it was paid: %v", err)
		}
	})
}

// TestTheFundIsNeverOverdrawn: sixteen requests of a tenth at once leave ten, and what is withdrawn and submitted meanwhile fits too (N08).
func TestTheFundIsNeverOverdrawn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		taken := 0
		for _, err := range together(16, func(i int) error {
			row, err := w.request(w.provider, "10000")
			if err != nil || i%4 > 0 {
				return err
			}
			if _, err := w.Withdraw(w.ctx, as(w.provider), benefits.Application{ApplicationID: row.ID}); err != nil {
				return err
			}
			_, err = w.Submit(w.ctx, as(w.provider), benefits.Application{ApplicationID: row.ID})
			return err
		}) {
			switch reasonOf(err) {
			case "":
				taken++
			case "MDF_CAP_EXCEEDED":
			default:
				t.Error(err)
			}
		}
		if got := w.figures(w.provider); taken != 10 || got[1] != "100000.00" || got[4] != "0.00" {
			t.Errorf("%d requests were taken: %v", taken, got)
		}
	})
}

// TestCapsAreData: those of N08 hold until operators say otherwise, year by year and for tags of level 2.
func TestCapsAreData(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		set := func(cmd benefits.SetMDFCap) string {
			if cmd.Source == "" {
				cmd.Source = "circular 7"
			}
			_, err := w.SetMDFCap(w.ctx, operator(), cmd)
			return reasonOf(err)
		}
		caps, err := w.Caps(w.ctx, as(w.provider), nil)
		w.must(err)
		if len(caps) != 7 || caps[0].Source != models.MDFCapSource {
			t.Errorf("%+v", caps)
		}
		if _, err := w.request(w.distributor, "1"); reasonOf(err) != "NO_MDF_CAP" {
			t.Errorf("a distributor without a region: %v", err)
		}
		if budget, err := w.Budget(w.ctx, as(w.distributor), nil, nil); err != nil || budget != nil {
			t.Errorf("%+v %v", budget, err)
		}
		_, err = w.SetTag(w.ctx, operator(), benefits.SetTag{Code: "OPS_EXPERT", Name: "Operations expert", Level: 2, Scope: models.TagGlobal, Active: true})
		w.must(err)
		for name, row := range map[string]struct {
			cmd  benefits.SetMDFCap
			want string
		}{
			"1999":                 {benefits.SetMDFCap{Year: 1999, Class: models.MDFSoftware}, "INVALID year"},
			"an unknown class":     {benefits.SetMDFCap{Year: 2026, Class: "X"}, "INVALID class"},
			"a tag too many":       {benefits.SetMDFCap{Year: 2026, Class: models.MDFSoftware, TagCode: ptr("OPS_EXPERT")}, "INVALID tagCode"},
			"no tag":               {benefits.SetMDFCap{Year: 2026, Class: models.MDFServiceTag}, "INVALID tagCode"},
			"an unknown tag":       {benefits.SetMDFCap{Year: 2026, Class: models.MDFServiceTag, TagCode: ptr("NOTHING")}, "NOT_FOUND"},
			"a tag of level 1":     {benefits.SetMDFCap{Year: 2026, Class: models.MDFServiceTag, TagCode: ptr("DATABASE")}, "INVALID tagCode"},
			"below zero":           {benefits.SetMDFCap{Year: 2026, Class: models.MDFSoftware, Amount: decimal.NewFromInt(-1)}, "INVALID amount"},
			"a source of controls": {benefits.SetMDFCap{Year: 2026, Class: models.MDFSoftware, Source: "\x01"}, "INVALID source"},
			"a tag's part":         {benefits.SetMDFCap{Year: 2026, Class: models.MDFServiceTag, TagCode: ptr("OPS_EXPERT"), Amount: decimal.NewFromInt(40_000)}, ""},
			"less for leading":     {benefits.SetMDFCap{Year: 2026, Class: models.MDFProviderLeading, Amount: decimal.NewFromInt(500)}, ""},
			"next year's, as is":   {benefits.SetMDFCap{Year: 2027, Class: models.MDFProviderLeading, Amount: decimal.NewFromInt(100_000), Source: models.MDFCapSource}, ""},
		} {
			if got := set(row.cmd); got != row.want {
				t.Errorf("%s: %q, want %q", name, got, row.want)
			}
		}
		w.certify(w.distributor, "OPS_EXPERT")
		if got := w.figures(w.distributor); got[0] != "40000.00" {
			t.Errorf("by its tag: %v", got)
		}
		if got := w.figures(w.provider); got[0] != "500.00" {
			t.Errorf("replaced: %v", got)
		}
		next, err := w.Budget(w.ctx, operator(), &w.provider.ID, ptr(2027))
		if err != nil || next.Cap.CapMinor != 10_000_000 || next.Class() != models.MDFProviderLeading {
			t.Errorf("next year: %+v %v", next, err)
		}
		if _, err := w.Budget(w.ctx, as(w.provider), nil, ptr(2100)); reasonOf(err) != "INVALID year" {
			t.Errorf("a year too far: %v", err)
		}
		n, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", models.EventMDFCapSet).Count(w.ctx)
		if err != nil || n != 2 {
			t.Errorf("%d caps on record %v", n, err)
		}
	})
}

// TestBadRequestsToTheFundAreRefused, and nothing counts.
func TestBadRequestsToTheFundAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for amount, want := range map[string]string{"0": "INVALID amount", "-1": "INVALID amount", "1.001": "INVALID amount"} {
			if _, err := w.request(w.provider, amount); reasonOf(err) != want {
				t.Errorf("%s: %v", amount, err)
			}
		}
		row, err := w.request(w.provider, "100")
		w.must(err)
		edit := benefits.EditMDF{ApplicationID: row.ID, Amount: decimal.NewFromInt(1), Purpose: "A fair", From: "2026-12-01", Until: "2026-12-09"}
		if _, err := w.EditMDF(w.ctx, as(w.provider), edit); reasonOf(err) != "BENEFIT_REVIEWING" {
			t.Errorf("edited under review: %v", err)
		}
		if _, err := w.Delete(w.ctx, as(w.provider), benefits.Application{ApplicationID: row.ID}); reasonOf(err) != "BENEFIT_REVIEWING" {
			t.Errorf("deleted under review: %v", err)
		}
		w.certify(w.provider, "DATABASE")
		edit.ApplicationID = w.draft(w.provider, "DATABASE").ID
		if _, err := w.EditMDF(w.ctx, as(w.provider), edit); reasonOf(err) != "BENEFIT_KIND" {
			t.Errorf("another kind edited: %v", err)
		}
		if got := w.figures(w.provider); got[1] != "100.00" {
			t.Errorf("%v", got)
		}
		_, err = w.Withdraw(w.ctx, as(w.provider), benefits.Application{ApplicationID: row.ID})
		w.must(err)
		w.at = w.at.AddDate(2, 0, 0)
		if _, err := w.Submit(w.ctx, as(w.provider), benefits.Application{ApplicationID: row.ID}); reasonOf(err) != "INVALID from" {
			t.Errorf("submitted years later: %v", err)
		}
	})
}

// TestProofsAreRead by reviewers, once per address, and only as they were judged.
func TestProofsAreRead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		row, err := w.request(w.provider, "100")
		w.must(err)
		own, others := w.upload(as(w.provider)), w.upload(as(w.distributor))
		prove := func(ids ...models.ID) string {
			_, err := w.SubmitProof(w.ctx, as(w.provider), benefits.SubmitProof{ApplicationID: row.ID, UploadIDs: ids})
			return reasonOf(err)
		}
		if got := prove(own); got != "BENEFIT_REVIEWING" {
			t.Errorf("proven before it was approved: %s", got)
		}
		_, err = w.Review(w.ctx, operator(), benefits.Review{ApplicationID: row.ID, Approve: true})
		w.must(err)
		for name, ids := range map[string][]models.ID{"another's": {others}, "the same twice": {own, own}, "nobody's": {"upl_01h455vb4pex5vsknk084sn02q"}} {
			if got := prove(ids...); got != "NOT_FOUND" {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := prove(); got != "INVALID uploadIds" {
			t.Errorf("nothing: %s", got)
		}
		if got := prove(row.ID); got != "INVALID uploadIds" {
			t.Errorf("no upload: %s", got)
		}
		if got := prove(own); got != "" {
			t.Fatalf("its own: %s", got)
		}
		download := func(who models.Principal, position int) (string, string) {
			ready, err := w.DownloadProof(w.ctx, who, benefits.DownloadProof{ApplicationID: row.ID, Position: position})
			_, token, _ := strings.Cut(ready.URL, files.DownloadPath)
			return token, reasonOf(err)
		}
		if _, got := download(as(w.provider), 0); got != "FORBIDDEN" {
			t.Errorf("a partner: %s", got)
		}
		if _, got := download(operator(), 1); got != "INVALID position" {
			t.Errorf("no such file: %s", got)
		}
		token, _ := download(operator(), 0)
		if _, err := w.OpenProof(w.ctx, as(w.provider), token); reasonOf(err) != "FORBIDDEN" {
			t.Errorf("a partner with the token: %v", err)
		}
		opened, err := w.OpenProof(w.ctx, operator(), token)
		w.must(err)
		content, err := io.ReadAll(opened.Body)
		w.must(err)
		w.must(opened.Body.Close())
		if int64(len(content)) != opened.Size || opened.ContentType != "image/png" || opened.Name != string(row.ID)+"-0.png" {
			t.Errorf("%+v", opened)
		}
		if _, err := w.OpenProof(w.ctx, operator(), token); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("the token twice: %v", err)
		}
		late, _ := download(operator(), 0)
		w.at = w.at.Add(6 * time.Minute)
		if _, err := w.OpenProof(w.ctx, operator(), late); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("late: %v", err)
		}
		_, _ = download(operator(), 0)
		w.at = w.at.Add(6 * time.Minute)
		if n, err := w.Files.SweepDownloads(w.ctx); err != nil || n != 1 {
			t.Errorf("swept %d %v", n, err)
		}
		for name, spoil := range map[string]func(key string){
			"changed": func(key string) { w.kept.Set(key, []byte("something else")) },
			"gone":    func(key string) { _ = w.kept.Remove(w.ctx, key) },
		} {
			spoil(models.AttachmentRoot + string(own) + ".png")
			token, _ := download(operator(), 0)
			if _, err := w.OpenProof(w.ctx, operator(), token); reasonOf(err) != "PROOF_GONE" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := w.happened(models.EventBenefitProofRead, row.ID); n != 5 {
			t.Errorf("%d readings are on record", n)
		}
	})
}
