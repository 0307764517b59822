package funds_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestAWithdrawalHoldsItsMoneyUntilItIsPaidOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		ctx, who := context.Background(), s.as(s.distributor)
		first, err := s.SubmitWithdrawal(ctx, who, withdrawing("60.5", "1", models.OriginalRoute))
		s.want(err, "")
		if got := first.Balance; got.Available != cny(3950) || got.Held != cny(6050) || got.Total != cny(10_000) {
			t.Errorf("after the submission: %+v", got)
		}
		again, err := s.SubmitWithdrawal(ctx, who, withdrawing("60.50", "1", models.OriginalRoute))
		s.want(err, "")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the same key answers otherwise (-first +again):\n%s", diff)
		}
		_, err = s.SubmitWithdrawal(ctx, who, withdrawing("60.51", "1", models.OriginalRoute))
		s.want(err, "CONFLICT")

		id := first.Withdrawal.ID
		s.take(who, id, "start", "approve", "pay")
		if got := s.balance(s.distributor); got != [2]int64{3950, 6050} {
			t.Errorf("while it is paid: %v", got)
		}
		done, err := s.CompleteWithdrawal(ctx, reviewer(), funds.CompleteWithdrawal{WithdrawalID: id, BankReference: "B-77", IdempotencyKey: "done"})
		s.want(err, "")
		if got := done.Balance; got.Available != cny(3950) || got.Held != cny(0) || got.Total != cny(3950) {
			t.Errorf("after the payout: %+v", got)
		}
		want := first.Withdrawal
		want.State, want.BankReference, want.TransferID, want.EndedAt = models.WithdrawalDone, "B-77", done.Withdrawal.TransferID, &noon
		if diff := cmp.Diff(want, s.reload(id)); diff != "" {
			t.Errorf("the withdrawal (-want +got):\n%s", diff)
		}
		transfer, entries, err := s.Ledger.TransferOf(ctx, db, done.Withdrawal.TransferID)
		s.want(err, "")
		if transfer.Kind != models.TransferWithdrawal || transfer.SubjectID != id || transfer.ActorID != "key_reviewer" || len(entries) != 2 {
			t.Errorf("the transfer: %+v, %+v", transfer, entries)
		}
		var happened []models.Event
		s.want(db.NewSelect().Model(&happened).Where("type LIKE 'withdrawal.%' OR type = ?", models.EventBalanceChanged).Order("id").Scan(ctx), "")
		var got []string
		for _, e := range happened {
			if e.PartnerID != s.distributor || e.CustomerID != "" {
				t.Errorf("%s concerns %s %s", e.Type, e.PartnerID, e.CustomerID)
			}
			subject := map[string]string{string(id): "it", string(s.distributor): "owner"}[e.SubjectID]
			got = append(got, fmt.Sprintf("%s of %s by %s", e.Type, subject, e.ActorID))
		}
		wantEvents := map[string]int{
			"withdrawal.submitted of it by key_distributor": 1, "balance.changed of owner by key_distributor": 1,
			"withdrawal.review_started of it by key_reviewer": 1, "withdrawal.approved of it by key_reviewer": 1,
			"withdrawal.paying of it by key_reviewer": 1, "withdrawal.completed of it by key_reviewer": 1, "balance.changed of owner by key_reviewer": 1,
		}
		if diff := cmp.Diff(wantEvents, counted(got)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		s.sound()
	})
}

func counted(words []string) map[string]int {
	counts := map[string]int{}
	for _, word := range words {
		counts[word]++
	}
	return counts
}

func TestWhoeverMayNotWithdrawIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, partner := range []models.ID{s.distributor, s.reseller, s.stranger} {
			s.give(models.OwnerPartner, partner, models.AccountBalance, "CNY", 10_000, 0)
			s.give(models.OwnerPartner, partner, models.AccountBonus, "CNY", 500, 0)
		}
		for _, c := range []models.ID{s.resale, s.advisory, s.resellers, s.other} {
			s.give(models.OwnerCustomer, c, models.AccountBalance, "CNY", 10_000, 0)
		}
		frozen := s.customer("", models.FrozenAccount)
		s.give(models.OwnerCustomer, frozen, models.AccountBalance, "CNY", 10_000, 0)
		who := s.as(s.distributor)
		narrow := who
		narrow.Permissions = []models.Permission{models.ReadBalances}
		good := withdrawing("1", "k", models.OriginalRoute)
		with := func(change func(*funds.SubmitWithdrawal)) funds.SubmitWithdrawal {
			cmd := good
			change(&cmd)
			return cmd
		}
		worth := func(a string) funds.SubmitWithdrawal { return withdrawing(a, "k", models.OriginalRoute) }
		carded := func(change func(*funds.BankCard)) funds.SubmitWithdrawal {
			cmd := withdrawing("1", "k", models.BankCardRoute)
			change(cmd.BankCard)
			return cmd
		}
		before := s.everything()
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  funds.SubmitWithdrawal
			want string
		}{
			{"nobody", models.Principal{}, good, "UNAUTHENTICATED"},
			{"without the permission", narrow, good, "FORBIDDEN"},
			{"an operator", reviewer(), good, "FORBIDDEN"},
			{"a job", models.SystemPrincipal("test"), good, "FORBIDDEN"},
			{"M06 a cloud reseller", s.as(s.reseller), good, "CLOUD_RESELLER"},
			{"C02 a resale customer", buyer(s.resale), good, "RESALE_CUSTOMER"},
			{"C02 a reseller's customer", buyer(s.resellers), good, "RESALE_CUSTOMER"},
			{"C21 a frozen customer", buyer(frozen), good, "CUSTOMER_FROZEN"},
			{"a customer without rebates", buyer(s.advisory), withdrawing("1", "k", models.IncentiveRebate), "ROUTE_NOT_AVAILABLE"},
			{"a customer that is not there", buyer("cus_01h455vb4pex5vsknk084sn02q"), good, "NOT_FOUND"},
			{"zero", who, worth("0"), "INVALID amount"},
			{"negative", who, worth("-1"), "INVALID amount"},
			{"three digits", who, worth("1.001"), "INVALID amount"},
			{"a huge exponent", who, worth("1e50000000"), "INVALID amount"},
			{"too large", who, worth("10000000000000.01"), "INVALID amount"},
			{"no route", who, with(func(c *funds.SubmitWithdrawal) { c.Route = "" }), "INVALID route"},
			{"no such route", who, with(func(c *funds.SubmitWithdrawal) { c.Route = "CASH" }), "INVALID route"},
			{"no key", who, with(func(c *funds.SubmitWithdrawal) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
			{"a card for the original route", who, with(func(c *funds.SubmitWithdrawal) { c.BankCard = card() }), "INVALID bankCard"},
			{"no card for a bank card", who, with(func(c *funds.SubmitWithdrawal) { c.Route = models.BankCardRoute }), "INVALID bankCard"},
			{"no card for rebates", who, with(func(c *funds.SubmitWithdrawal) { c.Route = models.IncentiveRebate }), "INVALID bankCard"},
			{"no holder", who, carded(func(c *funds.BankCard) { c.Holder = " " }), "INVALID bankCard.holder"},
			{"a long holder", who, carded(func(c *funds.BankCard) { c.Holder = strings.Repeat("a", 101) }), "INVALID bankCard.holder"},
			{"no bank", who, carded(func(c *funds.BankCard) { c.Bank = "" }), "INVALID bankCard.bank"},
			{"a bank with a line break", who, carded(func(c *funds.BankCard) { c.Bank = "a\nb" }), "INVALID bankCard.bank"},
			{"a short number", who, carded(func(c *funds.BankCard) { c.Number = "1234567" }), "INVALID bankCard.number"},
			{"a number with a dash", who, carded(func(c *funds.BankCard) { c.Number = "6222-0211-0001" }), "INVALID bankCard.number"},
			{"a fen too much", who, worth("100.01"), "INSUFFICIENT_BALANCE"},
			{"a fen too much of the rebates", who, withdrawing("5.01", "k", models.IncentiveRebate), "INSUFFICIENT_BALANCE"},
			{"M11 money that can go back the way it came", who, withdrawing("1", "k", models.BankCardRoute), "ORIGINAL_ROUTE_ONLY"},
		} {
			_, err := s.SubmitWithdrawal(context.Background(), row.who, row.cmd)
			if refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
			if err != nil && strings.Contains(err.Error(), "Secret") {
				t.Errorf("%s: the refusal repeats the card: %v", row.name, err)
			}
		}
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		// They leave the key free, and everybody else withdraws the same.
		for _, id := range []models.ID{s.distributor, s.stranger} {
			_, err := s.SubmitWithdrawal(context.Background(), s.as(id), good)
			s.want(err, "")
		}
		for _, id := range []models.ID{s.advisory} {
			_, err := s.SubmitWithdrawal(context.Background(), buyer(id), good)
			s.want(err, "")
		}
		s.sound()
	})
}

