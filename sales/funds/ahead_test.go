package funds_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// meanwhile has fn run once, when the next move has been worked out and not yet written.
func (s *shop) meanwhile(fn func()) {
	ids := s.Ledger.IDs
	var happened atomic.Bool
	s.Ledger.IDs = func(prefix string) models.ID {
		if prefix == models.PrefixTransfer && happened.CompareAndSwap(false, true) {
			fn()
		}
		return ids(prefix)
	}
}

func (s *shop) do(what string, args ...any) {
	s.t.Helper()
	if _, err := s.DB.ExecContext(context.Background(), what, args...); err != nil {
		s.t.Fatal(err)
	}
}

// TestMovesGoAheadOfWhatHappensMeanwhile: what a move was worked out on changes before it is written. It must come out as if it had begun afterwards (C01,
// C02, M03).
func TestMovesGoAheadOfWhatHappensMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(s *shop, other *funds.Service)
		refused string
		left    int64 // to the distributor, who had 100.00
	}{
		"nothing": {happens: func(*shop, *funds.Service) {}, left: 9_000},
		"frozen": {happens: func(s *shop, _ *funds.Service) {
			s.do("UPDATE customers SET frozen = 'ACCOUNT' WHERE id = ?", s.resale)
		}, refused: "CUSTOMER_FROZEN", left: 10_000},
		"left": {happens: func(s *shop, _ *funds.Service) {
			s.do("UPDATE customers SET partner_id = NULL, mode = NULL WHERE id = ?", s.resale)
		}, refused: "NOT_FOUND", left: 10_000},
		"advisory":      {happens: func(s *shop, _ *funds.Service) { s.do("UPDATE customers SET mode = 'ADVISORY' WHERE id = ?", s.resale) }, refused: "ADVISORY_CUSTOMER", left: 10_000},
		"spent":         {happens: func(s *shop, _ *funds.Service) { s.loses(9_500) }, refused: "INSUFFICIENT_BALANCE", left: 500},
		"spent in part": {happens: func(s *shop, _ *funds.Service) { s.loses(500) }, left: 8_500},
		"other account": {happens: func(s *shop, _ *funds.Service) {
			s.give(models.OwnerCustomer, s.resale, models.AccountBonus, "CNY", 1, 0)
		}, left: 9_000},
		"same key": {happens: func(s *shop, other *funds.Service) {
			_, err := other.FundCustomer(context.Background(), s.as(s.distributor), s.ten("key"))
			s.want(err, "")
		}, left: 9_000},
		"key of another": {happens: func(s *shop, other *funds.Service) {
			_, err := other.FundCustomer(context.Background(), s.as(s.distributor), funds.CustomerMove{CustomerID: s.resale, Amount: amount("1"), IdempotencyKey: "key"})
			s.want(err, "")
		}, refused: "CONFLICT", left: 9_900},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, storetest.Postgres(t))
			s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
			s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1, 0)
			other := &funds.Service{DB: s.DB, Now: s.Now, IDs: s.IDs, Ledger: &ledger.Service{DB: s.DB, Now: s.Now, IDs: s.IDs}, Events: s.Events}
			var before map[string]int64
			s.meanwhile(func() {
				c.happens(s, other)
				before = s.everything()
			})
			done, err := s.FundCustomer(context.Background(), s.as(s.distributor), s.ten("key"))
			s.want(err, c.refused)
			if before == nil {
				t.Fatal("nothing happened meanwhile")
			}
			if left := s.cash(s.distributor); left != c.left {
				t.Errorf("%d are left, want %d", left, c.left)
			}
			if c.refused != "" || name == "same key" {
				if diff := cmp.Diff(before, s.everything()); diff != "" {
					t.Errorf("something changed (-before +after):\n%s", diff)
				}
			}
			if err == nil {
				again, err := s.FundCustomer(context.Background(), s.as(s.distributor), s.ten("key"))
				s.want(err, "")
				if diff := cmp.Diff(done, again); diff != "" {
					t.Errorf("asked again (-first +second):\n%s", diff)
				}
				balances, err := s.CustomerBalances(context.Background(), s.as(s.distributor), []models.ID{s.resale})
				s.want(err, "")
				if diff := cmp.Diff(balances[s.resale].Total, done.TargetBalance.Total); diff != "" || balances[s.resale].Version != done.TargetBalance.Version {
					t.Errorf("the answer's balance is of version %d, the customer's of %d:\n%s", done.TargetBalance.Version, balances[s.resale].Version, diff)
				}
			}
			s.sound()
		})
	}
}

