package settlements

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of this room that callers may want to tell apart with errors.Is.
var (
	ErrOperatorGives   = models.Forbidden("Only an operator sets what a customer may owe on account.")
	ErrOwnerPays       = models.Forbidden("Only the customer, or an operator, pays what is owed on account.")
	ErrCustomerUnknown = models.NotFound("customer")
	ErrNoLine          = models.Precondition("NO_SETTLEMENT_LINE", "This customer does not buy on account.")
	ErrLineInUse       = models.Precondition("LIMIT_IN_USE", "This customer owes more than this on account; end the line, or let the debt be paid first.")
	ErrNothingOwed     = models.Precondition("NOTHING_OWED", "Nothing is owed on account.")
	ErrOverdue         = models.Precondition("SETTLEMENT_OVERDUE", "What was bought on account is overdue: pay that first, or recharge the balance and pay from there.")
)

// Jobs has months settled at their time.
type Jobs interface {
	// ScheduleManyIn has a kind of job carried out for objects at their times, in the caller's transaction.
	ScheduleManyIn(ctx context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error
}

// Service keeps what is bought on account. All fields are required unless said otherwise and set once, before use; it is then safe for concurrent
// use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	Ledger *ledger.Service
	Jobs   Jobs // nil = nothing is settled by itself

	debtors watch.Debtors // customers whose balance has changed
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// schedule has a customer's months settled at a time.
func (s *Service) schedule(ctx context.Context, tx bun.IDB, customer models.ID, at time.Time) error {
	if s.Jobs == nil {
		return nil
	}
	return s.Jobs.ScheduleManyIn(ctx, tx, models.JobAccountSettle, []models.Due{{Object: customer, At: at}})
}
