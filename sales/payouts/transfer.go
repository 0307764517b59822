package payouts

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// ReleaseIn takes payouts back that nobody has begun, because their statements, which the caller has locked, go to another account (N12), and returns them by
// statement. STATEMENT_IN_PAYOUT when one was submitted, or has statements beside these.
func (s *Service) ReleaseIn(ctx context.Context, tx bun.IDB, who models.Principal, statements []models.ID) (map[models.ID]models.ID, error) {
	held, err := selectHolders(ctx, tx, models.SystemPrincipal("payouts"), statements)
	if err != nil {
		return nil, err
	}
	released := make(map[models.ID]models.ID, len(held))
	ended := map[models.ID]bool{}
	for _, one := range held {
		released[one.StatementID] = one.ID
		if ended[one.ID] {
			continue
		}
		ended[one.ID] = true
		if err := s.release(ctx, tx, who, one.ID, statements); err != nil {
			return nil, err
		}
	}
	return released, nil
}

func (s *Service) release(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, statements []models.ID) error {
	payout, found, err := selectPayoutForUpdate(ctx, tx, models.SystemPrincipal("payouts"), id)
	if err != nil || !found {
		return err
	}
	parts, err := selectStatementsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	besides := slices.ContainsFunc(parts, func(part models.ID) bool { return !slices.Contains(statements, part) })
	if payout.State != models.PayoutToSubmit || payout.SubmittedAt != nil || besides {
		refused := models.Precondition("STATEMENT_IN_PAYOUT", "A payout of a statement is under way, or has other statements too.")
		refused.Details["payoutId"] = string(id)
		return refused
	}
	before := payout.State
	if err := payout.Become(models.PayoutWithdrawn, s.now()); err != nil {
		return err
	}
	if err := updatePayout(ctx, tx, &payout); err != nil {
		return err
	}
	if err := updatePartsFree(ctx, tx, id); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, payoutEvent(models.EventPayoutWithdrawn, before, payout))
}

// CarryOverIn says of a statement that another account has received what was carried over of the one that it comes from.
func (s *Service) CarryOverIn(ctx context.Context, tx bun.IDB, from, received, partner models.ID) error {
	carries, err := selectCarries(ctx, tx, []models.ID{from})
	if err != nil || len(carries) == 0 {
		return err
	}
	for i := range carries {
		carries[i].StatementID, carries[i].PartnerID = received, partner
	}
	_, err = tx.NewInsert().Model(&carries).Exec(ctx)
	return store.Translate(err)
}
