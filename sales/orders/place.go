package orders

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The bounds of one order.
const (
	MaxItems     = 200    // lines, parts included
	MaxQuantity  = 10_000 // of one line (K03)
	MaxInstances = 10_000 // resources that one order brings into being
)

// PlaceOrder is a new purchase at prices that the caller answers for.
type PlaceOrder struct {
	CustomerID models.ID
	Source     models.OrderSource // empty = SYSTEM
	ExternalID string             // the storefront's own key, at most 128 characters; unique per customer; empty = none
	PayBy      *time.Time         // nil = after PayWithin
	Items      []PlaceItem        // 1 to MaxItems, parts included
}

// PlaceItem is one line. Its period type and count go for its parts too, which follow it (O11).
type PlaceItem struct {
	ServiceType  string // hws.service.type.* (K01)
	ResourceType string // hws.resource.type.* (K01)
	SpecCode     string
	Region       string
	Quantity     int // 1 to MaxQuantity; of a part: per piece of the line it belongs to
	PeriodType   models.PeriodType
	PeriodCount  int
	AmountMinor  int64       // of all its quantity and periods together, in the customer's currency
	Parts        []PlaceItem // sub-resources, such as a server's system disk; they have no parts of their own
}

// Place places a new order that waits for payment, in a transaction of its own. See PlaceIn.
func (s *Service) Place(ctx context.Context, who models.Principal, cmd PlaceOrder) (models.Order, error) {
	order := models.Order{CustomerID: cmd.CustomerID, Source: cmd.Source, ExternalID: cmd.ExternalID, PayBy: cmd.PayBy}
	var items []models.OrderItem
	for _, line := range cmd.Items {
		items = append(items, s.itemOf(line, line, ""))
		parent := items[len(items)-1].ID
		for _, part := range line.Parts {
			if len(part.Parts) > 0 {
				return models.Order{}, models.Invalid("items", "A part has no parts of its own.")
			}
			items = append(items, s.itemOf(part, line, parent))
		}
	}
	var placed models.Order
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		placed, err = s.PlaceIn(ctx, tx, who, order, items)
		return err
	})
	return placed, err
}

func (s *Service) itemOf(item, line PlaceItem, parent models.ID) models.OrderItem {
	return models.OrderItem{
		ID: s.IDs(models.PrefixOrderItem), ParentID: parent, ServiceType: item.ServiceType, ResourceType: item.ResourceType,
		SpecCode: item.SpecCode, Region: item.Region, Quantity: item.Quantity, PeriodType: line.PeriodType,
		PeriodCount: line.PeriodCount, AmountMinor: item.AmountMinor,
	}
}

// PlaceIn writes a new order with its lines in the caller's transaction. The order needs a customer only: id, number,
// cloud, currency, total, deadline, and the partner whose resale money it will spend are filled in; a total or list price
// that is given must fit the lines. Lines get ids and positions in their order; a line with a ParentID follows the line it
// names. Until a catalogue gives prices, operators and the system only.
func (s *Service) PlaceIn(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, items []models.OrderItem) (models.Order, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return models.Order{}, err
	}
	if !who.SeesAll() {
		return models.Order{}, ErrPricesForbidden
	}
	if err := order.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return models.Order{}, err
	}
	// An order names the partner whose money it will spend, so the association does not end before it is placed.
	customer, found, err := s.Customers.ByIDForShareIn(ctx, tx, who, order.CustomerID)
	if err != nil {
		return models.Order{}, err
	}
	if !found {
		return models.Order{}, ErrCustomerUnknown
	}
	if customer.Frozen != models.NotFrozen {
		return models.Order{}, ErrCustomerFrozen
	}
	if err := s.complete(&order, customer); err != nil {
		return models.Order{}, err
	}
	if err := s.completeItems(&order, items); err != nil {
		return models.Order{}, err
	}
	return s.write(ctx, tx, who, order, items)
}

// placedEvent tells of a new order.
func (s *Service) placedEvent(order models.Order) models.Event {
	return models.Event{
		Type: models.EventOrderPlaced, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
		Fields: []string{"status"}, Changes: []models.FieldChange{models.Changed("status", "", order.Status)},
		Data: map[string]any{"number": order.Number, "type": order.Type, "total": order.Total().Plain(), "currency": order.Currency},
	}
}

// newOrder begins an order of a customer's about resources that run already; status and lines are the caller's to fill in.
func (s *Service) newOrder(who models.Principal, customer models.Customer, kind models.OrderType) models.Order {
	order := models.Order{Type: kind, Source: sourceOf(who)}
	s.belong(&order, customer, s.now())
	return order
}

// sourceOf says who places an order (3.4).
func sourceOf(who models.Principal) models.OrderSource {
	switch {
	case who.CustomerID != "":
		return models.PlacedByCustomer
	case who.PartnerID != "":
		return models.PlacedByPartner
	}
	return models.PlacedBySystem
}

