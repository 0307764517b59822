package orders

import (
	"context"
	"maps"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// openBalance opens the account that orders of an owner are paid from and refunded to.
func (s *Service) openBalance(ctx context.Context, tx bun.IDB, kind models.OwnerKind, owner models.ID, currency models.Currency) (models.Account, error) {
	floor := int64(0)
	return s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: kind, OwnerID: string(owner), Kind: models.AccountBalance, Asset: string(currency), Floor: &floor,
	})
}

// openRevenue opens the account that payments of the order's customer go to.
func (s *Service) openRevenue(ctx context.Context, tx bun.IDB, order models.Order) (models.Account, error) {
	return s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: models.RevenueOwner(order.Cloud, order.CustomerID), Kind: models.AccountRevenue,
		Asset: string(order.Currency),
	})
}

// balanceOf reads a balance as the transaction leaves it.
func (s *Service) balanceOf(ctx context.Context, tx bun.IDB, owner models.ID, currency models.Currency) (models.Balance, error) {
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(owner)}, models.MoneyKinds()...)
	if err != nil {
		return models.Balance{}, err
	}
	return models.BalanceOf(accounts, currency, s.now()), nil
}

// customersBalanceChanged is the event that tells of the customer's balance. It names the partner only where it may know: an
// advisory customer's money is its own (C01).
func customersBalanceChanged(order models.Order, balance models.Balance, data map[string]any) models.Event {
	return models.Event{
		Type: models.EventBalanceChanged, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.CustomerID),
		Fields: []string{"balance"}, Data: with(data, "version", balance.Version),
	}
}

// with returns the data and a few more names with their values.
func with(data map[string]any, more ...any) map[string]any {
	all := maps.Clone(data)
	if all == nil {
		all = map[string]any{}
	}
	for i := 0; i+1 < len(more); i += 2 {
		if name, ok := more[i].(string); ok {
			all[name] = more[i+1]
		}
	}
	return all
}
