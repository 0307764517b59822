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

// From the inquiry to the changed server, as a storefront does it.
func TestASpecificationIsChanged(t *testing.T) {
	t.Parallel()
	apitest.Each(t, func(t *testing.T, s *apitest.Server) {
		w := apitest.Build(t, s)
		b := w.Providers[0].Resale
		main := s.Ask(t, b.Key, `{resources(onlyMain: true){nodes{id}}}`, nil).At("resources", "nodes", 0, "id")
		quoted := s.Ask(t, b.Key, `mutation($id: ID!){quoteChange(input: {resourceId: $id, specCode: "s6.xlarge.2.linux"}){
			quote{id kind refundAmount lines{specCode resource{id} change{baseSpecCode refundAmount}}} problems{reason}}}`, map[string]any{"id": main})
		want := map[string]any{"specCode": "s6.xlarge.2.linux", "resource": map[string]any{"id": main}, "change": map[string]any{"baseSpecCode": "s6.large.2.linux", "refundAmount": "0.00"}}
		if diff := cmp.Diff(want, quoted.At("quoteChange", "quote", "lines", 0)); diff != "" || quoted.At("quoteChange", "quote", "kind") != "CHANGE" {
			t.Fatalf("%s: %s", quoted.Body, diff)
		}
		placed := s.Ask(t, b.Key, `mutation($customer: ID!, $quote: ID!){placeOrder(input: {customerId: $customer, quoteId: $quote, idempotencyKey: "change"}){
			order{id type status items{resourceId baseSpecCode specCode effectiveAt expiresAt}}}}`,
			map[string]any{"customer": b.Customer.ID, "quote": quoted.At("quoteChange", "quote", "id")})
		order := placed.At("placeOrder", "order", "id")
		if placed.At("placeOrder", "order", "type") != "CHANGE" || placed.At("placeOrder", "order", "items", 0, "resourceId") != main {
			t.Fatal(placed.Body)
		}
		paid := s.Ask(t, b.Key, `mutation($id: ID!){payOrder(input: {orderId: $id, idempotencyKey: "pay the change"}){order{status}}}`, map[string]any{"id": order})
		if err := s.App.Rooms.DeliverOutbox(t.Context()); err != nil || paid.At("payOrder", "order", "status") != "PROCESSING" {
			t.Fatal(paid.Body, err)
		}
		after := s.Ask(t, b.Key, `query($order: ID!, $id: ID!){order(id: $order){status} resource(id: $id){specCode status}}`, map[string]any{"order": order, "id": main})
		if after.At("order", "status") != "COMPLETED" || after.At("resource", "specCode") != "s6.xlarge.2.linux" {
			t.Error(after.Body)
		}
	})
}
