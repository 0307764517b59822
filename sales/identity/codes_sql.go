package identity

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

func selectCode(ctx context.Context, db bun.IDB, id models.ID) (models.VerificationCode, bool, error) {
	var row models.VerificationCode
	found, err := store.Found(db.NewSelect().Model(&row).Where("vcd.id = ?", id).Scan(ctx))
	return row, found, err
}

func selectCurrentCodeForUpdate(ctx context.Context, tx bun.IDB, org models.ID, holder string, purpose models.CodePurpose) (models.VerificationCode, bool, error) {
	var row models.VerificationCode
	q := tx.NewSelect().Model(&row).Where("vcd.org_id = ? AND vcd.holder_id = ? AND vcd.purpose = ?", org, holder, purpose).Where("vcd.is_current")
	found, err := store.Found(store.ForUpdate(q).Scan(ctx))
	return row, found, err
}

func countCodesOf(ctx context.Context, tx bun.IDB, code models.VerificationCode, since time.Time) (int, error) {
	n, err := tx.NewSelect().Model((*models.VerificationCode)(nil)).
		Where("vcd.org_id = ? AND vcd.holder_id = ? AND vcd.purpose = ?", code.OrgID, code.HolderID, code.Purpose).
		Where("vcd.created_at > ?", since).Count(ctx)
	return int(n), store.Translate(err)
}

func countCodesTo(ctx context.Context, tx bun.IDB, toBlind string, since time.Time) (int, error) {
	n, err := tx.NewSelect().Model((*models.VerificationCode)(nil)).Where("vcd.to_blind = ? AND vcd.created_at > ?", toBlind, since).Count(ctx)
	return int(n), store.Translate(err)
}

// replaceCode makes the earlier code void and inserts the new one.
func replaceCode(ctx context.Context, tx bun.IDB, code *models.VerificationCode) error {
	_, err := tx.NewUpdate().Model((*models.VerificationCode)(nil)).Set("is_current = ?", false).Set("code_sealed = NULL").
		Where("org_id = ? AND holder_id = ? AND purpose = ?", code.OrgID, code.HolderID, code.Purpose).Where("is_current").Exec(ctx)
	if err != nil {
		return store.Translate(err)
	}
	_, err = tx.NewInsert().Model(code).Exec(ctx)
	return store.Translate(err)
}

func updateTries(ctx context.Context, tx bun.IDB, code models.VerificationCode) error {
	_, err := tx.NewUpdate().Model(&code).Column("tries").WherePK().Exec(ctx)
	return store.Translate(err)
}

// spendCode marks a code as used, unless it was, or another one has replaced it.
func spendCode(ctx context.Context, tx bun.IDB, id models.ID, now time.Time) (models.VerificationCode, bool, error) {
	var row models.VerificationCode
	found, err := store.Found(tx.NewUpdate().Model(&row).Set("used_at = ?", now).Set("code_sealed = NULL").
		Where("id = ?", id).Where("used_at IS NULL").Where("is_current").Returning("*").Scan(ctx))
	return row, found, err
}

func noteSent(ctx context.Context, db bun.IDB, code models.VerificationCode) error {
	_, err := db.NewUpdate().Model(&code).Set("mail_state = ?", code.MailState).Set("code_sealed = NULL").WherePK().Exec(ctx)
	return store.Translate(err)
}

func deleteCodes(ctx context.Context, db bun.IDB, before time.Time) (int64, error) {
	result, err := db.NewDelete().Model((*models.VerificationCode)(nil)).Where("created_at < ?", before).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}

func selectStepUp(ctx context.Context, db bun.IDB, org models.ID) (models.StepUp, bool, error) {
	var row models.StepUp
	found, err := store.Found(db.NewSelect().Model(&row).Where("sup.org_id = ?", org).Scan(ctx))
	return row, found, err
}

func selectStepUpForUpdate(ctx context.Context, tx bun.IDB, org models.ID) (models.StepUp, bool, error) {
	var row models.StepUp
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&row).Where("sup.org_id = ?", org)).Scan(ctx))
	return row, found, err
}

func insertStepUp(ctx context.Context, tx bun.IDB, row *models.StepUp) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

func updateStepUp(ctx context.Context, tx bun.IDB, row *models.StepUp) error {
	_, err := tx.NewUpdate().Model(row).Column("actions", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func deleteStepUp(ctx context.Context, tx bun.IDB, org models.ID) error {
	_, err := tx.NewDelete().Model((*models.StepUp)(nil)).Where("org_id = ?", org).Exec(ctx)
	return store.Translate(err)
}
