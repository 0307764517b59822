package orders_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// adjust is a price for an order.
func (w *world) adjust(order models.Order, mode models.DiscountMode, value string) orders.AdjustPrice {
	return orders.AdjustPrice{OrderID: order.ID, Mode: mode, Value: decimal.RequireFromString(value), Reason: "as agreed", IdempotencyKey: string(w.IDs("k"))}
}

func (w *world) restore(order models.Order) orders.RestorePrice {
	return orders.RestorePrice{OrderID: order.ID, Reason: "a mistake", IdempotencyKey: string(w.IDs("k"))}
}

// amounts are what an order and its lines cost, in minor units.
func (w *world) amounts(order models.ID) []int64 {
	w.t.Helper()
	items, err := w.ItemsFor(w.ctx, system(), []models.ID{order})
	if err != nil {
		w.t.Fatal(err)
	}
	all := []int64{w.order(order).TotalMinor}
	for _, item := range items[order] {
		all = append(all, item.AmountMinor)
	}
	return all
}

// looker is a till that remembers what it was shown.
type looker struct {
	tills
	seen models.CouponPurchase
}

func (l *looker) RedeemIn(ctx context.Context, tx bun.IDB, who models.Principal, p models.CouponPurchase, ids []models.ID) ([]models.CouponShare, error) {
	l.seen = p
	return l.tills.RedeemIn(ctx, tx, who, p, ids)
}

// O04, type 609: the seller's price takes the place of the discount, its lines add up to it to the cent, and the customer chooses no other one until it is
// taken back.
func TestTheSellerSetsThePriceOfAnOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		me, seller, discount := asCustomer(w.ofProvider), asPartner(w.provider), w.IDs(models.PrefixDiscount)
		market := &shop{quote: quoteFor(w.ofProvider, discount)}
		w.Quotes, w.Offers = market, market
		placed, err := w.PlaceQuoted(w.ctx, me, orders.PlaceFromQuote{CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: "place"})
		if err != nil || placed.Order.DiscountID != discount {
			t.Fatal(err)
		}
		order := placed.Order
		for _, step := range []struct {
			mode    models.DiscountMode
			value   string
			amounts []int64
		}{
			{models.DiscountRate, "0.33335", []int64{4_000, 3_333, 667}}, // of the list price of 120.00, not of the 108.00 that was chosen; 40.002 is rounded once
			{models.DiscountFixed, "100.01", []int64{10_001, 8_334, 1_667}},
			{models.DiscountReduction, "119.99", []int64{1, 1, 0}},
			{models.DiscountFixed, "0", []int64{0, 0, 0}},
			{models.DiscountRate, "1", []int64{12_000, 10_000, 2_000}},
			{models.DiscountReduction, "20", []int64{10_000, 8_333, 1_667}},
		} {
			done, err := w.AdjustPrice(w.ctx, seller, w.adjust(order, step.mode, step.value))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step.amounts, w.amounts(order.ID)); diff != "" {
				t.Errorf("%s %s: %s", step.mode, step.value, diff)
			}
			if got := w.order(order.ID); got.DiscountID != "" || done.Adjustment == nil || got.AdjustmentID != done.Adjustment.ID || got.OfficialMinor != 12_000 {
				t.Errorf("%+v, %+v", got, done)
			}
		}
		if _, err := w.ChooseDiscount(w.ctx, me, orders.ChooseOrderDiscount{OrderID: order.ID, DiscountID: &discount}); reasonOf(err) != "PRICE_ADJUSTED" {
			t.Errorf("the customer chooses: %v", err)
		}
		offers, err := w.Choices(w.ctx, me, w.order(order.ID))
		if err != nil || len(offers) != 1 || offers[0].Kind != models.DiscountOrderPrice || !offers[0].BestOffer || offers[0].Amount.String() != "100" || offers[0].Saving.String() != "20" {
			t.Errorf("offers %+v, %v", offers, err)
		}
		found, err := w.AdjustmentsByIDs(w.ctx, me, []models.ID{w.order(order.ID).AdjustmentID})
		if err != nil || len(found) != 1 || found[w.order(order.ID).AdjustmentID].PartnerID != w.provider.ID || found[w.order(order.ID).AdjustmentID].Reason != "as agreed" {
			t.Errorf("%+v, %v", found, err)
		}

		done, err := w.RestorePrice(w.ctx, seller, w.restore(order))
		if diff := cmp.Diff([]int64{12_000, 10_000, 2_000}, w.amounts(order.ID)); err != nil || diff != "" || done.Order.AdjustmentID != "" {
			t.Errorf("taken back: %v %s", err, diff)
		}
		if _, err := w.RestorePrice(w.ctx, seller, w.restore(order)); reasonOf(err) != "NOT_ADJUSTED" {
			t.Errorf("taken back again: %v", err)
		}
		chosen, err := w.ChooseDiscount(w.ctx, me, orders.ChooseOrderDiscount{OrderID: order.ID, DiscountID: &discount})
		if err != nil || chosen.Order.TotalMinor != 10_800 {
			t.Errorf("chosen again: %+v, %v", chosen, err)
		}
		w.paysTheSellersPrice(order)
	})
}

