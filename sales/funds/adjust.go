package funds

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of an adjustment.
var (
	ErrOperatorAdjusts = models.Forbidden("Only an operator adjusts a balance.")
	ErrOwnerUnknown    = models.NotFound("owner of a balance")
)

// maxReason is how many characters a reason has at most.
const maxReason = 500

// AdjustBalance says by how much a balance was wrong, and why. Exactly one of PartnerID and CustomerID is given.
type AdjustBalance struct {
	PartnerID      *models.ID
	CustomerID     *models.ID
	Amount         decimal.Decimal // not zero, below zero takes; at most 2 fraction digits, in the owner's currency
	Reason         string          // 1 to 500 characters for people; no personal data, for the ledger is kept for good
	IdempotencyKey string          // as in CustomerMove
}

// Adjusted is what an adjustment did. A repeated key returns the balance of then, not of now.
type Adjusted struct {
	Transfer models.Transfer
	Balance  models.Balance
}

// AdjustBalance corrects the cash balance of a partner or a customer, in either mode, against the outside world (trade type
// ADJUST of 3.6). It needs MONEY_MOVE and an operator: everybody else is FORBIDDEN. A balance never falls below its floor, nor
// into what is held or earmarked: that is INSUFFICIENT_BALANCE. The same key answers the same again, with another input it is
// CONFLICT.
func (s *Service) AdjustBalance(ctx context.Context, who models.Principal, cmd AdjustBalance) (Adjusted, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return Adjusted{}, err
	}
	if !who.SeesAll() {
		return Adjusted{}, ErrOperatorAdjusts
	}
	if err := cmd.check(); err != nil {
		return Adjusted{}, err
	}
	asked := struct {
		PartnerID, CustomerID *models.ID
		Amount, Reason        string
	}{cmd.PartnerID, cmd.CustomerID, cmd.Amount.String(), cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "adjustBalance", asked, func(ctx context.Context, tx bun.IDB) (Adjusted, error) {
		return s.adjust(ctx, tx, who, cmd)
	})
}

func (cmd AdjustBalance) check() error {
	if (cmd.PartnerID == nil) == (cmd.CustomerID == nil) {
		return models.Invalid("partnerId", "Give either partnerId or customerId.")
	}
	if cmd.PartnerID != nil {
		if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	}
	if cmd.CustomerID != nil {
		if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return err
		}
	}
	// The sign and the exponent go first, before anything writes the amount out; models.ParseMoney does the rest.
	if cmd.Amount.Sign() == 0 {
		return models.Invalid("amount", "The amount must not be zero.")
	}
	if cmd.Amount.Exponent() > 0 || cmd.Amount.Exponent() < -20 {
		return models.Invalid("amount", "The amount must be a plain decimal.")
	}
	if err := checkReason(cmd.Reason); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// checkReason wants a line of text that says something.
func checkReason(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return models.Invalid("reason", "Say why: a reason is needed.")
	}
	if !utf8.ValidString(reason) || utf8.RuneCountInString(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return models.Invalid("reason", "A reason is one line of at most 500 characters.")
	}
	return nil
}

// adjust moves the money between the outside world of the owner's cloud and the owner.
func (s *Service) adjust(ctx context.Context, tx bun.IDB, who models.Principal, cmd AdjustBalance) (Adjusted, error) {
	whose, found, err := selectAdjustedForShare(ctx, tx, cmd)
	if err != nil {
		return Adjusted{}, err
	}
	if !found {
		return Adjusted{}, ErrOwnerUnknown
	}
	money, err := models.ParseMoney(cmd.Amount, whose.Currency, "amount")
	if err != nil {
		return Adjusted{}, err
	}
	// Accounts are opened from the top down, as everywhere.
	world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: whose.Cloud, Kind: models.AccountWorld, Asset: string(whose.Currency),
	})
	if err != nil {
		return Adjusted{}, err
	}
	account, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: whose.Kind, OwnerID: string(whose.ID), Kind: models.AccountBalance, Asset: string(whose.Currency), Floor: new(int64),
	})
	if err != nil {
		return Adjusted{}, err
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{Kind: models.TransferAdjust, Reason: cmd.Reason, Legs: []ledger.Leg{
		{AccountID: world.ID, AmountMinor: -money.Minor}, {AccountID: account.ID, AmountMinor: money.Minor},
	}})
	if err != nil {
		return Adjusted{}, nameOwner(err, account)
	}
	// Read after the posting, which has locked the account.
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(whose.ID)}, moneyKinds()...)
	if err != nil {
		return Adjusted{}, err
	}
	done := Adjusted{Transfer: transfer, Balance: models.BalanceOf(accounts, whose.Currency, s.Now().UTC())}
	return done, s.recordAdjustment(ctx, tx, who, whose, money, done)
}

// adjusted is whose balance is corrected.
type adjusted struct {
	Kind      models.OwnerKind
	ID        models.ID
	Cloud     string
	Currency  models.Currency
	PartnerID models.ID // who besides the owner is told: the partner itself, or that of a resale customer
}

// recordAdjustment tells the owner and, of a resale customer, its partner: an advisory customer's money is its own (C01).
func (s *Service) recordAdjustment(ctx context.Context, tx bun.IDB, who models.Principal, whose adjusted, money models.Money, done Adjusted) error {
	happened := models.Event{
		Type: models.EventBalanceAdjusted, PartnerID: whose.PartnerID, SubjectID: string(whose.ID), Fields: []string{"balance"},
		Data: map[string]any{
			"transferId": done.Transfer.ID, "kind": done.Transfer.Kind, "amount": money.Plain(), "currency": money.Currency,
			"version": done.Balance.Version,
		},
	}
	if whose.Kind == models.OwnerCustomer {
		happened.CustomerID = whose.ID
	}
	changed := happened
	changed.Type = models.EventBalanceChanged
	return s.Events.Record(ctx, tx, who, happened, changed)
}
