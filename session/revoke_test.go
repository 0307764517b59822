package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/cache/cachetest"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
)

// countingCache counts what is asked of it, each key as one.
type countingCache struct {
	cache.Leased
	operations, trips int
}

func (c *countingCache) Lookup(ctx context.Context, key string) cache.Entry {
	c.operations, c.trips = c.operations+1, c.trips+1
	return c.Leased.Lookup(ctx, key)
}

func (c *countingCache) LookupAll(ctx context.Context, keys []string) []cache.Entry {
	c.operations, c.trips = c.operations+len(keys), c.trips+1
	return c.Leased.LookupAll(ctx, keys)
}

func (c *countingCache) FillAll(ctx context.Context, fillings []cache.Filling, ttl time.Duration) {
	c.operations, c.trips = c.operations+len(fillings), c.trips+1
	c.Leased.FillAll(ctx, fillings, ttl)
}

func (c *countingCache) InvalidateAll(ctx context.Context, invalidations []cache.Invalidation) error {
	c.operations, c.trips = c.operations+len(invalidations), c.trips+1
	return c.Leased.InvalidateAll(ctx, invalidations)
}

func (w *world) revokeAll(ctx context.Context, t *testing.T, user models.User) int {
	t.Helper()
	ended, err := w.RevokeAll(ctx, w.operator, models.RevokeAllSessions{UserID: &user.ID})
	must(t, err)
	return ended.RevokedCount
}

func TestEndingAllCostsTheSameForOneAndForMany(t *testing.T) {
	t.Parallel()
	cachedEach(t, func(t *testing.T, w *world) {
		counting := &countingCache{Leased: w.Cache}
		w.Cache = counting
		end := func(user models.User, n int) (statements int64, operations int) {
			cookies := make([]*http.Cookie, n)
			for i := range cookies {
				_, cookies[i] = w.signIn(t, user, session.Origin{}, nil)
				w.wantUser(t, cookies[i], user.ID)
			}
			ctx, counter := store.CountStatements(t.Context())
			before := counting.operations
			if ended := w.revokeAll(ctx, t, user); ended != n {
				t.Errorf("%d ended, want %d", ended, n)
			}
			statements, operations = int64(counter.Count()), counting.operations-before
			for _, cookie := range cookies {
				w.wantUser(t, cookie, "")
			}
			return statements, operations
		}
		oneStatements, oneOperations := end(w.ann, 1)
		manyStatements, manyOperations := end(w.bob, 40)
		if oneStatements != manyStatements || oneOperations != 1 || manyOperations != 1 {
			t.Errorf("one session: %d statements, %d operations of the cache; 40: %d and %d",
				oneStatements, oneOperations, manyStatements, manyOperations)
		}
		if again := w.revokeAll(t.Context(), t, w.bob); again != 0 {
			t.Errorf("ending again ended %d", again)
		}
		if listed, err := w.List(t.Context(), models.Principal{Kind: models.Operator, UserID: w.bob.ID}); err != nil || len(listed) != 0 {
			t.Errorf("listed %v, %v", listed, err)
		}
		if n, err := w.EndFederated(t.Context(), "acme_IDP", session.Name{Value: "n"}, nil); n != 0 || err != nil {
			t.Errorf("a platform ended %d, %v", n, err)
		}
	})
}

func TestCachedLookupIsOneTrip(t *testing.T) {
	t.Parallel()
	cachedEach(t, func(t *testing.T, w *world) {
		counting := &countingCache{Leased: w.Cache}
		w.Cache = counting
		_, cookie := w.signIn(t, w.ann, session.Origin{}, nil)
		w.wantUser(t, cookie, w.ann.ID)
		counting.trips = 0
		ctx, counter := store.CountStatements(t.Context())
		who, err := w.Lookup(ctx, request(cookie))
		if err != nil || who.UserID != w.ann.ID || counting.trips != 1 || counter.Count() != 0 {
			t.Errorf("%+v, %v: %d trips, %d statements", who, err, counting.trips, counter.Count())
		}
		// A replica that has never seen the token finds it with one more trip, and knows it from then on.
		other := w.replica()
		for _, want := range []int{2, 1} {
			counting.trips = 0
			who, err = other.Lookup(ctx, request(cookie))
			if err != nil || who.UserID != w.ann.ID || counting.trips != want || counter.Count() != 0 {
				t.Errorf("replica: %+v, %v: %d trips, want %d, %d statements", who, err, counting.trips, want, counter.Count())
			}
		}
	})
}

