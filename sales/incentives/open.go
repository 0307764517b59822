package incentives

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// OpenIn locks the statements of a partner in one currency that are confirmed and not done, and returns them, oldest month first, in the
// caller's transaction, which has decided that it may.
func (s *Service) OpenIn(ctx context.Context, tx bun.IDB, partner models.ID, currency models.Currency) ([]models.IncentiveStatement, error) {
	return selectIssuingForUpdate(ctx, tx, partner, currency)
}

// SettleIn notes that statements are paid out, in the transaction that pays: ISSUING becomes DONE. CONFLICT when one is not ISSUING.
func (s *Service) SettleIn(ctx context.Context, tx bun.IDB, who models.Principal, statements []models.ID, reference string) error {
	now := s.now()
	for _, id := range statements {
		statement, found, err := selectStatementForUpdate(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case !found || !statement.Status.CanBecome(models.StatementDone):
			return models.Conflict("A statement of this payout is not being issued any more.")
		}
		before := statement.Status
		statement.Status, statement.UpdatedAt, statement.DoneAt, statement.Reference = models.StatementDone, now, &now, reference
		if err := updateStatement(ctx, tx, &statement); err != nil {
			return err
		}
		if err := s.Events.Record(ctx, tx, who, moved(models.EventStatementDone, statement, before)); err != nil {
			return err
		}
	}
	return nil
}
