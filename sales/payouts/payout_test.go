package payouts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/payouts"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestEveryMethodPaysItsWay takes a payout by each method to its end, and looks at what the partner has then.
func TestEveryMethodPaysItsWay(t *testing.T) {
	t.Parallel()
	invoiced := []string{"approve", "invoice", "approve", "sign", "order", "pay"}
	for method, tt := range map[models.PayoutMethod]struct {
		steps []string
		end   models.PayoutState
		bonus int64
	}{
		models.PayoutQuota:       {[]string{"approve", "pay"}, models.PayoutQuotaIssued, 0},
		models.PayoutBank:        {invoiced, models.PayoutPaid, 0},
		models.PayoutAccount:     {invoiced, models.PayoutPaid, 130_000},
		models.PayoutInvoiceDebt: {[]string{"approve", "order", "pay"}, models.PayoutPaid, 130_000},
	} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				ctx := t.Context()
				certification := models.ID("")
				if method.Cash() {
					certification = w.certified(w.provider).ID
				}
				first, second := w.confirmed(w.provider, "2026-09", 150_000), w.confirmed(w.provider, "2026-10", -20_000)
				asked, err := w.request(w.provider, method)
				w.must(err)
				paid := w.take(w.provider, asked, tt.steps...)
				if paid.State != tt.end || paid.EndedAt == nil || paid.Reference != "R-1" || paid.AmountMinor != 130_000 || paid.OffsetMinor != 20_000 || paid.CertificationID != certification {
					t.Errorf("%+v", paid)
				}
				for _, id := range []models.ID{first.ID, second.ID} {
					if got := w.statement(id); got.Status != models.StatementDone || got.Reference != "R-1" || got.DoneAt == nil {
						t.Errorf("%+v", got)
					}
				}
				if got := w.bonus(w.provider); got != tt.bonus || (paid.TransferID != "") != (tt.bonus != 0) {
					t.Errorf("the bonus account has %d by %q", got, paid.TransferID)
				}
				if (paid.QuotaID != "") != (method == models.PayoutQuota) {
					t.Errorf("quota %q", paid.QuotaID)
				}
				if paid.QuotaID != "" {
					var quota models.CouponQuota
					w.must(db.NewSelect().Model(&quota).Where("cqt.id = ?", paid.QuotaID).Scan(ctx))
					if quota.ValueMinor != 130_000 || quota.PartnerID != w.provider.ID || quota.Source != models.QuotaFromIncentive || !quota.ExpiresAt.Equal(w.clock().AddDate(1, 0, 0)) {
						t.Errorf("%+v", quota)
					}
				}
				// What an invoice is owed for is in the account and cannot leave it.
				eligible, err := w.funds.WithdrawalEligibility(ctx, as(w.provider), funds.EligibilityQuery{Route: ptr(models.IncentiveRebate)})
				w.must(err)
				withdrawable := tt.bonus
				if method == models.PayoutInvoiceDebt {
					withdrawable = 0
				}
				if got := eligible[0]; got.Withdrawable.Minor != withdrawable || got.Free.Minor != tt.bonus {
					t.Errorf("withdrawable %s of %s", got.Withdrawable, got.Free)
				}
				// It ends once.
				for name := range w.steps() {
					who := operator()
					if ofPartners(name) {
						who = as(w.provider)
					}
					w.want(w.steps()[name](who, paid), "PAYOUT_STATE")
				}
				if types := w.told(paid.ID); len(types) != len(tt.steps)+1 || types[0] != models.EventPayoutRequested || types[len(types)-1] != models.EventPayoutPaid {
					t.Errorf("told %v", types)
				}
				w.sound()
			})
		})
	}
}

