package billing

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
)

// Owes reports whether something that the customer used is not paid (C13). It is of one moment when the caller has locked the customer's
// accounts, as every settlement does.
func (s *Service) Owes(ctx context.Context, db bun.IDB, customer models.ID) (bool, error) {
	owes, err := debtLines(db.NewSelect().Model((*models.BillLine)(nil)), customer).Exists(ctx)
	return owes, store.Translate(err)
}

// Changed notes the customers whose balance has changed, for SettleChanged.
func (s *Service) Changed(changes []models.OwnerChange) { s.debtors.Changed(changes) }

// SettleChanged has the debts of those customers tried at once whose balance this process has changed since it was last called, in the place of the next
// hourly attempt, and returns how many they are.
func (s *Service) SettleChanged(ctx context.Context) (int, error) {
	return s.debtors.Settle(ctx, watch.Debt{
		DB: s.DB, Jobs: s.Jobs, Kind: models.JobUsageSettle, At: s.now(),
		Owing: func(ctx context.Context, customers []models.ID) ([]models.ID, error) {
			return selectOwing(ctx, s.DB, customers)
		},
	})
}
