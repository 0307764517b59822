package settlements

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// selectCustomer reads what this room needs of a customer whose money the principal may see.
func selectCustomer(ctx context.Context, db bun.IDB, who models.Principal, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	q := db.NewSelect().Model(&rows).Column("c.id", "c.currency", "c.partner_id", "c.mode").Where("c.id = ?", id)
	err := store.Read(ctx, db, access.CustomersWithBalance(q, who), &rows)
	if err != nil || len(rows) == 0 {
		return models.Customer{}, false, err
	}
	return rows[0], true, nil
}

func selectLine(ctx context.Context, db bun.IDB, customer models.ID) (models.SettlementLine, bool, error) {
	var rows []models.SettlementLine
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("stl.customer_id = ?", customer), &rows)
	if err != nil || len(rows) == 0 {
		return models.SettlementLine{}, false, err
	}
	return rows[0], true, nil
}

// standingRow is a line with one of the months that something is owed of, or without any.
type standingRow struct {
	CustomerID models.ID
	Currency   models.Currency
	LineMinor  int64
	EndedAt    *time.Time
	OpenMinor  *int64
	DueAt      *time.Time
}

// selectStandings reads the lines of the customers whose money the principal may see with what they owe, the oldest month first.
func selectStandings(ctx context.Context, db bun.IDB, who models.Principal, customers []models.ID) ([]standingRow, error) {
	var rows []standingRow
	q := db.NewSelect().Model((*models.SettlementLine)(nil)).ColumnExpr("stl.customer_id, stl.currency, stl.line_minor, stl.ended_at, mst.open_minor, mst.due_at").
		Join("JOIN customers AS c ON c.id = stl.customer_id").
		Join("LEFT JOIN monthly_settlements AS mst ON mst.customer_id = stl.customer_id AND mst.currency = stl.currency AND mst.open_minor > 0").
		Where("stl.customer_id IN (?)", bun.List(customers)).Order("stl.customer_id", "mst.due_at")
	err := access.CustomersWithBalance(q, who).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func upsertLine(ctx context.Context, tx bun.IDB, line models.SettlementLine) error {
	_, err := tx.NewInsert().Model(&line).On("CONFLICT (customer_id) DO UPDATE").Set("currency = EXCLUDED.currency").Set("line_minor = EXCLUDED.line_minor").
		Set("reason = EXCLUDED.reason").Set("ended_at = EXCLUDED.ended_at").Set("updated_at = EXCLUDED.updated_at").Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

// selectOpen reads the months of a customer that something is owed of, the oldest first.
func selectOpen(ctx context.Context, db bun.IDB, customer models.ID, currency models.Currency) ([]models.MonthlySettlement, error) {
	var rows []models.MonthlySettlement
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("mst.customer_id = ?", customer).Where("mst.currency = ?", currency).
		Where("mst.open_minor > 0").Order("mst.due_at", "mst.id"), &rows)
	return rows, err
}

func selectMonth(ctx context.Context, db bun.IDB, customer models.ID, currency models.Currency, cycle models.BillingCycle) (models.MonthlySettlement, bool, error) {
	var rows []models.MonthlySettlement
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("mst.customer_id = ?", customer).Where("mst.cycle = ?", cycle).
		Where("mst.currency = ?", currency), &rows)
	if err != nil || len(rows) == 0 {
		return models.MonthlySettlement{}, false, err
	}
	return rows[0], true, nil
}

func insertMonth(ctx context.Context, tx bun.IDB, month models.MonthlySettlement) error {
	_, err := tx.NewInsert().Model(&month).Exec(ctx)
	return store.Translate(err)
}

func updateMonth(ctx context.Context, tx bun.IDB, month models.MonthlySettlement) error {
	_, err := tx.NewUpdate().Model(&month).Column("charged_minor", "refunded_minor", "paid_minor", "open_minor", "settled_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// due are the open months of customers that are over.
func due(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	return q.Where("mst.open_minor > 0").Where("mst.due_at <= ?", now.UTC())
}

func existsDue(ctx context.Context, db bun.IDB, customer models.ID, now time.Time) (bool, error) {
	exists, err := due(db.NewSelect().Model((*models.MonthlySettlement)(nil)), now).Where("mst.customer_id = ?", customer).Exists(ctx)
	return exists, store.Translate(err)
}

// selectOwing returns those of the customers that should have paid something, in their order.
func selectOwing(ctx context.Context, db bun.IDB, customers []models.ID, now time.Time) ([]models.ID, error) {
	var owing []models.ID
	err := due(db.NewSelect().Model((*models.MonthlySettlement)(nil)).Distinct().Column("mst.customer_id"), now).
		Where("mst.customer_id IN (?)", bun.List(customers)).Order("mst.customer_id").Scan(ctx, &owing)
	return owing, store.Translate(err)
}

// selectNextDue returns when the oldest open month of a customer is, or was, due.
func selectNextDue(ctx context.Context, db bun.IDB, customer models.ID) (time.Time, bool, error) {
	var rows []models.MonthlySettlement
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("mst.customer_id = ?", customer).Where("mst.open_minor > 0").Order("mst.due_at").Limit(1), &rows)
	if err != nil || len(rows) == 0 {
		return time.Time{}, false, err
	}
	return rows[0].DueAt.UTC(), true, nil
}

// credit is what a refund took off, and when its order was paid.
type credit struct {
	AccountMinor int64
	CustomerID   models.ID
	Currency     models.Currency
	PaidAt       time.Time
}

func selectCredit(ctx context.Context, db bun.IDB, transfer models.ID) (credit, bool, error) {
	var rows []credit
	err := db.NewSelect().Model((*models.OrderRefund)(nil)).ColumnExpr("rfd.account_minor, o.customer_id, o.currency, o.paid_at").
		Join("JOIN orders AS o ON o.id = rfd.order_id").Where("rfd.transfer_id = ?", transfer).Where("rfd.account_minor > 0").Where("o.paid_at IS NOT NULL").
		Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return credit{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func visible(db bun.IDB, who models.Principal) *bun.SelectQuery {
	q := db.NewSelect().Model((*models.MonthlySettlement)(nil)).Join("JOIN customers AS c ON c.id = mst.customer_id")
	return access.MonthlySettlements(q, who)
}

func selectMonths(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.MonthlySettlement, error) {
	var rows []models.MonthlySettlement
	q := db.NewSelect().Model(&rows).Join("JOIN customers AS c ON c.id = mst.customer_id").Where("mst.id IN (?)", bun.List(ids))
	err := access.MonthlySettlements(q, who).Scan(ctx)
	return rows, store.Translate(err)
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.CustomerID != nil {
		q = q.Where("mst.customer_id = ?", *f.CustomerID)
	}
	if f.Month != nil {
		q = q.Where("mst.cycle = ?", *f.Month)
	}
	if f.Open != nil {
		q = q.Where("(mst.open_minor > 0) = ?", *f.Open)
	}
	return q
}
