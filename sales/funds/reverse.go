package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of a reversal that callers may want to tell apart with errors.Is.
var (
	ErrOperatorReverses = models.Forbidden("Only operators reverse transfers.")
	ErrNotReversible    = models.Precondition("NOT_REVERSIBLE", "A transfer of this kind is not reversed: a payment is refunded, the others have ended something that moving the money back would not restore.")
)

// ReverseTransfer says which transfer to take back.
type ReverseTransfer struct {
	TransferID     models.ID
	Reason         string // one line of 1 to 500 characters for people; no personal data
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per reversal
}

// Reversed is what a reversal did. A repeated key returns the figures of then.
type Reversed struct {
	Transfer models.Transfer
	Balances []models.OwnerBalance // of the partners and customers concerned, afterwards, in the order of their ids
}

// Reverse takes a transfer back whole, by a new one of kind REVERSAL that moves the opposite, exactly once: for mistakes.
// What a reversed refund had paid back may be refunded again. Operators only. Reasons of PRECONDITION_FAILED are
// ALREADY_REVERSED and NOT_REVERSIBLE, for every kind that models.TransferKind.Reversible does not name. When the money has
// been spent since it is INSUFFICIENT_BALANCE: a reversal does not make debts beyond a credit line.
func (s *Service) Reverse(ctx context.Context, who models.Principal, cmd ReverseTransfer) (Reversed, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return Reversed{}, err
	}
	if !who.SeesAll() {
		return Reversed{}, ErrOperatorReverses
	}
	if err := cmd.check(); err != nil {
		return Reversed{}, err
	}
	asked := struct {
		TransferID models.ID
		Reason     string
	}{cmd.TransferID, cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "reverseTransfer", asked, func(ctx context.Context, tx bun.IDB) (Reversed, error) {
		return s.reverseIn(ctx, tx, who, cmd)
	})
}

func (cmd ReverseTransfer) check() error {
	if err := cmd.TransferID.Require(models.PrefixTransfer, "transferId"); err != nil {
		return err
	}
	if err := checkReason(cmd.Reason); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

func (s *Service) reverseIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd ReverseTransfer) (Reversed, error) {
	original, _, err := s.Ledger.TransferOf(ctx, tx, cmd.TransferID)
	if err != nil {
		return Reversed{}, err
	}
	if !original.Kind.Reversible() {
		return Reversed{}, ErrNotReversible
	}
	transfer, moved, err := s.Ledger.Reverse(ctx, tx, who, original.ID, cmd.Reason)
	if err != nil {
		return Reversed{}, err
	}
	if original.Kind == models.TransferRefund && s.Account != nil {
		if err := s.Account.ReversedIn(ctx, tx, original.ID); err != nil {
			return Reversed{}, err
		}
	}
	done := Reversed{Transfer: transfer}
	if done.Balances, err = s.balancesOfMoved(ctx, tx, moved); err != nil {
		return Reversed{}, err
	}
	return done, s.recordReversed(ctx, tx, who, original, done)
}

// balancesOfMoved reads the balances of those whose accounts were moved, as the transaction leaves them. The cloud's own
// accounts are nobody's balance.
func (s *Service) balancesOfMoved(ctx context.Context, tx bun.IDB, moved []models.Account) ([]models.OwnerBalance, error) {
	currencies := map[string]models.Currency{}
	var owners []string
	for _, account := range moved {
		if _, seen := currencies[account.OwnerID]; seen || account.OwnerKind == models.OwnerCloud {
			continue
		}
		currencies[account.OwnerID] = models.Currency(account.Asset)
		owners = append(owners, account.OwnerID)
	}
	accounts, err := s.Ledger.Accounts(ctx, tx, owners, moneyKinds()...)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC()
	balances := []models.OwnerBalance{}
	for len(accounts) > 0 { // they come ordered by owner
		owner, n := accounts[0].OwnerID, 0
		for n < len(accounts) && accounts[n].OwnerID == owner {
			n++
		}
		balances = append(balances, models.OwnerBalance{
			OwnerID: models.ID(owner), Balance: models.BalanceOf(accounts[:n], currencies[owner], now),
		})
		accounts = accounts[n:]
	}
	return balances, nil
}

// recordReversed records the operator's act, which nobody else reads, and tells each owner of its balance.
func (s *Service) recordReversed(ctx context.Context, tx bun.IDB, who models.Principal, original models.Transfer, done Reversed) error {
	partners, err := selectResalePartners(ctx, tx, done.Balances)
	if err != nil {
		return err
	}
	happened := []models.Event{{
		Type: models.EventTransferReversed, SubjectID: string(original.ID), Data: map[string]any{"transferId": done.Transfer.ID, "kind": original.Kind},
	}}
	for _, owner := range done.Balances {
		changed := models.Event{
			Type: models.EventBalanceChanged, PartnerID: owner.OwnerID, SubjectID: string(owner.OwnerID), Fields: []string{"balance"},
			Data: map[string]any{"transferId": done.Transfer.ID, "kind": done.Transfer.Kind, "version": owner.Balance.Version},
		}
		if owner.OwnerID.Prefix() == models.PrefixCustomer {
			changed.PartnerID, changed.CustomerID = partners[owner.OwnerID], owner.OwnerID
		}
		happened = append(happened, changed)
	}
	return s.Events.Record(ctx, tx, who, happened...)
}
