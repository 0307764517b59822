package orders_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// line is so many servers with a disk each, for three months.
func line(quantity int, servers, disks int64) orders.PlaceItem {
	item := server(servers)
	item.Quantity = quantity
	item.Parts[0].AmountMinor = disks
	return item
}

// deliver has everything carried out that is due.
func (w *world) deliver() {
	w.t.Helper()
	relay := &events.Relay{DB: w.DB, Consumer: orders.ConsumerProvision, Handle: w.Provision, Now: w.Now, Logger: w.Logger}
	for more := true; more; {
		var err error
		if more, err = relay.Deliver(w.ctx); err != nil {
			w.t.Fatal(err)
		}
	}
}

// run places, pays and delivers one line, and returns the order with its main resources.
func (w *world) run(customer models.Customer, item orders.PlaceItem) (models.Order, []models.Resource) {
	w.t.Helper()
	order, err := w.Place(w.ctx, system(), orders.PlaceOrder{CustomerID: customer.ID, Items: []orders.PlaceItem{item}})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Pay(w.ctx, asCustomer(customer), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "run " + string(order.ID)}); err != nil {
		w.t.Fatal(err)
	}
	w.deliver()
	return w.order(order.ID), w.mains(order.ID)
}

func (w *world) mains(order models.ID) []models.Resource {
	w.t.Helper()
	made, err := w.Resources.FindForOrders(w.ctx, system(), []models.ID{order})
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(made[order], func(r models.Resource) bool { return !r.IsMain() })
}

func (w *world) order(id models.ID) models.Order {
	w.t.Helper()
	found, err := w.ByIDs(w.ctx, system(), []models.ID{id})
	if err != nil || len(found) != 1 {
		w.t.Fatal(found, err)
	}
	return found[id]
}

func (w *world) resource(id models.ID) models.Resource {
	w.t.Helper()
	found, err := w.Resources.ByIDs(w.ctx, system(), []models.ID{id})
	if err != nil || len(found) != 1 {
		w.t.Fatal(found, err)
	}
	return found[id]
}

func (w *world) subOf(main models.ID) models.Resource {
	w.t.Helper()
	subs, err := w.Resources.SubResourcesFor(w.ctx, system(), []models.ID{main})
	if err != nil || len(subs[main]) != 1 {
		w.t.Fatal(subs, err)
	}
	return subs[main][0]
}

func (w *world) set(resource models.ID, column string, value any) {
	w.t.Helper()
	if _, err := w.DB.NewUpdate().Table("resources").Set("? = ?", bun.Ident(column), value).Where("id = ?", resource).Exec(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func giveUp(key string, kind models.UnsubscribeType, ids ...models.ID) orders.UnsubscribeResources {
	return orders.UnsubscribeResources{ResourceIDs: ids, Type: kind, Reason: models.UnsubscribeOther, IdempotencyKey: key}
}

func renew(key string, count int, pay bool, ids ...models.ID) orders.RenewResources {
	return orders.RenewResources{ResourceIDs: ids, PeriodType: models.PeriodMonth, PeriodCount: count, AutoPay: pay, IdempotencyKey: key}
}

// figures are what a breakdown comes to, in minor units.
func figures(b models.UnsubscribeBreakdown) []int64 {
	return []int64{b.Refund().Minor, b.Consumed().Minor, b.Fee().Minor}
}

func TestUnsubscribeWithinFiveDaysGivesEverythingBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000)
		base, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		w.clock.advance(models.FreeUnsubscribeWithin - time.Microsecond)
		me := asCustomer(w.ofProvider)
		preview, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{mains[0].ID}, models.UnsubscribeResource)
		if err != nil {
			t.Fatal(err)
		}
		done, err := w.Unsubscribe(w.ctx, me, giveUp("up", models.UnsubscribeResource, mains[0].ID))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{6_000, 0, 0}, figures(done.Breakdown)); diff != "" || !slices.Equal(figures(preview), figures(done.Breakdown)) {
			t.Errorf("breakdown %v of preview %v: %s", figures(done.Breakdown), figures(preview), diff)
		}
		if done.Breakdown.FreeLeft != 9 || len(done.Breakdown.Free) != 1 {
			t.Errorf("free: %v, %d left", done.Breakdown.Free, done.Breakdown.FreeLeft)
		}
		if done.Order.Type != models.OrderUnsubscribe || done.Order.Status != models.OrderProcessing || w.cash(w.ofProvider.ID) != 0 {
			t.Errorf("order %+v, cash %d before the release", done.Order, w.cash(w.ofProvider.ID))
		}
		w.deliver()
		if got := w.order(done.Order.ID); got.Status != models.OrderCompleted {
			t.Errorf("the order is %s", got.Status)
		}
		if w.cash(w.ofProvider.ID) != 6_000 {
			t.Errorf("%d came back, want 6000", w.cash(w.ofProvider.ID))
		}
		if w.resource(mains[0].ID).Status != models.ResourceClosed || w.subOf(mains[0].ID).Status != models.ResourceClosed {
			t.Error("the resource or its disk is not closed (O11)")
		}
		if w.resource(mains[1].ID).Status != models.ResourceInUse {
			t.Error("the other resource is closed, too")
		}
		refunds, err := w.RefundsFor(w.ctx, me, []models.ID{base.ID})
		if err != nil || base.LeftToRefund(refunds[base.ID]).Minor != 6_000 || len(refunds[base.ID]) != 2 {
			t.Errorf("%+v, %v", refunds, err)
		}
		infos, err := w.RefundInfosFor(w.ctx, me, []models.ID{done.Order.ID})
		if err != nil || len(infos[done.Order.ID]) != 2 || infos[done.Order.ID][0].AmountMinor != -4_500 || infos[done.Order.ID][0].BaseOrderID != base.ID {
			t.Errorf("infos %+v, %v", infos, err)
		}
		// The same key is the same answer, and a second call finds the resource closed.
		again, err := w.Unsubscribe(w.ctx, me, giveUp("up", models.UnsubscribeResource, mains[0].ID))
		if err != nil || again.Order.ID != done.Order.ID {
			t.Errorf("repeated: %+v, %v", again.Order, err)
		}
		if _, err := w.Unsubscribe(w.ctx, me, giveUp("up2", models.UnsubscribeResource, mains[0].ID)); reasonOf(err) != "RESOURCE_CLOSED" {
			t.Error(err)
		}
		w.lines(base.ID)
		audit(t, w)
	})
}

