package incentives

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Service keeps policies, performance and statements. All fields are required unless said otherwise and set once, before use; it is then safe
// for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Cloud  string           // whose policies are asked for
	Events *events.Recorder // nil = only for reading and for Put
	Jobs   Jobs             // has what is confirmed paid out; nil = nobody does
	Ledger *ledger.Service  // of the keys of transfers; nil = there are none
	// Payouts says what is being paid out; nil = nothing is.
	Payouts Payouts
}

// Jobs keeps what is to be done at a time.
type Jobs interface {
	// ScheduleIn has a job of the kind done about the object when it is due, in the transaction that makes it necessary.
	ScheduleIn(ctx context.Context, tx bun.IDB, kind models.JobKind, object models.ID, due time.Time) error
}

// Payouts knows which statements are in a payout.
type Payouts interface {
	// HoldsIn reports whether a statement, which the caller has locked, is in a payout that was not withdrawn.
	HoldsIn(ctx context.Context, tx bun.IDB, statement models.ID) (bool, error)
	// ReleaseIn takes payouts back that nobody has begun, for statements that go to another account, and returns them by statement.
	ReleaseIn(ctx context.Context, tx bun.IDB, who models.Principal, statements []models.ID) (map[models.ID]models.ID, error)
	// CarryOverIn says of a statement that a partner has received what was carried over of the one that it comes from.
	CarryOverIn(ctx context.Context, tx bun.IDB, from, received, partner models.ID) error
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
