package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// couponRows are those of quotas and coupons.
func couponRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	type inputs = func(w *apitest.World, c apitest.Caller) []map[string]any
	// of is a change of every object of a kind, by whoever may change none.
	of := func(prefix, field string, list bool, more map[string]any, may func(w *apitest.World, c apitest.Caller, id models.ID) bool) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(prefix) {
				if may(w, c, id) {
					continue
				}
				one := map[string]any{field: id}
				if list {
					one[field] = []models.ID{id}
				}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	operators := func(_ *apitest.World, c apitest.Caller, _ models.ID) bool { return c.Operator }
	keyed := func(more map[string]any) map[string]any {
		all := map[string]any{"idempotencyKey": "theirs"}
		maps.Copy(all, more)
		return all
	}
	return map[string]mutationRow{
		"grantCouponQuota": {"{couponQuota{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if !c.Operator || o.Parent != nil {
					all = append(all, keyed(map[string]any{"partnerId": o.Partner.ID, "type": "VOUCHER", "value": "1.00", "expiresAt": "2027-11-10T08:00:00Z"}))
				}
			}
			return all
		}},
		"adjustCouponQuota":    {"{couponQuota{id}}", of(models.PrefixCouponQuota, "quotaId", false, keyed(map[string]any{"value": "9000000.00", "reason": "theirs"}), operators)},
		"setCouponQuotaStatus": {"{couponQuota{id}}", of(models.PrefixCouponQuota, "quotaId", false, map[string]any{"status": "FROZEN", "reason": "theirs"}, operators)},
		"setCouponWhitelist": {"{couponWhitelist{enabled}}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, map[string]any{"customerIds": []models.ID{}})
		}},
		// Whole calls are refused for another's quota; items one by one for another's reseller, customer, quota or coupon.
		"issueCouponQuotas": {"{couponQuota{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if c.Org == nil || c.Org != o || o.Partner.Kind != models.Distributor {
					all = append(all, keyed(map[string]any{"quotaId": o.Quota.ID, "items": []map[string]any{{"resellerId": w.Resellers[0].Partner.ID, "value": "1.00"}}}))
				}
			}
			return all
		}},
		"reclaimCouponQuotas": {"{results{error{code} couponQuota{id}}}", of(models.PrefixCouponQuota, "quotaIds", true, keyed(nil), func(w *apitest.World, c apitest.Caller, id models.ID) bool {
			return c.Org != nil && c.Org.Partner.Kind == models.Distributor && w.Sees(c, id) // its own is refused by itself, its resellers' are its to take
		})},
		"issueCoupons": {"{couponQuota{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				one := keyed(map[string]any{"quotaId": o.Quota.ID, "customerIds": []models.ID{o.Resale.Customer.ID}, "faceValue": "1.00"})
				if c.Org != o {
					all = append(all, one)
				}
				if c.Org == nil || o.Parent != c.Org {
					acting := maps.Clone(one)
					acting["actingForPartnerId"] = o.Partner.ID
					all = append(all, acting)
				}
			}
			return all
		}},
		"reclaimCoupons": {"{results{error{code} coupon{id}}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				one := keyed(map[string]any{"couponIds": []models.ID{o.Resale.Coupon.ID}})
				if c.Org != o {
					all = append(all, one)
				}
				if c.Org == nil || o.Parent != c.Org {
					acting := maps.Clone(one)
					acting["actingForPartnerId"] = o.Partner.ID
					all = append(all, acting)
				}
			}
			return all
		}},
	}
}