// belong fills in what follows from the customer and the clock, whatever the order is for.
func (s *Service) belong(order *models.Order, customer models.Customer, now time.Time) {
	if order.ID == "" {
		order.ID = s.IDs(models.PrefixOrder)
	}
	if order.Number == "" {
		order.Number = numberOf(order.ID, now)
	}
	order.CustomerID, order.Cloud, order.Currency = customer.ID, customer.Cloud, customer.Currency
	order.CreatedAt, order.UpdatedAt = now, now
	order.PartnerID = ""
	if customer.Mode == models.Resale {
		order.PartnerID = customer.PartnerID
	}
}

// complete fills in what follows from the customer and the clock.
func (s *Service) complete(order *models.Order, customer models.Customer) error {
	now := s.now()
	if order.Source == "" {
		order.Source = models.PlacedBySystem
	}
	if order.Type == "" {
		order.Type = models.OrderNew
	}
	if order.Type != models.OrderNew {
		return models.Invalid("type", "Only purchases are placed; renewals and changes have operations of their own.")
	}
	if len(order.ExternalID) > maxExternalID {
		return models.Invalid("externalId", "An external id has at most 128 characters.")
	}
	if order.PayBy == nil {
		deadline := now.Add(s.payWithin())
		order.PayBy = &deadline
	}
	if !order.PayBy.After(now) {
		return models.Invalid("payBy", "The payment deadline must lie in the future.")
	}
	order.Status, order.TransferID, order.HoldID, order.PaidAt, order.CompletedAt = models.OrderPendingPayment, "", "", nil, nil
	s.belong(order, customer, now)
	return nil
}

// numberOf makes the number that people read to each other of the day and the random end of the id. Its 50 bits make two
// equal numbers on one day a matter of centuries; the table's unique index refuses them even then.
func numberOf(id models.ID, now time.Time) string {
	suffix := string(id)[strings.LastIndexByte(string(id), '_')+1:]
	return "PG" + now.Format("060102") + strings.ToUpper(suffix[max(len(suffix)-10, 0):])
}

// completeItems checks the lines, puts them into their order, and sums them up.
func (s *Service) completeItems(order *models.Order, items []models.OrderItem) error {
	if len(items) == 0 || len(items) > MaxItems {
		return models.Invalid("items", fmt.Sprintf("An order has 1 to %d lines.", MaxItems))
	}
	var total int64
	instances := 0
	pieces := make(map[models.ID]int, len(items)) // of the lines seen so far that may have parts
	for i := range items {
		item := &items[i]
		if item.ID == "" {
			item.ID = s.IDs(models.PrefixOrderItem)
		}
		item.OrderID, item.Position, item.Currency = order.ID, i+1, order.Currency
		if err := checkItem(*item); err != nil {
			return err
		}
		made := item.Quantity
		if item.ParentID == "" {
			pieces[item.ID] = item.Quantity
		} else {
			if pieces[item.ParentID] == 0 {
				return models.Invalid("items", "A part follows the line it belongs to, which is not a part itself.")
			}
			made *= pieces[item.ParentID]
		}
		if instances += made; instances > MaxInstances {
			return models.Invalid("items", fmt.Sprintf("An order brings at most %d resources into being.", MaxInstances))
		}
		total += item.AmountMinor // at most MaxItems times MaxMinor, far inside 64 bits
	}
	if total > models.MaxMinor {
		return models.Invalid("items", "The total is too large.")
	}
	if order.TotalMinor != 0 && order.TotalMinor != total {
		return models.Invalid("total", "The total must be the sum of the lines.")
	}
	if order.OfficialMinor == 0 {
		order.OfficialMinor = total
	}
	if order.OfficialMinor < total || order.OfficialMinor > models.MaxMinor {
		return models.Invalid("officialTotal", "The list price must not be below the total.")
	}
	order.TotalMinor = total
	return nil
}

func checkItem(item models.OrderItem) error {
	switch {
	case item.ServiceType == "" || len(item.ServiceType) > 64:
		return models.Invalid("serviceType", "A service type has 1 to 64 characters (K02).")
	case item.ResourceType == "" || len(item.ResourceType) > 64:
		return models.Invalid("resourceType", "A resource type has 1 to 64 characters (K02).")
	case item.SpecCode == "" || len(item.SpecCode) > 64:
		return models.Invalid("specCode", "A specification code has 1 to 64 characters.")
	case item.Region == "" || len(item.Region) > 64:
		return models.Invalid("region", "A region code has 1 to 64 characters (K02).")
	case item.Quantity < 1 || item.Quantity > MaxQuantity:
		return models.Invalid("quantity", fmt.Sprintf("The quantity is from 1 to %d (K03).", MaxQuantity))
	case item.AmountMinor < 0 || item.AmountMinor > models.MaxMinor:
		return models.Invalid("amount", "The amount of a line is not negative and not too large.")
	}
	longest, known := map[models.PeriodType]int{
		models.PeriodHour: 24 * 366, models.PeriodDay: 366 * 10, models.PeriodMonth: 120, models.PeriodYear: 10, models.PeriodOneOff: 1,
	}[item.PeriodType]
	if !known {
		return models.Invalid("periodType", "The period type is HOUR, DAY, MONTH, YEAR or ONE_OFF.")
	}
	if item.PeriodCount < 1 || item.PeriodCount > longest {
		return models.Invalid("periodCount", fmt.Sprintf("For %s the count is from 1 to %d.", item.PeriodType, longest))
	}
	return nil
}
