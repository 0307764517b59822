package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

var (
	codePattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)
	pricePattern = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,10})?$`)
)

// catalogue is a checked Content as rows, without ids.
type catalogue struct {
	cloud, label  string
	hash          string // of what it says, not of how it is laid out
	effectiveFrom *time.Time
	regions       []models.Region
	services      []models.ServiceType
	resources     []models.ResourceType
	specs         []models.Specification
	usages        []models.UsageType
	measures      []models.Measure
	conversions   []models.MeasureConversion
	prices        []models.Price
	policies      []models.DiscountPolicy
}

// parse reads a catalogue. The error is INVALID and names the line and the path of the first thing that is wrong: a field that is unknown or
// there twice, a code that is taken or refers to nothing, a price without a currency.
func parse(data []byte) (catalogue, error) {
	if len(data) > MaxFileBytes {
		return catalogue{}, models.Invalid("content", fmt.Sprintf("A catalogue has at most %d bytes.", MaxFileBytes))
	}
	var content Content
	if err := decodeStrict(data, &content); err != nil {
		return catalogue{}, err
	}
	c := &checker{
		regions: map[string]map[string]bool{}, services: map[string]bool{}, resources: map[string]string{}, specs: map[string][]string{},
		usages: map[string]bool{}, measures: map[int]bool{}, taken: map[string]bool{}, sold: map[string]bool{},
	}
	c.read(content)
	if c.path != "" {
		return catalogue{}, refusal(locate(data, new(Content), c.path), c.path, c.what)
	}
	c.sort()
	written, err := json.Marshal(content)
	if err != nil {
		return catalogue{}, fmt.Errorf("catalogue: %w", err)
	}
	c.hash = fmt.Sprintf("%x", sha256.Sum256(written))
	return c.catalogue, nil
}

// checker makes rows of entries. The first thing that is wrong sticks, and what follows it is not looked at.
type checker struct {
	catalogue

	path, what string // what is wrong, and where

	regions   map[string]map[string]bool // to their zones
	services  map[string]bool
	resources map[string]string   // to their service types
	specs     map[string][]string // resource type and code, to the regions they are sold in
	sold      map[string]bool     // ProductKey
	usages    map[string]bool     // resource type and code
	measures  map[int]bool
	taken     map[string]bool // whatever is to be there once, by list
}

func (c *checker) refuse(path, what string) {
	if c.path == "" {
		c.path, c.what = path, what
	}
}

func (c *checker) failed() bool { return c.path != "" }

// once refuses a key that its list has already.
func (c *checker) once(path, list, key, what string) {
	if c.taken[list+"\n"+key] {
		c.refuse(path, what+" is there twice")
	}
	c.taken[list+"\n"+key] = true
}

func (c *checker) code(path, code string, longest int) {
	switch {
	case code == "":
		c.refuse(path, "a code is missing")
	case len(code) > longest:
		c.refuse(path, fmt.Sprintf("a code has at most %d characters (K02)", longest))
	case !codePattern.MatchString(code):
		c.refuse(path, "a code has letters, digits and . _ : - only")
	}
}

// text checks what people read: at most 200 characters, printable (K02).
func (c *checker) text(path, text string, required bool) {
	switch {
	case required && strings.TrimSpace(text) == "":
		c.refuse(path, "a name is missing")
	case len([]rune(text)) > 200:
		c.refuse(path, "a text has at most 200 characters (K02)")
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.refuse(path, "a text has printable characters only")
	}
}

func (c *checker) price(path, text string) decimal.Decimal {
	if !pricePattern.MatchString(text) {
		c.refuse(path, "a decimal such as \"12.50\" is wanted: up to 12 digits, a point and up to 10 digits")
		return decimal.Zero
	}
	return decimal.RequireFromString(text)
}

func (c *checker) read(content Content) {
	c.head(content)
	each(c, "regions", content.Regions, c.region)
	each(c, "serviceTypes", content.ServiceTypes, c.service)
	each(c, "resourceTypes", content.ResourceTypes, c.resource)
	each(c, "specs", content.Specs, c.spec)
	each(c, "usageTypes", content.UsageTypes, c.usage)
	each(c, "measures", content.Measures, c.measure)
	each(c, "conversions", content.Conversions, c.conversion)
	each(c, "prices", content.Prices, c.priced)
	each(c, "policies", content.Policies, c.policy)
	c.packages(content.Specs)
}

func each[T any](c *checker, list string, entries []T, read func(path string, entry T)) {
	for i, entry := range entries {
		if c.failed() {
			return
		}
		read(fmt.Sprintf("%s[%d]", list, i), entry)
	}
}

func (c *checker) head(content Content) {
	if content.Schema != schemaVersion {
		c.refuse("schema", fmt.Sprintf("this server reads schema %d", schemaVersion))
	}
	c.code("cloud", content.Cloud, 64)
	c.code("version", content.Version, 64)
	c.cloud, c.label = content.Cloud, content.Version
	if content.EffectiveFrom == "" {
		return
	}
	from, err := time.Parse(time.RFC3339, content.EffectiveFrom)
	if err != nil || from.Year() < 2000 || from.Year() > 2999 {
		c.refuse("effectiveFrom", "a moment such as 2026-11-01T00:00:00Z is wanted here")
	}
	from = from.UTC().Truncate(time.Microsecond)
	c.effectiveFrom = &from
}

func (c *checker) region(path string, e regionEntry) {
	c.code(path+".code", e.Code, 64)
	c.text(path+".name", e.Name, true)
	c.once(path+".code", "region", e.Code, "the region")
	if len(e.Zones) > maxZones {
		c.refuse(path+".zones", fmt.Sprintf("a region has at most %d zones", maxZones))
		return
	}
	zones := make(map[string]bool, len(e.Zones))
	row := models.Region{Code: e.Code, Name: e.Name, Zones: make([]models.AvailabilityZone, 0, len(e.Zones))}
	for i, zone := range e.Zones {
		at := fmt.Sprintf("%s.zones[%d]", path, i)
		c.code(at+".code", zone.Code, 64)
		c.text(at+".name", zone.Name, true)
		c.once(at+".code", "zone", zone.Code, "the availability zone")
		zones[zone.Code] = true
		row.Zones = append(row.Zones, models.AvailabilityZone{Code: zone.Code, Name: zone.Name})
	}
	c.regions[e.Code] = zones
	c.catalogue.regions = append(c.catalogue.regions, row)
}

func (c *checker) service(path string, e serviceEntry) {
	c.code(path+".code", e.Code, 64)
	c.text(path+".name", e.Name, true)
	c.text(path+".abbreviation", e.Abbreviation, false)
	c.once(path+".code", "service", e.Code, "the service type")
	c.services[e.Code] = true
	c.catalogue.services = append(c.catalogue.services, models.ServiceType{Code: e.Code, Name: e.Name, Abbreviation: e.Abbreviation})
}

func (c *checker) resource(path string, e typeEntry) {
	c.code(path+".code", e.Code, 64)
	c.text(path+".name", e.Name, true)
	c.text(path+".description", e.Description, false)
	c.once(path+".code", "resource", e.Code, "the resource type")
	if !c.services[e.ServiceType] {
		c.refuse(path+".serviceType", "there is no such service type")
	}
	c.resources[e.Code] = e.ServiceType
	c.catalogue.resources = append(c.catalogue.resources, models.ResourceType{
		Code: e.Code, ServiceType: e.ServiceType, Name: e.Name, Description: e.Description,
	})
}

func (c *checker) typed(path, resourceType string) (service string) {
	service, known := c.resources[resourceType]
	if !known {
		c.refuse(path+".resourceType", "there is no such resource type")
	}
	return service
}

func (c *checker) spec(path string, e specEntry) {
	c.code(path+".code", e.Code, 64)
	c.text(path+".name", e.Name, true)
	service := c.typed(path, e.ResourceType)
	c.once(path+".code", "spec", e.ResourceType+"/"+e.Code, "the specification")
	if len(e.Regions) == 0 {
		c.refuse(path, "a specification is sold in one region at least")
	}
	for i, in := range e.Regions {
		c.soldIn(fmt.Sprintf("%s.regions[%d]", path, i), service, e, in)
	}
}

func (c *checker) soldIn(path, service string, e specEntry, in soldRegion) {
	zones, known := c.regions[in.Region]
	if !known {
		c.refuse(path+".region", "there is no such region")
		return
	}
	row := models.Specification{
		Product: models.ProductKey(service, e.ResourceType, in.Region, e.Code), ServiceType: service, ResourceType: e.ResourceType,
		Region: in.Region, Code: e.Code, Name: e.Name, Zones: slices.Clone(in.Zones),
	}
	c.once(path+".region", "product", row.Product, "the region")
	for i, zone := range in.Zones {
		if !zones[zone] {
			c.refuse(fmt.Sprintf("%s.zones[%d]", path, i), "the region has no such availability zone")
		}
		c.once(fmt.Sprintf("%s.zones[%d]", path, i), "sold zone", row.Product+"/"+zone, "the availability zone")
	}
	if len(row.Zones) == 0 {
		row.Zones = make([]string, 0, len(zones))
		for zone := range zones {
			row.Zones = append(row.Zones, zone)
		}
	}
	slices.Sort(row.Zones)
	c.sold[row.Product] = true
	if c.catalogue.specs = append(c.catalogue.specs, row); len(c.catalogue.specs) > maxRows {
		c.refuse(path, fmt.Sprintf("there are more than %d specifications", maxRows))
	}
}

func (c *checker) usage(path string, e usageEntry) {
	c.code(path+".code", e.Code, 64)
	c.text(path+".name", e.Name, true)
	service := c.typed(path, e.ResourceType)
	c.once(path+".code", "usage", e.ResourceType+"/"+e.Code, "the usage type")
	c.usages[e.ResourceType+"/"+e.Code] = true
	c.catalogue.usages = append(c.catalogue.usages, models.UsageType{
		Code: e.Code, Name: e.Name, ServiceType: service, ResourceType: e.ResourceType,
	})
}

func (c *checker) measure(path string, e measureEntry) {
	if e.ID < 1 {
		c.refuse(path+".id", "a measure's id is above 0")
	}
	c.text(path+".name", e.Name, true)
	c.text(path+".abbreviation", e.Abbreviation, false)
	c.once(path+".id", "measure", fmt.Sprint(e.ID), "the measure")
	kind, known := models.MeasureTypeOf(e.Type)
	if !known {
		c.refuse(path+".type", "there is no measure type with this number (3.3)")
	}
	c.measures[e.ID] = true
	c.catalogue.measures = append(c.catalogue.measures, models.Measure{MeasureID: e.ID, Name: e.Name, Abbreviation: e.Abbreviation, Type: kind})
}

func (c *checker) measured(path string, id int) {
	if !c.measures[id] {
		c.refuse(path, "there is no such measure")
	}
}

func (c *checker) conversion(path string, e ratioEntry) {
	c.measured(path+".measure", e.Measure)
	c.measured(path+".refMeasure", e.RefMeasure)
	if e.Measure == e.RefMeasure {
		c.refuse(path, "a measure needs no conversion into itself")
	}
	ratio := c.price(path+".ratio", e.Ratio)
	if ratio.IsZero() {
		c.refuse(path+".ratio", "a ratio is above 0")
	}
	// Both ways are one fact: two rows could contradict each other.
	low, high := min(e.Measure, e.RefMeasure), max(e.Measure, e.RefMeasure)
	c.once(path, "conversion", fmt.Sprintf("%d/%d", low, high), "the conversion between these measures")
	c.catalogue.conversions = append(c.catalogue.conversions, models.MeasureConversion{
		MeasureID: e.Measure, RefMeasureID: e.RefMeasure, Ratio: ratio,
	})
}

func (c *checker) priced(path string, e priceEntry) {
	service := c.typed(path, e.ResourceType)
	row := models.Price{
		ServiceType: service, ResourceType: e.ResourceType, SpecCode: e.Spec, ChargingMode: models.ChargedByPeriod,
		PeriodType: models.PeriodType(e.Period), SizeMeasureID: e.SizeMeasure, Currency: models.Currency(e.Currency),
		Amount: c.price(path+".amount", e.Amount),
	}
	switch {
	case e.Currency == "":
		c.refuse(path, "the price has no currency")
	case !row.Currency.Valid():
		c.refuse(path+".currency", "the currency is CNY or USD")
	case e.Period != "" && (e.UsageType != "" || e.UsageMeasure != 0):
		c.refuse(path, "a price is per period or per use, not both")
	case e.Period != "" && models.LongestPeriod(row.PeriodType) == 0:
		c.refuse(path+".period", "the period is HOUR, DAY, MONTH or YEAR")
	case e.Period == "" && e.UsageType == "":
		c.refuse(path, "a price is per period, or per use of a usage type")
	case e.Period == "":
		if !c.usages[e.ResourceType+"/"+e.UsageType] {
			c.refuse(path+".usageType", "the resource type has no such usage type")
		}
		c.measured(path+".usageMeasure", e.UsageMeasure)
		row.ChargingMode, row.UsageType, row.UsageMeasureID = models.ChargedByUse, e.UsageType, e.UsageMeasure
	}
	if e.SizeMeasure != 0 {
		c.measured(path+".sizeMeasure", e.SizeMeasure)
	}
	if len(e.Regions) == 0 {
		c.refuse(path, "a price is for one region at least")
	}
	for i, region := range e.Regions {
		c.pricedIn(fmt.Sprintf("%s.regions[%d]", path, i), row, region)
	}
}

func (c *checker) pricedIn(path string, row models.Price, region string) {
	row.Region = region
	row.Product = models.ProductKey(row.ServiceType, row.ResourceType, region, row.SpecCode)
	if !c.sold[row.Product] {
		c.refuse(path, "no such specification is sold in this region")
	}
	// A product has one price of each kind, by the piece or by size, or an inquiry could not tell which.
	key := strings.Join([]string{row.Product, string(row.PeriodType), row.UsageType, string(row.Currency), fmt.Sprint(row.SizeMeasureID != 0)}, "\n")
	c.once(path, "price", key, "this price")
	if c.catalogue.prices = append(c.catalogue.prices, row); len(c.catalogue.prices) > maxRows {
		c.refuse(path, fmt.Sprintf("there are more than %d prices", maxRows))
	}
}

func (c *checker) policy(path string, e policyEntry) {
	if !c.services[e.ServiceType] {
		c.refuse(path+".serviceType", "there is no such service type")
	}
	month, err := models.ParseBillingCycle(e.Month, "month")
	if err != nil {
		c.refuse(path+".month", "a month such as 2026-11 is wanted here")
	}
	incentive, known := models.IncentivePolicyOf(e.Incentive)
	if !known {
		c.refuse(path+".incentive", "the incentive policy is 0, 1, 2 or 13 (K07)")
	}
	c.once(path, "policy", string(month)+"/"+e.ServiceType, "the policy of this month")
	c.catalogue.policies = append(c.catalogue.policies, models.DiscountPolicy{
		ServiceType: e.ServiceType, Month: month, Incentive: incentive, AllowDiscount: e.AllowDiscount,
	})
}

// sort puts every list into the order in which it is paged, whatever the file's.
func (c *catalogue) sort() {
	slices.SortFunc(c.regions, func(a, b models.Region) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(c.services, func(a, b models.ServiceType) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(c.resources, func(a, b models.ResourceType) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(c.specs, func(a, b models.Specification) int { return cmp.Compare(a.Product, b.Product) })
	slices.SortFunc(c.usages, func(a, b models.UsageType) int {
		return cmp.Or(cmp.Compare(a.ResourceType, b.ResourceType), cmp.Compare(a.Code, b.Code))
	})
	slices.SortFunc(c.measures, func(a, b models.Measure) int { return cmp.Compare(a.MeasureID, b.MeasureID) })
	slices.SortFunc(c.conversions, func(a, b models.MeasureConversion) int {
		return cmp.Or(cmp.Compare(a.MeasureID, b.MeasureID), cmp.Compare(a.RefMeasureID, b.RefMeasureID))
	})
	slices.SortFunc(c.prices, func(a, b models.Price) int {
		return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(a.PeriodType, b.PeriodType), cmp.Compare(a.UsageType, b.UsageType),
			cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.SizeMeasureID, b.SizeMeasureID))
	})
	slices.SortFunc(c.policies, func(a, b models.DiscountPolicy) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.ServiceType, b.ServiceType))
	})
}
