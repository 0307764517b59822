package orders_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// QuotesByIDs makes the shop one that finds its quote again.
func (s *shop) QuotesByIDs(_ context.Context, _ models.Principal, ids []models.ID) (map[models.ID]models.Quote, error) {
	found := map[models.ID]models.Quote{}
	for _, id := range ids {
		found[id] = s.quote
	}
	return found, nil
}

func TestAnotherPriceOfTheQuoteIsChosen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 20_000)
		me, discount := asCustomer(w.ofProvider), w.IDs(models.PrefixDiscount)
		market := &shop{quote: quoteFor(w.ofProvider, discount)}
		w.Quotes, w.Offers = market, market
		place := func() models.Order {
			t.Helper()
			done, err := w.PlaceQuoted(w.ctx, me, orders.PlaceFromQuote{CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: string(w.IDs("k"))})
			if err != nil {
				t.Fatal(err)
			}
			return done.Order
		}
		choose := func(who models.Principal, id models.ID, discount *models.ID) (models.Order, error) {
			done, err := w.ChooseDiscount(w.ctx, who, orders.ChooseOrderDiscount{OrderID: id, DiscountID: discount})
			return done.Order, err
		}
		order := place()
		if _, err := w.AskPartner(w.ctx, me, orders.RequestPartnerPayment{OrderID: order.ID}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			discount *models.ID
			amounts  []int64
		}{{nil, []int64{12_000, 10_000, 2_000}}, {nil, []int64{12_000, 10_000, 2_000}}, {&discount, []int64{10_800, 9_000, 1_800}}} {
			got, err := choose(me, order.ID, step.discount)
			if err != nil {
				t.Fatal(err)
			}
			items, err := w.ItemsFor(w.ctx, me, []models.ID{order.ID})
			lines := items[order.ID]
			if diff := cmp.Diff(step.amounts, []int64{got.TotalMinor, lines[0].AmountMinor, lines[1].AmountMinor}); err != nil || diff != "" {
				t.Error(err, diff)
			}
			if got.PartnerAskedAt != nil || w.order(order.ID).TotalMinor != got.TotalMinor {
				t.Errorf("%+v", got)
			}
		}
		var told int
		if err := db.NewSelect().Table("events").ColumnExpr("COUNT(*)").Where("type = ?", models.EventOrderDiscountChosen).Scan(w.ctx, &told); err != nil || told != 2 {
			t.Errorf("told %d times, want 2: the same again is no change; %v", told, err)
		}
		held, paid, cancelled, late := place(), place(), place(), place()
		if err := w.hold(w.ofProvider, held.ID, "hold"); err != nil {
			t.Fatal(err)
		}
		w.give(w.ofProvider, 10_800)
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: paid.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Cancel(w.ctx, me, orders.CancelOrder{OrderID: cancelled.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.NewUpdate().Table("orders").Set("pay_by = ?", w.Now()).Where("id = ?", late.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		plain := w.place(w.ofProvider, 100)
		before := rows(t, w)
		for name, row := range map[string]struct {
			who      models.Principal
			order    models.ID
			discount *models.ID
			want     string
		}{
			"not offered":        {me, order.ID, ptr(w.IDs(models.PrefixDiscount)), "DISCOUNT_NOT_OFFERED"},
			"no discount's id":   {me, order.ID, ptr(order.ID), "INVALID"},
			"no order's id":      {me, discount, nil, "INVALID"},
			"without a quote":    {me, plain.ID, nil, "DISCOUNT_NOT_OFFERED"},
			"money is set aside": {me, held.ID, nil, "ORDER_ALREADY_HELD"},
			"paid":               {me, paid.ID, nil, "ORDER_ALREADY_PAID"},
			"cancelled":          {me, cancelled.ID, nil, "ORDER_CANCELLED"},
			"too late":           {me, late.ID, nil, "ORDER_PAYMENT_DEADLINE_PASSED"},
			"its partner":        {asPartner(w.provider), order.ID, nil, "FORBIDDEN"},
			"somebody else":      {asCustomer(w.ofReseller), order.ID, nil, "NOT_FOUND"},
			"nobody":             {models.Principal{}, order.ID, nil, "UNAUTHENTICATED"},
		} {
			if _, err := choose(row.who, row.order, row.discount); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		w.ReviewAbove = 11_000
		if _, err := choose(me, order.ID, nil); reasonOf(err) != "REVIEW_NEEDED" {
			t.Error(err)
		}
		if diff := cmp.Diff(before, rows(t, w)); diff != "" || w.order(order.ID).TotalMinor != 10_800 {
			t.Errorf("refusals left something behind: %s", diff)
		}
		offers, err := w.Choices(w.ctx, me, w.order(order.ID))
		if err != nil || len(offers) != 1 || offers[0].DiscountID != discount {
			t.Errorf("%+v, %v", offers, err)
		}
		for _, over := range []models.ID{paid.ID, plain.ID} {
			if offers, err := w.Choices(w.ctx, me, w.order(over)); err != nil || len(offers) != 0 {
				t.Errorf("%+v, %v", offers, err)
			}
		}
	})
}

// Every move in every state of an order: those that are not among the legal ones are refused with their reason, and nothing is left behind.
func TestIllegalMovesOfAnOrderChangeNothing(t *testing.T) {
	t.Parallel()
	const pay, hold, release, cancel, ask, partner, review, refuse, choose, refund = "pay", "hold", "release", "cancel", "ask partner", "partner pays", "review", "refuse", "choose", "refund"
	waits := map[string]string{
		pay: "ORDER_NOT_PAYABLE", hold: "ORDER_NOT_PAYABLE", release: "HOLD_NOT_PENDING", cancel: "ORDER_NOT_CANCELLABLE", ask: "ORDER_NOT_PAYABLE",
		partner: "ORDER_NOT_PAYABLE", choose: "ORDER_NOT_PAYABLE", refund: "ORDER_NOT_PAID",
	}
	paid := map[string]string{
		pay: "ORDER_ALREADY_PAID", hold: "ORDER_ALREADY_PAID", release: "HOLD_NOT_PENDING", cancel: "ORDER_NOT_CANCELLABLE", ask: "ORDER_ALREADY_PAID",
		partner: "ORDER_ALREADY_PAID", review: "ORDER_NOT_IN_REVIEW", refuse: "ORDER_NOT_IN_REVIEW", choose: "ORDER_ALREADY_PAID",
	}
	confirmation := maps.Clone(waits)
	confirmation[review], confirmation[refuse] = "ORDER_NOT_IN_REVIEW", "ORDER_NOT_IN_REVIEW"
	for status, refusals := range map[models.OrderStatus]map[string]string{
		models.OrderPendingReview: waits, models.OrderPendingConfirmation: confirmation,
		models.OrderProcessing: paid, models.OrderCompleted: paid, models.OrderPendingRefund: paid,
		models.OrderPendingPayment: {
			release: "HOLD_NOT_PENDING", partner: "NOT_ASKED_TO_PAY", review: "ORDER_NOT_IN_REVIEW", refuse: "ORDER_NOT_IN_REVIEW", choose: "DISCOUNT_NOT_OFFERED",
			refund: "ORDER_NOT_PAID",
		},
		models.OrderCancelled: {
			pay: "ORDER_CANCELLED", hold: "ORDER_CANCELLED", release: "HOLD_NOT_PENDING", cancel: "ORDER_NOT_CANCELLABLE", ask: "ORDER_CANCELLED",
			partner: "ORDER_CANCELLED", review: "ORDER_NOT_IN_REVIEW", refuse: "ORDER_NOT_IN_REVIEW", choose: "ORDER_CANCELLED", refund: "ORDER_CANCELLED",
		},
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				w.give(w.ofProvider, 1_000)
				w.partnerMoney(w.provider, 1_000)
				order := w.place(w.ofProvider, 100)
				if _, isPaid := paid[pay]; isPaid && (status == models.OrderProcessing || status == models.OrderCompleted || status == models.OrderPendingRefund) {
					if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "paid"}); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := db.NewUpdate().Table("orders").Set("status = ?", status).Where("id = ?", order.ID).Exec(w.ctx); err != nil {
					t.Fatal(err)
				}
				me, id := asCustomer(w.ofProvider), order.ID
				moves := map[string]func() error{
					pay:     func() error { return second(w.Pay(w.ctx, me, orders.PayOrder{OrderID: id, IdempotencyKey: "k"})) },
					hold:    func() error { return w.hold(w.ofProvider, id, "k") },
					release: func() error { return w.release(w.ofProvider, id, "k") },
					cancel:  func() error { return second(w.Cancel(w.ctx, me, orders.CancelOrder{OrderID: id})) },
					ask: func() error {
						return second(w.AskPartner(w.ctx, me, orders.RequestPartnerPayment{OrderID: id}))
					},
					partner: func() error {
						return second(w.PayForCustomer(w.ctx, asPartner(w.provider), orders.PartnerPayOrder{OrderID: id, IdempotencyKey: "k"}))
					},
					review: func() error {
						return second(w.Review(w.ctx, operator(), orders.ReviewOrder{OrderID: id, Approve: true}))
					},
					refuse: func() error {
						return second(w.Review(w.ctx, operator(), orders.ReviewOrder{OrderID: id, Reason: ptr("no")}))
					},
					choose: func() error {
						return second(w.ChooseDiscount(w.ctx, me, orders.ChooseOrderDiscount{OrderID: id}))
					},
					refund: func() error { return second(w.Refund(w.ctx, operator(), aCentOf(id))) },
				}
				before, was := rows(t, w), w.order(id)
				w.clock.advance(time.Minute)
				for move, want := range refusals {
					if err := moves[move](); reasonOf(err) != want {
						t.Errorf("%s: %v, want %s", move, err, want)
					}
				}
				// What is past its time or past its end is left alone by the jobs as well.
				if err := w.ExpireOrder(w.ctx, id); err != nil && status != models.OrderPendingPayment {
					t.Error(err)
				}
				if diff := cmp.Diff(before, rows(t, w)); diff != "" {
					t.Errorf("refusals left something behind: %s", diff)
				}
				if diff := cmp.Diff(was, w.order(id)); diff != "" {
					t.Error(diff)
				}
				audit(t, w)
			})
		})
	}
}

// aCentOf asks for a cent of an order back.
func aCentOf(id models.ID) orders.RefundOrder {
	return orders.RefundOrder{OrderID: id, Amount: ptr(decimal.New(1, -2)), Reason: "r", IdempotencyKey: "k"}
}
