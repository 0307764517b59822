package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// priceAnew prices what a quote asks for with the catalogue and the discounts of a moment. The result is the quote as it would be given
// then, not kept.
func (s *Service) priceAnew(ctx context.Context, db bun.IDB, quote models.Quote, customer models.Customer, at time.Time) (models.Quote, []Problem, error) {
	version, found, err := selectVersionAt(ctx, db, quote.Cloud, at)
	if err != nil {
		return models.Quote{}, nil, err
	}
	if !found {
		return models.Quote{}, nil, ErrNoCatalogue
	}
	given, err := selectDiscountsOf(ctx, db, customer, at)
	if err != nil {
		return models.Quote{}, nil, err
	}
	quote.CatalogueVersion, quote.Discounts, quote.CreatedAt = version.ID, models.Applicable(given, customer, at), at
	return s.price(ctx, db, quote)
}

// Recompute prices a kept quote again from its own version, discounts and moment. The result is the quote as it was given; a difference
// would mean that something changed which never does. It needs CATALOG_READ and is NOT_FOUND for a quote that the caller may not see.
func (s *Service) Recompute(ctx context.Context, who models.Principal, id models.ID) (models.Quote, error) {
	found, err := s.QuotesByIDs(ctx, who, []models.ID{id})
	if err != nil {
		return models.Quote{}, err
	}
	quote, seen := found[id]
	if !seen {
		return models.Quote{}, ErrQuoteUnknown
	}
	quote.Official, quote.Offers = decimal.Zero, nil
	for i := range quote.Lines {
		quote.Lines[i].UnitPrice, quote.Lines[i].Official, quote.Lines[i].Offers = decimal.Zero, decimal.Zero, nil
	}
	again, problems, err := s.price(ctx, s.DB, quote)
	if len(problems) > 0 {
		return models.Quote{}, fmt.Errorf("quote %s has no price any more: %s", id, problems[0].Message)
	}
	return again.Exact(), err
}

// price fills in the prices of a quote from its own version, discounts and moment: what it returns depends on nothing else, so that a
// quote can be computed again at any time. With problems there is no price.
func (s *Service) price(ctx context.Context, db bun.IDB, quote models.Quote) (models.Quote, []Problem, error) {
	quote.Lines = slices.Clone(quote.Lines)
	products := make([]string, 0, len(quote.Lines))
	for _, line := range quote.Lines {
		for _, product := range []string{line.Product(), baseOf(line).Product()} {
			if !slices.Contains(products, product) {
				products = append(products, product)
			}
		}
	}
	shelf, err := s.shelf(ctx, db, quote, products)
	if err != nil {
		return models.Quote{}, nil, err
	}
	if slices.ContainsFunc(quote.Lines, func(l models.QuoteLine) bool {
		return l.Change != nil && (shelf.packed(l.Product()) || shelf.packed(baseOf(l).Product()))
	}) {
		return models.Quote{}, nil, errPackageStays
	}
	var problems []Problem
	rated := make([]models.Rated, len(quote.Lines))
	for i, line := range quote.Lines {
		var problem error
		if rated[i], problem = shelf.rate(line.Charge); problem != nil {
			problems = append(problems, Problem{ProductID: line.ID, err: problem})
		} else if line.Change != nil {
			rated[i] = rated[i].Instead(shelf.base(line), *line.Change)
		}
	}
	if len(problems) > 0 {
		problems, err = s.explain(ctx, db, quote, problems)
		return models.Quote{}, problems, err
	}
	policies, err := selectPolicies(ctx, db, quote.CatalogueVersion, models.BillingCycleAt(quote.CreatedAt))
	if err != nil {
		return models.Quote{}, nil, err
	}
	err = quote.Total(rated, policies)
	return quote, nil, err
}

// baseOf is the charge of what a line takes the place of, or of the line itself.
func baseOf(line models.QuoteLine) models.Charge {
	charge := line.Charge
	if line.Change != nil {
		charge.SpecCode, charge.Size, charge.SizeMeasureID = line.Change.BaseSpecCode, line.Change.BaseSize, line.Change.BaseSizeMeasureID
	}
	return charge
}

// base rates what a change takes the place of; nil when it has no price any more.
func (sh shelf) base(line models.QuoteLine) *models.Rated {
	rated, err := sh.rate(baseOf(line))
	if err != nil {
		return nil
	}
	return &rated
}

// shelf is what of a version some products need to be priced.
type shelf struct {
	specs       map[string]models.Specification
	prices      map[string][]models.Price
	conversions models.Conversions
}

func (s *Service) shelf(ctx context.Context, db bun.IDB, quote models.Quote, products []string) (shelf, error) {
	sh := shelf{specs: make(map[string]models.Specification, len(products)), prices: make(map[string][]models.Price, len(products))}
	specs, err := selectOf[models.Specification](ctx, db, quote.CatalogueVersion, "product", products)
	if err != nil {
		return sh, err
	}
	for _, spec := range specs {
		sh.specs[spec.Product] = spec
	}
	prices, err := selectOf[models.Price](ctx, db, quote.CatalogueVersion, "product", products)
	if err != nil {
		return sh, err
	}
	for _, price := range prices {
		sh.prices[price.Product] = append(sh.prices[price.Product], price)
	}
	measured := func(l models.QuoteLine) bool { return l.Size != nil || l.OnDemand() }
	if slices.ContainsFunc(quote.Lines, measured) {
		sh.conversions, err = selectConversions(ctx, db, quote.CatalogueVersion)
	}
	return sh, err
}

// packed reports whether a product is a resource package (O18).
func (sh shelf) packed(product string) bool { return len(sh.specs[product].Package) > 0 }

var (
	errNoSpec  = errors.New("no such specification")
	errNoZone  = errors.New("not sold in this zone")
	errNoPrice = errors.New("no such price")
)

// rate finds the price of a charge. Without one the error is errNoSpec, errNoZone or errNoPrice, which explain puts into words.
func (sh shelf) rate(c models.Charge) (models.Rated, error) {
	spec, sold := sh.specs[c.Product()]
	if !sold {
		return models.Rated{}, errNoSpec
	}
	if c.Zone != "" && !slices.Contains(spec.Zones, c.Zone) {
		return models.Rated{}, errNoZone
	}
	at := slices.IndexFunc(sh.prices[c.Product()], func(p models.Price) bool { return p.Fits(c) })
	if at < 0 {
		return models.Rated{}, errNoPrice
	}
	return sh.prices[c.Product()][at].Rate(c, sh.conversions)
}
