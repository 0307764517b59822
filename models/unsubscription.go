package models

import (
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// The bounds of unsubscribing.
const (
	// MaxOrderResources is how many main resources one call renews or unsubscribes (O07, O12).
	MaxOrderResources = 10
	// FreeUnsubscribeWithin is how long after its provisioning a resource is taken back in full, without a reason (O08).
	FreeUnsubscribeWithin = 5 * 24 * time.Hour
	// FreeUnsubscriptions is how many main resources of one customer are taken back so in one calendar year in UTC+8 (O08).
	FreeUnsubscriptions = 10
)

// UnsubscribeType says what is given up (O07). Vendor codes: 1, 2.
type UnsubscribeType string

// The types.
const (
	UnsubscribeResource UnsubscribeType = "RESOURCE_AND_RENEWALS"
	UnsubscribeRenewals UnsubscribeType = "RENEWALS_ONLY" // renewed periods that have not begun
)

// WireCode returns the vendor's number of the type (3.4).
func (t UnsubscribeType) WireCode() int {
	if t == UnsubscribeRenewals {
		return 2
	}
	return 1
}

// UnsubscribeReason says why a customer gives something up (O07). Vendor codes: 1 to 5 in this order.
type UnsubscribeReason string

// The reasons.
const (
	UnsubscribeHardToUse    UnsubscribeReason = "HARD_TO_USE"
	UnsubscribeInsufficient UnsubscribeReason = "FUNCTIONS_INSUFFICIENT"
	UnsubscribeComplicated  UnsubscribeReason = "COMPLICATED"
	UnsubscribeService      UnsubscribeReason = "SERVICE"
	UnsubscribeOther        UnsubscribeReason = "OTHER"
)

// UnsubscribeReasons returns every reason in the order of the vendor's codes.
func UnsubscribeReasons() []UnsubscribeReason {
	return []UnsubscribeReason{UnsubscribeHardToUse, UnsubscribeInsufficient, UnsubscribeComplicated, UnsubscribeService, UnsubscribeOther}
}

// RefundInfoKind says what one line of a refund's breakdown is.
type RefundInfoKind string

// The kinds.
const (
	RefundInfoRefund   RefundInfoKind = "REFUND"   // goes back; negative
	RefundInfoConsumed RefundInfoKind = "CONSUMED" // was used up; positive
	RefundInfoFee      RefundInfoKind = "FEE"      // the handling fee; positive
	RefundInfoCoupon   RefundInfoKind = "COUPON"   // goes back to the coupons that paid it; negative
)

// RefundInfo is one line of the breakdown of an order that gives money back: what of one resource's payment by one base order
// goes back, was used up, or is kept as a fee (O10). The three add up to the money that was paid, less what had been paid back before;
// COUPON is what goes back to coupons, beside them.
type RefundInfo struct {
	bun.BaseModel `bun:"table:refund_infos,alias:rfi" json:"-"`

	ID           ID             `bun:"id,pk"`
	OrderID      ID             `bun:"order_id"` // the unsubscription, or the change
	Position     int            `bun:"position"` // from 1
	Kind         RefundInfoKind `bun:"kind"`
	BaseOrderID  ID             `bun:"base_order_id"` // the purchase or renewal that was paid
	BaseItemID   ID             `bun:"base_item_id"`
	ResourceID   ID             `bun:"resource_id"`
	ServiceType  string         `bun:"service_type"`
	ResourceType string         `bun:"resource_type"`
	Region       string         `bun:"region"`
	Currency     Currency       `bun:"currency"`
	AmountMinor  int64          `bun:"amount_minor"` // negative = goes back, positive = is kept; never zero
}

// Amount returns the amount with its sign: negative goes back, positive is kept.
func (i RefundInfo) Amount() Money { return NewMoney(i.AmountMinor, i.Currency) }

// PaidTerm is a period of one resource that was paid for: the one it was bought with, a renewal, or what a change added to one of these.
type PaidTerm struct {
	OrderID   ID
	ItemID    ID
	PaidMinor int64 // this resource's share of the line in money, not negative
	// CouponMinor is this resource's share of what coupons paid of the line.
	CouponMinor int64
	From        time.Time
	Until       time.Time // zero = without an end
	Renewal     bool      // not what the resource was bought with: a renewal, or what a change added to a period

	PeriodType  PeriodType
	PeriodCount int

	// Change says that a change of specification added it to a period; PeriodMinor is then what the whole period costs since.
	Change      bool
	PeriodMinor int64
	// PeriodFrom is when the period began that this is the rest of, since a change gave some of it back; zero = From.
	PeriodFrom time.Time
}

// Begun reports whether the term has begun at now.
func (t PaidTerm) Begun(now time.Time) bool { return !now.Before(t.From) }

// TermRefund is what ending a term comes to; the three add up to what was paid for it.
type TermRefund struct {
	RefundMinor   int64
	ConsumedMinor int64
	FeeMinor      int64
	CouponMinor   int64 // goes back to the coupons, beside the three
}

// End returns what ending the term at now comes to (O08). A term that has not begun goes back whole, and so does every term of a
// resource that is taken back without a reason. Otherwise what has passed of its time was used up, in proportion and rounded half
// up to a minor unit, and the fee is a share, 0 to 1, of what is left, rounded likewise. A term without an end is used up once it
// has begun. Coupons get back what they paid of a term that goes back whole, and nothing otherwise (O08).
func (t PaidTerm) End(now time.Time, free bool, fee decimal.Decimal) TermRefund {
	switch {
	case free || !t.Begun(now):
		return TermRefund{RefundMinor: t.PaidMinor, CouponMinor: t.CouponMinor}
	case t.Until.IsZero() || !now.Before(t.Until):
		return TermRefund{ConsumedMinor: t.PaidMinor}
	}
	passed, whole := now.Sub(t.From).Microseconds(), t.Until.Sub(t.From).Microseconds()
	consumed := decimal.NewFromInt(t.PaidMinor).Mul(decimal.NewFromInt(passed)).DivRound(decimal.NewFromInt(whole), 0).IntPart()
	consumed = min(consumed, t.PaidMinor)
	kept := fee.Mul(decimal.NewFromInt(t.PaidMinor - consumed)).Round(0).IntPart()
	return TermRefund{RefundMinor: t.PaidMinor - consumed - kept, ConsumedMinor: consumed, FeeMinor: kept}
}

// FreelyUnsubscribable reports whether a resource that is in effect since then is still taken back without a reason at now (O08).
func FreelyUnsubscribable(since, now time.Time) bool {
	return now.Before(since.Add(FreeUnsubscribeWithin))
}

// UnsubscribeYear returns the calendar year that a moment counts for in UTC+8 (O08).
func UnsubscribeYear(now time.Time) int { return now.In(time.FixedZone("UTC+8", 8*60*60)).Year() }

// UnsubscribeBreakdown is what unsubscribing comes to, line by line.
type UnsubscribeBreakdown struct {
	CustomerID ID
	Currency   Currency
	Free       []ID // the main resources that are taken back in full without a reason
	FreeLeft   int  // how many more may be taken back so this year, afterwards
	Lines      []RefundInfo
}

func (b UnsubscribeBreakdown) sum(kind RefundInfoKind) Money {
	var minor int64
	for _, line := range b.Lines {
		if line.Kind == kind {
			minor += line.AmountMinor
		}
	}
	return NewMoney(minor, b.Currency)
}

// Refund returns what goes back, not negative.
func (b UnsubscribeBreakdown) Refund() Money { return b.sum(RefundInfoRefund).Neg() }

// Coupons returns what goes back to coupons, not negative.
func (b UnsubscribeBreakdown) Coupons() Money { return b.sum(RefundInfoCoupon).Neg() }

// Consumed returns what was used up.
func (b UnsubscribeBreakdown) Consumed() Money { return b.sum(RefundInfoConsumed) }

// Fee returns the handling fee.
func (b UnsubscribeBreakdown) Fee() Money { return b.sum(RefundInfoFee) }

// FreeUnsubscription counts the main resources of a customer that were taken back without a reason in one year (O08).
type FreeUnsubscription struct {
	bun.BaseModel `bun:"table:free_unsubscriptions,alias:fus"`

	CustomerID ID  `bun:"customer_id,pk"`
	Year       int `bun:"year,pk"` // in UTC+8
	Used       int `bun:"used"`
}

// CheckOrderable returns nil when an order may renew, change or end the resource, else PRECONDITION_FAILED with the reason
// SUB_RESOURCE (the main resource is in details), RESOURCE_CLOSED, RESOURCE_FROZEN, RESOURCE_CREATING or RESOURCE_PAY_PER_USE.
func (r Resource) CheckOrderable() error { return r.CheckOrderableIn(ChargedByPeriod) }

// CheckOrderableIn is CheckOrderable for orders about what is charged in a mode: the reason of the other one is RESOURCE_PAY_PER_USE, or
// RESOURCE_BY_PERIOD.
func (r Resource) CheckOrderableIn(mode ChargingMode) error {
	about := func(reason, message string, more ...any) error {
		err := Precondition(reason, message)
		err.Details["resourceId"] = string(r.ID)
		for i := 0; i+1 < len(more); i += 2 {
			if name, ok := more[i].(string); ok {
				err.Details[name] = more[i+1]
			}
		}
		return err
	}
	switch {
	case !r.IsMain():
		return about("SUB_RESOURCE", "This follows a main resource; name that one instead (O11).", "mainResourceId", string(r.ParentID))
	case r.Status == ResourceClosed:
		return about("RESOURCE_CLOSED", "This resource is closed.")
	case r.Status == ResourceFrozen:
		return about("RESOURCE_FROZEN", "This resource is frozen.")
	case r.Status == ResourceCreating:
		return about("RESOURCE_CREATING", "This resource is still being made.")
	case r.ChargingMode == mode:
		return nil
	case mode == ChargedByUse:
		return about("RESOURCE_BY_PERIOD", "This resource is charged by period already; renew it.")
	}
	return about("RESOURCE_PAY_PER_USE", "This resource is paid by use; it has no period.")
}
