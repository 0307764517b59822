package apitest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// TestAnAlertIsSetCrossedAndRemovedOverTheAPI is M09 from the storefront's side.
func TestAnAlertIsSetCrossedAndRemovedOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const set = `mutation($i: SetBalanceAlertInput!){setBalanceAlert(input: $i){balanceAlert{threshold{amount currency} enabled state triggeredAt}}}`
	const remove = `mutation($i: RemoveBalanceAlertInput!){removeBalanceAlert(input: $i){balanceAlert{state}}}`
	const read = `query($id: ID!){customer(id: $id){balanceAlert{threshold{amount} state}}}`
	const told = `query($id: ID!){events(subjectId: $id, type: ["balance.alert"]){nodes{actorKind actorId subjectId}}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		id := p.Resale.Customer.ID
		events := func(key string) int {
			nodes, _ := s.Ask(t, key, told, vars{"id": id}).At("events", "nodes").([]any)
			return len(nodes)
		}
		watch := func() {
			if _, err := s.App.Rooms.Funds.WatchBalances(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		have := available(t, s, p.Resale)
		answer := s.Ask(t, p.Key, set, vars{"i": vars{"customerId": id, "threshold": have.StringFixed(2), "enabled": true}})
		want := vars{"threshold": vars{"amount": have.StringFixed(2), "currency": "CNY"}, "enabled": true, "state": "ARMED", "triggeredAt": nil}
		if diff := cmp.Diff(any(want), answer.At("setBalanceAlert", "balanceAlert")); diff != "" {
			t.Errorf("set (-want +got):\n%s\n%s", diff, answer.Body)
		}
		s.Ask(t, p.Key, moving("reclaimFromCustomer", "customerBalance"), vars{"i": vars{"customerId": id, "amount": "0.01", "idempotencyKey": "a"}})
		watch()
		watch()
		if events(p.Key) != 1 || events(p.Resale.Key) != 1 || events(w.Providers[1].Key) != 0 {
			t.Errorf("told: the partner %d, the customer %d, a stranger %d", events(p.Key), events(p.Resale.Key), events(w.Providers[1].Key))
		}
		if state := s.Ask(t, p.Key, read, vars{"id": id}).At("customer", "balanceAlert", "state"); state != "TRIGGERED" {
			t.Errorf("after the fall: %v", state)
		}
		s.Ask(t, p.Key, moving("fundCustomer", "customerBalance"), vars{"i": vars{"customerId": id, "amount": "0.01", "idempotencyKey": "b"}})
		watch()
		if state := s.Ask(t, p.Key, read, vars{"id": id}).At("customer", "balanceAlert", "state"); state != "ARMED" || events(p.Key) != 1 {
			t.Errorf("back at the threshold: %v, %d told", state, events(p.Key))
		}
		if blind := s.Ask(t, w.KeyWithout(t, p, models.ReadBalances), read, vars{"id": id}); len(blind.Errors) > 0 || blind.At("customer", "balanceAlert") != nil {
			t.Errorf("without BALANCES_READ: %s", blind.Body)
		}
		for name, c := range map[string]struct {
			key, document       string
			input               vars
			code, field, reason string
		}{
			"zero":                   {p.Key, set, vars{"threshold": "0", "enabled": true}, "INVALID", "threshold", ""},
			"three digits":           {p.Key, set, vars{"threshold": "1.005", "enabled": true}, "INVALID", "threshold", ""},
			"both owners":            {p.Key, set, vars{"partnerId": p.Partner.ID, "customerId": id, "threshold": "1", "enabled": true}, "INVALID", "customerId", ""},
			"its advisory customer":  {p.Key, set, vars{"customerId": p.Advisory.Customer.ID, "threshold": "1", "enabled": true}, "PRECONDITION_FAILED", "", "ADVISORY_CUSTOMER"},
			"a resale customer":      {p.Resale.Key, set, vars{"threshold": "1", "enabled": true}, "PRECONDITION_FAILED", "", "RESALE_CUSTOMER"},
			"an operator":            {w.OperatorKey, set, vars{"threshold": "1", "enabled": true}, "FORBIDDEN", "", ""},
			"without the permission": {w.KeyWithout(t, p, models.WriteAlerts), remove, vars{}, "FORBIDDEN", "", ""},
		} {
			t.Run(name, func(t *testing.T) {
				wantError(t, s.Ask(t, c.key, c.document, vars{"i": c.input}), c.code, c.field, c.reason)
			})
		}
		if gone := s.Ask(t, p.Key, remove, vars{"i": vars{"customerId": id}}); gone.At("removeBalanceAlert", "balanceAlert", "state") != "ARMED" {
			t.Errorf("removed: %s", gone.Body)
		}
		wantError(t, s.Ask(t, p.Key, remove, vars{"i": vars{"customerId": id}}), "NOT_FOUND", "", "")
		s.Sound(t)
	})
}
