package apitest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

const askRenewal = `mutation($id: ID!){quoteRenewal(input: {resourceIds: [$id], periodType: MONTH, periodCount: 1}){
	quote{officialAmount bestOffer{kind amount} lines{productId parentProductId resource{id}}} problems{productId code reason wrongCodes}}}`

func TestForeignResourcesHaveNoRenewalPrice(t *testing.T) {
	t.Parallel()
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		if c.Void() {
			return // TestNoMutationTouchesWhatIsOthers
		}
		for _, id := range w.IDs(models.PrefixResource) {
			if w.Sees(c, id) {
				continue
			}
			answer := s.Ask(t, c.Key, askRenewal, map[string]any{"id": id})
			wantWhole(t, c, "quoteRenewal", answer)
			got := []any{answer.At("quoteRenewal", "quote"), answer.At("quoteRenewal", "problems", 0, "reason"), answer.At("quoteRenewal", "problems", 0, "code")}
			if diff := cmp.Diff([]any{nil, "RESOURCE_NOT_FOUND", "NOT_FOUND"}, got); diff != "" {
				t.Errorf("%s: %s", id, diff)
			}
		}
	})
}

func TestARenewalTakesTheDiskAlong(t *testing.T) {
	t.Parallel()
	apitest.Each(t, func(t *testing.T, s *apitest.Server) {
		w := apitest.Build(t, s)
		b := w.Providers[0].Resale
		all := s.Ask(t, b.Key, `{resources(onlyMain: true){nodes{id subResources{id}}}}`, nil)
		main, disk := all.At("resources", "nodes", 0, "id"), all.At("resources", "nodes", 0, "subResources", 0, "id")
		answer := s.Ask(t, b.Key, askRenewal, map[string]any{"id": main})
		wantWhole(t, apitest.Caller{Name: b.Tag}, "quoteRenewal", answer)
		want := map[string]any{
			"officialAmount": "256.00", "bestOffer": map[string]any{"kind": "BUSINESS_CONTRACT", "amount": "230.40"},
			"lines": []any{
				map[string]any{"productId": main, "parentProductId": nil, "resource": map[string]any{"id": main}},
				map[string]any{"productId": disk, "parentProductId": main, "resource": map[string]any{"id": disk}},
			},
		}
		if diff := cmp.Diff(want, answer.At("quoteRenewal", "quote")); diff != "" {
			t.Error(diff)
		}
		alone := s.Ask(t, b.Key, askRenewal, map[string]any{"id": disk})
		if got := alone.At("quoteRenewal", "problems", 0, "reason"); got != "RESOURCE_NOT_FOUND" {
			t.Errorf("a sub-resource alone gives %v", got)
		}
	})
}
