package session_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/cache/cachetest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

type world struct {
	*session.Service
	identity *identity.Service
	now      time.Time
	ann, bob models.User // both operators
	operator models.Principal
}

func newWorld(t testing.TB, db *store.DB, withCache bool) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	ids := models.RandomIDs()
	recorder := &events.Recorder{IDs: ids, Now: clock}
	hasher, err := identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, rand.Reader, 2)
	must(t, err)
	quiet := slog.New(slog.DiscardHandler)
	w.identity = &identity.Service{DB: db, Now: clock, IDs: ids, Events: recorder, Random: rand.Reader, Passwords: hasher, Logger: quiet}
	w.Service = &session.Service{
		DB: db, Now: clock, IDs: ids, Events: recorder, People: w.identity, Keys: w.identity, Random: rand.Reader, Logger: quiet,
		RequestID: func(*http.Request) string { return "req-1" },
	}
	if withCache {
		w.Cache, err = cache.Open(t.Context(), "memory:", cache.WithNow(clock))
		must(t, err)
	}
	w.operator = models.SystemPrincipal("test")
	w.ann, err = w.identity.CreateUser(t.Context(), w.operator, identity.CreateUser{LoginName: "ann"})
	must(t, err)
	w.bob, err = w.identity.CreateUser(t.Context(), w.operator, identity.CreateUser{LoginName: "bob"})
	must(t, err)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// both runs fn on both engines, with and without a cache in front.
func both(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db, false)) })
	t.Run("cached", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db, true)) })
	})
}

// cachedEach runs fn on both engines with each kind of cache in front.
func cachedEach(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	for name, url := range map[string]string{"memory": "memory:", "redis": cachetest.RedisURL(t)} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db, false)
				w.Cache = cachetest.Open(t, url)
				fn(t, w)
			})
		})
	}
}

// replica is another process with the same database and cache.
func (w *world) replica() *world {
	other := *w
	other.Service = &session.Service{
		DB: w.DB, Now: w.Service.Now, IDs: w.IDs, Events: w.Service.Events, People: w.identity, Keys: w.identity, Random: w.Random,
		Logger: w.Logger, Cache: w.Cache, RequestID: w.RequestID,
	}
	return &other
}

// signIn issues a session for a browser that has the given cookie, which may be nil.
func (w *world) signIn(t testing.TB, user models.User, from session.Origin, had *http.Cookie) (models.Session, *http.Cookie) {
	t.Helper()
	recorder := httptest.NewRecorder()
	issued, err := w.Issue(t.Context(), recorder, request(had), user, from)
	must(t, err)
	cookies := recorder.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	return issued, cookies[0]
}

func request(cookie *http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://sales.example.com/", nil)
	r.RemoteAddr = "192.0.2.1:1234"
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return r
}

// who sends a request through the middleware and returns what a door would see.
func (w *world) who(t *testing.T, r *http.Request) (models.Principal, error) {
	t.Helper()
	var who models.Principal
	var problem error
	seen := false
	w.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who, problem = session.From(r.Context())
		seen = true
	})).ServeHTTP(httptest.NewRecorder(), r)
	if !seen {
		t.Fatal("the middleware swallowed the request")
	}
	return who, problem
}

func (w *world) wantUser(t *testing.T, cookie *http.Cookie, want models.ID) {
	t.Helper()
	who, err := w.who(t, request(cookie))
	must(t, err)
	if who.UserID != want || (want == "") != who.IsAnonymous() {
		t.Errorf("the request comes from %+v, want user %q", who, want)
	}
}

func TestCookieIsSignedInUntilItEnds(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		issued, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
		if cookie.Name != "__Host-partnergraph" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode ||
			cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != 0 || len(cookie.Value) != 43 {
			t.Errorf("cookie %+v", cookie)
		}
		if strings.Contains(string(issued.TokenHash), cookie.Value) {
			t.Error("the row holds the token")
		}
		who, err := w.who(t, request(cookie))
		must(t, err)
		want := models.Principal{
			Kind: models.Operator, UserID: w.ann.ID, SessionID: issued.ID, Permissions: models.AllPermissions(),
			RequestID: "req-1", RemoteAddr: "192.0.2.1",
		}
		for range 2 { // the second time perhaps from the cache
			if diff := cmp.Diff(want, who); diff != "" {
				t.Errorf("principal (-want +got):\n%s", diff)
			}
			who, err = w.who(t, request(cookie))
			must(t, err)
		}
		w.wantUser(t, nil, "")
		forged := *cookie
		forged.Value = strings.Repeat("A", 43)
		w.wantUser(t, &forged, "")
		forged.Value = "short"
		w.wantUser(t, &forged, "")

		recorder := httptest.NewRecorder()
		must(t, w.End(t.Context(), recorder, request(cookie)))
		if gone := recorder.Result().Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 {
			t.Errorf("signing out left the cookie: %v", gone)
		}
		w.wantUser(t, cookie, "")
	})
}

