package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/store"
)

// find reads the names of the rows with these ids.
func find(ctx context.Context, db *store.DB, ids ...string) (names []string, err error) {
	var rows []item
	err = store.Read(ctx, db, db.NewSelect().Model(&rows).Where("id ?", store.In(ids)).Order("id"), &rows)
	for _, row := range rows {
		names = append(names, row.Name)
	}
	return names, err
}

func putNames(t *testing.T, db *store.DB, names ...string) {
	t.Helper()
	for i, name := range names {
		if err := put(t.Context(), db, name, "", name, i); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsReadTogetherIsWhatEachReadsAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		putNames(t, db, "a", "b", "c", "d")
		got := make([][]string, 4)
		ctx, counter := store.CountStatements(t.Context())
		one := func(i int, questions ...[]string) func(context.Context) {
			return func(ctx context.Context) {
				for _, ids := range questions {
					names, err := find(ctx, db, ids...)
					if err != nil {
						t.Errorf("%v: %v", ids, err)
					}
					got[i] = append(got[i], names...)
				}
			}
		}
		store.Together(ctx, one(0, []string{"a"}), one(1, []string{"b", "c"}, []string{"d"}), one(2), one(3, []string{"a", "d"}, []string{"none"}, []string{"b"}))
		if diff := cmp.Diff([][]string{{"a"}, {"b", "c", "d"}, nil, {"a", "d", "b"}}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if counter.Count() != 6 {
			t.Errorf("%v", counter.Statements())
		}
		store.Together(ctx) // nothing
	})
}

// TestWhatIsReadTogetherTravelsTogether: PostgreSQL takes what comes as one message as one transaction, in which now() stands still.
func TestWhatIsReadTogetherTravelsTogether(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		if db.Engine() != store.Postgres {
			return
		}
		at := make([]time.Time, 4)
		now := func(i int) func(context.Context) {
			return func(ctx context.Context) {
				var rows []struct{ At time.Time }
				if err := store.Read(ctx, db, db.NewSelect().ColumnExpr("now() AS at"), &rows); err != nil || len(rows) != 1 {
					t.Error(rows, err)
					return
				}
				at[i] = rows[0].At
			}
		}
		hurried := func(ctx context.Context) { // who has less time than the others does not wait for them
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			now(3)(ctx)
		}
		store.Together(t.Context(), now(0), now(1), hurried)
		now(2)(t.Context())
		if at[0].IsZero() || !at[0].Equal(at[1]) || at[1].Equal(at[2]) || at[3].Equal(at[0]) || at[3].IsZero() {
			t.Errorf("%v", at)
		}
	})
}

func TestEachOfWhatIsReadTogetherHasItsOwnError(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		putNames(t, db, "a", "b")
		for range 2 {
			var wrong, right error
			var names []string
			store.Together(t.Context(),
				func(ctx context.Context) {
					var rows []item
					// It fails once it runs: everything can be prepared.
					wrong = store.Read(ctx, db, db.NewSelect().Model(&rows).Where("CAST(1 AS INTEGER) = ?", bun.Safe("abs(-9223372036854775807 - n - 1)")), &rows)
				},
				func(ctx context.Context) { names, right = find(ctx, db, "a", "b") },
			)
			if wrong == nil || right != nil || len(names) != 2 {
				t.Errorf("%v; %v %v", wrong, names, right)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var errs [2]error
		store.Together(ctx,
			func(ctx context.Context) { _, errs[0] = find(ctx, db, "a") }, func(ctx context.Context) { _, errs[1] = find(ctx, db, "b") })
		if !errors.Is(errs[0], context.Canceled) || !errors.Is(errs[1], context.Canceled) {
			t.Errorf("%v", errs)
		}
	})
}

func TestAPanicIsRaisedOnceAllAreDone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		putNames(t, db, "a")
		var names []string
		raised := func() (p any) {
			defer func() { p = recover() }()
			store.Together(t.Context(), func(context.Context) { panic("broken") }, func(ctx context.Context) {
				for range 2 {
					found, err := find(ctx, db, "a")
					if names = append(names, found...); err != nil {
						t.Error(err)
					}
				}
			})
			return nil
		}()
		err, ok := raised.(error)
		if !ok || !strings.Contains(err.Error(), "broken") || !strings.Contains(err.Error(), "together_test.go") {
			t.Errorf("raised %v", raised)
		}
		if len(names) != 2 {
			t.Errorf("the other one found %v", names)
		}
	})
}

// TestOneMayReadInSeveralGoroutines: and be read together with others all the same.
func TestOneMayReadInSeveralGoroutines(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		putNames(t, db, "a", "b", "c")
		for range 50 {
			count := func(ctx context.Context, ids ...string) int {
				names, err := find(ctx, db, ids...)
				if err != nil {
					t.Error(err)
				}
				return len(names)
			}
			var alone int
			parts := make(chan int, 6)
			store.Together(t.Context(),
				func(ctx context.Context) {
					for _, id := range []string{"a", "b", "c"} {
						go func() { parts <- count(ctx, id) + count(ctx, id, "none") }()
					}
					parts <- <-parts + <-parts + <-parts
				},
				func(ctx context.Context) { alone = count(ctx, "a", "b") + count(ctx, "c") },
			)
			if sum := <-parts; sum != 6 || alone != 3 {
				t.Fatalf("%d and %d", sum, alone)
			}
		}
	})
}

// TestWhoReadsOnAfterItsFunctionIsNotForgotten: while others still read, and after all are done.
func TestWhoReadsOnAfterItsFunctionIsNotForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		putNames(t, db, "a", "b")
		for range 50 {
			left := make(chan error, 3)
			over := make(chan struct{})
			store.Together(t.Context(),
				func(ctx context.Context) {
					for range 2 {
						go func() {
							_, err := find(ctx, db, "a")
							left <- err
						}()
					}
					go func() {
						<-over
						_, err := find(ctx, db, "b")
						left <- err
					}()
				},
				func(ctx context.Context) {
					if names, err := find(ctx, db, "a", "b"); err != nil || len(names) != 2 {
						t.Error(names, err)
					}
				},
			)
			close(over)
			for range 3 {
				if err := <-left; err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
