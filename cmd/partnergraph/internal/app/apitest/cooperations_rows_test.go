package apitest_test

import (
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// cooperationRows are those of distributors and their resellers. All resellers of the world have a distributor, which has asked for the end.
func cooperationRows() map[string]mutationRow {
	// Every partner is wrong for whoever names it.
	partners := func(name string) changes {
		return func(w *apitest.World, _ apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				all = append(all, map[string]any{name: o.Partner.ID, "reason": "mine"})
			}
			return all
		}
	}
	requests := func(more map[string]any, mayOwn func(w *apitest.World, c apitest.Caller) bool) changes {
		return changesOf(models.PrefixCooperationRequest, "requestId", func(w *apitest.World, c apitest.Caller, id models.ID) bool {
			return mayOwn(w, c) && w.Sees(c, id)
		}, more)
	}
	decides := func(_ *apitest.World, c apitest.Caller) bool { return c.Org != nil && c.Org.Parent != nil }
	asked := func(w *apitest.World, c apitest.Caller) bool {
		return c.Org != nil && (c.Org == w.Distributors[0] || c.Org == w.Distributors[1])
	}
	// Resellers that are not the caller's, and with person also its own with somebody else's person.
	resellers := func(person bool) changes {
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
	upgrades := func(may func(w *apitest.World, c apitest.Caller, id models.ID) bool, more map[string]any) changes {
		return changesOf(models.PrefixResellerUpgrade, "upgradeId", may, more)
	}
	nobodyMay := func(*apitest.World, apitest.Caller, models.ID) bool { return false }
	return map[string]mutationRow{
		// Every reseller has asked, and nobody is in the plan.
		"requestResellerUpgrade":    {"{upgrade{id}}", func(*apitest.World, apitest.Caller) []map[string]any { return []map[string]any{{"reason": "mine"}} }},
		"reviewResellerUpgrade":     {"{upgrade{id}}", upgrades(operatorsMay, keyed(map[string]any{"approve": true, "reason": "mine"}))},
		"requestDistributorRole":    {"{upgrade{id}}", upgrades(nobodyMay, map[string]any{"plan": "mine"})},
		"cancelResellerUpgrade":     {"{upgrade{id}}", upgrades(concernedMay, nil)},
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
