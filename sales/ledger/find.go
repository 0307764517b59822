package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Accounts returns the accounts of all owners, ordered by owner and id, with one statement. With kinds, only those kinds.
// It asks nobody's permission: the caller has checked that the owners may be seen.
func (s *Service) Accounts(ctx context.Context, db bun.IDB, owners []string, kinds ...models.AccountKind) ([]models.Account, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	accounts, err := selectAccountsOf(ctx, db, owners, kinds)
	return accounts, store.Translate(err)
}

// TransferOf returns a transfer with its entries in the order of their accounts, or NOT_FOUND.
func (s *Service) TransferOf(ctx context.Context, db bun.IDB, id models.ID) (models.Transfer, []models.Entry, error) {
	transfers, err := selectTransfer(ctx, db, id, false)
	if err != nil {
		return models.Transfer{}, nil, store.Translate(err)
	}
	if len(transfers) == 0 {
		return models.Transfer{}, nil, ErrTransferUnknown
	}
	entries, err := selectEntries(ctx, db, id)
	return transfers[0], entries, store.Translate(err)
}

// HoldOf returns a hold as it is now, or NOT_FOUND. It locks nothing: whoever acts on it asks for what it acts on again.
func (s *Service) HoldOf(ctx context.Context, db bun.IDB, id models.ID) (models.Hold, error) {
	holds, err := selectHold(ctx, db, id)
	if err != nil {
		return models.Hold{}, store.Translate(err)
	}
	if len(holds) == 0 {
		return models.Hold{}, ErrHoldUnknown
	}
	return holds[0], nil
}
