package orders

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// Offers finds the quotes that orders were placed from.
type Offers interface {
	// QuotesByIDs returns those of the quotes that the caller may see.
	QuotesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Quote, error)
}

// ChooseOrderDiscount says at which of the prices of its quote an order is to be paid.
type ChooseOrderDiscount struct {
	OrderID    models.ID
	DiscountID *models.ID // one that the quote offers; nil = the list price
}

// DiscountChosen is the order after it.
type DiscountChosen struct {
	Order models.Order
}

// Choices returns the prices that an order may be paid at besides the list price, cheapest first; the one that its seller has set when there is one, and
// none for what was not placed from a quote, or does not wait for payment.
func (s *Service) Choices(ctx context.Context, who models.Principal, order models.Order) ([]models.QuoteOffer, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	if order.Payable(s.now()) != nil {
		return nil, nil //nolint:nilerr // what cannot be paid has no prices to choose from
	}
	if order.AdjustmentID != "" {
		return s.adjustedOffer(ctx, who, order)
	}
	quote, found, err := s.quoteOf(ctx, order)
	if err != nil || !found {
		return nil, err
	}
	return quote.Offers, nil
}

// adjustedOffer is the one price of an order whose seller has set it.
func (s *Service) adjustedOffer(ctx context.Context, who models.Principal, order models.Order) ([]models.QuoteOffer, error) {
	found, err := s.AdjustmentsByIDs(ctx, who, []models.ID{order.AdjustmentID})
	applied, seen := found[order.AdjustmentID]
	if err != nil || !seen {
		return nil, err
	}
	items, err := selectItems(ctx, s.DB, who, []models.ID{order.ID})
	return []models.QuoteOffer{applied.Offer(order.OfficialTotal(), len(items))}, err
}

// quoteOf reads the quote of an order that the caller is known to see.
func (s *Service) quoteOf(ctx context.Context, order models.Order) (models.Quote, bool, error) {
	if order.QuoteID == "" || s.Offers == nil {
		return models.Quote{}, false, nil
	}
	found, err := s.Offers.QuotesByIDs(ctx, models.SystemPrincipal("choices"), []models.ID{order.QuoteID})
	quote, seen := found[order.QuoteID]
	return quote, seen, err
}

// ChooseDiscount has an order that waits for payment paid at another price of its quote: with one of the discounts that it offered, or at the
// list price (O04). The prices of a quote hold as long as the order may be paid. The customer may, and operators; a request to the partner to pay
// ends with it. The same choice again changes nothing.
//
// The reasons of PRECONDITION_FAILED are those of models.Order.Payable, DISCOUNT_NOT_OFFERED, PRICE_ADJUSTED when its seller has set its price, ORDER_ALREADY_HELD while money is set aside, and
// REVIEW_NEEDED when an order at this price would have waited for an operator.
func (s *Service) ChooseDiscount(ctx context.Context, who models.Principal, cmd ChooseOrderDiscount) (DiscountChosen, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return DiscountChosen{}, err
	}
	if who.CustomerID == "" && !who.SeesAll() {
		return DiscountChosen{}, ErrCustomerPays
	}
	if err := cmd.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
		return DiscountChosen{}, err
	}
	var discount models.ID
	if cmd.DiscountID != nil {
		if discount = *cmd.DiscountID; discount.Require(models.PrefixDiscount, "discountId") != nil {
			return DiscountChosen{}, discount.Require(models.PrefixDiscount, "discountId")
		}
	}
	// A quote never changes, so it is read before the order is locked.
	seen, err := s.ByIDs(ctx, who, []models.ID{cmd.OrderID})
	if err != nil {
		return DiscountChosen{}, err
	}
	quote, quoted, err := s.quoteOf(ctx, seen[cmd.OrderID])
	if err != nil {
		return DiscountChosen{}, err
	}
	var order models.Order
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if order, found, err = selectOrderForUpdate(ctx, tx, who, cmd.OrderID); err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		if err := order.Payable(s.now()); err != nil {
			return err
		}
		if order.AdjustmentID != "" {
			return ErrPriceAdjusted
		}
		total, offered := quote.AmountMinor(discount)
		if !quoted || !offered {
			return ErrDiscountNotOffered
		}
		if order.DiscountID == discount {
			return nil
		}
		return s.chooseIn(ctx, tx, who, &order, quote, discount, total)
	})
	if err != nil {
		return DiscountChosen{}, err
	}
	s.nudge()
	return DiscountChosen{Order: order}, nil
}

func (s *Service) chooseIn(ctx context.Context, tx bun.IDB, who models.Principal, order *models.Order, quote models.Quote, discount models.ID, total int64) error {
	if err := s.endExpiredHold(ctx, tx, *order, s.now()); err != nil { // ErrAlreadyHeld while it lasts
		return err
	}
	if s.ReviewAbove > 0 && total > s.ReviewAbove && order.ReviewedAt == nil {
		return ErrReviewNeeded
	}
	items, err := selectItems(ctx, tx, who, []models.ID{order.ID})
	if err != nil {
		return err
	}
	before := *order
	order.DiscountID, order.TotalMinor, order.PartnerAskedAt, order.UpdatedAt = discount, total, nil, s.now()
	sum := int64(0)
	for i := range items {
		line, known := lineOf(quote, *order, items[i])
		if !known {
			return ErrDiscountNotOffered
		}
		if items[i].AmountMinor = line.AmountMinor(discount); line.Change != nil {
			items[i].PeriodMinor = line.Change.WholeMinor(discount, order.Currency)
		}
		sum += items[i].AmountMinor
	}
	if sum != total { // the order is not as its quote is
		return ErrDiscountNotOffered
	}
	if err := s.updatePrices(ctx, tx, order, items); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventOrderDiscountChosen, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
		Fields: []string{"discountId", "total"}, Changes: []models.FieldChange{
			models.Changed("discountId", before.DiscountID, order.DiscountID), models.Changed("total", before.Total().Plain(), order.Total().Plain()),
		}, Data: map[string]any{"total": order.Total().Plain(), "currency": order.Currency},
	})
}

// lineOf is the line of a quote that a line of its order was made of: those of periods for what runs are in the order of the resources, all others in
// their own.
func lineOf(quote models.Quote, order models.Order, item models.OrderItem) (models.QuoteLine, bool) {
	at := item.Position - 1
	if order.Type == models.OrderRenew || order.Type == models.OrderToPeriod {
		at = slices.IndexFunc(quote.Lines, func(l models.QuoteLine) bool { return l.ResourceID == item.ResourceID })
	}
	if at < 0 || at >= len(quote.Lines) {
		return models.QuoteLine{}, false
	}
	return quote.Lines[at], true
}

// updatePrices writes what an order and its lines cost.
func (s *Service) updatePrices(ctx context.Context, tx bun.IDB, order *models.Order, items []models.OrderItem) error {
	s.announce(ctx, order.ID)
	if _, err := tx.NewUpdate().Model(order).Column("total_minor", "discount_id", "adjustment_id", "partner_asked_at", "updated_at").WherePK().Exec(ctx); err != nil {
		return store.Translate(err)
	}
	for i := range items {
		if _, err := tx.NewUpdate().Model(&items[i]).Column("amount_minor", "period_minor", "list_minor").WherePK().Exec(ctx); err != nil {
			return store.Translate(err)
		}
	}
	return nil
}
