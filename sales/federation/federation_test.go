package federation_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
	"github.com/partnergraph/partnergraph/store/storetest"
)

type world struct {
	*federation.Service
	now       time.Time
	customers [2]models.ID
	users     [2]models.ID // one of each customer
	ended     []string     // platform and person whose sessions were ended
	noURL     bool         // the platforms want to be told nowhere
}

// ByPlatform implements federation.Platforms.
func (w *world) ByPlatform(_ context.Context, platformID string) (models.AccessConfiguration, error) {
	if w.noURL {
		return models.AccessConfiguration{PlatformID: platformID}, nil
	}
	return models.AccessConfiguration{PlatformID: platformID, BindNotificationURL: "https://shop.example.com/bind"}, nil
}

// SignBinding implements federation.Signer: the form shows what it is about.
func (w *world) SignBinding(_ context.Context, n models.BindNotification) (federation.Form, error) {
	return federation.Form{BindRequest: strings.Join([]string{n.XAccountID, n.XUserID, string(n.BindAction()), n.CustomerName, n.Nonce}, " ")}, nil
}

// EndOfPlatformIn implements federation.Sessions.
func (w *world) EndOfPlatformIn(_ context.Context, _ bun.IDB, platformID string, userID models.ID) error {
	w.ended = append(w.ended, platformID+" "+string(userID))
	return nil
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	ids := models.RandomIDs()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	sealer, err := seal.New("k1:" + base64.StdEncoding.EncodeToString(key))
	must(t, err)
	w.Service = &federation.Service{
		DB: db, Now: clock, IDs: ids, Events: &events.Recorder{IDs: ids, Now: clock}, Seal: sealer, Random: rand.Reader,
		Platforms: w, Signer: w, Sessions: w, Origin: "https://sales.example.com",
	}
	for i := range w.customers {
		w.customers[i], w.users[i] = ids(models.PrefixCustomer), ids(models.PrefixUser)
		name := "buyer-" + string(rune('a'+i))
		_, err := db.NewInsert().Model(&models.Customer{
			ID: w.customers[i], Cloud: "hws", Name: name, Kind: models.Enterprise, VerifiedStatus: models.Verified, Frozen: models.NotFrozen,
			Currency: models.CNY, CreatedAt: w.now, UpdatedAt: w.now,
		}).Exec(t.Context())
		must(t, err)
		_, err = db.NewInsert().Model(&models.User{
			ID: w.users[i], Kind: models.CustomerUser, CustomerID: w.customers[i], LoginName: name, State: models.UserActive,
			Permissions: []models.Permission{}, CreatedAt: w.now, UpdatedAt: w.now,
		}).Exec(t.Context())
		must(t, err)
	}
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) parked(relay string) models.ParkedRequest {
	return models.ParkedRequest{
		RelayID: relay, PlatformID: "acme_IDP", RequestID: "id-1", Issuer: "urn:idp", BrowserHash: []byte{1}, FirstLogin: true,
		Service: "https://sales.example.com/", CreatedAt: w.now, ExpiresAt: w.now.Add(10 * time.Minute),
	}
}

func TestParkedRequestIsTakenOnceAndInTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		must(t, w.Park(ctx, w.parked("relay-1")))
		got, err := w.Take(ctx, "acme_IDP", "relay-1")
		must(t, err)
		if diff := cmp.Diff(w.parked("relay-1"), got); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		must(t, w.Park(ctx, w.parked("relay-2")))
		w.now = w.now.Add(10 * time.Minute)
		for _, tc := range []struct {
			platform, relay string
			want            error
		}{
			{"other_IDP", "relay-2", federation.ErrUnknownRequest}, // another platform's answer must not use it up
			{"acme_IDP", "relay-2", federation.ErrExpired},
			{"acme_IDP", "relay-1", federation.ErrUnknownRequest},
			{"acme_IDP", "never", federation.ErrUnknownRequest},
			{"acme_IDP", "", federation.ErrUnknownRequest},
		} {
			if _, err := w.Take(ctx, tc.platform, tc.relay); !errors.Is(err, tc.want) {
				t.Errorf("taking %q for %s: %v, want %v", tc.relay, tc.platform, err, tc.want)
			}
		}
		for name, bad := range map[string]models.ParkedRequest{
			"no relay": w.parked(""), "no browser": func() models.ParkedRequest { p := w.parked("x"); p.BrowserHash = nil; return p }(),
			"no life": func() models.ParkedRequest { p := w.parked("x"); p.ExpiresAt = p.CreatedAt; return p }(),
		} {
			if err := w.Park(ctx, bad); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestOfManyAnswersOneIsFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := context.Background()
		must(t, w.Park(ctx, w.parked("relay-1")))
		var taken, first atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := w.Take(ctx, "acme_IDP", "relay-1"); err == nil {
					taken.Add(1)
				} else if !errors.Is(err, federation.ErrUnknownRequest) {
					t.Errorf("take: %v", err)
				}
				fresh, err := w.Once(ctx, "acme_IDP", "assertion-1", w.now.Add(time.Minute))
				if err != nil {
					t.Errorf("once: %v", err)
				}
				if fresh {
					first.Add(1)
				}
			})
		}
		group.Wait()
		if taken.Load() != 1 || first.Load() != 1 {
			t.Errorf("%d took the request and %d used the assertion, want one each", taken.Load(), first.Load())
		}
		if fresh, err := w.Once(ctx, "other_IDP", "assertion-1", w.now.Add(time.Minute)); err != nil || !fresh {
			t.Errorf("another platform's assertion with the same id: %v, %v", fresh, err)
		}
	})
}

