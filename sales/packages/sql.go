package packages

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// visible starts a query of the packages that a principal may see: those that ended more than 18 months ago are not shown (O18).
func visible(db bun.IDB, who models.Principal, now time.Time) *bun.SelectQuery {
	since := now.AddDate(0, -models.PackagesKeptFor, 0)
	return access.ResourcePackages(db.NewSelect().Model((*models.ResourcePackage)(nil)), who).
		Where("(rpk.expires_at IS NULL OR rpk.expires_at > ?)", since).Where("(rpk.unsubscribed_at IS NULL OR rpk.unsubscribed_at > ?)", since)
}

func (f Filter) apply(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	for column, value := range map[string]*string{
		"rpk.customer_id": (*string)(f.CustomerID), "rpk.order_id": (*string)(f.OrderID), "rpk.resource_id": (*string)(f.ResourceID),
		"rpk.region": f.Region, "rpk.service_type": f.ServiceType, "rpk.spec_code": f.SpecCode,
	} {
		if value != nil {
			q = q.Where("? = ?", bun.Safe(column), *value)
		}
	}
	if f.Statuses == nil {
		return q
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("1 = 0")
		for _, status := range f.Statuses {
			q = orStatus(q, status, now)
		}
		return q
	})
}

// orStatus adds the packages with a status, as models.ResourcePackage.Status has it.
func orStatus(q *bun.SelectQuery, status models.PackageStatus, now time.Time) *bun.SelectQuery {
	const runs = "rpk.unsubscribed_at IS NULL AND rpk.effective_at <= ? AND (rpk.expires_at IS NULL OR rpk.expires_at > ?)"
	const left = `EXISTS (SELECT 1 FROM package_items AS i WHERE i.package_id = rpk.id AND NOT EXISTS
		(SELECT 1 FROM package_cycles AS c WHERE c.item_id = i.id AND c.starts_at <= ? AND (c.ends_at IS NULL OR c.ends_at > ?) AND c.remaining = '0'))`
	switch status {
	case models.PackageUnsubscribed:
		return q.WhereOr("rpk.unsubscribed_at IS NOT NULL")
	case models.PackageExpired:
		return q.WhereOr("rpk.unsubscribed_at IS NULL AND rpk.expires_at <= ?", now)
	case models.PackageNotInEffect:
		return q.WhereOr("rpk.unsubscribed_at IS NULL AND rpk.effective_at > ?", now)
	case models.PackageInEffect:
		return q.WhereOr(runs+" AND "+left, now, now, now, now)
	case models.PackageUsedUp:
		return q.WhereOr(runs+" AND NOT "+left, now, now, now, now)
	}
	return q
}

func selectVisible(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID, now time.Time) ([]models.ResourcePackage, error) {
	var rows []models.ResourcePackage
	err := store.Read(ctx, db, visible(db, who, now).Where("rpk.id ?", store.In(ids)), &rows)
	return rows, err
}

// selectPackagesOfItems reads the visible packages that some items belong to.
func selectPackagesOfItems(ctx context.Context, db bun.IDB, who models.Principal, items []models.ID, now time.Time) ([]models.ResourcePackage, error) {
	var rows []models.ResourcePackage
	of := db.NewSelect().Model((*models.PackageItem)(nil)).Column("pki.package_id").Where("pki.id ?", store.In(items))
	err := store.Read(ctx, db, visible(db, who, now).Where("rpk.id IN (?)", of).Order("rpk.id"), &rows)
	return rows, err
}

func selectItems(ctx context.Context, db bun.IDB, packages []models.ID) ([]models.PackageItem, error) {
	var rows []models.PackageItem
	if len(packages) == 0 {
		return nil, nil
	}
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("pki.package_id ?", store.In(packages)).Order("pki.package_id", "pki.position"), &rows)
	return rows, err
}

