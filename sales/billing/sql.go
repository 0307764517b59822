package billing

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func visibleLines(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.BillLines(db.NewSelect().Model((*models.BillLine)(nil)), who)
}

func visibleMonths(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.BillMonths(db.NewSelect().Model((*models.BillMonth)(nil)), who)
}

func selectVisible(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.BillLine, error) {
	var rows []models.BillLine
	err := access.BillLines(db.NewSelect().Model(&rows).Where("bil.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectLines(ctx context.Context, db bun.IDB, ids []models.ID) (map[models.ID]models.BillLine, error) {
	byID := make(map[models.ID]models.BillLine, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	var rows []models.BillLine
	err := db.NewSelect().Model(&rows).Where("bil.id IN (?)", bun.List(ids)).Scan(ctx)
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, store.Translate(err)
}

// selectRecordsForUpdate reads what is known under some keys, locked in their order.
func selectRecordsForUpdate(ctx context.Context, tx bun.IDB, cloud string, keys []string) (map[string]models.UsageRecord, error) {
	byKey := make(map[string]models.UsageRecord, len(keys))
	if len(keys) == 0 {
		return byKey, nil
	}
	var rows []models.UsageRecord
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("usg.cloud = ?", cloud).Where("usg.external_id IN (?)", bun.List(keys)).
		Order("usg.external_id")).Scan(ctx)
	for _, row := range rows {
		byKey[row.ExternalID] = row
	}
	return byKey, store.Translate(err)
}

// selectCustomers reads what bills need to know of customers; of one cloud, or of any when it is empty.
func selectCustomers(ctx context.Context, db bun.IDB, cloud string, ids []models.ID) (map[models.ID]models.Customer, error) {
	byID := make(map[models.ID]models.Customer, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	var rows []models.Customer
	q := db.NewSelect().Model(&rows).Column("c.id", "c.cloud", "c.currency", "c.partner_id", "c.mode").Where("c.id IN (?)", bun.List(ids))
	if cloud != "" {
		q = q.Where("c.cloud = ?", cloud)
	}
	err := q.Scan(ctx)
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, store.Translate(err)
}

// selectAssociations reads the associations of customers that touch a time, by customer.
func selectAssociations(ctx context.Context, db bun.IDB, customers []models.ID, from, until time.Time) (map[models.ID][]models.Association, error) {
	byCustomer := make(map[models.ID][]models.Association, len(customers))
	if len(customers) == 0 {
		return byCustomer, nil
	}
	var rows []models.Association
	err := db.NewSelect().Model(&rows).Where("a.customer_id IN (?)", bun.List(customers)).Where("a.since <= ?", until.UTC()).
		Where("(a.until IS NULL OR a.until > ?)", from.UTC()).Order("a.since").Scan(ctx)
	for _, row := range rows {
		byCustomer[row.CustomerID] = append(byCustomer[row.CustomerID], row)
	}
	return byCustomer, store.Translate(err)
}

// dueLines are the unbilled lines of a customer whose day, or month, is over.
func dueLines(q *bun.SelectQuery, customer models.ID, now time.Time) *bun.SelectQuery {
	return q.Where("bil.customer_id = ?", customer).Where("bil.billed_at IS NULL").
		Where("(bil.used_at < ? OR bil.settlement = ? AND bil.used_at < ?)",
			models.SettleMonthly.DueBefore(now).UTC(), models.SettleDaily, models.SettleDaily.DueBefore(now).UTC())
}

func debtLines(q *bun.SelectQuery, customer models.ID) *bun.SelectQuery {
	return q.Where("bil.customer_id = ?", customer).Where("bil.debt_left_minor > 0")
}

func existsDue(ctx context.Context, db bun.IDB, customer models.ID, now time.Time) (bool, error) {
	due, err := dueLines(db.NewSelect().Model((*models.BillLine)(nil)), customer, now).Exists(ctx)
	if err != nil || due {
		return due, store.Translate(err)
	}
	debt, err := debtLines(db.NewSelect().Model((*models.BillLine)(nil)), customer).Exists(ctx)
	return debt, store.Translate(err)
}

// selectOwing returns those of the customers that have a debt, in their order.
func selectOwing(ctx context.Context, db bun.IDB, customers []models.ID) ([]models.ID, error) {
	var owing []models.ID
	err := db.NewSelect().Model((*models.BillLine)(nil)).Distinct().Column("bil.customer_id").Where("bil.customer_id IN (?)", bun.List(customers)).
		Where("bil.debt_left_minor > 0").Order("bil.customer_id").Scan(ctx, &owing)
	return owing, store.Translate(err)
}

func selectDue(ctx context.Context, tx bun.IDB, customer models.Customer, now time.Time) ([]models.BillLine, error) {
	var rows []models.BillLine
	err := dueLines(tx.NewSelect().Model(&rows), customer.ID, now).Where("bil.currency = ?", customer.Currency).
		Order("bil.id").Limit(maxLines).Scan(ctx)
	return rows, store.Translate(err)
}

func selectDebts(ctx context.Context, tx bun.IDB, customer models.Customer) ([]models.BillLine, error) {
	var rows []models.BillLine
	err := debtLines(tx.NewSelect().Model(&rows), customer.ID).Where("bil.currency = ?", customer.Currency).
		Order("bil.id").Limit(maxLines).Scan(ctx)
	return rows, store.Translate(err)
}

// selectOutstanding tells whether a customer has a debt, and whether it has lines that are not billed yet.
func selectOutstanding(ctx context.Context, db bun.IDB, customer models.ID) (debt, waiting bool, err error) {
	if debt, err = debtLines(db.NewSelect().Model((*models.BillLine)(nil)), customer).Exists(ctx); err != nil {
		return false, false, store.Translate(err)
	}
	waiting, err = db.NewSelect().Model((*models.BillLine)(nil)).Where("bil.customer_id = ?", customer).Where("bil.billed_at IS NULL").Exists(ctx)
	return debt, waiting, store.Translate(err)
}

// insertSettlement writes a settlement with the figures of its lines and what it paid of debts.
func insertSettlement(ctx context.Context, tx bun.IDB, settlement models.BillSettlement, settled models.SettledUse) error {
	script := store.NewScript(tx)
	all := []models.BillSettlement{settlement}
	script.Insert(&all)
	if len(settled.Lines) > 0 {
		script.Update(&settled.Lines, "settlement_id", "billed_at", "cycle", "discount_minor", "payable_minor", "cash_minor", "credit_minor",
			"coupon_minor", "debt_minor", "debt_left_minor")
	}
	if len(settled.Payments) > 0 {
		script.Insert(&settled.Payments)
		script.Update(&settled.Debts, "debt_left_minor")
	}
	return store.Translate(script.Exec(ctx))
}

func insertLines(ctx context.Context, tx bun.IDB, lines []models.BillLine) error {
	_, err := tx.NewInsert().Model(&lines).Exec(ctx)
	return store.Translate(err)
}

// addMonths adds sums to the monthly rows and to their totals, in one order, or two transactions could wait for each other.
func addMonths(ctx context.Context, tx bun.IDB, ids models.IDSource, all []models.BillMonth) error {
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, byMonth)
	var sums []models.BillMonth
	for _, one := range all {
		if n := len(sums); n > 0 && byMonth(sums[n-1], one) == 0 {
			sums[n-1].BillSums = sums[n-1].Plus(one.BillSums)
			continue
		}
		one.ID = ids(models.PrefixBillMonth)
		sums = append(sums, one)
	}
	q := tx.NewInsert().Model(&sums).On("CONFLICT (customer_id, partner_id, mode, cycle, service_type, currency) DO UPDATE").Returning("NULL")
	for _, column := range summed {
		q = q.Set("? = ?TableAlias.? + EXCLUDED.?", bun.Ident(column), bun.Ident(column), bun.Ident(column))
	}
	totals := totalsOf(sums)
	script := store.NewScript(tx)
	script.Add(q)
	script.AddTo(&totals, summed...)
	return store.Translate(script.Exec(ctx))
}

// summed are the columns of models.BillSums.
var summed = []string{"lines", "discount_minor", "payable_minor", "cash_minor", "credit_minor", "coupon_minor", "debt_minor", "debt_paid_minor"}

func byMonth(a, b models.BillMonth) int {
	return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.PartnerID, b.PartnerID), cmp.Compare(a.Mode, b.Mode),
		cmp.Compare(a.Cycle, b.Cycle), cmp.Compare(a.ServiceType, b.ServiceType), cmp.Compare(a.Currency, b.Currency))
}

