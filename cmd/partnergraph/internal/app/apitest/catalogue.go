package apitest

import (
	"context"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/incentives"
)

// stock loads the example catalogue, which is the same for everybody.
func (w *World) stock(ctx context.Context, t *testing.T) {
	t.Helper()
	_, err := w.Catalog.Load(ctx, w.who, catalog.LoadCatalogue{Content: catalogue.JSON})
	must(t, err)
	_, err = w.Incentives.Load(ctx, w.who, incentives.LoadPolicies{Content: policies})
	must(t, err)
}

// ServerProduct is a server of the example catalogue.
func ServerProduct() catalog.PurchaseProduct {
	return catalog.PurchaseProduct{PeriodType: models.PeriodMonth, PeriodCount: 1, Product: catalog.Product{
		ID: "1", ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4",
	}}
}

// priced gives the customer a contract with the cloud, a resale customer a rate of its partner's too, and has it ask for a price.
func (w *World) priced(ctx context.Context, t *testing.T, b *Buyer) {
	t.Helper()
	kinds := []models.DiscountKind{models.DiscountContract}
	if b.Customer.Mode == models.Resale {
		kinds = append(kinds, models.DiscountPartnerRate)
	}
	for _, kind := range kinds {
		_, err := w.Catalog.Grant(ctx, w.who, catalog.GrantDiscount{
			CustomerID: b.Customer.ID, Kind: kind, Mode: models.DiscountRate, Value: decimal.New(9, -1),
		})
		must(t, err)
	}
	quoted, err := w.Catalog.Purchase(ctx, w.as(b), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{ServerProduct()}})
	must(t, err)
	if quoted.Quote == nil {
		t.Fatalf("apitest: no quote: %+v", quoted.Problems)
	}
}

// indexCatalogue learns whose discounts and quotes there are. The catalogue itself is no secret.
func (w *World) indexCatalogue(ctx context.Context, t *testing.T, buyers map[models.ID]*Buyer) {
	t.Helper()
	var discounts []models.Discount
	var quotes []models.Quote
	for _, rows := range []any{&discounts, &quotes} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range discounts {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	for _, row := range quotes {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
}

// ofCatalogue tells what is the same for everybody from what belongs to somebody.
func ofCatalogue(id models.ID) bool {
	return slices.Contains([]string{models.PrefixCatalogueVersion, models.PrefixCatalogueEntry, models.PrefixPrice, models.PrefixIncentiveVersion, models.PrefixIncentivePolicy}, id.Prefix())
}
