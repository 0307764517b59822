package orders

import (
	"context"
	"maps"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// balanceSpec is the account that orders of an owner are paid from and refunded to.
func balanceSpec(kind models.OwnerKind, owner models.ID, currency models.Currency) ledger.AccountSpec {
	floor := int64(0)
	return ledger.AccountSpec{OwnerKind: kind, OwnerID: string(owner), Kind: models.AccountBalance, Asset: string(currency), Floor: &floor}
}

// revenueSpec is the account that payments of the order's customer go to.
func revenueSpec(order models.Order) ledger.AccountSpec {
	return ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: models.RevenueOwner(order.Cloud, order.CustomerID), Kind: models.AccountRevenue, Asset: string(order.Currency),
	}
}

func (s *Service) openBalance(ctx context.Context, tx bun.IDB, kind models.OwnerKind, owner models.ID, currency models.Currency) (models.Account, error) {
	return s.Ledger.Open(ctx, tx, balanceSpec(kind, owner, currency))
}

func (s *Service) openRevenue(ctx context.Context, tx bun.IDB, order models.Order) (models.Account, error) {
	return s.Ledger.Open(ctx, tx, revenueSpec(order))
}

// payAccounts are those that a customer's payment moves money on.
type payAccounts struct {
	from, revenue models.Account
	owed          models.Account // what the customer owes on account; zero for one that never had a line
}

// openPayAccounts reads the accounts of a payment together, and makes those that it needs and that are missing.
func (s *Service) openPayAccounts(ctx context.Context, tx bun.IDB, order models.Order) (payAccounts, error) {
	from, revenue := balanceSpec(models.OwnerCustomer, order.CustomerID, order.Currency), revenueSpec(order)
	owed := from
	owed.Kind = models.AccountSettlement
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{from.OwnerID, revenue.OwnerID}, from.Kind, owed.Kind, revenue.Kind)
	if err != nil {
		return payAccounts{}, err
	}
	open := payAccounts{owed: among(accounts, owed)}
	if open.from, err = s.openAmong(ctx, tx, accounts, from); err != nil {
		return payAccounts{}, err
	}
	open.revenue, err = s.openAmong(ctx, tx, accounts, revenue)
	return open, err
}

// among finds the account of a spec; zero = it is not among them.
func among(accounts []models.Account, spec ledger.AccountSpec) models.Account {
	for _, a := range accounts {
		if a.OwnerKind == spec.OwnerKind && a.OwnerID == spec.OwnerID && a.Kind == spec.Kind && a.Asset == spec.Asset {
			return a
		}
	}
	return models.Account{}
}

func (s *Service) openAmong(ctx context.Context, tx bun.IDB, accounts []models.Account, spec ledger.AccountSpec) (models.Account, error) {
	if found := among(accounts, spec); found.ID != "" {
		return found, nil
	}
	return s.Ledger.Open(ctx, tx, spec)
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
