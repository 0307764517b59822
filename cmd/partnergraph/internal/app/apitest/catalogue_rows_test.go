package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
)

// catalogueRows are those of the catalogue, its discounts and price inquiries.
func catalogueRows() map[string]mutationRow {
	codes := func(more map[string]any) map[string]any {
		product := map[string]any{
			"productId": "1", "serviceType": "hws.service.type.ec2", "resourceType": "hws.resource.type.vm", "specCode": "s6.large.2.linux", "region": "cn-north-4",
		}
		maps.Copy(product, more)
		return product
	}
	pricesOfOthers := func(product map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if !w.Sees(c, b.Customer.ID) {
					all = append(all, map[string]any{"customerId": b.Customer.ID, "products": []map[string]any{product}})
				}
			}
			return all
		}
	}
	return map[string]mutationRow{
		"loadCatalogue": {"{catalogueVersion{id}}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if c.Operator {
				return nil
			}
			return []map[string]any{{"content": catalogue.JSON}}
		}},
		"grantDiscount": {"{discount{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if c.Operator {
					continue
				}
				all = append(all, map[string]any{"customerId": b.Customer.ID, "kind": "BUSINESS_CONTRACT", "mode": "RATE", "value": "0.5"})
				if c.Org != b.Owner || b != b.Owner.Resale {
					all = append(all, map[string]any{"customerId": b.Customer.ID, "kind": "PARTNER_RATE", "mode": "RATE", "value": "0.5"})
				}
			}
			return all
		}},
		"endDiscount": {"{discount{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixDiscount) {
				if !w.Sees(c, id) || c.Buyer != nil {
					all = append(all, map[string]any{"discountId": id})
				}
			}
			return all
		}},
		"quotePurchase": {"{quote{id}}", pricesOfOthers(codes(map[string]any{"periodType": "MONTH", "periodCount": 1}))},
		"quoteOnDemand": {"{quote{id}}", pricesOfOthers(codes(map[string]any{"usageType": "duration", "usageValue": "1", "usageMeasureId": 4}))},
		"quoteChange": {"{quote{id}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixResource) {
				if !w.Sees(c, id) {
					all = append(all, map[string]any{"resourceId": id, "specCode": "s6.xlarge.2.linux"})
				}
			}
			return all
		}},
		"quoteRenewal":  {"{quote{id}}", periodsOfResources},
		"quoteToPeriod": {"{quote{id}}", periodsOfResources},
	}
}

// periodsOfResources: resources that are not seen are told of as problems, TestForeignResourcesHaveNoPriceOfPeriods: here is who may not ask at all.
func periodsOfResources(w *apitest.World, c apitest.Caller) []map[string]any {
	if !c.Void() {
		return nil
	}
	return []map[string]any{{"resourceIds": w.IDs(models.PrefixResource)[:1], "periodType": "MONTH", "periodCount": 1}}
}
