package catalog

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// CatalogueFilter narrows the lists of a catalogue. Nil = no filter. What a list does not have, such as the region of a service type,
// does not narrow it.
type CatalogueFilter struct {
	AsOf         *time.Time // the version in force then; nil = now
	Query        *string    // what the code or the name starts with, in either case
	ServiceType  *string
	ResourceType *string
	Region       *string
	SpecCode     *string
	ChargingMode *models.ChargingMode
	Month        *models.BillingCycle
}

func (f CatalogueFilter) check() error {
	if f.Query != nil && len(*f.Query) > 200 {
		return models.Invalid("query", "A search text has at most 200 bytes.")
	}
	return nil
}

// columns are what a list can be narrowed by.
type columns struct {
	search                          []string // columns that Query is sought in
	service, resource, region, spec string
	charging, month                 string
}

func (f CatalogueFilter) apply(q *bun.SelectQuery, c columns) *bun.SelectQuery {
	for _, equal := range []struct {
		column string
		value  *string
	}{{c.service, f.ServiceType}, {c.resource, f.ResourceType}, {c.region, f.Region}, {c.spec, f.SpecCode}} {
		if equal.column != "" && equal.value != nil {
			q = q.Where("? = ?", bun.Safe(equal.column), *equal.value)
		}
	}
	if c.charging != "" && f.ChargingMode != nil {
		q = q.Where("? = ?", bun.Safe(c.charging), *f.ChargingMode)
	}
	if c.month != "" && f.Month != nil {
		q = q.Where("? = ?", bun.Safe(c.month), *f.Month)
	}
	if f.Query == nil || len(c.search) == 0 {
		return q
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, column := range c.search {
			q = store.OrStartsWith(q, column, *f.Query)
		}
		return q
	})
}

// list reads a page of one of the lists of the version in force; before the first version there is nothing in it.
func list[Row models.Identified](ctx context.Context, s *Service, who models.Principal, permission models.Permission, name string, f CatalogueFilter, c columns, args models.PageArgs) (models.Connection[Row], error) {
	var none models.Connection[Row]
	if err := access.Require(who, permission); err != nil {
		return none, err
	}
	if err := f.check(); err != nil {
		return none, err
	}
	page, err := args.Page(name)
	if err != nil {
		return none, err
	}
	at, err := s.asOf(who, f.AsOf)
	if err != nil {
		return none, err
	}
	version, _, err := selectVersionAt(ctx, s.DB, s.Cloud, at)
	if err != nil {
		return none, err
	}
	return store.List[Row](ctx, page, false, func() *bun.SelectQuery {
		q := s.DB.NewSelect().Model((*Row)(nil)).Where("?TableAlias.version_id = ?", version.ID)
		return f.apply(q, c)
	})
}

// asOf is the moment that a caller asks about, now when it names none. What is going to be is for operators to see.
func (s *Service) asOf(who models.Principal, at *time.Time) (time.Time, error) {
	now := s.now()
	switch {
	case at == nil:
		return now, nil
	case at.After(now) && !who.SeesAll():
		return now, models.Invalid("asOf", "The moment lies in the future; prices are shown once they are in force.")
	}
	return *at, nil
}

// Regions lists the regions with their availability zones, by code. It needs CATALOG_READ, as all lists do but Policies.
func (s *Service) Regions(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.RegionConnection, error) {
	return list[models.Region](ctx, s, who, models.ReadCatalogue, "regions", f, columns{search: []string{"crg.code", "crg.name"}}, args)
}

// ServiceTypes lists the service types by code.
func (s *Service) ServiceTypes(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.ServiceTypeConnection, error) {
	c := columns{search: []string{"cst.code", "cst.name", "cst.abbreviation"}}
	return list[models.ServiceType](ctx, s, who, models.ReadCatalogue, "serviceTypes", f, c, args)
}

// ResourceTypes lists the resource types by code.
func (s *Service) ResourceTypes(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.ResourceTypeConnection, error) {
	c := columns{search: []string{"crt.code", "crt.name"}, service: "crt.service_type"}
	return list[models.ResourceType](ctx, s, who, models.ReadCatalogue, "resourceTypes", f, c, args)
}

