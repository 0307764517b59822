package ledger

import (
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// The refusals that callers may want to tell apart with errors.Is.
var (
	ErrInsufficientBalance = &models.Error{Code: models.CodeInsufficientBalance, Message: "The balance does not suffice."}
	ErrAlreadyReversed     = models.Precondition("ALREADY_REVERSED", "This transfer has been reversed before.")
	ErrNotReversible       = models.Precondition("NOT_REVERSIBLE", "A reversal cannot be reversed; post a new transfer.")
	ErrHoldNotPending      = models.Precondition("HOLD_NOT_PENDING", "This hold has been posted, voided or has expired.")
	ErrKeyReused           = models.Conflict("This idempotency key was used before, with another operation or other input.")
	ErrAccountUnknown      = models.NotFound("account")
	ErrTransferUnknown     = models.NotFound("transfer")
	ErrHoldUnknown         = models.NotFound("hold")
)

// insufficient says what there is and what was asked for, as decimals of the asset, so that a client can tell its user.
func insufficient(account models.Account, requiredMinor int64) *models.Error {
	return &models.Error{
		Code:    models.CodeInsufficientBalance,
		Message: ErrInsufficientBalance.Message,
		Details: map[string]any{
			"available": amountOf(max(account.AvailableMinor(), 0), account.Asset),
			"required":  amountOf(requiredMinor, account.Asset),
			"currency":  account.Asset,
		},
	}
}

func amountOf(minor int64, asset string) string {
	scale := models.Currency(asset).Scale()
	return decimal.New(minor, -scale).StringFixed(scale)
}
