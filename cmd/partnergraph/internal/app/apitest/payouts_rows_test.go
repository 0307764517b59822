package apitest_test

import (
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// payoutRows are those of certifications and payouts.
func payoutRows() map[string]mutationRow {
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
		"confirmCertificationAmount":    {decided, changesOf(models.PrefixCertification, certification, ownersMay, map[string]any{"amount": "0.37"})},
		"reviewCommercialCertification": {decided, changesOf(models.PrefixCertification, certification, operatorsMay, map[string]any{"approve": true, "testAmount": "0.37"})},
		"unlockCommercialCertification": {decided, changesOf(models.PrefixCertification, certification, operatorsMay, nil)},
		"downloadBankLetter":            {"{url}", changesOf(models.PrefixCertification, certification, operatorsMay, nil)},
		"requestPayout": {request, func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, id := range w.IDs(models.PrefixIncentiveStatement) { // its own are in a payout, or not confirmed
				all = append(all, map[string]any{"method": "VOUCHER_QUOTA", "statementIds": []models.ID{id}, "idempotencyKey": "theirs"})
			}
			return all
		}},
		"submitPayout":   {request, changesOf(models.PrefixPayout, payout, ownersMay, nil)},
		"withdrawPayout": {request, changesOf(models.PrefixPayout, payout, ownersMay, nil)},
		"enterPayoutInvoices": {request, changesOf(models.PrefixPayout, payout, ownersMay, map[string]any{
			"invoices": []map[string]any{{"number": "1", "issuedOn": "2026-10-20", "amount": "1.00"}},
		})},
		"setPayoutPreference": {"{payoutPreference{updatedAt}}", func(_ *apitest.World, c apitest.Caller) []map[string]any {
			if earns(c) {
				return nil
			}
			return []map[string]any{{"method": "ACCOUNT"}}
		}},
		"reviewPayout":         {request, changesOf(models.PrefixPayout, payout, operatorsMay, yes)},
		"countersignPayout":    {request, changesOf(models.PrefixPayout, payout, operatorsMay, yes)},
		"requestPayoutPayment": {request, changesOf(models.PrefixPayout, payout, operatorsMay, map[string]any{"paymentOrder": "theirs"})},
		"failPayoutPayment":    {request, changesOf(models.PrefixPayout, payout, operatorsMay, map[string]any{"reasonText": "theirs"})},
		"payPayout":            {request, changesOf(models.PrefixPayout, payout, operatorsMay, map[string]any{"reference": "theirs", "idempotencyKey": "theirs"})},
	}
}
