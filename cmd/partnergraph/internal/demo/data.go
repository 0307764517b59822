// Package demo fills a database with a small believable world through the rooms' own operations, and runs the example
// storefront beside the server. It is for loopback only: its API keys are fixed and public.
package demo

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/examples/catalogue"
	examples "github.com/partnergraph/partnergraph/examples/companies"
	policies "github.com/partnergraph/partnergraph/examples/incentives"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/sales/staff"
)

// PlatformID is the demo partner platform's xAccountType.
const PlatformID = "demo_IDP"

// Password is what the demo's people sign in with.
const Password = "demo-Password-1"

// Keys are the demo's fixed API keys, one per kind of principal.
type Keys struct {
	Operator         string `json:"operator"`
	Distributor      string `json:"distributor"`
	Reseller         string `json:"reseller"`
	SolutionProvider string `json:"solutionProvider"`
	Customer         string `json:"customer"`
}

// FixedKeys returns the keys; they are the same in every demo.
func FixedKeys() Keys {
	return Keys{
		Operator:         "pgk_demoOperator0000000000000000000000000001",
		Distributor:      "pgk_demoDistributor0000000000000000000000002",
		Reseller:         "pgk_demoReseller0000000000000000000000000003",
		SolutionProvider: "pgk_demoSolutionProvider00000000000000000004",
		Customer:         "pgk_demoCustomer0000000000000000000000000005",
	}
}

// World is what Fill made and the storefront needs.
type World struct {
	Distributor, Reseller, SolutionProvider models.Partner
	Customer                                models.Customer
}

// filler carries the rooms through the steps.
type filler struct {
	*app.Rooms
	who models.Principal
	now time.Time
}

// Fill makes the demo's world in an empty database, or finds the one that is there.
func Fill(ctx context.Context, rooms *app.Rooms) (World, error) {
	f := filler{Rooms: rooms, who: models.SystemPrincipal("demo"), now: rooms.Now().UTC()}
	if _, err := f.Catalog.Load(ctx, f.who, catalog.LoadCatalogue{Content: catalogue.JSON}); err != nil {
		return World{}, fmt.Errorf("the catalogue: %w", err)
	}
	if _, err := f.Incentives.Load(ctx, f.who, incentives.LoadPolicies{Content: policies.JSON}); err != nil {
		return World{}, fmt.Errorf("the incentive policies: %w", err)
	}
	if _, err := f.Companies.Load(ctx, f.who, companies.LoadCompanies{Label: "example", Content: examples.JSONL}); err != nil {
		return World{}, fmt.Errorf("the companies: %w", err)
	}
	found, err := f.Partners.Find(ctx, f.who, partners.PartnerFilter{}, models.PageArgs{})
	if err != nil {
		return World{}, err
	}
	if len(found.Edges) > 0 {
		return f.find(ctx, found.Nodes())
	}
	return f.make(ctx)
}

// find recognises the world of an earlier run.
func (f filler) find(ctx context.Context, all []models.Partner) (World, error) {
	var w World
	for _, p := range all {
		switch p.ExternalID {
		case "demo-distributor":
			w.Distributor = p
		case "demo-reseller":
			w.Reseller = p
		case "demo-solution-provider":
			w.SolutionProvider = p
		}
	}
	name := customerNames()[0]
	found, err := f.Customers.Find(ctx, f.who, customers.CustomerFilter{Query: &name}, models.PageArgs{})
	if err != nil {
		return World{}, err
	}
	if w.SolutionProvider.ID == "" || len(found.Edges) == 0 {
		return World{}, fmt.Errorf("this database holds something else than the demo")
	}
	w.Customer = found.Edges[0].Node
	return w, nil
}

