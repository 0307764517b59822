package coupons

import (
	"context"
	"maps"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// partBatch is how many coupons one step of the end of a cooperation takes back.
const partBatch = 500

// PartIn takes back what a reseller had of the distributor that it leaves, in the transaction that ends their cooperation: first what is left of
// its customers' coupons, back to the quotas that they were issued from (V06: 9), then all quotas that the distributor gave it, also those
// that are adjusted, frozen or over. What pays for orders under way stays paid. It is given the reseller as it was, whose row the caller has
// locked, so that nothing is issued meanwhile.
func (s *Service) PartIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) error {
	for {
		coupons, err := selectLiveOfPartnerForUpdate(ctx, tx, reseller.ID)
		if err != nil {
			return err
		}
		endings := make([]*ending, len(coupons))
		for i := range coupons {
			endings[i] = &ending{coupon: &coupons[i], status: models.CouponReclaimed, operation: models.CouponResellerTransfers}
		}
		if err := s.endIn(ctx, tx, who, endings, s.now()); err != nil {
			return err
		}
		if len(coupons) < partBatch {
			break
		}
	}
	return s.partQuotas(ctx, tx, who, reseller)
}

func (s *Service) partQuotas(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) error {
	given, err := selectGiven(ctx, tx, reseller.ID, reseller.ParentID)
	if err != nil || len(given) == 0 {
		return err
	}
	all := map[models.ID]bool{}
	for _, quota := range given {
		all[quota.ID], all[quota.ParentID] = true, true
	}
	quotas, err := selectQuotasForUpdate(ctx, tx, sortedKeys(all))
	if err != nil {
		return err
	}
	now, before := s.now(), maps.Clone(quotas)
	var moves []move
	var taken []*QuotaReclaim
	var empty []models.Event
	for _, one := range given {
		was := quotas[one.ID]
		back := takeBack(quotas, one.ID, now)
		quota, amount := quotas[one.ID], models.NewMoney(back.minor, one.Currency)
		if back.minor == 0 { // nothing moves, and it ends all the same
			if err := updateQuota(ctx, tx, quota); err != nil {
				return err
			}
			empty = append(empty, quotaEvent(models.EventQuotaReclaimed, was, quota, 0))
			continue
		}
		moves, taken = append(moves, back), append(taken, &QuotaReclaim{QuotaID: one.ID, CouponQuota: &quota, Amount: &amount})
	}
	if err := s.writeTaken(ctx, tx, who, before, quotas, taken, moves, string(models.CouponResellerTransfers)); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, empty...)
}

func selectLiveOfPartnerForUpdate(ctx context.Context, tx bun.IDB, partner models.ID) ([]models.Coupon, error) {
	var rows []models.Coupon
	q := tx.NewSelect().Model(&rows).Where("cpn.partner_id = ?", partner).
		Where("cpn.status IN (?)", bun.List([]models.CouponStatus{models.CouponNotActivated, models.CouponUsable})).Order("cpn.id").Limit(partBatch)
	err := store.ForUpdate(q).Scan(ctx)
	return rows, store.Translate(err)
}

// selectGiven reads the quotas that a reseller still has of its distributor, in the order of their ids.
func selectGiven(ctx context.Context, tx bun.IDB, reseller, distributor models.ID) ([]models.CouponQuota, error) {
	var rows []models.CouponQuota
	err := tx.NewSelect().Model(&rows).Where("cqt.partner_id = ?", reseller).
		Where("cqt.parent_id IN (SELECT up.id FROM coupon_quotas AS up WHERE up.partner_id = ?)", distributor).
		WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("cqt.balance_minor > 0").WhereOr("cqt.status IN (?)", bun.List([]models.CouponQuotaStatus{
				models.QuotaNormal, models.QuotaAdjusting, models.QuotaFrozen,
			}))
		}).Order("cqt.id").Scan(ctx)
	return rows, store.Translate(err)
}
