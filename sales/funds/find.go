package funds

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// PartnerBalances returns the balances of the partners whose business the caller may read, itself and its resellers (M01),
// with two statements however many there are. The others are absent. A partner that never had money has zero in its
// currency. It needs BALANCES_READ.
func (s *Service) PartnerBalances(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Balance, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	owners, err := selectPartners(ctx, s.DB, who, ids)
	if err != nil {
		return nil, err
	}
	return s.balancesOf(ctx, models.OwnerPartner, owners)
}

// CustomerBalances returns the balances of the customers whose money the caller may see, which for a partner is that of
// resale customers only (M02), with two statements however many there are. The others are absent. It needs BALANCES_READ.
func (s *Service) CustomerBalances(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Balance, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	owners, err := selectCustomers(ctx, s.DB, who, ids)
	if err != nil {
		return nil, err
	}
	return s.balancesOf(ctx, models.OwnerCustomer, owners)
}

// owner is one whose balance the caller may see.
type owner struct {
	ID       models.ID
	Currency models.Currency
}

func (s *Service) balancesOf(ctx context.Context, kind models.OwnerKind, owners []owner) (map[models.ID]models.Balance, error) {
	// The moment is taken before reading: what the answer holds is at least as new.
	now := s.Now().UTC()
	ids := make([]string, len(owners))
	for i, o := range owners {
		ids[i] = string(o.ID)
	}
	accounts, err := s.Ledger.Accounts(ctx, s.DB, ids, moneyKinds()...)
	if err != nil {
		return nil, err
	}
	byOwner := make(map[string][]models.Account, len(owners))
	for _, account := range accounts {
		if account.OwnerKind == kind {
			byOwner[account.OwnerID] = append(byOwner[account.OwnerID], account)
		}
	}
	balances := make(map[models.ID]models.Balance, len(owners))
	for _, o := range owners {
		balances[o.ID] = models.BalanceOf(byOwner[string(o.ID)], o.Currency, now)
	}
	return balances, nil
}
