package coupons_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestAResellerThatLeavesGivesBackItsQuotas is V06's reason 9: what its customers have left goes to the quotas, and the quotas to the
// distributor's; a second reseller's, and what pays for orders, stay.
func TestAResellerThatLeavesGivesBackItsQuotas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		root := w.grant(w.distributor, "1000.00", nil)
		quota, spent, frozen, others := w.give(root, w.reseller, "100.00"), w.give(root, w.reseller, "10.00"), w.give(root, w.reseller, "50.00"), w.give(root, w.second, "200.00")
		if _, err := db.NewUpdate().Table("coupon_quotas").Set("status = ?", models.QuotaFrozen).Where("id = ?", frozen.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		whole, part, all := w.issue(quota, w.ofReseller, "20.00"), w.issue(quota, w.ofReseller, "30.00"), w.issue(spent, w.ofReseller, "10.00")
		_, purchase := w.order(w.ofReseller, 1200)
		_, also := w.order(w.ofReseller, 1000)
		for id, p := range map[models.ID]models.CouponPurchase{part.ID: purchase, all.ID: also} {
			if err := w.pay(w.ofReseller, p, id); err != nil {
				t.Fatal(err)
			}
		}
		w.inTx(func(ctx context.Context, tx bun.IDB) error { return w.PartIn(ctx, tx, system(), w.reseller) })
		for name, row := range map[string]struct {
			id             models.ID
			balance, value int64
			status         models.CouponQuotaStatus
		}{
			"the distributor's":     {root.ID, 100_000 - 20_000 - 1_200 - 1_000, 100_000, models.QuotaNormal},
			"the reseller's":        {quota.ID, 0, 1_200, models.QuotaReclaimed},
			"one that is used up":   {spent.ID, 0, 1_000, models.QuotaReclaimed},
			"one that was frozen":   {frozen.ID, 0, 0, models.QuotaReclaimed},
			"the second reseller's": {others.ID, 20_000, 20_000, models.QuotaNormal},
		} {
			if got := w.quota(row.id); got.BalanceMinor != row.balance || got.ValueMinor != row.value || got.Status != row.status {
				t.Errorf("%s: %d of %d, %s; want %d of %d, %s", name, got.BalanceMinor, got.ValueMinor, got.Status, row.balance, row.value, row.status)
			}
		}
		for id, want := range map[models.ID]models.CouponStatus{whole.ID: models.CouponReclaimed, part.ID: models.CouponReclaimed, all.ID: models.CouponUsed} {
			if got := w.coupon(id); got.Status != want || got.BalanceMinor != 0 {
				t.Errorf("%+v", got)
			}
		}
		if diff := cmp.Diff([]string{"ISSUE SUCCEEDED 20.00", "RESELLER_TRANSFER SUCCEEDED 20.00"}, w.records(whole.ID)); diff != "" {
			t.Error(diff)
		}
		var records []models.CouponQuotaRecord
		if err := db.NewSelect().Model(&records).Where("cqr.operation = ?", models.QuotaReclaim).Order("cqr.amount_minor").Scan(w.ctx); err != nil {
			t.Fatal(err)
		}
		if len(records) != 2 || records[0].AmountMinor != 5_000 || records[1].AmountMinor != 8_800 || records[1].Remark != "RESELLER_TRANSFER" {
			t.Errorf("%+v", records)
		}
		w.audit()
		// Again there is nothing left.
		w.inTx(func(ctx context.Context, tx bun.IDB) error { return w.PartIn(ctx, tx, system(), w.reseller) })
		if got := w.quota(root.ID).BalanceMinor; got != 77_800 {
			t.Errorf("twice: %d", got)
		}
		w.audit()
	})
}
