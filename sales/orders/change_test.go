package orders_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// specs is what servers cost a month, by specification.
func specs() map[string]int64 {
	return map[string]int64{"s6.small": 4, "s6.large.2.linux": 10, "s6.xlarge": 25}
}

// quoteChange is what the catalogue would answer for another specification of a resource now, with discounts when there are any.
func (w *world) quoteChange(customer models.Customer, id models.ID, spec string, discounts ...models.Discount) models.Quote {
	w.t.Helper()
	at := w.Now()
	periods, err := w.PaidPeriods(w.ctx, system(), id, at)
	if err != nil {
		w.t.Fatal(err)
	}
	r := w.resource(id)
	quote := models.Quote{CustomerID: customer.ID, Kind: models.QuoteChange, Currency: models.CNY, Precision: 2, Discounts: discounts}
	var rated []models.Rated
	for i, period := range periods {
		rate := func(spec string) (models.Charge, models.Rated) {
			charge := models.Charge{
				ServiceType: r.ServiceType, ResourceType: r.ResourceType, SpecCode: spec, Region: r.Region, Currency: models.CNY, Quantity: 1, Pieces: 1,
				PeriodType: period.PeriodType, PeriodCount: period.PeriodCount,
			}
			rated, err := models.Price{Amount: decimal.NewFromInt(specs()[spec])}.Rate(charge, nil)
			if err != nil {
				w.t.Fatal(err)
			}
			return charge, rated
		}
		line := models.QuoteLine{ID: string(w.IDs("l")), Position: i + 1, ResourceID: id, Change: &models.LineChange{
			BaseSpecCode: r.SpecCode, From: period.From, Until: period.Until, At: at, PaidRest: decimal.New(period.RestMinor, -2),
		}}
		_, before := rate(r.SpecCode)
		var after models.Rated
		line.Charge, after = rate(spec)
		quote.Lines, rated = append(quote.Lines, line), append(rated, after.Instead(&before, *line.Change))
	}
	if err := quote.Total(rated, nil); err != nil {
		w.t.Fatal(err)
	}
	return quote
}

// placeChange orders a change, or a turn to a period, at its quote.
func (w *world) placeChange(customer models.Customer, quote models.Quote) (models.Order, error) {
	w.Quotes = &shop{quote: quote}
	done, err := w.PlaceQuoted(w.ctx, asCustomer(customer), orders.PlaceFromQuote{
		CustomerID: customer.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: string(w.IDs("k")),
	})
	return done.Order, err
}

func tenth() models.Discount {
	return models.Discount{ID: models.RandomIDs()(models.PrefixDiscount), Kind: models.DiscountContract, Mode: models.DiscountRate, Value: decimal.New(9, -1)}
}

const quarter = 23 * 24 * time.Hour // of the 92 days that the tests' servers are bought for

func TestSomethingDearerCostsTheDifferenceForTheRest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000+3_038)
		_, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		me, id := asCustomer(w.ofProvider), mains[0].ID
		w.clock.advance(quarter)
		// 15.00 a month more for three quarters of three months, less a tenth.
		order, err := w.placeChange(w.ofProvider, w.quoteChange(w.ofProvider, id, "s6.xlarge", tenth()))
		if err != nil {
			t.Fatal(err)
		}
		if order.Type != models.OrderChange || order.TotalMinor != 3_038 || order.OfficialMinor != 3_375 || order.Status != models.OrderPendingPayment ||
			!order.PayBy.Equal(w.Now().Add(orders.MaxPayChangeWithin)) {
			t.Errorf("%+v", order)
		}
		if _, err := w.Renew(w.ctx, me, renew("meanwhile", 1, false, id)); reasonOf(err) != "RESOURCE_IN_PENDING_ORDER" {
			t.Error(err)
		}
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: order.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		if w.resource(id).SpecCode != "s6.large.2.linux" {
			t.Error("changed before the cloud has done it")
		}
		w.deliver()
		got, sub := w.resource(id), w.subOf(id)
		if got.SpecCode != "s6.xlarge" || !got.ExpiresAt.Equal(*mains[0].ExpiresAt) || sub.SpecCode != "SSD" || w.resource(mains[1].ID).SpecCode != "s6.large.2.linux" {
			t.Errorf("%+v %+v", got, sub)
		}
		if w.order(order.ID).Status != models.OrderCompleted || w.cash(w.ofProvider.ID) != 0 {
			t.Errorf("%s, %d left", w.order(order.ID).Status, w.cash(w.ofProvider.ID))
		}
		items, err := w.ItemsFor(w.ctx, me, []models.ID{order.ID})
		if l := items[order.ID]; err != nil || len(l) != 1 || l[0].BaseSpecCode != "s6.large.2.linux" || l[0].SpecCode != "s6.xlarge" || l[0].ResourceID != id {
			t.Errorf("%+v, %v", items, err)
		}
		// Renewals cost what it is now: 22.50 a month, and its disk 5.00.
		renewal, err := w.Renew(w.ctx, me, renew("then", 1, false, id))
		if err != nil || renewal.Order.TotalMinor != 2_750 {
			t.Errorf("%+v, %v", renewal.Order, err)
		}
		if _, err := w.Cancel(w.ctx, me, orders.CancelOrder{OrderID: renewal.Order.ID}); err != nil {
			t.Fatal(err)
		}
		// What was paid for the change goes back like the rest: a third of its time is used.
		w.clock.advance(quarter)
		preview, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{id}, models.UnsubscribeResource)
		if diff := cmp.Diff([]int64{2_137 + 712 + 1_924, 2_250 + 750 + 1_013, 113 + 38 + 101}, figures(preview)); err != nil || diff != "" {
			t.Error(diff, err)
		}
		audit(t, w)
	})
}

func TestSomethingCheaperGivesTheDifferenceBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000)
		base, mains := w.run(w.ofProvider, line(1, 9_000, 3_000))
		me, id := asCustomer(w.ofProvider), mains[0].ID
		w.clock.advance(quarter)
		quote := w.quoteChange(w.ofProvider, id, "s6.small")
		if quote.Refund().StringFixed(2) != "58.50" || !quote.Official.IsZero() {
			t.Fatalf("refund %s, official %s", quote.Refund(), quote.Official)
		}
		order, err := w.placeChange(w.ofProvider, quote)
		if err != nil || order.Status != models.OrderProcessing || order.TotalMinor != 0 || w.cash(w.ofProvider.ID) != 0 {
			t.Fatalf("%+v, %v, cash %d", order, err, w.cash(w.ofProvider.ID))
		}
		infos, err := w.RefundInfosFor(w.ctx, me, []models.ID{order.ID})
		var told []int64
		for _, info := range infos[order.ID] {
			told = append(told, info.AmountMinor)
			if info.ResourceID != id || info.BaseOrderID != base.ID {
				t.Errorf("%+v", info)
			}
		}
		if diff := cmp.Diff([]int64{-5_850, 3_150}, told); err != nil || diff != "" {
			t.Error(diff, err)
		}
		w.deliver()
		if w.resource(id).SpecCode != "s6.small" || w.cash(w.ofProvider.ID) != 5_850 || w.order(order.ID).Status != models.OrderCompleted {
			t.Errorf("%s, %d, %s", w.resource(id).SpecCode, w.cash(w.ofProvider.ID), w.order(order.ID).Status)
		}
		refunds, err := w.RefundsFor(w.ctx, me, []models.ID{base.ID})
		if err != nil || len(refunds[base.ID]) != 1 || refunds[base.ID][0].AmountMinor != 5_850 {
			t.Errorf("%+v, %v", refunds, err)
		}
		if renewal, err := w.Renew(w.ctx, me, renew("then", 1, false, id)); err != nil || renewal.Order.TotalMinor != 1_400 {
			t.Errorf("%+v, %v", renewal.Order, err)
		}
		w.clock.advance(quarter)
		preview, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{id}, models.UnsubscribeResource)
		if diff := cmp.Diff([]int64{570 + 1_425, 2_250 + 300 + 1_500, 30 + 75}, figures(preview)); err != nil || diff != "" {
			t.Error(diff, err)
		}
		// There and back again costs what the rest of the time costs.
		again := w.quoteChange(w.ofProvider, id, "s6.large.2.linux")
		if again.OfficialMinor() != 900 {
			t.Errorf("back costs %s, want 9.00: 6.00 a month for half of three months", again.Official)
		}
		w.lines(base.ID)
		audit(t, w)
	})
}

func TestAChangeCoversRenewedPeriodsAndGoesBackWithThem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 100_000)
		_, mains := w.run(w.ofProvider, line(1, 3_000, 0))
		me, id := asCustomer(w.ofProvider), mains[0].ID
		if _, err := w.Renew(w.ctx, me, renew("renew", 2, true, id)); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		w.clock.advance(quarter)
		quote := w.quoteChange(w.ofProvider, id, "s6.xlarge")
		if len(quote.Lines) != 2 || quote.OfficialMinor() != 3_375+3_000 {
			t.Fatalf("%d lines, %s", len(quote.Lines), quote.Official)
		}
		order, err := w.placeChange(w.ofProvider, quote)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: order.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		back, err := w.Unsubscribe(w.ctx, me, giveUp("back", models.UnsubscribeRenewals, id))
		if diff := cmp.Diff([]int64{2_000 + 3_000, 0, 0}, figures(back.Breakdown)); err != nil || diff != "" {
			t.Fatal(diff, err)
		}
		w.deliver()
		if got := w.resource(id); got.SpecCode != "s6.xlarge" || !got.ExpiresAt.Equal(*mains[0].ExpiresAt) {
			t.Errorf("%+v", got)
		}
		periods, err := w.PaidPeriods(w.ctx, me, id, w.Now())
		if err != nil || len(periods) != 1 || periods[0].RestMinor != 2_250+3_375 {
			t.Errorf("%+v, %v", periods, err)
		}
		audit(t, w)
	})
}

