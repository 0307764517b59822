package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// insertAlert does nothing when the owner has an alert.
func insertAlert(ctx context.Context, tx bun.IDB, alert *models.BalanceAlert) error {
	_, err := tx.NewInsert().Model(alert).On("CONFLICT (owner_id) DO NOTHING").Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

func selectAlertForUpdate(ctx context.Context, tx bun.IDB, owner models.ID) (models.BalanceAlert, bool, error) {
	var rows []models.BalanceAlert
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("al.owner_id = ?", owner)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.BalanceAlert{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// updateAlert writes an alert over the version that was read, and reports whether it was still there.
func updateAlert(ctx context.Context, tx bun.IDB, alert *models.BalanceAlert, version int64) (bool, error) {
	result, err := tx.NewUpdate().Model(alert).
		Column("threshold_minor", "enabled", "state", "version", "triggered_at", "updated_at").
		WherePK().Where("version = ?", version).Exec(ctx)
	if err != nil {
		return false, store.Translate(err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func deleteAlert(ctx context.Context, tx bun.IDB, owner models.ID) error {
	_, err := tx.NewDelete().Model((*models.BalanceAlert)(nil)).Where("owner_id = ?", owner).Exec(ctx)
	return store.Translate(err)
}

func selectPartnerAlerts(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.BalanceAlert, error) {
	var rows []models.BalanceAlert
	q := db.NewSelect().Model(&rows).Join("JOIN partners AS p ON p.id = al.owner_id").Where("al.owner_id IN (?)", bun.List(ids))
	err := access.PartnersWithin(q, who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectCustomerAlerts(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.BalanceAlert, error) {
	var rows []models.BalanceAlert
	q := db.NewSelect().Model(&rows).Join("JOIN customers AS c ON c.id = al.owner_id").Where("al.owner_id IN (?)", bun.List(ids))
	err := access.CustomersWithBalance(q, who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectWatchedCustomer(ctx context.Context, tx bun.IDB, id models.ID) (models.Customer, bool, error) {
	return watchedCustomerOf(ctx, customersByID(tx, id))
}

// selectWatchedCustomerForShare keeps the association and the mode from changing until the transaction ends. Whoever holds
// an alert's row must not ask for it: the end of an association locks the customer first.
func selectWatchedCustomerForShare(ctx context.Context, tx bun.IDB, id models.ID) (models.Customer, bool, error) {
	return watchedCustomerOf(ctx, store.ForShare(customersByID(tx, id)))
}

func customersByID(tx bun.IDB, id models.ID) *bun.SelectQuery {
	return tx.NewSelect().Model((*models.Customer)(nil)).Column("c.id", "c.partner_id", "c.mode", "c.currency").Where("c.id = ?", id)
}

func watchedCustomerOf(ctx context.Context, q *bun.SelectQuery) (models.Customer, bool, error) {
	var rows []models.Customer
	if err := q.Scan(ctx, &rows); err != nil || len(rows) == 0 {
		return models.Customer{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// crossing is an alert whose owner's balance is on the other side of the threshold than its state says.
type crossing struct {
	models.BalanceAlert
	AvailableMinor int64 `bun:"available_minor"`
}

// sumAvailable is models.Account.AvailableMinor, summed over an owner's accounts as models.BalanceOf does. An owner without
// accounts has nothing.
const sumAvailable = "COALESCE(SUM(acc.balance_minor - acc.held_minor - acc.earmarked_minor - COALESCE(acc.floor_minor, 0)), 0)"

func selectCrossings(ctx context.Context, db bun.IDB, owners []models.ID, limit int64) ([]crossing, error) {
	var rows []crossing
	q := db.NewSelect().Model((*models.BalanceAlert)(nil)).ColumnExpr("al.*").ColumnExpr("CAST("+sumAvailable+" AS bigint) AS available_minor").
		Join("LEFT JOIN accounts AS acc ON acc.owner_id = al.owner_id AND acc.owner_kind = al.owner_kind AND acc.asset = al.currency AND acc.kind IN (?)",
			bun.List(moneyKinds())).
		Where("al.enabled").
		Group("al.owner_id").
		Having("(al.state = ? AND "+sumAvailable+" < al.threshold_minor) OR (al.state = ? AND "+sumAvailable+" >= al.threshold_minor)",
			models.AlertArmed, models.AlertTriggered).
		Order("al.owner_id").Limit(limit)
	if len(owners) > 0 {
		q = q.Where("al.owner_id IN (?)", bun.List(owners))
	}
	err := q.Scan(ctx, &rows)
	return rows, store.Translate(err)
}