// paysTheSellersPrice has an order paid, with coupons that see a discount, and refunded, at a price that is set.
func (w *world) paysTheSellersPrice(order models.Order) {
	w.t.Helper()
	if _, err := w.AdjustPrice(w.ctx, operator(), w.adjust(order, models.DiscountFixed, "60")); err != nil {
		w.t.Fatal(err)
	}
	till := &looker{tills: tills{pays: 1_000}}
	w.Vouchers = till
	w.give(w.ofProvider, 5_000)
	if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, CouponIDs: []models.ID{w.IDs(models.PrefixCoupon)}, IdempotencyKey: "pay"}); err != nil || w.balance(w.ofProvider) != 0 {
		w.t.Errorf("paid: %v, %d left", err, w.balance(w.ofProvider))
	}
	if till.seen.TotalMinor != 6_000 || till.seen.OfficialMinor != 12_000 {
		w.t.Errorf("coupons saw %+v", till.seen)
	}
	if done, err := w.Refund(w.ctx, operator(), refund(order.ID, nil, "", "all")); err != nil || done.Refund.AmountMinor != 5_000 {
		w.t.Errorf("refunded: %+v, %v", done, err)
	}
}

// Without a quote the lines go back to what they cost, however often the price was set.
func TestThePriceOfAnOrderWithoutAQuoteIsRestored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		order := w.place(w.ofProvider, 1_001)
		before := w.amounts(order.ID)
		for _, value := range []string{"0", "0.5", "0.123"} {
			if _, err := w.AdjustPrice(w.ctx, asPartner(w.provider), w.adjust(order, models.DiscountRate, value)); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.amounts(order.ID); got[0] != 123 {
			t.Errorf("amounts %v", got)
		}
		if _, err := w.RestorePrice(w.ctx, asPartner(w.provider), w.restore(order)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, w.amounts(order.ID)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPricesOfOthersOrWithoutBoundsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 10_000)
		order, ofReseller, advisory := w.place(w.ofProvider, 1_000), w.place(w.ofReseller, 1_000), w.place(w.advised, 1_000)
		paid, cancelled, held, gone := w.place(w.ofProvider, 100), w.place(w.ofProvider, 100), w.place(w.ofProvider, 100), w.place(w.ofProvider, 100)
		if _, err := w.payNow(w.ofProvider, paid); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Cancel(w.ctx, asCustomer(w.ofProvider), orders.CancelOrder{OrderID: cancelled.ID}); err != nil {
			t.Fatal(err)
		}
		if err := w.hold(w.ofProvider, held.ID, "hold"); err != nil {
			t.Fatal(err)
		}
		seller, distributor := asPartner(w.provider), asPartner(w.distributor)
		noPermission := seller
		noPermission.Permissions = []models.Permission{models.ReadOrders, models.PayOrders}
		rate := models.DiscountRate
		with := func(cmd orders.AdjustPrice, change func(*orders.AdjustPrice)) orders.AdjustPrice {
			change(&cmd)
			return cmd
		}
		half := func(order models.Order) orders.AdjustPrice { return w.adjust(order, rate, "0.5") }
		acting := func(cmd orders.AdjustPrice, reseller models.ID) orders.AdjustPrice {
			return with(cmd, func(c *orders.AdjustPrice) { c.ActingForPartnerID = &reseller })
		}
		before := w.amounts(order.ID)
		for name, row := range map[string]struct {
			who  models.Principal
			cmd  orders.AdjustPrice
			want string
		}{
			"paid":                           {seller, half(paid), "ORDER_ALREADY_PAID"},
			"cancelled":                      {seller, half(cancelled), "ORDER_CANCELLED"},
			"money is set aside":             {seller, half(held), "ORDER_ALREADY_HELD"},
			"an advisory customer's":         {seller, half(advisory), "NOT_FOUND"},
			"another partner's":              {asPartner(w.stranger), half(order), "NOT_FOUND"},
			"a reseller's, unnamed":          {distributor, half(ofReseller), "NOT_FOUND"},
			"another's reseller":             {seller, acting(half(ofReseller), w.reseller.ID), "NOT_FOUND"},
			"in the name of who sells not":   {seller, acting(half(order), w.stranger.ID), "NOT_FOUND"},
			"an operator, in a wrong name":   {operator(), acting(half(order), w.stranger.ID), "NOT_FOUND"},
			"the customer":                   {asCustomer(w.ofProvider), half(order), "FORBIDDEN"},
			"without the permission":         {noPermission, half(order), "FORBIDDEN"},
			"nobody":                         {models.Principal{}, half(order), "UNAUTHENTICATED"},
			"more than the list price":       {seller, w.adjust(order, rate, "1.01"), "INVALID"},
			"a price above the list price":   {seller, w.adjust(order, models.DiscountFixed, "10.01"), "INVALID"},
			"a reduction below nothing":      {seller, w.adjust(order, models.DiscountReduction, "10.01"), "INVALID"},
			"less than nothing":              {seller, w.adjust(order, models.DiscountFixed, "-1"), "INVALID"},
			"a tenth of a cent":              {seller, w.adjust(order, models.DiscountFixed, "1.001"), "INVALID"},
			"eleven fraction digits":         {seller, w.adjust(order, rate, "0.12345678901"), "INVALID"},
			"a number that never ends":       {seller, w.adjust(order, rate, "1e50000000"), "INVALID"},
			"no mode":                        {seller, w.adjust(order, "HALF", "1"), "INVALID"},
			"no reason":                      {seller, with(half(order), func(c *orders.AdjustPrice) { c.Reason = " " }), "INVALID"},
			"a reason of two lines":          {seller, with(half(order), func(c *orders.AdjustPrice) { c.Reason = "a\nb" }), "INVALID"},
			"no key":                         {seller, with(half(order), func(c *orders.AdjustPrice) { c.IdempotencyKey = "" }), "INVALID"},
			"no order's id":                  {seller, with(half(order), func(c *orders.AdjustPrice) { c.OrderID = w.provider.ID }), "INVALID"},
			"acting for who is no partner":   {distributor, acting(half(ofReseller), w.ofReseller.ID), "INVALID"},
			"a distributor for its reseller": {distributor, acting(half(ofReseller), w.reseller.ID), ""},
			"the reseller itself":            {asPartner(w.reseller), half(ofReseller), ""},
			"an operator, for anybody":       {operator(), half(advisory), ""},
		} {
			if _, err := w.AdjustPrice(w.ctx, row.who, row.cmd); reasonOf(err) != row.want && (err != nil || row.want != "") {
				t.Errorf("%s: %v, want %q", name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, w.amounts(order.ID)); diff != "" {
			t.Errorf("refusals left something behind: %s", diff)
		}
		w.associate(w.ofProvider, w.stranger.ID, models.Resale)
		if _, err := w.AdjustPrice(w.ctx, seller, half(gone)); reasonOf(err) != "NOT_THE_SELLER" {
			t.Errorf("the customer is another's: %v", err)
		}
		w.associate(w.ofProvider, w.provider.ID, models.Resale)
		w.ReviewAbove = 400
		if _, err := w.AdjustPrice(w.ctx, seller, w.adjust(order, rate, "0.5")); err != nil {
			t.Errorf("cheaper needs no review: %v", err)
		}
		if _, err := w.AdjustPrice(w.ctx, seller, w.adjust(order, rate, "0.9")); reasonOf(err) != "REVIEW_NEEDED" {
			t.Errorf("dearer: %v", err)
		}
		w.ReviewAbove = 0
		again := half(order)
		again.IdempotencyKey = "again"
		first, err := w.AdjustPrice(w.ctx, seller, again)
		if err != nil {
			t.Fatal(err)
		}
		second, err := w.AdjustPrice(w.ctx, seller, again)
		if err != nil || first.Adjustment.ID != second.Adjustment.ID {
			t.Errorf("the same key: %+v, %v", second, err)
		}
		again.Value = decimal.New(6, -1)
		if _, err := w.AdjustPrice(w.ctx, seller, again); reasonOf(err) != "CONFLICT" {
			t.Errorf("the same key, another value: %v", err)
		}
		audit(t, w)
	})
}