func TestAChangeThatFailsGivesTheMoneyBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		driver := &moody{}
		w.Driver = driver
		w.give(w.ofProvider, 20_000)
		_, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		me := asCustomer(w.ofProvider)
		w.clock.advance(quarter)
		driver.alter = errors.New("busy")
		up, err := w.placeChange(w.ofProvider, w.quoteChange(w.ofProvider, mains[0].ID, "s6.xlarge"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: up.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		down, err := w.placeChange(w.ofProvider, w.quoteChange(w.ofProvider, mains[1].ID, "s6.small"))
		if err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if a, b := w.order(up.ID).Status, w.order(down.ID).Status; a != models.OrderProcessing || b != models.OrderProcessing {
			t.Errorf("after a failure that may pass: %s %s", a, b)
		}
		driver.alter = &orders.FinalError{Reason: "SOLD_OUT"}
		w.clock.advance(time.Hour)
		w.deliver()
		for _, id := range []models.ID{up.ID, down.ID} {
			if got := w.order(id); got.Status != models.OrderCancelled || got.Failure != "SOLD_OUT" {
				t.Errorf("%s %s", got.Status, got.Failure)
			}
		}
		if w.cash(w.ofProvider.ID) != 8_000 {
			t.Errorf("%d left, want 8000", w.cash(w.ofProvider.ID))
		}
		for _, main := range mains {
			if got := w.resource(main.ID); got.SpecCode != main.SpecCode {
				t.Errorf("it is %s now", got.SpecCode)
			}
			if periods, err := w.PaidPeriods(w.ctx, me, main.ID, w.clock.at.Add(-time.Hour)); err != nil || periods[0].RestMinor != 3_375 {
				t.Errorf("%+v, %v", periods, err)
			}
		}
		// What is paid after its time is over is not carried out either.
		driver.alter = nil
		w.PayWithin = 365 * 24 * time.Hour
		w.clock.advance(68 * 24 * time.Hour)
		late, err := w.placeChange(w.ofProvider, w.quoteChange(w.ofProvider, mains[0].ID, "s6.xlarge"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: late.ID, IdempotencyKey: "late"}); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(24 * time.Hour)
		w.deliver()
		if got := w.order(late.ID); got.Status != models.OrderCancelled || got.Failure != "PERIOD_OVER" || w.cash(w.ofProvider.ID) != 8_000 {
			t.Errorf("%s %s, %d", got.Status, got.Failure, w.cash(w.ofProvider.ID))
		}
		audit(t, w)
	})
}

func TestChangesThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 100_000)
		_, mains := w.run(w.ofProvider, line(6, 9_000, 3_000))
		w.clock.advance(quarter)
		me := asCustomer(w.ofProvider)
		quotes := make([]models.Quote, len(mains))
		for i, main := range mains {
			quotes[i] = w.quoteChange(w.ofProvider, main.ID, "s6.xlarge")
		}
		sub := quotes[0]
		sub.Lines = slices.Clone(sub.Lines)
		sub.Lines[0].ResourceID = w.subOf(mains[0].ID).ID
		w.set(mains[1].ID, "status", models.ResourceFrozen)
		w.set(mains[2].ID, "charging_mode", models.ChargedByUse)
		w.set(mains[3].ID, "spec_code", "s6.small")
		if _, err := w.Renew(w.ctx, me, renew("waits", 1, false, mains[4].ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Refund(w.ctx, operator(), refund(mains[0].OrderID, nil, "119.00", "nearly all")); err != nil {
			t.Fatal(err)
		}
		before := rows(t, w)
		for _, row := range []struct {
			name  string
			quote models.Quote
			want  string
		}{
			{"a sub-resource", sub, "SUB_RESOURCE"},
			{"frozen", quotes[1], "RESOURCE_FROZEN"},
			{"by use", quotes[2], "RESOURCE_PAY_PER_USE"},
			{"changed since", quotes[3], "QUOTE_STALE"},
			{"in another order", quotes[4], "RESOURCE_IN_PENDING_ORDER"},
			{"paid back since", w.quoteChange(w.ofProvider, mains[5].ID, "s6.small"), "QUOTE_STALE"},
			{"somebody else's", func() models.Quote { q := quotes[0]; q.CustomerID = w.ofReseller.ID; return q }(), "NOT_FOUND"},
		} {
			if _, err := w.placeChange(w.ofProvider, row.quote); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		w.Quotes = &shop{quote: quotes[0]}
		cmd := orders.PlaceFromQuote{CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: "theirs"}
		for _, row := range []struct {
			who  models.Principal
			want string
		}{{asPartner(w.provider), "NOT_AUTHORISED"}, {asPartner(w.stranger), "NOT_FOUND"}, {asCustomer(w.ofReseller), "NOT_FOUND"}, {models.Principal{}, "UNAUTHENTICATED"}} {
			if _, err := w.PlaceQuoted(w.ctx, row.who, cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.who.Kind, err, row.want)
			}
		}
		if diff := cmp.Diff(before, rows(t, w)); diff != "" {
			t.Errorf("refusals left something behind: %s", diff)
		}
		w.clock.advance(100 * 24 * time.Hour)
		if _, err := w.placeChange(w.ofProvider, quotes[0]); reasonOf(err) != "QUOTE_STALE" {
			t.Errorf("after its end: %v", err)
		}
		if periods, err := w.PaidPeriods(w.ctx, asPartner(w.stranger), mains[0].ID, w.Now()); err != nil || len(periods) != 0 {
			t.Errorf("a stranger sees %v, %v", periods, err)
		}
	})
}

