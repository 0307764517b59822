package packages_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/store"
)

const (
	obs, obsType = "hws.service.type.obs", "hws.resource.type.obs"
	packType     = "hws.resource.type.package.obs"
)

// shop has a distributor with a reseller, and two providers, with a customer of each and one that is advised.
type shop struct {
	*packages.Service
	t   *testing.T
	ctx context.Context
	at  time.Time

	held map[string][]models.PackageContent // by specification

	distributor, reseller, provider, stranger models.Partner
	ofReseller, resale, advisory              models.Customer
}

// PackagesIn answers for the catalogue.
func (s *shop) PackagesIn(_ context.Context, _ bun.IDB, _ string, _ models.ID, _ time.Time, products []string) (map[string][]models.PackageContent, error) {
	found := map[string][]models.PackageContent{}
	for _, product := range products {
		for spec, contents := range s.held {
			if product == models.ProductKey(obs, packType, "cn-north-4", spec) {
				found[product] = contents
			}
		}
	}
	return found, nil
}

// content holds so many gigabytes of traffic, for each cycle when there is one.
func content(amount int64, cycle models.ResetCycle) models.PackageContent {
	c := models.PackageContent{
		ServiceType: obs, ResourceType: obsType, Region: "cn-north-4", UsageType: "traffic.out", Amount: decimal.NewFromInt(amount), MeasureID: 10, Cycle: cycle,
	}
	if cycle != "" {
		c.Basis = models.ResetBySubscription
	}
	return c
}

func open(t *testing.T, db *store.DB) *shop {
	t.Helper()
	requests := content(1000, "")
	requests.UsageType, requests.MeasureID, requests.SpecCodes = "requests", 14, []string{"obs.standard"}
	s := &shop{t: t, ctx: t.Context(), at: time.Date(2026, 11, 10, 8, 0, 0, 0, time.UTC), held: map[string][]models.PackageContent{
		"once": {content(10, "")}, "daily": {content(10, models.ResetDaily)}, "both": {content(10, models.ResetMonthly), requests},
	}}
	s.Service = &packages.Service{DB: db, Now: func() time.Time { return s.at }, IDs: models.RandomIDs(), Contents: s}
	s.distributor = s.partner(models.Distributor, "")
	s.reseller = s.partner(models.CloudReseller, s.distributor.ID)
	s.provider, s.stranger = s.partner(models.SolutionProvider, ""), s.partner(models.SolutionProvider, "")
	s.ofReseller, s.resale, s.advisory = s.customer(s.reseller, models.Resale), s.customer(s.provider, models.Resale), s.customer(s.provider, models.Advisory)
	return s
}

func (s *shop) insert(row any) {
	s.t.Helper()
	if _, err := s.DB.NewInsert().Model(row).Exec(s.ctx); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) partner(kind models.PartnerKind, parent models.ID) models.Partner {
	s.t.Helper()
	p := models.Partner{
		ID: s.IDs(models.PrefixPartner), Cloud: "hws", Kind: kind, Name: "P", Level: models.LevelLeading, State: models.PartnerActive, ParentID: parent,
		Currency: models.CNY, CreatedAt: s.at, UpdatedAt: s.at,
	}
	s.insert(&p)
	return p
}

func (s *shop) customer(p models.Partner, mode models.AssociationMode) models.Customer {
	s.t.Helper()
	c := models.Customer{ID: s.IDs(models.PrefixCustomer), Cloud: "hws", PartnerID: p.ID, Mode: mode, Currency: models.CNY, CreatedAt: s.at, UpdatedAt: s.at}
	c.Name = string(c.ID)
	s.insert(&c)
	return c
}

