package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Batch is postings that are worked out in memory, one after the other, on accounts that the transaction has locked, and
// then written together. A posting that is refused leaves the batch as it was, so one that fails does not take the others
// along. It is for one goroutine.
type Batch struct {
	ledger    *Service
	accounts  []models.Account  // in the order of their ids
	revisions []int64           // those that the accounts had
	at        map[models.ID]int // where an account is in accounts
	of        map[owner][]int   // where an owner's are
	changed   map[int]bool
	transfers []models.Transfer
	entries   []models.Entry
	now       time.Time
}

type owner struct {
	kind models.OwnerKind
	id   string
}

// NewBatch begins a batch on accounts as LockOwners returned them: all of an owner's, or its version would be wrong.
func (s *Service) NewBatch(locked []models.Account) *Batch {
	b := &Batch{
		ledger: s, accounts: locked, at: make(map[models.ID]int, len(locked)), of: make(map[owner][]int, len(locked)),
		revisions: make([]int64, len(locked)), changed: make(map[int]bool), now: s.timeAfter(locked),
	}
	for i, account := range locked {
		b.revisions[i] = account.Revision
		b.at[account.ID] = i
		whose := owner{account.OwnerKind, account.OwnerID}
		b.of[whose] = append(b.of[whose], i)
	}
	return b
}

// AccountsOf returns the accounts of an owner as the postings leave them, in the order of their ids.
func (b *Batch) AccountsOf(kind models.OwnerKind, id models.ID) []models.Account {
	places := b.of[owner{kind, string(id)}]
	accounts := make([]models.Account, len(places))
	for i, place := range places {
		accounts[i] = b.accounts[place]
	}
	return accounts
}

// AccountOf finds an account by owner, kind and asset; false when it was not among the locked ones.
func (b *Batch) AccountOf(spec AccountSpec) (models.Account, bool) {
	for _, place := range b.of[owner{spec.OwnerKind, spec.OwnerID}] {
		if a := b.accounts[place]; a.Kind == spec.Kind && a.Asset == spec.Asset {
			return a, true
		}
	}
	return models.Account{}, false
}

// Account returns an account as the batch leaves it; false when it is not one of the batch's.
func (b *Batch) Account(id models.ID) (models.Account, bool) {
	place, found := b.at[id]
	if !found {
		return models.Account{}, false
	}
	return b.accounts[place], true
}

// Post works a posting out and returns its transfer. Ill-formed legs are INVALID, an account that the batch does not have
// NOT_FOUND, and a debit beyond what is available INSUFFICIENT_BALANCE with available, required and currency as details.
func (b *Batch) Post(who models.Principal, p Posting) (models.Transfer, error) {
	return b.post(who, p, nil)
}

// post is Post where a hold, when given, pays for part of it: the hold's money is free for its own account's debit.
func (b *Batch) post(who models.Principal, p Posting, hold *models.Hold) (models.Transfer, error) {
	if err := p.check(); err != nil {
		return models.Transfer{}, err
	}
	// Most postings have two legs, for which nothing need be allocated.
	var (
		roomLegs   [2]Leg
		roomPlaces [2]int
		roomAfter  [2]models.Account
	)
	legs, places, after := append(roomLegs[:0], p.Legs...), roomPlaces[:0], roomAfter[:0]
	slices.SortFunc(legs, func(x, y Leg) int { return cmp.Compare(x.AccountID, y.AccountID) })
	for _, leg := range legs {
		place, found := b.at[leg.AccountID]
		if !found {
			return models.Transfer{}, ErrAccountUnknown
		}
		places, after = append(places, place), append(after, b.accounts[place])
	}
	if err := checkSums(legs, after); err != nil {
		return models.Transfer{}, err
	}
	transfer := models.Transfer{
		ID: b.ledger.IDs(models.PrefixTransfer), Kind: p.Kind, OrderID: p.OrderID, SubjectID: p.SubjectID, ReversesID: p.ReversesID,
		ActorID: who.ActorID(), RequestID: who.RequestID, Reason: p.Reason, CreatedAt: b.now,
	}
	if b.transfers == nil { // in a group nearly every account is that of one transfer's other side
		b.transfers, b.entries = make([]models.Transfer, 0, len(b.accounts)), make([]models.Entry, 0, 2*len(b.accounts))
	}
	entries := b.entries // to which those of this transfer are not yet added
	for i, leg := range legs {
		if hold != nil && hold.AccountID == leg.AccountID {
			after[i].HeldMinor -= hold.AmountMinor
		}
		entry, err := b.ledger.apply(&after[i], leg.AmountMinor, transfer)
		if err != nil {
			return models.Transfer{}, err
		}
		entries = append(entries, entry)
	}
	// Nothing can fail any more.
	for i, place := range places {
		b.put(place, after[i])
	}
	b.transfers = append(b.transfers, transfer)
	b.entries = entries
	return transfer, nil
}

// put changes an account of the batch and counts its revision on.
func (b *Batch) put(place int, account models.Account) {
	account.UpdatedAt = b.now
	account.Revision++
	b.accounts[place] = account
	b.changed[place] = true
}

// named returns the accounts with the ids, in the order of the ids.
func (b *Batch) named(ids ...models.ID) []models.Account {
	accounts := make([]models.Account, 0, len(ids))
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if place, found := b.at[id]; found {
			accounts = append(accounts, b.accounts[place])
		}
	}
	return accounts
}

// AddTo appends what the batch has to write to a script: transfers, that balances changed, accounts and entries, each with one statement.
func (b *Batch) AddTo(script *store.Script, tx bun.IDB) {
	b.AddTransfers(script)
	b.AddBalances(script, tx)
}

// AddTransfers appends the part of AddTo that nobody else has to do with.
func (b *Batch) AddTransfers(script *store.Script) {
	if len(b.transfers) > 0 {
		script.Insert(&b.transfers)
	}
}

// AddBalances appends the rest of AddTo. The transaction collides unless the accounts are what the batch began with, as those that are locked are, and the
// conditions hold.
func (b *Batch) AddBalances(script *store.Script, tx bun.IDB, conditions ...Condition) {
	touched := b.touched()
	if len(touched) > 0 {
		b.announce(script, tx, touched, conditions)
		script.Update(&touched, "balance_minor", "held_minor", "version", "revision", "updated_at")
	}
	if len(b.entries) > 0 {
		script.Insert(&b.entries)
	}
}

// AddLock appends the locking of the accounts that the batch changes, in the order of their ids: for a batch that began without.
func (b *Batch) AddLock(script *store.Script, tx bun.IDB) {
	touched := b.touched()
	ids := make([]string, len(touched))
	for i, account := range touched {
		ids[i] = string(account.ID)
	}
	addLockOnly(script, tx, ids)
}

func (b *Batch) touched() []models.Account {
	touched := make([]models.Account, 0, len(b.changed))
	for place, account := range b.accounts {
		if b.changed[place] {
			touched = append(touched, account)
		}
	}
	return touched
}

// Write writes the batch in one round trip.
func (b *Batch) Write(ctx context.Context, tx bun.IDB) error {
	script := store.NewScript(tx)
	b.AddTo(script, tx)
	return script.Exec(ctx)
}
