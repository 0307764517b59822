package funds

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
)

// ReclaimFromCustomer moves money from a resale customer back to its partner (回收, M04), at most the customer's balance
// less what is held and earmarked; the rest is as with FundCustomer.
func (s *Service) ReclaimFromCustomer(ctx context.Context, who models.Principal, cmd CustomerMove) (Moved, error) {
	return s.withCustomer(ctx, who, "reclaimFromCustomer", models.TransferReclaim, cmd)
}

// ReclaimFromReseller moves money from a reseller back to its distributor (M04, M06), at most the reseller's balance less
// what is held and earmarked; the rest is as with FundReseller.
func (s *Service) ReclaimFromReseller(ctx context.Context, who models.Principal, cmd ResellerMove) (Moved, error) {
	return s.withReseller(ctx, who, "reclaimFromReseller", models.TransferReclaim, cmd)
}
