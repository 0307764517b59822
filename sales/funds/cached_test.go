package funds_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/cache/cachetest"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// behind puts the shop behind a cache, as a server does.
func (s *shop) behind(c cache.Cache) {
	s.Cache, s.Bus = c, c
	s.Ledger.Changed = s.Changed
}

// eachCached runs fn on SQLite with the memory cache and on PostgreSQL with Redis.
func eachCached(t *testing.T, fn func(t *testing.T, s *shop)) {
	t.Helper()
	t.Run("sqlite and memory", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, storetest.SQLite(t))
		s.behind(cachetest.Open(t, "memory:"))
		fn(t, s)
	})
	t.Run("postgres and redis", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, storetest.Postgres(t))
		s.behind(cachetest.Open(t, cachetest.RedisURL(t)))
		fn(t, s)
	})
}

// balanceOf reads the balance of a customer or partner and counts the statements that it took.
func (s *shop) balanceOf(who models.Principal, id models.ID) (balance models.Balance, statements int) {
	s.t.Helper()
	read := s.CustomerBalances
	if id.Prefix() == models.PrefixPartner {
		read = s.PartnerBalances
	}
	ctx, counter := store.CountStatements(context.Background())
	found, err := read(ctx, who, []models.ID{id})
	s.want(err, "")
	balance, seen := found[id]
	if !seen {
		s.t.Errorf("%s is not seen", id)
	}
	return balance, counter.Count()
}

func (s *shop) user(customer models.ID) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, UserID: "usr_of_" + customer, CustomerID: customer,
		Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

func TestBalancesComeFromTheCacheUntilTheyChange(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1000, 0)
		want := func(who models.Principal, id models.ID, version, available int64, statements int) {
			t.Helper()
			got, took := s.balanceOf(who, id)
			if got.Version != version || got.Available != cny(available) || took != statements {
				t.Errorf("version %d with %s after %d statements, want %d, %d and %d", got.Version, got.Available, took, version, available, statements)
			}
		}
		boss, customer := s.as(s.distributor), s.user(s.resale)
		want(boss, s.distributor, 1, 1000, 2)
		want(boss, s.distributor, 1, 1000, 0) // its own: nothing is left to ask
		want(boss, s.resale, 0, 0, 2)
		want(boss, s.resale, 0, 0, 1) // whether it may be seen
		want(customer, s.resale, 0, 0, 0)
		move := funds.CustomerMove{CustomerID: s.resale, Amount: decimal.New(2, 0), IdempotencyKey: "1"}
		for range 2 { // a repeated key changes nothing
			_, err := s.FundCustomer(context.Background(), boss, move)
			s.want(err, "")
		}
		want(customer, s.resale, 1, 200, 2)
		want(customer, s.resale, 1, 200, 0)
		want(boss, s.distributor, 2, 800, 2)
		move.IdempotencyKey, move.Amount = "2", decimal.New(2000, 0)
		_, err := s.FundCustomer(context.Background(), boss, move)
		s.want(err, "INSUFFICIENT_BALANCE")
		want(boss, s.distributor, 2, 800, 0)
		s.sound()
	})
}

func TestAListAsksTheCacheOnceAndTheLedgerOnce(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		all := []models.ID{s.resale, s.resellers, s.other, s.empty}
		for _, id := range all[:3] {
			s.give(models.OwnerCustomer, id, models.AccountBalance, "CNY", 100, 0)
		}
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		read := func(statements int) map[models.ID]models.Balance {
			t.Helper()
			ctx, counter := store.CountStatements(context.Background())
			found, err := s.CustomerBalances(ctx, operator, all)
			s.want(err, "")
			if counter.Count() != statements {
				t.Errorf("%v, want %d", counter.Statements(), statements)
			}
			return found
		}
		first := read(2)
		if diff := cmp.Diff(first, read(1)); diff != "" {
			t.Errorf("the cache's answer differs (-ledger +cache):\n%s", diff)
		}
		s.give(models.OwnerCustomer, s.other, models.AccountBonus, "CNY", 1, 0)
		second := read(2) // the one that changed
		if second[s.other].Total != cny(101) || second[s.other].Version != 2 || len(second[s.other].Accounts) != 2 {
			t.Errorf("%+v", second[s.other])
		}
		delete(first, s.other)
		delete(second, s.other)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("others changed too:\n%s", diff)
		}
	})
}

