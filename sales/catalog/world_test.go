package catalog_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

const (
	ec2, vm     = "hws.service.type.ec2", "hws.resource.type.vm"
	ebs, volume = "hws.service.type.ebs", "hws.resource.type.volume"
	obs, object = "hws.service.type.obs", "hws.resource.type.obs"
	vpc, band   = "hws.service.type.vpc", "hws.resource.type.bandwidth"
)

// shop is a cloud with the example catalogue, a provider with a resale and an advisory customer, and a stranger with one.
type shop struct {
	*catalog.Service
	t   *testing.T
	ctx context.Context
	at  time.Time

	provider, stranger      models.Partner
	resale, advisory, other models.Customer
	running                 []catalog.Renewable
	periods                 []models.PaidPeriod // of everything that runs
}

// ByIDIn stands for sales/customers, which lives beside this room.
func (s *shop) ByIDIn(ctx context.Context, db bun.IDB, who models.Principal, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	err := access.Customers(db.NewSelect().Model(&rows).Where("c.id = ?", id), who).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Customer{}, false, err
	}
	return rows[0], true, nil
}

// ForRenewal stands for sales/resources, which lives above this room.
func (s *shop) ForRenewal(_ context.Context, who models.Principal, ids []models.ID) (found []catalog.Renewable, _ error) {
	for _, one := range s.running {
		if slices.Contains(ids, one.Resource.ID) && (who.SeesAll() || one.Resource.CustomerID == who.CustomerID) {
			found = append(found, one)
		}
	}
	return found, nil
}

// ForChange stands for sales/resources and sales/orders, which live above this room.
func (s *shop) ForChange(ctx context.Context, who models.Principal, id models.ID, _ time.Time) (models.Resource, []models.PaidPeriod, bool, error) {
	found, err := s.ForRenewal(ctx, who, []models.ID{id})
	if err != nil || len(found) == 0 {
		return models.Resource{}, nil, false, err
	}
	return found[0].Resource, s.periods, true, nil
}

func open(t *testing.T, db *store.DB) *shop {
	t.Helper()
	s := &shop{t: t, ctx: t.Context(), at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
	now := func() time.Time { return s.at }
	ids := models.RandomIDs()
	s.Service = &catalog.Service{
		DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}, Cloud: "hws", Customers: s, Resources: s, Changes: s,
	}
	s.provider, s.stranger = s.partner(), s.partner()
	s.resale, s.advisory = s.customer(s.provider, models.Resale), s.customer(s.provider, models.Advisory)
	s.other = s.customer(s.stranger, models.Resale)
	return s
}

// stocked is open with the example catalogue loaded.
func stocked(t *testing.T, db *store.DB) *shop {
	t.Helper()
	s := open(t, db)
	s.load(catalogue.JSON)
	return s
}

func (s *shop) insert(row any) {
	s.t.Helper()
	_, err := s.DB.NewInsert().Model(row).Exec(s.ctx)
	s.want(err, "")
}

func (s *shop) partner() models.Partner {
	s.t.Helper()
	p := models.Partner{ID: s.IDs(models.PrefixPartner), Cloud: "hws", Kind: models.SolutionProvider, Name: "P", Currency: models.CNY, CreatedAt: s.at, UpdatedAt: s.at}
	s.insert(&p)
	return p
}

func (s *shop) customer(partner models.Partner, mode models.AssociationMode) models.Customer {
	s.t.Helper()
	c := models.Customer{ID: s.IDs(models.PrefixCustomer), Cloud: "hws", PartnerID: partner.ID, Mode: mode, Currency: models.CNY, CreatedAt: s.at, UpdatedAt: s.at}
	c.Name = string(c.ID)
	s.insert(&c)
	return c
}

func (s *shop) operator() models.Principal {
	return models.Principal{Kind: models.Operator, Permissions: models.DefaultPermissions(models.Operator, ""), RequestID: "test"}
}

func (s *shop) as(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, KeyID: "key_1", RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func (s *shop) self(c models.Customer) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, CustomerID: c.ID, KeyID: "key_2", RequestID: "test", Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

func (s *shop) load(content string) models.CatalogueVersion {
	s.t.Helper()
	loaded, err := s.Load(s.ctx, s.operator(), catalog.LoadCatalogue{Content: content})
	s.want(err, "")
	return loaded.CatalogueVersion
}

func (s *shop) grant(who models.Principal, cmd catalog.GrantDiscount) models.Discount {
	s.t.Helper()
	granted, err := s.Grant(s.ctx, who, cmd)
	s.want(err, "")
	return granted.Discount
}

// refusal is the reason of an error, else its code with its field.
func refusal(err error) string {
	if reason := models.ReasonOf(err); reason != "" {
		return reason
	}
	return string(models.CodeOf(err))
}

func (s *shop) want(err error, refused string) {
	s.t.Helper()
	if refusal(err) != refused {
		s.t.Fatalf("got %q (%v), want %q", refusal(err), err, refused)
	}
}

// server is a server with its system disk for two months.
func server(id string) catalog.PurchaseProduct {
	return catalog.PurchaseProduct{
		Product:    catalog.Product{ID: id, ServiceType: ec2, ResourceType: vm, SpecCode: "s6.large.2.linux", Region: "cn-north-4", Quantity: new(3)},
		PeriodType: models.PeriodMonth, PeriodCount: 2,
		Parts: []catalog.Product{{ID: id + ".disk", ServiceType: ebs, ResourceType: volume, SpecCode: "SSD", Region: "cn-north-4"}},
	}
}

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// purchased is a quote that has no problems.
func (s *shop) purchased(who models.Principal, cmd catalog.QuotePurchase) models.Quote {
	s.t.Helper()
	quoted, err := s.Purchase(s.ctx, who, cmd)
	s.want(err, "")
	if quoted.Quote == nil || len(quoted.Problems) > 0 {
		s.t.Fatalf("no quote: %+v", quoted.Problems)
	}
	return *quoted.Quote
}

func (s *shop) count(table string) int {
	s.t.Helper()
	n, err := s.DB.NewSelect().Table(table).Count(s.ctx)
	s.want(err, "")
	return int(n)
}

func (s *shop) forOrder(who models.Principal, id models.ID) (quote models.Quote, err error) {
	err = s.DB.InTx(s.ctx, func(ctx context.Context, tx bun.Tx) error {
		quote, err = s.QuoteForOrderIn(ctx, tx, who, id)
		return err
	})
	return quote, err
}
