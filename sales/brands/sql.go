package brands

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// lockPartner holds the partner's row, so that two saves do not meet; false when there is none.
func lockPartner(ctx context.Context, tx bun.IDB, id models.ID) (models.PartnerKind, bool, error) {
	var kind models.PartnerKind
	q := tx.NewSelect().Model((*models.Partner)(nil)).Column("kind").Where("p.id = ?", id)
	found, err := store.Found(store.ForUpdate(q).Scan(ctx, &kind))
	return kind, found, err
}

// selectLatest returns the version of a partner that another one begins with: the one on its way, else the published one, else the newest.
func selectLatest(ctx context.Context, tx bun.IDB, partner models.ID) (models.BrandVersion, bool, error) {
	var row models.BrandVersion
	found, err := store.Found(tx.NewSelect().Model(&row).Where("brv.partner_id = ?", partner).
		OrderExpr("CASE WHEN brv.state IN (?) THEN 0 WHEN brv.state = ? THEN 1 ELSE 2 END, brv.id DESC", bun.List(models.OpenBrandStates()), models.BrandPublished).
		Limit(1).Scan(ctx))
	return row, found, err
}

// selectPublished returns the published version of a partner.
func selectPublished(ctx context.Context, db bun.IDB, partner models.ID) (models.BrandVersion, bool, error) {
	var row models.BrandVersion
	found, err := store.Found(db.NewSelect().Model(&row).Where("brv.partner_id = ? AND brv.state = ?", partner, models.BrandPublished).Scan(ctx))
	return row, found, err
}

// selectPublishedOfCustomer returns the published version of a customer's own partner.
func selectPublishedOfCustomer(ctx context.Context, db bun.IDB, customer models.ID) (models.BrandVersion, bool, error) {
	var row models.BrandVersion
	found, err := store.Found(db.NewSelect().Model(&row).Where("brv.state = ?", models.BrandPublished).
		Where("brv.partner_id = (SELECT c.partner_id FROM customers AS c WHERE c.id = ?)", customer).Scan(ctx))
	return row, found, err
}

// selectPublishedOfPlatform returns the published version of whoever a platform in use belongs to.
func selectPublishedOfPlatform(ctx context.Context, db bun.IDB, platform string) (models.BrandVersion, bool, error) {
	var row models.BrandVersion
	found, err := store.Found(db.NewSelect().Model(&row).Where("brv.state = ?", models.BrandPublished).
		Where("brv.partner_id = (SELECT ac.partner_id FROM access_configurations AS ac WHERE ac.platform_id = ? AND ac.state = ?)", platform, models.ExposureEnabled).
		Scan(ctx))
	return row, found, err
}

func visible(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.BrandVersions(db.NewSelect().Model((*models.BrandVersion)(nil)), who)
}

func selectByIDs(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.BrandVersion, error) {
	var rows []models.BrandVersion
	err := visible(db, who).Where("brv.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

// selectForUpdate locks a version that the caller may see.
func selectForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.BrandVersion, bool, error) {
	var rows []models.BrandVersion
	err := store.ForUpdate(visible(tx, who).Where("brv.id = ?", id)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return models.BrandVersion{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// selectDue returns the versions under review, the first due first.
func selectDue(ctx context.Context, db bun.IDB, most int) ([]models.BrandVersion, error) {
	rows := []models.BrandVersion{}
	err := db.NewSelect().Model(&rows).Where("brv.state = ?", models.BrandInReview).Order("brv.review_due_at", "brv.id").Limit(int64(most)).Scan(ctx)
	return rows, store.Translate(err)
}

func insertRow(ctx context.Context, tx bun.IDB, row any) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return store.Translate(err)
}

func updateRow(ctx context.Context, tx bun.IDB, row *models.BrandVersion) error {
	_, err := tx.NewUpdate().Model(row).ExcludeColumn("id", "partner_id", "created_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// insertLogo keeps a picture; the same one may be there.
func insertLogo(ctx context.Context, tx bun.IDB, row *models.BrandLogoFile) error {
	_, err := tx.NewInsert().Model(row).On("CONFLICT (partner_id, digest) DO NOTHING").Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

// deleteUnusedLogo forgets a picture that no version of the partner has any more.
func deleteUnusedLogo(ctx context.Context, tx bun.IDB, partner models.ID, digest string) error {
	_, err := tx.NewDelete().Model((*models.BrandLogoFile)(nil)).Where("partner_id = ? AND digest = ?", partner, digest).
		Where("NOT EXISTS (SELECT 1 FROM brand_versions AS v WHERE v.partner_id = ? AND v.logo_digest = ?)", partner, digest).Exec(ctx)
	return store.Translate(err)
}

// selectPublishedLogo returns a picture that a published version has.
func selectPublishedLogo(ctx context.Context, db bun.IDB, digest string) (models.BrandLogoFile, bool, error) {
	var row models.BrandLogoFile
	found, err := store.Found(db.NewSelect().Model(&row).Where("brl.digest = ?", digest).
		Where("EXISTS (SELECT 1 FROM brand_versions AS v WHERE v.partner_id = brl.partner_id AND v.logo_digest = brl.digest AND v.state = ?)", models.BrandPublished).
		Limit(1).Scan(ctx))
	return row, found, err
}

func selectLogo(ctx context.Context, db bun.IDB, partner models.ID, digest string) (models.BrandLogoFile, bool, error) {
	var row models.BrandLogoFile
	found, err := store.Found(db.NewSelect().Model(&row).Where("brl.partner_id = ? AND brl.digest = ?", partner, digest).Scan(ctx))
	return row, found, err
}

// selectPartnerSeen reports whether the caller knows of a partner at all.
func selectPartnerSeen(ctx context.Context, db bun.IDB, who models.Principal, id models.ID) (bool, error) {
	found, err := access.Partners(db.NewSelect().Model((*models.Partner)(nil)).Where("p.id = ?", id), who).Exists(ctx)
	return found, store.Translate(err)
}
