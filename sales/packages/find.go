package packages

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
	listPackages          = "resourcePackages"
	listCustomersPackages = "customer.resourcePackages"
	listUsages            = "packageUsageRecords"
)

// Filter narrows Find. Nil = no filter; empty Statuses match nothing.
type Filter struct {
	CustomerID  *models.ID
	OrderID     *models.ID
	ResourceID  *models.ID
	Region      *string
	ServiceType *string
	SpecCode    *string // the vendor's product
	Statuses    []models.PackageStatus
}

func (f Filter) check() error {
	for _, one := range []struct {
		id            *models.ID
		prefix, field string
	}{{f.CustomerID, models.PrefixCustomer, "customerId"}, {f.OrderID, models.PrefixOrder, "orderId"}, {f.ResourceID, models.PrefixResource, "resourceId"}} {
		if one.id != nil {
			if err := one.id.Require(one.prefix, one.field); err != nil {
				return err
			}
		}
	}
	return nil
}

// Find returns the packages that the caller may see, newest first, with their items and what is left of them. It needs RESOURCES_READ.
func (s *Service) Find(ctx context.Context, who models.Principal, filter Filter, args models.PageArgs) (models.ResourcePackageConnection, error) {
	var none models.ResourcePackageConnection
	if err := access.Require(who, models.ReadResources); err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	page, err := args.Page(listPackages)
	if err != nil {
		return none, err
	}
	now := s.now()
	found, err := store.ListFrom[models.ResourcePackage](ctx, s.DB, page, true, func() *bun.SelectQuery { return filter.apply(visible(s.DB, who, now), now) })
	if err != nil {
		return none, err
	}
	return found, s.fill(ctx, now, rowsOf(found))
}

// FindForCustomers returns a page of packages for each of the customers, newest first, with one statement for all of them, two for what is left, and
// one more when totals are wanted.
func (s *Service) FindForCustomers(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.ResourcePackageConnection, error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	page, err := args.Page(listCustomersPackages)
	if err != nil {
		return nil, err
	}
	now := s.now()
	nested := store.Nested[models.ResourcePackage]{
		Column: "rpk.customer_id", ParentOf: func(p models.ResourcePackage) models.ID { return p.CustomerID }, Descending: true,
		Visible: func() *bun.SelectQuery { return visible(s.DB, who, now) },
	}
	pages, err := nested.Pages(ctx, s.DB, customers, page)
	if err != nil {
		return nil, err
	}
	var all []*models.ResourcePackage
	for _, one := range pages {
		all = append(all, rowsOf(one)...)
	}
	return pages, s.fill(ctx, now, all)
}

