package funds_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// asksForCodes has the distributor's actions ask for a code, and returns what gets one.
func (s *shop) asksForCodes(actions ...models.StepUpAction) func(models.CodePurpose) *string {
	s.t.Helper()
	ctx, who, box, at := context.Background(), s.as(s.distributor), &codeBox{}, noon
	room := &identity.Codes{
		DB: s.DB, Now: func() time.Time { return at }, IDs: s.IDs, Events: s.Events, Random: rand.Reader, Seal: s.Seal, Sender: box,
		Logger: slog.New(slog.DiscardHandler),
	}
	s.Codes = room
	desk := "desk@example.com"
	ask := func(purpose models.CodePurpose, email *string) *string {
		s.t.Helper()
		_, err := room.Send(ctx, who, identity.SendVerificationCode{Purpose: purpose, Email: email})
		s.want(err, "")
		var asked models.Event
		s.want(s.DB.NewSelect().Model(&asked).Where("type = ?", models.EventCodeRequested).Order("id DESC").Limit(1).Scan(ctx), "")
		s.want(room.SendCode(ctx, asked), "")
		at = at.Add(2 * time.Minute)
		code := box.code
		return &code
	}
	_, err := room.SetStepUp(ctx, who, identity.SetStepUp{Actions: actions, Email: &desk, Code: ask(models.CodeStepUp, &desk)})
	s.want(err, "")
	return func(purpose models.CodePurpose) *string { return ask(purpose, nil) }
}

// TestFundingAsksForACodeWhereThePartnerWantsThat is G04 for all four moves.
func TestFundingAsksForACodeWhereThePartnerWantsThat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		s.give(models.OwnerPartner, s.reseller, models.AccountBalance, "CNY", 10_000, 0)
		ctx, who := context.Background(), s.as(s.distributor)
		code := s.asksForCodes(models.StepUpFunding)

		moves := map[string]func(key string, code *string) error{
			"fundReseller": func(key string, code *string) error {
				return second(s.FundReseller(ctx, who, funds.ResellerMove{ResellerID: s.reseller, Amount: amount("1"), IdempotencyKey: key, Code: code}))
			},
			"reclaimFromReseller": func(key string, code *string) error {
				return second(s.ReclaimFromReseller(ctx, who, funds.ResellerMove{ResellerID: s.reseller, Amount: amount("1"), IdempotencyKey: key, Code: code}))
			},
			"fundCustomer": func(key string, code *string) error {
				return second(s.FundCustomer(ctx, who, funds.CustomerMove{CustomerID: s.resale, Amount: amount("1"), IdempotencyKey: key, Code: code}))
			},
			"reclaimFromCustomer": func(key string, code *string) error {
				return second(s.ReclaimFromCustomer(ctx, who, funds.CustomerMove{CustomerID: s.resale, Amount: amount("1"), IdempotencyKey: key, Code: code}))
			},
		}
		for _, name := range []string{"fundReseller", "reclaimFromReseller", "fundCustomer", "reclaimFromCustomer"} {
			move := moves[name]
			before := s.balance(s.distributor)
			s.want(move(name, nil), "CODE_REQUIRED")
			right := code(models.CodeFunding)
			s.want(move(name, other(*right)), "CODE_WRONG")
			if got := s.balance(s.distributor); got != before {
				t.Errorf("%s: a refusal moved %v to %v", name, before, got)
			}
			s.want(move(name, right), "")
			if got := s.balance(s.distributor); got == before {
				t.Errorf("%s moved nothing", name)
			}
			s.want(move(name, right), "") // the same key answers, though its code is spent
			s.want(move(name, nil), "")
			s.want(move(name+" again", right), "CODE_SPENT")
		}

		// A refusal of the move gives the code back, not the try.
		right := code(models.CodeFunding)
		cmd := funds.ResellerMove{ResellerID: s.reseller, Amount: amount("900"), IdempotencyKey: "much", Code: right}
		_, err := s.FundReseller(ctx, who, cmd)
		s.want(err, string(models.CodeInsufficientBalance))
		cmd.Amount = amount("2")
		first, err := s.FundReseller(ctx, who, cmd)
		s.want(err, "")
		again, err := s.FundReseller(ctx, who, cmd)
		s.want(err, "")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Error(diff)
		}
		// The reseller asks nobody for codes.
		_, err = s.FundCustomer(ctx, s.as(s.reseller), funds.CustomerMove{CustomerID: s.resellers, Amount: amount("1"), IdempotencyKey: "free"})
		s.want(err, "")
	})
}

// TestACodeServesOneMoveOfMany: moves of one group, of which one code serves one, and those beside them that need none.
func TestACodeServesOneMoveOfMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		ctx, who := context.Background(), s.as(s.distributor)
		right := s.asksForCodes(models.StepUpFunding)(models.CodeFunding)
		const calls = 5
		answers := make([]error, calls)
		var all sync.WaitGroup
		for i := range calls {
			all.Go(func() {
				answers[i] = second(s.FundReseller(ctx, who, funds.ResellerMove{
					ResellerID: s.reseller, Amount: amount("1"), IdempotencyKey: string(rune('a' + i)), Code: right,
				}))
			})
		}
		all.Wait()
		served := 0
		for _, err := range answers {
			if err == nil {
				served++
				continue
			}
			s.want(err, "CODE_SPENT")
		}
		if got := s.balance(s.distributor); served != 1 || got != [2]int64{9_900, 0} {
			t.Errorf("%d moves with one code left %v", served, got)
		}
	})
}

// TestOtherActionsLeaveFundingAlone: an organisation that has withdrawals ask for a code funds as before.
func TestOtherActionsLeaveFundingAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		s.asksForCodes(models.StepUpWithdrawals)
		_, err := s.FundReseller(context.Background(), s.as(s.distributor), funds.ResellerMove{ResellerID: s.reseller, Amount: amount("1"), IdempotencyKey: "1"})
		s.want(err, "")
	})
}

func other(code string) *string {
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	return &wrong
}
