package funds

import (
	"context"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of withdrawing that callers may want to tell apart with errors.Is. The blockers of M11 are refusals with
// their models.BlockReason as reason.
var (
	ErrOwnerWithdraws    = models.Forbidden("Only the owner of the money withdraws it: use the partner's or the customer's own credential.")
	ErrOperatorReviews   = models.Forbidden("Only operators decide about withdrawals.")
	ErrWithdrawalUnknown = models.NotFound("withdrawal")
	ErrInFlight          = models.Precondition(string(models.BlockInFlight), "Another withdrawal is under way; there is one at a time (M10).")
)

// SubmitWithdrawal asks for money of the caller's own. The currency is the owner's.
type SubmitWithdrawal struct {
	Amount         decimal.Decimal // more than zero, at most 2 fraction digits, at most what WithdrawalEligibility says
	Route          models.WithdrawalRoute
	BankCard       *BankCard // for BANK_CARD and INCENTIVE_REBATE, nil otherwise
	Code           *string   // for WITHDRAWAL, where the caller's organisation asks for one (G04)
	IdempotencyKey string    // 1 to 128 printable ASCII characters, made up once per withdrawal
}

// RerouteWithdrawal sends a withdrawal that failed by the original route to a bank card.
type RerouteWithdrawal struct {
	WithdrawalID   models.ID
	BankCard       BankCard
	Code           *string // as in SubmitWithdrawal
	IdempotencyKey string  // as in SubmitWithdrawal
}

// Withdrawn is what a step did. A repeated key returns the balance of then, not of now; its version tells.
type Withdrawn struct {
	Withdrawal models.Withdrawal
	Balance    models.Balance // the owner's, after the step
}

// endless is when a withdrawal's hold expires: never. A review takes as long as it takes, and money that came free in
// the middle of it could be spent and then be paid out as well. The hold ends with the withdrawal and by nothing else.
var endless = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// SubmitWithdrawal holds the amount and asks the cloud's operators to pay it out (M10). It needs MONEY_MOVE and the credential of a
// partner or customer, whose own money it is: operators are FORBIDDEN. Whatever keeps the money back (M11) is
// PRECONDITION_FAILED with its models.BlockReason, a second withdrawal under way being WITHDRAWAL_IN_FLIGHT; too little
// money is INSUFFICIENT_BALANCE, and a credit line is none. Where the owner's organisation asks for a one-time code, what is wrong
// with it is PRECONDITION_FAILED as identity.Codes says (G04). The same key answers the same again, with another input it is
// CONFLICT. Whatever fails leaves nothing behind and the key free.
func (s *Service) SubmitWithdrawal(ctx context.Context, who models.Principal, cmd SubmitWithdrawal) (Withdrawn, error) {
	kind, id, err := mayWithdraw(who)
	if err != nil {
		return Withdrawn{}, err
	}
	card, err := cmd.check()
	if err != nil {
		return Withdrawn{}, err
	}
	proof, err := s.tryCode(ctx, who, models.CodeWithdrawal, cmd.Code)
	if err != nil {
		return Withdrawn{}, err
	}
	asked := struct {
		Amount string
		Route  models.WithdrawalRoute
		Card   string
	}{cmd.Amount.String(), cmd.Route, s.blindCard(card)}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "submitWithdrawal", asked, func(ctx context.Context, tx bun.IDB) (Withdrawn, error) {
		if err := s.guard(ctx, tx, who, proof); err != nil {
			return Withdrawn{}, err
		}
		owner, found, err := selectWithdrawer(ctx, tx, kind, id, store.ForShare)
		if err != nil {
			return Withdrawn{}, err
		}
		if !found {
			return Withdrawn{}, ErrOwnerUnknown
		}
		money, err := models.ParseMoney(cmd.Amount, owner.Currency, "amount")
		if err != nil {
			return Withdrawn{}, err
		}
		now := s.moment()
		w := models.Withdrawal{
			ID: s.IDs(models.PrefixWithdrawal), Cloud: owner.Cloud, OwnerKind: kind, OwnerID: id, Route: cmd.Route,
			State: models.WithdrawalSubmitted, Currency: owner.Currency, AmountMinor: money.Minor,
			CreatedAt: now, SubmittedAt: now, UpdatedAt: now,
		}
		if err := s.sealCard(&w, card); err != nil {
			return Withdrawn{}, err
		}
		if err := s.setAside(ctx, tx, owner, &w, now); err != nil {
			return Withdrawn{}, err
		}
		if err := insertWithdrawal(ctx, tx, &w); err != nil {
			return Withdrawn{}, oneInFlight(err)
		}
		return s.told(ctx, tx, who, models.EventWithdrawalSubmitted, "", w, true)
	})
}

