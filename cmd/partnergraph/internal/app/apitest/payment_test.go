package apitest_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

const payOrder = `mutation($i: PayOrderInput!){payOrder(input: $i){order{id status paidAt} balance{available{amount} version} returnUrl}}`

func paying(order models.ID, key string) map[string]any {
	return map[string]any{"i": map[string]any{"orderId": order, "idempotencyKey": key}}
}

func available(t *testing.T, s *apitest.Server, b *apitest.Buyer) decimal.Decimal {
	t.Helper()
	answer := s.Ask(t, b.Key, "{viewer{customer{balance{available{amount}}}}}", nil)
	text, _ := answer.At("viewer", "customer", "balance", "available", "amount").(string)
	amount, err := decimal.NewFromString(text)
	if err != nil {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	return amount
}

// TestPaymentsThatAreRefusedChangeNothing: each by its code and reason, every row compared afterwards.
func TestPaymentsThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b, advisory := w.Providers[0].Resale, w.Providers[0].Advisory
		cancelled := w.Place(t, b, "cancelled", 100)
		w.Cancel(t, b, cancelled.ID)
		frozen := w.Providers[1].Resale
		w.Freeze(t, frozen)
		narrow := w.KeyOfBuyer(t, b, models.ReadOrders)
		late := w.PlaceUntil(t, b, "late", 100, s.Clock.Now().Add(time.Minute))
		s.Clock.Advance(2 * time.Minute)
		before := s.Fingerprint(t)
		for name, c := range map[string]struct {
			key                 string
			variables           vars
			code, field, reason string
		}{
			"paid":                     {b.Key, paying(b.Paid.ID, "k1"), "PRECONDITION_FAILED", "", "ORDER_ALREADY_PAID"},
			"cancelled":                {b.Key, paying(cancelled.ID, "k2"), "PRECONDITION_FAILED", "", "ORDER_CANCELLED"},
			"past its deadline":        {b.Key, paying(late.ID, "k3"), "PRECONDITION_FAILED", "", "ORDER_PAYMENT_DEADLINE_PASSED"},
			"too dear":                 {b.Key, paying(b.Dear.ID, "k4"), "INSUFFICIENT_BALANCE", "", ""},
			"another's":                {b.Key, paying(frozen.Waiting.ID, "k5"), "NOT_FOUND", "", ""},
			"another's, same partner":  {b.Key, paying(advisory.Waiting.ID, "k5"), "NOT_FOUND", "", ""},
			"nobody's":                 {b.Key, paying("ord_01h455vb4pex5vsknk084sn02q", "k5"), "NOT_FOUND", "", ""},
			"by its partner":           {b.Owner.Key, paying(b.Waiting.ID, "k6"), "FORBIDDEN", "", ""},
			"by the operator":          {w.OperatorKey, paying(b.Waiting.ID, "k6"), "FORBIDDEN", "", ""},
			"without a credential":     {"", paying(b.Waiting.ID, "k6"), "UNAUTHENTICATED", "", ""},
			"with a reading key":       {narrow, paying(b.Waiting.ID, "k6"), "FORBIDDEN", "", ""},
			"by a frozen customer":     {frozen.Key, paying(frozen.Waiting.ID, "k7"), "PRECONDITION_FAILED", "", "CUSTOMER_FROZEN"},
			"with a customer's id":     {b.Key, paying(b.Customer.ID, "k8"), "INVALID", "orderId", ""},
			"with an id that is none":  {b.Key, paying("ord_x", "k8"), "INVALID", "orderId", ""},
			"without a key":            {b.Key, paying(b.Waiting.ID, ""), "INVALID", "idempotencyKey", ""},
			"with an endless key":      {b.Key, paying(b.Waiting.ID, strings.Repeat("k", 129)), "INVALID", "idempotencyKey", ""},
			"with a key of signs":      {b.Key, paying(b.Waiting.ID, "k\n"), "INVALID", "idempotencyKey", ""},
			"with four coupons":        {b.Key, vars{"i": vars{"orderId": b.Waiting.ID, "idempotencyKey": "k9", "couponIds": []any{b.Paid.ID, b.Paid.ID, b.Paid.ID, b.Paid.ID}}}, "INVALID", "couponIds", ""},
			"with another's coupon":    {b.Key, vars{"i": vars{"orderId": b.Waiting.ID, "idempotencyKey": "k9", "couponIds": []any{frozen.Coupon.ID}}}, "NOT_FOUND", "couponIds", ""},
			"with what is no coupon":   {b.Key, vars{"i": vars{"orderId": b.Waiting.ID, "idempotencyKey": "k9", "couponIds": []any{b.Paid.ID}}}, "INVALID", "couponIds", ""},
			"with an amount of a hand": {b.Key, vars{"i": vars{"orderId": b.Waiting.ID, "idempotencyKey": "k9", "amount": 0.01}}, "GRAPHQL_VALIDATION_FAILED", "", ""},
		} {
			t.Run(name, func(t *testing.T) {
				answer := s.Ask(t, c.key, payOrder, c.variables)
				wantError(t, answer, c.code, c.field, c.reason)
				if c.code == "INSUFFICIENT_BALANCE" {
					want := vars{"available": available(t, s, b).StringFixed(2), "required": b.Dear.Total().Amount().StringFixed(2), "currency": "CNY"}
					if diff := cmp.Diff(any(want), answer.Errors[0].Extensions["details"]); diff != "" {
						t.Error(diff)
					}
				}
			})
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		s.Sound(t)
	})
}