func (f filler) make(ctx context.Context) (World, error) {
	var w World
	var err error
	if w.Distributor, err = f.partner(ctx, models.Distributor, "Demo Distributor", "demo-distributor", nil); err != nil {
		return w, err
	}
	if w.Reseller, err = f.partner(ctx, models.CloudReseller, "Demo Cloud Reseller", "demo-reseller", &w.Distributor.ID); err != nil {
		return w, err
	}
	if w.SolutionProvider, err = f.partner(ctx, models.SolutionProvider, "Demo Solution Provider", "demo-solution-provider", nil); err != nil {
		return w, err
	}
	for i, name := range customerNames() {
		owner := w.SolutionProvider
		switch i % 4 {
		case 2:
			owner = w.Reseller
		case 3:
			owner = w.Distributor
		}
		mode := models.Resale
		if i == len(customerNames())-1 {
			mode, owner = models.Advisory, w.SolutionProvider
		}
		customer, err := f.customer(ctx, owner, name, mode, i)
		if err != nil {
			return w, fmt.Errorf("customer %s: %w", name, err)
		}
		if i == 0 {
			w.Customer = customer
		}
	}
	if err := f.alerts(ctx, w.SolutionProvider.ID, w.Customer.ID); err != nil {
		return w, err
	}
	if err := f.discounts(ctx, w.Customer.ID); err != nil {
		return w, err
	}
	if err := f.coupons(ctx, w); err != nil {
		return w, err
	}
	for _, earner := range []models.Partner{w.Distributor, w.SolutionProvider} {
		if err := f.statements(ctx, earner); err != nil {
			return w, err
		}
	}
	if err := f.payouts(ctx, w.SolutionProvider); err != nil {
		return w, err
	}
	if err := f.used(ctx, w.Customer.ID); err != nil {
		return w, err
	}
	if err := f.packed(ctx, w.Customer.ID); err != nil {
		return w, err
	}
	if err := f.benefits(ctx, w.SolutionProvider.ID); err != nil {
		return w, err
	}
	if err := f.staff(ctx, w.SolutionProvider); err != nil {
		return w, err
	}
	// The present month's statements are worked out of what the customers bought.
	if _, err := f.Incentives.Accrue(ctx); err != nil {
		return w, err
	}
	return w, f.credentials(ctx, w)
}

// used reports a few hours of a server, to be paid with the next settlement.
func (f filler) used(ctx context.Context, customer models.ID) error {
	return f.report(ctx, []billing.UsageRecord{{
		ExternalID: "demo-hours-1", CustomerID: customer, ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm",
		SpecCode: "s6.large.2.linux", Region: "cn-north-4", UsageType: "duration", UsageValue: decimal.NewFromInt(36), UsageMeasureID: 4, UsedAt: f.Now(),
	}})
}

// packed buys a package of traffic and requests, and has it pay for some of both.
func (f filler) packed(ctx context.Context, customer models.ID) error {
	self := f.who
	self.Kind, self.CustomerID = models.CustomerUser, customer
	quoted, err := f.Catalog.Purchase(ctx, self, catalog.QuotePurchase{Products: []catalog.PurchaseProduct{{
		Product:    catalog.Product{ID: "package", ServiceType: "hws.service.type.obs", ResourceType: "hws.resource.type.package.obs", SpecCode: "obs.traffic.100g", Region: "cn-north-4"},
		PeriodType: models.PeriodYear, PeriodCount: 1,
	}}})
	if err != nil {
		return fmt.Errorf("a resource package: %w", err)
	}
	if quoted.Quote == nil {
		return fmt.Errorf("the catalogue has no price: %s", quoted.Problems[0].Message)
	}
	placed, err := f.Orders.PlaceQuoted(ctx, self, orders.PlaceFromQuote{CustomerID: customer, QuoteID: quoted.Quote.ID, IdempotencyKey: "demo-package"})
	if err != nil {
		return fmt.Errorf("a resource package: %w", err)
	}
	if _, err := f.Orders.Pay(ctx, self, orders.PayOrder{OrderID: placed.Order.ID, IdempotencyKey: "demo-package-paid"}); err != nil {
		return fmt.Errorf("a resource package: %w", err)
	}
	if err := f.DeliverOutbox(ctx); err != nil {
		return err
	}
	var records []billing.UsageRecord
	for _, use := range []struct {
		kind    string
		value   int64
		measure int
	}{{"traffic.out", 37_888, 11}, {"requests", 412_000, 14}} {
		records = append(records, billing.UsageRecord{
			ExternalID: "demo-" + use.kind, CustomerID: customer, ServiceType: "hws.service.type.obs", ResourceType: "hws.resource.type.obs", SpecCode: "obs.standard",
			Region: "cn-north-4", UsageType: use.kind, UsageValue: decimal.NewFromInt(use.value), UsageMeasureID: use.measure, UsedAt: f.Now(),
		})
	}
	return f.report(ctx, records)
}

