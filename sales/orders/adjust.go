package orders

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// AdjustPrice says at which price the seller wants an order to be paid.
type AdjustPrice struct {
	OrderID models.ID
	Mode    models.DiscountMode
	Value   decimal.Decimal // of the list price: the share that is left to pay, the price, or what comes off
	Reason  string          // for the customer, one line of 1 to 500 characters; no personal data
	// ActingForPartnerID is the caller's reseller that sells (M07); nil = the caller itself.
	ActingForPartnerID *models.ID
	IdempotencyKey     string // 1 to 128 printable ASCII characters
}

// RestorePrice says of which order the seller takes its price back.
type RestorePrice struct {
	OrderID            models.ID
	Reason             string // one line of 1 to 500 characters; no personal data
	ActingForPartnerID *models.ID
	IdempotencyKey     string
}

// PriceAdjusted is the order after it.
type PriceAdjusted struct {
	Order      models.Order
	Adjustment *models.PriceAdjustment // that applies; nil = none
}

// AdjustPrice sets what an order that waits for payment costs, in place of the discount that was chosen; the customer chooses no other one then (O04, type
// 609). From nothing to the list price, and over the lines in proportion to what they cost without it. The seller may: the partner whose resale money
// pays, a distributor in the name of its reseller, and operators for every order. It needs DISCOUNTS_GRANT. Set again, the later price counts.
//
// The reasons of PRECONDITION_FAILED are those of models.Order.Payable, ORDER_ALREADY_HELD while money is set aside, REVIEW_NEEDED when an order at this
// price would have waited for an operator, and NOT_THE_SELLER for a customer that is another's by now.
func (s *Service) AdjustPrice(ctx context.Context, who models.Principal, cmd AdjustPrice) (PriceAdjusted, error) {
	if err := checkSeller(who, cmd.OrderID, cmd.Reason, cmd.ActingForPartnerID); err != nil {
		return PriceAdjusted{}, err
	}
	adjustment := models.PriceAdjustment{OrderID: cmd.OrderID, Mode: cmd.Mode, Value: cmd.Value, Reason: cmd.Reason}
	// The bounds of the value come first, before anything writes it out; the rest needs the order.
	if err := adjustment.CheckValue(); err != nil {
		return PriceAdjusted{}, err
	}
	asked := struct {
		OrderID       models.ID
		Mode          models.DiscountMode
		Value, Reason string
		ActingFor     *models.ID
	}{cmd.OrderID, cmd.Mode, cmd.Value.String(), cmd.Reason, cmd.ActingForPartnerID}
	return s.reprice(ctx, who, repricing{
		operation: "adjustOrderPrice", key: cmd.IdempotencyKey, asked: asked, order: cmd.OrderID, acting: cmd.ActingForPartnerID, reason: cmd.Reason, to: &adjustment,
	})
}

// RestorePrice takes the price back that the seller has set for an order that waits for payment: it costs its list price again, and the customer may choose
// one of its quote's discounts; an order without a quote costs what it did. The refusals are those of AdjustPrice, and NOT_ADJUSTED.
func (s *Service) RestorePrice(ctx context.Context, who models.Principal, cmd RestorePrice) (PriceAdjusted, error) {
	if err := checkSeller(who, cmd.OrderID, cmd.Reason, cmd.ActingForPartnerID); err != nil {
		return PriceAdjusted{}, err
	}
	asked := struct {
		OrderID   models.ID
		Reason    string
		ActingFor *models.ID
	}{cmd.OrderID, cmd.Reason, cmd.ActingForPartnerID}
	return s.reprice(ctx, who, repricing{
		operation: "restoreOrderPrice", key: cmd.IdempotencyKey, asked: asked, order: cmd.OrderID, acting: cmd.ActingForPartnerID, reason: cmd.Reason,
	})
}

