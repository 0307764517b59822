package identity_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// world is a room with a distributor, its reseller, a foreign solution provider and a customer.
type world struct {
	*identity.Service
	now                               time.Time
	distributor, reseller, stranger   models.ID
	customer                          models.ID
	operator, member, seller, foreign models.Principal
	buyer                             models.Principal
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 21, 8, 0, 30, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	hasher, err := identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, rand.Reader, 2)
	if err != nil {
		t.Fatal(err)
	}
	counters, err := cache.Open(t.Context(), "memory:", cache.WithNow(clock))
	if err != nil {
		t.Fatal(err)
	}
	ids := models.RandomIDs()
	w.Service = &identity.Service{
		DB: db, Now: clock, IDs: ids, Events: &events.Recorder{IDs: ids, Now: clock}, Random: rand.Reader, Passwords: hasher,
		Attempts: counters, Cache: counters, Logger: slog.New(slog.DiscardHandler),
	}
	partner := func(kind models.PartnerKind, parent models.ID) models.ID {
		p := models.Partner{
			ID: ids(models.PrefixPartner), Cloud: "hws", Kind: kind, Name: "P", Level: models.LevelStandard, State: models.PartnerActive,
			ParentID: parent, Country: "CN", SigningEntity: "E", Currency: models.CNY, CreatedAt: w.now, UpdatedAt: w.now,
		}
		must(t, insert(t.Context(), db, &p))
		return p.ID
	}
	w.distributor = partner(models.Distributor, "")
	w.reseller = partner(models.CloudReseller, w.distributor)
	w.stranger = partner(models.SolutionProvider, "")
	w.customer = ids(models.PrefixCustomer)
	must(t, insert(t.Context(), db, &models.Customer{
		ID: w.customer, Cloud: "hws", Name: "buyer", Kind: models.Enterprise, VerifiedStatus: models.Verified, Frozen: models.NotFrozen,
		Currency: models.CNY, CreatedAt: w.now, UpdatedAt: w.now,
	}))
	as := func(kind models.PrincipalKind, partner models.ID, partnerKind models.PartnerKind, customer models.ID) models.Principal {
		return models.Principal{
			Kind: kind, PartnerID: partner, PartnerKind: partnerKind, CustomerID: customer,
			Permissions: models.DefaultPermissions(kind, partnerKind),
		}
	}
	w.operator = as(models.Operator, "", "", "")
	w.member = as(models.PartnerMember, w.distributor, models.Distributor, "")
	w.seller = as(models.PartnerMember, w.reseller, models.CloudReseller, "")
	w.foreign = as(models.PartnerKey, w.stranger, models.SolutionProvider, "")
	w.buyer = as(models.CustomerUser, "", "", w.customer)
	return w
}

func insert(ctx context.Context, db bun.IDB, row any) error {
	_, err := db.NewInsert().Model(row).Exec(ctx)
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code models.Code) {
	t.Helper()
	if got := models.CodeOf(err); got != code {
		t.Errorf("got %q (%v), want %q", got, err, code)
	}
}

func ptr[T any](v T) *T { return &v }

func countEvents(t *testing.T, db bun.IDB, kind models.EventType) int64 {
	t.Helper()
	n, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", kind).Count(t.Context())
	must(t, err)
	return n
}

