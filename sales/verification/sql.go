package verification

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertRow(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

// lockStatus locks a verification and returns its status.
func lockStatus(ctx context.Context, tx bun.IDB, id models.ID) (models.VerifiedStatus, error) {
	var status models.VerifiedStatus
	q := tx.NewSelect().Model((*models.Verification)(nil)).Column("status").Where("vrf.id = ?", id)
	err := store.ForUpdate(q).Scan(ctx, &status)
	return status, store.Translate(err)
}

func updateDecided(ctx context.Context, tx bun.IDB, row *models.Verification) error {
	_, err := tx.NewUpdate().Model(row).Column("status", "opinion", "decided_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectByIDs(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Verification, error) {
	var rows []models.Verification
	err := access.Verifications(db.NewSelect().Model(&rows).Where("vrf.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectLatest(ctx context.Context, db bun.IDB, who models.Principal, customers []models.ID) ([]models.Verification, error) {
	var rows []models.Verification
	newest := access.Verifications(db.NewSelect().Model((*models.Verification)(nil)).ColumnExpr("MAX(vrf.id)").
		Where("vrf.customer_id IN (?)", bun.List(customers)), who).GroupExpr("vrf.customer_id")
	err := db.NewSelect().Model(&rows).Where("vrf.id IN (?)", newest).Scan(ctx)
	return rows, store.Translate(err)
}