func TestUnsubscribeAfterwardsKeepsWhatWasUsedAndTheFee(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000)
		base, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		w.clock.advance(30 * 24 * time.Hour) // of 92 days
		done, err := w.Unsubscribe(w.ctx, asCustomer(w.ofProvider), giveUp("up", models.UnsubscribeResource, mains[0].ID))
		if err != nil {
			t.Fatal(err)
		}
		// 4500 and 1500: 1467 and 489 used, 152 and 51 of the rest are the fee.
		if diff := cmp.Diff([]int64{2_881 + 960, 1_467 + 489, 152 + 51}, figures(done.Breakdown)); diff != "" || len(done.Breakdown.Free) != 0 {
			t.Errorf("free %v: %s", done.Breakdown.Free, diff)
		}
		// What an operator pays back meanwhile comes off.
		if _, err := w.Refund(w.ctx, operator(), refund(base.ID, nil, "100", "all but 20")); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if got := w.cash(w.ofProvider.ID); got != 12_000 {
			t.Errorf("the customer has %d, want what it paid and no more", got)
		}
		w.lines(base.ID)
		audit(t, w)
	})
}

func TestTheEleventhOfAYearIsNotFree(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 110_000)
		_, mains := w.run(w.ofProvider, line(11, 110_000, 0))
		w.clock.advance(48 * time.Hour)
		ids := make([]models.ID, len(mains))
		for i, r := range mains {
			ids[i] = r.ID
		}
		me := asCustomer(w.ofProvider)
		first, err := w.Unsubscribe(w.ctx, me, giveUp("ten", models.UnsubscribeResource, ids[:10]...))
		if err != nil || first.Breakdown.Refund().Minor != 100_000 || first.Breakdown.FreeLeft != 0 {
			t.Fatalf("%+v, %v", first, err)
		}
		w.deliver()
		last, err := w.Unsubscribe(w.ctx, me, giveUp("eleventh", models.UnsubscribeResource, ids[10]))
		if err != nil || len(last.Breakdown.Free) != 0 || last.Breakdown.Consumed().Minor == 0 || last.Breakdown.Fee().Minor == 0 {
			t.Fatalf("%+v, %v", figures(last.Breakdown), err)
		}
		w.deliver()
		audit(t, w)
	})
}

func TestUnsubscribedMoneyGoesWhereItBelongs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		buyer func(*world) models.Customer
		then  func(*world, models.Customer)
		owner func(*world, models.Customer) models.ID
	}{
		"O09 resale": {func(w *world) models.Customer { return w.ofProvider }, nil, func(_ *world, c models.Customer) models.ID { return c.ID }},
		"O09 resale, unlinked before the release": {
			func(w *world) models.Customer { return w.ofProvider }, func(w *world, c models.Customer) { w.associate(c, "", "") },
			func(w *world, _ models.Customer) models.ID { return w.provider.ID },
		},
		"O09 advisory": {func(w *world) models.Customer { return w.advised }, nil, func(_ *world, c models.Customer) models.ID { return c.ID }},
		"O09 advisory, unlinked before the release": {
			func(w *world) models.Customer { return w.advised }, func(w *world, c models.Customer) { w.associate(c, "", "") },
			func(_ *world, c models.Customer) models.ID { return c.ID },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				buyer := row.buyer(w)
				w.give(buyer, 1_000)
				_, mains := w.run(buyer, line(1, 1_000, 0))
				if _, err := w.Unsubscribe(w.ctx, asCustomer(buyer), giveUp("up", models.UnsubscribeResource, mains[0].ID)); err != nil {
					t.Fatal(err)
				}
				if row.then != nil {
					row.then(w, buyer)
				}
				w.deliver()
				if got := w.cash(row.owner(w, buyer)); got != 1_000 {
					t.Errorf("%d arrived, want 1000", got)
				}
				audit(t, w)
			})
		})
	}
}

func TestOrdersForResourcesAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, c := range []models.Customer{w.ofProvider, w.ofReseller, w.advised} {
			w.give(c, 100_000)
		}
		_, mains := w.run(w.ofProvider, line(8, 8_000, 800))
		_, others := w.run(w.ofReseller, line(1, 1_000, 0))
		_, advised := w.run(w.advised, line(1, 1_000, 0))
		byHour := line(1, 100, 0)
		byHour.PeriodType, byHour.PeriodCount, byHour.Parts = models.PeriodHour, 24, nil
		_, hours := w.run(w.ofProvider, byHour)
		good, sub := mains[0].ID, w.subOf(mains[0].ID).ID
		w.set(mains[1].ID, "status", models.ResourceFrozen)
		w.set(mains[2].ID, "status", models.ResourceClosed)
		w.set(mains[3].ID, "charging_mode", models.ChargedByUse)
		w.set(mains[4].ID, "status", models.ResourceCreating)
		me := asCustomer(w.ofProvider)
		if _, err := w.Renew(w.ctx, me, renew("waits", 1, false, mains[5].ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Unsubscribe(w.ctx, me, giveUp("goes", models.UnsubscribeResource, mains[6].ID)); err != nil {
			t.Fatal(err)
		}
		eleven := make([]models.ID, 11)
		for i := range eleven {
			eleven[i] = w.IDs(models.PrefixResource)
		}
		mute := me
		mute.Permissions = []models.Permission{models.ReadOrders}
		before, err := count(w, (*models.Order)(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			ids  []models.ID
			want string
		}{
			{"a sub-resource", me, []models.ID{sub}, "SUB_RESOURCE"},
			{"eleven", me, eleven, "INVALID"},
			{"none", me, nil, "INVALID"},
			{"one twice", me, []models.ID{good, good}, "INVALID"},
			{"an order", me, []models.ID{w.IDs(models.PrefixOrder)}, "INVALID"},
			{"unknown", me, []models.ID{good, w.IDs(models.PrefixResource)}, "NOT_FOUND"},
			{"somebody else's", me, []models.ID{others[0].ID}, "NOT_FOUND"},
			{"of two customers", operator(), []models.ID{good, others[0].ID}, "INVALID"},
			{"frozen", me, []models.ID{mains[1].ID}, "RESOURCE_FROZEN"},
			{"closed", me, []models.ID{mains[2].ID}, "RESOURCE_CLOSED"},
			{"by use", me, []models.ID{mains[3].ID}, "RESOURCE_PAY_PER_USE"},
			{"being made", me, []models.ID{mains[4].ID}, "RESOURCE_CREATING"},
			{"in an order that waits", me, []models.ID{good, mains[5].ID}, "RESOURCE_IN_PENDING_ORDER"},
			{"being unsubscribed", me, []models.ID{mains[6].ID}, "RESOURCE_IN_TRADE"},
			{"its partner without an authorisation", asPartner(w.provider), []models.ID{good}, "NOT_AUTHORISED"},
			{"the advisor", asPartner(w.provider), []models.ID{advised[0].ID}, "NOT_FOUND"},
			{"a stranger", asPartner(w.stranger), []models.ID{good}, "NOT_FOUND"},
			{"without the permission", mute, []models.ID{good}, "FORBIDDEN"},
			{"nobody", models.Principal{}, []models.ID{good}, "UNAUTHENTICATED"},
		} {
			_, previewed := w.PreviewUnsubscribe(w.ctx, row.who, row.ids, models.UnsubscribeResource)
			_, ended := w.Unsubscribe(w.ctx, row.who, giveUp("no", models.UnsubscribeResource, row.ids...))
			_, renewed := w.Renew(w.ctx, row.who, renew("no", 1, false, row.ids...))
			for what, err := range map[string]error{"preview": previewed, "unsubscribe": ended, "renew": renewed} {
				if reasonOf(err) != row.want {
					t.Errorf("%s, %s: %v, want %s", row.name, what, err, row.want)
				}
			}
		}
		for name, err := range map[string]error{
			"NO_RENEWED_PERIOD":      second(w.Unsubscribe(w.ctx, me, giveUp("no", models.UnsubscribeRenewals, good))),
			"INVALID":                second(w.Unsubscribe(w.ctx, me, giveUp("no", "HALF", good))),
			"RESOURCE_NOT_RENEWABLE": second(w.Renew(w.ctx, me, renew("no", 1, false, hours[0].ID))),
		} {
			if reasonOf(err) != name {
				t.Errorf("%v, want %s", err, name)
			}
		}
		unknown := giveUp("no", models.UnsubscribeResource, good)
		unknown.Reason = "BORED"
		years := renew("no", 4, false, good)
		years.PeriodType = models.PeriodYear
		days := renew("no", 1, false, good)
		days.PeriodType = models.PeriodDay
		keyless := renew("", 1, false, good)
		for i, err := range []error{
			second(w.Unsubscribe(w.ctx, me, unknown)), second(w.Unsubscribe(w.ctx, me, giveUp("", models.UnsubscribeResource, good))),
			second(w.Renew(w.ctx, me, renew("no", 12, false, good))), second(w.Renew(w.ctx, me, renew("no", 0, false, good))),
			second(w.Renew(w.ctx, me, years)), second(w.Renew(w.ctx, me, days)), second(w.Renew(w.ctx, me, keyless)),
		} {
			if models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("bad input %d: %v", i, err)
			}
		}
		if err := second(w.Renew(w.ctx, operator(), renew("no", 1, true, good))); models.CodeOf(err) != models.CodeForbidden {
			t.Errorf("an operator paid from the customer's balance: %v", err)
		}
		if after, err := count(w, (*models.Order)(nil)); err != nil || after != before {
			t.Errorf("refusals made %d orders, %v", after-before, err)
		}
		// A waiting order stands in the way until its deadline only.
		w.clock.advance(orders.DefaultPayWithin)
		if err := second(w.PreviewUnsubscribe(w.ctx, me, []models.ID{mains[5].ID}, models.UnsubscribeResource)); err != nil {
			t.Error(err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestRenewAddsPeriodsAndTheyCanBeTakenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000+4_000)
		_, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		me, id := asCustomer(w.ofProvider), mains[0].ID
		end := *mains[0].ExpiresAt
		done, err := w.Renew(w.ctx, me, renew("renew", 2, true, id))
		if err != nil {
			t.Fatal(err)
		}
		// Two of the three months that cost 45.00 and 15.00.
		if done.Order.Type != models.OrderRenew || done.Order.TotalMinor != 4_000 || done.Order.Status != models.OrderProcessing || done.Balance == nil || done.Balance.Total.Minor != 0 {
			t.Errorf("%+v %+v", done.Order, done.Balance)
		}
		w.deliver()
		later := end.AddDate(0, 2, 0)
		if got := w.order(done.Order.ID); got.Status != models.OrderCompleted {
			t.Errorf("the order is %s", got.Status)
		}
		for _, r := range []models.Resource{w.resource(id), w.subOf(id)} {
			if r.ExpiresAt == nil || !r.ExpiresAt.Equal(later) {
				t.Errorf("%s ends %v, want %v (O11)", r.ID, r.ExpiresAt, later)
			}
		}
		// Renewing has moved the money of the renewal alone, and what has not begun goes back whole, without a fee (O08).
		w.clock.advance(40 * 24 * time.Hour)
		back, err := w.Unsubscribe(w.ctx, me, giveUp("back", models.UnsubscribeRenewals, id))
		if err != nil || !slices.Equal(figures(back.Breakdown), []int64{4_000, 0, 0}) {
			t.Fatalf("%v, %v", figures(back.Breakdown), err)
		}
		w.deliver()
		if got := w.resource(id); got.Status != models.ResourceInUse || !got.ExpiresAt.Equal(end) || !w.subOf(id).ExpiresAt.Equal(end) {
			t.Errorf("it ends %v, want %v again", got.ExpiresAt, end)
		}
		if w.cash(w.ofProvider.ID) != 4_000 {
			t.Errorf("%d came back", w.cash(w.ofProvider.ID))
		}
		if _, err := w.Unsubscribe(w.ctx, me, giveUp("back2", models.UnsubscribeRenewals, id)); reasonOf(err) != "NO_RENEWED_PERIOD" {
			t.Error(err)
		}
		// With the resource go renewed periods that have not begun, whole.
		if _, err := w.Renew(w.ctx, me, renew("anew", 1, true, id)); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		both, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{id}, models.UnsubscribeResource)
		whole := int64(0)
		for _, l := range both.Lines {
			if l.Kind == models.RefundInfoRefund && l.BaseOrderID != mains[0].OrderID {
				whole -= l.AmountMinor
			}
		}
		if err != nil || whole != 2_000 || both.Consumed().Minor == 0 {
			t.Errorf("%d of the renewal, %v, %v", whole, figures(both), err)
		}
		// Too little money leaves no order behind.
		before, _ := count(w, (*models.Order)(nil))
		if _, err := w.Renew(w.ctx, me, renew("poor", 11, true, mains[1].ID)); models.CodeOf(err) != models.CodeInsufficientBalance {
			t.Error(err)
		}
		if after, _ := count(w, (*models.Order)(nil)); after != before {
			t.Error("an order stayed")
		}
		audit(t, w)
	})
}

func TestRenewDueRenewsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 12_000)
		_, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		id, end := mains[0].ID, *mains[0].ExpiresAt
		if err := w.RenewDue(w.ctx, id); err != nil || !w.resource(id).ExpiresAt.Equal(end) {
			t.Errorf("renewed without being told to: %v", err)
		}
		w.set(id, "expire_policy", models.ExpireAutoRenew)
		if err := w.RenewDue(w.ctx, id); models.CodeOf(err) != models.CodeInsufficientBalance {
			t.Errorf("without money: %v", err)
		}
		w.give(w.ofProvider, 12_000)
		for range 2 { // a job may run twice
			if err := w.RenewDue(w.ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		w.deliver()
		if got, want := w.resource(id).ExpiresAt, end.AddDate(0, 3, 0); !got.Equal(want) {
			t.Errorf("ends %v, want %v", got, want)
		}
		if w.cash(w.ofProvider.ID) != 6_000 {
			t.Errorf("%d left, want 6000: paid once", w.cash(w.ofProvider.ID))
		}
		if err := w.RenewDue(w.ctx, w.IDs(models.PrefixResource)); err != nil {
			t.Error(err)
		}
		audit(t, w)
	})
}

func TestToPayPerUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 1_000)
		_, mains := w.run(w.ofProvider, line(2, 1_000, 0))
		id := mains[0].ID
		if err := w.ToPayPerUse(w.ctx, id); err != nil {
			t.Fatal(err)
		}
		if err := w.ToPayPerUse(w.ctx, id); reasonOf(err) != "RESOURCE_IN_TRADE" {
			t.Error(err)
		}
		w.deliver()
		if err := w.ToPayPerUse(w.ctx, id); err != nil {
			t.Error(err)
		}
		for _, r := range []models.Resource{w.resource(id), w.subOf(id)} {
			if r.ChargingMode != models.ChargedByUse || r.ExpiresAt != nil || r.Status != models.ResourceInUse {
				t.Errorf("%+v", r)
			}
		}
		made, err := db.NewSelect().Model((*models.Order)(nil)).Where("type = ?", models.OrderToPayPerUse).Where("status = ?", models.OrderCompleted).Count(w.ctx)
		if err != nil || made != 1 {
			t.Errorf("%d orders, %v", made, err)
		}
		if err := w.ToPayPerUse(w.ctx, w.subOf(mains[1].ID).ID); reasonOf(err) != "SUB_RESOURCE" {
			t.Error(err)
		}
		if _, err := w.Renew(w.ctx, asCustomer(w.ofProvider), renew("waits", 1, false, mains[1].ID)); err != nil {
			t.Fatal(err)
		}
		if err := w.ToPayPerUse(w.ctx, mains[1].ID); reasonOf(err) != "RESOURCE_IN_PENDING_ORDER" {
			t.Error(err)
		}
	})
}

// moody is a Driver that refuses what it is told to.
type moody struct {
	orders.Simulator

	create, alter, release error
}

func (m *moody) Create(ctx context.Context, r orders.ProvisionRequest) ([]orders.Created, error) {
	if m.create != nil {
		return nil, m.create
	}
	return m.Simulator.Create(ctx, r)
}
func (m *moody) Alter(context.Context, orders.AlterRequest) error     { return m.alter }
func (m *moody) Release(context.Context, orders.ReleaseRequest) error { return m.release }

