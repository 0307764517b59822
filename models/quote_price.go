package models

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"
)

// Total fills the quote with prices: each line's from the charge rated at the same place, the totals as the sums of the lines, and
// one offer per discount of q.Discounts that touches at least one line. Every line is rounded once and totals are not rounded at
// all. It is PRECONDITION_FAILED with the reason PRICE_TOO_LARGE when an amount is beyond what the ledger holds.
func (q *Quote) Total(rated []Rated, policies Policies) error {
	q.Official, q.Offers = decimal.Zero, []QuoteOffer{}
	less := costsLess(rated)
	for i := range q.Lines {
		line := &q.Lines[i]
		line.UnitPrice, line.Official, line.Offers = rated[i].UnitPrice, rated[i].Official(q.Precision), []QuoteOffer{}
		var touching []Discount
		for _, d := range q.Discounts {
			if d.AppliesTo(line.Charge) && policies.Allow(d, line.ServiceType) {
				amount := rated[i].With(d, q.Precision)
				line.Offers = append(line.Offers, offerOf(d, line.Official, amount, 1))
				touching = append(touching, d)
			}
		}
		if line.Change != nil {
			line.change(rated[i], touching, less, q.Precision)
		}
		rank(line.Offers)
		if q.Official = q.Official.Add(line.Official); minorTooLarge(q.Official, q.Currency) {
			return Precondition("PRICE_TOO_LARGE", "The price is too large; ask for less at once.")
		}
	}
	for _, d := range q.Discounts {
		amount, touched := q.totalWith(d.ID)
		if touched > 0 {
			q.Offers = append(q.Offers, offerOf(d, q.Official, amount, touched))
		}
	}
	rank(q.Offers)
	return nil
}

// totalWith returns the sum of the lines with a discount, and how many of them it touches.
func (q *Quote) totalWith(discount ID) (amount decimal.Decimal, touched int) {
	for _, line := range q.Lines {
		at := slices.IndexFunc(line.Offers, func(o QuoteOffer) bool { return o.DiscountID == discount })
		if at < 0 {
			amount = amount.Add(line.Official)
			continue
		}
		amount, touched = amount.Add(line.Offers[at].Amount), touched+1
	}
	return amount, touched
}

func offerOf(d Discount, official, amount decimal.Decimal, lines int) QuoteOffer {
	return QuoteOffer{
		DiscountID: d.ID, Kind: d.Kind, Mode: d.Mode, Value: d.Value, Amount: amount, Saving: official.Sub(amount), Lines: lines,
	}
}

// rank puts the cheapest offer first and marks it: the biggest saving, then the cloud's contract, then the partner's (3.3).
func rank(offers []QuoteOffer) {
	slices.SortFunc(offers, func(a, b QuoteOffer) int {
		return cmp.Or(a.Amount.Cmp(b.Amount), cmp.Compare(a.Kind.WireCode(), b.Kind.WireCode()), cmp.Compare(a.DiscountID, b.DiscountID))
	})
	for i := range offers {
		offers[i].BestOffer = i == 0
	}
}

func minorTooLarge(amount decimal.Decimal, currency Currency) bool {
	return amount.Shift(currency.Scale()).GreaterThan(decimal.NewFromInt(MaxMinor))
}

// StillWorth reports whether a quote priced anew costs the same: the same list prices, and every offer of the old one at the same
// amount. Offers that are new do not matter.
func (q Quote) StillWorth(now Quote) bool {
	if !q.Official.Equal(now.Official) || len(q.Lines) != len(now.Lines) || !offersHold(q.Offers, now.Offers) || !sameRefunds(q.Lines, now.Lines) {
		return false
	}
	for i := range q.Lines {
		if !q.Lines[i].Official.Equal(now.Lines[i].Official) || !offersHold(q.Lines[i].Offers, now.Lines[i].Offers) {
			return false
		}
	}
	return true
}

func offersHold(old, now []QuoteOffer) bool {
	for _, offer := range old {
		at := slices.IndexFunc(now, func(o QuoteOffer) bool { return o.DiscountID == offer.DiscountID })
		if at < 0 || !now[at].Amount.Equal(offer.Amount) {
			return false
		}
	}
	return true
}

// Exact returns the quote with every amount written with Precision fraction digits, which storing it does not keep.
func (q Quote) Exact() Quote {
	q.Official, q.Offers = exact(q.Official, q.Precision), exactOffers(q.Offers, q.Precision)
	lines := make([]QuoteLine, len(q.Lines))
	for i, line := range q.Lines {
		line.Official, line.Offers = exact(line.Official, q.Precision), exactOffers(line.Offers, q.Precision)
		if line.Change != nil {
			change := *line.Change
			change.PaidRest, change.Refund = exact(change.PaidRest, q.Precision), exact(change.Refund, q.Precision)
			line.Change = &change
		}
		lines[i] = line
	}
	q.Lines = lines
	return q
}

func exactOffers(offers []QuoteOffer, precision int) []QuoteOffer {
	written := make([]QuoteOffer, len(offers))
	for i, offer := range offers {
		offer.Amount, offer.Saving = exact(offer.Amount, precision), exact(offer.Saving, precision)
		written[i] = offer
	}
	return written
}

func exact(amount decimal.Decimal, precision int) decimal.Decimal {
	return decimal.RequireFromString(amount.StringFixed(int32(precision)))
}
