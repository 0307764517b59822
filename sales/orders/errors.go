package orders

import "github.com/partnergraph/partnergraph/models"

// The refusals of this room that callers may want to tell apart with errors.Is. Those of a payment's state come from
// models.Order.Payable.
var (
	ErrUnknown            = models.NotFound("order")
	ErrCustomerUnknown    = models.NotFound("customer")
	ErrCustomerPays       = models.Forbidden("Only the customer pays its order: use the customer's own credential (O04).")
	ErrNoCouponsYet       = models.Precondition("COUPONS_NOT_AVAILABLE", "This server has no coupons; pay without them.")
	ErrCustomerFrozen     = models.Precondition("CUSTOMER_FROZEN", "This customer is frozen and cannot buy.")
	ErrNotCancellable     = models.Precondition("ORDER_NOT_CANCELLABLE", "Only an order that waits for payment can be cancelled (O06).")
	ErrCustomerReleases   = models.Forbidden("Only the customer sets its money free again: use the customer's own credential.")
	ErrAlreadyHeld        = models.Precondition("ORDER_ALREADY_HELD", "Money is set aside for this order already; pay it, or release the hold first.")
	ErrNothingToHold      = models.Precondition("NOTHING_TO_HOLD", "This order costs nothing; pay it.")
	ErrOperatorRefunds    = models.Forbidden("Only operators refund orders.")
	ErrItemUnknown        = models.NotFound("line of this order")
	ErrLineRefunded       = models.Precondition("NOTHING_TO_REFUND", "Nothing is left to pay back for this line.")
	ErrRefundExceedsPaid  = models.Precondition("REFUND_EXCEEDS_PAID", "This is more than what is left of the payment.")
	ErrNotRenewable       = models.Precondition("RESOURCE_NOT_RENEWABLE", "This resource cannot be renewed by months or years.")
	ErrPartnerPays        = models.Forbidden("Only the customer's own partner pays for it: use the partner's credential (O05).")
	ErrNoPartnerPays      = models.Precondition("NO_PARTNER_PAYS", "Only orders of resale customers are paid by their partner, and by the one in whose time they were placed (O05).")
	ErrNotAskedToPay      = models.Precondition("NOT_ASKED_TO_PAY", "The customer has not asked its partner to pay this order (O05).")
	ErrQuoteUsed          = models.Precondition("QUOTE_USED", "There is an order for this quote; ask for the price again to order once more.")
	ErrQuoteStale         = models.Precondition("QUOTE_STALE", "What this quote is about has changed; ask for the price again.")
	ErrDiscountNotOffered = models.Precondition("DISCOUNT_NOT_OFFERED", "The quote does not offer this discount.")
	ErrPriceAdjusted      = models.Precondition("PRICE_ADJUSTED", "The seller has set the price of this order; there is no other one to choose (O04).")
	ErrSellerAdjusts      = models.Forbidden("Only who sells an order sets its price: the customer's partner, or an operator (O04).")
	ErrOrderNotSold       = &models.Error{Code: models.CodeNotFound, Message: "There is no such order of this partner's own resale customers; a distributor names its reseller in actingForPartnerId."}
	ErrNotTheSeller       = models.Precondition("NOT_THE_SELLER", "The customer is no longer a resale customer of the partner that it placed this order with.")
	ErrNotAdjusted        = models.Precondition("NOT_ADJUSTED", "Nobody has set the price of this order.")
	ErrReviewNeeded       = models.Precondition("REVIEW_NEEDED", "At this price the order would need a review; place it anew.")
	ErrOperatorReviews    = models.Forbidden("Only operators review orders.")
	ErrNotInReview        = models.Precondition("ORDER_NOT_IN_REVIEW", "This order does not wait for a review.")
	ErrCustomerChanged    = models.Precondition("CUSTOMER_CHANGED", "The customer's partner or mode is not what it was when this order was placed; refuse it.")
	ErrPackage            = models.Precondition("RESOURCE_IS_PACKAGE", "A resource package is bought for periods and not charged by use (O18).")
	ErrPricesForbidden    = models.Forbidden("Only operators place orders with prices of their own.")
	ErrExternalTaken      = &models.Error{Code: models.CodeConflict, Field: "externalId", Message: "This customer, or another customer of the partner, has an order with this external id."}
)

// exceedsPaid is ErrRefundExceedsPaid with the figures.
func exceedsPaid(asked, left models.Money) error {
	return &models.Error{
		Code: models.CodePreconditionFailed, Message: ErrRefundExceedsPaid.Message,
		Details: map[string]any{
			"reason": ErrRefundExceedsPaid.Reason(), "refundable": left.Plain(), "required": asked.Plain(), "currency": string(left.Currency),
		},
	}
}
