package catalog

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// MaxProducts bounds the products of one inquiry, parts included.
const MaxProducts = 100

// Product is one of the products of an inquiry by its four codes (K04).
type Product struct {
	ID            string // unique in the inquiry; it links answer to question (K03)
	ServiceType   string // hws.service.type.*
	ResourceType  string // hws.resource.type.*
	SpecCode      string
	Region        string
	Zone          *string          // nil = any of the region's
	Quantity      *int             // the vendor's subscription_num, 1 to 10000; of a part: per piece of the line it belongs to; nil = 1
	Size          *decimal.Decimal // of one piece of a linear product
	SizeMeasureID *int             // the vendor's measure id; needed with Size
}

// PurchaseProduct is a product to be bought for some periods, with its parts.
type PurchaseProduct struct {
	Product

	PeriodType  models.PeriodType // HOUR, DAY, MONTH or YEAR; goes for the parts too
	PeriodCount int
	Parts       []Product // sub-resources, such as a server's system disk (O11)
}

// OnDemandProduct is a product whose use is to be priced.
type OnDemandProduct struct {
	Product

	UsageType      string // the vendor's usage_factor, such as duration
	UsageValue     decimal.Decimal
	UsageMeasureID int
}

// QuotePurchase asks what new products cost for some periods (K04).
type QuotePurchase struct {
	CustomerID *models.ID // whose price (K05); nil = the calling customer's own
	Products   []PurchaseProduct
}

// QuoteOnDemand asks what the use of products costs (K03).
type QuoteOnDemand struct {
	CustomerID *models.ID
	Precision  *int // fraction digits of the amounts: 6, the vendor's mode 0, or 10, its mode 1; nil = 6
	Products   []OnDemandProduct
}

// Quoted is what an inquiry brought: a quote, or what is wrong with its products and then no quote.
type Quoted struct {
	Quote    *models.Quote
	Problems []Problem // in the order of the products; empty with a quote
}

// Purchase quotes new products for periods. It needs CATALOG_READ. It is INVALID for an inquiry that makes no sense, NOT_FOUND for a customer
// that the caller may not see, and PRECONDITION_FAILED with the reason CATALOGUE_MISSING, or PRICE_TOO_LARGE. What is wrong with single
// products, such as PRODUCT_NOT_FOUND, is told of all of them at once in Problems.
func (s *Service) Purchase(ctx context.Context, who models.Principal, cmd QuotePurchase) (Quoted, error) {
	quote := models.Quote{Kind: models.QuotePurchase, Precision: 2}
	for i, product := range cmd.Products {
		line, err := lineOf(product.Product)
		if err != nil {
			return Quoted{}, err
		}
		if err := checkPeriod(product.PeriodType, product.PeriodCount); err != nil {
			return Quoted{}, err
		}
		line.PeriodType, line.PeriodCount, line.Pieces = product.PeriodType, product.PeriodCount, line.Quantity
		quote.Lines = append(quote.Lines, line)
		if len(product.Parts) > MaxProducts || i > MaxProducts {
			return Quoted{}, errTooMany
		}
		for _, part := range product.Parts {
			sub, err := lineOf(part)
			if err != nil {
				return Quoted{}, err
			}
			sub.ParentID, sub.PeriodType, sub.PeriodCount, sub.Pieces = line.ID, line.PeriodType, line.PeriodCount, sub.Quantity*line.Quantity
			quote.Lines = append(quote.Lines, sub)
		}
	}
	return s.quote(ctx, who, cmd.CustomerID, quote)
}

// OnDemand quotes the use of products. See Purchase for its errors. The answer tells a price; there is nothing to order.
func (s *Service) OnDemand(ctx context.Context, who models.Principal, cmd QuoteOnDemand) (Quoted, error) {
	quote := models.Quote{Kind: models.QuoteOnDemand, Precision: 6}
	if cmd.Precision != nil {
		quote.Precision = *cmd.Precision
	}
	if quote.Precision != 6 && quote.Precision != 10 {
		return Quoted{}, models.Invalid("precision", "The precision is 6 or 10 fraction digits (K03).")
	}
	for i, product := range cmd.Products {
		if i > MaxProducts {
			return Quoted{}, errTooMany
		}
		line, err := lineOfUse(product)
		if err != nil {
			return Quoted{}, err
		}
		quote.Lines = append(quote.Lines, line)
	}
	return s.quote(ctx, who, cmd.CustomerID, quote)
}

