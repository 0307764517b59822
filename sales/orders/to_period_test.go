package orders_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// quotePeriods is what the catalogue would answer for periods of resources that are charged by use: a server costs what specs says, its disk 2.00.
func (w *world) quotePeriods(customer models.Customer, kind models.PeriodType, count int, discounts []models.Discount, ids ...models.ID) models.Quote {
	w.t.Helper()
	families, err := w.Resources.FamiliesIn(w.ctx, w.DB, system(), ids, false)
	if err != nil {
		w.t.Fatal(err)
	}
	quote := models.Quote{CustomerID: customer.ID, Kind: models.QuoteToPeriod, Currency: models.CNY, Precision: 2, Discounts: discounts}
	var rated []models.Rated
	for _, id := range ids {
		for i, r := range families[id].Members() {
			price, sold := specs()[r.SpecCode]
			if !sold {
				price = 2
			}
			line := models.QuoteLine{ID: string(r.ID), Position: len(rated) + 1, ResourceID: r.ID, Charge: models.Charge{
				ServiceType: r.ServiceType, ResourceType: r.ResourceType, SpecCode: r.SpecCode, Region: r.Region, Currency: models.CNY, Quantity: 1, Pieces: 1,
				PeriodType: kind, PeriodCount: count,
			}}
			if i > 0 {
				line.ParentID = string(id)
			}
			one, err := models.Price{Amount: decimal.NewFromInt(price)}.Rate(line.Charge, nil)
			if err != nil {
				w.t.Fatal(err)
			}
			quote.Lines, rated = append(quote.Lines, line), append(rated, one)
		}
	}
	if err := quote.Total(rated, nil); err != nil {
		w.t.Fatal(err)
	}
	return quote
}

// byUse buys servers for three months, and has their main resources charged by use when these are over.
func (w *world) byUse(customer models.Customer, quantity int) []models.Resource {
	w.t.Helper()
	_, mains := w.run(customer, line(quantity, 9_000, 3_000))
	w.clock.advance(92 * 24 * time.Hour)
	for _, main := range mains {
		if err := w.ToPayPerUse(w.ctx, main.ID); err != nil {
			w.t.Fatal(err)
		}
	}
	w.deliver()
	return mains
}

func (w *world) payFor(customer models.Customer, order models.Order) {
	w.t.Helper()
	if _, err := w.Pay(w.ctx, asCustomer(customer), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "pay " + string(order.ID)}); err != nil {
		w.t.Fatal(err)
	}
}

// twoMonths turns a server that is charged by use, with its disk, to two months for 10.00 and 2.00 each, less a tenth.
func (w *world) twoMonths(id models.ID) models.Order {
	w.t.Helper()
	order, err := w.placeChange(w.ofProvider, w.quotePeriods(w.ofProvider, models.PeriodMonth, 2, []models.Discount{tenth()}, id))
	if err != nil {
		w.t.Fatal(err)
	}
	w.payFor(w.ofProvider, order)
	return order
}

func TestFromUseToAPeriod(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000+2_160+12_000)
		mains := w.byUse(w.ofProvider, 2)
		me, id := asCustomer(w.ofProvider), mains[0].ID
		w.clock.advance(10 * 24 * time.Hour)
		order := w.twoMonths(id)
		if order.Type != models.OrderToPeriod || order.TotalMinor != 2_160 || order.OfficialMinor != 2_400 || order.Status != models.OrderPendingPayment {
			t.Errorf("%+v", order)
		}
		if w.resource(id).ChargingMode != models.ChargedByUse {
			t.Error("charged by period before the cloud has done it")
		}
		w.clock.advance(time.Hour)
		begin := w.Now()
		end := models.PeriodMonth.After(begin, 2)
		w.deliver()
		for _, r := range []models.Resource{w.resource(id), w.subOf(id)} {
			if r.ChargingMode != models.ChargedByPeriod || r.UsageStatus != "" || r.Status != models.ResourceInUse || r.ExpiresAt == nil || !r.ExpiresAt.Equal(end) || r.ExpirePolicy != models.ExpireGracePeriod {
				t.Errorf("%+v", r)
			}
		}
		if other := w.resource(mains[1].ID); other.ChargingMode != models.ChargedByUse {
			t.Errorf("the other one is charged by %s", other.ChargingMode)
		}
		items, err := w.ItemsFor(w.ctx, me, []models.ID{order.ID})
		if l := items[order.ID]; err != nil || len(l) != 2 || l[0].ResourceID != id || l[1].ParentID != l[0].ID || !l[1].EffectiveAt.Equal(begin) || !l[1].ExpiresAt.Equal(end) {
			t.Errorf("%+v, %v", items, err)
		}
		if err := w.Provision(w.ctx, paymentOf(order)); err != nil || w.order(order.ID).Status != models.OrderCompleted || w.cash(w.ofProvider.ID) != 12_000 {
			t.Errorf("%s, %d left, %v", w.order(order.ID).Status, w.cash(w.ofProvider.ID), err)
		}
		told, err := db.NewSelect().Table("events").Where("subject_id = ?", id).Where("type = ?", models.EventResourceToPeriod).Count(w.ctx)
		if err != nil || told != 1 {
			t.Errorf("told %d times, %v", told, err)
		}
		// What was paid before it was charged by use is over: only the new period counts.
		periods, err := w.PaidPeriods(w.ctx, me, id, begin)
		if err != nil || len(periods) != 1 || periods[0].RestMinor != 1_800 || len(periods[0].Terms) != 1 {
			t.Errorf("%+v, %v", periods, err)
		}
	})
}

