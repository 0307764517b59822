package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// brandRows are those of brands.
func brandRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	const version = "{brandVersion{id}}"
	others := func(w *apitest.World, c apitest.Caller) []map[string]any {
		return unseen(w, c, models.PrefixBrandVersion, "brandVersionId")
	}
	reasoned := func(w *apitest.World, c apitest.Caller) []map[string]any {
		all := others(w, c)
		for _, one := range all {
			maps.Copy(one, map[string]any{"reason": "mine"})
		}
		return all
	}
	return map[string]mutationRow{
		"saveBrandDraft": {version, func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, map[string]any{"nameEn": "mine"})
		}},
		"submitBrand":   {version, others},
		"withdrawBrand": {version, others},
		"retireBrand":   {version, reasoned},
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
