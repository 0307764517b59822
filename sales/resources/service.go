package resources

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
)

// Clock has something done for objects at their times, in the caller's transaction (store/jobs).
type Clock interface {
	ScheduleManyIn(ctx context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error
}

// Orders is what a resource asks of the room above when it expires. Both are safe to call again: a resource that has been renewed,
// or turned, meanwhile is left as it is. They tell their outcome to this room through ExtendIn and TurnToUseIn.
type Orders interface {
	// RenewDue renews a main resource that renews itself, and pays.
	RenewDue(ctx context.Context, resource models.ID) error
	// ToPayPerUse has a main resource charged by use from its expiry on.
	ToPayPerUse(ctx context.Context, resource models.ID) error
}

// Authority says whether a partner may operate what its customer runs, on the customer's behalf (O16).
type Authority interface {
	MayOperate(ctx context.Context, db bun.IDB, who models.Principal, customer models.ID) (bool, error)
}

// Service keeps resources. Fields are required unless they say otherwise, and set once, before use; it is then safe for
// concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	// Clock expires and renews. Nil = nothing expires by itself.
	Clock Clock
	// Orders renew and turn to use. Nil = neither succeeds.
	Orders Orders
	// Authority lets partners act for customers. Nil = they may not.
	Authority Authority
	// Periods are how long an expired resource is kept.
	Periods models.ExpiryPeriods
	// Bus tells other replicas of changed resources; nil = only by looking from time to time.
	Bus       watch.Bus
	LookEvery time.Duration // how often a watch looks by itself; 0 = 15 seconds

	watches watch.Hub[models.Resource]
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