// A change that its seller gives away makes no renewal cheaper than what was changed, and half of its price leads halfway to what is renewed at the list
// price.
func TestRenewalsAfterAChangeAtTheSellersPrice(t *testing.T) {
	t.Parallel()
	for price, month := range map[string]int64{"0": 1_000, "16.88": 1_750, "33.75": 2_500} { // 10.00 a month before, 25.00 at the list price
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			w := newWorld(t, db)
			w.give(w.ofProvider, 12_000+3_375)
			_, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
			w.clock.advance(quarter)
			quote := w.quoteChange(w.ofProvider, mains[0].ID, "s6.xlarge")
			order, err := w.placeChange(w.ofProvider, quote)
			if err != nil || order.TotalMinor != 3_375 {
				t.Fatalf("%+v, %v", order, err)
			}
			w.Offers = &shop{quote: quote}
			if _, err := w.AdjustPrice(w.ctx, operator(), w.adjust(order, models.DiscountFixed, price)); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: string(w.IDs("k"))}); err != nil {
				t.Fatal(err)
			}
			w.deliver()
			renewal, err := w.Renew(w.ctx, asCustomer(w.ofProvider), renew(string(w.IDs("k")), 1, false, mains[0].ID))
			if want := month + 500; err != nil || renewal.Order.TotalMinor != want { // and its disk
				t.Errorf("at %s the next month costs %d, %v, want %d", price, renewal.Order.TotalMinor, err, want)
			}
			audit(t, w)
		})
	}
}
