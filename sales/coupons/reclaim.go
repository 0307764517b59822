package coupons

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// ReclaimCoupons says which coupons to take back (V05).
type ReclaimCoupons struct {
	CouponIDs      []models.ID // 1 to 100 of the partner's, each once
	Remark         *string     // at most 256 characters; no personal data
	IdempotencyKey string      // 1 to 128 printable ASCII characters, made up once per call
	// ActingForPartnerID is the caller's reseller that issued them (M07); nil = the caller itself.
	ActingForPartnerID *models.ID
}

// CouponReclaim is what became of one coupon: it as it is then and what came back, or why nothing did.
type CouponReclaim struct {
	CouponID models.ID
	Coupon   *models.Coupon
	Amount   *models.Money
	Error    *models.Error
}

// ReclaimedCoupons are the outcomes in the order asked. A repeated key returns the figures of then.
type ReclaimedCoupons struct{ Results []CouponReclaim }

// Reclaim takes all that is left of coupons back to their quotas, exactly once; each succeeds or fails alone, and both are on record. Partners only, a
// distributor also for its reseller. NOT_FOUND for coupons that the partner did not issue, and for the whole call when it issued none of them; reasons of PRECONDITION_FAILED are those of
// models.Coupon.CheckUsable: only a usable coupon that no order under way uses is taken back (V05, V10).
func (s *Service) Reclaim(ctx context.Context, who models.Principal, cmd ReclaimCoupons) (ReclaimedCoupons, error) {
	if err := mayIssue(who); err != nil {
		return ReclaimedCoupons{}, err
	}
	if err := checkBatch(cmd.CouponIDs, models.PrefixCoupon, "couponIds", models.MaxCouponBatch); err != nil {
		return ReclaimedCoupons{}, err
	}
	remark, err := checkRemark(cmd.Remark, "remark")
	if err != nil {
		return ReclaimedCoupons{}, err
	}
	asked := struct {
		CouponIDs []models.ID
		Remark    string
		ActingFor *models.ID
	}{cmd.CouponIDs, remark, cmd.ActingForPartnerID}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "reclaimCoupons", asked, func(ctx context.Context, tx bun.IDB) (ReclaimedCoupons, error) {
		return s.reclaimIn(ctx, tx, who, cmd, remark)
	})
}

func (s *Service) reclaimIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd ReclaimCoupons, remark string) (ReclaimedCoupons, error) {
	partner, err := s.issuer(ctx, tx, who, cmd.ActingForPartnerID)
	if err != nil {
		return ReclaimedCoupons{}, err
	}
	coupons, err := selectCouponsForUpdate(ctx, tx, who, cmd.CouponIDs)
	if err != nil {
		return ReclaimedCoupons{}, err
	}
	if !slices.ContainsFunc(cmd.CouponIDs, func(id models.ID) bool { return coupons[id].PartnerID == partner.ID }) {
		return ReclaimedCoupons{}, ErrCouponUnknown
	}
	now := s.now()
	done := ReclaimedCoupons{Results: make([]CouponReclaim, len(cmd.CouponIDs))}
	endings := make([]*ending, len(cmd.CouponIDs))
	var taken []*ending
	var failed []models.CouponRecord
	for i, id := range cmd.CouponIDs {
		result := &done.Results[i]
		result.CouponID = id
		coupon, seen := coupons[id]
		if !seen || coupon.PartnerID != partner.ID {
			result.Error = ErrCouponUnknown
			continue
		}
		if result.Error = models.AsError(coupon.CheckUsable("", now)); result.Error != nil {
			record := s.record(coupon, models.CouponReclaimedByHand, 0, now)
			record.Result, record.Failure, record.Remark = models.CouponFailed, failureOf(result.Error), remark
			failed = append(failed, record)
			continue
		}
		endings[i] = &ending{coupon: &coupon, status: models.CouponReclaimed, operation: models.CouponReclaimedByHand, remark: remark}
		taken = append(taken, endings[i])
	}
	if err := insertCouponRecords(ctx, tx, failed); err != nil {
		return ReclaimedCoupons{}, err
	}
	if err := s.endIn(ctx, tx, who, taken, now); err != nil {
		return ReclaimedCoupons{}, err
	}
	for i, e := range endings {
		if e == nil {
			continue
		}
		amount := models.NewMoney(e.minor, e.coupon.Currency)
		done.Results[i].Coupon, done.Results[i].Amount = e.coupon, &amount
	}
	return done, nil
}
