package orders

import (
	"context"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// ReviewOrder is an operator's decision about an order in PENDING_REVIEW.
type ReviewOrder struct {
	OrderID models.ID
	Approve bool
	Reason  *string // one line of 1 to 500 characters, without personal data; required when it is refused
}

// Reviewed is the order after it.
type Reviewed struct {
	Order models.Order
}

// SetOrderReview puts a customer's orders under review, or takes them out of it.
type SetOrderReview struct {
	CustomerID models.ID
	Reason     *string // one line of 1 to 500 characters; nil = no review any more
}

// OrderReviewSet is the customer after it.
type OrderReviewSet struct {
	CustomerID  models.ID
	UnderReview bool
}

// needsReview reports whether an operator looks at an order before it may be paid.
func (s *Service) needsReview(ctx context.Context, tx bun.IDB, order models.Order) (bool, error) {
	if s.ReviewAbove > 0 && order.TotalMinor > s.ReviewAbove {
		return true, nil
	}
	return existsReview(ctx, tx, order.CustomerID)
}

// Review lets an order go on to its payment, whose time begins now, or cancels it (4.2). Operators only. Again, or in any other state,
// ORDER_NOT_IN_REVIEW is the reason, and CUSTOMER_CHANGED when the customer's partner or mode is not what the order was placed under.
func (s *Service) Review(ctx context.Context, who models.Principal, cmd ReviewOrder) (Reviewed, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return Reviewed{}, err
	}
	if !who.SeesAll() {
		return Reviewed{}, ErrOperatorReviews
	}
	if err := cmd.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
		return Reviewed{}, err
	}
	if cmd.Reason != nil || !cmd.Approve {
		if err := checkReason(deref(cmd.Reason)); err != nil {
			return Reviewed{}, err
		}
	}
	var order models.Order
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if order, found, err = selectOrderForUpdate(ctx, tx, who, cmd.OrderID); err != nil {
			return err
		}
		switch {
		case !found:
			return ErrUnknown
		case order.Status != models.OrderPendingReview:
			return ErrNotInReview
		}
		now := s.now()
		order.ReviewedAt, order.ReviewReason = &now, deref(cmd.Reason)
		reviewed := models.Event{
			Type: models.EventOrderReviewed, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
			Fields: []string{"status"}, Data: map[string]any{"approved": cmd.Approve},
		}
		if !cmd.Approve {
			if err := s.cancelIn(ctx, tx, who, &order, "REVIEW_REFUSED"); err != nil {
				return err
			}
			reviewed.Changes = []models.FieldChange{models.Changed("status", models.OrderPendingReview, order.Status)}
			return s.Events.Record(ctx, tx, who, reviewed)
		}
		customer, err := s.customerNow(ctx, tx, who, order)
		if err != nil {
			return err
		}
		anew := order
		if s.belong(&anew, customer, now); anew.PartnerID != order.PartnerID {
			return ErrCustomerChanged
		}
		due := now.Add(s.payWithinOf(order.Type))
		order.Status, order.PayBy, order.UpdatedAt = models.OrderPendingPayment, &due, now
		if err := s.updateOrder(ctx, tx, &order); err != nil {
			return err
		}
		if err := s.scheduleExpiry(ctx, tx, order); err != nil {
			return err
		}
		reviewed.Changes = []models.FieldChange{models.Changed("status", models.OrderPendingReview, order.Status)}
		return s.Events.Record(ctx, tx, who, reviewed)
	})
	if err != nil {
		return Reviewed{}, err
	}
	s.nudge()
	return Reviewed{Order: order}, nil
}

// SetReview puts the orders that a customer places from now on under review, or ends that. Operators only.
func (s *Service) SetReview(ctx context.Context, who models.Principal, cmd SetOrderReview) (OrderReviewSet, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return OrderReviewSet{}, err
	}
	if !who.SeesAll() {
		return OrderReviewSet{}, ErrOperatorReviews
	}
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return OrderReviewSet{}, err
	}
	if cmd.Reason != nil {
		if err := checkReason(*cmd.Reason); err != nil {
			return OrderReviewSet{}, err
		}
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		customer, err := s.customerOf(ctx, tx, who, cmd.CustomerID)
		if err != nil {
			return err
		}
		was, err := existsReview(ctx, tx, cmd.CustomerID)
		if err != nil {
			return err
		}
		if err := replaceReview(ctx, tx, cmd.CustomerID, cmd.Reason, s.now()); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventOrderReviewSet, CustomerID: "", SubjectID: string(customer.ID), Fields: []string{"underReview"},
			Changes: []models.FieldChange{models.Changed("underReview", strconv.FormatBool(was), strconv.FormatBool(cmd.Reason != nil))},
			Data:    map[string]any{"underReview": cmd.Reason != nil},
		})
	})
	return OrderReviewSet{CustomerID: cmd.CustomerID, UnderReview: cmd.Reason != nil}, err
}
