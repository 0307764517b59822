package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// settlementRows are those of buying on account, which operators give and the customer itself pays, and of the seller's price.
func settlementRows() map[string]mutationRow {
	customers := func(more map[string]any, own bool) changes {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if c.Operator || own && b == c.Buyer {
					continue
				}
				one := map[string]any{"customerId": b.Customer.ID, "idempotencyKey": "theirs"}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	// Orders that the caller does not sell: in its own name, and in the name of whoever does.
	prices := func(more map[string]any) changes {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if c.Operator {
					continue
				}
				one := map[string]any{"orderId": b.Waiting.ID, "reason": "theirs", "idempotencyKey": "theirs"}
				maps.Copy(one, more)
				sells := b.Customer.Mode == models.Resale && c.Org != nil
				if !sells || b.Owner != c.Org {
					all = append(all, one)
				}
				if !sells || b.Owner != c.Org && b.Owner.Parent != c.Org {
					named := maps.Clone(one)
					named["actingForPartnerId"] = b.Owner.Partner.ID
					all = append(all, named)
				}
			}
			return all
		}
	}
	return map[string]mutationRow{
		"setMonthlySettlement": {"{customerId}", customers(map[string]any{"amount": "9.00", "reason": "mine"}, false)},
		"endMonthlySettlement": {"{customerId}", customers(map[string]any{"reason": "mine"}, false)},
		"payMonthlySettlement": {"{customerId}", customers(nil, true)},
		"adjustOrderPrice":     {"{order{id}}", prices(map[string]any{"mode": "RATE", "value": "0.5"})},
		"restoreOrderPrice":    {"{order{id}}", prices(nil)},
	}
}
