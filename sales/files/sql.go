package files

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// unused are the states of uploads that may still be used; they expire.
func unused() []models.UploadState {
	return []models.UploadState{models.UploadWaiting, models.UploadReceiving, models.UploadReady}
}

func insertUpload(ctx context.Context, tx bun.IDB, upload *models.Upload) error {
	_, err := tx.NewInsert().Model(upload).Exec(ctx)
	return store.Translate(err)
}

// countOpen counts with literals, so that the partial index answers.
func countOpen(ctx context.Context, tx bun.IDB, organisation string) (int, error) {
	n, err := tx.NewSelect().Model((*models.Upload)(nil)).
		Where("upl.organisation_id = ? AND upl.state IN ('WAITING', 'RECEIVING', 'READY')", organisation).Count(ctx)
	return int(n), store.Translate(err)
}

// startReceiving uses the token up with one statement, so that of two callers one gets it. Another organisation's stays as it is.
func startReceiving(ctx context.Context, db bun.IDB, hash []byte, organisation string, now, until time.Time) (models.Upload, bool, error) {
	var upload models.Upload
	found, err := store.Found(db.NewUpdate().Model(&upload).Set("state = ?", models.UploadReceiving).Set("expires_at = ?", until).
		Where("token_hash = ? AND organisation_id = ? AND state = ? AND expires_at > ?", hash, organisation, models.UploadWaiting, now).
		Returning("*").Scan(ctx))
	return upload, found, err
}

func updateReceived(ctx context.Context, tx bun.IDB, upload *models.Upload) (bool, error) {
	return changed(tx.NewUpdate().Model(upload).Column("state", "refusal", "digest", "expires_at", "removed_at").WherePK().
		Where("state = ?", models.UploadReceiving).Exec(ctx))
}

func selectReady(ctx context.Context, db bun.IDB, organisation string, purpose models.UploadPurpose, ids []models.ID, now time.Time) ([]models.Upload, error) {
	var rows []models.Upload
	err := db.NewSelect().Model(&rows).Where("upl.id IN (?) AND upl.organisation_id = ?", bun.List(ids), organisation).
		Where("upl.purpose = ? AND upl.state = ? AND upl.expires_at > ?", purpose, models.UploadReady, now).Scan(ctx)
	return rows, store.Translate(err)
}

func updateUsed(ctx context.Context, tx bun.IDB, organisation string, purpose models.UploadPurpose, id models.ID, state models.UploadState, now time.Time) (bool, error) {
	return changed(tx.NewUpdate().Model((*models.Upload)(nil)).Set("state = ?", state).Set("expires_at = ?", now).
		Where("id = ? AND organisation_id = ?", id, organisation).
		Where("purpose = ? AND state = ? AND expires_at > ?", purpose, models.UploadReady, now).Exec(ctx))
}

func selectDue(ctx context.Context, db bun.IDB, now time.Time, most int64) ([]models.Upload, error) {
	var rows []models.Upload
	err := db.NewSelect().Model(&rows).Where("upl.removed_at IS NULL AND upl.state <> 'KEPT' AND upl.expires_at <= ?", now).
		Order("upl.expires_at").Limit(most).Scan(ctx)
	return rows, store.Translate(err)
}

// updateOver expires an upload that is still unused; it reports whether the file may go.
func updateOver(ctx context.Context, db bun.IDB, upload models.Upload, now time.Time) (bool, error) {
	if over(upload.State) {
		return true, nil
	}
	return changed(db.NewUpdate().Model((*models.Upload)(nil)).Set("state = ?", models.UploadExpired).
		Where("id = ? AND state IN (?) AND expires_at <= ?", upload.ID, bun.List(unused()), now).Exec(ctx))
}

func updateRemoved(ctx context.Context, db bun.IDB, id models.ID, now time.Time) error {
	_, err := db.NewUpdate().Model((*models.Upload)(nil)).Set("removed_at = ?", now).Where("id = ?", id).Exec(ctx)
	return store.Translate(err)
}

func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, store.Translate(err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

func insertDownload(ctx context.Context, tx bun.IDB, right *models.Download) error {
	_, err := tx.NewInsert().Model(right).Exec(ctx)
	return store.Translate(err)
}

func selectDownload(ctx context.Context, db bun.IDB, hash []byte, organisation string) (models.Download, bool, error) {
	var row models.Download
	found, err := store.Found(db.NewSelect().Model(&row).Where("dnl.token_hash = ? AND dnl.organisation_id = ?", hash, organisation).Scan(ctx))
	return row, found, err
}

// deleteDownload takes the right away with one statement, so that of two callers one gets it. Another organisation's stays where it is.
func deleteDownload(ctx context.Context, db bun.IDB, hash []byte, organisation string, kind models.DownloadKind) (models.Download, bool, error) {
	var row models.Download
	found, err := store.Found(db.NewDelete().Model(&row).Where("token_hash = ? AND organisation_id = ? AND kind = ?", hash, organisation, kind).
		Returning("*").Scan(ctx))
	return row, found, err
}

func deleteDownloadsBefore(ctx context.Context, db bun.IDB, now time.Time) (int64, error) {
	result, err := db.NewDelete().Model((*models.Download)(nil)).Where("expires_at <= ?", now).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}
