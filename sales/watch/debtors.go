package watch

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Debtors remembers the customers whose balance has changed in this process, so that what they owe is tried again at once. The zero value is empty; it
// is safe for concurrent use.
type Debtors struct{ noted Noted }

// Changed notes the customers among those whose balance has changed. It costs a move of money nothing else.
func (d *Debtors) Changed(changes []models.OwnerChange) {
	for _, change := range changes {
		if change.Kind == models.OwnerCustomer {
			d.noted.Add(models.ID(change.ID))
		}
	}
}

// Jobs has debts settled at their time.
type Jobs interface {
	// ScheduleManyIn has a kind of job carried out for objects at their times, in the caller's transaction.
	ScheduleManyIn(ctx context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error
}

// Debt is a kind of debt.
type Debt struct {
	DB   *store.DB
	Jobs Jobs           // nil = nothing is settled by itself
	Kind models.JobKind // the job that settles it, of which there is one for each customer
	At   time.Time      // when it is to
	// Owing returns those of the customers that have such a debt.
	Owing func(ctx context.Context, customers []models.ID) ([]models.ID, error)
}

// Settle has the debts of those noted customers tried that have one, in the place of the job's next attempt, and returns how many they are. It looks at few
// customers and may be called often. What it misses, because it fails or the process ended in between, the next attempt finds.
func (d *Debtors) Settle(ctx context.Context, debt Debt) (int, error) {
	customers := d.noted.Take()
	if len(customers) == 0 || debt.Jobs == nil {
		return 0, nil
	}
	owing, err := debt.Owing(ctx, customers)
	if err != nil || len(owing) == 0 {
		return 0, err
	}
	due := make([]models.Due, len(owing))
	for i, customer := range owing {
		due[i] = models.Due{Object: customer, At: debt.At}
	}
	err = debt.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return debt.Jobs.ScheduleManyIn(ctx, tx, debt.Kind, due)
	})
	return len(owing), err
}
