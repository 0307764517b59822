package orders

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// CancelOrder says which order to cancel.
type CancelOrder struct {
	OrderID models.ID
}

// Cancelled is the order after it.
type Cancelled struct {
	Order models.Order
}

// Cancel cancels an order that waits for payment (O06) and sets the money free that is held for it. The customer may, and operators; a partner may not, as with
// paying. Any other state is PRECONDITION_FAILED with the reason ORDER_NOT_CANCELLABLE, somebody else's order NOT_FOUND.
func (s *Service) Cancel(ctx context.Context, who models.Principal, cmd CancelOrder) (models.Order, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return models.Order{}, err
	}
	if who.CustomerID == "" && !who.SeesAll() {
		return models.Order{}, models.Forbidden("Only the customer cancels its order: use the customer's own credential.")
	}
	if err := cmd.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
		return models.Order{}, err
	}
	var order models.Order
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if order, found, err = selectOrderForUpdate(ctx, tx, who, cmd.OrderID); err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		if order.Status != models.OrderPendingPayment {
			return ErrNotCancellable
		}
		return s.cancelIn(ctx, tx, who, &order, "")
	})
	if err != nil {
		return models.Order{}, err
	}
	s.nudge()
	return order, nil
}

// cancelIn cancels a locked order that was not paid, ends its hold and records what happened, with a reason when there is one.
func (s *Service) cancelIn(ctx context.Context, tx bun.IDB, who models.Principal, order *models.Order, why string) error {
	before := order.Status
	order.Status, order.UpdatedAt = models.OrderCancelled, s.now()
	if err := s.updateOrder(ctx, tx, order); err != nil {
		return err
	}
	if err := s.Events.Record(ctx, tx, who, cancelledEvent(*order, before, why)); err != nil {
		return err
	}
	free, err := s.voidHold(ctx, tx, *order)
	if err != nil || !free {
		return err
	}
	_, err = s.heldOrFree(ctx, tx, who, *order, models.EventOrderHoldReleased)
	return err
}
