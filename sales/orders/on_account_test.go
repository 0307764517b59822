package orders_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/settlements"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func (w *world) accounts() *settlements.Service {
	room, _ := w.Account.(*settlements.Service)
	return room
}

// line gives a customer a line on account.
func (w *world) line(customer models.Customer, minor int64) {
	w.t.Helper()
	if err := w.setLine(customer, minor); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) setLine(customer models.Customer, minor int64) error {
	_, err := w.accounts().Set(w.ctx, operator(), settlements.SetLine{
		CustomerID: customer.ID, Amount: decimal.New(minor, -2), Reason: "trusted", IdempotencyKey: string(w.IDs("k")),
	})
	return err
}

// settle has the months that are over paid, as the job does, and fails for anything but success or another time.
func (w *world) settle(customer models.Customer) {
	w.t.Helper()
	if err := w.accounts().Settle(w.ctx, customer.ID); err != nil {
		if _, later := models.NotDueUntil(err); !later {
			w.t.Fatal(err)
		}
	}
}

// owed is how a customer stands, in minor units: used, available, due, overdue.
func (w *world) owed(customer models.Customer) []int64 {
	w.t.Helper()
	found, err := w.accounts().AccountsFor(w.ctx, operator(), []models.ID{customer.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	a := found[customer.ID]
	return []int64{a.Used.Minor, a.Available.Minor, a.Due.Minor, a.Overdue.Minor}
}

func (w *world) payNow(customer models.Customer, order models.Order) (orders.PayResult, error) {
	w.t.Helper()
	return w.Pay(w.ctx, asCustomer(customer), orders.PayOrder{OrderID: order.ID, IdempotencyKey: string(w.IDs("k"))})
}

// O04: coupons, then the account as far as its line reaches, then the balance, with one transfer of up to three legs.
func TestAccountPaysBeforeTheBalance(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Vouchers = &tills{pays: 500}
		me := w.ofProvider
		w.line(me, 3_000)
		w.give(me, 1_000)
		first, second, third := w.place(me, 2_000), w.place(me, 2_500), w.place(me, 1_000)
		for _, step := range []struct {
			order                    models.Order
			coupons                  []models.ID
			coupon, account, balance int64
			legs                     int
			owed                     []int64
			refused                  string
		}{
			{order: first, coupons: []models.ID{w.IDs(models.PrefixCoupon)}, coupon: 500, account: 1_500, balance: 1_000, legs: 2, owed: []int64{1_500, 1_500, 0, 0}},
			{order: second, account: 1_500, balance: 0, legs: 3, owed: []int64{3_000, 0, 0, 0}},
			{order: third, balance: 0, owed: []int64{3_000, 0, 0, 0}, refused: "INSUFFICIENT_BALANCE"},
		} {
			done, err := w.Pay(w.ctx, asCustomer(me), orders.PayOrder{OrderID: step.order.ID, CouponIDs: step.coupons, IdempotencyKey: string(w.IDs("k"))})
			if reasonOf(err) != step.refused {
				t.Fatalf("%v, want %q", err, step.refused)
			}
			got := w.order(step.order.ID)
			if got.CouponMinor != step.coupon || got.AccountMinor != step.account || w.balance(me) != step.balance || err == nil && done.Order.AccountMinor != step.account {
				t.Errorf("coupons %d, account %d, balance %d, want %+v", got.CouponMinor, got.AccountMinor, w.balance(me), step)
			}
			if diff := cmp.Diff(step.owed, w.owed(me)); diff != "" {
				t.Error(diff)
			}
			if step.legs == 0 {
				continue
			}
			_, entries, err := w.Ledger.TransferOf(w.ctx, db, got.TransferID)
			if err != nil || len(entries) != step.legs {
				t.Errorf("%d legs, %v, want %d", len(entries), err, step.legs)
			}
		}
		// Who has no line pays as before.
		w.give(w.ofReseller, 700)
		other := w.place(w.ofReseller, 700)
		if done, err := w.payNow(w.ofReseller, other); err != nil || done.Order.AccountMinor != 0 || w.balance(w.ofReseller) != 0 {
			t.Errorf("%+v, %v", done, err)
		}
		// The coupons here are in no ledger, which the audit sees.
		if report, err := w.Ledger.Audit(w.ctx); err != nil || report.Breaches() != 1 || report.WrongCouponOrders != 1 {
			t.Errorf("audit: %+v, %v", report, err)
		}
	})
}

// tills are coupons that pay so much of the first line.
type tills struct {
	orders.Vouchers
	pays int64
}

func (s *tills) RedeemIn(_ context.Context, _ bun.IDB, _ models.Principal, p models.CouponPurchase, _ []models.ID) ([]models.CouponShare, error) {
	return []models.CouponShare{{ItemID: p.Lines[0].ItemID, AmountMinor: s.pays}}, nil
}

func (s *tills) GiveBackIn(context.Context, bun.IDB, models.Principal, models.Customer, []coupons.CouponReturn) error {
	return nil
}
func (s *tills) ReleaseIn(context.Context, bun.IDB, models.ID) error { return nil }

