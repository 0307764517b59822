package resources

import (
	"cmp"
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/watch"
)

// ErrWatchHidden ends a watch whose resource may no longer be seen.
var ErrWatchHidden = &models.Error{Code: models.CodeNotFound, Message: "This resource may no longer be seen."}

// changesChannel is where replicas tell each other of changed resources: by the id of the main resource, or of the customer for all that it
// runs.
const changesChannel = "resources"

// Watch begins to watch a resource, main or not, until ctx ends. It needs RESOURCES_READ; a resource that may not be seen is NOT_FOUND.
// still says who the caller is by then; see watch.Hub for what ends a watch.
func (s *Service) Watch(ctx context.Context, who models.Principal, id models.ID, still func(ctx context.Context) (models.Principal, error)) (*watch.Watching[models.Resource], error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	if err := id.Require(models.PrefixResource, "resourceId"); err != nil {
		return nil, err
	}
	read := func(ctx context.Context, who models.Principal) (models.Resource, error) {
		found, err := s.ByIDs(ctx, who, []models.ID{id})
		resource, seen := found[id]
		if err == nil && !seen {
			err = errUnknown
		}
		return resource, err
	}
	// Neither its main resource nor its customer ever changes, so they can be read before the watch begins.
	resource, err := read(ctx, who)
	if err != nil {
		return nil, err
	}
	return s.watches.Watch(ctx, who, watch.Source[models.Resource]{
		Topics: []models.ID{cmp.Or(resource.ParentID, resource.ID), resource.CustomerID}, Hidden: ErrWatchHidden, Still: still,
		Every: s.LookEvery, Read: read,
	})
}

// announce tells all replicas, once the transaction has committed, that a main resource with what follows it has changed, or all that a
// customer runs.
func (s *Service) announce(ctx context.Context, id models.ID) {
	watch.Announce(ctx, s.Bus, changesChannel, id)
}

// RunWatches hears of changes from all replicas and wakes those who watch, until ctx ends. Each replica runs it once.
func (s *Service) RunWatches(ctx context.Context) { s.watches.Run(ctx, s.Bus, changesChannel, watch.Announced) }

// EndWatches ends all watches and refuses new ones, because the server is going down.
func (s *Service) EndWatches() { s.watches.End() }
