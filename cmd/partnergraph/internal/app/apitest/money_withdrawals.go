package apitest

import (
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
)

// withdrawalMutations are those of money that goes out.
func withdrawalMutations() map[string]MoneyMutation {
	const selection = "{withdrawal{id state amount{amount} route submittedAt endedAt} balance{available{amount} held{amount} version}}"
	const frees = "it sets money free"
	const held = "it moves nothing: submitWithdrawal has set the money aside"
	// stepping is a step of withdrawals in this state by an operator, and stepped one by the owner of the only one.
	stepping := func(state models.WithdrawalState, more map[string]any) func(*testing.T, *World, int) MoneyCalls {
		return func(t *testing.T, w *World, calls int) MoneyCalls {
			return over(w.OperatorKey, "withdrawalId", several(calls+1, func() models.ID {
				_, made := w.withdrawing(t, state)
				return made.ID
			}), more)
		}
	}
	stepped := func(state models.WithdrawalState, more map[string]any) func(*testing.T, *World, int) MoneyCalls {
		return func(t *testing.T, w *World, _ int) MoneyCalls {
			owner, made := w.withdrawing(t, state)
			_, others := w.withdrawing(t, state)
			return over(owner.Key, "withdrawalId", []models.ID{made.ID, others.ID}, more)
		}
	}
	return map[string]MoneyMutation{
		"submitWithdrawal": {
			Selection: selection, Event: models.EventWithdrawalSubmitted, OnlyOne: "an owner has one withdrawal under way (M10)",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				b := w.lone(t)
				calls := always(b.Key, map[string]any{"amount": "100.00", "route": models.OriginalRoute}, "amount", "99.00")
				calls.Spends = Cash(models.OwnerCustomer, b.Customer.ID)
				return calls
			},
		},
		"cancelWithdrawal": {
			Selection: selection, Event: models.EventWithdrawalCancelled, NoDebit: frees,
			Prepare: stepped(models.WithdrawalSubmitted, nil),
		},
		"rerouteWithdrawal": {
			Selection: selection, Event: models.EventWithdrawalRerouted,
			NoDebit: "an owner has one withdrawal under way (M10), and this submits it again as submitWithdrawal does, which is raced",
			Prepare: stepped(models.WithdrawalFailedOriginal, map[string]any{
				"bankCard": map[string]any{"holder": "Holder", "number": "6222021234567890", "bank": "Bank"},
			}),
		},
		"reviewWithdrawal": {
			Selection: selection, Event: models.EventWithdrawalRejected, NoDebit: frees,
			Prepare: stepping(models.WithdrawalReviewing, map[string]any{
				"decision": models.RejectReview, "rejectionCode": models.RejectedOther, "reasonText": "test",
			}),
		},
		"payWithdrawal": {
			Selection: selection, Event: models.EventWithdrawalPaying, NoDebit: held,
			Prepare: stepping(models.WithdrawalApproved, nil),
		},
		"completeWithdrawal": {
			Selection: selection, NoDebit: "it takes what submitWithdrawal has set aside, and no more",
			Prepare: stepping(models.WithdrawalPaying, map[string]any{"bankReference": "B-1"}),
		},
		"failWithdrawal": {
			Selection: selection, Event: models.EventWithdrawalFailed, NoDebit: frees,
			Prepare: stepping(models.WithdrawalPaying, map[string]any{"reasonText": "test"}),
		},
	}
}

// withdrawing makes a customer with a withdrawal of 1.00 by the original route that has come as far as this: to a state on the
// way to FAILED_ORIGINAL_ROUTE.
func (w *World) withdrawing(t *testing.T, state models.WithdrawalState) (*Buyer, models.Withdrawal) {
	t.Helper()
	ctx, b := t.Context(), w.lone(t)
	done, err := w.Funds.SubmitWithdrawal(ctx, w.as(b), funds.SubmitWithdrawal{
		Amount: decimal.New(100, -2), Route: models.OriginalRoute, IdempotencyKey: "submit",
	})
	must(t, err)
	id := done.Withdrawal.ID
	for step := 0; done.Withdrawal.State != state; step++ {
		key := w.tag()
		switch step {
		case 0:
			done, err = w.Funds.ReviewWithdrawal(ctx, w.who, funds.ReviewWithdrawal{WithdrawalID: id, Decision: models.StartReview, IdempotencyKey: key})
		case 1:
			done, err = w.Funds.ReviewWithdrawal(ctx, w.who, funds.ReviewWithdrawal{WithdrawalID: id, Decision: models.ApproveReview, IdempotencyKey: key})
		case 2:
			done, err = w.Funds.PayWithdrawal(ctx, w.who, funds.PayWithdrawal{WithdrawalID: id, IdempotencyKey: key})
		case 3:
			done, err = w.Funds.FailWithdrawal(ctx, w.who, funds.FailWithdrawal{WithdrawalID: id, ReasonText: "test", IdempotencyKey: key})
		default:
			t.Fatalf("apitest: a withdrawal does not become %s on its way", state)
		}
		must(t, err)
	}
	return b, done.Withdrawal
}
