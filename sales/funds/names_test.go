package funds_test

import (
	"maps"
	"slices"

	"github.com/partnergraph/partnergraph/models"
)

func values(ids map[string]models.ID) []models.ID { return slices.Collect(maps.Values(ids)) }

// names returns, sorted, the names of the ids that were answered for; nil when none was.
func names[V any](ids map[string]models.ID, seen map[models.ID]V) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		if _, ok := seen[ids[name]]; ok {
			found = append(found, name)
		}
	}
	return found
}
