package apitest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
)

// TestAPartnerCreatesACustomerOverTheAPI is CreateSubCustomer (3.2): created once, and bound to the platform that serves the partner.
func TestAPartnerCreatesACustomerOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const create = `mutation($i: CreateCustomerInput!){createCustomer(input: $i){customer{id name externalId email phone frozen} association{mode source} platformId}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		d, reseller := w.Distributors[0], w.Resellers[0]
		input := vars{
			"actingForPartnerId": reseller.Partner.ID, "accountName": "made-here", "externalId": "x-made-here", "email": "made@example.com", "phone": "0086-13900000001",
			"password": "Sesame-1", "idempotencyKey": "k",
		}
		answer := s.Ask(t, d.Key, create, vars{"i": input})
		id, _ := answer.At("createCustomer", "customer", "id").(string)
		want := vars{
			"customer":    vars{"id": id, "name": "made-here", "externalId": "x-made-here", "email": "made@example.com", "phone": "0086-13900000001", "frozen": "NONE"},
			"association": vars{"mode": "RESALE", "source": "API"}, "platformId": d.PlatformID,
		}
		if diff := cmp.Diff(any(want), answer.At("createCustomer")); diff != "" || id == "" {
			t.Fatalf("created (-want +got):\n%s\n%s", diff, answer.Body)
		}
		if again := s.Ask(t, d.Key, create, vars{"i": input}); again.Body != answer.Body {
			t.Errorf("again: %s", again.Body)
		}
		known, found, err := w.Federation.FindIdentity(t.Context(), d.PlatformID, "x-made-here", "anybody")
		if err != nil || !found || string(known.Account.CustomerID) != id || known.Person != nil {
			t.Errorf("on the platform: %+v %v %v", known, found, err)
		}
		// Two resellers share the distributor's platform, where the id is taken now; nothing is left of the attempt.
		taken := vars{"accountName": "made-again", "externalId": "x-made-here", "idempotencyKey": "k2"}
		wantError(t, s.Ask(t, d.Key, create, vars{"i": taken}), "PRECONDITION_FAILED", "", "IDENTITY_ALREADY_BOUND")
		taken["externalId"] = "x-made-again"
		if fresh := s.Ask(t, d.Key, create, vars{"i": taken}); len(fresh.Errors) > 0 {
			t.Errorf("the name and the key are free: %s", fresh.Body)
		}
		const check = `mutation($v: String!){checkIdentity(input: {by: EMAIL, value: $v}){status}}`
		for value, status := range map[string]string{"MADE@example.com": "USED", "nobody@example.com": "AVAILABLE"} {
			if got := s.Ask(t, w.Providers[0].Key, check, vars{"v": value}).At("checkIdentity", "status"); got != status {
				t.Errorf("%s: %v", value, got)
			}
		}
		limited := false
		for range 200 {
			answer := s.Ask(t, w.Providers[0].Key, check, vars{"v": "nobody@example.com"})
			if limited = len(answer.Errors) > 0; limited {
				wantError(t, answer, "RATE_LIMITED", "", "")
				break
			}
		}
		if !limited {
			t.Error("nobody slows a walk through addresses down")
		}
		s.Sound(t)
	})
}

// TestAFreezeReachesEverythingOverTheAPI is C21: orders, money and resources, those too that are delivered after it.
func TestAFreezeReachesEverythingOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const freeze = `mutation($i: FreezeCustomerInput!){freezeCustomer(input: $i){customer{frozen freeze{scope by reason} resources{nodes{status}}}}}`
	const unfreeze = `mutation($i: UnfreezeCustomerInput!){unfreezeCustomer(input: $i){customer{frozen freeze{scope} resources{nodes{status}}}}}`
	const pay = `mutation($i: PayOrderInput!){payOrder(input: $i){order{id}}}`
	const read = `query($id: ID!){customer(id: $id){freeze{reason} orders{totalCount} resources{nodes{status}}}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		b := p.Resale
		id := b.Customer.ID
		// Paid before, delivered after.
		if answer := s.Ask(t, b.Key, pay, vars{"i": vars{"orderId": b.Waiting.ID, "idempotencyKey": "before"}}); len(answer.Errors) > 0 {
			t.Fatal(answer.Body)
		}
		frozen := s.Ask(t, p.Key, freeze, vars{"i": vars{"customerId": id, "scope": "ACCOUNT_AND_RESOURCES", "reason": "does not answer"}})
		want := vars{"scope": "ACCOUNT_AND_RESOURCES", "by": "PARTNER", "reason": "does not answer"}
		if diff := cmp.Diff(any(want), frozen.At("freezeCustomer", "customer", "freeze")); diff != "" {
			t.Fatalf("frozen:\n%s\n%s", diff, frozen.Body)
		}
		if err := w.DeliverOutbox(t.Context()); err != nil {
			t.Fatal(err)
		}
		statuses := func(want string, n int) {
			t.Helper()
			nodes, _ := s.Ask(t, b.Key, read, vars{"id": id}).At("customer", "resources", "nodes").([]any)
			if len(nodes) != n {
				t.Errorf("%d resources, want %d", len(nodes), n)
			}
			for _, node := range nodes {
				if diff := cmp.Diff(any(vars{"status": want}), node); diff != "" {
					t.Errorf("resource:\n%s", diff)
				}
			}
		}
		statuses("FROZEN", 7) // and its history is there, as the customer's own credential reads it
		if got := s.Ask(t, b.Key, read, vars{"id": id}).At("customer", "freeze", "reason"); got != "does not answer" {
			t.Errorf("the customer reads %v", got)
		}
		wantError(t, s.Ask(t, b.Key, pay, vars{"i": vars{"orderId": b.Dear.ID, "idempotencyKey": "after"}}), "PRECONDITION_FAILED", "", "CUSTOMER_FROZEN")
		wantError(t, s.Ask(t, p.Key, moving("fundCustomer", "customerBalance"), vars{"i": vars{"customerId": id, "amount": "1", "idempotencyKey": "f"}}), "PRECONDITION_FAILED", "", "CUSTOMER_FROZEN")
		wantError(t, s.Ask(t, p.Key, moving("reclaimFromCustomer", "customerBalance"), vars{"i": vars{"customerId": id, "amount": "1", "idempotencyKey": "r"}}), "PRECONDITION_FAILED", "", "CUSTOMER_FROZEN")
		if _, err := w.Orders.Place(t.Context(), models.SystemPrincipal("test"), orders.PlaceOrder{CustomerID: id}); models.CodeOf(err) != models.CodePreconditionFailed {
			t.Errorf("placed: %v", err)
		}
		wantError(t, s.Ask(t, p.Key, freeze, vars{"i": vars{"customerId": id, "scope": "ACCOUNT", "reason": "r"}}), "PRECONDITION_FAILED", "", "ALREADY_FROZEN")
		wantError(t, s.Ask(t, p.Key, freeze, vars{"i": vars{"customerId": id, "scope": "NONE", "reason": "r"}}), "INVALID", "scope", "")
		if thawed := s.Ask(t, p.Key, unfreeze, vars{"i": vars{"customerId": id, "reason": "it answered"}}); thawed.At("unfreezeCustomer", "customer", "freeze") != nil || len(thawed.Errors) > 0 {
			t.Errorf("unfrozen: %s", thawed.Body)
		}
		statuses("IN_USE", 7)
		wantError(t, s.Ask(t, p.Key, unfreeze, vars{"i": vars{"customerId": id, "reason": "r"}}), "PRECONDITION_FAILED", "", "NOT_FROZEN")
		s.Sound(t)
	})
}

