package coupons

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// MaxChoices bounds how many coupons one order offers: those that expire first.
const MaxChoices = 100

// Choices returns the coupons of a customer that are named, in that order and in whatever state, and the others that are usable now, those that expire
// first at the beginning and at most MaxChoices. Who may not read coupons gets none, and FORBIDDEN when some are named; INVALID as CheckCoupons says;
// NOT_FOUND for one that the caller may not see or that is another customer's.
func (s *Service) Choices(ctx context.Context, who models.Principal, customer models.ID, named []models.ID) (chosen, others []models.Coupon, err error) {
	if err := CheckCoupons(named); err != nil {
		return nil, nil, err
	}
	if err := access.Require(who, models.ReadCoupons); err != nil {
		if len(named) == 0 {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	found, err := selectVisibleCoupons(ctx, s.DB, who, named)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range named {
		coupon, seen := found[id]
		if !seen || coupon.CustomerID != customer {
			return nil, nil, errNotNamed
		}
		chosen = append(chosen, coupon)
	}
	now := s.now()
	q := access.Coupons(s.DB.NewSelect().Model(&others), who).Where("cpn.customer_id = ?", customer).Where("cpn.balance_minor > 0").
		Where("cpn.status IN (?)", bun.List([]models.CouponStatus{models.CouponNotActivated, models.CouponUsable})).
		Where("cpn.effective_at <= ?", now).Where("cpn.expires_at > ?", now).Order("cpn.expires_at", "cpn.id").Limit(MaxChoices)
	if len(named) > 0 {
		q = q.Where("cpn.id NOT IN (?)", bun.List(named))
	}
	return chosen, others, store.Translate(q.Scan(ctx))
}
