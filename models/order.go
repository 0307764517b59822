package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// OrderStatus is the state of an order (O01).
type OrderStatus string

// The states of an order.
const (
	OrderPendingReview       OrderStatus = "PENDING_REVIEW"
	OrderPendingRefund       OrderStatus = "PENDING_REFUND"
	OrderProcessing          OrderStatus = "PROCESSING"
	OrderCancelled           OrderStatus = "CANCELLED"
	OrderCompleted           OrderStatus = "COMPLETED"
	OrderPendingPayment      OrderStatus = "PENDING_PAYMENT"
	OrderPendingConfirmation OrderStatus = "PENDING_CONFIRMATION"
)

// WireCode returns the vendor's numeric code of the state (3.4).
func (s OrderStatus) WireCode() int {
	switch s {
	case OrderPendingReview:
		return 1
	case OrderPendingRefund:
		return 2
	case OrderProcessing:
		return 3
	case OrderCancelled:
		return 4
	case OrderCompleted:
		return 5
	case OrderPendingPayment:
		return 6
	case OrderPendingConfirmation:
		return 9
	}
	return 0
}

// CanBecome reports whether an order may move from s to next (4.2): review, payment, processing, completion; it may be
// cancelled only before it is paid (O06).
func (s OrderStatus) CanBecome(next OrderStatus) bool {
	var to []OrderStatus
	switch s {
	case OrderPendingReview, OrderPendingConfirmation:
		to = []OrderStatus{OrderPendingPayment, OrderCancelled}
	case OrderPendingPayment:
		to = []OrderStatus{OrderProcessing, OrderCancelled}
	case OrderProcessing:
		to = []OrderStatus{OrderCompleted, OrderPendingRefund, OrderCancelled} // the last for what cost nothing and could not be carried out
	case OrderPendingRefund:
		to = []OrderStatus{OrderCompleted, OrderCancelled}
	}
	return slices.Contains(to, next)
}

// OrderType says what an order is for (3.4).
type OrderType string

// The types of order. Vendor codes: 1, 2, 3, 4, 10, 11.
const (
	OrderNew         OrderType = "NEW"
	OrderRenew       OrderType = "RENEW"
	OrderChange      OrderType = "CHANGE"
	OrderUnsubscribe OrderType = "UNSUBSCRIBE"
	OrderToPayPerUse OrderType = "TO_PAY_PER_USE"
	OrderToPeriod    OrderType = "TO_PERIOD"
)

// OrderSource says who placed an order (3.4). Vendor codes: 1 customer, 2 agent, 8 system.
type OrderSource string

// The sources of an order.
const (
	PlacedByCustomer OrderSource = "CUSTOMER"
	PlacedByPartner  OrderSource = "PARTNER"
	PlacedBySystem   OrderSource = "SYSTEM"
)

