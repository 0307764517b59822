package apitest_test

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// asker asks one server, and fails the test where an answer has errors.
type asker struct {
	t *testing.T
	s *apitest.Server
}

func (a asker) ask(who, document string, input fields) apitest.Answer {
	a.t.Helper()
	answer := a.s.Ask(a.t, who, document, fields{"i": input})
	if len(answer.Errors) > 0 {
		a.t.Fatalf("%.60s: %s", document, answer.Body)
	}
	return answer
}

// code has somebody ask for a one-time code by a mutation, and returns it from the letter, which must go to this address.
func (a asker) code(to, who, document string, input fields) string {
	a.t.Helper()
	code := a.s.Code(a.t, func() error {
		a.ask(who, document, input)
		return nil
	})
	sent := a.s.Mails.Sent()
	if mail := sent[len(sent)-1]; mail.To != to {
		a.t.Errorf("the code went to %s, want %s", mail.To, to)
	}
	a.s.Clock.Advance(models.CodePause)
	return code
}

func otherCode(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

const (
	sendCode  = `mutation($i: SendVerificationCodeInput!){sendVerificationCode(input: $i){sentTo expiresAt retryAfter}}`
	grant     = `mutation($i: GrantAuthorizationInput!){grantAuthorization(input: $i){authorization{id state}}}`
	revoke    = `mutation($i: RevokeAuthorizationInput!){revokeAuthorization(input: $i){authorization{id state}}}`
	quote     = `mutation($i: QuotePurchaseInput!){quotePurchase(input: $i){quote{id} problems{reason}}}`
	placing   = `mutation($i: PlaceOrderInput!){placeOrder(input: $i){order{id source}}}`
	seeing    = `query($id: ID!){authorization(id: $id){id state}}`
	refusing  = `mutation($i: RefuseAuthorizationInput!){refuseAuthorization(input: $i){authorization{id}}}`
	setStepUp = `mutation($i: SetStepUpInput!){setStepUp(input: $i){stepUp{actions sentTo}}}`
	funding   = `mutation($i: FundCustomerInput!){fundCustomer(input: $i){transfer{id}}}`
)

// TestAnAuthorisationOverTheAPI is O16 with three parties: the partner asks and acts, its customer lets it with a code, and strangers of
// either kind neither see it nor decide.
func TestAnAuthorisationOverTheAPI(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		a := asker{t, s}
		partner, customer := w.Providers[0], w.Providers[0].Resale
		id := w.AuthorizationOf(customer)
		address := customer.Tag + "@example.com"
		order := func(key string) apitest.Answer {
			product := fields{
				"productId": "1", "serviceType": "hws.service.type.ec2", "resourceType": "hws.resource.type.vm", "specCode": "s6.large.2.linux", "region": "cn-north-4",
				"periodType": "MONTH", "periodCount": 1,
			}
			quoted := a.ask(partner.Key, quote, fields{"customerId": customer.Customer.ID, "products": []fields{product}})
			return s.Ask(t, partner.Key, placing, fields{"i": fields{
				"customerId": customer.Customer.ID, "quoteId": quoted.At("quotePurchase", "quote", "id"), "idempotencyKey": key,
			}})
		}
		wantError(t, order("before"), "PRECONDITION_FAILED", "", "NOT_AUTHORISED")

		strangers := map[string]string{"partner": w.Providers[1].Key, "customer": w.Providers[1].Resale.Key, "neighbour": partner.Advisory.Key, "reseller": w.Resellers[0].Key}
		for name, key := range strangers {
			wantError(t, s.Ask(t, key, seeing, fields{"id": id}), "NOT_FOUND", "", "")
			for what, document := range map[string]string{"grant": grant, "refuse": refusing, "revoke": revoke} {
				input := fields{"authorizationId": id, "reason": "mine", "code": "123456"}
				switch what {
				case "grant":
					delete(input, "reason")
				case "refuse":
					delete(input, "code")
				}
				if codes := s.Ask(t, key, document, fields{"i": input}).Codes(); !cmp.Equal(codes, []string{"NOT_FOUND"}) && !cmp.Equal(codes, []string{"FORBIDDEN"}) {
					t.Errorf("a %s may %s: %v", name, what, codes)
				}
			}
		}
		if seen := s.Ask(t, partner.Key, seeing, fields{"id": id}); seen.At("authorization", "state") != "REQUESTED" {
			t.Errorf("%s", seen.Body)
		}
		// The partner does not answer itself, and a code is the customer's.
		wantError(t, s.Ask(t, partner.Key, grant, fields{"i": fields{"authorizationId": id, "code": "123456"}}), "FORBIDDEN", "", "")
		wantError(t, s.Ask(t, partner.Key, sendCode, fields{"i": fields{"purpose": "GRANT_AUTHORIZATION"}}), "FORBIDDEN", "", "")
		wantError(t, s.Ask(t, customer.Key, grant, fields{"i": fields{"authorizationId": id, "code": "123456"}}), "PRECONDITION_FAILED", "", "CODE_REQUIRED")
		code := a.code(address, customer.Key, sendCode, fields{"purpose": "GRANT_AUTHORIZATION"})
		wantError(t, s.Ask(t, customer.Key, grant, fields{"i": fields{"authorizationId": id, "code": otherCode(code)}}), "PRECONDITION_FAILED", "", "CODE_WRONG")
		wantError(t, order("meanwhile"), "PRECONDITION_FAILED", "", "NOT_AUTHORISED")
		if granted := a.ask(customer.Key, grant, fields{"authorizationId": id, "code": code}); granted.At("grantAuthorization", "authorization", "state") != "GRANTED" {
			t.Errorf("%s", granted.Body)
		}
		if placed := order("under it"); placed.At("placeOrder", "order", "source") != "PARTNER" {
			t.Errorf("%s", placed.Body)
		}
		// Both sides read that it was used, and by whom as far as that is theirs.
		const used = `query($id: ID!){events(subjectId: $id, type: ["authorization.used"]){nodes{actorId actorOrganizationId}}}`
		if seen := s.Ask(t, customer.Key, used, fields{"id": id}); seen.At("events", "nodes", 0, "actorId") != "PARTNER_KEY" {
			t.Errorf("the customer reads %s", seen.Body)
		}
		if seen := s.Ask(t, partner.Key, used, fields{"id": id}); seen.At("events", "nodes", 0, "actorId") != string(partner.KeyID) {
			t.Errorf("the partner reads %s", seen.Body)
		}

		code = a.code(address, customer.Key, sendCode, fields{"purpose": "REVOKE_AUTHORIZATION"})
		if revoked := a.ask(customer.Key, revoke, fields{"authorizationId": id, "reason": "enough", "code": code}); revoked.At("revokeAuthorization", "authorization", "state") != "REVOKED" {
			t.Errorf("%s", revoked.Body)
		}
		wantError(t, order("after"), "PRECONDITION_FAILED", "", "NOT_AUTHORISED")
		if strings.Contains(s.Log.String(), code) {
			t.Error("the log has the code")
		}
	})
}