// RerouteWithdrawal submits a withdrawal that failed by the original route again, to a bank card (M11). It is reviewed
// anew, because where the money goes is new. Its owner only; errors as SubmitWithdrawal, and WITHDRAWAL_STATE in any other state.
func (s *Service) RerouteWithdrawal(ctx context.Context, who models.Principal, cmd RerouteWithdrawal) (Withdrawn, error) {
	if _, _, err := mayWithdraw(who); err != nil {
		return Withdrawn{}, err
	}
	card, err := cmd.BankCard.checked()
	if err != nil {
		return Withdrawn{}, err
	}
	proof, err := s.tryCode(ctx, who, models.CodeWithdrawal, cmd.Code)
	if err != nil {
		return Withdrawn{}, err
	}
	return s.step(ctx, who, step{
		operation: "rerouteWithdrawal", id: cmd.WithdrawalID, key: cmd.IdempotencyKey, asked: s.blindCard(&card),
		event: models.EventWithdrawalRerouted, moves: true,
		run: func(ctx context.Context, tx bun.IDB, w *models.Withdrawal, now time.Time) error {
			if err := w.Become(models.WithdrawalSubmitted, now); err != nil {
				return err
			}
			if err := s.guard(ctx, tx, who, proof); err != nil {
				return err
			}
			w.Route, w.SubmittedAt, w.ReasonText = models.BankCardRoute, now, ""
			if err := s.sealCard(w, &card); err != nil {
				return err
			}
			owner, found, err := selectWithdrawer(ctx, tx, w.OwnerKind, w.OwnerID, store.ForShare)
			if err == nil && !found {
				err = ErrOwnerUnknown
			}
			if err != nil {
				return err
			}
			return s.setAside(ctx, tx, owner, w, now)
		},
	})
}

// tryCode counts a try of a code, before the transaction that is to use it.
func (s *Service) tryCode(ctx context.Context, who models.Principal, purpose models.CodePurpose, code *string) (identity.Proof, error) {
	if s.Codes == nil {
		return identity.Proof{}, nil
	}
	return s.Codes.Try(ctx, who, purpose, code)
}

// guard asks for the code that the owner's organisation wants for withdrawals, if it does.
func (s *Service) guard(ctx context.Context, tx bun.IDB, who models.Principal, proof identity.Proof) error {
	if s.Codes == nil {
		return nil
	}
	return s.Codes.Guard(ctx, tx, who, models.StepUpWithdrawals, proof)
}

// mayWithdraw returns the owner that the caller is.
func mayWithdraw(who models.Principal) (models.OwnerKind, models.ID, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return "", "", err
	}
	kind, id := ownerOf(who)
	if id == "" {
		return "", "", ErrOwnerWithdraws
	}
	return kind, id, nil
}

// ownerOf returns whose money is the caller's own; an operator has none.
func ownerOf(who models.Principal) (models.OwnerKind, models.ID) {
	if who.CustomerID != "" {
		return models.OwnerCustomer, who.CustomerID
	}
	return models.OwnerPartner, who.PartnerID
}

func (cmd SubmitWithdrawal) check() (*BankCard, error) {
	if err := checkAmount(cmd.Amount); err != nil {
		return nil, err
	}
	if !cmd.Route.Valid() {
		return nil, models.Invalid("route", "The route is ORIGINAL_ROUTE, BANK_CARD or INCENTIVE_REBATE.")
	}
	card, err := cardFor(cmd.Route, cmd.BankCard)
	if err != nil {
		return nil, err
	}
	return card, ledger.CheckKey(cmd.IdempotencyKey)
}

// setAside judges the withdrawal by what is in the locked account, and holds its amount there.
func (s *Service) setAside(ctx context.Context, tx bun.IDB, owner withdrawer, w *models.Withdrawal, now time.Time) error {
	floor := int64(0)
	account, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: owner.Kind, OwnerID: string(owner.ID), Kind: w.Route.Account(), Asset: string(owner.Currency), Floor: &floor,
	})
	if err != nil {
		return err
	}
	// From here on nothing else moves the money, so what is judged is what is held.
	if _, err := s.Ledger.Lock(ctx, tx, account.ID); err != nil {
		return err
	}
	facts, err := s.withdrawalFacts(ctx, tx, owner, nil)
	if err != nil {
		return err
	}
	if err := facts.Eligibility(w.Route, now).Check(w.Amount()); err != nil {
		return err
	}
	hold, _, err := s.Ledger.Place(ctx, tx, ledger.PlaceHold{AccountID: account.ID, AmountMinor: w.AmountMinor, ExpiresAt: endless})
	w.AccountID, w.HoldID = account.ID, hold.ID
	return err
}

// oneInFlight says in the API's words what the unique index of withdrawals in flight says, should two have passed the
// judgement at the same time, as with two different accounts.
func oneInFlight(err error) error {
	if store.Conflicts(err, "withdrawals", "owner_id") {
		return ErrInFlight
	}
	return err
}
