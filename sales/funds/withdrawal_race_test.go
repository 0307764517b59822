package funds_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestOneWithdrawalIsInFlight(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		s.give(models.OwnerPartner, s.distributor, models.AccountBonus, "CNY", 10_000, 0)
		// From two accounts, so that no lock on one of them makes them take turns.
		submit := func(i int, key string) error {
			route := []models.WithdrawalRoute{models.OriginalRoute, models.IncentiveRebate}[i%2]
			_, err := s.SubmitWithdrawal(context.Background(), s.as(s.distributor), withdrawing("1", key, route))
			return err
		}
		codes := atOnce(16, func(i int) string { return refusal(submit(i, fmt.Sprint(i))) })
		if diff := cmp.Diff(map[string]int{"": 1, "WITHDRAWAL_IN_FLIGHT": 15}, counted(codes)); diff != "" {
			t.Errorf("with 16 keys (-want +got):\n%s", diff)
		}
		if got := s.balance(s.distributor); got != [2]int64{19_900, 100} {
			t.Errorf("held: %v", got)
		}
		// A refusal leaves its key free for when the first has ended.
		found, err := s.FindWithdrawals(context.Background(), s.as(s.distributor), funds.WithdrawalFilter{}, models.PageArgs{})
		s.want(err, "")
		s.take(s.as(s.distributor), found.Nodes()[0].ID, "cancel")
		for i, code := range codes {
			if code != "" {
				s.want(submit(i, fmt.Sprint(i)), "")
				break
			}
		}
		s.sound()
	})
}

func TestOneKeyAtOnceSubmitsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		answers := atOnce(16, func(int) funds.Withdrawn {
			done, err := s.SubmitWithdrawal(context.Background(), s.as(s.distributor), withdrawing("1", "same", models.OriginalRoute))
			s.want(err, "")
			return done
		})
		for _, got := range answers {
			if diff := cmp.Diff(answers[0], got); diff != "" {
				t.Fatalf("answers differ:\n%s", diff)
			}
		}
		s.sound()
	})
}

// Two steps at the same time that exclude each other: exactly one happens, and the money is where that one left it.
func TestStepsThatExcludeEachOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, race := range []struct {
			way  []string
			a, b string
			left map[models.WithdrawalState][2]int64
		}{
			{nil, "cancel", "start", map[models.WithdrawalState][2]int64{models.WithdrawalCancelled: {100, 0}, models.WithdrawalReviewing: {60, 40}}},
			{[]string{"start"}, "approve", "reject", map[models.WithdrawalState][2]int64{models.WithdrawalApproved: {60, 40}, models.WithdrawalRejected: {100, 0}}},
			{[]string{"start", "approve", "pay"}, "complete", "fail", map[models.WithdrawalState][2]int64{models.WithdrawalDone: {60, 0}, models.WithdrawalFailedOriginal: {100, 0}}},
			{[]string{"start", "approve", "pay"}, "complete", "cancel", map[models.WithdrawalState][2]int64{models.WithdrawalDone: {60, 0}}},
			{[]string{"start", "approve", "pay"}, "complete", "complete", map[models.WithdrawalState][2]int64{models.WithdrawalDone: {60, 0}}},
			{nil, "cancel", "cancel", map[models.WithdrawalState][2]int64{models.WithdrawalCancelled: {100, 0}}},
		} {
			for round := range 5 {
				customer := s.customer("", models.NotFrozen)
				s.give(models.OwnerCustomer, customer, models.AccountBalance, "CNY", 100, 0)
				who := buyer(customer)
				id := s.submitted(who, "0.40", models.OriginalRoute).ID
				s.take(who, id, race.way...)
				steps := s.steps(who)
				codes := atOnce(8, func(i int) string {
					name := []string{race.a, race.b}[(i+round)%2]
					return refusal(steps[name](actor(name, who), id, fmt.Sprintf("%s %d", id, i)))
				})
				if diff := cmp.Diff(map[string]int{"": 1, "WITHDRAWAL_STATE": 7}, counted(codes)); diff != "" {
					t.Errorf("%s and %s (-want +got):\n%s", race.a, race.b, diff)
				}
				state := s.reload(id).State
				if want, ok := race.left[state]; !ok || s.balance(customer) != want {
					t.Errorf("%s and %s: %s with %v", race.a, race.b, state, s.balance(customer))
				}
			}
		}
		s.sound()
	})
}

// Spending and withdrawing at the same time: together they take what there is, and never more.
func TestSubmittingWhileTheMoneyIsSpent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 100, 0)
		codes := counted(atOnce(64, func(i int) string {
			if i%4 == 0 {
				_, err := s.SubmitWithdrawal(ctx, who, withdrawing("0.40", fmt.Sprint(i), models.OriginalRoute))
				return "withdraw " + refusal(err)
			}
			_, err := s.FundCustomer(ctx, who, funds.CustomerMove{CustomerID: s.resale, Amount: amount("0.03"), IdempotencyKey: fmt.Sprint(i)})
			return "fund " + refusal(err)
		}))
		left := s.balance(s.distributor)
		if total := left[0] + left[1] + 3*int64(codes["fund "]); total != 100 || left[0] < 0 || left[1] != 40*int64(codes["withdraw "]) {
			t.Errorf("%v are left after %v", left, codes)
		}
		if codes["withdraw "] > 1 || codes["fund "]+codes["withdraw "] < 2 {
			t.Errorf("%v", codes)
		}
		s.sound()
	})
}

// R6 for withdrawals: 100 in the account, and clients that submit 30 each and see it through as soon as they may.
func TestConcurrentWithdrawalsNeverOverdraw(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 100, 0)
		paid := counted(atOnce(8, func(client int) string {
			for try := 0; ; try++ {
				done, err := s.SubmitWithdrawal(ctx, who, withdrawing("0.30", fmt.Sprintf("%d-%d", client, try), models.OriginalRoute))
				switch refusal(err) {
				case "WITHDRAWAL_IN_FLIGHT":
					continue
				case "":
					s.take(who, done.Withdrawal.ID, "start", "approve", "pay", "complete")
					return "paid"
				default:
					return refusal(err)
				}
			}
		}))
		if diff := cmp.Diff(map[string]int{"paid": 3, "INSUFFICIENT_BALANCE": 5}, paid); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := s.balance(s.distributor); got != [2]int64{10, 0} {
			t.Errorf("left: %v", got)
		}
		s.sound()
	})
}