func TestWhoMayCreateKeysForWhom(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		readOnly := w.member
		readOnly.Permissions = []models.Permission{models.ReadOrders}
		narrow := w.member
		narrow.Permissions = []models.Permission{models.ManageKeys, models.ReadOrders}
		unknown := models.RandomIDs()(models.PrefixPartner)
		for _, tc := range []struct {
			name string
			who  models.Principal
			cmd  identity.CreateKey
			code models.Code
			kind models.PrincipalKind
		}{
			{"operator for itself", w.operator, identity.CreateKey{Name: "k"}, "", models.Operator},
			{"operator for a partner", w.operator, identity.CreateKey{Name: "k", PartnerID: &w.reseller}, "", models.PartnerKey},
			{"operator for a customer", w.operator, identity.CreateKey{Name: "k", CustomerID: &w.customer}, "", models.CustomerUser},
			{"operator for nobody known", w.operator, identity.CreateKey{Name: "k", PartnerID: &unknown}, models.CodeNotFound, ""},
			{"operator for both", w.operator, identity.CreateKey{Name: "k", PartnerID: &w.reseller, CustomerID: &w.customer}, models.CodeInvalid, ""},
			{"operator with another kind of id", w.operator, identity.CreateKey{Name: "k", PartnerID: &w.customer}, models.CodeInvalid, ""},
			{"distributor for itself", w.member, identity.CreateKey{Name: "k"}, "", models.PartnerKey},
			{"distributor for itself by name", w.member, identity.CreateKey{Name: "k", PartnerID: &w.distributor}, "", models.PartnerKey},
			{"distributor for its reseller", w.member, identity.CreateKey{Name: "k", PartnerID: &w.reseller}, models.CodeForbidden, ""},
			{"distributor for a customer", w.member, identity.CreateKey{Name: "k", CustomerID: &w.customer}, models.CodeForbidden, ""},
			{"reseller for itself, though it has no exposure", w.seller, identity.CreateKey{Name: "k"}, "", models.PartnerKey},
			{"solution provider for a foreign partner", w.foreign, identity.CreateKey{Name: "k", PartnerID: &w.distributor}, models.CodeForbidden, ""},
			{"customer", w.buyer, identity.CreateKey{Name: "k"}, models.CodeForbidden, ""},
			{"member without the permission", readOnly, identity.CreateKey{Name: "k"}, models.CodeForbidden, ""},
			{"nobody", models.Principal{}, identity.CreateKey{Name: "k"}, models.CodeUnauthenticated, ""},
			{"scope that the caller has", narrow, identity.CreateKey{Name: "k", Scopes: []models.Permission{models.ReadOrders}}, "", models.PartnerKey},
			{"scope beyond the caller's", narrow, identity.CreateKey{Name: "k", Scopes: []models.Permission{models.MoveMoney}}, models.CodeForbidden, ""},
			{"scope that the kind cannot have", w.operator, identity.CreateKey{Name: "k", PartnerID: &w.reseller, Scopes: []models.Permission{models.WriteExposure}}, models.CodeInvalid, ""},
			{"unknown scope", w.operator, identity.CreateKey{Name: "k", Scopes: []models.Permission{"ROOT"}}, models.CodeInvalid, ""},
			{"no scope at all", w.operator, identity.CreateKey{Name: "k", Scopes: []models.Permission{}}, models.CodeInvalid, ""},
			{"no name", w.operator, identity.CreateKey{Name: "  "}, models.CodeInvalid, ""},
			{"long name", w.operator, identity.CreateKey{Name: string(make([]byte, 65))}, models.CodeInvalid, ""},
			{"expiry now", w.operator, identity.CreateKey{Name: "k", ExpiresAt: ptr(w.now)}, models.CodeInvalid, ""},
		} {
			t.Run(tc.name, func(t *testing.T) {
				created, err := w.CreateKey(t.Context(), tc.who, tc.cmd)
				wantCode(t, err, tc.code)
				if created.APIKey.Kind != tc.kind {
					t.Errorf("kind %q, want %q", created.APIKey.Kind, tc.kind)
				}
				for _, scope := range created.APIKey.Scopes {
					if !tc.who.May(scope) {
						t.Errorf("the key may %s, its maker may not", scope)
					}
				}
			})
		}
		if got := countEvents(t, db, models.EventAPIKeyCreated); got != 7 {
			t.Errorf("%d events, want one per key: 7", got)
		}
	})
}

func TestAuthenticateKnowsUsableKeysOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		expires := w.now.Add(time.Hour)
		created, err := w.CreateKey(ctx, w.seller, identity.CreateKey{Name: "k", Scopes: []models.Permission{models.ReadOrders}, ExpiresAt: &expires})
		must(t, err)
		revoked, err := w.CreateKey(ctx, w.seller, identity.CreateKey{Name: "r"})
		must(t, err)
		_, err = w.RevokeKey(ctx, w.seller, identity.RevokeKey{APIKeyID: revoked.APIKey.ID})
		must(t, err)

		who, err := w.Authenticate(ctx, created.Secret)
		must(t, err)
		want := models.Principal{
			Kind: models.PartnerKey, KeyID: created.APIKey.ID, PartnerID: w.reseller, PartnerKind: models.CloudReseller,
			Permissions: []models.Permission{models.ReadOrders},
		}
		if diff := cmp.Diff(want, who); diff != "" {
			t.Errorf("principal (-want +got):\n%s", diff)
		}
		other := created.Secret[:len(created.Secret)-1] + "~"
		swapped := "pgk_0" + created.Secret[5:]
		if swapped == created.Secret {
			swapped = "pgk_1" + created.Secret[5:]
		}
		texts := map[string]bool{}
		for _, secret := range []string{"", "pgk_", "Bearer", created.Secret[4:], created.Secret + "x", other, swapped, revoked.Secret} {
			_, err := w.Authenticate(ctx, secret)
			wantCode(t, err, models.CodeUnauthenticated)
			texts[err.Error()] = true
		}
		w.now = expires
		_, err = w.Authenticate(ctx, created.Secret)
		wantCode(t, err, models.CodeUnauthenticated)
		texts[err.Error()] = true
		if len(texts) != 1 {
			t.Errorf("the refusals tell apart: %v", texts)
		}
	})
}

func TestKeyLosesWhatItsOwnersKindMayNot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		created, err := w.CreateKey(t.Context(), w.foreign, identity.CreateKey{Name: "k"})
		must(t, err)
		_, err = db.NewUpdate().Model((*models.Partner)(nil)).Set("kind = ?", models.CloudReseller).Where("id = ?", w.stranger).Exec(t.Context())
		must(t, err)
		who, err := w.Authenticate(t.Context(), created.Secret)
		must(t, err)
		if who.May(models.WriteExposure) || !who.May(models.ReadOrders) {
			t.Errorf("permissions %v: want those of a reseller", who.Permissions)
		}
	})
}

// TestRotatedKeysOverlap: A02's keys change without an outage, and the old secret ends.
func TestRotatedKeysOverlap(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		works := func(secret string) bool {
			t.Helper()
			who, err := w.Authenticate(ctx, secret)
			return err == nil && !who.IsAnonymous()
		}
		end := w.now.Add(30 * 24 * time.Hour)
		first, err := w.CreateKey(ctx, w.member, identity.CreateKey{Name: "storefront", Scopes: []models.Permission{models.ReadOrders}, ExpiresAt: &end})
		must(t, err)
		w.now = w.now.Add(10 * 24 * time.Hour)
		rotated, err := w.RotateKey(ctx, w.member, identity.RotateKey{APIKeyID: first.APIKey.ID, KeepMinutes: ptr(60)})
		must(t, err)
		if k := rotated.APIKey; k.Name != "storefront" || !slices.Equal(k.Scopes, first.APIKey.Scopes) || k.PartnerID != first.APIKey.PartnerID ||
			!k.ExpiresAt.Equal(w.now.Add(30*24*time.Hour)) || rotated.Secret == first.Secret {
			t.Errorf("the successor is %+v", k)
		}
		if !rotated.Previous.ExpiresAt.Equal(w.now.Add(time.Hour)) || !works(first.Secret) || !works(rotated.Secret) {
			t.Errorf("both do not work: the old one is %+v", rotated.Previous)
		}
		w.now = w.now.Add(time.Hour)
		if works(first.Secret) || !works(rotated.Secret) {
			t.Error("after the hour the successor alone must work")
		}
		_, err = w.RotateKey(ctx, w.member, identity.RotateKey{APIKeyID: first.APIKey.ID})
		if !errors.Is(err, identity.ErrKeyEnded) {
			t.Errorf("a key that has ended: %v", err)
		}
		// At once, by an operator; and never longer than the key would have lived.
		second, err := w.RotateKey(ctx, w.operator, identity.RotateKey{APIKeyID: rotated.APIKey.ID, KeepMinutes: ptr(0)})
		must(t, err)
		if works(rotated.Secret) || !works(second.Secret) || second.APIKey.PartnerID != first.APIKey.PartnerID {
			t.Errorf("rotated at once: %+v", second)
		}
		soon := w.now.Add(time.Minute)
		short, err := w.CreateKey(ctx, w.member, identity.CreateKey{Name: "short", ExpiresAt: &soon})
		must(t, err)
		third, err := w.RotateKey(ctx, w.member, identity.RotateKey{APIKeyID: short.APIKey.ID})
		must(t, err)
		if !third.Previous.ExpiresAt.Equal(soon) {
			t.Errorf("a key that had a minute lives until %v", third.Previous.ExpiresAt)
		}
		past := w.now.Add(-time.Second)
		for name, tc := range map[string]struct {
			who  models.Principal
			cmd  identity.RotateKey
			code models.Code
		}{
			"a foreign key":        {w.foreign, identity.RotateKey{APIKeyID: third.APIKey.ID}, models.CodeNotFound},
			"a customer":           {w.buyer, identity.RotateKey{APIKeyID: third.APIKey.ID}, models.CodeForbidden},
			"nobody":               {models.Principal{}, identity.RotateKey{APIKeyID: third.APIKey.ID}, models.CodeUnauthenticated},
			"another kind of id":   {w.operator, identity.RotateKey{APIKeyID: w.customer}, models.CodeInvalid},
			"longer than a week":   {w.member, identity.RotateKey{APIKeyID: third.APIKey.ID, KeepMinutes: ptr(identity.MaxKeepMinutes + 1)}, models.CodeInvalid},
			"less than no time":    {w.member, identity.RotateKey{APIKeyID: third.APIKey.ID, KeepMinutes: ptr(-1)}, models.CodeInvalid},
			"a successor too late": {w.member, identity.RotateKey{APIKeyID: third.APIKey.ID, ExpiresAt: &past}, models.CodeInvalid},
		} {
			if _, err := w.RotateKey(ctx, tc.who, tc.cmd); models.CodeOf(err) != tc.code {
				t.Errorf("%s: got %v, want %s", name, err, tc.code)
			}
		}
		if !works(third.Secret) {
			t.Error("a refusal ended a key")
		}
		if got := countEvents(t, db, models.EventAPIKeyRotated); got != 3 {
			t.Errorf("%d rotations on record, want 3", got)
		}
	})
}

