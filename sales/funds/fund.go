package funds

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
)

// FundCustomer moves money from a partner to its resale customer (拨款, M03), at most the partner's balance less what is
// held and earmarked. A distributor that acts for its reseller moves the reseller's money (M07). It needs MONEY_MOVE and a
// partner's credential: customers and operators are FORBIDDEN. A customer that is not that partner's own is NOT_FOUND;
// ADVISORY_CUSTOMER and CUSTOMER_FROZEN are reasons of PRECONDITION_FAILED; too little money is INSUFFICIENT_BALANCE with
// the figures and, as ownerId, whose they are. Where the caller's organisation has FUNDING ask for a code, the reasons of the
// code as well (G04); a refusal of the move gives the code back. The same key answers the same again, with another input it is CONFLICT.
// Whatever fails leaves nothing behind and the key free.
func (s *Service) FundCustomer(ctx context.Context, who models.Principal, cmd CustomerMove) (Moved, error) {
	return s.withCustomer(ctx, who, "fundCustomer", models.TransferFund, cmd)
}

// FundReseller moves money from a distributor to its reseller (M06), with the cap of FundCustomer. Partners of another kind
// are FORBIDDEN, somebody else's reseller is NOT_FOUND; the rest is as with FundCustomer.
func (s *Service) FundReseller(ctx context.Context, who models.Principal, cmd ResellerMove) (Moved, error) {
	return s.withReseller(ctx, who, "fundReseller", models.TransferFund, cmd)
}