// TestAStatementIsInOnePayout: of requests at the same time one has it, a key answers again, and a payout that was taken back frees it.
func TestAStatementIsInOnePayout(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		statement := w.confirmed(w.provider, "2026-10", 50_000)
		counts := map[string]int{}
		for _, err := range atOnce(8, func(i int) error {
			if i%2 == 0 {
				_, err := w.request(w.provider, models.PayoutQuota)
				return err
			}
			_, err := w.request(w.provider, models.PayoutQuota, statement.ID)
			return err
		}) {
			counts[refusal(err)]++
		}
		if counts[""] != 1 || counts[""]+counts["NOTHING_TO_PAY"]+counts["NOT_FOUND statementIds"]+counts["STATEMENT_IN_PAYOUT"] != 8 {
			t.Fatalf("%v", counts)
		}
		found, err := w.FindPayouts(ctx, as(w.provider), payouts.PayoutFilter{}, models.PageArgs{})
		w.must(err)
		if len(found.Edges) != 1 {
			t.Fatalf("%d payouts", len(found.Edges))
		}
		payout := found.Edges[0].Node
		_, err = w.Incentives.Complete(ctx, operator(), incentives.CompleteStatement{StatementID: statement.ID, Reference: "elsewhere"})
		w.want(err, "STATEMENT_IN_PAYOUT")
		of, err := w.PayoutsFor(ctx, as(w.provider), []models.ID{statement.ID})
		if err != nil || of[statement.ID].ID != payout.ID {
			t.Errorf("%v, %v", of, err)
		}

		w.take(w.provider, payout, "withdraw")
		if of, err := w.PayoutsFor(ctx, as(w.provider), []models.ID{statement.ID}); err != nil || len(of) != 0 {
			t.Errorf("%v, %v", of, err)
		}
		cmd := payouts.RequestPayout{Method: models.PayoutQuota, IdempotencyKey: "mine"}
		again, err := w.RequestPayout(ctx, as(w.provider), cmd)
		w.must(err)
		same, err := w.RequestPayout(ctx, as(w.provider), cmd)
		if err != nil || same.PayoutRequest.ID != again.PayoutRequest.ID || again.PayoutRequest.ID == payout.ID {
			t.Errorf("%v and %v, %v", again.PayoutRequest.ID, same.PayoutRequest.ID, err)
		}
		cmd.Method = models.PayoutBank
		_, err = w.RequestPayout(ctx, as(w.provider), cmd)
		w.want(err, "CONFLICT")

		// Of payments at the same time one takes effect.
		w.take(w.provider, again.PayoutRequest, "approve")
		paid := map[string]int{}
		for _, err := range atOnce(6, func(int) error { return w.steps()["pay"](operator(), again.PayoutRequest) }) {
			paid[refusal(err)]++
		}
		if n, err := db.NewSelect().Model((*models.CouponQuota)(nil)).Count(ctx); paid[""] != 1 || paid["PAYOUT_STATE"] != 5 || n != 1 || err != nil {
			t.Errorf("%v, %d quotas, %v", paid, n, err)
		}
		w.sound()
	})
}

