package apitest_test

import (
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// couponRows are those of quotas and coupons.
func couponRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	const quota = "{couponQuota{id}}"
	// named are inputs about what is of every organisation: by others, and in its name by whoever may not act for it.
	named := func(input func(o *apitest.Org) map[string]any) changes {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if c.Org != o {
					all = append(all, keyed(input(o)))
				}
				if c.Org == nil || o.Parent != c.Org {
					acting := keyed(input(o))
					acting["actingForPartnerId"] = o.Partner.ID
					all = append(all, acting)
				}
			}
			return all
		}
	}
	return map[string]mutationRow{
		"grantCouponQuota": {quota, func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if !c.Operator || o.Parent != nil {
					all = append(all, keyed(map[string]any{"partnerId": o.Partner.ID, "type": "VOUCHER", "value": "1.00", "expiresAt": "2027-11-10T08:00:00Z"}))
				}
			}
			return all
		}},
		"adjustCouponQuota":    {quota, changesOf(models.PrefixCouponQuota, "quotaId", operatorsMay, keyed(map[string]any{"value": "9000000.00", "reason": "theirs"}))},
		"setCouponQuotaStatus": {quota, changesOf(models.PrefixCouponQuota, "quotaId", operatorsMay, map[string]any{"status": "FROZEN", "reason": "theirs"})},
		"setCouponWhitelist": {"{couponWhitelist{enabled}}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, map[string]any{"customerIds": []models.ID{}})
		}},
		// Whole calls are refused for another's quota; items one by one for another's reseller, customer, quota or coupon.
		"issueCouponQuotas": {quota, func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if c.Org == nil || c.Org != o || o.Partner.Kind != models.Distributor {
					all = append(all, keyed(map[string]any{"quotaId": o.Quota.ID, "items": []map[string]any{{"resellerId": w.Resellers[0].Partner.ID, "value": "1.00"}}}))
				}
			}
			return all
		}},
		"reclaimCouponQuotas": {"{results{error{code} couponQuota{id}}}", changesOf(models.PrefixCouponQuota, "quotaIds", func(w *apitest.World, c apitest.Caller, id models.ID) bool {
			return c.Org != nil && c.Org.Partner.Kind == models.Distributor && w.Sees(c, id) // its own is refused by itself, its resellers' are its to take
		}, keyed(nil))},
		"issueCoupons": {quota, named(func(o *apitest.Org) map[string]any {
			return map[string]any{"quotaId": o.Quota.ID, "customerIds": []models.ID{o.Resale.Customer.ID}, "faceValue": "1.00"}
		})},
		"reclaimCoupons": {"{results{error{code} coupon{id}}}", named(func(o *apitest.Org) map[string]any {
			return map[string]any{"couponIds": []models.ID{o.Resale.Coupon.ID}}
		})},
	}
}
