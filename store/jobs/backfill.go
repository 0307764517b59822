package jobs

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Missing finds what may need a job of a kind and was there before the jobs were: of at most limit objects with ids above after, in the order
// of their ids, when each is due. last is the highest id that it looked at, "" when there is nothing left to look at.
type Missing func(ctx context.Context, tx bun.IDB, after models.ID, limit int) (due []models.Due, last models.ID, err error)

// progress is how far the backfill of a kind has come.
type progress struct {
	bun.BaseModel `bun:"table:job_backfills,alias:jbf"`

	Kind    models.JobKind `bun:"kind,pk"`
	AfterID models.ID      `bun:"after_id"`
	DoneAt  *time.Time     `bun:"done_at"` // nil = not yet
}

// Backfill schedules a kind for what was there before the jobs were, batch by batch, each in a transaction of its own. What is done is never
// looked at again; after an error or a restart it goes on where it was. An object that has a job already keeps one, at the time that is found.
func (e *Engine) Backfill(ctx context.Context, kind models.JobKind, find Missing) error {
	for {
		var over bool
		err := e.opts.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			at, err := selectProgress(ctx, tx, kind)
			if over = at.DoneAt != nil; err != nil || over {
				return err
			}
			due, last, err := find(ctx, tx, at.AfterID, batch)
			if err != nil {
				return err
			}
			if err := e.ScheduleManyIn(ctx, tx, kind, due); err != nil {
				return err
			}
			if at.AfterID = last; last == "" {
				now := e.now()
				at.DoneAt, over = &now, true
			}
			return upsertProgress(ctx, tx, at)
		})
		if err != nil || over {
			return err
		}
	}
}

// SkipBackfill says that nothing of a kind needs a job that has none, in the caller's transaction: for whoever writes rows whose time stands still.
func SkipBackfill(ctx context.Context, tx bun.IDB, now time.Time, kinds ...models.JobKind) error {
	for _, kind := range kinds {
		at := now.UTC()
		if err := upsertProgress(ctx, tx, progress{Kind: kind, DoneAt: &at}); err != nil {
			return err
		}
	}
	return nil
}

func selectProgress(ctx context.Context, tx bun.IDB, kind models.JobKind) (progress, error) {
	var rows []progress
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("jbf.kind = ?", kind)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return progress{Kind: kind}, store.Translate(err)
	}
	return rows[0], nil
}

func upsertProgress(ctx context.Context, tx bun.IDB, at progress) error {
	_, err := tx.NewInsert().Model(&at).On("CONFLICT (kind) DO UPDATE").Set("after_id = EXCLUDED.after_id").Set("done_at = EXCLUDED.done_at").Exec(ctx)
	return store.Translate(err)
}
