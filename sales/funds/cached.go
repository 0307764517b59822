package funds

import (
	"context"
	"encoding/json"
	"time"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
)

// Cache keeps what balances are made of, for reading only: a debit is decided by the ledger's rows. cache.Cache is one.
type Cache interface {
	LookupAll(ctx context.Context, keys []string) []cache.Entry
	FillAll(ctx context.Context, fillings []cache.Filling, ttl time.Duration)
	InvalidateAll(ctx context.Context, invalidations []cache.Invalidation) error
}

// kept is what the cache knows of an owner's money: the rows, so that every answer that the rows give can be given, and when
// they were read.
type kept struct {
	Currency models.Currency `json:"c"` // the owner's own
	ReadAt   time.Time       `json:"t"`
	Accounts []keptAccount   `json:"a"`
}

type keptAccount struct {
	Kind      models.AccountKind `json:"k"`
	Asset     string             `json:"s"`
	Balance   int64              `json:"b"`
	Held      int64              `json:"h,omitzero"`
	Earmarked int64              `json:"e,omitzero"`
	Floor     *int64             `json:"f,omitempty"`
	Revision  int64              `json:"r"`
}

func keep(o owner, accounts []models.Account, readAt time.Time) kept {
	k := kept{Currency: o.Currency, ReadAt: readAt, Accounts: make([]keptAccount, len(accounts))}
	for i, a := range accounts {
		k.Accounts[i] = keptAccount{a.Kind, a.Asset, a.BalanceMinor, a.HeldMinor, a.EarmarkedMinor, a.FloorMinor, a.Revision}
	}
	return k
}

// balance is the answer in one currency. It is as of the moment at which the ledger was read.
func (k kept) balance(currency models.Currency) models.Balance {
	accounts := make([]models.Account, len(k.Accounts))
	for i, a := range k.Accounts {
		accounts[i] = models.Account{
			Kind: a.Kind, Asset: a.Asset, BalanceMinor: a.Balance, HeldMinor: a.Held, EarmarkedMinor: a.Earmarked,
			FloorMinor: a.Floor, Revision: a.Revision,
		}
	}
	return models.BalanceOf(accounts, currency, k.ReadAt)
}

// revision is what models.OwnerChange says of the owner when it has not changed since.
func (k kept) revision() (sum int64) {
	for _, a := range k.Accounts {
		sum += a.Revision
	}
	return sum
}

// keptIn reads a hit. A value of another version of this program is none.
func keptIn(entry cache.Entry) (k kept, hit bool) {
	if !entry.Hit || json.Unmarshal(entry.Value, &k) != nil || k.ReadAt.IsZero() {
		return kept{}, false
	}
	return k, true
}

func cacheKey(kind models.OwnerKind, id string) string { return "balance:" + string(kind) + ":" + id }

// lookup asks the cache for every id, in one round trip. Without a cache nothing is found and nothing is to be filled.
func (s *Service) lookup(ctx context.Context, kind models.OwnerKind, ids []models.ID) []cache.Entry {
	if s.Cache == nil {
		return make([]cache.Entry, len(ids))
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = cacheKey(kind, string(id))
	}
	return s.Cache.LookupAll(ctx, keys)
}

// missed is an owner that the cache does not know, and the lease under which it may be told; "" when somebody else will.
type missed struct {
	owner

	lease string
}

// readMissed reads the owners' accounts from the ledger with one statement, in the order of the owners, and tells the cache. The
// leases were taken before: what changes while it reads ends them.
func (s *Service) readMissed(ctx context.Context, kind models.OwnerKind, owners []missed) ([]kept, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	// The moment is taken before reading: what the answer holds is at least as new.
	now := s.Now().UTC()
	ids := make([]string, len(owners))
	for i, o := range owners {
		ids[i] = string(o.ID)
	}
	accounts, err := s.Ledger.Accounts(ctx, s.DB, ids, moneyKinds()...)
	if err != nil {
		return nil, err
	}
	byOwner := make(map[string][]models.Account, len(owners))
	for _, account := range accounts {
		if account.OwnerKind == kind {
			byOwner[account.OwnerID] = append(byOwner[account.OwnerID], account)
		}
	}
	found := make([]kept, len(owners))
	for i, o := range owners {
		found[i] = keep(o.owner, byOwner[ids[i]], now)
	}
	s.fill(ctx, kind, owners, found)
	return found, nil
}

func (s *Service) fill(ctx context.Context, kind models.OwnerKind, owners []missed, found []kept) {
	fillings := make([]cache.Filling, 0, len(owners))
	for i, o := range owners {
		if o.lease == "" {
			continue
		}
		value, err := json.Marshal(found[i])
		if err != nil {
			continue // strings and numbers do not fail
		}
		fillings = append(fillings, cache.Filling{Key: cacheKey(kind, string(o.ID)), Lease: o.lease, Version: found[i].revision(), Value: value})
	}
	if len(fillings) > 0 {
		s.Cache.FillAll(ctx, fillings, cache.MaxLeasedTTL)
	}
}
