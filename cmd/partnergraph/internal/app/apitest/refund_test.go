package apitest_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

const (
	refundOrder = `mutation($i: RefundOrderInput!){refundOrder(input: $i){
		refund{id orderId itemId amount{amount currency} destination transferId reason reversed} order{id status refundable{amount}} balance{available{amount}}}}`
	reverseTransfer = `mutation($i: ReverseTransferInput!){reverseTransfer(input: $i){transfer{id kind} balances{ownerId balance{available{amount}}}}}`
	holdOrder       = `mutation($i: HoldOrderPaymentInput!){holdOrderPayment(input: $i){order{id status hold{amount{amount} expiresAt state}} balance{available{amount} held{amount}}}}`
	releaseOrder    = `mutation($i: ReleaseOrderHoldInput!){releaseOrderHold(input: $i){order{id hold{state}} balance{available{amount} held{amount}}}}`
	moneyOfOrder    = `query($id: ID!){order(id: $id){refundable{amount} refunds{id reversed} hold{state}}}`
)

// exactly makes a fresh customer that has exactly so much, in minor units.
func exactly(t *testing.T, w *apitest.World, s *apitest.Server, owner *apitest.Org, tag string, minor int64) *apitest.Buyer {
	t.Helper()
	b := w.Empty(t, owner, tag)
	rest := available(t, s, b).Shift(2).IntPart() - minor
	w.Move(t, models.TransferReclaim, rest, apitest.Cash(models.OwnerCustomer, b.Customer.ID), apitest.Cash(models.OwnerPartner, owner.Partner.ID))
	return b
}

// TestRefundsOverTheAPI pays an order back in parts, takes one part back, and reads all of it as those who may.
func TestRefundsOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := exactly(t, w, s, w.Providers[0], "refunded", 10_000)
		order := w.PlaceUntil(t, b, "refunded", 10_000, s.Clock.Now().Add(time.Hour))
		if before := s.Ask(t, b.Key, moneyOfOrder, vars{"id": order.ID}); before.At("order", "refundable", "amount") != "0.00" || before.At("order", "hold") != nil {
			t.Errorf("before payment: %s", before.Body)
		}
		if paid := s.Ask(t, b.Key, payOrder, paying(order.ID, "pay")); len(paid.Errors) > 0 {
			t.Fatal(paid.Body)
		}
		line := s.Ask(t, b.Key, `query($id: ID!){order(id: $id){items{id}}}`, vars{"id": order.ID}).At("order", "items", 0, "id")
		input := vars{"orderId": order.ID, "itemId": line, "amount": "30.5", "reason": "too slow", "idempotencyKey": "first"}
		first := s.Ask(t, w.OperatorKey, refundOrder, vars{"i": input})
		got := []any{
			first.At("refundOrder", "refund", "amount", "amount"), first.At("refundOrder", "refund", "itemId"), first.At("refundOrder", "refund", "destination"),
			first.At("refundOrder", "order", "status"), first.At("refundOrder", "order", "refundable", "amount"), first.At("refundOrder", "balance", "available", "amount"),
		}
		if diff := cmp.Diff([]any{"30.50", line, "CUSTOMER", "PROCESSING", "69.50", "30.50"}, got); diff != "" {
			t.Fatalf("%s\n%s", diff, first.Body)
		}
		if again := s.Ask(t, w.OperatorKey, refundOrder, vars{"i": input}); again.Body != first.Body {
			t.Errorf("the same key again: %s", again.Body)
		}
		input["amount"] = "30.51"
		wantError(t, s.Ask(t, w.OperatorKey, refundOrder, vars{"i": input}), "CONFLICT", "", "")

		transfer := first.At("refundOrder", "refund", "transferId")
		back := s.Ask(t, w.OperatorKey, reverseTransfer, vars{"i": vars{"transferId": transfer, "reason": "it was fast", "idempotencyKey": "back"}})
		want := []any{map[string]any{"ownerId": string(b.Customer.ID), "balance": map[string]any{"available": map[string]any{"amount": "0.00"}}}}
		if diff := cmp.Diff(any(want), back.At("reverseTransfer", "balances")); diff != "" || back.At("reverseTransfer", "transfer", "kind") != "REVERSAL" {
			t.Errorf("%s\n%s", diff, back.Body)
		}
		wantError(t, s.Ask(t, w.OperatorKey, reverseTransfer, vars{"i": vars{"transferId": transfer, "reason": "x", "idempotencyKey": "b2"}}),
			"PRECONDITION_FAILED", "", "ALREADY_REVERSED")
		id := first.At("refundOrder", "refund", "id")
		for _, key := range []string{b.Key, b.Owner.Key, w.OperatorKey} {
			seen := s.Ask(t, key, moneyOfOrder, vars{"id": order.ID})
			list := []any{map[string]any{"id": id, "reversed": true}}
			if diff := cmp.Diff(any(list), seen.At("order", "refunds")); diff != "" || seen.At("order", "refundable", "amount") != "100.00" {
				t.Errorf("%s\n%s", diff, seen.Body)
			}
		}
		s.Sound(t)
	})
}