// O04, O05: an order that money is set aside for is paid from that, and a partner pays from its own balance: neither puts anything on account.
func TestHoldsAndPartnersPayFromTheBalance(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		me := w.ofProvider
		w.line(me, 9_000)
		w.give(me, 1_000)
		w.partnerMoney(w.provider, 1_000)
		held, asked, lapsed := w.place(me, 600), w.place(me, 700), w.place(me, 300)
		for _, order := range []models.Order{held, lapsed} {
			if err := w.hold(me, order.ID, string(w.IDs("k"))); err != nil {
				t.Fatal(err)
			}
		}
		if done, err := w.payNow(me, held); err != nil || done.Order.AccountMinor != 0 || w.balance(me) != 400 {
			t.Errorf("a held order: %+v, %v", done.Order, err)
		}
		if _, err := w.AskPartner(w.ctx, asCustomer(me), orders.RequestPartnerPayment{OrderID: asked.ID}); err != nil {
			t.Fatal(err)
		}
		done, err := w.PayForCustomer(w.ctx, asPartner(w.provider), orders.PartnerPayOrder{OrderID: asked.ID, IdempotencyKey: "partner"})
		if err != nil || done.Order.AccountMinor != 0 || done.Balance.Available.Minor != 300 {
			t.Errorf("the partner: %+v, %v", done, err)
		}
		w.endless(lapsed.ID)
		w.clock.advance(orders.DefaultPayWithin + time.Hour) // the hold is over and nobody has ended it
		if done, err := w.payNow(me, lapsed); err != nil || done.Order.AccountMinor != 300 || done.Balance.Held.Minor != 0 {
			t.Errorf("a hold that is over: %+v, %v", done, err)
		}
		if diff := cmp.Diff([]int64{300, 8_700, 0, 0}, w.owed(me)); diff != "" {
			t.Error(diff)
		}
		audit(t, w)
	})
}

// O04: what is overdue blocks the account. The balance then pays, and where only the account could have, the refusal says so.
func TestOverdueAccountsPayNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		me := w.ofProvider
		w.line(me, 3_000)
		if _, err := w.payNow(me, w.place(me, 1_000)); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(models.BillingCycleAt(w.Now()).Ends().Sub(w.Now())) // the first of the next month, UTC+8
		w.settle(me)
		if done, err := w.payNow(me, w.place(me, 100)); err != nil || done.Order.AccountMinor != 100 {
			t.Errorf("on the day that it is due: %+v, %v", done.Order, err)
		}
		if diff := cmp.Diff([]int64{1_100, 1_900, 1_000, 0}, w.owed(me)); diff != "" {
			t.Error(diff)
		}
		w.clock.advance(24 * time.Hour)
		if diff := cmp.Diff([]int64{1_100, 0, 1_000, 1_000}, w.owed(me)); diff != "" {
			t.Error(diff)
		}
		if _, err := w.payNow(me, w.place(me, 1_900)); reasonOf(err) != "SETTLEMENT_OVERDUE" {
			t.Errorf("the line alone could pay: %v", err)
		}
		if _, err := w.payNow(me, w.place(me, 1_901)); reasonOf(err) != "INSUFFICIENT_BALANCE" {
			t.Errorf("nothing could pay: %v", err)
		}
		w.give(me, 500)
		if done, err := w.payNow(me, w.place(me, 500)); err != nil || done.Order.AccountMinor != 0 || w.balance(me) != 0 {
			t.Errorf("the balance pays: %+v, %v", done.Order, err)
		}
		w.give(me, 1_000)
		w.settle(me)
		if done, err := w.payNow(me, w.place(me, 1_900)); err != nil || done.Order.AccountMinor != 1_900 {
			t.Errorf("paid up: %+v, %v", done.Order, err)
		}
		audit(t, w)
	})
}

// O09: a refund is taken off what the customer owes for that very order, as far as that is neither refunded nor paid, and the rest goes to the balance.
// A reversal of it makes it owed again.
func TestRefundsComeOffTheAccountFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		me := w.ofProvider
		w.line(me, 1_000)
		w.give(me, 500)
		order, other := w.place(me, 1_200), w.place(me, 200)
		for _, one := range []models.Order{order, other} {
			if _, err := w.payNow(me, one); err != nil {
				t.Fatal(err)
			}
		}
		back := func(order models.Order, amount string) models.OrderRefund {
			t.Helper()
			done, err := w.Refund(w.ctx, operator(), refund(order.ID, nil, amount, string(w.IDs("k"))))
			if err != nil {
				t.Fatal(err)
			}
			return done.Refund
		}
		check := func(when string, account, balance int64, got models.OrderRefund) {
			t.Helper()
			if got.AccountMinor != account || w.balance(me) != balance {
				t.Errorf("%s: %d on account, %d in the balance, want %d, %d", when, got.AccountMinor, w.balance(me), account, balance)
			}
			audit(t, w)
		}
		check("of the balance", 0, 300, back(other, "2.00"))
		first := back(order, "7.00")
		check("owed", 700, 300, first)
		check("the rest of what is owed, then the balance", 300, 400, back(order, "4.00"))
		w.give(me, 600)
		if _, err := w.funds().Reverse(w.ctx, operator(), funds.ReverseTransfer{TransferID: first.TransferID, Reason: "wrong", IdempotencyKey: "back"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{700, 300, 0, 0}, w.owed(me)); diff != "" {
			t.Error(diff)
		}
		audit(t, w)
		w.clock.advance(40 * 24 * time.Hour)
		w.settle(me) // pays the 7.00
		check("paid up by now", 0, 1_000, back(order, "7.00"))
	})
}

