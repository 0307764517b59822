package exposure

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
)

// ChecklistsFor returns what each of these configurations has done and what it lacks before its platform can go live, for those that the
// caller may see, with three statements. FORBIDDEN without EXPOSURE_READ.
func (s *Service) ChecklistsFor(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID][]models.GoLiveStep, error) {
	configs, err := s.ByIDs(ctx, who, ids)
	if err != nil || len(configs) == 0 {
		return nil, err
	}
	var partners []models.ID
	var platforms []string
	for _, config := range configs {
		partners, platforms = append(partners, config.PartnerID), append(platforms, config.PlatformID)
	}
	keyed, err := selectPartnersWithKeys(ctx, s.DB, partners, s.now())
	if err != nil {
		return nil, err
	}
	bound, err := selectPlatformsWithBindings(ctx, s.DB, platforms)
	if err != nil {
		return nil, err
	}
	lists := make(map[models.ID][]models.GoLiveStep, len(configs))
	for id, config := range configs {
		lists[id] = config.GoLiveSteps(models.GoLiveFacts{LiveKeys: keyed[config.PartnerID], BoundEver: bound[config.PlatformID]})
	}
	return lists, nil
}
