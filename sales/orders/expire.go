package orders

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Jobs keeps what is to be done at a time.
type Jobs interface {
	// ScheduleIn has a job of the kind done about the object when it is due, in the transaction that makes it necessary.
	ScheduleIn(ctx context.Context, tx bun.IDB, kind models.JobKind, object models.ID, due time.Time) error
}

// scheduleExpiry has ExpireOrder called at the order's payment deadline.
func (s *Service) scheduleExpiry(ctx context.Context, tx bun.IDB, order models.Order) error {
	if s.Jobs == nil || order.PayBy == nil {
		return nil
	}
	return s.Jobs.ScheduleIn(ctx, tx, models.JobOrderExpire, order.ID, *order.PayBy)
}

// ExpireOrder cancels an order that was not paid by its deadline (O06), and sets the money free that is held for it. It is for the job of
// that deadline: an order that does not wait for payment any more, or never existed, is left alone, and one whose deadline lies ahead is
// models.NotDue.
func (s *Service) ExpireOrder(ctx context.Context, orderID models.ID) error {
	who := models.SystemPrincipal("order-expiry")
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		order, found, err := selectOrderForUpdate(ctx, tx, who, orderID)
		if err != nil || !found || order.Status != models.OrderPendingPayment || order.PayBy == nil {
			return err
		}
		if s.now().Before(*order.PayBy) {
			return models.NotDue{Until: *order.PayBy}
		}
		return s.cancelIn(ctx, tx, who, &order, "PAYMENT_DEADLINE_PASSED")
	})
	if err == nil {
		s.nudge()
	}
	return err
}

// UnscheduledExpiry finds the deadlines of orders that wait for payment, for jobs.Engine.Backfill: of at most limit orders with ids above after.
func (s *Service) UnscheduledExpiry(ctx context.Context, tx bun.IDB, after models.ID, limit int) (due []models.Due, last models.ID, err error) {
	waiting, err := selectWaitingAfter(ctx, tx, after, limit)
	for _, order := range waiting {
		due, last = append(due, models.Due{Object: order.ID, At: *order.PayBy}), order.ID
	}
	return due, last, err
}