// selectCycles reads the cycles of items: those that begin at some moments, and all of items that are not full again by themselves.
func selectCycles(ctx context.Context, db bun.IDB, items map[models.ID]models.PackageItem, starts []time.Time) ([]models.PackageCycle, error) {
	var again, once []models.ID
	for _, id := range slices.Sorted(maps.Keys(items)) {
		if items[id].Cycle == "" {
			once = append(once, id)
		} else {
			again = append(again, id)
		}
	}
	q := db.NewSelect().Model((*models.PackageCycle)(nil)).Where("1 = 0")
	if len(again) > 0 && len(starts) > 0 {
		q = q.WhereOr("pkc.item_id IN (?) AND pkc.starts_at IN (?)", bun.List(again), bun.List(starts))
	}
	if len(once) > 0 {
		q = q.WhereOr("pkc.item_id IN (?)", bun.List(once))
	}
	var rows []models.PackageCycle
	err := q.Order("pkc.item_id", "pkc.starts_at").Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// lockCycles locks items in the order of their ids, and then reads their cycles.
func lockCycles(ctx context.Context, tx bun.IDB, items map[models.ID]models.PackageItem, starts []time.Time) ([]models.PackageCycle, error) {
	var locked []models.ID
	q := tx.NewSelect().Model((*models.PackageItem)(nil)).Column("pki.id").Where("pki.id IN (?)", bun.List(slices.Sorted(maps.Keys(items)))).Order("pki.id")
	if err := store.ForUpdate(q).Scan(ctx, &locked); err != nil {
		return nil, store.Translate(err)
	}
	return selectCycles(ctx, tx, items, starts)
}

// selectOfCustomers reads the packages that were in effect some time while something was used, and those that were taken from before.
func selectOfCustomers(ctx context.Context, tx bun.IDB, uses []Use, before map[models.ID][]models.PackageUsage) ([]models.ResourcePackage, error) {
	first, last := uses[0].At, uses[0].At
	customers, taken := map[models.ID]bool{}, map[models.ID]bool{}
	for _, use := range uses {
		customers[use.Customer.ID] = true
		if use.At.Before(first) {
			first = use.At
		}
		if use.At.After(last) {
			last = use.At
		}
	}
	for _, usages := range before {
		for _, usage := range usages {
			taken[usage.PackageID] = true
		}
	}
	var rows []models.ResourcePackage
	q := tx.NewSelect().Model(&rows).Where("rpk.customer_id IN (?)", bun.List(slices.Sorted(maps.Keys(customers)))).
		Where("rpk.effective_at <= ?", last.UTC()).Where("(rpk.expires_at IS NULL OR rpk.expires_at > ?)", first.UTC())
	if len(taken) > 0 {
		q = q.WhereOr("rpk.id IN (?)", bun.List(slices.Sorted(maps.Keys(taken))))
	}
	err := q.Order("rpk.id").Scan(ctx)
	return rows, store.Translate(err)
}

// selectUsagesOf reads what was taken for usage records, and given back.
func selectUsagesOf(ctx context.Context, tx bun.IDB, records []models.ID) ([]models.PackageUsage, error) {
	var rows []models.PackageUsage
	if len(records) == 0 {
		return nil, nil
	}
	err := tx.NewSelect().Model(&rows).Where("pku.usage_record_id IN (?)", bun.List(records)).Order("pku.id").Scan(ctx)
	return rows, store.Translate(err)
}

func selectOfResources(ctx context.Context, tx bun.IDB, resources []models.ID) ([]models.ResourcePackage, error) {
	var rows []models.ResourcePackage
	if len(resources) == 0 {
		return nil, nil
	}
	err := tx.NewSelect().Model(&rows).Where("rpk.resource_id IN (?)", bun.List(resources)).Order("rpk.id").Scan(ctx)
	return rows, store.Translate(err)
}

// insertBatch is how many rows one statement writes.
const insertBatch = 500

func insertBorn(ctx context.Context, tx bun.IDB, rows born) error {
	script := store.NewScript(tx)
	for batch := range slices.Chunk(rows.packages, insertBatch) {
		script.Insert(&batch)
	}
	for batch := range slices.Chunk(rows.items, insertBatch) {
		script.Insert(&batch)
	}
	for batch := range slices.Chunk(rows.cycles, insertBatch) {
		script.Insert(&batch)
	}
	return store.Translate(script.Exec(ctx))
}

// updateEnd writes another end of packages, takes back the periods of once that would begin then or later, and adds others.
func updateEnd(ctx context.Context, tx bun.IDB, packages, once []models.ID, end time.Time, again []models.PackageCycle) error {
	script := store.NewScript(tx)
	script.Add(tx.NewUpdate().Model((*models.ResourcePackage)(nil)).Set("expires_at = ?", end).Where("id IN (?)", bun.List(packages)))
	if len(once) > 0 {
		script.Add(tx.NewDelete().Model((*models.PackageCycle)(nil)).Where("item_id IN (?)", bun.List(once)).Where("starts_at >= ?", end).
			Where("NOT EXISTS (SELECT 1 FROM package_usages AS u WHERE u.item_id = pkc.item_id AND u.cycle_starts_at = pkc.starts_at)"))
	}
	if len(again) > 0 {
		script.Insert(&again)
	}
	return store.Translate(script.Exec(ctx))
}

func updateUnsubscribed(ctx context.Context, tx bun.IDB, resources []models.ID, now time.Time) error {
	if len(resources) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*models.ResourcePackage)(nil)).Set("unsubscribed_at = ?", now).
		Where("resource_id IN (?)", bun.List(resources)).Where("unsubscribed_at IS NULL").Exec(ctx)
	return store.Translate(err)
}

func updatePartner(ctx context.Context, tx bun.IDB, customer, partner models.ID) error {
	var to any
	if partner != "" {
		to = partner
	}
	_, err := tx.NewUpdate().Model((*models.ResourcePackage)(nil)).Set("partner_id = ?", to).Where("customer_id = ?", customer).Exec(ctx)
	return store.Translate(err)
}

func visibleUsages(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.PackageUsages(db.NewSelect().Model((*models.PackageUsage)(nil)), who)
}

func (f UsageFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	q = q.Where("pku.created_at >= ?", f.From.UTC())
	if f.Until != nil {
		q = q.Where("pku.created_at < ?", f.Until.UTC())
	}
	for column, value := range map[string]*string{
		"pku.customer_id": (*string)(f.CustomerID), "pku.package_id": (*string)(f.PackageID), "pku.item_id": (*string)(f.ItemID),
		"pku.package_spec": f.PackageSpec, "pku.resource_type": f.ResourceType,
	} {
		if value != nil {
			q = q.Where("? = ?", bun.Safe(column), *value)
		}
	}
	return q
}
