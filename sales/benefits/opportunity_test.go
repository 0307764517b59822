package benefits_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func (w *world) join(p models.Partner) {
	w.t.Helper()
	_, err := w.JoinPCE(w.ctx, as(p), benefits.JoinPCE{CommitmentMade: true, AgreementAccepted: true})
	w.must(err)
}

func (w *world) opportunity(p models.Partner, po string, orders ...models.ID) (models.BenefitApplication, error) {
	done, err := w.RequestOpportunity(w.ctx, as(p), benefits.RequestOpportunity{PONumber: po, OrderIDs: orders})
	return done.BenefitApplication, err
}

// TestAnOpportunityIsRewarded walks N10: under review, publicised, awaiting payout, done.
func TestAnOpportunityIsRewarded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		order := w.order(w.provider.ID)
		if _, err := w.opportunity(w.provider, "PO-1", order); reasonOf(err) != "PCE_REQUIRED" {
			t.Errorf("no member: %v", err)
		}
		for _, cmd := range []benefits.JoinPCE{{}, {CommitmentMade: true}, {AgreementAccepted: true}} {
			if _, err := w.JoinPCE(w.ctx, as(w.provider), cmd); reasonOf(err) != "COMMITMENT_REQUIRED" {
				t.Errorf("%+v: %v", cmd, err)
			}
		}
		w.join(w.provider)
		w.at = w.at.Add(time.Minute)
		w.join(w.provider)
		standing, err := w.Standing(w.ctx, as(w.provider), nil)
		w.must(err)
		if !standing.PCESince.Equal(w.at.Add(-time.Minute)) || w.happened(models.EventPCEJoined, w.provider.ID) != 1 {
			t.Errorf("joined twice: %+v", standing)
		}
		row, err := w.opportunity(w.provider, "PO-1", order)
		w.must(err)
		if row.Status != models.BenefitReviewing || !row.ReviewDueAt.Equal(w.at.AddDate(0, 0, 5)) { // over a weekend
			t.Errorf("%+v", row)
		}
		overdue := func(yes bool) []models.ID {
			page, err := w.Find(w.ctx, operator(), benefits.Filter{Overdue: &yes}, models.PageArgs{})
			w.must(err)
			var ids []models.ID
			for _, found := range page.Nodes() {
				ids = append(ids, found.ID)
			}
			return ids
		}
		if len(overdue(true)) != 0 || !slices.Equal(overdue(false), []models.ID{row.ID}) {
			t.Errorf("overdue at once: %v %v", overdue(true), overdue(false))
		}
		w.at = *row.ReviewDueAt
		if !slices.Equal(overdue(true), []models.ID{row.ID}) || len(overdue(false)) != 0 {
			t.Errorf("not overdue when it is: %v %v", overdue(true), overdue(false))
		}
		if _, err := w.Review(w.ctx, operator(), benefits.Review{ApplicationID: row.ID, Approve: true}); reasonOf(err) != "INVALID amount" {
			t.Errorf("no amount: %v", err)
		}
		publicised, err := w.Review(w.ctx, operator(), benefits.Review{ApplicationID: row.ID, Approve: true, Amount: ptr(decimal.NewFromInt(3000))})
		w.must(err)
		if publicised.BenefitApplication.Status != models.BenefitPublicised || len(overdue(true)) != 0 {
			t.Errorf("%+v", publicised)
		}
		_, err = w.EndPublicity(w.ctx, operator(), benefits.Application{ApplicationID: row.ID})
		w.must(err)
		_, err = w.Complete(w.ctx, operator(), benefits.Complete{ApplicationID: row.ID, Reference: "bank 9"})
		w.must(err)
		orders, err := w.OrdersFor(w.ctx, as(w.provider), []models.ID{row.ID})
		if err != nil || len(orders[row.ID]) != 1 || orders[row.ID][0].ID != order {
			t.Errorf("%+v %v", orders, err)
		}
		for name, who := range map[string]models.Principal{"a stranger": as(w.stranger), "one who reads no orders": without(as(w.provider), models.ReadOrders)} {
			if orders, err := w.OrdersFor(w.ctx, who, []models.ID{row.ID}); err != nil || len(orders) != 0 {
				t.Errorf("%s: %+v %v", name, orders, err)
			}
		}
	})
}

