package orders

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// PayOrder says which order to pay.
type PayOrder struct {
	OrderID        models.ID
	CouponIDs      []models.ID // at most 3, which pay first and in this order (O04)
	IdempotencyKey string      // 1 to 128 printable ASCII characters, made up once per payment
}

// PayResult is what a payment did.
type PayResult struct {
	Order     models.Order
	Balance   models.Balance // the customer's, after the payment
	ReturnURL *string        // where the partner's platform wants its customer back, signed; nil when it set no address
}

// paid is the part of the result that the idempotency key keeps. The return URL is left out: it is valid for five minutes
// only, so every replay signs a fresh one.
type paid struct {
	Order     models.Order
	Balance   models.Balance
	PartnerID models.ID // whose platform the customer goes back to
}

// Pay pays an order with the customer's coupons, then on account as far as its line reaches, then from its balance, exactly once; an order that
// HoldPayment set money aside for is paid from that and not on account: a repeated key returns the first answer, a second payment
// with another key is PRECONDITION_FAILED with the reason ORDER_ALREADY_PAID. Customers only (O04). An order of somebody
// else is NOT_FOUND; ORDER_CANCELLED, ORDER_NOT_PAYABLE, ORDER_PAYMENT_DEADLINE_PASSED and CUSTOMER_FROZEN are reasons of
// PRECONDITION_FAILED, as are those of models.Coupon.Redeem; too little money is INSUFFICIENT_BALANCE with the figures, or SETTLEMENT_OVERDUE when the
// line would have reached and is blocked. Whatever fails leaves nothing behind
// and the key free.
func (s *Service) Pay(ctx context.Context, who models.Principal, cmd PayOrder) (PayResult, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return PayResult{}, err
	}
	if err := cmd.check(who); err != nil {
		return PayResult{}, err
	}
	asked := paymentAsked{cmd.OrderID, cmd.CouponIDs}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "payOrder", asked, func(ctx context.Context, tx bun.IDB) (paid, error) {
		return s.payIn(ctx, tx, who, cmd.OrderID, cmd.CouponIDs)
	})
	if err != nil {
		return PayResult{}, err
	}
	s.nudge()
	return PayResult{Order: done.Order, Balance: done.Balance, ReturnURL: s.returnURL(ctx, who, done)}, nil
}

// paymentAsked is what the idempotency key of a payment stands for.
type paymentAsked struct {
	OrderID   models.ID
	CouponIDs []models.ID `json:",omitempty"` // keys of payments without coupons stay what they were before there were any
}

func (cmd PayOrder) check(who models.Principal) error {
	if who.CustomerID == "" {
		return ErrCustomerPays
	}
	if err := cmd.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
		return err
	}
	if err := coupons.CheckCoupons(cmd.CouponIDs); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// payIn is the payment itself. The lock on the order makes two payments take turns, so the second sees the first.
func (s *Service) payIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, couponIDs []models.ID) (paid, error) {
	order, found, err := selectOrderForUpdate(ctx, tx, who, id)
	if err != nil {
		return paid{}, err
	}
	if !found {
		return paid{}, ErrUnknown
	}
	now := s.now()
	customer, err := s.payer(ctx, tx, order, now)
	if err != nil {
		return paid{}, err
	}
	if err := s.redeem(ctx, tx, who, &order, couponIDs); err != nil {
		return paid{}, err
	}
	if order.MoneyMinor() == 0 {
		if err := s.freeHold(ctx, tx, who, order); err != nil {
			return paid{}, err
		}
	}
	if order.TransferID, order.AccountMinor, err = s.takeMoney(ctx, tx, who, order); err != nil {
		return paid{}, err
	}
	if order.AccountMinor > 0 {
		if err := s.Account.ChargeIn(ctx, tx, order.CustomerID, order.Currency, order.AccountMinor, now); err != nil {
			return paid{}, err
		}
	}
	order.Status, order.PaidAt, order.UpdatedAt = models.OrderProcessing, &now, now
	balance, err := s.balanceOf(ctx, tx, order.CustomerID, order.Currency)
	if err != nil {
		return paid{}, err
	}
	if err := s.updateTold(ctx, tx, who, &order, paidEvents(order, balance)...); err != nil {
		return paid{}, err
	}
	return paid{Order: order, Balance: balance, PartnerID: customer.PartnerID}, nil
}

