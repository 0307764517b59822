package settlements

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// Share is how much of a payment goes on account.
type Share struct {
	Minor        int64
	BlockedMinor int64 // what the line would have paid besides if nothing were overdue
}

// AccountIn opens the account that says what a customer owes.
func (s *Service) AccountIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency) (models.Account, error) {
	floor := int64(0)
	return s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCustomer, OwnerID: string(customer), Kind: models.AccountSettlement, Asset: string(currency), Floor: &floor,
	})
}

// ShareIn says how much of an amount a customer may pay on account now: as far as its line reaches, and nothing while a month is overdue (O04). account is
// the one of AccountIn as the caller has found it in its transaction: it comes with the first line, so that who has none has no line, and did not have
// one when the caller looked. It is locked together with others, the accounts that the payment touches besides, so that the answer holds until the
// transaction ends.
func (s *Service) ShareIn(ctx context.Context, tx bun.IDB, account models.Account, wanted int64, others ...models.ID) (Share, error) {
	if _, err := s.Ledger.Lock(ctx, tx, append(others, account.ID)...); err != nil {
		return Share{}, err
	}
	// With the account locked nobody changes the line any more.
	customer, currency := models.ID(account.OwnerID), models.Currency(account.Asset)
	line, lined, err := selectLine(ctx, tx, customer)
	if err != nil || !lined || line.EndedAt != nil || line.Currency != currency {
		return Share{}, err
	}
	open, err := selectOpen(ctx, tx, customer, currency)
	if err != nil {
		return Share{}, err
	}
	standing := models.SettlementAccountOf(line, open, s.now())
	share := Share{Minor: min(wanted, standing.Available.Minor)}
	share.BlockedMinor = min(wanted, standing.Room().Minor) - share.Minor
	return share, nil
}

// ChargeIn books what was just paid on account into its month. The caller has locked the account with ShareIn.
func (s *Service) ChargeIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency, minor int64, at time.Time) error {
	cycle := models.BillingCycleAt(at)
	month, found, err := selectMonth(ctx, tx, customer, currency, cycle)
	if err != nil {
		return err
	}
	if found {
		opened := month.OpenMinor == 0
		month.Add(&month.ChargedMinor, minor, at)
		if err := updateMonth(ctx, tx, month); err != nil || !opened {
			return err
		}
	} else {
		month = models.MonthlySettlement{
			ID: s.IDs(models.PrefixMonthlySettlement), CustomerID: customer, Currency: currency, Cycle: cycle, DueAt: cycle.Ends().UTC(), CreatedAt: at,
		}
		month.Add(&month.ChargedMinor, minor, at)
		if err := insertMonth(ctx, tx, month); err != nil {
			return err
		}
	}
	// An earlier month may wait for money as well, and there is one job for all months of a customer.
	open, err := selectOpen(ctx, tx, customer, currency)
	if err != nil || len(open) == 0 {
		return err
	}
	return s.schedule(ctx, tx, customer, open[0].DueAt)
}

// OwedIn returns what is still owed of the month in which a customer paid on account. The caller has locked the account.
func (s *Service) OwedIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency, paidAt time.Time) (int64, error) {
	month, _, err := selectMonth(ctx, tx, customer, currency, models.BillingCycleAt(paidAt))
	return month.OpenMinor, err
}

// CreditIn takes a refund off the month in which a customer paid on account; at most what OwedIn returned. The caller has locked the account.
func (s *Service) CreditIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency, minor int64, paidAt time.Time) error {
	return s.refundedIn(ctx, tx, customer, currency, minor, paidAt)
}

func (s *Service) refundedIn(ctx context.Context, tx bun.IDB, customer models.ID, currency models.Currency, minor int64, paidAt time.Time) error {
	month, found, err := selectMonth(ctx, tx, customer, currency, models.BillingCycleAt(paidAt))
	if err != nil {
		return err
	}
	if !found || !month.Add(&month.RefundedMinor, minor, s.now()) {
		return models.Conflict("What was paid on account has changed; try again.")
	}
	return updateMonth(ctx, tx, month)
}

// ReversedIn makes owed again what a refund had taken off, in the transaction that reverses the refund's transfer. Its month may be over, and is
// then due at once. Transfers that took nothing off are none of its business.
func (s *Service) ReversedIn(ctx context.Context, tx bun.IDB, transfer models.ID) error {
	credit, found, err := selectCredit(ctx, tx, transfer)
	if err != nil || !found {
		return err
	}
	if err := s.refundedIn(ctx, tx, credit.CustomerID, credit.Currency, -credit.AccountMinor, credit.PaidAt); err != nil {
		return err
	}
	open, err := selectOpen(ctx, tx, credit.CustomerID, credit.Currency)
	if err != nil || len(open) == 0 {
		return err
	}
	return s.schedule(ctx, tx, credit.CustomerID, open[0].DueAt)
}