// Order is what a customer buys. PartnerID is the partner whose resale money it spends, zero for an advisory customer's own order: only
// that partner sees it (O02).
type Order struct {
	bun.BaseModel `bun:"table:orders,alias:o"`

	ID            ID          `bun:"id,pk"`
	Cloud         string      `bun:"cloud" show:"-"`
	Number        string      `bun:"number"` // what people read to each other; unique
	CustomerID    ID          `bun:"customer_id"`
	PartnerID     ID          `bun:"partner_id,nullzero"`
	Status        OrderStatus `bun:"status"`
	Type          OrderType   `bun:"type"`
	Source        OrderSource `bun:"source" show:"source"`
	Currency      Currency    `bun:"currency"`
	TotalMinor    int64       `bun:"total_minor"`                         // to pay, after discounts
	OfficialMinor int64       `bun:"official_minor" show:"officialTotal"` // before discounts
	ExternalID    string      `bun:"external_id,nullzero" show:"externalId"`
	TransferID    ID          `bun:"transfer_id,nullzero" show:"refundable"` // the payment; zero until paid
	HoldID        ID          `bun:"hold_id,nullzero" show:"hold"`           // the latest hold of its total, in any state; zero when there never was one
	PayBy         *time.Time  `bun:"pay_by" show:"payBy"`                    // the payment deadline (O06)
	CreatedAt     time.Time   `bun:"created_at"`
	PaidAt        *time.Time  `bun:"paid_at" show:"paidAt,refundable"`
	CompletedAt   *time.Time  `bun:"completed_at" show:"completedAt"`
	UpdatedAt     time.Time   `bun:"updated_at" show:"-"`

	UnsubscribeType   UnsubscribeType   `bun:"unsubscribe_type,nullzero" show:"unsubscribeType"` // of an UNSUBSCRIBE order, as the next
	UnsubscribeReason UnsubscribeReason `bun:"unsubscribe_reason,nullzero" show:"unsubscribeReason"`
	Failure           string            `bun:"failure,nullzero" show:"failure"` // why the cloud could not carry it out, machine-readable; empty = it could, or has not yet

	CouponMinor       int64      `bun:"coupon_minor" show:"couponAmount,refundable"`          // what coupons paid of the total; zero until paid
	AccountMinor      int64      `bun:"account_minor" show:"accountAmount"`                   // what was paid on account, after coupons (O04); zero until paid
	PartnerAskedAt    *time.Time `bun:"partner_asked_at" show:"partnerAskedAt"`               // when the customer asked its partner to pay (O05); nil = it did not
	PayerID           ID         `bun:"payer_id,nullzero" show:"paidByPartner"`               // the partner that paid from its own balance; zero = the customer pays
	Name              string     `bun:"name,nullzero" show:"name"`                            // what its placer called it
	EnterpriseProject string     `bun:"enterprise_project,nullzero" show:"enterpriseProject"` // the customer's own grouping
	QuoteID           ID         `bun:"quote_id,nullzero" show:"quoteId"`                     // the price inquiry that it was placed from
	DiscountID        ID         `bun:"discount_id,nullzero" show:"discountId"`               // the one that was taken of the quote's
	AdjustmentID      ID         `bun:"adjustment_id,nullzero" show:"priceAdjustment"`        // the price that its seller set in place of every discount; zero = none
	ReviewReason      string     `bun:"review_reason,nullzero" show:"reviewReason"`           // why it was refused in review
	ReviewedAt        *time.Time `bun:"reviewed_at" show:"reviewedAt"`                        // when an operator decided; nil = nobody had to, or has not yet
}

// NodeID returns the id to page by.
func (o Order) NodeID() ID { return o.ID }

// IsNode marks the type as a GraphQL Node.
func (Order) IsNode() {}

// Total returns what there is to pay.
func (o Order) Total() Money { return NewMoney(o.TotalMinor, o.Currency) }

// MoneyMinor returns what money has to pay, or paid, of the total: all that coupons did not.
func (o Order) MoneyMinor() int64 { return o.TotalMinor - o.CouponMinor }

// CouponAmount returns what coupons paid of the total; zero until it is paid.
func (o Order) CouponAmount() Money { return NewMoney(o.CouponMinor, o.Currency) }

// AccountAmount returns what was paid on account of the total, after coupons and before the balance; zero until it is paid.
func (o Order) AccountAmount() Money { return NewMoney(o.AccountMinor, o.Currency) }

// OfficialTotal returns the list price.
func (o Order) OfficialTotal() Money { return NewMoney(o.OfficialMinor, o.Currency) }

// Payable returns nil when the order may be paid at now, else PRECONDITION_FAILED with the reason ORDER_ALREADY_PAID,
// ORDER_CANCELLED, ORDER_NOT_PAYABLE or ORDER_PAYMENT_DEADLINE_PASSED (O04, O06).
func (o Order) Payable(now time.Time) error {
	switch {
	case o.Status == OrderCancelled:
		return Precondition("ORDER_CANCELLED", "This order was cancelled and cannot be paid any more.")
	case o.PaidAt != nil:
		return Precondition("ORDER_ALREADY_PAID", "This order is paid already; nothing was taken again.")
	case o.Status != OrderPendingPayment:
		return Precondition("ORDER_NOT_PAYABLE", "This order does not wait for payment.")
	case o.PayBy != nil && !now.Before(*o.PayBy):
		return Precondition("ORDER_PAYMENT_DEADLINE_PASSED", "The payment deadline of this order has passed; place it again.")
	}
	return nil
}

