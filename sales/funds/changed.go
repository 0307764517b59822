package funds

import (
	"context"
	"errors"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
)

// changesChannel is where replicas tell each other of changed balances.
const changesChannel = "balances"

// Changed tells the cache, and then everybody who watches, here and at the other replicas, of committed changes. An error
// means that it must be called again: until then the cache of another replica may show what was before. It is what
// ledger.Service.Changed is for.
func (s *Service) Changed(ctx context.Context, changes []models.OwnerChange) error {
	for _, change := range changes {
		s.noted.Add(models.ID(change.ID))
	}
	var failures []error
	if s.Cache != nil {
		invalidations := make([]cache.Invalidation, len(changes))
		for i, change := range changes {
			invalidations[i] = cache.Invalidation{Key: cacheKey(change.Kind, change.ID), Version: change.Revision}
		}
		failures = append(failures, s.Cache.InvalidateAll(ctx, invalidations))
	}
	if s.Bus != nil {
		failures = append(failures, s.Bus.Publish(ctx, changesChannel, models.OwnerChanges(changes).Text()))
	}
	return errors.Join(failures...)
}