// TestAPOBringsTheIncentiveOnce, and an order is in one PO; what was rejected frees both.
func TestAPOBringsTheIncentiveOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, p := range []models.Partner{w.provider, w.distributor} {
			w.join(p)
		}
		mine, second, resellers, theirs := w.order(w.provider.ID), w.order(w.provider.ID), w.order(w.reseller.ID), w.order(w.stranger.ID)
		row, err := w.opportunity(w.provider, "PO-1", mine)
		w.must(err)
		_, err = w.opportunity(w.distributor, "PO-2", resellers)
		w.must(err)
		many := make([]models.ID, 51)
		for i := range many {
			many[i] = w.IDs(models.PrefixOrder)
		}
		for name, got := range map[string]struct {
			p      models.Partner
			po     string
			orders []models.ID
			want   string
		}{
			"the PO again":       {w.provider, "PO-1", []models.ID{second}, "PO_USED"},
			"another's PO":       {w.distributor, "PO-1", []models.ID{resellers}, "PO_USED"},
			"the order again":    {w.provider, "PO-3", []models.ID{second, mine}, "ORDER_USED"},
			"another's order":    {w.provider, "PO-3", []models.ID{theirs}, "NOT_FOUND"},
			"no order":           {w.provider, "PO-3", nil, "INVALID orderIds"},
			"an order twice":     {w.provider, "PO-3", []models.ID{second, second}, "INVALID orderIds"},
			"too many orders":    {w.provider, "PO-3", many, "INVALID orderIds"},
			"what is no order":   {w.provider, "PO-3", []models.ID{w.provider.ID}, "INVALID orderIds"},
			"a PO of a control":  {w.provider, "\n", []models.ID{second}, "INVALID poNumber"},
			"a PO without name":  {w.provider, "", []models.ID{second}, "INVALID poNumber"},
			"an order of nobody": {w.provider, "PO-3", many[:1], "NOT_FOUND"},
		} {
			if _, err := w.opportunity(got.p, got.po, got.orders...); reasonOf(err) != got.want {
				t.Errorf("%s: %q, want %q", name, reasonOf(err), got.want)
			}
		}
		// An operator sees every order, and gives a partner none of another's.
		_, err = w.RequestOpportunity(w.ctx, operator(), benefits.RequestOpportunity{PartnerID: &w.provider.ID, PONumber: "PO-3", OrderIDs: []models.ID{theirs}})
		if reasonOf(err) != "NOT_FOUND" {
			t.Errorf("an operator with another's order: %v", err)
		}
		_, err = w.Review(w.ctx, operator(), benefits.Review{ApplicationID: row.ID, Opinion: ptr("A tender.")})
		w.must(err)
		again, err := w.opportunity(w.provider, "PO-1", mine, second)
		if err != nil || again.ID == row.ID {
			t.Errorf("after the rejection: %v", err)
		}
		_, err = db.NewUpdate().Model((*models.Partner)(nil)).Set("state = ?", models.PartnerExpired).Where("id = ?", w.stranger.ID).Exec(w.ctx)
		w.must(err)
		if _, err := w.JoinPCE(w.ctx, as(w.stranger), benefits.JoinPCE{CommitmentMade: true, AgreementAccepted: true}); reasonOf(err) != "PARTNER_EXPIRED" {
			t.Errorf("an expired partner joins: %v", err)
		}
	})
}

// TestAPOIsTakenOnceInARace by two partners with eight calls each.
func TestAPOIsTakenOnceInARace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		partners := []models.Partner{w.provider, w.distributor}
		orders := []models.ID{w.order(w.provider.ID), w.order(w.distributor.ID)}
		for _, p := range partners {
			w.join(p)
		}
		taken := 0
		for _, err := range together(16, func(i int) error {
			_, err := w.opportunity(partners[i%2], "PO-1", orders[i%2])
			return err
		}) {
			switch reasonOf(err) {
			case "":
				taken++
			case "PO_USED":
			default:
				t.Error(err)
			}
		}
		if taken != 1 {
			t.Errorf("taken %d times", taken)
		}
	})
}

