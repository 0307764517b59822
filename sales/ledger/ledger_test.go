package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

var payer = models.Principal{Kind: models.CustomerUser, CustomerID: "cus_01h455vb4pex5vsknk084sn02q", UserID: "usr_01h455vb4pex5vsknk084sn02q", RequestID: "r-1"}

// book is a ledger with a clock that the test moves.
type book struct {
	*ledger.Service
	t   testing.TB
	now time.Time
}

func newBook(t testing.TB, db *store.DB) *book {
	b := &book{t: t, now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	b.Service = &ledger.Service{DB: db, Now: func() time.Time { return b.now }, IDs: models.RandomIDs()}
	return b
}

func (b *book) tx(fn func(ctx context.Context, tx bun.Tx) error) error {
	return b.DB.InTx(context.Background(), fn)
}

// account opens an account with a floor of zero, or without one for the world.
func (b *book) account(owner string, asset models.Currency) models.ID {
	b.t.Helper()
	spec := ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: owner, Kind: models.AccountBalance, Asset: string(asset), Floor: new(int64)}
	if owner == "world" {
		spec = ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: owner, Kind: models.AccountWorld, Asset: string(asset)}
	}
	return b.open(spec).ID
}

func (b *book) open(spec ledger.AccountSpec) models.Account {
	b.t.Helper()
	var account models.Account
	b.must(b.tx(func(ctx context.Context, tx bun.Tx) (err error) {
		account, err = b.Open(ctx, tx, spec)
		return err
	}))
	return account
}

func (b *book) post(p ledger.Posting) (models.Transfer, []models.Account, error) {
	if p.Kind == "" {
		p.Kind = models.TransferAdjust
	}
	var transfer models.Transfer
	var after []models.Account
	err := b.tx(func(ctx context.Context, tx bun.Tx) (err error) {
		transfer, after, err = b.Post(ctx, tx, payer, p)
		return err
	})
	return transfer, after, err
}

// move posts one amount from an account to another.
func (b *book) move(from, to models.ID, amount int64) (models.Transfer, error) {
	transfer, _, err := b.post(ledger.Posting{Legs: []ledger.Leg{{from, -amount}, {to, amount}}})
	return transfer, err
}

func (b *book) row(id models.ID) models.Account {
	b.t.Helper()
	var account models.Account
	b.must(b.DB.NewSelect().Model(&account).Where("acc.id = ?", id).Scan(context.Background()))
	return account
}

func (b *book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// sound fails the test when an invariant is broken.
func (b *book) sound() ledger.Report {
	b.t.Helper()
	report, err := b.Audit(context.Background())
	b.must(err)
	if report.Breaches() != 0 {
		b.t.Fatalf("the audit found breaches: %+v", report)
	}
	return report
}

func TestPostMovesBalancesAndNumbersEntries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice, bob := b.account("world", models.CNY), b.account("alice", models.CNY), b.account("bob", models.CNY)
		recharge, err := b.move(world, alice, 1000)
		b.must(err)
		b.now = b.now.Add(time.Minute)
		transfer, after, err := b.post(ledger.Posting{
			Kind: models.TransferPayment, OrderID: "ord_01h455vb4pex5vsknk084sn02q", Reason: "why",
			Legs: []ledger.Leg{{bob, 250}, {alice, -300}, {world, 50}},
		})
		b.must(err)

		if transfer.ActorID != payer.ActorID() || transfer.RequestID != "r-1" || transfer.Reason != "why" || transfer.ID == recharge.ID {
			t.Errorf("the transfer does not say who, why or which: %+v", transfer)
		}
		if !slices.IsSortedFunc(after, func(a, b models.Account) int { return cmpIDs(a.ID, b.ID) }) {
			t.Error("the accounts after are not in the order of their ids")
		}
		for _, account := range after {
			stored := b.row(account.ID)
			stored.CreatedAt, stored.UpdatedAt = stored.CreatedAt.UTC(), stored.UpdatedAt.UTC()
			account.CreatedAt, account.UpdatedAt = account.CreatedAt.UTC(), account.UpdatedAt.UTC()
			if diff := cmp.Diff(stored, account); diff != "" {
				t.Errorf("the account after differs from its row (-row +after):\n%s", diff)
			}
		}
		got := []int64{b.row(world).BalanceMinor, b.row(alice).BalanceMinor, b.row(bob).BalanceMinor, b.row(alice).Version, b.row(bob).Version}
		if diff := cmp.Diff([]int64{-950, 700, 250, 2, 1}, got); diff != "" {
			t.Errorf("balances and versions (-want +got):\n%s", diff)
		}
		if r := b.sound(); r.Transfers != 2 || r.Entries != 5 || r.Accounts != 3 {
			t.Errorf("the audit looked at %+v", r)
		}

		for _, at := range []struct {
			when time.Time
			want int64
		}{{b.now.Add(-time.Hour), 0}, {b.now.Add(-time.Minute), 1000}, {b.now.Add(-time.Second), 1000}, {b.now, 700}, {b.now.Add(time.Hour), 700}} {
			if balance, err := b.BalanceAt(context.Background(), db, alice, at.when); err != nil || balance != at.want {
				t.Errorf("balance at %s = %d, %v; want %d", at.when, balance, err, at.want)
			}
		}
	})
}

