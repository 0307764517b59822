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

type note struct {
	bun.BaseModel `bun:"table:notes,alias:n"`

	ID   int64  `bun:"id,pk"`
	Text string `bun:"text"`
}

// TestScriptRunsAllItsStatementsAtOnce: with values that look like arguments, comments and further statements.
func TestScriptRunsAllItsStatementsAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if _, err := db.ExecContext(ctx, "CREATE TABLE notes (id bigint PRIMARY KEY, text text NOT NULL)"); err != nil {
			t.Fatal(err)
		}
		hostile := []note{{ID: 1, Text: "what?"}, {ID: 2, Text: "'; DROP TABLE notes; --"}, {ID: 3, Text: `\'?0 ?bar`}}
		counted, counter := store.CountStatements(ctx)
		err := db.InTx(counted, func(ctx context.Context, tx bun.Tx) error {
			script := store.NewScript(tx)
			script.Add(tx.NewInsert().Model(&hostile))
			script.Add(tx.NewUpdate().Model((*note)(nil)).Set("text = ?", "changed?").Where("id = 1"))
			script.Add(tx.NewDelete().Model((*note)(nil)).Where("id = 3"))
			return script.Exec(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if counter.Count() != 1 {
			t.Errorf("round trips: %v, want one", counter.Statements())
		}
		var got []note
		if err := db.NewSelect().Model(&got).Order("id").Scan(ctx); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0].Text != "changed?" || got[1].Text != hostile[1].Text {
			t.Errorf("rows: %v", got)
		}

		// The second statement fails: the first has no effect either.
		err = db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			script := store.NewScript(tx)
			script.Add(tx.NewInsert().Model(&note{ID: 9, Text: "new"}))
			script.Add(tx.NewInsert().Model(&note{ID: 1, Text: "taken"}))
			return script.Exec(ctx)
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("a taken key is %v, want ErrConflict", err)
		}
		if n, err := db.NewSelect().Model((*note)(nil)).Count(ctx); err != nil || n != 2 {
			t.Errorf("rows after a failed script: %d, %v", n, err)
		}
		if err := store.NewScript(db).Exec(ctx); err != nil {
			t.Errorf("an empty script: %v", err)
		}
	})
}

// TestInScriptIsOneTransaction: all of it or nothing, what follows a commit follows it, and on PostgreSQL one round trip with all.
func TestInScriptIsOneTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if _, err := db.ExecContext(ctx, "CREATE TABLE notes (id bigint PRIMARY KEY, text text NOT NULL)"); err != nil {
			t.Fatal(err)
		}
		write := func(ctx context.Context, followed *int, ids ...int64) error {
			return db.InScript(ctx, func(script *store.Script) {
				for _, id := range ids {
					script.Add(db.NewInsert().Model(&note{ID: id, Text: "what?"}))
				}
				script.OnCommit(func(context.Context) { *followed++ })
			})
		}
		followed := 0
		counted, counter := store.CountStatements(ctx)
		if err := write(counted, &followed, 1, 2); err != nil || followed != 1 || counter.Count() != 1 {
			t.Errorf("%v, followed %d times, %v", err, followed, counter.Statements())
		}
		if err := write(ctx, &followed, 3, 1); !errors.Is(err, store.ErrConflict) || followed != 1 {
			t.Errorf("a taken key is %v, followed %d times", err, followed)
		}
		if n, err := db.NewSelect().Model((*note)(nil)).Count(ctx); err != nil || n != 2 {
			t.Errorf("rows after a failed script: %d, %v", n, err)
		}
		err := db.InTx(ctx, func(ctx context.Context, _ bun.Tx) error { return write(ctx, &followed, 4) })
		if !errors.Is(err, store.ErrNested) {
			t.Errorf("inside a transaction it is %v", err)
		}
	})
}

// kept is a row with every kind of column that a prepared query reads.
type kept struct {
	bun.BaseModel `bun:"table:kept,alias:k"`

	ID    string     `bun:"id,pk"`
	Count int64      `bun:"count"`
	On    bool       `bun:"is_on"`
	Raw   []byte     `bun:"raw"`
	At    time.Time  `bun:"at"`
	Until *time.Time `bun:"until"`
	List  []string   `bun:"list,type:jsonb"`
	Extra string     `bun:"extra,scanonly"`
}

// TestAScriptOutsideATransactionReadsAndWritesInOneRoundTrip: its queries read what bun would read.
func TestAScriptOutsideATransactionReadsAndWritesInOneRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		bytesType, jsonType := "bytea", "jsonb"
		if db.Engine() == store.SQLite {
			bytesType, jsonType = "blob", "text"
		}
		if _, err := db.ExecContext(ctx, `CREATE TABLE kept (id text PRIMARY KEY, count bigint NOT NULL, is_on boolean NOT NULL, raw `+bytesType+
			`, at timestamptz NOT NULL, until timestamptz, list `+jsonType+` NOT NULL)`); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 11, 21, 8, 0, 0, 1000, time.UTC)
		rows := []kept{
			{ID: "a", Count: -7, On: true, Raw: []byte{0, 255}, At: at, Until: &at, List: []string{"x", `"y`}, Extra: "?"},
			{ID: "b", At: at, List: []string{}, Extra: "?"},
		}
		const query = "SELECT k.*, '?' AS extra FROM kept AS k WHERE k.at = $1 AND (k.is_on = $2 OR k.count = $3) AND k.id = ANY($4) ORDER BY k.id"
		run := func(ctx context.Context) ([]kept, error) {
			var got []kept
			script := store.NewScript(db)
			script.Query(&got, func() store.Rows {
				return db.NewSelect().Model(&got).ColumnExpr("k.*").ColumnExpr("? AS extra", "?").
					Where("k.at = ? AND (k.is_on = ? OR k.count = ?) AND k.id IN (?)", at, true, 0, bun.List([]string{"a", "b"})).Order("k.id")
			}, store.Statement{Operation: "SELECT", Table: "kept"}, query, at, true, int64(0), []string{"a", "b"})
			script.Insert(&[]kept{{ID: "c", At: at.Add(time.Second), List: []string{}}})
			err := script.Exec(ctx)
			return got, err
		}
		if _, err := db.NewInsert().Model(&rows).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		counted, counter := store.CountStatements(ctx)
		got, err := run(counted)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if want := map[store.Engine]int{store.Postgres: 1, store.SQLite: 2}[db.Engine()]; counter.Count() != want {
			t.Errorf("%v, want %d", counter.Statements(), want)
		}
		if _, err := run(ctx); !errors.Is(store.Translate(err), store.ErrConflict) {
			t.Errorf("a taken key is %v", err)
		}
	})
}

// TestAScriptQueryIntoTheWrongRowsIsAnError: instead of rows with holes.
func TestAScriptQueryIntoTheWrongRowsIsAnError(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Engine() != store.Postgres {
			t.Skip("it is bun that reads there")
		}
		var got []note
		script := store.NewScript(db)
		script.Query(&got, nil, store.Statement{Operation: "SELECT"}, "SELECT 1::bigint AS id, 'x' AS other")
		if err := script.Exec(t.Context()); err == nil || len(got) != 0 {
			t.Errorf("%v %v", got, err)
		}
	})
}
