package federation_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestTheFirstPersonOfAnAccountIsOne: of many who arrive at once at an account that was bound before anybody came, one becomes its user.
func TestTheFirstPersonOfAnAccountIsOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx, who := newWorld(t, db), t.Context(), models.SystemPrincipal("test")
		if _, bound, err := w.BindFirstPerson(ctx, who, "acme_IDP", "acc", "one", ""); err != nil || bound {
			t.Errorf("an account that nobody bound: %v, %v", bound, err)
		}
		must(t, db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return w.BindAccountIn(ctx, tx, who, "", models.FederatedAccount{PlatformID: "acme_IDP", XAccountID: "acc", CustomerID: w.customers[0]})
		}))
		var all sync.WaitGroup
		won := make([]bool, 8)
		for i := range won {
			all.Go(func() {
				identity, bound, err := w.BindFirstPerson(ctx, who, "acme_IDP", "acc", fmt.Sprintf("person-%d", i), "")
				if err != nil || bound && identity.Person.UserID != w.users[0] {
					t.Errorf("%d: %+v, %v", i, identity, err)
				}
				won[i] = bound
			})
		}
		all.Wait()
		n := 0
		for _, bound := range won {
			if bound {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d first persons", n)
		}
	})
}

// TestSDPSP16And17WhatAPlatformSaysHoldsForItAlone: SDP-SP16, SDP-SP17: the same account and person said by another platform's identity provider are nobody here.
// Attack classes: takeover across tenants.
func TestSDPSP16And17WhatAPlatformSaysHoldsForItAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		w.bound(t, "one")
		if known, found, err := w.FindIdentity(ctx, "acme_IDP", "acc", "one"); err != nil || !found || known.Person == nil {
			t.Fatalf("%+v %v %v", known, found, err)
		}
		for _, platform := range []string{"other_IDP", "ACME_IDP", "acme_IDP ", ""} {
			if known, found, err := w.FindIdentity(ctx, platform, "acc", "one"); err != nil || found {
				t.Errorf("%q: %+v %v", platform, known, err)
			}
			if _, bound, err := w.BindFirstPerson(ctx, models.SystemPrincipal("test"), platform, "acc", "two", ""); err != nil || bound {
				t.Errorf("%q binds: %v", platform, err)
			}
		}
	})
}
