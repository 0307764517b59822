package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
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
	// Somebody else may have made it since; then theirs counts.
	if err := insertAccounts(ctx, tx, []models.Account{s.fresh(spec)}); err != nil {
		return models.Account{}, err
	}
	found, err = selectAccountOf(ctx, tx, spec)
	if err == nil && len(found) == 0 {
		return models.Account{}, ErrAccountUnknown
	}
	return first(found), err
}

// Lock locks the accounts until the transaction ends and returns them in the order of their ids, which is also the order
// of locking. With an account of a partner or customer it locks all of that owner's, so that whoever changes one knows the
// others, and with them the owner's version. An id that does not exist is NOT_FOUND. Duplicates are locked once.
func (s *Service) Lock(ctx context.Context, tx bun.IDB, ids ...models.ID) ([]models.Account, error) {
	batch, err := s.lockBatch(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	return batch.named(ids...), nil
}

// lockBatch begins a batch on the accounts with the ids and the others of their owners.
func (s *Service) lockBatch(ctx context.Context, tx bun.IDB, ids ...models.ID) (*Batch, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return s.NewBatch(nil), nil
	}
	accounts, err := selectAccountsForUpdate(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	batch := s.NewBatch(accounts)
	if len(batch.named(ids...)) != len(ids) {
		return nil, ErrAccountUnknown
	}
	return batch, nil
}

// LockOwners locks all accounts of the owners, partners' and customers' ids, in the order of the accounts' ids and returns
// them so. Owners without accounts are simply not among them.
func (s *Service) LockOwners(ctx context.Context, tx bun.IDB, owners ...models.ID) ([]models.Account, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	ids := make([]string, len(owners))
	for i, id := range owners {
		ids[i] = string(id)
	}
	var accounts []models.Account
	script := store.NewScript(tx)
	AddLock(script, &accounts, ids)
	return accounts, script.Exec(ctx)
}

// AddLock appends what LockOwners does to a script, for a group that reads something else in the same round trip.
func AddLock(script *store.Script, accounts *[]models.Account, owners []string) {
	script.Lock(accounts, "owner_id", owners)
}

// AddFind is AddLock without locks, for a batch that locks what it changes when it is written.
func AddFind(script *store.Script, accounts *[]models.Account, owners []string) {
	script.Find(accounts, "owner_id", owners)
}

// Make makes the accounts of the specs, empty; those that exist already stay as they are.
func (s *Service) Make(ctx context.Context, tx bun.IDB, specs ...AccountSpec) error {
	fresh := make([]models.Account, len(specs))
	for i, spec := range specs {
		if err := spec.check(); err != nil {
			return err
		}
		fresh[i] = s.fresh(spec)
	}
	// In one order, or two transactions that make the same accounts could wait for each other.
	slices.SortFunc(fresh, func(a, b models.Account) int {
		return cmp.Or(cmp.Compare(a.OwnerID, b.OwnerID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Asset, b.Asset))
	})
	return insertAccounts(ctx, tx, fresh)
}

func (s *Service) fresh(spec AccountSpec) models.Account {
	now := s.now()
	return models.Account{
		ID: s.IDs(models.PrefixAccount), OwnerKind: spec.OwnerKind, OwnerID: spec.OwnerID, Kind: spec.Kind, Asset: spec.Asset,
		FloorMinor: spec.Floor, CreatedAt: now, UpdatedAt: now,
	}
}

func first(accounts []models.Account) models.Account {
	if len(accounts) == 0 {
		return models.Account{}
	}
	return accounts[0]
}
