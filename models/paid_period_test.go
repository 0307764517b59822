package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

func TestUnifiedDaysCostInProportion(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for name, row := range map[string]struct {
		from, until string
		want        int64
	}{
		"as it comes":                        {"2026-11-10T04:00:00Z", "2026-12-10T04:00:00Z", 3_000},
		"half as long again":                 {"2026-11-10T04:00:00Z", "2026-12-25T04:00:00Z", 4_500},
		"rounded half up":                    {"2026-11-10T04:00:00Z", "2026-12-10T04:07:12Z", 3_001},
		"from one last day to another":       {"2027-02-28T04:00:00Z", "2027-03-31T04:00:00Z", 3_000},
		"from a last day, one month further": {"2027-01-31T04:00:00Z", "2027-02-28T04:00:00Z", 3_000},
	} {
		got := models.UnifiedMinor(3_000, at(row.from), at(row.until), models.PeriodMonth, 1)
		if got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
		back := models.PaidTerm{PaidMinor: got, From: at(row.from), Until: at(row.until), PeriodType: models.PeriodMonth, PeriodCount: 1}
		if back.PlainMinor() != 3_000 {
			t.Errorf("%s: without the days more %d", name, back.PlainMinor())
		}
	}
}

func TestWhatAChangeGivesBackComesOffTheRest(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return from.AddDate(0, 0, n) }
	bought := models.PaidTerm{ItemID: "itm_1", PaidMinor: 3_000, From: from, Until: day(30), PeriodType: models.PeriodDay, PeriodCount: 30}
	renewed := models.PaidTerm{ItemID: "itm_2", PaidMinor: 600, From: day(30), Until: day(60), PeriodType: models.PeriodDay, PeriodCount: 30, Renewal: true}
	added := models.PaidTerm{ItemID: "itm_3", PaidMinor: 1_000, From: day(10), Until: day(30), Change: true, Renewal: true, PeriodMinor: 4_500}
	terms := []models.PaidTerm{bought, added, renewed}

	periods := models.PaidPeriods(terms, day(20))
	if len(periods) != 2 || periods[0].RestMinor != 1_000+500 || periods[1].RestMinor != 600 || !periods[0].From.Equal(from) {
		t.Fatalf("%+v", periods)
	}
	// The latest payment is given back first.
	if diff := cmp.Diff([]int64{300, 500}, periods[0].GiveBack(day(20), 800)); diff != "" {
		t.Error(diff)
	}
	less := models.Lessened(models.Lessened(models.Lessened(terms, "itm_3", day(20), 500), "itm_1", day(20), 300), "itm_2", day(20), 100)
	sum := int64(0)
	for _, term := range less {
		sum += term.PaidMinor
	}
	if sum != 4_600-900 {
		t.Errorf("the terms are worth %d, want what was paid less what went back: %+v", sum, less)
	}
	periods = models.PaidPeriods(less, day(20))
	if len(periods) != 2 || periods[0].RestMinor != 700 || periods[1].RestMinor != 500 || !periods[0].From.Equal(from) {
		t.Errorf("%+v", periods)
	}
	if last, found := models.LatestPeriod(less); !found || last.PaidMinor != 500 || last.PeriodCount != 30 {
		t.Errorf("%+v", last)
	}
	if last, found := models.LatestPeriod([]models.PaidTerm{bought, added}); !found || last.PaidMinor != 4_500 || !last.From.Equal(from) {
		t.Errorf("since the change a period costs %d", last.PaidMinor)
	}
	byCoupon := bought
	byCoupon.PaidMinor, byCoupon.CouponMinor = bought.PaidMinor-1_000, 1_000
	if last, found := models.LatestPeriod([]models.PaidTerm{byCoupon, added}); !found || last.PaidMinor != 4_500 || last.CouponMinor != 0 {
		t.Errorf("a period that a coupon paid a part of costs %d and %d", last.PaidMinor, last.CouponMinor)
	}
	plain, _ := models.LatestPeriod([]models.PaidTerm{bought})
	if last, _ := models.LatestPeriod([]models.PaidTerm{byCoupon}); last.PaidMinor != plain.PaidMinor {
		t.Errorf("a period that a coupon paid a part of costs %d, want %d", last.PaidMinor, plain.PaidMinor)
	}
	if _, found := models.LatestPeriod(nil); found {
		t.Error("a period of nothing")
	}
}
