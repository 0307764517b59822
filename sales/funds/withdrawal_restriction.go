package funds

import (
	"context"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of restricting.
var (
	ErrRestrictionUnknown = models.NotFound("withdrawal restriction")
	ErrRestrictionLifted  = models.Precondition("RESTRICTION_LIFTED", "This restriction was lifted before.")
)

// RestrictWithdrawals keeps a partner or a customer from withdrawing all or some of its money. Exactly one owner is named.
type RestrictWithdrawals struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	Reason     models.RestrictionReason
	Amount     *decimal.Decimal // above zero, in the owner's currency; required unless the contract forbids refunds
	Note       string           // for operators, 1 to 500 characters
}

// LiftWithdrawalRestriction ends a restriction.
type LiftWithdrawalRestriction struct {
	RestrictionID models.ID
}

// Restricted is a restriction as it is after the operation.
type Restricted struct {
	Restriction models.WithdrawalRestriction
}

// RestrictWithdrawals sets a restriction (M11). It meets submissions from now on; a withdrawal under way goes on and is a
// reviewer's to reject. Operators with WITHDRAWALS_REVIEW only; NOT_FOUND for an unknown owner.
func (s *Service) RestrictWithdrawals(ctx context.Context, who models.Principal, cmd RestrictWithdrawals) (Restricted, error) {
	if err := mayReview(who); err != nil {
		return Restricted{}, err
	}
	kind, id, err := cmd.check(who)
	if err != nil {
		return Restricted{}, err
	}
	var done Restricted
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Submissions share the owner's row: one that began before is judged without the restriction, one after with it.
		owner, found, err := selectWithdrawer(ctx, tx, kind, id, store.ForUpdate)
		if err != nil {
			return err
		}
		if !found {
			return ErrOwnerUnknown
		}
		restriction := models.WithdrawalRestriction{
			ID: s.IDs(models.PrefixRestriction), OwnerKind: kind, OwnerID: id, Reason: cmd.Reason, Currency: owner.Currency, Note: cmd.Note,
			CreatedAt: s.moment(),
		}
		if cmd.Amount != nil {
			money, err := models.ParseMoney(*cmd.Amount, owner.Currency, "amount")
			if err != nil {
				return err
			}
			restriction.AmountMinor = money.Minor
		}
		if err := insertRestriction(ctx, tx, &restriction); err != nil {
			return err
		}
		done.Restriction = restriction
		return s.recordRestriction(ctx, tx, who, models.EventWithdrawalRestricted, restriction)
	})
	return done, err
}

// LiftWithdrawalRestriction ends a restriction. Operators with WITHDRAWALS_REVIEW only; ErrRestrictionLifted the second
// time.
func (s *Service) LiftWithdrawalRestriction(ctx context.Context, who models.Principal, cmd LiftWithdrawalRestriction) (Restricted, error) {
	if err := mayReview(who); err != nil {
		return Restricted{}, err
	}
	if err := cmd.RestrictionID.Require(models.PrefixRestriction, "restrictionId"); err != nil {
		return Restricted{}, err
	}
	var done Restricted
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		restriction, found, err := selectRestrictionForUpdate(ctx, tx, cmd.RestrictionID)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrRestrictionUnknown
		case restriction.LiftedAt != nil:
			return ErrRestrictionLifted
		}
		now := s.moment()
		restriction.LiftedAt = &now
		if err := updateLifted(ctx, tx, &restriction); err != nil {
			return err
		}
		done.Restriction = restriction
		return s.recordRestriction(ctx, tx, who, models.EventRestrictionLifted, restriction)
	})
	return done, err
}

func (cmd RestrictWithdrawals) check(who models.Principal) (models.OwnerKind, models.ID, error) {
	kind, id, err := EligibilityQuery{PartnerID: cmd.PartnerID, CustomerID: cmd.CustomerID}.owner(who)
	switch {
	case err != nil:
		return "", "", err
	case id == "":
		return "", "", models.Invalid("partnerId", "Name the partner or the customer.")
	case !cmd.Reason.Valid():
		return "", "", models.Invalid("reason", "There is no such reason.")
	case cmd.Reason.NeedsAmount() && cmd.Amount == nil:
		return "", "", models.Invalid("amount", "This restriction keeps an amount back: say how much.")
	case !cmd.Reason.NeedsAmount() && cmd.Amount != nil:
		return "", "", models.Invalid("amount", "This restriction keeps everything back: it has no amount.")
	}
	if cmd.Amount != nil {
		if err := checkAmount(*cmd.Amount); err != nil {
			return "", "", err
		}
	}
	return kind, id, models.CheckText(cmd.Note, "note", 500, false)
}

// recordRestriction tells the owner as well; the note stays with the operators.
func (s *Service) recordRestriction(ctx context.Context, tx bun.IDB, who models.Principal, event models.EventType, r models.WithdrawalRestriction) error {
	happened := models.Event{
		Type: event, SubjectID: string(r.ID),
		Data: map[string]any{"ownerId": r.OwnerID, "reason": r.Reason, "amount": models.NewMoney(r.AmountMinor, r.Currency).Plain(), "currency": r.Currency},
	}
	if r.OwnerKind == models.OwnerPartner {
		happened.PartnerID = r.OwnerID
	} else {
		happened.CustomerID = r.OwnerID
	}
	return s.Events.Record(ctx, tx, who, happened)
}
