package models

import (
	"io"
	"strconv"
	"time"
)

// Date is a day of the calendar without a time zone, written 2026-11-21, as bank statements know it.
type Date string

// ParseDate checks a day of the years 1 to 9999. The error is INVALID and names the field.
func ParseDate(s, field string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", Invalid(field, "A date is a day such as 2026-11-21.")
	}
	return Date(s), nil
}

// DateOf returns the day that an instant falls on in UTC.
func DateOf(t time.Time) Date { return Date(t.UTC().Format(time.DateOnly)) }

// MarshalGQL writes the day as a JSON string.
func (d Date) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(d))) }

// UnmarshalGQL reads a day; anything else is INVALID.
func (d *Date) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return Invalid("date", "A date is a string such as \"2026-11-21\".")
	}
	parsed, err := ParseDate(s, "date")
	*d = parsed
	return err
}