func TestEveryReplicaHearsOfEveryEndAtOnce(t *testing.T) {
	t.Parallel()
	cachedEach(t, func(t *testing.T, w *world) {
		other := w.replica()
		_, first := w.signIn(t, w.ann, session.Origin{}, nil)
		mine, second := other.signIn(t, w.ann, session.Origin{}, nil)
		_, bystander := w.signIn(t, w.bob, session.Origin{}, nil)
		for range 2 {
			for _, replica := range []*world{w, other} {
				replica.wantUser(t, first, w.ann.ID)
				replica.wantUser(t, second, w.ann.ID)
				replica.wantUser(t, bystander, w.bob.ID)
			}
		}
		_, err := w.Revoke(t.Context(), w.operator, models.RevokeSession{SessionID: mine.ID})
		must(t, err)
		other.wantUser(t, second, "")
		other.wantUser(t, first, w.ann.ID)
		w.revokeAll(t.Context(), t, w.ann)
		for _, replica := range []*world{w, other} {
			replica.wantUser(t, first, "")
			replica.wantUser(t, second, "")
			replica.wantUser(t, bystander, w.bob.ID)
		}
		fresh, err := w.identity.UserByID(t.Context(), w.ann.ID)
		must(t, err)
		_, again := other.signIn(t, fresh, session.Origin{}, nil)
		w.wantUser(t, again, w.ann.ID)
		other.wantUser(t, again, w.ann.ID)
	})
}

func TestLostRedisLogsNobodyOutAndLetsNobodyIn(t *testing.T) {
	t.Parallel()
	cachedEach(t, func(t *testing.T, w *world) {
		_, ended := w.signIn(t, w.ann, session.Origin{}, nil)
		_, stays := w.signIn(t, w.bob, session.Origin{}, nil)
		w.wantUser(t, ended, w.ann.ID)
		w.wantUser(t, stays, w.bob.ID)
		// A Redis that is not there at all.
		gone, err := cache.Open(t.Context(), "redis://127.0.0.1:1", cache.WithOptions(cache.Options{Timeout: 50 * time.Millisecond, Logger: w.Logger}))
		must(t, err)
		defer func() { _ = gone.Close() }()
		w.Cache = gone
		w.wantUser(t, ended, w.ann.ID)
		w.revokeAll(t.Context(), t, w.ann)
		w.wantUser(t, ended, "")
		w.wantUser(t, stays, w.bob.ID)
		_, fresh := w.signIn(t, w.bob, session.Origin{}, nil)
		w.wantUser(t, fresh, w.bob.ID)
		// One that comes back empty.
		w.Cache = cachetest.Open(t, "memory:")
		for range 3 {
			w.wantUser(t, ended, "")
			w.wantUser(t, stays, w.bob.ID)
		}
	})
}

func TestRotationLeavesTheOldTokenWorthless(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, w *world) {
		issued, old := w.signIn(t, w.ann, session.Origin{}, nil)
		w.wantUser(t, old, w.ann.ID)
		recorder := httptest.NewRecorder()
		rotated, found, err := w.Rotate(t.Context(), recorder, request(old))
		must(t, err)
		cookies := recorder.Result().Cookies()
		if !found || rotated.ID != issued.ID || len(cookies) != 1 || cookies[0].Value == old.Value || !cookies[0].Secure || !cookies[0].HttpOnly {
			t.Fatalf("rotated %v %+v, cookies %v", found, rotated, cookies)
		}
		w.wantUser(t, old, "")
		w.wantUser(t, cookies[0], w.ann.ID)
		for name, cookie := range map[string]*http.Cookie{"the old token": old, "none": nil} {
			recorder = httptest.NewRecorder()
			if _, found, err = w.Rotate(t.Context(), recorder, request(cookie)); err != nil || found || len(recorder.Result().Cookies()) != 0 {
				t.Errorf("%s: %v, %v, cookies %v", name, found, err, recorder.Result().Cookies())
			}
		}
		n, err := w.DB.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ?", models.EventSessionRotated).Count(t.Context())
		if err != nil || n != 1 {
			t.Errorf("%d rotations recorded, %v", n, err)
		}
	})
}