// TestRefundsAndReversalsThatAreRefusedChangeNothing: each by its code, field and reason, every row compared afterwards.
func TestRefundsAndReversalsThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Resale
		cancelled := w.Place(t, b, "cancelled-refund", 100)
		w.Cancel(t, b, cancelled.ID)
		refund := func(order models.ID, more vars) vars {
			input := vars{"orderId": order, "reason": "why", "idempotencyKey": "k"}
			maps.Copy(input, more)
			return vars{"i": input}
		}
		reverse := func(transfer models.ID) vars {
			return vars{"i": vars{"transferId": transfer, "reason": "why", "idempotencyKey": "k"}}
		}
		payment := s.Ask(t, b.Key, `query($id: ID!){node(id: $id){... on OrderRefund{transferId}}}`, vars{"id": b.Refund.ID}).At("node", "transferId")
		if payment != string(b.Refund.TransferID) {
			t.Fatalf("the customer sees the transfer %v of its refund", payment)
		}
		before := s.Fingerprint(t)
		for name, c := range map[string]struct {
			key, document       string
			variables           vars
			code, field, reason string
		}{
			"not paid":           {w.OperatorKey, refundOrder, refund(b.Waiting.ID, nil), "PRECONDITION_FAILED", "", "ORDER_NOT_PAID"},
			"cancelled":          {w.OperatorKey, refundOrder, refund(cancelled.ID, nil), "PRECONDITION_FAILED", "", "ORDER_CANCELLED"},
			"too much":           {w.OperatorKey, refundOrder, refund(b.Paid.ID, vars{"amount": "9999.00"}), "PRECONDITION_FAILED", "", "REFUND_EXCEEDS_PAID"},
			"zero":               {w.OperatorKey, refundOrder, refund(b.Paid.ID, vars{"amount": "0"}), "INVALID", "amount", ""},
			"an exponent":        {w.OperatorKey, refundOrder, refund(b.Paid.ID, vars{"amount": "1e50000000"}), "INVALID", "amount", ""},
			"no reason":          {w.OperatorKey, refundOrder, refund(b.Paid.ID, vars{"reason": " "}), "INVALID", "reason", ""},
			"no key":             {w.OperatorKey, refundOrder, refund(b.Paid.ID, vars{"idempotencyKey": ""}), "INVALID", "idempotencyKey", ""},
			"an id of a partner": {w.OperatorKey, refundOrder, refund(b.Owner.Partner.ID, nil), "INVALID", "orderId", ""},
			"an order for line":  {w.OperatorKey, refundOrder, refund(b.Paid.ID, vars{"itemId": b.Paid.ID}), "INVALID", "itemId", ""},
			"nobody's order":     {w.OperatorKey, refundOrder, refund("ord_01h455vb4pex5vsknk084sn02q", nil), "NOT_FOUND", "", ""},
			"its customer":       {b.Key, refundOrder, refund(b.Paid.ID, nil), "FORBIDDEN", "", ""},
			"its partner":        {b.Owner.Key, refundOrder, refund(b.Paid.ID, nil), "FORBIDDEN", "", ""},
			"nobody":             {"", refundOrder, refund(b.Paid.ID, nil), "UNAUTHENTICATED", "", ""},
			"nobody's transfer":  {w.OperatorKey, reverseTransfer, reverse("trf_01h455vb4pex5vsknk084sn02q"), "NOT_FOUND", "", ""},
			"an order reversed":  {w.OperatorKey, reverseTransfer, reverse(b.Paid.ID), "INVALID", "transferId", ""},
			"partner reverses":   {b.Owner.Key, reverseTransfer, reverse(b.Refund.TransferID), "FORBIDDEN", "", ""},
			"customer reverses":  {b.Key, reverseTransfer, reverse(b.Refund.TransferID), "FORBIDDEN", "", ""},
			"held by a partner":  {b.Owner.Key, holdOrder, paying(b.Waiting.ID, "k"), "FORBIDDEN", "", ""},
			"held by operators":  {w.OperatorKey, holdOrder, paying(b.Waiting.ID, "k"), "FORBIDDEN", "", ""},
			"holding a paid one": {b.Key, holdOrder, paying(b.Paid.ID, "k"), "PRECONDITION_FAILED", "", "ORDER_ALREADY_PAID"},
			"holding too much":   {b.Key, holdOrder, paying(b.Dear.ID, "k"), "INSUFFICIENT_BALANCE", "", ""},
			"holding another's":  {b.Key, holdOrder, paying(w.Providers[1].Resale.Waiting.ID, "k"), "NOT_FOUND", "", ""},
			"nothing to release": {b.Key, releaseOrder, paying(b.Waiting.ID, "k"), "PRECONDITION_FAILED", "", "HOLD_NOT_PENDING"},
		} {
			t.Run(name, func(t *testing.T) {
				wantError(t, s.Ask(t, c.key, c.document, c.variables), c.code, c.field, c.reason)
			})
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		s.Sound(t)
	})
}

