package models_test

import (
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

func TestRenewalsEndOnTheUnifiedDay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  string
		day  int
		want string
	}{
		"later this month":            {"2026-11-10T04:00:00Z", 20, "2026-11-20T04:00:00Z"},
		"the very day":                {"2026-11-20T04:00:00Z", 20, "2026-11-20T04:00:00Z"},
		"next month":                  {"2026-11-21T04:00:00Z", 20, "2026-12-20T04:00:00Z"},
		"next year":                   {"2026-12-21T04:00:00Z", 20, "2027-01-20T04:00:00Z"},
		"the last day":                {"2027-02-10T04:00:00Z", -1, "2027-02-28T04:00:00Z"},
		"the last day in a leap year": {"2028-02-10T04:00:00Z", -1, "2028-02-29T04:00:00Z"},
		"a day of the vendor's zone":  {"2026-11-19T20:00:00Z", 20, "2026-11-19T20:00:00Z"},
	} {
		end, err := time.Parse(time.RFC3339, c.end)
		if err != nil {
			t.Fatal(err)
		}
		if got := models.UnifyExpiry(end, c.day).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestNumbersMakeIDsAndBack(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, 42, 1 << 40} {
		id := models.IDFromNumber(models.PrefixJob, n)
		if got, ok := id.Number(); !ok || got != n || id.Prefix() != models.PrefixJob {
			t.Errorf("%d became %s and %d", n, id, got)
		}
	}
	if n, ok := models.RandomIDs()(models.PrefixJob).Number(); ok {
		t.Errorf("a random id is the number %d", n)
	}
}
