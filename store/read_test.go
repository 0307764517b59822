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

// TestReadPrepares counts what a connection has prepared after the same read with different values.
func TestReadPrepares(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	for name, c := range map[string]struct {
		url  string
		want int
	}{"as a rule": {url, 1}, "not behind some poolers": {url + separator + "default_query_exec_mode=simple_protocol", 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(t.Context(), c.url, store.WithMaxOpen(1))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			for _, values := range [][]string{{"pg_class"}, {"pg_type", "pg_proc"}, nil} {
				var rows []struct{ Relname string }
				q := db.NewSelect().TableExpr("pg_class").Column("relname").Where("relname ?", store.In(values))
				if err := store.Read(t.Context(), db, q, &rows); err != nil || len(rows) != len(values) {
					t.Fatal(rows, err)
				}
			}
			var count int
			if err := db.NewRaw("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%relname%'").Scan(t.Context(), &count); err != nil {
				t.Fatal(err)
			}
			if count != c.want {
				t.Errorf("%d statements are prepared, want %d", count, c.want)
			}
		})
	}
}