func TestRevokeAndFindKeysStayInTheOrganisation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		mine, err := w.CreateKey(ctx, w.member, identity.CreateKey{Name: "mine"})
		must(t, err)
		theirs, err := w.CreateKey(ctx, w.seller, identity.CreateKey{Name: "theirs"})
		must(t, err)

		for name, tc := range map[string]struct {
			who  models.Principal
			id   models.ID
			code models.Code
		}{
			"a reseller's key by its distributor": {w.member, theirs.APIKey.ID, models.CodeNotFound},
			"a foreign key":                       {w.foreign, mine.APIKey.ID, models.CodeNotFound},
			"an unknown key":                      {w.operator, models.RandomIDs()(models.PrefixAPIKey), models.CodeNotFound},
			"another kind of id":                  {w.operator, w.customer, models.CodeInvalid},
			"a customer":                          {w.buyer, mine.APIKey.ID, models.CodeForbidden},
			"nobody":                              {models.Principal{}, mine.APIKey.ID, models.CodeUnauthenticated},
		} {
			_, err := w.RevokeKey(ctx, tc.who, identity.RevokeKey{APIKeyID: tc.id})
			if models.CodeOf(err) != tc.code {
				t.Errorf("%s: got %v, want %s", name, err, tc.code)
			}
		}
		page, err := w.FindKeys(ctx, w.member, models.PageArgs{WantTotal: true})
		must(t, err)
		if len(page.Edges) != 1 || page.Edges[0].Node.Name != "mine" || *page.TotalCount != 1 {
			t.Errorf("the distributor sees %+v", page)
		}
		all, err := w.FindKeys(ctx, w.operator, models.PageArgs{WantTotal: true, First: ptr(1)})
		must(t, err)
		if *all.TotalCount != 2 || len(all.Edges) != 1 || all.Edges[0].Node.Name != "theirs" || !all.PageInfo.HasNextPage {
			t.Errorf("the operator sees %+v, want the newest of two", all)
		}
		first, err := w.RevokeKey(ctx, w.member, identity.RevokeKey{APIKeyID: mine.APIKey.ID})
		must(t, err)
		w.now = w.now.Add(time.Hour)
		again, err := w.RevokeKey(ctx, w.member, identity.RevokeKey{APIKeyID: mine.APIKey.ID})
		must(t, err)
		if !again.APIKey.RevokedAt.Equal(*first.APIKey.RevokedAt) {
			t.Errorf("revoking again moved the time")
		}
		if got := countEvents(t, db, models.EventAPIKeyRevoked); got != 1 {
			t.Errorf("%d events of revoking, want 1", got)
		}
		_, err = w.FindKeys(ctx, w.buyer, models.PageArgs{})
		wantCode(t, err, models.CodeForbidden)
	})
}

