package partners

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func selectOpenUpgrade(ctx context.Context, db bun.IDB, reseller models.ID) (models.ResellerUpgrade, bool, error) {
	var row models.ResellerUpgrade
	found, err := store.Found(db.NewSelect().Model(&row).Where("rup.reseller_id = ?", reseller).
		Where("rup.state IN (?)", bun.List(models.OpenUpgradeStates())).Scan(ctx))
	return row, found, err
}

func selectUpgrades(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID, lock bool) ([]models.ResellerUpgrade, error) {
	var rows []models.ResellerUpgrade
	q := access.ResellerUpgrades(db.NewSelect().Model(&rows).Where("rup.id IN (?)", bun.List(ids)), who)
	if lock {
		q = store.ForUpdate(q)
	}
	err := q.Scan(ctx)
	return rows, store.Translate(err)
}

func updateUpgrade(ctx context.Context, tx bun.IDB, upgrade models.ResellerUpgrade) error {
	_, err := tx.NewUpdate().Model(&upgrade).Column("state", "performance_minor", "plan", "answer", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func updateKind(ctx context.Context, tx bun.IDB, partner models.Partner) error {
	_, err := tx.NewUpdate().Model(&partner).Column("kind", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}
