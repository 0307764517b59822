package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// The times of announcements.
const (
	announceWithin = 2 * time.Second        // what is not deleted by then is announced again, by any replica
	announceLease  = 5 * time.Second        // how long claimed announcements are out of other replicas' reach
	announceRetry  = time.Second            // until the next attempt when nobody could be told
	deleteEvery    = 200 * time.Millisecond // how often made announcements are deleted
	deleteAt       = 256                    // as soon as there are so many, at the latest
	claimAtOnce    = 256
	maxTold        = 16_384 // what is beyond is deleted when it comes due
)

// announce adds to the script of a transaction that the balances of the owners of the changed accounts changed, and has the
// cache and those who watch told once it is committed. The row outlives a process that ends before it could tell them. The accounts are
// all of these owners', not yet written, as the row's own check makes sure.
func (b *Batch) announce(script *store.Script, tx bun.IDB, changed []models.Account, conditions []Condition) {
	s := b.ledger
	changes := changesOf(changed, b.accounts)
	if len(changes) == 0 {
		return
	}
	row := models.BalanceAnnouncement{ID: s.IDs(models.PrefixAnnouncement), Owners: changes, CreatedAt: s.now()}
	row.DueAt = row.CreatedAt.Add(announceWithin)
	addAnnouncement(script, tx, row, b.revisionsOf(changes), conditions)
	script.OnCommit(func(ctx context.Context) {
		// What fails here is done by RunAnnouncements: the money has moved, and its mover need not wait.
		if s.Changed != nil && s.Changed(ctx, changes) == nil {
			s.told.add(row.ID)
		}
	})
}

// revisionsOf adds up the revisions that the money accounts of these owners had when the batch began.
func (b *Batch) revisionsOf(changes []models.OwnerChange) (total int64) {
	for _, change := range changes {
		for _, place := range b.of[owner{change.Kind, change.ID}] {
			if isMoney(b.accounts[place]) {
				total += b.revisions[place]
			}
		}
	}
	return total
}

// changesOf returns the partners and customers whose money is among the changed accounts, each once and with its revision.
func changesOf(changed, locked []models.Account) []models.OwnerChange {
	revisions := make(map[string]int64, len(changed))
	for _, account := range changed {
		if isMoney(account) {
			revisions[account.OwnerID] = 0
		}
	}
	changes := make([]models.OwnerChange, 0, len(revisions))
	at := make(map[models.OwnerChange]int, len(revisions))
	for _, account := range locked {
		if _, ours := revisions[account.OwnerID]; !ours || !isMoney(account) {
			continue
		}
		owner := models.OwnerChange{Kind: account.OwnerKind, ID: account.OwnerID}
		place, known := at[owner]
		if !known {
			place = len(changes)
			at[owner], changes = place, append(changes, owner)
		}
		changes[place].Revision += account.Revision
	}
	return changes
}

// isMoney reports whether the account is part of the balance of a partner or customer.
func isMoney(account models.Account) bool {
	return account.OwnerKind != models.OwnerCloud && slices.Contains(models.MoneyKinds(), account.Kind)
}

// RunAnnouncements deletes the announcements that were made and makes those that were not, until ctx ends. Each replica runs
// it once.
func (s *Service) RunAnnouncements(ctx context.Context) {
	if s.Changed == nil {
		return
	}
	remove, repair := time.NewTicker(deleteEvery), time.NewTicker(announceRetry)
	defer remove.Stop()
	defer repair.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			s.deleteLast(ctx)
			return
		case <-remove.C:
			err = s.deleteTold(ctx)
		case <-s.told.full():
			err = s.deleteTold(ctx)
		case <-repair.C:
			for more := true; more && err == nil && ctx.Err() == nil; {
				more, err = s.AnnounceDue(ctx)
			}
		}
		s.complain(ctx, err)
	}
}

// deleteLast spares the other replicas to announce what has been announced.
func (s *Service) deleteLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceLease)
	defer cancel()
	s.complain(ctx, s.deleteTold(ctx))
}

func (s *Service) complain(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	logger := s.Logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.LogAttrs(ctx, slog.LevelWarn, "changed balances not announced", slog.Any("error", err))
}

// AnnounceDue makes one batch of the announcements whose time has come: those of processes that ended, and those that could
// not be made. It reports whether more may be due.
func (s *Service) AnnounceDue(ctx context.Context) (more bool, err error) {
	now := s.now()
	// It looks before it begins: an idle relay must not make writers wait.
	due, err := existsDueAnnouncement(ctx, s.DB, now)
	if err != nil || !due {
		return false, store.Translate(err)
	}
	var rows []models.BalanceAnnouncement
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		rows, err = claimAnnouncements(ctx, tx, now, now.Add(announceLease), claimAtOnce)
		return err
	})
	if err != nil || len(rows) == 0 {
		return false, err
	}
	ids, changes := merged(rows)
	failure := s.Changed(ctx, changes)
	// What has been done must be noted even when the caller is gone.
	noting := context.WithoutCancel(ctx)
	err = s.DB.InTx(noting, func(ctx context.Context, tx bun.Tx) error {
		if failure != nil {
			return updateAnnouncementsDue(ctx, tx, ids, now.Add(announceRetry))
		}
		return deleteAnnouncements(ctx, tx, ids)
	})
	if failure != nil {
		return false, fmt.Errorf("%d announcements, %d attempts so far: %w", len(rows), rows[0].Attempts, failure)
	}
	return len(rows) == claimAtOnce, err
}

// deleteTold deletes by exact ids: announcements are not committed in the order of anything.
func (s *Service) deleteTold(ctx context.Context) error {
	for chunk := range slices.Chunk(s.told.take(), 1024) {
		err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return deleteAnnouncements(ctx, tx, chunk) })
		if err != nil {
			s.told.add(chunk...)
			return err
		}
	}
	return nil
}

// merged names every owner of the rows once, with its highest revision.
func merged(rows []models.BalanceAnnouncement) (ids []models.ID, changes []models.OwnerChange) {
	highest := map[models.OwnerChange]int64{}
	for _, row := range rows {
		ids = append(ids, row.ID)
		for _, change := range row.Owners {
			owner := models.OwnerChange{Kind: change.Kind, ID: change.ID}
			highest[owner] = max(highest[owner], change.Revision)
		}
	}
	for owner, revision := range highest {
		owner.Revision = revision
		changes = append(changes, owner)
	}
	return ids, changes
}

// told gathers the ids of announcements that were made. The zero value is ready.
type told struct {
	mu   sync.Mutex
	ids  []models.ID
	wake chan struct{}
}

// add remembers ids, and wakes RunAnnouncements when there are many.
func (t *told) add(ids ...models.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ids) < maxTold {
		t.ids = append(t.ids, ids...)
	}
	if len(t.ids) < deleteAt {
		return
	}
	select {
	case t.signal() <- struct{}{}:
	default: // it is awake
	}
}

func (t *told) take() []models.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := t.ids
	t.ids = nil
	return ids
}

func (t *told) full() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.signal()
}

func (t *told) signal() chan struct{} {
	if t.wake == nil {
		t.wake = make(chan struct{}, 1)
	}
	return t.wake
}