// TestTheCacheAnswersWhatTheLedgerWould: with a credit line, held money and accounts of several kinds and currencies. AsOf is
// when the ledger was read, not when the cache was.
func TestTheCacheAnswersWhatTheLedgerWould(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1000, 100)
		s.give(models.OwnerCustomer, s.resale, models.AccountBonus, "CNY", 50, 0)
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "USD", 7, 0)
		line := int64(-300)
		s.want(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
			_, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
				OwnerKind: models.OwnerCustomer, OwnerID: string(s.resale), Kind: models.AccountCredit, Asset: "CNY", Floor: &line,
			})
			return err
		}), "")
		asked, _ := s.balanceOf(s.user(s.resale), s.resale)
		s.Now = func() time.Time { return noon.Add(time.Hour) }
		kept, statements := s.balanceOf(s.user(s.resale), s.resale)
		if diff := cmp.Diff(asked, kept); diff != "" || statements != 0 || !kept.AsOf.Equal(noon) {
			t.Errorf("%d statements, as of %s:\n%s", statements, kept.AsOf, diff)
		}
		if kept.Available != cny(1250) || kept.Held != cny(100) || len(kept.Accounts) != 3 {
			t.Errorf("%+v", kept)
		}
	})
}

// torn hands out values that are not what was kept.
type torn struct {
	cache.Cache

	tear func(value []byte) []byte
}

func (c torn) LookupAll(ctx context.Context, keys []string) []cache.Entry {
	entries := c.Cache.LookupAll(ctx, keys)
	for i := range entries {
		if entries[i].Hit {
			entries[i].Value = c.tear(slices.Clone(entries[i].Value))
		}
	}
	return entries
}

// TestWhatIsNotWholeInTheCacheIsNotThere: be it cut short, longer than it should be, or of another version of this program.
func TestWhatIsNotWholeInTheCacheIsNotThere(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1000, 100)
		s.give(models.OwnerCustomer, s.resale, models.AccountBonus, "CNY", 50, 0)
		want, _ := s.balanceOf(s.user(s.resale), s.resale)
		whole := s.Cache
		length := 0
		tears := []func([]byte) []byte{
			func(value []byte) []byte { length = len(value); return append(value, 0) },
			func(value []byte) []byte { return append([]byte{255}, value[1:]...) },
			func([]byte) []byte { return []byte(`{"c":"CNY","t":"2026-11-21T12:00:00Z","a":[]}`) },
			func([]byte) []byte { return nil },
			func(value []byte) []byte { return bytes.Repeat([]byte{value[0]}, 300) },
			func(value []byte) []byte { return append(value[:1:1], bytes.Repeat([]byte{255}, 40)...) },
		}
		for cut := 1; cut < 40; cut++ {
			tears = append(tears, func(value []byte) []byte { return value[:max(len(value)-cut, 0)] })
		}
		for i, tear := range tears {
			s.Cache = torn{whole.(cache.Cache), tear}
			got, statements := s.balanceOf(s.user(s.resale), s.resale)
			if diff := cmp.Diff(want, got); diff != "" || statements == 0 {
				t.Errorf("%d: %d statements (-want +got):\n%s", i, statements, diff)
			}
		}
		s.Cache = whole
		if _, statements := s.balanceOf(s.user(s.resale), s.resale); statements != 0 || length < 40 {
			t.Errorf("%d statements for what is whole, %d bytes", statements, length)
		}
	})
}

// TestTheCacheOpensNoDoor: what one principal has put into the cache, another one who may not see it does not.
func TestTheCacheOpensNoDoor(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		partners := []models.ID{s.distributor, s.reseller, s.stranger}
		customers := []models.ID{s.resale, s.advisory, s.resellers, s.other}
		callers := map[string]models.Principal{
			"the distributor": s.as(s.distributor), "the reseller": s.as(s.reseller), "the stranger": s.as(s.stranger),
			"a resale customer": s.user(s.resale), "an advisory customer": s.user(s.advisory), "somebody else's": s.user(s.other),
			"an operator": operator,
		}
		// A customer's own user that also names a partner is a customer.
		confused := s.user(s.resale)
		confused.PartnerID, confused.PartnerKind = s.stranger, models.SolutionProvider
		callers["a customer with a partner"] = confused
		for name, who := range callers {
			for _, id := range append(partners, customers...) {
				read := s.CustomerBalances
				if id.Prefix() == models.PrefixPartner {
					read = s.PartnerBalances
				}
				warm := s.Cache
				s.Cache = nil
				before, err := read(context.Background(), who, []models.ID{id})
				s.want(err, "")
				s.Cache = warm
				if _, err := read(context.Background(), operator, []models.ID{id}); err != nil {
					t.Fatal(err)
				}
				after, err := read(context.Background(), who, []models.ID{id})
				s.want(err, "")
				if diff := cmp.Diff(before[id], after[id]); diff != "" || len(before) != len(after) {
					t.Errorf("%s asks for %s: %d answers without the cache, %d with it %s", name, id, len(before), len(after), diff)
				}
			}
		}
		narrow := s.user(s.resale)
		narrow.Permissions = nil
		_, err := s.CustomerBalances(context.Background(), narrow, []models.ID{s.resale})
		s.want(err, "FORBIDDEN")
	})
}

