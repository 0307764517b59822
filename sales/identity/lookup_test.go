package identity_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestKeysThatAreAskedForTogetherStayApart: requests share statements, never answers, and a key that was revoked is refused
// to whoever asks afterwards.
func TestKeysThatAreAskedForTogetherStayApart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Cache = nil
		ctx := t.Context()
		var secrets []string
		ids := map[string]models.ID{}
		for i := range 16 {
			created, err := w.CreateKey(ctx, w.seller, identity.CreateKey{Name: fmt.Sprint("k", i)})
			must(t, err)
			secrets = append(secrets, created.Secret)
			ids[created.Secret] = created.APIKey.ID
		}
		counted, counter := store.CountStatements(ctx)
		last := secrets[len(secrets)-1] // revoked in the midst
		var wg sync.WaitGroup
		for client := range 64 {
			wg.Go(func() {
				for i := range 20 {
					secret := secrets[(client+i)%(len(secrets)-1)]
					who, err := w.Authenticate(counted, secret)
					if err != nil || who.KeyID != ids[secret] {
						t.Errorf("a key is answered with %s and %v, want %s", who.KeyID, err, ids[secret])
					}
				}
			})
		}
		_, err := w.RevokeKey(ctx, w.seller, identity.RevokeKey{APIKeyID: ids[last]})
		must(t, err)
		_, err = w.Authenticate(ctx, last)
		wantCode(t, err, models.CodeUnauthenticated)
		wg.Wait()
		if n := counter.Count(); n >= 64*20 {
			t.Errorf("%d statements for %d requests", n, 64*20)
		}
	})
}

// TestAKeyIsRememberedForAMomentAndEndsAtOnce: what the cache knows of a key takes no statement, and counts no longer than the key.
func TestAKeyIsRememberedForAMomentAndEndsAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		soon := w.now.Add(5 * time.Second)
		created, err := w.CreateKey(ctx, w.seller, identity.CreateKey{Name: "short", ExpiresAt: &soon})
		must(t, err)
		fresh, err := w.Authenticate(ctx, created.Secret)
		must(t, err)
		counted, counter := store.CountStatements(ctx)
		_, err = w.Authenticate(counted, created.Secret) // a key that comes again is worth remembering
		must(t, err)
		if counter.Count() != 1 {
			t.Errorf("%d statements for a key that came once", counter.Count())
		}
		counted, counter = store.CountStatements(ctx)
		kept, err := w.Authenticate(counted, created.Secret)
		must(t, err)
		if diff := cmp.Diff(fresh, kept); diff != "" {
			t.Errorf("the cache has another principal (-row +cache):\n%s", diff)
		}
		if counter.Count() != 0 {
			t.Errorf("%d statements for a key that is remembered", counter.Count())
		}
		w.now = soon
		_, err = w.Authenticate(ctx, created.Secret)
		wantCode(t, err, models.CodeUnauthenticated)

		rotated, err := w.CreateKey(ctx, w.seller, identity.CreateKey{Name: "rotated"})
		must(t, err)
		_, err = w.Authenticate(ctx, rotated.Secret)
		must(t, err)
		minute := 1
		_, err = w.RotateKey(ctx, w.seller, identity.RotateKey{APIKeyID: rotated.APIKey.ID, KeepMinutes: &minute})
		must(t, err)
		_, err = w.Authenticate(ctx, rotated.Secret)
		must(t, err)
		w.now = w.now.Add(time.Minute)
		_, err = w.Authenticate(ctx, rotated.Secret)
		wantCode(t, err, models.CodeUnauthenticated)
	})
}

// TestAKeyIsNeverRememberedPastItsEnd: many readers fill the cache while the key is revoked; who asks afterwards is refused.
func TestAKeyIsNeverRememberedPastItsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for round := range 10 {
			created, err := w.CreateKey(t.Context(), w.seller, identity.CreateKey{Name: fmt.Sprint("k", round)})
			must(t, err)
			var ended atomic.Bool
			var readers sync.WaitGroup
			for range 8 {
				readers.Go(func() {
					for range 30 {
						before := ended.Load()
						if _, err := w.Authenticate(t.Context(), created.Secret); before && models.CodeOf(err) != models.CodeUnauthenticated {
							t.Errorf("a revoked key: %v", err)
						}
					}
				})
			}
			_, err = w.RevokeKey(t.Context(), w.seller, identity.RevokeKey{APIKeyID: created.APIKey.ID})
			must(t, err)
			ended.Store(true)
			readers.Wait()
			_, err = w.Authenticate(t.Context(), created.Secret)
			wantCode(t, err, models.CodeUnauthenticated)
		}
	})
}
