package events_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

const (
	alice = models.ID("cus_01h455vb4pex5vsknk084sn02q")
	bob   = models.ID("cus_01h455vb4pex5vsknk084sn02r")
	shop  = models.ID("par_01h455vb4pex5vsknk084sn02q")
	thing = models.ID("ord_01h455vb4pex5vsknk084sn02q")
)

// clock is moved by the test while relays read it.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time        { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) pass(by time.Duration) { c.nanos.Add(int64(by)) }

func record(t *testing.T, db *store.DB, c *clock, happened ...models.Event) []models.Event {
	t.Helper()
	recorder := &events.Recorder{IDs: models.RandomIDs(), Now: c.now, Consumers: map[models.EventType][]string{models.EventOrderPaid: {"provision", "other"}}}
	err := db.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		return recorder.Record(ctx, tx, models.SystemPrincipal("test"), happened...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return happened
}

func paid(n int) []models.Event {
	happened := make([]models.Event, n)
	for i := range happened {
		happened[i] = models.Event{Type: models.EventOrderPaid, CustomerID: alice, PartnerID: shop, SubjectID: string(thing), Data: map[string]any{"n": "1"}}
	}
	return happened
}

func relay(db *store.DB, c *clock, handle events.Handler) *events.Relay {
	return &events.Relay{DB: db, Consumer: "provision", Handle: handle, Now: c.now, Logger: slog.New(slog.DiscardHandler), Batch: 4}
}

func rows(t *testing.T, db *store.DB, consumer string) []models.OutboxRow {
	t.Helper()
	var found []models.OutboxRow
	if err := db.NewSelect().Model(&found).Where("ob.consumer = ?", consumer).Order("ob.event_id").Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
	return found
}

func deliver(t *testing.T, r *events.Relay) bool {
	t.Helper()
	more, err := r.Deliver(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return more
}

func TestRelayDeliversInOrderAndForgets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		happened := record(t, db, c, paid(5)...)
		var got []models.Event
		r := relay(db, c, func(_ context.Context, event models.Event) error { got = append(got, event); return nil })
		if !deliver(t, r) {
			t.Error("a full batch does not say that there may be more")
		}
		for range 2 {
			if deliver(t, r) {
				t.Error("an empty outbox says that there is more")
			}
		}
		for i := range got {
			got[i].CreatedAt = got[i].CreatedAt.UTC()
		}
		if diff := cmp.Diff(happened, got); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if left, others := len(rows(t, db, "provision")), len(rows(t, db, "other")); left != 0 || others != 5 {
			t.Errorf("left %d, and %d for the other consumer; want 0 and 5", left, others)
		}
	})
}

func TestRelayComesBackAfterAFailure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		record(t, db, c, paid(2)...)
		var calls []models.ID
		failures := []error{models.Precondition("NOT_YET", "Not yet."), nil}
		r := relay(db, c, func(_ context.Context, event models.Event) error {
			calls = append(calls, event.ID)
			if len(calls) == 3 {
				panic("the second attempt")
			}
			if len(calls) <= len(failures) {
				return failures[len(calls)-1]
			}
			return nil
		})
		deliver(t, r)
		left := rows(t, db, "provision")
		if len(left) != 1 || left[0].EventID != calls[0] || left[0].Attempts != 1 || left[0].LastError != "PRECONDITION_FAILED: Not yet." {
			t.Fatalf("after a failure: %+v", left)
		}
		for _, wait := range []time.Duration{time.Second, 2 * time.Second} {
			c.pass(wait - time.Millisecond)
			before := len(calls)
			if deliver(t, r); len(calls) != before {
				t.Errorf("delivered %s too early", time.Millisecond)
			}
			c.pass(time.Millisecond)
			if deliver(t, r); len(calls) != before+1 {
				t.Errorf("not delivered after %s", wait)
			}
		}
		if diff := cmp.Diff([]models.ID{calls[0], calls[1], calls[0], calls[0]}, calls); diff != "" || len(rows(t, db, "provision")) != 0 {
			t.Errorf("calls (-want +got):\n%s\nleft: %+v", diff, rows(t, db, "provision"))
		}
	})
}

func TestRelaysShareTheWork(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		record(t, db, c, paid(60)...)
		var mu sync.Mutex
		seen := map[models.ID]int{}
		var replicas sync.WaitGroup
		for range 4 {
			r := relay(db, c, func(_ context.Context, event models.Event) error {
				mu.Lock()
				defer mu.Unlock()
				seen[event.ID]++
				return nil
			})
			replicas.Go(func() {
				for {
					more, err := r.Deliver(context.Background())
					if err != nil {
						t.Error(err)
					}
					if err != nil || !more {
						return
					}
				}
			})
		}
		replicas.Wait()
		// A replica that found fewer than a batch may have left the rest to the others.
		for deliver(t, relay(db, c, func(_ context.Context, event models.Event) error { seen[event.ID]++; return nil })) {
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was delivered %d times", id, n)
			}
		}
		if len(seen) != 60 {
			t.Errorf("%d of 60 delivered", len(seen))
		}
	})
}

