package apitest_test

import (
	"maps"
	"strings"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// relationRows are those of reports, invitations, requests and restrictions.
func relationRows() map[string]mutationRow {
	with := func(input map[string]any, more map[string]any) map[string]any {
		one := maps.Clone(input)
		maps.Copy(one, more)
		return one
	}
	// Partners that the caller does not act for, and reports that it does not see.
	prospectsOfOthers := func(more map[string]any, reports bool) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if !c.Operator && (c.Org == nil || o != c.Org && o.Parent != c.Org) {
					all = append(all, with(map[string]any{"partnerId": o.Partner.ID}, more))
				}
			}
			for _, id := range w.IDs(models.PrefixCustomerReport) {
				if reports && !w.Sees(c, id) {
					all = append(all, with(map[string]any{"reportId": id}, more))
				}
			}
			return all
		}
	}
	// Customers that are neither the caller nor its very own: a distributor's reseller's are not, and an operator has none.
	relationsOfOthers := func(more map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if b != c.Buyer && (c.Org == nil || b.Owner != c.Org) {
					all = append(all, with(map[string]any{"customerId": b.Customer.ID}, more))
				}
			}
			return all
		}
	}
	// The customers have asked: their partners decide, and they themselves cancel.
	requests := func(more map[string]any, mayOwn func(c apitest.Caller, b *apitest.Buyer) bool) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if !mayOwn(c, b) {
					all = append(all, with(map[string]any{"requestId": w.RequestOf(b)}, more))
				}
			}
			return all
		}
	}
	authorizations := func(more map[string]any, mayOwn func(c apitest.Caller, b *apitest.Buyer) bool) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if id := w.AuthorizationOf(b); id != "" && !mayOwn(c, b) {
					all = append(all, with(map[string]any{"authorizationId": id}, more))
				}
			}
			return all
		}
	}
	either := func(c apitest.Caller, b *apitest.Buyer) bool { return c.Buyer == b || c.Org == b.Owner && c.Org != nil }
	decides := func(c apitest.Caller, b *apitest.Buyer) bool { return c.Org == b.Owner && c.Org != nil }
	asked := func(c apitest.Caller, b *apitest.Buyer) bool { return c.Buyer == b }
	return map[string]mutationRow{
		"restrictCustomer":        {"{restriction{id}}", changesOf(models.PrefixCustomer, "customerId", operatorsMay, map[string]any{"kind": "IS_PARTNER", "note": "mine"})},
		"liftCustomerRestriction": {"{restriction{id}}", changesOf(models.PrefixCustomerRestriction, "restrictionId", operatorsMay, nil)},
		"reportCustomer": {"{report{id}}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			return append(prospectsOfOthers(map[string]any{"company": "mine", "email": "mine@example.com"}, false)(w, c), companiesUnseen(w, c)...)
		}},
		"withdrawReport":            {"{report{id}}", changesOf(models.PrefixCustomerReport, "reportId", seersMay, nil)},
		"createInvitation":          {"{invitation{id} link}", prospectsOfOthers(map[string]any{"channel": "LINK", "mode": "RESALE"}, true)},
		"resendInvitation":          {"{invitation{id}}", changesOf(models.PrefixInvitation, "invitationId", seersMay, nil)},
		"revokeInvitation":          {"{invitation{id}}", changesOf(models.PrefixInvitation, "invitationId", seersMay, nil)},
		"acceptInvitation":          {"{association{id}}", guessedInvitation},
		"refuseInvitation":          {"{offer{partnerName}}", guessedInvitation},
		"requestModeSwitch":         {"{request{id}}", relationsOfOthers(map[string]any{"mode": "ADVISORY", "reason": "mine"})},
		"requestDisassociation":     {"{request{id}}", relationsOfOthers(map[string]any{"reason": "mine"})},
		"confirmAssociationRequest": {"{request{id}}", requests(map[string]any{"idempotencyKey": "theirs"}, decides)},
		"rejectAssociationRequest":  {"{request{id}}", requests(map[string]any{"reason": "mine"}, decides)},
		"cancelAssociationRequest":  {"{request{id}}", requests(nil, asked)},
		"requestAuthorization": {"{authorization{id}}", relationsOfOthers(map[string]any{
			"scope": "OPERATE", "reason": "mine", "validUntil": "2027-03-01T00:00:00Z",
		})},
		"grantAuthorization":   {"{authorization{id}}", authorizations(map[string]any{"code": "123456"}, asked)},
		"refuseAuthorization":  {"{authorization{id}}", authorizations(map[string]any{"reason": "mine"}, asked)},
		"revokeAuthorization":  {"{authorization{id}}", authorizations(map[string]any{"reason": "mine"}, either)},
		"sendVerificationCode": {"{sentTo}", codesOfOthers},
		"setStepUp":            {"{stepUp{sentTo}}", stepUpsOfOthers},
	}
}

// guessedInvitation is of nobody.
func guessedInvitation(*apitest.World, apitest.Caller) []map[string]any {
	return []map[string]any{{"token": strings.Repeat("A", 43)}}
}

// codesOfOthers are for those who are no customers.
func codesOfOthers(_ *apitest.World, c apitest.Caller) []map[string]any {
	if c.Buyer != nil {
		return nil // who may
	}
	return []map[string]any{{"purpose": "WITHDRAWAL"}, {"purpose": "GRANT_AUTHORIZATION"}, {"purpose": "STEP_UP"}}
}

// stepUpsOfOthers are of organisations that are not the caller.
func stepUpsOfOthers(w *apitest.World, c apitest.Caller) (all []map[string]any) {
	for _, id := range w.IDs(models.PrefixPartner, models.PrefixCustomer) {
		if (c.Org == nil || id != c.Org.Partner.ID) && (c.Buyer == nil || id != c.Buyer.Customer.ID) {
			all = append(all, map[string]any{"organisationId": id, "actions": []string{"WITHDRAWALS"}, "code": "123456"})
		}
	}
	return all
}