// rows counts what operations of orders write.
func rows(t *testing.T, w *world) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range []string{"orders", "order_items", "refund_infos", "order_refunds", "transfers", "entries", "events", "holds", "resources", "free_unsubscriptions", "idempotency_keys"} {
		n, err := w.DB.NewSelect().Table(table).Count(w.ctx)
		if err != nil {
			t.Fatal(table, err)
		}
		counts[table] = int(n)
	}
	return counts
}

func TestAutomaticRenewalsEndOnTheUnifiedDay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000+7_079+6_000)
		_, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		id := mains[0].ID
		w.set(id, "expire_policy", models.ExpireAutoRenew)
		w.set(id, "unified_expiry_day", 5)
		for _, step := range []struct {
			end  time.Time
			left int64
		}{
			// From 20 February to 20 May is 89 days; 16 more to the 5th cost 16/89 of 45.00 and of 15.00.
			{time.Date(2027, 6, 5, 8, 0, 0, 0, time.UTC), 6_000},
			{time.Date(2027, 9, 5, 8, 0, 0, 0, time.UTC), 0}, // from the day to the day costs no more than it did
		} {
			if err := w.RenewDue(w.ctx, id); err != nil {
				t.Fatal(err)
			}
			w.deliver()
			for _, r := range []models.Resource{w.resource(id), w.subOf(id)} {
				if !r.ExpiresAt.Equal(step.end) {
					t.Errorf("it ends %v, want %v", r.ExpiresAt, step.end)
				}
			}
			if w.cash(w.ofProvider.ID) != step.left {
				t.Errorf("%d left, want %d", w.cash(w.ofProvider.ID), step.left)
			}
		}
		audit(t, w)
	})
}

// resourceFilter finds what can be renewed of one enterprise project (C24).
func resourceFilter(project string) resources.ResourceFilter {
	return resources.ResourceFilter{EnterpriseProject: &project, Renewable: ptr(true)}
}

func TestResourcesKeepSizeAndProjectOfTheirOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 50_000)
		me := asCustomer(w.ofProvider)
		for _, project := range []string{"web", "back office"} {
			quote := quoteFor(w.ofProvider, w.IDs(models.PrefixDiscount))
			quote.Lines[1].Size, quote.Lines[1].SizeMeasureID = ptr(decimal.New(40, 0)), 17
			w.Quotes = &shop{quote: quote}
			done, err := w.PlaceQuoted(w.ctx, me, orders.PlaceFromQuote{
				CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), EnterpriseProject: &project, IdempotencyKey: "place " + project,
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: done.Order.ID, IdempotencyKey: "pay " + project}); err != nil {
				t.Fatal(err)
			}
		}
		w.deliver()
		found, err := w.Resources.Find(w.ctx, me, resourceFilter("web"), models.PageArgs{})
		if err != nil || len(found.Edges) != 1 || !found.Edges[0].Node.IsMain() {
			t.Fatalf("%+v, %v", found, err)
		}
		main := found.Edges[0].Node
		disk := w.subOf(main.ID)
		if main.EnterpriseProject != "web" || main.SpecSize != "" || disk.EnterpriseProject != "web" || disk.SpecSize != "40" || disk.SpecMeasure != "17" {
			t.Errorf("%+v %+v", main, disk)
		}
	})
}
