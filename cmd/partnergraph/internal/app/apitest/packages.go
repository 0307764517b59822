package apitest

import (
	"context"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
)

// packed makes a package of what every customer runs, and has it pay for two gigabytes.
func (w *World) packed(ctx context.Context, t *testing.T) {
	t.Helper()
	var records []billing.UsageRecord
	for _, b := range w.Buyers() {
		made, err := w.Resources.FindForOrders(ctx, w.who, []models.ID{b.Paid.ID})
		must(t, err)
		for _, r := range made[b.Paid.ID] {
			if !r.IsMain() {
				continue
			}
			r.ServiceType, r.ResourceType, r.SpecCode, r.Region = "hws.service.type.obs", "hws.resource.type.package.obs", "obs.traffic.100g", "cn-north-4"
			must(t, w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				return w.Packages.CreateIn(ctx, tx, models.Order{Cloud: w.Cloud, CreatedAt: w.Now()}, []models.Resource{r})
			}))
		}
		records = append(records, billing.UsageRecord{
			ExternalID: b.Tag + "-traffic", CustomerID: b.Customer.ID, ServiceType: "hws.service.type.obs", ResourceType: "hws.resource.type.obs",
			SpecCode: "obs.standard", Region: "cn-north-4", UsageType: "traffic.out", UsageValue: decimal.NewFromInt(2048), UsageMeasureID: 11, UsedAt: w.Now(),
		})
	}
	done, err := w.Billing.Record(ctx, w.who, billing.RecordUsage{Records: records})
	must(t, err)
	for _, result := range done.Results {
		if result.Error != nil || result.BillLine.CoveredValue == nil {
			t.Fatalf("apitest: %s is not paid for by its package: %v", result.ExternalID, result.Error)
		}
		w.text(result.ExternalID, result.BillLine.ID)
	}
}

// indexPackages learns whose packages there are, and whose use they paid for.
func (w *World) indexPackages(ctx context.Context, t *testing.T, buyers map[models.ID]*Buyer) {
	t.Helper()
	var packs []models.ResourcePackage
	var items []models.PackageItem
	var usages []models.PackageUsage
	for _, rows := range []any{&packs, &items, &usages} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	if len(usages) == 0 {
		t.Fatal("apitest: no package pays for anything")
	}
	for _, row := range packs {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	for _, row := range items {
		w.owners[row.ID] = w.owners[row.PackageID]
	}
	for _, row := range usages {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
}

// PackageItems are the items of the packages that a caller may see, and those that it may not.
func (w *World) PackageItems(c Caller) (seen, hidden []models.ID) {
	for _, id := range w.IDs(models.PrefixPackageItem) {
		if w.Sees(c, id) {
			seen = append(seen, id)
		} else {
			hidden = append(hidden, id)
		}
	}
	return seen, hidden
}
