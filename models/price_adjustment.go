package models

import (
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// PriceAdjustment is the price that the seller of one order has set for it in place of every discount, while it waited for payment (O04). Vendor
// discount type: 609.
type PriceAdjustment struct {
	bun.BaseModel `bun:"table:price_adjustments,alias:pad"`

	ID          ID              `bun:"id,pk"`
	OrderID     ID              `bun:"order_id"`
	PartnerID   ID              `bun:"partner_id,nullzero"` // whose price it is; zero when an operator set it
	Mode        DiscountMode    `bun:"mode"`
	Value       decimal.Decimal `bun:"value"` // of the list price of the whole order: the share that is left to pay, the price, or what comes off
	Currency    Currency        `bun:"currency"`
	AmountMinor int64           `bun:"amount_minor"` // what the order costs with it
	Reason      string          `bun:"reason"`
	CreatedAt   time.Time       `bun:"created_at"`
	EndedAt     *time.Time      `bun:"ended_at"` // when another one took its place or it was withdrawn; nil = it applies
}

// Amount returns what the order costs with it.
func (a PriceAdjustment) Amount() Money { return NewMoney(a.AmountMinor, a.Currency) }

// Kind is ORDER_PRICE, as a discount's.
func (PriceAdjustment) Kind() DiscountKind { return DiscountOrderPrice }

// WireCode returns the vendor's numeric code of this kind of discount (3.3).
func (PriceAdjustment) WireCode() int { return DiscountOrderPrice.WireCode() }

// PartnerIDOrNil returns PartnerID, or nil when an operator set it.
func (a PriceAdjustment) PartnerIDOrNil() *ID { return orNil(a.PartnerID) }

// CheckValue returns INVALID, naming the field, for a mode or a value that suits no order.
func (a PriceAdjustment) CheckValue() error {
	switch {
	case a.Mode != DiscountRate && a.Mode != DiscountFixed && a.Mode != DiscountReduction:
		return Invalid("mode", "The mode is RATE, FIXED or REDUCTION.")
	case a.Value.IsNegative() || a.Value.Exponent() < -MaxPriceFraction || a.Value.Exponent() > 0 || a.Value.GreaterThan(maxPrice):
		return Invalid("value", "The value is not negative and has at most 10 fraction digits.")
	case a.Mode == DiscountRate && a.Value.GreaterThan(decimal.NewFromInt(1)):
		return Invalid("value", "A rate is the share that is left to pay, from 0 to 1.")
	}
	return nil
}

// PriceOf returns what an order costs, in minor units, whose list price is given, rounded once: from nothing to the list price. INVALID, naming the
// field, for everything else.
func (a PriceAdjustment) PriceOf(officialMinor int64) (int64, error) {
	if err := a.CheckValue(); err != nil {
		return 0, err
	}
	if a.Mode == DiscountRate {
		return decimal.NewFromInt(officialMinor).Mul(a.Value).Round(0).IntPart(), nil
	}
	amount, err := ParseMoney(a.Value, a.Currency, "value")
	switch {
	case err != nil:
		return 0, err
	case amount.Minor > officialMinor:
		return 0, Invalid("value", "An order costs no more than its list price, and no less than nothing.")
	case a.Mode == DiscountReduction:
		return officialMinor - amount.Minor, nil
	}
	return amount.Minor, nil
}

// Offer returns the price as one of those that an order may be paid at: the only one.
func (a PriceAdjustment) Offer(official Money, lines int) QuoteOffer {
	amount := a.Amount().Amount()
	return QuoteOffer{
		DiscountID: a.ID, Kind: DiscountOrderPrice, Mode: a.Mode, Value: a.Value, Amount: amount, Saving: official.Amount().Sub(amount), BestOffer: true, Lines: lines,
	}
}
