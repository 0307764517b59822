package orders_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// Random lives of orders and of what they run: states move only as they may, money is conserved, no order is paid back more than was
// paid, and no resource is without its main resource or outlives it.
func TestRandomOrderLives(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		driver := &moody{}
		w.Driver = driver
		rapid.Check(t, func(rt *rapid.T) {
			l := newLives(rt, w, driver)
			for range rapid.IntRange(4, 16).Draw(rt, "steps") {
				l.step()
				l.check()
			}
		})
	})
}

// lives are the orders and resources of one customer.
type lives struct {
	rt       *rapid.T
	w        *world
	driver   *moody
	customer models.Customer
	provider models.Partner
	statuses map[models.ID]models.OrderStatus
}

func newLives(rt *rapid.T, w *world, driver *moody) *lives {
	l := &lives{rt: rt, w: w, driver: driver, provider: w.partner("L", models.SolutionProvider, ""), statuses: map[models.ID]models.OrderStatus{}}
	l.customer = w.customer(string(w.IDs(models.PrefixCustomer)), l.provider.ID, models.Resale)
	w.give(l.customer, rapid.Int64Range(500, 3_000).Draw(rt, "cash"))
	w.partnerMoney(l.provider, 1_000)
	if rapid.Bool().Draw(rt, "on account") {
		w.line(l.customer, rapid.Int64Range(1, 1_500).Draw(rt, "line"))
	}
	l.place()
	l.place()
	l.pay()
	l.deliver()
	return l
}

func (l *lives) key() string { return string(l.w.IDs("k")) }

// refusedOnly fails the life for whatever is no typed refusal.
func (l *lives) refusedOnly(err error) {
	var refusal *models.Error
	if err != nil && (!errors.As(err, &refusal) || refusal.Code == models.CodeInternal || refusal.Code == models.CodeForbidden) {
		l.rt.Fatalf("not a refusal: %v", err)
	}
}

func (l *lives) orders() []models.Order {
	var rows []models.Order
	if err := l.w.DB.NewSelect().Model(&rows).Where("o.customer_id = ?", l.customer.ID).Order("o.id").Scan(l.w.ctx); err != nil {
		l.rt.Fatal(err)
	}
	return rows
}

func (l *lives) resources() []models.Resource {
	var rows []models.Resource
	if err := l.w.DB.NewSelect().Model(&rows).Where("r.customer_id = ?", l.customer.ID).Order("r.id").Scan(l.w.ctx); err != nil {
		l.rt.Fatal(err)
	}
	return rows
}

func (l *lives) anOrder() models.ID { return rapid.SampledFrom(l.orders()).Draw(l.rt, "order").ID }