func TestFirstLoginIsSealedShownAndTakenOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		partner := models.RandomIDs()(models.PrefixPartner)
		arrival := map[string]string{"email": "ann@example.com"}
		token, err := w.ParkFirstLogin(ctx, "acme_IDP", partner, arrival)
		must(t, err)
		var row models.FirstLogin
		must(t, db.NewSelect().Model(&row).Scan(ctx))
		if strings.Contains(string(row.ArrivalSealed), "ann") || strings.Contains(string(row.TokenHash), token) {
			t.Error("the arrival or the token lies open in the row")
		}
		for range 2 {
			got, err := w.FirstLogin(ctx, token)
			must(t, err)
			var data map[string]string
			must(t, json.Unmarshal(got.Data, &data))
			if diff := cmp.Diff(arrival, data); diff != "" || got.PlatformID != "acme_IDP" || got.PartnerID != partner {
				t.Errorf("arrival %+v (-want +got):\n%s", got, diff)
			}
		}
		if _, err := w.FirstLogin(ctx, token+"x"); !errors.Is(err, federation.ErrExpired) {
			t.Errorf("another token: %v", err)
		}
		rollback := errors.New("the customer could not be made")
		err = w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := w.TakeFirstLoginIn(ctx, tx, token)
			must(t, err)
			return rollback
		})
		if !errors.Is(err, rollback) {
			t.Fatal(err)
		}
		take := func() error {
			return w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				_, err := w.TakeFirstLoginIn(ctx, tx, token)
				return err
			})
		}
		must(t, take()) // the attempt that failed did not use it up
		if err := take(); !errors.Is(err, federation.ErrExpired) {
			t.Errorf("taking twice: %v", err)
		}
		late, err := w.ParkFirstLogin(ctx, "acme_IDP", partner, arrival)
		must(t, err)
		w.now = w.now.Add(federation.DefaultFirstLoginLife)
		if _, err := w.FirstLogin(ctx, late); !errors.Is(err, federation.ErrExpired) {
			t.Errorf("too late: %v", err)
		}
	})
}

