package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// ErrNotRejected refuses to delete a withdrawal in another state than REJECTED.
var ErrNotRejected = models.Precondition("WITHDRAWAL_NOT_REJECTED", "Only a rejected withdrawal can be deleted (M10).")

// CancelWithdrawal takes a withdrawal back.
type CancelWithdrawal struct {
	WithdrawalID   models.ID
	IdempotencyKey string // 1 to 128 printable ASCII characters
}

// DeleteRejectedWithdrawal removes a rejected withdrawal from its owner's list.
type DeleteRejectedWithdrawal struct {
	WithdrawalID models.ID
}

// DeletedWithdrawal says what was deleted.
type DeletedWithdrawal struct {
	DeletedWithdrawalID models.ID
}

// CancelWithdrawal takes a withdrawal back that nobody reviews yet, and frees its money. Its owner only, with MONEY_MOVE;
// somebody else's is NOT_FOUND, another state PRECONDITION_FAILED with the reason WITHDRAWAL_STATE.
func (s *Service) CancelWithdrawal(ctx context.Context, who models.Principal, cmd CancelWithdrawal) (Withdrawn, error) {
	if _, _, err := mayWithdraw(who); err != nil {
		return Withdrawn{}, err
	}
	return s.step(ctx, who, step{
		operation: "cancelWithdrawal", id: cmd.WithdrawalID, key: cmd.IdempotencyKey, event: models.EventWithdrawalCancelled, moves: true,
		run: func(ctx context.Context, tx bun.IDB, w *models.Withdrawal, now time.Time) error {
			if err := w.Become(models.WithdrawalCancelled, now); err != nil {
				return err
			}
			return s.release(ctx, tx, w)
		},
	})
}

// DeleteRejectedWithdrawal deletes a rejected withdrawal, its card with it; the audit record keeps what happened (M10). Its
// owner only, with MONEY_MOVE; somebody else's, and one deleted before, is NOT_FOUND, another state ErrNotRejected.
func (s *Service) DeleteRejectedWithdrawal(ctx context.Context, who models.Principal, cmd DeleteRejectedWithdrawal) (DeletedWithdrawal, error) {
	if _, _, err := mayWithdraw(who); err != nil {
		return DeletedWithdrawal{}, err
	}
	if err := cmd.WithdrawalID.Require(models.PrefixWithdrawal, "withdrawalId"); err != nil {
		return DeletedWithdrawal{}, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		w, found, err := selectWithdrawalForUpdate(ctx, tx, who, cmd.WithdrawalID)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrWithdrawalUnknown
		case w.State != models.WithdrawalRejected:
			return ErrNotRejected
		}
		if err := deleteWithdrawal(ctx, tx, w.ID); err != nil {
			return err
		}
		_, err = s.told(ctx, tx, who, models.EventWithdrawalDeleted, w.State, w, false)
		return err
	})
	if err != nil {
		return DeletedWithdrawal{}, err
	}
	return DeletedWithdrawal{DeletedWithdrawalID: cmd.WithdrawalID}, nil
}
