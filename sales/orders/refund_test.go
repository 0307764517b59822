package orders_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// bought is a paid order of a server of 70.00 and a line of its own of 30.00, with the ids of both lines.
func (w *world) bought(customer models.Customer, key string) (order models.Order, server, disk models.ID) {
	w.t.Helper()
	order = w.placed(customer)
	items, err := w.ItemsFor(w.ctx, operator(), []models.ID{order.ID})
	if err != nil || len(items[order.ID]) != 2 {
		w.t.Fatal(items, err)
	}
	if _, err := w.Pay(w.ctx, asCustomer(customer), orders.PayOrder{OrderID: order.ID, IdempotencyKey: key}); err != nil {
		w.t.Fatal(err)
	}
	return order, items[order.ID][0].ID, items[order.ID][1].ID
}

func (w *world) placed(customer models.Customer) models.Order {
	w.t.Helper()
	one, other := server(7_000), server(3_000)
	one.Parts, other.Parts, other.Quantity = nil, nil, 1
	order, err := w.Place(w.ctx, system(), orders.PlaceOrder{CustomerID: customer.ID, Items: []orders.PlaceItem{one, other}})
	if err != nil {
		w.t.Fatal(err)
	}
	return order
}

// associate says whose customer one is from now on; no partner ends the association.
func (w *world) associate(customer models.Customer, partner models.ID, mode models.AssociationMode) {
	w.t.Helper()
	_, err := w.DB.NewUpdate().Table("customers").Set("partner_id = NULLIF(?, '')", string(partner)).Set("mode = NULLIF(?, '')", string(mode)).
		Where("id = ?", customer.ID).Exec(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) cash(owner models.ID) int64 {
	w.t.Helper()
	accounts, err := w.Ledger.Accounts(w.ctx, w.DB, []string{string(owner)})
	if err != nil {
		w.t.Fatal(err)
	}
	return models.BalanceOf(accounts, models.CNY, w.Now()).Total.Minor
}

func (w *world) funds() *funds.Service {
	return &funds.Service{DB: w.DB, Ledger: w.Ledger, Events: w.Events, Now: w.Now, Account: w.accounts()}
}

func refund(order models.ID, item *models.ID, amount, key string) orders.RefundOrder {
	cmd := orders.RefundOrder{OrderID: order, ItemID: item, Reason: "a mistake", IdempotencyKey: key}
	if amount != "" {
		cmd.Amount = ptr(decimal.RequireFromString(amount))
	}
	return cmd
}

func TestRefundPaysBackExactlyWhatWasPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		order, _, disk := w.bought(w.ofProvider, "pay")
		for i, step := range []struct {
			item   *models.ID
			amount string
			want   string // paid back, left of the order, balance of the customer; or the refusal
		}{
			{nil, "10.00", "10.00 90.00 10.00"},
			{&disk, "5", "5.00 85.00 15.00"},
			{&disk, "25.01", "REFUND_EXCEEDS_PAID"},
			{&disk, "", "25.00 60.00 40.00"},
			{&disk, "", "NOTHING_TO_REFUND"},
			{nil, "60.01", "REFUND_EXCEEDS_PAID"},
			{nil, "", "60.00 0.00 100.00"},
			{nil, "", "NOTHING_TO_REFUND"},
			{nil, "0.01", "NOTHING_TO_REFUND"},
		} {
			got, err := w.Refund(w.ctx, operator(), refund(order.ID, step.item, step.amount, fmt.Sprint(i)))
			var said string
			if err != nil {
				said = reasonOf(err)
			} else {
				refunds, err := w.RefundsFor(w.ctx, asCustomer(w.ofProvider), []models.ID{order.ID})
				if err != nil {
					t.Fatal(err)
				}
				said = fmt.Sprintf("%s %s %s", got.Refund.Amount().Amount().StringFixed(2),
					got.Order.LeftToRefund(refunds[order.ID]).Amount().StringFixed(2), got.Balance.Available.Amount().StringFixed(2))
			}
			if said != step.want {
				t.Errorf("step %d: %s (%v), want %s", i, said, err, step.want)
			}
			if err == nil && got.Order.Status != models.OrderProcessing {
				t.Errorf("step %d: the order became %s", i, got.Order.Status)
			}
		}
		if got := w.cash(w.ofProvider.ID); got != 10_000 {
			t.Errorf("the customer has %d, want all 10000 back", got)
		}
		if got := w.revenueOf(w.ofProvider); got != 0 {
			t.Errorf("the shard that was paid into has %d, want 0", got)
		}
		w.lines(order.ID)
		audit(t, w)
	})
}

