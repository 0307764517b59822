package models

import (
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// The bounds of prices and of what is priced.
const (
	MaxPriceFraction = 10     // fraction digits of a price, a rate, a size and an amount of use
	MaxQuantity      = 10_000 // pieces of one product (K03)
)

// Prices are below a million million, and so are sizes and amounts of use: products of a few of them stay readable numbers.
var maxPrice = decimal.New(1, 12)

// longestPeriod is how many periods of each type can be bought at once; a type that is not in it cannot.
var longestPeriod = map[PeriodType]int{PeriodHour: 24 * 366, PeriodDay: 366 * 10, PeriodMonth: 120, PeriodYear: 10}

// LongestPeriod returns how many periods of a type can be priced at once, 0 for a type that has no price (K04).
func LongestPeriod(p PeriodType) int { return longestPeriod[p] }

// Price is what one product of one catalogue version costs in one region: per piece and period, or per unit of use. With a
// SizeMeasureID the product is linear, and the price is per unit of that measure too (K03).
type Price struct {
	bun.BaseModel `bun:"table:catalogue_prices,alias:prc"`

	ID             ID              `bun:"id,pk"`
	VersionID      ID              `bun:"version_id"`
	Product        string          `bun:"product"`       // ProductKey of the four codes
	ServiceType    string          `bun:"service_type"`  // hws.service.type.*
	ResourceType   string          `bun:"resource_type"` // hws.resource.type.*
	SpecCode       string          `bun:"spec_code"`
	Region         string          `bun:"region"`
	ChargingMode   ChargingMode    `bun:"charging_mode"`
	PeriodType     PeriodType      `bun:"period_type,nullzero"` // empty on demand
	UsageType      string          `bun:"usage_type,nullzero"`  // empty for a period
	UsageMeasureID int             `bun:"usage_measure_id,nullzero"`
	SizeMeasureID  int             `bun:"size_measure_id,nullzero"` // 0 = not linear
	Currency       Currency        `bun:"currency"`
	Amount         decimal.Decimal `bun:"amount"` // up to 10 fraction digits
}

// NodeID returns the id to page by.
func (p Price) NodeID() ID { return p.ID }

// PeriodTypeOrNil returns PeriodType, or nil when it is empty.
func (p Price) PeriodTypeOrNil() *PeriodType {
	if p.PeriodType == "" {
		return nil
	}
	return &p.PeriodType
}

// UsageTypeOrNil returns UsageType, or nil when it is empty.
func (p Price) UsageTypeOrNil() *string { return orNil(p.UsageType) }

// UsageMeasureIDOrNil returns UsageMeasureID, or nil when it is 0.
func (p Price) UsageMeasureIDOrNil() *int { return intOrNil(p.UsageMeasureID) }

// SizeMeasureIDOrNil returns SizeMeasureID, or nil when it is 0.
func (p Price) SizeMeasureIDOrNil() *int { return intOrNil(p.SizeMeasureID) }

func intOrNil(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// CheckPrice returns INVALID, naming the field, unless amount is a price, a size or an amount of use: not negative, below 10^12,
// with at most 10 fraction digits.
func CheckPrice(amount decimal.Decimal, field string) error {
	switch {
	case amount.IsNegative():
		return Invalid(field, field+" must not be negative.")
	case amount.Exponent() > 0 || amount.Exponent() < -MaxPriceFraction:
		return Invalid(field, field+" is a plain decimal with at most 10 fraction digits.")
	case amount.GreaterThanOrEqual(maxPrice):
		return Invalid(field, field+" is too large.")
	}
	return nil
}

// PriceConnection is a page of prices.
type PriceConnection = Connection[Price]

// PriceEdge is one of the prices and its position.
type PriceEdge = Edge[Price]

// ProductKey names a product by the four codes that must all be right (K04). Codes hold no slash.
func ProductKey(serviceType, resourceType, region, specCode string) string {
	return serviceType + "/" + resourceType + "/" + region + "/" + specCode
}

// Charge is what is to be priced: a number of pieces of a product, for some periods or for an amount of use.
type Charge struct {
	ServiceType    string           `json:"serviceType"`
	ResourceType   string           `json:"resourceType"`
	SpecCode       string           `json:"specCode"`
	Region         string           `json:"region"`
	Zone           string           `json:"zone,omitempty"` // empty = any of the region's
	Currency       Currency         `json:"currency"`
	Quantity       int              `json:"quantity"`              // 1 to MaxQuantity; of a part: per piece of the line it belongs to
	Pieces         int              `json:"pieces"`                // in all: Quantity, times that of the line it is part of
	PeriodType     PeriodType       `json:"periodType,omitempty"`  // empty on demand
	PeriodCount    int              `json:"periodCount,omitempty"` // 0 on demand
	UsageType      string           `json:"usageType,omitempty"`
	UsageValue     *decimal.Decimal `json:"usageValue,omitempty"`
	UsageMeasureID int              `json:"usageMeasureId,omitempty"`
	Size           *decimal.Decimal `json:"size,omitempty"` // of one piece; for linear products
	SizeMeasureID  int              `json:"sizeMeasureId,omitempty"`
}

// Product names the product that is charged.
func (c Charge) Product() string {
	return ProductKey(c.ServiceType, c.ResourceType, c.Region, c.SpecCode)
}

// OnDemand reports whether use is charged, not periods.
func (c Charge) OnDemand() bool { return c.PeriodType == "" }

// ZoneOrNil returns Zone, or nil when it is empty.
func (c Charge) ZoneOrNil() *string { return orNil(c.Zone) }

// PeriodTypeOrNil returns PeriodType, or nil when it is empty.
func (c Charge) PeriodTypeOrNil() *PeriodType {
	if c.PeriodType == "" {
		return nil
	}
	return &c.PeriodType
}

// PeriodCountOrNil returns PeriodCount, or nil when it is 0.
func (c Charge) PeriodCountOrNil() *int { return intOrNil(c.PeriodCount) }

// UsageTypeOrNil returns UsageType, or nil when it is empty.
func (c Charge) UsageTypeOrNil() *string { return orNil(c.UsageType) }

// UsageMeasureIDOrNil returns UsageMeasureID, or nil when it is 0.
func (c Charge) UsageMeasureIDOrNil() *int { return intOrNil(c.UsageMeasureID) }

// SizeMeasureIDOrNil returns SizeMeasureID, or nil when it is 0.
func (c Charge) SizeMeasureIDOrNil() *int { return intOrNil(c.SizeMeasureID) }

// Fits reports whether the price is one for the charge: of the same product, currency, period type or type of use, and linear
// when the charge has a size.
func (p Price) Fits(c Charge) bool {
	return p.Product == c.Product() && p.Currency == c.Currency && p.PeriodType == c.PeriodType && p.UsageType == c.UsageType &&
		(p.SizeMeasureID != 0) == (c.Size != nil)
}

// Conversions turns values of one measure into another.
type Conversions []MeasureConversion

// Convert returns value, which is of the measure from, in the measure to, and whether the catalogue knows how. Where a ratio has to
// be divided by, 20 fraction digits are kept, so that what is rounded is the price and not the size.
func (all Conversions) Convert(value decimal.Decimal, from, to int) (decimal.Decimal, bool) {
	if from == to {
		return value, true
	}
	for _, c := range all {
		switch {
		case c.MeasureID == from && c.RefMeasureID == to:
			return value.Mul(c.Ratio), true
		case c.MeasureID == to && c.RefMeasureID == from:
			return value.DivRound(c.Ratio, 20), true
		}
	}
	return decimal.Zero, false
}

// Rated is a charge with its price found and its measures converted: the exact amount of one piece and one period, or of all use of one piece.
type Rated struct {
	Charge

	UnitPrice decimal.Decimal // as the catalogue has it
	each      decimal.Decimal // of one piece for one period, or for all its use
	instead   *instead        // of a change: what it takes the place of
}

// Rate joins a charge with its price, which must fit it. It is PRECONDITION_FAILED with the reason MEASURE_UNKNOWN, naming the field,
// when the catalogue cannot convert the charge's measure into the price's.
func (p Price) Rate(c Charge, conversions Conversions) (Rated, error) {
	rated := Rated{Charge: c, UnitPrice: p.Amount, each: p.Amount}
	if c.Size != nil {
		size, known := conversions.Convert(*c.Size, c.SizeMeasureID, p.SizeMeasureID)
		if !known {
			return Rated{}, unknownMeasure("sizeMeasureId")
		}
		rated.each = rated.each.Mul(size)
	}
	if c.OnDemand() {
		use, known := conversions.Convert(*c.UsageValue, c.UsageMeasureID, p.UsageMeasureID)
		if !known {
			return Rated{}, unknownMeasure("usageMeasureId")
		}
		rated.each = rated.each.Mul(use)
	}
	return rated, nil
}

func unknownMeasure(field string) error {
	err := Precondition("MEASURE_UNKNOWN", "The catalogue has no conversion from this measure to that of the price.")
	err.Field = field
	return err
}

// times is how often the amount of one piece is paid.
func (r Rated) times() decimal.Decimal {
	return decimal.NewFromInt(int64(r.Pieces)).Mul(decimal.NewFromInt(int64(max(r.PeriodCount, 1))))
}

// Official returns the list price of all pieces and periods, rounded once, half up, to precision fraction digits. Of a change it is what the
// rest of the period costs more, never below zero.
func (r Rated) Official(precision int) decimal.Decimal {
	if r.instead != nil {
		return r.instead.more(r, nil, precision)
	}
	return r.whole(nil).Round(int32(precision))
}

// With returns what a discount that applies makes of the list price, rounded once from the exact product; never below zero and
// never above the list price.
func (r Rated) With(d Discount, precision int) decimal.Decimal {
	if r.instead != nil {
		return r.instead.more(r, &d, precision)
	}
	return r.whole(&d).Round(int32(precision))
}

// whole is the exact price of all pieces and periods, with a discount when there is one.
func (r Rated) whole(d *Discount) decimal.Decimal {
	each := r.each
	if d == nil {
		return each.Mul(r.times())
	}
	switch d.Mode {
	case DiscountRate:
		each = each.Mul(d.Value)
	case DiscountFixed:
		each = decimal.Min(each, d.Value)
	case DiscountReduction:
		each = decimal.Max(each.Sub(d.Value), decimal.Zero)
	}
	return each.Mul(r.times())
}

// IncentivePolicy says what the sales of a service type bring a partner in one month (K07).
type IncentivePolicy string

// The policies. Vendor codes: 0, 1, 2, 13.
const (
	PolicyNonSpecific         IncentivePolicy = "NON_SPECIFIC"
	PolicySpecific            IncentivePolicy = "SPECIFIC"
	PolicyNothing             IncentivePolicy = "NO_PERFORMANCE_NO_REBATE"
	PolicyPerformanceNoRebate IncentivePolicy = "PERFORMANCE_WITHOUT_REBATE"
)

// IncentivePolicyOf returns the policy with the vendor's code, and whether there is one.
func IncentivePolicyOf(wireCode int) (IncentivePolicy, bool) {
	policy, known := map[int]IncentivePolicy{
		0: PolicyNonSpecific, 1: PolicySpecific, 2: PolicyNothing, 13: PolicyPerformanceNoRebate,
	}[wireCode]
	return policy, known
}

// DiscountPolicy is the incentive and discount policy of one service type in one month (K07).
type DiscountPolicy struct {
	bun.BaseModel `bun:"table:catalogue_policies,alias:cdp"`

	ID            ID              `bun:"id,pk"`
	VersionID     ID              `bun:"version_id"`
	ServiceType   string          `bun:"service_type"`
	Month         BillingCycle    `bun:"month"`
	Incentive     IncentivePolicy `bun:"incentive"`
	AllowDiscount bool            `bun:"allow_discount"` // whether partners may give their customers a discount
}

// NodeID returns the id to page by.
func (p DiscountPolicy) NodeID() ID { return p.ID }

// DiscountPolicyConnection is a page of policies.
type DiscountPolicyConnection = Connection[DiscountPolicy]

// DiscountPolicyEdge is one of the policies and its position.
type DiscountPolicyEdge = Edge[DiscountPolicy]

// Policies says what is allowed per service type in the month of a quote.
type Policies map[string]DiscountPolicy

// Allow reports whether a discount may be given on a service type: what a customer agreed with the cloud always holds, a partner's
// discount where the policy does not rule it out.
func (p Policies) Allow(d Discount, serviceType string) bool {
	policy, stated := p[serviceType]
	return d.Kind == DiscountContract || !stated || policy.AllowDiscount
}

// Applicable returns those of the discounts that a customer has at now: those in force, and of a partner's those of the partner whose
// resale money it spends.
func Applicable(discounts []Discount, customer Customer, now time.Time) []Discount {
	applicable := make([]Discount, 0, len(discounts))
	for _, d := range discounts {
		own := d.Kind == DiscountContract || customer.Mode == Resale && customer.PartnerID != "" && d.PartnerID == customer.PartnerID
		if own && d.InForce(now) {
			applicable = append(applicable, d)
		}
	}
	return applicable
}