func TestWhatTheCloudRefusesForGoodIsPaidBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		driver := &moody{}
		w.Driver = driver
		w.give(w.ofProvider, 30_000)
		me := asCustomer(w.ofProvider)
		_, mains := w.run(w.ofProvider, line(2, 9_000, 3_000))
		id, end := mains[0].ID, *mains[0].ExpiresAt
		driver.create, driver.alter, driver.release = errors.New("busy"), errors.New("busy"), errors.New("busy")
		bought := w.place(w.ofProvider, 1_000)
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: bought.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		renewal, err := w.Renew(w.ctx, me, renew("renew", 1, true, id))
		if err != nil {
			t.Fatal(err)
		}
		ending, err := w.Unsubscribe(w.ctx, me, giveUp("up", models.UnsubscribeResource, mains[1].ID))
		if err != nil {
			t.Fatal(err)
		}
		w.deliver()
		for _, order := range []models.ID{bought.ID, renewal.Order.ID, ending.Order.ID} {
			if got := w.order(order); got.Status != models.OrderProcessing {
				t.Errorf("after a failure that may pass the order is %s", got.Status)
			}
		}
		final := &orders.FinalError{Reason: "SOLD_OUT", Cause: errors.New("no hosts left")}
		driver.create, driver.alter, driver.release = final, final, final
		w.clock.advance(time.Hour)
		w.deliver()
		for _, order := range []models.ID{bought.ID, renewal.Order.ID, ending.Order.ID} {
			if got := w.order(order); got.Status != models.OrderCancelled || got.Failure != "SOLD_OUT" {
				t.Errorf("%s is %s, %q", got.Type, got.Status, got.Failure)
			}
		}
		if w.cash(w.ofProvider.ID) != 18_000 {
			t.Errorf("the customer has %d, want 18000: all of what failed", w.cash(w.ofProvider.ID))
		}
		if got := w.resource(id); !got.ExpiresAt.Equal(end) {
			t.Error("a renewal that failed moved the end")
		}
		if got := w.resource(mains[1].ID); got.Status != models.ResourceInUse {
			t.Errorf("a release that failed left it %s", got.Status)
		}
		// What was not taken back does not count, and the resources are free for the next order.
		preview, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{mains[1].ID}, models.UnsubscribeResource)
		if err != nil || preview.FreeLeft != 9 {
			t.Errorf("%d left, %v", preview.FreeLeft, err)
		}
		var states []string
		err = db.NewSelect().Table("events").Column("type").Where("subject_id = ?", bought.ID).Order("id").Scan(w.ctx, &states)
		if diff := cmp.Diff([]string{"order.placed", "order.paid", "order.failed", "order.refunded", "order.cancelled"}, states); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		audit(t, w)
	})
}

func TestAFailedOrderIsSettledLater(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		order := paidOrder(t, w)
		// The server ended between the failure and the refund.
		if _, err := db.NewUpdate().Table("orders").Set("status = ?", models.OrderPendingRefund).Where("id = ?", order.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.order(order.ID); got.Status != models.OrderCancelled || w.cash(w.ofProvider.ID) != 100 {
			t.Errorf("%s, %d", got.Status, w.cash(w.ofProvider.ID))
		}
		audit(t, w)
	})
}