// TestABudgetMeasuresWhatIsPaidOverTheAPI is C22 with real orders and refunds.
func TestABudgetMeasuresWhatIsPaidOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const set = `mutation($i: SetCustomerBudgetInput!){setCustomerBudget(input: $i){customer{frozen budget{kind amount{amount} spent{amount} cycle alertPercents freezes}}}}`
	const told = `query($id: ID!){events(subjectId: $id, type: ["customer.budget_alert"]){nodes{id}}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Resellers[0]
		b := p.Resale
		id := b.Customer.ID
		alerts := func(key string) int {
			nodes, _ := s.Ask(t, key, told, vars{"id": id}).At("events", "nodes").([]any)
			return len(nodes)
		}
		spent := models.NewMoney(b.Paid.TotalMinor-b.Refund.AmountMinor, models.CNY).Amount()
		// What was spent is half of it and a little more; the order to pay reaches all of it.
		budget := spent.Mul(money(t, "1.9")).Round(2)
		answer := s.Ask(t, p.Key, set, vars{"i": vars{"customerId": id, "kind": "MONTHLY", "amount": budget.StringFixed(2), "alertPercents": []int{50, 100}, "freeze": true}})
		want := vars{"frozen": "NONE", "budget": vars{
			"kind": "MONTHLY", "amount": vars{"amount": budget.StringFixed(2)}, "spent": vars{"amount": spent.StringFixed(2)},
			"cycle": string(models.BillingCycleAt(s.Clock.Now())), "alertPercents": []any{50.0, 100.0}, "freezes": true,
		}}
		if diff := cmp.Diff(any(want), answer.At("setCustomerBudget", "customer")); diff != "" {
			t.Fatalf("budget (-want +got):\n%s\n%s", diff, answer.Body)
		}
		if alerts(p.Key) != 1 || alerts(b.Key) != 1 || alerts(w.Resellers[1].Key) != 0 {
			t.Errorf("told at once: %d %d %d", alerts(p.Key), alerts(b.Key), alerts(w.Resellers[1].Key))
		}
		w.Pay(t, b, orders.PayOrder{OrderID: b.Waiting.ID, IdempotencyKey: "over"})
		for range 2 {
			if _, err := w.Customers.WatchBudgets(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		after := s.Ask(t, p.Key, `query($id: ID!){customer(id: $id){frozen freeze{by} budget{spent{amount}}}}`, vars{"id": id})
		over := models.NewMoney(b.Paid.TotalMinor-b.Refund.AmountMinor+b.Waiting.TotalMinor, models.CNY).Amount()
		if diff := cmp.Diff(any(vars{"frozen": "ACCOUNT", "freeze": vars{"by": "BUDGET"}, "budget": vars{"spent": vars{"amount": over.StringFixed(2)}}}), after.At("customer")); diff != "" || alerts(p.Key) != 2 {
			t.Errorf("spent, %d told (-want +got):\n%s\n%s", alerts(p.Key), diff, after.Body)
		}
		if blind := s.Ask(t, w.KeyWithout(t, p, models.ReadBalances), `query($id: ID!){customer(id: $id){budget{kind}}}`, vars{"id": id}); blind.At("customer", "budget") != nil {
			t.Errorf("without BALANCES_READ: %s", blind.Body)
		}
		wantError(t, s.Ask(t, p.Key, set, vars{"i": vars{"customerId": p.Advisory.Customer.ID, "kind": "PACKAGE", "amount": "1"}}), "PRECONDITION_FAILED", "", "ADVISORY_CUSTOMER")
		s.Sound(t)
	})
}