// TestWhoMayDoWhat is the wall of allow and deny.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		row, err := w.request(w.provider, "100")
		w.must(err)
		one := benefits.Application{ApplicationID: row.ID}
		customer := models.Principal{Kind: models.CustomerUser, CustomerID: "cus_01h455vb4pex5vsknk084sn02q", Permissions: models.DefaultPermissions(models.CustomerUser, "")}
		reader, writer := without(as(w.provider), models.WriteIncentives), as(w.provider)
		reviewer := operator()
		// A partner's credential never has this one; if it had, it would not do.
		posing := as(w.provider)
		posing.Permissions = models.AllPermissions()
		type step = func(who models.Principal) error
		drop := func(_ any, err error) error { return err }
		partners := map[string]step{
			"apply": func(who models.Principal) error {
				return drop(w.ApplyForCapability(w.ctx, who, benefits.ApplyForCapability{TagCode: "x"}))
			},
			"draft": func(who models.Principal) error {
				return drop(w.DraftUplift(w.ctx, who, benefits.DraftUplift{TagCode: "x"}))
			},
			"request": func(who models.Principal) error { return drop(w.RequestMDF(w.ctx, who, benefits.RequestMDF{})) },
			"edit": func(who models.Principal) error {
				return drop(w.EditMDF(w.ctx, who, benefits.EditMDF{ApplicationID: row.ID}))
			},
			"submit": func(who models.Principal) error { return drop(w.Submit(w.ctx, who, one)) },
			"delete": func(who models.Principal) error { return drop(w.Delete(w.ctx, who, one)) },
			"invoice": func(who models.Principal) error {
				return drop(w.SendInvoice(w.ctx, who, benefits.SendInvoice{ApplicationID: row.ID}))
			},
			"prove": func(who models.Principal) error {
				return drop(w.SubmitProof(w.ctx, who, benefits.SubmitProof{ApplicationID: row.ID}))
			},
			"join": func(who models.Principal) error { return drop(w.JoinPCE(w.ctx, who, benefits.JoinPCE{})) },
			"share": func(who models.Principal) error {
				return drop(w.RequestOpportunity(w.ctx, who, benefits.RequestOpportunity{}))
			},
			"withdraw": func(who models.Principal) error {
				return drop(w.Withdraw(w.ctx, who, benefits.Application{ApplicationID: "bap_01h455vb4pex5vsknk084sn02q"}))
			},
		}
		operators := map[string]step{
			"tag": func(who models.Principal) error { return drop(w.SetTag(w.ctx, who, benefits.SetTag{})) },
			"standing": func(who models.Principal) error {
				return drop(w.SetStanding(w.ctx, who, benefits.SetStanding{PartnerID: "x"}))
			},
			"decide": func(who models.Principal) error {
				return drop(w.DecideCapability(w.ctx, who, benefits.DecideCapability{}))
			},
			"start": func(who models.Principal) error { return drop(w.StartReview(w.ctx, who, one)) },
			"review": func(who models.Principal) error {
				return drop(w.Review(w.ctx, who, benefits.Review{ApplicationID: row.ID}))
			},
			"publicity": func(who models.Principal) error { return drop(w.EndPublicity(w.ctx, who, one)) },
			"accept":    func(who models.Principal) error { return drop(w.AcceptInvoice(w.ctx, who, one)) },
			"pay": func(who models.Principal) error {
				return drop(w.Complete(w.ctx, who, benefits.Complete{ApplicationID: row.ID}))
			},
			"review proof": func(who models.Principal) error {
				return drop(w.ReviewProof(w.ctx, who, benefits.ReviewProof{ApplicationID: row.ID}))
			},
			"cap": func(who models.Principal) error { return drop(w.SetMDFCap(w.ctx, who, benefits.SetMDFCap{})) },
			"download": func(who models.Principal) error {
				return drop(w.DownloadProof(w.ctx, who, benefits.DownloadProof{ApplicationID: row.ID}))
			},
		}
		refused := func(name string, who models.Principal, do step, want bool) {
			t.Helper()
			code := models.CodeOf(do(who))
			if (code == models.CodeForbidden || code == models.CodeUnauthenticated) != want || code == "" {
				t.Errorf("%s as %s: %s, refused should be %v", name, who.Kind, code, want)
			}
		}
		for name, do := range partners {
			for _, who := range []models.Principal{{}, customer, reader, as(w.reseller)} {
				refused(name, who, do, true)
			}
			refused(name, writer, do, false)
			refused(name, reviewer, do, false)
		}
		for name, do := range operators {
			for _, who := range []models.Principal{{}, customer, writer, posing, as(w.reseller), without(operator(), models.ReviewBenefits)} {
				refused(name, who, do, true)
			}
			refused(name, reviewer, do, false)
		}
		// What is another's is not there.
		for name, do := range map[string]step{
			"submit": partners["submit"], "delete": partners["delete"],
			"withdraw": func(who models.Principal) error { return drop(w.Withdraw(w.ctx, who, one)) },
			"invoice": func(who models.Principal) error {
				return drop(w.SendInvoice(w.ctx, who, benefits.SendInvoice{ApplicationID: row.ID, InvoiceNumber: "1"}))
			},
		} {
			for _, who := range []models.Principal{as(w.stranger), as(w.distributor)} {
				if got := reasonOf(do(who)); got != "NOT_FOUND" {
					t.Errorf("%s of another's: %s", name, got)
				}
			}
		}
		for _, who := range []models.Principal{as(w.stranger), as(w.distributor)} {
			page, err := w.Find(w.ctx, who, benefits.Filter{PartnerID: &w.provider.ID}, models.PageArgs{WantTotal: true})
			if err != nil || len(page.Edges) != 0 || *page.TotalCount != 0 {
				t.Errorf("%+v %v", page, err)
			}
		}
		if _, err := w.Find(w.ctx, operator(), benefits.Filter{PartnerID: &row.ID}, models.PageArgs{}); reasonOf(err) != "INVALID partnerId" {
			t.Errorf("%v", err)
		}
		for name, filter := range map[string]benefits.Filter{
			"kind":   {Kinds: []models.BenefitKind{models.BenefitUplift}},
			"status": {Statuses: []models.BenefitStatus{models.BenefitPaid}},
			"year":   {Year: ptr(2025)},
			"none":   {Statuses: []models.BenefitStatus{}},
		} {
			page, err := w.Find(w.ctx, as(w.provider), filter, models.PageArgs{})
			if err != nil || len(page.Edges) != 0 {
				t.Errorf("%s: %+v %v", name, page, err)
			}
		}
		page, err := w.Find(w.ctx, as(w.provider), benefits.Filter{
			Kinds: []models.BenefitKind{models.BenefitMDF}, Statuses: []models.BenefitStatus{models.BenefitReviewing}, Year: ptr(2026),
		}, models.PageArgs{})
		if err != nil || len(page.Edges) != 1 {
			t.Errorf("%+v %v", page, err)
		}
	})
}