// payer returns the customer of an order that may be paid now, and keeps it from being frozen until the payment is over.
func (s *Service) payer(ctx context.Context, tx bun.IDB, order models.Order, now time.Time) (models.Customer, error) {
	if err := order.Payable(now); err != nil {
		return models.Customer{}, err
	}
	customer, found, err := selectCustomerForShare(ctx, tx, order.CustomerID)
	if err != nil {
		return models.Customer{}, err
	}
	if !found {
		return models.Customer{}, ErrCustomerUnknown
	}
	if customer.Frozen != models.NotFrozen {
		return models.Customer{}, ErrCustomerFrozen
	}
	return customer, nil
}

// takeMoney moves what coupons did not pay from the customer's account and balance to the cloud's revenue, with one transfer, and returns it with what
// was paid on account. An order that costs no money moves nothing, because a transfer of zero says nothing.
func (s *Service) takeMoney(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order) (models.ID, int64, error) {
	if order.MoneyMinor() == 0 {
		return "", 0, nil
	}
	open, err := s.openPayAccounts(ctx, tx, order)
	if err != nil {
		return "", 0, err
	}
	share, err := s.shareOnAccount(ctx, tx, order, open)
	if err != nil {
		return "", 0, err
	}
	transfer, err := s.post(ctx, tx, who, order, ledger.Posting{
		Kind: models.TransferPayment, OrderID: order.ID,
		Legs: legsOf(
			ledger.Leg{AccountID: open.owed.ID, AmountMinor: -share.Minor},
			ledger.Leg{AccountID: open.from.ID, AmountMinor: share.Minor - order.MoneyMinor()},
			ledger.Leg{AccountID: open.revenue.ID, AmountMinor: order.MoneyMinor()},
		),
	})
	if err != nil {
		return "", 0, s.overdue(ctx, tx, order, share, err)
	}
	return transfer.ID, share.Minor, nil
}

// takePartnersMoney moves what coupons did not pay from the balance of the partner that pays (O05).
func (s *Service) takePartnersMoney(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order) (models.ID, error) {
	if order.MoneyMinor() == 0 {
		return "", nil
	}
	from, err := s.openBalance(ctx, tx, models.OwnerPartner, order.PayerID, order.Currency)
	if err != nil {
		return "", err
	}
	revenue, err := s.openRevenue(ctx, tx, order)
	if err != nil {
		return "", err
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{
		Kind: models.TransferPayment, OrderID: order.ID,
		Legs: []ledger.Leg{{AccountID: from.ID, AmountMinor: -order.MoneyMinor()}, {AccountID: revenue.ID, AmountMinor: order.MoneyMinor()}},
	})
	return transfer.ID, err
}

// paidEvents tell of the payment and of the balance that it changed.
func paidEvents(order models.Order, balance models.Balance) []models.Event {
	happened := []models.Event{paidEvent(order)}
	if order.TransferID != "" {
		data := map[string]any{"transferId": order.TransferID}
		if order.AccountMinor > 0 {
			data["onAccount"] = order.AccountAmount().Plain()
		}
		happened = append(happened, customersBalanceChanged(order, balance, data))
	}
	return happened
}

// moment is a time as the API writes it; empty = none.
func moment(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// paidEvent tells of a payment, whoever made it.
func paidEvent(order models.Order) models.Event {
	data := map[string]any{"total": order.Total().Plain(), "coupons": order.CouponAmount().Plain(), "currency": order.Currency, "transferId": order.TransferID}
	if order.AccountMinor > 0 {
		data["onAccount"] = order.AccountAmount().Plain()
	}
	return models.Event{
		Type: models.EventOrderPaid, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
		Fields: []string{"status", "paidAt"}, Changes: []models.FieldChange{
			models.Changed("status", models.OrderPendingPayment, order.Status), models.Changed("paidAt", "", moment(order.PaidAt)),
		},
		Data: data,
	}
}

// returnURL asks after the commit: the money is taken, so a platform whose address cannot be signed costs the customer a
// link, not the payment.
func (s *Service) returnURL(ctx context.Context, who models.Principal, done paid) *string {
	if s.Returns == nil || done.PartnerID == "" {
		return nil
	}
	url, err := s.Returns.SignReturn(ctx, done.PartnerID, done.Order.ID, string(done.Order.Status))
	if err != nil {
		s.logger().LogAttrs(ctx, slog.LevelWarn, "return url not signed", slog.String("order_id", string(done.Order.ID)),
			slog.String("partner_id", string(done.PartnerID)), slog.String("request_id", who.RequestID), slog.Any("error", err))
		return nil
	}
	return url
}
