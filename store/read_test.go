package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestReadFindsWhatScanFinds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		all := []item{{ID: "o'brien", Parent: "o'brien", Name: "p"}, {ID: "x", Parent: "x", Name: "p"}, {ID: "a", Parent: "o'brien", Name: `$1 ? \ "`}, {ID: "b", Parent: "o'brien", Name: "b"}, {ID: "c", Parent: "x", Name: "c"}}
		if _, err := db.NewInsert().Model(&all).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]func(db bun.IDB, rows *[]item) *bun.SelectQuery{
			"everything": func(db bun.IDB, rows *[]item) *bun.SelectQuery { return db.NewSelect().Model(rows) },
			"by string": func(db bun.IDB, rows *[]item) *bun.SelectQuery {
				return db.NewSelect().Model(rows).Where("parent = ?", "o'brien").Where("name <> ?", `$1 ? \ "`)
			},
			"in": func(db bun.IDB, rows *[]item) *bun.SelectQuery {
				return db.NewSelect().Model(rows).Where("id ?", store.In([]string{"a", "c", "no"}))
			},
			"in nothing": func(db bun.IDB, rows *[]item) *bun.SelectQuery {
				return db.NewSelect().Model(rows).Where("id ?", store.In([]string{}))
			},
			"limited": func(db bun.IDB, rows *[]item) *bun.SelectQuery { return db.NewSelect().Model(rows).Limit(2) },
		} {
			var want []item
			if err := q(db, &want).Order("id").Scan(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for range 2 { // the second time with what the first one has prepared
				var got []item
				ctx, counter := store.CountStatements(t.Context())
				if err := store.Read(ctx, db, q(db, &got).Order("id"), &got); err != nil || counter.Count() != 1 {
					t.Fatalf("%s: %v after %v", name, err, counter.Statements())
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		}
	})
}

func TestReadSeesTheTransactionThatItIsGiven(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		undone := errors.New("undone")
		err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewInsert().Model(&item{ID: "new", Parent: "new", Name: "n"}).Exec(ctx); err != nil {
				return err
			}
			var rows []item
			if err := store.Read(ctx, tx, tx.NewSelect().Model(&rows).Where("id ?", store.In([]string{"new"})), &rows); err != nil {
				return err
			}
			if len(rows) != 1 {
				t.Errorf("%d rows", len(rows))
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
	})
}

func TestReadTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		var rows []item
		if err := store.Read(t.Context(), db, db.NewSelect().Model(&rows).Where("nonsense = ?", "x"), &rows); err == nil {
			t.Error("an unknown column is read")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := store.Read(ctx, db, db.NewSelect().Model(&rows), &rows); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

func TestInstantsAreReadInUTC(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		if db.Engine() != store.Postgres {
			return // there an instant is text, which names its zone
		}
		var rows []struct{ At time.Time }
		q := db.NewSelect().ColumnExpr("CAST(? AS timestamptz) AS at", time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("", 8*60*60)))
		if err := store.Read(t.Context(), db, q, &rows); err != nil {
			t.Fatal(err)
		}
		if want := time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC); len(rows) != 1 || rows[0].At != want {
			t.Errorf("got %v, want %v", rows, want)
		}
	})
}

// TestReadPrepares counts what a connection has prepared after the same read with different values: one text for a single value, one for any other
// number of them; and that neither is planned anew once PostgreSQL has looked at five plans, as it would for an array shorter than it expects.
func TestReadPrepares(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	for name, c := range map[string]struct {
		url  string
		want int
	}{"as a rule": {url, 2}, "not behind some poolers": {storetest.InText(url), 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(t.Context(), c.url, store.WithMaxOpen(1))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			for _, text := range []string{
				"CREATE TEMP TABLE many AS SELECT 'row' || n AS name FROM generate_series(1, 20000) AS n", "CREATE UNIQUE INDEX many_name ON many (name)", "ANALYZE many",
			} {
				if _, err := db.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
			var sets [][]string
			for range 10 {
				sets = append(sets, []string{"row1"}, []string{"row2", "row3"})
			}
			for _, values := range append(sets, nil) {
				var rows []struct{ Name string }
				q := db.NewSelect().TableExpr("many").Column("name").Where("name ?", store.In(values))
				if err := store.Read(t.Context(), db, q, &rows); err != nil || len(rows) != len(values) {
					t.Fatal(rows, err)
				}
			}
			var count, most int
			q := db.NewRaw("SELECT count(*), COALESCE(max(custom_plans), 0) FROM pg_prepared_statements WHERE statement LIKE '%FROM many %'")
			if err := q.Scan(t.Context(), &count, &most); err != nil {
				t.Fatal(err)
			}
			if count != c.want || most > 6 {
				t.Errorf("%d statements are prepared, want %d; one was planned %d times", count, c.want, most)
			}
		})
	}
}

// TestReadPreparesInTransactions: inside InTx a read sees what the transaction wrote, and is prepared as outside.
func TestReadPreparesInTransactions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			written := []item{{ID: "a", Parent: "a", Name: "x"}}
			if _, err := tx.NewInsert().Model(&written).Exec(ctx); err != nil {
				return err
			}
			var rows []item
			err := store.Read(ctx, tx, store.ForUpdate(tx.NewSelect().Model(&rows).Where("id ?", store.In([]string{"a"}))), &rows)
			if diff := cmp.Diff(written, rows); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if db.Engine() != store.Postgres {
				return nil
			}
			var prepared int
			err = tx.NewRaw("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%test_items%'").Scan(ctx, &prepared)
			if err != nil || prepared != 1 {
				t.Errorf("%d statements are prepared, want one; %v", prepared, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
