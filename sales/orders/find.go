package orders

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listOrders          = "orders"
	listCustomersOrders = "customer.orders"
	listPartnersOrders  = "partner.orders"
)

// OrderFilter narrows Find. Nil = no filter; an empty Status or Type matches nothing.
type OrderFilter struct {
	CustomerID    *models.ID
	PartnerID     *models.ID // whose resale money pays, such as a distributor's reseller (O02)
	Status        []models.OrderStatus
	Type          []models.OrderType
	Number        *string
	ExternalID    *string
	CreatedAfter  *time.Time // inclusive
	CreatedBefore *time.Time // exclusive
}

func (f OrderFilter) check() error {
	if f.CustomerID != nil {
		if err := f.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return err
		}
	}
	if f.PartnerID != nil {
		return f.PartnerID.Require(models.PrefixPartner, "partnerId")
	}
	return nil
}

// Find returns the orders that the caller may see, newest first.
func (s *Service) Find(ctx context.Context, who models.Principal, filter OrderFilter, args models.PageArgs) (models.Connection[models.Order], error) {
	var none models.Connection[models.Order]
	if err := access.Require(who, models.ReadOrders); err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	page, err := args.Page(listOrders)
	if err != nil {
		return none, err
	}
	return store.ListFrom[models.Order](ctx, s.DB, page, true, func() *bun.SelectQuery { return filter.apply(visible(s.DB, who)) })
}

// FindForCustomers returns a page of orders for each of the customers, newest first, with one statement for all of them and
// one more when totals are wanted.
func (s *Service) FindForCustomers(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.Order], error) {
	return s.findPerParent(ctx, who, listCustomersOrders, "o.customer_id", customers, args, func(o models.Order) models.ID { return o.CustomerID })
}

// FindForPartners returns a page of the orders paid with each partner's resale money (O02), newest first, with one
// statement for all of them and one more when totals are wanted.
func (s *Service) FindForPartners(ctx context.Context, who models.Principal, partners []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.Order], error) {
	return s.findPerParent(ctx, who, listPartnersOrders, "o.partner_id", partners, args, func(o models.Order) models.ID { return o.PartnerID })
}

func (s *Service) findPerParent(ctx context.Context, who models.Principal, list, column string, parents []models.ID, args models.PageArgs, parentOf func(models.Order) models.ID) (map[models.ID]models.Connection[models.Order], error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	page, err := args.Page(list)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.Order]{
		Column: column, ParentOf: parentOf, Descending: true, Visible: func() *bun.SelectQuery { return visible(s.DB, who) },
	}
	return nested.Pages(ctx, s.DB, parents, page)
}

// ByIDs returns the orders with these ids that the caller may see; the others are absent.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Order, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.Order, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := selectOrders(ctx, s.DB, who, ids)
	for _, order := range found {
		byID[order.ID] = order
	}
	return byID, err
}

// ItemsFor returns the lines of each of the orders that the caller may see, in their order, with one statement. An order has
// at most MaxItems.
func (s *Service) ItemsFor(ctx context.Context, who models.Principal, orders []models.ID) (map[models.ID][]models.OrderItem, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	byOrder := make(map[models.ID][]models.OrderItem, len(orders))
	if len(orders) == 0 {
		return byOrder, nil
	}
	found, err := selectItems(ctx, s.DB, who, orders)
	for _, item := range found {
		byOrder[item.OrderID] = append(byOrder[item.OrderID], item)
	}
	return byOrder, err
}

// Purchases answers what sales/customers asks about orders. The zero value is ready.
type Purchases struct{}

// HasPaid reports whether the customer has ever paid an order.
func (Purchases) HasPaid(ctx context.Context, db bun.IDB, customerID models.ID) (bool, error) {
	return existsPaidOrder(ctx, db, customerID)
}

// AwaitsPayment reports whether the customer has an order that it may still pay at now: one past its deadline is no
// obstacle to anything (O06).
func (Purchases) AwaitsPayment(ctx context.Context, db bun.IDB, customerID models.ID, now time.Time) (bool, error) {
	return existsPayableOrder(ctx, db, customerID, now)
}
