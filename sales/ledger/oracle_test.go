package ledger_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// oracle is the ledger in a few lines: balances in a map, no database, no locks.
type oracle struct {
	assets  map[models.ID]string
	balance map[models.ID]int64
	held    map[models.ID]int64
	world   map[models.ID]bool
	holds   map[models.ID]ledger.PlaceHold
	done    map[models.ID][]ledger.Leg // transfers that may be reversed
}

func (o *oracle) post(legs []ledger.Leg) models.Code {
	sums, seen := map[string]int64{}, map[models.ID]bool{}
	for _, leg := range legs {
		if leg.AmountMinor == 0 || seen[leg.AccountID] {
			return models.CodeInvalid
		}
		seen[leg.AccountID] = true
		sums[o.assets[leg.AccountID]] += leg.AmountMinor
	}
	for _, sum := range sums {
		if sum != 0 {
			return models.CodeInvalid
		}
	}
	for _, leg := range legs {
		if leg.AmountMinor < 0 && !o.world[leg.AccountID] && o.balance[leg.AccountID]-o.held[leg.AccountID]+leg.AmountMinor < 0 {
			return models.CodeInsufficientBalance
		}
	}
	for _, leg := range legs {
		o.balance[leg.AccountID] += leg.AmountMinor
	}
	return ""
}

// R16 in seconds: random operations against the oracle, with an audit after every one.
func TestLedgerAgreesWithItsOracle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(rt *rapid.T) { runAgainstOracle(rt, newBook(t, db)) })
	})
}

func runAgainstOracle(rt *rapid.T, b *book) {
	run := string(models.RandomIDs()("run"))
	o := &oracle{
		assets: map[models.ID]string{}, balance: map[models.ID]int64{}, held: map[models.ID]int64{},
		world: map[models.ID]bool{}, holds: map[models.ID]ledger.PlaceHold{}, done: map[models.ID][]ledger.Leg{},
	}
	var ids []models.ID
	for _, asset := range []models.Currency{models.CNY, models.USD} {
		world := b.open(ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: run, Kind: models.AccountWorld, Asset: string(asset)}).ID
		o.world[world] = true
		ids = append(ids, world, b.account(run+"a", asset), b.account(run+"b", asset))
		for _, id := range ids[len(ids)-3:] {
			o.assets[id] = string(asset)
		}
	}
	for range rapid.IntRange(1, 8).Draw(rt, "operations") {
		want, err := step(rt, b, o, ids)
		if got := models.CodeOf(err); got != want {
			rt.Fatalf("the ledger says %q (%v), the oracle %q", got, err, want)
		}
		accounts, err := b.Accounts(context.Background(), b.DB, []string{run, run + "a", run + "b"})
		b.must(err)
		balance, held := map[models.ID]int64{}, map[models.ID]int64{}
		for _, account := range accounts {
			balance[account.ID], held[account.ID] = account.BalanceMinor, account.HeldMinor
		}
		for _, id := range ids {
			if balance[id] != o.balance[id] || held[id] != o.held[id] {
				rt.Fatalf("balances and held differ: %s", cmp.Diff([]any{o.balance, o.held}, []any{balance, held}))
			}
		}
		if report, err := b.Audit(context.Background()); err != nil || report.Breaches() != 0 {
			rt.Fatalf("the audit found %+v, %v", report, err)
		}
	}
}

// step does one operation on both and returns the code that the oracle expects with what the ledger said.
func step(rt *rapid.T, b *book, o *oracle, ids []models.ID) (models.Code, error) {
	account := rapid.SampledFrom(ids)
	switch rapid.SampledFrom([]string{"post", "post", "post", "place", "void", "reverse"}).Draw(rt, "operation") {
	case "place":
		p := ledger.PlaceHold{AccountID: account.Draw(rt, "account"), AmountMinor: rapid.Int64Range(1, 60).Draw(rt, "amount")}
		hold, err := b.place(p.AccountID, p.AmountMinor)
		if !o.world[p.AccountID] && o.balance[p.AccountID]-o.held[p.AccountID] < p.AmountMinor {
			return models.CodeInsufficientBalance, err
		}
		o.held[p.AccountID] += p.AmountMinor
		o.holds[hold.ID] = p
		return "", err
	case "void":
		if len(o.holds) == 0 {
			return models.CodeNotFound, b.void("hld_none")
		}
		id := rapid.SampledFrom(slices.Sorted(maps.Keys(o.holds))).Draw(rt, "hold")
		o.held[o.holds[id].AccountID] -= o.holds[id].AmountMinor
		delete(o.holds, id)
		return "", b.void(id)
	case "reverse":
		if len(o.done) == 0 {
			return "", nil
		}
		id := rapid.SampledFrom(slices.Sorted(maps.Keys(o.done))).Draw(rt, "transfer")
		var opposite []ledger.Leg
		for _, leg := range o.done[id] {
			opposite = append(opposite, ledger.Leg{AccountID: leg.AccountID, AmountMinor: -leg.AmountMinor})
		}
		want := o.post(opposite)
		if want == "" {
			delete(o.done, id)
		}
		return want, b.tx(func(ctx context.Context, tx bun.Tx) error {
			_, _, err := b.Reverse(ctx, tx, payer, id, "oracle")
			return err
		})
	}
	b.now = b.now.Add(time.Duration(rapid.IntRange(-2, 5).Draw(rt, "seconds")) * time.Second)
	legs := drawLegs(rt, ids)
	want := o.post(legs)
	transfer, _, err := b.post(ledger.Posting{Legs: legs})
	if err == nil {
		o.done[transfer.ID] = legs
	}
	return want, err
}

// drawLegs mostly draws legs that balance, and sometimes legs that repeat an account, mix assets or miss by one.
func drawLegs(rt *rapid.T, ids []models.ID) []ledger.Leg {
	half := rapid.IntRange(0, 1).Draw(rt, "asset") * len(ids) / 2
	accounts := rapid.Permutation(ids[half:half+len(ids)/2]).Draw(rt, "accounts")
	accounts = accounts[:rapid.IntRange(2, len(accounts)).Draw(rt, "legs")]
	if rapid.IntRange(0, 9).Draw(rt, "stray") == 0 {
		accounts[0] = rapid.SampledFrom(ids).Draw(rt, "account")
	}
	var legs []ledger.Leg
	sum := int64(0)
	for i, account := range accounts {
		amount := rapid.Int64Range(-60, 60).Draw(rt, fmt.Sprintf("amount %d", i))
		if i == len(accounts)-1 {
			amount = -sum
		}
		legs = append(legs, ledger.Leg{AccountID: account, AmountMinor: amount})
		sum += amount
	}
	if rapid.IntRange(0, 9).Draw(rt, "miss") == 0 {
		legs[0].AmountMinor++
	}
	return legs
}