// report takes records of use in of which none may be refused.
func (f filler) report(ctx context.Context, records []billing.UsageRecord) error {
	done, err := f.Billing.Record(ctx, f.who, billing.RecordUsage{Records: records})
	if err != nil {
		return fmt.Errorf("records of use: %w", err)
	}
	for _, result := range done.Results {
		if result.Error != nil {
			return fmt.Errorf("the use %s: %w", result.ExternalID, result.Error)
		}
	}
	return nil
}

func customerNames() []string {
	return []string{"demo-bakery", "demo-observatory", "demo-orchard", "demo-printworks", "demo-theatre", "demo-shipyard", "demo-library", "demo-clinic", "demo-museum"}
}

func (f filler) partner(ctx context.Context, kind models.PartnerKind, name, external string, parent *models.ID) (models.Partner, error) {
	partner, err := f.Partners.Create(ctx, f.who, partners.CreatePartner{
		Kind: kind, Name: name, Level: models.LevelLeading, Country: "CN", SigningEntity: "Demo Cloud", Currency: models.CNY,
		ExternalID: external, ParentID: parent, Cloud: f.Cloud,
	})
	if err != nil {
		return partner, fmt.Errorf("partner %s: %w", name, err)
	}
	return partner, f.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return f.move(ctx, tx, models.TransferRecharge, "opening balance", 100_000_000, world(f.Cloud), ownerOf(partner.ID, models.OwnerPartner))
	})
}

// customer makes a customer with money, two orders that went all the way, and one that waits for payment.
func (f filler) customer(ctx context.Context, partner models.Partner, name string, mode models.AssociationMode, i int) (models.Customer, error) {
	customer, err := f.Customers.Create(ctx, f.who, customers.CreateCustomer{
		Name: name, Kind: models.Enterprise, PartnerID: partner.ID, Mode: mode, RealName: "Demo customer " + name, Email: name + "@example.com",
		ExternalID: fmt.Sprintf("crm-%04d", i+1),
	})
	if err != nil {
		return customer, err
	}
	err = f.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return f.endow(ctx, tx, customer, partner.ID, 1_000_000)
	})
	if err != nil {
		return customer, err
	}
	self := f.who
	self.Kind, self.CustomerID = models.CustomerUser, customer.ID
	for n := range 3 {
		order, err := f.order(ctx, self, n)
		if err != nil {
			return customer, err
		}
		if n == 2 {
			break
		}
		key := fmt.Sprintf("demo-%s-%d", name, n)
		if _, err := f.Orders.Pay(ctx, self, orders.PayOrder{OrderID: order.ID, IdempotencyKey: key}); err != nil {
			return customer, err
		}
	}
	return customer, f.DeliverOutbox(ctx)
}

