package orders_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestPayTakesTheMoneyAndStartsTheOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		nudged := 0
		w.Nudge = func() { nudged++ }
		w.give(w.ofProvider, 10_000)
		order := w.place(w.ofProvider, 2_500)
		got, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "one"})
		if err != nil {
			t.Fatal(err)
		}
		if got.Order.Status != models.OrderProcessing || got.Order.PaidAt == nil || got.Order.TransferID == "" {
			t.Errorf("order after payment: %+v", got.Order)
		}
		if got.Balance.Available.String() != "75.00 CNY" || got.Balance.Version != 2 {
			t.Errorf("balance after payment: %s at version %d", got.Balance.Available, got.Balance.Version)
		}
		want := "https://shop.example/" + string(w.provider.ID) + "/" + string(order.ID) + "/PROCESSING"
		if got.ReturnURL == nil || *got.ReturnURL != want {
			t.Errorf("return url %v, want %s", got.ReturnURL, want)
		}
		if nudged != 1 {
			t.Errorf("the outbox was nudged %d times", nudged)
		}
		stored, err := w.ByIDs(w.ctx, operator(), []models.ID{order.ID})
		if err != nil || stored[order.ID].Status != models.OrderProcessing {
			t.Errorf("stored order: %+v, %v", stored[order.ID], err)
		}
		var due []models.OutboxRow
		if err := db.NewSelect().Model(&due).Scan(w.ctx); err != nil || len(due) != 1 || due[0].Consumer != orders.ConsumerProvision {
			t.Errorf("outbox: %+v, %v", due, err)
		}
		var types []string
		err = db.NewSelect().Model((*models.Event)(nil)).Column("type").Where("ev.partner_id = ?", w.provider.ID).OrderExpr("ev.id").Scan(w.ctx, &types)
		if diff := cmp.Diff([]string{"order.placed", "order.paid", "balance.changed"}, types); err != nil || diff != "" {
			t.Errorf("events: %v %s", err, diff)
		}
		audit(t, w)
	})
}

func TestPayIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		me := asCustomer(w.ofProvider)
		pay := func(order models.Order, key string) error {
			_, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: order.ID, IdempotencyKey: key})
			return err
		}
		open := w.place(w.ofProvider, 100)
		paid := w.place(w.ofProvider, 100)
		if err := pay(paid, "paid"); err != nil {
			t.Fatal(err)
		}
		cancelled := w.place(w.ofProvider, 100)
		if _, err := w.Cancel(w.ctx, me, orders.CancelOrder{OrderID: cancelled.ID}); err != nil {
			t.Fatal(err)
		}
		foreign := w.place(w.ofReseller, 100)
		advisory := w.place(w.advised, 100)
		dear := w.place(w.ofProvider, 9_901)
		reviewed := w.place(w.ofProvider, 100)
		if _, err := db.NewUpdate().Table("orders").Set("status = ?", models.OrderPendingReview).Where("id = ?", reviewed.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		noPermission := me
		noPermission.Permissions = []models.Permission{models.ReadOrders}
		one := models.ID("cpn_00000000000000000000000000")
		before := w.balance(w.ofProvider)
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  orders.PayOrder
			want string
		}{
			{"paid with another key", me, orders.PayOrder{OrderID: paid.ID, IdempotencyKey: "other"}, "ORDER_ALREADY_PAID"},
			{"cancelled", me, orders.PayOrder{OrderID: cancelled.ID, IdempotencyKey: "a"}, "ORDER_CANCELLED"},
			{"under review", me, orders.PayOrder{OrderID: reviewed.ID, IdempotencyKey: "a"}, "ORDER_NOT_PAYABLE"},
			{"another partner's customer's", me, orders.PayOrder{OrderID: foreign.ID, IdempotencyKey: "a"}, "NOT_FOUND"},
			{"a neighbour's of the same partner", me, orders.PayOrder{OrderID: advisory.ID, IdempotencyKey: "a"}, "NOT_FOUND"},
			{"no such order", me, orders.PayOrder{OrderID: w.IDs(models.PrefixOrder), IdempotencyKey: "a"}, "NOT_FOUND"},
			{"id of another kind", me, orders.PayOrder{OrderID: w.ofProvider.ID, IdempotencyKey: "a"}, "INVALID"},
			{"no id", me, orders.PayOrder{IdempotencyKey: "a"}, "INVALID"},
			{"one fen short", me, orders.PayOrder{OrderID: dear.ID, IdempotencyKey: "a"}, "INSUFFICIENT_BALANCE"},
			{"no key", me, orders.PayOrder{OrderID: open.ID}, "INVALID"},
			{"key with a line break", me, orders.PayOrder{OrderID: open.ID, IdempotencyKey: "a\nb"}, "INVALID"},
			{"key of another payment", me, orders.PayOrder{OrderID: open.ID, IdempotencyKey: "paid"}, "CONFLICT"},
			{"a coupon", me, orders.PayOrder{OrderID: open.ID, CouponIDs: []models.ID{one}, IdempotencyKey: "a"}, "COUPONS_NOT_AVAILABLE"},
			{"four coupons", me, orders.PayOrder{OrderID: open.ID, CouponIDs: []models.ID{one, one, one, one}, IdempotencyKey: "a"}, "INVALID"},
			{"its partner", asPartner(w.provider), orders.PayOrder{OrderID: open.ID, IdempotencyKey: "a"}, "FORBIDDEN"},
			{"a distributor", asPartner(w.distributor), orders.PayOrder{OrderID: foreign.ID, IdempotencyKey: "a"}, "FORBIDDEN"},
			{"an operator", operator(), orders.PayOrder{OrderID: open.ID, IdempotencyKey: "a"}, "FORBIDDEN"},
			{"without the permission", noPermission, orders.PayOrder{OrderID: open.ID, IdempotencyKey: "a"}, "FORBIDDEN"},
			{"nobody", models.Principal{}, orders.PayOrder{OrderID: open.ID, IdempotencyKey: "a"}, "UNAUTHENTICATED"},
		} {
			if _, err := w.Pay(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if after := w.balance(w.ofProvider); after != before {
			t.Errorf("refusals changed the balance from %d to %d", before, after)
		}
		// A refusal leaves the key free: the same key pays once the money is there.
		w.give(w.ofProvider, 1)
		if err := pay(dear, "a"); err != nil {
			t.Errorf("paying with the key of a refusal: %v", err)
		}
		audit(t, w)
	})
}

func TestPayAtAndAfterTheDeadline(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		first, second := w.place(w.ofProvider, 100), w.place(w.ofProvider, 100)
		w.clock.advance(orders.DefaultPayWithin - time.Microsecond)
		if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: first.ID, IdempotencyKey: "in time"}); err != nil {
			t.Errorf("the last microsecond: %v", err)
		}
		w.clock.advance(time.Microsecond)
		_, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: second.ID, IdempotencyKey: "late"})
		if reasonOf(err) != "ORDER_PAYMENT_DEADLINE_PASSED" {
			t.Errorf("at the deadline: %v", err)
		}
	})
}

func TestPayRefusesAFrozenCustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		order := w.place(w.ofProvider, 100)
		if _, err := db.NewUpdate().Table("customers").Set("frozen = ?", models.FrozenAccount).Where("id = ?", w.ofProvider.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		_, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "k"})
		if reasonOf(err) != "CUSTOMER_FROZEN" {
			t.Error(err)
		}
		if _, err := w.Place(w.ctx, system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: []orders.PlaceItem{server(1)}}); reasonOf(err) != "CUSTOMER_FROZEN" {
			t.Error(err)
		}
	})
}

func TestPayAgainWithTheSameKeyReturnsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		cmd := orders.PayOrder{OrderID: w.place(w.ofProvider, 2_500).ID, IdempotencyKey: "again"}
		first, err := w.Pay(w.ctx, asCustomer(w.ofProvider), cmd)
		if err != nil {
			t.Fatal(err)
		}
		w.give(w.ofProvider, 1)
		w.clock.advance(30 * 24 * time.Hour)
		second, err := w.Pay(w.ctx, asCustomer(w.ofProvider), cmd)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Error(diff)
		}
		if got := w.balance(w.ofProvider); got != 7_501 {
			t.Errorf("balance %d, want 7501", got)
		}
	})
}

