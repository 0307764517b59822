package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// BalancesAt returns the balances of the accounts in minor units as they were at an instant, entries of that very
// microsecond included, with one statement however many accounts there are. Accounts without an entry by then are absent.
func (s *Service) BalancesAt(ctx context.Context, db bun.IDB, accounts []models.ID, at time.Time) (map[models.ID]int64, error) {
	balances := make(map[models.ID]int64, len(accounts))
	if len(accounts) == 0 {
		return balances, nil
	}
	rows, err := selectBalancesAt(ctx, db, accounts, at.UTC())
	for _, row := range rows {
		if row.BalanceMinor != nil {
			balances[row.ID] = *row.BalanceMinor
		}
	}
	return balances, store.Translate(err)
}
