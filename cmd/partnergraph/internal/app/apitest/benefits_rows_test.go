package apitest_test

import (
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// benefitRows are those of benefits.
func benefitRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	const application = "{benefitApplication{id}}"
	// of is a step of every application by whoever does not see it; an operator sees all.
	of := func(more map[string]any) changes {
		return changesOf(models.PrefixBenefitApplication, "applicationId", seersMay, more)
	}
	// operators is a step of every application by whoever is no operator, also of its own.
	operators := func(more map[string]any) changes {
		return changesOf(models.PrefixBenefitApplication, "applicationId", operatorsMay, more)
	}
	others := func(more map[string]any) changes {
		return func(w *apitest.World, c apitest.Caller) []map[string]any { return partnersOfOthers(w, c, more) }
	}
	operatorsAlone := func(more map[string]any) changes {
		return func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if c.Operator {
				return nil
			}
			return []map[string]any{more}
		}
	}
	use := map[string]any{"amount": "1.00", "purpose": "mine", "from": "2026-12-01", "until": "2026-12-02"}
	return map[string]mutationRow{
		"setCapabilityTag": {"{capabilityTag{code}}", operatorsAlone(map[string]any{"code": "MINE", "name": "Mine", "level": 1, "scope": "GLOBAL", "active": true})},
		"setMdfCap":        {"{mdfCap{year}}", operatorsAlone(map[string]any{"year": 2026, "class": "SOLUTION_PROVIDER_LEADING", "amount": "9000000.00", "source": "mine"})},
		"setBenefitStanding": {"{benefitStanding{path}}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				if !c.Operator || o.Parent != nil { // its own is no business of a partner's, and a reseller has none
					all = append(all, map[string]any{"partnerId": o.Partner.ID, "path": "SOFTWARE", "stage": "DIFFERENTIATED"})
				}
			}
			return all
		}},
		"decideCapability": {"{partnerCapability{state}}", func(w *apitest.World, _ apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixPartnerCapability) { // an operator's is the second decision
				all = append(all, map[string]any{"capabilityId": id, "granted": true})
			}
			return all
		}},
		"applyForCapability":    {"{partnerCapability{state}}", others(map[string]any{"tagCode": "BIG_DATA"})},
		"draftCapabilityUplift": {application, others(map[string]any{"tagCode": "DATABASE", "form": "CASH"})},
		"requestMdf":            {application, others(use)},
		"joinPce":               {"{benefitStanding{pceSince}}", others(map[string]any{"commitmentMade": true, "agreementAccepted": true})},
		"requestOpportunityIncentive": {application, func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, o := range w.Orgs() {
				// Another's order, for itself or for whose it is; an operator gives none to another.
				one := map[string]any{"poNumber": "mine", "orderIds": []models.ID{o.Advisory.Paid.ID}}
				if c.Operator {
					one["partnerId"] = w.Providers[0].Partner.ID
					if o == w.Providers[0] {
						continue
					}
				} else if c.Org == nil || c.Org != o {
					all = append(all, map[string]any{"partnerId": o.Partner.ID, "poNumber": "mine", "orderIds": []models.ID{o.Resale.Waiting.ID}})
				}
				all = append(all, one)
			}
			return all
		}},
		"submitBenefitApplication":   {application, of(nil)},
		"withdrawBenefitApplication": {application, of(nil)},
		"deleteBenefitApplication":   {application, of(nil)},
		"editMdf":                    {application, of(use)},
		"sendBenefitInvoice":         {application, of(map[string]any{"invoiceNumber": "mine"})},
		"submitBenefitProof":         {application, of(map[string]any{"uploadIds": []string{"upl_01h455vb4pex5vsknk084sn02q"}})},
		"startBenefitReview":         {application, operators(nil)},
		"reviewBenefitApplication":   {application, operators(map[string]any{"approve": true})},
		"endBenefitPublicity":        {application, operators(nil)},
		"acceptBenefitInvoice":       {application, operators(nil)},
		"completeBenefitPayment":     {application, operators(map[string]any{"reference": "mine"})},
		"reviewBenefitProof":         {application, operators(map[string]any{"accept": true})},
		"downloadBenefitProof":       {"{url}", operators(map[string]any{"position": 0})},
	}
}
