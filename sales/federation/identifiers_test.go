package federation_test

import (
	"testing"

	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestIdentifiersAreComparedByteForByte: what only looks like a bound account or person, or differs in case or in how its accents are
// encoded, is somebody else, on both engines. E-mail addresses identify nobody, so that there is no such comparison to get wrong.
// Attack classes: text tricks at the account.
func TestIdentifiersAreComparedByteForByte(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		w.bound(t, "one")
		for name, ids := range map[string][2]string{
			"case of the account":       {"ACC", "one"},
			"homoglyph in the account":  {"\u0430cc", "one"}, // Cyrillic a
			"full width in the account": {"\uff41cc", "one"},
			"accent on the account":     {"a\u0301cc", "one"},
			"blank behind the account":  {"acc ", "one"},
		} {
			if known, found, err := w.FindIdentity(ctx, "acme_IDP", ids[0], ids[1]); err != nil || found {
				t.Errorf("%s: %+v %v", name, known, err)
			}
		}
		for name, person := range map[string]string{"case of the person": "ONE", "homoglyph in the person": "\u043ene", "blank before the person": " one", "pattern": "o%"} {
			if known, found, err := w.FindIdentity(ctx, "acme_IDP", "acc", person); err != nil || !found || known.Person != nil {
				t.Errorf("%s: %+v %v", name, known.Person, err)
			}
		}
	})
}
