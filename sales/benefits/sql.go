package benefits

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func insertRow(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

func updateRow(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewUpdate().Model(row).WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectPartner(ctx context.Context, db bun.IDB, id models.ID) (models.Partner, bool, error) {
	var row models.Partner
	found, err := store.Found(db.NewSelect().Model(&row).Where("p.id = ?", id).Scan(ctx))
	return row, found, err
}

// lockStanding locks the standing of a partner, which it makes when there is none.
func lockStanding(ctx context.Context, tx bun.IDB, partner models.ID, now time.Time) (models.BenefitStanding, error) {
	row := models.BenefitStanding{PartnerID: partner, UpdatedAt: now}
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (partner_id) DO NOTHING").Returning("NULL").Exec(ctx); err != nil {
		return row, store.Translate(err)
	}
	row = models.BenefitStanding{}
	err := store.ForUpdate(tx.NewSelect().Model(&row).Where("bsd.partner_id = ?", partner)).Scan(ctx)
	return row, store.Translate(err)
}

// selectStanding is the standing of a partner, which is empty when there is no row.
func selectStanding(ctx context.Context, db bun.IDB, partner models.ID) (models.BenefitStanding, error) {
	row := models.BenefitStanding{PartnerID: partner}
	_, err := store.Found(db.NewSelect().Model(&row).Where("bsd.partner_id = ?", partner).Scan(ctx))
	return row, err
}

func selectTags(ctx context.Context, db bun.IDB) ([]models.CapabilityTag, error) {
	var rows []models.CapabilityTag
	err := db.NewSelect().Model(&rows).Order("cpt.level", "cpt.code").Scan(ctx)
	return rows, store.Translate(err)
}

// selectTagForUpdate locks a tag; false when there is none.
func selectTagForUpdate(ctx context.Context, tx bun.IDB, code string) (models.CapabilityTag, bool, error) {
	var row models.CapabilityTag
	found, err := store.Found(store.ForUpdate(tx.NewSelect().Model(&row).Where("cpt.code = ?", code)).Scan(ctx))
	return row, found, err
}

func selectTag(ctx context.Context, db bun.IDB, code string) (models.CapabilityTag, bool, error) {
	var row models.CapabilityTag
	found, err := store.Found(db.NewSelect().Model(&row).Where("cpt.code = ?", code).Scan(ctx))
	return row, found, err
}

func selectCapabilities(ctx context.Context, db bun.IDB, partner models.ID) ([]models.PartnerCapability, error) {
	var rows []models.PartnerCapability
	err := db.NewSelect().Model(&rows).Where("pcp.partner_id = ?", partner).Scan(ctx)
	return rows, store.Translate(err)
}

func selectCapability(ctx context.Context, db bun.IDB, id models.ID) (models.PartnerCapability, bool, error) {
	var row models.PartnerCapability
	found, err := store.Found(db.NewSelect().Model(&row).Where("pcp.id = ?", id).Scan(ctx))
	return row, found, err
}

// selectUplifts are the applications of a partner for the capability-uplift incentive that were not deleted.
func selectUplifts(ctx context.Context, db bun.IDB, partner models.ID) ([]models.BenefitApplication, error) {
	var rows []models.BenefitApplication
	err := db.NewSelect().Model(&rows).Where("bap.partner_id = ? AND bap.kind = ?", partner, models.BenefitUplift).
		Where("bap.status <> ?", models.BenefitDeleted).Scan(ctx)
	return rows, store.Translate(err)
}

// selectLevelTwo are the codes of a partner's tags of level 2 (N08).
func selectLevelTwo(ctx context.Context, db bun.IDB, partner models.ID) ([]string, error) {
	var codes []string
	err := db.NewSelect().Model((*models.PartnerCapability)(nil)).Column("pcp.tag_code").Join("JOIN capability_tags AS t ON t.code = pcp.tag_code").
		Where("pcp.partner_id = ? AND pcp.state = ? AND t.level = 2", partner, models.CapabilityGranted).Scan(ctx, &codes)
	return codes, store.Translate(err)
}

func visibleApplications(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.BenefitApplications(db.NewSelect().Model((*models.BenefitApplication)(nil)), who)
}

func selectApplications(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.BenefitApplication, error) {
	var rows []models.BenefitApplication
	err := visibleApplications(db, who).Where("bap.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectApplicationForUpdate locks an application that the caller may see.
func selectApplicationForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.BenefitApplication, bool, error) {
	var rows []models.BenefitApplication
	err := store.ForUpdate(visibleApplications(tx, who).Where("bap.id = ?", id)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return models.BenefitApplication{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// selectCaps are the caps of a year that operators have said.
func selectCaps(ctx context.Context, db bun.IDB, year int) ([]models.MDFCap, error) {
	var rows []models.MDFCap
	err := db.NewSelect().Model(&rows).Where("mdc.year = ?", year).Scan(ctx)
	return rows, store.Translate(err)
}

// addUses adds up what a partner's requests to the fund ask for, or were approved with, in a year.
func addUses(ctx context.Context, db bun.IDB, budget *models.MDFBudget) error {
	var sums []struct {
		Status models.BenefitStatus `bun:"status"`
		Minor  int64                `bun:"minor"`
	}
	err := db.NewSelect().Model((*models.BenefitApplication)(nil)).Column("bap.status").
		ColumnExpr("CAST(SUM(COALESCE(bap.approved_minor, bap.amount_minor)) AS BIGINT) AS minor").
		Where("bap.kind = 'MDF' AND bap.partner_id = ? AND bap.year = ?", budget.PartnerID, budget.Year).Group("bap.status").Scan(ctx, &sums)
	for _, sum := range sums {
		budget.Add(sum.Status, sum.Minor)
	}
	return store.Translate(err)
}

func upsertCap(ctx context.Context, tx bun.IDB, row *models.MDFCap) error {
	_, err := tx.NewInsert().Model(row).On("CONFLICT (year, class, tag_code) DO UPDATE").
		Set("cap_minor = EXCLUDED.cap_minor").Set("source = EXCLUDED.source").Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

func insertOrders(ctx context.Context, tx bun.IDB, application models.ID, orders []models.ID) error {
	rows := make([]models.BenefitOrder, len(orders))
	for i, id := range orders {
		rows[i] = models.BenefitOrder{OrderID: id, ApplicationID: application}
	}
	return insertRow(ctx, tx, &rows)
}

func deleteOrders(ctx context.Context, tx bun.IDB, application models.ID) error {
	_, err := tx.NewDelete().Model((*models.BenefitOrder)(nil)).Where("application_id = ?", application).Exec(ctx)
	return store.Translate(err)
}

// selectOrders are the orders of applications that the caller may see.
func selectOrders(ctx context.Context, db bun.IDB, who models.Principal, applications []models.ID) ([]models.BenefitOrder, error) {
	var rows []models.BenefitOrder
	err := db.NewSelect().Model(&rows).Where("bor.application_id IN (?)", visibleApplications(db, who).Column("bap.id").Where("bap.id IN (?)", bun.List(applications))).
		Order("bor.application_id", "bor.order_id").Scan(ctx)
	return rows, store.Translate(err)
}
