package catalog

// The bounds of one catalogue.
const (
	// MaxFileBytes is the largest catalogue; the API's own limit for a body is smaller.
	MaxFileBytes = 64 << 20
	maxRows      = 500_000 // entries of one list, and specifications and prices once their regions are counted
	maxZones     = 50      // of one region
)

// schemaVersion is the version of the format that Content reads.
const schemaVersion = 1

// Content is a catalogue as it is written (docs/catalogue.md): what a cloud sells, whole. Its hash tells contents apart, so a field that
// comes later is left out of JSON when it is empty: the same file must not become another content.
type Content struct {
	Schema        int            `json:"schema"` // 1
	Cloud         string         `json:"cloud"`
	Version       string         `json:"version"`       // what its makers call it
	EffectiveFrom string         `json:"effectiveFrom"` // RFC 3339; empty = upon loading
	Regions       []regionEntry  `json:"regions"`
	ServiceTypes  []serviceEntry `json:"serviceTypes"`
	ResourceTypes []typeEntry    `json:"resourceTypes"`
	Specs         []specEntry    `json:"specs"`
	UsageTypes    []usageEntry   `json:"usageTypes"`
	Measures      []measureEntry `json:"measures"`
	Conversions   []ratioEntry   `json:"conversions"`
	Prices        []priceEntry   `json:"prices"`
	Policies      []policyEntry  `json:"policies"`
}

type regionEntry struct {
	Code  string      `json:"code"`
	Name  string      `json:"name"`
	Zones []zoneEntry `json:"zones"`
}

type zoneEntry struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type serviceEntry struct {
	Code         string `json:"code"`
	Name         string `json:"name"`
	Abbreviation string `json:"abbreviation"`
}

type typeEntry struct {
	Code        string `json:"code"`
	ServiceType string `json:"serviceType"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

type specEntry struct {
	Code         string       `json:"code"`
	ResourceType string       `json:"resourceType"`
	Name         string       `json:"name"`
	Regions      []soldRegion `json:"regions"`
	Package      []packEntry  `json:"package,omitempty"` // of a resource package: what it holds
}

// packEntry is so much of one kind of use that a resource package pays for, in each region that it is sold in or in the one that is named.
type packEntry struct {
	ResourceType string   `json:"resourceType"`
	Specs        []string `json:"specs"`  // none = all of the resource type's
	Region       string   `json:"region"` // empty = the region that the package is bought in
	UsageType    string   `json:"usageType"`
	Amount       string   `json:"amount"`
	Measure      int      `json:"measure"`
	Cycle        string   `json:"cycle"` // HOUR, DAY, WEEK, MONTH or YEAR; empty = once for each period that is paid
	Basis        string   `json:"basis"` // of the cycle: CALENDAR or SUBSCRIPTION
}

// soldRegion is where a specification is sold; without zones in all of the region's.
type soldRegion struct {
	Region string   `json:"region"`
	Zones  []string `json:"zones"`
}

type usageEntry struct {
	Code         string `json:"code"`
	ResourceType string `json:"resourceType"`
	Name         string `json:"name"`
}

type measureEntry struct {
	ID           int    `json:"id"`
	Name         string `json:"name"`
	Abbreviation string `json:"abbreviation"`
	Type         int    `json:"type"` // the vendor's measure_type
}

type ratioEntry struct {
	Measure    int    `json:"measure"`
	RefMeasure int    `json:"refMeasure"`
	Ratio      string `json:"ratio"` // 1 measure is ratio refMeasures
}

// priceEntry is a price per period, or with a usage type on demand.
type priceEntry struct {
	ResourceType string   `json:"resourceType"`
	Spec         string   `json:"spec"`
	Regions      []string `json:"regions"`
	Period       string   `json:"period"` // HOUR, DAY, MONTH or YEAR; empty = on demand
	UsageType    string   `json:"usageType"`
	UsageMeasure int      `json:"usageMeasure"`
	SizeMeasure  int      `json:"sizeMeasure"` // of a linear product; 0 = none
	Currency     string   `json:"currency"`
	Amount       string   `json:"amount"`
}

type policyEntry struct {
	ServiceType   string `json:"serviceType"`
	Month         string `json:"month"`
	Incentive     int    `json:"incentive"` // 0, 1, 2 or 13 (K07)
	AllowDiscount bool   `json:"allowDiscount"`
}
