package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// PlaceHold asks for a pending debit.
type PlaceHold struct {
	AccountID   models.ID
	OrderID     models.ID // zero when there is none
	AmountMinor int64     // more than zero, at most models.MaxMinor
	ExpiresAt   time.Time // after now
}

// Place sets money aside for an order: it stays in the account and is no longer available. INSUFFICIENT_BALANCE when
// there is not enough.
func (s *Service) Place(ctx context.Context, tx bun.IDB, p PlaceHold) (models.Hold, models.Account, error) {
	now := s.now()
	if p.AmountMinor <= 0 || p.AmountMinor > models.MaxMinor {
		return models.Hold{}, models.Account{}, models.Invalid("amount", "The amount of a hold must be above zero and not too large.")
	}
	if !p.ExpiresAt.After(now) {
		return models.Hold{}, models.Account{}, models.Invalid("expiresAt", "A hold must end in the future.")
	}
	batch, err := s.lockBatch(ctx, tx, p.AccountID)
	if err != nil {
		return models.Hold{}, models.Account{}, err
	}
	place := batch.at[p.AccountID]
	account := batch.accounts[place]
	if account.FloorMinor != nil && p.AmountMinor > account.AvailableMinor() {
		return models.Hold{}, models.Account{}, insufficient(account, p.AmountMinor)
	}
	account.HeldMinor += p.AmountMinor
	if account.HeldMinor > maxBalanceMinor {
		return models.Hold{}, models.Account{}, models.Invalid("amount", "More would be held than an account can hold.")
	}
	batch.put(place, account)
	hold := models.Hold{
		ID: s.IDs(models.PrefixHold), AccountID: p.AccountID, OrderID: p.OrderID, AmountMinor: p.AmountMinor,
		State: models.HoldPending, ExpiresAt: p.ExpiresAt.UTC().Truncate(time.Microsecond), CreatedAt: now, UpdatedAt: now,
	}
	if err := insertHold(ctx, tx, &hold); err != nil {
		return models.Hold{}, models.Account{}, err
	}
	return hold, batch.accounts[place], batch.Write(ctx, tx)
}

// PostHold turns a pending hold into the transfer that it was placed for. The posting must take from the hold's account, at
// most the amount held; what it takes less is free again. ErrHoldNotPending when the hold has ended, by time or otherwise.
func (s *Service) PostHold(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, p Posting) (models.Transfer, []models.Account, error) {
	debit := int64(0)
	hold, err := s.lockHold(ctx, tx, id, p.accounts()...)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	if !hold.ExpiresAt.After(s.now()) {
		return models.Transfer{}, nil, ErrHoldNotPending
	}
	for _, leg := range p.Legs {
		if leg.AccountID == hold.AccountID {
			debit = -leg.AmountMinor
		}
	}
	if debit <= 0 || debit > hold.AmountMinor {
		return models.Transfer{}, nil, models.Invalid("legs", "A hold pays for a debit of its own account, up to its amount.")
	}
	transfer, accounts, err := s.post(ctx, tx, who, p, &hold)
	if err != nil {
		return models.Transfer{}, nil, err
	}
	return transfer, accounts, updateHolds(ctx, tx, []models.ID{id}, models.HoldPosted, transfer.ID, s.now())
}

// Void ends a pending hold without a transfer; its money is available again.
func (s *Service) Void(ctx context.Context, tx bun.IDB, id models.ID) (models.Account, error) {
	hold, err := s.lockHold(ctx, tx, id)
	if err != nil {
		return models.Account{}, err
	}
	accounts, err := s.release(ctx, tx, []models.Hold{hold}, models.HoldVoided)
	return first(accounts), err
}

// Expire ends pending holds whose time is over, at most limit of them, and returns those that it ended and their accounts as
// they are then.
func (s *Service) Expire(ctx context.Context, tx bun.IDB, limit int) ([]models.Hold, []models.Account, error) {
	due, err := selectDueHolds(ctx, tx, s.now(), limit)
	if err != nil || len(due) == 0 {
		return nil, nil, err
	}
	// Accounts are locked before holds, as everywhere; what has ended meanwhile drops out at the second look.
	ids := make([]models.ID, len(due))
	accounts := make([]models.ID, len(due))
	for i, hold := range due {
		ids[i], accounts[i] = hold.ID, hold.AccountID
	}
	if _, err := s.Lock(ctx, tx, accounts...); err != nil {
		return nil, nil, err
	}
	due, err = selectPendingHoldsForUpdate(ctx, tx, ids)
	if err != nil || len(due) == 0 {
		return nil, nil, err
	}
	freed, err := s.release(ctx, tx, due, models.HoldExpired)
	return due, freed, err
}

// lockHold locks the hold's account and the others, then the hold, which must be pending.
func (s *Service) lockHold(ctx context.Context, tx bun.IDB, id models.ID, others ...models.ID) (models.Hold, error) {
	account, err := selectHoldAccount(ctx, tx, id)
	if err != nil {
		return models.Hold{}, err
	}
	if account == "" {
		return models.Hold{}, ErrHoldUnknown
	}
	if _, err := s.Lock(ctx, tx, append(others, account)...); err != nil {
		return models.Hold{}, err
	}
	pending, err := selectPendingHoldsForUpdate(ctx, tx, []models.ID{id})
	if err != nil {
		return models.Hold{}, err
	}
	if len(pending) == 0 {
		return models.Hold{}, ErrHoldNotPending
	}
	return pending[0], nil
}

// release gives held money back to accounts that are locked already.
func (s *Service) release(ctx context.Context, tx bun.IDB, holds []models.Hold, state models.HoldState) ([]models.Account, error) {
	back := make(map[models.ID]int64)
	ids := make([]models.ID, len(holds))
	touched := make([]models.ID, len(holds))
	for i, hold := range holds {
		ids[i], touched[i] = hold.ID, hold.AccountID
		back[hold.AccountID] += hold.AmountMinor
	}
	batch, err := s.lockBatch(ctx, tx, touched...)
	if err != nil {
		return nil, err
	}
	for account, minor := range back {
		place := batch.at[account]
		released := batch.accounts[place]
		released.HeldMinor -= minor
		batch.put(place, released)
	}
	if err := updateHolds(ctx, tx, ids, state, "", batch.now); err != nil {
		return nil, err
	}
	return batch.named(touched...), batch.Write(ctx, tx)
}
