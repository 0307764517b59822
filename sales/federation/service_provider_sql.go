package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func configuration(q *bun.SelectQuery, who models.Principal, partnerID models.ID) *bun.SelectQuery {
	return access.AccessConfigurations(q.Where("ac.partner_id = ?", partnerID), who)
}

func selectConfiguration(ctx context.Context, idb bun.IDB, who models.Principal, partnerID models.ID) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	found, err := store.Found(configuration(idb.NewSelect().Model(&config).ExcludeColumn("idp_metadata"), who, partnerID).Scan(ctx))
	return config, found, err
}

func lockConfiguration(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	found, err := store.Found(store.ForUpdate(configuration(tx.NewSelect().Model(&config).ExcludeColumn("idp_metadata"), who, partnerID)).Scan(ctx))
	return config, found, err
}

func platformByID(ctx context.Context, idb bun.IDB, platformID string) (models.AccessConfiguration, bool, error) {
	var config models.AccessConfiguration
	found, err := store.Found(idb.NewSelect().Model(&config).ExcludeColumn("idp_metadata").Where("ac.platform_id = ?", platformID).Scan(ctx))
	return config, found, err
}

func countProviders(ctx context.Context, idb bun.IDB, configuration models.ID) (int, error) {
	count, err := idb.NewSelect().Model((*models.ServiceProvider)(nil)).Where("svp.access_configuration_id = ?", configuration).Count(ctx)
	return int(count), store.Translate(err)
}

// visibleProviders starts a query of the service providers that a principal may see.
func visibleProviders(idb bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.ServiceProviders(idb.NewSelect().Model((*models.ServiceProvider)(nil)), who)
}

func existsProvider(ctx context.Context, idb bun.IDB, who models.Principal, id models.ID) (bool, error) {
	found, err := visibleProviders(idb, who).Where("svp.id = ?", id).Exists(ctx)
	return found, store.Translate(err)
}

func selectProviders(ctx context.Context, idb bun.IDB, who models.Principal, ids []models.ID) ([]models.ServiceProvider, error) {
	var rows []models.ServiceProvider
	err := visibleProviders(idb, who).Where("svp.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func lockProvider(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.ServiceProvider, bool, error) {
	var row models.ServiceProvider
	found, err := store.Found(store.ForUpdate(access.ServiceProviders(tx.NewSelect().Model(&row).Where("svp.id = ?", id), who)).Scan(ctx))
	return row, found, err
}

func updateProvider(ctx context.Context, tx bun.IDB, row *models.ServiceProvider) error {
	_, err := tx.NewUpdate().Model(row).ExcludeColumn("id", "access_configuration_id", "partner_id", "platform_id", "entity_id", "created_at").WherePK().Exec(ctx)
	return store.Translate(err)
}

// deleteProvider deletes the row, what it was told and what it told.
func deleteProvider(ctx context.Context, tx bun.IDB, id models.ID) error {
	for _, model := range []any{(*models.IDPParticipant)(nil), (*models.CloudBinding)(nil)} {
		if _, err := tx.NewDelete().Model(model).Where("service_provider_id = ?", id).Exec(ctx); err != nil {
			return store.Translate(err)
		}
	}
	_, err := tx.NewDelete().Model((*models.ServiceProvider)(nil)).Where("id = ?", id).Exec(ctx)
	return store.Translate(err)
}

func selectProviderOf(ctx context.Context, idb bun.IDB, platformID, column, value string) (models.ServiceProvider, bool, error) {
	var row models.ServiceProvider
	found, err := store.Found(idb.NewSelect().Model(&row).Where("svp.platform_id = ?", platformID).Where("svp.? = ?", bun.Ident(column), value).Scan(ctx))
	return row, found, err
}

func selectEnabledProviders(ctx context.Context, idb bun.IDB, platformID string) ([]models.ServiceProvider, error) {
	var rows []models.ServiceProvider
	err := idb.NewSelect().Model(&rows).Where("svp.platform_id = ?", platformID).Where("svp.state = ?", models.ServiceProviderEnabled).
		OrderExpr("svp.id").Scan(ctx)
	return rows, store.Translate(err)
}

func existsECDSA(ctx context.Context, idb bun.IDB, platformID string) (bool, error) {
	found, err := idb.NewSelect().Model((*models.ServiceProvider)(nil)).Where("svp.platform_id = ?", platformID).
		Where("svp.state = ? AND svp.signature_algorithm = ?", models.ServiceProviderEnabled, models.SignECDSASHA256).Exists(ctx)
	return found, store.Translate(err)
}