func TestChangedPrivilegesRotateTheToken(t *testing.T) {
	t.Parallel()
	cachedEach(t, func(t *testing.T, w *world) {
		_, old := w.signIn(t, w.ann, session.Origin{}, nil)
		post := func(cookie *http.Cookie) (models.Principal, []*http.Cookie, *http.Request) {
			r := request(cookie)
			r.Method = http.MethodPost
			r.AddCookie(&http.Cookie{Name: "other", Value: "kept"})
			var who models.Principal
			var seen *http.Request
			recorder := httptest.NewRecorder()
			w.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				who, seen = session.Who(r.Context()), r
			})).ServeHTTP(recorder, r)
			return who, recorder.Result().Cookies(), seen
		}
		if who, cookies, _ := post(old); who.UserID != w.ann.ID || len(cookies) != 0 {
			t.Errorf("unchanged: %+v, cookies %v", who, cookies)
		}
		_, err := w.DB.NewUpdate().Model((*models.User)(nil)).Set("permissions = ?", `["ORDERS_READ"]`).Where("id = ?", w.ann.ID).Exec(t.Context())
		must(t, err)
		w.Cache = cachetest.Open(t, "memory:") // as after ten seconds
		w.wantUser(t, old, w.ann.ID)           // a GET carries no token
		who, cookies, seen := post(old)
		if who.UserID != w.ann.ID || !slices.Equal(who.Permissions, []models.Permission{models.ReadOrders}) || len(cookies) != 1 {
			t.Fatalf("changed: %+v, cookies %v", who, cookies)
		}
		if again, err := session.Again(seen.Context()); err != nil || again.UserID != w.ann.ID {
			t.Errorf("the request that rotated goes on as %+v, %v", again, err)
		}
		if kept, err := seen.Cookie("other"); err != nil || kept.Value != "kept" {
			t.Errorf("other cookies: %v, %v", kept, err)
		}
		if who, more, _ := post(cookies[0]); who.UserID != w.ann.ID || len(more) != 0 {
			t.Errorf("after it: %+v, cookies %v", who, more)
		}
		// What was sent with the old token meanwhile is not lost; it counts by the row alone, and gets no token.
		if who, more, _ := post(old); who.UserID != w.ann.ID || len(more) != 0 {
			t.Errorf("the old token at once: %+v, cookies %v", who, more)
		}
		w.now = w.now.Add(11 * time.Second)
		w.wantUser(t, old, "")
		if who, more, _ := post(old); !who.IsAnonymous() || len(more) != 0 {
			t.Errorf("the old token: %+v, cookies %v", who, more)
		}
		w.wantUser(t, cookies[0], w.ann.ID)
	})
}

// TestRequestsAtOnceSurviveARotation: every one of them is the person, one answer has the new token, and the old one ends with the
// session, also when that is within the grace.
func TestRequestsAtOnceSurviveARotation(t *testing.T) {
	t.Parallel()
	cachedEach(t, func(t *testing.T, w *world) {
		for _, end := range []string{"old", "new"} {
			_, old := w.signIn(t, w.bob, session.Origin{}, nil)
			_, err := w.DB.NewUpdate().Model((*models.User)(nil)).Set("permissions = ?", `["`+map[string]string{"old": "ORDERS_READ", "new": "CUSTOMERS_READ"}[end]+`"]`).
				Where("id = ?", w.bob.ID).Exec(t.Context())
			must(t, err)
			w.Cache = cachetest.Open(t, "memory:")
			var wg sync.WaitGroup
			var mu sync.Mutex
			var fresh []*http.Cookie
			for range 8 {
				wg.Go(func() {
					r := request(old)
					r.Method = http.MethodPost
					recorder := httptest.NewRecorder()
					w.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						if who, err := session.From(r.Context()); err != nil || who.UserID != w.bob.ID {
							t.Errorf("one of the requests is %+v, %v", who, err)
						}
					})).ServeHTTP(recorder, r)
					mu.Lock()
					defer mu.Unlock()
					fresh = append(fresh, recorder.Result().Cookies()...)
				})
			}
			wg.Wait()
			if len(fresh) != 1 {
				t.Fatalf("%d answers carry a token", len(fresh))
			}
			w.wantUser(t, old, w.bob.ID)
			w.wantUser(t, fresh[0], w.bob.ID)
			by := map[string]*http.Cookie{"old": old, "new": fresh[0]}[end]
			must(t, w.End(t.Context(), httptest.NewRecorder(), request(by)))
			w.wantUser(t, old, "")
			w.wantUser(t, fresh[0], "")
		}
	})
}

// BenchmarkCachedLookup is the lookup of a session that the cache knows: Redis when there is one, and this process's memory.
func BenchmarkCachedLookup(b *testing.B) {
	db, err := store.Open(b.Context(), "sqlite://"+b.TempDir()+"/bench.db")
	must(b, err)
	defer func() { _ = db.Close() }()
	_, err = migrations.Up(b.Context(), db)
	must(b, err)
	w := newWorld(b, db, false)
	urls := map[string]string{"memory": "memory:"}
	if url := os.Getenv("TEST_REDIS_URL"); url != "" {
		urls["redis"] = url
	}
	for name, url := range urls {
		b.Run(name, func(b *testing.B) {
			c, err := cache.Open(b.Context(), url)
			must(b, err)
			defer func() { _ = c.Close() }()
			w.Cache, w.Service.Now = c, time.Now
			_, cookie := w.signIn(b, w.ann, session.Origin{}, nil)
			r := request(cookie)
			for b.Loop() {
				if who, err := w.Lookup(b.Context(), r); err != nil || who.UserID != w.ann.ID {
					b.Fatal(who, err)
				}
			}
		})
	}
}
