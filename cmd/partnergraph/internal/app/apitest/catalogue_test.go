package apitest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// askPeriod asks what a month of a resource costs, with the mutation named.
func askPeriod(mutation string) string {
	return `mutation($id: ID!){` + mutation + `(input: {resourceIds: [$id], periodType: MONTH, periodCount: 1}){
	quote{id kind officialAmount bestOffer{kind amount} lines{productId parentProductId resource{id}}} problems{productId code reason wrongCodes}}}`
}

func TestForeignResourcesHaveNoPriceOfPeriods(t *testing.T) {
	t.Parallel()
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		if c.Void() {
			return // TestNoMutationTouchesWhatIsOthers
		}
		for _, id := range w.IDs(models.PrefixResource) {
			if w.Sees(c, id) {
				continue
			}
			for _, mutation := range []string{"quoteRenewal", "quoteToPeriod"} {
				answer := s.Ask(t, c.Key, askPeriod(mutation), map[string]any{"id": id})
				wantWhole(t, c, mutation, answer)
				got := []any{answer.At(mutation, "quote"), answer.At(mutation, "problems", 0, "reason"), answer.At(mutation, "problems", 0, "code")}
				if diff := cmp.Diff([]any{nil, "RESOURCE_NOT_FOUND", "NOT_FOUND"}, got); diff != "" {
					t.Errorf("%s: %s", id, diff)
				}
			}
		}
	})
}

func TestARenewalTakesTheDiskAlong(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Resale
		all := s.Ask(t, b.Key, `{resources(onlyMain: true){nodes{id subResources{id}}}}`, nil)
		main, disk := all.At("resources", "nodes", 0, "id"), all.At("resources", "nodes", 0, "subResources", 0, "id")
		answer := s.Ask(t, b.Key, askPeriod("quoteRenewal"), map[string]any{"id": main})
		wantWhole(t, apitest.Caller{Name: b.Tag}, "quoteRenewal", answer)
		want := map[string]any{
			"id": answer.At("quoteRenewal", "quote", "id"), "kind": "RENEWAL", "officialAmount": "256.00", "bestOffer": map[string]any{"kind": "BUSINESS_CONTRACT", "amount": "230.40"},
			"lines": []any{
				map[string]any{"productId": main, "parentProductId": nil, "resource": map[string]any{"id": main}},
				map[string]any{"productId": disk, "parentProductId": main, "resource": map[string]any{"id": disk}},
			},
		}
		if diff := cmp.Diff(want, answer.At("quoteRenewal", "quote")); diff != "" {
			t.Error(diff)
		}
		alone := s.Ask(t, b.Key, askPeriod("quoteRenewal"), map[string]any{"id": disk})
		if got := alone.At("quoteRenewal", "problems", 0, "reason"); got != "RESOURCE_NOT_FOUND" {
			t.Errorf("a sub-resource alone gives %v", got)
		}
	})
}

// From the inquiry to the changed server, as a storefront does it.
func TestASpecificationIsChanged(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
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

// From use to a period, as a storefront does it. What was used until then is settled, and once, though it is reported and due only afterwards.
func TestAServerTurnsFromUseToAPeriod(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Resale
		main := w.ByUse(t, b)
		used := w.Now()
		quoted := s.Ask(t, b.Key, askPeriod("quoteToPeriod"), map[string]any{"id": main})
		if quoted.At("quoteToPeriod", "quote", "kind") != "TO_PERIOD" || quoted.At("quoteToPeriod", "quote", "officialAmount") != "256.00" {
			t.Fatal(quoted.Body)
		}
		placed := s.Ask(t, b.Key, `mutation($customer: ID!, $quote: ID!){placeOrder(input: {customerId: $customer, quoteId: $quote, idempotencyKey: "to a period"}){
			order{id type status total{amount} items{resourceId}}}}`, map[string]any{"customer": b.Customer.ID, "quote": quoted.At("quoteToPeriod", "quote", "id")})
		order := placed.At("placeOrder", "order", "id")
		if placed.At("placeOrder", "order", "type") != "TO_PERIOD" || placed.At("placeOrder", "order", "items", 0, "resourceId") != string(main) {
			t.Fatal(placed.Body)
		}
		again := s.Ask(t, b.Key, askPeriod("quoteToPeriod"), map[string]any{"id": main})
		refused := s.Ask(t, b.Key, `mutation($customer: ID!, $quote: ID!){placeOrder(input: {customerId: $customer, quoteId: $quote, idempotencyKey: "again"}){order{id}}}`,
			map[string]any{"customer": b.Customer.ID, "quote": again.At("quoteToPeriod", "quote", "id")})
		if !strings.Contains(refused.Body, "RESOURCE_IN_PENDING_ORDER") {
			t.Errorf("a second order: %s", refused.Body)
		}
		paid := s.Ask(t, b.Key, `mutation($id: ID!){payOrder(input: {orderId: $id, idempotencyKey: "pay for the period"}){order{status}}}`, map[string]any{"id": order})
		if err := s.App.Rooms.DeliverOutbox(t.Context()); err != nil || paid.At("payOrder", "order", "status") != "PROCESSING" {
			t.Fatal(paid.Body, err)
		}
		after := s.Ask(t, b.Key, `query($order: ID!, $id: ID!){order(id: $order){status} resource(id: $id){chargingMode usageStatus status subResources{chargingMode}}}`,
			map[string]any{"order": order, "id": main})
		want := map[string]any{"chargingMode": "PERIOD", "usageStatus": nil, "status": "IN_USE", "subResources": []any{map[string]any{"chargingMode": "PERIOD"}}}
		if diff := cmp.Diff(want, after.At("resource")); diff != "" || after.At("order", "status") != "COMPLETED" {
			t.Error(diff, after.Body)
		}
		record := map[string]any{"records": []map[string]any{{
			"externalId": "before-the-turn", "customerId": b.Customer.ID, "serviceType": "hws.service.type.ec2", "resourceType": "hws.resource.type.vm", "specCode": "s6.large.2.linux",
			"region": "cn-north-4", "usageType": "duration", "usageValue": "5", "usageMeasureId": 4, "usedAt": used.Format(time.RFC3339), "resourceId": main,
		}}}
		for range 2 { // a report that is repeated is the same one
			reported := s.Ask(t, w.OperatorKey, `mutation($input: RecordUsageInput!){recordUsage(input: $input){results{billLine{id} error{code}}}}`, map[string]any{"input": record})
			if reported.At("recordUsage", "results", 0, "billLine", "id") == nil {
				t.Fatal(reported.Body)
			}
		}
		s.Clock.Advance(48 * time.Hour)
		count := func() (lines, settlements int64) {
			t.Helper()
			lines, err := w.DB.NewSelect().Model((*models.BillLine)(nil)).Where("customer_id = ?", b.Customer.ID).Where("resource_id = ?", main).Where("kind = ?", models.BillUse).Where("billed_at IS NOT NULL").Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			settlements, err = w.DB.NewSelect().Model((*models.BillSettlement)(nil)).Where("customer_id = ?", b.Customer.ID).Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return lines, settlements
		}
		_, before := count()
		for range 2 {
			if err := w.Billing.Settle(t.Context(), b.Customer.ID); err != nil {
				if _, early := models.NotDueUntil(err); !early {
					t.Fatal(err)
				}
			}
		}
		if lines, settlements := count(); lines != 1 || settlements != before+1 {
			t.Errorf("%d lines of use, %d settlements", lines, settlements-before)
		}
	})
}
