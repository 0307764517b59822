package settlements

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/watch"
)

// dueAgain is how soon what is due and was not paid is tried again.
const dueAgain = time.Hour

// PayOwed says whose months to pay now.
type PayOwed struct {
	CustomerID     models.ID
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per payment
}

// OwedPaid is what a payment of months did. A repeated key returns the figures of then.
type OwedPaid struct {
	CustomerID models.ID
	Paid       models.Money
	Account    models.SettlementAccount
	Balance    models.Balance // the customer's, afterwards
}

// Pay pays what a customer owes on account from its balance before it is due, the month that runs included, the oldest first and as far as the balance
// reaches: so that it can leave its partner, or buy on account again. The customer may, and operators. NOTHING_OWED when there is nothing to pay,
// INSUFFICIENT_BALANCE when there is nothing to pay with.
func (s *Service) Pay(ctx context.Context, who models.Principal, cmd PayOwed) (OwedPaid, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return OwedPaid{}, err
	}
	if who.CustomerID == "" && !who.SeesAll() {
		return OwedPaid{}, ErrOwnerPays
	}
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return OwedPaid{}, err
	}
	asked := struct{ CustomerID models.ID }{cmd.CustomerID}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "payMonthlySettlement", asked, func(ctx context.Context, tx bun.IDB) (OwedPaid, error) {
		st, err := s.standIn(ctx, tx, who, cmd.CustomerID)
		if err != nil {
			return OwedPaid{}, err
		}
		if len(st.open) == 0 {
			return OwedPaid{}, ErrNothingOwed
		}
		done, err := s.payIn(ctx, tx, who, st, st.open)
		if err == nil && done.Paid.Minor == 0 {
			err = insufficient(done)
		}
		return done, err
	})
}

// insufficient is the refusal of a payment with nothing to pay with.
func insufficient(done OwedPaid) error {
	return &models.Error{
		Code: models.CodeInsufficientBalance, Message: ledger.ErrInsufficientBalance.Message, Details: map[string]any{
			"available": done.Balance.Available.Plain(), "required": done.Account.Used.Plain(), "currency": string(done.Paid.Currency),
		},
	}
}

// Settle pays what a customer owes on account for the months that are over from its balance, cash before credit, the oldest first: what is not covered
// is tried again every hour and as soon as the balance changes, see SettleChanged, so that each month is paid exactly once however often this runs. It is
// the handler of models.JobAccountSettle.
func (s *Service) Settle(ctx context.Context, customer models.ID) error {
	who := models.SystemPrincipal("account.settle")
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Looked at before anything is locked: most runs find nothing.
		if due, err := existsDue(ctx, tx, customer, s.now()); err != nil || !due {
			return err
		}
		st, err := s.standIn(ctx, tx, who, customer)
		if err != nil {
			return err
		}
		due := slices.DeleteFunc(slices.Clone(st.open), func(m models.MonthlySettlement) bool { return !m.DueBy(s.now()) })
		_, err = s.payIn(ctx, tx, who, st, due)
		return err
	})
	if err != nil {
		return err
	}
	next, found, err := selectNextDue(ctx, s.DB, customer)
	switch {
	case err != nil || !found:
		return err
	case next.After(s.now()):
		return models.NotDue{Until: next}
	}
	return models.NotDue{Until: s.now().Add(dueAgain)}
}

// payIn pays months of a customer whose account is locked, one posting for each, and tells of it.
func (s *Service) payIn(ctx context.Context, tx bun.IDB, who models.Principal, st standing, months []models.MonthlySettlement) (OwedPaid, error) {
	currency, now := st.customer.Currency, s.now()
	done := OwedPaid{CustomerID: st.customer.ID}
	floor := int64(0)
	// All accounts of the customer are locked with the one of them.
	from, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCustomer, OwnerID: string(st.customer.ID), Kind: models.AccountBalance, Asset: string(currency), Floor: &floor,
	})
	if err != nil {
		return done, err
	}
	left, paid := max(from.AvailableMinor(), 0), int64(0)
	var happened []models.Event
	var last models.Transfer
	for _, month := range months {
		part := min(month.OpenMinor, left)
		if part == 0 {
			break
		}
		if last, _, err = s.Ledger.Post(ctx, tx, who, ledger.Posting{
			Kind: models.TransferSettlement, SubjectID: month.ID, Reason: "On account in " + string(month.Cycle),
			Legs: []ledger.Leg{{AccountID: from.ID, AmountMinor: -part}, {AccountID: st.account.ID, AmountMinor: part}},
		}); err != nil {
			return done, err
		}
		month.Add(&month.PaidMinor, part, now)
		if err := updateMonth(ctx, tx, month); err != nil {
			return done, err
		}
		left, paid = left-part, paid+part
		happened = append(happened, s.paidEvent(st.customer, month, part, last.ID))
	}
	done.Paid = models.NewMoney(paid, currency)
	if st.open, err = selectOpen(ctx, tx, st.customer.ID, currency); err != nil {
		return done, err
	}
	if !st.lined {
		st.line.Currency = currency
	}
	done.Account = models.SettlementAccountOf(st.line, st.open, now)
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(st.customer.ID)}, models.MoneyKinds()...)
	if err != nil {
		return done, err
	}
	done.Balance = models.BalanceOf(accounts, currency, now)
	if paid == 0 {
		return done, nil
	}
	happened = append(happened, models.Event{
		Type: models.EventBalanceChanged, PartnerID: partnerOf(st.customer), CustomerID: st.customer.ID, SubjectID: string(st.customer.ID), Fields: []string{"balance"},
		Data: map[string]any{
			"transferId": last.ID, "kind": models.TransferSettlement, "amount": models.NewMoney(-paid, currency).Plain(), "currency": currency,
			"version": done.Balance.Version,
		},
	})
	return done, s.Events.Record(ctx, tx, who, happened...)
}

// paidEvent tells of what was paid of a month.
func (s *Service) paidEvent(customer models.Customer, month models.MonthlySettlement, minor int64, transfer models.ID) models.Event {
	before := month
	before.OpenMinor += minor
	return models.Event{
		Type: models.EventSettlementPaid, PartnerID: partnerOf(customer), CustomerID: customer.ID, SubjectID: string(month.ID), Fields: []string{"open"},
		Changes: []models.FieldChange{models.Changed("open", before.Open().Plain(), month.Open().Plain())},
		Data: map[string]any{
			"month": month.Cycle, "amount": models.NewMoney(minor, month.Currency).Plain(), "open": month.Open().Plain(), "currency": month.Currency,
			"transferId": transfer,
		},
	}
}

// Changed notes the customers whose balance has changed, for SettleChanged.
func (s *Service) Changed(changes []models.OwnerChange) { s.debtors.Changed(changes) }

// SettleChanged has what is due of those customers paid at once whose balance this process has changed since it was last called, in the place of the next
// hourly attempt, and returns how many they are.
func (s *Service) SettleChanged(ctx context.Context) (int, error) {
	now := s.now()
	return s.debtors.Settle(ctx, watch.Debt{
		DB: s.DB, Jobs: s.Jobs, Kind: models.JobAccountSettle, At: now,
		Owing: func(ctx context.Context, customers []models.ID) ([]models.ID, error) {
			return selectOwing(ctx, s.DB, customers, now)
		},
	})
}
