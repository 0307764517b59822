package funds

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of limits.
var (
	ErrOperatorLimits = models.Forbidden("Only an operator sets the limits of a balance.")
	ErrOneOwner       = models.Invalid("partnerId", "Name either a partner or a customer.")
)

// SetLimit says which limit of whose cash balance to set.
type SetLimit struct {
	PartnerID      *models.ID // exactly one of the two
	CustomerID     *models.ID
	Amount         decimal.Decimal // zero or more, at most 2 fraction digits, in the owner's currency
	Reason         string          // for people, 1 to 500 characters; no personal data
	IdempotencyKey string          // 1 to 128 printable ASCII characters
}

// Limited is a balance after one of its limits was set.
type Limited struct {
	Balance models.Balance
}

// EarmarkBalance sets aside a part of an owner's cash for a purpose: it stays in the balance and can be neither spent nor
// handed on (M03). The amount replaces what was earmarked before. Operators with MONEY_MOVE only; LIMIT_IN_USE when there is
// not that much free money. The same key answers the same again.
func (s *Service) EarmarkBalance(ctx context.Context, who models.Principal, cmd SetLimit) (Limited, error) {
	return s.limit(ctx, who, "earmarkBalance", models.EventBalanceEarmarked, cmd, func(minor int64) ledger.Limits {
		return ledger.Limits{EarmarkedMinor: &minor}
	})
}

// SetCreditLine sets how far below zero an owner's cash balance may go when it pays for orders; a line cannot be handed on to
// others. LIMIT_IN_USE when more of it is in use. The rest is as with EarmarkBalance.
func (s *Service) SetCreditLine(ctx context.Context, who models.Principal, cmd SetLimit) (Limited, error) {
	return s.limit(ctx, who, "setCreditLine", models.EventCreditLineSet, cmd, func(minor int64) ledger.Limits {
		return ledger.Limits{CreditLineMinor: &minor}
	})
}

func (s *Service) limit(ctx context.Context, who models.Principal, operation string, event models.EventType, cmd SetLimit, limits func(int64) ledger.Limits) (Limited, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return Limited{}, err
	}
	if !who.SeesAll() {
		return Limited{}, ErrOperatorLimits
	}
	if err := cmd.check(); err != nil {
		return Limited{}, err
	}
	asked := struct {
		PartnerID, CustomerID *models.ID
		Amount, Reason        string
	}{cmd.PartnerID, cmd.CustomerID, cmd.Amount.String(), cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, operation, asked, func(ctx context.Context, tx bun.IDB) (Limited, error) {
		return s.limitIn(ctx, tx, who, event, cmd, limits)
	})
}

func (cmd SetLimit) check() error {
	switch {
	case (cmd.PartnerID == nil) == (cmd.CustomerID == nil):
		return ErrOneOwner
	case cmd.Amount.Sign() < 0:
		return models.Invalid("amount", "The amount must not be below zero.")
	case cmd.Amount.Exponent() > 0 || cmd.Amount.Exponent() < -20:
		return models.Invalid("amount", "The amount must be a plain decimal.")
	case cmd.Reason == "" || len(cmd.Reason) > 500:
		return models.Invalid("reason", "Give a reason of 1 to 500 characters.")
	case cmd.PartnerID != nil:
		if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	default:
		if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return err
		}
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

func (s *Service) limitIn(ctx context.Context, tx bun.IDB, who models.Principal, event models.EventType, cmd SetLimit, limits func(int64) ledger.Limits) (Limited, error) {
	kind, whose, err := cmd.owner(ctx, tx, who)
	if err != nil {
		return Limited{}, err
	}
	money, err := models.ParseMoney(cmd.Amount, whose.Currency, "amount")
	if err != nil {
		return Limited{}, err
	}
	floor := int64(0)
	account, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: kind, OwnerID: string(whose.ID), Kind: models.AccountBalance, Asset: string(whose.Currency), Floor: &floor,
	})
	if err != nil {
		return Limited{}, err
	}
	locked, err := s.Ledger.Lock(ctx, tx, account.ID)
	if err != nil {
		return Limited{}, err
	}
	before := locked[slices.IndexFunc(locked, func(a models.Account) bool { return a.ID == account.ID })]
	limited, err := s.Ledger.Limit(ctx, tx, account.ID, limits(money.Minor))
	if err != nil {
		return Limited{}, err
	}
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(whose.ID)}, moneyKinds()...)
	if err != nil {
		return Limited{}, err
	}
	balance := models.BalanceOf(accounts, whose.Currency, s.Now().UTC())
	happened := models.Event{
		Type: event, SubjectID: string(whose.ID), Fields: []string{"balance"},
		Data:    map[string]any{"amount": money.Plain(), "currency": money.Currency, "version": balance.Version},
		Changes: limitChanges(before, limited, money.Currency),
	}
	if kind == models.OwnerCustomer {
		happened.CustomerID = whose.ID
	} else {
		happened.PartnerID = whose.ID
	}
	return Limited{Balance: balance}, s.Events.Record(ctx, tx, who, happened)
}

// limitChanges says which limits of an account are others than before.
func limitChanges(before, after models.Account, currency models.Currency) []models.FieldChange {
	text := func(minor int64) string { return models.Money{Minor: minor, Currency: currency}.Plain() }
	line := func(a models.Account) string {
		if a.FloorMinor == nil {
			return ""
		}
		return text(-*a.FloorMinor)
	}
	var changes []models.FieldChange
	if was, is := line(before), line(after); was != is {
		changes = append(changes, models.Changed("creditLine", was, is))
	}
	if before.EarmarkedMinor != after.EarmarkedMinor {
		changes = append(changes, models.Changed("earmarked", text(before.EarmarkedMinor), text(after.EarmarkedMinor)))
	}
	return changes
}

// owner finds whose limit it is.
func (cmd SetLimit) owner(ctx context.Context, tx bun.IDB, who models.Principal) (models.OwnerKind, owner, error) {
	if cmd.PartnerID != nil {
		found, err := selectPartners(ctx, tx, who, []models.ID{*cmd.PartnerID})
		if err == nil && len(found) == 0 {
			err = ErrPartnerUnknown
		}
		return models.OwnerPartner, firstOf(found), err
	}
	found, err := selectCustomers(ctx, tx, who, []models.ID{*cmd.CustomerID})
	if err == nil && len(found) == 0 {
		err = models.NotFound("customer")
	}
	return models.OwnerCustomer, firstOf(found), err
}

func firstOf(owners []owner) owner {
	if len(owners) == 0 {
		return owner{}
	}
	return owners[0]
}
