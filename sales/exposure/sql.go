package exposure

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// lockPartner holds the partner's row, so that two first saves do not meet.
func lockPartner(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.PartnerKind, bool, error) {
	var kind models.PartnerKind
	q := tx.NewSelect().Model((*models.Partner)(nil)).Column("kind").Where("p.id = ?", id)
	found, err := store.Found(store.ForUpdate(access.PartnersWithin(q, who)).Scan(ctx, &kind))
	return kind, found, err
}

func selectKind(ctx context.Context, idb bun.IDB, who models.Principal, id models.ID) (models.PartnerKind, bool, error) {
	var kind models.PartnerKind
	q := idb.NewSelect().Model((*models.Partner)(nil)).Column("kind").Where("p.id = ?", id)
	found, err := store.Found(access.PartnersWithin(q, who).Scan(ctx, &kind))
	return kind, found, err
}

// updateBucketChecked says when the bucket worked, unless it was changed since.
func updateBucketChecked(ctx context.Context, idb bun.IDB, config models.AccessConfiguration, now time.Time) error {
	_, err := idb.NewUpdate().Model((*models.AccessConfiguration)(nil)).Set("bucket_checked_at = ?", now).
		Where("id = ? AND bucket_sealed = ?", config.ID, config.BucketSealed).Exec(ctx)
	return store.Translate(err)
}

func lockOfPartner(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	q := tx.NewSelect().Model(&config).Where("ac.partner_id = ?", partnerID)
	found, err := store.Found(store.ForUpdate(access.AccessConfigurations(q, who)).Scan(ctx))
	return config, found, err
}

func insert(ctx context.Context, tx bun.IDB, config *models.AccessConfiguration) error {
	_, err := tx.NewInsert().Model(config).Exec(ctx)
	return store.Translate(err)
}

func update(ctx context.Context, tx bun.IDB, config *models.AccessConfiguration) error {
	_, err := tx.NewUpdate().Model(config).ExcludeColumn("id", "partner_id", "platform_id", "created_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

func selectVisible(ctx context.Context, idb bun.IDB, who models.Principal, column string, ids []models.ID) ([]models.AccessConfiguration, error) {
	var configs []models.AccessConfiguration
	q := idb.NewSelect().Model(&configs).Where("ac.? IN (?)", bun.Ident(column), bun.List(ids))
	return configs, store.Translate(access.AccessConfigurations(q, who).Scan(ctx))
}

func selectByPlatform(ctx context.Context, idb bun.IDB, platformID string) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	found, err := store.Found(idb.NewSelect().Model(&config).Where("ac.platform_id = ?", platformID).Scan(ctx))
	return config, found, err
}

// selectServing prefers the partner's own configuration to its parent's.
func selectServing(ctx context.Context, idb bun.IDB, partnerID models.ID) (models.AccessConfiguration, bool, error) {
	var rows []models.AccessConfiguration
	err := store.Read(ctx, idb, idb.NewSelect().Model(&rows).
		Where("(ac.partner_id = ? OR ac.partner_id = (SELECT p.parent_id FROM partners AS p WHERE p.id = ?))", partnerID, partnerID).
		Where("ac.state = ?", models.ExposureEnabled).
		OrderExpr("CASE WHEN ac.partner_id = ? THEN 0 ELSE 1 END", partnerID).Limit(1), &rows)
	if err != nil || len(rows) == 0 {
		return models.AccessConfiguration{}, false, err
	}
	return rows[0], true, nil
}

// selectOriginsLike returns the lists of enabled platforms whose text holds the origin; the caller compares exactly. The
// origin is a checked one, so it holds no quote; an underscore in it only finds more than needed.
func selectOriginsLike(ctx context.Context, idb bun.IDB, origin string) ([][]string, error) {
	var configs []models.AccessConfiguration
	err := idb.NewSelect().Model(&configs).Column("allowed_origins").Where("ac.state = ?", models.ExposureEnabled).
		Where("CAST(ac.allowed_origins AS text) LIKE ?", `%"`+origin+`"%`).Scan(ctx)
	lists := make([][]string, len(configs))
	for i, config := range configs {
		lists[i] = config.AllowedOrigins
	}
	return lists, store.Translate(err)
}

func selectPartnerOfCustomer(ctx context.Context, idb bun.IDB, id models.ID) (models.ID, error) {
	var customer models.Customer
	_, err := store.Found(idb.NewSelect().Model(&customer).Column("partner_id").Where("c.id = ?", id).Scan(ctx))
	return customer.PartnerID, err
}

// selectPartnersWithKeys returns those of the partners that have an API key of their own that works.
func selectPartnersWithKeys(ctx context.Context, idb bun.IDB, partners []models.ID, now time.Time) (map[models.ID]bool, error) {
	var found []models.ID
	err := idb.NewSelect().Model((*models.APIKey)(nil)).ColumnExpr("DISTINCT k.partner_id").
		Where("k.partner_id IN (?) AND k.kind = ?", bun.List(partners), models.PartnerKey).
		Where("k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?)", now).Scan(ctx, &found)
	return setOf(found), store.Translate(err)
}

// selectPlatformsWithBindings returns those of the platforms at which some account is bound.
func selectPlatformsWithBindings(ctx context.Context, idb bun.IDB, platforms []string) (map[string]bool, error) {
	var found []string
	err := idb.NewSelect().Model((*models.AccessConfiguration)(nil)).Column("ac.platform_id").
		Where("ac.platform_id IN (?)", bun.List(platforms)).
		Where("EXISTS (SELECT 1 FROM federated_accounts AS fa WHERE fa.platform_id = ac.platform_id)").Scan(ctx, &found)
	return setOf(found), store.Translate(err)
}

func setOf[K comparable](keys []K) map[K]bool {
	set := make(map[K]bool, len(keys))
	for _, key := range keys {
		set[key] = true
	}
	return set
}
