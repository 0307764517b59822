package orders

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/settlements"
)

// OnAccount is what orders need of monthly settlement.
type OnAccount interface {
	// ShareIn says how much of an amount a customer may pay on account now, and locks the account together with the others. Who has no such account has no
	// line.
	ShareIn(ctx context.Context, tx bun.IDB, account models.Account, wanted int64, others ...models.ID) (settlements.Share, error)
	// ChargeIn books what was just paid on account.
	ChargeIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency, minor int64, at time.Time) error
	// AccountIn opens the account that says what a customer owes.
	AccountIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency) (models.Account, error)
	// OwedIn returns what is still owed of the month in which a customer paid on account.
	OwedIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency, paidAt time.Time) (int64, error)
	// CreditIn takes a refund off that month.
	CreditIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency, minor int64, paidAt time.Time) error
}

var _ OnAccount = (*settlements.Service)(nil)

// shareOnAccount says how much of what an order costs is paid on account, before the balance pays the rest (O04): nothing of an order that money is set
// aside for, which pays it.
func (s *Service) shareOnAccount(ctx context.Context, tx bun.IDB, order models.Order, open payAccounts) (settlements.Share, error) {
	if s.Account == nil || open.owed.ID == "" {
		return settlements.Share{}, nil
	}
	held, err := s.isHeld(ctx, tx, order)
	if err != nil || held {
		return settlements.Share{}, err
	}
	return s.Account.ShareIn(ctx, tx, open.owed, order.MoneyMinor(), open.from.ID, open.revenue.ID)
}

// isHeld reports whether money is set aside for an order that its payment may take.
func (s *Service) isHeld(ctx context.Context, tx bun.IDB, order models.Order) (bool, error) {
	if order.HoldID == "" {
		return false, nil
	}
	hold, err := s.Ledger.HoldOf(ctx, tx, order.HoldID)
	return err == nil && hold.State == models.HoldPending && hold.ExpiresAt.After(s.now()), err
}

// overdue tells a payment that the balance is too small for when the line would have made up for it and only what is overdue stands in its way.
func (s *Service) overdue(ctx context.Context, tx bun.IDB, order models.Order, share settlements.Share, refused error) error {
	var short *models.Error
	if share.BlockedMinor == 0 || !errors.As(refused, &short) || short.Code != models.CodeInsufficientBalance {
		return refused
	}
	balance, err := s.openBalance(ctx, tx, models.OwnerCustomer, order.CustomerID, order.Currency)
	if err != nil {
		return err
	}
	if balance.AvailableMinor()+share.BlockedMinor < order.MoneyMinor()-share.Minor {
		return refused
	}
	return settlements.ErrOverdue
}

// backOnAccount says how much of a refund is taken off what the customer owes: of what the order put on account, as far as that is neither refunded
// nor paid yet. The accounts of the refund are locked.
func (s *Service) backOnAccount(ctx context.Context, tx bun.IDB, order models.Order, refund models.OrderRefund) (int64, error) {
	if s.Account == nil || order.AccountMinor == 0 || order.PaidAt == nil {
		return 0, nil
	}
	refunds, err := s.refundsByOrder(ctx, tx, []models.ID{order.ID})
	if err != nil {
		return 0, err
	}
	left := min(refund.AmountMinor, order.LeftOnAccount(refunds[order.ID]))
	if left == 0 {
		return 0, nil
	}
	owed, err := s.Account.OwedIn(ctx, tx, order.CustomerID, order.Currency, *order.PaidAt)
	return min(left, owed), err
}

// legsOf are the legs of a posting without those that move nothing.
func legsOf(legs ...ledger.Leg) []ledger.Leg {
	var moving []ledger.Leg
	for _, leg := range legs {
		if leg.AmountMinor != 0 {
			moving = append(moving, leg)
		}
	}
	return moving
}