// alerts sets two balance alerts: the partner's own waits, and its customer's has something to tell.
func (f filler) alerts(ctx context.Context, partner, customer models.ID) error {
	self := f.who
	self.Kind, self.PartnerID, self.PartnerKind = models.PartnerKey, partner, models.SolutionProvider
	_, err := f.Funds.SetBalanceAlert(ctx, self, funds.SetBalanceAlert{Threshold: decimal.New(100_000, 0), Enabled: true})
	if err != nil {
		return fmt.Errorf("the partner's balance alert: %w", err)
	}
	_, err = f.Funds.SetBalanceAlert(ctx, self, funds.SetBalanceAlert{CustomerID: &customer, Threshold: decimal.New(20_000, 0), Enabled: true})
	if err != nil {
		return fmt.Errorf("the customer's balance alert: %w", err)
	}
	return nil
}

// discounts gives the partner's customer a contract with the cloud and a rate of the partner's, so that a quote has a choice to show.
func (f filler) discounts(ctx context.Context, customer models.ID) error {
	service := "hws.service.type.ec2"
	for _, grant := range []catalog.GrantDiscount{
		{CustomerID: customer, Kind: models.DiscountContract, Mode: models.DiscountRate, Value: decimal.New(95, -2)},
		{CustomerID: customer, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: decimal.New(9, -1), ServiceType: &service},
	} {
		if _, err := f.Catalog.Grant(ctx, f.who, grant); err != nil {
			return fmt.Errorf("a discount: %w", err)
		}
	}
	return nil
}

// coupons gives the solution provider and the distributor a quota each, the reseller a part of the distributor's, and the demo's customer two
// coupons: one for everything, one for servers alone.
func (f filler) coupons(ctx context.Context, w World) error {
	as := func(p models.Partner) models.Principal {
		return models.Principal{
			Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind), RequestID: "job:demo",
		}
	}
	granted := map[models.ID]models.ID{}
	for _, p := range []models.Partner{w.SolutionProvider, w.Distributor} {
		done, err := f.Coupons.GrantQuota(ctx, f.who, coupons.GrantCouponQuota{
			PartnerID: p.ID, Type: models.CouponVoucher, Value: decimal.New(10_000, 0), ExpiresAt: f.now.AddDate(1, 0, 0), IdempotencyKey: "demo-quota-" + string(p.ID),
		})
		if err != nil {
			return fmt.Errorf("a coupon quota: %w", err)
		}
		granted[p.ID] = done.CouponQuota.ID
	}
	if _, err := f.Coupons.IssueQuotas(ctx, as(w.Distributor), coupons.IssueCouponQuotas{
		QuotaID: granted[w.Distributor.ID], Items: []coupons.ResellerQuota{{ResellerID: w.Reseller.ID, Value: decimal.New(2_000, 0)}}, IdempotencyKey: "demo-reseller",
	}); err != nil {
		return fmt.Errorf("a reseller's coupon quota: %w", err)
	}
	for i, limits := range []*coupons.Limits{nil, {ServiceTypes: []string{"hws.service.type.ec2"}}} {
		if _, err := f.Coupons.Issue(ctx, as(w.SolutionProvider), coupons.IssueCoupons{
			QuotaID: granted[w.SolutionProvider.ID], CustomerIDs: []models.ID{w.Customer.ID}, FaceValue: decimal.New(100, 0), Limits: limits,
			IdempotencyKey: fmt.Sprintf("demo-coupon-%d", i),
		}); err != nil {
			return fmt.Errorf("a coupon: %w", err)
		}
	}
	return nil
}

