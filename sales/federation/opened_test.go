package federation_test

import (
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// Keys stay open from one look to the next, but the row decides each time: what a key is for, and whether there is one.
func TestAnOpenKeyFollowsItsRow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		made, err := w.EnsureKey(t.Context(), "acme_IDP")
		must(t, err)
		again, err := w.Keys(t.Context(), "acme_IDP")
		must(t, err)
		if len(again) != 1 || again[0].Private != made.Private {
			t.Fatalf("opened anew: %+v", again)
		}
		_, err = db.NewUpdate().Model((*models.SigningKey)(nil)).Set("state = ?", models.KeyRetired).Where("id = ?", made.ID).Exec(t.Context())
		must(t, err)
		retired, err := w.Keys(t.Context(), "acme_IDP")
		must(t, err)
		if len(retired) != 1 || retired[0].State != models.KeyRetired {
			t.Errorf("retired: %+v", retired)
		}
		_, err = db.NewUpdate().Model((*models.SigningKey)(nil)).Set("key_sealed = ?", []byte("broken")).Where("id = ?", made.ID).Exec(t.Context())
		must(t, err)
		if _, err := w.Keys(t.Context(), "acme_IDP"); err == nil {
			t.Error("a seal that was tampered with opens")
		}
		_, err = db.NewDelete().Model((*models.SigningKey)(nil)).Where("id = ?", made.ID).Exec(t.Context())
		must(t, err)
		if gone, err := w.Keys(t.Context(), "acme_IDP"); err != nil || len(gone) != 0 {
			t.Errorf("deleted: %+v %v", gone, err)
		}
	})
}
