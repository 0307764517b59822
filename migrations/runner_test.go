package migrations_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestEveryStepGoesUpAndDownAndUpAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		steps, err := migrations.Status(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) == 0 || slices.ContainsFunc(steps, func(s migrations.Step) bool { return !s.Applied() }) {
			t.Fatalf("a test database lacks steps: %+v", steps)
		}
		full := columns(ctx, t, db)

		for i := range steps {
			undone, err := migrations.Down(ctx, db, 1)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{steps[len(steps)-1-i].Name}, undone); diff != "" {
				t.Fatalf("undone in the wrong order (-want +got):\n%s", diff)
			}
		}
		if left := columns(ctx, t, db); len(left) != 0 {
			t.Fatalf("columns left after all steps were undone: %v", left)
		}
		applied, err := migrations.Up(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		if len(applied) != len(steps) {
			t.Errorf("applied %d of %d steps", len(applied), len(steps))
		}
		if diff := cmp.Diff(full, columns(ctx, t, db)); diff != "" {
			t.Errorf("the second way up ends elsewhere (-first +second):\n%s", diff)
		}
	})
}

func TestBothEnginesHaveTheSameTablesAndColumns(t *testing.T) {
	t.Parallel()
	lite, pg := columns(t.Context(), t, storetest.SQLite(t)), columns(t.Context(), t, storetest.Postgres(t))
	if diff := cmp.Diff(lite, pg); diff != "" {
		t.Errorf("tables differ (-sqlite +postgres):\n%s", diff)
	}
}

func TestReplicasThatStartAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		steps, err := migrations.Down(ctx, db, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		failures := make([]error, 4)
		for i := range failures {
			wg.Go(func() { _, failures[i] = migrations.Up(ctx, db) })
		}
		wg.Wait()
		for _, err := range failures {
			if err != nil {
				t.Error(err)
			}
		}
		var marks int
		if err := db.NewRaw("SELECT count(*) FROM bun_migrations").Scan(ctx, &marks); err != nil {
			t.Fatal(err)
		}
		if marks != len(steps) {
			t.Errorf("%d marks for %d steps", marks, len(steps))
		}
	})
}

func TestAnUnknownStepAmidTheHistoryIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for _, c := range []struct {
			name    string
			refused bool
		}{{"9999_newer_program", false}, {"0001_another_project", true}} {
			if _, err := db.NewRaw("INSERT INTO bun_migrations (name, group_id) VALUES (?, 1)", c.name).Exec(ctx); err != nil {
				t.Fatal(err)
			}
			_, err := migrations.Up(ctx, db)
			if refused := err != nil && strings.Contains(err.Error(), c.name); refused != c.refused {
				t.Errorf("%s: refused = %v, want %v (%v)", c.name, refused, c.refused, err)
			}
		}
	})
}

// columns lists "table.column" of all our tables.
func columns(ctx context.Context, t *testing.T, db *store.DB) []string {
	t.Helper()
	query := `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name NOT LIKE 'bun_%'`
	if db.Engine() == store.SQLite {
		query = `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
			WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'bun_%' AND m.name NOT LIKE 'sqlite_%'`
	}
	var names []string
	if err := db.NewRaw(query).Scan(ctx, &names); err != nil {
		t.Fatal(fmt.Errorf("columns: %w", err))
	}
	slices.Sort(names)
	return names
}
