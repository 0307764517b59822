package apitest

import (
	"context"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
)

// policies are the same for every partner.
const policies = `{"schema": 1, "cloud": "hws", "version": "world", "policies": [
	{"serviceType": "hws.service.type.ec2", "from": "2026-01", "until": "2026-12", "currency": "CNY", "incentive": 0, "tiers": [{"from": "0", "rate": "0.05"}]}]}`

// used reports use of every customer, which is not settled yet.
func (w *World) used(ctx context.Context, t *testing.T) {
	t.Helper()
	var records []billing.UsageRecord
	for _, b := range w.Buyers() {
		records = append(records, billing.UsageRecord{
			ExternalID: b.Tag + "-use", CustomerID: b.Customer.ID, ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm",
			SpecCode: "s6.large.2.linux", Region: "cn-north-4", UsageType: "duration", UsageValue: decimal.NewFromInt(7), UsageMeasureID: 4, UsedAt: w.Now(),
		}, w.traffic(b))
	}
	done, err := w.Billing.Record(ctx, w.who, billing.RecordUsage{Records: records})
	must(t, err)
	for _, result := range done.Results {
		if result.Error != nil {
			t.Fatalf("apitest: %s: %v", result.ExternalID, result.Error)
		}
		w.text(result.ExternalID, result.BillLine.ID)
	}
}

// indexBills learns whose bills and performance there are. What a customer paid its bill tells, and so does the performance of whoever earns
// by it, also of an advisory customer's.
func (w *World) indexBills(ctx context.Context, t *testing.T, orgs map[models.ID]*Org, buyers map[models.ID]*Buyer) {
	t.Helper()
	var lines []models.BillLine
	var months []models.BillMonth
	var performance []models.PerformanceLine
	for _, rows := range []any{&lines, &months, &performance} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	if len(lines) == 0 || len(months) == 0 || len(performance) == 0 {
		t.Fatal("apitest: the world has no bills")
	}
	also := func(id models.ID, amounts ...models.Money) {
		for _, amount := range amounts {
			if amount.Minor != 0 {
				text := amount.Amount().StringFixed(2)
				w.alsoTell[text] = append(w.alsoTell[text], id)
			}
		}
	}
	for _, row := range lines {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
		also(row.ID, row.Official(), row.Payable(), row.Cash())
	}
	for _, row := range months {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
		also(row.ID, row.Official(), row.Payable(), row.Cash())
	}
	for _, row := range performance {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
		also(row.ID, row.Consumption(), row.Counted())
	}
}
