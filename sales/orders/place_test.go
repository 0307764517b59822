package orders_test

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestPlaceFillsInWhatFollows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		cheap := server(1_000)
		cheap.Parts[0].AmountMinor = 50
		resale, err := w.Place(w.ctx, operator(), orders.PlaceOrder{CustomerID: w.ofReseller.ID, ExternalID: "shop-1", Items: []orders.PlaceItem{cheap, server(7)}})
		if err != nil {
			t.Fatal(err)
		}
		if resale.TotalMinor != 1_057 || resale.OfficialMinor != 1_057 || resale.PartnerID != w.reseller.ID || resale.Currency != models.CNY ||
			resale.Status != models.OrderPendingPayment || !resale.PayBy.Equal(w.Now().Add(orders.DefaultPayWithin)) || len(resale.Number) != 18 {
			t.Errorf("resale order: %+v", resale)
		}
		items, err := w.ItemsFor(w.ctx, operator(), []models.ID{resale.ID})
		if err != nil {
			t.Fatal(err)
		}
		lines := items[resale.ID]
		if len(lines) != 4 || lines[1].ParentID != lines[0].ID || lines[2].ParentID != "" || lines[3].ParentID != lines[2].ID ||
			lines[1].PeriodType != models.PeriodMonth || lines[1].Amount().String() != "0.50 CNY" {
			t.Errorf("lines: %+v", lines)
		}
		if advisory := w.place(w.advised, 5); advisory.PartnerID != "" {
			t.Errorf("an advisory customer's order names the partner %s", advisory.PartnerID)
		}
		_, err = w.Place(w.ctx, operator(), orders.PlaceOrder{CustomerID: w.ofReseller.ID, ExternalID: "shop-1", Items: []orders.PlaceItem{server(1)}})
		if models.CodeOf(err) != models.CodeConflict {
			t.Errorf("the same external id again: %v", err)
		}
	})
}

func TestPlaceIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		change := func(edit func(*orders.PlaceItem)) []orders.PlaceItem {
			item := server(10)
			edit(&item)
			return []orders.PlaceItem{item}
		}
		good := []orders.PlaceItem{server(10)}
		past := w.Now().Add(-time.Second)
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  orders.PlaceOrder
			want string
		}{
			{"by a customer", asCustomer(w.ofProvider), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: good}, "FORBIDDEN"},
			{"by its partner", asPartner(w.provider), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: good}, "FORBIDDEN"},
			{"by nobody", models.Principal{}, orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: good}, "UNAUTHENTICATED"},
			{"unknown customer", system(), orders.PlaceOrder{CustomerID: w.IDs(models.PrefixCustomer), Items: good}, "NOT_FOUND"},
			{"a partner as customer", system(), orders.PlaceOrder{CustomerID: w.provider.ID, Items: good}, "INVALID"},
			{"no lines", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID}, "INVALID"},
			{"a deadline in the past", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: good, PayBy: &past}, "INVALID"},
			{"quantity 0", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.Quantity = 0 })}, "INVALID"},
			{"quantity 10001", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.Quantity = 10_001 })}, "INVALID"},
			{"more resources than one order may make", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.Quantity = 5_001 })}, "INVALID"},
			{"a negative amount", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.AmountMinor = -1 })}, "INVALID"},
			{"an amount too large", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.AmountMinor = models.MaxMinor + 1 })}, "INVALID"},
			{"a total too large", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: []orders.PlaceItem{server(models.MaxMinor), server(1)}}, "INVALID"},
			{"an unknown period", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.PeriodType = "WEEK" })}, "INVALID"},
			{"no period count", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.PeriodCount = 0 })}, "INVALID"},
			{"a part of a part", system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: change(func(i *orders.PlaceItem) { i.Parts[0].Parts = good })}, "INVALID"},
		} {
			if _, err := w.Place(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if n, err := db.NewSelect().Model((*models.Order)(nil)).Count(w.ctx); err != nil || n != 0 {
			t.Errorf("%d orders written, %v", n, err)
		}
	})
}

