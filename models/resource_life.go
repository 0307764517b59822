package models

import (
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// UsageStatus is the state of a resource that is charged by use (O15). It is a set of its own: the vendor numbers it apart from
// ResourceStatus.
type UsageStatus string

// The states of what is charged by use. Vendor codes: 1 to 6 in this order.
const (
	UsageNormal   UsageStatus = "NORMAL"
	UsageGrace    UsageStatus = "GRACE"
	UsageFrozen   UsageStatus = "FROZEN"
	UsageChanging UsageStatus = "CHANGING"
	UsageClosing  UsageStatus = "CLOSING"
	UsageClosed   UsageStatus = "CLOSED"
)

// FrozenReason says why a resource is frozen.
type FrozenReason string

// Why resources are frozen.
const (
	FreezeWithCustomer FrozenReason = "CUSTOMER" // its customer is frozen with its resources (C21)
	FreezeByOperator   FrozenReason = "OPERATOR"
	FreezeByExpiry     FrozenReason = "EXPIRY" // it expired and was not renewed
)

// The limits of auto-renewal (O13).
const (
	MaxAutoRenewTimes    = 99
	MinDeductionDays     = 2
	MaxDeductionDays     = 7
	DefaultDeductionDays = 7
	LastDayOfMonth       = -1
	MaxUnifiedExpiryDay  = 28
	deductionHour        = 3
)

// VendorZone is the vendor's time, UTC+8, in which its days begin.
func VendorZone() *time.Location { return time.FixedZone("UTC+8", 8*60*60) }

// ExpiryPeriods are how long a resource that expired can still be renewed.
type ExpiryPeriods struct {
	Grace     time.Duration // in which it still runs
	Retention time.Duration // in which it is frozen, or merely kept
}

// stage is a status from a time on.
type stage struct {
	at     time.Time
	status ResourceStatus
}

// stages are what becomes of a resource that is not renewed, from its expiry on (O13, 3.5). One that should have renewed itself or
// turned to use and could not goes the way of the grace period.
func (r Resource) stages(p ExpiryPeriods) []stage {
	end := *r.ExpiresAt
	switch r.ExpirePolicy {
	case ExpireDelete:
		return []stage{{end, ResourceClosed}}
	case ExpireFreeze:
		return []stage{{end, ResourceFrozen}, {end.Add(p.Retention), ResourceClosed}}
	case ExpireAfterRetention:
		return []stage{{end, ResourceExpired}, {end.Add(p.Retention), ResourceClosed}}
	case ExpireGracePeriod, ExpireToPayPerUse, ExpireAutoRenew:
	}
	return []stage{{end, ResourceExpired}, {end.Add(p.Grace), ResourceFrozen}, {end.Add(p.Grace + p.Retention), ResourceClosed}}
}

// AfterExpiry returns the status that a resource should have by now, and when the next one is due; zero = never. What somebody froze
// stays frozen until it is closed.
func (r Resource) AfterExpiry(now time.Time, p ExpiryPeriods) (ResourceStatus, time.Time) {
	if r.ExpiresAt == nil || r.ChargingMode != ChargedByPeriod || r.Status == ResourceClosed {
		return r.Status, time.Time{}
	}
	status := r.Status
	for _, s := range r.stages(p) {
		if s.at.After(now) {
			return status, s.at
		}
		if s.status == ResourceClosed || r.FrozenReason == "" || r.FrozenReason == FreezeByExpiry {
			status = s.status
		}
	}
	return status, time.Time{}
}

// Renewable reports whether it can be renewed: it is charged by period, has an end, and is neither closed nor frozen by somebody (O12).
func (r Resource) Renewable() bool {
	if r.ChargingMode != ChargedByPeriod || r.ExpiresAt == nil {
		return false
	}
	return r.Status == ResourceInUse || r.Status == ResourceExpired || r.Status == ResourceFrozen && r.FrozenReason == FreezeByExpiry
}

// EndAt gives it another end. What had expired, or was frozen because of it, is in use again when that lies ahead; what a freeze of its
// customer keeps is so once it thaws.
func (r *Resource) EndAt(end, now time.Time) {
	r.ExpiresAt = &end
	if !end.After(now) {
		return
	}
	switch {
	case r.Status == ResourceExpired, r.Status == ResourceFrozen && r.FrozenReason == FreezeByExpiry:
		r.Status, r.FrozenReason, r.ThawedStatus = ResourceInUse, "", ""
	case r.ThawedStatus == ResourceExpired:
		r.ThawedStatus = ResourceInUse
	}
}

// RenewsItself reports whether it renews itself before it expires.
func (r Resource) RenewsItself() bool {
	return r.ExpirePolicy == ExpireAutoRenew && r.Renewable() && r.IsMain()
}

// NextAutoRenewalAt is when the renewal of a resource that renews itself is paid: at 03:00 in the vendor's time, so many days before
// it expires (O13); nil when it does not.
func (r Resource) NextAutoRenewalAt() *time.Time {
	if !r.RenewsItself() {
		return nil
	}
	days := r.DeductionDays
	if days == 0 {
		days = DefaultDeductionDays
	}
	end := r.ExpiresAt.In(VendorZone())
	at := time.Date(end.Year(), end.Month(), end.Day()-days, deductionHour, 0, 0, 0, end.Location()).UTC()
	return &at
}

// DayAfter is 03:00 of the vendor's next day, when a renewal that failed is tried again.
func DayAfter(now time.Time) time.Time {
	day := now.In(VendorZone())
	return time.Date(day.Year(), day.Month(), day.Day()+1, deductionHour, 0, 0, 0, day.Location()).UTC()
}

// UnifyExpiry moves an end of a renewal on to the next day of the month that all are to expire on, at the same time of day in the
// vendor's zone: day is 1 to 28, or LastDayOfMonth. It never shortens (O13).
func UnifyExpiry(end time.Time, day int) time.Time {
	local := end.In(VendorZone())
	on := func(month time.Month) time.Time {
		d := day
		if d == LastDayOfMonth {
			month, d = month+1, 0
		}
		return time.Date(local.Year(), month, d, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), local.Location())
	}
	unified := on(local.Month())
	if unified.Before(local) {
		unified = on(local.Month() + 1)
	}
	return unified.UTC()
}