// SDP-SP35: a session that runs out ends by its row alone; nothing runs, so that nobody is asked to sign out elsewhere.
func TestSessionEndsWhenIdleAndAtTheLatest(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		_, used := w.signIn(t, w.ann, session.Origin{}, nil)
		_, idle := w.signIn(t, w.ann, session.Origin{}, nil)
		for range 35 { // 11 h 40 min, never 30 minutes without use
			w.now = w.now.Add(20 * time.Minute)
			w.wantUser(t, used, w.ann.ID)
		}
		w.wantUser(t, idle, "")
		w.now = w.now.Add(20 * time.Minute) // 12 h
		w.wantUser(t, used, "")
	})
}

func TestAssertionBoundsTheSession(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		_, cookie := w.signIn(t, w.ann, session.Origin{PlatformID: "acme_IDP", NameID: "n", NotOnOrAfter: w.now.Add(time.Minute)}, nil)
		w.wantUser(t, cookie, w.ann.ID)
		w.now = w.now.Add(time.Minute)
		w.wantUser(t, cookie, "")
		_, err := w.Issue(t.Context(), httptest.NewRecorder(), request(nil), w.ann, session.Origin{NotOnOrAfter: w.now})
		if models.CodeOf(err) != models.CodeUnauthenticated {
			t.Errorf("an assertion whose session is over: %v", err)
		}
	})
}

func TestSigningInRotates(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		_, first := w.signIn(t, w.ann, session.Origin{}, nil)
		w.wantUser(t, first, w.ann.ID)
		_, second := w.signIn(t, w.bob, session.Origin{}, first)
		if first.Value == second.Value {
			t.Error("the token stayed")
		}
		w.wantUser(t, first, "")
		w.wantUser(t, second, w.bob.ID)
	})
}

func TestWhoMayEndSessions(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann := models.Principal{Kind: models.PartnerMember, UserID: w.ann.ID}
		bob := models.Principal{Kind: models.PartnerMember, UserID: w.bob.ID, Permissions: models.AllPermissions()}
		revoke := func(who models.Principal, id models.ID) error {
			_, err := w.Revoke(ctx, who, models.RevokeSession{SessionID: id})
			return err
		}
		revokeAll := func(who models.Principal, id models.ID) error {
			_, err := w.RevokeAll(ctx, who, models.RevokeAllSessions{UserID: &id})
			return err
		}
		mine, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
		_, other := w.signIn(t, w.ann, session.Origin{}, nil)
		w.wantUser(t, cookie, w.ann.ID)
		w.wantUser(t, other, w.ann.ID)
		for name, tc := range map[string]struct {
			who  models.Principal
			id   models.ID
			code models.Code
		}{
			"nobody":             {models.Principal{}, mine.ID, models.CodeUnauthenticated},
			"another person":     {bob, mine.ID, models.CodeNotFound},
			"a key":              {models.Principal{Kind: models.PartnerKey, KeyID: "key_x", Permissions: models.AllPermissions()}, mine.ID, models.CodeForbidden},
			"an unknown one":     {ann, models.RandomIDs()(models.PrefixSession), models.CodeNotFound},
			"another kind of id": {ann, w.ann.ID, models.CodeInvalid},
		} {
			if err := revoke(tc.who, tc.id); models.CodeOf(err) != tc.code {
				t.Errorf("%s: got %v, want %s", name, err, tc.code)
			}
		}
		w.wantUser(t, cookie, w.ann.ID)
		listed, err := w.List(ctx, ann)
		must(t, err)
		if len(listed) != 2 || listed[1].ID != mine.ID {
			t.Errorf("listed %+v, want two, the newest first", listed)
		}
		must(t, revoke(ann, mine.ID))
		must(t, revoke(ann, mine.ID))
		w.wantUser(t, cookie, "")
		w.wantUser(t, other, w.ann.ID)

		for name, tc := range map[string]struct {
			who  models.Principal
			id   models.ID
			code models.Code
		}{
			"nobody":             {models.Principal{}, w.ann.ID, models.CodeUnauthenticated},
			"another person":     {bob, w.ann.ID, models.CodeNotFound},
			"another kind of id": {ann, mine.ID, models.CodeInvalid},
			"an unknown person":  {w.operator, models.RandomIDs()(models.PrefixUser), models.CodeNotFound},
		} {
			if err := revokeAll(tc.who, tc.id); models.CodeOf(err) != tc.code {
				t.Errorf("all by %s: got %v, want %s", name, err, tc.code)
			}
		}
		must(t, revokeAll(w.operator, w.ann.ID))
		w.wantUser(t, other, "")
		// A session issued for the person as it was before the end does not count.
		_, stale := w.signIn(t, w.ann, session.Origin{}, nil)
		w.wantUser(t, stale, "")
		fresh, err := w.identity.UserByID(ctx, w.ann.ID)
		must(t, err)
		_, again := w.signIn(t, fresh, session.Origin{}, nil)
		w.wantUser(t, again, w.ann.ID)
		listed, err = w.List(ctx, models.Principal{Kind: models.PartnerKey, KeyID: "key_x"})
		if err != nil || len(listed) != 0 {
			t.Errorf("a key has sessions: %v, %v", listed, err)
		}
	})
}