// order places an order of a server with its system disk for some months, at the catalogue's prices, as a customer does it: ask, then order what was
// offered.
func (f filler) order(ctx context.Context, self models.Principal, n int) (models.Order, error) {
	specs := []string{"s6.large.2.linux", "s6.xlarge.2.linux", "c7.large.4.linux"}
	quoted, err := f.Catalog.Purchase(ctx, self, catalog.QuotePurchase{Products: []catalog.PurchaseProduct{{
		Product:    catalog.Product{ID: "server", ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: specs[n%3], Region: "cn-north-4"},
		PeriodType: models.PeriodMonth, PeriodCount: 1 + n,
		Parts: []catalog.Product{{ID: "disk", ServiceType: "hws.service.type.ebs", ResourceType: "hws.resource.type.volume", SpecCode: "SSD", Region: "cn-north-4"}},
	}}})
	if err != nil {
		return models.Order{}, err
	}
	if quoted.Quote == nil {
		return models.Order{}, fmt.Errorf("the catalogue has no price: %s", quoted.Problems[0].Message)
	}
	project := "web"
	placed, err := f.Orders.PlaceQuoted(ctx, self, orders.PlaceFromQuote{
		CustomerID: self.CustomerID, QuoteID: quoted.Quote.ID, EnterpriseProject: &project, IdempotencyKey: string(quoted.Quote.ID),
	})
	return placed.Order, err
}

// Welcome gives a customer that came through a first login something to see: money from its partner and an order to pay.
// It is the handler of customer.associated in the demo, so it may be called twice.
func Welcome(rooms *app.Rooms) events.Handler {
	return func(ctx context.Context, event models.Event) error {
		if event.ActorKind == models.System && event.RequestID == models.SystemPrincipal("demo").RequestID {
			return nil
		}
		f := filler{Rooms: rooms, who: models.SystemPrincipal("demo"), now: rooms.Now().UTC()}
		waiting, err := f.Orders.Find(ctx, f.who, orders.OrderFilter{CustomerID: &event.CustomerID}, models.PageArgs{})
		if err != nil || len(waiting.Edges) > 0 {
			return err
		}
		self := f.who
		self.Kind, self.CustomerID = models.CustomerUser, event.CustomerID
		if _, err := f.order(ctx, self, 1); err != nil {
			return err
		}
		found, err := f.Customers.ByIDs(ctx, f.who, []models.ID{event.CustomerID})
		if err != nil {
			return err
		}
		return f.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return f.endow(ctx, tx, found[event.CustomerID], event.PartnerID, 500_000)
		})
	}
}

// endow lets the partner fund its resale customer; an advisory customer recharges itself (C01, C02).
func (f filler) endow(ctx context.Context, tx bun.Tx, customer models.Customer, partner models.ID, minor int64) error {
	if customer.Mode == models.Advisory {
		return f.move(ctx, tx, models.TransferRecharge, "recharge", minor, world(f.Cloud), ownerOf(customer.ID, models.OwnerCustomer))
	}
	return f.move(ctx, tx, models.TransferFund, "funding", minor, ownerOf(partner, models.OwnerPartner), ownerOf(customer.ID, models.OwnerCustomer))
}

func world(cloud string) ledger.AccountSpec {
	return ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: cloud, Kind: models.AccountWorld, Asset: string(models.CNY)}
}

func ownerOf(id models.ID, kind models.OwnerKind) ledger.AccountSpec {
	var floor int64
	return ledger.AccountSpec{OwnerKind: kind, OwnerID: string(id), Kind: models.AccountBalance, Asset: string(models.CNY), Floor: &floor}
}

func (f filler) move(ctx context.Context, tx bun.Tx, kind models.TransferKind, reason string, minor int64, from, to ledger.AccountSpec) error {
	source, err := f.Ledger.Open(ctx, tx, from)
	if err != nil {
		return err
	}
	target, err := f.Ledger.Open(ctx, tx, to)
	if err != nil {
		return err
	}
	_, _, err = f.Ledger.Post(ctx, tx, f.who, ledger.Posting{Kind: kind, Reason: reason, Legs: []ledger.Leg{
		{AccountID: source.ID, AmountMinor: -minor}, {AccountID: target.ID, AmountMinor: minor},
	}})
	return err
}