// UsageStatusOrNil returns UsageStatus, or nil for what is charged by period.
func (r Resource) UsageStatusOrNil() *UsageStatus { return orNil(r.UsageStatus) }

// FrozenReasonOrNil returns FrozenReason, or nil when it is not frozen.
func (r Resource) FrozenReasonOrNil() *FrozenReason { return orNil(r.FrozenReason) }

// EnterpriseProjectOrNil returns EnterpriseProject, or nil when it is empty.
func (r Resource) EnterpriseProjectOrNil() *string { return orNil(r.EnterpriseProject) }

// ProjectIDOrNil returns ProjectID, or nil when it is empty.
func (r Resource) ProjectIDOrNil() *string { return orNil(r.ProjectID) }

// ProductIDOrNil returns ProductID, or nil when it is empty.
func (r Resource) ProductIDOrNil() *string { return orNil(r.ProductID) }

// SpecSizeOrNil returns SpecSize, or nil when it is empty.
func (r Resource) SpecSizeOrNil() *string { return orNil(r.SpecSize) }

// SpecMeasureOrNil returns SpecMeasure, or nil when it is empty.
func (r Resource) SpecMeasureOrNil() *string { return orNil(r.SpecMeasure) }

// AutoRenewalsLeft is how often it will still renew itself; nil = without end, or not at all.
func (r Resource) AutoRenewalsLeft() *int {
	if r.AutoRenewTimes == nil || *r.AutoRenewTimes == 0 {
		return nil
	}
	left := max(*r.AutoRenewTimes-r.AutoRenewed, 0)
	return &left
}

// Size returns how large a resource of a linear product is, and the vendor's measure id of that; false for what is sold by the piece.
func (r Resource) Size() (size decimal.Decimal, measure int, linear bool) {
	size, err := decimal.NewFromString(r.SpecSize)
	if err != nil {
		return decimal.Zero, 0, false
	}
	measure, err = strconv.Atoi(r.SpecMeasure)
	return size, measure, err == nil
}
