package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

const (
	cloud = "hws"
	// opening is what every partner's account has at first: more than any run moves, and with all others less than a ledger holds.
	opening int64 = 1_000_000_000_000
)

// pair is a partner, its API key and one of its resale customers.
type pair struct {
	partner  models.ID
	key      models.ID
	secret   string
	customer models.ID
}

// principal is who calls with the pair's key.
func (p pair) principal() models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, KeyID: p.key, PartnerID: p.partner, PartnerKind: models.SolutionProvider,
		Permissions: models.DefaultPermissions(models.PartnerKey, models.SolutionProvider),
	}
}

// data is what the contestants find: pairs that share nothing, and pairs that share the partner, its key and its account.
type data struct {
	cold []pair
	hot  []pair
}

// rows are the data set's rows, in the order of storing.
type rows struct {
	partners  []models.Partner
	customers []models.Customer
	keys      []models.APIKey
	accounts  []models.Account
	transfers []models.Transfer
	entries   []models.Entry

	world int // index of the outside world's account
	ids   models.IDSource
	now   time.Time
}

// fill makes the data set of n cold and n hot pairs in an empty, migrated database.
func fill(ctx context.Context, db *store.DB, n int) (data, error) {
	r := &rows{ids: models.RandomIDs(), now: time.Now().UTC().Truncate(time.Microsecond)}
	r.account(models.OwnerCloud, cloud, models.AccountWorld, nil)
	var d data
	for i := range n {
		d.cold = append(d.cold, r.customer(r.partner(i), i))
	}
	hot := r.partner(n)
	for i := range n {
		d.hot = append(d.hot, r.customer(hot, n+i))
	}
	return d, r.store(ctx, db)
}

func (r *rows) partner(i int) pair {
	p := models.Partner{
		ID: r.ids(models.PrefixPartner), Cloud: cloud, Kind: models.SolutionProvider, Name: fmt.Sprintf("Partner %d", i), Level: models.LevelStandard,
		State: models.PartnerActive, Country: "CN", Currency: models.CNY, CreatedAt: r.now, UpdatedAt: r.now,
	}
	secret := fmt.Sprintf("pgk_bench%038d", i)
	hash := sha256.Sum256([]byte(secret))
	key := models.APIKey{
		ID: r.ids(models.PrefixAPIKey), Name: "bench", Kind: models.PartnerKey, PartnerID: p.ID, Hash: hash[:], Prefix: secret[:10],
		Scopes: models.DefaultPermissions(models.PartnerKey, p.Kind), CreatedAt: r.now,
	}
	r.partners, r.keys = append(r.partners, p), append(r.keys, key)
	r.give(r.account(models.OwnerPartner, string(p.ID), models.AccountBalance, new(int64)), opening)
	return pair{partner: p.ID, key: key.ID, secret: secret}
}

func (r *rows) customer(of pair, i int) pair {
	c := models.Customer{
		ID: r.ids(models.PrefixCustomer), Cloud: cloud, Name: fmt.Sprintf("bench-%d", i), Kind: models.Enterprise, VerifiedStatus: models.Verified,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: of.partner, Mode: models.Resale, CreatedAt: r.now, UpdatedAt: r.now,
	}
	r.customers = append(r.customers, c)
	r.give(r.account(models.OwnerCustomer, string(c.ID), models.AccountBalance, new(int64)), 100)
	of.customer = c.ID
	return of
}

func (r *rows) account(kind models.OwnerKind, owner string, what models.AccountKind, floor *int64) int {
	r.accounts = append(r.accounts, models.Account{
		ID: r.ids(models.PrefixAccount), OwnerKind: kind, OwnerID: owner, Kind: what, Asset: string(models.CNY), FloorMinor: floor,
		CreatedAt: r.now, UpdatedAt: r.now,
	})
	return len(r.accounts) - 1
}

// give moves money from the outside world, so that the audit finds books that balance.
func (r *rows) give(to int, amount int64) {
	t := models.Transfer{ID: r.ids(models.PrefixTransfer), Kind: models.TransferRecharge, ActorID: "bench", RequestID: "bench", CreatedAt: r.now}
	r.transfers = append(r.transfers, t)
	for i, change := range map[int]int64{r.world: -amount, to: amount} {
		account := &r.accounts[i]
		account.BalanceMinor += change
		account.Version++
		account.Revision++
		r.entries = append(r.entries, models.Entry{
			ID: r.ids(models.PrefixEntry), TransferID: t.ID, AccountID: account.ID, Asset: account.Asset, AmountMinor: change,
			Version: account.Version, BalanceAfterMinor: account.BalanceMinor, CreatedAt: r.now,
		})
	}
}

// store writes the rows and, on PostgreSQL, does now what autovacuum would do in the middle of a measurement.
func (r *rows) store(ctx context.Context, db *store.DB) error {
	err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, insert := range []func() error{
			func() error { return insertAll(ctx, tx, r.partners) }, func() error { return insertAll(ctx, tx, r.customers) },
			func() error { return insertAll(ctx, tx, r.keys) }, func() error { return insertAll(ctx, tx, r.accounts) },
			func() error { return insertAll(ctx, tx, r.transfers) }, func() error { return insertAll(ctx, tx, r.entries) },
		} {
			if err := insert(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || db.Engine() != store.Postgres {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM (ANALYZE)")
	return err
}

func insertAll[T any](ctx context.Context, tx bun.Tx, all []T) error {
	const batch = 1000
	for from := 0; from < len(all); from += batch {
		some := all[from:min(from+batch, len(all))]
		if _, err := tx.NewInsert().Model(&some).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// received is the sum of what all customers have, in minor units, which grows by what is funded and by nothing else.
func received(ctx context.Context, db *store.DB) (int64, error) {
	var sum int64
	err := db.NewRaw("SELECT CAST(SUM(balance_minor) AS bigint) FROM accounts WHERE owner_kind = ?", models.OwnerCustomer).Scan(ctx, &sum)
	return sum, err
}