// TestPayoutsGoBackAndForth: sent back, not countersigned, not paid, and with another certification, a payout goes on or waits.
func TestPayoutsGoBackAndForth(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.certified(w.provider)
		w.confirmed(w.provider, "2026-10", 250_000)
		payout, err := w.request(w.provider, models.PayoutBank)
		w.must(err)
		back := w.take(w.provider, payout, "reject")
		if back.State != models.PayoutToSubmit || *back.RejectionCodeOrNil() != models.PayoutRejectedInvoice || *back.ReasonTextOrNil() != "The stamp is missing." {
			t.Errorf("%+v", back)
		}
		back = w.take(w.provider, payout, "submit", "approve", "invoice", "reject")
		if back.State != models.PayoutInvoicing || len(back.Invoices) != 2 || back.RejectionCodeOrNil() == nil {
			t.Errorf("%+v", back)
		}
		back = w.take(w.provider, payout, "invoice", "approve", "refuse")
		if back.State != models.PayoutCountersignRefused {
			t.Errorf("%+v", back)
		}
		// The same again goes to the signature, other invoices to their review.
		back = w.take(w.provider, payout, "submit")
		if back.State != models.PayoutCountersigning || back.RejectionCodeOrNil() != nil {
			t.Errorf("%+v", back)
		}
		back = w.take(w.provider, payout, "refuse", "invoice", "approve", "sign", "fail")
		if back.State != models.PayoutOrderFailed || *back.ReasonTextOrNil() != "The account is closed." {
			t.Errorf("%+v", back)
		}
		w.take(w.provider, payout, "order", "fail", "order")

		// Money does not go where the partner has said that it shall not.
		w.submitted(w.provider)
		w.want(w.steps()["pay"](operator(), payout), "CERTIFICATION_MISSING")
		if got := w.payout(payout.ID); got.State != models.PayoutPaymentApproval || got.EndedAt != nil {
			t.Errorf("%+v", got)
		}
		w.take(w.provider, payout, "fail")
		w.want(w.steps()["order"](operator(), payout), "CERTIFICATION_MISSING")
		var c models.CommercialCertification
		w.must(db.NewSelect().Model(&c).Where("ccf.state = 'REVIEWING'").Scan(t.Context()))
		_, err = w.ReviewCertification(t.Context(), operator(), payouts.ReviewCertification{CertificationID: c.ID, Approve: true, TestAmount: ptr(amount("0.01"))})
		w.must(err)
		_, err = w.ConfirmTestAmount(t.Context(), as(w.provider), payouts.ConfirmTestAmount{CertificationID: c.ID, Amount: amount("0.01")})
		w.must(err)
		if paid := w.take(w.provider, payout, "order", "pay"); paid.State != models.PayoutPaid || paid.CertificationID != c.ID {
			t.Errorf("%+v", paid)
		}
	})
}

func TestPayoutsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		good := payouts.RequestPayout{Method: models.PayoutQuota, IdempotencyKey: "k"}
		statement := w.confirmed(w.provider, "2026-10", 150_000)
		estimated := w.earned(w.provider, "2026-11", 10_000, models.StatementEstimated)
		theirs := w.confirmed(w.stranger, "2026-10", 150_000)
		w.earnedIn(w.provider, "2026-10", models.USD, 20_000, models.StatementIssuing)
		for name, row := range map[string]struct {
			who     models.Principal
			change  func(*payouts.RequestPayout)
			refused string
		}{
			"no method":             {as(w.provider), func(c *payouts.RequestPayout) { c.Method = "CHEQUE" }, "INVALID method"},
			"an empty list":         {as(w.provider), func(c *payouts.RequestPayout) { c.StatementIDs = []models.ID{} }, "INVALID statementIds"},
			"another kind":          {as(w.provider), func(c *payouts.RequestPayout) { c.StatementIDs = []models.ID{w.provider.ID} }, "INVALID statementIds"},
			"a stranger's":          {as(w.provider), func(c *payouts.RequestPayout) { c.StatementIDs = []models.ID{theirs.ID} }, "NOT_FOUND statementIds"},
			"an estimate":           {as(w.provider), func(c *payouts.RequestPayout) { c.StatementIDs = []models.ID{estimated.ID} }, "NOT_FOUND statementIds"},
			"a strange currency":    {as(w.provider), func(c *payouts.RequestPayout) { c.Currency = ptr(models.Currency("EUR")) }, "INVALID currency"},
			"no key":                {as(w.provider), func(c *payouts.RequestPayout) { c.IdempotencyKey = "" }, "INVALID idempotencyKey"},
			"a reseller":            {as(w.reseller), func(*payouts.RequestPayout) {}, "FORBIDDEN"},
			"an operator":           {operator(), func(*payouts.RequestPayout) {}, "FORBIDDEN"},
			"nobody":                {models.Principal{}, func(*payouts.RequestPayout) {}, "UNAUTHENTICATED"},
			"without a permission":  {without(as(w.provider), models.WriteIncentives), func(*payouts.RequestPayout) {}, "FORBIDDEN"},
			"nothing is earned":     {as(w.distributor), func(*payouts.RequestPayout) {}, "NOTHING_TO_PAY"},
			"money, not certified":  {as(w.provider), func(c *payouts.RequestPayout) { c.Method = models.PayoutBank }, "CERTIFICATION_MISSING"},
			"a quota in another":    {as(w.provider), func(c *payouts.RequestPayout) { c.Currency = ptr(models.USD) }, "PAYOUT_CURRENCY"},
			"an account in another": {as(w.provider), func(c *payouts.RequestPayout) { c.Method, c.Currency = models.PayoutAccount, ptr(models.USD) }, "PAYOUT_CURRENCY"},
		} {
			cmd := good
			row.change(&cmd)
			if _, err := w.RequestPayout(ctx, row.who, cmd); refusal(err) != row.refused {
				t.Errorf("%s: %q (%v), want %q", name, refusal(err), err, row.refused)
			}
		}
		// Certified in one currency, nothing is transferred in another.
		w.certified(w.provider)
		_, err := w.RequestPayout(ctx, as(w.provider), payouts.RequestPayout{Method: models.PayoutBank, Currency: ptr(models.USD), IdempotencyKey: "usd"})
		w.want(err, "CERTIFICATION_MISSING")
		if n, err := db.NewSelect().Model((*models.PayoutRequest)(nil)).Count(ctx); n != 0 || err != nil {
			t.Fatalf("%d payouts, %v", n, err)
		}

		payout, err := w.request(w.provider, models.PayoutBank, statement.ID)
		w.must(err)
		for name, step := range w.steps() {
			// Whose it is not, it does not exist for; whoever is not its side may not.
			mine, others := operator(), as(w.provider)
			if ofPartners(name) {
				mine, others = as(w.provider), operator()
				w.want(step(as(w.stranger), payout), "NOT_FOUND")
				w.want(step(without(mine, models.WriteIncentives), payout), "FORBIDDEN")
			} else {
				w.want(step(without(mine, models.WritePayouts), payout), "FORBIDDEN")
			}
			w.want(step(others, payout), "FORBIDDEN")
			unknown := payout
			unknown.ID = "pyt_01h455vb4pex5vsknk084sn02q"
			w.want(step(mine, unknown), "NOT_FOUND")
			unknown.ID = w.provider.ID
			w.want(step(mine, unknown), "INVALID payoutId")
		}
		w.take(w.provider, payout, "approve")
		for name, row := range map[string]struct {
			invoices []payouts.Invoice
			refused  string
		}{
			"none":           {nil, "INVALID invoices"},
			"too many":       {make([]payouts.Invoice, 51), "INVALID invoices"},
			"without number": {[]payouts.Invoice{{"", "2026-11-20", amount("1500")}}, "INVALID invoices[0].number"},
			"of tomorrow":    {[]payouts.Invoice{{"1", "2026-11-22", amount("1500")}}, "INVALID invoices[0].issuedOn"},
			"of nothing":     {[]payouts.Invoice{{"1", "2026-11-20", amount("0")}}, "INVALID invoices[0].amount"},
			"of half a cent": {[]payouts.Invoice{{"1", "2026-11-20", amount("1499.995")}}, "INVALID invoices[0].amount"},
			"a cent less":    {[]payouts.Invoice{{"1", "2026-11-20", amount("1499.99")}}, "INVOICE_SUM"},
			"twice":          {[]payouts.Invoice{{"1", "2026-11-20", amount("750")}, {"1", "2026-11-20", amount("750")}}, "INVOICE_TWICE"},
		} {
			_, err := w.EnterInvoices(ctx, as(w.provider), payouts.EnterInvoices{PayoutID: payout.ID, Invoices: row.invoices})
			if refusal(err) != row.refused {
				t.Errorf("invoices %s: %q (%v), want %q", name, refusal(err), err, row.refused)
			}
		}
		for name, cmd := range map[string]payouts.ReviewPayout{
			"INVALID rejectionCode": {PayoutID: payout.ID, ReasonText: ptr("why")},
			"INVALID reasonText":    {PayoutID: payout.ID, RejectionCode: ptr(models.PayoutRejectedOther)},
		} {
			_, err := w.ReviewPayout(ctx, operator(), cmd)
			w.want(err, name)
			_, err = w.CountersignPayout(ctx, operator(), cmd)
			w.want(err, name)
		}
		_, err = w.ReviewPayout(ctx, operator(), payouts.ReviewPayout{PayoutID: payout.ID, Approve: true, ReasonText: ptr("well done")})
		w.want(err, "INVALID rejectionCode")
		_, err = w.RequestPayment(ctx, operator(), payouts.RequestPayment{PayoutID: payout.ID, PaymentOrder: " "})
		w.want(err, "INVALID paymentOrder")
		_, err = w.FailPayment(ctx, operator(), payouts.FailPayment{PayoutID: payout.ID})
		w.want(err, "INVALID reasonText")
		_, err = w.PayPayout(ctx, operator(), payouts.PayPayout{PayoutID: payout.ID, IdempotencyKey: "k"})
		w.want(err, "INVALID reference")
		if got := w.payout(payout.ID); got.State != models.PayoutInvoicing || len(got.Invoices) != 0 {
			t.Errorf("%+v", got)
		}
		if found, err := w.FindPayouts(ctx, as(w.stranger), payouts.PayoutFilter{}, models.PageArgs{}); err != nil || len(found.Edges) != 0 {
			t.Errorf("a stranger sees %d, %v", len(found.Edges), err)
		}
		if parts, err := w.PartsFor(ctx, as(w.stranger), []models.ID{payout.ID}); err != nil || len(parts) != 0 {
			t.Errorf("a stranger sees %v, %v", parts, err)
		}
	})
}

