package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// PaidPeriod is a period of one resource of which something is left, with all that was paid for it.
type PaidPeriod struct {
	From        time.Time
	Until       time.Time
	PeriodType  PeriodType
	PeriodCount int
	RestMinor   int64 // of what was paid: the share of the time that is left
	Terms       []PaidTerm
}

// rest returns what of a term's payment is left at a moment, in proportion to the time: all of it before it begins.
func (t PaidTerm) rest(at time.Time) int64 { return t.End(at, false, decimal.Zero).RefundMinor }

// PaidPeriods returns the periods that end after a moment, the earliest first. Terms without an end make none.
func PaidPeriods(terms []PaidTerm, at time.Time) []PaidPeriod {
	var periods []PaidPeriod
	for _, t := range terms {
		if t.Change || t.Until.IsZero() || !at.Before(t.Until) {
			continue
		}
		p := PaidPeriod{From: t.From, Until: t.Until, PeriodType: t.PeriodType, PeriodCount: t.PeriodCount}
		if !t.PeriodFrom.IsZero() {
			p.From = t.PeriodFrom
		}
		for _, part := range terms {
			if part.Until.Equal(t.Until) {
				p.Terms, p.RestMinor = append(p.Terms, part), p.RestMinor+part.rest(at)
			}
		}
		periods = append(periods, p)
	}
	slices.SortFunc(periods, func(a, b PaidPeriod) int { return a.From.Compare(b.From) })
	return periods
}

// Lessened returns terms of which a change gave something back at a moment: what a term was paid with until then stays as it was, and what is left
// of it was paid with so much less. item is the line that was paid back.
func Lessened(terms []PaidTerm, item ID, at time.Time, minor int64) []PaidTerm {
	lessened := make([]PaidTerm, 0, len(terms)+1)
	for _, t := range terms {
		switch {
		case t.ItemID != item || !at.Before(t.Until):
		case !t.From.Before(at):
			t.PaidMinor -= min(minor, t.PaidMinor)
		default:
			// What goes with the term besides the money stays with its rest, and is there once.
			until := PaidTerm{
				OrderID: t.OrderID, ItemID: t.ItemID, PaidMinor: t.PaidMinor - t.rest(at), From: t.From, Until: at, Renewal: t.Renewal,
				PeriodType: t.PeriodType, PeriodCount: t.PeriodCount, Change: t.Change, PeriodMinor: t.PeriodMinor, PeriodFrom: t.PeriodFrom,
			}
			rest := t
			rest.PaidMinor, rest.From = t.rest(at)-min(minor, t.rest(at)), at
			if rest.PeriodFrom.IsZero() {
				rest.PeriodFrom = t.From
			}
			lessened, t = append(lessened, until), rest
		}
		lessened = append(lessened, t)
	}
	return lessened
}

// GiveBack spreads what goes back of a period over what it was paid with, the latest payment first, each at most what is left of it at a
// moment.
func (p PaidPeriod) GiveBack(at time.Time, minor int64) []int64 {
	back := make([]int64, len(p.Terms))
	for i := len(p.Terms) - 1; i >= 0; i-- {
		back[i] = min(minor, p.Terms[i].rest(at))
		minor -= back[i]
	}
	return back
}

// LatestPeriod returns the period that a resource was paid for last, as if it had been bought as it is now: since a change its price is what
// the change said. Days that a unified expiry added do not count (O13). False when nothing was paid for.
func LatestPeriod(terms []PaidTerm) (PaidTerm, bool) {
	var latest PaidTerm
	found := false
	for _, t := range terms {
		if !t.Change && (!found || !t.Until.Before(latest.Until)) {
			latest, found = t, true
		}
	}
	if !latest.PeriodFrom.IsZero() {
		latest.From = latest.PeriodFrom
	}
	// What it costs again, whatever paid it then.
	latest.PaidMinor, latest.CouponMinor = latest.PaidMinor+latest.CouponMinor, 0
	latest.PaidMinor = latest.PlainMinor()
	for _, t := range terms {
		if t.Change && t.Until.Equal(latest.Until) {
			latest.PaidMinor = t.PeriodMinor
		}
	}
	return latest, found
}

// PlainMinor returns what the term costs without the days that a unified expiry added to it.
func (t PaidTerm) PlainMinor() int64 {
	if t.Until.IsZero() {
		return t.PaidMinor
	}
	return scaled(t.PaidMinor, PlainLength(t.From, t.Until, t.PeriodType, t.PeriodCount), t.Until.Sub(t.From))
}

// UnifiedMinor returns what a period costs that ends later than it would by itself, because all are to end on one day: the days more in
// proportion, rounded half up. From one last day of a month to another nothing is added.
func UnifiedMinor(minor int64, from, until time.Time, kind PeriodType, count int) int64 {
	return scaled(minor, until.Sub(from), PlainLength(from, until, kind, count))
}

// PlainLength is how long so many periods last that begin at from, without the days that a unified expiry added until they end: never longer
// than they do last.
func PlainLength(from, until time.Time, kind PeriodType, count int) time.Duration {
	plain := kind.After(from, count)
	if !plain.Before(until) || isLastOfMonth(from) && isLastOfMonth(until) && sameMonth(plain, until) {
		return until.Sub(from)
	}
	return plain.Sub(from)
}

func isLastOfMonth(t time.Time) bool { return t.In(VendorZone()).AddDate(0, 0, 1).Day() == 1 }

func sameMonth(a, b time.Time) bool {
	a, b = a.In(VendorZone()), b.In(VendorZone())
	return a.Year() == b.Year() && a.Month() == b.Month()
}

func scaled(minor int64, by, of time.Duration) int64 {
	if by == of || of <= 0 {
		return minor
	}
	return decimal.NewFromInt(minor).Mul(decimal.NewFromInt(by.Microseconds())).DivRound(decimal.NewFromInt(of.Microseconds()), 0).IntPart()
}
