package resources_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// wire is a bus within one process.
type wire struct {
	mu     sync.Mutex
	ears   []chan []byte
	joined chan struct{}
}

func (w *wire) Publish(_ context.Context, _ string, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ear := range w.ears {
		ear <- payload
	}
	return nil
}

func (w *wire) Subscribe(context.Context, string) (<-chan []byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ear := make(chan []byte, 100)
	w.ears = append(w.ears, ear)
	close(w.joined)
	return ear, nil
}

// Whatever becomes of a resource, those who watch it or what follows it hear of it, and so do webhooks.
func TestEveryChangeOfAResourceIsTold(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLife(t, db)
		bus := &wire{joined: make(chan struct{})}
		l.Bus, l.LookEvery = bus, time.Hour // nothing is seen by looking
		go l.RunWatches(t.Context())
		<-bus.joined
		still := func(context.Context) (models.Principal, error) { return l.user, nil }
		var heard []<-chan models.Resource
		for _, id := range []models.ID{l.main, l.subs[1]} {
			watching, err := l.Watch(l.ctx, l.user, id, still)
			if err != nil {
				t.Fatal(err)
			}
			<-watching.Values()
			heard = append(heard, watching.Values())
		}
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		in := func(do func(ctx context.Context, tx bun.Tx) error) error { return db.InTx(l.ctx, do) }
		wait := func(d time.Duration) error { l.diary.now = l.diary.now.Add(d); return l.runDue() }
		for _, step := range []struct {
			what models.EventType
			do   func() error
		}{
			{models.EventResourcePolicySet, func() error {
				_, err := l.SetAutoRenewal(l.ctx, l.user, resources.SetAutoRenewal{ResourceID: l.main, Times: 1})
				return err
			}},
			{models.EventResourcePolicySet, func() error {
				_, err := l.CancelAutoRenewal(l.ctx, l.user, resources.CancelAutoRenewal{ResourceID: l.main})
				return err
			}},
			{models.EventResourceFrozen, func() error {
				_, err := l.Freeze(l.ctx, operator, resources.FreezeResource{ResourceID: l.main, Reason: "abuse"})
				return err
			}},
			{models.EventResourceUnfrozen, func() error {
				_, err := l.Unfreeze(l.ctx, operator, resources.UnfreezeResource{ResourceID: l.main})
				return err
			}},
			{models.EventResourcesFrozen, func() error {
				return in(func(ctx context.Context, tx bun.Tx) error { return l.FreezeIn(ctx, tx, operator, l.ofProvider) })
			}},
			{models.EventResourcesThawed, func() error {
				return in(func(ctx context.Context, tx bun.Tx) error { return l.ThawIn(ctx, tx, operator, l.ofProvider) })
			}},
			{models.EventResourceRenewed, func() error {
				return in(func(ctx context.Context, tx bun.Tx) error {
					_, err := l.ExtendIn(ctx, tx, operator, resources.Extension{ResourceID: l.main, ExpiresAt: l.diary.now.Add(40 * day)})
					return err
				})
			}},
			{models.EventResourceExpired, func() error { return wait(40 * day) }},
			{models.EventResourceFrozen, func() error { return wait(15 * day) }},
			{models.EventResourceClosed, func() error { return wait(15 * day) }},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.what, err)
			}
			for i, values := range heard {
				select {
				case <-values:
				case <-time.After(20 * time.Second):
					t.Fatalf("watch %d hears nothing of %s", i, step.what)
				}
			}
			var told []models.EventType
			err := db.NewSelect().Table("events").Column("type").Where("subject_id IN (?, ?)", l.main, l.ofProvider.ID).Order("id DESC").Limit(1).Scan(l.ctx, &told)
			if err != nil || len(told) != 1 || told[0] != step.what || !models.IsWebhookEvent(step.what) {
				t.Errorf("%s: recorded %v, %v", step.what, told, err)
			}
		}
		if !models.IsWebhookEvent(models.EventResourceCreated) {
			t.Error("nobody is told of new resources")
		}
	})
}

func TestAWatchOfAResourceEndsWithTheRight(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLife(t, db)
		l.LookEvery = 20 * time.Millisecond
		partner := models.Principal{
			Kind: models.PartnerKey, PartnerID: l.provider.ID, PartnerKind: l.provider.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, l.provider.Kind),
		}
		stranger := partner
		stranger.PartnerID, stranger.PartnerKind = l.stranger.ID, l.stranger.Kind
		still := func(context.Context) (models.Principal, error) { return partner, nil }
		for name, row := range map[string]struct {
			who  models.Principal
			id   models.ID
			code models.Code
		}{
			"a stranger": {stranger, l.main, models.CodeNotFound}, "nobody": {models.Principal{}, l.main, models.CodeUnauthenticated},
			"a customer's id": {partner, l.ofProvider.ID, models.CodeInvalid}, "unknown": {partner, l.IDs(models.PrefixResource), models.CodeNotFound},
		} {
			if _, err := l.Watch(l.ctx, row.who, row.id, still); models.CodeOf(err) != row.code {
				t.Errorf("%s: %v, want %s", name, err, row.code)
			}
		}
		watching, err := l.Watch(l.ctx, partner, l.subs[0], still)
		if err != nil {
			t.Fatal(err)
		}
		<-watching.Values()
		if err := db.InTx(l.ctx, func(ctx context.Context, tx bun.Tx) error { return l.LeaveIn(ctx, tx, partner, l.ofProvider) }); err != nil {
			t.Fatal(err)
		}
		if got, open := <-watching.Values(); open || !errors.Is(watching.Err(), resources.ErrWatchHidden) {
			t.Errorf("still told %+v, %v", got, watching.Err())
		}
		l.EndWatches()
		if _, err := l.Watch(l.ctx, l.user, l.main, still); !errors.Is(err, watch.ErrOver) {
			t.Error(err)
		}
	})
}

func TestWhatHasNoJobsIsFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLife(t, db)
		first := l.main
		l.begin()
		if _, err := l.SetAutoRenewal(l.ctx, l.user, resources.SetAutoRenewal{ResourceID: l.main}); err != nil {
			t.Fatal(err)
		}
		expiry, last, err := l.UnscheduledExpiry(l.ctx, db, "", 1)
		if err != nil || len(expiry) != 1 || expiry[0].Object != first || last != first {
			t.Errorf("%v up to %s, %v", expiry, last, err)
		}
		expiry, last, err = l.UnscheduledExpiry(l.ctx, db, first, 10)
		if err != nil || len(expiry) != 1 || expiry[0].Object != l.main || !expiry[0].At.Equal(l.diary.due[models.JobResourceExpire][l.main]) {
			t.Errorf("%v up to %s, %v", expiry, last, err)
		}
		renewal, last, err := l.UnscheduledRenewal(l.ctx, db, "", 10)
		if err != nil || len(renewal) != 1 || renewal[0].Object != l.main || !renewal[0].At.Equal(l.diary.due[models.JobResourceAutoRenew][l.main]) || last != l.main {
			t.Errorf("%v up to %s, %v", renewal, last, err)
		}
	})
}