func TestAPeriodAfterUseIsLikeAnyOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000+2_160+12_000)
		me, id := asCustomer(w.ofProvider), w.byUse(w.ofProvider, 2)[0].ID
		w.twoMonths(id)
		w.deliver()
		w.clock.advance(w.resource(id).ExpiresAt.Sub(w.Now()) / 2)
		preview, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{id}, models.UnsubscribeResource)
		if diff := cmp.Diff([]int64{855 + 171, 900 + 180, 45 + 9}, figures(preview)); err != nil || diff != "" || len(preview.Free) != 0 {
			t.Error(diff, err)
		}
		if _, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{id}, models.UnsubscribeRenewals); reasonOf(err) != "NO_RENEWED_PERIOD" {
			t.Error(err)
		}
		renewed, err := w.Renew(w.ctx, me, renew("more", 1, true, id))
		if err != nil || renewed.Order.TotalMinor != 1_080 {
			t.Errorf("%+v, %v", renewed.Order, err)
		}
		w.deliver()
		// And around once more, for a year.
		w.clock.advance(90 * 24 * time.Hour)
		if err := w.ToPayPerUse(w.ctx, id); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		again, err := w.placeChange(w.ofProvider, w.quotePeriods(w.ofProvider, models.PeriodYear, 1, nil, id))
		if err != nil {
			t.Fatal(err)
		}
		w.payFor(w.ofProvider, again)
		w.deliver()
		if periods, err := w.PaidPeriods(w.ctx, me, id, w.Now()); err != nil || len(periods) != 1 || periods[0].RestMinor != 1_000 {
			t.Errorf("%+v, %v", periods, err)
		}
		done, err := w.Unsubscribe(w.ctx, me, giveUp("up", models.UnsubscribeResource, id))
		if err != nil || done.Breakdown.Refund().Minor != 950+190 {
			t.Errorf("%+v, %v", done.Breakdown, err)
		}
		before := w.cash(w.ofProvider.ID)
		w.deliver()
		if got := w.cash(w.ofProvider.ID) - before; got != 1_140 || w.resource(id).Status != models.ResourceClosed {
			t.Errorf("%d came back, it is %s", got, w.resource(id).Status)
		}
		audit(t, w)
	})
}

func TestAPriceOfAPeriodAfterUseIsChosen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000)
		mains := w.byUse(w.ofProvider, 2)
		discount := tenth()
		// The quote names the resources in another order than the order's lines need to have.
		quote := w.quotePeriods(w.ofProvider, models.PeriodMonth, 1, []models.Discount{discount}, mains[1].ID, mains[0].ID)
		order, err := w.placeChange(w.ofProvider, quote)
		if err != nil || order.TotalMinor != 2_160 {
			t.Fatal(order.TotalMinor, err)
		}
		w.Offers = offered{order.QuoteID: quote}
		chosen, err := w.ChooseDiscount(w.ctx, asCustomer(w.ofProvider), orders.ChooseOrderDiscount{OrderID: order.ID})
		if err != nil || chosen.Order.TotalMinor != 2_400 {
			t.Errorf("%+v, %v", chosen.Order, err)
		}
	})
}

// offered are quotes by their ids.
type offered map[models.ID]models.Quote

func (o offered) QuotesByIDs(context.Context, models.Principal, []models.ID) (map[models.ID]models.Quote, error) {
	return o, nil
}

