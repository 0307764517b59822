package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func (b *book) place(account models.ID, amount int64) (hold models.Hold, err error) {
	err = b.tx(func(ctx context.Context, tx bun.Tx) error {
		hold, _, err = b.Place(ctx, tx, ledger.PlaceHold{AccountID: account, AmountMinor: amount, ExpiresAt: b.now.Add(time.Hour)})
		return err
	})
	return hold, err
}

func (b *book) void(id models.ID) error {
	return b.tx(func(ctx context.Context, tx bun.Tx) error { _, err := b.Void(ctx, tx, id); return err })
}

func (b *book) postHold(id, from, to models.ID, amount int64) error {
	return b.tx(func(ctx context.Context, tx bun.Tx) error {
		_, _, err := b.PostHold(ctx, tx, payer, id, ledger.Posting{Kind: models.TransferPayment, Legs: []ledger.Leg{{from, -amount}, {to, amount}}})
		return err
	})
}

func (b *book) expire() (n int, err error) {
	err = b.tx(func(ctx context.Context, tx bun.Tx) error {
		ended, _, err := b.Expire(ctx, tx, 10)
		n = len(ended)
		return err
	})
	return n, err
}

func TestHoldsEndOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice, bob := b.account("world", models.CNY), b.account("alice", models.CNY), b.account("bob", models.CNY)
		_, err := b.move(world, alice, 100)
		b.must(err)
		held := func(wantHeld, wantAvailable int64) {
			t.Helper()
			a := b.row(alice)
			if diff := cmp.Diff([]int64{wantHeld, wantAvailable}, []int64{a.HeldMinor, a.AvailableMinor()}); diff != "" {
				t.Errorf("held and available (-want +got):\n%s", diff)
			}
			b.sound()
		}

		paid, err := b.place(alice, 70)
		b.must(err)
		held(70, 30)
		if _, err := b.place(alice, 31); !errors.Is(err, ledger.ErrInsufficientBalance) {
			t.Errorf("holding more than is available: %v", err)
		}
		if _, err := b.move(alice, bob, 31); !errors.Is(err, ledger.ErrInsufficientBalance) {
			t.Errorf("spending held money: %v", err)
		}
		for name, err := range map[string]error{
			"more than was held":      b.postHold(paid.ID, alice, bob, 71),
			"another account's debit": b.postHold(paid.ID, world, bob, 1),
			"the other direction":     b.postHold(paid.ID, bob, alice, 1),
		} {
			if models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: got %v, want INVALID", name, err)
			}
		}
		b.must(b.postHold(paid.ID, alice, bob, 60))
		held(0, 40) // the 10 that were not needed are free

		voided, err := b.place(alice, 40)
		b.must(err)
		held(40, 0)
		b.must(b.void(voided.ID))
		held(0, 40)

		for _, minor := range []int64{5, 6, 7} {
			_, err := b.place(alice, minor)
			b.must(err)
		}
		held(18, 22)
		if n, err := b.expire(); n != 0 || err != nil {
			t.Errorf("expired %d before their time, %v", n, err)
		}
		late, err := b.place(bob, 60)
		b.must(err)
		b.now = b.now.Add(time.Hour)
		if err := b.postHold(late.ID, bob, alice, 1); !errors.Is(err, ledger.ErrHoldNotPending) {
			t.Errorf("posting after its time: %v", err)
		}
		if n, err := b.expire(); n != 4 || err != nil {
			t.Errorf("expired %d, %v; want 4", n, err)
		}
		held(0, 40)

		for _, id := range []models.ID{paid.ID, voided.ID, late.ID} {
			if err := b.void(id); !errors.Is(err, ledger.ErrHoldNotPending) {
				t.Errorf("voiding what has ended: %v", err)
			}
			if err := b.postHold(id, alice, bob, 1); !errors.Is(err, ledger.ErrHoldNotPending) {
				t.Errorf("posting what has ended: %v", err)
			}
		}
		if err := b.void("hld_none"); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("voiding nothing: %v", err)
		}
		var posted models.Hold
		b.must(db.NewSelect().Model(&posted).Where("h.id = ?", paid.ID).Scan(context.Background()))
		if posted.State != models.HoldPosted || posted.TransferID == "" {
			t.Errorf("the posted hold is %+v", posted)
		}
	})
}

func TestPlaceRefusesIllFormedHolds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		alice := b.account("alice", models.CNY)
		for name, tt := range map[string]struct {
			place ledger.PlaceHold
			code  models.Code
		}{
			"nothing":            {ledger.PlaceHold{AccountID: alice, ExpiresAt: b.now.Add(time.Hour)}, models.CodeInvalid},
			"less than nothing":  {ledger.PlaceHold{AccountID: alice, AmountMinor: -1, ExpiresAt: b.now.Add(time.Hour)}, models.CodeInvalid},
			"over before it was": {ledger.PlaceHold{AccountID: alice, AmountMinor: 1, ExpiresAt: b.now}, models.CodeInvalid},
			"unknown account":    {ledger.PlaceHold{AccountID: "acc_none", AmountMinor: 1, ExpiresAt: b.now.Add(time.Hour)}, models.CodeNotFound},
		} {
			err := b.tx(func(ctx context.Context, tx bun.Tx) error { _, _, err := b.Place(ctx, tx, tt.place); return err })
			if models.CodeOf(err) != tt.code {
				t.Errorf("%s: got %v, want %s", name, err, tt.code)
			}
		}
	})
}

func TestAHoldIsPostedOrVoidedNotBoth(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBook(t, db)
		world, alice := b.account("world", models.CNY), b.account("alice", models.CNY)
		_, err := b.move(world, alice, 50)
		b.must(err)
		hold, err := b.place(alice, 50)
		b.must(err)
		errs := inParallel(20, func(i int) error {
			if i%2 == 0 {
				return b.void(hold.ID)
			}
			return b.postHold(hold.ID, alice, world, 50)
		})
		if count(errs, nil) != 1 || count(errs, ledger.ErrHoldNotPending) != 19 {
			t.Errorf("of 20 endings: %v", errs)
		}
		b.sound()
	})
}