// ten is a move of 10.00 to the customer.
func (s *shop) ten(key string) funds.CustomerMove {
	return funds.CustomerMove{CustomerID: s.resale, Amount: amount("10"), IdempotencyKey: key}
}

// loses takes money of the distributor out.
func (s *shop) loses(minor int64) {
	s.t.Helper()
	s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", -minor, 0)
}

// TestAGroupGoesAheadOfTheOneBefore: somebody holds the distributor's account, so that a group waits for it with its writing, and the next one is worked
// out on what the first will leave. Whether the first comes true or not, everybody is served in turn.
func TestAGroupGoesAheadOfTheOneBefore(t *testing.T) {
	t.Parallel()
	const callers = 80
	for name, spent := range map[string]int64{"it comes true": 0, "it does not": 9_959} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, storetest.Postgres(t))
			if s.DB.AheadLanes() == 0 {
				t.Fatal("this database's groups do not go ahead")
			}
			s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
			s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1, 0)
			worked := make(chan models.ID, 10*callers)
			ids := s.Ledger.IDs
			s.Ledger.IDs = func(prefix string) models.ID {
				if prefix == models.PrefixTransfer {
					worked <- ""
				}
				return ids(prefix)
			}
			holding, release, released := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			go func() {
				released <- s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
					locked, err := s.Ledger.LockOwners(ctx, tx, s.distributor)
					close(holding)
					<-release
					if err != nil || spent == 0 {
						return err
					}
					world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountWorld, Asset: "CNY"})
					if err != nil {
						return err
					}
					_, _, err = s.Ledger.Post(ctx, tx, models.Principal{}, ledger.Posting{Kind: models.TransferAdjust, Legs: []ledger.Leg{
						{AccountID: locked[0].ID, AmountMinor: -spent}, {AccountID: world.ID, AmountMinor: spent},
					}})
					return err
				})
			}()
			<-holding
			fund := func(i int) string {
				_, err := s.FundCustomer(context.Background(), s.as(s.distributor), funds.CustomerMove{CustomerID: s.resale, Amount: amount("0.01"), IdempotencyKey: fmt.Sprint(i)})
				return refusal(err)
			}
			first := make(chan string, 1)
			go func() { first <- fund(0) }()
			<-worked // the first group, which now waits for the account
			answers := make(chan []string, 1)
			go func() { answers <- atOnce(callers, func(i int) string { return fund(i + 1) }) }()
			for range 64 {
				select {
				case <-worked:
				case <-time.After(20 * time.Second):
					t.Fatal("nobody goes ahead")
				}
			}
			if got := s.cash(s.distributor); got != 10_000 {
				t.Errorf("%d before the first group could write", got)
			}
			close(release)
			s.want(<-released, "")
			if got := <-first; got != "" {
				t.Errorf("the first: %s", got)
			}
			all := strings.Join(<-answers, ";")
			if spent == 0 && all != strings.Repeat(";", callers-1) {
				t.Errorf("the others: %s", all)
			}
			if refusals := strings.Count(all, "INSUFFICIENT_BALANCE"); spent > 0 && refusals != callers-40 {
				t.Errorf("%d of the others are refused: %s", refusals, all)
			}
			if left := s.cash(s.distributor); left != 10_000-spent-1-callers+int64(strings.Count(all, "INSUFFICIENT")) {
				t.Errorf("%d are left", left)
			}
			s.sound()
		})
	}
}
