package apitest_test

import (
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// staffRows are those of dedicated staff: a partner's steps are its own, not an operator's.
func staffRows() map[string]mutationRow {
	const scheme, member, month, payment = "{staffScheme{id}}", "{staffMember{id}}", "{staffMonth{id}}", "{staffPayment{id}}"
	schemes := func(may func(*apitest.World, apitest.Caller, models.ID) bool, more map[string]any) changes {
		return changesOf(models.PrefixStaffScheme, "schemeId", may, more)
	}
	members := func(more map[string]any) changes {
		return changesOf(models.PrefixStaffMember, "memberId", ownersMay, more)
	}
	payments := func(may func(*apitest.World, apitest.Caller, models.ID) bool, more map[string]any) changes {
		return changesOf(models.PrefixStaffPayment, "paymentId", may, more)
	}
	return map[string]mutationRow{
		"inviteToStaffScheme": {scheme, func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if !c.Operator || o.Parent != nil { // a reseller has none, whoever asks
					all = append(all, map[string]any{
						"partnerId": o.Partner.ID, "code": "MINE", "name": "Mine", "year": 2026, "headCount": 2,
						"rates": []map[string]any{{"role": "ENGINEER", "dayRate": "1"}}, "agreementVersion": "1",
					})
				}
			}
			return all
		}},
		"requestStaffScheme":  {scheme, schemes(ownersMay, map[string]any{"agreementVersion": "2026-1", "signatory": "Thief"})},
		"withdrawStaffScheme": {scheme, schemes(ownersMay, nil)},
		"reviewStaffScheme":   {scheme, schemes(operatorsMay, map[string]any{"approve": true})},
		"revokeStaffScheme":   {scheme, schemes(operatorsMay, map[string]any{"reason": "mine"})},
		"addStaffMember": {member, schemes(ownersMay, map[string]any{
			"name": "Thief", "nationalId": "THIEF0001", "email": "thief@example.com", "role": "ENGINEER", "certificate": "None", "from": "2026-07-01", "until": "2026-12-31",
		})},
		"editStaffMember":      {member, members(map[string]any{"certificate": "None"})},
		"removeStaffMember":    {member, members(nil)},
		"applyForStaffMonth":   {month, members(map[string]any{"month": "2026-09", "days": "1"})},
		"withdrawStaffMonth":   {month, changesOf(models.PrefixStaffMonth, "monthId", ownersMay, nil)},
		"reviewStaffMonth":     {month, changesOf(models.PrefixStaffMonth, "monthId", operatorsMay, map[string]any{"confirm": true})},
		"requestStaffPayment":  {payment, schemes(ownersMay, map[string]any{"quarter": 3, "method": "ACCOUNT"})},
		"withdrawStaffPayment": {payment, payments(ownersMay, nil)},
		"reviewStaffPayment":   {payment, payments(operatorsMay, map[string]any{"approve": true})},
		"exportStaffList":      {"{url}", payments(seersMay, nil)},
		"postStaffPayment":     {payment, payments(ownersMay, map[string]any{"invoiceNumber": "theirs"})},
		"payStaffPayment":      {payment, payments(operatorsMay, map[string]any{"reference": "theirs", "idempotencyKey": "theirs"})},
	}
}