// OrderConnection is a page of orders.
type OrderConnection = Connection[Order]

// OrderEdge is one of the orders and its position.
type OrderEdge = Edge[Order]

// PeriodType is the unit of a bought period (3.4). Vendor codes: 0 day, 2 month, 3 year, 4 hour, 5 one-off.
type PeriodType string

// The period units.
const (
	PeriodDay    PeriodType = "DAY"
	PeriodMonth  PeriodType = "MONTH"
	PeriodYear   PeriodType = "YEAR"
	PeriodHour   PeriodType = "HOUR"
	PeriodOneOff PeriodType = "ONE_OFF"
)

// After returns the instant that lies count periods after from; a one-off period has no end and returns the zero time.
func (p PeriodType) After(from time.Time, count int) time.Time {
	switch p {
	case PeriodHour:
		return from.Add(time.Duration(count) * time.Hour)
	case PeriodDay:
		return from.AddDate(0, 0, count)
	case PeriodMonth:
		return addMonths(from, count)
	case PeriodYear:
		return addMonths(from, 12*count)
	}
	return time.Time{}
}

// addMonths keeps the day of the month, or takes the last day of a shorter one: 31 January and a month is 28 or 29 February.
func addMonths(from time.Time, months int) time.Time {
	first := time.Date(from.Year(), from.Month(), 1, from.Hour(), from.Minute(), from.Second(), from.Nanosecond(), from.Location())
	last := first.AddDate(0, months+1, -1).Day()
	return first.AddDate(0, months, min(from.Day(), last)-1)
}

// OrderItem is one line of an order. A line with ParentID is bought as part of the line it names: the system disk of a
// server, which becomes a sub-resource (O11).
type OrderItem struct {
	bun.BaseModel `bun:"table:order_items,alias:oi"`

	ID           ID         `bun:"id,pk"`
	OrderID      ID         `bun:"order_id"`
	ParentID     ID         `bun:"parent_id,nullzero" show:"parentId"`
	Position     int        `bun:"position"`
	ServiceType  string     `bun:"service_type" show:"serviceType"`   // hws.service.type.* (K01)
	ResourceType string     `bun:"resource_type" show:"resourceType"` // hws.resource.type.* (K01)
	SpecCode     string     `bun:"spec_code"`
	Region       string     `bun:"region" show:"region"`
	Quantity     int        `bun:"quantity"` // 1 to 10000 (K03)
	PeriodType   PeriodType `bun:"period_type" show:"periodType"`
	PeriodCount  int        `bun:"period_count" show:"periodCount"`
	Currency     Currency   `bun:"currency"`
	AmountMinor  int64      `bun:"amount_minor"`

	ResourceID     ID         `bun:"resource_id,nullzero" show:"resourceId"`         // the resource that it renews, changes or ends; zero in a purchase
	EffectiveAt    *time.Time `bun:"effective_at" show:"effectiveAt"`                // of a renewal that was carried out: the period that it added; of a change: what is left of a period
	ExpiresAt      *time.Time `bun:"expires_at" show:"expiresAt"`                    // a renewal to a unified day has it from the beginning
	UnsubscribedBy ID         `bun:"unsubscribed_by,nullzero" show:"unsubscribedBy"` // the order that took a renewed period back
	CouponMinor    int64      `bun:"coupon_minor" show:"couponAmount"`               // what coupons paid of it

	SpecSize    string `bun:"spec_size,nullzero" show:"specSize"`       // of one piece of a linear product, a decimal; "" = sold by the piece
	SpecMeasure string `bun:"spec_measure,nullzero" show:"specMeasure"` // of SpecSize: the vendor's measure_id

	BaseSpecCode    string `bun:"base_spec_code,nullzero" show:"baseSpecCode"` // of a change: what the resource was before; "" for every other line
	BaseSpecSize    string `bun:"base_spec_size,nullzero" show:"baseSpecSize"`
	BaseSpecMeasure string `bun:"base_spec_measure,nullzero" show:"-"`
	ListMinor       *int64 `bun:"list_minor" show:"-"`            // what it cost before its seller set the order's price; nil = nobody has
	PeriodMinor     int64  `bun:"period_minor,nullzero" show:"-"` // of a change: what the whole period would cost with what the resource becomes
}