// revenueOf is what is on the account that the customer's payments go to.
func (w *world) revenueOf(customer models.Customer) int64 {
	w.t.Helper()
	accounts, err := w.Ledger.Accounts(w.ctx, w.DB, []string{models.RevenueOwner("hwc", customer.ID)}, models.AccountRevenue)
	if err != nil || len(accounts) != 1 {
		w.t.Fatal(accounts, err)
	}
	return accounts[0].BalanceMinor
}

// lines fails the test unless every line, and the order as a whole, has been paid back at most what it cost.
func (w *world) lines(order models.ID) {
	w.t.Helper()
	var over int
	err := w.DB.NewRaw(`SELECT COUNT(*) FROM (
		SELECT i.amount_minor AS cost, (SELECT COALESCE(SUM(r.amount_minor), 0) FROM order_refunds AS r WHERE r.item_id = i.id
			AND NOT EXISTS (SELECT 1 FROM transfers AS t WHERE t.reverses_id = r.transfer_id)) AS back
		FROM order_items AS i WHERE i.order_id = ?
		UNION ALL
		SELECT o.total_minor, (SELECT COALESCE(SUM(r.amount_minor), 0) FROM order_refunds AS r WHERE r.order_id = o.id
			AND NOT EXISTS (SELECT 1 FROM transfers AS t WHERE t.reverses_id = r.transfer_id))
		FROM orders AS o WHERE o.id = ?) AS sums WHERE back > cost`, order, order).Scan(w.ctx, &over)
	if err != nil || over != 0 {
		w.t.Errorf("%d lines were paid back more than they cost, %v", over, err)
	}
}

func TestRefundIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 100_000)
		order, disk, _ := w.bought(w.ofProvider, "pay")
		_, _, foreign := w.bought(w.ofProvider, "other")
		open, cancelled, free := w.place(w.ofProvider, 100), w.place(w.ofProvider, 100), w.place(w.ofProvider, 0)
		if _, err := w.Cancel(w.ctx, operator(), orders.CancelOrder{OrderID: cancelled.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: free.ID, IdempotencyKey: "free"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Refund(w.ctx, operator(), refund(order.ID, nil, "1", "used")); err != nil {
			t.Fatal(err)
		}
		mute := operator()
		mute.Permissions = []models.Permission{models.ReadOrders}
		with := func(change func(*orders.RefundOrder)) orders.RefundOrder {
			cmd := refund(order.ID, nil, "1", "k")
			change(&cmd)
			return cmd
		}
		before := w.cash(w.ofProvider.ID)
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  orders.RefundOrder
			want string
		}{
			{"not paid", operator(), refund(open.ID, nil, "1", "k"), "ORDER_NOT_PAID"},
			{"cancelled", operator(), refund(cancelled.ID, nil, "1", "k"), "ORDER_CANCELLED"},
			{"free", operator(), refund(free.ID, nil, "", "k"), "NOTHING_TO_REFUND"},
			{"no such order", operator(), refund(w.IDs(models.PrefixOrder), nil, "1", "k"), "NOT_FOUND"},
			{"a line of another order", operator(), refund(order.ID, &foreign, "1", "k"), "NOT_FOUND"},
			{"an order for a line", operator(), refund(order.ID, &order.ID, "1", "k"), "INVALID"},
			{"a customer for an order", operator(), refund(w.ofProvider.ID, nil, "1", "k"), "INVALID"},
			{"zero", operator(), refund(order.ID, nil, "0", "k"), "INVALID"},
			{"below zero", operator(), refund(order.ID, nil, "-1", "k"), "INVALID"},
			{"three fraction digits", operator(), refund(order.ID, nil, "1.005", "k"), "INVALID"},
			{"an exponent", operator(), refund(order.ID, nil, "1e2", "k"), "INVALID"},
			{"more than an account holds", operator(), refund(order.ID, nil, "99999999999999999999", "k"), "INVALID"},
			{"a fen more than is left", operator(), refund(order.ID, nil, "99.01", "k"), "REFUND_EXCEEDS_PAID"},
			{"a fen more than the line", operator(), refund(order.ID, &disk, "70.01", "k"), "REFUND_EXCEEDS_PAID"},
			{"no reason", operator(), with(func(c *orders.RefundOrder) { c.Reason = "" }), "INVALID"},
			{"an endless reason", operator(), with(func(c *orders.RefundOrder) { c.Reason = strings.Repeat("é", 501) }), "INVALID"},
			{"a reason of two lines", operator(), with(func(c *orders.RefundOrder) { c.Reason = "so\nso" }), "INVALID"},
			{"a reason of broken bytes", operator(), with(func(c *orders.RefundOrder) { c.Reason = "\xff" }), "INVALID"},
			{"no key", operator(), with(func(c *orders.RefundOrder) { c.IdempotencyKey = "" }), "INVALID"},
			{"a used key with another amount", operator(), refund(order.ID, nil, "2", "used"), "CONFLICT"},
			{"a used key with another line", operator(), refund(order.ID, &disk, "1", "used"), "CONFLICT"},
			{"the customer", asCustomer(w.ofProvider), refund(order.ID, nil, "1", "k"), "FORBIDDEN"},
			{"its partner", asPartner(w.provider), refund(order.ID, nil, "1", "k"), "FORBIDDEN"},
			{"a distributor", asPartner(w.distributor), refund(order.ID, nil, "1", "k"), "FORBIDDEN"},
			{"an operator without the permission", mute, refund(order.ID, nil, "1", "k"), "FORBIDDEN"},
			{"nobody", models.Principal{}, refund(order.ID, nil, "1", "k"), "UNAUTHENTICATED"},
		} {
			if _, err := w.Refund(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if after := w.cash(w.ofProvider.ID); after != before {
			t.Errorf("refusals changed the balance from %d to %d", before, after)
		}
		// A refusal leaves the key free.
		if _, err := w.Refund(w.ctx, operator(), refund(order.ID, nil, "1", "k")); err != nil {
			t.Error(err)
		}
		audit(t, w)
	})
}