// TestPayoutsComeByThemselves: on its day, by the partner's preference, what is too little waits, and is in the next one (N03).
func TestPayoutsComeByThemselves(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		prefer := func(method *models.PayoutMethod) {
			_, err := w.SetPreference(ctx, as(w.provider), payouts.SetPreference{Method: method})
			w.must(err)
		}
		all := func() []models.PayoutRequest {
			found, err := w.FindPayouts(ctx, as(w.provider), payouts.PayoutFilter{}, models.PageArgs{})
			w.must(err)
			return found.Nodes()
		}
		w.moveTo(time.Date(2026, 10, 5, 8, 0, 0, 0, time.UTC))
		september := w.confirmed(w.provider, "2026-09", 60_000)
		due := time.Date(2026, 10, 9, 16, 0, 0, 0, time.UTC) // the tenth, in UTC+8
		if !w.due[september.ID].Equal(due) {
			t.Errorf("due at %s", w.due[september.ID])
		}
		if until, ok := models.NotDueUntil(w.PayDue(ctx, september.ID)); !ok || !until.Equal(due) {
			t.Errorf("before its day: %s %v", until, ok)
		}
		w.moveTo(due)
		w.must(w.PayDue(ctx, september.ID)) // nobody has said how
		prefer(ptr(models.PayoutBank))
		for range 2 {
			w.must(w.PayDue(ctx, september.ID)) // and then it is too little
		}
		carried, err := w.CarriesFor(ctx, as(w.provider), []models.ID{september.ID})
		if err != nil || carried[september.ID] != "2026-10" || len(all()) != 0 {
			t.Fatalf("carried %v, %d payouts, %v", carried, len(all()), err)
		}
		if strangers, err := w.CarriesFor(ctx, as(w.stranger), []models.ID{september.ID}); err != nil || len(strangers) != 0 {
			t.Errorf("a stranger sees %v, %v", strangers, err)
		}
		if got, want := w.told(september.ID), []models.EventType{models.EventStatementConfirmed, models.EventStatementCarried}; !cmp.Equal(got, want) {
			t.Errorf("told %v", got)
		}

		// The next month has it; without a certification the payout waits for the partner.
		w.moveTo(time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC))
		october := w.confirmed(w.provider, "2026-10", 70_000)
		for _, err := range atOnce(4, func(int) error { return w.PayDue(ctx, october.ID) }) {
			w.must(err)
		}
		made := all()
		if len(made) != 1 || made[0].State != models.PayoutToSubmit || !made[0].Automatic || made[0].AmountMinor != 130_000 || made[0].CarriedMinor != 60_000 || made[0].SubmittedAt != nil {
			t.Fatalf("%+v", made)
		}
		w.want(w.steps()["submit"](as(w.provider), made[0]), "CERTIFICATION_MISSING")
		w.certified(w.provider)
		if got := w.take(w.provider, made[0], "submit"); got.State != models.PayoutProcessing || got.CertificationID == "" || got.SubmittedAt == nil {
			t.Errorf("%+v", got)
		}
		// What was taken back is the partner's to ask for, and comes with the next period.
		w.take(w.provider, made[0], "withdraw")
		w.moveTo(time.Date(2026, 12, 20, 8, 0, 0, 0, time.UTC))
		november := w.confirmed(w.provider, "2026-11", 0)
		w.must(w.PayDue(ctx, november.ID))
		if made = all(); len(made) != 2 || made[0].State != models.PayoutProcessing || made[0].AmountMinor != 130_000 {
			t.Errorf("%+v", made)
		}
		prefer(nil)
		december := w.confirmed(w.provider, "2026-12", 500_000)
		w.moveTo(time.Date(2027, 1, 20, 8, 0, 0, 0, time.UTC))
		w.must(w.PayDue(ctx, december.ID))
		if got := len(all()); got != 2 {
			t.Errorf("%d payouts without a preference", got)
		}
		preferences, err := w.PreferencesFor(ctx, as(w.provider), []models.ID{w.provider.ID, w.stranger.ID})
		if err != nil || len(preferences) != 1 || preferences[w.provider.ID].MethodOrNil() != nil {
			t.Errorf("%v, %v", preferences, err)
		}
		_, err = w.SetPreference(ctx, as(w.provider), payouts.SetPreference{Method: ptr(models.PayoutMethod("CHEQUE"))})
		w.want(err, "INVALID method")
		_, err = w.SetPreference(ctx, operator(), payouts.SetPreference{})
		w.want(err, "FORBIDDEN")
		w.must(w.PayDue(ctx, "ist_01h455vb4pex5vsknk084sn02q"))
	})
}

