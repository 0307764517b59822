package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// The bounds of resource packages (O18).
const (
	MaxPackageItems  = 20                  // of one package
	MaxUsageItems    = 100                 // whose use one call asks for
	MaxUsageWindow   = 90 * 24 * time.Hour // of one list of usage records
	PackagesKeptFor  = 18                  // months after their end that packages are shown
	packagePrecision = 20                  // fraction digits of an amount that had to be converted
)

// PackageStatus is the state of a resource package (O18).
type PackageStatus string

// The states. Vendor codes: 0 to 4 in this order.
const (
	PackageNotInEffect  PackageStatus = "NOT_IN_EFFECT"
	PackageInEffect     PackageStatus = "IN_EFFECT"
	PackageUsedUp       PackageStatus = "USED_UP" // no item has anything left in its present cycle
	PackageExpired      PackageStatus = "EXPIRED"
	PackageUnsubscribed PackageStatus = "UNSUBSCRIBED"
)

// ResetCycle says how often an item is full again (O18). Vendor codes of quota_reuse_cycle: 1 to 5 in this order.
type ResetCycle string

// The cycles.
const (
	ResetHourly  ResetCycle = "HOUR"
	ResetDaily   ResetCycle = "DAY"
	ResetWeekly  ResetCycle = "WEEK"
	ResetMonthly ResetCycle = "MONTH"
	ResetYearly  ResetCycle = "YEAR"
)

// ResetCycles returns the cycles, the shortest first.
func ResetCycles() []ResetCycle {
	return []ResetCycle{ResetHourly, ResetDaily, ResetWeekly, ResetMonthly, ResetYearly}
}

// ResetBasis says where cycles begin (O18). Vendor codes of quota_reuse_cycle_type: 1, 2.
type ResetBasis string

// The bases.
const (
	ResetByCalendar     ResetBasis = "CALENDAR"     // with the hour, day, Monday, month or year of UTC+8
	ResetBySubscription ResetBasis = "SUBSCRIPTION" // with the moment at which the package took effect
)

// PackageContent is one item of what a package holds, as the catalogue sells it in one region: so much of one kind of use (O18).
type PackageContent struct {
	ServiceType  string          `json:"serviceType"`
	ResourceType string          `json:"resourceType"`
	SpecCodes    []string        `json:"specCodes,omitempty"` // what it pays for; empty = all of the resource type's
	Region       string          `json:"region"`
	UsageType    string          `json:"usageType"`
	Amount       decimal.Decimal `json:"amount"` // of each cycle, above 0
	MeasureID    int             `json:"measureId"`
	Cycle        ResetCycle      `json:"cycle,omitempty"` // empty = it is not full again before the package is renewed
	Basis        ResetBasis      `json:"basis,omitempty"` // of Cycle
}

// Pays reports whether it pays for use of a product. What is sold by size is not counted by use alone, so no package pays for it.
func (c PackageContent) Pays(use Charge) bool {
	return use.UsageType == c.UsageType && use.ServiceType == c.ServiceType && use.ResourceType == c.ResourceType && use.Region == c.Region &&
		use.Size == nil && (len(c.SpecCodes) == 0 || slices.Contains(c.SpecCodes, use.SpecCode))
}

// CycleOrNil returns Cycle, or nil when it is empty.
func (c PackageContent) CycleOrNil() *ResetCycle { return orNil(c.Cycle) }

// BasisOrNil returns Basis, or nil when it is empty.
func (c PackageContent) BasisOrNil() *ResetBasis { return orNil(c.Basis) }

// ResourcePackage is a resource that pays for use before money does (O18). Its codes are those of the resource that it is; whatever ends or renews
// that one ends or renews it.
type ResourcePackage struct {
	bun.BaseModel `bun:"table:resource_packages,alias:rpk"`

	ID             ID         `bun:"id,pk"`
	CustomerID     ID         `bun:"customer_id"`
	PartnerID      ID         `bun:"partner_id,nullzero"` // the partner whose resale customer has it
	ResourceID     ID         `bun:"resource_id"`         // unique
	OrderID        ID         `bun:"order_id"`
	Name           string     `bun:"name"`
	ServiceType    string     `bun:"service_type"`
	ResourceType   string     `bun:"resource_type"`
	SpecCode       string     `bun:"spec_code"`
	Region         string     `bun:"region"`
	EffectiveAt    time.Time  `bun:"effective_at"`
	ExpiresAt      *time.Time `bun:"expires_at"`      // nil = never
	UnsubscribedAt *time.Time `bun:"unsubscribed_at"` // nil = it was not
	CreatedAt      time.Time  `bun:"created_at"`

	Items []PackageItem `bun:"-"` // in the order of the catalogue, with what is left of them at AsOf
	AsOf  time.Time     `bun:"-"`
}

// NodeID returns the id to page by.
func (p ResourcePackage) NodeID() ID { return p.ID }

// IsNode marks the type as a GraphQL Node.
func (ResourcePackage) IsNode() {}

