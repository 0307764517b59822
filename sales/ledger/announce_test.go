package ledger_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

const (
	ann = "cus_01h455vb4pex5vsknk084sn02a"
	bea = "cus_01h455vb4pex5vsknk084sn02b"
)

// listener hears of changed balances, or fails to.
type listener struct {
	mu    sync.Mutex
	heard [][]models.OwnerChange
	deaf  error
}

func (l *listener) hear(_ context.Context, changes []models.OwnerChange) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deaf != nil {
		return l.deaf
	}
	changes = slices.Clone(changes)
	slices.SortFunc(changes, func(a, b models.OwnerChange) int { return cmp.Compare(a.ID, b.ID) })
	l.heard = append(l.heard, changes)
	return nil
}

// last is what was heard since the last call.
func (l *listener) last() [][]models.OwnerChange {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.heard = nil }()
	return l.heard
}

// announced counts the announcements that are not done with.
func (b *book) announced() int {
	b.t.Helper()
	n, err := b.DB.NewSelect().Model((*models.BalanceAnnouncement)(nil)).Count(context.Background())
	b.must(err)
	return int(n)
}

func customer(id string, revision int64) models.OwnerChange {
	return models.OwnerChange{Kind: models.OwnerCustomer, ID: id, Revision: revision}
}

func TestAChangeIsAnnouncedBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b, l := newBook(t, db), &listener{}
		b.Changed = l.hear
		world, anns, beas := b.account("world", models.CNY), b.account(ann, models.CNY), b.account(bea, models.CNY)
		bonus := b.open(ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: ann, Kind: models.AccountBonus, Asset: "USD", Floor: new(int64)}).ID
		other := b.account("world", models.USD)
		quota := b.open(ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: ann, Kind: models.AccountAllocatable, Asset: "CNY", Floor: new(int64)}).ID
		want := func(what string, want ...[]models.OwnerChange) {
			t.Helper()
			if diff := gocmp.Diff(want, l.last()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		_, err := b.move(other, bonus, 70)
		b.must(err)
		want("one owner", []models.OwnerChange{customer(ann, 1)})
		_, _, err = b.post(ledger.Posting{Legs: []ledger.Leg{{world, -30}, {anns, 10}, {beas, 20}}})
		b.must(err)
		want("two owners, and all accounts of one", []models.OwnerChange{customer(ann, 2), customer(bea, 1)})
		b.must(b.tx(func(ctx context.Context, tx bun.Tx) error {
			_, _, err := b.Place(ctx, tx, ledger.PlaceHold{AccountID: anns, AmountMinor: 5, ExpiresAt: b.now.Add(time.Hour)})
			return err
		}))
		want("a hold", []models.OwnerChange{customer(ann, 3)})
		_, err = b.move(world, quota, 1)
		b.must(err)
		want("what is no money")
		if _, err = b.move(anns, beas, 1000); err == nil {
			t.Fatal("moved what was not there")
		}
		want("a refusal")

		// The rows are the promise to tell, and go once it is kept.
		if n := b.announced(); n != 3 {
			t.Errorf("%d announcements, want 3", n)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		b.RunAnnouncements(ctx)
		if n := b.announced(); n != 0 {
			t.Errorf("%d announcements are left", n)
		}
		b.sound()
	})
}

func TestAnAnnouncementOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dead := newBook(t, db) // it tells nobody
		world, anns := dead.account("world", models.CNY), dead.account(ann, models.CNY)
		for range 3 {
			_, err := dead.move(world, anns, 1)
			dead.must(err)
		}
		l := &listener{}
		b := newBook(t, db)
		b.Changed = l.hear
		due := func() {
			t.Helper()
			for more := true; more; {
				var err error
				if more, err = b.AnnounceDue(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		due()
		if heard := l.last(); heard != nil || b.announced() != 3 {
			t.Errorf("%v, %d rows: it was not their time", heard, b.announced())
		}
		b.now = b.now.Add(2 * time.Second)
		l.deaf = errors.New("redis is away")
		if _, err := b.AnnounceDue(t.Context()); !errors.Is(err, l.deaf) || b.announced() != 3 {
			t.Fatalf("%v with %d rows", err, b.announced())
		}
		l.deaf = nil
		due()
		if heard := l.last(); heard != nil {
			t.Errorf("at once again: %v", heard)
		}
		b.now = b.now.Add(time.Second)
		due()
		if diff := gocmp.Diff([][]models.OwnerChange{{customer(ann, 3)}}, l.last()); diff != "" || b.announced() != 0 {
			t.Errorf("%d rows are left (-want +got):\n%s", b.announced(), diff)
		}
	})
}

func TestReplicasShareTheAnnouncements(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dead := newBook(t, db)
		world, anns := dead.account("world", models.CNY), dead.account(ann, models.CNY)
		for range 600 {
			_, err := dead.move(world, anns, 1)
			dead.must(err)
		}
		l := &listener{}
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() {
				b := newBook(t, db)
				b.Changed, b.now = l.hear, b.now.Add(time.Minute)
				for range 20 {
					if _, err := b.AnnounceDue(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		running.Wait()
		heard, highest := l.last(), int64(0)
		for _, changes := range heard {
			highest = max(highest, changes[0].Revision)
		}
		if n := dead.announced(); n != 0 || highest != 600 || len(heard) < 3 || len(heard) > 60 {
			t.Errorf("%d rows left, revision %d heard last of %d", n, highest, len(heard))
		}
	})
}

// TestAnAccountOpenedMeanwhileCounts: a transaction that waits for an owner's accounts does not see one that is opened while
// it waits, and yet must not announce a version that somebody else has used.
func TestAnAccountOpenedMeanwhileCounts(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	b, l := newBook(t, db), &listener{}
	b.Changed = l.hear
	world, anns := b.account("world", models.CNY), b.account(ann, models.CNY)
	_, err := b.move(world, anns, 10)
	b.must(err)
	var waiting sync.WaitGroup
	b.must(b.tx(func(ctx context.Context, tx bun.Tx) error {
		if _, err := b.Lock(ctx, tx, anns); err != nil {
			return err
		}
		waiting.Go(func() {
			if _, err := b.move(anns, world, 1); err != nil {
				t.Error(err)
			}
		})
		for waits := false; !waits; time.Sleep(time.Millisecond) {
			err := db.NewRaw("SELECT EXISTS (SELECT 1 FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE NOT l.granted AND a.datname = current_database())").Scan(ctx, &waits)
			if err != nil {
				return err
			}
		}
		bonus, err := b.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: ann, Kind: models.AccountBonus, Asset: "CNY", Floor: new(int64)})
		if err != nil {
			return err
		}
		_, _, err = b.Post(ctx, tx, payer, ledger.Posting{Kind: models.TransferAdjust, Legs: []ledger.Leg{{anns, -1}, {bonus.ID, 1}}})
		return err
	}))
	waiting.Wait()
	// The first recharge, the two accounts of the second change, and the one that waited for it.
	want := [][]models.OwnerChange{{customer(ann, 1)}, {customer(ann, 3)}, {customer(ann, 4)}}
	if diff := gocmp.Diff(want, l.last()); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	b.sound()
}
