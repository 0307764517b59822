package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// payoutRows are those of certifications and payouts.
func payoutRows() map[string]mutationRow {
	type inputs = func(w *apitest.World, c apitest.Caller) []map[string]any
	// of is a change of every object of a kind, by whoever may change none.
	of := func(prefix, field string, may func(w *apitest.World, c apitest.Caller, id models.ID) bool, more map[string]any) inputs {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(prefix) {
				if !may(w, c, id) {
					one := map[string]any{field: id}
					maps.Copy(one, more)
					all = append(all, one)
				}
			}
			return all
		}
	}
	operators := func(_ *apitest.World, c apitest.Caller, _ models.ID) bool { return c.Operator }
	owners := func(w *apitest.World, c apitest.Caller, id models.ID) bool { return c.Org != nil && w.Sees(c, id) }
	earns := func(c apitest.Caller) bool { return c.Org != nil && c.Org.Parent == nil }
	const certification, payout, request, decided = "certificationId", "payoutId", "{payoutRequest{id}}", "{commercialCertification{id}}"
	yes := map[string]any{"approve": true}
	return map[string]mutationRow{
		"submitCommercialCertification": {decided, func(*apitest.World, apitest.Caller) []map[string]any {
			return []map[string]any{{
				"taxRate": "0.06", "currency": "CNY", "bankLetterId": "upl_01h455vb4pex5vsknk084sn02q",
				"bankCard": map[string]any{"holder": "Thief", "number": "6222021234567890", "bank": "Bank"},
			}}
		}},
		"confirmCertificationAmount":    {decided, of(models.PrefixCertification, certification, owners, map[string]any{"amount": "0.37"})},
		"reviewCommercialCertification": {decided, of(models.PrefixCertification, certification, operators, map[string]any{"approve": true, "testAmount": "0.37"})},
		"unlockCommercialCertification": {decided, of(models.PrefixCertification, certification, operators, nil)},
		"downloadBankLetter":            {"{url}", of(models.PrefixCertification, certification, operators, nil)},
		"requestPayout": {request, func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixIncentiveStatement) { // its own are in a payout, or not confirmed
				all = append(all, map[string]any{"method": "VOUCHER_QUOTA", "statementIds": []models.ID{id}, "idempotencyKey": "theirs"})
			}
			return all
		}},
		"submitPayout":   {request, of(models.PrefixPayout, payout, owners, nil)},
		"withdrawPayout": {request, of(models.PrefixPayout, payout, owners, nil)},
		"enterPayoutInvoices": {request, of(models.PrefixPayout, payout, owners, map[string]any{
			"invoices": []map[string]any{{"number": "1", "issuedOn": "2026-10-20", "amount": "1.00"}},
		})},
		"setPayoutPreference": {"{payoutPreference{updatedAt}}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if earns(c) {
				return nil
			}
			return []map[string]any{{"method": "ACCOUNT"}}
		}},
		"reviewPayout":         {request, of(models.PrefixPayout, payout, operators, yes)},
		"countersignPayout":    {request, of(models.PrefixPayout, payout, operators, yes)},
		"requestPayoutPayment": {request, of(models.PrefixPayout, payout, operators, map[string]any{"paymentOrder": "theirs"})},
		"failPayoutPayment":    {request, of(models.PrefixPayout, payout, operators, map[string]any{"reasonText": "theirs"})},
		"payPayout":            {request, of(models.PrefixPayout, payout, operators, map[string]any{"reference": "theirs", "idempotencyKey": "theirs"})},
	}
}
