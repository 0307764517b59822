package apitest_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// TestAWithdrawalOverTheAPI follows one from the owner's question to the bank's answer.
func TestAWithdrawalOverTheAPI(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	const eligible = `query($c: ID){withdrawalEligibility(customerId: $c, route: BANK_CARD){withdrawable{amount} blockers{reason note restrictionId}}}`
	const submit = `mutation($i: SubmitWithdrawalInput!){submitWithdrawal(input: $i){withdrawal{id state cardLastFour bankCard{number}} balance{held{amount}}}}`
	const read = `query($id: ID!){node(id: $id){... on Withdrawal{state cardLastFour bankCard{holder number bank} customer{id} partner{id}}}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		b := w.Providers[0].Advisory
		underWay := s.Ask(t, b.Key, "{withdrawals(states: [SUBMITTED]){nodes{id}}}", nil).At("withdrawals", "nodes", 0, "id")
		step := func(key, verb, input string, more vars) apitest.Answer {
			in := vars{"withdrawalId": underWay, "idempotencyKey": verb + input}
			maps.Copy(in, more)
			return s.Ask(t, key, "mutation($i: "+input+"!){"+verb+"(input: $i){withdrawal{state bankCard{number}} balance{held{amount}}}}", vars{"i": in})
		}
		if got := step(b.Key, "cancelWithdrawal", "CancelWithdrawalInput", nil); got.At("cancelWithdrawal", "withdrawal", "state") != "CANCELLED" || got.At("cancelWithdrawal", "balance", "held", "amount") != "0.00" {
			t.Errorf("cancelled: %s", got.Body)
		}
		restricted := s.Ask(t, w.OperatorKey, `mutation($i: RestrictWithdrawalsInput!){restrictWithdrawals(input: $i){restriction{id}}}`, vars{"i": vars{
			"customerId": b.Customer.ID, "reason": "INVOICE_DEBT", "amount": "1.00", "note": "ticket 7",
		}}).At("restrictWithdrawals", "restriction", "id")
		for key, note := range map[string]any{b.Key: nil, w.OperatorKey: "ticket 7"} {
			blocker := s.Ask(t, key, eligible, vars{"c": b.Customer.ID}).At("withdrawalEligibility", 0, "blockers", 0)
			if diff := cmp.Diff(any(vars{"reason": "INVOICE_DEBT", "note": note, "restrictionId": restricted}), blocker); diff != "" {
				t.Errorf("the blocker (-want +got):\n%s", diff)
			}
		}
		wantError(t, s.Ask(t, w.Providers[0].Key, eligible, vars{"c": b.Customer.ID}), "NOT_FOUND", "", "")
		wantError(t, s.Ask(t, w.Providers[1].Advisory.Key, eligible, vars{"c": b.Customer.ID}), "NOT_FOUND", "", "")
		s.Ask(t, w.OperatorKey, `mutation($i: LiftWithdrawalRestrictionInput!){liftWithdrawalRestriction(input: $i){restriction{liftedAt}}}`, vars{"i": vars{"restrictionId": restricted}})

		input := vars{
			"amount": "5.5", "route": "BANK_CARD", "idempotencyKey": "one",
			"bankCard": vars{"holder": "Secret Holder", "number": "6222 0211 0001 9876", "bank": "Secret Bank"},
		}
		first := s.Ask(t, b.Key, submit, vars{"i": input})
		want := vars{"state": "SUBMITTED", "cardLastFour": "9876", "bankCard": nil, "id": first.At("submitWithdrawal", "withdrawal", "id")}
		if diff := cmp.Diff(any(want), first.At("submitWithdrawal", "withdrawal")); diff != "" || first.At("submitWithdrawal", "balance", "held", "amount") != "5.50" {
			t.Errorf("submitted (-want +got):\n%s\n%s", diff, first.Body)
		}
		if again := s.Ask(t, b.Key, submit, vars{"i": input}); again.Body != first.Body {
			t.Errorf("the second answer differs:\n%s\n%s", first.Body, again.Body)
		}
		underWay = want["id"]
		wantError(t, s.Ask(t, w.Providers[0].Resale.Key, submit, vars{"i": input}), "PRECONDITION_FAILED", "", "RESALE_CUSTOMER")
		wantError(t, s.Ask(t, w.Resellers[0].Key, submit, vars{"i": input}), "PRECONDITION_FAILED", "", "CLOUD_RESELLER")
		wantError(t, s.Ask(t, w.OperatorKey, submit, vars{"i": input}), "FORBIDDEN", "", "")

		start := step(w.OperatorKey, "reviewWithdrawal", "ReviewWithdrawalInput", vars{"decision": "START"})
		if start.At("reviewWithdrawal", "withdrawal", "bankCard", "number") != "6222021100019876" {
			t.Errorf("the reviewer's answer: %s", start.Body)
		}
		wantError(t, step(b.Key, "cancelWithdrawal", "CancelWithdrawalInput", vars{"idempotencyKey": "late"}), "PRECONDITION_FAILED", "", "WITHDRAWAL_STATE")
		step(w.OperatorKey, "reviewWithdrawal", "ReviewWithdrawalInput", vars{"decision": "APPROVE", "idempotencyKey": "approve"})
		step(w.OperatorKey, "payWithdrawal", "PayWithdrawalInput", nil)
		done := step(w.OperatorKey, "completeWithdrawal", "CompleteWithdrawalInput", vars{"bankReference": "B-1"})
		if done.At("completeWithdrawal", "withdrawal", "state") != "DONE" || done.At("completeWithdrawal", "balance", "held", "amount") != "0.00" {
			t.Errorf("done: %s", done.Body)
		}
		for key, card := range map[string]any{
			b.Key: nil, w.OperatorKey: vars{"holder": "Secret Holder", "number": "6222021100019876", "bank": "Secret Bank"},
		} {
			got := s.Ask(t, key, read, vars{"id": underWay}).At("node")
			want := vars{"state": "DONE", "cardLastFour": "9876", "bankCard": card, "customer": vars{"id": string(b.Customer.ID)}, "partner": nil}
			if diff := cmp.Diff(any(want), got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		}
		wantError(t, s.Ask(t, w.Providers[0].Key, read, vars{"id": underWay}), "NOT_FOUND", "", "")
		narrow := w.KeyOfBuyer(t, b, models.ReadBalances)
		wantError(t, s.Ask(t, narrow, submit, vars{"i": input}), "FORBIDDEN", "", "")
		if rows := s.Fingerprint(t); strings.Contains(rows, "Secret Holder") || strings.Contains(rows, "6222021100019876") {
			t.Error("a row shows the card")
		}
		s.Sound(t)
	})
}
