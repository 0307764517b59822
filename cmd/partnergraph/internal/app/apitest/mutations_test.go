package apitest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// mutationRow is how a mutation is tried against what is not the caller's.
type mutationRow struct {
	selection string
	// inputs returns what the caller must not be able to do.
	inputs func(w *apitest.World, c apitest.Caller) []map[string]any
}

// changes are inputs of a mutation that the caller must not be able to carry out.
type changes = func(w *apitest.World, c apitest.Caller) []map[string]any

// changesOf is a change of every object of a kind, by whoever may change none: its id is in the field, in a list where that is of ids, and more beside it.
func changesOf(prefix, field string, may func(w *apitest.World, c apitest.Caller, id models.ID) bool, more map[string]any) changes {
	return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
		for _, id := range w.IDs(prefix) {
			if !may(w, c, id) {
				one := map[string]any{field: id}
				if strings.HasSuffix(field, "Ids") {
					one[field] = []models.ID{id}
				}
				maps.Copy(one, more)
				all = append(all, one)
			}
		}
		return all
	}
}

func operatorsMay(_ *apitest.World, c apitest.Caller, _ models.ID) bool { return c.Operator }

func ownersMay(w *apitest.World, c apitest.Caller, id models.ID) bool {
	return c.Org != nil && w.Sees(c, id)
}

func seersMay(w *apitest.World, c apitest.Caller, id models.ID) bool { return w.Sees(c, id) }

// concernedMay is for what is its owner's own: an operator sees them all, and owns none.
func concernedMay(w *apitest.World, c apitest.Caller, id models.ID) bool {
	return !c.Operator && w.Sees(c, id)
}

// keyed is an input with an idempotency key.
func keyed(input map[string]any) map[string]any {
	all := map[string]any{"idempotencyKey": "theirs"}
	maps.Copy(all, input)
	return all
}