// A replica that dies holds its rows no longer than the lease; when it was only slow, its late word does not count.
func TestALeaseRunsOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		record(t, db, c, paid(1)...)
		var second int
		other := relay(db, c, func(context.Context, models.Event) error { second++; return errors.New("fails") })
		slow := relay(db, c, func(context.Context, models.Event) error {
			deliver(t, other)
			if second != 0 {
				t.Error("delivered to two replicas within the lease")
			}
			c.pass(time.Minute)
			deliver(t, other)
			return nil
		})
		deliver(t, slow)
		if left := rows(t, db, "provision"); second != 1 || len(left) != 1 || left[0].Attempts != 2 {
			t.Errorf("the other replica was called %d times and %+v is left", second, left)
		}
	})
}

func TestRelayGivesBackWhatItDoesNotReach(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		record(t, db, c, paid(3)...)
		ctx, stop := context.WithCancel(context.Background())
		r := relay(db, c, func(context.Context, models.Event) error { stop(); return nil })
		if _, err := r.Deliver(ctx); err != nil {
			t.Fatal(err)
		}
		left := rows(t, db, "provision")
		if len(left) != 2 || left[0].DueAt.After(c.now()) || left[1].DueAt.After(c.now()) {
			t.Errorf("not given back at %s: %+v", c.now(), left)
		}
	})
}

func TestRunWakesUpWhenNudged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		delivered := make(chan models.ID, 8)
		r := relay(db, c, func(_ context.Context, event models.Event) error { delivered <- event.ID; return nil })
		r.Poll = time.Hour
		ctx, stop := context.WithCancelCause(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		want := record(t, db, c, paid(1)...)[0].ID
		deadline := time.After(20 * time.Second)
		for got := models.ID(""); got != want; {
			r.Nudge()
			select {
			case got = <-delivered:
			case <-time.After(20 * time.Millisecond):
			case <-deadline:
				t.Fatal("not delivered")
			}
		}
		enough := errors.New("enough")
		stop(enough)
		if err := <-ended; !errors.Is(err, enough) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

// An actor of another organisation is named by its organisation and kind alone, to customers by its kind, and nobody finds it by its id.
func TestActorsOfOthersStayUnnamed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		read := []models.Permission{models.ReadEvents}
		actor := models.Principal{Kind: models.PartnerKey, KeyID: "key_01h455vb4pex5vsknk084sn02q", PartnerID: shop, RemoteAddr: "192.0.2.7"}
		recorder := &events.Recorder{IDs: models.RandomIDs(), Now: c.now}
		err := db.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
			return recorder.Record(ctx, tx, actor, models.Event{
				Type: models.EventOrderPlaced, CustomerID: alice, PartnerID: shop, SubjectID: string(thing),
				Changes: []models.FieldChange{models.Changed("status", "", models.OrderPendingPayment)},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		log := &events.Log{DB: db, Require: access.Require, Scope: access.Events}
		id := actor.KeyID
		for name, tt := range map[string]struct {
			who   models.Principal
			named bool
			found int // by the actor's id
		}{
			"an operator":          {models.Principal{Kind: models.Operator, Permissions: read}, true, 1},
			"its own organisation": {models.Principal{Kind: models.PartnerMember, PartnerID: shop, PartnerKind: models.SolutionProvider, Permissions: read}, true, 1},
			"the customer":         {models.Principal{Kind: models.CustomerUser, CustomerID: alice, Permissions: read}, false, 0},
		} {
			page, err := log.Find(context.Background(), tt.who, events.Filter{}, models.PageArgs{})
			if err != nil || len(page.Edges) != 1 {
				t.Fatalf("%s: %+v, %v", name, page, err)
			}
			got := page.Edges[0].Node
			if named := got.ActorID == string(id) && got.IPAddress() != nil; named != tt.named || (got.ActorOrgID == shop) != tt.named || (got.PartnerID == shop) != tt.named {
				t.Errorf("%s sees actor %s of %s from %v", name, got.ActorID, got.ActorOrgID, got.IPAddress())
			}
			if len(got.Changes) != 1 || got.Changes[0].Before != nil || *got.Changes[0].After != string(models.OrderPendingPayment) {
				t.Errorf("%s sees changes %+v", name, got.Changes)
			}
			page, err = log.Find(context.Background(), tt.who, events.Filter{ActorID: &id}, models.PageArgs{})
			if err != nil || len(page.Edges) != tt.found {
				t.Errorf("%s finds %d events by the actor's id, %v", name, len(page.Edges), err)
			}
		}
		from, until := c.now().Add(time.Second), c.now()
		operator := models.Principal{Kind: models.Operator, Permissions: read}
		page, err := log.Find(context.Background(), operator, events.Filter{From: &from}, models.PageArgs{})
		if err != nil || len(page.Edges) != 0 {
			t.Errorf("after the last event: %d, %v", len(page.Edges), err)
		}
		page, err = log.Find(context.Background(), operator, events.Filter{Until: &from}, models.PageArgs{})
		if err != nil || len(page.Edges) != 1 {
			t.Errorf("until after the event: %d, %v", len(page.Edges), err)
		}
		if _, err := log.Find(context.Background(), operator, events.Filter{From: &from, Until: &until}, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("from after until: %v", err)
		}
	})
}