// some draws one or two resources, mains and others, for which an operation may well be refused.
func (l *lives) some() []models.ID {
	all := l.resources()
	if len(all) == 0 {
		return []models.ID{l.w.IDs(models.PrefixResource)}
	}
	var ids []models.ID
	for range rapid.IntRange(1, 2).Draw(l.rt, "how many") {
		r := rapid.SampledFrom(all).Draw(l.rt, "resource")
		if r.ParentID != "" && rapid.IntRange(0, 3).Draw(l.rt, "sub") > 0 {
			r.ID = r.ParentID
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func (l *lives) place() {
	item := line(rapid.IntRange(1, 3).Draw(l.rt, "quantity"), rapid.Int64Range(0, 400).Draw(l.rt, "servers"), rapid.Int64Range(0, 99).Draw(l.rt, "disks"))
	item.PeriodCount = rapid.IntRange(1, 3).Draw(l.rt, "months")
	_, err := l.w.Place(l.w.ctx, system(), orders.PlaceOrder{CustomerID: l.customer.ID, Items: []orders.PlaceItem{item}})
	l.refusedOnly(err)
}

func (l *lives) pay() {
	_, err := l.w.Pay(l.w.ctx, asCustomer(l.customer), orders.PayOrder{OrderID: l.anOrder(), IdempotencyKey: l.key()})
	l.refusedOnly(err)
}

// deliver carries out what is due, of this life alone: those before it have left work behind.
func (l *lives) deliver() {
	switch rapid.IntRange(0, 5).Draw(l.rt, "mood") {
	case 0:
		l.driver.create, l.driver.alter, l.driver.release = errBusy, errBusy, errBusy
	case 1:
		final := &orders.FinalError{Reason: "SOLD_OUT"}
		l.driver.create, l.driver.alter, l.driver.release = final, final, final
	default:
		l.driver.create, l.driver.alter, l.driver.release = nil, nil, nil
	}
	for _, order := range l.orders() {
		if err := l.w.Provision(l.w.ctx, paymentOf(order)); err != nil && !errors.Is(err, errBusy) {
			l.rt.Fatal(err)
		}
	}
}

var errBusy = errors.New("busy")

func (l *lives) step() {
	me, ctx := asCustomer(l.customer), l.w.ctx
	switch rapid.SampledFrom([]string{
		"place", "pay", "pay", "pay", "deliver", "deliver", "deliver", "cancel", "hold", "renew", "renew", "unsubscribe", "unsubscribe", "take back", "partner", "due", "by use", "by use", "to period", "to period", "change", "change",
		"refund", "refund", "expire", "wait", "settle", "price", "price",
	}).Draw(l.rt, "operation") {
	case "place":
		l.place()
	case "pay":
		l.pay()
	case "deliver":
		l.deliver()
	case "cancel":
		_, err := l.w.Cancel(ctx, me, orders.CancelOrder{OrderID: l.anOrder()})
		l.refusedOnly(err)
	case "hold":
		l.refusedOnly(second(l.w.HoldPayment(ctx, me, orders.HoldOrderPayment{OrderID: l.anOrder(), IdempotencyKey: l.key()})))
	case "renew":
		l.refusedOnly(second(l.w.Renew(ctx, me, renew(l.key(), rapid.IntRange(1, 2).Draw(l.rt, "months"), rapid.Bool().Draw(l.rt, "pay"), l.some()...))))
	case "unsubscribe":
		l.refusedOnly(second(l.w.Unsubscribe(ctx, me, giveUp(l.key(), models.UnsubscribeResource, l.some()...))))
	case "take back":
		l.refusedOnly(second(l.w.Unsubscribe(ctx, me, giveUp(l.key(), models.UnsubscribeRenewals, l.some()...))))
	case "partner":
		id := l.anOrder()
		l.refusedOnly(second(l.w.AskPartner(ctx, me, orders.RequestPartnerPayment{OrderID: id})))
		l.refusedOnly(second(l.w.PayForCustomer(ctx, asPartner(l.provider), orders.PartnerPayOrder{OrderID: id, IdempotencyKey: l.key()})))
	case "due":
		id := l.some()[0]
		l.w.set(id, "expire_policy", models.ExpireAutoRenew)
		l.refusedOnly(l.w.RenewDue(ctx, id))
	case "change":
		if len(l.resources()) == 0 {
			return
		}
		id := l.some()[0]
		if main := l.w.resource(id).ParentID; main != "" && rapid.Bool().Draw(l.rt, "the main one") {
			id = main
		}
		quote := l.w.quoteChange(l.customer, id, rapid.SampledFrom([]string{"s6.small", "s6.large.2.linux", "s6.xlarge"}).Draw(l.rt, "spec"))
		if len(quote.Lines) > 0 {
			l.refusedOnly(second(l.w.placeChange(l.customer, quote)))
		}
	case "to period":
		quote := l.w.quotePeriods(l.customer, models.PeriodMonth, rapid.IntRange(1, 2).Draw(l.rt, "months"), nil, l.some()...)
		l.refusedOnly(second(l.w.placeChange(l.customer, quote)))
	case "by use":
		l.refusedOnly(l.w.ToPayPerUse(ctx, l.some()[0]))
	case "refund":
		amount := decimal.New(rapid.Int64Range(1, 60).Draw(l.rt, "amount"), -2)
		l.refusedOnly(second(l.w.Refund(ctx, operator(), orders.RefundOrder{OrderID: l.anOrder(), Amount: &amount, Reason: "life", IdempotencyKey: l.key()})))
	case "expire":
		if err := l.w.ExpireOrder(ctx, l.anOrder()); err != nil {
			if _, early := models.NotDueUntil(err); !early {
				l.rt.Fatal(err)
			}
		}
	case "settle":
		l.w.settle(l.customer)
	case "price":
		cmd := orders.AdjustPrice{OrderID: l.anOrder(), Mode: models.DiscountRate, Value: decimal.New(rapid.Int64Range(0, 100).Draw(l.rt, "rate"), -2), Reason: "life", IdempotencyKey: l.key()}
		if rapid.Bool().Draw(l.rt, "restore") {
			l.refusedOnly(second(l.w.RestorePrice(ctx, asPartner(l.provider), orders.RestorePrice{OrderID: cmd.OrderID, Reason: "life", IdempotencyKey: cmd.IdempotencyKey})))
			return
		}
		l.refusedOnly(second(l.w.AdjustPrice(ctx, asPartner(l.provider), cmd)))
	case "wait":
		l.w.clock.advance(time.Duration(rapid.IntRange(1, 30).Draw(l.rt, "days")) * 24 * time.Hour)
	}
}

func (l *lives) check() {
	made := map[models.ID]int{}
	mains := map[models.ID]models.Resource{}
	all := l.resources()
	for _, r := range all {
		made[r.OrderID]++
		if r.IsMain() {
			mains[r.ID] = r
		}
	}
	for _, r := range all {
		if r.IsMain() {
			continue
		}
		main, known := mains[r.ParentID]
		if !known || r.Status != main.Status || r.ChargingMode != main.ChargingMode || (r.ExpiresAt == nil) != (main.ExpiresAt == nil) || r.ExpiresAt != nil && !r.ExpiresAt.Equal(*main.ExpiresAt) {
			l.rt.Fatalf("the sub-resource %+v is not as its main resource %+v", r, main)
		}
	}
	for _, order := range l.orders() {
		before, known := l.statuses[order.ID]
		if known && !reaches(before, order.Status) {
			l.rt.Fatalf("an order of type %s went from %s to %s", order.Type, before, order.Status)
		}
		l.statuses[order.ID] = order.Status
		items, err := l.w.ItemsFor(l.w.ctx, system(), []models.ID{order.ID})
		sum := int64(0)
		for _, item := range items[order.ID] {
			sum += item.AmountMinor
		}
		if err != nil || sum != order.TotalMinor {
			l.rt.Fatalf("the lines of %+v add up to %d, %v", order, sum, err)
		}
		if delivered := order.Type == models.OrderNew && order.Status == models.OrderCompleted; delivered != (made[order.ID] > 0) {
			l.rt.Fatalf("%s %s has %d resources", order.Type, order.Status, made[order.ID])
		}
		l.w.lines(order.ID)
	}
	if report, err := l.w.Ledger.Audit(l.w.ctx); err != nil || report.Breaches() != 0 {
		l.rt.Fatalf("the audit found %+v, %v", report, err)
	}
	if l.w.t.Failed() {
		l.rt.Fatal("a line was paid back more than it cost")
	}
}

// reaches reports whether a status may become another in some steps.
func reaches(from, to models.OrderStatus) bool {
	if from == to {
		return true
	}
	for _, next := range []models.OrderStatus{
		models.OrderPendingReview, models.OrderPendingPayment, models.OrderProcessing, models.OrderPendingRefund, models.OrderCancelled, models.OrderCompleted,
	} {
		if from.CanBecome(next) && reaches(next, to) {
			return true
		}
	}
	return false
}
