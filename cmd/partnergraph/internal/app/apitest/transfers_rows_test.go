package apitest_test

import "github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"

// transferRows are those of accounts of one company: an operator's affair, also where they are one's own.
func transferRows() map[string]mutationRow {
	return map[string]mutationRow{
		"setCompanyIdentity": {"{companyIdentity{name}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if !c.Operator {
					all = append(all, map[string]any{"partnerId": o.Partner.ID, "country": "SG", "registrationNumber": "12345", "name": "Mine"})
				}
			}
			return all
		}},
		"transferIncentives": {"{incentiveTransfer{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for i, o := range w.Providers {
				if !c.Operator {
					all = append(all, map[string]any{
						"fromPartnerId": o.Partner.ID, "toPartnerId": w.Providers[1-i].Partner.ID, "caseNumber": "mine", "reason": "mine", "idempotencyKey": "theirs",
					})
				}
			}
			return all
		}},
	}
}