// mutationRows has a row for every mutation of the schema; the test says when one is missing.
func mutationRows() map[string]mutationRow {
	partnersOfOthers := func(w *apitest.World, c apitest.Caller, input map[string]any) (all []map[string]any) {
		for _, o := range w.Orgs() {
			if o != c.Org && !c.Operator {
				one := map[string]any{"partnerId": o.Partner.ID}
				maps.Copy(one, input)
				all = append(all, one)
			}
		}
		return all
	}
	// Customers that are not the caller's own, its own advisory one, and every customer through a partner that is not the
	// caller's reseller.
	moneyOfOthers := func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
		for _, b := range w.Buyers() {
			if c.Org == nil || b != c.Org.Resale {
				all = append(all, map[string]any{"customerId": b.Customer.ID, "amount": "1.00", "idempotencyKey": "theirs"})
			}
			if c.Org == nil || b.Owner.Parent != c.Org || b != b.Owner.Resale {
				all = append(all, map[string]any{
					"customerId": b.Customer.ID, "amount": "1.00", "idempotencyKey": "theirs", "actingForPartnerId": b.Owner.Partner.ID,
				})
			}
		}
		return all
	}
	// Limits are the operator's to set: a partner does not even set its own.
	limitsOfOthers := func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
		if c.Operator {
			return nil
		}
		for _, o := range w.Orgs() {
			all = append(all, map[string]any{"partnerId": o.Partner.ID, "amount": "0.00", "reason": "mine", "idempotencyKey": "theirs"})
		}
		for _, b := range w.Buyers() {
			all = append(all, map[string]any{"customerId": b.Customer.ID, "amount": "9.00", "reason": "mine", "idempotencyKey": "theirs"})
		}
		return all
	}
	resellersOfOthers := func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
		for _, o := range w.Orgs() {
			if c.Org == nil || o.Parent != c.Org {
				all = append(all, map[string]any{"resellerId": o.Partner.ID, "amount": "1.00", "idempotencyKey": "theirs"})
			}
		}
		return all
	}
	keysOfOthers := changesOf(models.PrefixAPIKey, "apiKeyId", seersMay, nil)
	// Partners that are not the caller, and customers whose balance is not the caller's to watch.
	alertsOfOthers := func(more map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			with := func(owner string, id models.ID) {
				one := map[string]any{owner: id}
				maps.Copy(one, more)
				all = append(all, one)
			}
			for _, o := range w.Orgs() {
				if c.Org != o {
					with("partnerId", o.Partner.ID)
				}
			}
			for _, b := range w.Buyers() {
				partners := c.Org == b.Owner && c.Org.Resale == b
				own := c.Buyer == b && b.Owner.Advisory == b
				if !partners && !own {
					with("customerId", b.Customer.ID)
				}
			}
			return all
		}
	}
	rows := map[string]mutationRow{
		"refundOrder":         {"{refund{id}}", ordersOfOthers(map[string]any{"reason": "why not"}, false)},
		"holdOrderPayment":    {"{order{id}}", ordersOfOthers(nil, true)},
		"releaseOrderHold":    {"{order{id}}", ordersOfOthers(nil, true)},
		"reverseTransfer":     {"{transfer{id}}", changesOf(models.PrefixTransfer, "transferId", operatorsMay, keyed(map[string]any{"reason": "why not"}))},
		"adjustBalance":       {"{transfer{id}}", everyBalance},
		"exportStatement":     {"{url}", ledgersOfOthers},
		"setBalanceAlert":     {"{balanceAlert{enabled}}", alertsOfOthers(map[string]any{"threshold": "1.00", "enabled": true})},
		"removeBalanceAlert":  {"{balanceAlert{enabled}}", alertsOfOthers(nil)},
		"earmarkBalance":      {"{balance{version}}", limitsOfOthers},
		"setCreditLine":       {"{balance{version}}", limitsOfOthers},
		"fundCustomer":        {"{transfer{id}}", moneyOfOthers},
		"reclaimFromCustomer": {"{transfer{id}}", moneyOfOthers},
		"fundReseller":        {"{transfer{id}}", resellersOfOthers},
		"reclaimFromReseller": {"{transfer{id}}", resellersOfOthers},
		"endAssociation":      {"{association{id}}", associationsOfOthers},
		"payOrder": {"{order{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if b != c.Buyer {
					all = append(all, map[string]any{"orderId": b.Waiting.ID, "idempotencyKey": "theirs"})
				}
			}
			return all
		}},
		"revokeApiKey": {"{apiKey{id}}", keysOfOthers},
		"rotateApiKey": {"{apiKey{id} secret}", keysOfOthers},
		"createApiKey": {"{secret}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if slices.Contains(c.Permissions(), models.ManageKeys) {
				// A right that no partner's key has, which the operator's own may pass on.
				if c.Operator {
					return nil
				}
				return []map[string]any{{"name": "more than mine", "scopes": []string{"PARTNERS_WRITE"}}}
			}
			return []map[string]any{{"name": "mine", "scopes": []string{"ORDERS_READ"}}}
		}},
	}
	maps.Copy(rows, exposureRows(partnersOfOthers))
	maps.Copy(rows, keyRows(partnersOfOthers))
	maps.Copy(rows, sessionRows())
	maps.Copy(rows, webhookRows())
	maps.Copy(rows, rechargeRows())
	maps.Copy(rows, relationRows())
	maps.Copy(rows, withdrawalRows())
	maps.Copy(rows, managementRows())
	maps.Copy(rows, orderRows())
	maps.Copy(rows, clockRows())
	maps.Copy(rows, catalogueRows())
	maps.Copy(rows, companyRows())
	maps.Copy(rows, billRows())
	maps.Copy(rows, verificationRows(partnersOfOthers))
	maps.Copy(rows, couponRows(partnersOfOthers))
	maps.Copy(rows, payoutRows())
	maps.Copy(rows, benefitRows(partnersOfOthers))
	maps.Copy(rows, brandRows(partnersOfOthers))
	maps.Copy(rows, staffRows())
	maps.Copy(rows, transferRows())
	maps.Copy(rows, settlementRows())
	maps.Copy(rows, cooperationRows())
	return rows
}

// webhookRows are those of webhooks: an operator changes everybody's.
func webhookRows() map[string]mutationRow {
	endpoints := func(more map[string]any) changes {
		return changesOf(models.PrefixWebhookEndpoint, "endpointId", seersMay, more)
	}
	return map[string]mutationRow{
		"createWebhookEndpoint": {"{secret}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() { // a reseller may have none, whoever asks
				if o.Parent != nil || !c.Operator && o != c.Org {
					all = append(all, map[string]any{"partnerId": o.Partner.ID, "url": "https://thief.example.com/", "eventTypes": []string{"*"}})
				}
			}
			return all
		}},
		"updateWebhookEndpoint": {"{webhookEndpoint{id}}", endpoints(map[string]any{"url": "https://thief.example.com/"})},
		"deleteWebhookEndpoint": {"{deletedWebhookEndpointId}", endpoints(nil)},
		"rotateWebhookSecret":   {"{secret}", endpoints(nil)},
		"sendTestWebhook":       {"{webhookDelivery{id}}", endpoints(nil)},
		"replayWebhookEvents":   {"{count}", endpoints(map[string]any{"since": "2026-11-10T08:00:00Z", "includeDelivered": true})},
		"replayWebhookDelivery": {"{webhookDelivery{id}}", changesOf(models.PrefixWebhookDelivery, "deliveryId", seersMay, nil)},
	}
}