func TestTheSimulatorFailsAsTold(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{"": true, "a=final": true, "a=again, b=final": true, "a": false, "=final": false, "a=never": false} {
		if _, err := orders.ParseSimulatedFailures(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
	failures, err := orders.ParseSimulatedFailures("flaky=again,broken=final")
	if err != nil {
		t.Fatal(err)
	}
	simulator := orders.Simulator{Failures: failures, Seen: &sync.Map{}}
	ask := func(order, spec string) error {
		item := models.OrderItem{ID: "itm_1", Quantity: 1, SpecCode: spec}
		return second(simulator.Create(t.Context(), orders.ProvisionRequest{Order: models.Order{ID: models.ID(order)}, Items: []models.OrderItem{item}}))
	}
	var final *orders.FinalError
	if err := ask("1", "broken"); !errors.As(err, &final) || final.Reason != "SIMULATED" {
		t.Error(err)
	}
	if err := ask("2", "flaky"); err == nil || errors.As(err, &final) {
		t.Error(err)
	}
	if err := errors.Join(ask("2", "flaky"), ask("3", "fine")); err != nil {
		t.Error(err)
	}
}

// calendar is Jobs that remembers.
type calendar map[models.ID]time.Time

func (c calendar) ScheduleIn(_ context.Context, _ bun.IDB, kind models.JobKind, object models.ID, due time.Time) error {
	if kind != models.JobOrderExpire {
		return errors.New("another kind")
	}
	c[object] = due
	return nil
}

func TestUnpaidOrdersExpire(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		jobs := calendar{}
		w.Jobs = jobs
		w.give(w.ofProvider, 1_000)
		held, paid := w.place(w.ofProvider, 600), w.place(w.ofProvider, 400)
		if !jobs[held.ID].Equal(*held.PayBy) {
			t.Errorf("scheduled for %v, want %v", jobs[held.ID], held.PayBy)
		}
		if err := w.hold(w.ofProvider, held.ID, "hold"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: paid.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		due, last, err := w.UnscheduledExpiry(w.ctx, db, "", 10)
		if err != nil || len(due) != 1 || due[0].Object != held.ID || !due[0].At.Equal(*held.PayBy) || last != held.ID {
			t.Errorf("without jobs: %v up to %s, %v", due, last, err)
		}
		if due, last, err := w.UnscheduledExpiry(w.ctx, db, held.ID, 10); err != nil || len(due) != 0 || last != "" {
			t.Errorf("after it: %v up to %s, %v", due, last, err)
		}
		w.clock.advance(orders.DefaultPayWithin - time.Microsecond)
		if until, ok := models.NotDueUntil(w.ExpireOrder(w.ctx, held.ID)); !ok || !until.Equal(*held.PayBy) {
			t.Errorf("before the deadline: %v %v", until, ok)
		}
		w.clock.advance(time.Microsecond)
		for range 2 {
			if err := w.ExpireOrder(w.ctx, held.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.ExpireOrder(w.ctx, paid.ID), w.ExpireOrder(w.ctx, w.IDs(models.PrefixOrder))); err != nil {
			t.Error(err)
		}
		if w.order(held.ID).Status != models.OrderCancelled || w.order(paid.ID).Status != models.OrderProcessing {
			t.Errorf("%s %s", w.order(held.ID).Status, w.order(paid.ID).Status)
		}
		if w.holdOf(system(), held.ID).State == models.HoldPending {
			t.Error("the money is still held")
		}
		if _, err := w.Cancel(w.ctx, asCustomer(w.ofProvider), orders.CancelOrder{OrderID: paid.ID}); reasonOf(err) != "ORDER_NOT_CANCELLABLE" {
			t.Error(err)
		}
		audit(t, w)
	})
}

// partnerMoney puts money into a partner's balance.
func (w *world) partnerMoney(partner models.Partner, minor int64) {
	w.t.Helper()
	w.endow(models.OwnerPartner, partner.ID, minor)
}

func TestPartnerPaysForItsCustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.partnerMoney(w.provider, 1_500)
		w.give(w.ofProvider, 1_000)
		order, dear, alone := w.place(w.ofProvider, 1_000), w.place(w.ofProvider, 9_000), w.place(w.ofProvider, 1)
		advisory := w.place(w.advised, 10)
		down := w.place(w.ofReseller, 10)
		me, partner := asCustomer(w.ofProvider), asPartner(w.provider)
		if err := w.hold(w.ofProvider, order.ID, "hold"); err != nil {
			t.Fatal(err)
		}
		ask := func(who models.Principal, id models.ID) error {
			return second(w.AskPartner(w.ctx, who, orders.RequestPartnerPayment{OrderID: id}))
		}
		pay := func(who models.Principal, id models.ID, key string) error {
			return second(w.PayForCustomer(w.ctx, who, orders.PartnerPayOrder{OrderID: id, IdempotencyKey: key}))
		}
		if err := errors.Join(ask(me, order.ID), ask(me, order.ID), ask(me, dear.ID), ask(asCustomer(w.ofReseller), down.ID)); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name string
			err  error
			want string
		}{
			{"asked by its partner", ask(partner, order.ID), "FORBIDDEN"},
			{"asked by an advisory customer", ask(asCustomer(w.advised), advisory.ID), "NO_PARTNER_PAYS"},
			{"asked about another's", ask(me, down.ID), "NOT_FOUND"},
			{"the customer", pay(me, order.ID, "k"), "FORBIDDEN"},
			{"an operator", pay(operator(), order.ID, "k"), "FORBIDDEN"},
			{"a stranger", pay(asPartner(w.stranger), order.ID, "k"), "NOT_FOUND"},
			{"the advisor", pay(partner, advisory.ID, "k"), "NOT_FOUND"},
			{"the reseller's distributor", pay(asPartner(w.distributor), down.ID, "k"), "FORBIDDEN"},
			{"not asked", pay(partner, alone.ID, "k"), "NOT_ASKED_TO_PAY"},
			{"too little", pay(partner, dear.ID, "k"), "INSUFFICIENT_BALANCE"},
			{"no key", pay(partner, order.ID, ""), "INVALID"},
		} {
			if reasonOf(row.err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, row.err, row.want)
			}
		}
		done, err := w.PayForCustomer(w.ctx, partner, orders.PartnerPayOrder{OrderID: order.ID, IdempotencyKey: "pay"})
		if err != nil || done.Balance.Total.Minor != 500 || !done.Order.PaidByPartner() {
			t.Fatalf("%+v, %v", done, err)
		}
		if err := pay(partner, order.ID, "pay"); err != nil || w.cash(w.provider.ID) != 500 {
			t.Errorf("repeated: %v, %d", err, w.cash(w.provider.ID))
		}
		if err := pay(partner, order.ID, "again"); reasonOf(err) != "ORDER_ALREADY_PAID" {
			t.Error(err)
		}
		if w.cash(w.ofProvider.ID) != 1_000 || w.holdOf(system(), order.ID).State != models.HoldVoided {
			t.Errorf("the customer paid as well: %d", w.cash(w.ofProvider.ID))
		}
		w.deliver()
		mains := w.mains(order.ID)
		if _, err := w.Unsubscribe(w.ctx, me, giveUp("up", models.UnsubscribeResource, mains[0].ID, mains[1].ID)); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if w.cash(w.provider.ID) != 1_500 || w.cash(w.ofProvider.ID) != 1_000 {
			t.Errorf("the partner has %d, the customer %d", w.cash(w.provider.ID), w.cash(w.ofProvider.ID))
		}
		audit(t, w)
	})
}

// shop is Quotes of one quote.
type shop struct {
	quote models.Quote
	err   error
}

func (s *shop) QuoteForOrderIn(_ context.Context, _ bun.IDB, _ models.Principal, id models.ID) (models.Quote, error) {
	if s.err != nil {
		return models.Quote{}, s.err
	}
	quote := s.quote
	quote.ID = id
	return quote, nil
}

// agreed lets partners act for their customers within the scope of ordering.
type agreed struct{}

func (agreed) RequireIn(_ context.Context, _ bun.IDB, _ models.Principal, _ models.ID, scope models.AuthorizationScope) error {
	if scope != models.AuthorizedToOrder {
		return models.ErrNotAuthorised
	}
	return nil
}

// quoteFor is a server of 100.00 with a disk of 20.00 for a year, of which one discount takes a tenth.
func quoteFor(customer models.Customer, discount models.ID) models.Quote {
	charge := models.Charge{
		ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6", Region: "cn-north-1", Currency: models.CNY,
		Quantity: 1, Pieces: 1, PeriodType: models.PeriodYear, PeriodCount: 1,
	}
	offer := func(amount string) []models.QuoteOffer {
		return []models.QuoteOffer{{DiscountID: discount, Amount: decimal.RequireFromString(amount), BestOffer: true}}
	}
	return models.Quote{
		CustomerID: customer.ID, Kind: models.QuotePurchase, Currency: models.CNY, Precision: 2, Official: decimal.New(120, 0), Offers: offer("108"),
		Lines: []models.QuoteLine{
			{Charge: charge, ID: "server", Position: 1, Official: decimal.New(100, 0), Offers: offer("90")},
			{Charge: charge, ID: "disk", ParentID: "server", Position: 2, Official: decimal.New(20, 0), Offers: offer("18")},
		},
	}
}

