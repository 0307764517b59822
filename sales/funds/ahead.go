package funds

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// errStale says that a group was worked out on what has not come true.
var errStale = errors.New("funds: a group went ahead on what has changed")

// carryInTurn carries a group out ahead, and where that fails for whatever reason as carry does, once the group before has ended.
func (s *Service) carryInTurn(ctx context.Context, moves []asked, turn *store.Turn) (outcomes []store.Outcome[Moved], follow func()) {
	if !turn.Alone() {
		g := &group{Service: s, tx: s.DB, moves: moves, outcomes: make([]store.Outcome[Moved], len(moves)), ahead: true}
		if follow, err := g.goAhead(ctx, turn); err == nil {
			turn.Keep()
			return g.outcomes, follow
		}
	}
	turn.Wait()
	return s.carry(ctx, moves)
}

// newest returns the accounts that were read in the order of their ids, as the batch of the group before leaves them, if there is one, where that is newer.
func newest(read []models.Account, before *ledger.Batch) []models.Account {
	if before != nil {
		for i, account := range read {
			if left, known := before.Account(account.ID); known && left.Revision > account.Revision {
				read[i] = left
			}
		}
	}
	slices.SortFunc(read, func(a, b models.Account) int { return cmp.Compare(a.ID, b.ID) })
	return read
}

// goAhead works the moves out on accounts that it has not locked, as the group before will leave them where that is under way, and on ends as they were
// read. When the moves are written the accounts are locked, and then both must still be what they were taken for: whoever ends an edge changes its row and
// then locks the accounts of its lower end. Meanwhile the next group begins, so that its callers wait for no round trip but that of the writing.
//
// What is refused is only sure, and its key only found, once the group before has ended.
func (g *group) goAhead(ctx context.Context, turn *store.Turn) (follow func(), err error) {
	g.before, _ = turn.Before().(*ledger.Batch)
	g.answered = make(map[[2]string]models.IdempotencyKey)
	if err := g.lock(ctx); err != nil {
		return nil, err
	}
	g.workOut(func(int) bool { return true })
	if len(g.missing) > 0 || g.isAsked() {
		return nil, errStale
	}
	wait := func() error {
		if !turn.Wait() {
			return errStale
		}
		return nil
	}
	if g.refuses() {
		if err := wait(); err != nil {
			return nil, err
		}
		if err := g.lookAgain(ctx); err != nil {
			return nil, err
		}
	}
	turn.HandOver(g.batch) // which from now on is only read
	if len(g.keys) == 0 {
		return func() {}, wait()
	}
	return g.DB.InStages(ctx, store.Stages{
		First: g.addFirst, Wait: wait, Ready: turn.Ready,
		Last: func(script *store.Script) {
			g.batch.AddLock(script, g.tx)
			g.addLast(script, g.unchanged()...)
		},
	})
}

// unchanged are the conditions that the ends are what they were read as, of every move that is made.
func (g *group) unchanged() []ledger.Condition {
	used := make(map[models.ID]bool, 2*len(g.moves))
	for i, a := range g.moves {
		if !g.refused(i) {
			used[a.partner], used[a.targetID] = true, true
		}
	}
	return endsUnchanged(slices.SortedFunc(maps.Keys(used), cmp.Compare[models.ID]), g.ends)
}
