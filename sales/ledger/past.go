package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Moment is one in the life of an account.
type Moment struct {
	AccountID models.ID
	At        time.Time // as fine as the databases keep: the rest of a microsecond is cut off
	Of        Place     // an entry whose moment it is, of this or another account; zero = At
	Inclusive bool      // whether entries of that very microsecond count as those before it do
}

// Place is where an entry stands.
type Place struct {
	AccountID models.ID
	Version   int64
}

// VersionsAt returns for each of the moments the version of its account's last entry before it, or at it where the moment is inclusive: what
// is of that version or less had happened, the rest had not. It is 0 before the first entry, and of an account that does not exist. It takes one statement however
// many moments there are, none for none.
//
// An account's versions are gapless and its times never fall as they grow (I3), so that a version is found by bisection: of a million entries 20 are looked at.
func (s *Service) VersionsAt(ctx context.Context, db bun.IDB, moments []Moment) ([]int64, error) {
	versions := make([]int64, len(moments))
	if len(moments) == 0 {
		return versions, nil
	}
	rows, err := selectVersions(ctx, db, moments)
	for _, row := range rows {
		versions[row.Number] = row.Version
	}
	return versions, store.Translate(err)
}

// BalancesAt returns the balances of the accounts in minor units as they were at an instant, entries of that very
// microsecond included, with one statement however many accounts there are. Accounts without an entry by then are absent.
func (s *Service) BalancesAt(ctx context.Context, db bun.IDB, accounts []models.ID, at time.Time) (map[models.ID]int64, error) {
	balances := make(map[models.ID]int64, len(accounts))
	if len(accounts) == 0 {
		return balances, nil
	}
	rows, err := selectBalances(ctx, db, accounts, at)
	for _, row := range rows {
		balances[row.AccountID] = row.BalanceMinor
	}
	return balances, store.Translate(err)
}

// BalanceAt returns an account's balance in minor units as it was at an instant, entries of that very microsecond
// included: 0 before its first entry, and for an account that does not exist.
func (s *Service) BalanceAt(ctx context.Context, db bun.IDB, account models.ID, at time.Time) (int64, error) {
	balances, err := s.BalancesAt(ctx, db, []models.ID{account}, at)
	return balances[account], err
}
