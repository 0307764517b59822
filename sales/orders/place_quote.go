package orders

import (
	"context"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Quotes gives the prices that customers order at.
type Quotes interface {
	// QuoteForOrderIn returns a quote that an order may be placed from now, or says why it may not.
	QuoteForOrderIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Quote, error)
}

// The lengths of what a placer writes on an order, in characters.
const (
	maxName       = 200
	maxProject    = 128
	maxExternalID = 128
)

// PlaceFromQuote orders what a price inquiry offered.
type PlaceFromQuote struct {
	CustomerID        models.ID
	QuoteID           models.ID  // one order per quote, unless that one was cancelled
	DiscountID        *models.ID // one of the quote's; nil = the best offer, when there is one
	WithoutDiscount   bool       // the list price, such as for a coupon that goes with no discount
	ExternalID        *string    // the storefront's own key, 1 to 128 characters; unique
	Name              *string    // 1 to 200 characters
	EnterpriseProject *string    // 1 to 128 characters
	IdempotencyKey    string     // 1 to 128 printable ASCII characters, made up once
}

// Placed is the order as it was placed. A repeated key returns it as it was then.
type Placed struct {
	Order models.Order
}

// PlaceQuoted places an order at the prices of a quote (K04, K08): a purchase, or a renewal, a change or a turn from use to a period when the quote is one. The customer may, operators, and
// its partner when it is authorised (O16). An order above ReviewAbove, and any of a customer that is under review, waits in PENDING_REVIEW for
// an operator; every other one for its payment. A change that costs nothing is carried out at once.
//
// The reasons of PRECONDITION_FAILED are those of the quote (QUOTE_EXPIRED, QUOTE_STALE, QUOTE_NOT_ORDERABLE), QUOTE_USED, DISCOUNT_NOT_OFFERED,
// NOT_AUTHORISED, CUSTOMER_FROZEN, and for everything but a purchase those of Renew; of a turn from use, which needs what is charged by use,
// RESOURCE_BY_PERIOD in place of RESOURCE_PAY_PER_USE. An external id that is taken is CONFLICT.
func (s *Service) PlaceQuoted(ctx context.Context, who models.Principal, cmd PlaceFromQuote) (Placed, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return Placed{}, err
	}
	if err := cmd.check(); err != nil {
		return Placed{}, err
	}
	asked := cmd
	asked.IdempotencyKey = ""
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "placeOrder", asked, func(ctx context.Context, tx bun.IDB) (Placed, error) {
		order, err := s.placeQuotedIn(ctx, tx, who, cmd)
		return Placed{Order: order}, err
	})
	if err != nil {
		return Placed{}, err
	}
	s.nudge()
	return done, nil
}

func (cmd PlaceFromQuote) check() error {
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	if err := cmd.QuoteID.Require(models.PrefixQuote, "quoteId"); err != nil {
		return err
	}
	if cmd.DiscountID != nil {
		if cmd.WithoutDiscount {
			return models.Invalid("discountId", "Take a discount, or none.")
		}
		if err := cmd.DiscountID.Require(models.PrefixDiscount, "discountId"); err != nil {
			return err
		}
	}
	for _, text := range []struct {
		field string
		value *string
		most  int
	}{{"externalId", cmd.ExternalID, maxExternalID}, {"name", cmd.Name, maxName}, {"enterpriseProject", cmd.EnterpriseProject, maxProject}} {
		if text.value != nil && !isLine(*text.value, text.most) {
			return models.Invalid(text.field, "This is one line of text that is not empty and not too long.")
		}
	}
	return nil
}

// isLine reports whether a text is one line of 1 to most characters.
func isLine(text string, most int) bool {
	if text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > most {
		return false
	}
	for _, c := range text {
		if unicode.IsControl(c) {
			return false
		}
	}
	return true
}