// Every step in every state: what the table allows happens, everything else is refused and changes nothing.
func TestEveryStepInEveryState(t *testing.T) {
	t.Parallel()
	ways := map[models.WithdrawalState][]string{
		models.WithdrawalSubmitted: nil, models.WithdrawalReviewing: {"start"}, models.WithdrawalApproved: {"start", "approve"},
		models.WithdrawalPaying: {"start", "approve", "pay"}, models.WithdrawalDone: {"start", "approve", "pay", "complete"},
		models.WithdrawalFailedOriginal: {"start", "approve", "pay", "fail"}, models.WithdrawalRejected: {"start", "reject"},
		models.WithdrawalCancelled: {"cancel"},
	}
	legal := map[models.WithdrawalState]map[string]models.WithdrawalState{
		models.WithdrawalSubmitted:      {"start": models.WithdrawalReviewing, "cancel": models.WithdrawalCancelled},
		models.WithdrawalReviewing:      {"approve": models.WithdrawalApproved, "reject": models.WithdrawalRejected},
		models.WithdrawalApproved:       {"pay": models.WithdrawalPaying},
		models.WithdrawalPaying:         {"complete": models.WithdrawalDone, "fail": models.WithdrawalFailedOriginal},
		models.WithdrawalFailedOriginal: {"reroute": models.WithdrawalSubmitted},
		models.WithdrawalRejected:       {"delete": ""},
	}
	if len(ways) != len(models.WithdrawalStates()) {
		t.Fatal("a state has no way to it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for state, way := range ways {
			for name := range s.steps(models.Principal{}) {
				// A customer of its own for each, so that one withdrawal is never in another's way.
				customer := s.customer("", models.NotFrozen)
				s.give(models.OwnerCustomer, customer, models.AccountBalance, "CNY", 100, 0)
				who := buyer(customer)
				id := s.submitted(who, "0.40", models.OriginalRoute).ID
				s.take(who, id, way...)
				before, free := s.reload(id), s.balance(customer)
				err := s.steps(who)[name](actor(name, who), id, "step "+string(id))
				next, allowed := legal[state][name]
				switch {
				case allowed:
					if err != nil || s.reload(id).State != next {
						t.Errorf("%s from %s: %v, now %s", name, state, err, s.reload(id).State)
					}
					held := [2]int64{100, 0}
					if next.InFlight() {
						held = [2]int64{60, 40}
					} else if next == models.WithdrawalDone {
						held = [2]int64{60, 0}
					}
					if got := s.balance(customer); got != held {
						t.Errorf("%s from %s leaves %v, want %v", name, state, got, held)
					}
				case refusal(err) != "WITHDRAWAL_STATE" && (name != "delete" || refusal(err) != "WITHDRAWAL_NOT_REJECTED"):
					t.Errorf("%s from %s: %v", name, state, err)
				default:
					if diff := cmp.Diff(before, s.reload(id)); diff != "" || s.balance(customer) != free {
						t.Errorf("%s from %s was refused, and yet:\n%s", name, state, diff)
					}
				}
			}
		}
		s.sound()
	})
}

