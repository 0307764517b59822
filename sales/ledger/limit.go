package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// ErrLimitInUse says that a credit line cannot become smaller than what has been spent of it, nor more be earmarked than
// is there.
var ErrLimitInUse = models.Precondition("LIMIT_IN_USE", "The account does not have enough free money for this limit.")

// Limits bound the debits of an account besides its balance. Nil leaves one as it is.
type Limits struct {
	CreditLineMinor *int64 // how far below zero the balance may go: 0 to models.MaxMinor
	EarmarkedMinor  *int64 // set aside for a purpose: 0 to models.MaxMinor (M03)
}

// Limit sets the limits of an account and returns it as it is then. ErrLimitInUse when the balance, less what is held, does not
// cover the earmarked part with the credit line; INVALID for a negative or too large limit and for an account without a floor.
func (s *Service) Limit(ctx context.Context, tx bun.IDB, id models.ID, limits Limits) (models.Account, error) {
	batch, err := s.lockBatch(ctx, tx, id)
	if err != nil {
		return models.Account{}, err
	}
	place := batch.at[id]
	account := batch.accounts[place]
	before := account.FloorMinor
	if before == nil {
		return models.Account{}, models.Invalid("account", "An account without a floor has no limits.")
	}
	for _, limit := range []*int64{limits.CreditLineMinor, limits.EarmarkedMinor} {
		if limit != nil && (*limit < 0 || *limit > models.MaxMinor) {
			return models.Account{}, models.Invalid("amount", "A limit is zero or more, and not too large.")
		}
	}
	if limits.CreditLineMinor != nil {
		floor := -*limits.CreditLineMinor
		account.FloorMinor = &floor
	}
	if limits.EarmarkedMinor != nil {
		account.EarmarkedMinor = *limits.EarmarkedMinor
	}
	if account.AvailableMinor() < 0 {
		return models.Account{}, ErrLimitInUse
	}
	batch.put(place, account)
	script := store.NewScript(tx)
	script.Add(tx.NewUpdate().Model(&account).Column("floor_minor", "earmarked_minor").WherePK())
	if *before != *account.FloorMinor {
		// Of several changes between two entries the first one's floor is the one that the entry before was judged by.
		floor := models.AccountFloor{AccountID: id, Version: batch.accounts[place].Version, FloorMinor: *before}
		script.Add(tx.NewInsert().Model(&floor).On("CONFLICT (account_id, version) DO NOTHING").Returning("NULL"))
	}
	batch.AddTo(script, tx)
	return batch.accounts[place], script.Exec(ctx)
}
