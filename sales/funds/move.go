package funds

import (
	"context"

	"github.com/shopspring/decimal"

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
	Code               *string // for FUNDING, where the caller's organisation has that ask for one (G04)
}

// ResellerMove says how much money to move between a distributor and its reseller. The currency is the reseller's.
type ResellerMove struct {
	ResellerID     models.ID
	Amount         decimal.Decimal // as in CustomerMove
	IdempotencyKey string          // as in CustomerMove
	Code           *string         // as in CustomerMove
}

// Moved is what a move did. A repeated key returns the balances of then, not of now; their versions tell.
type Moved struct {
	Transfer       models.Transfer
	PartnerBalance models.Balance // of the partner above, after the move: the reseller's when a distributor acted for it
	TargetBalance  models.Balance // of the customer or reseller below, after the move
}

// withCustomer carries a move between a partner and a customer out, once per key.
func (s *Service) withCustomer(ctx context.Context, who models.Principal, operation string, kind models.TransferKind, cmd CustomerMove) (Moved, error) {
	if err := mayMove(who); err != nil {
		return Moved{}, err
	}
	if err := cmd.check(); err != nil {
		return Moved{}, err
	}
	key, err := s.Ledger.NewKey(who, cmd.IdempotencyKey, operation, struct {
		CustomerID         models.ID
		Amount             string
		ActingForPartnerID *models.ID
	}{cmd.CustomerID, cmd.Amount.String(), cmd.ActingForPartnerID})
	if err != nil {
		return Moved{}, err
	}
	proof, err := s.tryCode(ctx, who, models.CodeFunding, cmd.Code)
	if err != nil {
		return Moved{}, err
	}
	partner := who.PartnerID
	if cmd.ActingForPartnerID != nil {
		partner = *cmd.ActingForPartnerID
	}
	return s.move(ctx, asked{
		who: who, kind: kind, key: key, partner: partner, target: models.OwnerCustomer, targetID: cmd.CustomerID, amount: cmd.Amount,
		acting: cmd.ActingForPartnerID != nil, proof: proof,
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
	key, err := s.Ledger.NewKey(who, cmd.IdempotencyKey, operation, struct {
		ResellerID models.ID
		Amount     string
	}{cmd.ResellerID, cmd.Amount.String()})
	if err != nil {
		return Moved{}, err
	}
	proof, err := s.tryCode(ctx, who, models.CodeFunding, cmd.Code)
	if err != nil {
		return Moved{}, err
	}
	return s.move(ctx, asked{
		who: who, kind: kind, key: key, partner: who.PartnerID, target: models.OwnerPartner, targetID: cmd.ResellerID, amount: cmd.Amount, proof: proof,
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
