package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// listServiceProviders names the list, which its cursors carry.
const listServiceProviders = "accessConfiguration.serviceProviders"

// ServiceProvidersByIDs returns the service providers with these ids that the caller may see; the others are absent. FORBIDDEN
// without EXPOSURE_READ.
func (s *Service) ServiceProvidersByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.ServiceProvider, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.ServiceProvider, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectProviders(ctx, s.DB, who, ids)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// FindServiceProvidersFor returns a page of service providers, oldest first, for each of the access configurations.
func (s *Service) FindServiceProvidersFor(ctx context.Context, who models.Principal, configurations []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.ServiceProvider], error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	page, err := args.Page(listServiceProviders)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.ServiceProvider]{
		Column: "svp.access_configuration_id", ParentOf: func(p models.ServiceProvider) models.ID { return p.AccessConfigurationID },
		Visible: func() *bun.SelectQuery { return visibleProviders(s.DB, who) },
	}
	return nested.Pages(ctx, s.DB, configurations, page)
}

// ServiceProviderByEntity returns a platform's service provider in any state, for this server's own use. NOT_FOUND when there is none.
func (s *Service) ServiceProviderByEntity(ctx context.Context, platformID, entityID string) (models.ServiceProvider, error) {
	return s.oneProvider(ctx, platformID, "entity_id", entityID)
}

// ServiceProviderByID is ServiceProviderByEntity by its id.
func (s *Service) ServiceProviderByID(ctx context.Context, platformID, id string) (models.ServiceProvider, error) {
	return s.oneProvider(ctx, platformID, "id", id)
}

func (s *Service) oneProvider(ctx context.Context, platformID, column, value string) (models.ServiceProvider, error) {
	row, found, err := selectProviderOf(ctx, s.DB, platformID, column, value)
	if err == nil && !found {
		err = models.NotFound("service provider")
	}
	return row, err
}

// EnabledServiceProviders returns those of a platform that are in use, oldest first, for this server's own use.
func (s *Service) EnabledServiceProviders(ctx context.Context, platformID string) ([]models.ServiceProvider, error) {
	return selectEnabledProviders(ctx, s.DB, platformID)
}

// WantsECDSA reports whether an enabled service provider of the platform wants answers signed with an EC key.
func (s *Service) WantsECDSA(ctx context.Context, platformID string) (bool, error) {
	return existsECDSA(ctx, s.DB, platformID)
}