// TestAKeyPaysOnce: the same key answers the same, on another order it is a conflict, and another customer's is its own.
func TestAKeyPaysOnce(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Resale
		another := w.Place(t, b, "another", 100)
		had := available(t, s, b)
		first := s.Ask(t, b.Key, payOrder, paying(b.Waiting.ID, "once"))
		if len(first.Errors) > 0 || first.At("payOrder", "order", "status") != "PROCESSING" {
			t.Fatal(first.Body)
		}
		wantSignedBack(t, first, w.Providers[0].PlatformID, b.Waiting.ID)
		want := had.Sub(b.Waiting.Total().Amount())
		paid := s.Fingerprint(t)

		again := s.Ask(t, b.Key, payOrder, paying(b.Waiting.ID, "once"))
		for _, part := range []string{"order", "balance"} {
			if diff := cmp.Diff(first.At("payOrder", part), again.At("payOrder", part)); diff != "" {
				t.Errorf("the second answer differs: %s", diff)
			}
		}
		wantError(t, s.Ask(t, b.Key, payOrder, paying(another.ID, "once")), "CONFLICT", "", "")
		wantError(t, s.Ask(t, b.Key, payOrder, paying(b.Waiting.ID, "twice")), "PRECONDITION_FAILED", "", "ORDER_ALREADY_PAID")
		if diff := cmp.Diff(paid, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		if got := available(t, s, b); !got.Equal(want) {
			t.Errorf("%s left, want %s", got, want)
		}
		// A refusal leaves the key free, and keys are each organisation's own.
		wantError(t, s.Ask(t, b.Key, payOrder, paying(b.Dear.ID, "free")), "INSUFFICIENT_BALANCE", "", "")
		for _, attempt := range []struct {
			buyer *apitest.Buyer
			order models.ID
			key   string
		}{{b, another.ID, "free"}, {w.Providers[0].Advisory, w.Providers[0].Advisory.Waiting.ID, "once"}} {
			if answer := s.Ask(t, attempt.buyer.Key, payOrder, paying(attempt.order, attempt.key)); len(answer.Errors) > 0 {
				t.Errorf("%s: %s", attempt.key, answer.Body)
			}
		}
		s.Sound(t)
	})
}

func wantSignedBack(t *testing.T, answer apitest.Answer, platform string, order models.ID) {
	t.Helper()
	text, _ := answer.At("payOrder", "returnUrl").(string)
	back, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	if back.Host != "provider0.example.com" || back.Path != "/paid" || q.Get("orderId") != string(order) || q.Get("platformId") != platform ||
		q.Get("status") != "PROCESSING" || len(q.Get("signature")) != 64 || q.Get("nonce") == "" || q.Get("issuedAt") == "" {
		t.Errorf("the way back is %s", text)
	}
}

// TestManyPaymentsAtOnceTakeTheMoneyOnce presses the button from sixteen places, half of them with the same key.
func TestManyPaymentsAtOnceTakeTheMoneyOnce(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Resellers[0].Resale
		want := available(t, s, b).Sub(b.Waiting.Total().Amount())
		answers := make([]apitest.Answer, 16)
		var group sync.WaitGroup
		for i := range answers {
			key := "same"
			if i%2 == 1 {
				key = fmt.Sprintf("own-%d", i)
			}
			group.Go(func() { answers[i] = s.Ask(t, b.Key, payOrder, paying(b.Waiting.ID, key)) })
		}
		group.Wait()
		paid := map[string]int{}
		for i, answer := range answers {
			switch {
			case len(answer.Errors) == 0:
				paid[map[bool]string{true: "same", false: fmt.Sprint(i)}[i%2 == 0]]++
			default:
				wantError(t, answer, "PRECONDITION_FAILED", "", "ORDER_ALREADY_PAID")
			}
		}
		if len(paid) != 1 {
			t.Errorf("paid by %v", paid)
		}
		if got := available(t, s, b); !got.Equal(want) {
			t.Errorf("%s left, want %s", got, want)
		}
		s.Sound(t)
	})
}
