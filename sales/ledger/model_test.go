package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// sized is how much of something a proof does: much with PARTNERGRAPH_TORTURE=1 (make torture).
func sized[T any](short, much T) T {
	if os.Getenv("PARTNERGRAPH_TORTURE") != "" {
		return much
	}
	return short
}

// dice draws a number from 0 to n-1; the label says for what.
type dice func(n int, label string) int

// duel is a ledger and its oracle, which are told the same.
type duel struct {
	*book
	*oracle
	draw     dice
	accounts []models.ID // in the order of making, as are all ids here, so that a seed says everything
	holds    []models.ID
	done     []models.ID
	keys     []string
	run      string
	refused  int
}

func newDuel(b *book, draw dice) *duel {
	d := &duel{book: b, oracle: newOracle(), draw: draw, run: string(models.RandomIDs()("run"))}
	for _, asset := range []models.Currency{models.CNY, models.USD} {
		line := int64(-40)
		for _, spec := range []ledger.AccountSpec{
			{OwnerKind: models.OwnerCloud, OwnerID: d.run, Kind: models.AccountWorld},
			{OwnerKind: models.OwnerCustomer, OwnerID: d.run + "a", Kind: models.AccountBalance, Floor: new(int64)},
			{OwnerKind: models.OwnerCustomer, OwnerID: d.run + "b", Kind: models.AccountBalance, Floor: new(int64)},
			{OwnerKind: models.OwnerCustomer, OwnerID: d.run + "b", Kind: models.AccountCredit, Floor: &line},
		} {
			spec.Asset = string(asset)
			id := b.open(spec).ID
			d.accounts = append(d.accounts, id)
			d.oracle.accounts[id] = &balance{asset: spec.Asset, floor: spec.Floor}
		}
	}
	return d
}

// The ledger and its oracle in small steps that rapid shrinks when they part, with a whole audit after every one.
func TestLedgerAgreesWithItsOracle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			d := newDuel(newBook(t, db), func(n int, label string) int { return rapid.IntRange(0, n-1).Draw(rt, label) })
			for range rapid.IntRange(1, 8).Draw(rt, "operations") {
				if err := errors.Join(d.step(), d.compare()); err != nil {
					rt.Fatal(err)
				}
				if report, err := d.Audit(context.Background()); err != nil || report.Breaches() != 0 {
					rt.Fatalf("the audit found %+v, %v", report, err)
				}
			}
		})
	})
}

// TestTortureOracle is R16: random operations on both, one engine and one database after the other. After every one the
// touched accounts are audited from their rows, all of them, and the whole ledger after every hundredth.
func TestTortureOracle(t *testing.T) {
	t.Parallel()
	const batch = 1000
	// Together 10^4 in the short form, most of them where they cost least.
	for _, engine := range []struct {
		name       string
		open       func(*testing.T) *store.DB
		operations int
	}{{"sqlite", storetest.SQLite, sized(8_000, 1_000_000)}, {"postgres", storetest.Postgres, sized(2_000, 1_000_000)}} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			began, seed, refused, audits := time.Now(), uint64(time.Now().UnixNano()), 0, 0
			for n := range engine.operations / batch {
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					random := rand.New(rand.NewPCG(seed, uint64(n)))
					d := newDuel(newBook(t, engine.open(t)), func(n int, _ string) int { return random.IntN(n) })
					for i := range batch {
						if err := errors.Join(d.step(), d.compare()); err != nil {
							t.Fatalf("seed %d, batch %d, operation %d: %v", seed, n, i, err)
						}
						if i%100 == 99 {
							d.sound()
							audits++
						}
					}
					refused += d.refused
				})
			}
			t.Logf("R16 %s: %d operations with their oracle, %d of them refused by both, every account audited after every one and the whole ledger %d times, "+
				"identical: %v, seed %d, %s", engine.name, engine.operations, refused, audits, !t.Failed(), seed, time.Since(began).Round(time.Millisecond))
		})
	}
}

