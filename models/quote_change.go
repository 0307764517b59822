package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// LineChange is what a line of a change is about: what is left of one period that was paid for, and what the resource was in it. Something dearer
// costs the difference of the two list prices for that time; something cheaper gives back what was paid for it, less what it costs then. Nothing
// is kept as a fee.
type LineChange struct {
	BaseSpecCode      string           `json:"baseSpecCode"`
	BaseSize          *decimal.Decimal `json:"baseSize,omitempty"` // nil = sold by the piece
	BaseSizeMeasureID int              `json:"baseSizeMeasureId,omitempty"`

	From  time.Time `json:"from"`  // when the period begins or began
	Until time.Time `json:"until"` // when it ends
	At    time.Time `json:"at"`    // the moment of the inquiry, from which on the change counts

	PaidRest decimal.Decimal            `json:"paidRest"` // what was paid for the time that is left
	Refund   decimal.Decimal            `json:"refund"`   // what goes back; zero when there is something to pay
	Wholes   map[string]decimal.Decimal `json:"wholes"`   // what the whole period would cost, by discount, "" for the list price
}

// Begin is when the line's time begins: at the inquiry, or with its period when that lies ahead.
func (c LineChange) Begin() time.Time {
	if c.From.After(c.At) {
		return c.From
	}
	return c.At
}

// BaseSizeMeasureIDOrNil returns BaseSizeMeasureID, or nil when it is 0.
func (c LineChange) BaseSizeMeasureIDOrNil() *int { return intOrNil(c.BaseSizeMeasureID) }

// WholeMinor is what the whole period would cost in minor units with a discount that touches the line, else by the list price; of a change that
// gives money back the best of them.
func (c LineChange) WholeMinor(discount ID, currency Currency) int64 {
	whole, touched := c.Wholes[string(discount)]
	if !touched {
		whole = c.Wholes[""]
	}
	if c.Refund.IsPositive() {
		whole = c.cheapest()
	}
	return minorOf(whole, currency)
}

// LessMinor is how much less the whole period costs, in minor units, when what is left of it at the change costs so much less.
func (c LineChange) LessMinor(minor int64) int64 {
	return scaled(minor, c.Until.Sub(c.From), c.Until.Sub(c.Begin()))
}

func (c LineChange) cheapest() decimal.Decimal {
	best := c.Wholes[""]
	for _, whole := range c.Wholes {
		best = decimal.Min(best, whole)
	}
	return best
}

// instead is what a rated charge takes the place of.
type instead struct {
	base     *Rated // nil = it is not sold any more, and counts as what was paid for it
	paidRest decimal.Decimal
	rest     decimal.Decimal // microseconds that are left
	length   decimal.Decimal // microseconds of the whole period
}

// Instead returns the rated charge of a whole period as a change: for what is left of the period, in place of base. A nil base is not sold any
// more.
func (r Rated) Instead(base *Rated, c LineChange) Rated {
	r.instead = &instead{
		base: base, paidRest: c.PaidRest, rest: decimal.NewFromInt(c.Until.Sub(c.Begin()).Microseconds()),
		length: decimal.NewFromInt(PlainLength(c.From, c.Until, r.PeriodType, r.PeriodCount).Microseconds()),
	}
	return r
}

// share is what is left of the price of a whole period, to 10 fraction digits more than any amount has.
func (i instead) share(whole decimal.Decimal) decimal.Decimal {
	return whole.Mul(i.rest).DivRound(i.length, 2*MaxPriceFraction)
}

// difference is how much more what is left of the period costs; below zero when it costs less.
func (i instead) difference(r Rated, d *Discount) decimal.Decimal {
	if i.base == nil {
		return i.share(r.whole(d)).Sub(i.paidRest)
	}
	return i.share(r.whole(d).Sub(i.base.whole(d)))
}

func (i instead) more(r Rated, d *Discount, precision int) decimal.Decimal {
	return decimal.Max(i.difference(r, d), decimal.Zero).Round(int32(precision))
}

// change turns a line that would cost less into one that gives money back: what was paid for the rest, less what that costs with the best of the
// list price and the discounts that apply to the line.
func (l *QuoteLine) change(r Rated, discounts []Discount, less bool, precision int) {
	c := *l.Change
	c.Refund, c.Wholes = decimal.Zero, map[string]decimal.Decimal{"": r.whole(nil).Round(int32(precision))}
	for _, d := range discounts {
		c.Wholes[string(d.ID)] = r.whole(&d).Round(int32(precision))
	}
	if less {
		l.Official, l.Offers = decimal.Zero, []QuoteOffer{}
		kept := r.instead.share(c.cheapest()).Round(int32(precision))
		c.Refund = decimal.Max(c.PaidRest.Sub(kept), decimal.Zero)
	}
	l.Change = &c
}

// costsLess reports whether a change is one to something cheaper: by the list prices of all its lines together.
func costsLess(rated []Rated) bool {
	sum := decimal.Zero
	for _, r := range rated {
		if r.instead != nil {
			sum = sum.Add(r.instead.difference(r, nil))
		}
	}
	return sum.IsNegative()
}

// Refund returns what goes back with a change to something cheaper; zero for every other quote.
func (q Quote) Refund() decimal.Decimal {
	sum := decimal.Zero
	for _, line := range q.Lines {
		if line.Change != nil {
			sum = sum.Add(line.Change.Refund)
		}
	}
	return exact(sum, q.Precision)
}

// RefundMinor returns what goes back of the line's period in minor units.
func (l QuoteLine) RefundMinor() int64 {
	if l.Change == nil {
		return 0
	}
	return minorOf(l.Change.Refund, l.Currency)
}

// sameRefunds reports whether two quotes of one change give the same back.
func sameRefunds(a, b []QuoteLine) bool {
	return slices.EqualFunc(a, b, func(a, b QuoteLine) bool { return a.RefundMinor() == b.RefundMinor() })
}
