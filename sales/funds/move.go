package funds

import (
	"context"
	"errors"
	"maps"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of this room that callers may want to tell apart with errors.Is.
var (
	ErrPartnerMoves     = models.Forbidden("Only a partner moves its money: use the partner's own credential.")
	ErrDistributorMoves = models.Forbidden("Only a distributor moves money to and from its resellers (M06).")
	ErrCustomerUnknown  = &models.Error{Code: models.CodeNotFound, Message: "There is no such customer of this partner's own; a distributor names its reseller in actingForPartnerId."}
	ErrResellerUnknown  = models.NotFound("reseller")
	ErrAdvisoryCustomer = models.Precondition("ADVISORY_CUSTOMER", "An advisory customer pays the cloud itself; its money cannot be moved (C01).")
	ErrCustomerFrozen   = models.Precondition("CUSTOMER_FROZEN", "This customer is frozen; its money cannot be moved.")
)

// CustomerMove says how much money to move between a partner and a resale customer. The currency is the customer's.
type CustomerMove struct {
	CustomerID     models.ID
	Amount         decimal.Decimal // more than zero, at most 2 fraction digits, at most models.MaxMinor (M03, M04)
	IdempotencyKey string          // 1 to 128 printable ASCII characters, made up once per move
	// ActingForPartnerID is the caller's reseller whose money moves and whose customer it is (M07); nil = the caller itself.
	ActingForPartnerID *models.ID
}

// ResellerMove says how much money to move between a distributor and its reseller. The currency is the reseller's.
type ResellerMove struct {
	ResellerID     models.ID
	Amount         decimal.Decimal // as in CustomerMove
	IdempotencyKey string          // as in CustomerMove
}

// Moved is what a move did. A repeated key returns the balances of then, not of now; their versions tell.
type Moved struct {
	Transfer       models.Transfer
	PartnerBalance models.Balance // of the partner above, after the move: the reseller's when a distributor acted for it
	TargetBalance  models.Balance // of the customer or reseller below, after the move
}

// edge is what money moves along: a partner and the customer or reseller below it.
type edge struct {
	partner  models.ID
	target   models.OwnerKind
	targetID models.ID
	currency models.Currency
}

// withCustomer carries a move between a partner and a customer out, once per key.
func (s *Service) withCustomer(ctx context.Context, who models.Principal, operation string, kind models.TransferKind, cmd CustomerMove) (Moved, error) {
	if err := mayMove(who); err != nil {
		return Moved{}, err
	}
	if err := cmd.check(); err != nil {
		return Moved{}, err
	}
	asked := struct {
		CustomerID         models.ID
		Amount             string
		ActingForPartnerID *models.ID
	}{cmd.CustomerID, cmd.Amount.String(), cmd.ActingForPartnerID}
	return s.once(ctx, who, cmd.IdempotencyKey, operation, asked, func(ctx context.Context, tx bun.IDB) (Moved, error) {
		along, err := customerEdge(ctx, tx, who, cmd)
		if err != nil {
			return Moved{}, err
		}
		return s.move(ctx, tx, who, kind, along, cmd.Amount)
	})
}

// withReseller carries a move between a distributor and its reseller out, once per key.
func (s *Service) withReseller(ctx context.Context, who models.Principal, operation string, kind models.TransferKind, cmd ResellerMove) (Moved, error) {
	if err := mayMove(who); err != nil {
		return Moved{}, err
	}
	if who.PartnerKind != models.Distributor {
		return Moved{}, ErrDistributorMoves
	}
	if err := cmd.check(); err != nil {
		return Moved{}, err
	}
	asked := struct {
		ResellerID models.ID
		Amount     string
	}{cmd.ResellerID, cmd.Amount.String()}
	return s.once(ctx, who, cmd.IdempotencyKey, operation, asked, func(ctx context.Context, tx bun.IDB) (Moved, error) {
		reseller, found, err := selectResellerForShare(ctx, tx, who.PartnerID, cmd.ResellerID)
		if err != nil {
			return Moved{}, err
		}
		if !found {
			return Moved{}, ErrResellerUnknown
		}
		along := edge{partner: who.PartnerID, target: models.OwnerPartner, targetID: reseller.ID, currency: reseller.Currency}
		return s.move(ctx, tx, who, kind, along, cmd.Amount)
	})
}

// mayMove lets partners' people and programs through. An operator has no balance of its own and moves nobody else's.
func mayMove(who models.Principal) error {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return err
	}
	if who.PartnerID == "" || who.CustomerID != "" {
		return ErrPartnerMoves
	}
	return nil
}

