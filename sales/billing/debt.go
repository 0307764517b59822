package billing

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Owes reports whether something that the customer used is not paid (C13). It is of one moment when the caller has locked the customer's
// accounts, as every settlement does.
func (s *Service) Owes(ctx context.Context, db bun.IDB, customer models.ID) (bool, error) {
	owes, err := debtLines(db.NewSelect().Model((*models.BillLine)(nil)), customer).Exists(ctx)
	return owes, store.Translate(err)
}

// Changed notes the customers whose balance has changed, for SettleChanged. It costs a move of money nothing else.
func (s *Service) Changed(changes []models.OwnerChange) {
	for _, change := range changes {
		if change.Kind == models.OwnerCustomer {
			s.noted.Add(models.ID(change.ID))
		}
	}
}

// SettleChanged has the debts of those customers tried at once whose balance this process has changed since it was last called, and returns how
// many they are: by the job that settles them, of which there is one for each customer, in the place of the next hourly attempt. It looks at few
// customers and may be called often. What it misses, because the process ended in between, the hourly attempt finds.
func (s *Service) SettleChanged(ctx context.Context) (int, error) {
	customers := s.noted.Take()
	if len(customers) == 0 || s.Jobs == nil {
		return 0, nil
	}
	owing, err := selectOwing(ctx, s.DB, customers)
	if err != nil || len(owing) == 0 {
		return 0, err
	}
	due := make([]models.Due, len(owing))
	for i, customer := range owing {
		due[i] = models.Due{Object: customer, At: s.now()}
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.Jobs.ScheduleManyIn(ctx, tx, models.JobUsageSettle, due)
	})
	return len(owing), err
}
