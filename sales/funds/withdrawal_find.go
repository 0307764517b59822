package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// WithdrawalFilter narrows FindWithdrawals. A nil field does not filter; an empty list matches nothing.
type WithdrawalFilter struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	States     []models.WithdrawalState
}

// FindWithdrawals returns a page of the withdrawals that the caller may see, its own or for an operator all, newest first.
// FORBIDDEN without BALANCES_READ; INVALID for a bad page or filter.
func (s *Service) FindWithdrawals(ctx context.Context, who models.Principal, filter WithdrawalFilter, args models.PageArgs) (models.Connection[models.Withdrawal], error) {
	none := models.Connection[models.Withdrawal]{}
	if err := access.Require(who, models.ReadBalances); err != nil {
		return none, err
	}
	if filter.PartnerID != nil {
		if err := filter.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return none, err
		}
	}
	if filter.CustomerID != nil {
		if err := filter.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return none, err
		}
	}
	page, err := args.Page("withdrawals")
	if err != nil {
		return none, err
	}
	return store.List[models.Withdrawal](ctx, page, true, func() *bun.SelectQuery { return withdrawals(s.DB, who, filter) })
}

// WithdrawalsByIDs returns the withdrawals with these ids that the caller may see, with one statement; the others are
// absent. FORBIDDEN without BALANCES_READ.
func (s *Service) WithdrawalsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Withdrawal, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.Withdrawal, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectWithdrawals(ctx, s.DB, who, ids)
	for _, w := range rows {
		found[w.ID] = w
	}
	return found, err
}
