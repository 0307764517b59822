package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Reverse writes the opposite of a transfer as a new one of kind REVERSAL, for the same order. It is ErrAlreadyReversed
// the second time, ErrNotReversible for a reversal, and INSUFFICIENT_BALANCE when the money has been spent since.
func (s *Service) Reverse(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, reason string) (models.Transfer, []models.Account, error) {
	// The lock makes a second reversal wait for the first, and then see it.
	originals, err := selectTransfer(ctx, tx, id, true)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	switch {
	case len(originals) == 0:
		return models.Transfer{}, nil, ErrTransferUnknown
	case originals[0].Kind == models.TransferReversal:
		return models.Transfer{}, nil, ErrNotReversible
	}
	reversed, err := existsReversal(ctx, tx, id)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	if reversed {
		return models.Transfer{}, nil, ErrAlreadyReversed
	}
	entries, err := selectEntries(ctx, tx, id)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	posting := Posting{Kind: models.TransferReversal, OrderID: originals[0].OrderID, ReversesID: id, Reason: reason}
	for _, entry := range entries {
		posting.Legs = append(posting.Legs, Leg{AccountID: entry.AccountID, AmountMinor: -entry.AmountMinor})
	}
	return s.Post(ctx, tx, who, posting)
}
