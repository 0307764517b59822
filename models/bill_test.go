package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
)

func TestSpreadAddsUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		total   int64
		weights []int64
		want    []int64
	}{
		"in proportion":    {100, []int64{1, 1, 2}, []int64{25, 25, 50}},
		"what is left":     {100, []int64{1, 1, 1}, []int64{33, 34, 33}},
		"a negative one":   {-100, []int64{1, 1, 1}, []int64{-33, -34, -33}},
		"nothing to weigh": {7, []int64{0, 0}, []int64{0, 7}},
		"nobody":           {7, nil, []int64{}},
	} {
		if diff := cmp.Diff(tt.want, models.Spread(tt.total, tt.weights)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(-models.MaxMinor, models.MaxMinor).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, models.MaxMinor), 1, 20).Draw(t, "weights")
		var sum int64
		for _, part := range models.Spread(total, weights) {
			if part > 0 != (total > 0) && part != 0 {
				t.Fatalf("a part of %d is %d", total, part)
			}
			sum += part
		}
		if sum != total {
			t.Fatalf("the parts of %d add up to %d", total, sum)
		}
	})
}

func TestDaysAndMonthsOfBillsBeginInBeijing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 31, 17, 0, 0, 0, time.UTC) // one o'clock on the first of November there
	if got := models.SettleDaily.DueBefore(at).UTC(); !got.Equal(time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("the day begins at %s", got)
	}
	if got := models.SettleMonthly.DueBefore(at.AddDate(0, 0, 7)).UTC(); !got.Equal(time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("the month begins at %s", got)
	}
	if got := models.StatementClosesAt("2026-12"); !got.Equal(time.Date(2027, 1, 4, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("December closes at %s", got.UTC())
	}
}

// TestSettledUseAddsUp: whatever lines, debts and money there are, the identities of 3.8 hold for each line, the lines add up to the rounded
// sum, money that is not there is not spent, and what is taken is what lines and debts say.
func TestSettledUseAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) models.BillLine {
			official := rapid.Int64Range(-5_000_000_000_000, 50_000_000_000_000).Draw(t, "official")
			payable := official * rapid.Int64Range(0, 100).Draw(t, "percent") / 100
			return models.BillLine{ExactOfficial: decimal.New(official, -10), ExactPayable: decimal.New(payable, -10), Currency: models.CNY}
		}), 0, 12).Draw(t, "lines")
		debts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) models.BillLine {
			left := rapid.Int64Range(1, 100_000).Draw(t, "left")
			return models.BillLine{PayableMinor: left, DebtMinor: left, DebtLeftMinor: left, Currency: models.CNY}
		}), 0, 4).Draw(t, "debts")
		funds := models.UseFunds{
			CashMinor: rapid.Int64Range(0, 1_000_000).Draw(t, "cash"), CreditMinor: rapid.Int64Range(0, 100_000).Draw(t, "credit"),
		}
		settled := models.SettleUse(lines, debts, funds)

		var payable, official decimal.Decimal
		var payableMinor, discountMinor, taken, credit, debt int64
		for i, line := range settled.Lines {
			if line.Official().Minor != line.DiscountMinor+line.PayableMinor || line.PayableMinor != line.CashMinor+line.CreditMinor+line.CouponMinor+line.DebtMinor {
				t.Fatalf("the identities do not hold: %+v", line)
			}
			if line.DebtMinor < 0 || line.DebtLeftMinor != line.DebtMinor || line.CreditMinor < 0 || line.PayableMinor != 0 && line.PayableMinor > 0 != lines[i].ExactPayable.IsPositive() {
				t.Fatalf("signs: %+v", line)
			}
			payable, official = payable.Add(lines[i].ExactPayable), official.Add(lines[i].ExactOfficial)
			payableMinor, discountMinor = payableMinor+line.PayableMinor, discountMinor+line.DiscountMinor
			taken, credit, debt = taken+line.CashMinor+line.CreditMinor, credit+line.CreditMinor, debt+line.DebtMinor
		}
		if want := payable.Shift(2).Round(0).IntPart(); payableMinor != want {
			t.Fatalf("the lines add up to %d, their exact sum to %d", payableMinor, want)
		}
		if want := official.Sub(payable).Shift(2).Round(0).IntPart(); discountMinor != want {
			t.Fatalf("the discounts add up to %d, their exact sum to %d", discountMinor, want)
		}
		left := map[int64]bool{}
		for i, payment := range settled.Payments {
			taken, credit = taken+payment.CashMinor+payment.CreditMinor, credit+payment.CreditMinor
			left[settled.Debts[i].DebtLeftMinor] = true
			if settled.Debts[i].DebtLeftMinor < 0 || payment.CashMinor+payment.CreditMinor+settled.Debts[i].DebtLeftMinor != debts[i].DebtLeftMinor {
				t.Fatalf("debt %d: %+v leaves %d", i, payment, settled.Debts[i].DebtLeftMinor)
			}
		}
		if taken != settled.TakenMinor || taken > funds.CashMinor+funds.CreditMinor || credit > funds.CreditMinor {
			t.Fatalf("taken %d, told %d, of %+v", taken, settled.TakenMinor, funds)
		}
		// A debt is left only when all money is gone.
		open := debt > 0 || len(settled.Payments) < len(debts) || left[1]
		if open && debt > 0 && taken != funds.CashMinor+funds.CreditMinor {
			t.Fatalf("a debt of %d is left, and %d of %+v was taken", debt, taken, funds)
		}
	})
}

func TestWhatIsGivenBackPaysDebtsFirst(t *testing.T) {
	t.Parallel()
	lines := []models.BillLine{
		{ID: "a", ExactOfficial: decimal.New(500, -2), ExactPayable: decimal.New(500, -2), Currency: models.CNY},
		{ID: "b", ExactOfficial: decimal.New(-1000, -2), ExactPayable: decimal.New(-1000, -2), Currency: models.CNY},
	}
	debts := []models.BillLine{{ID: "d", DebtLeftMinor: 300, Currency: models.CNY}}
	settled := models.SettleUse(lines, debts, models.UseFunds{})
	if settled.TakenMinor != -200 || len(settled.Payments) != 1 || settled.Payments[0].CashMinor != 300 || settled.Lines[0].CashMinor != 500 {
		t.Errorf("%+v", settled)
	}
	if settled.Debts[0].DebtLeftMinor != 0 || debts[0].DebtLeftMinor != 300 {
		t.Error("what it was given was changed")
	}
}

func TestRoundingIsOfTheSum(t *testing.T) {
	t.Parallel()
	var lines []models.BillLine
	for range 10 { // ten times 0.004 is 0.04, though none of them is a minor unit
		lines = append(lines, models.BillLine{ExactOfficial: decimal.New(4, -3), ExactPayable: decimal.New(4, -3), Currency: models.CNY})
	}
	settled := models.SettleUse(lines, nil, models.UseFunds{CashMinor: 100})
	if settled.TakenMinor != 4 {
		t.Errorf("taken %d, want 4", settled.TakenMinor)
	}
}
