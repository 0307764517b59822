package orders_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// hold sets an order's total aside as its customer.
func (w *world) hold(customer models.Customer, order models.ID, key string) error {
	_, err := w.HoldPayment(w.ctx, asCustomer(customer), orders.HoldOrderPayment{OrderID: order, IdempotencyKey: key})
	return err
}

func (w *world) pay(customer models.Customer, order models.ID, key string) error {
	_, err := w.Pay(w.ctx, asCustomer(customer), orders.PayOrder{OrderID: order, IdempotencyKey: key})
	return err
}

func (w *world) release(customer models.Customer, order models.ID, key string) error {
	_, err := w.ReleaseHold(w.ctx, asCustomer(customer), orders.ReleaseOrderHold{OrderID: order, IdempotencyKey: key})
	return err
}

// available and held are of a customer, in minor units.
func (w *world) figures(customer models.Customer) (available, held int64) {
	w.t.Helper()
	accounts, err := w.Ledger.Accounts(w.ctx, w.DB, []string{string(customer.ID)})
	if err != nil {
		w.t.Fatal(err)
	}
	balance := models.BalanceOf(accounts, models.CNY, w.Now())
	return balance.Available.Minor, balance.Held.Minor
}

func (w *world) wantFigures(customer models.Customer, available, held int64) {
	w.t.Helper()
	if a, h := w.figures(customer); a != available || h != held {
		w.t.Errorf("available %d and held %d, want %d and %d", a, h, available, held)
	}
}

// wantHold checks the state of an order's hold as its customer sees it; "" = it never had one.
func (w *world) wantHold(customer models.Customer, order models.ID, state models.HoldState) {
	w.t.Helper()
	hold := w.holdOf(asCustomer(customer), order)
	if hold.State != state {
		w.t.Errorf("hold %+v, want %q", hold, state)
	}
}

// holdOf is an order's latest hold as somebody sees it.
func (w *world) holdOf(who models.Principal, id models.ID) models.OrderHold {
	w.t.Helper()
	found, err := w.ByIDs(w.ctx, system(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	holds, err := w.HoldsByIDs(w.ctx, who, []models.ID{found[id].HoldID})
	if err != nil {
		w.t.Fatal(err)
	}
	return holds[found[id].HoldID]
}

// expire ends the holds whose time is over, as the job does.
func (w *world) expire() int {
	w.t.Helper()
	ended := 0
	err := w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		holds, _, err := w.Ledger.Expire(ctx, tx, 100)
		ended = len(holds)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ended
}

// endless takes an order's payment deadline away, as imported orders have none.
func (w *world) endless(order models.ID) {
	w.t.Helper()
	if _, err := w.DB.NewUpdate().Table("orders").Set("pay_by = NULL").Where("id = ?", order).Exec(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func TestHoldSetsAsideUntilItIsPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		held, other := w.place(w.ofProvider, 6_000), w.place(w.ofProvider, 5_000)
		w.wantHold(w.ofProvider, held.ID, "")
		cmd := orders.HoldOrderPayment{OrderID: held.ID, IdempotencyKey: "hold"}
		got, err := w.HoldPayment(w.ctx, asCustomer(w.ofProvider), cmd)
		if err != nil {
			t.Fatal(err)
		}
		if got.Order.Status != models.OrderPendingPayment || got.Balance.Available.String() != "40.00 CNY" || got.Balance.Held.String() != "60.00 CNY" {
			t.Errorf("after holding: %s, %s available, %s held", got.Order.Status, got.Balance.Available, got.Balance.Held)
		}
		seen := w.holdOf(asPartner(w.provider), held.ID)
		want := models.OrderHold{ID: got.Order.HoldID, OrderID: held.ID, Currency: models.CNY, AmountMinor: 6_000, ExpiresAt: *held.PayBy, State: models.HoldPending}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("the partner sees %s", diff)
		}
		if foreign := w.holdOf(asPartner(w.stranger), held.ID); foreign != (models.OrderHold{}) {
			t.Errorf("a stranger sees %+v", foreign)
		}
		again, err := w.HoldPayment(w.ctx, asCustomer(w.ofProvider), cmd)
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Errorf("the same key again: %s, %v", diff, err)
		}
		if err := w.hold(w.ofProvider, held.ID, "another"); reasonOf(err) != "ORDER_ALREADY_HELD" {
			t.Errorf("another hold: %v", err)
		}
		// What is set aside for one order pays no other, and pays its own although nothing else is available.
		if err := w.pay(w.ofProvider, other.ID, "other"); reasonOf(err) != "INSUFFICIENT_BALANCE" {
			t.Errorf("paying another order from it: %v", err)
		}
		if err := w.pay(w.ofProvider, held.ID, "pay"); err != nil {
			t.Fatal(err)
		}
		w.wantFigures(w.ofProvider, 4_000, 0)
		w.wantHold(w.ofProvider, held.ID, models.HoldPosted)
		if err := w.pay(w.ofProvider, held.ID, "pay again"); reasonOf(err) != "ORDER_ALREADY_PAID" {
			t.Error(err)
		}
		if err := w.release(w.ofProvider, held.ID, "late"); reasonOf(err) != "HOLD_NOT_PENDING" {
			t.Error(err)
		}
		var types []string
		err = db.NewSelect().Model((*models.Event)(nil)).Column("type").Where("ev.customer_id = ?", w.ofProvider.ID).
			Where("ev.type <> 'order.placed'").OrderExpr("ev.id").Scan(w.ctx, &types)
		if diff := cmp.Diff([]string{"order.held", "balance.changed", "order.paid", "balance.changed"}, types); err != nil || diff != "" {
			t.Errorf("events: %v %s", err, diff)
		}
		audit(t, w)
	})
}

