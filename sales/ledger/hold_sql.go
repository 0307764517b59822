package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

func selectHold(ctx context.Context, db bun.IDB, id models.ID) ([]models.Hold, error) {
	var rows []models.Hold
	err := db.NewSelect().Model(&rows).Where("h.id = ?", id).Scan(ctx)
	return rows, err
}
