package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func selectPayingPartner(ctx context.Context, db bun.IDB, id models.ID, lock bool) (models.Partner, bool, error) {
	var rows []models.Partner
	q := db.NewSelect().Model(&rows).Column("p.id", "p.name", "p.cloud", "p.kind", "p.signing_entity", "p.currency").Where("p.id = ?", id)
	if lock {
		q = store.ForShare(q)
	}
	if err := q.Scan(ctx); err != nil || len(rows) == 0 {
		return models.Partner{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func selectPayingCustomer(ctx context.Context, db bun.IDB, id models.ID, lock bool) (models.Customer, bool, error) {
	var rows []models.Customer
	q := db.NewSelect().Model(&rows).Column("c.id", "c.cloud", "c.partner_id", "c.mode", "c.frozen", "c.currency").Where("c.id = ?", id)
	if lock {
		q = store.ForShare(q)
	}
	if err := q.Scan(ctx); err != nil || len(rows) == 0 {
		return models.Customer{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func insertRecharge(ctx context.Context, tx bun.IDB, recharge *models.Recharge) error {
	_, err := tx.NewInsert().Model(recharge).Exec(ctx)
	return store.Translate(err)
}

// updateRecharge writes what changes when a recharge ends, one way or the other.
func updateRecharge(ctx context.Context, tx bun.IDB, recharge *models.Recharge) error {
	_, err := tx.NewUpdate().Model(recharge).
		Column("state", "received_minor", "provider_reference", "reason", "transfer_id", "confirmed_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// updateRechargeBegun keeps a provider's answer unless there is one.
func updateRechargeBegun(ctx context.Context, db bun.IDB, recharge *models.Recharge) error {
	_, err := db.NewUpdate().Model(recharge).Column("pay_url", "instructions").WherePK().
		Where("pay_url IS NULL AND instructions IS NULL").Exec(ctx)
	return store.Translate(err)
}

// selectRecharge reads a recharge that the caller has made itself.
func selectRecharge(ctx context.Context, db bun.IDB, id models.ID) (models.Recharge, error) {
	var recharge models.Recharge
	err := db.NewSelect().Model(&recharge).Where("rc.id = ?", id).Scan(ctx)
	return recharge, store.Translate(err)
}

func selectRecharges(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Recharge, error) {
	var rows []models.Recharge
	err := visibleRecharges(db, who).Where("rc.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func selectRechargeForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Recharge, bool, error) {
	var rows []models.Recharge
	err := store.ForUpdate(visibleRecharges(tx, who).Where("rc.id = ?", id)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return models.Recharge{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// selectReferredForUpdate finds the recharge that one provider's notification is about.
func selectReferredForUpdate(ctx context.Context, tx bun.IDB, provider, reference string) (models.Recharge, bool, error) {
	var rows []models.Recharge
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("rc.reference = ? AND rc.provider = ?", reference, provider)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Recharge{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func selectDueRechargesForUpdate(ctx context.Context, tx bun.IDB, now time.Time, limit int64) ([]models.Recharge, error) {
	var rows []models.Recharge
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("rc.state = ? AND rc.expires_at <= ?", models.RechargePending, now).
		Order("rc.expires_at", "rc.id").Limit(limit)).Scan(ctx)
	return rows, store.Translate(err)
}

// visibleRecharges starts a query of the recharges that a principal may see.
func visibleRecharges(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.Recharges(db.NewSelect().Model((*models.Recharge)(nil)), who)
}

func (f RechargeFilter) apply(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	if f.PartnerID != nil {
		q = q.Where("rc.partner_id = ?", *f.PartnerID)
	}
	if f.CustomerID != nil {
		q = q.Where("rc.customer_id = ?", *f.CustomerID)
	}
	if f.States == nil {
		return q
	}
	// The state as it is judged now, not as the sweep last left it.
	const judged = "CASE WHEN rc.state = ? AND rc.expires_at <= ? THEN ? ELSE rc.state END"
	return q.Where(judged+" IN (?)", models.RechargePending, now, models.RechargeExpired, bun.List(f.States))
}

// selectChannels returns the online channels of recharges; a bank transfer has none.
func selectChannels(ctx context.Context, db bun.IDB, ids []models.ID) (map[models.ID]models.RechargeChannel, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []models.Recharge
	err := db.NewSelect().Model(&rows).Column("id", "channel").Where("rc.id IN (?)", bun.List(ids)).Scan(ctx)
	channels := make(map[models.ID]models.RechargeChannel, len(rows))
	for _, row := range rows {
		channels[row.ID] = row.Channel
	}
	return channels, store.Translate(err)
}