// lineOfUse checks the use of a product and makes a line of it.
func lineOfUse(product OnDemandProduct) (models.QuoteLine, error) {
	line, err := lineOf(product.Product)
	if err != nil {
		return models.QuoteLine{}, err
	}
	if err := checkCode(product.UsageType, "usageType"); err != nil {
		return models.QuoteLine{}, err
	}
	if err := models.CheckPrice(product.UsageValue, "usageValue"); err != nil {
		return models.QuoteLine{}, err
	}
	if product.UsageMeasureID < 1 {
		return models.QuoteLine{}, models.Invalid("usageMeasureId", "A measure's id is above 0.")
	}
	value := product.UsageValue
	line.UsageType, line.UsageValue, line.UsageMeasureID, line.Pieces = product.UsageType, &value, product.UsageMeasureID, line.Quantity
	return line, nil
}

var errTooMany = models.Invalid("products", fmt.Sprintf("An inquiry has 1 to %d products, parts included.", MaxProducts))

// lineOf checks a product and makes a line of it.
func lineOf(p Product) (models.QuoteLine, error) {
	if p.ID == "" || len(p.ID) > 64 || !codePattern.MatchString(p.ID) {
		return models.QuoteLine{}, models.Invalid("id", "A product's id has 1 to 64 letters, digits and . _ : -, and starts with a letter or digit.")
	}
	for _, code := range []struct{ field, value string }{
		{"serviceType", p.ServiceType}, {"resourceType", p.ResourceType}, {"specCode", p.SpecCode}, {"region", p.Region},
	} {
		if err := checkCode(code.value, code.field); err != nil {
			return models.QuoteLine{}, err
		}
	}
	line := models.QuoteLine{ID: p.ID, Charge: models.Charge{
		ServiceType: p.ServiceType, ResourceType: p.ResourceType, SpecCode: p.SpecCode, Region: p.Region, Quantity: 1,
	}}
	if p.Zone != nil {
		if err := checkCode(*p.Zone, "zone"); err != nil {
			return models.QuoteLine{}, err
		}
		line.Zone = *p.Zone
	}
	if p.Quantity != nil {
		line.Quantity = *p.Quantity
	}
	if line.Quantity < 1 || line.Quantity > models.MaxQuantity {
		return models.QuoteLine{}, models.Invalid("quantity", fmt.Sprintf("The quantity is from 1 to %d (K03).", models.MaxQuantity))
	}
	if (p.Size == nil) != (p.SizeMeasureID == nil) {
		return models.QuoteLine{}, models.Invalid("sizeMeasureId", "A size has a measure, and a measure a size.")
	}
	if p.Size == nil {
		return line, nil
	}
	size := *p.Size
	if err := models.CheckPrice(size, "size"); err != nil {
		return models.QuoteLine{}, err
	}
	if size.IsZero() || *p.SizeMeasureID < 1 {
		return models.QuoteLine{}, models.Invalid("size", "A size and its measure's id are above 0.")
	}
	line.Size, line.SizeMeasureID = &size, *p.SizeMeasureID
	return line, nil
}

func checkCode(code, field string) error {
	if code == "" || len(code) > 64 || !codePattern.MatchString(code) {
		return models.Invalid(field, field+" is a code of 1 to 64 letters, digits and . _ : - (K02).")
	}
	return nil
}

func checkPeriod(period models.PeriodType, count int) error {
	longest := models.LongestPeriod(period)
	if longest == 0 {
		return models.Invalid("periodType", "The period type is HOUR, DAY, MONTH or YEAR (K04).")
	}
	if count < 1 || count > longest {
		return models.Invalid("periodCount", fmt.Sprintf("For %s the count is from 1 to %d.", period, longest))
	}
	return nil
}

