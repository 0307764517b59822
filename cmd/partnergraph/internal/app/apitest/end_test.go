package apitest_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
)

const ending = `mutation($i: EndAssociationInput!){endAssociation(input: $i){association{id mode until partner{id}} transfer{kind}
	partnerBalance{available{amount} version} customerBalance{total{amount} version}}}`

// TestAnAssociationEndsOverTheAPI is C13 and C14 from every side: who is refused, what is answered, and what each of them
// sees afterwards.
func TestAnAssociationEndsOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		reseller, distributor := w.Resellers[0], w.Distributors[0]
		b := reseller.Resale
		id := b.Customer.ID
		input := vars{"i": vars{"customerId": id, "reason": "asked to", "idempotencyKey": "e"}}
		wantError(t, s.Ask(t, w.OperatorKey, ending, input), "PRECONDITION_FAILED", "", "PENDING_PAYMENT_ORDERS")
		wantError(t, s.Ask(t, reseller.Key, ending, input), "FORBIDDEN", "", "")
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions(), RequestID: "test"}
		for _, order := range []models.Order{b.Waiting, b.Dear} {
			if _, err := w.Orders.Cancel(t.Context(), operator, orders.CancelOrder{OrderID: order.ID}); err != nil {
				t.Fatal(err)
			}
		}
		frozen := w.Empty(t, reseller, "frozen-one")
		w.Freeze(t, frozen)
		wantError(t, s.Ask(t, w.OperatorKey, ending, vars{"i": vars{"customerId": frozen.Customer.ID, "reason": "r", "idempotencyKey": "e"}}),
			"PRECONDITION_FAILED", "", "CUSTOMER_FROZEN")
		wantError(t, s.Ask(t, w.OperatorKey, ending, vars{"i": vars{"customerId": id, "reason": "", "idempotencyKey": "e"}}), "INVALID", "reason", "")

		const has = "{viewer{partner{balance{available{amount}}}}}"
		before := money(t, s.Ask(t, reseller.Key, has, nil).At("viewer", "partner", "balance", "available", "amount"))
		back := available(t, s, b)
		first := s.Ask(t, w.OperatorKey, ending, input)
		got := []any{
			first.At("endAssociation", "association", "mode"), first.At("endAssociation", "association", "partner", "id"),
			first.At("endAssociation", "transfer", "kind"), first.At("endAssociation", "customerBalance", "total", "amount"),
			first.At("endAssociation", "partnerBalance", "available", "amount"), first.At("endAssociation", "association", "until") != nil,
		}
		want := []any{"RESALE", string(reseller.Partner.ID), "RECALL", "0.00", before.Add(back).StringFixed(2), true}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the end (-want +got):\n%s\n%s", diff, first.Body)
		}
		if again := s.Ask(t, w.OperatorKey, ending, input); again.Body != first.Body {
			t.Errorf("the second answer differs:\n%s\n%s", first.Body, again.Body)
		}
		if after := money(t, s.Ask(t, reseller.Key, has, nil).At("viewer", "partner", "balance", "available", "amount")); !after.Equal(before.Add(back)) {
			t.Errorf("the reseller has %s, want %s", after, before.Add(back))
		}

		// Those above have lost the customer and what it runs; the orders that their money paid, and what happened, stay.
		for _, key := range []string{reseller.Key, distributor.Key} {
			wantError(t, s.Ask(t, key, "query($id: ID!){customer(id: $id){id}}", vars{"id": id}), "NOT_FOUND", "", "")
			for list, found := range map[string]any{
				"customers": s.Ask(t, key, "{customers(first: 100){nodes{id}}}", nil).At("customers", "nodes"),
				"resources": s.Ask(t, key, "query($id: ID!){resources(customerId: $id){nodes{id}}}", vars{"id": id}).At("resources", "nodes"),
			} {
				if ids := idsOf(found); slices.Contains(ids, id) || list == "resources" && len(ids) != 0 {
					t.Errorf("%s: %v", list, ids)
				}
			}
			order := s.Ask(t, key, "query($id: ID!){order(id: $id){status customer{id} resources{id}}}", vars{"id": b.Paid.ID})
			if diff := cmp.Diff(any(vars{"status": "COMPLETED", "customer": nil, "resources": []any{}}), order.At("order")); diff != "" {
				t.Errorf("the order of the time (-want +got):\n%s", diff)
			}
		}
		const told = `query($id: ID!){events(subjectId: $id, type: ["customer.disassociated"]){nodes{subjectId}}}`
		for name, key := range map[string]string{"the reseller": reseller.Key, "the customer": b.Key} {
			if nodes, _ := s.Ask(t, key, told, vars{"id": id}).At("events", "nodes").([]any); len(nodes) != 1 {
				t.Errorf("%s: %d events", name, len(nodes))
			}
		}
		own := s.Ask(t, b.Key, "{viewer{partner{id} customer{association{id} balance{total{amount}} balanceAlert{state} orders{totalCount} resources{totalCount}}}}", nil)
		wantOwn := vars{"partner": nil, "customer": vars{
			"association": nil, "balance": vars{"total": vars{"amount": "0.00"}}, "balanceAlert": nil,
			"orders": vars{"totalCount": 4.0}, "resources": vars{"totalCount": 5.0},
		}}
		if diff := cmp.Diff(any(wantOwn), own.At("viewer")); diff != "" {
			t.Errorf("the customer itself (-want +got):\n%s", diff)
		}
		s.Sound(t)
	})
}