func TestPlaceFromAQuote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		discount := w.IDs(models.PrefixDiscount)
		market := &shop{quote: quoteFor(w.ofProvider, discount)}
		w.Quotes = market
		me := asCustomer(w.ofProvider)
		place := func(change func(*orders.PlaceFromQuote)) orders.PlaceFromQuote {
			cmd := orders.PlaceFromQuote{CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: string(w.IDs("k"))}
			if change != nil {
				change(&cmd)
			}
			return cmd
		}
		cmd := place(func(c *orders.PlaceFromQuote) {
			c.ExternalID, c.Name, c.EnterpriseProject = ptr("shop-1"), ptr("Our shop"), ptr("web")
		})
		done, err := w.PlaceQuoted(w.ctx, me, cmd)
		if err != nil {
			t.Fatal(err)
		}
		order := done.Order
		if order.TotalMinor != 10_800 || order.OfficialMinor != 12_000 || order.DiscountID != discount || order.Status != models.OrderPendingPayment ||
			order.Source != models.PlacedByCustomer || order.PartnerID != w.provider.ID || order.Name != "Our shop" || order.PayBy == nil {
			t.Errorf("%+v", order)
		}
		items, err := w.ItemsFor(w.ctx, me, []models.ID{order.ID})
		if got := items[order.ID]; err != nil || len(got) != 2 || got[0].AmountMinor != 9_000 || got[1].ParentID != got[0].ID {
			t.Errorf("%+v, %v", items, err)
		}
		again, err := w.PlaceQuoted(w.ctx, me, cmd)
		if err != nil || again.Order.ID != order.ID {
			t.Errorf("submitted twice: %+v, %v", again, err)
		}
		list, err := w.PlaceQuoted(w.ctx, me, place(func(c *orders.PlaceFromQuote) { c.WithoutDiscount = true }))
		if err != nil || list.Order.TotalMinor != 12_000 || list.Order.DiscountID != "" {
			t.Errorf("%+v, %v", list, err)
		}
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  orders.PlaceFromQuote
			want string
		}{
			{"a key with another body", me, place(func(c *orders.PlaceFromQuote) { c.IdempotencyKey = cmd.IdempotencyKey }), "CONFLICT"},
			{"an external id that is taken", me, place(func(c *orders.PlaceFromQuote) { c.ExternalID = ptr("shop-1") }), "CONFLICT"},
			{"a quote that is used", me, place(func(c *orders.PlaceFromQuote) { c.QuoteID = cmd.QuoteID }), "QUOTE_USED"},
			{"a discount that is not offered", me, place(func(c *orders.PlaceFromQuote) { c.DiscountID = ptr(w.IDs(models.PrefixDiscount)) }), "DISCOUNT_NOT_OFFERED"},
			{"a discount and none", me, place(func(c *orders.PlaceFromQuote) { c.DiscountID, c.WithoutDiscount = ptr(discount), true }), "INVALID"},
			{"an empty name", me, place(func(c *orders.PlaceFromQuote) { c.Name = ptr("") }), "INVALID"},
			{"a name of two lines", me, place(func(c *orders.PlaceFromQuote) { c.Name = ptr("a\nb") }), "INVALID"},
			{"an order for a quote", me, place(func(c *orders.PlaceFromQuote) { c.QuoteID = order.ID }), "INVALID"},
			{"somebody else", asCustomer(w.ofReseller), place(nil), "NOT_FOUND"},
			{"the quote of another customer", asCustomer(w.ofReseller), place(func(c *orders.PlaceFromQuote) { c.CustomerID = w.ofReseller.ID }), "NOT_FOUND"},
			{"its partner without an authorisation", asPartner(w.provider), place(nil), "NOT_AUTHORISED"},
			{"nobody", models.Principal{}, place(nil), "UNAUTHENTICATED"},
		} {
			if _, err := w.PlaceQuoted(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		market.err = orders.ErrQuoteStale
		if _, err := w.PlaceQuoted(w.ctx, me, place(nil)); reasonOf(err) != "QUOTE_STALE" {
			t.Error(err)
		}
		market.err = nil
		w.Authorised = agreed{}
		// The partner has no CATALOG_READ question here; the room asks for the authorisation.
		theirs, err := w.PlaceQuoted(w.ctx, asPartner(w.provider), place(nil))
		if err != nil || theirs.Order.Source != models.PlacedByPartner {
			t.Fatalf("%+v, %v", theirs, err)
		}
		// What it placed itself it may pay without being asked.
		w.partnerMoney(w.provider, 10_800)
		if _, err := w.PayForCustomer(w.ctx, asPartner(w.provider), orders.PartnerPayOrder{OrderID: theirs.Order.ID, IdempotencyKey: "pay"}); err != nil {
			t.Error(err)
		}
		// A cancelled order frees its quote.
		if _, err := w.Cancel(w.ctx, me, orders.CancelOrder{OrderID: order.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.PlaceQuoted(w.ctx, me, place(func(c *orders.PlaceFromQuote) { c.QuoteID = cmd.QuoteID })); err != nil {
			t.Error(err)
		}
	})
}

func TestPlaceARenewalFromAQuote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.give(w.ofProvider, 20_000)
		_, mains := w.run(w.ofProvider, line(1, 1_000, 500))
		quote := quoteFor(w.ofProvider, w.IDs(models.PrefixDiscount))
		quote.Kind = models.QuoteRenewal
		quote.Lines[0].ResourceID, quote.Lines[1].ResourceID = mains[0].ID, w.subOf(mains[0].ID).ID
		market := &shop{quote: quote}
		w.Quotes = market
		me := asCustomer(w.ofProvider)
		place := func() (orders.Placed, error) {
			return w.PlaceQuoted(w.ctx, me, orders.PlaceFromQuote{CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: string(w.IDs("k"))})
		}
		done, err := place()
		if err != nil || done.Order.Type != models.OrderRenew || done.Order.TotalMinor != 10_800 {
			t.Fatalf("%+v, %v", done, err)
		}
		if _, err := place(); reasonOf(err) != "RESOURCE_IN_PENDING_ORDER" {
			t.Error(err)
		}
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: done.Order.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if want := mains[0].ExpiresAt.AddDate(1, 0, 0); !w.resource(mains[0].ID).ExpiresAt.Equal(want) || !w.subOf(mains[0].ID).ExpiresAt.Equal(want) {
			t.Error("not a year later")
		}
		market.quote.Lines = quote.Lines[:1]
		if _, err := place(); reasonOf(err) != "QUOTE_STALE" {
			t.Errorf("a disk without a price: %v", err)
		}
		audit(t, w)
	})
}

