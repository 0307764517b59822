package models_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.jetify.com/typeid"

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

// The library is the reference: its own way of making an id takes it apart again and costs four times as much.
func TestIDsAreTypeIDs(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"a", "cus", "a_b", "a__b", strings.Repeat("x", 63), "", "_a", "a_", "_", "A", "a1", "ä", "a b", strings.Repeat("x", 64)} {
		for range 100 {
			id := uuid.New()
			got, err := models.IDFromUUID(prefix, id)
			want, wrong := typeid.FromUUIDBytesWithPrefix(prefix, id[:])
			switch {
			case wrong != nil || prefix == "":
				if err == nil {
					t.Errorf("%q made %s", prefix, got)
				}
			case err != nil || string(got) != want.String():
				t.Errorf("%q: %s, %v; want %s", prefix, got, err, want)
			}
		}
	}
}