func TestWhoTakesWhichStep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		owner := s.as(s.distributor)
		id := s.submitted(owner, "1", models.OriginalRoute).ID
		narrowOperator, may := reviewer(), models.AllPermissions()
		narrowOperator.Permissions = []models.Permission{models.ReadBalances, models.WritePartners}
		narrowOwner := owner
		narrowOwner.Permissions = []models.Permission{models.ReadBalances}
		greedy := owner
		greedy.Permissions = may
		ownersSteps := map[string]bool{"cancel": true, "reroute": true, "delete": true}
		before := s.everything()
		for name, step := range s.steps(owner) {
			for _, row := range []struct {
				name             string
				who              models.Principal
				owners, decision string // what is answered to a step of the owner's, and to one of an operator's
			}{
				{"nobody", models.Principal{}, "UNAUTHENTICATED", "UNAUTHENTICATED"},
				{"another partner", s.as(s.stranger), "NOT_FOUND", "FORBIDDEN"},
				{"its reseller", s.as(s.reseller), "NOT_FOUND", "FORBIDDEN"},
				{"its customer", buyer(s.advisory), "NOT_FOUND", "FORBIDDEN"},
				{"the owner without the permission", narrowOwner, "FORBIDDEN", "FORBIDDEN"},
				{"the owner with every permission there is", greedy, "", "FORBIDDEN"},
				{"an operator without the permission", narrowOperator, "FORBIDDEN", "FORBIDDEN"},
				{"an operator", reviewer(), "FORBIDDEN", ""},
			} {
				want := row.decision
				if ownersSteps[name] {
					want = row.owners
				}
				if want == "" {
					continue
				}
				if err := step(row.who, id, "k"); refusal(err) != want {
					t.Errorf("%s, %s: %v, want %s", row.name, name, err, want)
				}
			}
			if err := step(actor(name, owner), s.distributor, "k"); refusal(err) != "INVALID withdrawalId" {
				t.Errorf("%s with another id: %v", name, err)
			}
			if err := step(actor(name, owner), "wdr_01h455vb4pex5vsknk084sn02q", "k"); refusal(err) != "NOT_FOUND" {
				t.Errorf("%s with nobody's: %v", name, err)
			}
			if name != "delete" {
				if err := step(actor(name, owner), id, ""); refusal(err) != "INVALID idempotencyKey" {
					t.Errorf("%s without a key: %v", name, err)
				}
			}
		}
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
	})
}

func TestBadReviewsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		id := s.submitted(s.as(s.distributor), "1", models.OriginalRoute).ID
		s.take(s.as(s.distributor), id, "start")
		before := s.everything()
		code, failed, text, long := models.RejectedOther, models.RejectedPayoutFailed, "Why", strings.Repeat("a", 501)
		for name, tt := range map[string]struct {
			cmd  funds.ReviewWithdrawal
			want string
		}{
			"no decision":              {funds.ReviewWithdrawal{}, "INVALID decision"},
			"no such decision":         {funds.ReviewWithdrawal{Decision: "PAY"}, "INVALID decision"},
			"a reason for approving":   {funds.ReviewWithdrawal{Decision: models.ApproveReview, ReasonText: &text}, "INVALID rejectionCode"},
			"a code for approving":     {funds.ReviewWithdrawal{Decision: models.ApproveReview, RejectionCode: &code}, "INVALID rejectionCode"},
			"a rejection without one":  {funds.ReviewWithdrawal{Decision: models.RejectReview, ReasonText: &text}, "INVALID rejectionCode"},
			"a code that failures set": {funds.ReviewWithdrawal{Decision: models.RejectReview, RejectionCode: &failed, ReasonText: &text}, "INVALID rejectionCode"},
			"no text":                  {funds.ReviewWithdrawal{Decision: models.RejectReview, RejectionCode: &code}, "INVALID reasonText"},
			"a long text":              {funds.ReviewWithdrawal{Decision: models.RejectReview, RejectionCode: &code, ReasonText: &long}, "INVALID reasonText"},
		} {
			tt.cmd.WithdrawalID, tt.cmd.IdempotencyKey = id, "k"
			if _, err := s.ReviewWithdrawal(context.Background(), reviewer(), tt.cmd); refusal(err) != tt.want {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
		_, err := s.CompleteWithdrawal(context.Background(), reviewer(), funds.CompleteWithdrawal{WithdrawalID: id, IdempotencyKey: "k"})
		s.want(err, "INVALID bankReference")
		_, err = s.FailWithdrawal(context.Background(), reviewer(), funds.FailWithdrawal{WithdrawalID: id, IdempotencyKey: "k"})
		s.want(err, "INVALID reasonText")
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
	})
}

