package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Leg is one account's part of a posting: negative takes from the account, positive gives to it.
type Leg struct {
	AccountID   models.ID
	AmountMinor int64 // not zero, at most models.MaxMinor either way
}

// Posting is a transfer to be written.
type Posting struct {
	Kind       models.TransferKind
	OrderID    models.ID // the order it belongs to; zero when there is none
	SubjectID  models.ID // the recharge, withdrawal or other record it belongs to; zero when there is none
	ReversesID models.ID // set by Reverse
	Reason     string    // for people; no personal data
	Legs       []Leg     // 2 to MaxLegs, each account once, summing to zero per asset
}

// Post writes the transfer, moves the balances and returns the accounts as they are then, in the order of their ids. It
// locks them in that order. Ill-formed legs are INVALID, an unknown account NOT_FOUND, and a debit beyond what is
// available INSUFFICIENT_BALANCE with available, required and currency as details.
func (s *Service) Post(ctx context.Context, tx bun.IDB, who models.Principal, p Posting) (models.Transfer, []models.Account, error) {
	return s.post(ctx, tx, who, p, nil)
}

// post is Post where a hold, when given, pays for part of it.
func (s *Service) post(ctx context.Context, tx bun.IDB, who models.Principal, p Posting, hold *models.Hold) (models.Transfer, []models.Account, error) {
	if err := p.check(); err != nil {
		return models.Transfer{}, nil, err
	}
	ids := p.accounts()
	batch, err := s.lockBatch(ctx, tx, ids...)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	transfer, err := batch.post(who, p, hold)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	return transfer, batch.named(ids...), batch.Write(ctx, tx)
}

// accounts returns the ids of the accounts of the legs.
func (p Posting) accounts() []models.ID {
	ids := make([]models.ID, len(p.Legs))
	for i, leg := range p.Legs {
		ids[i] = leg.AccountID
	}
	return ids
}

func (p Posting) check() error {
	if p.Kind == "" {
		return models.Invalid("kind", "A transfer needs a kind.")
	}
	if len(p.Legs) < 2 || len(p.Legs) > MaxLegs {
		return models.Invalid("legs", fmt.Sprintf("A transfer has 2 to %d legs.", MaxLegs))
	}
	seen := make(map[models.ID]bool, len(p.Legs))
	for _, leg := range p.Legs {
		if leg.AmountMinor == 0 {
			return models.Invalid("amount", "The amount must not be zero.")
		}
		if leg.AmountMinor > models.MaxMinor || leg.AmountMinor < -models.MaxMinor {
			return models.Invalid("amount", "The amount is too large.")
		}
		if seen[leg.AccountID] {
			return models.Invalid("legs", "An account appears twice in one transfer.")
		}
		seen[leg.AccountID] = true
	}
	return nil
}

// checkSums needs the accounts, in the order of the legs, because only they know their asset.
func checkSums(legs []Leg, accounts []models.Account) error {
	sums := make(map[string]int64, 1)
	for i, account := range accounts {
		sums[account.Asset] += legs[i].AmountMinor
	}
	for _, sum := range sums {
		if sum != 0 {
			return models.Invalid("legs", "The legs of a transfer must sum to zero in every asset.")
		}
	}
	return nil
}

// apply moves the amount on the account in memory and returns the entry that says so.
func (s *Service) apply(account *models.Account, amount int64, transfer models.Transfer) (models.Entry, error) {
	if amount < 0 && account.FloorMinor != nil && -amount > account.AvailableMinor() {
		return models.Entry{}, insufficient(*account, -amount)
	}
	after := account.BalanceMinor + amount
	if after > maxBalanceMinor || after < -maxBalanceMinor {
		return models.Entry{}, models.Invalid("amount", "The balance would become larger than an account can hold.")
	}
	account.BalanceMinor = after
	account.Version++
	return models.Entry{
		ID: s.IDs(models.PrefixEntry), TransferID: transfer.ID, AccountID: account.ID, Asset: account.Asset,
		AmountMinor: amount, Version: account.Version, BalanceAfterMinor: after, CreatedAt: transfer.CreatedAt,
	}, nil
}

// timeAfter is now, or the latest change of the accounts when this server's clock is behind the one that made it: an
// account's entries must be in the same order by time as by version, or a balance as of a moment would be wrong.
func (s *Service) timeAfter(accounts []models.Account) time.Time {
	at := s.now()
	for _, account := range accounts {
		if account.UpdatedAt.After(at) {
			at = account.UpdatedAt.UTC()
		}
	}
	return at
}