// step does one operation on both and says when they answer differently.
func (d *duel) step() error {
	d.now = d.now.Add(time.Duration(d.draw(90, "seconds")-2) * time.Second)
	operation := []string{"post", "post", "post", "once", "again", "place", "place", "post hold", "void", "expire", "reverse"}[d.draw(11, "operation")]
	var want string
	var err error
	switch operation {
	case "post":
		want, err = d.stepPost()
	case "once":
		want, err = d.stepOnce(fmt.Sprintf("%s-%d", d.run, len(d.keys)), d.legs())
	case "again":
		want, err = d.stepAgain()
	case "place":
		want, err = d.stepPlace()
	case "post hold":
		want, err = d.stepPostHold()
	case "void":
		if len(d.holds) > 0 {
			id := d.holds[d.draw(len(d.holds), "hold")]
			want, err = d.oracle.void(id), d.book.void(id)
		}
	case "expire":
		err = d.stepExpire()
	case "reverse":
		want, err = d.stepReverse()
	}
	if got := refusalOf(err); got != want {
		return fmt.Errorf("%s: the ledger says %q (%w), the oracle %q", operation, got, err, want)
	}
	if want != "" {
		d.refused++
	}
	return nil
}

func (d *duel) stepPost() (string, error) {
	legs := d.legs()
	want := d.oracle.post(legs, nil)
	transfer, _, err := d.book.post(ledger.Posting{Legs: legs})
	d.remember(transfer, legs, err)
	return want, err
}

func (d *duel) stepOnce(key string, legs []ledger.Leg) (string, error) {
	want, before := d.oracle.once(key, legs)
	var got receipt
	var transfer models.Transfer
	ran := false
	err := d.tx(func(ctx context.Context, tx bun.Tx) error {
		return d.Once(ctx, tx, payer, key, "oracle", legs, func() (_ any, err error) {
			ran = true
			transfer, _, err = d.Post(ctx, tx, payer, ledger.Posting{Kind: models.TransferAdjust, Legs: legs})
			return receipt{transfer.ID}, err
		}, &got)
	})
	if err == nil && before != "" && (ran || got.TransferID != before) {
		return want, fmt.Errorf("the key ran again: %v; it answers %s and answered %s", ran, got.TransferID, before)
	}
	if err == nil && before == "" {
		d.remember(transfer, legs, nil)
		d.keys = append(d.keys, key)
		d.oracle.keys[key] = used{legs, transfer.ID}
	}
	return want, err
}

// stepAgain repeats a key, mostly with its own request.
func (d *duel) stepAgain() (string, error) {
	if len(d.keys) == 0 {
		return "", nil
	}
	key := d.keys[d.draw(len(d.keys), "key")]
	legs := slices.Clone(d.oracle.keys[key].legs)
	if d.draw(4, "another body") == 0 {
		legs[0].AmountMinor++
	}
	return d.stepOnce(key, legs)
}

func (d *duel) stepPlace() (string, error) {
	p := ledger.PlaceHold{
		AccountID: d.accounts[d.draw(len(d.accounts), "account")], AmountMinor: int64(1 + d.draw(60, "amount")),
		ExpiresAt: d.now.Add(time.Duration(1+d.draw(600, "lifetime")) * time.Second),
	}
	want := d.oracle.place(p.AccountID, p.AmountMinor)
	var hold models.Hold
	err := d.tx(func(ctx context.Context, tx bun.Tx) (err error) {
		hold, _, err = d.Place(ctx, tx, p)
		return err
	})
	if err == nil {
		d.holds = append(d.holds, hold.ID)
		d.oracle.holds[hold.ID] = &reserved{account: p.AccountID, amount: p.AmountMinor, expires: p.ExpiresAt}
	}
	return want, err
}

// stepPostHold posts a hold for all of it, less, or more than there is, to some account of the same asset.
func (d *duel) stepPostHold() (string, error) {
	if len(d.holds) == 0 {
		return "", nil
	}
	id := d.holds[d.draw(len(d.holds), "hold")]
	hold := d.oracle.holds[id]
	half := len(d.accounts) / 2
	others := slices.DeleteFunc(slices.Clone(d.accounts[slices.Index(d.accounts, hold.account)/half*half:][:half]), func(a models.ID) bool { return a == hold.account })
	amount := int64(1 + d.draw(int(hold.amount)+3, "amount"))
	legs := []ledger.Leg{{AccountID: hold.account, AmountMinor: -amount}, {AccountID: others[d.draw(len(others), "to")], AmountMinor: amount}}
	want := d.oracle.postHold(id, legs, d.now)
	var transfer models.Transfer
	err := d.tx(func(ctx context.Context, tx bun.Tx) (err error) {
		transfer, _, err = d.PostHold(ctx, tx, payer, id, ledger.Posting{Kind: models.TransferAdjust, Legs: legs})
		return err
	})
	d.remember(transfer, legs, err)
	return want, err
}

