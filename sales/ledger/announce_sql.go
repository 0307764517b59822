package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// addAnnouncement adds the row to a script, and fails, for another attempt, when the revisions that it names are not all there are:
// an account that was opened while this transaction waited for its locks is not among the locked ones.
func addAnnouncement(script *store.Script, tx bun.IDB, row models.BalanceAnnouncement) {
	owners, total := make([]string, len(row.Owners)), int64(0)
	for i, change := range row.Owners {
		owners[i] = change.ID
		total += change.Revision
	}
	kinds := make([]string, 0, len(models.MoneyKinds()))
	for _, kind := range models.MoneyKinds() {
		kinds = append(kinds, string(kind))
	}
	there := tx.NewSelect().Model((*models.Account)(nil)).ColumnExpr("SUM(acc.revision)").
		Where("acc.owner_id IN (?)", bun.List(owners)).Where("acc.owner_kind <> ?", models.OwnerCloud).
		Where("acc.kind IN (?)", bun.List(kinds))
	script.AddPrepared(
		tx.NewRaw("INSERT INTO balance_announcements (id, owners, attempts, due_at, created_at, complete) VALUES (?, ?, 0, ?, ?, (?) = ?)",
			row.ID, row.Owners, row.DueAt, row.CreatedAt, there, total),
		store.Statement{Operation: "INSERT", Table: "balance_announcements"},
		`INSERT INTO balance_announcements (id, owners, attempts, due_at, created_at, complete) VALUES ($1::text, $2::text, 0, $3::timestamptz, $4::timestamptz,
			(SELECT SUM(revision) FROM accounts WHERE owner_id = ANY($5::text[]) AND owner_kind <> $6::text AND kind = ANY($7::text[])) = $8::bigint)`,
		string(row.ID), row.Owners, row.DueAt, row.CreatedAt, owners, string(models.OwnerCloud), kinds, total)
}

func existsDueAnnouncement(ctx context.Context, db bun.IDB, now time.Time) (bool, error) {
	return db.NewSelect().Model((*models.BalanceAnnouncement)(nil)).Where("ba.due_at <= ?", now).Exists(ctx)
}

// claimAnnouncements leases due rows until the given time. On PostgreSQL rows that another replica is claiming now are
// passed over.
func claimAnnouncements(ctx context.Context, tx bun.Tx, now, until time.Time, limit int) ([]models.BalanceAnnouncement, error) {
	due := tx.NewSelect().Model((*models.BalanceAnnouncement)(nil)).Column("ba.id").
		Where("ba.due_at <= ?", now).Order("ba.due_at", "ba.id").Limit(int64(limit))
	if store.EngineOf(tx) == store.Postgres {
		due = due.For("UPDATE SKIP LOCKED")
	}
	var rows []models.BalanceAnnouncement
	_, err := tx.NewUpdate().Model(&rows).Set("due_at = ?", until).Set("attempts = attempts + 1").
		Where("id IN (?)", due).Returning("id, owners, attempts, due_at, created_at").Exec(ctx)
	return rows, err
}

func updateAnnouncementsDue(ctx context.Context, tx bun.Tx, ids []models.ID, due time.Time) error {
	_, err := tx.NewUpdate().Model((*models.BalanceAnnouncement)(nil)).Set("due_at = ?", due).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return err
}

func deleteAnnouncements(ctx context.Context, tx bun.Tx, ids []models.ID) error {
	_, err := tx.NewDelete().Model((*models.BalanceAnnouncement)(nil)).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return err
}
