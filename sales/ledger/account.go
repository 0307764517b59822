package ledger

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// AccountSpec says which account is wanted. Owner, kind and asset identify it.
type AccountSpec struct {
	OwnerKind models.OwnerKind
	OwnerID   string // a partner's or customer's id, or the cloud's code
	Kind      models.AccountKind
	Asset     string // a currency code, or whatever else is counted
	// Floor is the lowest balance in minor units: 0, or minus a credit line. Nil = unbounded, for the outside world and
	// for the cloud's own side. It applies when the account is made; an existing account keeps the one it has.
	Floor *int64
}

func (s AccountSpec) check() error {
	switch {
	case s.OwnerKind == "" || s.OwnerID == "":
		return models.Invalid("owner", "An account needs an owner.")
	case s.Kind == "":
		return models.Invalid("kind", "An account needs a kind.")
	case s.Asset == "":
		return models.Invalid("asset", "An account needs an asset.")
	case s.Floor != nil && (*s.Floor > 0 || *s.Floor < -models.MaxMinor):
		return models.Invalid("floor", "The floor of an account is zero or minus its credit line.")
	}
	return nil
}

// Open returns the account of the spec and makes it, empty, when there is none. Two callers at once get the same account.
func (s *Service) Open(ctx context.Context, tx bun.IDB, spec AccountSpec) (models.Account, error) {
	if err := spec.check(); err != nil {
		return models.Account{}, err
	}
	found, err := selectAccountOf(ctx, tx, spec)
	if err != nil || len(found) == 1 {
		return first(found), err
	}
	now := s.now()
	fresh := models.Account{
		ID: s.IDs(models.PrefixAccount), OwnerKind: spec.OwnerKind, OwnerID: spec.OwnerID, Kind: spec.Kind, Asset: spec.Asset,
		FloorMinor: spec.Floor, CreatedAt: now, UpdatedAt: now,
	}
	// Somebody else may have made it since; then theirs counts.
	if err := insertAccount(ctx, tx, &fresh); err != nil {
		return models.Account{}, err
	}
	found, err = selectAccountOf(ctx, tx, spec)
	if err == nil && len(found) == 0 {
		return models.Account{}, ErrAccountUnknown
	}
	return first(found), err
}

// Lock locks the accounts until the transaction ends and returns them in the order of their ids, which is also the order
// of locking. An id that does not exist is NOT_FOUND. Duplicates are locked once.
func (s *Service) Lock(ctx context.Context, tx bun.IDB, ids ...models.ID) ([]models.Account, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return nil, nil
	}
	accounts, err := selectAccountsForUpdate(ctx, tx, ids)
	if err == nil && len(accounts) != len(ids) {
		return nil, ErrAccountUnknown
	}
	return accounts, err
}

func first(accounts []models.Account) models.Account {
	if len(accounts) == 0 {
		return models.Account{}
	}
	return accounts[0]
}
