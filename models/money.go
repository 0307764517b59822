package models

import (
	"fmt"
	"math"

	"github.com/shopspring/decimal"
)

// Currency is an ISO 4217 code from the closed set that the ledger keeps as assets.
type Currency string

// The currencies. CNY is the default on the Chinese site, USD on the international one.
const (
	CNY Currency = "CNY"
	USD Currency = "USD"
)

// Valid reports whether the ledger keeps this currency.
func (c Currency) Valid() bool { return c == CNY || c == USD }

// Scale returns the number of fraction digits of the currency's minor unit: 2 for CNY and USD.
func (c Currency) Scale() int32 { return 2 }

// MaxMinor bounds one amount: 10^15 minor units, far below what 64 bits hold, so that sums over many rows cannot overflow.
const MaxMinor int64 = 1_000_000_000_000_000

// Money is an exact amount: a whole number of minor units (fen, cents) of one currency. The zero value has no currency
// and stands for nothing. Arithmetic is on integers; decimals appear at the edges only.
type Money struct {
	Minor    int64
	Currency Currency
}

// NewMoney makes money of minor units.
func NewMoney(minor int64, currency Currency) Money { return Money{Minor: minor, Currency: currency} }

// ParseMoney turns a decimal amount into money. It is INVALID, naming the field, when the currency is unknown, the amount has more
// fraction digits than the currency, or it is larger than MaxMinor. The sign is kept.
func ParseMoney(amount decimal.Decimal, currency Currency, field string) (Money, error) {
	if !currency.Valid() {
		return Money{}, Invalid(field, "The currency must be CNY or USD.")
	}
	if amount.Exponent() > 0 || amount.Exponent() < -20 {
		return Money{}, Invalid(field, "The amount must be a plain decimal.")
	}
	shifted := amount.Shift(currency.Scale())
	if !shifted.Equal(shifted.Truncate(0)) {
		return Money{}, Invalid(field, fmt.Sprintf("An amount in %s has at most %d fraction digits.", currency, currency.Scale()))
	}
	if shifted.Abs().GreaterThan(decimal.NewFromInt(MaxMinor)) {
		return Money{}, Invalid(field, "The amount is too large.")
	}
	return Money{Minor: shifted.IntPart(), Currency: currency}, nil
}

// Amount returns the amount as a decimal with the currency's scale, so that 9 yuan prints as 9.00.
func (m Money) Amount() decimal.Decimal { return decimal.New(m.Minor, -m.Currency.Scale()) }

// Plain returns the amount with all its fraction digits and without the currency, as in "9.00": as answers, events and files have it.
func (m Money) Plain() string { return m.Amount().StringFixed(m.Currency.Scale()) }

// String returns the amount with all its fraction digits and the currency, as in "9.00 CNY".
func (m Money) String() string {
	return m.Amount().StringFixed(m.Currency.Scale()) + " " + string(m.Currency)
}

// Add returns the sum. It is INVALID for two currencies and for a sum that 64 bits do not hold.
func (m Money) Add(other Money) (Money, error) {
	if m.Currency != other.Currency {
		return Money{}, Invalid("currency", fmt.Sprintf("%s and %s do not add up.", m.Currency, other.Currency))
	}
	if (other.Minor > 0 && m.Minor > math.MaxInt64-other.Minor) || (other.Minor < 0 && m.Minor < math.MinInt64-other.Minor) {
		return Money{}, Invalid("amount", "The sum is too large.")
	}
	return Money{Minor: m.Minor + other.Minor, Currency: m.Currency}, nil
}

// Neg returns the money with the other sign.
func (m Money) Neg() Money { return Money{Minor: -m.Minor, Currency: m.Currency} }
