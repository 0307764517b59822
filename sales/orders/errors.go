package orders

import "github.com/partnergraph/partnergraph/models"

// The refusals of this room that callers may want to tell apart with errors.Is. Those of a payment's state come from
// models.Order.Payable.
var (
	ErrUnknown         = models.NotFound("order")
	ErrCustomerUnknown = models.NotFound("customer")
	ErrCustomerPays    = models.Forbidden("Only the customer pays its order: use the customer's own credential (O04).")
	ErrNoCouponsYet    = models.Precondition("COUPONS_NOT_AVAILABLE", "Coupons cannot be used yet; pay without them.")
	ErrCustomerFrozen  = models.Precondition("CUSTOMER_FROZEN", "This customer is frozen and cannot buy.")
	ErrNotCancellable  = models.Precondition("ORDER_NOT_CANCELLABLE", "Only an order that waits for payment can be cancelled (O06).")
	ErrPricesForbidden = models.Forbidden("Only operators place orders with prices of their own.")
	ErrExternalTaken   = &models.Error{Code: models.CodeConflict, Field: "externalId", Message: "This customer, or another customer of the partner, has an order with this external id."}
)
