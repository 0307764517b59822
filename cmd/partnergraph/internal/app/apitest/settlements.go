package apitest

import (
	"context"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/settlements"
)

// Line gives a customer a line on account, in minor units.
func (w *World) Line(t *testing.T, b *Buyer, minor int64) {
	t.Helper()
	_, err := w.Accounts.Set(t.Context(), w.who, settlements.SetLine{
		CustomerID: b.Customer.ID, Amount: decimal.New(minor, -2), Reason: "test", IdempotencyKey: "line " + string(b.Customer.ID),
	})
	must(t, err)
}

// onAccount has what a customer does in between put a little on account, paid and over when it returns. A solution provider has enough events of its
// own to fill a page.
func (w *World) onAccount(ctx context.Context, t *testing.T, b *Buyer, do func()) {
	t.Helper()
	if b.Owner.Partner.Kind == models.SolutionProvider {
		do()
		return
	}
	w.lined++
	w.Line(t, b, 1_303+7*w.lined)
	do()
	_, err := w.Accounts.Pay(ctx, w.as(b), settlements.PayOwed{CustomerID: b.Customer.ID, IdempotencyKey: "owed " + b.Tag})
	must(t, err)
	_, err = w.Accounts.End(ctx, w.who, settlements.EndLine{CustomerID: b.Customer.ID, Reason: "test", IdempotencyKey: "end " + b.Tag})
	must(t, err)
}

// sellAt has the seller of a customer's dear order set its price, at what it costs.
func (w *World) sellAt(ctx context.Context, t *testing.T, b *Buyer) {
	t.Helper()
	if b.Owner.Partner.Kind == models.SolutionProvider {
		return
	}
	done, err := w.Orders.AdjustPrice(ctx, w.who, orders.AdjustPrice{
		OrderID: b.Dear.ID, Mode: models.DiscountRate, Value: decimal.New(1, 0), Reason: b.Tag + " agreed", IdempotencyKey: "price " + b.Tag,
	})
	must(t, err)
	b.Dear = done.Order
	w.text(b.Tag+" agreed", b.Dear.ID)
}

// indexSettlements learns whose months on account and prices of orders there are.
func (w *World) indexSettlements(ctx context.Context, t *testing.T, buyers map[models.ID]*Buyer) {
	t.Helper()
	var months []models.MonthlySettlement
	must(t, w.DB.NewSelect().Model(&months).Scan(ctx))
	for _, row := range months {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	var prices []struct{ ID, CustomerID models.ID }
	must(t, w.DB.NewSelect().Table("price_adjustments").ColumnExpr("price_adjustments.id, o.customer_id").Join("JOIN orders AS o ON o.id = price_adjustments.order_id").
		Scan(ctx, &prices))
	for _, row := range prices {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
}

// settlementMutations are those of buying on account, and of the seller's price, that take a key.
func settlementMutations() map[string]MoneyMutation {
	const account = "account{line{amount} used{amount} available{amount}}"
	lined := func(t *testing.T, w *World) *Buyer {
		b := w.Empty(t, w.Providers[0], w.tag())
		w.Line(t, b, 20_000)
		return b
	}
	return map[string]MoneyMutation{
		"setMonthlySettlement": {
			Selection: "{customerId " + account + "}", Event: models.EventSettlementLineSet, NoDebit: "it says how much may be owed, and takes nothing",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				return always(w.OperatorKey, map[string]any{"customerId": w.Empty(t, w.Providers[0], w.tag()).Customer.ID, "amount": "1.00", "reason": "test"}, "amount", "1.01")
			},
		},
		"endMonthlySettlement": {
			Selection: "{customerId " + account + "}", Event: models.EventSettlementLineEnded, NoDebit: "it takes nothing",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				return always(w.OperatorKey, map[string]any{"customerId": lined(t, w).Customer.ID, "reason": "test"}, "reason", "another")
			},
		},
		"payMonthlySettlement": {
			Selection: "{customerId paid{amount} " + account + " balance{available{amount} version}}", OnlyOne: "it pays all that is owed (O04)",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				b := lined(t, w)
				placed, err := w.Orders.Place(t.Context(), w.who, orders.PlaceOrder{CustomerID: b.Customer.ID, Items: []orders.PlaceItem{{
					ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4",
					Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, AmountMinor: 10_000,
				}}})
				must(t, err)
				w.Pay(t, b, orders.PayOrder{OrderID: placed.ID, IdempotencyKey: "on account " + b.Tag})
				calls := always(b.Key, map[string]any{"customerId": b.Customer.ID}, "customerId", w.Providers[0].Resale.Customer.ID)
				calls.Spends = Cash(models.OwnerCustomer, b.Customer.ID)
				return calls
			},
		},
		"adjustOrderPrice": {
			Selection: "{order{id total{amount}} adjustment{id amount{amount}}}", Event: models.EventOrderPriceAdjusted, NoDebit: "it sets a price, and takes nothing",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				b := w.Empty(t, w.Providers[0], w.tag())
				order := w.Bills(t, b, 1)[0].ID
				return always(b.Owner.Key, map[string]any{"orderId": order, "mode": models.DiscountRate, "value": "0.5", "reason": "test"}, "value", "0.6")
			},
		},
		"restoreOrderPrice": {
			Selection: "{order{id total{amount} priceAdjustment{id}}}", Event: models.EventOrderPriceRestored, NoDebit: "it sets a price, and takes nothing",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				b := w.Empty(t, w.Providers[0], w.tag())
				order := w.Bills(t, b, 1)[0].ID
				_, err := w.Orders.AdjustPrice(t.Context(), selfOf(b.Owner), orders.AdjustPrice{
					OrderID: order, Mode: models.DiscountFixed, Value: decimal.New(5, -1), Reason: "test", IdempotencyKey: "adjust " + b.Tag,
				})
				must(t, err)
				return always(b.Owner.Key, map[string]any{"orderId": order, "reason": "test"}, "reason", "another")
			},
		},
	}
}
