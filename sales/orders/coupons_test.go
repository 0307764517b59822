package orders_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// till is the world with a room for coupons and a quota of the provider's.
type till struct {
	*world
	room  *coupons.Service
	quota models.CouponQuota
	keys  int
}

func newTill(t *testing.T, db *store.DB) *till {
	t.Helper()
	w := newWorld(t, db)
	s := &till{world: w, room: &coupons.Service{DB: db, Now: w.Now, IDs: w.IDs, Events: w.Events, Ledger: w.Ledger}}
	w.Vouchers = s.room
	done, err := s.room.GrantQuota(w.ctx, operator(), coupons.GrantCouponQuota{
		PartnerID: w.provider.ID, Type: models.CouponVoucher, Value: decimal.New(1000, 0), ExpiresAt: w.Now().AddDate(1, 0, 0), IdempotencyKey: "quota",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.quota = done.CouponQuota
	return s
}

// issue gives the provider's customer a coupon of so many minor units.
func (s *till) issue(minor int64, limits *coupons.Limits) models.ID {
	s.t.Helper()
	s.keys++
	done, err := s.room.Issue(s.ctx, asPartner(s.provider), coupons.IssueCoupons{
		QuotaID: s.quota.ID, CustomerIDs: []models.ID{s.ofProvider.ID}, FaceValue: decimal.New(minor, -2), Limits: limits, IdempotencyKey: "issue" + string(rune('a'+s.keys)),
	})
	if err != nil || done.Results[0].Error != nil {
		s.t.Fatal(err, done.Results)
	}
	return done.Results[0].Coupon.ID
}

func (s *till) coupon(id models.ID) models.Coupon {
	s.t.Helper()
	found, err := s.room.ByIDs(s.ctx, operator(), []models.ID{id})
	if err != nil {
		s.t.Fatal(err)
	}
	return found[id]
}

// left returns what is left of each coupon, in minor units.
func (s *till) left(ids ...models.ID) []int64 {
	s.t.Helper()
	all := make([]int64, len(ids))
	for i, id := range ids {
		all[i] = s.coupon(id).BalanceMinor
	}
	return all
}

func (s *till) payWith(order models.Order, key string, ids ...models.ID) (orders.PayResult, error) {
	return s.Pay(s.ctx, asCustomer(s.ofProvider), orders.PayOrder{OrderID: order.ID, CouponIDs: ids, IdempotencyKey: key})
}

func TestCouponsPayBeforeMoney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.give(w.ofProvider, 1_000)
		one, two := w.issue(300, nil), w.issue(500, &coupons.Limits{ServiceTypes: []string{"hws.service.type.ec2"}})
		order := w.place(w.ofProvider, 1_200)
		if err := w.hold(w.ofProvider, order.ID, "hold"); reasonOf(err) != "INSUFFICIENT_BALANCE" {
			t.Errorf("the whole total is held: %v", err)
		}
		got, err := w.payWith(order, "pay", two, one)
		if err != nil {
			t.Fatal(err)
		}
		if got.Order.CouponMinor != 800 || got.Order.TotalMinor != 1200 || got.Balance.Available.Minor != 600 || got.Order.PaidMinor() != 400 {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff([]int64{0, 0}, w.left(one, two)); diff != "" || w.coupon(one).LockedBy != order.ID {
			t.Errorf("%s %+v", diff, w.coupon(one))
		}
		again, err := w.payWith(order, "pay", two, one)
		if err != nil || again.Order.CouponMinor != 800 || w.balance(w.ofProvider) != 600 {
			t.Errorf("the same key: %+v %v", again, err)
		}
		if _, err := w.payWith(order, "pay", one); reasonOf(err) != "CONFLICT" {
			t.Errorf("the same key with other coupons: %v", err)
		}
		items, err := w.ItemsFor(w.ctx, asCustomer(w.ofProvider), []models.ID{order.ID})
		if err != nil || items[order.ID][0].CouponMinor != 800 || items[order.ID][0].MoneyMinor() != 400 {
			t.Errorf("%+v %v", items, err)
		}
		if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
			t.Fatal(err)
		}
		if got := w.coupon(one); got.LockedBy != "" || w.order(order.ID).Status != models.OrderCompleted {
			t.Errorf("after the order: %+v", got)
		}
		// Money goes back as far as money paid; the rest followed the coupons' rules.
		refund := func(minor int64, key string) error {
			amount := decimal.New(minor, -2)
			_, err := w.Refund(w.ctx, operator(), orders.RefundOrder{OrderID: order.ID, Amount: &amount, Reason: "test", IdempotencyKey: key})
			return err
		}
		if err := errors.Join(refund(400, "all")); err != nil || reasonOf(refund(1, "more")) != "NOTHING_TO_REFUND" || w.balance(w.ofProvider) != 1_000 {
			t.Errorf("refund: %v, %d", err, w.balance(w.ofProvider))
		}
		audit(t, w.world)
	})
}

func TestCouponsPayForAllOfAnOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.give(w.ofProvider, 1_000)
		coupon := w.issue(1_500, nil)
		order := w.place(w.ofProvider, 700)
		if err := w.hold(w.ofProvider, order.ID, "hold"); err != nil {
			t.Fatal(err)
		}
		got, err := w.payWith(order, "pay", coupon)
		if err != nil || got.Balance.Available.Minor != 1_000 || got.Order.TransferID != "" || got.Order.PaidAt == nil {
			t.Fatalf("%+v %v", got, err)
		}
		if w.holdOf(system(), order.ID).State != models.HoldVoided {
			t.Error("the money is still held")
		}
		if _, err := w.Refund(w.ctx, operator(), orders.RefundOrder{OrderID: order.ID, Reason: "test", IdempotencyKey: "refund"}); reasonOf(err) != "NOTHING_TO_REFUND" {
			t.Error(err)
		}
		audit(t, w.world)
	})
}

func TestCouponsOutOfTheirLimitsPayNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.give(w.ofProvider, 10_000)
		order := w.place(w.ofProvider, 700)
		good := w.issue(100, nil)
		ten, five := decimal.New(10, 0), decimal.New(5, 0)
		for name, row := range map[string]struct {
			ids  []models.ID
			want string
		}{
			"another service":   {[]models.ID{good, w.issue(100, &coupons.Limits{ServiceTypes: []string{"hws.service.type.obs"}})}, "COUPON_NOT_APPLICABLE"},
			"another region":    {[]models.ID{w.issue(100, &coupons.Limits{Regions: []string{"eu"}})}, "COUPON_NOT_APPLICABLE"},
			"another product":   {[]models.ID{w.issue(100, &coupons.Limits{Products: []string{"c6"}})}, "COUPON_NOT_APPLICABLE"},
			"too small":         {[]models.ID{w.issue(100, &coupons.Limits{MinOrderAmount: &ten})}, "COUPON_ORDER_AMOUNT"},
			"too large":         {[]models.ID{w.issue(100, &coupons.Limits{MaxOrderAmount: &five})}, "COUPON_ORDER_AMOUNT"},
			"four of them":      {[]models.ID{good, good, good, good}, "INVALID"},
			"one twice":         {[]models.ID{good, good}, "INVALID"},
			"one that is no id": {[]models.ID{order.ID}, "INVALID"},
		} {
			if _, err := w.payWith(order, name, row.ids...); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		if got := w.order(order.ID); got.Status != models.OrderPendingPayment || got.CouponMinor != 0 || w.coupon(good).BalanceMinor != 100 || w.balance(w.ofProvider) != 10_000 {
			t.Errorf("%+v", got)
		}
		// Too little money takes no coupon either.
		dear := w.place(w.ofProvider, 20_000)
		if _, err := w.payWith(dear, "dear", good); reasonOf(err) != "INSUFFICIENT_BALANCE" || w.coupon(good).BalanceMinor != 100 || w.coupon(good).LockedBy != "" {
			t.Errorf("%v %+v", err, w.coupon(good))
		}
		audit(t, w.world)
	})
}

