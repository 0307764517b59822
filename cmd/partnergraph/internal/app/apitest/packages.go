package apitest

import (
	"context"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
)

// packed gives every customer a package, older than all else that it runs, so that it is in nobody's way.
func (w *World) packed(ctx context.Context, t *testing.T) {
	t.Helper()
	ids := models.NewIDSequence(w.Now().AddDate(0, 0, -1), "packages")
	for _, b := range w.Buyers() {
		items, err := w.Orders.ItemsFor(ctx, w.who, []models.ID{b.Dear.ID})
		must(t, err)
		end := w.Now().AddDate(1, 0, 0)
		pack := models.Resource{
			ID: ids.Next(models.PrefixResource), Cloud: w.Cloud, CloudID: b.Tag + "-package", CustomerID: b.Customer.ID, PartnerID: b.Dear.PartnerID, OrderID: b.Dear.ID,
			OrderItemID: items[b.Dear.ID][0].ID, Name: b.Tag + " package", Status: models.ResourceInUse, Region: "cn-north-4", ServiceType: "hws.service.type.obs",
			ResourceType: "hws.resource.type.package.obs", SpecCode: "obs.traffic.100g", ChargingMode: models.ChargedByPeriod,
			ExpirePolicy: models.ExpireGracePeriod, EffectiveAt: w.Now(), ExpiresAt: &end, CreatedAt: w.Now(), UpdatedAt: w.Now(),
		}
		must(t, w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewInsert().Model(&pack).Exec(ctx); err != nil {
				return err
			}
			return w.Packages.CreateIn(ctx, tx, models.Order{Cloud: w.Cloud, CreatedAt: w.Now()}, []models.Resource{pack})
		}))
		w.text(pack.Name, pack.ID)
	}
}

// traffic is what a customer used of what its package pays for.
func (w *World) traffic(b *Buyer) billing.UsageRecord {
	return billing.UsageRecord{
		ExternalID: b.Tag + "-traffic", CustomerID: b.Customer.ID, ServiceType: "hws.service.type.obs", ResourceType: "hws.resource.type.obs",
		SpecCode: "obs.standard", Region: "cn-north-4", UsageType: "traffic.out", UsageValue: decimal.NewFromInt(2048), UsageMeasureID: 11, UsedAt: w.Now(),
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
