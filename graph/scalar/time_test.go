package scalar_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/graph/scalar"
)

func TestDateTimeIsReadStrictlyAndKeptInUTC(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2026-11-21T04:32:18Z":                "2026-11-21T04:32:18Z",
		"2026-11-21T04:32:18.5+08:00":         "2026-11-20T20:32:18.5Z",
		"2026-11-21T04:32:18.123456789+00:00": "2026-11-21T04:32:18.123456Z",
	} {
		got, err := scalar.UnmarshalDateTime(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if diff := cmp.Diff(`"`+want+`"`, written(scalar.MarshalDateTime(got))); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
		if got.Location() != time.UTC {
			t.Errorf("%s: kept in %s", in, got.Location())
		}
	}
	if got := written(scalar.MarshalDateTime(time.Time{})); got != "null" {
		t.Errorf("the zero time was written as %s", got)
	}
}

func TestDateTimeRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]any{
		"no zone":            "2026-11-21T04:32:18",
		"a day alone":        "2026-11-21",
		"a space for T":      "2026-11-21 04:32:18Z",
		"a comma":            "2026-11-21T04:32:18,5Z",
		"one-digit hour":     "2026-11-21T4:32:18Z",
		"a day too many":     "2026-02-29T00:00:00Z",
		"hour 25":            "2026-11-21T25:00:00Z",
		"year 0":             "0000-11-21T00:00:00Z",
		"before year 1":      "0001-01-01T00:00:00+08:00",
		"after year 9999":    "9999-12-31T23:59:59-08:00",
		"a megabyte":         "2026-11-21T04:32:18." + strings.Repeat("1", 1<<20) + "Z",
		"a number":           int64(1795235538),
		"null":               nil,
		"empty":              "",
		"another script":     "٢٠٢٦-11-21T04:32:18Z",
		"a word":             "yesterday",
		"a zone by its name": "2026-11-21T04:32:18CST",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := scalar.UnmarshalDateTime(in)
			wantInvalid(t, err)
		})
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	var d scalar.Date
	if err := d.UnmarshalGQL("2028-02-29"); err != nil {
		t.Fatal(err)
	}
	if got := written(d); got != `"2028-02-29"` {
		t.Errorf("written as %s", got)
	}
	shanghai := time.FixedZone("UTC+8", 8*60*60)
	if diff := cmp.Diff(time.Date(2028, 2, 29, 0, 0, 0, 0, shanghai), d.Time(shanghai)); diff != "" {
		t.Error(diff)
	}
	if got := scalar.DateOf(d.Time(shanghai)); got != d {
		t.Errorf("the day came back as %s", got)
	}
	if written(scalar.DateOf(time.Time{})) != "null" || !scalar.Date("").Time(time.UTC).IsZero() {
		t.Error("the empty Date is not null")
	}
	for name, in := range map[string]any{
		"a day that is not": "2027-02-29", "an instant": "2027-02-28T00:00:00Z", "short": "2027-2-28", "year 0": "0000-01-01",
		"a number": 20270228.0, "null": nil, "long": strings.Repeat("2", 1<<20), "slashes": "2027/02/28",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d scalar.Date
			wantInvalid(t, d.UnmarshalGQL(in))
		})
	}
}

func TestBillingCycle(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"2000-01", "2026-11", "2099-12", "2100-12"} {
		got, err := scalar.UnmarshalBillingCycle(in)
		if err != nil || got != in || written(scalar.MarshalBillingCycle(got)) != `"`+in+`"` {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
	if got := written(scalar.MarshalBillingCycle("")); got != "null" {
		t.Errorf("the empty cycle was written as %s", got)
	}
	for name, in := range map[string]any{
		"month 13": "2026-13", "month 0": "2026-00", "1999": "1999-12", "2101": "2101-01", "a day": "2026-11-01",
		"no dash": "202611", "a number": 202611, "null": nil, "a line break": "2026-11\n", "long": strings.Repeat("2", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := scalar.UnmarshalBillingCycle(in)
			wantInvalid(t, err)
		})
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var b strings.Builder
	if err := scalar.MarshalJSON(map[string]any{"a": []int{1}, "b": nil}).MarshalGQLContext(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if b.String() != `{"a":[1],"b":null}` {
		t.Errorf("written as %s", b.String())
	}
	if err := scalar.MarshalJSON(map[string]any{"a": func() {}}).MarshalGQLContext(ctx, &b); err == nil {
		t.Error("a function was written as JSON")
	}
	if got, err := scalar.UnmarshalJSON(ctx, map[string]any{"a": "b"}); err != nil || got["a"] != "b" {
		t.Errorf("read %v, %v", got, err)
	}
	_, err := scalar.UnmarshalJSON(ctx, "{}")
	wantInvalid(t, err)
}

func FuzzDateTime(f *testing.F) {
	for _, s := range []string{"2026-11-21T04:32:18Z", "2026-11-21T04:32:18.5+08:00", "0001-01-01T00:00:00Z", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := scalar.UnmarshalDateTime(s)
		if err != nil {
			wantInvalid(t, err)
			return
		}
		if got.IsZero() {
			return
		}
		again, err := scalar.UnmarshalDateTime(strings.Trim(written(scalar.MarshalDateTime(got)), `"`))
		if err != nil || !again.Equal(got) {
			t.Fatalf("%q came back as %v, %v", s, again, err)
		}
	})
}

func written(m graphql.Marshaler) string {
	var b strings.Builder
	m.MarshalGQL(&b)
	return b.String()
}