// TestAnInvitationsQRCodeOverTheAPI is C06: the partner gets a link and its QR code, once; whoever has it reads the offer, one of them accepts, and
// strangers find nothing of it at the partner's.
func TestAnInvitationsQRCodeOverTheAPI(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		a := asker{t, s}
		partner := w.Providers[0]
		report := a.ask(partner.Key, `mutation($i: ReportCustomerInput!){reportCustomer(input: $i){report{id}}}`, fields{"company": "QR Limited", "email": "qr@example.com"})
		invited := a.ask(partner.Key, `mutation($i: CreateInvitationInput!){createInvitation(input: $i){link qrCode(size: 512) small: qrCode(size: 128) invitation{id state}}}`, fields{
			"reportId": report.At("reportCustomer", "report", "id"), "channel": "LINK", "mode": "ADVISORY",
		})
		link, _ := invited.At("createInvitation", "link").(string)
		found := regexp.MustCompile(`^https://sales\.example\.com/invitation/([\w-]{43})$`).FindStringSubmatch(link)
		if found == nil {
			t.Fatalf("%s", invited.Body)
		}
		for _, field := range []string{"qrCode", "small"} {
			if read := readQR(t, invited.At("createInvitation", field)); read != link {
				t.Errorf("%s reads %q, want %q", field, read, link)
			}
		}
		token, id := found[1], invited.At("createInvitation", "invitation", "id")
		const reading = `query($t: String){invitationOffer(token: $t){partnerName mode}}`
		const accepting = `mutation($i: AcceptInvitationInput!){acceptInvitation(input: $i){association{mode partner{id}}}}`
		// Others find it nowhere: not as a node, not in their lists, and they neither send nor revoke it.
		for name, key := range map[string]string{"partner": w.Providers[1].Key, "reseller": w.Resellers[0].Key, "customer": w.Providers[1].Resale.Key} {
			wantError(t, s.Ask(t, key, `query($id: ID!){node(id: $id){id}}`, fields{"id": id}), "NOT_FOUND", "", "")
			answer := s.Ask(t, key, `mutation($i: RevokeInvitationInput!){revokeInvitation(input: $i){invitation{id}}}`, fields{"i": fields{"invitationId": id}})
			if codes := answer.Codes(); !cmp.Equal(codes, []string{"NOT_FOUND"}) && !cmp.Equal(codes, []string{"FORBIDDEN"}) {
				t.Errorf("a %s revokes it: %s", name, answer.Body)
			}
			if strings.Contains(s.Ask(t, key, `{invitations(first: 100){nodes{id}}}`, nil).Body, id.(string)) {
				t.Errorf("a %s lists it", name)
			}
		}
		wantError(t, s.Ask(t, "", reading, fields{"t": token}), "UNAUTHENTICATED", "", "")
		wantError(t, s.Ask(t, partner.Key, accepting, fields{"i": fields{"token": token}}), "FORBIDDEN", "", "")
		wantError(t, s.Ask(t, w.Providers[1].Resale.Key, accepting, fields{"i": fields{"token": token}}), "PRECONDITION_FAILED", "", "ALREADY_ASSOCIATED")
		wantError(t, s.Ask(t, w.Newcomer(t).Key, accepting, fields{"i": fields{"token": strings.Repeat("A", 43)}}), "NOT_FOUND", "", "")

		willing, late := w.Newcomer(t), w.Newcomer(t)
		if offer := s.Ask(t, willing.Key, reading, fields{"t": token}); offer.At("invitationOffer", "partnerName") != partner.Partner.Name || offer.At("invitationOffer", "mode") != "ADVISORY" {
			t.Errorf("%s", offer.Body)
		}
		want := any(fields{"mode": "ADVISORY", "partner": fields{"id": string(partner.Partner.ID)}})
		if diff := cmp.Diff(want, a.ask(willing.Key, accepting, fields{"token": token}).At("acceptInvitation", "association")); diff != "" {
			t.Error(diff)
		}
		wantError(t, s.Ask(t, late.Key, accepting, fields{"i": fields{"token": token}}), "PRECONDITION_FAILED", "", "INVITATION_USED")
		if seen := s.Ask(t, partner.Key, `query($id: ID!){node(id: $id){... on Invitation{state}}}`, fields{"id": id}); seen.At("node", "state") != "ACCEPTED" {
			t.Errorf("%s", seen.Body)
		}

		// One that nobody accepts is good for 7 days.
		many := a.ask(partner.Key, `mutation($i: CreateInvitationInput!){createInvitation(input: $i){link qrCode invitation{expiresAt}}}`, fields{
			"channel": "LINK", "mode": "ADVISORY", "expiresAt": s.Clock.Now().Add(7 * 24 * time.Hour).Format(time.RFC3339),
		})
		link, _ = many.At("createInvitation", "link").(string)
		s.Clock.Advance(7*24*time.Hour + time.Second)
		wantError(t, s.Ask(t, late.Key, accepting, fields{"i": fields{"token": link[strings.LastIndexByte(link, '/')+1:]}}), "PRECONDITION_FAILED", "", "INVITATION_EXPIRED")
		if text := s.Log.String(); strings.Contains(text, token) {
			t.Error("the log tells the token")
		}
	})
}

