package funds

import (
	"context"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// ErrAsOfTheFuture is the refusal of a balance that nobody can know yet.
var ErrAsOfTheFuture = models.Invalid("at", "A balance as of the future is not known.")

// PartnerBalancesAt returns what the partners had at an instant, entries of that very microsecond included, of those whose
// business the caller may read, with two statements however many there are. The others are absent. Before its first entry a
// partner had zero. A movement that is under way at the instant may still come to be a part of it. It needs BALANCES_READ.
func (s *Service) PartnerBalancesAt(ctx context.Context, who models.Principal, ids []models.ID, at time.Time) (map[models.ID]models.PastBalance, error) {
	return s.balancesAt(ctx, who, models.OwnerPartner, ids, at)
}

// CustomerBalancesAt returns what the customers had at an instant, as PartnerBalancesAt does. What a customer had before its
// association with the partner began is not the partner's to know: such a customer is absent.
func (s *Service) CustomerBalancesAt(ctx context.Context, who models.Principal, ids []models.ID, at time.Time) (map[models.ID]models.PastBalance, error) {
	return s.balancesAt(ctx, who, models.OwnerCustomer, ids, at)
}

func (s *Service) balancesAt(ctx context.Context, who models.Principal, kind models.OwnerKind, ids []models.ID, at time.Time) (map[models.ID]models.PastBalance, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	if at.After(s.Now()) {
		return nil, ErrAsOfTheFuture
	}
	owners, err := selectLedgers(ctx, s.DB, who, kind, ids)
	if err != nil {
		return nil, err
	}
	var accounts []models.ID
	for _, owner := range owners {
		for _, account := range owner.Accounts {
			accounts = append(accounts, account.ID)
		}
	}
	balances, err := s.Ledger.BalancesAt(ctx, s.DB, accounts, at)
	if err != nil {
		return nil, err
	}
	past := make(map[models.ID]models.PastBalance, len(owners))
	for _, owner := range owners {
		if owner.Since == nil || !at.Before(*owner.Since) {
			past[owner.ID] = owner.past(balances, at.UTC())
		}
	}
	return past, nil
}

// past adds the accounts of the balance up that had an entry by then.
func (o ledgerOwner) past(balances map[models.ID]int64, at time.Time) models.PastBalance {
	past := models.PastBalance{AsOf: at}
	var total int64
	for _, account := range o.Accounts {
		minor, there := balances[account.ID]
		if !there || !isMoney(account.Kind) {
			continue
		}
		total += minor
		past.Accounts = append(past.Accounts, models.BalanceAccount{Type: account.Kind, Amount: models.NewMoney(minor, o.Currency)})
	}
	past.Total = models.NewMoney(total, o.Currency)
	return past
}
