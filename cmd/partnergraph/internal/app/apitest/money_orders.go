package apitest

import (
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
)

// orderMutations are those of money for orders.
func orderMutations() map[string]MoneyMutation {
	const selection = "{order{id status paidAt} balance{available{amount} version}}"
	// prepared is orders of one customer in the state that their call wants.
	prepared := func(t *testing.T, w *World, calls int, prepare func(b *Buyer, order models.ID)) (b *Buyer, ids []models.ID) {
		b = w.Empty(t, w.rich(t, models.SolutionProvider, nil), w.tag())
		for _, order := range w.Bills(t, b, calls+1) {
			if prepare != nil {
				prepare(b, order.ID)
			}
			ids = append(ids, order.ID)
		}
		return b, ids
	}
	spending := func(t *testing.T, w *World, calls int) MoneyCalls {
		b, ids := prepared(t, w, calls, nil)
		made := over(b.Key, "orderId", ids, nil)
		made.Spends = Cash(models.OwnerCustomer, b.Customer.ID)
		return made
	}
	return map[string]MoneyMutation{
		"payOrder":         {Selection: selection, Prepare: spending},
		"holdOrderPayment": {Selection: selection, Event: models.EventOrderHeld, Prepare: spending},
		"releaseOrderHold": {
			Selection: selection, Event: models.EventOrderHoldReleased, NoDebit: "it sets money free",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				b, ids := prepared(t, w, calls, func(b *Buyer, order models.ID) {
					_, err := w.Orders.HoldPayment(t.Context(), w.as(b), orders.HoldOrderPayment{OrderID: order, IdempotencyKey: "hold " + string(order)})
					must(t, err)
				})
				return over(b.Key, "orderId", ids, nil)
			},
		},
		"refundOrder": {
			Selection: "{refund{id amount{amount} destination transferId createdAt} order{id status} balance{available{amount} version}}",
			NoDebit:   "it takes from the cloud's revenue, which may fall below zero, and never more than was paid",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				_, ids := prepared(t, w, calls, func(b *Buyer, order models.ID) {
					w.Pay(t, b, orders.PayOrder{OrderID: order, IdempotencyKey: "pay " + string(order)})
				})
				return over(w.OperatorKey, "orderId", ids, map[string]any{"amount": "1.00", "reason": "test"})
			},
		},
	}
}