// checkSeller refuses who can be nobody's seller, and what makes no sense for any order.
func checkSeller(who models.Principal, order models.ID, reason string, acting *models.ID) error {
	if err := access.Require(who, models.GrantDiscounts); err != nil {
		return err
	}
	if who.CustomerID != "" || who.PartnerID == "" && !who.SeesAll() {
		return ErrSellerAdjusts
	}
	if err := order.Require(models.PrefixOrder, "orderId"); err != nil {
		return err
	}
	if acting != nil {
		if err := acting.Require(models.PrefixPartner, "actingForPartnerId"); err != nil {
			return err
		}
	}
	return models.CheckText(reason, "reason", maxReason, false)
}

// repricing is a change of an order's price by its seller.
type repricing struct {
	operation, key string
	asked          any
	order          models.ID
	acting         *models.ID
	reason         string
	to             *models.PriceAdjustment // nil = back to what it costs without one
}

func (s *Service) reprice(ctx context.Context, who models.Principal, change repricing) (PriceAdjusted, error) {
	if err := ledger.CheckKey(change.key); err != nil {
		return PriceAdjusted{}, err
	}
	// A quote never changes, so it is read before the order is locked.
	seen, err := s.ByIDs(ctx, who, []models.ID{change.order})
	if err != nil {
		return PriceAdjusted{}, err
	}
	quote, _, err := s.quoteOf(ctx, seen[change.order])
	if err != nil {
		return PriceAdjusted{}, err
	}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, change.key, change.operation, change.asked, func(ctx context.Context, tx bun.IDB) (PriceAdjusted, error) {
		return s.repriceIn(ctx, tx, who, change, quote)
	})
	if err != nil {
		return PriceAdjusted{}, err
	}
	s.nudge()
	return done, nil
}

func (s *Service) repriceIn(ctx context.Context, tx bun.IDB, who models.Principal, change repricing, quote models.Quote) (PriceAdjusted, error) {
	order, found, err := selectOrderForUpdate(ctx, tx, who, change.order)
	if err != nil {
		return PriceAdjusted{}, err
	}
	if !found {
		return PriceAdjusted{}, ErrUnknown
	}
	if err := s.sells(ctx, tx, who, order, change.acting); err != nil {
		return PriceAdjusted{}, err
	}
	if err := order.Payable(s.now()); err != nil {
		return PriceAdjusted{}, err
	}
	if change.to == nil && order.AdjustmentID == "" {
		return PriceAdjusted{}, ErrNotAdjusted
	}
	if err := s.endExpiredHold(ctx, tx, order, s.now()); err != nil { // ErrAlreadyHeld while it lasts
		return PriceAdjusted{}, err
	}
	items, err := selectItems(ctx, tx, models.SystemPrincipal("price"), []models.ID{order.ID})
	if err != nil {
		return PriceAdjusted{}, err
	}
	before := order
	changes, err := listPrices(order, items, quote)
	if err != nil {
		return PriceAdjusted{}, err
	}
	if change.to != nil {
		err = s.adjustItems(&order, items, changes, change.to, who)
	} else {
		restoreItems(&order, items)
		order.UpdatedAt = s.now()
	}
	if err != nil {
		return PriceAdjusted{}, err
	}
	if s.ReviewAbove > 0 && order.TotalMinor > s.ReviewAbove && order.TotalMinor > before.TotalMinor && order.ReviewedAt == nil {
		return PriceAdjusted{}, ErrReviewNeeded
	}
	if err := replaceAdjustment(ctx, tx, before, change.to, s.now()); err != nil {
		return PriceAdjusted{}, err
	}
	if err := s.updatePrices(ctx, tx, &order, items); err != nil {
		return PriceAdjusted{}, err
	}
	return PriceAdjusted{Order: order, Adjustment: change.to}, s.Events.Record(ctx, tx, who, repricedEvent(before, order, change))
}

// sells lets the seller of an order pass: operators, and the partner of the resale customer, or its distributor that names it.
func (s *Service) sells(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, acting *models.ID) error {
	if who.SeesAll() {
		if acting != nil && *acting != order.PartnerID {
			return ErrOrderNotSold
		}
		return nil
	}
	seller := who.PartnerID
	if acting != nil {
		seller = *acting
	}
	if order.PartnerID != seller { // a distributor that names nobody, or another of its resellers
		return ErrOrderNotSold
	}
	customer, found, err := selectCustomerForShare(ctx, tx, order.CustomerID)
	if err != nil {
		return err
	}
	if !found || !order.PayableByPartnerOf(customer) {
		return ErrNotTheSeller
	}
	return nil
}