// Amount returns what the line costs, all of its quantity and periods together.
func (i OrderItem) Amount() Money { return NewMoney(i.AmountMinor, i.Currency) }

// MoneyMinor returns what money has to pay, or paid, of the line: all that coupons did not.
func (i OrderItem) MoneyMinor() int64 { return i.AmountMinor - i.CouponMinor }

// CouponAmount returns what coupons paid of the line.
func (i OrderItem) CouponAmount() Money { return NewMoney(i.CouponMinor, i.Currency) }

// OrderReview says that an operator looks at a customer's orders before they may be paid.
type OrderReview struct {
	bun.BaseModel `bun:"table:order_reviews,alias:orv"`

	CustomerID ID        `bun:"customer_id,pk"`
	Reason     string    `bun:"reason"` // for operators
	CreatedAt  time.Time `bun:"created_at"`
}

// NameOrNil is the name as the API shows it.
func (o Order) NameOrNil() *string { return orNil(o.Name) }

// EnterpriseProjectOrNil is the enterprise project as the API shows it.
func (o Order) EnterpriseProjectOrNil() *string { return orNil(o.EnterpriseProject) }

// FailureOrNil is why the cloud could not carry the order out, as the API shows it.
func (o Order) FailureOrNil() *string { return orNil(o.Failure) }

// ReviewReasonOrNil is why the order was refused in review, as the API shows it.
func (o Order) ReviewReasonOrNil() *string { return orNil(o.ReviewReason) }

// UnsubscribeTypeOrNil is the type of an unsubscription, nil for every other order.
func (o Order) UnsubscribeTypeOrNil() *UnsubscribeType {
	if o.UnsubscribeType == "" {
		return nil
	}
	return &o.UnsubscribeType
}

// UnsubscribeReasonOrNil is the reason of an unsubscription, nil for every other order.
func (o Order) UnsubscribeReasonOrNil() *UnsubscribeReason {
	if o.UnsubscribeReason == "" {
		return nil
	}
	return &o.UnsubscribeReason
}

// PayableByPartnerOf reports whether the customer's partner may pay the order (O05): that of a resale customer, in whose time it was placed.
func (o Order) PayableByPartnerOf(customer Customer) bool {
	return customer.Mode == Resale && o.PartnerID != "" && customer.PartnerID == o.PartnerID
}

// PaidByPartner reports whether the customer's partner paid from its own balance (O05).
func (o Order) PaidByPartner() bool { return o.PayerID != "" }

// SpecSizeOrNil returns SpecSize, or nil when it is empty.
func (i OrderItem) SpecSizeOrNil() *string { return orNil(i.SpecSize) }

// SpecMeasureOrNil returns SpecMeasure, or nil when it is empty.
func (i OrderItem) SpecMeasureOrNil() *string { return orNil(i.SpecMeasure) }

// BaseSpecCodeOrNil returns BaseSpecCode, or nil when it is empty.
func (i OrderItem) BaseSpecCodeOrNil() *string { return orNil(i.BaseSpecCode) }

// BaseSpecSizeOrNil returns BaseSpecSize, or nil when it is empty.
func (i OrderItem) BaseSpecSizeOrNil() *string { return orNil(i.BaseSpecSize) }