func TestBearerKeyWinsOverTheCookie(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		_, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
		key, err := w.identity.CreateKey(t.Context(), w.operator, identity.CreateKey{Name: "k", Scopes: []models.Permission{models.ReadOrders}})
		must(t, err)
		for name, tc := range map[string]struct {
			headers []string
			code    models.Code
		}{
			"a good key":          {[]string{"Bearer " + key.Secret}, ""},
			"in any case":         {[]string{"bEARER  " + key.Secret}, ""},
			"a bad key":           {[]string{"Bearer pgk_" + strings.Repeat("a", 43)}, models.CodeUnauthenticated},
			"an empty key":        {[]string{"Bearer"}, models.CodeUnauthenticated},
			"an empty header":     {[]string{""}, models.CodeUnauthenticated},
			"another scheme":      {[]string{"Basic YTpi"}, models.CodeUnauthenticated},
			"the key and another": {[]string{"Bearer " + key.Secret, "Bearer x"}, models.CodeUnauthenticated},
		} {
			r := request(cookie)
			r.Header["Authorization"] = tc.headers
			who, err := w.who(t, r)
			if models.CodeOf(err) != tc.code || (tc.code == "" && who.KeyID != key.APIKey.ID) || (tc.code != "" && !who.IsAnonymous()) || who.UserID != "" {
				t.Errorf("%s: %+v, %v", name, who, err)
			}
		}
	})
}

func TestPlatformSignsOutItsOwn(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		from := func(platform, name, index string) *http.Cookie {
			_, cookie := w.signIn(t, w.ann, session.Origin{PlatformID: platform, NameID: name, SessionIndex: index}, nil)
			w.wantUser(t, cookie, w.ann.ID)
			return cookie
		}
		a1, a2, b, elsewhere := from("acme_IDP", "a", "1"), from("acme_IDP", "a", "2"), from("acme_IDP", "b", "1"), from("other_IDP", "a", "1")
		_, local := w.signIn(t, w.ann, session.Origin{}, nil)
		n, err := w.EndFederated(ctx, "acme_IDP", session.Name{Value: "a"}, []string{"1"})
		if err != nil || n != 1 {
			t.Errorf("ended %d, %v", n, err)
		}
		w.wantUser(t, a1, "")
		w.wantUser(t, a2, w.ann.ID)
		n, err = w.EndFederated(ctx, "acme_IDP", session.Name{Value: "a"}, nil)
		if err != nil || n != 1 {
			t.Errorf("ended %d, %v", n, err)
		}
		if n, err = w.EndFederated(ctx, "", session.Name{}, nil); err != nil || n != 0 {
			t.Errorf("without names %d ended, %v", n, err)
		}
		w.wantUser(t, a2, "")
		for _, cookie := range []*http.Cookie{b, elsewhere, local} {
			w.wantUser(t, cookie, w.ann.ID)
		}
		current, found, err := w.Current(ctx, request(b))
		if err != nil || !found || current.NameID != "b" || current.PlatformID != "acme_IDP" {
			t.Errorf("current %+v, %v, %v", current, found, err)
		}
	})
}

// SDP-SP28: a name is the same only when every part of it is.
func TestLogoutComparesEveryPartOfTheName(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		full := session.Name{Value: "a", Format: "f", NameQualifier: "q", SPNameQualifier: "s"}
		_, cookie := w.signIn(t, w.ann, session.Origin{
			PlatformID: "acme_IDP", NameID: full.Value, NameIDFormat: full.Format, NameQualifier: full.NameQualifier, SPNameQualifier: full.SPNameQualifier,
			AuthnContext: "urn:c",
		}, nil)
		current, _, err := w.Current(t.Context(), request(cookie))
		must(t, err)
		got := session.Name{
			Value: current.NameID, Format: current.NameIDFormat, NameQualifier: current.NameQualifier, SPNameQualifier: current.SPNameQualifier,
		}
		if got != full || current.Method != session.MethodSAML || current.AuthnContext != "urn:c" {
			t.Errorf("current %+v", current)
		}
		for what, change := range map[string]func(*session.Name){
			"value": func(n *session.Name) { n.Value = "A" }, "format": func(n *session.Name) { n.Format = "" },
			"qualifier": func(n *session.Name) { n.NameQualifier = "x" }, "provider": func(n *session.Name) { n.SPNameQualifier = "" },
		} {
			other := full
			change(&other)
			if n, err := w.EndFederated(t.Context(), "acme_IDP", other, nil); n != 0 || err != nil {
				t.Errorf("another %s: %d ended, %v", what, n, err)
			}
		}
		w.wantUser(t, cookie, w.ann.ID)
		if n, err := w.EndFederated(t.Context(), "acme_IDP", full, nil); n != 1 || err != nil {
			t.Errorf("%d ended, %v", n, err)
		}
		w.wantUser(t, cookie, "")
	})
}