func TestFindFiltersWithinTheScope(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		happened := record(t, db, c,
			models.Event{Type: models.EventOrderPlaced, CustomerID: alice, PartnerID: shop, SubjectID: string(thing)},
			models.Event{Type: models.EventOrderPaid, CustomerID: alice, PartnerID: shop, SubjectID: string(thing)},
			models.Event{Type: models.EventOrderPlaced, CustomerID: bob, SubjectID: "ord_01h455vb4pex5vsknk084sn02r"},
			models.Event{Type: models.EventExposureUpdated, PartnerID: shop, SubjectID: "acf_01h455vb4pex5vsknk084sn02r"},
		)
		log := &events.Log{DB: db, Require: access.Require, Scope: access.Events}
		read := []models.Permission{models.ReadEvents}
		operator := models.Principal{Kind: models.Operator, Permissions: read}
		partner := models.Principal{Kind: models.PartnerKey, PartnerID: shop, PartnerKind: models.SolutionProvider, Permissions: read}
		customer := models.Principal{Kind: models.CustomerUser, CustomerID: bob, Permissions: read}
		order, cust, par := thing, alice, shop
		for name, tt := range map[string]struct {
			who    models.Principal
			filter events.Filter
			want   []int // of happened, newest first
		}{
			"an operator sees all":          {operator, events.Filter{}, []int{3, 2, 1, 0}},
			"a partner sees its own":        {partner, events.Filter{}, []int{3, 1, 0}},
			"a customer sees its own":       {customer, events.Filter{}, []int{2}},
			"by subject":                    {operator, events.Filter{SubjectID: &order}, []int{1, 0}},
			"by customer":                   {operator, events.Filter{CustomerID: &cust}, []int{1, 0}},
			"by partner":                    {operator, events.Filter{PartnerID: &par}, []int{3, 1, 0}},
			"by type":                       {operator, events.Filter{Types: []string{"order.placed"}}, []int{2, 0}},
			"by type within the scope":      {partner, events.Filter{Types: []string{"order.placed"}}, []int{0}},
			"no type at all":                {operator, events.Filter{Types: []string{}}, nil},
			"another's customer is nothing": {customer, events.Filter{CustomerID: &cust}, nil},
		} {
			got, err := log.Find(context.Background(), tt.who, tt.filter, models.PageArgs{WantTotal: true})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var at []int
			for _, event := range got.Nodes() {
				at = append(at, slices.IndexFunc(happened, func(e models.Event) bool { return e.ID == event.ID }))
			}
			if diff := cmp.Diff(tt.want, at); diff != "" || *got.TotalCount != len(tt.want) {
				t.Errorf("%s: total %d (-want +got):\n%s", name, *got.TotalCount, diff)
			}
		}

		one := 1
		page, err := log.Find(context.Background(), operator, events.Filter{}, models.PageArgs{First: &one})
		if err != nil || !page.PageInfo.HasNextPage {
			t.Fatalf("the first page: %+v, %v", page, err)
		}
		page, err = log.Find(context.Background(), operator, events.Filter{}, models.PageArgs{First: &one, After: page.PageInfo.EndCursor})
		if err != nil || len(page.Edges) != 1 || page.Edges[0].Node.ID != happened[2].ID {
			t.Errorf("the second page: %+v, %v", page, err)
		}
		for who, code := range map[*models.Principal]models.Code{
			{}: models.CodeUnauthenticated, {Kind: models.PartnerKey, PartnerID: shop}: models.CodeForbidden,
		} {
			if _, err := log.Find(context.Background(), *who, events.Filter{}, models.PageArgs{}); models.CodeOf(err) != code {
				t.Errorf("%s without the permission: %v, want %s", who.Kind, err, code)
			}
		}
		if _, err := log.Find(context.Background(), operator, events.Filter{CustomerID: &par}, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("a partner as customer: %v", err)
		}
	})
}