// EndsAt is when it stops to pay for use; nil = never.
func (p ResourcePackage) EndsAt() *time.Time {
	if p.UnsubscribedAt != nil && (p.ExpiresAt == nil || p.UnsubscribedAt.Before(*p.ExpiresAt)) {
		return p.UnsubscribedAt
	}
	return p.ExpiresAt
}

// InEffect reports whether it pays for what is used at a moment, if anything is left.
func (p ResourcePackage) InEffect(at time.Time) bool {
	end := p.EndsAt()
	return !at.Before(p.EffectiveAt) && (end == nil || at.Before(*end))
}

// Status returns its state at AsOf.
func (p ResourcePackage) Status() PackageStatus {
	switch {
	case p.UnsubscribedAt != nil:
		return PackageUnsubscribed
	case p.ExpiresAt != nil && !p.AsOf.Before(*p.ExpiresAt):
		return PackageExpired
	case p.AsOf.Before(p.EffectiveAt):
		return PackageNotInEffect
	case !slices.ContainsFunc(p.Items, func(i PackageItem) bool { return i.Remaining.IsPositive() }):
		return PackageUsedUp
	}
	return PackageInEffect
}

// Shown is the moment whose cycle its items show: AsOf while it is in effect, else the nearest at which it was or will be.
func (p ResourcePackage) Shown() time.Time {
	at := p.AsOf
	if end := p.EndsAt(); end != nil && !at.Before(*end) {
		at = end.Add(-time.Microsecond)
	}
	if at.Before(p.EffectiveAt) {
		at = p.EffectiveAt
	}
	return at
}

// ResourcePackageConnection is a page of packages.
type ResourcePackageConnection = Connection[ResourcePackage]

// ResourcePackageEdge is one of the packages and its position.
type ResourcePackageEdge = Edge[ResourcePackage]

// PackageItem is so much of one kind of use that a package holds (O18), as the catalogue had it when it was bought.
type PackageItem struct {
	bun.BaseModel `bun:"table:package_items,alias:pki"`

	ID           ID              `bun:"id,pk"`
	PackageID    ID              `bun:"package_id"`
	Position     int             `bun:"position"`
	ServiceType  string          `bun:"service_type"`
	ResourceType string          `bun:"resource_type"`
	SpecCodes    []string        `bun:"spec_codes,type:jsonb"` // empty = all
	Region       string          `bun:"region"`
	UsageType    string          `bun:"usage_type"`
	Amount       decimal.Decimal `bun:"amount"` // of each cycle
	MeasureID    int             `bun:"measure_id"`
	Cycle        ResetCycle      `bun:"reset_cycle,nullzero"`
	Basis        ResetBasis      `bun:"reset_basis,nullzero"`

	Remaining decimal.Decimal `bun:"-"` // of the cycle that is shown
	Shown     Span            `bun:"-"` // that cycle
}

// Content returns what the catalogue said of it.
func (i PackageItem) Content() PackageContent {
	return PackageContent{
		ServiceType: i.ServiceType, ResourceType: i.ResourceType, SpecCodes: i.SpecCodes, Region: i.Region, UsageType: i.UsageType, Amount: i.Amount,
		MeasureID: i.MeasureID, Cycle: i.Cycle, Basis: i.Basis,
	}
}

// CycleOrNil returns Cycle, or nil when it is empty.
func (i PackageItem) CycleOrNil() *ResetCycle { return orNil(i.Cycle) }

// BasisOrNil returns Basis, or nil when it is empty.
func (i PackageItem) BasisOrNil() *ResetBasis { return orNil(i.Basis) }

// Span is a time from Start on, until End.
type Span struct {
	Start time.Time
	End   *time.Time // exclusive; nil = without an end
}

// Contains reports whether a moment is within it.
func (s Span) Contains(at time.Time) bool {
	return !at.Before(s.Start) && (s.End == nil || at.Before(*s.End))
}

// CycleAt returns the cycle of an item that is full again by itself, at a moment of a package that took effect at effective. A cycle has one
// beginning for ever, whatever becomes of the package, so that it names the cycle; the first one of the calendar begins before the package.
func (i PackageItem) CycleAt(at, effective time.Time) Span {
	if i.Basis == ResetBySubscription {
		return i.Cycle.since(effective, at)
	}
	start := i.Cycle.calendar(at.In(billZone))
	end := i.Cycle.after(start, 1).UTC()
	return Span{Start: start.UTC(), End: &end}
}

// calendar is when the hour, day, week, month or year of a moment began.
func (c ResetCycle) calendar(at time.Time) time.Time {
	year, month, day := at.Date()
	hour := 0
	switch c {
	case ResetHourly:
		hour = at.Hour()
	case ResetDaily:
	case ResetWeekly:
		day -= (int(at.Weekday()) + 6) % 7 // since Monday
	case ResetMonthly:
		day = 1
	case ResetYearly:
		month, day = time.January, 1
	}
	return time.Date(year, month, day, hour, 0, 0, 0, at.Location())
}