func TestEndByIDs(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		first, a := w.signIn(t, w.ann, session.Origin{}, nil)
		second, b := w.signIn(t, w.bob, session.Origin{Method: session.MethodTicket}, nil)
		_, c := w.signIn(t, w.bob, session.Origin{}, nil)
		if second.Method != session.MethodTicket || first.Method != session.MethodPassword {
			t.Errorf("methods %q, %q", first.Method, second.Method)
		}
		for _, cookie := range []*http.Cookie{a, b, c} {
			if _, err := w.who(t, request(cookie)); err != nil { // known to the cache
				t.Fatal(err)
			}
		}
		ids := []models.ID{first.ID, second.ID, models.RandomIDs()(models.PrefixSession)}
		for _, want := range []int{2, 0} {
			if n, err := w.EndByIDs(t.Context(), ids); n != want || err != nil {
				t.Errorf("%d ended, %v, want %d", n, err, want)
			}
		}
		if n, err := w.EndByIDs(t.Context(), nil); n != 0 || err != nil {
			t.Errorf("nothing: %d ended, %v", n, err)
		}
		w.wantUser(t, a, "")
		w.wantUser(t, b, "")
		w.wantUser(t, c, w.bob.ID)
	})
}

func TestDisabledPersonIsOutWithinTenSeconds(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		_, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
		w.wantUser(t, cookie, w.ann.ID)
		_, err := w.DB.NewUpdate().Model((*models.User)(nil)).Set("state = ?", models.UserDisabled).Where("id = ?", w.ann.ID).Exec(t.Context())
		must(t, err)
		w.now = w.now.Add(11 * time.Second)
		w.wantUser(t, cookie, "")
	})
}

func TestCacheSavesStatementsAndMayBeLost(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, true)
		_, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
		w.wantUser(t, cookie, w.ann.ID)
		ctx, counter := store.CountStatements(t.Context())
		who, err := w.Lookup(ctx, request(cookie).WithContext(ctx))
		if err != nil || who.UserID != w.ann.ID || counter.Count() != 0 {
			t.Errorf("%+v, %v, %d statements, want none", who, err, counter.Count())
		}
		w.Cache, err = cache.Open(t.Context(), "memory:") // flushed
		must(t, err)
		w.wantUser(t, cookie, w.ann.ID)
	})
}

// slowCache lets a session end between a reader's look at the row and its fill.
type slowCache struct {
	cache.Leased
	beforeFill func()
}

func (c *slowCache) FillAll(ctx context.Context, fillings []cache.Filling, ttl time.Duration) {
	if run := c.beforeFill; run != nil {
		c.beforeFill = nil
		run()
	}
	c.Leased.FillAll(ctx, fillings, ttl)
}

func TestSlowReaderDoesNotReviveAnEndedSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *world, *http.Cookie){
		"one": func(t *testing.T, w *world, cookie *http.Cookie) {
			must(t, w.End(t.Context(), httptest.NewRecorder(), request(cookie)))
		},
		"all": func(t *testing.T, w *world, _ *http.Cookie) {
			_, err := w.RevokeAll(t.Context(), w.operator, models.RevokeAllSessions{UserID: &w.ann.ID})
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cachedEach(t, func(t *testing.T, w *world) {
				_, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
				w.Cache = &slowCache{Leased: w.Cache, beforeFill: func() { end(t, w, cookie) }}
				w.wantUser(t, cookie, w.ann.ID) // it looked before the end
				w.wantUser(t, cookie, "")
			})
		})
	}
}

func TestSweepDeletesLongEnded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, false)
		w.signIn(t, w.ann, session.Origin{}, nil)
		w.now = w.now.Add(36*time.Hour + time.Second)
		_, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
		if n, err := w.Sweep(t.Context()); err != nil || n != 1 {
			t.Errorf("swept %d, %v", n, err)
		}
		w.wantUser(t, cookie, w.ann.ID)
	})
}
