package models_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05Z07:00", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCyclesOfAPackageItem(t *testing.T) {
	t.Parallel()
	effective := "2026-01-31T10:30:00+08:00"
	for _, c := range []struct {
		cycle                models.ResetCycle
		basis                models.ResetBasis
		at, start, end, what string
	}{
		{models.ResetHourly, models.ResetByCalendar, "2026-03-15T09:59:59Z", "2026-03-15T09:00:00Z", "2026-03-15T10:00:00Z", "the hour"},
		{models.ResetDaily, models.ResetByCalendar, "2026-03-14T16:00:00Z", "2026-03-14T16:00:00Z", "2026-03-15T16:00:00Z", "the day begins in UTC+8"},
		{models.ResetWeekly, models.ResetByCalendar, "2026-03-15T15:59:59Z", "2026-03-08T16:00:00Z", "2026-03-15T16:00:00Z", "Sunday belongs to the week of the Monday before"},
		{models.ResetMonthly, models.ResetByCalendar, "2026-02-28T15:59:59Z", "2026-01-31T16:00:00Z", "2026-02-28T16:00:00Z", "the month"},
		{models.ResetYearly, models.ResetByCalendar, "2026-12-31T16:00:00Z", "2026-12-31T16:00:00Z", "2027-12-31T16:00:00Z", "the year"},
		{models.ResetHourly, models.ResetBySubscription, "2026-01-31T12:29:59+08:00", "2026-01-31T11:30:00+08:00", "2026-01-31T12:30:00+08:00", "the second hour"},
		{models.ResetDaily, models.ResetBySubscription, "2026-02-01T10:30:00+08:00", "2026-02-01T10:30:00+08:00", "2026-02-02T10:30:00+08:00", "the second day"},
		{models.ResetWeekly, models.ResetBySubscription, "2026-02-07T10:29:00+08:00", effective, "2026-02-07T10:30:00+08:00", "the first week"},
		{models.ResetMonthly, models.ResetBySubscription, "2026-02-28T10:29:59+08:00", effective, "2026-02-28T10:30:00+08:00", "a short month ends on its last day"},
		{models.ResetMonthly, models.ResetBySubscription, "2026-03-31T10:29:59+08:00", "2026-02-28T10:30:00+08:00", "2026-03-31T10:30:00+08:00", "the next has its 31st again"},
		{models.ResetYearly, models.ResetBySubscription, "2027-01-31T10:29:59+08:00", effective, "2027-01-31T10:30:00+08:00", "the first year"},
		{models.ResetYearly, models.ResetBySubscription, "2027-01-31T10:30:00+08:00", "2027-01-31T10:30:00+08:00", "2028-01-31T10:30:00+08:00", "the second year"},
	} {
		item := models.PackageItem{Cycle: c.cycle, Basis: c.basis}
		got := item.CycleAt(moment(t, c.at), moment(t, effective))
		if !got.Start.Equal(moment(t, c.start)) || got.End == nil || !got.End.Equal(moment(t, c.end)) {
			t.Errorf("%s %s (%s) at %s: %s to %s, want %s to %s", c.cycle, c.basis, c.what, c.at, got.Start, got.End, c.start, c.end)
		}
	}
}

// TestCyclesLieSideBySide: a moment is in its cycle, and the next cycle begins where it ends.
func TestCyclesLieSideBySide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		item := models.PackageItem{
			Cycle: rapid.SampledFrom(models.ResetCycles()).Draw(t, "cycle"),
			Basis: rapid.SampledFrom([]models.ResetBasis{models.ResetByCalendar, models.ResetBySubscription}).Draw(t, "basis"),
		}
		effective := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "effective"), 0)
		at := effective.Add(time.Duration(rapid.Int64Range(0, 3*366*24*3600).Draw(t, "later")) * time.Second)
		span := item.CycleAt(at, effective)
		if !span.Contains(at) {
			t.Fatalf("%s is not in %s to %s", at, span.Start, span.End)
		}
		if next := item.CycleAt(*span.End, effective); !next.Start.Equal(*span.End) {
			t.Fatalf("after %s comes %s", span.End, next.Start)
		}
		if last := item.CycleAt(span.End.Add(-time.Microsecond), effective); !last.Start.Equal(span.Start) {
			t.Fatalf("the end of %s is in %s", span.Start, last.Start)
		}
	})
}