func (cmd CustomerMove) check() error {
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	if cmd.ActingForPartnerID != nil {
		if err := cmd.ActingForPartnerID.Require(models.PrefixPartner, "actingForPartnerId"); err != nil {
			return err
		}
	}
	if err := checkAmount(cmd.Amount); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

func (cmd ResellerMove) check() error {
	if err := cmd.ResellerID.Require(models.PrefixPartner, "resellerId"); err != nil {
		return err
	}
	if err := checkAmount(cmd.Amount); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// checkAmount looks at sign and exponent, before anything writes the amount out; models.ParseMoney does the rest once the
// currency is known.
func checkAmount(amount decimal.Decimal) error {
	if amount.Sign() <= 0 {
		return models.Invalid("amount", "The amount must be above zero.")
	}
	if amount.Exponent() > 0 || amount.Exponent() < -20 {
		return models.Invalid("amount", "The amount must be a plain decimal.")
	}
	return nil
}

// customerEdge finds the edge and locks it: the association cannot end, nor the customer be frozen, before the move is over.
func customerEdge(ctx context.Context, tx bun.IDB, who models.Principal, cmd CustomerMove) (edge, error) {
	partner := who.PartnerID
	customer, found, err := selectCustomerForShare(ctx, tx, cmd.CustomerID)
	if err != nil {
		return edge{}, err
	}
	if cmd.ActingForPartnerID != nil {
		reseller, own, err := selectResellerForShare(ctx, tx, who.PartnerID, *cmd.ActingForPartnerID)
		if err != nil {
			return edge{}, err
		}
		if !own {
			return edge{}, ErrResellerUnknown
		}
		partner = reseller.ID
	}
	switch {
	case !found || customer.PartnerID != partner:
		return edge{}, ErrCustomerUnknown
	case customer.Mode != models.Resale:
		return edge{}, ErrAdvisoryCustomer
	case customer.Frozen != models.NotFrozen:
		return edge{}, ErrCustomerFrozen
	}
	return edge{partner: partner, target: models.OwnerCustomer, targetID: customer.ID, currency: customer.Currency}, nil
}

// once runs a move in a transaction of its own, at most once per key and organisation.
func (s *Service) once(ctx context.Context, who models.Principal, key, operation string, asked any, run func(ctx context.Context, tx bun.IDB) (Moved, error)) (Moved, error) {
	var done Moved
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		done = Moved{}
		return s.Ledger.Once(ctx, tx, who, key, operation, asked, func() (any, error) { return run(ctx, tx) }, &done)
	})
	if err != nil {
		return Moved{}, err
	}
	return done, nil
}

// move moves the money down the edge, or back up when it is reclaimed.
func (s *Service) move(ctx context.Context, tx bun.IDB, who models.Principal, kind models.TransferKind, along edge, amount decimal.Decimal) (Moved, error) {
	money, err := models.ParseMoney(amount, along.currency, "amount")
	if err != nil {
		return Moved{}, err
	}
	// Accounts are opened from the top down whichever way the money goes, so that two first moves never wait for each other.
	from, err := s.open(ctx, tx, models.OwnerPartner, along.partner, along.currency)
	if err != nil {
		return Moved{}, err
	}
	to, err := s.open(ctx, tx, along.target, along.targetID, along.currency)
	if err != nil {
		return Moved{}, err
	}
	if kind == models.TransferReclaim {
		from, to = to, from
	}
	transfer, after, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{Kind: kind, Legs: []ledger.Leg{
		{AccountID: from.ID, AmountMinor: -money.Minor}, {AccountID: to.ID, AmountMinor: money.Minor},
	}})
	if err != nil {
		return Moved{}, nameOwner(err, from)
	}
	if err := ownMoneyOnly(after, from, money); err != nil {
		return Moved{}, err
	}
	done := Moved{Transfer: transfer}
	if done.PartnerBalance, done.TargetBalance, err = s.balancesAlong(ctx, tx, along); err != nil {
		return Moved{}, err
	}
	return done, s.record(ctx, tx, who, along, money, done)
}

