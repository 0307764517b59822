package models

import (
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// DiscountKind says who gives a discount (3.3, 3.4).
type DiscountKind string

// The kinds. Vendor codes: 605, 606, 607, 609.
const (
	DiscountContract       DiscountKind = "BUSINESS_CONTRACT" // a customer's contract with the cloud; operators enter it
	DiscountPartnerGranted DiscountKind = "PARTNER_GRANTED"
	DiscountPartnerRate    DiscountKind = "PARTNER_RATE" // a rate that the partner sets; its mode is always RATE

	// DiscountOrderPrice is the price that the seller of one order has set (O04): it is that order's only, and nobody grants it to a customer.
	DiscountOrderPrice DiscountKind = "ORDER_PRICE"
)

// WireCode returns the vendor's numeric code of the kind (3.3).
func (k DiscountKind) WireCode() int {
	switch k {
	case DiscountContract:
		return 605
	case DiscountPartnerGranted:
		return 606
	case DiscountPartnerRate:
		return 607
	case DiscountOrderPrice:
		return 609
	}
	return 0
}

// Valid reports whether k is one of the kinds that a customer may be granted.
func (k DiscountKind) Valid() bool { return k.WireCode() != 0 && k != DiscountOrderPrice }

// DiscountMode says how a discount changes a price (3.4).
type DiscountMode string

// The modes. Vendor codes: 0, 1, 2.
const (
	DiscountRate      DiscountMode = "RATE"      // the share of the list price that is left to pay, such as 0.85
	DiscountFixed     DiscountMode = "FIXED"     // a price per piece and period in place of the list price, never above it
	DiscountReduction DiscountMode = "REDUCTION" // an amount off per piece and period, never below nothing
)

// Discount is what one customer pays less for one service type, or for all. PartnerID is who gives it, zero for a contract
// with the cloud. It is in force from From until Until.
type Discount struct {
	bun.BaseModel `bun:"table:discounts,alias:dsc" json:"-"`

	ID          ID              `bun:"id,pk" json:"id"`
	Cloud       string          `bun:"cloud" json:"cloud"`
	CustomerID  ID              `bun:"customer_id" json:"customerId"`
	PartnerID   ID              `bun:"partner_id,nullzero" json:"partnerId"`
	Kind        DiscountKind    `bun:"kind" json:"kind"`
	Mode        DiscountMode    `bun:"mode" json:"mode"`
	Value       decimal.Decimal `bun:"value" json:"value"`
	Currency    Currency        `bun:"currency,nullzero" json:"currency"`        // of Value; empty for a rate
	PeriodType  PeriodType      `bun:"period_type,nullzero" json:"periodType"`   // of what FIXED and REDUCTION are per; empty for a rate
	ServiceType string          `bun:"service_type,nullzero" json:"serviceType"` // empty = all of them
	From        time.Time       `bun:"valid_from" json:"from"`
	Until       *time.Time      `bun:"valid_until" json:"until"` // exclusive; nil = without an end
	CreatedAt   time.Time       `bun:"created_at" json:"createdAt"`
}

// NodeID returns the id to page by.
func (d Discount) NodeID() ID { return d.ID }

// IsNode marks the type as a GraphQL Node.
func (Discount) IsNode() {}

// InForce reports whether the discount is in force at now.
func (d Discount) InForce(now time.Time) bool {
	return !now.Before(d.From) && (d.Until == nil || now.Before(*d.Until))
}

// Check returns INVALID, naming the field, unless the discount makes sense: a rate from 0 to 1, or an amount that is not
// negative with its currency and period, and an end after its begin.
func (d Discount) Check() error {
	switch {
	case !d.Kind.Valid():
		return Invalid("kind", "The kind is BUSINESS_CONTRACT, PARTNER_GRANTED or PARTNER_RATE.")
	case d.Kind == DiscountPartnerRate && d.Mode != DiscountRate:
		return Invalid("mode", "A rate that the partner sets has the mode RATE.")
	case d.Value.IsNegative() || d.Value.Exponent() < -MaxPriceFraction || d.Value.Exponent() > 0:
		return Invalid("value", "The value is not negative and has at most 10 fraction digits.")
	case d.Until != nil && !d.Until.After(d.From):
		return Invalid("until", "A discount ends after it begins.")
	}
	return d.checkMode()
}

func (d Discount) checkMode() error {
	switch d.Mode {
	case DiscountRate:
		if d.Value.GreaterThan(decimal.NewFromInt(1)) {
			return Invalid("value", "A rate is the share that is left to pay, from 0 to 1.")
		}
		if d.Currency != "" || d.PeriodType != "" {
			return Invalid("mode", "A rate has neither a currency nor a period type.")
		}
		return nil
	case DiscountFixed, DiscountReduction:
		if !d.Currency.Valid() {
			return Invalid("currency", "An amount needs its currency, CNY or USD.")
		}
		if _, known := longestPeriod[d.PeriodType]; !known {
			return Invalid("periodType", "An amount is per HOUR, DAY, MONTH or YEAR.")
		}
		if d.Value.GreaterThan(maxPrice) {
			return Invalid("value", "The amount is too large.")
		}
		return nil
	}
	return Invalid("mode", "The mode is RATE, FIXED or REDUCTION.")
}

// AppliesTo reports whether the discount changes the price of a charge: FIXED and REDUCTION are per period, so that they touch
// only what is bought for periods of their own type and in their currency.
func (d Discount) AppliesTo(c Charge) bool {
	if d.ServiceType != "" && d.ServiceType != c.ServiceType {
		return false
	}
	return d.Mode == DiscountRate || c.PeriodType == d.PeriodType && c.Currency == d.Currency
}

// CurrencyOrNil returns Currency, or nil when it is empty.
func (d Discount) CurrencyOrNil() *Currency {
	if d.Currency == "" {
		return nil
	}
	return &d.Currency
}

// PeriodTypeOrNil returns PeriodType, or nil when it is empty.
func (d Discount) PeriodTypeOrNil() *PeriodType {
	if d.PeriodType == "" {
		return nil
	}
	return &d.PeriodType
}

// ServiceTypeOrNil returns ServiceType, or nil when it is empty.
func (d Discount) ServiceTypeOrNil() *string { return orNil(d.ServiceType) }

// DiscountConnection is a page of discounts.
type DiscountConnection = Connection[Discount]

// DiscountEdge is one of the discounts and its position.
type DiscountEdge = Edge[Discount]