// exposureRows are those of a platform: its configuration, the clouds that it signs in to, tickets and bindings.
func exposureRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	providersOfOthers := func(more map[string]any) changes {
		return changesOf(models.PrefixServiceProvider, "serviceProviderId", seersMay, more)
	}
	return map[string]mutationRow{
		"updateAccessConfiguration": {"{accessConfiguration{id}}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, map[string]any{"state": "DISABLED"})
		}},
		"registerServiceProvider": {"{serviceProvider{id}}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, map[string]any{"name": "mine", "metadata": "<x/>"})
		}},
		"updateServiceProvider":          {"{serviceProvider{id}}", providersOfOthers(map[string]any{"state": "DISABLED"})},
		"refreshServiceProviderMetadata": {"{serviceProvider{id}}", providersOfOthers(nil)},
		"removeServiceProvider":          {"{removedServiceProviderId}", providersOfOthers(nil)},
		"createSignInTicket": {"{url}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				// Only a partner's program signs in, and only people of resale customers that its platform serves.
				if c.Org == nil || c.Org.PlatformID == "" || b != b.Owner.Resale || b.Owner != c.Org && b.Owner.Parent != c.Org {
					all = append(all, map[string]any{"customerId": b.Customer.ID, "externalUserId": "theirs"})
				}
			}
			return all
		}},
		"createTestLogin": {"{url}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, nil)
		}},
		"resendBindNotification": {"{form{signature}}", changesOf(models.PrefixBindNotification, "bindNotificationId", seersMay, nil)},
		"unbindIdentity":         {"{form{signature}}", changesOf(models.PrefixFederatedIdentity, "identityId", seersMay, nil)},
		"rotateReturnSecret": {"{secret}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, nil)
		}},
	}
}

// keyRows are those of signing keys.
func keyRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	keysOfOthers := func(more map[string]any) changes {
		return func(w *apitest.World, c apitest.Caller) []map[string]any {
			all := changesOf(models.PrefixSigningKey, "signingKeyId", seersMay, more)(w, c)
			return append(all, map[string]any{"signingKeyId": "skey_01h455vb4pex5vsknk084sn02q"})
		}
	}
	return map[string]mutationRow{
		"publishNextSigningKey": {"{signingKey{id}}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return partnersOfOthers(w, c, map[string]any{"algorithm": "ECDSA_P256"})
		}},
		"activateNextSigningKey": {"{signingKey{id}}", keysOfOthers(map[string]any{"force": true})},
		"retireSigningKey":       {"{signingKey{id}}", keysOfOthers(map[string]any{"remove": true})},
	}
}

// sessionRows are those of signed-in browsers, which no key has; an operator ends those of people that there are.
func sessionRows() map[string]mutationRow {
	return map[string]mutationRow{
		"revokeSession": {"{session{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			if c.Operator {
				return []map[string]any{{"sessionId": "ses_01h455vb4pex5vsknk084sn02q"}}
			}
			for _, id := range w.IDs(models.PrefixSession) {
				all = append(all, map[string]any{"sessionId": id})
			}
			return all
		}},
		"revokeAllSessions": {"{revokedCount}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			if c.Operator {
				return []map[string]any{{"userId": "usr_01h455vb4pex5vsknk084sn02q"}}
			}
			for _, id := range w.IDs(models.PrefixUser) {
				all = append(all, map[string]any{"userId": id})
			}
			return append(all, map[string]any{})
		}},
	}
}

