package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

const (
	// maxLines is how many lines, and how many debts, one settlement takes; what is more follows in the next.
	maxLines = 2000
	// debtAgain is how soon a debt is tried again.
	debtAgain = time.Hour
)

// Settle pays what a customer used until the last day, or month, from its balance: one posting for all lines that are due, never below the
// balance's floor. Earlier debts come first, and what is not covered stays a debt, which is tried again every hour and as soon as the balance changes, see SettleChanged. It is the handler of
// models.JobUsageSettle.
func (s *Service) Settle(ctx context.Context, customer models.ID) error {
	who := models.SystemPrincipal("usage.settle")
	for {
		more, err := s.settleOnce(ctx, who, customer)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	debt, waiting, err := selectOutstanding(ctx, s.DB, customer)
	switch {
	case err != nil:
		return err
	case debt:
		return models.NotDue{Until: s.now().Add(debtAgain)}
	case waiting:
		return models.NotDue{Until: nextSettlement(s.now())}
	}
	return nil
}

// settleOnce makes one settlement; more says that there is enough for another one.
func (s *Service) settleOnce(ctx context.Context, who models.Principal, customerID models.ID) (more bool, err error) {
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		more = false
		now := s.now()
		// Looked at before anything is locked: most runs find nothing.
		if due, err := existsDue(ctx, tx, customerID, now); err != nil || !due {
			return err
		}
		customers, err := selectCustomers(ctx, tx, "", []models.ID{customerID})
		if err != nil {
			return err
		}
		customer, found := customers[customerID]
		if !found {
			return nil
		}
		accounts, err := s.lock(ctx, tx, customer)
		if err != nil {
			return err
		}
		// The lock makes settlements of a customer take turns: whoever comes second finds nothing left.
		lines, err := selectDue(ctx, tx, customer, now)
		if err != nil {
			return err
		}
		debts, err := selectDebts(ctx, tx, customer)
		if err != nil {
			return err
		}
		more = len(lines) == maxLines
		return s.settleIn(ctx, tx, who, customer, accounts, lines, debts)
	})
	return more, err
}

// accounts are what a settlement moves money between.
type accounts struct {
	balance models.Account
	revenue models.ID
}

func (s *Service) lock(ctx context.Context, tx bun.IDB, customer models.Customer) (accounts, error) {
	floor := int64(0)
	balance, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCustomer, OwnerID: string(customer.ID), Kind: models.AccountBalance, Asset: string(customer.Currency), Floor: &floor,
	})
	if err != nil {
		return accounts{}, err
	}
	revenue, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: models.RevenueOwner(customer.Cloud, customer.ID), Kind: models.AccountRevenue, Asset: string(customer.Currency),
	})
	if err != nil {
		return accounts{}, err
	}
	locked, err := s.Ledger.Lock(ctx, tx, balance.ID, revenue.ID)
	if err != nil {
		return accounts{}, err
	}
	for _, account := range locked {
		if account.ID == balance.ID {
			balance = account
		}
	}
	return accounts{balance: balance, revenue: revenue.ID}, nil
}

// fundsOf is what an account has to pay with: money that is there and free, and what its credit line leaves below zero.
func fundsOf(a models.Account) models.UseFunds {
	available := max(a.AvailableMinor(), 0)
	cash := min(max(a.BalanceMinor-a.HeldMinor-a.EarmarkedMinor, 0), available)
	return models.UseFunds{CashMinor: cash, CreditMinor: available - cash}
}

func (s *Service) settleIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, money accounts, lines, debts []models.BillLine) error {
	settled := models.SettleUse(lines, debts, fundsOf(money.balance))
	if len(settled.Lines) == 0 && len(settled.Payments) == 0 {
		return nil
	}
	now := s.now()
	settlement := models.BillSettlement{
		ID: s.IDs(models.PrefixBillSettlement), CustomerID: customer.ID, Currency: customer.Currency,
		Cycle: models.BillingCycleAt(models.BillDay(now).Add(-time.Microsecond)), Lines: len(settled.Lines), CreatedAt: now,
	}
	for i := range settled.Lines {
		line := &settled.Lines[i]
		line.SettlementID, line.BilledAt, line.Cycle = settlement.ID, &now, settlement.Cycle
		settlement.PayableMinor += line.PayableMinor
		settlement.CashMinor += line.CashMinor
		settlement.CreditMinor += line.CreditMinor
		settlement.DebtMinor += line.DebtMinor
	}
	for i := range settled.Payments {
		payment := &settled.Payments[i]
		payment.ID, payment.SettlementID, payment.CreatedAt = s.IDs(models.PrefixDebtPayment), settlement.ID, now
		settlement.DebtsPaidMinor += payment.CashMinor + payment.CreditMinor
	}
	if settled.TakenMinor != 0 {
		transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{
			Kind: models.TransferUsage, SubjectID: settlement.ID,
			Legs: []ledger.Leg{{AccountID: money.balance.ID, AmountMinor: -settled.TakenMinor}, {AccountID: money.revenue, AmountMinor: settled.TakenMinor}},
		})
		if err != nil {
			return err
		}
		settlement.TransferID = transfer.ID
	}
	if err := insertSettlement(ctx, tx, settlement, settled); err != nil {
		return err
	}
	if err := s.sumUp(ctx, tx, settled.Lines, settled.Payments, settled.Debts); err != nil {
		return err
	}
	if err := s.count(ctx, tx, consumptionsOf(settled, now)); err != nil {
		return err
	}
	return s.recordSettled(ctx, tx, who, customer, settlement, settled)
}

