package catalog

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// QuoteForOrderIn returns a quote that an order may be placed from, in the order's own transaction. It locks nothing. It needs
// CATALOG_READ, and is NOT_FOUND for a quote that the caller may not see, PRECONDITION_FAILED with the reason QUOTE_NOT_ORDERABLE for
// on-demand use, QUOTE_EXPIRED when its time is over, and QUOTE_STALE when the catalogue in force, the customer's discounts or its
// partner give another price by now.
func (s *Service) QuoteForOrderIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Quote, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return models.Quote{}, err
	}
	if err := id.Require(models.PrefixQuote, "quoteId"); err != nil {
		return models.Quote{}, err
	}
	found, err := selectQuotes(ctx, tx, who, []models.ID{id})
	if err != nil {
		return models.Quote{}, err
	}
	if len(found) == 0 {
		return models.Quote{}, ErrQuoteUnknown
	}
	quote, now := found[0], s.now()
	if err := quote.Open(now); err != nil {
		return models.Quote{}, err
	}
	customer, seen, err := s.Customers.ByIDIn(ctx, tx, who, quote.CustomerID)
	if err != nil {
		return models.Quote{}, err
	}
	if !seen {
		return models.Quote{}, ErrQuoteUnknown
	}
	if quote.PartnerID != "" && customer.PartnerID != quote.PartnerID {
		return models.Quote{}, ErrQuoteStale
	}
	anew, problems, err := s.priceAnew(ctx, tx, quote, customer, now)
	if err != nil {
		return models.Quote{}, err
	}
	if len(problems) > 0 || !quote.StillWorth(anew) {
		return models.Quote{}, ErrQuoteStale
	}
	return quote, nil
}