// C14: the last of the line is one customer's only, however many pay at once.
func TestTheLineIsSpentOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		me := w.ofProvider
		w.line(me, 1_000)
		var wg sync.WaitGroup
		refusals := make([]string, 16)
		for i := range refusals {
			order := w.place(me, 100)
			wg.Go(func() {
				_, err := w.Pay(w.ctx, asCustomer(me), orders.PayOrder{OrderID: order.ID, IdempotencyKey: fmt.Sprint("last", i)})
				refusals[i] = reasonOf(err)
			})
		}
		wg.Wait()
		counts := map[string]int{}
		for _, refusal := range refusals {
			counts[refusal]++
		}
		if diff := cmp.Diff(map[string]int{"": 10, "INSUFFICIENT_BALANCE": 6}, counts); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]int64{1_000, 0, 0, 0}, w.owed(me)); diff != "" {
			t.Error(diff)
		}
		audit(t, w)
	})
}

// C14: a payment comes wholly before a change of the line or wholly after it, however close they are: no line is ever below what is owed.
func TestPaymentsAndChangesOfTheLineTakeTurns(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		type outcome struct {
			account int64 // what of the order was paid on account
			refused string
		}
		for name, row := range map[string]struct {
			line   int64 // before; 0 = none
			change func(models.Customer) error
			want   []outcome
		}{
			"given":  {0, func(c models.Customer) error { return w.setLine(c, 1_000) }, []outcome{{0, ""}, {600, ""}}},
			"raised": {100, func(c models.Customer) error { return w.setLine(c, 1_000) }, []outcome{{100, ""}, {600, ""}}},
			"cut":    {1_000, func(c models.Customer) error { return w.setLine(c, 500) }, []outcome{{600, "LIMIT_IN_USE"}, {500, ""}}},
			"ended": {1_000, func(c models.Customer) error {
				_, err := w.accounts().End(w.ctx, operator(), settlements.EndLine{CustomerID: c.ID, Reason: "over", IdempotencyKey: string(w.IDs("k"))})
				return err
			}, []outcome{{600, ""}, {0, ""}}},
		} {
			for round := range 8 {
				me := w.customer(fmt.Sprint(name, round), w.provider.ID, models.Resale)
				w.give(me, 600)
				if row.line > 0 {
					w.line(me, row.line)
				}
				order := w.place(me, 600)
				var wg sync.WaitGroup
				var paid, changed error
				wg.Go(func() {
					_, paid = w.Pay(w.ctx, asCustomer(me), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "once"})
				})
				wg.Go(func() { changed = row.change(me) })
				wg.Wait()
				got := outcome{w.order(order.ID).AccountMinor, reasonOf(changed)}
				if paid != nil || !slices.Contains(row.want, got) || w.balance(me) != got.account {
					t.Errorf("%s: %v, %+v with %d left, want one of %+v", name, paid, got, w.balance(me), row.want)
				}
				if owed := w.owed(me); owed[0] != got.account {
					t.Errorf("%s: %d owed, %d paid on account", name, owed[0], got.account)
				}
			}
		}
		audit(t, w)
	})
}

// O04: who has no line pays with the statements that it took before there were any, also an order that money is set aside for.
func TestWhoHasNoLinePaysWithoutAStatementMore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		me, room := w.ofProvider, w.Account
		w.give(me, 10_000)
		count := func(held bool) int {
			t.Helper()
			order := w.place(me, 100)
			if held {
				if err := w.hold(me, order.ID, string(w.IDs("k"))); err != nil {
					t.Fatal(err)
				}
			}
			ctx, counter := store.CountStatements(w.ctx)
			if _, err := w.Pay(ctx, asCustomer(me), orders.PayOrder{OrderID: order.ID, IdempotencyKey: string(w.IDs("k"))}); err != nil {
				t.Fatal(err)
			}
			return len(counter.Statements())
		}
		count(false) // makes the account of the revenue
		for _, held := range []bool{false, true} {
			w.Account = room
			with := count(held)
			w.Account = nil
			if without := count(held); with != without {
				t.Errorf("held is %v: %d statements, %d where nobody buys on account", held, with, without)
			}
		}
		w.Account = room
		free := count(false)
		w.line(me, 5_000)
		if lined := count(false); lined <= free {
			t.Errorf("a line costs %d statements, none %d: the test proves nothing", lined, free)
		}
	})
}
