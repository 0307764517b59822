package apitest_test

import (
	"maps"
	"slices"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// clockRows are those of jobs and of what happens to resources at their time.
func clockRows() map[string]mutationRow {
	// The resources of others, and to a partner all of them: no customer has authorised it.
	resources := func(name string, list bool, more map[string]any, mine func(w *apitest.World, c apitest.Caller, id models.ID) bool) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixResource) {
				if mine(w, c, id) {
					continue
				}
				one := map[string]any{name: id}
				if list {
					one[name] = []models.ID{id}
				}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	customers := func(w *apitest.World, c apitest.Caller, id models.ID) bool {
		return c.Operator || c.Org == nil && w.Sees(c, id)
	}
	operators := func(_ *apitest.World, c apitest.Caller, _ models.ID) bool { return c.Operator }
	jobs := func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
		for _, id := range w.IDs(models.PrefixJob) {
			if !c.Operator {
				all = append(all, map[string]any{"jobId": id})
			}
		}
		return all
	}
	return map[string]mutationRow{
		"setAutoRenewal":    {"{resource{id}}", resources("resourceId", false, map[string]any{"times": 1}, customers)},
		"cancelAutoRenewal": {"{resource{id}}", resources("resourceId", false, nil, customers)},
		"setExpirePolicy":   {"{results{error{code} resource{id}}}", resources("resourceIds", true, map[string]any{"policy": "DELETE"}, customers)},
		"setToPayPerUse":    {"{results{error{code} resource{id}}}", resources("resourceIds", true, map[string]any{"action": "SET_UP"}, customers)},
		"freezeResource":    {"{resource{id}}", resources("resourceId", false, map[string]any{"reason": "theirs"}, operators)},
		"unfreezeResource":  {"{resource{id}}", resources("resourceId", false, nil, operators)},
		"rerunJob":          {"{job{id}}", jobs},
		"cancelJob":         {"{job{id}}", jobs},
	}
}

// refusals are the codes of a batch whose items were all refused, each once, and what was answered in spite of that.
func refusals(results []any) (codes []string, answered any) {
	for _, result := range results {
		item, _ := result.(map[string]any)
		failure, _ := item["error"].(map[string]any)
		code, _ := failure["code"].(string)
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
		for _, object := range []string{"resource", "coupon", "couponQuota"} {
			if item[object] != nil {
				answered = item[object]
			}
		}
	}
	return codes, answered
}
