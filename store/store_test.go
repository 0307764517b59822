package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// item is a table of these tests' own.
type item struct {
	bun.BaseModel `bun:"table:test_items"`

	ID     string `bun:"id,pk"`
	Parent string `bun:"parent"`
	Name   string `bun:"name"`
	N      int64  `bun:"n"`
}

func (i item) NodeID() models.ID { return models.ID(i.ID) }

// each gives fn a database that has test_items and nothing in it.
func each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		createItems(t, db)
		fn(t, db)
	})
}

func createItems(t *testing.T, db *store.DB) {
	t.Helper()
	for _, statement := range []string{
		`CREATE TABLE test_items (id TEXT PRIMARY KEY, parent TEXT REFERENCES test_items (id), name TEXT NOT NULL,
			n BIGINT NOT NULL CHECK (n >= 0))`,
		`CREATE UNIQUE INDEX test_items_name ON test_items (parent, name)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

func put(ctx context.Context, db bun.IDB, id, parent, name string, n int) error {
	_, err := db.NewRaw("INSERT INTO test_items (id, parent, name, n) VALUES (?, NULLIF(?, ''), ?, ?)", id, parent, name, n).Exec(ctx)
	return err
}

func count(t *testing.T, db *store.DB) int {
	t.Helper()
	n, err := db.NewSelect().Model((*item)(nil)).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestATransactionHappensWhollyOrNotAtAll(t *testing.T) {
	t.Parallel()
	refusal := errors.New("the business says no")
	each(t, func(t *testing.T, db *store.DB) {
		err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(put(ctx, tx, "a", "", "a", 1), refusal)
		})
		if !errors.Is(err, refusal) || count(t, db) != 0 {
			t.Errorf("refused: %v with %d rows", err, count(t, db))
		}

		func() {
			defer func() {
				if recover() != "boom" {
					t.Error("the panic was swallowed")
				}
			}()
			_ = db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				if err := put(ctx, tx, "a", "", "a", 1); err != nil {
					t.Error(err)
				}
				panic("boom")
			})
		}()
		if count(t, db) != 0 {
			t.Error("a panic committed")
		}

		ctx, cancel := context.WithCancel(t.Context())
		err = db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			defer cancel()
			return put(ctx, tx, "a", "", "a", 1)
		})
		if err == nil || count(t, db) != 0 {
			t.Errorf("cancelled before commit: %v with %d rows", err, count(t, db))
		}

		if err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return put(ctx, tx, "a", "", "a", 1) }); err != nil {
			t.Fatal(err)
		}
		if count(t, db) != 1 {
			t.Error("a committed row is missing")
		}
	})
}

func TestATransactionWithinATransactionIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		err := db.InTx(t.Context(), func(ctx context.Context, _ bun.Tx) error {
			return db.InTx(ctx, func(context.Context, bun.Tx) error { return nil })
		})
		if !errors.Is(err, store.ErrNested) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCollidingTransactionsAllSucceed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		for _, id := range []string{"a", "b"} {
			if err := put(t.Context(), db, id, "", id, 0); err != nil {
				t.Fatal(err)
			}
		}
		const clients, each = 4, 4
		var group sync.WaitGroup
		var attempts atomic.Int64
		failures := make([]error, clients)
		for client := range clients {
			// Half of them lock in the other order, which deadlocks without a retry.
			ids := []string{"a", "b"}
			if client%2 == 1 {
				slices.Reverse(ids)
			}
			group.Go(func() {
				for range each {
					err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
						attempts.Add(1)
						for _, id := range ids {
							if _, err := tx.NewRaw("UPDATE test_items SET n = n + 1 WHERE id = ?", id).Exec(ctx); err != nil {
								return err
							}
						}
						return nil
					})
					// With five attempts a loser may still lose; it is told so and asks again.
					for errors.Is(err, store.ErrUnavailable) {
						err = db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
							_, err := tx.NewRaw("UPDATE test_items SET n = n + 1").Exec(ctx)
							return err
						})
					}
					failures[client] = errors.Join(failures[client], err)
				}
			})
		}
		group.Wait()
		if err := errors.Join(failures...); err != nil {
			t.Fatal(err)
		}
		var total int64
		if err := db.NewRaw("SELECT sum(n) FROM test_items").Scan(t.Context(), &total); err != nil {
			t.Fatal(err)
		}
		if total != 2*clients*each {
			t.Errorf("sum = %d after %d attempts, want %d", total, attempts.Load(), 2*clients*each)
		}
	})
}

func TestOnlyCollisionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		for name, c := range map[string]struct {
			statement string
			postgres  int
		}{
			"a broken constraint":     {"INSERT INTO test_items (id, name, n) VALUES ('a', 'a', -1)", 1},
			"nonsense":                {"SELECT FROM WHERE", 1},
			"a serialization failure": {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$", 5},
			"a deadlock":              {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$", 5},
		} {
			want := c.postgres
			if db.Engine() == store.SQLite {
				want = 1 // the last two are syntax errors there
			}
			attempts := 0
			err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				attempts++
				_, err := tx.ExecContext(ctx, c.statement)
				return err
			})
			if err == nil || attempts != want {
				t.Errorf("%s: %d attempts, want %d (%v)", name, attempts, want, err)
			}
			if want == 5 && !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: %v, want ErrUnavailable in the end", name, err)
			}
		}
	})
}

func TestErrorsAreTheSameOnBothEngines(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if err := errors.Join(put(ctx, db, "a", "", "a", 1), put(ctx, db, "b", "a", "secret@example.com", 1)); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			err  error
			want error
		}{
			"primary key": {put(ctx, db, "a", "", "x", 1), store.ErrConflict},
			"unique":      {put(ctx, db, "c", "a", "secret@example.com", 1), store.ErrConflict},
			"reference":   {put(ctx, db, "c", "nobody", "x", 1), store.ErrReference},
			"check":       {put(ctx, db, "c", "", "x", -1), store.ErrCheck},
			"no row":      {db.NewSelect().Model(new(item)).Where("id = 'z'").Scan(ctx), store.ErrNotFound},
		} {
			err := store.Translate(c.err)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			if !errors.Is(c.want, store.ErrNotFound) && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error shows a value: %v", name, err)
			}
			if again := store.Translate(err); again.Error() != err.Error() {
				t.Errorf("%s: translated twice: %v", name, again)
			}
		}
		unique := put(ctx, db, "c", "a", "secret@example.com", 1)
		if !store.Conflicts(unique, "test_items", "parent", "name") || !store.Conflicts(unique, "test_items", "name") {
			t.Errorf("Conflicts does not see parent, name: %v", store.Translate(unique))
		}
		if store.Conflicts(unique, "test_items", "id") || store.Conflicts(unique, "orders") || store.Conflicts(nil, "test_items") {
			t.Error("Conflicts sees a constraint that holds")
		}
		if err := store.Translate(sql.ErrTxDone); err.Error() != sql.ErrTxDone.Error() {
			t.Errorf("a stranger was translated: %v", err)
		}
	})
}

func TestAFullDiskIsUnavailableAndReadsGoOn(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, "sqlite://"+filepath.Join(t.TempDir(), "full.db"), store.WithMaxOpen(1))
	createItems(t, db)
	if _, err := db.ExecContext(t.Context(), "PRAGMA max_page_count = 12"); err != nil {
		t.Fatal(err)
	}
	var err error
	written := 0
	for ; err == nil && written < 1000; written++ {
		err = db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return put(ctx, tx, fmt.Sprint(written), "", strings.Repeat("x", 1000), 1)
		})
	}
	if !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("after %d rows: %v", written, err)
	}
	if got := count(t, db); got != written-1 {
		t.Errorf("%d rows are readable, want %d", got, written-1)
	}
}

func TestALostServerIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), "postgres://user:hunter2@127.0.0.1:1/none?sslmode=disable")
	if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open = %v", err)
	}
	db := storetest.Postgres(t)
	err = db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("SELECT pg_terminate_backend(pg_backend_pid())").Exec(ctx)
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a killed session: %v", err)
	}
	err = db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		// A room that overlooks the error commits on a connection that is closed already.
		_, _ = tx.NewRaw("SELECT pg_terminate_backend(pg_backend_pid())").Exec(ctx)
		return nil
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a commit on a closed connection: %v", err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("the pool did not recover: %v", err)
	}
}

func TestBadURLsAreRefusedWithoutShowingThem(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:notaport/d"} {
		if _, err := store.Open(t.Context(), url); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestAMemoryDatabaseIsSharedByItsConnectionsOnly(t *testing.T) {
	t.Parallel()
	db, other := storetest.Open(t, "sqlite::memory:"), storetest.Open(t, "sqlite::memory:")
	createItems(t, db)
	createItems(t, other)
	var group sync.WaitGroup
	failures := make([]error, 8)
	for i := range failures {
		group.Go(func() {
			for n := range 20 {
				err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
					return put(ctx, tx, fmt.Sprintf("%d-%d", i, n), "", "x", 1)
				})
				_, readErr := db.NewSelect().Model((*item)(nil)).Count(t.Context())
				failures[i] = errors.Join(failures[i], err, readErr)
			}
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != 160 {
		t.Errorf("%d rows, want 160", got)
	}
	if got := count(t, other); got != 0 {
		t.Errorf("another memory database has %d rows", got)
	}
}

func TestSQLiteIsDurableChecksReferencesAndReadsBesideAWriter(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	createItems(t, db)
	got := map[string]string{}
	for _, pragma := range []string{"journal_mode", "synchronous", "foreign_keys", "busy_timeout"} {
		var value string
		if err := db.NewRaw("PRAGMA ?", bun.Safe(pragma)).Scan(t.Context(), &value); err != nil {
			t.Fatal(err)
		}
		got[pragma] = value
	}
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		if err := put(ctx, tx, "a", "", "a", 1); err != nil {
			return err
		}
		if n := count(t, db); n != 0 {
			t.Errorf("a reader sees %d uncommitted rows", n)
		}
		waiting, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		// A second writer waits with its own deadline, not SQLite's.
		if err := db.InTx(waiting, func(context.Context, bun.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the second writer: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestForUpdateLocksOnPostgresOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		query := store.ForUpdate(db.NewSelect().Model((*item)(nil))).String()
		if locks := strings.HasSuffix(query, "FOR UPDATE"); locks != (db.Engine() == store.Postgres) || store.EngineOf(db) != db.Engine() {
			t.Errorf("%s: %s", db.Engine(), query)
		}
	})
}

func TestStatementsAreCountedAndTracedWithoutValues(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	db := storetest.Open(t, storetest.SQLiteURL(t), store.WithTracerProvider(provider))
	createItems(t, db)

	ctx, counter := store.CountStatements(t.Context())
	err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&item{ID: "a", Parent: "a", Name: "secret"}).Exec(ctx); err != nil {
			return err
		}
		return put(ctx, tx, "b", "", "secret", 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.NewSelect().Model(new(item)).Where("name = ?", "secret").Limit(1).Scan(ctx); err != nil {
		t.Fatal(err)
	}
	want := []store.Statement{{Operation: "INSERT", Table: "test_items"}, {Operation: "INSERT", Table: "test_items"}, {Operation: "SELECT", Table: "test_items"}}
	if diff := cmp.Diff(want, counter.Statements()); diff != "" || counter.Count() != 3 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var names []string
	for _, span := range spans.GetSpans() {
		names = append(names, span.Name)
		if text := fmt.Sprint(span.Attributes, span.Events, span.Status); strings.Contains(text, "secret") {
			t.Errorf("a span shows a value: %s", text)
		}
	}
	wantNames := []string{"BEGIN", "INSERT test_items", "INSERT test_items", "COMMIT", "SELECT test_items"}
	if diff := cmp.Diff(wantNames, names); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}
