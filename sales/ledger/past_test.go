package ledger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// history writes entries of an account at the times, which do not fall, by hand, and returns its id.
func (b *book) history(times []time.Time) models.ID {
	b.t.Helper()
	id := b.account(string(b.IDs(models.PrefixCustomer)), models.CNY)
	entries := make([]models.Entry, len(times))
	for i, at := range times {
		entries[i] = models.Entry{
			ID: b.IDs(models.PrefixEntry), TransferID: b.IDs(models.PrefixTransfer), AccountID: id, Asset: "CNY", AmountMinor: 1,
			Version: int64(i + 1), BalanceAfterMinor: int64(1000 + i), CreatedAt: at,
		}
	}
	if len(entries) > 0 {
		_, err := b.DB.NewInsert().Model(&entries).Exec(context.Background())
		b.must(err)
	}
	_, err := b.DB.NewUpdate().Model((*models.Account)(nil)).Set("version = ?", len(times)).Where("id = ?", id).Exec(context.Background())
	b.must(err)
	return id
}

// lastOf looks at every entry.
func lastOf(times []time.Time, at time.Time, inclusive bool) (version int64) {
	for i, time := range times {
		if time.Before(at) || inclusive && time.Equal(at) {
			version = int64(i + 1)
		}
	}
	return version
}

// Whatever the times of an account's entries, many of which are equal, bisection finds the version that looking at every entry finds, and the balance of it.
func TestAMomentIsTheVersionThatEveryEntryTells(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			steps := rapid.SampledFrom([]time.Duration{0, 0, 0, time.Microsecond, 100 * time.Millisecond, time.Second, time.Hour})
			histories := map[models.ID][]time.Time{"acc_01h455vb4pex5vsknk084sn02q": nil} // which does not exist
			var all []ledger.Place
			around := []time.Time{b.now}
			for range rapid.IntRange(1, 3).Draw(rt, "accounts") {
				var times []time.Time
				at := b.now
				for range rapid.IntRange(0, 40).Draw(rt, "entries") {
					at = at.Add(steps.Draw(rt, "step"))
					times = append(times, at)
				}
				id := b.history(times)
				histories[id] = times
				around = append(around, times...)
				for i := range times {
					all = append(all, ledger.Place{AccountID: id, Version: int64(i + 1)})
				}
			}
			var moments []ledger.Moment
			var want []int64
			for id, times := range histories {
				for range 5 {
					at := rapid.SampledFrom(around).Draw(rt, "near").Add(rapid.SampledFrom([]time.Duration{
						0, 0, time.Microsecond, -time.Microsecond, 999 * time.Nanosecond, time.Minute, -time.Minute,
					}).Draw(rt, "off"))
					m := ledger.Moment{AccountID: id, At: at.In(time.FixedZone("", 8*3600)), Inclusive: rapid.Bool().Draw(rt, "inclusive")}
					if len(all) > 0 && rapid.Bool().Draw(rt, "of an entry") {
						m.Of = rapid.SampledFrom(all).Draw(rt, "entry")
						at = histories[m.Of.AccountID][m.Of.Version-1]
					}
					moments, want = append(moments, m), append(want, lastOf(times, at.Truncate(time.Microsecond), m.Inclusive))
				}
			}
			got, err := b.VersionsAt(context.Background(), db, moments)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				rt.Fatalf("%v, versions of %v in %v (-want +got):\n%s", err, moments, histories, diff)
			}
			at := moments[0].At
			balances, balancesOf := map[models.ID]int64{}, []models.ID{}
			for id, times := range histories {
				balancesOf = append(balancesOf, id)
				if version := lastOf(times, at.Truncate(time.Microsecond), true); version > 0 {
					balances[id] = 999 + version
				}
			}
			past, err := b.BalancesAt(context.Background(), db, balancesOf, at)
			if diff := cmp.Diff(balances, past); err != nil || diff != "" {
				rt.Fatalf("%v, balances at %s of %v (-want +got):\n%s", err, at, histories, diff)
			}
		})
	})
}

