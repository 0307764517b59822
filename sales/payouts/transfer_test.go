package payouts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/payouts"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// oneCompany notes that accounts belong to one company.
func (w *world) oneCompany(accounts ...models.Partner) {
	w.t.Helper()
	for _, p := range accounts {
		_, err := w.Incentives.SetCompany(w.t.Context(), operator(), incentives.SetCompany{PartnerID: p.ID, Country: "SG", RegistrationNumber: "91110000", Name: "One"})
		w.must(err)
	}
}

func (w *world) transfer(from, to models.Partner, statements ...models.ID) (models.IncentiveTransfer, error) {
	done, err := w.Incentives.Transfer(w.t.Context(), operator(), incentives.TransferIncentives{
		FromPartnerID: from.ID, ToPartnerID: to.ID, StatementIDs: statements, CaseNumber: "C-1", Reason: "Rebound.", IdempotencyKey: w.key(),
	})
	return done.IncentiveTransfer, err
}

// received is the statement of another account that came of one.
func (w *world) received(id models.ID) (row models.IncentiveStatement) {
	w.t.Helper()
	w.must(w.DB.NewSelect().Model(&row).Where("ist.origin_id = ?", id).Scan(w.t.Context()))
	return row
}

// TestAPayoutThatNobodyBeganLetsItsStatementsGo, and one that is under way keeps them.
func TestAPayoutThatNobodyBeganLetsItsStatementsGo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.oneCompany(w.provider, w.stranger)
		first, second := w.confirmed(w.provider, "2026-09", 150_000), w.confirmed(w.provider, "2026-10", 20_000)
		asked, err := w.request(w.provider, models.PayoutQuota)
		w.must(err)
		_, err = w.transfer(w.provider, w.stranger)
		w.want(err, "STATEMENT_IN_PAYOUT")
		if e := models.AsError(err); e.Details["payoutId"] != string(asked.ID) {
			t.Errorf("%v", e.Details)
		}
		w.take(w.provider, asked, "reject") // it was submitted once, and is the partner's to withdraw
		_, err = w.transfer(w.provider, w.stranger)
		w.want(err, "STATEMENT_IN_PAYOUT")
		w.take(w.provider, asked, "withdraw")
		// By the partner's preference, and not certified: it waits to be submitted.
		_, err = w.SetPreference(ctx, as(w.provider), payouts.SetPreference{Method: ptr(models.PayoutBank)})
		w.must(err)
		w.must(w.PayDue(ctx, first.ID))
		found, err := w.FindPayouts(ctx, operator(), payouts.PayoutFilter{States: []models.PayoutState{models.PayoutToSubmit}}, models.PageArgs{})
		w.must(err)
		if len(found.Edges) != 1 {
			t.Fatalf("%d payouts wait", len(found.Edges))
		}
		waits := found.Nodes()[0]
		_, err = w.transfer(w.provider, w.stranger, first.ID) // the other one stays
		w.want(err, "STATEMENT_IN_PAYOUT")
		if got := w.payout(waits.ID); got.State != models.PayoutToSubmit {
			t.Errorf("a refusal took it back: %s", got.State)
		}
		done, err := w.transfer(w.provider, w.stranger)
		w.must(err)
		items, err := w.Incentives.ItemsFor(ctx, as(w.stranger), []models.ID{done.ID})
		w.must(err)
		for _, item := range items[done.ID] {
			if item.PayoutID != waits.ID || item.Status != models.StatementIssuing {
				t.Errorf("%+v", item)
			}
		}
		if got := w.payout(waits.ID); got.State != models.PayoutWithdrawn || len(items[done.ID]) != 2 || done.TotalMinor != 170_000 {
			t.Errorf("%s with %d statements of %d", got.State, len(items[done.ID]), done.TotalMinor)
		}
		if due := w.due[w.received(second.ID).ID]; !due.Equal(models.PayoutDueAt("2026-10")) {
			t.Errorf("due %s", due)
		}
		_, err = w.request(w.provider, models.PayoutQuota)
		w.want(err, "NOTHING_TO_PAY")
		w.must(w.PayDue(ctx, first.ID)) // the old account's turn comes to nothing
		paid, err := w.request(w.stranger, models.PayoutQuota)
		w.must(err)
		if paid = w.take(w.stranger, paid, "approve", "pay"); paid.AmountMinor != 170_000 || paid.State != models.PayoutQuotaIssued {
			t.Errorf("%+v", paid)
		}
		_, err = w.transfer(w.stranger, w.provider, w.received(first.ID).ID)
		w.want(err, "STATEMENT_DONE")
		w.sound()
	})
}

// TestWhatIsCarriedAndOffsetGoesAlong: the new account's payout has what was carried over of the old one's, and what negative statements take off.
func TestWhatIsCarriedAndOffsetGoesAlong(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.oneCompany(w.provider, w.stranger)
		w.certified(w.stranger)
		_, err := w.SetPreference(ctx, as(w.provider), payouts.SetPreference{Method: ptr(models.PayoutAccount)})
		w.must(err)
		little, less := w.confirmed(w.provider, "2026-08", 60_000), w.confirmed(w.provider, "2026-09", -10_000)
		w.must(w.PayDue(ctx, little.ID))
		_, err = w.transfer(w.provider, w.stranger)
		w.must(err)
		carried, err := w.CarriesFor(ctx, as(w.stranger), []models.ID{w.received(little.ID).ID})
		w.must(err)
		if diff := cmp.Diff(map[models.ID]models.BillingCycle{w.received(little.ID).ID: "2026-09"}, carried); diff != "" {
			t.Error(diff)
		}
		kept, err := w.CarriesFor(ctx, as(w.provider), []models.ID{little.ID})
		w.must(err)
		if kept[little.ID] != "2026-09" {
			t.Errorf("the old account's record: %v", kept)
		}
		w.confirmed(w.stranger, "2026-09", 100_000)
		asked, err := w.request(w.stranger, models.PayoutAccount)
		w.must(err)
		if asked.AmountMinor != 150_000 || asked.CarriedMinor != 60_000 || asked.OffsetMinor != 10_000 {
			t.Errorf("%+v", asked)
		}
		w.take(w.stranger, asked, "approve", "invoice", "approve", "sign", "order", "pay")
		if w.bonus(w.stranger) != 150_000 || w.bonus(w.provider) != 0 || w.statement(less.ID).Status != models.StatementTransferred {
			t.Errorf("%d and %d", w.bonus(w.stranger), w.bonus(w.provider))
		}
		w.sound()
	})
}

// TestATransferAndAPayoutAtOnce: a statement goes one way or the other.
func TestATransferAndAPayoutAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.oneCompany(w.provider, w.stranger)
		statement := w.confirmed(w.provider, "2026-10", 50_000)
		counts := map[string]int{}
		for _, err := range atOnce(6, func(i int) error {
			if i%2 == 0 {
				_, err := w.transfer(w.provider, w.stranger, statement.ID)
				return err
			}
			_, err := w.request(w.provider, models.PayoutQuota)
			return err
		}) {
			counts[refusal(err)]++
		}
		moved := w.statement(statement.ID).Status == models.StatementTransferred
		want := map[string]int{"": 1, "NOTHING_TO_PAY": 2, "STATEMENT_IN_PAYOUT": 3}
		if moved {
			want = map[string]int{"": 1, "NOTHING_TO_PAY": 3, "STATEMENT_TRANSFERRED": 2}
		}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("moved: %t %s", moved, diff)
		}
		w.sound()
	})
}
