package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// pastBalance is an account with its balance of then; nil when it had no entry yet.
type pastBalance struct {
	ID           models.ID
	BalanceMinor *int64
}

// selectBalancesAt looks the last entry of each account up by its index, one descent per account.
func selectBalancesAt(ctx context.Context, db bun.IDB, accounts []models.ID, at time.Time) ([]pastBalance, error) {
	last := db.NewSelect().Model((*models.Entry)(nil)).Column("e.balance_after_minor").
		Where("e.account_id = acc.id AND e.created_at <= ?", at).
		Order("e.created_at DESC", "e.version DESC").Limit(1)
	var rows []pastBalance
	err := db.NewSelect().Model((*models.Account)(nil)).Column("acc.id").ColumnExpr("(?) AS balance_minor", last).
		Where("acc.id IN (?)", bun.List(accounts)).Scan(ctx, &rows)
	return rows, err
}
