package models

import (
	"slices"
	"time"
)

// RefundMonths is for how many months money may go back through the channel it came by: 11 for Alipay and WeChat, 3 for
// UnionPay (M11). Zero = without an end, as for a bank transfer; an unknown channel counts as one.
func (c RechargeChannel) RefundMonths() int {
	switch c {
	case ChannelAlipay, ChannelWeChat:
		return 11
	case ChannelUnionPay:
		return 3
	}
	return 0
}

// Receipt is money that came into an account, as far as withdrawing asks.
type Receipt struct {
	Kind        TransferKind
	Channel     RechargeChannel // of a recharge
	AmountMinor int64           // more than zero
	At          time.Time
}

// TooOldAt reports whether the receipt had an original route that is closed at now (M11). On the very day it is open.
func (r Receipt) TooOldAt(now time.Time) bool {
	months := r.Channel.RefundMonths()
	return r.Kind == TransferRecharge && months > 0 && now.After(addMonths(r.At, months))
}

// RouteAt returns the route by which money of this receipt leaves at now (M11): only a recharge has an original route.
// Refunds, and what came back because a relation changed, go to a bank card.
func (r Receipt) RouteAt(now time.Time) WithdrawalRoute {
	if r.Kind != TransferRecharge || r.TooOldAt(now) {
		return BankCardRoute
	}
	return OriginalRoute
}

// Payout is a withdrawal as far as it tells which receipts it took from.
type Payout struct {
	Route       WithdrawalRoute
	AmountMinor int64
	At          time.Time // when its money was set aside
}

// LeftOf returns what is left of each receipt, oldest first, without those of which nothing is left, when leftMinor is left
// in all. Receipts and payouts come oldest first. Spending takes the oldest money first; a payout takes the newest money
// that had its route, because what was spent until then was older. What a payout finds no receipt for was spent.
//
// It is enough to know the newest receipts that together reach leftMinor and all payouts: what lies before is gone.
func LeftOf(receipts []Receipt, payouts []Payout, leftMinor int64) []Receipt {
	left := slices.Clone(receipts)
	for _, payout := range payouts {
		payout.take(left, func(r Receipt) bool { return r.RouteAt(payout.At) == payout.Route })
	}
	// Whatever was spent was the oldest, so the newest are left.
	for i := len(left) - 1; i >= 0; i-- {
		left[i].AmountMinor = min(left[i].AmountMinor, leftMinor)
		leftMinor -= left[i].AmountMinor
	}
	return slices.DeleteFunc(left, func(r Receipt) bool { return r.AmountMinor == 0 })
}

// take takes the payout from the newest receipts before it that match, and returns what it could not find.
func (p Payout) take(from []Receipt, matches func(Receipt) bool) int64 {
	rest := p.AmountMinor
	for i := len(from) - 1; i >= 0 && rest > 0; i-- {
		if from[i].At.After(p.At) || !matches(from[i]) {
			continue
		}
		taken := min(rest, from[i].AmountMinor)
		from[i].AmountMinor -= taken
		rest -= taken
	}
	return rest
}

// RouteSums is how much of an account's money may leave by which route, and why the rest of it may not go back the way it
// came.
type RouteSums struct {
	OriginalMinor int64
	BankCardMinor int64 // the sum of the three below
	TooOldMinor   int64 // recharged too long ago for its channel
	NeverMinor    int64 // not recharged at all: refunds, relation changes, corrections
	FailedMinor   int64 // a payout by the original route failed
}

// RoutesOf adds up what is left of receipts by route. failed are payouts by the original route that did not get through:
// as much of the money that was there then goes to a bank card (M11).
func RoutesOf(left []Receipt, failed []Payout, now time.Time) RouteSums {
	var sums RouteSums
	open := slices.Clone(left)
	for i, receipt := range open {
		if receipt.RouteAt(now) == OriginalRoute {
			continue
		}
		if receipt.TooOldAt(now) {
			sums.TooOldMinor += receipt.AmountMinor
		} else {
			sums.NeverMinor += receipt.AmountMinor
		}
		open[i].AmountMinor = 0
	}
	for _, payout := range failed {
		sums.FailedMinor += payout.AmountMinor - payout.take(open, func(Receipt) bool { return true })
	}
	for _, receipt := range open {
		sums.OriginalMinor += receipt.AmountMinor
	}
	sums.BankCardMinor = sums.TooOldMinor + sums.NeverMinor + sums.FailedMinor
	return sums
}