func TestHoldEndsWithoutAPayment(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		end   func(w *world, order models.ID) error
		state models.HoldState
	}{
		"released by the customer": {func(w *world, order models.ID) error { return w.release(w.ofProvider, order, "free") }, models.HoldVoided},
		"released by an operator": {func(w *world, order models.ID) error {
			_, err := w.ReleaseHold(w.ctx, operator(), orders.ReleaseOrderHold{OrderID: order, IdempotencyKey: "free"})
			return err
		}, models.HoldVoided},
		"its order cancelled": {func(w *world, order models.ID) error {
			_, err := w.Cancel(w.ctx, asCustomer(w.ofProvider), orders.CancelOrder{OrderID: order})
			return err
		}, models.HoldVoided},
		"its time over": {func(w *world, _ models.ID) error {
			w.clock.advance(orders.DefaultPayWithin)
			if n := w.expire(); n != 1 {
				return fmt.Errorf("%d holds ended", n)
			}
			return nil
		}, models.HoldExpired},
		"its time over, then cancelled": {func(w *world, order models.ID) error {
			w.clock.advance(orders.DefaultPayWithin)
			w.expire()
			_, err := w.Cancel(w.ctx, asCustomer(w.ofProvider), orders.CancelOrder{OrderID: order})
			return err
		}, models.HoldExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				w.give(w.ofProvider, 10_000)
				order := w.place(w.ofProvider, 6_000)
				if err := w.hold(w.ofProvider, order.ID, "hold"); err != nil {
					t.Fatal(err)
				}
				w.wantFigures(w.ofProvider, 4_000, 6_000)
				if err := row.end(w, order.ID); err != nil {
					t.Fatal(err)
				}
				w.wantFigures(w.ofProvider, 10_000, 0)
				w.wantHold(w.ofProvider, order.ID, row.state)
				if err := w.release(w.ofProvider, order.ID, "again"); reasonOf(err) != "HOLD_NOT_PENDING" {
					t.Errorf("releasing what is free: %v", err)
				}
				audit(t, w)
			})
		})
	}
}

