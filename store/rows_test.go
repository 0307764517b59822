package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

type name string

type thing struct {
	bun.BaseModel `bun:"table:things,alias:th"`

	ID    name           `bun:"id,pk"`
	Shelf int64          `bun:"shelf,pk"`
	Title string         `bun:"title"`
	Note  name           `bun:"note,nullzero"`
	Floor *int64         `bun:"floor"`
	Count int            `bun:"count"`
	Good  bool           `bun:"good"`
	Raw   []byte         `bun:"raw"`
	Tags  []string       `bun:"tags,type:jsonb"`
	Data  map[string]any `bun:"data,type:jsonb"`
	At    time.Time      `bun:"at"`
	Ended time.Time      `bun:"ended,nullzero"`
}

func makeThings(t *testing.T, db *store.DB) {
	t.Helper()
	types := []any{"blob", "text", "text", "text", "text"}
	if db.Engine() == store.Postgres {
		types = []any{"bytea", "jsonb", "jsonb", "timestamptz", "timestamptz"}
	}
	for i := range types {
		types[i] = bun.Safe(types[i].(string))
	}
	query := "CREATE TABLE things (id text, shelf bigint, title text NOT NULL, note text, floor bigint, count bigint NOT NULL, good boolean NOT NULL, " +
		"raw ?, tags ?, data ?, at ? NOT NULL, ended ?, PRIMARY KEY (id, shelf))"
	if _, err := db.ExecContext(t.Context(), query, types...); err != nil {
		t.Fatal(err)
	}
}

func someThings() []thing {
	at := time.Date(1999, 12, 31, 23, 59, 59, 123456000, time.FixedZone("east", 8*3600))
	minus := int64(-5)
	return []thing{
		{ID: "a", Shelf: 1, Title: `'; DROP TABLE things; -- ?0 \'`, Note: "€", Floor: &minus, Count: 1 << 40, Good: true, Raw: []byte{0, 255, '\''}, Tags: []string{"x", "'"},
			Data: map[string]any{"a": "<b>&", "n": nil}, At: at, Ended: at.Add(time.Hour)},
		{ID: "b", Shelf: -1, Title: "", Floor: new(int64), Raw: []byte{}, Tags: []string{}, Data: map[string]any{}, At: at.AddDate(100, 0, 0)},
		{ID: "c", Shelf: 1 << 62, Title: "x", At: at},
	}
}

