package funds

import (
	"context"
	"encoding/binary"
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
	Currency models.Currency // the owner's own
	ReadAt   time.Time
	Accounts []keptAccount
}

type keptAccount struct {
	Kind      models.AccountKind
	Asset     string
	Balance   int64
	Held      int64
	Earmarked int64
	Floor     *int64
	Revision  int64
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

// keptVersion begins what is kept; another program's begin with another byte. A list of customers reads one for each of them, for which JSON took
// a tenth of its time.
const keptVersion = 1

// encode writes down what keptIn reads: texts with their lengths before them, and numbers.
func (k kept) encode() []byte {
	b := append(make([]byte, 0, 128), keptVersion)
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	text(string(k.Currency))
	b = binary.AppendVarint(b, k.ReadAt.UnixNano())
	b = binary.AppendUvarint(b, uint64(len(k.Accounts)))
	for _, a := range k.Accounts {
		text(string(a.Kind))
		text(a.Asset)
		for _, n := range []int64{a.Balance, a.Held, a.Earmarked, a.Revision} {
			b = binary.AppendVarint(b, n)
		}
		if a.Floor == nil {
			b = append(b, 0)
			continue
		}
		b = binary.AppendVarint(append(b, 1), *a.Floor)
	}
	return b
}

// keptIn reads a hit. A value of another version of this program is none.
func keptIn(entry cache.Entry) (k kept, hit bool) {
	if !entry.Hit || len(entry.Value) == 0 || entry.Value[0] != keptVersion {
		return kept{}, false
	}
	from := keptReader{numbers: entry.Value[1:], texts: string(entry.Value[1:])}
	k.Currency = models.Currency(from.text())
	k.ReadAt = time.Unix(0, from.number()).UTC()
	n := from.length()
	for range n {
		a := keptAccount{
			Kind: models.AccountKind(from.text()), Asset: from.text(), Balance: from.number(), Held: from.number(), Earmarked: from.number(), Revision: from.number(),
		}
		if from.length() == 1 {
			floor := from.number()
			a.Floor = &floor
		}
		if from.bad {
			break
		}
		k.Accounts = append(k.Accounts, a)
	}
	if from.bad || len(from.numbers) > 0 {
		return kept{}, false
	}
	return k, true
}

// keptReader reads what encode wrote, the same bytes as numbers and as texts.
type keptReader struct {
	numbers []byte
	texts   string
	bad     bool
}

func (r *keptReader) skip(n int) {
	if n <= 0 || n > len(r.numbers) {
		r.bad, n = true, len(r.numbers)
	}
	r.numbers, r.texts = r.numbers[n:], r.texts[n:]
}

func (r *keptReader) number() int64 {
	v, n := binary.Varint(r.numbers)
	r.skip(n)
	return v
}

// length is at most what is left.
func (r *keptReader) length() int {
	v, n := binary.Uvarint(r.numbers)
	r.skip(n)
	if v > uint64(len(r.numbers)) {
		r.bad = true
		return 0
	}
	return int(v)
}

func (r *keptReader) text() string {
	n := r.length()
	if n == 0 {
		return ""
	}
	text := r.texts[:n]
	r.skip(n)
	return text
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
		fillings = append(fillings, cache.Filling{
			Key: cacheKey(kind, string(o.ID)), Lease: o.lease, Version: found[i].revision(), Value: found[i].encode(),
		})
	}
	if len(fillings) > 0 {
		s.Cache.FillAll(ctx, fillings, cache.MaxLeasedTTL)
	}
}
