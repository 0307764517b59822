package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store/jobs"
)

// What was there before the jobs gets them once, whatever comes in between.
func TestBackfillGoesOnWhereItWasAndEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		broken := errors.New("a server went away")
		var looked []models.ID
		find := func(_ context.Context, _ bun.IDB, after models.ID, _ int) ([]models.Due, models.ID, error) {
			looked = append(looked, after)
			switch {
			case after == "":
				return []models.Due{{Object: one, At: b.time().Add(time.Hour)}}, one, nil
			case after == one && len(looked) == 2:
				return nil, "", broken
			case after == one:
				return []models.Due{{Object: two, At: b.time().Add(-time.Hour)}}, two, nil
			}
			return nil, "", nil
		}
		backfill := func() error { return b.engine.Backfill(t.Context(), models.JobOrderExpire, find) }
		if err := backfill(); !errors.Is(err, broken) {
			t.Fatal(err)
		}
		for range 2 {
			if err := backfill(); err != nil {
				t.Fatal(err)
			}
		}
		if want := []models.ID{"", one, one, two}; len(looked) != len(want) || looked[2] != one || looked[3] != two {
			t.Errorf("looked after %v, want %v", looked, want)
		}
		b.runs(two)
		b.advance(time.Hour)
		b.runs(one)
	})
}

func TestBackfillIsSkippedWhereTimeStandsStill(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		err := b.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return jobs.SkipBackfill(ctx, tx, b.time(), models.JobOrderExpire)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = b.engine.Backfill(t.Context(), models.JobOrderExpire, func(context.Context, bun.IDB, models.ID, int) ([]models.Due, models.ID, error) {
			t.Error("asked what is missing")
			return nil, "", nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
