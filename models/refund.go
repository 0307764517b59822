package models

import (
	"time"

	"github.com/uptrace/bun"
)

// MaxRefunds is how many refunds one order may have, those taken back included, so that a list of them stays short.
const MaxRefunds = 500

// RefundDestination says whose balance a refund went to (O09).
type RefundDestination string

// The destinations.
const (
	RefundToCustomer RefundDestination = "CUSTOMER"
	RefundToPartner  RefundDestination = "PARTNER" // whose resale money the order had spent, when the customer is its resale customer no longer
)

// OrderRefund is money paid back for an order, or for one line of it. It is never changed; who takes it back reverses its
// transfer, and ReversalID is then that reversal.
type OrderRefund struct {
	bun.BaseModel `bun:"table:order_refunds,alias:rfd"`

	ID            ID                `bun:"id,pk"`
	OrderID       ID                `bun:"order_id"`
	ItemID        ID                `bun:"item_id,nullzero"` // the line; zero for the order as a whole
	Currency      Currency          `bun:"currency"`
	AmountMinor   int64             `bun:"amount_minor"`
	AccountMinor  int64             `bun:"account_minor"` // of it, taken off what the customer owes on account (O04); the rest went to the destination
	Destination   RefundDestination `bun:"destination"`
	DestinationID ID                `bun:"destination_id"` // the customer or partner who got it
	TransferID    ID                `bun:"transfer_id"`
	Reason        string            `bun:"reason"`
	CreatedAt     time.Time         `bun:"created_at"`
	ReversalID    ID                `bun:"reversal_id,scanonly"`
}

// NodeID returns the id to page by.
func (r OrderRefund) NodeID() ID { return r.ID }

// IsNode marks the type as a GraphQL Node.
func (OrderRefund) IsNode() {}

// Amount returns what was paid back.
func (r OrderRefund) Amount() Money { return NewMoney(r.AmountMinor, r.Currency) }

// AccountAmount returns what was taken off what the customer owes on account.
func (r OrderRefund) AccountAmount() Money { return NewMoney(r.AccountMinor, r.Currency) }

// Reversed reports whether the refund was taken back, which makes its amount refundable again.
func (r OrderRefund) Reversed() bool { return r.ReversalID != "" }

// PaidMinor returns the money that the ledger took for the order, without what coupons paid: zero until it is paid, and for an
// order that was paid before this ledger began.
func (o Order) PaidMinor() int64 {
	if o.PaidAt == nil || o.TransferID == "" {
		return 0
	}
	return o.MoneyMinor()
}

// CheckRefundable returns nil when money of the order may be paid back, else PRECONDITION_FAILED with the reason
// ORDER_CANCELLED, ORDER_NOT_PAID, PAYMENT_NOT_IN_LEDGER or NOTHING_TO_REFUND. The status plays no part otherwise: a paid
// order is refundable while it is provisioned as well as afterwards.
func (o Order) CheckRefundable(refunds []OrderRefund) error {
	switch {
	case o.PaidAt == nil && o.Status == OrderCancelled:
		return Precondition("ORDER_CANCELLED", "This order was cancelled before it was paid; there is nothing to pay back.")
	case o.PaidAt == nil:
		return Precondition("ORDER_NOT_PAID", "This order is not paid; cancel it instead.")
	case o.PaidMinor() == 0 && o.MoneyMinor() > 0:
		return Precondition("PAYMENT_NOT_IN_LEDGER", "This order was paid before the ledger began; correct it with an adjustment.")
	case len(refunds) >= MaxRefunds:
		return Precondition("TOO_MANY_REFUNDS", "This order has been refunded too often to be refunded again.")
	case o.LeftToRefund(refunds).Minor == 0:
		return Precondition("NOTHING_TO_REFUND", "All that was paid for this order has been paid back.")
	}
	return nil
}

// LeftToRefund returns what was paid for the order less what was paid back, given all its refunds. It is never negative.
func (o Order) LeftToRefund(refunds []OrderRefund) Money {
	left := o.PaidMinor()
	for _, refund := range refunds {
		if !refund.Reversed() {
			left -= refund.AmountMinor
		}
	}
	return NewMoney(max(left, 0), o.Currency)
}

// LeftOfItem returns what may still be paid back for one line: what money paid of it less what was paid back for it, and at most
// what is left of the whole order, because a refund of the order as a whole counts against every line. A line's parts are
// lines of their own.
func (o Order) LeftOfItem(item OrderItem, refunds []OrderRefund) Money {
	left := item.MoneyMinor()
	for _, refund := range refunds {
		if refund.ItemID == item.ID && !refund.Reversed() {
			left -= refund.AmountMinor
		}
	}
	return NewMoney(min(max(left, 0), o.LeftToRefund(refunds).Minor), o.Currency)
}

// LeftOnAccount returns what was paid on account for the order less what refunds took off there, given all its refunds. It is never negative.
func (o Order) LeftOnAccount(refunds []OrderRefund) int64 {
	left := o.AccountMinor
	for _, refund := range refunds {
		if !refund.Reversed() {
			left -= refund.AccountMinor
		}
	}
	return max(left, 0)
}

// RefundTo returns whose balance a refund belongs to, given the customer as it is now (O09). What a partner paid from its own balance goes back
// to it (O05). What a customer paid of its
// own goes back to it, whatever became of its association. Resale money goes back to the customer while it is still a
// resale customer of the partner that put the money in, and to that partner afterwards.
func (o Order) RefundTo(customer Customer) (RefundDestination, ID) {
	if o.PayerID != "" {
		return RefundToPartner, o.PayerID
	}
	if o.PartnerID == "" || customer.PartnerID == o.PartnerID && customer.Mode == Resale {
		return RefundToCustomer, o.CustomerID
	}
	return RefundToPartner, o.PartnerID
}

// OrderHold is the customer's money set aside for an order, as far as whoever sees the order may know.
type OrderHold struct {
	ID          ID
	OrderID     ID
	Currency    Currency
	AmountMinor int64
	ExpiresAt   time.Time
	State       HoldState
}

// Amount returns what is, or was, set aside.
func (h OrderHold) Amount() Money { return NewMoney(h.AmountMinor, h.Currency) }

// PendingMinor returns what is still set aside: a payment of the order may take it.
func (h OrderHold) PendingMinor() int64 {
	if h.State != HoldPending {
		return 0
	}
	return h.AmountMinor
}
