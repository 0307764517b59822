package orders

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// RequestPartnerPayment says which order the customer wants its partner to pay.
type RequestPartnerPayment struct {
	OrderID models.ID
}

// PartnerPaymentAsked is the order after it.
type PartnerPaymentAsked struct {
	Order models.Order
}

// AskPartner asks the partner of a resale customer to pay an order that waits for payment (O05). Customers only; asked again it changes
// nothing. The reasons of PRECONDITION_FAILED are those of models.Order.Payable and NO_PARTNER_PAYS.
func (s *Service) AskPartner(ctx context.Context, who models.Principal, cmd RequestPartnerPayment) (PartnerPaymentAsked, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return PartnerPaymentAsked{}, err
	}
	if who.CustomerID == "" {
		return PartnerPaymentAsked{}, models.Forbidden("Only the customer asks its partner to pay (O05).")
	}
	if err := cmd.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
		return PartnerPaymentAsked{}, err
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
		now := s.now()
		customer, err := s.payer(ctx, tx, order, now)
		if err != nil {
			return err
		}
		if !order.PayableByPartnerOf(customer) {
			return ErrNoPartnerPays
		}
		if order.PartnerAskedAt != nil {
			return nil
		}
		order.PartnerAskedAt, order.UpdatedAt = &now, now
		if err := s.updateOrder(ctx, tx, &order); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventOrderPartnerAsked, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
			Fields: []string{"partnerAskedAt"}, Changes: []models.FieldChange{models.Changed("partnerAskedAt", "", moment(&now))},
			Data: map[string]any{"total": order.Total().Plain(), "currency": order.Currency},
		})
	})
	if err != nil {
		return PartnerPaymentAsked{}, err
	}
	s.nudge()
	return PartnerPaymentAsked{Order: order}, nil
}

// PartnerPayOrder says which order of a customer the partner pays.
type PartnerPayOrder struct {
	OrderID        models.ID
	CouponIDs      []models.ID // the customer's, at most 3, which pay first and in this order (O04)
	IdempotencyKey string      // 1 to 128 printable ASCII characters, made up once per payment
	Code           *string     // for FUNDING, where the partner has that ask for one (O05, G04)
}

// PartnerPaid is what the payment did. A repeated key returns the figures of then.
type PartnerPaid struct {
	Order   models.Order
	Balance models.Balance // the partner's, afterwards
}

// PayForCustomer pays an order of a resale customer with the customer's coupons and then from its partner's own balance, exactly once (O05): neither the money that is earmarked nor
// what is held can be spent, so that both the account's and the allocatable balance suffice. Only the customer's own partner may, when the
// customer has asked for it or the partner placed the order. What the customer had set aside for the order is free again, and refunds of the
// order go back to the partner.
//
// The reasons of PRECONDITION_FAILED are those of Pay, NO_PARTNER_PAYS, NOT_ASKED_TO_PAY, and those of the code where the partner has FUNDING ask
// for one; too little money is INSUFFICIENT_BALANCE.
func (s *Service) PayForCustomer(ctx context.Context, who models.Principal, cmd PartnerPayOrder) (PartnerPaid, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return PartnerPaid{}, err
	}
	if who.PartnerID == "" || who.CustomerID != "" {
		return PartnerPaid{}, ErrPartnerPays
	}
	if err := cmd.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
		return PartnerPaid{}, err
	}
	if err := coupons.CheckCoupons(cmd.CouponIDs); err != nil {
		return PartnerPaid{}, err
	}
	var proof identity.Proof
	if s.Codes != nil {
		var err error
		if proof, err = s.Codes.Try(ctx, who, models.CodeFunding, cmd.Code); err != nil {
			return PartnerPaid{}, err
		}
	}
	asked := paymentAsked{cmd.OrderID, cmd.CouponIDs}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "partnerPayOrder", asked, func(ctx context.Context, tx bun.IDB) (PartnerPaid, error) {
		if s.Codes != nil {
			if err := s.Codes.Guard(ctx, tx, who, models.StepUpFunding, proof); err != nil {
				return PartnerPaid{}, err
			}
		}
		return s.payForIn(ctx, tx, who, cmd.OrderID, cmd.CouponIDs)
	})
	if err != nil {
		return PartnerPaid{}, err
	}
	s.nudge()
	return done, nil
}

func (s *Service) payForIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, couponIDs []models.ID) (PartnerPaid, error) {
	order, found, err := selectOrderForUpdate(ctx, tx, who, id)
	if err != nil {
		return PartnerPaid{}, err
	}
	if !found {
		return PartnerPaid{}, ErrUnknown
	}
	if order.PartnerID != who.PartnerID { // a distributor sees its resellers' orders, and pays none of them
		return PartnerPaid{}, ErrPartnerPays
	}
	now := s.now()
	customer, err := s.payer(ctx, tx, order, now)
	if err != nil {
		return PartnerPaid{}, err
	}
	switch {
	case !order.PayableByPartnerOf(customer):
		return PartnerPaid{}, ErrNoPartnerPays
	case order.PartnerAskedAt == nil && order.Source != models.PlacedByPartner:
		return PartnerPaid{}, ErrNotAskedToPay
	}
	if err := s.redeem(ctx, tx, who, &order, couponIDs); err != nil {
		return PartnerPaid{}, err
	}
	if err := s.freeHold(ctx, tx, who, order); err != nil {
		return PartnerPaid{}, err
	}
	order.PayerID = who.PartnerID
	if order.TransferID, err = s.takePartnersMoney(ctx, tx, who, order); err != nil {
		return PartnerPaid{}, err
	}
	order.Status, order.PaidAt, order.UpdatedAt = models.OrderProcessing, &now, now
	if err := s.updateOrder(ctx, tx, &order); err != nil {
		return PartnerPaid{}, err
	}
	balance, err := s.balanceOf(ctx, tx, order.PayerID, order.Currency)
	if err != nil {
		return PartnerPaid{}, err
	}
	happened := []models.Event{paidEvent(order)}
	if order.TransferID != "" { // what becomes of the partner's balance is no business of the customer's
		happened = append(happened, models.Event{
			Type: models.EventBalanceChanged, PartnerID: order.PayerID, SubjectID: string(order.PayerID), Fields: []string{"balance"},
			Data: map[string]any{"transferId": order.TransferID, "version": balance.Version},
		})
	}
	return PartnerPaid{Order: order, Balance: balance}, s.Events.Record(ctx, tx, who, happened...)
}
