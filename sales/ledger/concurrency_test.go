package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// inParallel runs fn n times at once and returns what it returned.
func inParallel[T any](n int, fn func(i int) T) []T {
	answers := make([]T, n)
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-start
			answers[i] = fn(i)
		})
	}
	close(start)
	done.Wait()
	return answers
}

func count(errs []error, target error) int {
	n := 0
	for _, err := range errs {
		if errors.Is(err, target) {
			n++
		}
	}
	return n
}

// R6: 100 in the account, 64 clients that together ask for 640.
func TestConcurrentDebitsNeverOverdraw(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		_, err := b.move(world, alice, 100)
		b.must(err)
		errs := slices.Concat(inParallel(64, func(int) []error {
			var errs []error
			for range 10 {
				_, err := b.move(alice, world, 1)
				errs = append(errs, err)
			}
			return errs
		})...)
		if done, refused := count(errs, nil), count(errs, ledger.ErrInsufficientBalance); done != 100 || refused != 540 {
			t.Errorf("%d succeeded and %d were refused of %d", done, refused, len(errs))
		}
		var lowest int64
		b.must(db.NewSelect().Model((*models.Entry)(nil)).ColumnExpr("MIN(balance_after_minor)").Where("account_id = ?", alice).Scan(context.Background(), &lowest))
		if balance := b.row(alice).BalanceMinor; balance != 0 || lowest != 0 {
			t.Errorf("the balance is %d and was %d at its lowest", balance, lowest)
		}
		b.sound()
	})
}

type payment struct{ Amount int64 }
type receipt struct{ TransferID models.ID }

// pay moves money from an account to the world under a key.
func (b *book) pay(who models.Principal, key, operation string, from, to models.ID, input payment) (receipt, error) {
	var got receipt
	err := b.tx(func(ctx context.Context, tx bun.Tx) error {
		return b.Once(ctx, tx, who, key, operation, input, func() (any, error) {
			transfer, _, err := b.Post(ctx, tx, who, ledger.Posting{
				Kind: models.TransferPayment, Legs: []ledger.Leg{{from, -input.Amount}, {to, input.Amount}},
			})
			return receipt{transfer.ID}, err
		}, &got)
	})
	return got, err
}

// R4: one key 50 times at once.
func TestOneKeyHasOneEffect(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		_, err := b.move(world, alice, 1000)
		b.must(err)
		answers := inParallel(50, func(int) receipt {
			got, err := b.pay(payer, "key 1", "pay", alice, world, payment{10})
			if err != nil {
				t.Errorf("one of 50 equal calls: %v", err)
			}
			return got
		})
		again, err := b.pay(payer, "key 1", "pay", alice, world, payment{10})
		b.must(err)
		for _, answer := range answers {
			if answer != again || answer.TransferID == "" {
				t.Fatalf("answers differ: %v and %v", answer, again)
			}
		}
		if balance := b.row(alice).BalanceMinor; balance != 990 {
			t.Errorf("the balance is %d, want 990", balance)
		}
		if r := b.sound(); r.Keys != 1 || r.Transfers != 2 {
			t.Errorf("the audit found %+v", r)
		}
	})
}

func TestKeysAreKeptApart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		_, err := b.move(world, alice, 1000)
		b.must(err)
		first, err := b.pay(payer, "k", "pay", alice, world, payment{10})
		b.must(err)
		other := payer
		other.CustomerID = "cus_01h455vb4pex5vsknk084sn02r"
		sibling := payer
		sibling.UserID = "usr_01h455vb4pex5vsknk084sn02r"
		for name, tt := range map[string]struct {
			who       models.Principal
			key       string
			operation string
			amount    int64
			code      models.Code
			replayed  bool
		}{
			"the same again":             {payer, "k", "pay", 10, "", true},
			"a colleague's repetition":   {sibling, "k", "pay", 10, "", true},
			"another body":               {payer, "k", "pay", 11, models.CodeConflict, false},
			"another operation":          {payer, "k", "fund", 10, models.CodeConflict, false},
			"another organisation's key": {other, "k", "pay", 10, "", false},
			"another key":                {payer, "K", "pay", 10, "", false},
			"a key of 128":               {payer, string(make128()), "pay", 10, "", false},
			"a key of 129":               {payer, string(make128()) + "x", "pay", 10, models.CodeInvalid, false},
			"no key":                     {payer, "", "pay", 10, models.CodeInvalid, false},
			"a key with a line break":    {payer, "a\nb", "pay", 10, models.CodeInvalid, false},
			"a key beyond ASCII":         {payer, "ключ", "pay", 10, models.CodeInvalid, false},
			"nobody's key":               {models.Principal{}, "k", "pay", 10, models.CodeUnauthenticated, false},
		} {
			got, err := b.pay(tt.who, tt.key, tt.operation, alice, world, payment{tt.amount})
			if models.CodeOf(err) != tt.code {
				t.Errorf("%s: got %v, want %q", name, err, tt.code)
			}
			if err == nil && (got == first) != tt.replayed {
				t.Errorf("%s: replayed = %v, want %v", name, got == first, tt.replayed)
			}
		}
		b.sound()
	})
}

