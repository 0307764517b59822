package funds_test

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// at sets every clock of the shop.
func (s *shop) at(now time.Time) {
	clock := func() time.Time { return now }
	s.Now, s.Ledger.Now, s.Events.Now = clock, clock, clock
}

func reviewer() models.Principal {
	return models.Principal{Kind: models.Operator, KeyID: "key_reviewer", Permissions: models.AllPermissions(), RequestID: "test"}
}

// buyer is a program of a customer.
func buyer(customer models.ID) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, CustomerID: customer, KeyID: "key_customer", RequestID: "test",
		Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

// card is a bank card that no event, log, key or column may show.
func card() *funds.BankCard {
	return &funds.BankCard{Holder: "Zhang Secret", Number: "6222 0211 0001 9876", Bank: "Bank of Secrets"}
}

// withdrawing is a submission by the original route, or with a card by another.
func withdrawing(worth, key string, route models.WithdrawalRoute) funds.SubmitWithdrawal {
	cmd := funds.SubmitWithdrawal{Amount: amount(worth), Route: route, IdempotencyKey: key}
	if route.NeedsCard() {
		cmd.BankCard = card()
	}
	return cmd
}

// submitted submits and fails the test when that is refused.
func (s *shop) submitted(who models.Principal, worth string, route models.WithdrawalRoute) models.Withdrawal {
	s.t.Helper()
	done, err := s.SubmitWithdrawal(context.Background(), who, withdrawing(worth, fmt.Sprint(s.IDs("key")), route))
	s.want(err, "")
	return done.Withdrawal
}

// steps are all that can happen to a withdrawal after its submission, by name.
func (s *shop) steps(owner models.Principal) map[string]func(who models.Principal, id models.ID, key string) error {
	ctx := context.Background()
	review := func(decision models.WithdrawalDecision) func(models.Principal, models.ID, string) error {
		return func(who models.Principal, id models.ID, key string) error {
			cmd := funds.ReviewWithdrawal{WithdrawalID: id, Decision: decision, IdempotencyKey: key}
			if decision == models.RejectReview {
				code, text := models.RejectedDocuments, "The letter of the bank is missing."
				cmd.RejectionCode, cmd.ReasonText = &code, &text
			}
			_, err := s.ReviewWithdrawal(ctx, who, cmd)
			return err
		}
	}
	return map[string]func(models.Principal, models.ID, string) error{
		"start": review(models.StartReview), "approve": review(models.ApproveReview), "reject": review(models.RejectReview),
		"pay": func(who models.Principal, id models.ID, key string) error {
			_, err := s.PayWithdrawal(ctx, who, funds.PayWithdrawal{WithdrawalID: id, IdempotencyKey: key})
			return err
		},
		"complete": func(who models.Principal, id models.ID, key string) error {
			_, err := s.CompleteWithdrawal(ctx, who, funds.CompleteWithdrawal{WithdrawalID: id, BankReference: "B-1", IdempotencyKey: key})
			return err
		},
		"fail": func(who models.Principal, id models.ID, key string) error {
			_, err := s.FailWithdrawal(ctx, who, funds.FailWithdrawal{WithdrawalID: id, ReasonText: "The account is closed.", IdempotencyKey: key})
			return err
		},
		"cancel": func(who models.Principal, id models.ID, key string) error {
			_, err := s.CancelWithdrawal(ctx, who, funds.CancelWithdrawal{WithdrawalID: id, IdempotencyKey: key})
			return err
		},
		"reroute": func(who models.Principal, id models.ID, key string) error {
			_, err := s.RerouteWithdrawal(ctx, who, funds.RerouteWithdrawal{WithdrawalID: id, BankCard: *card(), IdempotencyKey: key})
			return err
		},
		"delete": func(who models.Principal, id models.ID, _ string) error {
			_, err := s.DeleteRejectedWithdrawal(ctx, who, funds.DeleteRejectedWithdrawal{WithdrawalID: id})
			return err
		},
	}
}

// actor is who takes a step: the owner or an operator.
func actor(step string, owner models.Principal) models.Principal {
	switch step {
	case "cancel", "reroute", "delete":
		return owner
	}
	return reviewer()
}

// take takes steps in order, each as whoever may.
func (s *shop) take(owner models.Principal, id models.ID, names ...string) {
	s.t.Helper()
	for _, name := range names {
		if err := s.steps(owner)[name](actor(name, owner), id, fmt.Sprint(s.IDs("key"))); err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
	}
}

// balance is what an owner has, in minor units: free and held.
func (s *shop) balance(owner models.ID) [2]int64 {
	s.t.Helper()
	accounts, err := s.Ledger.Accounts(context.Background(), s.DB, []string{string(owner)})
	s.want(err, "")
	b := models.BalanceOf(accounts, models.CNY, noon)
	return [2]int64{b.Available.Minor, b.Held.Minor}
}

// receive posts to an owner's cash from the outside, for a reason.
func (s *shop) receive(kind models.OwnerKind, owner models.ID, why models.TransferKind, amounts ...int64) {
	s.t.Helper()
	s.want(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		return s.post(ctx, tx, kind, owner, why, amounts...)
	}), "")
}

// recharged puts money into a partner's balance as an online recharge through the channel.
func (s *shop) recharged(channel models.RechargeChannel, partner models.ID, minor int64) {
	s.t.Helper()
	recharge := models.Recharge{
		ID: s.Ledger.IDs(models.PrefixRecharge), PartnerID: partner, Cloud: "sim", SigningEntity: "sim", Method: models.RechargeOnline,
		Channel: channel, Currency: models.CNY, AmountMinor: minor, State: models.RechargePending,
		ExpiresAt: s.Now(), CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}
	recharge.Reference = string(recharge.ID)
	s.insert(&recharge)
	s.want(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		return s.postFor(ctx, tx, recharge.ID, models.OwnerPartner, partner, models.TransferRecharge, minor)
	}), "")
}

// reload reads a withdrawal as it is now.
func (s *shop) reload(id models.ID) models.Withdrawal {
	s.t.Helper()
	found, err := s.WithdrawalsByIDs(context.Background(), reviewer(), []models.ID{id})
	s.want(err, "")
	return found[id]
}

func (s *shop) post(ctx context.Context, tx bun.IDB, kind models.OwnerKind, owner models.ID, why models.TransferKind, amounts ...int64) error {
	return s.postFor(ctx, tx, "", kind, owner, why, amounts...)
}

func (s *shop) postFor(ctx context.Context, tx bun.IDB, subject models.ID, kind models.OwnerKind, owner models.ID, why models.TransferKind, amounts ...int64) error {
	world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountWorld, Asset: "CNY"})
	if err != nil {
		return err
	}
	to, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: kind, OwnerID: string(owner), Kind: models.AccountBalance, Asset: "CNY", Floor: new(int64)})
	if err != nil {
		return err
	}
	for _, amount := range amounts {
		_, _, err = s.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: why, SubjectID: subject, Legs: []ledger.Leg{{AccountID: world.ID, AmountMinor: -amount}, {AccountID: to.ID, AmountMinor: amount}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
