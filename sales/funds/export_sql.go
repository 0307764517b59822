package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

func insertExport(ctx context.Context, tx bun.IDB, row *models.StatementExport) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

// deleteExport takes the right to download away with one statement, so that of two callers one gets it. Another organisation's
// stays where it is.
func deleteExport(ctx context.Context, db bun.IDB, hash []byte, organisation string) (models.StatementExport, bool, error) {
	var row models.StatementExport
	found, err := store.Found(db.NewDelete().Model(&row).Where("token_hash = ? AND organisation_id = ?", hash, organisation).
		Returning("*").Scan(ctx))
	return row, found, err
}

func deleteExportsBefore(ctx context.Context, db bun.IDB, now time.Time) (int64, error) {
	result, err := db.NewDelete().Model((*models.StatementExport)(nil)).Where("expires_at <= ?", now).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}
