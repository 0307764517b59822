package plan

import (
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/graph/scalar"
)

// buffer collects an answer. What it writes is byte for byte what the marshalers of gqlgen and of graph/scalar write; those
// are asked wherever a value is not of the simplest kind.
type buffer struct{ bytes []byte }

// Write makes it an io.Writer for marshalers.
func (b *buffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

// WriteString spares io.WriteString a copy.
func (b *buffer) WriteString(s string) (int, error) {
	b.bytes = append(b.bytes, s...)
	return len(s), nil
}

func (b *buffer) char(c byte)  { b.bytes = append(b.bytes, c) }
func (b *buffer) raw(s string) { b.bytes = append(b.bytes, s...) }
func (b *buffer) null()        { b.raw("null") }

// plain writes a string that is known to need no escapes.
func (b *buffer) plain(s string) {
	b.char('"')
	b.raw(s)
	b.char('"')
}

func (b *buffer) string(s string) {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] >= 0x80 {
			graphql.MarshalString(s).MarshalGQL(b)
			return
		}
	}
	b.plain(s)
}

func (b *buffer) int(n int64) { b.bytes = strconv.AppendInt(b.bytes, n, 10) }

func (b *buffer) bool(v bool) { b.bytes = strconv.AppendBool(b.bytes, v) }

// id writes an id, and no id as null, which is not looked at any further: so does models.ID.
func (b *buffer) id(id string) {
	if id == "" {
		b.null()
		return
	}
	b.bytes = strconv.AppendQuote(b.bytes, id)
}

// time writes an instant; false for the zero time where null may not be.
func (b *buffer) time(t time.Time, nonNull bool) bool {
	if t.IsZero() {
		b.null()
		return !nonNull
	}
	b.char('"')
	b.bytes = t.UTC().AppendFormat(b.bytes, scalar.DateTimeLayout)
	b.char('"')
	return true
}

// decimal writes a number of up to 18 digits without the detours of large ones.
func (b *buffer) decimal(d decimal.Decimal) {
	places := -int(d.Exponent())
	if places < 0 || places > 18 || d.NumDigits() > 18 {
		scalar.MarshalDecimal(d).MarshalGQL(b)
		return
	}
	number := d.CoefficientInt64()
	b.char('"')
	if number < 0 {
		b.char('-')
		number = -number
	}
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], number, 10)
	whole := max(len(text)-places, 0)
	b.bytes = append(b.bytes, text[:whole]...)
	if whole == 0 {
		b.char('0')
	}
	if places > 0 {
		b.char('.')
		for range places - len(text) { // none when negative
			b.char('0')
		}
		b.bytes = append(b.bytes, text[whole:]...)
	}
	b.char('"')
}

// marshal writes what a marshaler writes; false for null where it may not be.
func (b *buffer) marshal(value graphql.Marshaler, nonNull bool) bool {
	if value == graphql.Null {
		b.null()
		return !nonNull
	}
	value.MarshalGQL(b)
	return true
}