// after is so many cycles after a moment. It keeps the day of the month, or takes the last day of a shorter one.
func (c ResetCycle) after(from time.Time, count int) time.Time {
	switch c {
	case ResetHourly:
		return from.Add(time.Duration(count) * time.Hour)
	case ResetDaily:
		return from.AddDate(0, 0, count)
	case ResetWeekly:
		return from.AddDate(0, 0, 7*count)
	case ResetMonthly:
		return addMonths(from, count)
	case ResetYearly:
		return addMonths(from, 12*count)
	}
	return time.Time{}
}

// since returns the cycle that a moment falls on when the first one began at from, in the vendor's time.
func (c ResetCycle) since(from, at time.Time) Span {
	from, at = from.In(billZone), at.In(billZone)
	count := 0
	switch c {
	case ResetHourly:
		count = int(at.Sub(from) / time.Hour)
	case ResetDaily:
		count = int(at.Sub(from) / (24 * time.Hour))
	case ResetWeekly:
		count = int(at.Sub(from) / (7 * 24 * time.Hour))
	case ResetMonthly:
		count = 12*(at.Year()-from.Year()) + int(at.Month()) - int(from.Month())
	case ResetYearly:
		count = at.Year() - from.Year()
	}
	for count > 0 && c.after(from, count).After(at) { // the day of the month is still to come
		count--
	}
	end := c.after(from, count+1).UTC()
	return Span{Start: c.after(from, count).UTC(), End: &end}
}

// PackageCycle is what is left of one item in one cycle: of a calendar or subscription cycle as soon as something was taken of it, of an item
// that is not full again by itself one for each period that was paid for. Left = the item's amount less its usage records.
type PackageCycle struct {
	bun.BaseModel `bun:"table:package_cycles,alias:pkc"`

	ItemID    ID              `bun:"item_id,pk"`
	StartsAt  time.Time       `bun:"starts_at,pk"`
	EndsAt    *time.Time      `bun:"ends_at"` // nil = never
	Remaining decimal.Decimal `bun:"remaining"`
}

// Span returns its time.
func (c PackageCycle) Span() Span { return Span{Start: c.StartsAt, End: c.EndsAt} }

// Take returns how much of an amount of use the cycle pays: paid in the measure of the use, taken in the item's. It is all of the use when enough is left.
// The measures are converted exactly, but for a ratio that divides without an end, which keeps 20 fraction digits; false when the
// catalogue cannot convert them, or nothing is left.
func (c PackageCycle) Take(use decimal.Decimal, measure int, item PackageItem, conversions Conversions) (paid, taken decimal.Decimal, ok bool) {
	wanted, known := conversions.Convert(use, measure, item.MeasureID)
	wanted = wanted.Round(packagePrecision)
	if !known || !wanted.IsPositive() || !c.Remaining.IsPositive() {
		return decimal.Zero, decimal.Zero, false
	}
	if wanted.LessThanOrEqual(c.Remaining) {
		return use, wanted, true
	}
	paid, known = conversions.Convert(c.Remaining, item.MeasureID, measure)
	return decimal.Min(paid.Round(packagePrecision), use), c.Remaining, known
}

// PackageUsage is one deduction from an item, or with a negative amount what a correction gave back. It never changes. Who may see it is settled
// by the partner that the customer had when it used what was paid for, as of its bill line.
type PackageUsage struct {
	bun.BaseModel `bun:"table:package_usages,alias:pku"`

	ID             ID              `bun:"id,pk"`
	CustomerID     ID              `bun:"customer_id"`
	PartnerID      ID              `bun:"partner_id,nullzero"`
	Mode           AssociationMode `bun:"mode,nullzero"`
	PackageID      ID              `bun:"package_id"`
	ItemID         ID              `bun:"item_id"`
	CycleStart     time.Time       `bun:"cycle_starts_at"`
	RecordID       ID              `bun:"usage_record_id"`
	BillLineID     ID              `bun:"bill_line_id"`
	PackageSpec    string          `bun:"package_spec"` // the specification of the package
	ServiceType    string          `bun:"service_type"` // of what was used, as the next
	ResourceType   string          `bun:"resource_type"`
	SpecCode       string          `bun:"spec_code"`
	Region         string          `bun:"region"`
	UsageType      string          `bun:"usage_type"`
	UsedAt         time.Time       `bun:"used_at"`
	Amount         decimal.Decimal `bun:"amount"` // taken, in the item's measure
	MeasureID      int             `bun:"measure_id"`
	UsageValue     decimal.Decimal `bun:"usage_value"` // paid for, in the measure of the use
	UsageMeasureID int             `bun:"usage_measure_id"`
	CreatedAt      time.Time       `bun:"created_at"` // when it was deducted
}

// NodeID returns the id to page by.
func (u PackageUsage) NodeID() ID { return u.ID }

// PackageUsageConnection is a page of usage records.
type PackageUsageConnection = Connection[PackageUsage]

// PackageUsageEdge is one of the usage records and its position.
type PackageUsageEdge = Edge[PackageUsage]
