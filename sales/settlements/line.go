package settlements

import (
	"context"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// maxReason is how many characters the reason of a line may have.
const maxReason = 500

// SetLine says how much a customer may owe on account.
type SetLine struct {
	CustomerID     models.ID       // in either mode
	Amount         decimal.Decimal // above zero, at most 2 fraction digits, in the customer's currency; it replaces the line of before
	Reason         string          // for people, 1 to 500 characters; no personal data
	IdempotencyKey string          // 1 to 128 printable ASCII characters
}

// EndLine says whose line ends.
type EndLine struct {
	CustomerID     models.ID
	Reason         string // for people, 1 to 500 characters; no personal data
	IdempotencyKey string // 1 to 128 printable ASCII characters
}

// LineSet is how a customer stands on account after a change of its line.
type LineSet struct {
	CustomerID models.ID
	Account    models.SettlementAccount
}

// Set gives a customer a line on account, or another one; one that had ended is in force again. As with credit lines, operators alone do, because
// the cloud waits for the money, and for a customer in either mode. LIMIT_IN_USE when more than that is owed. The same key answers the same again.
func (s *Service) Set(ctx context.Context, who models.Principal, cmd SetLine) (LineSet, error) {
	if err := may(who); err != nil {
		return LineSet{}, err
	}
	if err := cmd.check(); err != nil {
		return LineSet{}, err
	}
	asked := struct {
		CustomerID     models.ID
		Amount, Reason string
	}{cmd.CustomerID, cmd.Amount.String(), cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "setMonthlySettlement", asked, func(ctx context.Context, tx bun.IDB) (LineSet, error) {
		return s.setIn(ctx, tx, who, cmd)
	})
}

// End has nothing more sold on account to a customer. What it owes stays due with its months. NO_SETTLEMENT_LINE when it has none, or it has ended.
// The rest is as with Set.
func (s *Service) End(ctx context.Context, who models.Principal, cmd EndLine) (LineSet, error) {
	if err := may(who); err != nil {
		return LineSet{}, err
	}
	if err := checkLine(cmd.CustomerID, cmd.Reason, cmd.IdempotencyKey); err != nil {
		return LineSet{}, err
	}
	asked := struct {
		CustomerID models.ID
		Reason     string
	}{cmd.CustomerID, cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "endMonthlySettlement", asked, func(ctx context.Context, tx bun.IDB) (LineSet, error) {
		return s.endIn(ctx, tx, who, cmd)
	})
}

func may(who models.Principal) error {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return err
	}
	if !who.SeesAll() {
		return ErrOperatorGives
	}
	return nil
}

func (cmd SetLine) check() error {
	switch {
	case cmd.Amount.Sign() <= 0:
		return models.Invalid("amount", "The amount must be above zero; end the line instead.")
	case cmd.Amount.Exponent() > 0 || cmd.Amount.Exponent() < -20:
		return models.Invalid("amount", "The amount must be a plain decimal.")
	}
	return checkLine(cmd.CustomerID, cmd.Reason, cmd.IdempotencyKey)
}

func checkLine(customer models.ID, reason, key string) error {
	if err := customer.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	if err := models.CheckText(reason, "reason", maxReason, false); err != nil {
		return err
	}
	return ledger.CheckKey(key)
}

// found is a customer whose accounts are locked, with how it stands.
type standing struct {
	customer models.Customer
	account  models.Account // of kind SETTLEMENT
	line     models.SettlementLine
	lined    bool // there is a line, be it in force or not
	open     []models.MonthlySettlement
}

// standIn finds a customer that the caller may see and locks its account.
func (s *Service) standIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (standing, error) {
	customer, found, err := selectCustomer(ctx, tx, who, id)
	if err == nil && !found {
		err = ErrCustomerUnknown
	}
	if err != nil {
		return standing{}, err
	}
	st := standing{customer: customer}
	if st.account, err = s.AccountIn(ctx, tx, id, customer.Currency); err != nil {
		return standing{}, err
	}
	locked, err := s.Ledger.Lock(ctx, tx, st.account.ID)
	if err != nil {
		return standing{}, err
	}
	st.account = locked[0]
	if st.line, st.lined, err = selectLine(ctx, tx, id); err != nil {
		return standing{}, err
	}
	st.open, err = selectOpen(ctx, tx, id, customer.Currency)
	return st, err
}

func (s *Service) setIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd SetLine) (LineSet, error) {
	st, err := s.standIn(ctx, tx, who, cmd.CustomerID)
	if err != nil {
		return LineSet{}, err
	}
	money, err := models.ParseMoney(cmd.Amount, st.customer.Currency, "amount")
	if err != nil {
		return LineSet{}, err
	}
	if models.SettlementAccountOf(st.line, st.open, s.now()).Used.Minor > money.Minor {
		return LineSet{}, ErrLineInUse
	}
	before, now := st.line, s.now()
	st.line.CustomerID, st.line.Currency, st.line.LineMinor, st.line.Reason, st.line.EndedAt, st.line.UpdatedAt = cmd.CustomerID, money.Currency, money.Minor, cmd.Reason, nil, now
	if !st.lined {
		st.line.CreatedAt = now
	}
	if err := s.deepen(ctx, tx, st.account, money.Minor); err != nil {
		return LineSet{}, err
	}
	return s.write(ctx, tx, who, st, models.EventSettlementLineSet, before)
}

// deepen lets the account go as far below zero as the line. It never raises the floor again: a line may end while something is owed, and the line
// in force is the room's to keep, with the account locked.
func (s *Service) deepen(ctx context.Context, tx bun.IDB, account models.Account, line int64) error {
	if account.FloorMinor != nil && *account.FloorMinor <= -line {
		return nil
	}
	_, err := s.Ledger.Limit(ctx, tx, account.ID, ledger.Limits{CreditLineMinor: &line})
	return err
}

func (s *Service) endIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd EndLine) (LineSet, error) {
	st, err := s.standIn(ctx, tx, who, cmd.CustomerID)
	if err != nil {
		return LineSet{}, err
	}
	if !st.lined || st.line.EndedAt != nil {
		return LineSet{}, ErrNoLine
	}
	before, now := st.line, s.now()
	st.line.Reason, st.line.EndedAt, st.line.UpdatedAt = cmd.Reason, &now, now
	return s.write(ctx, tx, who, st, models.EventSettlementLineEnded, before)
}

// write keeps the line and tells of it: operators why, the customer and the partner whose resale money it pays with how much.
func (s *Service) write(ctx context.Context, tx bun.IDB, who models.Principal, st standing, what models.EventType, before models.SettlementLine) (LineSet, error) {
	if err := upsertLine(ctx, tx, st.line); err != nil {
		return LineSet{}, err
	}
	account := models.SettlementAccountOf(st.line, st.open, s.now())
	was := ""
	if st.lined {
		was = models.SettlementAccountOf(before, st.open, s.now()).Line.Plain()
	}
	return LineSet{CustomerID: st.customer.ID, Account: account}, s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: partnerOf(st.customer), CustomerID: st.customer.ID, SubjectID: string(st.customer.ID), Fields: []string{"monthlySettlement"},
		Changes: []models.FieldChange{models.Changed("monthlySettlement", was, account.Line.Plain())},
		Data:    map[string]any{"line": account.Line.Plain(), "used": account.Used.Plain(), "currency": st.line.Currency},
	})
}

// partnerOf is who may know of a customer's money besides itself (C01).
func partnerOf(customer models.Customer) models.ID {
	if customer.Mode != models.Resale {
		return ""
	}
	return customer.PartnerID
}
