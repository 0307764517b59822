package exposure

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// ByIDs returns the configurations with these ids that the caller may see, with one statement; the others are absent.
// FORBIDDEN without EXPOSURE_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.AccessConfiguration, error) {
	return s.find(ctx, who, "id", ids, models.AccessConfiguration.NodeID)
}

// ByPartnerIDs returns the configurations of these partners that the caller may see, by partner, with one statement.
// FORBIDDEN without EXPOSURE_READ.
func (s *Service) ByPartnerIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.AccessConfiguration, error) {
	return s.find(ctx, who, "partner_id", ids, func(c models.AccessConfiguration) models.ID { return c.PartnerID })
}

func (s *Service) find(ctx context.Context, who models.Principal, column string, ids []models.ID, key func(models.AccessConfiguration) models.ID) (map[models.ID]models.AccessConfiguration, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.AccessConfiguration, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	configs, err := selectVisible(ctx, s.DB, who, column, ids)
	for _, config := range configs {
		if err := s.openContact(&config); err != nil {
			return nil, err
		}
		found[key(config)] = config
	}
	return found, err
}