// checkLines checks what concerns the lines together, and numbers them.
func checkLines(lines []models.QuoteLine) error {
	if len(lines) == 0 || len(lines) > MaxProducts {
		return errTooMany
	}
	seen := make(map[string]bool, len(lines))
	for i := range lines {
		if seen[lines[i].ID] {
			return models.Invalid("id", fmt.Sprintf("The id %q is there twice; ids link answers to questions (K03).", clip(lines[i].ID)))
		}
		seen[lines[i].ID] = true
		lines[i].Position = i + 1
	}
	return nil
}

// quote prices the lines for a customer and keeps the answer.
func (s *Service) quote(ctx context.Context, who models.Principal, customerID *models.ID, quote models.Quote) (Quoted, error) {
	if err := access.Require(who, models.ReadCatalogue); err != nil {
		return Quoted{}, err
	}
	if err := checkLines(quote.Lines); err != nil {
		return Quoted{}, err
	}
	customer, err := s.whose(ctx, who, customerID)
	if err != nil {
		return Quoted{}, err
	}
	return s.quoteFor(ctx, who, customer, quote)
}

// quoteFor is quote for a customer that the caller is known to see. Prices are read outside a transaction: versions never change.
func (s *Service) quoteFor(ctx context.Context, who models.Principal, customer models.Customer, quote models.Quote) (Quoted, error) {
	now := s.now()
	quote.ID, quote.Cloud, quote.CustomerID, quote.Currency = s.IDs(models.PrefixQuote), customer.Cloud, customer.ID, customer.Currency
	if customer.Mode == models.Resale || who.CustomerID == "" && who.PartnerID != "" {
		quote.PartnerID = customer.PartnerID
	}
	for i := range quote.Lines {
		quote.Lines[i].Currency = customer.Currency
	}
	quote, problems, err := s.priceAnew(ctx, s.DB, quote, customer, now)
	if err != nil {
		return Quoted{}, err
	}
	if len(problems) > 0 {
		return Quoted{Problems: problems}, nil
	}
	quote.ExpiresAt = now.Add(s.validity())
	if quote.Kind == models.QuoteChange { // what is left of a period becomes less every day
		quote.ExpiresAt = now.Add(min(s.validity(), MaxChangeValidity))
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, &quote); err != nil {
			return err
		}
		given := models.Event{
			Type: models.EventQuoteGiven, PartnerID: quote.PartnerID, CustomerID: quote.CustomerID, SubjectID: string(quote.ID),
			Data: map[string]any{"kind": quote.Kind, "official": quote.Official.StringFixed(int32(quote.Precision)), "currency": quote.Currency},
		}
		for _, line := range quote.Lines {
			if line.ResourceID != "" {
				named, _ := given.Data["resourceIds"].([]models.ID)
				given.Data["resourceIds"] = append(named, line.ResourceID)
			}
		}
		return s.Events.Record(ctx, tx, who, given)
	})
	if err != nil {
		return Quoted{}, err
	}
	exact := quote.Exact()
	return Quoted{Quote: &exact, Problems: []Problem{}}, nil
}

// whose finds the customer whose price is asked for (K05): a customer's own, or one that a partner or an operator names and may see.
func (s *Service) whose(ctx context.Context, who models.Principal, id *models.ID) (models.Customer, error) {
	if id == nil {
		if who.CustomerID == "" {
			return models.Customer{}, models.Invalid("customerId", "Say whose price you ask for: discounts are a customer's (K05).")
		}
		id = &who.CustomerID
	}
	if err := id.Require(models.PrefixCustomer, "customerId"); err != nil {
		return models.Customer{}, err
	}
	customer, found, err := s.Customers.ByIDIn(ctx, s.DB, who, *id)
	if err != nil {
		return models.Customer{}, err
	}
	if !found {
		return models.Customer{}, ErrCustomerUnknown
	}
	return customer, nil
}