// withdrawalRows are those of money that goes out.
func withdrawalRows() map[string]mutationRow {
	withdrawalsOfOthers := func(more map[string]any) changes {
		return changesOf(models.PrefixWithdrawal, "withdrawalId", concernedMay, more)
	}
	// What only an operator does.
	decisions := func(more map[string]any) changes {
		return changesOf(models.PrefixWithdrawal, "withdrawalId", operatorsMay, keyed(more))
	}
	return map[string]mutationRow{
		"submitWithdrawal": {"{withdrawal{id}}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			// Everybody who may withdraw has a withdrawal under way, the others may not.
			return []map[string]any{{"amount": "0.01", "route": "ORIGINAL_ROUTE", "idempotencyKey": "another"}}
		}},
		"cancelWithdrawal": {"{withdrawal{id}}", withdrawalsOfOthers(keyed(nil))},
		"rerouteWithdrawal": {"{withdrawal{id}}", withdrawalsOfOthers(map[string]any{
			"idempotencyKey": "theirs", "bankCard": map[string]any{"holder": "Thief", "number": "6222021234567890", "bank": "Bank"},
		})},
		"deleteRejectedWithdrawal": {"{deletedWithdrawalId}", withdrawalsOfOthers(nil)},
		"reviewWithdrawal":         {"{withdrawal{id}}", decisions(map[string]any{"decision": "START"})},
		"payWithdrawal":            {"{withdrawal{id}}", decisions(nil)},
		"completeWithdrawal":       {"{withdrawal{id}}", decisions(map[string]any{"bankReference": "B-1"})},
		"failWithdrawal":           {"{withdrawal{id}}", decisions(map[string]any{"reasonText": "It came back."})},
		"restrictWithdrawals": {"{restriction{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if !c.Operator {
					all = append(all, map[string]any{"partnerId": o.Partner.ID, "reason": "CONTRACT_FORBIDS_REFUND", "note": "mine"})
				}
			}
			return all
		}},
		"liftWithdrawalRestriction": {"{restriction{id}}", func(*apitest.World, apitest.Caller) []map[string]any {
			return []map[string]any{{"restrictionId": "wrs_01h455vb4pex5vsknk084sn02q"}}
		}},
	}
}

// rechargeRows are those of money that comes in from outside.
func rechargeRows() map[string]mutationRow {
	// Whoever does not put its own money in may not do this either.
	unlessPayer := func(input map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if c.Org != nil && c.Org.Parent == nil || c.Buyer != nil && c.Buyer == c.Buyer.Owner.Advisory {
				return nil
			}
			return []map[string]any{input}
		}
	}
	return map[string]mutationRow{
		"startRecharge": {"{recharge{id}}", unlessPayer(map[string]any{
			"amount": "1.00", "method": "ONLINE", "channel": "WECHAT", "idempotencyKey": "theirs",
		})},
		"confirmRecharge": {"{recharge{id}}", changesOf(models.PrefixRecharge, "rechargeId", operatorsMay, keyed(map[string]any{
			"receivedAmount": "1.00", "providerReference": "theirs",
		}))},
		"failRecharge":   {"{recharge{id}}", changesOf(models.PrefixRecharge, "rechargeId", operatorsMay, map[string]any{"reason": "theirs"})},
		"cancelRecharge": {"{recharge{id}}", changesOf(models.PrefixRecharge, "rechargeId", concernedMay, nil)},
		"recordRemittance": {"{remittance{id}}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if c.Operator {
				return nil
			}
			return []map[string]any{{
				"signingEntity": "Cloud", "bankReference": "theirs", "payerName": "theirs", "amount": "1.00", "currency": "CNY",
				"receivedOn": "2026-11-10", "idempotencyKey": "theirs",
			}}
		}},
		"claimRemittance": {"{claim{id}}", changesOf(models.PrefixRecharge, "rechargeId", concernedMay, keyed(map[string]any{
			"amount": "1.00", "payerName": "theirs", "remittedOn": "2026-11-10",
		}))},
		"reviewRemittanceClaim": {"{claim{id}}", changesOf(models.PrefixRemittanceClaim, "claimId", operatorsMay, keyed(map[string]any{
			"approve": false, "reason": "theirs",
		}))},
		"createPayerAgreement": {"{payerAgreement{id}}", unlessPayer(map[string]any{
			"payerName": "theirs", "validFrom": "2026-11-10T00:00:00Z", "validUntil": "2027-11-10T00:00:00Z",
		})},
		"voidPayerAgreement": {"{payerAgreement{id}}", changesOf(models.PrefixPayerAgreement, "payerAgreementId", seersMay, nil)},
	}
}