func readQR(t *testing.T, url any) string {
	t.Helper()
	text, _ := url.(string)
	content, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "data:image/png;base64,"))
	if err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
	drawn, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(drawn)
	if err != nil {
		t.Fatal(err)
	}
	// As drawn: looking for a code in a photograph, this reader misses one of 200 that are larger.
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return read.GetText()
}

// TestARealNameCodeOverTheAPI is R03: the partner has its customer sent a code, and submits with it, once.
func TestARealNameCodeOverTheAPI(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		a := asker{t, s}
		partner, customer := w.Providers[0], w.Providers[0].Resale
		const asking = `mutation($i: SendRealNameCodeInput!){sendRealNameCode(input: $i){sentTo expiresAt retryAfter}}`
		const submit = `mutation($i: SubmitIndividualVerificationInput!){submitIndividualVerification(input: $i){verification{status identifyType} customer{verifiedStatus}}}`
		input := fields{"customerId": customer.Customer.ID}
		wantError(t, s.Ask(t, w.Providers[1].Key, asking, fields{"i": input}), "NOT_FOUND", "", "")
		wantError(t, s.Ask(t, w.Resellers[0].Key, asking, fields{"i": fields{"customerId": w.Resellers[0].Resale.Customer.ID}}), "PRECONDITION_FAILED", "", "NOT_FOR_RESELLERS")
		wantError(t, s.Ask(t, customer.Key, asking, fields{"i": input}), "FORBIDDEN", "", "")
		code := a.code(customer.Tag+"@example.com", partner.Key, asking, input)
		application := func(code any) fields {
			var attachments []fields
			for _, id := range w.Pictures(t, partner, 1) {
				attachments = append(attachments, fields{"uploadId": id})
			}
			return fields{"i": fields{
				"customerId": customer.Customer.ID, "identifyType": "BANK_CARD", "name": "Li Lei", "number": "310101199001011234", "bankCard": "6222021234567890",
				"phone": "0086-13800000000", "code": code, "attachments": attachments,
			}}
		}
		wantError(t, s.Ask(t, partner.Key, submit, application(nil)), "PRECONDITION_FAILED", "", "CODE_REQUIRED")
		wantError(t, s.Ask(t, partner.Key, submit, application(otherCode(code))), "PRECONDITION_FAILED", "", "CODE_WRONG")
		want := any(fields{"verification": fields{"status": "REVIEWING", "identifyType": "BANK_CARD"}, "customer": fields{"verifiedStatus": "REVIEWING"}})
		done := s.Ask(t, partner.Key, submit, application(code))
		if diff := cmp.Diff(want, done.At("submitIndividualVerification")); diff != "" {
			t.Errorf("%s %s", diff, done.Body)
		}
		waiting := a.ask(w.OperatorKey, `query{verifications(statuses: [REVIEWING]){nodes{id}}}`, nil)
		a.ask(w.OperatorKey, `mutation($i: ReviewVerificationInput!){reviewVerification(input: $i){verification{id}}}`,
			fields{"verificationId": waiting.At("verifications", "nodes", 0, "id"), "passed": false, "opinion": "blurred"})
		wantError(t, s.Ask(t, partner.Key, submit, application(code)), "PRECONDITION_FAILED", "", "CODE_SPENT")
		wantError(t, s.Ask(t, customer.Key, `mutation($i: SendVerificationCodeInput!){sendVerificationCode(input: $i){sentTo}}`, fields{"i": fields{"purpose": "FUNDING"}}), "FORBIDDEN", "", "")
		if text := s.Log.String(); strings.Contains(text, code) || strings.Contains(text, "Li Lei") {
			t.Error("the log tells the code or the name")
		}
	})
}

