package catalog

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// selectVersionAt reads the version that is in force at a moment.
func selectVersionAt(ctx context.Context, db bun.IDB, cloud string, at time.Time) (models.CatalogueVersion, bool, error) {
	var rows []models.CatalogueVersion
	q := db.NewSelect().Model(&rows).Where("ctv.cloud = ?", cloud).Where("ctv.effective_at <= ?", at.UTC()).
		Order("ctv.effective_at DESC").Limit(1)
	if err := store.Read(ctx, db, q, &rows); err != nil || len(rows) == 0 {
		return models.CatalogueVersion{}, false, err
	}
	return rows[0], true, nil
}

// selectOf reads the rows of a version whose column is one of the values.
func selectOf[Row any, Value ~string](ctx context.Context, db bun.IDB, version models.ID, column string, values []Value) ([]Row, error) {
	var rows []Row
	if len(values) == 0 {
		return nil, nil
	}
	q := db.NewSelect().Model(&rows).Where("?TableAlias.version_id = ?", version).
		Where("?TableAlias.? ?", bun.Ident(column), store.In(values)).Order("id")
	err := store.Read(ctx, db, q, &rows)
	return rows, err
}

func selectConversions(ctx context.Context, db bun.IDB, version models.ID) (models.Conversions, error) {
	var rows []models.MeasureConversion
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("ccv.version_id = ?", version).Order("ccv.id"), &rows)
	return rows, err
}

// selectPolicies reads the policies of one month; a version has at most one per service type.
func selectPolicies(ctx context.Context, db bun.IDB, version models.ID, month models.BillingCycle) (models.Policies, error) {
	var rows []models.DiscountPolicy
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("cdp.version_id = ?", version).Where("cdp.month = ?", month), &rows)
	policies := make(models.Policies, len(rows))
	for _, row := range rows {
		policies[row.ServiceType] = row
	}
	return policies, err
}

// selectDiscountsOf reads what a customer was given, oldest first, whether in force or not.
func selectDiscountsOf(ctx context.Context, db bun.IDB, customer models.Customer, at time.Time) ([]models.Discount, error) {
	var rows []models.Discount
	q := db.NewSelect().Model(&rows).Where("dsc.customer_id = ?", customer.ID).Where("dsc.cloud = ?", customer.Cloud).
		Where("dsc.valid_from <= ?", at.UTC()).Where("dsc.valid_until IS NULL OR dsc.valid_until > ?", at.UTC()).
		Order("dsc.id").Limit(MaxDiscounts)
	err := store.Read(ctx, db, q, &rows)
	// Quotes keep them as JSON, where a time zone would show.
	for i := range rows {
		rows[i].From, rows[i].CreatedAt = rows[i].From.UTC(), rows[i].CreatedAt.UTC()
		if rows[i].Until != nil {
			until := rows[i].Until.UTC()
			rows[i].Until = &until
		}
	}
	return rows, err
}

// visibleQuotes starts a query of the quotes that a principal may see.
func visibleQuotes(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.Quotes(db.NewSelect().Model((*models.Quote)(nil)), who)
}

func selectQuotes(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Quote, error) {
	var rows []models.Quote
	err := store.Read(ctx, db, access.Quotes(db.NewSelect().Model(&rows).Where("qot.id ?", store.In(ids)), who), &rows)
	for i := range rows {
		rows[i] = rows[i].Exact()
	}
	return rows, err
}

// insert writes one row.
func insert(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

func selectVersionNamed(ctx context.Context, db bun.IDB, cloud, label string) (models.CatalogueVersion, bool, error) {
	var rows []models.CatalogueVersion
	err := db.NewSelect().Model(&rows).Where("ctv.cloud = ?", cloud).Where("ctv.label = ?", label).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.CatalogueVersion{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

func existsVersion(ctx context.Context, db bun.IDB, cloud string) (bool, error) {
	exists, err := db.NewSelect().Model((*models.CatalogueVersion)(nil)).Where("ctv.cloud = ?", cloud).Exists(ctx)
	return exists, store.Translate(err)
}

func selectVersions(ctx context.Context, db bun.IDB, ids []models.ID) ([]models.CatalogueVersion, error) {
	var rows []models.CatalogueVersion
	err := db.NewSelect().Model(&rows).Where("ctv.id IN (?)", bun.List(ids)).Scan(ctx)
	return rows, store.Translate(err)
}

// visibleDiscounts starts a query of the discounts that a principal may see.
func visibleDiscounts(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.Discounts(db.NewSelect().Model((*models.Discount)(nil)), who)
}

func selectDiscounts(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.Discount, error) {
	var rows []models.Discount
	err := access.Discounts(db.NewSelect().Model(&rows).Where("dsc.id IN (?)", bun.List(ids)), who).Scan(ctx)
	return rows, store.Translate(err)
}

func selectDiscountForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Discount, bool, error) {
	var rows []models.Discount
	err := store.ForUpdate(access.Discounts(tx.NewSelect().Model(&rows).Where("dsc.id = ?", id), who)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Discount{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// countDiscounts counts what a customer has or will have at a moment; one that was ended before its begin never comes.
func countDiscounts(ctx context.Context, db bun.IDB, customer models.ID, at time.Time) (int, error) {
	count, err := db.NewSelect().Model((*models.Discount)(nil)).Where("dsc.customer_id = ?", customer).
		Where("dsc.valid_until IS NULL OR dsc.valid_until > ? AND dsc.valid_until > dsc.valid_from", at.UTC()).Count(ctx)
	return int(count), store.Translate(err)
}

func updateDiscountEnd(ctx context.Context, tx bun.IDB, discount models.Discount) error {
	_, err := tx.NewUpdate().Model(&discount).Column("valid_until").WherePK().Exec(ctx)
	return store.Translate(err)
}

// selectPackages reads those of the products that are resource packages, of the version of a quote, or without one of that in force at a moment.
func selectPackages(ctx context.Context, db bun.IDB, cloud string, quote models.ID, at time.Time, products []string) ([]models.Specification, error) {
	version := db.NewSelect().TableExpr("quotes AS q").Column("q.version_id").Where("q.id = ?", quote)
	if quote == "" {
		version = db.NewSelect().Model((*models.CatalogueVersion)(nil)).Column("ctv.id").Where("ctv.cloud = ?", cloud).
			Where("ctv.effective_at <= ?", at.UTC()).Order("ctv.effective_at DESC").Limit(1)
	}
	var rows []models.Specification
	err := db.NewSelect().Model(&rows).Where("csp.version_id = (?)", version).Where("csp.product IN (?)", bun.List(products)).
		Where("csp.package IS NOT NULL").Scan(ctx)
	return rows, store.Translate(err)
}