// A review may last: nothing frees the money in the middle of it, and afterwards it is there to be paid out.
func TestAWithdrawalsHoldDoesNotExpire(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 700) // held by something else for an hour
		id := s.submitted(who, "90", models.OriginalRoute).ID
		s.take(who, id, "start", "approve", "pay")
		s.at(noon.AddDate(5, 0, 0))
		job := models.SystemPrincipal("holds")
		for _, want := range []int{1, 0} {
			if ended, err := s.ExpireHolds(ctx, job); err != nil || ended != want {
				t.Errorf("%d holds ended (%v), want %d", ended, err, want)
			}
		}
		if got := s.balance(s.distributor); got != [2]int64{1000, 9000} {
			t.Errorf("after five years: %v", got)
		}
		var told []models.Event
		s.want(db.NewSelect().Model(&told).Where("type = ?", models.EventBalanceChanged).Where("actor_id = ?", job.ActorID()).Scan(ctx), "")
		if len(told) != 1 || told[0].PartnerID != s.distributor || told[0].Data["amount"] != "7.00" {
			t.Errorf("told of the money that came free: %+v", told)
		}
		_, err := s.FundCustomer(ctx, who, funds.CustomerMove{CustomerID: s.resale, Amount: amount("10.01"), IdempotencyKey: "spend"})
		s.want(err, "INSUFFICIENT_BALANCE")
		s.take(who, id, "complete")
		if got := s.balance(s.distributor); got != [2]int64{1000, 0} {
			t.Errorf("after the payout: %v", got)
		}
		_, err = s.ExpireHolds(ctx, reviewer())
		s.want(err, "FORBIDDEN")
		s.sound()
	})
}

func TestAFailedOriginalRouteGoesOnToABankCard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		id := s.submitted(who, "80", models.OriginalRoute).ID
		s.take(who, id, "start", "approve", "pay", "fail")
		if got := s.balance(s.distributor); got != [2]int64{10_000, 0} {
			t.Errorf("after the failure: %v", got)
		}
		// M11: the failed sum is a bank card's now, and the original route's no longer.
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "20.00", models.BankCardRoute: "80.00", models.IncentiveRebate: "0.00"})
		_, err := s.SubmitWithdrawal(ctx, who, withdrawing("20.01", "again", models.OriginalRoute))
		s.want(err, "ORIGINAL_ROUTE_FAILED")
		bad := *card()
		bad.Number = "1"
		_, err = s.RerouteWithdrawal(ctx, who, funds.RerouteWithdrawal{WithdrawalID: id, BankCard: bad, IdempotencyKey: "r"})
		s.want(err, "INVALID bankCard.number")

		cmd := funds.RerouteWithdrawal{WithdrawalID: id, BankCard: *card(), IdempotencyKey: "r"}
		rerouted, err := s.RerouteWithdrawal(ctx, who, cmd)
		s.want(err, "")
		if w := rerouted.Withdrawal; w.State != models.WithdrawalSubmitted || w.Route != models.BankCardRoute || w.CardLastFour != "9876" || w.FailedAt == nil || w.EndedAt != nil {
			t.Errorf("rerouted: %+v", w)
		}
		again, err := s.RerouteWithdrawal(ctx, who, cmd)
		s.want(err, "")
		if diff := cmp.Diff(rerouted, again); diff != "" {
			t.Errorf("the same key answers otherwise:\n%s", diff)
		}
		cmd.BankCard.Holder = "Somebody Else"
		_, err = s.RerouteWithdrawal(ctx, who, cmd)
		s.want(err, "CONFLICT")

		// From a bank card there is no further way: rejected, and its owner may delete it; what happened stays on record.
		s.take(who, id, "start", "approve", "pay", "fail")
		if w := s.reload(id); w.State != models.WithdrawalRejected || w.RejectionCode != models.RejectedPayoutFailed {
			t.Errorf("failed again: %+v", w)
		}
		s.take(who, id, "delete")
		_, err = s.DeleteRejectedWithdrawal(ctx, who, funds.DeleteRejectedWithdrawal{WithdrawalID: id})
		s.want(err, "NOT_FOUND")
		events, err := db.NewSelect().Model((*models.Event)(nil)).Where("subject_id = ?", id).Count(ctx)
		s.want(err, "")
		if events != 11 {
			t.Errorf("%d events are left of it", events)
		}
		// A new one by the card gets through, and takes what it was for.
		id = s.submitted(who, "20", models.OriginalRoute).ID
		s.take(who, id, "start", "approve", "pay", "complete")
		if got := s.balance(s.distributor); got != [2]int64{8_000, 0} {
			t.Errorf("at the end: %v", got)
		}
		s.sound()
	})
}

