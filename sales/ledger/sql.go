package ledger

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

func selectAccountOf(ctx context.Context, db bun.IDB, spec AccountSpec) ([]models.Account, error) {
	var rows []models.Account
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).
		Where("acc.owner_id = ? AND acc.owner_kind = ?", spec.OwnerID, spec.OwnerKind).
		Where("acc.kind = ? AND acc.asset = ?", spec.Kind, spec.Asset), &rows)
	return rows, err
}

func insertAccounts(ctx context.Context, db bun.IDB, accounts []models.Account) error {
	_, err := db.NewInsert().Model(&accounts).On("CONFLICT (owner_id, owner_kind, kind, asset) DO NOTHING").Returning("NULL").Exec(ctx)
	return err
}

// selectAccountsForUpdate locks the accounts and the other accounts of the partners and customers among their owners.
func selectAccountsForUpdate(ctx context.Context, db bun.IDB, ids []models.ID) ([]models.Account, error) {
	var rows []models.Account
	owners := db.NewSelect().Model((*models.Account)(nil)).ModelTableExpr("accounts AS named").
		ColumnExpr("named.owner_id").Where("named.id ?", store.In(ids))
	// PostgreSQL locks rows in the order in which they leave the sort.
	err := store.Read(ctx, db, store.ForUpdate(db.NewSelect().Model(&rows).Where("acc.owner_id IN (?)", owners).
		Where("acc.id ? OR acc.owner_kind IN (?, ?)", store.In(ids), models.OwnerPartner, models.OwnerCustomer).
		Order("acc.id")), &rows)
	return rows, err
}

func selectAccountsOf(ctx context.Context, db bun.IDB, owners []string, kinds []models.AccountKind) ([]models.Account, error) {
	var rows []models.Account
	q := db.NewSelect().Model(&rows).Where("acc.owner_id ?", store.In(owners)).Order("acc.owner_id", "acc.id")
	if len(kinds) > 0 {
		q = q.Where("acc.kind ?", store.In(kinds))
	}
	err := store.Read(ctx, db, q, &rows)
	return rows, err
}

func selectTransfer(ctx context.Context, db bun.IDB, id models.ID, lock bool) ([]models.Transfer, error) {
	var rows []models.Transfer
	q := db.NewSelect().Model(&rows).Where("t.id = ?", id)
	if lock {
		q = store.ForUpdate(q)
	}
	err := store.Read(ctx, db, q, &rows)
	return rows, err
}

func existsReversal(ctx context.Context, db bun.IDB, id models.ID) (bool, error) {
	return db.NewSelect().Model((*models.Transfer)(nil)).Where("t.reverses_id = ?", id).Exists(ctx)
}

func selectEntries(ctx context.Context, db bun.IDB, transfer models.ID) ([]models.Entry, error) {
	var rows []models.Entry
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("e.transfer_id = ?", transfer).Order("e.account_id"), &rows)
	return rows, err
}

func insertHold(ctx context.Context, db bun.IDB, hold *models.Hold) error {
	_, err := db.NewInsert().Model(hold).Exec(ctx)
	return err
}

// selectHoldAccount returns the account of a hold, which never changes, or "" when there is no such hold.
func selectHoldAccount(ctx context.Context, db bun.IDB, id models.ID) (models.ID, error) {
	var accounts []models.ID
	err := db.NewSelect().Model((*models.Hold)(nil)).Column("account_id").Where("h.id = ?", id).Scan(ctx, &accounts)
	if err != nil || len(accounts) == 0 {
		return "", err
	}
	return accounts[0], nil
}

func selectPendingHoldsForUpdate(ctx context.Context, db bun.IDB, ids []models.ID) ([]models.Hold, error) {
	var rows []models.Hold
	q := db.NewSelect().Model(&rows).Where("h.id IN (?)", bun.List(ids)).Where("h.state = ?", models.HoldPending).Order("h.id")
	err := store.ForUpdate(q).Scan(ctx)
	return rows, err
}

func selectDueHolds(ctx context.Context, db bun.IDB, now time.Time, limit int) ([]models.Hold, error) {
	var rows []models.Hold
	err := db.NewSelect().Model(&rows).Where("h.state = ? AND h.expires_at <= ?", models.HoldPending, now).
		Order("h.expires_at", "h.id").Limit(int64(limit)).Scan(ctx)
	return rows, err
}

func updateHolds(ctx context.Context, db bun.IDB, ids []models.ID, state models.HoldState, transfer models.ID, now time.Time) error {
	q := db.NewUpdate().Model((*models.Hold)(nil)).Set("state = ?, updated_at = ?", state, now).Where("id IN (?)", bun.List(ids))
	if transfer != "" {
		q = q.Set("transfer_id = ?", transfer)
	}
	_, err := q.Exec(ctx)
	return err
}

// insertKey reports whether the key is new. On PostgreSQL it waits while another open transaction holds the key.
func insertKey(ctx context.Context, db bun.IDB, row *models.IdempotencyKey) (bool, error) {
	result, err := db.NewInsert().Model(row).On("CONFLICT (scope, key) DO NOTHING").Returning("NULL").Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func updateKeyAnswer(ctx context.Context, db bun.IDB, row *models.IdempotencyKey) error {
	_, err := db.NewUpdate().Model(row).Column("answer").WherePK().Exec(ctx)
	return err
}

func selectKey(ctx context.Context, db bun.IDB, scope, key string) (models.IdempotencyKey, error) {
	var row models.IdempotencyKey
	err := db.NewSelect().Model(&row).Where("ik.scope = ? AND ik.key = ?", scope, key).Scan(ctx)
	return row, err
}

func selectKeys(ctx context.Context, db bun.IDB, asked []models.IdempotencyKey) ([]models.IdempotencyKey, error) {
	var rows []models.IdempotencyKey
	pairs := make([]any, 0, 2*len(asked))
	for _, key := range asked {
		pairs = append(pairs, key.Scope, key.Key)
	}
	// A list of rows is VALUES on both engines.
	err := db.NewSelect().Model(&rows).
		Where("(ik.scope, ik.key) IN (VALUES (?, ?)"+strings.Repeat(", (?, ?)", len(asked)-1)+")", pairs...).Scan(ctx)
	return rows, err
}
