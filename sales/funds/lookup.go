package funds

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// maxLookup is how many owners Balances looks up at once.
const maxLookup = 100

// BalanceLookup names the owners whose balances are wanted, at most 100 in all.
type BalanceLookup struct {
	PartnerIDs  []models.ID
	CustomerIDs []models.ID
}

// Balances returns the balances of the owners in the order asked, each once. Those whose balance the caller may not read,
// advisory customers among them, are left out without a word (M02). It needs BALANCES_READ.
func (s *Service) Balances(ctx context.Context, who models.Principal, lookup BalanceLookup) ([]models.OwnerBalance, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	if err := lookup.check(); err != nil {
		return nil, err
	}
	partners, err := s.PartnerBalances(ctx, who, lookup.PartnerIDs)
	if err != nil {
		return nil, err
	}
	customers, err := s.CustomerBalances(ctx, who, lookup.CustomerIDs)
	if err != nil {
		return nil, err
	}
	return append(inOrder(lookup.PartnerIDs, partners), inOrder(lookup.CustomerIDs, customers)...), nil
}

func (l BalanceLookup) check() error {
	if len(l.PartnerIDs)+len(l.CustomerIDs) > maxLookup {
		field := "partnerIds"
		if len(l.PartnerIDs) <= maxLookup {
			field = "customerIds"
		}
		return models.Invalid(field, "At most 100 owners at once.")
	}
	for _, id := range l.PartnerIDs {
		if err := id.Require(models.PrefixPartner, "partnerIds"); err != nil {
			return err
		}
	}
	for _, id := range l.CustomerIDs {
		if err := id.Require(models.PrefixCustomer, "customerIds"); err != nil {
			return err
		}
	}
	return nil
}

// inOrder lists what was found in the order of the ids, each once.
func inOrder(ids []models.ID, balances map[models.ID]models.Balance) []models.OwnerBalance {
	found := make([]models.OwnerBalance, 0, len(balances))
	listed := make(map[models.ID]bool, len(balances))
	for _, id := range ids {
		balance, ok := balances[id]
		if ok && !listed[id] {
			listed[id] = true
			found = append(found, models.OwnerBalance{OwnerID: id, Balance: balance})
		}
	}
	return found
}