// wantWithdrawable compares what an owner may withdraw by each route.
func (s *shop) wantWithdrawable(who models.Principal, want map[models.WithdrawalRoute]string) {
	s.t.Helper()
	all, err := s.WithdrawalEligibility(context.Background(), who, funds.EligibilityQuery{})
	s.want(err, "")
	got := map[models.WithdrawalRoute]string{}
	for _, e := range all {
		got[e.Route] = e.Withdrawable.Amount().StringFixed(2)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("withdrawable (-want +got):\n%s", diff)
	}
}

func TestTheAgeOfMoneyDecidesItsRoute(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		who := s.as(s.distributor)
		s.at(noon.AddDate(-1, 0, 0))
		s.recharged(models.ChannelAlipay, s.distributor, 3000)
		s.at(noon.AddDate(0, -6, 0))
		s.recharged(models.ChannelAlipay, s.distributor, 5000)
		s.receive(models.OwnerPartner, s.distributor, models.TransferRecall, 700)
		s.at(noon)
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "50.00", models.BankCardRoute: "37.00", models.IncentiveRebate: "0.00"})
		// What is spent is the oldest.
		_, err := s.FundCustomer(context.Background(), who, funds.CustomerMove{CustomerID: s.resale, Amount: amount("20"), IdempotencyKey: "1"})
		s.want(err, "")
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "50.00", models.BankCardRoute: "17.00", models.IncentiveRebate: "0.00"})
		// What was withdrawn went by its own route, and is gone from there.
		id := s.submitted(who, "45", models.OriginalRoute).ID
		s.take(who, id, "start", "approve", "pay", "complete")
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "5.00", models.BankCardRoute: "17.00", models.IncentiveRebate: "0.00"})
		id = s.submitted(who, "17", models.BankCardRoute).ID
		s.take(who, id, "start", "approve", "pay", "complete")
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "5.00", models.BankCardRoute: "0.00", models.IncentiveRebate: "0.00"})
		// UnionPay would have been open for three months only.
		_, err = db.NewUpdate().Table("recharges").Set("channel = ?", models.ChannelUnionPay).Where("1 = 1").Exec(context.Background())
		s.want(err, "")
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "0.00", models.BankCardRoute: "5.00", models.IncentiveRebate: "0.00"})
		s.sound()
	})
}

// More receipts than one page: the oldest of them still counts, and what has been spent since does not.
func TestManyReceiptsAreReadInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		who := s.as(s.distributor)
		s.receive(models.OwnerPartner, s.distributor, models.TransferRecall, 100)
		small := make([]int64, 1010)
		for i := range small {
			small[i] = 1
		}
		s.receive(models.OwnerPartner, s.distributor, models.TransferRecharge, small...)
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "10.10", models.BankCardRoute: "1.00", models.IncentiveRebate: "0.00"})
	})
}

func TestRebatesLeaveTheBonusAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		who := s.as(s.stranger)
		s.give(models.OwnerPartner, s.stranger, models.AccountBonus, "CNY", 500, 0)
		s.give(models.OwnerPartner, s.stranger, models.AccountBalance, "CNY", 9000, 0)
		id := s.submitted(who, "5", models.IncentiveRebate).ID
		s.take(who, id, "start", "approve", "pay", "complete")
		s.wantWithdrawable(who, map[models.WithdrawalRoute]string{models.OriginalRoute: "90.00", models.BankCardRoute: "0.00", models.IncentiveRebate: "0.00"})
		s.sound()
	})
}

// C10, O09: what a customer had put in before it became a resale customer stays its own.
func TestAResaleCustomerWithdrawsWhatItHadBefore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.at(noon.Add(-2 * time.Hour))
		s.receive(models.OwnerCustomer, s.resale, models.TransferRecharge, 300)
		s.insert(&models.Association{
			ID: "asc_1", CustomerID: s.resale, PartnerID: s.distributor, Mode: models.Resale, Source: models.SourceAPI, Since: noon.Add(-time.Hour),
		})
		s.at(noon)
		s.receive(models.OwnerCustomer, s.resale, models.TransferFund, 1000)
		_, err := s.SubmitWithdrawal(context.Background(), buyer(s.resale), withdrawing("3.01", "1", models.OriginalRoute))
		s.want(err, "RESALE_CUSTOMER")
		s.submitted(buyer(s.resale), "3", models.OriginalRoute)
		if got := s.balance(s.resale); got != [2]int64{1000, 300} {
			t.Errorf("left: %v", got)
		}
		s.sound()
	})
}

func TestACreditLineIsNotWithdrawn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1000, 100)
		_, err := db.NewUpdate().Table("accounts").Set("earmarked_minor = 300, floor_minor = -5000").Where("owner_id = ?", s.distributor).Exec(context.Background())
		s.want(err, "")
		_, err = s.SubmitWithdrawal(context.Background(), s.as(s.distributor), withdrawing("6.01", "1", models.OriginalRoute))
		s.want(err, "INSUFFICIENT_BALANCE")
		s.submitted(s.as(s.distributor), "6", models.OriginalRoute)
		s.sound()
	})
}

// The card is in one sealed column and nowhere else; operators who review read it, its owner sees four digits.
func TestTheCardIsSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBonus, "CNY", 1000, 0)
		w := s.submitted(who, "6", models.IncentiveRebate)
		if w.CardLastFour != "9876" || w.CardSealed != nil {
			t.Errorf("the answer has %q and %d sealed bytes", w.CardLastFour, len(w.CardSealed))
		}
		want := &funds.BankCard{Holder: "Zhang Secret", Number: "6222021100019876", Bank: "Bank of Secrets"}
		narrow := reviewer()
		narrow.Permissions = []models.Permission{models.ReadBalances}
		greedy := who
		greedy.Permissions = models.AllPermissions()
		for name, tt := range map[string]struct {
			who  models.Principal
			w    models.Withdrawal
			want *funds.BankCard
		}{
			"an operator, of a row": {reviewer(), s.reload(w.ID), want}, "an operator, of an answer": {reviewer(), w, want},
			"an operator without the permission": {narrow, s.reload(w.ID), nil}, "the owner": {who, s.reload(w.ID), nil},
			"the owner with every permission there is": {greedy, s.reload(w.ID), nil},
		} {
			got, err := s.BankCardOf(ctx, tt.who, tt.w)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
		s.take(who, w.ID, "start", "reject")
		for _, table := range []string{"withdrawals", "events", "idempotency_keys", "holds", "transfers"} {
			var rows []map[string]any
			s.want(db.NewSelect().Table(table).Scan(ctx, &rows), "")
			for _, row := range rows {
				for column, value := range row {
					if raw, ok := value.([]byte); ok {
						value = string(raw)
					}
					text := fmt.Sprint(value)
					for _, secret := range []string{"Zhang", "622202", "Bank of Secrets"} {
						if strings.Contains(text, secret) {
							t.Errorf("%s.%s shows %q", table, column, secret)
						}
					}
				}
			}
		}
		raw, err := json.Marshal(s.reload(w.ID))
		s.want(err, "")
		if strings.Contains(string(raw), "Sealed") {
			t.Errorf("JSON carries the card: %s", raw)
		}
	})
}
