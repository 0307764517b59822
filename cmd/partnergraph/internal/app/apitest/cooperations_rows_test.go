package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// cooperationRows are those of distributors and their resellers. All resellers of the world have a distributor, which has asked for the end.
func cooperationRows() map[string]mutationRow {
	type inputs = func(w *apitest.World, c apitest.Caller) []map[string]any
	// Every partner is wrong for whoever names it.
	partners := func(name string) inputs {
		return func(w *apitest.World, _ apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				all = append(all, map[string]any{name: o.Partner.ID, "reason": "mine"})
			}
			return all
		}
	}
	requests := func(more map[string]any, mayOwn func(w *apitest.World, c apitest.Caller) bool) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixCooperationRequest) {
				if mayOwn(w, c) && w.Sees(c, id) {
					continue
				}
				one := map[string]any{"requestId": id}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	decides := func(_ *apitest.World, c apitest.Caller) bool { return c.Org != nil && c.Org.Parent != nil }
	asked := func(w *apitest.World, c apitest.Caller) bool {
		return c.Org != nil && (c.Org == w.Distributors[0] || c.Org == w.Distributors[1])
	}
	// Resellers that are not the caller's, and with person also its own with somebody else's person.
	resellers := func(person bool) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, reseller := range w.Resellers {
				for _, o := range w.Orgs() {
					if c.Org != nil && c.Org == reseller.Parent && (!person || o == c.Org) {
						continue
					}
					one := map[string]any{"resellerId": reseller.Partner.ID}
					if person {
						one["userId"] = o.ManagerID
					}
					all = append(all, one)
				}
			}
			return all
		}
	}
	upgrades := func(more map[string]any, mayOwn func(w *apitest.World, c apitest.Caller, id models.ID) bool) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixResellerUpgrade) {
				if mayOwn(w, c, id) {
					continue
				}
				one := map[string]any{"upgradeId": id}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	return map[string]mutationRow{
		// Every reseller has asked, and nobody is in the plan.
		"requestResellerUpgrade": {"{upgrade{id}}", func(*apitest.World, apitest.Caller) []map[string]any { return []map[string]any{{"reason": "mine"}} }},
		"reviewResellerUpgrade": {"{upgrade{id}}", upgrades(map[string]any{"approve": true, "reason": "mine", "idempotencyKey": "theirs"}, func(_ *apitest.World, c apitest.Caller, _ models.ID) bool {
			return c.Operator
		})},
		"requestDistributorRole": {"{upgrade{id}}", upgrades(map[string]any{"plan": "mine"}, func(*apitest.World, apitest.Caller, models.ID) bool { return false })},
		"cancelResellerUpgrade": {"{upgrade{id}}", upgrades(nil, func(w *apitest.World, c apitest.Caller, id models.ID) bool {
			return !c.Operator && w.Sees(c, id)
		})},
		"inviteReseller":            {"{request{id}}", partners("resellerId")},
		"requestCooperation":        {"{request{id}}", partners("distributorId")},
		"requestCooperationEnd":     {"{request{id}}", partners("resellerId")},
		"confirmCooperationRequest": {"{request{id}}", requests(map[string]any{"idempotencyKey": "theirs"}, decides)},
		"rejectCooperationRequest":  {"{request{id}}", requests(map[string]any{"reason": "mine"}, decides)},
		"cancelCooperationRequest":  {"{request{id}}", requests(nil, asked)},
		"endCooperation": {"{cooperation{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Resellers {
				if !c.Operator {
					all = append(all, map[string]any{"resellerId": o.Partner.ID, "reason": "mine", "idempotencyKey": "theirs"})
				}
			}
			return all
		}},
		"assignResellerManager":  {"{partner{id}}", resellers(true)},
		"retractResellerManager": {"{partner{id}}", resellers(false)},
	}
}