// ByIDs returns the packages with these ids that the caller may see; the others are absent. It needs RESOURCES_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.ResourcePackage, error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.ResourcePackage, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	now := s.now()
	rows, err := selectVisible(ctx, s.DB, who, ids, now)
	if err != nil {
		return nil, err
	}
	err = s.fill(ctx, now, pointers(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, err
}

// Usage returns the items with these ids that the caller may see, in the order asked, with what is left of them; the others are absent. It needs RESOURCES_READ,
// and is INVALID for no id, or more than 100.
func (s *Service) Usage(ctx context.Context, who models.Principal, ids []models.ID) ([]models.PackageItem, error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	if len(ids) == 0 || len(ids) > models.MaxUsageItems {
		return nil, models.Invalid("itemIds", fmt.Sprintf("Name 1 to %d items.", models.MaxUsageItems))
	}
	for _, id := range ids {
		if err := id.Require(models.PrefixPackageItem, "itemIds"); err != nil {
			return nil, err
		}
	}
	now := s.now()
	packs, err := selectPackagesOfItems(ctx, s.DB, who, ids, now)
	if err != nil {
		return nil, err
	}
	if err := s.fill(ctx, now, pointers(packs)); err != nil {
		return nil, err
	}
	byID := map[models.ID]models.PackageItem{}
	for _, pack := range packs {
		for _, item := range pack.Items {
			byID[item.ID] = item
		}
	}
	found := make([]models.PackageItem, 0, len(ids))
	for _, id := range ids {
		if item, seen := byID[id]; seen {
			found = append(found, item)
			delete(byID, id) // named twice, it is one still
		}
	}
	return found, nil
}

// UsageFilter narrows FindUsages. Nil = no filter.
type UsageFilter struct {
	From         *time.Time // when it was deducted, inclusive; nil = 90 days before Until
	Until        *time.Time // exclusive, at most 90 days after From; nil = now and later
	CustomerID   *models.ID
	PackageID    *models.ID
	ItemID       *models.ID
	PackageSpec  *string // the specification of the package, the vendor's product
	ResourceType *string // of what was used
}

// window fills in where the time begins that is asked for, and checks it.
func (f *UsageFilter) window(now time.Time) error {
	until := now
	if f.Until != nil {
		until = *f.Until
	}
	if f.From == nil {
		from := until.Add(-models.MaxUsageWindow)
		f.From = &from
	}
	switch {
	case f.Until != nil && !f.From.Before(until):
		return models.Invalid("deductedUntil", "deductedUntil must be later than deductedFrom.")
	case until.Sub(*f.From) > models.MaxUsageWindow:
		return models.Invalid("deductedFrom", "A window has at most 90 days (O18).")
	}
	return nil
}

func (f UsageFilter) check() error {
	for _, one := range []struct {
		id            *models.ID
		prefix, field string
	}{{f.CustomerID, models.PrefixCustomer, "customerId"}, {f.PackageID, models.PrefixResourcePackage, "packageId"}, {f.ItemID, models.PrefixPackageItem, "itemId"}} {
		if one.id != nil {
			if err := one.id.Require(one.prefix, one.field); err != nil {
				return err
			}
		}
	}
	return nil
}

// FindUsages returns what was deducted in a window of at most 90 days and the caller may see, newest first: a customer its own, a partner what its
// resale customers, or its resellers', used while they were. It needs RESOURCES_READ.
func (s *Service) FindUsages(ctx context.Context, who models.Principal, filter UsageFilter, args models.PageArgs) (models.PackageUsageConnection, error) {
	var none models.PackageUsageConnection
	if err := access.Require(who, models.ReadResources); err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	if err := filter.window(s.now()); err != nil {
		return none, err
	}
	page, err := args.Page(listUsages)
	if err != nil {
		return none, err
	}
	return store.List[models.PackageUsage](ctx, page, true, func() *bun.SelectQuery { return filter.apply(visibleUsages(s.DB, who)) })
}

func rowsOf(page models.ResourcePackageConnection) []*models.ResourcePackage {
	all := make([]*models.ResourcePackage, len(page.Edges))
	for i := range page.Edges {
		all[i] = &page.Edges[i].Node
	}
	return all
}

func pointers(rows []models.ResourcePackage) []*models.ResourcePackage {
	all := make([]*models.ResourcePackage, len(rows))
	for i := range rows {
		all[i] = &rows[i]
	}
	return all
}

// fill gives packages their items, with what is left of them in the cycle that is shown, with two statements for all of them.
func (s *Service) fill(ctx context.Context, now time.Time, packs []*models.ResourcePackage) error {
	byID := make(map[models.ID]*models.ResourcePackage, len(packs))
	ids := make([]models.ID, len(packs))
	for i, pack := range packs {
		ids[i], byID[pack.ID], pack.AsOf, pack.Items = pack.ID, pack, now, []models.PackageItem{}
	}
	items, err := selectItems(ctx, s.DB, ids)
	if err != nil || len(items) == 0 {
		return err
	}
	named, starts := map[models.ID]models.PackageItem{}, map[time.Time]bool{}
	for i := range items {
		pack := byID[items[i].PackageID]
		items[i].Remaining, items[i].Shown = items[i].Amount, models.Span{Start: pack.EffectiveAt, End: pack.EndsAt()}
		if items[i].Cycle != "" {
			items[i].Shown = items[i].CycleAt(pack.Shown(), pack.EffectiveAt)
			starts[items[i].Shown.Start] = true
		}
		named[items[i].ID] = items[i]
	}
	cycles, err := selectCycles(ctx, s.DB, named, keys(starts))
	if err != nil {
		return err
	}
	byItem := map[models.ID][]models.PackageCycle{}
	for _, one := range cycles {
		byItem[one.ItemID] = append(byItem[one.ItemID], one)
	}
	for _, item := range items {
		pack := byID[item.PackageID]
		for _, one := range byItem[item.ID] {
			if item.Cycle == "" && one.Span().Contains(pack.Shown()) || item.Cycle != "" && one.StartsAt.Equal(item.Shown.Start) {
				item.Remaining, item.Shown = one.Remaining, models.Span{Start: one.StartsAt.UTC(), End: one.EndsAt}
			}
		}
		pack.Items = append(pack.Items, item)
	}
	return nil
}

func keys(set map[time.Time]bool) []time.Time {
	all := make([]time.Time, 0, len(set))
	for at := range set {
		all = append(all, at)
	}
	return all
}
