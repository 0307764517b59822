package apitest

import (
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
)

// rechargeMutations are those of money that comes in from outside, all by bank transfer: that needs no payment provider.
func rechargeMutations() map[string]MoneyMutation {
	const credits = "it puts money in"
	const claim = "{claim{id state credited{amount} decidedAt} balance{available{amount} version}}"
	one := decimal.New(100, -2)
	return map[string]MoneyMutation{
		"startRecharge": {
			Selection: "{recharge{id reference state amount{amount} instructions createdAt expiresAt}}",
			Event:     models.EventRechargeStarted, NoDebit: "it moves nothing until the money arrives",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				return always(w.lone(t).Key, map[string]any{"amount": "1.00", "method": models.RechargeBankTransfer}, "amount", "1.01")
			},
		},
		"confirmRecharge": {
			Selection: "{recharge{id state received{amount} confirmedAt} balance{available{amount} version}}", NoDebit: credits,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				started, err := w.Funds.StartRecharge(t.Context(), w.as(w.lone(t)), funds.StartRecharge{
					Amount: one, Method: models.RechargeBankTransfer, IdempotencyKey: "start",
				})
				must(t, err)
				return always(w.OperatorKey, map[string]any{
					"rechargeId": started.Recharge.ID, "receivedAmount": "1.00", "providerReference": w.tag(),
				}, "receivedAmount", "1.01")
			},
		},
		"recordRemittance": {
			Selection: "{remittance{id bankReference payerName amount{amount} state createdAt}}",
			Event:     models.EventRemittanceRecorded, NoDebit: "it moves nothing until the money is claimed",
			Prepare: func(_ *testing.T, w *World, _ int) MoneyCalls {
				return always(w.OperatorKey, map[string]any{
					"signingEntity": "Cloud", "bankReference": w.tag(), "payerName": "payer", "amount": "1.00", "currency": models.CNY,
					"receivedOn": models.DateOf(w.Now()),
				}, "payerName", "another")
			},
		},
		"claimRemittance": {Selection: claim, NoDebit: credits, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			found := w.Arrived(t, w.tag(), "payer", one)
			return always(w.lone(t).Key, map[string]any{
				"amount": "1.00", "payerName": "payer", "remittedOn": found.ReceivedOn, "bankReference": found.BankReference,
			}, "payerName", "another")
		}},
		"reviewRemittanceClaim": {Selection: claim, NoDebit: credits, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			claimed, err := w.Funds.ClaimRemittance(t.Context(), w.as(w.lone(t)), funds.ClaimRemittance{
				Amount: one, PayerName: w.tag(), RemittedOn: models.DateOf(w.Now()), IdempotencyKey: "claim",
			})
			must(t, err)
			found := w.Arrived(t, w.tag(), w.tag(), one)
			return always(w.OperatorKey, map[string]any{
				"claimId": claimed.Claim.ID, "remittanceId": found.ID, "approve": true,
			}, "reason", "another")
		}},
	}
}
