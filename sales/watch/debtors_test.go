package watch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// schedule remembers what was scheduled, or refuses to.
type schedule struct {
	refusal error
	all     []models.Due
}

func (s *schedule) ScheduleManyIn(_ context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error {
	if _, inside := tx.(bun.Tx); !inside || kind != models.JobUsageSettle {
		return errors.New("not what was asked for: " + string(kind))
	}
	s.all = append(s.all, all...)
	return s.refusal
}

func TestDebtorsAreTriedOnceTheirBalanceHasChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const owes, alsoOwes, paid, partner = models.ID("cus_1"), models.ID("cus_2"), models.ID("cus_3"), models.ID("par_1")
		at, wrong := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), errors.New("wrong")
		var asked []models.ID
		owing := func(_ context.Context, customers []models.ID) ([]models.ID, error) {
			asked = customers
			return slices.DeleteFunc(slices.Clone(customers), func(id models.ID) bool { return id == paid }), nil
		}
		var debtors watch.Debtors
		for _, step := range []struct {
			name    string
			changed []models.ID
			change  func(debt *watch.Debt)
			refusal error
			asked   []models.ID // who is looked at
			tried   []models.ID
			want    error
		}{
			{name: "nobody's balance has changed"},
			{name: "customers only, and each once", changed: []models.ID{alsoOwes, owes, partner, paid, owes}, asked: []models.ID{owes, alsoOwes, paid}, tried: []models.ID{owes, alsoOwes}},
			{name: "they are forgotten then"},
			{name: "nothing is owed", changed: []models.ID{paid}, asked: []models.ID{paid}},
			{name: "nothing is settled by itself", changed: []models.ID{owes}, change: func(debt *watch.Debt) { debt.Jobs = nil }},
			{name: "nobody can tell", changed: []models.ID{owes}, want: wrong, change: func(debt *watch.Debt) {
				debt.Owing = func(context.Context, []models.ID) ([]models.ID, error) { return nil, wrong }
			}},
			{name: "it cannot be scheduled", changed: []models.ID{owes}, refusal: wrong, asked: []models.ID{owes}, tried: []models.ID{owes}, want: wrong},
			{name: "nobody is remembered"},
		} {
			var changes []models.OwnerChange
			for _, id := range step.changed {
				kind := models.OwnerCustomer
				if id == partner {
					kind = models.OwnerPartner
				}
				changes = append(changes, models.OwnerChange{Kind: kind, ID: string(id)})
			}
			debtors.Changed(changes)
			jobs := &schedule{refusal: step.refusal}
			debt := watch.Debt{DB: db, Jobs: jobs, Kind: models.JobUsageSettle, At: at, Owing: owing}
			if step.change != nil {
				step.change(&debt)
			}
			asked = nil
			n, err := debtors.Settle(t.Context(), debt)
			if !errors.Is(err, step.want) || err == nil && n != len(step.tried) {
				t.Errorf("%s: %d, %v", step.name, n, err)
			}
			var due []models.Due
			for _, id := range step.tried {
				due = append(due, models.Due{Object: id, At: at})
			}
			if diff := cmp.Diff([]any{step.asked, due}, []any{asked, jobs.all}); diff != "" {
				t.Errorf("%s: %s", step.name, diff)
			}
		}
	})
}