func TestRefundGoesWhereTheMoneyBelongs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		buyer       func(*world) models.Customer
		then        func(*world, models.Customer)
		destination models.RefundDestination
		owner       func(*world, models.Customer) models.ID
		events      []string // of balance.changed: partner, customer
	}{
		{
			"O09 resale", func(w *world) models.Customer { return w.ofProvider }, nil, models.RefundToCustomer,
			func(_ *world, c models.Customer) models.ID { return c.ID }, []string{"provider", "customer"},
		},
		{
			"O09 resale of a reseller, unlinked", func(w *world) models.Customer { return w.ofReseller },
			func(w *world, c models.Customer) { w.associate(c, "", "") }, models.RefundToPartner,
			func(w *world, _ models.Customer) models.ID { return w.reseller.ID }, []string{"reseller", ""},
		},
		{
			"O09 resale, another's since", func(w *world) models.Customer { return w.ofProvider },
			func(w *world, c models.Customer) { w.associate(c, w.stranger.ID, models.Resale) }, models.RefundToPartner,
			func(w *world, _ models.Customer) models.ID { return w.provider.ID }, []string{"provider", ""},
		},
		{
			"O09 advisory", func(w *world) models.Customer { return w.advised }, nil, models.RefundToCustomer,
			func(_ *world, c models.Customer) models.ID { return c.ID }, []string{"", "customer"},
		},
		{
			"O09 advisory, unlinked", func(w *world) models.Customer { return w.advised },
			func(w *world, c models.Customer) { w.associate(c, "", "") }, models.RefundToCustomer,
			func(_ *world, c models.Customer) models.ID { return c.ID }, []string{"", "customer"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				buyer := row.buyer(w)
				w.give(buyer, 10_000)
				order, _, _ := w.bought(buyer, "pay")
				if row.then != nil {
					row.then(w, buyer)
				}
				got, err := w.Refund(w.ctx, operator(), refund(order.ID, nil, "", "back"))
				if err != nil {
					t.Fatal(err)
				}
				owner := row.owner(w, buyer)
				if got.Refund.Destination != row.destination || got.Refund.DestinationID != owner {
					t.Errorf("went to %s %s, want %s %s", got.Refund.Destination, got.Refund.DestinationID, row.destination, owner)
				}
				if w.cash(owner) != 10_000 || got.Balance.Total.Minor != 10_000 {
					t.Errorf("the owner has %d, is told %s", w.cash(owner), got.Balance.Total)
				}
				var event models.Event
				err = db.NewSelect().Model(&event).Where("ev.type = 'balance.changed' AND ev.subject_id = ?", owner).OrderExpr("ev.id DESC").Limit(1).Scan(w.ctx)
				names := map[models.ID]string{w.provider.ID: "provider", w.reseller.ID: "reseller", buyer.ID: "customer"}
				if diff := cmp.Diff(row.events, []string{names[event.PartnerID], names[event.CustomerID]}); err != nil || diff != "" {
					t.Errorf("told %s %v", diff, err)
				}
				transfer, _, err := w.Ledger.TransferOf(w.ctx, db, got.Refund.TransferID)
				want := models.Transfer{Kind: models.TransferRefund, OrderID: order.ID, SubjectID: got.Refund.ID, Reason: "a mistake"}
				if err != nil || transfer.Kind != want.Kind || transfer.OrderID != want.OrderID || transfer.SubjectID != want.SubjectID || transfer.Reason != want.Reason {
					t.Errorf("transfer %+v, %v", transfer, err)
				}
				audit(t, w)
			})
		})
	}
}

// TestTortureRefunds is R7: twenty at once ask for all of an order, or of a line. One gets it.
func TestTortureRefunds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		line   bool
		amount string
		key    func(int) string
		want   map[string]int
	}{
		"of the order":             {false, "", func(i int) string { return fmt.Sprint(i) }, map[string]int{"": 1, "NOTHING_TO_REFUND": 19}},
		"of the order, in figures": {false, "100.00", func(i int) string { return fmt.Sprint(i) }, map[string]int{"": 1, "NOTHING_TO_REFUND": 19}},
		"of a line":                {true, "", func(i int) string { return fmt.Sprint(i) }, map[string]int{"": 1, "NOTHING_TO_REFUND": 19}},
		"of a line, in parts":      {true, "20.00", func(i int) string { return fmt.Sprint(i) }, map[string]int{"": 1, "REFUND_EXCEEDS_PAID": 19}},
		"with one key":             {false, "60.00", func(int) string { return "same" }, map[string]int{"": 20}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				w.give(w.ofProvider, 10_000)
				order, _, disk := w.bought(w.ofProvider, "pay")
				var item *models.ID
				if row.line {
					item = &disk
				}
				got := map[string]int{}
				transfers := map[models.ID]bool{}
				var counting sync.Mutex
				var all sync.WaitGroup
				for i := range 20 {
					all.Go(func() {
						done, err := w.Refund(w.ctx, operator(), refund(order.ID, item, row.amount, row.key(i)))
						counting.Lock()
						defer counting.Unlock()
						if err != nil {
							got[reasonOf(err)]++
							return
						}
						got[""]++
						transfers[done.Refund.TransferID] = true
					})
				}
				all.Wait()
				if diff := cmp.Diff(row.want, got); diff != "" || len(transfers) != 1 {
					t.Errorf("%d transfers; answers: %s", len(transfers), diff)
				}
				w.lines(order.ID)
				audit(t, w)
				t.Logf("R7 %s: 20 refunds %s at once: %d succeed with %d transfer, audit clean: %v", db.Engine(), name, got[""], len(transfers), !t.Failed())
			})
		})
	}
}

func TestAReversedRefundMayBePaidBackAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		order, _, disk := w.bought(w.ofProvider, "pay")
		first, err := w.Refund(w.ctx, operator(), refund(order.ID, &disk, "", "first"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.funds().Reverse(w.ctx, operator(), funds.ReverseTransfer{TransferID: first.Refund.TransferID, Reason: "wrong line", IdempotencyKey: "back"}); err != nil {
			t.Fatal(err)
		}
		found, err := w.RefundsByIDs(w.ctx, asCustomer(w.ofProvider), []models.ID{first.Refund.ID})
		if err != nil || !found[first.Refund.ID].Reversed() {
			t.Errorf("the refund does not know that it was taken back: %+v, %v", found, err)
		}
		if got := w.cash(w.ofProvider.ID); got != 0 {
			t.Errorf("the customer has %d after the reversal, want 0", got)
		}
		again, err := w.Refund(w.ctx, operator(), refund(order.ID, &disk, "", "second"))
		if err != nil || again.Refund.AmountMinor != 3_000 {
			t.Errorf("again: %+v, %v", again.Refund, err)
		}
		if _, err := w.Refund(w.ctx, operator(), refund(order.ID, nil, "70.01", "third")); reasonOf(err) != "REFUND_EXCEEDS_PAID" {
			t.Error(err)
		}
		w.lines(order.ID)
		audit(t, w)
	})
}

// Refunds are seen by whoever sees the order.
func TestRefundsAreSeenWithTheirOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofReseller, 10_000)
		w.give(w.advised, 10_000)
		resale, _, _ := w.bought(w.ofReseller, "resale")
		advisory, _, _ := w.bought(w.advised, "advisory")
		ids := map[models.ID]models.ID{}
		for _, order := range []models.Order{resale, advisory} {
			done, err := w.Refund(w.ctx, operator(), refund(order.ID, nil, "1", string(order.ID)))
			if err != nil {
				t.Fatal(err)
			}
			ids[order.ID] = done.Refund.ID
		}
		blind := asCustomer(w.advised)
		blind.Permissions = []models.Permission{models.PayOrders}
		for _, row := range []struct {
			name             string
			who              models.Principal
			resale, advisory bool
			refused          string
		}{
			{"an operator", operator(), true, true, ""},
			{"the reseller", asPartner(w.reseller), true, false, ""},
			{"its distributor", asPartner(w.distributor), true, false, ""},
			{"its customer", asCustomer(w.ofReseller), true, false, ""},
			{"the advisory customer", asCustomer(w.advised), false, true, ""},
			{"the advisor", asPartner(w.provider), false, false, ""},
			{"a stranger", asPartner(w.stranger), false, false, ""},
			{"another customer", asCustomer(w.ofProvider), false, false, ""},
			{"without the permission", blind, false, false, "FORBIDDEN"},
			{"nobody", models.Principal{}, false, false, "UNAUTHENTICATED"},
		} {
			byOrder, err := w.RefundsFor(context.Background(), row.who, []models.ID{resale.ID, advisory.ID})
			if row.refused != "" {
				if reasonOf(err) != row.refused {
					t.Errorf("%s: %v, want %s", row.name, err, row.refused)
				}
				continue
			}
			byID, err2 := w.RefundsByIDs(context.Background(), row.who, []models.ID{ids[resale.ID], ids[advisory.ID]})
			_, sawResale := byID[ids[resale.ID]]
			_, sawAdvisory := byID[ids[advisory.ID]]
			got := []bool{len(byOrder[resale.ID]) == 1, sawResale, len(byOrder[advisory.ID]) == 1, sawAdvisory}
			if diff := cmp.Diff([]bool{row.resale, row.resale, row.advisory, row.advisory}, got); diff != "" || err != nil || err2 != nil {
				t.Errorf("%s sees: %s %v %v", row.name, diff, err, err2)
			}
		}
	})
}