func TestPlaceInChecksWhatIsGiven(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		line := models.OrderItem{
			ServiceType: "s", ResourceType: "r", SpecCode: "c", Region: "x", Quantity: 1, PeriodType: models.PeriodYear, PeriodCount: 1, AmountMinor: 10,
		}
		orphan := line
		orphan.ParentID = w.IDs(models.PrefixOrderItem)
		for _, row := range []struct {
			name  string
			order models.Order
			items []models.OrderItem
			want  string
		}{
			{"a total that is not the sum", models.Order{TotalMinor: 11}, []models.OrderItem{line}, "INVALID"},
			{"a list price below the total", models.Order{OfficialMinor: 9}, []models.OrderItem{line}, "INVALID"},
			{"a renewal", models.Order{Type: models.OrderRenew}, []models.OrderItem{line}, "INVALID"},
			{"a part of nothing", models.Order{}, []models.OrderItem{orphan}, "INVALID"},
			{"total and list price that fit", models.Order{TotalMinor: 10, OfficialMinor: 20}, []models.OrderItem{line}, ""},
			{"a status of its own", models.Order{Status: models.OrderCompleted, PaidAt: ptr(w.Now())}, []models.OrderItem{line}, ""},
		} {
			row.order.CustomerID = w.ofProvider.ID
			var placed models.Order
			err := db.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
				var err error
				placed, err = w.PlaceIn(ctx, tx, system(), row.order, row.items)
				return err
			})
			if reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %q", row.name, err, row.want)
			}
			if err == nil && (placed.Status != models.OrderPendingPayment || placed.PaidAt != nil) {
				t.Errorf("%s: placed as %+v", row.name, placed)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 1_000)
		mine, foreign, paid := w.place(w.ofProvider, 1), w.place(w.ofReseller, 1), w.place(w.ofProvider, 1)
		if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: paid.ID, IdempotencyKey: "k"}); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			id   models.ID
			want string
		}{
			{"its partner", asPartner(w.provider), mine.ID, "FORBIDDEN"},
			{"nobody", models.Principal{}, mine.ID, "UNAUTHENTICATED"},
			{"somebody else's", asCustomer(w.ofProvider), foreign.ID, "NOT_FOUND"},
			{"id of another kind", asCustomer(w.ofProvider), w.provider.ID, "INVALID"},
			{"a paid one", asCustomer(w.ofProvider), paid.ID, "ORDER_NOT_CANCELLABLE"},
			{"mine", asCustomer(w.ofProvider), mine.ID, ""},
			{"twice", asCustomer(w.ofProvider), mine.ID, "ORDER_NOT_CANCELLABLE"},
			{"any, as operator", operator(), foreign.ID, ""},
		} {
			order, err := w.Cancel(w.ctx, row.who, orders.CancelOrder{OrderID: row.id})
			if reasonOf(err) != row.want || (err == nil) != (order.Status == models.OrderCancelled) {
				t.Errorf("%s: %v %s, want %q", row.name, err, order.Status, row.want)
			}
		}
	})
}

func TestPurchasesKnowWhoHasPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 1_000)
		order := w.place(w.ofProvider, 1)
		w.place(w.ofReseller, 1)
		before, err := orders.Purchases{}.HasPaid(w.ctx, db, w.ofProvider.ID)
		if err != nil || before {
			t.Errorf("before paying: %v, %v", before, err)
		}
		if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "k"}); err != nil {
			t.Fatal(err)
		}
		after, err := orders.Purchases{}.HasPaid(w.ctx, db, w.ofProvider.ID)
		other, otherErr := orders.Purchases{}.HasPaid(w.ctx, db, w.ofReseller.ID)
		if err != nil || otherErr != nil || !after || other {
			t.Errorf("after paying: %v, %v; a customer that has not: %v, %v", after, err, other, otherErr)
		}
	})
}

// TestPurchasesKnowWhoHasSomethingToPay is C13: what can no longer be paid holds nobody back.
func TestPurchasesKnowWhoHasSomethingToPay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 1_000)
		order := w.place(w.ofProvider, 1)
		other := w.place(w.ofProvider, 1)
		awaits := func(customer models.ID, now time.Time) bool {
			t.Helper()
			found, err := orders.Purchases{}.AwaitsPayment(w.ctx, db, customer, now)
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if !awaits(w.ofProvider.ID, w.Now()) || awaits(w.ofReseller.ID, w.Now()) {
			t.Error("before paying: one customer has something to pay, the other has not")
		}
		if !awaits(w.ofProvider.ID, order.PayBy.Add(-time.Second)) || awaits(w.ofProvider.ID, *order.PayBy) {
			t.Error("an order awaits payment until its deadline, and no longer")
		}
		if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "k"}); err != nil {
			t.Fatal(err)
		}
		if !awaits(w.ofProvider.ID, w.Now()) {
			t.Error("the second order waits still")
		}
		if _, err := w.Cancel(w.ctx, asCustomer(w.ofProvider), orders.CancelOrder{OrderID: other.ID}); err != nil {
			t.Fatal(err)
		}
		if awaits(w.ofProvider.ID, w.Now()) {
			t.Error("one is paid and one cancelled: nothing waits")
		}
	})
}
