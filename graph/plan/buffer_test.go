package plan

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/graph/scalar"
	"github.com/partnergraph/partnergraph/models"
)

// TestBufferWritesWhatMarshalersWrite holds the short ways against the marshalers that they stand for.
func TestBufferWritesWhatMarshalersWrite(t *testing.T) {
	t.Parallel()
	same := func(what any, short func(b *buffer), want graphql.Marshaler) {
		t.Helper()
		var long bytes.Buffer
		want.MarshalGQL(&long)
		b := &buffer{}
		short(b)
		if string(b.bytes) != long.String() {
			t.Errorf("%v: got %s, want %s", what, b.bytes, long.String())
		}
	}
	for _, s := range []string{"", "plain", `quo"te`, `back\slash`, "new\nline", "tab\t\r\x00\x1f\x7f", "中文", "\xff broken", "</script>&", "\u2028"} {
		same(s, func(b *buffer) { b.string(s) }, graphql.MarshalString(s))
	}
	for _, text := range []string{"0", "0.00", "-0.00", "1", "-1", "0.01", "-0.01", "12.50", "-12.50", "1e3", "100", "0.0000000001", "999999999999999999", "-9999999999999999.99",
		"99999999999999999999", "12345678901234567890.1234567890", "0.00000000000000000001"} {
		d := decimal.RequireFromString(text)
		same(text, func(b *buffer) { b.decimal(d) }, scalar.MarshalDecimal(d))
	}
	for _, minor := range []int64{0, 1, -1, 99, 100, -100, math.MaxInt64, math.MinInt64, models.MaxMinor} {
		d := models.NewMoney(minor, models.CNY).Amount()
		same(minor, func(b *buffer) { b.decimal(d) }, scalar.MarshalDecimal(d))
	}
	at := time.Date(2026, 11, 21, 4, 32, 18, 123456789, time.FixedZone("", 8*60*60))
	for _, one := range []time.Time{at, at.Truncate(time.Second), at.Truncate(time.Millisecond), {}} {
		same(one, func(b *buffer) { b.time(one, false) }, scalar.MarshalDateTime(one))
	}
	for _, id := range []models.ID{"", "cus_01h455vb4pex5vsknk084sn02q"} {
		same(id, func(b *buffer) { b.id(string(id)) }, id)
	}
}

func TestNullWhereNoneMayBeIsRefused(t *testing.T) {
	t.Parallel()
	b := &buffer{}
	if b.time(time.Time{}, true) || b.marshal(graphql.Null, true) {
		t.Error("a null passes where none may be")
	}
	if !b.time(time.Time{}, false) || !b.marshal(graphql.Null, false) {
		t.Error("a null does not pass where one may be")
	}
}
