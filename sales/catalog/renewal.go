package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// MaxRenewals is how many main resources one renewal inquiry takes (K08).
const MaxRenewals = 10

// QuoteRenewal asks what it costs to renew resources of one customer (K08).
type QuoteRenewal struct {
	ResourceIDs    []models.ID       // 1 to MaxRenewals main resources
	PeriodType     models.PeriodType // MONTH or YEAR
	PeriodCount    int               // 1 to 11 months, 1 to 3 years
	IncludeRelated *bool             // whether sub-resources are priced too, which a renewal takes along (O11); nil = true
}

// QuoteToPeriod asks what it costs to have resources of one customer, which are charged by use, charged by period (order type 11).
type QuoteToPeriod struct {
	ResourceIDs []models.ID       // 1 to MaxRenewals main resources; what follows them is priced too (O11)
	PeriodType  models.PeriodType // MONTH or YEAR
	PeriodCount int               // 1 to 11 months, 1 to 3 years
}

// ToPeriod quotes the turn of resources from use to a period, which begins when the turn is made. It needs CATALOG_READ and RESOURCES_READ. It is
// INVALID as Renewal is. A resource that the caller may not see, and one that has a reason of models.Resource.CheckOrderableIn, are told in
// Problems.
func (s *Service) ToPeriod(ctx context.Context, who models.Principal, cmd QuoteToPeriod) (Quoted, error) {
	return s.periods(ctx, who, models.QuoteToPeriod, QuoteRenewal{ResourceIDs: cmd.ResourceIDs, PeriodType: cmd.PeriodType, PeriodCount: cmd.PeriodCount})
}

// Renewal quotes a renewal. It needs CATALOG_READ and RESOURCES_READ. It is INVALID for more than MaxRenewals resources, a resource that is
// there twice, resources of several customers, or another period than 1 to 11 months or 1 to 3 years. A resource that the caller may not see,
// a sub-resource, and one that is not charged by period are told in Problems.
func (s *Service) Renewal(ctx context.Context, who models.Principal, cmd QuoteRenewal) (Quoted, error) {
	return s.periods(ctx, who, models.QuoteRenewal, cmd)
}

// periods quotes periods of what runs: more of them, or the first after use.
func (s *Service) periods(ctx context.Context, who models.Principal, kind models.QuoteKind, cmd QuoteRenewal) (Quoted, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return Quoted{}, err
	}
	if err := access.Require(who, models.ReadResources); err != nil {
		return Quoted{}, err
	}
	if err := cmd.check(); err != nil {
		return Quoted{}, err
	}
	found, err := s.Resources.ForRenewal(ctx, who, cmd.ResourceIDs)
	if err != nil {
		return Quoted{}, err
	}
	byID := make(map[models.ID]Renewable, len(found))
	for _, one := range found {
		byID[one.Resource.ID] = one
	}
	quote := models.Quote{Kind: kind, Precision: precision}
	var problems []Problem
	for _, id := range cmd.ResourceIDs {
		one, seen := byID[id]
		if problem := unpriced(kind, id, one, seen); problem != nil {
			problems = append(problems, *problem)
			continue
		}
		if one.Resource.CustomerID != found[0].Resource.CustomerID {
			return Quoted{}, models.Invalid("resourceIds", "The resources belong to several customers; a quote is for one.")
		}
		quote.Lines = append(quote.Lines, cmd.lines(one)...)
	}
	if len(problems) > 0 {
		return Quoted{Problems: problems}, nil
	}
	return s.quote(ctx, who, &found[0].Resource.CustomerID, quote)
}

func (c QuoteRenewal) check() error {
	if len(c.ResourceIDs) == 0 || len(c.ResourceIDs) > MaxRenewals {
		return models.Invalid("resourceIds", fmt.Sprintf("Name 1 to %d main resources (K08).", MaxRenewals))
	}
	for i, id := range c.ResourceIDs {
		if err := id.Require(models.PrefixResource, "resourceIds"); err != nil {
			return err
		}
		if slices.Contains(c.ResourceIDs[:i], id) {
			return models.Invalid("resourceIds", "A resource is there twice.")
		}
	}
	longest := map[models.PeriodType]int{models.PeriodMonth: 11, models.PeriodYear: 3}[c.PeriodType]
	if longest == 0 {
		return models.Invalid("periodType", "Renewals are by MONTH or YEAR (K08).")
	}
	if c.PeriodCount < 1 || c.PeriodCount > longest {
		return models.Invalid("periodCount", "A renewal is for 1 to 11 months or 1 to 3 years (K08).")
	}
	return nil
}

// unpriced says what keeps a resource from having a price, nil when nothing does.
func unpriced(kind models.QuoteKind, id models.ID, one Renewable, seen bool) *Problem {
	if kind == models.QuoteToPeriod && seen {
		err := one.Resource.CheckOrderableIn(models.ChargedByUse)
		if err == nil {
			return nil
		}
		problem := problemOf(err)
		problem.ProductID = string(id)
		return problem
	}
	switch {
	case !seen || !one.Resource.IsMain():
		return &Problem{ProductID: string(id), Code: models.CodeNotFound, Reason: "RESOURCE_NOT_FOUND", Message: "There is no such main resource, or you may not see it."}
	case one.Resource.ChargingMode != models.ChargedByPeriod:
		return &Problem{ProductID: string(id), Code: models.CodePreconditionFailed, Reason: "RESOURCE_NOT_RENEWABLE", Message: "The resource is paid for by use; there is no period to renew."}
	case one.Resource.Status == models.ResourceClosed || one.Resource.Status == models.ResourceCreating:
		return &Problem{ProductID: string(id), Code: models.CodePreconditionFailed, Reason: "RESOURCE_NOT_RENEWABLE", Message: "The resource does not run."}
	}
	return nil
}

// lines are a main resource and, when they are asked for, its sub-resources that still run.
func (c QuoteRenewal) lines(one Renewable) []models.QuoteLine {
	main := c.line(one.Resource, one.Sizes)
	lines := []models.QuoteLine{main}
	if c.IncludeRelated != nil && !*c.IncludeRelated {
		return lines
	}
	for _, sub := range one.Subs {
		if sub.Status == models.ResourceClosed || sub.ChargingMode != one.Resource.ChargingMode {
			continue
		}
		line := c.line(sub, one.Sizes)
		line.ParentID = main.ID
		lines = append(lines, line)
	}
	return lines
}

func (c QuoteRenewal) line(r models.Resource, sizes map[models.ID]Size) models.QuoteLine {
	line := models.QuoteLine{ID: string(r.ID), ResourceID: r.ID, Charge: models.Charge{
		ServiceType: r.ServiceType, ResourceType: r.ResourceType, SpecCode: r.SpecCode, Region: r.Region, Quantity: 1, Pieces: 1,
		PeriodType: c.PeriodType, PeriodCount: c.PeriodCount,
	}}
	if size, linear := sizes[r.ID]; linear {
		line.Size, line.SizeMeasureID = &size.Value, size.MeasureID
	}
	return line
}