// TestNothingIsLost: whatever partners and operators do, in whatever order, what was confirmed is what was paid out, is being paid out, or is
// still to be, to the cent; and what was credited is what was paid to accounts.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		methods := []models.PayoutMethod{models.PayoutQuota, models.PayoutBank, models.PayoutAccount, models.PayoutInvoiceDebt}
		steps := w.steps()
		names := []string{"submit", "withdraw", "invoice", "approve", "approve", "reject", "sign", "refuse", "order", "fail", "pay"}
		runs := 0
		rapid.Check(t, func(rt *rapid.T) {
			if runs++; runs > 12 { // each is a partner's life
				return
			}
			p := w.partner(models.SolutionProvider, "")
			w.certified(p)
			var confirmed []models.ID
			var total int64
			for range rapid.IntRange(5, 40).Draw(rt, "operations") {
				switch rapid.IntRange(0, 5).Draw(rt, "operation") {
				case 0:
					minor := rapid.Int64Range(-200_000, 400_000).Draw(rt, "earned")
					period := models.BillingCycle(fmt.Sprintf("20%02d-%02d", 10+len(confirmed)/12, 1+len(confirmed)%12))
					confirmed, total = append(confirmed, w.confirmed(p, period, minor).ID), total+minor
				case 1:
					_, err := w.request(p, rapid.SampledFrom(methods).Draw(rt, "method"))
					allowed(rt, err, "NOTHING_TO_PAY", "BELOW_MINIMUM")
				case 2:
					if len(confirmed) > 0 {
						method := rapid.SampledFrom(methods).Draw(rt, "preference")
						_, err := w.SetPreference(ctx, as(p), payouts.SetPreference{Method: &method})
						allowed(rt, err)
						allowed(rt, w.PayDue(ctx, rapid.SampledFrom(confirmed).Draw(rt, "due")))
					}
				default:
					var all []models.PayoutRequest
					w.must(db.NewSelect().Model(&all).Where("pyt.partner_id = ?", p.ID).Order("pyt.id").Scan(ctx))
					if len(all) > 0 {
						name, who := rapid.SampledFrom(names).Draw(rt, "step"), operator()
						if ofPartners(name) {
							who = as(p)
						}
						allowed(rt, steps[name](who, rapid.SampledFrom(all).Draw(rt, "payout")), "PAYOUT_STATE")
					}
				}
				w.addsUp(rt, p, total)
			}
		})
		w.sound()
	})
}

