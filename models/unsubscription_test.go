package models_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

func TestEndOfAPaidTerm(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	month := models.PaidTerm{PaidMinor: 3_001, From: from, Until: from.AddDate(0, 0, 30)}
	endless := models.PaidTerm{PaidMinor: 500, From: from}
	large := models.PaidTerm{PaidMinor: models.MaxMinor, From: from, Until: from.AddDate(10, 0, 0)}
	fee := decimal.New(5, -2)
	for name, row := range map[string]struct {
		term models.PaidTerm
		at   time.Time
		free bool
		want models.TermRefund
	}{
		"before it begins":          {month, from.Add(-time.Microsecond), false, models.TermRefund{RefundMinor: 3_001}},
		"at its beginning":          {month, from, false, models.TermRefund{RefundMinor: 2_851, FeeMinor: 150}},
		"halfway, rounded half up":  {month, from.AddDate(0, 0, 15), false, models.TermRefund{RefundMinor: 1_425, ConsumedMinor: 1_501, FeeMinor: 75}},
		"halfway, free":             {month, from.AddDate(0, 0, 15), true, models.TermRefund{RefundMinor: 3_001}},
		"at its end":                {month, month.Until, false, models.TermRefund{ConsumedMinor: 3_001}},
		"without an end":            {endless, from, false, models.TermRefund{ConsumedMinor: 500}},
		"the most there can be":     {large, from, false, models.TermRefund{RefundMinor: models.MaxMinor / 20 * 19, FeeMinor: models.MaxMinor / 20}},
		"the most, a moment before": {large, large.Until.Add(-time.Microsecond), false, models.TermRefund{ConsumedMinor: models.MaxMinor - 3, RefundMinor: 3}},
	} {
		got := row.term.End(row.at, row.free, fee)
		if got != row.want || got.RefundMinor+got.ConsumedMinor+got.FeeMinor != row.term.PaidMinor {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
	if models.FreelyUnsubscribable(from, from.Add(models.FreeUnsubscribeWithin)) || !models.FreelyUnsubscribable(from, from.Add(models.FreeUnsubscribeWithin-1)) {
		t.Error("five times 24 hours are over at their end (O08)")
	}
	for at, want := range map[string]int{"2026-12-31T15:59:59Z": 2026, "2026-12-31T16:00:00Z": 2027} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil || models.UnsubscribeYear(moment) != want {
			t.Errorf("%s counts for %d, want %d in UTC+8", at, models.UnsubscribeYear(moment), want)
		}
	}
}