// count tells who counts performance of what was paid.
func (s *Service) count(ctx context.Context, tx bun.IDB, consumed []models.Consumption) error {
	if s.Performance == nil || len(consumed) == 0 {
		return nil
	}
	return s.Performance.CountIn(ctx, tx, consumed)
}

func consumptionsOf(settled models.SettledUse, now time.Time) []models.Consumption {
	var consumed []models.Consumption
	for _, line := range settled.Lines {
		if line.PayableMinor != 0 {
			consumed = append(consumed, consumptionOf(line, models.CauseUse, now))
		}
	}
	for i, payment := range settled.Payments {
		one := consumptionOf(settled.Debts[i], models.CauseDebtPaid, now)
		one.SourceID, one.PaidMinor, one.CouponMinor = string(payment.ID), payment.CashMinor+payment.CreditMinor, 0
		consumed = append(consumed, one)
	}
	return consumed
}

// consumptionOf is what was paid of a line when it was billed.
func consumptionOf(line models.BillLine, cause models.ConsumptionCause, at time.Time) models.Consumption {
	if cause == models.CauseUse && line.BaseID != "" {
		cause = models.CauseCorrection
	}
	return models.Consumption{
		SourceID: string(line.ID), LineID: line.ID, BaseID: line.BaseID, Cause: cause, Cloud: line.Cloud, CustomerID: line.CustomerID,
		PartnerID: line.PartnerID, Mode: line.Mode, ServiceType: line.ServiceType, Currency: line.Currency,
		PaidMinor: line.CashMinor + line.CreditMinor, CouponMinor: line.CouponMinor, At: at,
	}
}

// recordSettled tells of the settlement and of the balance that it changed. The partner whose resale money it is learns of both.
func (s *Service) recordSettled(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, done models.BillSettlement, settled models.SettledUse) error {
	decimalOf := func(minor int64) string { return models.NewMoney(minor, done.Currency).Plain() }
	partner := models.ID("")
	if customer.Mode == models.Resale {
		partner = customer.PartnerID
	}
	happened := []models.Event{{
		Type: models.EventUsageSettled, PartnerID: partner, CustomerID: customer.ID, SubjectID: string(customer.ID), Fields: []string{"bill"},
		Data: map[string]any{
			"settlementId": done.ID, "lines": done.Lines, "payable": decimalOf(done.PayableMinor), "debt": decimalOf(done.DebtMinor),
			"debtsPaid": decimalOf(done.DebtsPaidMinor), "currency": done.Currency, "transferId": done.TransferID,
		},
	}}
	if done.TransferID != "" {
		accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(customer.ID)}, models.MoneyKinds()...)
		if err != nil {
			return err
		}
		happened = append(happened, models.Event{
			Type: models.EventBalanceChanged, PartnerID: partner, CustomerID: customer.ID, SubjectID: string(customer.ID), Fields: []string{"balance"},
			Data: map[string]any{
				"transferId": done.TransferID, "kind": models.TransferUsage, "amount": decimalOf(-settled.TakenMinor), "currency": done.Currency,
				"version": models.BalanceOf(accounts, done.Currency, done.CreatedAt).Version,
			},
		})
	}
	return s.Events.Record(ctx, tx, who, happened...)
}

// sumUp keeps the monthly sums up with lines that are billed and debts that are paid.
func (s *Service) sumUp(ctx context.Context, tx bun.IDB, lines []models.BillLine, payments []models.DebtPayment, debts []models.BillLine) error {
	all := make([]models.BillMonth, 0, len(lines)+len(payments))
	for _, line := range lines {
		all = append(all, models.MonthOf(line))
	}
	for i, payment := range payments {
		month := models.MonthOf(debts[i])
		all = append(all, models.BillMonth{
			CustomerID: month.CustomerID, PartnerID: month.PartnerID, Mode: month.Mode, Cycle: month.Cycle, ServiceType: month.ServiceType,
			Currency: month.Currency, BillSums: models.BillSums{DebtPaidMinor: payment.CashMinor + payment.CreditMinor},
		})
	}
	return addMonths(ctx, tx, s.IDs, all)
}