func make128() []byte { return slices.Repeat([]byte("~"), 128) }

func TestARefusalFreesItsKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		if _, err := b.pay(payer, "k", "pay", alice, world, payment{10}); !errors.Is(err, ledger.ErrInsufficientBalance) {
			t.Fatalf("got %v", err)
		}
		_, err := b.move(world, alice, 10)
		b.must(err)
		if _, err := b.pay(payer, "k", "pay", alice, world, payment{10}); err != nil {
			t.Errorf("the same key after the recharge: %v", err)
		}
		b.sound()
	})
}

// TestTortureRandomLegs is R8: legs in random order over few accounts, 32 clients on as many connections. Nothing but
// INSUFFICIENT_BALANCE may come back, nothing may wait for long, and the server must not have seen a deadlock: one that is
// retried is one.
func TestTortureRandomLegs(t *testing.T) {
	t.Parallel()
	const clients = 32
	lasting := sized(10*time.Second, 10*time.Minute)
	url := storetest.PostgresURL(t)
	db := storetest.Open(t, url, store.WithMaxOpen(clients))
	b := newBook(t, db)
	accounts := []models.ID{b.account("world", models.CNY)}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		accounts = append(accounts, b.account(name, models.CNY))
		_, err := b.move(accounts[0], accounts[len(accounts)-1], 10_000)
		b.must(err)
	}
	until := time.Now().Add(lasting)
	slowest := slices.Max(inParallel(clients, func(i int) time.Duration {
		random := rand.New(rand.NewPCG(uint64(i), uint64(until.UnixNano())))
		var slowest time.Duration
		for time.Now().Before(until) {
			began := time.Now()
			_, _, err := b.post(ledger.Posting{Legs: randomLegs(random, accounts)})
			slowest = max(slowest, time.Since(began))
			if err != nil && !errors.Is(err, ledger.ErrInsufficientBalance) {
				t.Errorf("random legs: %v", err)
			}
		}
		return slowest
	}))
	// Beside the short form the tests of other packages want the same processors.
	if slowest > sized(20*time.Second, 5*time.Second) {
		t.Errorf("one posting took %s", slowest)
	}
	transfers := b.sound().Transfers
	// A session reports what it saw at its end, a moment later.
	b.must(db.Close())
	after, deadlocks := storetest.Open(t, url, store.WithMaxOpen(1)), -1
	for range 20 {
		time.Sleep(50 * time.Millisecond)
		b.must(after.NewRaw("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(context.Background(), &deadlocks))
	}
	if deadlocks != 0 {
		t.Errorf("%d deadlocks", deadlocks)
	}
	t.Logf("R8 postgres: %d transfers of random legs by %d clients in %s: deadlocks %d, slowest %s, audit clean: %v",
		transfers, clients, lasting, deadlocks, slowest.Round(time.Millisecond), !t.Failed())
}

func randomLegs(random *rand.Rand, accounts []models.ID) []ledger.Leg {
	var legs []ledger.Leg
	sum := int64(0)
	for _, i := range random.Perm(len(accounts))[:2+random.IntN(4)] {
		legs = append(legs, ledger.Leg{AccountID: accounts[i], AmountMinor: 1 + random.Int64N(50)})
		sum += legs[len(legs)-1].AmountMinor
	}
	legs[0].AmountMinor -= sum
	return legs
}

// A transaction that locks all its accounts first may post as often as it likes.
func TestLockTakesAccountsInOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		ids := []models.ID{b.account("a", models.CNY), b.account("b", models.CNY), b.account("c", models.CNY)}
		slices.Sort(ids)
		b.must(b.tx(func(ctx context.Context, tx bun.Tx) error {
			locked, err := b.Lock(ctx, tx, ids[2], ids[0], ids[2], ids[1])
			var got []models.ID
			for _, account := range locked {
				got = append(got, account.ID)
			}
			if diff := cmp.Diff(ids, got); diff != "" {
				t.Errorf("locked (-want +got):\n%s", diff)
			}
			return err
		}))
		err := b.tx(func(ctx context.Context, tx bun.Tx) error { _, err := b.Lock(ctx, tx, "acc_none"); return err })
		if !errors.Is(err, ledger.ErrAccountUnknown) {
			t.Errorf("an unknown account: %v", err)
		}
	})
}