// benefits gives a partner a capability, an application for the incentive that it brings, and one to the market development fund.
func (f filler) benefits(ctx context.Context, partner models.ID) error {
	path, stage := models.PathService, models.StageCertified
	if _, err := f.Benefits.SetStanding(ctx, f.who, benefits.SetStanding{PartnerID: partner, Path: &path, Stage: &stage}); err != nil {
		return fmt.Errorf("the standing: %w", err)
	}
	for _, tag := range []string{"DATABASE", "BIG_DATA"} { // the second waits for its decision
		applied, err := f.Benefits.ApplyForCapability(ctx, f.who, benefits.ApplyForCapability{PartnerID: &partner, TagCode: tag})
		if err != nil {
			return fmt.Errorf("the tag %s: %w", tag, err)
		}
		if tag == "BIG_DATA" {
			continue
		}
		decided := benefits.DecideCapability{CapabilityID: *applied.PartnerCapability.CapabilityID(), Granted: true}
		if _, err := f.Benefits.DecideCapability(ctx, f.who, decided); err != nil {
			return fmt.Errorf("the tag %s: %w", tag, err)
		}
	}
	draft, err := f.Benefits.DraftUplift(ctx, f.who, benefits.DraftUplift{PartnerID: &partner, TagCode: "DATABASE", Form: models.UpliftTraining})
	if err == nil {
		_, err = f.Benefits.Submit(ctx, f.who, benefits.Application{ApplicationID: draft.BenefitApplication.ID})
	}
	if err != nil {
		return fmt.Errorf("the uplift: %w", err)
	}
	fair := models.Date(fmt.Sprintf("%d-12-15", models.BenefitYear(f.now)))
	_, err = f.Benefits.RequestMDF(ctx, f.who, benefits.RequestMDF{
		PartnerID: &partner, Amount: decimal.NewFromInt(36_000), Purpose: "A stand at the cloud fair, and the invitations to it", From: fair, Until: fair,
	})
	if err != nil {
		return fmt.Errorf("the market development fund: %w", err)
	}
	return nil
}

// staff invites a partner to a scheme of dedicated staff, which it has signed and has a person in.
func (f filler) staff(ctx context.Context, partner models.Partner) error {
	year := models.BenefitYear(f.now)
	invited, err := f.Staff.Invite(ctx, f.who, staff.Invite{
		PartnerID: partner.ID, Code: "FH", Name: "Dedicated staff of the demo cloud", Year: year, HeadCount: 3, AgreementVersion: fmt.Sprintf("%d-1", year),
		Rates: []models.StaffRate{{Role: "ENGINEER", DayRate: decimal.NewFromInt(900)}, {Role: "ARCHITECT", DayRate: decimal.NewFromInt(1400)}},
		Criteria: []models.StaffCriterion{
			{Code: "PRESENCE", Name: "Present as agreed", Weight: decimal.New(7, -1)}, {Code: "PROJECTS", Name: "Projects won or delivered", Weight: decimal.New(3, -1)},
		},
	})
	if err != nil {
		return fmt.Errorf("the staff scheme: %w", err)
	}
	id, self := invited.StaffScheme.ID, itself(partner)
	_, err = f.Staff.RequestScheme(ctx, self, staff.RequestScheme{SchemeID: id, AgreementVersion: invited.StaffScheme.AgreementVersion, Signatory: "Demo Signatory"})
	if err == nil {
		_, err = f.Staff.ReviewScheme(ctx, f.who, staff.ReviewScheme{SchemeID: id, Approve: true})
	}
	if err != nil {
		return fmt.Errorf("the staff scheme: %w", err)
	}
	_, err = f.Staff.AddMember(ctx, self, staff.AddMember{
		SchemeID: id, Name: "Demo Engineer", NationalID: "DEMO-0001", Email: "engineer@demo.example", Role: "ENGINEER", Certificate: "Professional",
		From: models.Date(fmt.Sprintf("%d-01-01", year)), Until: models.Date(fmt.Sprintf("%d-12-31", year)),
	})
	if err != nil {
		return fmt.Errorf("the dedicated person: %w", err)
	}
	return nil
}