// sell gives a customer a package for so many months from a moment on, as an order would.
func (s *shop) sell(c models.Customer, spec string, from time.Time, months int) models.ResourcePackage {
	s.t.Helper()
	end := from.AddDate(0, months, 0)
	order := models.Order{
		ID: s.IDs(models.PrefixOrder), Cloud: "hws", Number: string(s.IDs("nr")), CustomerID: c.ID, Status: models.OrderCompleted, Type: models.OrderNew,
		Source: models.PlacedBySystem, Currency: models.CNY, CreatedAt: from, UpdatedAt: from,
	}
	item := models.OrderItem{
		ID: s.IDs(models.PrefixOrderItem), OrderID: order.ID, Position: 1, ServiceType: obs, ResourceType: packType, SpecCode: spec, Region: "cn-north-4",
		Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: months, Currency: models.CNY,
	}
	resource := models.Resource{
		ID: s.IDs(models.PrefixResource), Cloud: "hws", CloudID: string(order.ID), CustomerID: c.ID, OrderID: order.ID, OrderItemID: item.ID, Name: spec,
		Status: models.ResourceInUse, Region: "cn-north-4", ServiceType: obs, ResourceType: packType, SpecCode: spec, ChargingMode: models.ChargedByPeriod,
		ExpirePolicy: models.ExpireGracePeriod, EffectiveAt: from.UTC(), ExpiresAt: &end, CreatedAt: from, UpdatedAt: from,
	}
	if c.Mode == models.Resale {
		resource.PartnerID = c.PartnerID
	}
	s.insert(&order)
	s.insert(&item)
	s.insert(&resource)
	s.in(func(ctx context.Context, tx bun.IDB) error {
		return s.CreateIn(ctx, tx, order, []models.Resource{resource})
	})
	var pack models.ResourcePackage
	if err := s.DB.NewSelect().Model(&pack).Where("rpk.resource_id = ?", resource.ID).Scan(s.ctx); err != nil {
		s.t.Fatal(err)
	}
	found, err := s.ByIDs(s.ctx, models.SystemPrincipal("test"), []models.ID{pack.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	return found[pack.ID] // nothing for one that ended long ago
}

func (s *shop) byID(id models.ID) models.ResourcePackage {
	s.t.Helper()
	found, err := s.ByIDs(s.ctx, models.SystemPrincipal("test"), []models.ID{id})
	if err != nil || len(found) != 1 {
		s.t.Fatal(found, err)
	}
	return found[id]
}

func (s *shop) in(fn func(ctx context.Context, tx bun.IDB) error) {
	s.t.Helper()
	if err := s.DB.InTx(s.ctx, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, tx) }); err != nil {
		s.t.Fatal(err)
	}
}

// use has packages pay for so many gigabytes of a customer's traffic, with the bill line that it is on, and returns how many they pay.
func (s *shop) use(c models.Customer, gigabytes string, at time.Time) string {
	s.t.Helper()
	value := decimal.RequireFromString(gigabytes)
	line := models.BillLine{
		ID: s.IDs(models.PrefixBillLine), Cloud: "hws", Kind: models.BillUse, CustomerID: c.ID, PartnerID: c.PartnerID, Mode: c.Mode, ServiceType: obs,
		ResourceType: obsType, SpecCode: "obs.standard", Region: "cn-north-4", Quantity: 1, UsedAt: at.UTC(), Currency: models.CNY, CreatedAt: s.at,
	}
	record := models.UsageRecord{
		ID: s.IDs(models.PrefixUsageRecord), Cloud: "hws", CustomerID: c.ID, Value: value, FirstLineID: line.ID, LatestLineID: line.ID, Revision: 1,
		CreatedAt: s.at, UpdatedAt: s.at,
	}
	line.SourceID, record.ExternalID = string(record.ID), string(record.ID)
	s.in(func(ctx context.Context, tx bun.IDB) error {
		covered, err := s.CoverIn(ctx, tx, []packages.Use{{
			Customer: c, Value: value, At: at, RecordID: record.ID, BillLineID: line.ID, Charge: models.Charge{
				ServiceType: obs, ResourceType: obsType, SpecCode: "obs.standard", Region: "cn-north-4", UsageType: "traffic.out", UsageMeasureID: 10,
			},
		}})
		if err != nil {
			return err
		}
		record.Covered = covered.Values[0]
		script := store.NewScript(tx)
		lines, records := []models.BillLine{line}, []models.UsageRecord{record}
		script.Insert(&lines)
		script.Insert(&records)
		covered.Write(script)
		return script.Exec(ctx)
	})
	return record.Covered.String()
}

func as(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, KeyID: "key_1", RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func self(c models.Customer) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, CustomerID: c.ID, KeyID: "key_2", RequestID: "test", Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

func refusal(err error) string {
	text := string(models.CodeOf(err))
	if e := models.AsError(err); e != nil && e.Field != "" {
		text += " " + e.Field
	}
	return text
}