func TestStatusOfAPackage(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	later, earlier := now.Add(time.Hour), now.Add(-time.Hour)
	some, none := models.PackageItem{Remaining: decimal.New(1, -9)}, models.PackageItem{}
	for want, pack := range map[models.PackageStatus]models.ResourcePackage{
		models.PackageNotInEffect:  {EffectiveAt: later, Items: []models.PackageItem{some}},
		models.PackageInEffect:     {EffectiveAt: now, ExpiresAt: &later, Items: []models.PackageItem{none, some}},
		models.PackageUsedUp:       {EffectiveAt: earlier, ExpiresAt: &later, Items: []models.PackageItem{none, none}},
		models.PackageExpired:      {EffectiveAt: earlier, ExpiresAt: &now, Items: []models.PackageItem{some}},
		models.PackageUnsubscribed: {EffectiveAt: earlier, ExpiresAt: &later, UnsubscribedAt: &now, Items: []models.PackageItem{some}},
	} {
		pack.AsOf = now
		if got := pack.Status(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	ended := models.ResourcePackage{EffectiveAt: earlier, ExpiresAt: &later, UnsubscribedAt: &now}
	if ended.InEffect(now) || !ended.InEffect(now.Add(-time.Microsecond)) || ended.InEffect(earlier.Add(-time.Microsecond)) {
		t.Error("a package pays from its beginning until it is given up")
	}
}

// TestTakingIsExact: what is paid and what is left to pay are the use, and no more is taken than there is.
func TestTakingIsExact(t *testing.T) {
	t.Parallel()
	conversions := models.Conversions{{MeasureID: 10, RefMeasureID: 11, Ratio: decimal.NewFromInt(1024)}, {MeasureID: 4, RefMeasureID: 5, Ratio: decimal.NewFromInt(3)}}
	rapid.Check(t, func(t *rapid.T) {
		measures := rapid.SampledFrom([][2]int{{10, 10}, {10, 11}, {11, 10}, {4, 5}, {5, 4}}).Draw(t, "measures")
		item := models.PackageItem{MeasureID: measures[0]}
		left := decimal.New(rapid.Int64Range(0, 1e12).Draw(t, "left"), -rapid.Int32Range(0, 10).Draw(t, "places"))
		use := decimal.New(rapid.Int64Range(0, 1e12).Draw(t, "use"), -rapid.Int32Range(0, 10).Draw(t, "digits"))
		paid, taken, ok := models.PackageCycle{Remaining: left}.Take(use, measures[1], item, conversions)
		if !ok {
			if left.IsPositive() && use.IsPositive() {
				t.Fatalf("%s pays nothing of %s", left, use)
			}
			return
		}
		if taken.GreaterThan(left) || paid.GreaterThan(use) || !taken.IsPositive() || paid.IsNegative() {
			t.Fatalf("%s of %s taken for %s of %s", taken, left, paid, use)
		}
		if worth, known := conversions.Convert(taken, measures[0], measures[1]); !known || worth.Sub(paid).Abs().GreaterThan(decimal.New(1, -8)) {
			t.Fatalf("%s taken is worth %s, not %s", taken, worth, paid)
		}
	})
	if _, _, ok := (models.PackageCycle{Remaining: decimal.NewFromInt(1)}).Take(decimal.NewFromInt(1), 17, models.PackageItem{MeasureID: 4}, conversions); ok {
		t.Error("hours pay for gigabytes")
	}
}
