package models_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
)

// TestEveryQuoteAddsUp: whatever is asked, with whatever discounts, totals are the sums of the lines, each line is rounded once and by
// less than half a unit of its last digit, no offer is below nothing or above the list price, and one offer is best: the cheapest, and
// of equal ones the contract's, then the partner's.
func TestEveryQuoteAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		quote := models.Quote{Currency: models.CNY, Precision: rapid.SampledFrom([]int{2, 6, 10}).Draw(t, "precision")}
		var rated []models.Rated
		var exact []decimal.Decimal
		number := func(label string, digits, fraction int32) decimal.Decimal {
			return decimal.New(rapid.Int64Range(0, decimal.New(1, digits+fraction).IntPart()-1).Draw(t, label), -fraction)
		}
		for range rapid.IntRange(1, 6).Draw(t, "lines") {
			charge := models.Charge{
				ServiceType: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "service"), Currency: models.CNY, PeriodType: models.PeriodMonth,
				PeriodCount: rapid.IntRange(1, 120).Draw(t, "periods"), Pieces: rapid.IntRange(1, 10_000).Draw(t, "pieces"),
			}
			price := models.Price{Amount: number("price", 4, 10), PeriodType: models.PeriodMonth}
			of := price.Amount.Mul(decimal.NewFromInt(int64(charge.Pieces * charge.PeriodCount)))
			if rapid.Bool().Draw(t, "linear") {
				size := number("size", 3, 4)
				charge.Size, charge.SizeMeasureID, price.SizeMeasureID = &size, 17, 17
				of = of.Mul(size)
			}
			one, err := price.Rate(charge, nil)
			if err != nil {
				t.Fatal(err)
			}
			quote.Lines, rated, exact = append(quote.Lines, models.QuoteLine{Charge: charge}), append(rated, one), append(exact, of)
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "discounts") {
			d := models.Discount{
				ID: models.ID("dsc_" + string(rune('a'+i))), Kind: rapid.SampledFrom([]models.DiscountKind{models.DiscountContract, models.DiscountPartnerGranted, models.DiscountPartnerRate}).Draw(t, "kind"),
				Mode:        rapid.SampledFrom([]models.DiscountMode{models.DiscountRate, models.DiscountFixed, models.DiscountReduction}).Draw(t, "mode"),
				ServiceType: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "of"),
			}
			if d.Mode == models.DiscountRate {
				d.Value = decimal.New(rapid.Int64Range(0, 10).Draw(t, "rate"), -1) // few values, so that some are equal
			} else {
				d.Value, d.Currency, d.PeriodType = number("amount", 4, 3), models.CNY, models.PeriodMonth
			}
			quote.Discounts = append(quote.Discounts, d)
		}
		if err := quote.Total(rated, nil); err != nil {
			t.Fatal(err)
		}
		official := decimal.Zero
		half := decimal.New(5, int32(-quote.Precision-1))
		for i, line := range quote.Lines {
			official = official.Add(line.Official)
			if line.Official.Sub(exact[i]).Abs().GreaterThan(half) {
				t.Fatalf("line %d is %s for %s", i, line.Official, exact[i])
			}
			wantRanked(t, line.Official, line.Offers)
		}
		if !official.Equal(quote.Official) {
			t.Fatalf("the lines are %s and the total %s", official, quote.Official)
		}
		wantRanked(t, quote.Official, quote.Offers)
		for _, offer := range quote.Offers {
			sum := decimal.Zero
			for _, line := range quote.Lines {
				amount := line.Official
				for _, o := range line.Offers {
					if o.DiscountID == offer.DiscountID {
						amount = o.Amount
					}
				}
				sum = sum.Add(amount)
			}
			if !sum.Equal(offer.Amount) {
				t.Fatalf("with %s the lines are %s and the total %s", offer.DiscountID, sum, offer.Amount)
			}
		}
	})
}

func wantRanked(t *rapid.T, official decimal.Decimal, offers []models.QuoteOffer) {
	best := 0
	for i, o := range offers {
		if o.BestOffer {
			best++
		}
		if o.Amount.IsNegative() || o.Saving.IsNegative() || !o.Amount.Add(o.Saving).Equal(official) {
			t.Fatalf("an offer of %s saves %s of %s", o.Amount, o.Saving, official)
		}
		first := offers[0]
		if o.Amount.LessThan(first.Amount) || o.Amount.Equal(first.Amount) && o.Kind.WireCode() < first.Kind.WireCode() {
			t.Fatalf("offer %d, %s by %s, is better than the first, %s by %s", i, o.Amount, o.Kind, first.Amount, first.Kind)
		}
	}
	if len(offers) > 0 && (best != 1 || !offers[0].BestOffer) {
		t.Fatalf("%d best offers", best)
	}
}
