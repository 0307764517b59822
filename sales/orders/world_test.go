package orders_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/sales/settlements"
	"github.com/partnergraph/partnergraph/store"
)

// world is a distributor with a reseller, a solution provider beside them, and a customer of each kind.
type world struct {
	*orders.Service
	t   *testing.T
	ctx context.Context

	clock *clock

	distributor, reseller, provider, stranger models.Partner
	// ofReseller and ofProvider are resale customers, advised an advisory one of the provider's.
	ofReseller, ofProvider, advised models.Customer
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// platform stands for the platform's address that exposure signs.
type platform struct{ err error }

func (p platform) SignReturn(_ context.Context, partner, order models.ID, status string) (*string, error) {
	if p.err != nil {
		return nil, p.err
	}
	url := "https://shop.example/" + string(partner) + "/" + string(order) + "/" + status
	return &url, nil
}

var errSigning = errors.New("no secret")

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	at := &clock{at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
	ids := models.RandomIDs()
	recorder := &events.Recorder{IDs: ids, Now: at.now, Consumers: map[models.EventType][]string{
		models.EventOrderPaid: {orders.ConsumerProvision}, models.EventOrderAccepted: {orders.ConsumerProvision},
	}}
	w := &world{t: t, ctx: t.Context(), clock: at}
	w.Service = &orders.Service{
		DB: db, Now: at.now, IDs: ids, Events: recorder,
		Ledger:    &ledger.Service{DB: db, Now: at.now, IDs: ids},
		Customers: &customers.Service{DB: db, Now: at.now, IDs: ids, Events: recorder, Purchases: orders.Purchases{}},
		Resources: &resources.Service{DB: db, Now: at.now, IDs: ids, Events: recorder},
		Driver:    orders.Simulator{}, Returns: platform{}, Logger: slog.New(slog.DiscardHandler),
		UnsubscribeFee: decimal.New(5, -2),
	}
	w.Account = &settlements.Service{DB: db, Now: at.now, IDs: ids, Events: recorder, Ledger: w.Ledger}
	w.distributor = w.partner("Distributor", models.Distributor, "")
	w.reseller = w.partner("Reseller", models.CloudReseller, w.distributor.ID)
	w.provider = w.partner("Provider", models.SolutionProvider, "")
	w.stranger = w.partner("Stranger", models.SolutionProvider, "")
	w.ofReseller = w.customer("of-reseller", w.reseller.ID, models.Resale)
	w.ofProvider = w.customer("of-provider", w.provider.ID, models.Resale)
	w.advised = w.customer("advised", w.provider.ID, models.Advisory)
	return w
}

func (w *world) insert(row any) {
	w.t.Helper()
	if _, err := w.DB.NewInsert().Model(row).Exec(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) partner(name string, kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: name, Level: models.LevelStandard, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	w.insert(&p)
	return p
}

func (w *world) customer(name string, partner models.ID, mode models.AssociationMode) models.Customer {
	w.t.Helper()
	c := models.Customer{
		ID: w.IDs(models.PrefixCustomer), Cloud: "hwc", Name: name, Kind: models.Enterprise, VerifiedStatus: models.NotVerified,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner, Mode: mode, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	w.insert(&c)
	return c
}

// give puts money into a customer's balance.
func (w *world) give(customer models.Customer, minor int64) {
	w.t.Helper()
	w.endow(models.OwnerCustomer, customer.ID, minor)
}

// endow puts money into anybody's balance.
func (w *world) endow(kind models.OwnerKind, owner models.ID, minor int64) {
	w.t.Helper()
	err := w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		floor := int64(0)
		to, err := w.Ledger.Open(ctx, tx, ledger.AccountSpec{
			OwnerKind: kind, OwnerID: string(owner), Kind: models.AccountBalance, Asset: "CNY", Floor: &floor,
		})
		if err != nil {
			return err
		}
		from, err := w.Ledger.Open(ctx, tx, ledger.AccountSpec{
			OwnerKind: models.OwnerCloud, OwnerID: "hwc", Kind: models.AccountWorld, Asset: "CNY",
		})
		if err != nil {
			return err
		}
		_, _, err = w.Ledger.Post(ctx, tx, system(), ledger.Posting{
			Kind: models.TransferRecharge, Legs: []ledger.Leg{{AccountID: from.ID, AmountMinor: -minor}, {AccountID: to.ID, AmountMinor: minor}},
		})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// balance returns what a customer has, in minor units.
func (w *world) balance(customer models.Customer) int64 {
	w.t.Helper()
	accounts, err := w.Ledger.Accounts(w.ctx, w.DB, []string{string(customer.ID)})
	if err != nil {
		w.t.Fatal(err)
	}
	return models.BalanceOf(accounts, models.CNY, w.Now()).Total.Minor
}

// place places an order of two servers with a disk each for the price in minor units.
func (w *world) place(customer models.Customer, minor int64) models.Order {
	w.t.Helper()
	order, err := w.Place(w.ctx, system(), orders.PlaceOrder{CustomerID: customer.ID, Items: []orders.PlaceItem{server(minor)}})
	if err != nil {
		w.t.Fatal(err)
	}
	return order
}

func server(minor int64) orders.PlaceItem {
	return orders.PlaceItem{
		ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-1",
		Quantity: 2, PeriodType: models.PeriodMonth, PeriodCount: 3, AmountMinor: minor,
		Parts: []orders.PlaceItem{{
			ServiceType: "hws.service.type.ebs", ResourceType: "hws.resource.type.volume", SpecCode: "SSD", Region: "cn-north-1", Quantity: 1,
		}},
	}
}

func system() models.Principal { return models.SystemPrincipal("test") }

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions()}
}

func asPartner(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, KeyID: "key_" + p.ID, PartnerID: p.ID, PartnerKind: p.Kind,
		Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind), RequestID: "test",
	}
}

func asCustomer(c models.Customer) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, UserID: "usr_" + c.ID, CustomerID: c.ID,
		Permissions: models.DefaultPermissions(models.CustomerUser, ""), RequestID: "test",
	}
}

func ptr[T any](v T) *T { return &v }

// reasonOf returns the machine-readable reason of a refusal, or its code where it has none.
func reasonOf(err error) string {
	var e *models.Error
	if errors.As(err, &e) && e.Reason() != "" {
		return e.Reason()
	}
	return string(models.CodeOf(err))
}
