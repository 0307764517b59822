package verification

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
)

// SendRealNameCode says which customer is to get a code for verifying it by bank card.
type SendRealNameCode struct {
	CustomerID models.ID
	Language   *models.Language // of the letter; nil = EN
}

// SendRealNameCode sends a customer the one-time code without which nobody verifies it by bank card (R03): to the address of its
// account, which tells the code to its partner's storefront. Whoever may submit the verification may ask for the code; the customer itself asks
// with identity.Codes.Send. Errors: INVALID with the field; NOT_FOUND for a customer that the caller may not see; RATE_LIMITED as
// identity.Codes.Send, the throttles are the customer's; reasons of PRECONDITION_FAILED: NOT_FOR_RESELLERS, ATTACHMENTS_OFF, UNDER_REVIEW,
// ALREADY_VERIFIED, CODES_OFF, NO_ADDRESS. It needs CUSTOMERS_WRITE.
func (s *Service) SendRealNameCode(ctx context.Context, who models.Principal, cmd SendRealNameCode) (identity.SentCode, error) {
	if err := mayVerify(who); err != nil {
		return identity.SentCode{}, err
	}
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return identity.SentCode{}, err
	}
	customer, found, err := s.Customers.ByIDIn(ctx, s.DB, who, cmd.CustomerID)
	if err == nil && !found {
		err = errCustomer
	}
	if err == nil {
		err = s.mayBe(ctx, who, customer, application{row: models.Verification{IdentifyType: models.IdentifyByBankCard}})
	}
	if err != nil {
		return identity.SentCode{}, err
	}
	return s.Codes.SendTo(ctx, who, ownerOf(customer), models.CodeRealName, cmd.Language)
}

func ownerOf(customer models.Customer) identity.CodeOwner {
	return identity.CodeOwner{CustomerID: customer.ID, PartnerID: customer.PartnerID}
}