// stored are the rows as the database writes them, so that nothing that both ways of reading do alike can hide a difference.
func stored(t *testing.T, db *store.DB) (rows []string) {
	t.Helper()
	row := "json_array(id, shelf, title, note, floor, count, good, hex(raw), raw IS NULL, tags, data, at, ended)"
	if db.Engine() == store.Postgres {
		row = "to_json(things)::text"
	}
	if err := db.NewRaw("SELECT ? FROM things ORDER BY id", bun.Safe(row)).Scan(t.Context(), &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// Rows in a script are what bun's own statements make of them, whatever their values.
func TestScriptWritesRowsAsBunDoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		ctx, want := t.Context(), [2][]string{}
		rows := someThings()
		changed := someThings()
		for i := range changed {
			changed[i].Title, changed[i].Note, changed[i].Floor, changed[i].Data = "changed", "?", nil, map[string]any{"i": i}
		}
		if _, err := db.NewInsert().Model(&rows).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		want[0] = stored(t, db)
		for i := range changed {
			if _, err := db.NewUpdate().Model(&changed[i]).Column("title", "note", "floor").WherePK().Exec(ctx); err != nil {
				t.Fatal(err)
			}
		}
		want[1] = stored(t, db)
		if _, err := db.NewDelete().Model((*thing)(nil)).Where("TRUE").Exec(ctx); err != nil {
			t.Fatal(err)
		}

		for range 8 { // PostgreSQL plans a prepared statement anew five times
			counted, counter := store.CountStatements(ctx)
			err := db.InTx(counted, func(ctx context.Context, tx bun.Tx) error {
				script := store.NewScript(tx)
				script.Add(tx.NewDelete().Model((*thing)(nil)).Where("TRUE"))
				script.Insert(&rows)
				if err := script.Exec(ctx); err != nil || db.Engine() != store.Postgres {
					return err
				}
				prepared, err := tx.NewSelect().TableExpr("pg_prepared_statements").Where("name LIKE 'rows_%'").Count(context.WithoutCancel(t.Context()))
				if prepared != 1 {
					t.Errorf("%d statements are prepared, want one", prepared)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[0], stored(t, db)); diff != "" {
				t.Errorf("inserted (-bun +script):\n%s", diff)
			}
			if counter.Count() != 1 {
				t.Errorf("round trips: %v, want one", counter.Statements())
			}
		}
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			script := store.NewScript(tx)
			script.Update(&changed, "title", "note", "floor")
			return script.Exec(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[1], stored(t, db)); diff != "" {
			t.Errorf("updated (-bun +script):\n%s", diff)
		}
		// Outside a transaction of InTx rows are written as text.
		rows[0].ID = "z"
		first := rows[:1]
		script := store.NewScript(db)
		script.Insert(&first)
		if err := script.Exec(ctx); err != nil || len(stored(t, db)) != 4 {
			t.Errorf("without InTx: %v, %v", err, stored(t, db))
		}
	})
}

// Many rows are what few are: the same values, added to in the same way, each once.
func TestScriptWritesManyRowsAsBunDoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		ctx := t.Context()
		for _, n := range []int{1, 15, 16, 42, 43, 200} {
			var rows []thing
			for i := range n {
				row := someThings()[i%3]
				row.ID, row.Count = name(fmt.Sprintf("%s%03d", row.ID, i)), i
				rows = append(rows, row)
			}
			if _, err := db.NewInsert().Model(&rows).Exec(ctx); err != nil {
				t.Fatal(err)
			}
			once := stored(t, db)
			for i := range rows {
				if i%2 == 0 {
					rows[i].Count += 10
					if _, err := db.NewUpdate().Model(&rows[i]).Column("count").WherePK().Exec(ctx); err != nil {
						t.Fatal(err)
					}
				}
			}
			twice := stored(t, db)
			if _, err := db.NewDelete().Model((*thing)(nil)).Where("TRUE").Exec(ctx); err != nil {
				t.Fatal(err)
			}

			write := func(add func(script *store.Script)) []string {
				err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
					script := store.NewScript(tx)
					add(script)
					return script.Exec(ctx)
				})
				if err != nil {
					t.Fatal(err)
				}
				return stored(t, db)
			}
			for i := range rows {
				rows[i].Count = i
			}
			if diff := cmp.Diff(once, write(func(script *store.Script) { script.Insert(&rows) })); diff != "" {
				t.Errorf("%d inserted (-bun +script):\n%s", n, diff)
			}
			changed, expected := slices.Clone(rows), slices.Clone(rows)
			for i := range changed {
				changed[i].Title, changed[i].Note, changed[i].Floor, changed[i].At, changed[i].Good = "changed", "?", nil, changed[i].At.Add(time.Hour), !changed[i].Good
				expected[i].Title, expected[i].Note, expected[i].Floor, expected[i].At = "changed", "?", nil, changed[i].At // but not what is not named
				if _, err := db.NewUpdate().Model(&expected[i]).WherePK().Exec(ctx); err != nil {
					t.Fatal(err)
				}
			}
			updated := stored(t, db)
			for i := range rows {
				if _, err := db.NewUpdate().Model(&rows[i]).WherePK().Exec(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(updated, write(func(script *store.Script) { script.Update(&changed, "title", "note", "floor", "at") })); diff != "" {
				t.Errorf("%d updated (-bun +script):\n%s", n, diff)
			}
			for i := range rows {
				if _, err := db.NewUpdate().Model(&rows[i]).WherePK().Exec(ctx); err != nil {
					t.Fatal(err)
				}
			}
			// Half of them exist, and only the column that is named changes.
			some := slices.DeleteFunc(slices.Clone(rows), func(row thing) bool { return row.Count%2 == 1 })
			for i := range some {
				some[i].Title, some[i].Count = "another", 10
			}
			if diff := cmp.Diff(twice, write(func(script *store.Script) { script.AddTo(&some, "count") })); diff != "" {
				t.Errorf("added to %d (-bun +script):\n%s", n, diff)
			}
			write(func(script *store.Script) { script.Add(db.NewDelete().Model((*thing)(nil)).Where("TRUE")) })
			if diff := cmp.Diff(once, write(func(script *store.Script) { script.AddTo(&rows, "count") })); diff != "" {
				t.Errorf("%d added to nothing (-bun +script):\n%s", n, diff)
			}
			write(func(script *store.Script) { script.Add(db.NewDelete().Model((*thing)(nil)).Where("TRUE")) })
		}
	})
}

func TestScriptRefusesNULs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		for _, n := range []int{1, 100} {
			rows := make([]thing, n)
			for i := range rows {
				rows[i] = thing{ID: name(fmt.Sprint(i)), Title: "a\x00b"}
			}
			err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				script := store.NewScript(tx)
				script.Insert(&rows)
				return script.Exec(ctx)
			})
			if err == nil || len(stored(t, db)) != 0 {
				t.Errorf("%d rows with a NUL: %v", n, err)
			}
		}
	})
}

func TestScriptOfRowsFailsAsAWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		rows := someThings()
		twice := slices.Concat(someThings()[:1], someThings()[:1])
		twice[0].ID = "new"
		insert := func(all ...*[]thing) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				script := store.NewScript(tx)
				for _, some := range all {
					script.Insert(some)
				}
				script.OnCommit(func(context.Context) {
					if len(all) > 1 {
						t.Error("a failed script was committed")
					}
				})
				return script.Exec(ctx)
			})
		}
		if err := insert(&rows); err != nil {
			t.Fatal(err)
		}
		if err := insert(&twice, &rows); !store.Conflicts(err, "things", "id", "shelf") {
			t.Errorf("a taken key is %v, want a conflict of things", err)
		}
		many := make([]thing, 50)
		for i := range many {
			many[i] = thing{ID: name(fmt.Sprint("many ", i)), Shelf: 1}
		}
		many[49].ID = "a"
		if err := insert(&many, &rows); !store.Conflicts(err, "things", "id", "shelf") {
			t.Errorf("a taken key among many is %v, want a conflict of things", err)
		}
		if n := len(stored(t, db)); n != len(rows) {
			t.Errorf("%d rows after a failed script", n)
		}
	})
}

// database/sql rolls a transaction back when its context ends, at any moment; a script that runs then must not be committed alone.
func TestScriptAfterItsTransactionEnded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		rows := someThings()
		ctx, cancel := context.WithCancel(t.Context())
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			cancel()
			for tx.Tx != nil { // until it has been rolled back
				if _, err := tx.ExecContext(context.Background(), "SELECT 1"); errors.Is(err, sql.ErrTxDone) {
					break
				}
			}
			script := store.NewScript(tx)
			script.Insert(&rows)
			return script.Exec(context.WithoutCancel(ctx))
		})
		if err == nil {
			t.Error("a script after the end of its transaction succeeded")
		}
		if got := stored(t, db); len(got) > 0 {
			t.Errorf("and was committed: %v", got)
		}
	})
}

// found is a thing without its JSON, which scripts do not read.
type found struct {
	bun.BaseModel `bun:"table:things,alias:th"`

	ID    name      `bun:"id,pk"`
	Shelf int64     `bun:"shelf,pk"`
	Title string    `bun:"title"`
	Note  name      `bun:"note,nullzero"`
	Floor *int64    `bun:"floor"`
	Count int       `bun:"count"`
	Good  bool      `bun:"good"`
	Raw   []byte    `bun:"raw"`
	At    time.Time `bun:"at"`
	Ended time.Time `bun:"ended,nullzero"`
}

// Queries of a script read what bun reads, see what the statements before them wrote, and lock when they are asked to.
func TestScriptFindsRowsAsBunDoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		ctx, rows := t.Context(), someThings()
		var all, some, locked, none, want []found
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			script := store.NewScript(tx)
			script.Add(tx.NewDelete().Model((*thing)(nil)).Where("TRUE"))
			script.Insert(&rows)
			script.Find(&all, "id", []string{"c", "a", "b", "' OR TRUE --"})
			script.Add(tx.NewUpdate().Model((*thing)(nil)).Set("title = ?", "first").Where("id = 'a'"))
			text := tx.NewRaw("UPDATE things SET count = ?, at = ? WHERE id IN (?) AND title = ?", int64(7), rows[0].At, bun.List([]string{"a", "c"}), "first")
			script.AddPrepared(text, store.Statement{Operation: "UPDATE", Table: "things"},
				"UPDATE things SET count = $1::bigint, at = $2::timestamptz WHERE id = ANY($3::text[]) AND title = $4::text",
				int64(7), rows[0].At, []string{"a", "c"}, "first")
			script.Find(&some, "title", []string{"first"})
			script.Lock(&locked, "id", []string{"c", "b"})
			script.Find(&none, "id", []string{"z"})
			return script.Exec(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 3 || len(some) != 1 || some[0].ID != "a" || some[0].Count != 7 || len(none) != 0 {
			t.Errorf("found %v, %v and %v", all, some, none)
		}
		if err := db.NewSelect().Model(&want).Where("id <> 'a'").Order("id").Scan(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, locked, cmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("locked (-bun +script):\n%s", diff)
		}
		if db.Engine() != store.Postgres {
			return
		}
		err = db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			script := store.NewScript(tx)
			script.Lock(&locked, "id", []string{"b"})
			if err := script.Exec(ctx); err != nil {
				return err
			}
			var free []found
			err := db.NewSelect().Model(&free).For("UPDATE SKIP LOCKED").Scan(t.Context())
			if len(free) != 2 {
				t.Errorf("not locked by others: %v", free)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