// Specifications lists the specifications, each once per region, by service type, resource type, region and code.
func (s *Service) Specifications(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.SpecificationConnection, error) {
	c := columns{search: []string{"csp.code", "csp.name"}, service: "csp.service_type", resource: "csp.resource_type", region: "csp.region"}
	return list[models.Specification](ctx, s, who, models.ReadCatalogue, "specifications", f, c, args)
}

// UsageTypes lists the usage types by resource type and code.
func (s *Service) UsageTypes(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.UsageTypeConnection, error) {
	c := columns{search: []string{"cut.code", "cut.name"}, service: "cut.service_type", resource: "cut.resource_type"}
	return list[models.UsageType](ctx, s, who, models.ReadCatalogue, "usageTypes", f, c, args)
}

// Measures lists the measures by the vendor's id.
func (s *Service) Measures(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.MeasureConnection, error) {
	c := columns{search: []string{"cms.name", "cms.abbreviation"}}
	return list[models.Measure](ctx, s, who, models.ReadCatalogue, "measures", f, c, args)
}

// MeasureConversions lists what measures are of each other.
func (s *Service) MeasureConversions(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.MeasureConversionConnection, error) {
	return list[models.MeasureConversion](ctx, s, who, models.ReadCatalogue, "measureConversions", f, columns{}, args)
}

// Prices lists the list prices by product.
func (s *Service) Prices(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.PriceConnection, error) {
	c := columns{
		service: "prc.service_type", resource: "prc.resource_type", region: "prc.region", spec: "prc.spec_code", charging: "prc.charging_mode",
	}
	return list[models.Price](ctx, s, who, models.ReadCatalogue, "prices", f, c, args)
}

// Policies lists the incentive and discount policies by month and service type (K07). It needs INCENTIVES_READ: they are no business of
// customers and cloud resellers (P12).
func (s *Service) Policies(ctx context.Context, who models.Principal, f CatalogueFilter, args models.PageArgs) (models.DiscountPolicyConnection, error) {
	c := columns{service: "cdp.service_type", month: "cdp.month"}
	return list[models.DiscountPolicy](ctx, s, who, models.ReadIncentives, "discountPolicies", f, c, args)
}

// PolicyFor returns the policy of a service type in a month as the catalogue in force at a moment states it, for a room that works in its
// own transaction; found is false where it states none.
func (s *Service) PolicyFor(ctx context.Context, db bun.IDB, cloud, serviceType string, month models.BillingCycle, at time.Time) (policy models.DiscountPolicy, found bool, err error) {
	version, found, err := selectVersionAt(ctx, db, cloud, at)
	if err != nil || !found {
		return models.DiscountPolicy{}, false, err
	}
	policies, err := selectPolicies(ctx, db, version.ID, month)
	policy, found = policies[serviceType]
	return policy, found, err
}

// Versions lists the versions of this cloud's catalogue, newest first; those that are not in force yet for operators only.
func (s *Service) Versions(ctx context.Context, who models.Principal, args models.PageArgs) (models.CatalogueVersionConnection, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return models.CatalogueVersionConnection{}, err
	}
	page, err := args.Page("catalogueVersions")
	if err != nil {
		return models.CatalogueVersionConnection{}, err
	}
	now := s.now()
	return store.List[models.CatalogueVersion](ctx, page, true, func() *bun.SelectQuery {
		q := s.DB.NewSelect().Model((*models.CatalogueVersion)(nil)).Where("ctv.cloud = ?", s.Cloud)
		if !who.SeesAll() {
			q = q.Where("ctv.effective_at <= ?", now)
		}
		return q
	})
}

// VersionAt returns the version of this cloud's catalogue that is in force at a moment, nil = now; nil when there is none.
func (s *Service) VersionAt(ctx context.Context, who models.Principal, at *time.Time) (*models.CatalogueVersion, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return nil, err
	}
	moment, err := s.asOf(who, at)
	if err != nil {
		return nil, err
	}
	version, found, err := selectVersionAt(ctx, s.DB, s.Cloud, moment)
	if err != nil || !found {
		return nil, err
	}
	return &version, nil
}