// TestAChangeThatWasNotAnnouncedIsMadeUpFor: the process that made it died right after its commit.
func TestAChangeThatWasNotAnnouncedIsMadeUpFor(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 100, 0)
		s.balanceOf(s.user(s.resale), s.resale)
		alive := s.Ledger.Changed
		s.Ledger.Changed = nil
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 100, 0)
		if got, _ := s.balanceOf(s.user(s.resale), s.resale); got.Version != 1 {
			t.Fatalf("version %d: this test proves nothing when the cache knows already", got.Version)
		}
		s.Ledger.Changed = alive
		s.Ledger.Now = func() time.Time { return noon.Add(2 * time.Second) }
		if _, err := s.Ledger.AnnounceDue(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.balanceOf(s.user(s.resale), s.resale); got.Version != 2 || got.Available != cny(200) {
			t.Errorf("version %d with %s", got.Version, got.Available)
		}
		if n, err := s.DB.NewSelect().Model((*models.BalanceAnnouncement)(nil)).Count(context.Background()); n != 0 || err != nil {
			t.Errorf("%d announcements are left, %v", n, err)
		}
	})
}

// reads is how many balances the long proofs read: a form of seconds, or what the ledger's design asks for.
func reads() int64 {
	if os.Getenv("PARTNERGRAPH_TORTURE") != "" {
		return 1_000_000
	}
	return 10_000
}

// TestTortureReads is R11: balances are read while others write them and the cache forgets. A read
// that begins after a write was acknowledged shows that write, or a later one.
func TestTortureReads(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, storetest.SQLite(t))
		// Room for about three of the balances: the others are evicted all the time.
		s.behind(cachetest.Open(t, "memory:", cache.WithMaxBytes(2000)))
		s.raceReadersAndWriters("memory", func() { time.Sleep(time.Millisecond) })
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, storetest.Postgres(t))
		redis := ownRedis(t)
		s.behind(cachetest.Open(t, redis.URL()))
		s.raceReadersAndWriters("redis", func() {
			time.Sleep(25 * time.Millisecond)
			tell(t, redis, "FLUSHALL")
		})
	})
}

// raceReadersAndWriters reads until there were enough reads, while writers write and disturb is called again and again.
func (s *shop) raceReadersAndWriters(kind string, disturb func()) {
	t := s.t
	s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1_000_000_000, 0)
	boss := s.as(s.distributor)
	owners := []models.ID{s.resale, s.customer(s.distributor, models.NotFrozen), s.customer(s.distributor, models.NotFrozen), s.customer(s.distributor, models.NotFrozen), s.distributor}
	acknowledged := make([]atomic.Int64, len(owners))
	raise := func(at int, version int64) {
		for known := acknowledged[at].Load(); known < version && !acknowledged[at].CompareAndSwap(known, version); {
			known = acknowledged[at].Load()
		}
	}
	var done atomic.Bool
	var writes, count, stale, hits atomic.Int64
	var running, reading sync.WaitGroup
	for writer := range 4 {
		running.Go(func() {
			for i := 0; !done.Load(); i++ {
				moved, err := s.FundCustomer(context.Background(), boss, funds.CustomerMove{
					CustomerID: owners[writer], Amount: decimal.New(1, -2), IdempotencyKey: fmt.Sprint(writer, "-", i),
				})
				if err != nil {
					t.Error(err)
					return
				}
				raise(writer, moved.TargetBalance.Version)
				raise(len(owners)-1, moved.PartnerBalance.Version)
				writes.Add(1)
			}
		})
	}
	running.Go(func() {
		for !done.Load() {
			disturb()
		}
	})
	for reader := range 8 {
		reading.Go(func() {
			for i := reader; count.Add(1) <= reads() && !t.Failed(); i++ {
				at := i % len(owners)
				known := acknowledged[at].Load()
				balance, statements := s.balanceOf(boss, owners[at])
				if balance.Version < known {
					stale.Add(1)
				}
				if statements < 2 {
					hits.Add(1)
				}
			}
		})
	}
	reading.Wait()
	done.Store(true)
	running.Wait()
	if stale.Load() != 0 || hits.Load() == 0 || writes.Load() == 0 {
		t.Errorf("%d stale reads of %d hits against %d writes, want none of many", stale.Load(), hits.Load(), writes.Load())
	}
	s.sound()
	t.Logf("R11 %s: %d reads, %d of them from the cache, against %d writes: %d stale after acknowledge, audit clean: %v", kind, count.Load()-8, hits.Load(), writes.Load(), stale.Load(), !t.Failed())
}

// ownRedis starts a server for this test alone.
func ownRedis(t *testing.T) *servers.Redis {
	t.Helper()
	var own servers.Servers
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	redis, err := own.Redis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return redis
}

// tell sends one command to a Redis server and waits for the answer.
func tell(t *testing.T, redis *servers.Redis, command string) {
	t.Helper()
	address, err := url.Parse(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", address.Host)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}