func TestOrdersAreReviewed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Quotes = &shop{quote: quoteFor(w.ofProvider, w.IDs(models.PrefixDiscount))}
		me := asCustomer(w.ofProvider)
		place := func() models.Order {
			t.Helper()
			done, err := w.PlaceQuoted(w.ctx, me, orders.PlaceFromQuote{CustomerID: w.ofProvider.ID, QuoteID: w.IDs(models.PrefixQuote), IdempotencyKey: string(w.IDs("k"))})
			if err != nil {
				t.Fatal(err)
			}
			return done.Order
		}
		review := func(who models.Principal, id models.ID, approve bool, reason *string) error {
			return second(w.Review(w.ctx, who, orders.ReviewOrder{OrderID: id, Approve: approve, Reason: reason}))
		}
		flag := func(reason *string) {
			t.Helper()
			if _, err := w.SetReview(w.ctx, operator(), orders.SetOrderReview{CustomerID: w.ofProvider.ID, Reason: reason}); err != nil {
				t.Fatal(err)
			}
		}
		w.ReviewAbove = 10_800
		if got := place(); got.Status != models.OrderPendingPayment {
			t.Errorf("exactly the limit: %s", got.Status)
		}
		w.ReviewAbove = 10_799
		first := place()
		w.ReviewAbove = 0
		flag(ptr("chargebacks"))
		next, third := place(), place()
		flag(nil)
		if got := place(); got.Status != models.OrderPendingPayment {
			t.Errorf("not under review any more: %s", got.Status)
		}
		for _, order := range []models.Order{first, next, third} {
			if order.Status != models.OrderPendingReview || order.PayBy != nil {
				t.Errorf("%+v", order)
			}
		}
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: first.ID, IdempotencyKey: "pay"}); reasonOf(err) != "ORDER_NOT_PAYABLE" {
			t.Error(err)
		}
		if _, err := w.Cancel(w.ctx, me, orders.CancelOrder{OrderID: first.ID}); reasonOf(err) != "ORDER_NOT_CANCELLABLE" {
			t.Error(err)
		}
		for i, row := range []struct {
			err  error
			want string
		}{
			{review(me, first.ID, true, nil), "FORBIDDEN"}, {review(asPartner(w.provider), first.ID, true, nil), "FORBIDDEN"},
			{review(operator(), first.ID, false, nil), "INVALID"}, {review(operator(), w.IDs(models.PrefixOrder), true, nil), "NOT_FOUND"},
		} {
			if reasonOf(row.err) != row.want {
				t.Errorf("%d: %v, want %s", i, row.err, row.want)
			}
		}
		if err := errors.Join(review(operator(), first.ID, true, nil), review(operator(), next.ID, false, ptr("no"))); err != nil {
			t.Fatal(err)
		}
		if got := w.order(first.ID); got.Status != models.OrderPendingPayment || got.PayBy == nil || got.ReviewedAt == nil {
			t.Errorf("%+v", got)
		}
		if got := w.order(next.ID); got.Status != models.OrderCancelled || got.ReviewReason != "no" {
			t.Errorf("%+v", got)
		}
		if err := review(operator(), next.ID, true, nil); reasonOf(err) != "ORDER_NOT_IN_REVIEW" {
			t.Error(err)
		}
		w.associate(w.ofProvider, w.stranger.ID, models.Resale)
		if err := review(operator(), third.ID, true, nil); reasonOf(err) != "CUSTOMER_CHANGED" {
			t.Error(err)
		}
	})
}

func TestAnOrderIsWatched(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.LookEvery = 50 * time.Millisecond
		w.give(w.ofProvider, 1_000)
		order := w.place(w.ofProvider, 1_000)
		me := asCustomer(w.ofProvider)
		still := func(context.Context) (models.Principal, error) { return asPartner(w.provider), nil }
		if _, err := w.Watch(w.ctx, asPartner(w.stranger), order.ID, still); reasonOf(err) != "NOT_FOUND" {
			t.Error(err)
		}
		if _, err := w.Watch(w.ctx, me, w.ofProvider.ID, still); reasonOf(err) != "INVALID" {
			t.Error(err)
		}
		watching, err := w.Watch(w.ctx, asPartner(w.provider), order.ID, still)
		if err != nil {
			t.Fatal(err)
		}
		if got := <-watching.Values(); got.Status != models.OrderPendingPayment {
			t.Errorf("first %s", got.Status)
		}
		if _, err := w.Pay(w.ctx, me, orders.PayOrder{OrderID: order.ID, IdempotencyKey: "pay"}); err != nil {
			t.Fatal(err)
		}
		if got := <-watching.Values(); got.Status != models.OrderProcessing {
			t.Errorf("then %s", got.Status)
		}
		// The order goes out of the watcher's sight.
		if _, err := db.NewUpdate().Table("orders").Set("partner_id = ?", w.stranger.ID).Where("id = ?", order.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		if got, open := <-watching.Values(); open {
			t.Errorf("still told: %+v", got)
		}
		if !errors.Is(watching.Err(), orders.ErrWatchHidden) {
			t.Error(watching.Err())
		}
		w.EndWatches()
		if _, err := w.Watch(w.ctx, me, order.ID, still); !errors.Is(err, watch.ErrOver) {
			t.Error(err)
		}
	})
}
