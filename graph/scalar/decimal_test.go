package scalar_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/partnergraph/partnergraph/graph/scalar"
)

func TestDecimalIsReadFromStringsOfThePattern(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"0", "-0", "00.10", "12.50", "-12.5", "99999999999999999999", "-99999999999999999999.9999999999", "0.0000000001",
		"123456789012345678.12",
	} {
		got, err := scalar.UnmarshalDecimal(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if want := decimal.RequireFromString(s); !got.Equal(want) {
			t.Errorf("%q: got %s", s, got)
		}
	}
}

func TestDecimalRefusesWhatIsNotAPlainString(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   any
		says string
	}{
		"an exponent of ten bytes":   {"1e50000000", "exponent"},
		"an exponent after a point":  {"1.5E9", "exponent"},
		"a megabyte of digits":       {strings.Repeat("9", 1<<20), "at most 20 digits"},
		"digits of another script":   {"١٢٣", "starts with a digit"},
		"digits of another script 2": {"12٣", "only the digits 0 to 9"},
		"full-width digits":          {"12.５0", "only the digits 0 to 9"},
		"not a number":               {"NaN", "starts with a digit"},
		"infinity":                   {"-Infinity", "starts with a digit"},
		"a leading plus":             {"+1", "starts with a digit"},
		"a leading point":            {".5", "starts with a digit"},
		"a trailing point":           {"5.", "digit after its point"},
		"a lone minus":               {"-", "starts with a digit"},
		"two signs":                  {"--1", "starts with a digit"},
		"two points":                 {"1.2.3", "only the digits 0 to 9"},
		"a space":                    {" 1", "starts with a digit"},
		"a line break":               {"1\n", "only the digits 0 to 9"},
		"a NUL":                      {"1\x00", "only the digits 0 to 9"},
		"hexadecimal":                {"0x10", "only the digits 0 to 9"},
		"an underscore":              {"1_000", "only the digits 0 to 9"},
		"a comma":                    {"1,50", "only the digits 0 to 9"},
		"21 integer digits":          {strings.Repeat("1", 21), "at most 20 digits before"},
		"11 fraction digits":         {"1.12345678901", "at most 10 digits after"},
		"empty":                      {"", "must not be empty"},
		"a float":                    {12.5, "not as a number"},
		"an int":                     {int64(12), "not as a number"},
		"a json.Number":              {json.Number("12.50"), "not as a number"},
		"null":                       {nil, "not as null"},
		"a boolean":                  {true, "not as a boolean"},
		"a list":                     {[]any{"1"}, "not as a list"},
		"an object":                  {map[string]any{}, "not as an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := scalar.UnmarshalDecimal(c.in)
			wantInvalid(t, err)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("the message %q does not say %q", err, c.says)
			}
			if err != nil && !strings.Contains(err.Error(), `a string such as "12.50"`) {
				t.Errorf("the message %q does not hint at a string", err)
			}
			// A refusal by pattern leaves the zero value: no library has parsed anything, whatever the size.
			if diff := cmp.Diff(decimal.Decimal{}.Coefficient(), got.Coefficient(), cmp.Comparer(equalInt)); diff != "" {
				t.Errorf("a refused value was parsed: %s", diff)
			}
		})
	}
}

// TestHostileDecimalCostsNoMoreThanAShortOne counts allocations instead of reading the clock: the refusal of a megabyte
// may not do more than the refusal of two bytes.
func TestHostileDecimalCostsNoMoreThanAShortOne(t *testing.T) {
	short := testing.AllocsPerRun(100, func() { _, _ = scalar.UnmarshalDecimal("+1") })
	for _, s := range []string{"1e50000000", strings.Repeat("9", 1<<20), strings.Repeat("٣", 1<<19), "NaN"} {
		// One more for the message's arguments.
		if got := testing.AllocsPerRun(100, func() { _, _ = scalar.UnmarshalDecimal(s) }); got > short+4 {
			t.Errorf("%.12q: %v allocations, a short refusal has %v", s, got, short)
		}
		if _, err := scalar.UnmarshalDecimal(s); err == nil || len(err.Error()) > 300 {
			t.Errorf("%.12q: the refusal is missing or repeats its input", s)
		}
	}
}

func TestDecimalIsWrittenAsAStringWithItsScale(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"12.50": `"12.50"`, "-0.1": `"-0.1"`, "7": `"7"`, "1e3": `"1000"`} {
		var b strings.Builder
		scalar.MarshalDecimal(decimal.RequireFromString(in)).MarshalGQL(&b)
		if b.String() != want {
			t.Errorf("%s: got %s, want %s", in, b.String(), want)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"12.50", "-0", "1e9", "NaN", "٣", "99999999999999999999.9999999999", "1.", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := scalar.UnmarshalDecimal(s)
		if err != nil {
			wantInvalid(t, err)
			return
		}
		var b strings.Builder
		scalar.MarshalDecimal(d).MarshalGQL(&b)
		var text string
		if err := json.Unmarshal([]byte(b.String()), &text); err != nil {
			t.Fatalf("%q was written as %s: %v", s, b.String(), err)
		}
		again, err := scalar.UnmarshalDecimal(text)
		if err != nil || !again.Equal(d) {
			t.Fatalf("%q was written as %q, which reads as %s, %v", s, text, again, err)
		}
	})
}

func equalInt(a, b *big.Int) bool { return a.Cmp(b) == 0 }

func wantInvalid(t *testing.T, err error) {
	t.Helper()
	var e *gqlerror.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a GraphQL error", err)
	}
	if e.Extensions["code"] != "INVALID" {
		t.Errorf("got code %v, want INVALID", e.Extensions["code"])
	}
}