// TestHoldsOverTheAPI sets an order's money aside, frees it, sets it aside again and pays with it.
func TestHoldsOverTheAPI(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := exactly(t, w, s, w.Resellers[0], "holder", 10_000)
		order := w.PlaceUntil(t, b, "held", 6_000, s.Clock.Now().Add(time.Hour))
		step := func(document, verb string, variables map[string]any, state, available, held string) {
			t.Helper()
			answer := s.Ask(t, b.Key, document, variables)
			got := []any{
				answer.At(verb, "order", "hold", "state"), answer.At(verb, "balance", "available", "amount"), answer.At(verb, "balance", "held", "amount"),
			}
			if diff := cmp.Diff([]any{state, available, held}, got); diff != "" {
				t.Errorf("%s: %s\n%s", verb, diff, answer.Body)
			}
		}
		step(holdOrder, "holdOrderPayment", paying(order.ID, "h1"), "PENDING", "40.00", "60.00")
		wantError(t, s.Ask(t, b.Key, holdOrder, paying(order.ID, "h2")), "PRECONDITION_FAILED", "", "ORDER_ALREADY_HELD")
		step(releaseOrder, "releaseOrderHold", paying(order.ID, "r1"), "VOIDED", "100.00", "0.00")
		step(holdOrder, "holdOrderPayment", paying(order.ID, "h3"), "PENDING", "40.00", "60.00")
		paid := s.Ask(t, b.Key, payOrder, paying(order.ID, "p"))
		if paid.At("payOrder", "balance", "available", "amount") != "40.00" {
			t.Error(paid.Body)
		}
		for _, key := range []string{b.Key, b.Owner.Key, b.Owner.Parent.Key} {
			seen := s.Ask(t, key, `query($id: ID!){order(id: $id){status hold{state amount{amount currency}}}}`, map[string]any{"id": order.ID})
			want := map[string]any{"state": "POSTED", "amount": map[string]any{"amount": "60.00", "currency": "CNY"}}
			if diff := cmp.Diff(any(want), seen.At("order", "hold")); diff != "" {
				t.Errorf("%s\n%s", diff, seen.Body)
			}
		}
		s.Sound(t)
	})
}

// TestManyOrdersDrainABalanceOverTheAPI is R6 for payOrder, from the balance and on account, and holdOrderPayment: 100.00 and 64 clients with orders of
// 1.00.
func TestManyOrdersDrainABalanceOverTheAPI(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{"R6 payOrder": payOrder, "R6 payOrder on account": payOrder, "R6 holdOrderPayment": holdOrder} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
				const clients, each = 64, 2
				b := exactly(t, w, s, w.Providers[0], "drained", 10_000)
				if name == "R6 payOrder on account" {
					w.Line(t, b, 10_000)
					w.Leave(t, apitest.Cash(models.OwnerCustomer, b.Customer.ID), 0)
				}
				var placed []models.ID
				for i := range clients * each {
					placed = append(placed, w.PlaceUntil(t, b, fmt.Sprint("drain", i), 100, s.Clock.Now().Add(time.Hour)).ID)
				}
				got := map[string]int{}
				var counting sync.Mutex
				var all sync.WaitGroup
				for client := range clients {
					all.Go(func() {
						for i := range each {
							order := placed[client*each+i]
							answer := s.Ask(t, b.Key, document, paying(order, string(order)))
							counting.Lock()
							got[fmt.Sprint(answer.Codes())]++
							counting.Unlock()
						}
					})
				}
				all.Wait()
				if diff := cmp.Diff(map[string]int{"[]": 100, "[INSUFFICIENT_BALANCE]": clients*each - 100}, got); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
				if left := available(t, s, b); !left.IsZero() {
					t.Errorf("%s is left", left)
				}
				s.Sound(t)
			}, apitest.Wide)
		})
	}
}

// TestManyRefundsOverTheAPIPayBackOnce is R7 over HTTP: twenty at once ask for all of an order.
func TestManyRefundsOverTheAPIPayBackOnce(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Resellers[1].Resale
		answers := make([]apitest.Answer, 20)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				answers[i] = s.Ask(t, w.OperatorKey, refundOrder, map[string]any{"i": map[string]any{
					"orderId": b.Paid.ID, "reason": "all of it", "idempotencyKey": fmt.Sprint("r7-", i),
				}})
			})
		}
		all.Wait()
		paid := 0
		for _, answer := range answers {
			if len(answer.Errors) == 0 {
				paid++
				continue
			}
			wantError(t, answer, "PRECONDITION_FAILED", "", "NOTHING_TO_REFUND")
		}
		if paid != 1 {
			t.Errorf("%d refunds of everything", paid)
		}
		s.Sound(t)
	}, apitest.Wide)
}
