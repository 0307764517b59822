package apitest_test

import (
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// billRows are those of use, bills and incentives.
func billRows() map[string]mutationRow {
	// Operators may; what they may do wrong the rooms' own tests say.
	operators := func(inputs func(w *apitest.World) []map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) []map[string]any {
			if c.Operator {
				return nil
			}
			return inputs(w)
		}
	}
	return map[string]mutationRow{
		"recordUsage": {"{results{billLine{id}}}", operators(func(w *apitest.World) (all []map[string]any) {
			for _, b := range w.Buyers() {
				all = append(all, map[string]any{"records": []map[string]any{{
					"externalId": "mine", "customerId": b.Customer.ID, "serviceType": "hws.service.type.ec2", "resourceType": "hws.resource.type.vm",
					"specCode": "s6.large.2.linux", "region": "cn-north-4", "usageType": "duration", "usageValue": "1", "usageMeasureId": 4, "usedAt": w.Now(),
				}}})
			}
			return all
		})},
		"importUsage": {"{taken}", operators(func(*apitest.World) []map[string]any {
			return []map[string]any{{"uploadId": "upl_01h455vb4pex5vsknk084sn02q"}}
		})},
		"loadIncentivePolicies": {"{incentiveVersion{id}}", operators(func(*apitest.World) []map[string]any {
			return []map[string]any{{"content": `{"schema": 1, "cloud": "hws", "version": "mine", "policies": [
				{"serviceType": "all", "from": "2026-11", "currency": "CNY", "incentive": 0, "tiers": [{"from": "0", "rate": "1"}]}]}`}}
		})},
		"confirmIncentiveStatement":  {"{incentiveStatement{id}}", changesOf(models.PrefixIncentiveStatement, "statementId", seersMay, nil)},
		"completeIncentiveStatement": {"{incentiveStatement{id}}", changesOf(models.PrefixIncentiveStatement, "statementId", operatorsMay, map[string]any{"reference": "mine"})},
	}
}
