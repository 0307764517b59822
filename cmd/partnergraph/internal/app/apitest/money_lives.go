package apitest

import (
	"maps"
	"testing"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/orders"
)

// orderLifeMutations are those of what follows a purchase, and of placing one.
func orderLifeMutations() map[string]MoneyMutation {
	// running is so many resources of one customer, each paid with so much for a month.
	running := func(t *testing.T, w *World, n int, minor int64) (b *Buyer, ids []models.ID) {
		b = w.Empty(t, w.rich(t, models.SolutionProvider, nil), w.tag())
		order, err := w.Orders.Place(t.Context(), w.who, orders.PlaceOrder{CustomerID: b.Customer.ID, Items: []orders.PlaceItem{{
			ServiceType: "hws.service.type.ebs", ResourceType: "hws.resource.type.volume", SpecCode: "SSD", Region: "cn-north-4",
			Quantity: n, PeriodType: models.PeriodMonth, PeriodCount: 1, AmountMinor: minor * int64(n),
		}}})
		must(t, err)
		w.Pay(t, b, orders.PayOrder{OrderID: order.ID, IdempotencyKey: "run"})
		must(t, w.DB.NewSelect().Table("resources").Column("id").Where("order_id = ?", order.ID).Order("id").Scan(t.Context(), &ids))
		return b, ids
	}
	each := func(key string, ids []models.ID, more map[string]any) MoneyCalls {
		input := func(call int) map[string]any {
			one := map[string]any{"resourceIds": ids[call : call+1]}
			maps.Copy(one, more)
			return one
		}
		return MoneyCalls{Key: key, Other: input(len(ids) - 1), Input: input}
	}
	return map[string]MoneyMutation{
		"renewResources": {
			Selection: "{order{id status total{amount}} balance{available{amount} version}}",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				b, ids := running(t, w, calls+1, 100)
				made := each(b.Key, ids, map[string]any{"periodType": "MONTH", "periodCount": 1, "autoPay": true})
				made.Spends = Cash(models.OwnerCustomer, b.Customer.ID)
				return made
			},
		},
		"unsubscribeResources": {
			Selection: "{order{id status} breakdown{refund{amount} freeLeft}}", Event: models.EventOrderAccepted, NoDebit: "it gives money back, once the cloud has released everything",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				// They cost nothing, so that no refund follows while transfers are counted.
				b, ids := running(t, w, calls+1, 0)
				return each(b.Key, ids, map[string]any{"type": "RESOURCE_AND_RENEWALS", "reason": "OTHER"})
			},
		},
		"partnerPayOrder": {
			Selection: "{order{id status paidByPartner} balance{available{amount} version}}",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				b := w.Empty(t, w.rich(t, models.SolutionProvider, nil), w.tag())
				var ids []models.ID
				for _, order := range w.Bills(t, b, calls+1) {
					ids = append(ids, order.ID)
				}
				_, err := w.DB.NewUpdate().Table("orders").Set("partner_asked_at = ?", w.Now().UTC()).Where("id IN (?)", bun.List(ids)).Exec(t.Context())
				must(t, err)
				made := over(b.Owner.Key, "orderId", ids, nil)
				made.Spends = Cash(models.OwnerPartner, b.Owner.Partner.ID)
				return made
			},
		},
		"placeOrder": {
			Selection: "{order{id status total{amount}}}", Event: models.EventOrderPlaced, NoDebit: "it takes no money before it is paid",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				b := w.Empty(t, w.rich(t, models.SolutionProvider, nil), w.tag())
				quoted, err := w.Catalog.Purchase(t.Context(), w.as(b), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{ServerProduct()}})
				must(t, err)
				if quoted.Quote == nil {
					t.Fatalf("apitest: no quote: %+v", quoted.Problems)
				}
				return always(b.Key, map[string]any{"customerId": b.Customer.ID, "quoteId": quoted.Quote.ID, "name": "one"}, "name", "another")
			},
		},
	}
}