func TestBinding(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		bind := func(b federation.Binding) (identity federation.Identity, err error) {
			err = w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				identity, err = w.BindIn(ctx, tx, models.SystemPrincipal("test"), b)
				return err
			})
			return identity, err
		}
		good := federation.Binding{PlatformID: "acme_IDP", XAccountID: "acc-1", XUserID: "u-1", CustomerID: w.customers[0], UserID: w.users[0]}
		if _, found, err := w.FindIdentity(ctx, "acme_IDP", "acc-1", "u-1"); found || err != nil {
			t.Fatalf("before: %v, %v", found, err)
		}
		bound, err := bind(good)
		must(t, err)
		again, err := bind(good)
		must(t, err)
		if diff := cmp.Diff(bound, again); diff != "" {
			t.Errorf("binding again (-first +second):\n%s", diff)
		}
		found, ok, err := w.FindIdentity(ctx, "acme_IDP", "acc-1", "u-1")
		must(t, err)
		if diff := cmp.Diff(bound, found); diff != "" || !ok {
			t.Errorf("found (-bound +found):\n%s", diff)
		}
		stranger, ok, err := w.FindIdentity(ctx, "acme_IDP", "acc-1", "u-2")
		if err != nil || !ok || stranger.Person != nil || stranger.Account.CustomerID != w.customers[0] {
			t.Errorf("another person of the account: %+v, %v, %v", stranger, ok, err)
		}
		for _, tc := range []struct {
			name   string
			change func(*federation.Binding)
			code   models.Code
			reason string
		}{
			{"a further person", func(b *federation.Binding) { b.XUserID = "u-2" }, "", ""},
			{"the same ids on another platform", func(b *federation.Binding) {
				b.PlatformID, b.CustomerID, b.UserID = "other_IDP", w.customers[1], w.users[1]
			}, "", ""},
			{"the account to another customer", func(b *federation.Binding) { b.CustomerID, b.UserID = w.customers[1], w.users[1] }, models.CodePreconditionFailed, "IDENTITY_ALREADY_BOUND"},
			{"a further person to another customer", func(b *federation.Binding) { b.XUserID, b.CustomerID, b.UserID = "u-9", w.customers[1], w.users[1] }, models.CodePreconditionFailed, "IDENTITY_ALREADY_BOUND"},
			{"the customer to another account", func(b *federation.Binding) { b.XAccountID = "acc-2" }, models.CodePreconditionFailed, "IDENTITY_ALREADY_BOUND"},
			{"another customer's user", func(b *federation.Binding) { b.UserID = w.users[1] }, models.CodeNotFound, ""},
			{"no account", func(b *federation.Binding) { b.XAccountID = "" }, models.CodeInvalid, ""},
			{"a long account", func(b *federation.Binding) { b.XAccountID = strings.Repeat("a", 129) }, models.CodeInvalid, ""},
			{"a control character", func(b *federation.Binding) { b.XUserID = "a\x00" }, models.CodeInvalid, ""},
			{"a bad platform", func(b *federation.Binding) { b.PlatformID = "-" }, models.CodeInvalid, ""},
			{"another kind of id", func(b *federation.Binding) { b.CustomerID = w.users[0] }, models.CodeInvalid, ""},
		} {
			b := good
			tc.change(&b)
			_, err := bind(b)
			var refusal *models.Error
			_ = errors.As(err, &refusal)
			if models.CodeOf(err) != tc.code || (refusal != nil && refusal.Reason() != tc.reason) {
				t.Errorf("%s: got %v", tc.name, err)
			}
		}
		n, err := db.NewSelect().Model((*models.FederatedAccount)(nil)).Count(ctx)
		if err != nil || n != 2 {
			t.Errorf("%d accounts bound, want 2 (%v): a refused binding left a row", n, err)
		}
		n, err = db.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", models.EventIdentityBound).Count(ctx)
		if err != nil || n != 3 {
			t.Errorf("%d bindings recorded, want 3 (%v)", n, err)
		}
	})
}

// TestACustomerThatLeavesIsUnbound is C14: a former partner's platform signs nobody in as the customer.
func TestACustomerThatLeavesIsUnbound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		must(t, db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			for i := range 2 {
				account := "acc-" + string(w.customers[i])
				for _, person := range []string{"u-1" + account, "u-2" + account} {
					_, err := w.BindIn(ctx, tx, models.SystemPrincipal("test"), federation.Binding{
						PlatformID: "acme_IDP", XAccountID: account, XUserID: person, CustomerID: w.customers[i], UserID: w.users[i],
					})
					if err != nil {
						return err
					}
				}
			}
			return nil
		}))
		leave := func() {
			must(t, db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				return w.LeaveIn(ctx, tx, models.SystemPrincipal("test"), models.Customer{ID: w.customers[0], PartnerID: "par_former"})
			}))
		}
		leave()
		leave() // nothing is bound any more
		for i, want := range []bool{false, true} {
			account := "acc-" + string(w.customers[i])
			found, bound, err := w.FindIdentity(ctx, "acme_IDP", account, "u-2"+account)
			if err != nil || bound != want || bound && found.Person == nil {
				t.Errorf("customer %d: bound %v, %v", i, bound, err)
			}
		}
		var told []models.Event
		must(t, db.NewSelect().Model(&told).Where("ev.type = ?", models.EventIdentityUnbound).Scan(ctx))
		if len(told) != 1 || told[0].CustomerID != w.customers[0] || told[0].PartnerID != "par_former" || told[0].Data["platformId"] != "acme_IDP" {
			t.Errorf("told %+v", told)
		}
	})
}

func TestOfTwoCustomersOneGetsTheAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var bound, refused atomic.Int32
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				err := w.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
					_, err := w.BindIn(ctx, tx, models.SystemPrincipal("test"), federation.Binding{
						PlatformID: "acme_IDP", XAccountID: "acc", XUserID: "u", CustomerID: w.customers[i%2], UserID: w.users[i%2],
					})
					return err
				})
				switch {
				case err == nil:
					bound.Add(1)
				case errors.Is(err, federation.ErrAlreadyBound):
					refused.Add(1)
				default:
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
		if bound.Load() != 4 || refused.Load() != 4 {
			t.Errorf("%d bound and %d refused, want one customer's 4 and the other's 4", bound.Load(), refused.Load())
		}
	})
}

func TestKeyIsMadeOnceAndSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := context.Background()
		keys := make([]federation.Key, 3)
		var group sync.WaitGroup
		for i := range keys {
			group.Go(func() {
				var err error
				if keys[i], err = w.EnsureKey(ctx, "acme_IDP"); err != nil {
					t.Errorf("ensure: %v", err)
				}
			})
		}
		group.Wait()
		key := keys[0]
		if keys[1].ID != key.ID || keys[2].ID != key.ID {
			t.Errorf("keys %s, %s, %s: want one", key.ID, keys[1].ID, keys[2].ID)
		}
		must(t, key.Certificate.CheckSignature(key.Certificate.SignatureAlgorithm, key.Certificate.RawTBSCertificate, key.Certificate.Signature))
		if key.Private.N.BitLen() != 2048 || !key.Private.PublicKey.Equal(key.Certificate.PublicKey) || key.Certificate.Subject.CommonName != "acme_IDP" {
			t.Error("the certificate is not that of a 2048-bit key for the platform")
		}
		if years := key.Certificate.NotAfter.Sub(w.now); years != 3*365*24*time.Hour {
			t.Errorf("valid for %s", years)
		}
		listed, err := w.Keys(ctx, "acme_IDP")
		if err != nil || len(listed) != 1 || listed[0].State != models.KeyActive {
			t.Errorf("keys: %+v, %v", listed, err)
		}
		other, err := w.EnsureKey(ctx, "other_IDP")
		if err != nil || other.Private.Equal(key.Private) {
			t.Errorf("platforms share a key: %v", err)
		}
		// A sealed key moved to another row must not open there.
		_, err = db.NewRaw("UPDATE signing_keys SET key_sealed = (SELECT k.key_sealed FROM signing_keys AS k WHERE k.id = ?) WHERE id = ?", other.ID, key.ID).Exec(ctx)
		must(t, err)
		if _, err := w.EnsureKey(ctx, "acme_IDP"); err == nil {
			t.Error("a key that was sealed for another platform opens")
		}
		if _, err := w.EnsureKey(ctx, "../x"); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("a bad platform: %v", err)
		}
	})
}

func TestNotificationsAndSweep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		partner := models.RandomIDs()(models.PrefixPartner)
		record := func(action int) (row models.BindNotification, err error) {
			err = w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				row, err = w.RecordNotificationIn(ctx, tx, models.BindNotification{
					PartnerID: partner, PlatformID: "acme_IDP", XAccountID: "acc", CustomerID: w.customers[0], Action: action,
				})
				return err
			})
			return row, err
		}
		first, err := record(federation.ActionBind)
		must(t, err)
		second, err := record(federation.ActionUnbind)
		must(t, err)
		if first.Nonce == second.Nonce || len(first.Nonce) < 40 {
			t.Errorf("nonces %q and %q", first.Nonce, second.Nonce)
		}
		if _, err := record(2); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("an unknown action: %v", err)
		}
		sent := w.now
		once, err := w.HandOver(ctx, models.SystemPrincipal("test"), first.ID)
		must(t, err)
		w.now = w.now.Add(time.Minute)
		_, err = w.HandOver(ctx, models.SystemPrincipal("test"), first.ID)
		must(t, err)
		var row models.BindNotification
		must(t, db.NewSelect().Model(&row).Where("bn.id = ?", first.ID).Scan(ctx))
		if row.SentAt == nil || !row.SentAt.Equal(sent) || row.LastSentAt == nil || !row.LastSentAt.Equal(w.now) || row.Attempts != 2 {
			t.Errorf("%+v, want sent first at %v, last at %v", row, sent, w.now)
		}
		if row.Nonce == first.Nonce || once.Notification.Nonce == row.Nonce || row.State() != models.NotificationSent {
			t.Errorf("nonces %q, %q and %q: each form needs its own", first.Nonce, once.Notification.Nonce, row.Nonce)
		}

		must(t, w.Park(ctx, w.parked("old")))
		_, err = w.Once(ctx, "acme_IDP", "old", w.now)
		must(t, err)
		_, err = w.ParkFirstLogin(ctx, "acme_IDP", partner, "old")
		must(t, err)
		w.now = w.now.Add(time.Hour)
		must(t, w.Park(ctx, w.parked("new")))
		swept, err := w.Sweep(ctx)
		must(t, err)
		if diff := cmp.Diff(federation.Swept{Requests: 1, Replays: 1, FirstLogins: 1}, swept); diff != "" {
			t.Errorf("swept (-want +got):\n%s", diff)
		}
		if _, err := w.Take(ctx, "acme_IDP", "new"); err != nil {
			t.Errorf("a live request was swept: %v", err)
		}
	})
}
