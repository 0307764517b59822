package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Accounts returns the accounts of all owners, ordered by owner and id, with one statement. With kinds, only those kinds.
// It asks nobody's permission: the caller has checked that the owners may be seen.
func (s *Service) Accounts(ctx context.Context, db bun.IDB, owners []string, kinds ...models.AccountKind) ([]models.Account, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	return selectAccountsOf(ctx, db, owners, kinds)
}

// BalanceAt returns an account's balance in minor units as it was at an instant, entries of that very microsecond
// included: 0 before its first entry, and for an account that does not exist.
func (s *Service) BalanceAt(ctx context.Context, db bun.IDB, account models.ID, at time.Time) (int64, error) {
	return selectBalanceAt(ctx, db, account, at.UTC())
}

// TransferOf returns a transfer with its entries in the order of their accounts, or NOT_FOUND.
func (s *Service) TransferOf(ctx context.Context, db bun.IDB, id models.ID) (models.Transfer, []models.Entry, error) {
	transfers, err := selectTransfer(ctx, db, id, false)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	if len(transfers) == 0 {
		return models.Transfer{}, nil, ErrTransferUnknown
	}
	entries, err := selectEntries(ctx, db, id)
	return transfers[0], entries, err
}