func TestPayAtOnce(t *testing.T) {
	t.Parallel()
	for name, keyOf := range map[string]func(int) string{
		"the same key":   func(int) string { return "same" },
		"different keys": func(i int) string { return fmt.Sprint("key ", i) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				const callers = 16
				w := newWorld(t, db)
				w.give(w.ofProvider, 10_000)
				order := w.place(w.ofProvider, 2_500)
				errs := make([]error, callers)
				results := make([]orders.PayResult, callers)
				var all sync.WaitGroup
				for i := range callers {
					all.Go(func() {
						results[i], errs[i] = w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: keyOf(i)})
					})
				}
				all.Wait()
				paid := 0
				transfers := map[models.ID]bool{}
				for i, err := range errs {
					if err == nil {
						paid++
						transfers[results[i].Order.TransferID] = true
					} else if reasonOf(err) != "ORDER_ALREADY_PAID" {
						t.Errorf("caller %d: %v", i, err)
					}
				}
				if want := map[bool]int{true: callers, false: 1}[name == "the same key"]; paid != want {
					t.Errorf("%d callers were told of a payment, want %d", paid, want)
				}
				written, err := db.NewSelect().Model((*models.Transfer)(nil)).Where("t.order_id = ?", order.ID).Count(w.ctx)
				if err != nil || written != 1 || len(transfers) != 1 {
					t.Errorf("%d transfers written, %d told, %v: want one", written, len(transfers), err)
				}
				if got := w.balance(w.ofProvider); got != 7_500 {
					t.Errorf("balance %d, want 7500", got)
				}
				audit(t, w)
			})
		})
	}
}

func TestPayAndCancelAtOnceHaveOneWinner(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 1_000)
		for i := range 8 {
			order := w.place(w.ofProvider, 100)
			var payErr, cancelErr error
			var both sync.WaitGroup
			both.Go(func() {
				_, payErr = w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: fmt.Sprint(i)})
			})
			both.Go(func() {
				_, cancelErr = w.Cancel(w.ctx, asCustomer(w.ofProvider), orders.CancelOrder{OrderID: order.ID})
			})
			both.Wait()
			if (payErr == nil) == (cancelErr == nil) {
				t.Fatalf("pay: %v, cancel: %v; want exactly one to win", payErr, cancelErr)
			}
			if payErr != nil && reasonOf(payErr) != "ORDER_CANCELLED" || cancelErr != nil && !errors.Is(cancelErr, orders.ErrNotCancellable) {
				t.Errorf("pay: %v, cancel: %v", payErr, cancelErr)
			}
		}
		audit(t, w)
	})
}

func TestPayWithoutAWayBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Returns = platform{err: errSigning}
		order := w.place(w.ofProvider, 0)
		got, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "free"})
		if err != nil || got.ReturnURL != nil {
			t.Errorf("a platform that cannot sign: %v, %v", got.ReturnURL, err)
		}
		if got.Order.TransferID != "" || got.Order.Status != models.OrderProcessing {
			t.Errorf("a free order: %+v", got.Order)
		}
		alone := w.customer("alone-1", "", "")
		own := w.place(alone, 0)
		w.Returns = platform{}
		if got, err = w.Pay(w.ctx, asCustomer(alone), orders.PayOrder{OrderID: own.ID, IdempotencyKey: "own"}); err != nil || got.ReturnURL != nil {
			t.Errorf("a customer without a partner: %v, %v", got.ReturnURL, err)
		}
	})
}

// audit checks the ledger's invariants.
func audit(t *testing.T, w *world) {
	t.Helper()
	report, err := w.Ledger.Audit(w.ctx)
	if err != nil || report.Breaches() != 0 {
		t.Errorf("audit: %+v, %v", report, err)
	}
}