// TestEverybodyMovesMoneyWhileAssociationsEnd: customers pay and are funded over HTTP while their associations end. Each is
// left with nothing, and the partner has what was not spent.
func TestEverybodyMovesMoneyWhileAssociationsEnd(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		const has = "{viewer{partner{balance{available{amount}}}}}"
		const paying = "mutation($i: PayOrderInput!){payOrder(input: $i){order{id}}}"
		before := money(t, s.Ask(t, p.Key, has, nil).At("viewer", "partner", "balance", "available", "amount"))
		spent := before.Sub(before)
		for round := range 4 {
			b := w.Empty(t, p, fmt.Sprintf("leaving-%d", round))
			order := w.Place(t, b, fmt.Sprintf("last-order-%d", round), 5_000)
			fund := func(amount, key string) string {
				return fmt.Sprint(s.Ask(t, p.Key, moving("fundCustomer", "customerBalance"), vars{"i": vars{
					"customerId": b.Customer.ID, "amount": amount, "idempotencyKey": fmt.Sprint(round, key),
				}}).Codes())
			}
			if got := fund("500", "first"); got != "[]" {
				t.Fatal(got)
			}
			var clients sync.WaitGroup
			var counting sync.Mutex
			answers := map[string]int{}
			note := func(what, codes string) {
				counting.Lock()
				defer counting.Unlock()
				answers[what+codes]++
			}
			for i := range 8 {
				clients.Go(func() { note("fund", fund("1.11", fmt.Sprint(i))) })
				clients.Go(func() {
					note("pay", fmt.Sprint(s.Ask(t, b.Key, paying, vars{"i": vars{"orderId": order.ID, "idempotencyKey": fmt.Sprint("p", round)}}).Codes()))
				})
				clients.Go(func() {
					note("end", fmt.Sprint(s.Ask(t, w.OperatorKey, ending, vars{"i": vars{
						"customerId": b.Customer.ID, "reason": "r", "idempotencyKey": fmt.Sprint("end", round),
					}}).Codes()))
				})
			}
			clients.Wait()
			for answer := range answers {
				switch answer {
				case "fund[]", "fund[NOT_FOUND]", "pay[]", "end[]", "end[PRECONDITION_FAILED]": // the order waited still
				default:
					t.Errorf("round %d: %d times %s", round, answers[answer], answer)
				}
			}
			if answers["pay[]"] != 8 {
				t.Errorf("round %d: the payment: %v", round, answers)
			}
			spent = spent.Add(order.Total().Amount())
			final := s.Ask(t, w.OperatorKey, ending, vars{"i": vars{"customerId": b.Customer.ID, "reason": "r", "idempotencyKey": fmt.Sprint("end", round)}})
			if len(final.Errors) > 0 || !available(t, s, b).IsZero() {
				t.Errorf("round %d: left with %s; %s", round, available(t, s, b), final.Body)
			}
		}
		if after := money(t, s.Ask(t, p.Key, has, nil).At("viewer", "partner", "balance", "available", "amount")); !after.Equal(before.Sub(spent)) {
			t.Errorf("the partner has %s, want %s", after, before.Sub(spent))
		}
		s.Sound(t)
	}, apitest.Wide)
}

// money reads an amount of an answer.
func money(t *testing.T, amount any) decimal.Decimal {
	t.Helper()
	text, _ := amount.(string)
	value, err := decimal.NewFromString(text)
	if err != nil {
		t.Fatalf("%v: %v", amount, err)
	}
	return value
}
