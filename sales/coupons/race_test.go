package coupons_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// together runs fn n times at once.
func together(n int, fn func(i int) error) []error {
	errs, start := make([]error, n), make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	done.Wait()
	return errs
}

// TestOneCouponPaysOneOfTwoOrders: sixteen orders want the same coupon at once, and one gets it.
func TestOneCouponPaysOneOfTwoOrders(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "100.00", nil)
		coupon := w.issue(quota, w.ofProvider, "10.00")
		purchases := make([]models.CouponPurchase, 16)
		for i := range purchases {
			_, purchases[i] = w.order(w.ofProvider, int64(500+i))
		}
		won := 0
		for _, err := range together(len(purchases), func(i int) error { return w.pay(w.ofProvider, purchases[i], coupon.ID) }) {
			switch reasonOf(err) {
			case "":
				won++
			case "COUPON_LOCKED":
			default:
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d orders were paid with it", won)
		}
		w.audit()
	})
}

// TestTheLastOfAQuotaIsIssuedOnce: sixteen calls want more than there is.
func TestTheLastOfAQuotaIsIssuedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		quota := w.grant(w.provider, "50.00", nil)
		var mu sync.Mutex
		got := map[string]int{}
		for _, err := range together(16, func(int) error {
			done, err := w.Issue(w.ctx, asPartner(w.provider), coupons.IssueCoupons{
				QuotaID: quota.ID, CustomerIDs: []models.ID{w.ofProvider.ID}, FaceValue: amount("10"), IdempotencyKey: w.key(),
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				got[item(done.Results[0].Error)]++
			}
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		if got[""] != 5 || got["INSUFFICIENT_BALANCE"] != 11 || w.quota(quota.ID).BalanceMinor != 0 {
			t.Errorf("%v", got)
		}
		w.audit()
	})
}

// step does one random thing to quotas and coupons. What is refused is fine; what fails otherwise is not.
func (w *world) step(pick func(n int) int, parent, child models.CouponQuota) error {
	face := fmt.Sprintf("%d.%02d", pick(8), 1+pick(99))
	quota, customer := parent, w.ofDistributor
	if pick(2) == 0 {
		quota, customer = child, w.ofReseller
	}
	coupon := func() models.ID {
		page, err := w.Find(w.ctx, operator(), coupons.CouponFilter{CustomerID: &customer.ID}, models.PageArgs{})
		if all := page.Nodes(); err == nil && len(all) > 0 {
			return all[pick(len(all))].ID
		}
		return w.IDs(models.PrefixCoupon)
	}
	var err error
	switch pick(8) {
	case 0, 1:
		_, err = w.Issue(w.ctx, w.owner(quota), coupons.IssueCoupons{QuotaID: quota.ID, CustomerIDs: []models.ID{customer.ID}, FaceValue: amount(face), IdempotencyKey: w.key()})
	case 2:
		_, err = w.Reclaim(w.ctx, w.owner(quota), coupons.ReclaimCoupons{CouponIDs: []models.ID{coupon()}, IdempotencyKey: w.key()})
	case 3, 4:
		_, purchase := w.order(customer, int64(1+pick(900)))
		if err = w.pay(customer, purchase, coupon()); err == nil && pick(2) == 0 {
			w.inTx(func(ctx context.Context, tx bun.IDB) error { return w.ReleaseIn(ctx, tx, purchase.OrderID) })
		}
	case 5:
		page, found := w.FindUses(w.ctx, operator(), coupons.UseFilter{CustomerID: &customer.ID}, models.PageArgs{})
		if uses := page.Nodes(); found == nil && len(uses) > 0 {
			err = w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
				use := uses[pick(len(uses))]
				return w.GiveBackIn(ctx, tx, system(), customer, []coupons.CouponReturn{{OrderID: use.OrderID, Lines: map[models.ID]int64{use.ItemID: int64(1 + pick(900))}}})
			})
		}
	case 6:
		_, err = w.IssueQuotas(w.ctx, asPartner(w.distributor), coupons.IssueCouponQuotas{
			QuotaID: parent.ID, Items: []coupons.ResellerQuota{{ResellerID: w.second.ID, Value: amount(face)}}, IdempotencyKey: w.key(),
		})
	case 7:
		page, found := w.FindQuotas(w.ctx, asPartner(w.second), coupons.QuotaFilter{}, models.PageArgs{})
		if all := page.Nodes(); found == nil && len(all) > 0 {
			_, err = w.ReclaimQuotas(w.ctx, asPartner(w.distributor), coupons.ReclaimCouponQuotas{QuotaIDs: []models.ID{all[pick(len(all))].ID}, IdempotencyKey: w.key()})
		}
	}
	if code := models.CodeOf(err); code != "" && code != models.CodePreconditionFailed && code != models.CodeNotFound {
		return err
	}
	return nil
}

// TestTheQuotaEquationHoldsAfterEveryStep is I6 over random histories: children + issued + available = quota.
func TestTheQuotaEquationHoldsAfterEveryStep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			parent := w.grant(w.distributor, "60.00", nil)
			child := w.give(parent, w.reseller, "20.00")
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				if err := w.step(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "n") }, parent, child); err != nil {
					rt.Fatal(err)
				}
			}
			report, err := w.Ledger.Audit(w.ctx)
			if err != nil || report.Breaches() > 0 {
				rt.Fatalf("%v %+v", err, report)
			}
		})
	})
}

// TestTheQuotaEquationHoldsInARace is the same with sixteen at once.
func TestTheQuotaEquationHoldsInARace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		parent := w.grant(w.distributor, "60.00", nil)
		child := w.give(parent, w.reseller, "20.00")
		for _, err := range together(16, func(i int) error {
			random := rand.New(rand.NewPCG(uint64(i), 7))
			for range 15 {
				if err := w.step(random.IntN, parent, child); err != nil {
					return err
				}
			}
			return nil
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		w.audit()
	})
}