func (s *Service) placeQuotedIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd PlaceFromQuote) (models.Order, error) {
	customer, err := s.customerOf(ctx, tx, who, cmd.CustomerID)
	if err != nil {
		return models.Order{}, err
	}
	if err := s.actFor(ctx, tx, who, cmd.CustomerID); err != nil {
		return models.Order{}, err
	}
	if customer.Frozen != models.NotFrozen {
		return models.Order{}, ErrCustomerFrozen
	}
	if s.Quotes == nil {
		return models.Order{}, models.NotFound("quote")
	}
	quote, err := s.Quotes.QuoteForOrderIn(ctx, tx, who, cmd.QuoteID)
	if err != nil {
		return models.Order{}, err
	}
	if quote.CustomerID != cmd.CustomerID {
		return models.Order{}, models.NotFound("quote")
	}
	discount, err := chosen(quote, cmd)
	if err != nil {
		return models.Order{}, err
	}
	total, _ := quote.AmountMinor(discount)
	order := models.Order{
		CustomerID: customer.ID, Type: models.OrderNew, Source: sourceOf(who), TotalMinor: total, OfficialMinor: quote.OfficialMinor(),
		QuoteID: quote.ID, DiscountID: discount, ExternalID: deref(cmd.ExternalID), Name: deref(cmd.Name), EnterpriseProject: deref(cmd.EnterpriseProject),
	}
	switch quote.Kind {
	case models.QuoteRenewal:
		order.Type = models.OrderRenew
		return s.placePeriodsIn(ctx, tx, who, customer, order, quote, models.ChargedByPeriod)
	case models.QuoteToPeriod:
		order.Type = models.OrderToPeriod
		return s.placePeriodsIn(ctx, tx, who, customer, order, quote, models.ChargedByUse)
	case models.QuoteChange:
		return s.placeChangeIn(ctx, tx, who, customer, order, quote)
	case models.QuotePurchase, models.QuoteOnDemand: // the latter is never for an order
	}
	return s.placeAtIn(ctx, tx, who, customer, order, s.purchaseLines(quote, discount))
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// chosen returns the discount that the order takes, the zero id for none.
func chosen(quote models.Quote, cmd PlaceFromQuote) (models.ID, error) {
	if cmd.DiscountID != nil {
		if _, offered := quote.AmountMinor(*cmd.DiscountID); !offered {
			return "", ErrDiscountNotOffered
		}
		return *cmd.DiscountID, nil
	}
	if best := quote.BestOffer(); best != nil && !cmd.WithoutDiscount {
		return best.DiscountID, nil
	}
	return "", nil
}

// purchaseLines are the lines of a quote as an order has them: parts follow their line and last as long as it does.
func (s *Service) purchaseLines(quote models.Quote, discount models.ID) []models.OrderItem {
	items := make([]models.OrderItem, len(quote.Lines))
	byLine := map[string]models.OrderItem{}
	for i, line := range quote.Lines {
		item := models.OrderItem{
			ID: s.IDs(models.PrefixOrderItem), ServiceType: line.ServiceType, ResourceType: line.ResourceType, SpecCode: line.SpecCode, Region: line.Region,
			Quantity: line.Quantity, PeriodType: line.PeriodType, PeriodCount: line.PeriodCount, AmountMinor: line.AmountMinor(discount),
		}
		item.SpecSize, item.SpecMeasure = sizeOf(line.Size, line.SizeMeasureID)
		if line.ParentID != "" {
			main := byLine[line.ParentID]
			item.ParentID, item.PeriodType, item.PeriodCount = main.ID, main.PeriodType, main.PeriodCount
		}
		byLine[line.ID] = item
		items[i] = item
	}
	return items
}

// sizeOf writes a size and its measure as lines and resources have them; empty for what is sold by the piece.
func sizeOf(size *decimal.Decimal, measure int) (string, string) {
	if size == nil {
		return "", ""
	}
	return size.String(), strconv.Itoa(measure)
}

// placePeriodsIn orders the periods of a quote for what runs and is charged in a mode: a renewal, or a turn from use to a period. A resource that has
// come to a main resource since has no price in the quote, which is stale then.
func (s *Service) placePeriodsIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, order models.Order, quote models.Quote, mode models.ChargingMode) (models.Order, error) {
	lines := map[models.ID]models.QuoteLine{}
	var mains []models.ID
	for _, line := range quote.Lines {
		lines[line.ResourceID] = line
		if line.ParentID == "" {
			mains = append(mains, line.ResourceID)
		}
	}
	if err := checkResources(mains); err != nil {
		return models.Order{}, err
	}
	st, err := s.stand(ctx, tx, who, mains, mode, true)
	if err != nil {
		return models.Order{}, err
	}
	if st.customer.ID != customer.ID || len(st.members()) != len(quote.Lines) {
		return models.Order{}, ErrQuoteStale
	}
	s.belong(&order, customer, s.now())
	items := s.linesFor(order, st.families)
	periods := map[models.ID]models.QuoteLine{} // of the main line, for what follows it
	for i := range items {
		line, priced := lines[items[i].ResourceID]
		if !priced {
			return models.Order{}, ErrQuoteStale
		}
		if items[i].ParentID == "" {
			periods[items[i].ID] = line
		}
		main := periods[items[i].ID]
		if items[i].ParentID != "" {
			main = periods[items[i].ParentID]
		}
		items[i].PeriodType, items[i].PeriodCount, items[i].AmountMinor = main.PeriodType, main.PeriodCount, line.AmountMinor(order.DiscountID)
	}
	return s.placeAtIn(ctx, tx, who, customer, order, items)
}

// placeAtIn writes an order whose prices are not the caller's, and lets it wait for its review or its payment.
func (s *Service) placeAtIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, order models.Order, items []models.OrderItem) (models.Order, error) {
	due := s.now().Add(s.payWithinOf(order.Type))
	order.PayBy, order.Status = &due, models.OrderPendingPayment
	s.belong(&order, customer, s.now())
	if err := s.completeItems(&order, items); err != nil {
		return models.Order{}, err
	}
	review, err := s.needsReview(ctx, tx, order)
	if err != nil {
		return models.Order{}, err
	}
	if review {
		order.Status, order.PayBy = models.OrderPendingReview, nil
	}
	return s.write(ctx, tx, who, order, items)
}

// write inserts a new order with its lines, schedules its expiry, and tells of it.
func (s *Service) write(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, items []models.OrderItem) (models.Order, error) {
	if err := s.insertQuoted(ctx, tx, who, order, items, s.placedEvent(order)); err != nil {
		return models.Order{}, err
	}
	return order, s.scheduleExpiry(ctx, tx, order)
}

// insertQuoted is insertOrder that says whose key or quote was taken already.
func (s *Service) insertQuoted(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, items []models.OrderItem, happened ...models.Event) error {
	err := s.insertOrder(ctx, tx, who, order, items, happened...)
	switch {
	case err == nil:
		return nil
	case store.Conflicts(err, "orders", "external_id"):
		return ErrExternalTaken
	case store.Conflicts(err, "orders", "quote_id"):
		return ErrQuoteUsed
	}
	return err
}
