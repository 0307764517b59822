package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// ReviewWithdrawal is what a reviewer decides.
type ReviewWithdrawal struct {
	WithdrawalID   models.ID
	Decision       models.WithdrawalDecision
	RejectionCode  *models.WithdrawalRejection // with REJECT only, and required there
	ReasonText     *string                     // with REJECT only: for the owner to read, 1 to 500 characters, no personal data
	IdempotencyKey string                      // 1 to 128 printable ASCII characters
}

// PayWithdrawal says that the cloud's bank has been told to pay.
type PayWithdrawal struct {
	WithdrawalID   models.ID
	IdempotencyKey string // as in ReviewWithdrawal
}

// CompleteWithdrawal says that the money has arrived.
type CompleteWithdrawal struct {
	WithdrawalID   models.ID
	BankReference  string // the bank's name for the payout, 1 to 64 characters
	IdempotencyKey string // as in ReviewWithdrawal
}

// FailWithdrawal says that the money came back.
type FailWithdrawal struct {
	WithdrawalID   models.ID
	ReasonText     string // for the owner to read, 1 to 500 characters, no personal data
	IdempotencyKey string // as in ReviewWithdrawal
}

// The operations of this file need WITHDRAWALS_REVIEW and an operator's credential, others are FORBIDDEN. An unknown
// withdrawal is NOT_FOUND, one in another state PRECONDITION_FAILED with the reason WITHDRAWAL_STATE. Keys are as with
// SubmitWithdrawal.

// ReviewWithdrawal starts a review, or ends it: approved, or rejected with a code and a text, which frees the money. What keeps the money
// back by now (M11) refuses the approval with its models.BlockReason and leaves the review open.
func (s *Service) ReviewWithdrawal(ctx context.Context, who models.Principal, cmd ReviewWithdrawal) (Withdrawn, error) {
	if err := mayReview(who); err != nil {
		return Withdrawn{}, err
	}
	if err := cmd.check(); err != nil {
		return Withdrawn{}, err
	}
	next, event := cmd.Decision.Next(), map[models.WithdrawalDecision]models.EventType{
		models.StartReview: models.EventWithdrawalReviewing, models.ApproveReview: models.EventWithdrawalApproved,
		models.RejectReview: models.EventWithdrawalRejected,
	}[cmd.Decision]
	asked := struct {
		Decision      models.WithdrawalDecision
		RejectionCode *models.WithdrawalRejection
		ReasonText    *string
	}{cmd.Decision, cmd.RejectionCode, cmd.ReasonText}
	return s.step(ctx, who, step{
		operation: "reviewWithdrawal", id: cmd.WithdrawalID, key: cmd.IdempotencyKey, asked: asked, event: event, moves: !next.InFlight(),
		run: func(ctx context.Context, tx bun.IDB, w *models.Withdrawal, now time.Time) error {
			if cmd.Decision == models.ApproveReview {
				if err := s.stillEligible(ctx, tx, *w); err != nil {
					return err
				}
			}
			if cmd.Decision != models.RejectReview {
				return w.Become(next, now)
			}
			if err := w.Reject(*cmd.RejectionCode, *cmd.ReasonText, now); err != nil {
				return err
			}
			return s.release(ctx, tx, w)
		},
	})
}

// stillEligible judges a withdrawal again before it is approved (M11): debts, arrears and restrictions may have come since it was
// submitted. The age of its money counts as of then, because how long a review takes is not the owner's doing.
func (s *Service) stillEligible(ctx context.Context, tx bun.IDB, w models.Withdrawal) error {
	owner, found, err := selectWithdrawer(ctx, tx, w.OwnerKind, w.OwnerID, store.ForShare)
	if err == nil && !found {
		err = ErrOwnerUnknown
	}
	if err != nil {
		return err
	}
	if _, err := s.Ledger.Lock(ctx, tx, w.AccountID); err != nil {
		return err
	}
	facts, err := s.withdrawalFacts(ctx, tx, owner, &w)
	if err != nil {
		return err
	}
	facts.InFlight = false // that is this one
	return facts.Eligibility(w.Route, w.SubmittedAt).Check(w.Amount())
}

