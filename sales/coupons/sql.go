package coupons

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertQuotas(ctx context.Context, tx bun.IDB, quotas []models.CouponQuota) error {
	if len(quotas) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&quotas).Exec(ctx)
	return store.Translate(err)
}

// updateQuota writes what changes in a quota's life.
func updateQuota(ctx context.Context, tx bun.IDB, quota models.CouponQuota) error {
	_, err := tx.NewUpdate().Model(&quota).Column("value_minor", "balance_minor", "status", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func insertQuotaRecords(ctx context.Context, tx bun.IDB, records []models.CouponQuotaRecord) error {
	if len(records) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&records).Exec(ctx)
	return store.Translate(err)
}

// selectQuotasForUpdate locks quotas in the order of their ids, whoever's they are.
func selectQuotasForUpdate(ctx context.Context, tx bun.IDB, ids []models.ID) (map[models.ID]models.CouponQuota, error) {
	var rows []models.CouponQuota
	if len(ids) == 0 {
		return nil, nil
	}
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("cqt.id IN (?)", bun.List(ids)).Order("cqt.id")).Scan(ctx)
	return byQuotaID(rows), store.Translate(err)
}

// selectVisibleQuotas reads those of the quotas that the caller may see.
func selectVisibleQuotas(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) (map[models.ID]models.CouponQuota, error) {
	var rows []models.CouponQuota
	if len(ids) == 0 {
		return nil, nil
	}
	err := access.CouponQuotas(db.NewSelect().Model(&rows).Where("cqt.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return byQuotaID(rows), store.Translate(err)
}

func byQuotaID(rows []models.CouponQuota) map[models.ID]models.CouponQuota {
	byID := make(map[models.ID]models.CouponQuota, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID
}

func insertCoupons(ctx context.Context, tx bun.IDB, coupons []models.Coupon) error {
	if len(coupons) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&coupons).Exec(ctx)
	return store.Translate(err)
}

// updateCoupon writes what changes in a coupon's life.
func updateCoupon(ctx context.Context, tx bun.IDB, coupon models.Coupon) error {
	_, err := tx.NewUpdate().Model(&coupon).Column("balance_minor", "returned_minor", "status", "locked_by", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func insertCouponRecords(ctx context.Context, tx bun.IDB, records []models.CouponRecord) error {
	if len(records) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&records).Exec(ctx)
	return store.Translate(err)
}

// selectCouponsForUpdate locks those of the coupons that the caller may see, in the order of their ids.
func selectCouponsForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, ids []models.ID) (map[models.ID]models.Coupon, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []models.Coupon
	q := tx.NewSelect().Model(&rows).Where("cpn.id IN (?)", bun.List(ids)).Order("cpn.id")
	err := store.ForUpdate(access.Coupons(q, who)).Scan(ctx)
	return byCouponID(rows), store.Translate(err)
}

func selectVisibleCoupons(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) (map[models.ID]models.Coupon, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []models.Coupon
	err := access.Coupons(db.NewSelect().Model(&rows).Where("cpn.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return byCouponID(rows), store.Translate(err)
}

func byCouponID(rows []models.Coupon) map[models.ID]models.Coupon {
	byID := make(map[models.ID]models.Coupon, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID
}

// selectLiveCouponsForUpdate locks what a partner's customer may still use, in the order of the ids.
func selectLiveCouponsForUpdate(ctx context.Context, tx bun.IDB, partner, customer models.ID) ([]models.Coupon, error) {
	var rows []models.Coupon
	q := tx.NewSelect().Model(&rows).Where("cpn.customer_id = ?", customer).Where("cpn.partner_id = ?", partner).
		Where("cpn.status IN (?)", bun.List([]models.CouponStatus{models.CouponNotActivated, models.CouponUsable})).Order("cpn.id")
	err := store.ForUpdate(q).Scan(ctx)
	return rows, store.Translate(err)
}

// updateUnlocked sets the coupons free that an order uses.
func updateUnlocked(ctx context.Context, tx bun.IDB, order models.ID) error {
	var rows []models.Coupon
	if err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("cpn.locked_by = ?", order).Order("cpn.id")).Scan(ctx); err != nil {
		return store.Translate(err)
	}
	_, err := tx.NewUpdate().Model((*models.Coupon)(nil)).Set("locked_by = NULL").Where("locked_by = ?", order).Exec(ctx)
	return store.Translate(err)
}

func insertUses(ctx context.Context, tx bun.IDB, uses []models.CouponUse) error {
	if len(uses) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&uses).Exec(ctx)
	return store.Translate(err)
}

func selectUsesOfOrder(ctx context.Context, tx bun.IDB, order models.ID) ([]models.CouponUse, error) {
	var rows []models.CouponUse
	err := tx.NewSelect().Model(&rows).Where("cpu.order_id = ?", order).Order("cpu.id").Scan(ctx)
	return rows, store.Translate(err)
}

func updateUse(ctx context.Context, tx bun.IDB, use models.CouponUse) error {
	_, err := tx.NewUpdate().Model(&use).Column("returned_minor", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// selectPartnerForShare reads a partner that the caller acts for: itself or its reseller, and keeps it as it is until the transaction ends.
func selectPartnerForShare(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Partner, bool, error) {
	var partner models.Partner
	found, err := store.Found(store.ForShare(access.PartnersWithin(tx.NewSelect().Model(&partner).Where("p.id = ?", id), who)).Scan(ctx))
	return partner, found, err
}

// selectCustomersForShare reads customers that the caller may see, and keeps their associations as they are until the transaction ends.
func selectCustomersForShare(ctx context.Context, tx bun.IDB, who models.Principal, ids []models.ID) (map[models.ID]models.Customer, error) {
	var rows []models.Customer
	q := tx.NewSelect().Model(&rows).Column("c.id", "c.cloud", "c.partner_id", "c.mode", "c.frozen", "c.currency").
		Where("c.id IN (?)", bun.List(ids)).Order("c.id")
	err := store.ForShare(access.Customers(q, who)).Scan(ctx)
	byID := make(map[models.ID]models.Customer, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, store.Translate(err)
}

func selectWhitelist(ctx context.Context, db bun.IDB, partner models.ID, lock bool) (models.CouponWhitelist, bool, error) {
	var row models.CouponWhitelist
	q := db.NewSelect().Model(&row).Where("cwl.partner_id = ?", partner)
	if lock {
		q = store.ForUpdate(q)
	}
	found, err := store.Found(q.Scan(ctx))
	return row, found, err
}

func upsertWhitelist(ctx context.Context, tx bun.IDB, row models.CouponWhitelist) error {
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (partner_id) DO UPDATE").
		Set("enabled = EXCLUDED.enabled, customer_ids = EXCLUDED.customer_ids, updated_at = EXCLUDED.updated_at").Exec(ctx)
	return store.Translate(err)
}

func selectWhitelists(ctx context.Context, db bun.IDB, who models.Principal, partners []models.ID) ([]models.CouponWhitelist, error) {
	var rows []models.CouponWhitelist
	err := access.CouponWhitelists(db.NewSelect().Model(&rows).Where("cwl.partner_id IN (?)", bun.List(partners)), who).Scan(ctx)
	return rows, store.Translate(err)
}
