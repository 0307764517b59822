package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/store"
)

func TestWhatFollowsACommitRunsBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var done []string
		note := func(name string) func(context.Context) {
			return func(context.Context) { done = append(done, name) }
		}
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if !store.OnCommit(ctx, note("first")) || !store.OnCommit(ctx, note("second")) {
				t.Error("refused within a transaction")
			}
			store.OnCommit(ctx, func(ctx context.Context) {
				// Others see the row by now, the caller's end does not matter, and the writer is free.
				cancel()
				if ctx.Err() != nil {
					t.Errorf("ended with its caller: %v", ctx.Err())
				}
				if err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return put(ctx, tx, "b", "", "b", count(t, db)) }); err != nil {
					t.Error(err)
				}
			})
			if len(done) > 0 {
				t.Error("ran before the commit")
			}
			return put(ctx, tx, "a", "", "a", 1)
		})
		if diff := cmp.Diff([]string{"first", "second"}, done); diff != "" || err != nil || count(t, db) != 2 {
			t.Errorf("%v with %d rows: %s", err, count(t, db), diff)
		}
		if store.OnCommit(t.Context(), note("outside")) || len(done) != 2 {
			t.Error("registered outside a transaction")
		}
	})
}

func TestWhatFollowsACommitIsDroppedWithItsAttempt(t *testing.T) {
	t.Parallel()
	refusal := errors.New("the business says no")
	each(t, func(t *testing.T, db *store.DB) {
		ran := 0
		follow := func(context.Context) { ran++ }
		err := db.InTx(t.Context(), func(ctx context.Context, _ bun.Tx) error {
			store.OnCommit(ctx, follow)
			return refusal
		})
		if !errors.Is(err, refusal) || ran != 0 {
			t.Errorf("rolled back: %v, ran %d times", err, ran)
		}
		if db.Engine() == store.SQLite {
			return // whose transactions begin one after the other and do not collide
		}
		attempts := 0
		err = db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			store.OnCommit(ctx, follow)
			if attempts++; attempts < 3 {
				_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")
				return err
			}
			return nil
		})
		if err != nil || attempts != 3 || ran != 1 {
			t.Errorf("%v after %d attempts, ran %d times, want once", err, attempts, ran)
		}
	})
}
