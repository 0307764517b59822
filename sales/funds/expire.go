package funds

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// One run of ExpireHolds ends at most holdBatches times holdBatch holds: what is left waits for the next run, so that a
// pile of them does not keep accounts from their owners.
const (
	holdBatch   = 100
	holdBatches = 50
)

// ExpireHolds ends the holds whose time is over and frees their money, in several short transactions, and returns how many
// it ended. A job of this server's; others are FORBIDDEN. Withdrawals hold without an end and are not among them.
func (s *Service) ExpireHolds(ctx context.Context, who models.Principal) (int, error) {
	if who.Kind != models.System {
		return 0, models.Forbidden("Holds expire by themselves.")
	}
	total := 0
	for range holdBatches {
		var ended []models.Hold
		err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			var freed []models.Account
			var err error
			if ended, freed, err = s.Ledger.Expire(ctx, tx, holdBatch); err != nil {
				return err
			}
			return s.recordFreed(ctx, tx, who, ended, freed)
		})
		if err != nil {
			return total, err
		}
		total += len(ended)
		if len(ended) < holdBatch {
			break
		}
	}
	return total, nil
}

// recordFreed tells the owners of the accounts, and of a resale customer its partner, what they have again.
func (s *Service) recordFreed(ctx context.Context, tx bun.IDB, who models.Principal, ended []models.Hold, freed []models.Account) error {
	if len(ended) == 0 {
		return nil
	}
	owners := make([]string, len(freed))
	for i, account := range freed {
		owners[i] = account.OwnerID
	}
	accounts, err := s.Ledger.Accounts(ctx, tx, owners, moneyKinds()...)
	if err != nil {
		return err
	}
	partners, err := selectFunders(ctx, tx, owners)
	if err != nil {
		return err
	}
	happened := make([]models.Event, len(freed))
	for i, account := range freed {
		var holds []models.ID
		var minor int64
		for _, hold := range ended {
			if hold.AccountID == account.ID {
				holds = append(holds, hold.ID)
				minor += hold.AmountMinor
			}
		}
		currency := models.Currency(account.Asset)
		whole := slices.DeleteFunc(slices.Clone(accounts), func(a models.Account) bool { return a.OwnerID != account.OwnerID })
		happened[i] = models.Event{
			Type: models.EventBalanceChanged, SubjectID: account.OwnerID, Fields: []string{"balance"},
			Data: map[string]any{
				"holdIds": holds, "amount": models.NewMoney(minor, currency).Plain(), "currency": currency,
				"version": models.BalanceOf(whole, currency, s.moment()).Version,
			},
		}
		if account.OwnerKind == models.OwnerCustomer {
			happened[i].CustomerID, happened[i].PartnerID = models.ID(account.OwnerID), partners[models.ID(account.OwnerID)]
		} else {
			happened[i].PartnerID = models.ID(account.OwnerID)
		}
	}
	return s.Events.Record(ctx, tx, who, happened...)
}
