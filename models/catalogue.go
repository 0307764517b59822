package models

import (
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// CatalogueVersion is one load of a cloud's whole catalogue: what it sells and at which list price from EffectiveAt on, until the next
// version's. It never changes.
type CatalogueVersion struct {
	bun.BaseModel `bun:"table:catalogue_versions,alias:ctv"`

	ID          ID        `bun:"id,pk"`
	Cloud       string    `bun:"cloud"`
	Label       string    `bun:"label"` // what its makers call it; unique per cloud
	ContentHash string    `bun:"content_hash"`
	EffectiveAt time.Time `bun:"effective_at"` // unique per cloud
	Specs       int       `bun:"specs"`        // how many specifications it has, each counted once per region
	Prices      int       `bun:"prices"`       // how many prices it has
	CreatedAt   time.Time `bun:"created_at"`
}

// NodeID returns the id to page by.
func (v CatalogueVersion) NodeID() ID { return v.ID }

// CatalogueVersionConnection is a page of catalogue versions.
type CatalogueVersionConnection = Connection[CatalogueVersion]

// CatalogueVersionEdge is one of the catalogue versions and its position.
type CatalogueVersionEdge = Edge[CatalogueVersion]

// AvailabilityZone is a part of a region that fails by itself (K01).
type AvailabilityZone struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// Region is a place where a cloud runs, with its availability zones (K01).
type Region struct {
	bun.BaseModel `bun:"table:catalogue_regions,alias:crg"`

	ID        ID                 `bun:"id,pk"`
	VersionID ID                 `bun:"version_id"`
	Code      string             `bun:"code"` // such as cn-north-1
	Name      string             `bun:"name"`
	Zones     []AvailabilityZone `bun:"zones,type:jsonb"`
}

// NodeID returns the id to page by.
func (r Region) NodeID() ID { return r.ID }

// RegionConnection is a page of regions.
type RegionConnection = Connection[Region]

// RegionEdge is one of the regions and its position.
type RegionEdge = Edge[Region]

// ServiceType is a cloud service, such as servers (3.3).
type ServiceType struct {
	bun.BaseModel `bun:"table:catalogue_service_types,alias:cst"`

	ID           ID     `bun:"id,pk"`
	VersionID    ID     `bun:"version_id"`
	Code         string `bun:"code"` // hws.service.type.*
	Name         string `bun:"name"`
	Abbreviation string `bun:"abbreviation,nullzero"`
}

// NodeID returns the id to page by.
func (s ServiceType) NodeID() ID { return s.ID }

// AbbreviationOrNil returns Abbreviation, or nil when it is empty.
func (s ServiceType) AbbreviationOrNil() *string { return orNil(s.Abbreviation) }

// ServiceTypeConnection is a page of service types.
type ServiceTypeConnection = Connection[ServiceType]

// ServiceTypeEdge is one of the service types and its position.
type ServiceTypeEdge = Edge[ServiceType]

// ResourceType is a kind of thing that a service brings into being (3.3).
type ResourceType struct {
	bun.BaseModel `bun:"table:catalogue_resource_types,alias:crt"`

	ID          ID     `bun:"id,pk"`
	VersionID   ID     `bun:"version_id"`
	Code        string `bun:"code"` // hws.resource.type.*
	ServiceType string `bun:"service_type"`
	Name        string `bun:"name"`
	Description string `bun:"description,nullzero"`
}

// NodeID returns the id to page by.
func (r ResourceType) NodeID() ID { return r.ID }

// DescriptionOrNil returns Description, or nil when it is empty.
func (r ResourceType) DescriptionOrNil() *string { return orNil(r.Description) }

// ResourceTypeConnection is a page of resource types.
type ResourceTypeConnection = Connection[ResourceType]

// ResourceTypeEdge is one of the resource types and its position.
type ResourceTypeEdge = Edge[ResourceType]

// Specification is one size or flavour of a resource type as it is sold in one region (K01, K06).
type Specification struct {
	bun.BaseModel `bun:"table:catalogue_specs,alias:csp"`

	ID           ID       `bun:"id,pk"`
	VersionID    ID       `bun:"version_id"`
	Product      string   `bun:"product"` // ProductKey of the four codes
	ServiceType  string   `bun:"service_type"`
	ResourceType string   `bun:"resource_type"`
	Region       string   `bun:"region"`
	Code         string   `bun:"code"` // for servers with .win or .linux
	Name         string   `bun:"name"`
	Zones        []string `bun:"zones,type:jsonb"` // where in the region it is sold

	Package []PackageContent `bun:"package,type:jsonb,nullzero"` // what a resource package holds (O18); empty = it is none
}

// NodeID returns the id to page by.
func (s Specification) NodeID() ID { return s.ID }

// SpecificationConnection is a page of specifications.
type SpecificationConnection = Connection[Specification]

// SpecificationEdge is one of the specifications and its position.
type SpecificationEdge = Edge[Specification]

// UsageType is a kind of use of a resource that is charged on demand (3.3).
type UsageType struct {
	bun.BaseModel `bun:"table:catalogue_usage_types,alias:cut"`

	ID           ID     `bun:"id,pk"`
	VersionID    ID     `bun:"version_id"`
	Code         string `bun:"code"` // such as duration; unique in its resource type
	Name         string `bun:"name"`
	ServiceType  string `bun:"service_type"`
	ResourceType string `bun:"resource_type"`
}

// NodeID returns the id to page by.
func (u UsageType) NodeID() ID { return u.ID }

// UsageTypeConnection is a page of usage types.
type UsageTypeConnection = Connection[UsageType]

// UsageTypeEdge is one of the usage types and its position.
type UsageTypeEdge = Edge[UsageType]

// Measure is a unit that sizes, use and money are counted in (3.3).
type Measure struct {
	bun.BaseModel `bun:"table:catalogue_measures,alias:cms"`

	ID           ID          `bun:"id,pk"`
	VersionID    ID          `bun:"version_id"`
	MeasureID    int         `bun:"measure_id"` // the vendor's, such as 17 for GB of disk
	Name         string      `bun:"name"`
	Abbreviation string      `bun:"abbreviation,nullzero"`
	Type         MeasureType `bun:"type"`
}

// NodeID returns the id to page by.
func (m Measure) NodeID() ID { return m.ID }

// AbbreviationOrNil returns Abbreviation, or nil when it is empty.
func (m Measure) AbbreviationOrNil() *string { return orNil(m.Abbreviation) }

// MeasureConnection is a page of measures.
type MeasureConnection = Connection[Measure]

// MeasureEdge is one of the measures and its position.
type MeasureEdge = Edge[Measure]

// MeasureConversion says how many of one measure another is (3.3): 1 of MeasureID is Ratio of RefMeasureID.
type MeasureConversion struct {
	bun.BaseModel `bun:"table:catalogue_conversions,alias:ccv"`

	ID           ID              `bun:"id,pk"`
	VersionID    ID              `bun:"version_id"`
	MeasureID    int             `bun:"measure_id"`
	RefMeasureID int             `bun:"ref_measure_id"`
	Ratio        decimal.Decimal `bun:"ratio"` // above 0
}

// NodeID returns the id to page by.
func (c MeasureConversion) NodeID() ID { return c.ID }

// MeasureConversionConnection is a page of conversions.
type MeasureConversionConnection = Connection[MeasureConversion]

// MeasureConversionEdge is one of the conversions and its position.
type MeasureConversionEdge = Edge[MeasureConversion]