func TestWhatDoesNotTurnToAPeriodIsGivenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		driver := &moody{}
		w.Driver = driver
		w.give(w.ofProvider, 12_000+3_000)
		mains := w.byUse(w.ofProvider, 3)
		coupon := w.issue(500, nil)
		place := func(id models.ID) models.Order {
			t.Helper()
			order, err := w.placeChange(w.ofProvider, w.quotePeriods(w.ofProvider, models.PeriodMonth, 1, nil, id))
			if err != nil {
				t.Fatal(err)
			}
			return order
		}
		// The cloud is busy, and then refuses for good.
		order := place(mains[0].ID)
		if _, err := w.payWith(order, "pay", coupon); err != nil || w.cash(w.ofProvider.ID) != 2_300 {
			t.Fatal(w.cash(w.ofProvider.ID), err)
		}
		driver.alter = errors.New("busy")
		w.deliver()
		if got := w.order(order.ID).Status; got != models.OrderProcessing {
			t.Errorf("after a failure that may pass: %s", got)
		}
		driver.alter = &orders.FinalError{Reason: "SOLD_OUT"}
		w.clock.advance(time.Hour)
		w.deliver()
		if got := w.order(order.ID); got.Status != models.OrderCancelled || got.Failure != "SOLD_OUT" || w.cash(w.ofProvider.ID) != 3_000 {
			t.Errorf("%s %s, %d", got.Status, got.Failure, w.cash(w.ofProvider.ID))
		}
		if diff := cmp.Diff([]int64{500}, w.left(coupon)); diff != "" || w.resource(mains[0].ID).ChargingMode != models.ChargedByUse {
			t.Error(diff, w.resource(mains[0].ID).ChargingMode)
		}
		// What was closed meanwhile does not come back, and what an operator froze runs on only when he thaws it.
		driver.alter = nil
		closed, frozen := place(mains[1].ID), place(mains[2].ID)
		w.payFor(w.ofProvider, closed)
		w.payFor(w.ofProvider, frozen)
		err := db.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := w.Resources.CloseIn(ctx, tx, system(), mains[1].ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Resources.Freeze(w.ctx, operator(), resources.FreezeResource{ResourceID: mains[2].ID, Reason: "test"}); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if got := w.order(closed.ID); got.Status != models.OrderCancelled || got.Failure != "RESOURCE_CLOSED" || w.cash(w.ofProvider.ID) != 1_800 {
			t.Errorf("%s %s, %d", got.Status, got.Failure, w.cash(w.ofProvider.ID))
		}
		if got := w.resource(mains[2].ID); got.Status != models.ResourceFrozen || got.ChargingMode != models.ChargedByPeriod || w.order(frozen.ID).Status != models.OrderCompleted {
			t.Errorf("%+v", got)
		}
		if thawed, err := w.Resources.Unfreeze(w.ctx, operator(), resources.UnfreezeResource{ResourceID: mains[2].ID}); err != nil || thawed.Resource.Status != models.ResourceInUse {
			t.Errorf("%+v, %v", thawed.Resource, err)
		}
		audit(t, w.world)
	})
}

func TestTurnsToAPeriodThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 100_000)
		w.give(w.ofReseller, 100_000)
		mains, foreign := w.byUse(w.ofProvider, 12), w.byUse(w.ofReseller, 1)
		_, byPeriod := w.run(w.ofProvider, line(1, 9_000, 3_000))
		ask := func(ids ...models.ID) models.Quote {
			return w.quotePeriods(w.ofProvider, models.PeriodMonth, 1, nil, ids...)
		}
		eleven := make([]models.ID, 11)
		for i := range eleven {
			eleven[i] = mains[i].ID
		}
		quotes := map[string]models.Quote{
			"SUB_RESOURCE": ask(w.subOf(mains[0].ID).ID), "RESOURCE_BY_PERIOD": ask(byPeriod[0].ID), "RESOURCE_FROZEN": ask(mains[0].ID, mains[1].ID),
			"RESOURCE_CLOSED": ask(mains[2].ID), "RESOURCE_IN_PENDING_ORDER": ask(mains[3].ID), "RESOURCE_IN_TRADE": ask(mains[4].ID),
			"INVALID": ask(eleven...), "NOT_FOUND": ask(foreign[0].ID),
		}
		stale := ask(mains[5].ID)
		stale.Lines = stale.Lines[:1]
		quotes["QUOTE_STALE"] = stale
		w.set(mains[1].ID, "status", models.ResourceFrozen)
		w.set(mains[2].ID, "status", models.ResourceClosed)
		if _, err := w.placeChange(w.ofProvider, ask(mains[3].ID)); err != nil {
			t.Fatal(err)
		}
		underway, err := w.placeChange(w.ofProvider, ask(mains[4].ID))
		if err != nil {
			t.Fatal(err)
		}
		w.payFor(w.ofProvider, underway)
		before := rows(t, w)
		for want, quote := range quotes {
			if _, err := w.placeChange(w.ofProvider, quote); reasonOf(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		w.Quotes = &shop{quote: ask(mains[6].ID)}
		cmd := orders.PlaceFromQuote{CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: "by its partner"}
		if _, err := w.PlaceQuoted(w.ctx, asPartner(w.provider), cmd); reasonOf(err) != "NOT_AUTHORISED" {
			t.Errorf("its partner: %v", err)
		}
		if diff := cmp.Diff(before, rows(t, w)); diff != "" {
			t.Error(diff)
		}
		w.Authorised = agreed{}
		if done, err := w.PlaceQuoted(w.ctx, asPartner(w.provider), cmd); err != nil || done.Order.Source != models.PlacedByPartner {
			t.Errorf("its partner, when it may: %v", err)
		}
		if !slices.Equal(w.quoted(underway.ID), []models.ID{mains[4].ID, w.subOf(mains[4].ID).ID}) {
			t.Errorf("lines of %v", w.quoted(underway.ID))
		}
	})
}

// quoted are the resources of an order's lines.
func (w *world) quoted(order models.ID) (ids []models.ID) {
	w.t.Helper()
	items, err := w.ItemsFor(w.ctx, system(), []models.ID{order})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range items[order] {
		ids = append(ids, item.ResourceID)
	}
	return ids
}
