package apitest

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/orders"
)

// vouchers gives the partner a quota, a reseller one of its distributor's, and its resale customer a coupon that pays for an order.
func (w *World) vouchers(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	// Of their own: taking part in next would move every amount after them.
	amount := func(base int64) int64 {
		w.vouched++
		return base + 7_919*w.vouched*w.vouched
	}
	if o.Parent == nil {
		o.Quota = w.Quota(t, o, models.NewMoney(amount(310_000_003), models.CNY), o.Tag+" quota")
	} else {
		given, err := w.Coupons.IssueQuotas(ctx, selfOf(o.Parent), coupons.IssueCouponQuotas{
			QuotaID: o.Parent.Quota.ID, Memo: ptr(o.Tag + " quota"), IdempotencyKey: o.Tag,
			Items: []coupons.ResellerQuota{{ResellerID: o.Partner.ID, Value: decimal.New(amount(150_000_011), -2)}},
		})
		must(t, err)
		o.Quota = *given.Results[0].CouponQuota
	}
	w.text(o.Tag+" quota", o.Quota.ID)
	o.Resale.Coupon = w.Coupon(t, o, o.Resale, models.NewMoney(amount(57_000_029), models.CNY), o.Tag+" coupon")
	w.text(o.Tag+" coupon", o.Resale.Coupon.ID)
	order, err := w.Orders.Place(ctx, w.who, orders.PlaceOrder{
		CustomerID: o.Resale.Customer.ID, Source: models.PlacedByCustomer, ExternalID: o.Tag + "-coupon", Items: []orders.PlaceItem{{
			ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4",
			Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, AmountMinor: amount(21_000_041),
			Parts: []orders.PlaceItem{{
				ServiceType: "hws.service.type.ebs", ResourceType: "hws.resource.type.volume", SpecCode: "SSD", Region: "cn-north-4",
				Quantity: 1, AmountMinor: amount(11_000_053),
			}},
		}},
	})
	must(t, err)
	w.text(o.Tag+"-coupon", order.ID)
	w.text(order.Number, order.ID)
	_, err = w.Orders.Pay(ctx, w.as(o.Resale), orders.PayOrder{OrderID: order.ID, CouponIDs: []models.ID{o.Resale.Coupon.ID}, IdempotencyKey: "coupon"})
	must(t, err)
}

// Quota gives a partner a quota of vouchers for a year.
func (w *World) Quota(t *testing.T, o *Org, value models.Money, memo string) models.CouponQuota {
	t.Helper()
	granted, err := w.Coupons.GrantQuota(t.Context(), w.who, coupons.GrantCouponQuota{
		PartnerID: o.Partner.ID, Type: models.CouponVoucher, Value: value.Amount(), ExpiresAt: w.Now().AddDate(1, 0, 0), Memo: &memo, IdempotencyKey: memo,
	})
	must(t, err)
	return granted.CouponQuota
}

// Coupon issues a coupon from the partner's quota to its resale customer.
func (w *World) Coupon(t *testing.T, o *Org, b *Buyer, face models.Money, memo string) models.Coupon {
	t.Helper()
	issued, err := w.Coupons.Issue(t.Context(), selfOf(o), coupons.IssueCoupons{
		QuotaID: o.Quota.ID, CustomerIDs: []models.ID{b.Customer.ID}, FaceValue: face.Amount(), Memo: &memo, IdempotencyKey: memo,
	})
	must(t, err)
	if refusal := issued.Results[0].Error; refusal != nil {
		t.Fatalf("apitest: %v", refusal)
	}
	return *issued.Results[0].Coupon
}

func ptr[T any](v T) *T { return &v }

