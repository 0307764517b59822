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
	args := []any{string(row.ID), row.Owners, row.DueAt, row.CreatedAt, owners, string(models.OwnerCloud), kinds, total}
	checks := []string{"(SELECT SUM(revision) FROM accounts WHERE owner_id = ANY(?::text[]) AND owner_kind <> ?::text AND kind = ANY(?::text[])) = ?::bigint"}
	for _, condition := range conditions {
		checks = append(checks, "("+condition.SQL+") = ?::bigint")
		args = append(append(args, condition.Args...), condition.Equals)
	}
	sql := numbered("INSERT INTO balance_announcements (id, owners, attempts, due_at, created_at, complete) VALUES (?::text, ?::text, 0, ?::timestamptz, ?::timestamptz, " +
		strings.Join(checks, " AND ") + ")")
	there := tx.NewSelect().Model((*models.Account)(nil)).ColumnExpr("SUM(acc.revision)").
		Where("acc.owner_id IN (?)", bun.List(owners)).Where("acc.owner_kind <> ?", models.OwnerCloud).
		Where("acc.kind IN (?)", bun.List(kinds))
	text := schema.QueryAppender(tx.NewRaw("INSERT INTO balance_announcements (id, owners, attempts, due_at, created_at, complete) VALUES (?, ?, 0, ?, ?, (?) = ?)",
		row.ID, row.Owners, row.DueAt, row.CreatedAt, there, total))
	if len(conditions) > 0 {
		text = unwritable{}
	}
	script.AddPrepared(text, store.Statement{Operation: "INSERT", Table: "balance_announcements"}, sql, args...)
}

// unwritable is a statement that can only be prepared.
type unwritable struct{}

// AppendQuery refuses.
func (unwritable) AppendQuery(schema.QueryGen, []byte) ([]byte, error) {
	return nil, errors.New("ledger: conditions need prepared statements")
}

// numbered writes $1, $2, ... for the question marks.
func numbered(sql string) string {
	var b strings.Builder
	for i, part := range strings.Split(sql, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
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