// A hold may end before its order can no longer be paid: orders without a deadline are held for DefaultPayWithin only.
func TestPayCopesWithAnExpiredHold(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 6_000)
		for _, ended := range []bool{false, true} {
			order := w.place(w.ofProvider, 3_000)
			w.endless(order.ID)
			if err := w.hold(w.ofProvider, order.ID, fmt.Sprint("hold", ended)); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(orders.DefaultPayWithin)
			if ended {
				w.expire()
			}
			if err := w.pay(w.ofProvider, order.ID, fmt.Sprint("pay", ended)); err != nil {
				t.Errorf("ended by the job %t: %v", ended, err)
			}
		}
		w.wantFigures(w.ofProvider, 0, 0)

		// The money may be gone when the hold is.
		w.give(w.ofProvider, 3_000)
		late, quick := w.place(w.ofProvider, 3_000), w.place(w.ofProvider, 3_000)
		w.endless(late.ID)
		w.endless(quick.ID)
		if err := w.hold(w.ofProvider, late.ID, "late"); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(orders.DefaultPayWithin)
		if err := w.hold(w.ofProvider, late.ID, "anew"); err != nil {
			t.Errorf("holding anew after the time is over: %v", err)
		}
		w.wantFigures(w.ofProvider, 0, 3_000)
		w.clock.advance(orders.DefaultPayWithin)
		w.expire()
		if err := w.pay(w.ofProvider, quick.ID, "quick"); err != nil {
			t.Error(err)
		}
		if err := w.pay(w.ofProvider, late.ID, "late pay"); reasonOf(err) != "INSUFFICIENT_BALANCE" {
			t.Error(err)
		}
		audit(t, w)
	})
}

func TestHoldIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		me := asCustomer(w.ofProvider)
		open, paid, cancelled, free, dear := w.place(w.ofProvider, 100), w.place(w.ofProvider, 100), w.place(w.ofProvider, 100),
			w.place(w.ofProvider, 0), w.place(w.ofProvider, 9_901)
		foreign := w.place(w.advised, 100)
		if err := w.pay(w.ofProvider, paid.ID, "paid"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Cancel(w.ctx, me, orders.CancelOrder{OrderID: cancelled.ID}); err != nil {
			t.Fatal(err)
		}
		frozen := w.customer("frozen", w.provider.ID, models.Resale)
		w.give(frozen, 100)
		cold := w.place(frozen, 100)
		if _, err := db.NewUpdate().Table("customers").Set("frozen = ?", models.FrozenAccount).Where("id = ?", frozen.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		mute := me
		mute.Permissions = []models.Permission{models.ReadOrders}
		for _, row := range []struct {
			name           string
			who            models.Principal
			order          models.ID
			key            string
			hold, released string
		}{
			{"paid", me, paid.ID, "k", "ORDER_ALREADY_PAID", "HOLD_NOT_PENDING"},
			{"cancelled", me, cancelled.ID, "k", "ORDER_CANCELLED", "HOLD_NOT_PENDING"},
			{"free", me, free.ID, "k", "NOTHING_TO_HOLD", "HOLD_NOT_PENDING"},
			{"one fen short", me, dear.ID, "k", "INSUFFICIENT_BALANCE", "HOLD_NOT_PENDING"},
			{"frozen", asCustomer(frozen), cold.ID, "k", "CUSTOMER_FROZEN", "HOLD_NOT_PENDING"},
			{"another's", me, foreign.ID, "k", "NOT_FOUND", "NOT_FOUND"},
			{"nobody's", me, w.IDs(models.PrefixOrder), "k", "NOT_FOUND", "NOT_FOUND"},
			{"an id of another kind", me, w.ofProvider.ID, "k", "INVALID", "INVALID"},
			{"no key", me, open.ID, "", "INVALID", "INVALID"},
			{"a key of signs", me, open.ID, "\n", "INVALID", "INVALID"},
			{"a used key", me, open.ID, "paid", "CONFLICT", "CONFLICT"},
			{"its partner", asPartner(w.provider), open.ID, "k", "FORBIDDEN", "FORBIDDEN"},
			{"an operator", operator(), open.ID, "k", "FORBIDDEN", "HOLD_NOT_PENDING"},
			{"without the permission", mute, open.ID, "k", "FORBIDDEN", "FORBIDDEN"},
			{"nobody", models.Principal{}, open.ID, "k", "UNAUTHENTICATED", "UNAUTHENTICATED"},
		} {
			_, hold := w.HoldPayment(w.ctx, row.who, orders.HoldOrderPayment{OrderID: row.order, IdempotencyKey: row.key})
			_, released := w.ReleaseHold(w.ctx, row.who, orders.ReleaseOrderHold{OrderID: row.order, IdempotencyKey: row.key})
			if diff := cmp.Diff([]string{row.hold, row.released}, []string{reasonOf(hold), reasonOf(released)}); diff != "" {
				t.Errorf("%s: %s", row.name, diff)
			}
		}
		w.clock.advance(orders.DefaultPayWithin)
		if err := w.hold(w.ofProvider, open.ID, "k"); reasonOf(err) != "ORDER_PAYMENT_DEADLINE_PASSED" {
			t.Error(err)
		}
		w.wantFigures(w.ofProvider, 9_900, 0)
		audit(t, w)
	})
}