func (d *duel) stepExpire() error {
	want, got := d.oracle.expire(d.now), 0
	err := d.tx(func(ctx context.Context, tx bun.Tx) error {
		ended, _, err := d.Expire(ctx, tx, 1000)
		got = len(ended)
		return err
	})
	if err == nil && got < want { // others' holds of the same database may end as well
		return fmt.Errorf("%d holds expired, want %d", got, want)
	}
	return err
}

func (d *duel) stepReverse() (string, error) {
	if len(d.done) == 0 {
		return "", nil
	}
	id := d.done[d.draw(len(d.done), "transfer")]
	want, legs := d.oracle.reverse(id)
	var transfer models.Transfer
	err := d.tx(func(ctx context.Context, tx bun.Tx) (err error) {
		transfer, _, err = d.Reverse(ctx, tx, payer, id, "oracle")
		return err
	})
	d.remember(transfer, legs, err)
	if err == nil {
		d.oracle.transfers[transfer.ID].reversal = true
	}
	return want, err
}

func (d *duel) remember(transfer models.Transfer, legs []ledger.Leg, err error) {
	if err == nil {
		d.done = append(d.done, transfer.ID)
		d.oracle.transfers[transfer.ID] = &moved{legs: legs}
	}
}

// compare holds every account's row, and what its entries and holds add up to, against the oracle, with one statement.
func (d *duel) compare() error {
	var rows []struct {
		ID                                                          models.ID
		BalanceMinor, HeldMinor, Version, Sum, Last, Entries, Aside int64
	}
	err := d.DB.NewRaw(`SELECT a.id, a.balance_minor, a.held_minor, a.version,
		(SELECT COALESCE(SUM(e.amount_minor), 0) FROM entries AS e WHERE e.account_id = a.id) AS sum,
		(SELECT COALESCE(MAX(e.balance_after_minor), 0) FROM entries AS e WHERE e.account_id = a.id AND e.version = a.version) AS last,
		(SELECT COUNT(*) FROM entries AS e WHERE e.account_id = a.id) AS entries,
		(SELECT COALESCE(SUM(h.amount_minor), 0) FROM holds AS h WHERE h.account_id = a.id AND h.state = 'PENDING') AS aside
		FROM accounts AS a WHERE a.id IN (?)`, bun.List(d.accounts)).Scan(context.Background(), &rows)
	if err != nil {
		return err
	}
	if len(rows) != len(d.accounts) {
		return fmt.Errorf("%d accounts, want %d", len(rows), len(d.accounts))
	}
	for _, row := range rows {
		want := d.oracle.accounts[row.ID]
		got := [...]int64{row.BalanceMinor, row.Sum, row.Last, row.HeldMinor, row.Aside, row.Version, row.Entries}
		if got != [...]int64{want.amount, want.amount, want.amount, want.held, want.held, want.entries, want.entries} {
			return fmt.Errorf("%s has balance, sum, last, held, holds, version, entries %v; the oracle %+v", row.ID, got, *want)
		}
	}
	return nil
}

// legs mostly balance; some repeat an account, mix assets or miss by one.
func (d *duel) legs() []ledger.Leg {
	half := len(d.accounts) / 2
	pool := slices.Clone(d.accounts[d.draw(2, "asset")*half:][:half])
	for i := range pool {
		j := i + d.draw(len(pool)-i, "shuffle")
		pool[i], pool[j] = pool[j], pool[i]
	}
	pool = pool[:2+d.draw(len(pool)-1, "legs")]
	if d.draw(10, "stray") == 0 {
		pool[0] = d.accounts[d.draw(len(d.accounts), "account")]
	}
	var legs []ledger.Leg
	sum := int64(0)
	for i, account := range pool {
		amount := int64(d.draw(121, "amount") - 60)
		if i == len(pool)-1 {
			amount = -sum
		}
		legs = append(legs, ledger.Leg{AccountID: account, AmountMinor: amount})
		sum += amount
	}
	if d.draw(10, "miss") == 0 {
		legs[0].AmountMinor++
	}
	return legs
}

// refusalOf is a refusal's reason or code; what is no refusal is its own text.
func refusalOf(err error) string {
	var refused *models.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &refused):
		return err.Error()
	case refused.Reason() != "":
		return refused.Reason()
	}
	return string(refused.Code)
}