func TestCouponOffersAreWhatThePaymentTakes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.give(w.ofProvider, 10_000)
		me, ten := asCustomer(w.ofProvider), decimal.New(10, 0)
		order := w.place(w.ofProvider, 700)
		one, two, bound := w.issue(300, nil), w.issue(100, nil), w.issue(100, &coupons.Limits{MinOrderAmount: &ten})
		ended, soon, gone := w.issue(100, nil), w.issue(100, nil), w.issue(100, nil)
		for id, set := range map[models.ID]string{ended: "expires_at = '2026-11-20 08:00:00+00:00'", soon: "effective_at = '2026-11-22 08:00:00+00:00'", gone: "status = 'RECLAIMED'"} {
			if _, err := db.NewUpdate().Table("coupons").Set(set).Where("id = ?", id).Exec(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.NewUpdate().Table("coupons").Set("expires_at = ?", w.Now().Add(time.Hour)).Where("id = ?", two).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		offers := func(who models.Principal, order models.Order, ids ...models.ID) []string {
			t.Helper()
			found, err := w.CouponOffers(w.ctx, who, order, ids)
			if err != nil {
				return []string{reasonOf(err)}
			}
			texts := make([]string, len(found))
			for i, offer := range found {
				texts[i] = fmt.Sprintf("%s %d %d", offer.Coupon.ID, offer.Place, offer.PaysMinor)
				if offer.Refusal != nil {
					texts[i] += " " + offer.Refusal.Reason()
				}
			}
			return texts
		}
		text := func(id models.ID, rest string) string { return string(id) + " " + rest }
		for name, row := range map[string]struct{ got, want []string }{
			"those that expire first at the beginning": {offers(me, order), []string{text(two, "0 100"), text(one, "0 300"), text(bound, "0 0 COUPON_ORDER_AMOUNT")}},
			"in the order chosen":                      {offers(me, order, one, two), []string{text(one, "1 300"), text(two, "2 100"), text(bound, "0 0 COUPON_ORDER_AMOUNT")}},
			"what is over says so when it is named":    {offers(me, order, ended, gone, soon)[:3], []string{text(ended, "1 0 COUPON_EXPIRED"), text(gone, "2 0 COUPON_RECLAIMED"), text(soon, "3 0 COUPON_NOT_ACTIVATED")}},
			"four":                                     {offers(me, order, one, two, bound, ended), []string{"INVALID"}},
			"somebody else's":                          {offers(asCustomer(w.ofReseller), w.place(w.ofReseller, 700), one), []string{"NOT_FOUND"}},
			"one that there is not":                    {offers(me, order, w.IDs(models.PrefixCoupon)), []string{"NOT_FOUND"}},
			"nobody":                                   {offers(models.Principal{}, order), []string{"UNAUTHENTICATED"}},
		} {
			if diff := cmp.Diff(row.want, row.got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		narrow := me
		narrow.Permissions = []models.Permission{models.ReadOrders, models.PayOrders}
		if got := offers(narrow, order); len(got) != 0 {
			t.Errorf("who may not read coupons sees %v", got)
		}
		if got := offers(narrow, order, one); !slices.Equal(got, []string{"FORBIDDEN"}) {
			t.Errorf("who may not read coupons names one: %v", got)
		}
		paid, err := w.payWith(order, "pay", one, two)
		if err != nil || paid.Order.CouponMinor != 400 {
			t.Errorf("%+v, %v", paid, err)
		}
		if got := offers(me, w.order(order.ID), one); len(got) != 0 {
			t.Errorf("a paid order offers %v", got)
		}
		if got := offers(me, w.place(w.ofProvider, 700), one); got[0] != text(one, "1 0 COUPON_USED") {
			t.Errorf("%v", got)
		}
	})
}

func TestThePartnerPaysWithItsCustomersCoupons(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.endow(models.OwnerPartner, w.provider.ID, 1_000)
		coupon := w.issue(300, nil)
		order := w.place(w.ofProvider, 900)
		if _, err := w.AskPartner(w.ctx, asCustomer(w.ofProvider), orders.RequestPartnerPayment{OrderID: order.ID}); err != nil {
			t.Fatal(err)
		}
		done, err := w.PayForCustomer(w.ctx, asPartner(w.provider), orders.PartnerPayOrder{OrderID: order.ID, CouponIDs: []models.ID{coupon}, IdempotencyKey: "pay"})
		if err != nil || done.Order.CouponMinor != 300 || done.Balance.Available.Minor != 400 {
			t.Errorf("%+v %v", done, err)
		}
		audit(t, w.world)
	})
}

func TestTwoOrdersWantOneCoupon(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.give(w.ofProvider, 100_000)
		coupon := w.issue(500, nil)
		const clients = 8
		var all [clients]models.Order
		for i := range all {
			all[i] = w.place(w.ofProvider, 400)
		}
		var outcomes [clients]string
		var group sync.WaitGroup
		for i := range all {
			group.Go(func() {
				_, err := w.payWith(all[i], "pay"+string(rune('a'+i)), coupon)
				if outcomes[i] = "paid"; err != nil {
					outcomes[i] = reasonOf(err)
				}
			})
		}
		group.Wait()
		counts := map[string]int{}
		for _, outcome := range outcomes {
			counts[outcome]++
		}
		if diff := cmp.Diff(map[string]int{"paid": 1, "COUPON_LOCKED": clients - 1}, counts); diff != "" || w.coupon(coupon).BalanceMinor != 100 {
			t.Error(diff)
		}
		audit(t, w.world)
	})
}

func TestWhatCannotBeMadeGivesCouponsBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.Driver = orders.Simulator{Failures: map[string]string{"s6.large.2.linux": orders.SimulateFinal}}
		w.give(w.ofProvider, 1_000)
		part, whole := w.issue(300, nil), w.issue(900, nil)
		mixed, covered := w.place(w.ofProvider, 800), w.place(w.ofProvider, 900)
		for key, order := range map[string]models.Order{"mixed": mixed, "covered": covered} {
			with := part
			if key == "covered" {
				with = whole
			}
			if _, err := w.payWith(order, key, with); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
					t.Fatal(err)
				}
			}
			if got := w.order(order.ID); got.Status != models.OrderCancelled {
				t.Errorf("%s: %s", key, got.Status)
			}
		}
		if diff := cmp.Diff([]int64{300, 900}, w.left(part, whole)); diff != "" || w.balance(w.ofProvider) != 1_000 || w.coupon(whole).LockedBy != "" || w.coupon(whole).Status != models.CouponUsable {
			t.Errorf("%s %d %+v", diff, w.balance(w.ofProvider), w.coupon(whole))
		}
		audit(t, w.world)
	})
}

// TestUnsubscribingGivesCouponsBackInTheFreeDaysOnly is O08: of two servers bought together one is given up at once, the other too late.
func TestUnsubscribingGivesCouponsBackInTheFreeDaysOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		w.give(w.ofProvider, 10_000)
		coupon := w.issue(401, nil)
		order := w.place(w.ofProvider, 1_001) // two servers for 501 and 500, of which coupons pay 201 and 200
		if _, err := w.payWith(order, "pay", coupon); err != nil {
			t.Fatal(err)
		}
		if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
			t.Fatal(err)
		}
		found, err := w.Resources.FindForOrders(w.ctx, asCustomer(w.ofProvider), []models.ID{order.ID})
		if err != nil {
			t.Fatal(err)
		}
		var servers []models.ID
		for _, r := range found[order.ID] {
			if r.IsMain() {
				servers = append(servers, r.ID)
			}
		}
		give := func(id models.ID, key string) models.UnsubscribeBreakdown {
			t.Helper()
			me := asCustomer(w.ofProvider)
			preview, err := w.PreviewUnsubscribe(w.ctx, me, []models.ID{id}, models.UnsubscribeResource)
			if err != nil {
				t.Fatal(err)
			}
			done, err := w.Unsubscribe(w.ctx, me, orders.UnsubscribeResources{ResourceIDs: []models.ID{id}, Type: models.UnsubscribeResource, Reason: models.UnsubscribeOther, IdempotencyKey: key})
			if err != nil {
				t.Fatal(err)
			}
			if preview.Refund() != done.Breakdown.Refund() || preview.Coupons() != done.Breakdown.Coupons() {
				t.Errorf("preview %+v, done %+v", preview, done.Breakdown)
			}
			for range 2 {
				if err := w.Provision(w.ctx, models.Event{Type: models.EventOrderAccepted, SubjectID: string(done.Order.ID)}); err != nil {
					t.Fatal(err)
				}
			}
			return done.Breakdown
		}
		before := w.balance(w.ofProvider)
		free := give(servers[0], "free")
		if free.Coupons().Minor+free.Refund().Minor != 501 && free.Coupons().Minor+free.Refund().Minor != 500 || w.coupon(coupon).BalanceMinor != free.Coupons().Minor || free.Coupons().Minor < 200 {
			t.Errorf("free: %+v, coupon %d", free, w.coupon(coupon).BalanceMinor)
		}
		if got := w.balance(w.ofProvider) - before; got != free.Refund().Minor {
			t.Errorf("money back: %d, want %d", got, free.Refund().Minor)
		}
		w.clock.advance(models.FreeUnsubscribeWithin + time.Hour)
		late := give(servers[1], "late")
		if late.Coupons().Minor != 0 || late.Refund().Minor <= 0 || late.Refund().Minor+late.Consumed().Minor+late.Fee().Minor != 600-free.Refund().Minor || w.coupon(coupon).BalanceMinor != free.Coupons().Minor {
			t.Errorf("late: refund %s, used %s, fee %s, coupons %s", late.Refund(), late.Consumed(), late.Fee(), late.Coupons())
		}
		audit(t, w.world)
	})
}

// TestAServerPaidWithCouponsAloneIsGivenBack: no money moves, and still it counts as one of the ten of the year.
func TestAServerPaidWithCouponsAloneIsGivenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTill(t, db)
		coupon := w.issue(1_000, nil)
		order := w.place(w.ofProvider, 1_000)
		if _, err := w.payWith(order, "pay", coupon); err != nil {
			t.Fatal(err)
		}
		if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
			t.Fatal(err)
		}
		found, err := w.Resources.FindForOrders(w.ctx, asCustomer(w.ofProvider), []models.ID{order.ID})
		if err != nil {
			t.Fatal(err)
		}
		var servers []models.ID
		for _, r := range found[order.ID] {
			if r.IsMain() {
				servers = append(servers, r.ID)
			}
		}
		done, err := w.Unsubscribe(w.ctx, asCustomer(w.ofProvider), orders.UnsubscribeResources{
			ResourceIDs: servers, Type: models.UnsubscribeResource, Reason: models.UnsubscribeOther, IdempotencyKey: "free",
		})
		if err != nil || done.Breakdown.Coupons().Minor != 1_000 || done.Breakdown.Refund().Minor != 0 || len(done.Breakdown.Free) != 2 {
			t.Fatalf("%+v %v", done.Breakdown, err)
		}
		if err := w.Provision(w.ctx, models.Event{Type: models.EventOrderAccepted, SubjectID: string(done.Order.ID)}); err != nil {
			t.Fatal(err)
		}
		if got := w.coupon(coupon); got.BalanceMinor != 1_000 || got.Status != models.CouponUsable {
			t.Errorf("%+v", got)
		}
		audit(t, w.world)
	})
}