func cmpIDs(a, b models.ID) int {
	if a < b {
		return -1
	}
	return 1
}

func TestPostRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice, bob, dollars := b.account("world", models.CNY), b.account("alice", models.CNY), b.account("bob", models.CNY), b.account("alice", models.USD)
		_, err := b.move(world, alice, 100)
		b.must(err)
		tooMany := []ledger.Leg{}
		for i := range ledger.MaxLegs + 1 {
			tooMany = append(tooMany, ledger.Leg{models.ID(fmt.Sprintf("acc_%d", i)), 1})
		}
		for name, tt := range map[string]struct {
			legs  []ledger.Leg
			code  models.Code
			field string
		}{
			"no legs":             {nil, models.CodeInvalid, "legs"},
			"one leg":             {[]ledger.Leg{{alice, -1}}, models.CodeInvalid, "legs"},
			"too many legs":       {tooMany, models.CodeInvalid, "legs"},
			"a zero amount":       {[]ledger.Leg{{alice, 0}, {bob, 0}}, models.CodeInvalid, "amount"},
			"a sum above zero":    {[]ledger.Leg{{alice, -1}, {bob, 2}}, models.CodeInvalid, "legs"},
			"one account twice":   {[]ledger.Leg{{alice, -1}, {alice, 1}}, models.CodeInvalid, "legs"},
			"two currencies":      {[]ledger.Leg{{alice, -1}, {dollars, 1}}, models.CodeInvalid, "legs"},
			"an amount too large": {[]ledger.Leg{{world, -models.MaxMinor - 1}, {alice, models.MaxMinor + 1}}, models.CodeInvalid, "amount"},
			"the lowest integer":  {[]ledger.Leg{{world, -1 << 63}, {alice, 1}}, models.CodeInvalid, "amount"},
			"an unknown account":  {[]ledger.Leg{{alice, -1}, {"acc_01h455vb4pex5vsknk084sn02q", 1}}, models.CodeNotFound, ""},
			"more than there is":  {[]ledger.Leg{{alice, -101}, {bob, 101}}, models.CodeInsufficientBalance, ""},
			"spending its credit": {[]ledger.Leg{{bob, -1}, {alice, 1}}, models.CodeInsufficientBalance, ""},
		} {
			_, _, err := b.post(ledger.Posting{Legs: tt.legs})
			var refusal *models.Error
			if !errors.As(err, &refusal) || refusal.Code != tt.code || refusal.Field != tt.field {
				t.Errorf("%s: got %v (%+v), want %s of %q", name, err, refusal, tt.code, tt.field)
			}
		}
		if got := b.sound(); got.Transfers != 1 {
			t.Errorf("a refused posting left a transfer: %+v", got)
		}
	})
}

func TestPostRefusesToOverflowABalance(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		_, err := db.NewUpdate().Model((*models.Account)(nil)).Set("balance_minor = ?", int64(999_999_999_999_999_999)).
			Where("id = ?", alice).Exec(context.Background())
		b.must(err)
		if _, err := b.move(world, alice, 2); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("one over the largest balance: got %v, want INVALID", err)
		}
		if _, err := b.move(world, alice, 1); err != nil {
			t.Errorf("the largest balance itself: %v", err)
		}
	})
}

func TestInsufficientBalanceSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		_, err := b.move(world, alice, 10_000)
		b.must(err)
		_, err = db.NewUpdate().Model((*models.Account)(nil)).Set("earmarked_minor = 2550").Where("id = ?", alice).Exec(context.Background())
		b.must(err)
		b.must(b.tx(func(ctx context.Context, tx bun.Tx) error {
			_, _, err := b.Place(ctx, tx, ledger.PlaceHold{AccountID: alice, AmountMinor: 1000, ExpiresAt: b.now.Add(time.Hour)})
			return err
		}))

		_, err = b.move(alice, world, 6451)
		var refusal *models.Error
		if !errors.As(err, &refusal) || !errors.Is(err, ledger.ErrInsufficientBalance) {
			t.Fatalf("got %v, want INSUFFICIENT_BALANCE", err)
		}
		if diff := cmp.Diff(map[string]any{"available": "64.50", "required": "64.51", "currency": "CNY"}, refusal.Details); diff != "" {
			t.Errorf("details (-want +got):\n%s", diff)
		}
		if _, err := b.move(alice, world, 6450); err != nil {
			t.Errorf("spending all that is available: %v", err)
		}
		b.sound()
	})
}

func TestCreditLineIsSpendableDownToItsFloor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		floor := int64(-500)
		credit := b.open(ledger.AccountSpec{OwnerKind: models.OwnerPartner, OwnerID: "p", Kind: models.AccountCredit, Asset: "CNY", Floor: &floor})
		world := b.account("world", models.CNY)
		if _, err := b.move(credit.ID, world, 501); !errors.Is(err, ledger.ErrInsufficientBalance) {
			t.Errorf("below the floor: %v", err)
		}
		if _, err := b.move(credit.ID, world, 500); err != nil {
			t.Errorf("to the floor: %v", err)
		}
		b.sound()
	})
}

func TestOpenGivesEveryoneTheSameAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		ids := inParallel(16, func(int) models.ID { return b.account("alice", models.CNY) })
		for _, id := range ids {
			if id != ids[0] || id == "" {
				t.Fatalf("two accounts for one owner: %v", ids)
			}
		}
		if b.account("alice", models.USD) == ids[0] {
			t.Error("two assets share an account")
		}
		for name, spec := range map[string]ledger.AccountSpec{
			"no owner":         {OwnerKind: models.OwnerCloud, Kind: models.AccountWorld, Asset: "CNY"},
			"no kind":          {OwnerKind: models.OwnerCloud, OwnerID: "x", Asset: "CNY"},
			"no asset":         {OwnerKind: models.OwnerCloud, OwnerID: "x", Kind: models.AccountWorld},
			"floor above zero": {OwnerKind: models.OwnerCloud, OwnerID: "x", Kind: models.AccountWorld, Asset: "CNY", Floor: ptr(int64(1))},
		} {
			err := b.tx(func(ctx context.Context, tx bun.Tx) error { _, err := b.Open(ctx, tx, spec); return err })
			if models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: got %v, want INVALID", name, err)
			}
		}
	})
}

func TestAccountsAreFoundByOwnerAndKind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		alice, bob, world := b.account("alice", models.CNY), b.account("bob", models.CNY), b.account("world", models.CNY)
		for _, tt := range []struct {
			owners []string
			kinds  []models.AccountKind
			want   []models.ID
		}{
			{nil, nil, nil},
			{[]string{"nobody"}, nil, nil},
			{[]string{"world", "bob", "alice"}, nil, []models.ID{alice, bob, world}},
			{[]string{"world", "alice"}, []models.AccountKind{models.AccountBalance}, []models.ID{alice}},
		} {
			found, err := b.Accounts(context.Background(), db, tt.owners, tt.kinds...)
			b.must(err)
			var got []models.ID
			for _, account := range found {
				got = append(got, account.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("accounts of %v, %v (-want +got):\n%s", tt.owners, tt.kinds, diff)
			}
		}
	})
}

// A server whose clock is behind must not write an entry that is older than the one before it.
func TestEntriesStayInOrderWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		_, err := b.move(world, alice, 100)
		b.must(err)
		latest := b.now
		b.now = b.now.Add(-time.Hour)
		_, err = b.move(world, alice, 10)
		b.must(err)
		if balance, err := b.BalanceAt(context.Background(), db, alice, latest.Add(-time.Minute)); err != nil || balance != 0 {
			t.Errorf("balance before the first entry = %d, %v", balance, err)
		}
		if balance, err := b.BalanceAt(context.Background(), db, alice, latest); err != nil || balance != 110 {
			t.Errorf("balance at the latest entry = %d, %v, want 110", balance, err)
		}
	})
}

func TestReverseHappensOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice, bob := b.account("world", models.CNY), b.account("alice", models.CNY), b.account("bob", models.CNY)
		_, err := b.move(world, alice, 100)
		b.must(err)
		gift, err := b.move(alice, bob, 60)
		b.must(err)
		reverse := func(id models.ID) (reversal models.Transfer, err error) {
			err = b.tx(func(ctx context.Context, tx bun.Tx) error {
				reversal, _, err = b.Reverse(ctx, tx, payer, id, "mistake")
				return err
			})
			return reversal, err
		}

		answers := inParallel(20, func(int) error { _, err := reverse(gift.ID); return err })
		if done := count(answers, nil); done != 1 || count(answers, ledger.ErrAlreadyReversed) != 19 {
			t.Errorf("20 reversals at once: %d took effect: %v", done, answers)
		}
		if a, c := b.row(alice).BalanceMinor, b.row(bob).BalanceMinor; a != 100 || c != 0 {
			t.Errorf("after the reversal alice has %d and bob %d", a, c)
		}
		var reversal models.Transfer
		b.must(db.NewSelect().Model(&reversal).Where("t.reverses_id = ?", gift.ID).Scan(context.Background()))
		if _, err := reverse(reversal.ID); !errors.Is(err, ledger.ErrNotReversible) {
			t.Errorf("reversing a reversal: %v", err)
		}
		if _, err := reverse("trf_01h455vb4pex5vsknk084sn02q"); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("reversing nothing: %v", err)
		}
		spent, err := b.move(alice, bob, 40)
		b.must(err)
		_, err = b.move(bob, world, 1)
		b.must(err)
		if _, err := reverse(spent.ID); !errors.Is(err, ledger.ErrInsufficientBalance) {
			t.Errorf("reversing what has been spent: %v", err)
		}
		b.sound()
	})
}

func TestAuditSeesEveryBreach(t *testing.T) {
	t.Parallel()
	const order = "ord_01h455vb4pex5vsknk084sn02q"
	for name, tt := range map[string]struct {
		harm string
		seen func(r ledger.Report) int
	}{
		"a changed balance":   {`UPDATE accounts SET balance_minor = balance_minor + 1 WHERE owner_id = 'alice'`, func(r ledger.Report) int { return r.WrongBalances }},
		"a changed amount":    {`UPDATE entries SET amount_minor = 101 WHERE amount_minor = 100`, func(r ledger.Report) int { return min(r.UnbalancedTransfers, r.UnbalancedAssets, r.WrongBalances) }},
		"a wrong total":       {`UPDATE entries SET balance_after_minor = 99 WHERE amount_minor = 100`, func(r ledger.Report) int { return r.WrongRunningTotals }},
		"a lost entry":        {`DELETE FROM entries WHERE amount_minor = 100`, func(r ledger.Report) int { return min(r.UnbalancedTransfers, r.VersionGaps) }},
		"lost entries":        {`DELETE FROM entries`, func(r ledger.Report) int { return r.UnbalancedTransfers }},
		"a strange asset":     {`UPDATE entries SET asset = 'USD'`, func(r ledger.Report) int { return r.LostEntries }},
		"a gap in versions":   {`UPDATE entries SET version = 3 WHERE amount_minor = 30`, func(r ledger.Report) int { return r.VersionGaps }},
		"an entry too old":    {`UPDATE entries SET created_at = '2026-11-21 07:59:59.999999+00:00' WHERE amount_minor = 30`, func(r ledger.Report) int { return r.OutOfOrder }},
		"a balance too low":   {`UPDATE entries SET balance_after_minor = -1 WHERE amount_minor = 100`, func(r ledger.Report) int { return r.BelowFloor }},
		"held without a hold": {`UPDATE accounts SET held_minor = 1 WHERE owner_id = 'alice'`, func(r ledger.Report) int { return r.WrongHeld }},
		"a key unanswered":    {`INSERT INTO idempotency_keys SELECT 's', 'k', 'o', answer, answer, created_at FROM (SELECT CAST('' AS BLOB) AS answer, created_at FROM accounts LIMIT 1) AS x`, func(r ledger.Report) int { return r.UnansweredKeys }},
		"too much paid back":  {`UPDATE transfers SET order_id = '` + order + `', kind = CASE kind WHEN 'RECHARGE' THEN 'ORDER_REFUND' ELSE 'ORDER_PAYMENT' END`, func(r ledger.Report) int { return r.OverRefunded }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t, storetest.SQLite(t))
			world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
			_, _, err := b.post(ledger.Posting{Kind: models.TransferRecharge, Legs: []ledger.Leg{{world, -100}, {alice, 100}}})
			b.must(err)
			_, err = b.move(alice, world, 30)
			b.must(err)
			b.sound()
			_, err = b.DB.ExecContext(context.Background(), tt.harm)
			b.must(err)
			report, err := b.Audit(context.Background())
			b.must(err)
			if tt.seen(report) == 0 {
				t.Errorf("not seen: %+v", report)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }
