package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// MaxChangeValidity is how long a quote of a change can be ordered at most.
const MaxChangeValidity = time.Hour

// precision is how many fraction digits amounts have that can be ordered.
const precision = 2

// QuoteChange asks what it costs, or gives back, to have another specification for what is left of the periods that were paid for.
type QuoteChange struct {
	ResourceID    models.ID // a main resource; what follows it stays as it is
	SpecCode      string    // of the resource's own service, resource type and region; it may be the same when the size is another
	Size          *decimal.Decimal
	SizeMeasureID *int // the vendor's measure id; needed with Size. Without both the size stays as it is
}

// Change quotes a change of specification: with something dearer the difference of the list prices for what is left of each period, less what a
// discount takes; with something cheaper what goes back. It needs CATALOG_READ and RESOURCES_READ. It is INVALID for what the resource is already,
// NOT_FOUND for a resource that the caller may not see, and PRECONDITION_FAILED with a reason of models.Resource.CheckOrderable, with
// RESOURCE_NOT_CHANGEABLE when nothing is left of a paid period, CATALOGUE_MISSING, or PRICE_TOO_LARGE. What is wrong with the new product is told
// in Problems.
func (s *Service) Change(ctx context.Context, who models.Principal, cmd QuoteChange) (Quoted, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return Quoted{}, err
	}
	if err := access.Require(who, models.ReadResources); err != nil {
		return Quoted{}, err
	}
	if err := cmd.ResourceID.Require(models.PrefixResource, "resourceId"); err != nil {
		return Quoted{}, err
	}
	if s.Changes == nil {
		return Quoted{}, ErrNotChangeable
	}
	now := s.now()
	resource, periods, found, err := s.Changes.ForChange(ctx, who, cmd.ResourceID, now)
	switch {
	case err != nil:
		return Quoted{}, err
	case !found:
		return Quoted{}, ErrResourceUnknown
	}
	if err := resource.CheckOrderable(); err != nil {
		return Quoted{}, err
	}
	if len(periods) == 0 || len(periods) > MaxProducts {
		return Quoted{}, ErrNotChangeable
	}
	quote := models.Quote{Kind: models.QuoteChange, Precision: precision}
	for i, period := range periods {
		line, err := cmd.line(resource, period, now)
		if err != nil {
			return Quoted{}, err
		}
		line.ID = string(resource.ID)
		if i > 0 { // of each further period, which was renewed for
			line.ID = fmt.Sprintf("%s.%d", resource.ID, i)
		}
		quote.Lines = append(quote.Lines, line)
	}
	return s.quote(ctx, who, &resource.CustomerID, quote)
}

// line is one period with the new product.
func (c QuoteChange) line(r models.Resource, period models.PaidPeriod, at time.Time) (models.QuoteLine, error) {
	line, err := lineOf(Product{
		ID: string(r.ID), ServiceType: r.ServiceType, ResourceType: r.ResourceType, SpecCode: c.SpecCode, Region: r.Region, Size: c.Size, SizeMeasureID: c.SizeMeasureID,
	})
	if err != nil {
		return models.QuoteLine{}, err
	}
	change := models.LineChange{
		BaseSpecCode: r.SpecCode, From: period.From.UTC(), Until: period.Until.UTC(), At: at, PaidRest: decimal.New(period.RestMinor, -precision),
	}
	if size, measure, linear := r.Size(); linear {
		change.BaseSize, change.BaseSizeMeasureID = &size, measure
	}
	if c.Size == nil {
		line.Size, line.SizeMeasureID = change.BaseSize, change.BaseSizeMeasureID
	}
	if line.SpecCode == r.SpecCode && sameSize(line.Size, change.BaseSize) && line.SizeMeasureID == change.BaseSizeMeasureID {
		return models.QuoteLine{}, models.Invalid("specCode", "This is what the resource is already.")
	}
	line.ResourceID, line.Pieces, line.PeriodType, line.PeriodCount, line.Change = r.ID, 1, period.PeriodType, period.PeriodCount, &change
	return line, nil
}

func sameSize(a, b *decimal.Decimal) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}