// VersionsByIDs returns the versions with these ids.
func (s *Service) VersionsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.CatalogueVersion, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return nil, err
	}
	found, err := selectVersions(ctx, s.DB, ids)
	return indexed(found), err
}

func indexed[Row models.Identified](rows []Row) map[models.ID]Row {
	byID := make(map[models.ID]Row, len(rows))
	for _, row := range rows {
		byID[row.NodeID()] = row
	}
	return byID
}

// QuoteFilter narrows FindQuotes. Nil = no filter; an empty Kinds matches nothing.
type QuoteFilter struct {
	CustomerID *models.ID
	PartnerID  *models.ID
	Kinds      []models.QuoteKind
}

// FindQuotes returns the quotes that the caller may see, newest first. It needs CATALOG_READ.
func (s *Service) FindQuotes(ctx context.Context, who models.Principal, f QuoteFilter, args models.PageArgs) (models.QuoteConnection, error) {
	page, err := listPage(who, "quotes", f.CustomerID, f.PartnerID, args)
	if err != nil {
		return models.QuoteConnection{}, err
	}
	found, err := store.List[models.Quote](ctx, page, true, func() *bun.SelectQuery {
		q := ofParties(visibleQuotes(s.DB, who), "qot", f.CustomerID, f.PartnerID)
		if f.Kinds != nil {
			q = q.Where("qot.kind IN (?)", bun.List(f.Kinds))
		}
		return q
	})
	for i := range found.Edges {
		found.Edges[i].Node = found.Edges[i].Node.Exact()
	}
	return found, err
}

// QuotesByIDs returns the quotes with these ids that the caller may see; the others are absent. It needs CATALOG_READ.
func (s *Service) QuotesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Quote, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return nil, err
	}
	found, err := selectQuotes(ctx, s.DB, who, ids)
	return indexed(found), err
}

// DiscountFilter narrows FindDiscounts. Nil = no filter.
type DiscountFilter struct {
	CustomerID  *models.ID
	PartnerID   *models.ID
	InForceAt   *time.Time
	ServiceType *string
}

// FindDiscounts returns the discounts that the caller may see, newest first. It needs CATALOG_READ.
func (s *Service) FindDiscounts(ctx context.Context, who models.Principal, f DiscountFilter, args models.PageArgs) (models.DiscountConnection, error) {
	page, err := listPage(who, "discounts", f.CustomerID, f.PartnerID, args)
	if err != nil {
		return models.DiscountConnection{}, err
	}
	return store.List[models.Discount](ctx, page, true, func() *bun.SelectQuery {
		q := ofParties(visibleDiscounts(s.DB, who), "dsc", f.CustomerID, f.PartnerID)
		if f.ServiceType != nil {
			q = q.Where("dsc.service_type = ?", *f.ServiceType)
		}
		if f.InForceAt != nil {
			at := f.InForceAt.UTC()
			q = q.Where("dsc.valid_from <= ?", at).Where("dsc.valid_until IS NULL OR dsc.valid_until > ?", at)
		}
		return q
	})
}

// DiscountsByIDs returns the discounts with these ids that the caller may see; the others are absent. It needs CATALOG_READ.
func (s *Service) DiscountsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Discount, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return nil, err
	}
	found, err := selectDiscounts(ctx, s.DB, who, ids)
	return indexed(found), err
}

// listPage checks what the lists of what belongs to somebody have in common.
func listPage(who models.Principal, list string, customerID, partnerID *models.ID, args models.PageArgs) (models.Page, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return models.Page{}, err
	}
	if customerID != nil {
		if err := customerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return models.Page{}, err
		}
	}
	if partnerID != nil {
		if err := partnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return models.Page{}, err
		}
	}
	return args.Page(list)
}

func ofParties(q *bun.SelectQuery, alias string, customerID, partnerID *models.ID) *bun.SelectQuery {
	if customerID != nil {
		q = q.Where("?.customer_id = ?", bun.Ident(alias), *customerID)
	}
	if partnerID != nil {
		q = q.Where("?.partner_id = ?", bun.Ident(alias), *partnerID)
	}
	return q
}
