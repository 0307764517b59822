package apitest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// orderRows are those of what follows a purchase, and of placing one.
func orderRows() map[string]mutationRow {
	type inputs = func(w *apitest.World, c apitest.Caller) []map[string]any
	with := func(one, more map[string]any) map[string]any {
		all := maps.Clone(one)
		maps.Copy(all, more)
		return all
	}
	// Operators act for everybody; customers for themselves; partners for a customer only when it has authorised them.
	resources := func(more map[string]any) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixResource) {
				if !c.Operator && (c.Buyer == nil || !w.Sees(c, id)) {
					all = append(all, with(map[string]any{"resourceIds": []models.ID{id}, "idempotencyKey": "theirs"}, more))
				}
			}
			return all
		}
	}
	waiting := func(more map[string]any) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if !c.Operator && b != c.Buyer {
					all = append(all, with(map[string]any{"orderId": b.Waiting.ID}, more))
				}
			}
			return all
		}
	}
	customers := func(more map[string]any, own bool) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if !c.Operator && (!own || b != c.Buyer) {
					all = append(all, with(map[string]any{"customerId": b.Customer.ID}, more))
				}
			}
			return all
		}
	}
	return map[string]mutationRow{
		"unsubscribeResources":  {"{order{id}}", resources(map[string]any{"type": "RESOURCE_AND_RENEWALS", "reason": "OTHER"})},
		"renewResources":        {"{order{id}}", resources(map[string]any{"periodType": "MONTH", "periodCount": 1})},
		"cancelOrder":           {"{order{id}}", waiting(nil)},
		"chooseOrderDiscount":   {"{order{id}}", waiting(nil)},
		"requestPartnerPayment": {"{order{id}}", waiting(nil)},
		"partnerPayOrder":       {"{order{id}}", ordersOfOthers(nil, false)},
		"reviewOrder":           {"{order{id}}", waiting(map[string]any{"approve": true})},
		"setOrderReview":        {"{underReview}", customers(map[string]any{"reason": "why not"}, false)},
		"placeOrder": {"{order{id}}", customers(map[string]any{
			"quoteId": "qot_01h455vb4pex5vsknk084sn02q", "idempotencyKey": "theirs",
		}, true)},
	}
}

// previewResources asks what unsubscribing every resource of the world would come to: it is as if those of others did not exist, and a partner
// that sees one is told that it needs an authorisation.
func previewResources(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, f *ast.FieldDefinition) {
	t.Helper()
	for ids := range slices.Chunk(w.IDs(models.PrefixResource), 10) {
		var document strings.Builder
		for i, id := range ids {
			fmt.Fprintf(&document, " a%d: %s(resourceIds: [%q], type: RESOURCE_AND_RENEWALS){refund{amount} lines{resourceId amount{amount} baseOrderId}}", i, f.Name, id)
		}
		answer := s.Ask(t, c.Key, "{"+document.String()+"}", nil)
		if wantRefused(t, c, f, answer) {
			return
		}
		wantNoLeak(t, w, c, f.Name, answer)
		codes := codesByAlias(answer)
		for i, id := range ids {
			alias := fmt.Sprintf("a%d", i)
			switch {
			case !w.Sees(c, id) && codes[alias] != "NOT_FOUND", w.Sees(c, id) && c.Org != nil && codes[alias] != "PRECONDITION_FAILED":
				t.Errorf("%s(%s) as %s: %q", f.Name, id, c.Name, codes[alias])
			case w.Sees(c, id) && c.Org == nil && codes[alias] != "" && codes[alias] != "PRECONDITION_FAILED": // a sub-resource
				t.Errorf("%s(%s) as %s: %q", f.Name, id, c.Name, codes[alias])
			}
		}
	}
}
