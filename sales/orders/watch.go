package orders

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/watch"
)

// ErrWatchHidden ends a watch whose order may no longer be seen.
var ErrWatchHidden = &models.Error{Code: models.CodeNotFound, Message: "This order may no longer be seen."}

// changesChannel is where replicas tell each other of changed orders, by id.
const changesChannel = "orders"

// Watch begins to watch an order until ctx ends. It needs ORDERS_READ; an order that may not be seen is NOT_FOUND. still says who the
// caller is by then; see watch.Hub for what ends a watch.
func (s *Service) Watch(ctx context.Context, who models.Principal, id models.ID, still func(ctx context.Context) (models.Principal, error)) (*watch.Watching[models.Order], error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	if err := id.Require(models.PrefixOrder, "orderId"); err != nil {
		return nil, err
	}
	return s.watches.Watch(ctx, who, watch.Source[models.Order]{
		Topics: []models.ID{id}, Hidden: ErrWatchHidden, Still: still, Every: s.LookEvery,
		Read: func(ctx context.Context, who models.Principal) (models.Order, error) {
			found, err := s.ByIDs(ctx, who, []models.ID{id})
			order, seen := found[id]
			if err == nil && !seen {
				err = ErrUnknown
			}
			return order, err
		},
	})
}

// announce tells all replicas of a changed order once the transaction has committed.
func (s *Service) announce(ctx context.Context, id models.ID) {
	watch.Announce(ctx, s.Bus, changesChannel, id)
}

// RunWatches hears of changes from all replicas and wakes those who watch, until ctx ends. Each replica runs it once.
func (s *Service) RunWatches(ctx context.Context) { s.watches.Run(ctx, s.Bus, changesChannel, watch.Announced) }

// EndWatches ends all watches and refuses new ones, because the server is going down.
func (s *Service) EndWatches() { s.watches.End() }