// PayWithdrawal marks an approved withdrawal as being paid.
func (s *Service) PayWithdrawal(ctx context.Context, who models.Principal, cmd PayWithdrawal) (Withdrawn, error) {
	if err := mayReview(who); err != nil {
		return Withdrawn{}, err
	}
	return s.step(ctx, who, step{
		operation: "payWithdrawal", id: cmd.WithdrawalID, key: cmd.IdempotencyKey, event: models.EventWithdrawalPaying,
		run: func(_ context.Context, _ bun.IDB, w *models.Withdrawal, now time.Time) error {
			return w.Become(models.WithdrawalPaying, now)
		},
	})
}

// CompleteWithdrawal takes the held money out of the account, to the outside world.
func (s *Service) CompleteWithdrawal(ctx context.Context, who models.Principal, cmd CompleteWithdrawal) (Withdrawn, error) {
	if err := mayReview(who); err != nil {
		return Withdrawn{}, err
	}
	if err := models.CheckText(cmd.BankReference, "bankReference", 64, false); err != nil {
		return Withdrawn{}, err
	}
	return s.step(ctx, who, step{
		operation: "completeWithdrawal", id: cmd.WithdrawalID, key: cmd.IdempotencyKey, asked: cmd.BankReference,
		event: models.EventWithdrawalDone, moves: true,
		run: func(ctx context.Context, tx bun.IDB, w *models.Withdrawal, now time.Time) error {
			if err := w.Become(models.WithdrawalDone, now); err != nil {
				return err
			}
			w.BankReference = cmd.BankReference
			return s.payOut(ctx, tx, who, w)
		},
	})
}

// FailWithdrawal frees the money of a payout that came back. By the original route it is FAILED_ORIGINAL_ROUTE and may go
// on to a bank card; by another it is REJECTED with PAYOUT_FAILED.
func (s *Service) FailWithdrawal(ctx context.Context, who models.Principal, cmd FailWithdrawal) (Withdrawn, error) {
	if err := mayReview(who); err != nil {
		return Withdrawn{}, err
	}
	if err := models.CheckText(cmd.ReasonText, "reasonText", 500, false); err != nil {
		return Withdrawn{}, err
	}
	return s.step(ctx, who, step{
		operation: "failWithdrawal", id: cmd.WithdrawalID, key: cmd.IdempotencyKey, asked: cmd.ReasonText,
		event: models.EventWithdrawalFailed, moves: true,
		run: func(ctx context.Context, tx bun.IDB, w *models.Withdrawal, now time.Time) error {
			if err := w.Fail(cmd.ReasonText, now); err != nil {
				return err
			}
			return s.release(ctx, tx, w)
		},
	})
}

// mayReview lets operators through.
func mayReview(who models.Principal) error {
	if err := access.Require(who, models.ReviewWithdrawals); err != nil {
		return err
	}
	if !who.SeesAll() {
		return ErrOperatorReviews
	}
	return nil
}

func (cmd ReviewWithdrawal) check() error {
	if cmd.Decision.Next() == "" {
		return models.Invalid("decision", "The decision is START, APPROVE or REJECT.")
	}
	if cmd.Decision != models.RejectReview {
		if cmd.RejectionCode != nil || cmd.ReasonText != nil {
			return models.Invalid("rejectionCode", "Only a rejection has a code and a text.")
		}
		return nil
	}
	if cmd.RejectionCode == nil || !cmd.RejectionCode.Givable() {
		return models.Invalid("rejectionCode", "A rejection needs a code; PAYOUT_FAILED is what failWithdrawal sets.")
	}
	if cmd.ReasonText == nil {
		return models.Invalid("reasonText", "A rejection needs a text for the owner to read.")
	}
	return models.CheckText(*cmd.ReasonText, "reasonText", 500, false)
}

// payOut turns the hold into the transfer that it was placed for.
func (s *Service) payOut(ctx context.Context, tx bun.IDB, who models.Principal, w *models.Withdrawal) error {
	world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: w.Cloud, Kind: models.AccountWorld, Asset: string(w.Currency),
	})
	if err != nil {
		return err
	}
	transfer, _, err := s.Ledger.PostHold(ctx, tx, who, w.HoldID, ledger.Posting{
		Kind: models.TransferWithdrawal, SubjectID: w.ID,
		Legs: []ledger.Leg{{AccountID: w.AccountID, AmountMinor: -w.AmountMinor}, {AccountID: world.ID, AmountMinor: w.AmountMinor}},
	})
	w.TransferID = transfer.ID
	return err
}