// totalsOf adds sums of customers up, in the order of the totals' key.
func totalsOf(months []models.BillMonth) []models.BillTotal {
	sums := make(map[models.BillTotal]models.BillSums, len(months))
	for _, m := range months {
		key := models.BillTotal{
			PartnerID: m.PartnerID, Cycle: m.Cycle, Mode: m.Mode, ServiceType: m.ServiceType, Currency: m.Currency, Part: models.PartOf(m.CustomerID),
		}
		sums[key] = sums[key].Plus(m.BillSums)
	}
	totals := slices.SortedFunc(maps.Keys(sums), func(a, b models.BillTotal) int {
		return cmp.Or(cmp.Compare(a.PartnerID, b.PartnerID), cmp.Compare(a.Cycle, b.Cycle), cmp.Compare(a.Mode, b.Mode),
			cmp.Compare(a.ServiceType, b.ServiceType), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Part, b.Part))
	})
	for i, key := range totals {
		totals[i].BillSums = sums[key]
	}
	return totals
}

// selectOrder reads an order, locked, with its lines.
func selectOrder(ctx context.Context, tx bun.IDB, id models.ID) (models.Order, []models.OrderItem, error) {
	var orders []models.Order
	if err := store.ForUpdate(tx.NewSelect().Model(&orders).Where("o.id = ?", id)).Scan(ctx); err != nil || len(orders) == 0 {
		return models.Order{}, nil, store.Translate(err)
	}
	var items []models.OrderItem
	err := tx.NewSelect().Model(&items).Where("oi.order_id = ?", id).Order("oi.position").Scan(ctx)
	return orders[0], items, store.Translate(err)
}

// selectLinesOf reads what an order was billed with, without what was given back, in the order of its lines.
func selectLinesOf(ctx context.Context, tx bun.IDB, order models.ID) ([]models.BillLine, error) {
	var rows []models.BillLine
	err := tx.NewSelect().Model(&rows).Where("bil.order_id = ?", order).Where("bil.base_id IS NULL").Order("bil.id").Scan(ctx)
	return rows, store.Translate(err)
}

// selectBack reads what was given back of lines.
func selectBack(ctx context.Context, tx bun.IDB, bases []models.BillLine) ([]models.BillLine, error) {
	if len(bases) == 0 {
		return nil, nil
	}
	ids := make([]models.ID, len(bases))
	for i, base := range bases {
		ids[i] = base.ID
	}
	var rows []models.BillLine
	err := tx.NewSelect().Model(&rows).Where("bil.base_id IN (?)", bun.List(ids)).Order("bil.id").Scan(ctx)
	return rows, store.Translate(err)
}

func selectRefund(ctx context.Context, tx bun.IDB, column string, id models.ID) (models.OrderRefund, bool, error) {
	var rows []models.OrderRefund
	err := tx.NewSelect().Model(&rows).Where("rfd.? = ?", bun.Ident(column), id).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.OrderRefund{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}
