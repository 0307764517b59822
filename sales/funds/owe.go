package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Checked returns the card as it is kept, trimmed and without spaces, or INVALID with the field at fault, below bankCard.
func (c BankCard) Checked() (BankCard, error) { return c.checked() }

// OweIn keeps an amount of a partner's money from being withdrawn until its invoice is there, in the caller's transaction, which has decided
// so: a restriction with the reason INVOICE_DEBT, which operators lift (M11). note is for operators, 1 to 500 characters.
func (s *Service) OweIn(ctx context.Context, tx bun.IDB, who models.Principal, partner models.ID, amount models.Money, note string) (models.WithdrawalRestriction, error) {
	if err := models.CheckText(note, "note", 500, false); err != nil {
		return models.WithdrawalRestriction{}, err
	}
	owed := models.WithdrawalRestriction{
		ID: s.IDs(models.PrefixRestriction), OwnerKind: models.OwnerPartner, OwnerID: partner, Reason: models.RestrictDebt, Currency: amount.Currency,
		AmountMinor: amount.Minor, Note: note, CreatedAt: s.moment(),
	}
	if err := insertRestriction(ctx, tx, &owed); err != nil {
		return models.WithdrawalRestriction{}, err
	}
	return owed, s.recordRestriction(ctx, tx, who, models.EventWithdrawalRestricted, owed)
}