// statements gives a partner five months of incentives; the present one's comes of what its customers buy.
func (f filler) statements(ctx context.Context, partner models.Partner) error {
	for back := 5; back >= 1; back-- {
		month := f.now.AddDate(0, -back, 1-f.now.Day())
		status := models.StatementDone
		switch {
		case back == 1:
			status = models.StatementToConfirm
		case back <= 3 && partner.Kind == models.SolutionProvider: // whose payout is under way
			status = models.StatementIssuing
		}
		statement := models.IncentiveStatement{
			ID: f.IDs(models.PrefixIncentiveStatement), PartnerID: partner.ID, Period: models.BillingCycleAt(month), Status: status,
			Currency: models.CNY, CreatedAt: f.now, UpdatedAt: f.now,
		}
		lines := []models.IncentiveLine{
			f.line("hws.service.type.ec2", 820_000+int64(back)*31_300, "0.08", ""),
			f.line("hws.service.type.ebs", 240_000+int64(back)*9_700, "0.05", ""),
			f.line("hws.service.type.marketplace", 90_000, "0", "The product counts as performance and brings no incentive."),
		}
		for i := range lines {
			lines[i].StatementID = statement.ID
			statement.PerformanceMinor += lines[i].PerformanceMinor
			statement.TotalMinor += lines[i].AmountMinor
		}
		err := f.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			_, _, err := f.Incentives.Put(ctx, tx, statement, lines)
			return err
		})
		if err != nil {
			return fmt.Errorf("incentive statement: %w", err)
		}
	}
	return nil
}

func (f filler) line(service string, performance int64, rate, reason string) models.IncentiveLine {
	rule := models.RuleEarns
	if reason != "" {
		rule = models.RulePerformanceOnly
	}
	fraction := decimal.RequireFromString(rate)
	return models.IncentiveLine{
		ID: f.IDs(models.PrefixIncentiveLine), ServiceType: service, Currency: models.CNY, PerformanceMinor: performance, Rate: fraction,
		AmountMinor: models.IncentiveAmountMinor(performance, fraction), Reason: reason, Rule: rule, ConsumptionMinor: performance,
	}
}

// credentials writes the fixed keys and people who can sign in with the demo's password.
func (f filler) credentials(ctx context.Context, w World) error {
	keys := FixedKeys()
	rows := []models.APIKey{
		f.key("demo operator", keys.Operator, models.Operator, models.Partner{}, ""),
		f.key("demo distributor", keys.Distributor, models.PartnerKey, w.Distributor, ""),
		f.key("demo reseller", keys.Reseller, models.PartnerKey, w.Reseller, ""),
		f.key("demo solution provider", keys.SolutionProvider, models.PartnerKey, w.SolutionProvider, ""),
		f.key("demo customer", keys.Customer, models.CustomerUser, models.Partner{}, w.Customer.ID),
	}
	if _, err := f.DB.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return err
	}
	password := Password
	for _, person := range []identity.CreateUser{
		{LoginName: "operator", Password: &password},
		{LoginName: "partner", Password: &password, PartnerID: &w.SolutionProvider.ID},
		{LoginName: "demo-bakery", Password: &password, CustomerID: &w.Customer.ID},
	} {
		if _, err := f.Identity.CreateUser(ctx, f.who, person); err != nil {
			return fmt.Errorf("user %s: %w", person.LoginName, err)
		}
	}
	return nil
}

func (f filler) key(name, secret string, kind models.PrincipalKind, partner models.Partner, customer models.ID) models.APIKey {
	sum := sha256.Sum256([]byte(secret))
	return models.APIKey{
		ID: f.IDs(models.PrefixAPIKey), Name: name, Kind: kind, PartnerID: partner.ID, CustomerID: customer, Hash: sum[:], Prefix: secret[:10],
		Scopes: models.DefaultPermissions(kind, partner.Kind), CreatedAt: f.now,
	}
}
