package ledger

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Condition is a query of PostgreSQL for one number, which has to be what it was when a batch is written. Its arguments, for which ? stands, are those of
// store.Script.AddPrepared.
type Condition struct {
	SQL    string
	Args   []any
	Equals int64
}

// addAnnouncement adds the row to a script, and fails, for another attempt, when the revisions of the accounts do not add up to the total that they had when
// they were read: somebody has changed one since, or opened one, which is then not among the locked ones. Revisions only grow.
func addAnnouncement(script *store.Script, tx bun.IDB, row models.BalanceAnnouncement, total int64, conditions []Condition) {
	owners := make([]string, len(row.Owners))
	for i, change := range row.Owners {
		owners[i] = change.ID
	}
	kinds := make([]string, 0, len(models.MoneyKinds()))
	for _, kind := range models.MoneyKinds() {
		kinds = append(kinds, string(kind))
	}
	sql := `INSERT INTO balance_announcements (id, owners, attempts, due_at, created_at, complete) VALUES ($1::text, $2::text, 0, $3::timestamptz, $4::timestamptz,
			(SELECT SUM(revision) FROM accounts WHERE owner_id = ANY($5::text[]) AND owner_kind <> $6::text AND kind = ANY($7::text[])) = $8::bigint`
	args := []any{string(row.ID), row.Owners, row.DueAt, row.CreatedAt, owners, string(models.OwnerCloud), kinds, total}
	for _, condition := range conditions {
		sql += " AND (" + numbered(condition.SQL+") = ?::bigint", len(args))
		args = append(append(args, condition.Args...), condition.Equals)
	}
	there := tx.NewSelect().Model((*models.Account)(nil)).ColumnExpr("SUM(acc.revision)").
		Where("acc.owner_id IN (?)", bun.List(owners)).Where("acc.owner_kind <> ?", models.OwnerCloud).
		Where("acc.kind IN (?)", bun.List(kinds))
	text := schema.QueryAppender(tx.NewRaw("INSERT INTO balance_announcements (id, owners, attempts, due_at, created_at, complete) VALUES (?, ?, 0, ?, ?, (?) = ?)",
		row.ID, row.Owners, row.DueAt, row.CreatedAt, there, total))
	if len(conditions) > 0 {
		text = unwritable{}
	}
	script.AddPrepared(text, store.Statement{Operation: "INSERT", Table: "balance_announcements"}, sql+")", args...)
}

// unwritable is a statement that can only be prepared.
type unwritable struct{}

// AppendQuery refuses.
func (unwritable) AppendQuery(schema.QueryGen, []byte) ([]byte, error) {
	return nil, errors.New("ledger: conditions need prepared statements")
}

// numbered writes $n for the question marks, counting on from those there are.
func numbered(sql string, n int) string {
	parts := strings.Split(sql, "?")
	text := parts[0]
	for i, part := range parts[1:] {
		text += "$" + strconv.Itoa(n+i+1) + part
	}
	return text
}

// addLockOnly locks accounts in the order of their ids and returns none.
func addLockOnly(script *store.Script, tx bun.IDB, ids []string) {
	const sql = "SELECT count(*) FROM (SELECT id FROM accounts WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE) AS locked"
	script.AddPrepared(tx.NewRaw("SELECT count(*) FROM (?) AS locked", store.ForUpdate(tx.NewSelect().Model((*models.Account)(nil)).Column("acc.id").
		Where("acc.id IN (?)", bun.List(ids)).Order("acc.id"))), store.Statement{Operation: "SELECT", Table: "accounts"}, sql, ids)
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
