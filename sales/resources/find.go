package resources

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listResources          = "resources"
	listCustomersResources = "customer.resources"
)

// MaxNested bounds the lists that are not paged: the resources of one order and the sub-resources of one main resource.
const MaxNested = 200

// MaxIDs is how many ids one list is narrowed to.
const MaxIDs = 50

// ResourceFilter narrows Find. Nil = no filter; an empty Status matches nothing.
type ResourceFilter struct {
	CustomerID *models.ID
	OrderID    *models.ID
	OnlyMain   *bool // true = main resources only, false = sub-resources only
	Status     []models.ResourceStatus
	ExternalID *string // the storefront's own key

	IDs               []models.ID // at most MaxIDs
	UsageStatus       []models.UsageStatus
	ChargingMode      *models.ChargingMode
	ServiceType       *string
	EnterpriseProject *string
	ExpiresBefore     *time.Time // exclusive
	ExpiresAfter      *time.Time // inclusive
	Renewable         *bool      // true = main resources that can be renewed now (C24), false = all others
}

func (f ResourceFilter) check() error {
	if f.CustomerID != nil {
		if err := f.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return err
		}
	}
	if len(f.IDs) > MaxIDs {
		return models.Invalid("ids", fmt.Sprintf("At most %d ids at once.", MaxIDs))
	}
	for _, id := range f.IDs {
		if err := id.Require(models.PrefixResource, "ids"); err != nil {
			return err
		}
	}
	if f.OrderID != nil {
		return f.OrderID.Require(models.PrefixOrder, "orderId")
	}
	return nil
}

// Find returns the resources that the caller may see, newest first.
func (s *Service) Find(ctx context.Context, who models.Principal, filter ResourceFilter, args models.PageArgs) (models.Connection[models.Resource], error) {
	var none models.Connection[models.Resource]
	if err := access.Require(who, models.ReadResources); err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	page, err := args.Page(listResources)
	if err != nil {
		return none, err
	}
	return store.ListFrom[models.Resource](ctx, s.DB, page, true, func() *bun.SelectQuery { return filter.apply(visible(s.DB, who)) })
}

// FindForCustomers returns a page of resources for each of the customers, newest first, with one statement for all of
// them and one more when totals are wanted.
func (s *Service) FindForCustomers(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.Resource], error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	page, err := args.Page(listCustomersResources)
	if err != nil {
		return nil, err
	}
	parentOf := func(r models.Resource) models.ID { return r.CustomerID }
	return s.nested(who, "r.customer_id", true, parentOf).Pages(ctx, s.DB, customers, page)
}

// nested are the resources below parents, which the column names.
func (s *Service) nested(who models.Principal, column string, descending bool, parentOf func(models.Resource) models.ID) store.Nested[models.Resource] {
	return store.Nested[models.Resource]{
		Column: column, ParentOf: parentOf, Descending: descending, Visible: func() *bun.SelectQuery { return visible(s.DB, who) },
	}
}

// ByIDs returns the resources with these ids that the caller may see; the others are absent.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Resource, error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.Resource, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := selectResources(ctx, s.DB, who, ids)
	for _, resource := range found {
		byID[resource.ID] = resource
	}
	return byID, err
}

// FindForOrders returns what each of the orders brought into being, main resources and sub-resources, oldest first and at
// most MaxNested per order, with one statement (O03).
func (s *Service) FindForOrders(ctx context.Context, who models.Principal, orders []models.ID) (map[models.ID][]models.Resource, error) {
	return s.findPerParent(ctx, who, "r.order_id", orders, func(r models.Resource) models.ID { return r.OrderID })
}

// SubResourcesFor returns what follows each of the main resources, oldest first and at most MaxNested for each, with one
// statement (O11).
func (s *Service) SubResourcesFor(ctx context.Context, who models.Principal, mains []models.ID) (map[models.ID][]models.Resource, error) {
	return s.findPerParent(ctx, who, "r.parent_id", mains, func(r models.Resource) models.ID { return r.ParentID })
}

func (s *Service) findPerParent(ctx context.Context, who models.Principal, column string, parents []models.ID, parentOf func(models.Resource) models.ID) (map[models.ID][]models.Resource, error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	return s.nested(who, column, false, parentOf).Lists(ctx, s.DB, parents, MaxNested)
}
