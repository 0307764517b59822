package coupons

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// afterReturn says whether a coupon cannot keep what came back, and what becomes of it.
func afterReturn(coupon models.Coupon, customer models.Customer, now time.Time) (models.CouponStatus, bool) {
	switch {
	case coupon.Status == models.CouponExpired || coupon.Status == models.CouponReclaimed:
		return coupon.Status, true
	case customer.PartnerID != coupon.PartnerID || customer.Mode != models.Resale:
		return models.CouponReclaimed, true
	case !now.Before(coupon.ExpiresAt):
		return models.CouponExpired, true
	}
	return "", false
}

// LeaveIn takes back what a customer has of the partner that it leaves, in the transaction that ends the association (C14). It is given the customer
// as it was.
func (s *Service) LeaveIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	return s.RecallIn(ctx, tx, who, customer, models.CouponUnbound)
}

// TurnIn takes back what a customer has of its partner when its mode changes, in the transaction that does so (C14): coupons are for resale
// customers (V04).
func (s *Service) TurnIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	return s.RecallIn(ctx, tx, who, customer, models.CouponModeSwitched)
}

// RecallIn takes all that is left of the coupons that a customer has of a partner, customer.PartnerID, back to their quotas, for the reason that
// the operation names. What pays for orders under way stays paid; what comes back of it later goes on to the quota.
func (s *Service) RecallIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, operation models.CouponOperation) error {
	coupons, err := selectLiveCouponsForUpdate(ctx, tx, customer.PartnerID, customer.ID)
	if err != nil {
		return err
	}
	endings := make([]*ending, len(coupons))
	for i := range coupons {
		endings[i] = &ending{coupon: &coupons[i], status: models.CouponReclaimed, operation: operation}
	}
	return s.endIn(ctx, tx, who, endings, s.now())
}

// ExpireCoupon makes a coupon usable when its validity begins, and ends it when that is over: what is left goes back to its quota. It is for
// the job of those moments: a coupon that has ended, or never existed, is left alone, and one whose time lies ahead is models.NotDue.
func (s *Service) ExpireCoupon(ctx context.Context, id models.ID) error {
	who := models.SystemPrincipal("coupon-expiry")
	var next time.Time
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		next = time.Time{} // of an attempt that collided
		found, err := selectCouponsForUpdate(ctx, tx, who, []models.ID{id})
		if err != nil {
			return err
		}
		coupon, there := found[id]
		if !there {
			return nil
		}
		now := s.now()
		switch coupon.StatusAt(now) {
		case models.CouponExpired:
			if coupon.Status == models.CouponExpired {
				return nil
			}
			return s.endIn(ctx, tx, who, []*ending{{coupon: &coupon, status: models.CouponExpired, operation: models.CouponExpiry}}, now)
		case models.CouponNotActivated:
			next = coupon.EffectiveAt
			return nil
		case models.CouponUsable:
			next = coupon.ExpiresAt
			return s.activateIn(ctx, tx, who, coupon, now)
		case models.CouponUsed: // a refund may make it usable again
			if next = coupon.ExpiresAt; !now.Before(next) {
				next = time.Time{}
			}
		case models.CouponReclaimed:
		}
		return nil
	})
	if err == nil && !next.IsZero() {
		return models.NotDue{Until: next}
	}
	return err
}

func (s *Service) activateIn(ctx context.Context, tx bun.IDB, who models.Principal, coupon models.Coupon, now time.Time) error {
	if coupon.Status == models.CouponUsable {
		return nil
	}
	before := coupon.Status
	coupon.Status, coupon.UpdatedAt = models.CouponUsable, now
	if err := updateCoupon(ctx, tx, coupon); err != nil {
		return err
	}
	event := couponEvent(models.EventCouponActivated, coupon, map[string]any{})
	event.Fields, event.Changes = []string{"status"}, []models.FieldChange{models.Changed("status", before, coupon.Status)}
	return s.Events.Record(ctx, tx, who, event)
}

// ExpireQuota ends a quota when its period is over. What is left of it stays there and can be issued no more; a distributor takes its
// reseller's back. It is for the job of that moment, as ExpireCoupon.
func (s *Service) ExpireQuota(ctx context.Context, id models.ID) error {
	who := models.SystemPrincipal("quota-expiry")
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		found, err := selectQuotasForUpdate(ctx, tx, []models.ID{id})
		if err != nil {
			return err
		}
		quota, there := found[id]
		if !there || !quota.Status.CanBecome(models.QuotaInvalid) {
			return nil
		}
		if now := s.now(); now.Before(quota.ExpiresAt) {
			return models.NotDue{Until: quota.ExpiresAt}
		}
		before := quota
		quota.Status, quota.UpdatedAt = models.QuotaInvalid, s.now()
		if err := updateQuota(ctx, tx, quota); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, quotaEvent(models.EventQuotaExpired, before, quota, quota.BalanceMinor))
	})
}