// everyBalance is every owner that there is: only an operator corrects a balance.
func everyBalance(w *apitest.World, c apitest.Caller) (all []map[string]any) {
	if c.Operator {
		return nil
	}
	for _, id := range w.IDs(models.PrefixPartner, models.PrefixCustomer) {
		all = append(all, map[string]any{ownerField(id): id, "amount": "1.00", "reason": "mine", "idempotencyKey": "theirs"})
	}
	return all
}

// ledgersOfOthers are the owners whose balance the caller does not see.
func ledgersOfOthers(w *apitest.World, c apitest.Caller) (all []map[string]any) {
	for _, id := range w.IDs(models.PrefixPartner, models.PrefixCustomer) {
		if !w.SeesBalance(c, id) {
			all = append(all, map[string]any{ownerField(id): id})
		}
	}
	return all
}

// ownerField is how an input names an owner.
func ownerField(id models.ID) string {
	if id.Prefix() == models.PrefixPartner {
		return "partnerId"
	}
	return "customerId"
}

// ordersOfOthers are the orders of everybody for whoever may do a thing to none, or to its own alone.
func ordersOfOthers(input map[string]any, mayOwn bool) func(w *apitest.World, c apitest.Caller) []map[string]any {
	return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
		for _, b := range w.Buyers() {
			if c.Operator || mayOwn && b == c.Buyer {
				continue
			}
			for _, id := range []models.ID{b.Waiting.ID, b.Paid.ID} {
				one := map[string]any{"orderId": id, "idempotencyKey": "theirs"}
				maps.Copy(one, input)
				all = append(all, one)
			}
		}
		return all
	}
}

// associationsOfOthers are those of every customer for whoever is no operator.
func associationsOfOthers(w *apitest.World, c apitest.Caller) (all []map[string]any) {
	for _, b := range w.Buyers() {
		if !c.Operator { // who may
			all = append(all, map[string]any{"customerId": b.Customer.ID, "reason": "theirs", "idempotencyKey": "theirs"})
		}
	}
	return all
}

// TestNoMutationTouchesWhatIsOthers tries every mutation of the schema on everybody else's objects, and compares every row
// of every table afterwards.
func TestNoMutationTouchesWhatIsOthers(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	rows := mutationRows()
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		before := s.Fingerprint(t)
		for _, f := range apitest.Fields(schema.Mutation) {
			row, ok := rows[f.Name]
			if !ok {
				t.Errorf("mutationRows needs a row for %s", f.Name)
				continue
			}
			permission, guarded := apitest.Permission(f)
			// Only what people do with themselves needs no right; which one a code or an upload needs depends on what it is for.
			if open := []string{"revokeSession", "revokeAllSessions", "sendVerificationCode", "createUpload"}; guarded == slices.Contains(open, f.Name) {
				t.Errorf("%s: with @auth is %v", f.Name, guarded)
			}
			want := []string{"NOT_FOUND", "FORBIDDEN", "PRECONDITION_FAILED"} // the last for a distributor's own resellers
			switch {
			case c.Void():
				want = []string{"UNAUTHENTICATED"}
			case guarded && !slices.Contains(c.Permissions(), permission):
				want = []string{"FORBIDDEN"}
			}
			document := "mutation($input: " + f.Arguments.ForName("input").Type.String() + "){" + f.Name + "(input: $input)" + row.selection + "}"
			for _, input := range row.inputs(w, c) {
				answer := s.Ask(t, c.Key, document, map[string]any{"input": input})
				codes, data := answer.Codes(), answer.Data[f.Name]
				if results, batch := answer.At(f.Name, "results").([]any); batch {
					codes, data = refusals(results)
				}
				if len(codes) != 1 || !slices.Contains(want, codes[0]) || data != nil {
					t.Errorf("%s(%v): %v, want one of %v", f.Name, input, answer.Body, want)
				}
				wantNoLeak(t, w, c, f.Name, answer)
			}
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		s.Sound(t)
	})
}