// allowed fails the run on an error that is none of these refusals.
func allowed(rt *rapid.T, err error, reasons ...string) {
	rt.Helper()
	if err == nil {
		return
	}
	for _, reason := range reasons {
		if models.ReasonOf(err) == reason {
			return
		}
	}
	rt.Fatal(err)
}

// addsUp compares what a partner has confirmed with where it is.
func (w *world) addsUp(rt *rapid.T, p models.Partner, confirmed int64) {
	rt.Helper()
	ctx := w.t.Context()
	var statements []models.IncentiveStatement
	w.must(w.DB.NewSelect().Model(&statements).Where("ist.partner_id = ?", p.ID).Scan(ctx))
	ids := make([]models.ID, len(statements))
	for i, statement := range statements {
		ids[i] = statement.ID
	}
	holders, err := w.PayoutsFor(ctx, as(p), ids)
	w.must(err)
	var open, paid, living, credited int64
	for _, statement := range statements {
		payout, held := holders[statement.ID]
		if !held {
			open += statement.TotalMinor
		}
		if done := held && payout.State.Ended(); done != (statement.Status == models.StatementDone) {
			rt.Fatalf("a statement that is %s is in a payout that is %q", statement.Status, payout.State)
		}
	}
	var all []models.PayoutRequest
	w.must(w.DB.NewSelect().Model(&all).Where("pyt.partner_id = ?", p.ID).Scan(ctx))
	for _, payout := range all {
		parts, err := w.PartsFor(ctx, as(p), []models.ID{payout.ID})
		w.must(err)
		sums := map[models.PayoutPart]int64{}
		for _, part := range parts[payout.ID] {
			sums[part.Part] += part.AmountMinor
		}
		if payout.AmountMinor != sums[models.PartDue]+payout.CarriedMinor-payout.OffsetMinor || payout.CarriedMinor != sums[models.PartCarried] || payout.OffsetMinor != -sums[models.PartOffset] {
			rt.Fatalf("%+v of %v", payout, sums)
		}
		switch {
		case payout.State == models.PayoutWithdrawn:
		case payout.State.Ended():
			paid += payout.AmountMinor
			if payout.Method.ToAccount() {
				credited += payout.AmountMinor
			}
		default:
			living += payout.AmountMinor
		}
	}
	if open+paid+living != confirmed {
		rt.Fatalf("%d confirmed, %d paid, %d on its way, %d open", confirmed, paid, living, open)
	}
	if got := w.bonus(p); got != credited {
		rt.Fatalf("%d credited, the account has %d", credited, got)
	}
}