// indexCoupons learns whose quotas and coupons there are.
func (w *World) indexCoupons(ctx context.Context, t *testing.T, orgs map[models.ID]*Org, buyers map[models.ID]*Buyer) {
	t.Helper()
	var quotas []models.CouponQuota
	var quotaRecords []models.CouponQuotaRecord
	var rows []models.Coupon
	var records []models.CouponRecord
	var uses []models.CouponUse
	for _, all := range []any{&quotas, &quotaRecords, &rows, &records, &uses} {
		must(t, w.DB.NewSelect().Model(all).Scan(ctx))
	}
	for _, row := range quotas {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
		w.amount(t, row.Value(), string(row.ID))
		if row.BalanceMinor != row.ValueMinor {
			w.amount(t, row.Balance(), string(row.ID))
		}
	}
	for _, row := range quotaRecords {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range rows {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
		w.amount(t, row.FaceValue(), string(row.ID))
		w.amount(t, row.Balance(), string(row.ID))
	}
	for _, row := range records {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	for _, row := range uses {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
}

// begun lets a quota or coupon be in effect since yesterday: a server whose clock is behind the world's is asked for it too.
func (w *World) begun(t *testing.T, model any, id models.ID) {
	t.Helper()
	_, err := w.DB.NewUpdate().Model(model).Set("effective_at = ?", w.Now().AddDate(0, 0, -1)).Where("id = ?", id).Exec(t.Context())
	must(t, err)
}

// couponMutations are those of quotas and coupons.
func couponMutations() map[string]MoneyMutation {
	const quota = "{couponQuota{id value{amount} balance{amount} status}}"
	const alone = "each item has its refusal of its own, so that a call that comes too late succeeds; TestTheLastOfAQuotaIsIssuedOnce of sales/coupons races them"
	value := models.NewMoney(10_000_000, models.CNY)
	year := func(w *World) string { return w.Now().AddDate(1, 0, 0).Format(time.RFC3339) }
	// dealer is a partner with a quota.
	dealer := func(t *testing.T, w *World, kind models.PartnerKind) *Org {
		o := w.rich(t, kind, nil)
		o.Quota = w.Quota(t, o, value, o.Tag)
		w.begun(t, (*models.CouponQuota)(nil), o.Quota.ID)
		return o
	}
	return map[string]MoneyMutation{
		"grantCouponQuota": {
			Selection: quota, NoDebit: "its value comes from outside",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				p := w.rich(t, models.SolutionProvider, nil)
				return always(w.OperatorKey, map[string]any{"partnerId": p.Partner.ID, "type": "CASH", "value": "1.00", "expiresAt": year(w)}, "value", "1.01")
			},
		},
		"adjustCouponQuota": {
			Selection: quota, NoDebit: "it says what a quota is worth, so that a second call takes nothing more",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				p := dealer(t, w, models.SolutionProvider)
				return always(w.OperatorKey, map[string]any{"quotaId": p.Quota.ID, "value": "1.00", "reason": "test"}, "value", "1.01")
			},
		},
		"issueCouponQuotas": {
			Selection: "{couponQuota{id balance{amount}} results{resellerId couponQuota{id value{amount}} error{code}}}", NoDebit: alone,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				d := dealer(t, w, models.Distributor)
				items := []map[string]any{{"resellerId": w.rich(t, models.CloudReseller, d).Partner.ID, "value": "1.00"}}
				return always(d.Key, map[string]any{"quotaId": d.Quota.ID, "items": items}, "memo", "another")
			},
		},
		"reclaimCouponQuotas": {
			Selection: "{results{quotaId amount{amount} couponQuota{id status} error{code}}}", NoDebit: alone,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				d := dealer(t, w, models.Distributor)
				given, err := w.Coupons.IssueQuotas(t.Context(), selfOf(d), coupons.IssueCouponQuotas{
					QuotaID: d.Quota.ID, IdempotencyKey: "give", Items: []coupons.ResellerQuota{{ResellerID: w.rich(t, models.CloudReseller, d).Partner.ID, Value: decimal.New(5, 0)}},
				})
				must(t, err)
				return always(d.Key, map[string]any{"quotaIds": []models.ID{given.Results[0].CouponQuota.ID}}, "remark", "another")
			},
		},
		"issueCoupons": {
			Selection: "{couponQuota{id balance{amount}} results{customerId coupon{id faceValue{amount} status} error{code}}}", NoDebit: alone,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				p := dealer(t, w, models.SolutionProvider)
				return always(p.Key, map[string]any{"quotaId": p.Quota.ID, "customerIds": []models.ID{w.Empty(t, p, w.tag()).Customer.ID}, "faceValue": "1.00"}, "faceValue", "1.01")
			},
		},
		"reclaimCoupons": {
			Selection: "{results{couponId amount{amount} coupon{id status} error{code}}}", NoDebit: alone,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				p := dealer(t, w, models.SolutionProvider)
				coupon := w.Coupon(t, p, w.Empty(t, p, w.tag()), models.NewMoney(500, models.CNY), p.Tag+" coupon")
				w.begun(t, (*models.Coupon)(nil), coupon.ID)
				return always(p.Key, map[string]any{"couponIds": []models.ID{coupon.ID}}, "remark", "another")
			},
		},
	}
}
