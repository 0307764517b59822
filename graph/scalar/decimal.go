package scalar

import (
	"io"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/shopspring/decimal"
)

// The bounds of a Decimal on the wire. They exist because a decimal library takes "1e50000000" for a number of fifty
// million digits: ten bytes that cost seconds at the first comparison.
const (
	// MaxIntegerDigits is how many digits may stand before the point.
	MaxIntegerDigits = 20
	// MaxFractionDigits is how many digits may stand after the point.
	MaxFractionDigits = 10
)

// maxDecimalLength is the longest text that fits the pattern: a sign, both groups of digits and the point.
const maxDecimalLength = 1 + MaxIntegerDigits + 1 + MaxFractionDigits

// MarshalDecimal writes d as a JSON string with the digits it carries ("12.50" keeps its scale), never as a number and
// never with an exponent.
func MarshalDecimal(d decimal.Decimal) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		// StringFixed keeps trailing zeros; a positive exponent (12e3) has no fraction digits to keep.
		_, _ = io.WriteString(w, strconv.Quote(d.StringFixed(max(0, -d.Exponent()))))
	})
}

// UnmarshalDecimal reads a Decimal from a JSON string: an optional minus, 1 to 20 digits, and optionally a point with
// 1 to 10 digits, all ASCII. Numbers are refused because JSON readers round them before anybody sees them. The error is
// INVALID and says which part is wrong.
func UnmarshalDecimal(v any) (decimal.Decimal, error) {
	s, ok := v.(string)
	if !ok {
		return decimal.Decimal{}, invalid(`a Decimal must be sent as a string such as "12.50", not as %s`, kind(v))
	}
	if err := checkDecimal(s); err != nil {
		return decimal.Decimal{}, err
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Decimal{}, invalid(`this is not a Decimal; send a string such as "12.50"`)
	}
	return d, nil
}

// checkDecimal holds s against the pattern before any arithmetic sees it. It looks at no more than maxDecimalLength
// bytes, whatever the length of s.
func checkDecimal(s string) error {
	if s == "" {
		return invalid(`a Decimal must not be empty; send a string such as "12.50"`)
	}
	if len(s) > maxDecimalLength {
		return invalid(`a Decimal has at most %d digits before the point and %d after it; this text is longer; send a string such as "12.50"`,
			MaxIntegerDigits, MaxFractionDigits)
	}
	rest := s
	if rest[0] == '-' {
		rest = rest[1:]
	}
	whole := leadingDigits(rest)
	rest = rest[whole:]
	if whole == 0 {
		return invalid(`a Decimal starts with a digit, or with a minus and a digit; send a string such as "12.50"`)
	}
	if whole > MaxIntegerDigits {
		return invalid(`a Decimal has at most %d digits before the point; send a string such as "12.50"`, MaxIntegerDigits)
	}
	if rest == "" {
		return nil
	}
	return checkFraction(rest)
}

// checkFraction checks what follows the integer digits, which is not empty.
func checkFraction(rest string) error {
	if rest[0] == 'e' || rest[0] == 'E' {
		return invalid(`a Decimal is written without an exponent; send a string such as "12.50"`)
	}
	if rest[0] != '.' {
		return invalid(`a Decimal holds only the digits 0 to 9, one point and a leading minus; send a string such as "12.50"`)
	}
	rest = rest[1:]
	fraction := leadingDigits(rest)
	switch {
	case fraction < len(rest) && (rest[fraction] == 'e' || rest[fraction] == 'E'):
		return invalid(`a Decimal is written without an exponent; send a string such as "12.50"`)
	case fraction < len(rest):
		return invalid(`a Decimal holds only the digits 0 to 9, one point and a leading minus; send a string such as "12.50"`)
	case fraction == 0:
		return invalid(`a Decimal has a digit after its point; send a string such as "12.50"`)
	case fraction > MaxFractionDigits:
		return invalid(`a Decimal has at most %d digits after the point; send a string such as "12.50"`, MaxFractionDigits)
	}
	return nil
}

// leadingDigits counts the ASCII digits that s starts with; digits of other scripts do not count.
func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
