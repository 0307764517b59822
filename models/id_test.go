package models_test

import (
	"testing"

	"github.com/partnergraph/partnergraph/models"
)

// As many at once as need more than a counter of twelve bits within a millisecond.
func TestRandomIDsGrow(t *testing.T) {
	t.Parallel()
	next := models.RandomIDs()
	last := next(models.PrefixOrder)
	for range 100_000 {
		id := next(models.PrefixOrder)
		if id <= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		last = id
	}
	if _, err := models.ParseID(string(last)); err != nil {
		t.Error(err)
	}
}
