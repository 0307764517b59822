package apitest_test

import (
	"slices"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// clockRows are those of jobs and of what happens to resources at their time.
func clockRows() map[string]mutationRow {
	const resource, results, job = "{resource{id}}", "{results{error{code} resource{id}}}", "{job{id}}"
	// The resources of others, and to a partner all of them: no customer has authorised it.
	customersMay := func(w *apitest.World, c apitest.Caller, id models.ID) bool {
		return c.Operator || c.Org == nil && w.Sees(c, id)
	}
	return map[string]mutationRow{
		"setAutoRenewal":    {resource, changesOf(models.PrefixResource, "resourceId", customersMay, map[string]any{"times": 1})},
		"cancelAutoRenewal": {resource, changesOf(models.PrefixResource, "resourceId", customersMay, nil)},
		"setExpirePolicy":   {results, changesOf(models.PrefixResource, "resourceIds", customersMay, map[string]any{"policy": "DELETE"})},
		"setToPayPerUse":    {results, changesOf(models.PrefixResource, "resourceIds", customersMay, map[string]any{"action": "SET_UP"})},
		"freezeResource":    {resource, changesOf(models.PrefixResource, "resourceId", operatorsMay, map[string]any{"reason": "theirs"})},
		"unfreezeResource":  {resource, changesOf(models.PrefixResource, "resourceId", operatorsMay, nil)},
		"rerunJob":          {job, changesOf(models.PrefixJob, "jobId", operatorsMay, nil)},
		"cancelJob":         {job, changesOf(models.PrefixJob, "jobId", operatorsMay, nil)},
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