// Whatever happens at once to a held order, its money is taken once or free.
func TestPayReleaseAndCancelOfAHeldOrderAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		left := int64(10_000)
		for round := range 8 {
			order := w.place(w.ofProvider, 100)
			if err := w.hold(w.ofProvider, order.ID, fmt.Sprint("hold", round)); err != nil {
				t.Fatal(err)
			}
			paid := make([]error, 4)
			var all sync.WaitGroup
			for i := range paid {
				all.Go(func() { paid[i] = w.pay(w.ofProvider, order.ID, fmt.Sprintf("pay%d-%d", round, i)) })
			}
			all.Go(func() { _ = w.release(w.ofProvider, order.ID, fmt.Sprint("free", round)) })
			all.Go(func() { _, _ = w.Cancel(w.ctx, asCustomer(w.ofProvider), orders.CancelOrder{OrderID: order.ID}) })
			all.Wait()
			for _, err := range paid {
				if err == nil {
					left -= 100
				} else if r := reasonOf(err); r != "ORDER_ALREADY_PAID" && r != "ORDER_CANCELLED" {
					t.Error(err)
				}
			}
			w.wantFigures(w.ofProvider, left, 0)
		}
		audit(t, w)
	})
}

// R6: 100 in the account, many clients and orders of 1 each: exactly 100 are paid, or held, and nothing goes below zero.
func TestManyOrdersDrainABalance(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		take            func(w *world, order models.ID, key string) error
		available, held int64
	}{
		"R6 payOrder": {func(w *world, order models.ID, key string) error { return w.pay(w.ofProvider, order, key) }, 0, 0},
		"R6 holdOrderPayment": {
			func(w *world, order models.ID, key string) error { return w.hold(w.ofProvider, order, key) }, 0, 10_000,
		},
		"R6 both, in turns": {func(w *world, order models.ID, key string) error {
			if err := w.hold(w.ofProvider, order, "hold"+key); err != nil {
				return err
			}
			return w.pay(w.ofProvider, order, key)
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				const clients, each = 16, 10
				w := newWorld(t, db)
				w.give(w.ofProvider, 10_000)
				placed := make([]models.ID, clients*each)
				for i := range placed {
					placed[i] = w.place(w.ofProvider, 100).ID
				}
				got := map[string]int{}
				var counting sync.Mutex
				var all sync.WaitGroup
				for client := range clients {
					all.Go(func() {
						for i := range each {
							order := placed[client*each+i]
							reason := reasonOf(row.take(w, order, string(order)))
							counting.Lock()
							got[reason]++
							counting.Unlock()
						}
					})
				}
				all.Wait()
				if diff := cmp.Diff(map[string]int{"": 100, "INSUFFICIENT_BALANCE": 60}, got); diff != "" {
					t.Error(diff)
				}
				w.wantFigures(w.ofProvider, row.available, row.held)
				audit(t, w)
			})
		})
	}
}

// A customer that is being frozen pays before or is refused after, and never in between.
func TestFreezingWaitsForAPayment(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t) // SQLite has one writer
	w := newWorld(t, db)
	w.give(w.ofProvider, 10_000)
	order := w.place(w.ofProvider, 100)
	locked, done := make(chan struct{}), make(chan error, 1)
	err := db.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Table("customers").Set("frozen = ?", models.FrozenAccount).Where("id = ?", w.ofProvider.ID).Exec(ctx); err != nil {
			return err
		}
		go func() {
			close(locked)
			done <- w.pay(w.ofProvider, order.ID, "pay")
		}()
		<-locked
		select {
		case err := <-done:
			return fmt.Errorf("paid while the customer was being frozen: %w", err)
		case <-time.After(200 * time.Millisecond):
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; reasonOf(err) != "CUSTOMER_FROZEN" {
		t.Errorf("after the freeze: %v", err)
	}
}