// TestFundingAsksForACodeOverTheAPI is G04 and O05: the partner turns codes on for FUNDING, and then neither funds nor pays without one.
func TestFundingAsksForACodeOverTheAPI(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		a := asker{t, s}
		partner, customer := w.Providers[0], w.Providers[0].Resale
		const desk = "desk@provider0.example.com"
		code := a.code(desk, partner.Key, sendCode, fields{"purpose": "STEP_UP", "email": desk})
		on := a.ask(partner.Key, setStepUp, fields{"actions": []string{"FUNDING"}, "email": desk, "code": code})
		if diff := cmp.Diff(any([]any{"FUNDING"}), on.At("setStepUp", "stepUp", "actions")); diff != "" {
			t.Error(diff)
		}
		fund := func(key string, code any) apitest.Answer {
			return s.Ask(t, partner.Key, funding, fields{"i": fields{"customerId": customer.Customer.ID, "amount": "1.00", "idempotencyKey": key, "code": code}})
		}
		wantError(t, fund("f", nil), "PRECONDITION_FAILED", "", "CODE_REQUIRED")
		code = a.code(desk, partner.Key, sendCode, fields{"purpose": "FUNDING"})
		wantError(t, fund("f", otherCode(code)), "PRECONDITION_FAILED", "", "CODE_WRONG")
		first := fund("f", code)
		if again := fund("f", code); again.Body != first.Body || first.At("fundCustomer", "transfer", "id") == nil {
			t.Errorf("%s, and again %s", first.Body, again.Body)
		}
		wantError(t, fund("f2", code), "PRECONDITION_FAILED", "", "CODE_SPENT")

		a.ask(customer.Key, `mutation($i: RequestPartnerPaymentInput!){requestPartnerPayment(input: $i){order{id}}}`, fields{"orderId": customer.Waiting.ID})
		pay := func(code any) apitest.Answer {
			return s.Ask(t, partner.Key, `mutation($i: PartnerPayOrderInput!){partnerPayOrder(input: $i){order{paidByPartner}}}`,
				fields{"i": fields{"orderId": customer.Waiting.ID, "idempotencyKey": "p", "code": code}})
		}
		wantError(t, pay(nil), "PRECONDITION_FAILED", "", "CODE_REQUIRED")
		code = a.code(desk, partner.Key, sendCode, fields{"purpose": "FUNDING"})
		if paid := pay(code); paid.At("partnerPayOrder", "order", "paidByPartner") != true {
			t.Errorf("%s", paid.Body)
		}
		// Other partners are asked for nothing.
		other := w.Providers[1]
		a.ask(other.Key, funding, fields{"customerId": other.Resale.Customer.ID, "amount": "1.00", "idempotencyKey": "f"})
		s.Sound(t)
	})
}
