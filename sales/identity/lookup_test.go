package identity_test

import (
	"fmt"
	"sync"
	"testing"

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