func TestUseOfKeysIsWrittenOncePerMinute(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		created, err := w.CreateKey(t.Context(), w.member, identity.CreateKey{Name: "k"})
		must(t, err)
		ctx, counter := store.CountStatements(t.Context())
		use := func() {
			_, err := w.Authenticate(ctx, created.Secret)
			must(t, err)
		}
		use()
		use()
		must(t, w.FlushUsage(ctx))
		use()
		must(t, w.FlushUsage(ctx)) // the minute is known: nothing to write
		updates := 0
		for _, statement := range counter.Statements() {
			if statement.Operation == "UPDATE" {
				updates++
			}
		}
		if updates != 1 {
			t.Errorf("%d updates in one minute, want 1: %v", updates, counter.Statements())
		}
		page, err := w.FindKeys(t.Context(), w.member, models.PageArgs{})
		must(t, err)
		if used := page.Edges[0].Node.LastUsedAt; used == nil || !used.Equal(w.now.Truncate(time.Minute)) {
			t.Errorf("last used %v, want the minute of %v", used, w.now)
		}
	})
}

func TestCreateUserAndSignIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		user, err := w.CreateUser(ctx, w.member, identity.CreateUser{LoginName: " Ann@Example.com ", Password: ptr("correct horse battery")})
		must(t, err)
		if user.Kind != models.PartnerMember || user.PartnerID != w.distributor || user.LoginName != "ann@example.com" {
			t.Errorf("created %+v", user)
		}
		_, err = w.CreateUser(ctx, w.operator, identity.CreateUser{LoginName: "sso-only", CustomerID: &w.customer})
		must(t, err)

		signedIn, err := w.VerifyPassword(ctx, "ANN@example.com", "correct horse battery", "192.0.2.1")
		must(t, err)
		if signedIn.ID != user.ID {
			t.Errorf("signed in as %s", signedIn.ID)
		}
		who, err := w.PrincipalOf(ctx, signedIn)
		must(t, err)
		if who.PartnerKind != models.Distributor || who.UserID != user.ID || !who.May(models.ManageKeys) || who.May(models.WritePartners) {
			t.Errorf("principal %+v", who)
		}
		texts := map[string]bool{}
		for _, tc := range [][2]string{
			{"ann@example.com", "wrong horse battery"}, {"nobody@example.com", "correct horse battery"}, {"sso-only", ""},
			{"sso-only", "anything at all"}, {"", ""}, {"ann@example.com", string(make([]byte, 10_000))},
		} {
			_, err := w.VerifyPassword(ctx, tc[0], tc[1], "192.0.2.2")
			wantCode(t, err, models.CodeUnauthenticated)
			texts[err.Error()] = true
		}
		if len(texts) != 1 {
			t.Errorf("the refusals tell apart: %v", texts)
		}
		if got := countEvents(t, db, models.EventSignInRefused); got != 6 {
			t.Errorf("%d refusals recorded, want 6", got)
		}
		_, err = db.NewUpdate().Model((*models.User)(nil)).Set("state = ?", models.UserDisabled).Where("id = ?", user.ID).Exec(ctx)
		must(t, err)
		_, err = w.VerifyPassword(ctx, "ann@example.com", "correct horse battery", "192.0.2.3")
		wantCode(t, err, models.CodeUnauthenticated)
		_, err = w.PrincipalOf(ctx, signedIn)
		wantCode(t, err, models.CodeUnauthenticated)
	})
}

func TestCreateUserRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		_, err := w.CreateUser(t.Context(), w.operator, identity.CreateUser{LoginName: "taken"})
		must(t, err)
		good := ptr("correct horse battery")
		for name, tc := range map[string]struct {
			who   models.Principal
			cmd   identity.CreateUser
			code  models.Code
			field string
		}{
			"nobody":                   {models.Principal{}, identity.CreateUser{LoginName: "new"}, models.CodeUnauthenticated, ""},
			"a customer":               {w.buyer, identity.CreateUser{LoginName: "new"}, models.CodeForbidden, ""},
			"a foreign partner":        {w.foreign, identity.CreateUser{LoginName: "new", PartnerID: &w.distributor}, models.CodeForbidden, ""},
			"a distributor's reseller": {w.member, identity.CreateUser{LoginName: "new", PartnerID: &w.reseller}, models.CodeForbidden, ""},
			"a taken name":             {w.operator, identity.CreateUser{LoginName: "TAKEN"}, models.CodeConflict, "loginName"},
			"a short name":             {w.operator, identity.CreateUser{LoginName: "ab"}, models.CodeInvalid, "loginName"},
			"a name with a blank":      {w.operator, identity.CreateUser{LoginName: "a b c"}, models.CodeInvalid, "loginName"},
			"a name with a quote":      {w.operator, identity.CreateUser{LoginName: "abc'--"}, models.CodeInvalid, "loginName"},
			"a short password":         {w.operator, identity.CreateUser{LoginName: "new", Password: ptr("123456789")}, models.CodeInvalid, "password"},
			"a long password":          {w.operator, identity.CreateUser{LoginName: "new", Password: ptr(string(make([]rune, 129)))}, models.CodeInvalid, "password"},
			"the name as password":     {w.operator, identity.CreateUser{LoginName: "long-enough", Password: ptr("Long-Enough")}, models.CodeInvalid, "password"},
			"a permission too much":    {w.operator, identity.CreateUser{LoginName: "new", Password: good, CustomerID: &w.customer, Permissions: []models.Permission{models.ManageKeys}}, models.CodeInvalid, "permissions"},
		} {
			_, err := w.CreateUser(t.Context(), tc.who, tc.cmd)
			wantCode(t, err, tc.code)
			if e, ok := err.(*models.Error); ok && e.Field != tc.field {
				t.Errorf("%s: field %q, want %q", name, e.Field, tc.field)
			}
		}
	})
}

func TestGuessingIsThrottledByNameAndByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	try := func(name, addr string) models.Code {
		_, err := w.VerifyPassword(t.Context(), name, "a wrong password", addr)
		return models.CodeOf(err)
	}
	for i := range 20 {
		if code := try("victim", "192.0.2."+string(rune('a'+i))); code != models.CodeUnauthenticated {
			t.Fatalf("attempt %d: %s", i+1, code)
		}
	}
	if code := try("Victim", "198.51.100.1"); code != models.CodeRateLimited {
		t.Errorf("attempt 21 on one name from anywhere: %s", code)
	}
	for i := range 60 {
		try("name-"+string(rune('a'+i)), "203.0.113.9")
	}
	if code := try("fresh-name", "203.0.113.9"); code != models.CodeRateLimited {
		t.Errorf("attempt 61 from one address: %s", code)
	}
	if code := try("fresh-name", "203.0.113.10"); code != models.CodeUnauthenticated {
		t.Errorf("another address is punished too: %s", code)
	}
	w.now = w.now.Add(16 * time.Minute)
	if code := try("victim", "203.0.113.9"); code != models.CodeUnauthenticated {
		t.Errorf("after the window: %s", code)
	}
}

func TestHasher(t *testing.T) {
	t.Parallel()
	hasher, err := identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, rand.Reader, 1)
	must(t, err)
	hash, err := hasher.Hash(t.Context(), "secret")
	must(t, err)
	for name, tc := range map[string]struct {
		password, hash string
		want, fails    bool
	}{
		"right":            {"secret", hash, true, false},
		"wrong":            {"Secret", hash, false, false},
		"no hash":          {"", "", false, false},
		"argon2i":          {"secret", "$argon2i" + hash[len("$argon2id"):], false, true},
		"absurd memory":    {"secret", "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg", false, true},
		"no passes":        {"secret", "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg", false, true},
		"empty sum":        {"secret", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$", false, true},
		"not base64":       {"secret", "$argon2id$v=19$m=64,t=1,p=1$!!$!!", false, true},
		"a plain password": {"secret", "secret", false, true},
	} {
		got, err := hasher.Matches(t.Context(), tc.password, tc.hash)
		if got != tc.want || (err != nil) != tc.fails {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}
