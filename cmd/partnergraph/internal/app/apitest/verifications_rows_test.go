package apitest_test

import (
	"maps"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// verificationRows are those of real-name verification, of uploads and of buckets.
func verificationRows(partnersOfOthers func(*apitest.World, apitest.Caller, map[string]any) []map[string]any) map[string]mutationRow {
	const nobodys = "upl_01h455vb4pex5vsknk084sn02q"
	files := []map[string]any{{"uploadId": nobodys}, {"uploadId": nobodys}, {"uploadId": nobodys}}
	person := map[string]any{
		"identifyType": "DOCUMENT", "documentType": "PASSPORT", "name": "Thief", "number": "E1", "attachments": files,
	}
	enterprise := map[string]any{"certificateType": "BUSINESS_LICENCE", "name": "Thief", "number": "91", "attachments": files}
	// Everybody's customers with files that are nobody's: an operator and the partners that may verify get as far as these.
	everybody := func(more map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, _ apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				one := map[string]any{"customerId": b.Customer.ID}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	reviews := func(more map[string]any) func(w *apitest.World, c apitest.Caller) []map[string]any {
		return func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			if c.Operator { // a second decision
				more = map[string]any{"passed": true}
			}
			for _, id := range w.IDs(models.PrefixVerification) {
				one := map[string]any{"verificationId": id}
				maps.Copy(one, more)
				all = append(all, one)
			}
			return all
		}
	}
	return map[string]mutationRow{
		"submitIndividualVerification": {"{verification{id}}", everybody(person)},
		"sendRealNameCode": {"{sentTo}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			for _, b := range w.Buyers() {
				if !w.Sees(c, b.Customer.ID) || c.Buyer != nil {
					all = append(all, map[string]any{"customerId": b.Customer.ID})
				}
			}
			return all
		}},
		"submitEnterpriseVerification": {"{verification{id}}", everybody(enterprise)},
		"changeToEnterprise":           {"{verification{id}}", everybody(enterprise)},
		"reviewVerification":           {"{verification{id}}", reviews(map[string]any{"passed": true})},
		"downloadVerificationAttachment": {"{url}", func(w *apitest.World, c apitest.Caller) (all []map[string]any) {
			if c.Operator {
				return []map[string]any{{"verificationId": "vrf_01h455vb4pex5vsknk084sn02q", "position": 0}}
			}
			for _, id := range w.IDs(models.PrefixVerification) {
				all = append(all, map[string]any{"verificationId": id, "position": 0})
			}
			return all
		}},
		"createUpload": {"{url}", func(_ *apitest.World, c apitest.Caller) (all []map[string]any) {
			if c.Operator { // who may
				return nil
			}
			if c.Org == nil || c.Org.PlatformID == "" {
				all = append(all, map[string]any{"purpose": "VERIFICATION_ATTACHMENT", "fileName": "a.jpg", "contentType": "image/jpeg", "size": 10},
					map[string]any{"purpose": "IDP_METADATA", "fileName": "a.xml", "contentType": "text/xml", "size": 10})
			}
			return all
		}},
		"checkAttachmentBucket": {"{name}", func(w *apitest.World, c apitest.Caller) []map[string]any {
			if c.Operator { // nobody has one
				return []map[string]any{{"partnerId": w.Providers[0].Partner.ID}}
			}
			return partnersOfOthers(w, c, map[string]any{"bucket": map[string]any{
				"name": "theirs", "endpoint": "https://s3.example.com", "region": "r", "accessKey": "a", "secretKey": "s",
			}})
		}},
	}
}
