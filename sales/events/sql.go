package events

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

func existsDue(ctx context.Context, db bun.IDB, consumer string, now time.Time) (bool, error) {
	return db.NewSelect().Model((*models.OutboxRow)(nil)).Where("ob.consumer = ? AND ob.due_at <= ?", consumer, now).Exists(ctx)
}

// claimDue leases rows until the given time. On PostgreSQL rows that another replica is claiming now are passed over.
func claimDue(ctx context.Context, tx bun.Tx, consumer string, now, until time.Time, limit int) ([]models.OutboxRow, error) {
	var rows []models.OutboxRow
	due := tx.NewSelect().Model(&rows).
		Where("ob.consumer = ? AND ob.due_at <= ?", consumer, now).
		Order("ob.due_at", "ob.event_id").Limit(int64(limit))
	if store.EngineOf(tx) == store.Postgres {
		due = due.For("UPDATE SKIP LOCKED")
	}
	if err := due.Scan(ctx); err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]models.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].EventID
		rows[i].DueAt = until
		rows[i].Attempts++
	}
	_, err := tx.NewUpdate().Model((*models.OutboxRow)(nil)).
		Set("due_at = ?", until).Set("attempts = attempts + 1").
		Where("consumer = ? AND event_id IN (?)", consumer, bun.List(ids)).Exec(ctx)
	return rows, err
}

func selectEvents(ctx context.Context, db bun.IDB, rows []models.OutboxRow) (map[models.ID]models.Event, error) {
	ids := make([]models.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.EventID
	}
	var found []models.Event
	if err := db.NewSelect().Model(&found).Where("ev.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.Event, len(found))
	for _, event := range found {
		byID[event.ID] = event
	}
	return byID, nil
}

// deleteDelivered and updatePostponed act on the very lease that the row was read with: the number of attempts tells
// whether somebody has claimed it since.

func deleteDelivered(ctx context.Context, db *store.DB, row models.OutboxRow) error {
	return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*models.OutboxRow)(nil)).
			Where("event_id = ? AND consumer = ? AND attempts = ?", row.EventID, row.Consumer, row.Attempts).Exec(ctx)
		return err
	})
}

func updatePostponed(ctx context.Context, db *store.DB, row models.OutboxRow) error {
	return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model(&row).Column("due_at", "last_error").
			Where("event_id = ? AND consumer = ? AND attempts = ?", row.EventID, row.Consumer, row.Attempts).Exec(ctx)
		return err
	})
}
