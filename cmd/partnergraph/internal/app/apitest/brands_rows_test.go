package apitest_test

import (
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// brandRows are those of brands.
func brandRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	const version = "{brandVersion{id}}"
	of := func(more map[string]any) changes {
		return changesOf(models.PrefixBrandVersion, "brandVersionId", seersMay, more)
	}
	return map[string]mutationRow{
		"saveBrandDraft": {version, func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, map[string]any{"nameEn": "mine"})
		}},
		"submitBrand":   {version, of(nil)},
		"withdrawBrand": {version, of(nil)},
		"retireBrand":   {version, of(map[string]any{"reason": "mine"})},
		// A partner decides about none, not even its own.
		"reviewBrand": {version, func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			if c.Operator {
				return nil
			}
			for _, id := range w.IDs(models.PrefixBrandVersion) {
				all = append(all, map[string]any{"brandVersionId": id, "revision": 1, "publish": true}, map[string]any{"brandVersionId": id, "revision": 2, "publish": true})
			}
			return all
		}},
	}
}