// listPrices remembers what each line costs without the seller's price: the list price of the quote, or what the line cost when there is none. It returns
// what lines change, nil for a line that changes nothing.
func listPrices(order models.Order, items []models.OrderItem, quote models.Quote) ([]*models.LineChange, error) {
	changes := make([]*models.LineChange, len(items))
	for i := range items {
		item := &items[i]
		if order.QuoteID != "" {
			line, known := lineOf(quote, order, *item)
			if !known {
				return nil, ErrDiscountNotOffered
			}
			list := line.OfficialMinor()
			if item.ListMinor = &list; line.Change != nil {
				item.PeriodMinor, changes[i] = line.Change.WholeMinor("", order.Currency), line.Change
			}
			continue
		}
		if item.ListMinor == nil {
			list := item.AmountMinor
			item.ListMinor = &list
		}
	}
	return changes, nil
}

// adjustItems works a price out and spreads it over the lines, so that they add up to it to the cent.
func (s *Service) adjustItems(order *models.Order, items []models.OrderItem, changes []*models.LineChange, to *models.PriceAdjustment, who models.Principal) error {
	to.ID, to.Currency, to.CreatedAt = s.IDs(models.PrefixPriceAdjustment), order.Currency, s.now()
	if !who.SeesAll() {
		to.PartnerID = order.PartnerID
	}
	var err error
	if to.AmountMinor, err = to.PriceOf(order.OfficialMinor); err != nil {
		return err
	}
	weights := make([]int64, len(items))
	for i, item := range items {
		weights[i] = *item.ListMinor
	}
	for i, part := range models.Spread(to.AmountMinor, weights) {
		items[i].AmountMinor = part
	}
	for i, one := range changes { // what the change costs less, renewals cost less, as far as it is a part of them
		if one != nil {
			items[i].PeriodMinor = max(items[i].PeriodMinor-one.LessMinor(weights[i]-items[i].AmountMinor), 0)
		}
	}
	order.TotalMinor, order.DiscountID, order.AdjustmentID, order.UpdatedAt = to.AmountMinor, "", to.ID, to.CreatedAt
	return nil
}

// restoreItems puts the lines back to what they cost without the seller's price.
func restoreItems(order *models.Order, items []models.OrderItem) {
	total := int64(0)
	for i := range items {
		items[i].AmountMinor = *items[i].ListMinor
		total += items[i].AmountMinor
	}
	order.TotalMinor, order.DiscountID, order.AdjustmentID = total, "", ""
}

func repricedEvent(before, order models.Order, change repricing) models.Event {
	what, data := models.EventOrderPriceRestored, map[string]any{"total": order.Total().Plain(), "currency": order.Currency, "reason": change.reason}
	if change.to != nil {
		what = models.EventOrderPriceAdjusted
		data = with(data, "mode", change.to.Mode, "value", change.to.Value.String())
	}
	changes := []models.FieldChange{models.Changed("total", before.Total().Plain(), order.Total().Plain())}
	if before.DiscountID != order.DiscountID {
		changes = append(changes, models.Changed("discountId", before.DiscountID, order.DiscountID))
	}
	changes = append(changes, models.Changed("priceAdjustment", before.AdjustmentID, order.AdjustmentID))
	return models.Event{
		Type: what, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID), Fields: []string{"priceAdjustment", "total"},
		Changes: changes, Data: data,
	}
}

// AdjustmentsByIDs returns those of the prices that apply to an order that the caller may see, with one statement.
func (s *Service) AdjustmentsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.PriceAdjustment, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.PriceAdjustment, len(ids))
	if ids = slices.DeleteFunc(slices.Clone(ids), func(id models.ID) bool { return id == "" }); len(ids) == 0 {
		return byID, nil
	}
	found, err := selectAdjustments(ctx, s.DB, who, ids)
	for _, one := range found {
		byID[one.ID] = one
	}
	return byID, err
}
