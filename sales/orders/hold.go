package orders

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// HoldOrderPayment says for which order to set money aside.
type HoldOrderPayment struct {
	OrderID        models.ID
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per hold
}

// ReleaseOrderHold says which order's money to set free.
type ReleaseOrderHold struct {
	OrderID        models.ID
	IdempotencyKey string // as in HoldOrderPayment
}

// HoldResult is what holding or releasing did. A repeated key returns the figures of then.
type HoldResult struct {
	Order   models.Order
	Balance models.Balance // the customer's, afterwards
}

// HoldPayment sets the total of an order aside on the customer's balance until the order's payment deadline: the money stays
// there and nothing else can spend it. Pay then takes it, Cancel and ReleaseHold set it free, and so does the deadline.
// Customers only, with the refusals of Pay; ORDER_ALREADY_HELD and NOTHING_TO_HOLD are more reasons.
func (s *Service) HoldPayment(ctx context.Context, who models.Principal, cmd HoldOrderPayment) (HoldResult, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return HoldResult{}, err
	}
	if who.CustomerID == "" {
		return HoldResult{}, ErrCustomerPays
	}
	return s.withHold(ctx, who, "holdOrderPayment", cmd.OrderID, cmd.IdempotencyKey, s.holdIn)
}

// ReleaseHold sets the money free that was set aside for an order. The customer may, and operators. HOLD_NOT_PENDING is the
// reason when nothing is set aside.
func (s *Service) ReleaseHold(ctx context.Context, who models.Principal, cmd ReleaseOrderHold) (HoldResult, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return HoldResult{}, err
	}
	if who.CustomerID == "" && !who.SeesAll() {
		return HoldResult{}, ErrCustomerReleases
	}
	return s.withHold(ctx, who, "releaseOrderHold", cmd.OrderID, cmd.IdempotencyKey, s.releaseIn)
}

// withHold runs one of the two above on the locked order, once per key.
func (s *Service) withHold(ctx context.Context, who models.Principal, operation string, id models.ID, key string,
	run func(context.Context, bun.IDB, models.Principal, models.Order) (HoldResult, error),
) (HoldResult, error) {
	if err := id.Require(models.PrefixOrder, "orderId"); err != nil {
		return HoldResult{}, err
	}
	if err := ledger.CheckKey(key); err != nil {
		return HoldResult{}, err
	}
	asked := struct{ OrderID models.ID }{id}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, key, operation, asked, func(ctx context.Context, tx bun.IDB) (HoldResult, error) {
		order, found, err := selectOrderForUpdate(ctx, tx, who, id)
		if err != nil {
			return HoldResult{}, err
		}
		if !found {
			return HoldResult{}, ErrUnknown
		}
		return run(ctx, tx, who, order)
	})
	if err != nil {
		return HoldResult{}, err
	}
	s.nudge()
	return done, nil
}

func (s *Service) holdIn(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order) (HoldResult, error) {
	now := s.now()
	if _, err := s.payer(ctx, tx, order, now); err != nil {
		return HoldResult{}, err
	}
	if order.TotalMinor == 0 {
		return HoldResult{}, ErrNothingToHold
	}
	if err := s.endExpiredHold(ctx, tx, order, now); err != nil {
		return HoldResult{}, err
	}
	account, err := s.openBalance(ctx, tx, models.OwnerCustomer, order.CustomerID, order.Currency)
	if err != nil {
		return HoldResult{}, err
	}
	until := now.Add(s.payWithin())
	if order.PayBy != nil {
		until = *order.PayBy
	}
	hold, _, err := s.Ledger.Place(ctx, tx, ledger.PlaceHold{
		AccountID: account.ID, OrderID: order.ID, AmountMinor: order.TotalMinor, ExpiresAt: until,
	})
	if err != nil {
		return HoldResult{}, err
	}
	order.HoldID, order.UpdatedAt = hold.ID, now
	if err := s.updateOrder(ctx, tx, &order); err != nil {
		return HoldResult{}, err
	}
	return s.heldOrFree(ctx, tx, who, order, models.EventOrderHeld)
}

func (s *Service) releaseIn(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order) (HoldResult, error) {
	if order.HoldID == "" {
		return HoldResult{}, ledger.ErrHoldNotPending
	}
	if _, err := s.Ledger.Void(ctx, tx, order.HoldID); err != nil {
		return HoldResult{}, err
	}
	return s.heldOrFree(ctx, tx, who, order, models.EventOrderHoldReleased)
}

// heldOrFree reads the balance after a hold was placed or ended, and records both.
func (s *Service) heldOrFree(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, what models.EventType) (HoldResult, error) {
	balance, err := s.balanceOf(ctx, tx, order.CustomerID, order.Currency)
	if err != nil {
		return HoldResult{}, err
	}
	data := map[string]any{"holdId": order.HoldID, "amount": order.Total().Plain(), "currency": order.Currency}
	change := models.Changed("hold", "", order.HoldID)
	if what == models.EventOrderHoldReleased {
		change = models.Changed("hold", order.HoldID, "")
	}
	return HoldResult{Order: order, Balance: balance}, s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID), Fields: []string{"hold"},
		Changes: []models.FieldChange{change}, Data: data,
	}, customersBalanceChanged(order, balance, data))
}

// endExpiredHold makes room for a new hold: one whose time is over may not have been ended yet, one that is still good is
// ErrAlreadyHeld.
func (s *Service) endExpiredHold(ctx context.Context, tx bun.IDB, order models.Order, now time.Time) error {
	if order.HoldID == "" {
		return nil
	}
	held, err := s.Ledger.HoldOf(ctx, tx, order.HoldID)
	if err != nil || held.State != models.HoldPending {
		return err
	}
	if held.ExpiresAt.After(now) {
		return ErrAlreadyHeld
	}
	_, err = s.voidHold(ctx, tx, order)
	return err
}

// voidHold ends the order's hold if it still has one, and reports whether money came free.
func (s *Service) voidHold(ctx context.Context, tx bun.IDB, order models.Order) (bool, error) {
	if order.HoldID == "" {
		return false, nil
	}
	_, err := s.Ledger.Void(ctx, tx, order.HoldID)
	if errors.Is(err, ledger.ErrHoldNotPending) {
		return false, nil
	}
	return err == nil, err
}

// post takes the money of a payment: what was set aside for the order when there is such a hold, else what is available.
// A hold whose time is over sets its money free first, so that it stands in the way of nothing.
func (s *Service) post(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, posting ledger.Posting) (models.Transfer, error) {
	if order.HoldID != "" {
		transfer, _, err := s.Ledger.PostHold(ctx, tx, who, order.HoldID, posting)
		if !errors.Is(err, ledger.ErrHoldNotPending) {
			return transfer, err
		}
		if _, err := s.voidHold(ctx, tx, order); err != nil {
			return models.Transfer{}, err
		}
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, posting)
	return transfer, err
}

// HoldsByIDs returns those of the holds that are the latest of an order that the caller may see, with one statement. Which
// hold that is stands in the order.
func (s *Service) HoldsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.OrderHold, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.OrderHold, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := selectHolds(ctx, s.DB, who, ids)
	for _, hold := range found {
		byID[hold.ID] = hold
	}
	return byID, err
}
