package apitest

import (
	"fmt"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// billCalls are those of use and incentives.
func billCalls() calls {
	// statement is one of a partner, in a state.
	statement := func(t *testing.T, w *World, o *Org, status models.StatementStatus) models.ID {
		t.Helper()
		var id models.ID
		must(t, w.DB.NewSelect().Model((*models.IncentiveStatement)(nil)).Column("id").Where("partner_id = ? AND period = ?", o.Partner.ID, "2026-10").Scan(t.Context(), &id))
		_, err := w.DB.NewUpdate().Model((*models.IncentiveStatement)(nil)).Set("status = ?", status).Where("id = ?", id).Exec(t.Context())
		must(t, err)
		return id
	}
	return calls{
		"recordUsage": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"records": []map[string]any{{
				"externalId": w.tag(), "customerId": w.single(t, models.Resale).Customer.ID, "serviceType": "hws.service.type.ec2",
				"resourceType": "hws.resource.type.vm", "specCode": "s6.large.2.linux", "region": "cn-north-4", "usageType": "duration",
				"usageValue": "1", "usageMeasureId": 4, "usedAt": w.Now().Format(time.RFC3339),
			}}}}
		},
		"importUsage": func(t *testing.T, _ *Server, w *World) Call {
			file := fmt.Sprintf("externalId,customerId,serviceType,resourceType,specCode,region,usageType,usageValue,usageMeasureId,usedAt\n"+
				"%s,%s,hws.service.type.ec2,hws.resource.type.vm,s6.large.2.linux,cn-north-4,duration,1,4,%s\n",
				w.tag(), w.single(t, models.Resale).Customer.ID, w.Now().Format(time.RFC3339))
			return Call{w.OperatorKey, map[string]any{"uploadId": w.Upload(t, operatorOf(w), models.UploadUsage, "use.csv", "text/csv", []byte(file))}}
		},
		"loadIncentivePolicies": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"content": `{"schema": 1, "cloud": "hws", "version": "audited", "policies": [
				{"serviceType": "hws.service.type.ebs", "from": "2027-01", "until": "2027-12", "currency": "CNY", "incentive": 0, "tiers": [{"from": "0", "rate": "0.01"}]}]}`}}
		},
		"confirmIncentiveStatement": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"statementId": statement(t, w, w.Providers[0], models.StatementToConfirm)}}
		},
		"completeIncentiveStatement": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"statementId": statement(t, w, w.Providers[1], models.StatementIssuing), "reference": "audit"}}
		},
	}
}

// couponCalls are those of coupons that move no value.
func couponCalls() calls {
	return calls{
		"setCouponQuotaStatus": func(t *testing.T, _ *Server, w *World) Call {
			quota := w.Quota(t, w.Providers[0], models.NewMoney(1_000, models.CNY), w.tag())
			return Call{w.OperatorKey, map[string]any{"quotaId": quota.ID, "status": "FROZEN", "reason": "audit"}}
		},
		"setCouponWhitelist": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"partnerId": w.Providers[1].Partner.ID, "enabled": true}}
		},
	}
}