// Where an entry is missing, which the audit finds, a moment is still looked for in as many steps, and only versions at and above the gap may be others than
// they should be.
func TestBisectionEndsAtAGap(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		for missing := 1; missing <= 9; missing++ {
			var times []time.Time
			for i := range 9 {
				times = append(times, b.now.Add(time.Duration(i)*time.Second))
			}
			id := b.history(times)
			_, err := db.NewDelete().Model((*models.Entry)(nil)).Where("account_id = ? AND version = ?", id, missing).Exec(t.Context())
			b.must(err)
			for version := range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				got, err := b.VersionsAt(ctx, db, []ledger.Moment{{AccountID: id, At: b.now.Add(time.Duration(version) * time.Second)}})
				cancel()
				if err != nil || got[0] > int64(version) || version < missing && got[0] != int64(version) {
					t.Errorf("without %d the version %d is found as %v, %v", missing, version, got, err)
				}
			}
			got, err := b.VersionsAt(t.Context(), db, []ledger.Moment{{AccountID: id, Of: ledger.Place{AccountID: id, Version: int64(missing)}, Inclusive: true}})
			if err != nil || got[0] != 0 {
				t.Errorf("at the moment of an entry that is missing: %v, %v", got, err)
			}
		}
	})
}

// One look at one entry for each binary digit, whatever the planner thinks of the table: never has it been analysed, and then it has.
func TestAMomentIsFoundByTheUniqueIndex(t *testing.T) {
	t.Parallel()
	storetest.EachInText(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		times := make([]time.Time, 3000)
		for i := range times {
			times[i] = b.now.Add(time.Duration(i) * time.Second)
		}
		id, few := b.history(times), b.row(b.history(times[:10])).OwnerID
		for range 100 {
			b.history(nil)
		}
		last := storetest.HookLast(db)
		for _, analysed := range []bool{false, true} {
			if analysed {
				_, err := db.ExecContext(t.Context(), "ANALYZE")
				b.must(err)
			}
			ctx, counter := store.CountStatements(t.Context())
			got, err := b.VersionsAt(ctx, db, []ledger.Moment{{AccountID: id, At: b.now.Add(1234 * time.Second)}, {AccountID: id, At: b.now}})
			if diff := cmp.Diff([]int64{1234, 0}, got); err != nil || diff != "" || counter.Count() != 1 {
				t.Fatalf("%v, %d statements: %s", err, counter.Count(), diff)
			}
			moments := last.Text
			_, err = b.BalancesAt(t.Context(), db, []models.ID{id}, b.now)
			b.must(err)
			for name, text := range map[string]string{"moments": moments, "balances": last.Text} {
				wantIndexed(t, name, storetest.Explain(t, db, text, "ANALYZE"))
			}
			since := ledger.TransfersSince(db, models.OwnerCustomer, models.ID(few), b.now.Add(7*time.Second))
			if n, err := since.Count(t.Context()); err != nil || n != 3 {
				t.Errorf("%d transfers of the last three seconds, %v", n, err)
			}
			wantIndexed(t, "transfers", storetest.Explain(t, db, since.String(), "ANALYZE"))
		}
		// Of no moments nothing is asked.
		ctx, count := store.CountStatements(t.Context())
		if got, err := b.VersionsAt(ctx, db, nil); err != nil || len(got) != 0 || count.Count() != 0 {
			t.Errorf("no moments: %v, %v, %d statements", got, err, count.Count())
		}
	})
}

// wantIndexed makes sure of a plan that was carried out: before, PostgreSQL does not say how a recursive query looks entries up.
func wantIndexed(t *testing.T, name, plan string) {
	t.Helper()
	if !strings.Contains(plan, "entries_account_version") {
		t.Errorf("%s are not found by the index:\n%s", name, plan)
	}
	for _, dear := range []string{"Seq Scan on entries", "SCAN e", "SCAN oe", "SCAN acc\n"} {
		if strings.Contains(plan, dear) {
			t.Errorf("%s: %s in\n%s", name, dear, plan)
		}
	}
}
