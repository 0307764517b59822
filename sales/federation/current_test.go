package federation_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestAChangedPlatformIsNoticedInTheSameRoundTrip: whoever changes what a connection is made of, with or without a new time of update.
// SQLite tells no versions and compares none.
func TestAChangedPlatformIsNoticedInTheSameRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.platform(t, db, "acme_IDP")
		key, err := w.EnsureKey(ctx, "acme_IDP")
		must(t, err)
		version := func() string {
			t.Helper()
			c, found, err := w.Connection(ctx, "acme_IDP")
			if err != nil || !found || (c.Version != "") != (db.Engine() == store.Postgres) {
				t.Fatalf("%v %v %q", err, found, c.Version)
			}
			return c.Version
		}
		at := version()
		counted, counter := store.CountStatements(ctx)
		must(t, w.ParkAt(counted, w.parked("relay-1"), at))
		if counter.Count() != 1 {
			t.Errorf("parking takes %v", counter.Statements())
		}
		for i, change := range []string{
			"UPDATE access_configurations SET state = 'DISABLED'", "UPDATE access_configurations SET allow_cbc = TRUE",
			"UPDATE access_configurations SET state = state", "UPDATE signing_keys SET expires_at = expires_at", "DELETE FROM signing_keys",
		} {
			if _, err := db.ExecContext(ctx, change); err != nil {
				t.Fatal(err)
			}
			err := w.ParkAt(ctx, w.parked("relay-2"), at)
			if db.Engine() != store.Postgres {
				must(t, err)
			} else if !errors.Is(err, federation.ErrChanged) {
				t.Errorf("after %q: %v", change, err)
			}
			_, now, err := w.TakeAt(ctx, "acme_IDP", "relay-2")
			if kept := err == nil; kept != (db.Engine() != store.Postgres) {
				t.Errorf("what was not to be parked is taken: %v", err)
			}
			if db.Engine() == store.Postgres && (now == at || now == "") {
				t.Errorf("change %d leaves the version %q", i, now)
			}
			at = now
		}
		if key.ID == "" {
			t.Error("no key")
		}
	})
}

func TestTakeAtIsTakeWithTheVersion(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.platform(t, db, "acme_IDP")
		_, err := w.EnsureKey(ctx, "acme_IDP")
		must(t, err)
		c, _, err := w.Connection(ctx, "acme_IDP")
		must(t, err)
		for _, relay := range []string{"relay-1", "relay-2"} {
			must(t, w.ParkAt(ctx, w.parked(relay), c.Version))
		}
		counted, counter := store.CountStatements(ctx)
		got, version, err := w.TakeAt(counted, "acme_IDP", "relay-1")
		must(t, err)
		if diff := cmp.Diff(w.parked("relay-1"), got); diff != "" || version != c.Version || counter.Count() != 1 {
			t.Errorf("taken at %q for %q in %v (-want +got):\n%s", version, c.Version, counter.Statements(), diff)
		}
		w.now = w.now.Add(10 * time.Minute)
		for _, tc := range []struct {
			platform, relay string
			want            error
			version         string
		}{
			{"other_IDP", "relay-2", federation.ErrUnknownRequest, ""},
			{"acme_IDP", "relay-2", federation.ErrExpired, c.Version},
			{"acme_IDP", "relay-1", federation.ErrUnknownRequest, c.Version},
		} {
			if _, version, err := w.TakeAt(ctx, tc.platform, tc.relay); !errors.Is(err, tc.want) || version != tc.version {
				t.Errorf("taking %q for %s: %v at %q, want %v at %q", tc.relay, tc.platform, err, version, tc.want, tc.version)
			}
		}
	})
}

// TestMeetUsesAnAssertionUpAndKnowsThePerson: in one round trip on PostgreSQL; an assertion that was used tells nothing of anybody.
func TestMeetUsesAnAssertionUpAndKnowsThePerson(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		until := w.now.Add(time.Minute)
		first, met, err := w.Meet(ctx, "acme_IDP", "assertion-0", until, "account", "person")
		if err != nil || !first || met.Found || met.User.ID != "" {
			t.Errorf("nobody yet: %v %v %+v", first, err, met)
		}
		for _, row := range []any{
			&models.FederatedAccount{PlatformID: "acme_IDP", XAccountID: "account", CustomerID: w.customers[0], BoundAt: w.now},
			&models.FederatedIdentity{
				ID: w.IDs(models.PrefixFederatedIdentity), PlatformID: "acme_IDP", XAccountID: "account", XUserID: "person", UserID: w.users[0], BoundAt: w.now,
			},
		} {
			_, err := db.NewInsert().Model(row).Exec(ctx)
			must(t, err)
		}
		_, err = db.NewUpdate().Model((*models.User)(nil)).Set("permissions = ?", `["ORDERS_READ"]`).Set("session_epoch = 3").Where("id = ?", w.users[0]).Exec(ctx)
		must(t, err)
		known, found, err := w.FindIdentity(ctx, "acme_IDP", "account", "person")
		must(t, err)
		var user models.User
		must(t, db.NewSelect().Model(&user).Where("u.id = ?", w.users[0]).Scan(ctx))

		counted, counter := store.CountStatements(ctx)
		first, met, err = w.Meet(counted, "acme_IDP", "assertion-1", until, "account", "person")
		must(t, err)
		want := federation.Met{Identity: known, Found: found, User: user}
		if diff := cmp.Diff(want, met, cmpopts.EquateEmpty()); diff != "" || !first || len(user.Permissions) != 1 || user.SessionEpoch != 3 {
			t.Errorf("first %v (-want +got):\n%s", first, diff)
		}
		if db.Engine() == store.Postgres && counter.Count() != 1 {
			t.Errorf("it takes %v", counter.Statements())
		}
		if first, met, err := w.Meet(ctx, "acme_IDP", "assertion-1", until, "account", "person"); err != nil || first || met.Found || met.User.ID != "" {
			t.Errorf("a second time: %v %v %+v", first, err, met)
		}
		if first, met, err := w.Meet(ctx, "acme_IDP", "assertion-2", until, "account", "another"); err != nil || !first || !met.Found || met.Person != nil || met.User.ID != "" {
			t.Errorf("somebody else of the account: %v %v %+v", first, err, met)
		}
	})
}