// TestRootFieldsAskForTheirPermission: without it a key is refused at the root, and finds nothing of the kind on the way.
func TestRootFieldsAskForTheirPermission(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	hidden := map[models.Permission][]string{
		models.ReadPartners: {models.PrefixPartner, models.PrefixCooperation, models.PrefixCooperationRequest, models.PrefixResellerManager, models.PrefixResellerUpgrade}, models.ReadCustomers: {
			models.PrefixCustomer, models.PrefixAssociation, models.PrefixFederatedIdentity, models.PrefixCustomerReport, models.PrefixInvitation, models.PrefixAssociationRequest,
			models.PrefixAuthorization, models.PrefixVerification,
		},
		models.ReadOrders: {models.PrefixOrder, models.PrefixOrderItem, models.PrefixOrderRefund, models.PrefixPriceAdjustment}, models.ReadResources: {models.PrefixResource, models.PrefixResourcePackage, models.PrefixPackageItem, models.PrefixPackageUsage},
		models.ReadIncentives: {models.PrefixIncentiveStatement, models.PrefixIncentiveLine, models.PrefixPerformanceLine, models.PrefixIncentiveVersion, models.PrefixIncentivePolicy, models.PrefixBenefitApplication, models.PrefixStaffScheme, models.PrefixStaffMember, models.PrefixStaffMonth, models.PrefixStaffPayment, models.PrefixIncentiveTransfer},
		models.ReadBills:      {models.PrefixBillLine, models.PrefixBillMonth},
		models.ReadExposure:   {models.PrefixAccessConfiguration, models.PrefixBrandVersion, models.PrefixSigningKey, models.PrefixBindNotification, models.PrefixWebhookEndpoint, models.PrefixWebhookDelivery}, models.ManageKeys: {models.PrefixAPIKey}, models.ReadEvents: {models.PrefixEvent},
		models.ReadBalances: {
			models.PrefixEntry, models.PrefixTransfer, models.PrefixWithdrawal, models.PrefixMonthlySettlement,
			models.PrefixRecharge, models.PrefixRemittance, models.PrefixRemittanceClaim, models.PrefixPayerAgreement,
		},
		models.ReadCoupons:   {models.PrefixCouponQuota, models.PrefixCouponQuotaRecord, models.PrefixCoupon, models.PrefixCouponRecord, models.PrefixCouponUse},
		models.ReadCompanies: {models.PrefixCompany, models.PrefixCompanyFact},
	}
	var open []string
	for _, f := range apitest.Fields(schema.Query) {
		if _, guarded := apitest.Permission(f); !guarded {
			open = append(open, f.Name)
		}
	}
	if diff := cmp.Diff([]string{"node", "nodes", "viewer"}, slices.Sorted(slices.Values(open))); diff != "" {
		t.Errorf("root fields without @auth: %s", diff)
	}
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		org := w.Distributors[0]
		for _, missing := range models.DefaultPermissions(models.PartnerKey, org.Partner.Kind) {
			key := w.KeyWithout(t, org, missing)
			for _, f := range apitest.Fields(schema.Query) {
				permission, _ := apitest.Permission(f)
				if permission != missing && len(hidden[missing]) == 0 {
					continue // it opens this root field neither, and there is nothing on the way that it opens
				}
				target := schema.Types[f.Type.Name()]
				node := apitest.NodeOf(schema, target)
				required := requiredArguments(f)
				var documents []string
				switch {
				case node != nil:
					for _, selection := range apitest.Selections(t, schema, node) {
						documents = append(documents, "{"+f.Name+"{nodes"+selection+"}}")
					}
				case len(required) == 0:
					for _, selection := range apitest.Selections(t, schema, target) {
						documents = append(documents, "{"+f.Name+selection+"}")
					}
				case cmp.Equal(required, []string{"itemIds"}):
					documents = append(documents, "{"+f.Name+"(itemIds: [\""+string(w.IDs(models.PrefixPackageItem)[0])+"\"]){id}}")
				case cmp.Equal(required, []string{"id"}):
					shown := "id"
					if target.Fields.ForName("id") == nil { // what lies around an object is none
						shown = "__typename"
					}
					documents = append(documents, "{"+f.Name+"(id: \""+string(org.Partner.ID)+"\"){"+shown+"}}")
				}
				for _, document := range documents {
					answer := s.Ask(t, key, document, nil)
					if permission == missing {
						if !cmp.Equal(answer.Codes(), []string{"FORBIDDEN"}) || answer.At(f.Name) != nil {
							t.Errorf("%s without %s: %.200s", f.Name, missing, answer.Body)
						}
						continue
					}
					for _, prefix := range hidden[missing] {
						if found := apitest.IDsIn(answer.Data, prefix); len(found) > 0 {
							t.Errorf("%s without %s shows %v", f.Name, missing, found[:1])
						}
					}
					// A coupon has a balance, too, and nothing is earmarked of it.
					if missing == models.ReadBalances && apitest.Selected(answer.Data, "earmarked") {
						t.Errorf("%s without %s shows a balance", f.Name, missing)
					}
				}
			}
		}
	}, apitest.Wide)
}
