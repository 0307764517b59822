package scalar

import (
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// DateTimeLayout is RFC 3339 in UTC with up to microseconds, which is what both databases keep.
const DateTimeLayout = "2006-01-02T15:04:05.999999Z"

// maxDateTimeLength is 2026-11-21T04:32:18.123456789+08:00.
const maxDateTimeLength = 35

// dateTime is the shape of RFC 3339; whether the day and the hour exist is left to package time.
var dateTime = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$`)

// MarshalDateTime writes t in UTC, cut to microseconds, as RFC 3339. The zero time is null.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	if t.IsZero() {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(t.UTC().Format(DateTimeLayout)))
	})
}

// UnmarshalDateTime reads an RFC 3339 instant with its zone, such as 2026-11-21T04:32:18Z or ...+08:00, and returns it
// in UTC, cut to microseconds. The error is INVALID.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, invalid(`a DateTime must be sent as a string such as "2026-11-21T04:32:18Z", not as %s`, kind(v))
	}
	if len(s) > maxDateTimeLength {
		return time.Time{}, invalid(`a DateTime is at most %d characters long; send a string such as "2026-11-21T04:32:18Z"`, maxDateTimeLength)
	}
	// The shape goes first: time.Parse alone lets through a comma and one-digit hours.
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !dateTime.MatchString(s) {
		return time.Time{}, invalid(`this is not a DateTime of RFC 3339 with a zone; send a string such as "2026-11-21T04:32:18Z"`)
	}
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, invalid("a DateTime lies in the years 1 to 9999 of UTC")
	}
	return t, nil
}

// Date is a calendar day without a zone, written YYYY-MM-DD. The empty Date is null on the wire. Values compare in order
// of time.
type Date string

var (
	_ graphql.Marshaler   = Date("")
	_ graphql.Unmarshaler = (*Date)(nil)
)

// DateOf is the day that t falls on in t's own zone; the zero time has the empty Date.
func DateOf(t time.Time) Date {
	if t.IsZero() {
		return ""
	}
	return Date(t.Format(time.DateOnly))
}

// Time is the first instant of d in loc; the empty or a malformed Date is the zero time.
func (d Date) Time(loc *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), loc)
	if err != nil {
		return time.Time{}
	}
	return t
}

// MarshalGQL writes d as a JSON string, the empty Date as null.
func (d Date) MarshalGQL(w io.Writer) {
	if d == "" {
		graphql.Null.MarshalGQL(w)
		return
	}
	_, _ = io.WriteString(w, strconv.Quote(string(d)))
}

// UnmarshalGQL reads YYYY-MM-DD, a day that exists. The error is INVALID.
func (d *Date) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return invalid(`a Date must be sent as a string such as "2026-11-21", not as %s`, kind(v))
	}
	if len(s) != len(time.DateOnly) {
		return invalid(`a Date is written YYYY-MM-DD, such as "2026-11-21"`)
	}
	if t, err := time.Parse(time.DateOnly, s); err != nil || t.Year() == 0 {
		return invalid(`this day does not exist; a Date is written YYYY-MM-DD, such as "2026-11-21"`)
	}
	*d = Date(s)
	return nil
}

// billingCycle is a month of the years 2000 to 2100.
var billingCycle = regexp.MustCompile(`^(20[0-9]{2}|2100)-(0[1-9]|1[0-2])$`)

// MarshalBillingCycle writes a vendor month (UTC+8) such as 2026-11; the empty cycle is null.
func MarshalBillingCycle(cycle string) graphql.Marshaler {
	if cycle == "" {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(cycle))
	})
}

// UnmarshalBillingCycle reads a month YYYY-MM of the years 2000 to 2100. The error is INVALID.
func UnmarshalBillingCycle(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", invalid(`a BillingCycle must be sent as a string such as "2026-11", not as %s`, kind(v))
	}
	// The length goes first, so that the pattern never runs over a long text.
	if len(s) != len("2026-11") || !billingCycle.MatchString(s) {
		return "", invalid(`a BillingCycle is a month of the years 2000 to 2100, written YYYY-MM, such as "2026-11"`)
	}
	return s, nil
}
