package apitest_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
)

// TestARelationFromReportToEnd goes the whole way of C05 to C14 over the API, with real money: reported, invited by e-mail,
// accepted in resale, funded, switched to advisory, switched back, and left.
func TestARelationFromReportToEnd(t *testing.T) {
	t.Parallel()
	type vars = map[string]any
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		p := w.Providers[0]
		operator := models.SystemPrincipal("test")
		customer, err := w.Customers.Create(t.Context(), operator, customers.CreateCustomer{
			Name: "newcomer", Cloud: "hws", Currency: models.CNY, Email: "newcomer@example.com",
		})
		if err != nil {
			t.Fatal(err)
		}
		key, err := w.Identity.CreateKey(t.Context(), operator, identity.CreateKey{Name: "newcomer", CustomerID: &customer.ID})
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(8 * 24 * time.Hour) // too old to be associated directly
		ask := func(who, document string, input vars) apitest.Answer {
			t.Helper()
			answer := s.Ask(t, who, document, vars{"i": input})
			if len(answer.Errors) > 0 {
				t.Fatalf("%.60s: %+v", document, answer.Errors)
			}
			return answer
		}
		const eligibility = `{associationEligibility(mode: RESALE){eligible blockers{code suggestedAction}}}`
		if got := s.Ask(t, key.Secret, eligibility, nil).At("associationEligibility", 0, "blockers", 0, "code"); got != "REPORT_REQUIRED" {
			t.Errorf("blocker %v", got)
		}
		report := ask(p.Key, `mutation($i: ReportCustomerInput!){reportCustomer(input: $i){report{id state expiresAt}}}`,
			vars{"company": "Newcomer Limited", "email": "newcomer@example.com"}).At("reportCustomer", "report", "id")
		invitation := ask(p.Key, `mutation($i: CreateInvitationInput!){createInvitation(input: $i){link invitation{id state mailState}}}`,
			vars{"reportId": report, "channel": "EMAIL", "mode": "RESALE", "tag": "spring", "language": "ZH"})
		if invitation.At("createInvitation", "link") != nil || invitation.At("createInvitation", "invitation", "mailState") != "QUEUED" {
			t.Errorf("%s", invitation.Body)
		}
		if err := w.DeliverOutbox(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := s.Mails.Sent()
		mail := sent[len(sent)-1]
		found := regexp.MustCompile(`https://sales\.example\.com/invitation/([\w-]{43})`).FindStringSubmatch(mail.Text)
		if mail.To != "newcomer@example.com" || !strings.Contains(mail.Subject, "邀请") || found == nil {
			t.Fatalf("%+v", mail)
		}
		token := found[1]
		offer := s.Ask(t, key.Secret, `query($t: String){invitationOffer(token: $t){partnerName mode}}`, vars{"t": token})
		if offer.At("invitationOffer", "partnerName") != p.Partner.Name {
			t.Errorf("%s", offer.Body)
		}
		const accepting = `mutation($i: AcceptInvitationInput!){acceptInvitation(input: $i){association{mode source tag partner{id}}}}`
		// The world's customers have other addresses.
		wantError(t, s.Ask(t, p.Advisory.Key, accepting, vars{"i": vars{"token": token}}), "PRECONDITION_FAILED", "", "INVITATION_FOR_ANOTHER")
		wantError(t, s.Ask(t, p.Key, accepting, vars{"i": vars{"token": token}}), "FORBIDDEN", "", "")
		want := any(vars{"mode": "RESALE", "source": "REPORT", "tag": nil, "partner": vars{"id": string(p.Partner.ID)}})
		if diff := cmp.Diff(want, ask(key.Secret, accepting, vars{"token": token}).At("acceptInvitation", "association")); diff != "" {
			t.Error(diff)
		}
		wantError(t, s.Ask(t, key.Secret, accepting, vars{"i": vars{"token": token}}), "PRECONDITION_FAILED", "", "INVITATION_USED")
		linked := s.Ask(t, p.Key, `query($id: ID!){customerReport(id: $id){state customer{id association{tag}}}}`, vars{"id": report})
		if diff := cmp.Diff(any(vars{"state": "LINKED", "customer": vars{"id": string(customer.ID), "association": vars{"tag": "spring"}}}), linked.At("customerReport")); diff != "" {
			t.Error(diff)
		}

		has := func() decimal.Decimal {
			return money(t, s.Ask(t, p.Key, "{viewer{partner{balance{available{amount}}}}}", nil).At("viewer", "partner", "balance", "available", "amount"))
		}
		before := has()
		ask(p.Key, `mutation($i: FundCustomerInput!){fundCustomer(input: $i){transfer{id}}}`, vars{"customerId": customer.ID, "amount": "123.45", "idempotencyKey": "f"})
		const switching = `mutation($i: RequestModeSwitchInput!){requestModeSwitch(input: $i){request{id state requestedBy mode}}}`
		const confirming = `mutation($i: ConfirmAssociationRequestInput!){confirmAssociationRequest(input: $i){request{state} ended{mode until} association{mode source} transfer{kind}}}`
		confirm := func(who string, request any) apitest.Answer {
			return ask(who, confirming, vars{"requestId": request, "idempotencyKey": "c"})
		}
		request := ask(p.Key, switching, vars{"customerId": customer.ID, "mode": "ADVISORY", "reason": "you asked"}).At("requestModeSwitch", "request", "id")
		wantError(t, s.Ask(t, p.Key, confirming, vars{"i": vars{"requestId": request, "idempotencyKey": "c"}}), "FORBIDDEN", "", "")
		done := confirm(key.Secret, request)
		if done.At("confirmAssociationRequest", "transfer", "kind") != "RECALL" || done.At("confirmAssociationRequest", "association", "mode") != "ADVISORY" || !has().Equal(before) {
			t.Errorf("%s; the partner has %s, had %s", done.Body, has(), before)
		}
		if again := s.Ask(t, key.Secret, confirming, vars{"i": vars{"requestId": request, "idempotencyKey": "c"}}); again.Body != done.Body {
			t.Errorf("the second answer differs: %s", again.Body)
		}
		s.Clock.Advance(24 * time.Hour)
		// Back into resale, and out of it for good.
		request = ask(p.Key, switching, vars{"customerId": customer.ID, "mode": "RESALE", "reason": "back"}).At("requestModeSwitch", "request", "id")
		s.Clock.Advance(time.Hour)
		confirmed := ask(key.Secret, confirming, vars{"requestId": request, "idempotencyKey": "c2"})
		if confirmed.At("confirmAssociationRequest", "association", "source") != "SWITCH" || confirmed.At("confirmAssociationRequest", "transfer") != nil {
			t.Errorf("%s", confirmed.Body)
		}
		ask(p.Key, `mutation($i: FundCustomerInput!){fundCustomer(input: $i){transfer{id}}}`, vars{"customerId": customer.ID, "amount": "5.00", "idempotencyKey": "f2"})
		leaving := ask(key.Secret, `mutation($i: RequestDisassociationInput!){requestDisassociation(input: $i){request{id requestedBy}}}`, vars{"reason": "another one"})
		waiting := s.Ask(t, p.Key, `query($c: ID){associationRequests(customerId: $c, states: [REQUESTED]){nodes{id reason kind}}}`, vars{"c": customer.ID})
		if waiting.At("associationRequests", "nodes", 0, "reason") != "another one" {
			t.Errorf("%s", waiting.Body)
		}
		left := confirm(p.Key, leaving.At("requestDisassociation", "request", "id"))
		if left.At("confirmAssociationRequest", "association") != nil || left.At("confirmAssociationRequest", "transfer", "kind") != "RECALL" || !has().Equal(before) {
			t.Errorf("%s; the partner has %s, had %s", left.Body, has(), before)
		}
		wantError(t, s.Ask(t, p.Key, `query($id: ID!){customer(id: $id){id}}`, vars{"id": customer.ID}), "NOT_FOUND", "", "")
		own := s.Ask(t, key.Secret, `query($t: DateTime!){viewer{customer{association{id} balance{total{amount}} associations{totalCount nodes{mode source}} associationAt(time: $t){mode}}}}`,
			vars{"t": s.Clock.Now().Add(-2 * time.Hour).Format(time.RFC3339)})
		if diff := cmp.Diff(any(vars{
			"association": nil, "balance": vars{"total": vars{"amount": "0.00"}}, "associationAt": vars{"mode": "ADVISORY"},
			"associations": vars{"totalCount": 3.0, "nodes": []any{
				vars{"mode": "RESALE", "source": "SWITCH"}, vars{"mode": "ADVISORY", "source": "SWITCH"}, vars{"mode": "RESALE", "source": "REPORT"},
			}},
		}), own.At("viewer", "customer")); diff != "" {
			t.Errorf("the customer afterwards (-want +got):\n%s", diff)
		}
		if text := s.Log.String(); strings.Contains(text, token) || strings.Contains(text, "newcomer@example.com") {
			t.Error("the log tells the token or the address")
		}
		s.Sound(t)
	})
}

// TestHistoriesAreReadTogether: the associations of a page of customers cost as many statements as those of one.
func TestHistoriesAreReadTogether(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		const query = `query($n: Int){customers(first: $n){nodes{associations(first: 2){nodes{mode partner{name}}} associationAt(time: "2026-11-10T08:00:00Z"){mode} restrictions{kind note}}}}`
		counts := map[int]int{}
		for _, n := range []int{1, 12} {
			ctx, counter := store.CountStatements(t.Context())
			answer := s.AskCtx(ctx, t, w.OperatorKey, query, map[string]any{"n": n})
			nodes, _ := answer.At("customers", "nodes").([]any)
			if len(answer.Errors) > 0 || len(nodes) != n || answer.At("customers", "nodes", 0, "restrictions", 0, "kind") != "GOVERNMENT_SUBSIDY" {
				t.Fatalf("%.400s", answer.Body)
			}
			counts[n] = counter.Count()
		}
		if counts[12] > counts[1] {
			t.Errorf("statements by customers %v", counts)
		}
	}, apitest.Patient)
}