func (s *Service) open(ctx context.Context, tx bun.IDB, kind models.OwnerKind, owner models.ID, currency models.Currency) (models.Account, error) {
	floor := int64(0)
	return s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: kind, OwnerID: string(owner), Kind: models.AccountBalance, Asset: string(currency), Floor: &floor,
	})
}

// nameOwner adds to a lack of money whose it is, which for a distributor that acts for its reseller is not its own (M07).
func nameOwner(err error, from models.Account) error {
	var short *models.Error
	if !errors.As(err, &short) || short.Code != models.CodeInsufficientBalance {
		return err
	}
	named := *short
	named.Details = map[string]any{"ownerId": from.OwnerID}
	maps.Copy(named.Details, short.Details)
	return &named
}

// ownMoneyOnly refuses a move that the ledger allows because of a credit line: a line may be spent, not handed on or taken
// back, so a move is bounded by the balance less what is held and earmarked (M03, M04).
func ownMoneyOnly(after []models.Account, from models.Account, moved models.Money) error {
	for _, account := range after {
		left := account.BalanceMinor - account.HeldMinor - account.EarmarkedMinor
		if account.ID != from.ID || left >= 0 {
			continue
		}
		return &models.Error{
			Code: models.CodeInsufficientBalance, Message: ledger.ErrInsufficientBalance.Message,
			Details: map[string]any{
				"ownerId":   from.OwnerID,
				"available": decimalOf(models.NewMoney(max(left+moved.Minor, 0), moved.Currency)),
				"required":  decimalOf(moved),
				"currency":  string(moved.Currency),
			},
		}
	}
	return nil
}

// balancesAlong reads both balances as the transaction leaves them.
func (s *Service) balancesAlong(ctx context.Context, tx bun.IDB, along edge) (partner, target models.Balance, err error) {
	now := s.Now().UTC()
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(along.partner), string(along.targetID)}, moneyKinds()...)
	if err != nil {
		return partner, target, err
	}
	var above, below []models.Account
	for _, account := range accounts {
		switch {
		case account.OwnerKind == models.OwnerPartner && account.OwnerID == string(along.partner):
			above = append(above, account)
		case account.OwnerKind == along.target && account.OwnerID == string(along.targetID):
			below = append(below, account)
		}
	}
	return models.BalanceOf(above, along.currency, now), models.BalanceOf(below, along.currency, now), nil
}

// record tells both sides. What happened to the partner's balance is no business of the customer's, so that event does not
// name it.
func (s *Service) record(ctx context.Context, tx bun.IDB, who models.Principal, along edge, money models.Money, done Moved) error {
	data := func(balance models.Balance) map[string]any {
		return map[string]any{
			"transferId": done.Transfer.ID, "kind": done.Transfer.Kind, "amount": decimalOf(money), "currency": money.Currency,
			"version": balance.Version,
		}
	}
	above := models.Event{
		Type: models.EventBalanceChanged, PartnerID: along.partner, SubjectID: string(along.partner),
		Fields: []string{"balance"}, Data: data(done.PartnerBalance),
	}
	below := models.Event{
		Type: models.EventBalanceChanged, PartnerID: along.partner, CustomerID: along.targetID, SubjectID: string(along.targetID),
		Fields: []string{"balance"}, Data: data(done.TargetBalance),
	}
	if along.target == models.OwnerPartner {
		below.PartnerID, below.CustomerID = along.targetID, ""
	}
	return s.Events.Record(ctx, tx, who, above, below)
}

func decimalOf(m models.Money) string { return m.Amount().StringFixed(m.Currency.Scale()) }
