package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

// managementRows are those of managing customers.
func managementRows() map[string]mutationRow {
	// Customers that are not the calling partner's own; an operator manages any.
	notOwn := func(more map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if c.Operator || c.Org == b.Owner {
					continue
				}
				one := map[string]any{"customerId": b.Customer.ID}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	return map[string]mutationRow{
		"createCustomer": {"{customer{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if c.Org == nil || o.Parent != c.Org {
					all = append(all, map[string]any{"actingForPartnerId": o.Partner.ID, "accountName": "stolen-name", "externalId": "stolen", "idempotencyKey": "theirs"})
				}
			}
			return all
		}},
		"checkIdentity": {"{status}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if c.Operator || c.Org != nil { // who may
				return nil
			}
			return []map[string]any{{"by": "NAME", "value": "provider0-resale-account"}}
		}},
		"updateCustomer":     {"{customer{id}}", notOwn(map[string]any{"email": "thief@example.com"})},
		"changeCustomerTags": {"{customer{id}}", notOwn(map[string]any{"add": []string{"mine"}})},
		"setNewCustomerTag": {"{customer{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if !c.Operator {
					all = append(all, map[string]any{"customerId": b.Customer.ID, "value": "YES"})
				}
			}
			return all
		}},
		"freezeCustomer":   {"{customer{id}}", notOwn(map[string]any{"scope": "ACCOUNT_AND_RESOURCES", "reason": "theirs"})},
		"unfreezeCustomer": {"{customer{id}}", notOwn(map[string]any{"reason": "theirs"})},
		"assignAccountManager": {"{customer{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				for _, o := range w.Orgs() { // somebody else's customer, or somebody else's person
					if !c.Operator && (c.Org != b.Owner || c.Org != o) || c.Operator && o != b.Owner {
						all = append(all, map[string]any{"customerId": b.Customer.ID, "userId": o.ManagerID})
					}
				}
			}
			return all
		}},
		"removeAccountManager": {"{customer{id}}", notOwn(nil)},
		"setCustomerContacts":  {"{customer{id}}", notOwn(map[string]any{"contacts": []map[string]any{{"name": "Thief"}}})},
		"setCustomerBudget":    {"{customer{id}}", notOwn(map[string]any{"kind": "MONTHLY", "amount": "1.00", "freeze": true})},
		"removeCustomerBudget": {"{customer{id}}", notOwn(nil)},
	}
}
