package settlements_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/settlements"
	"github.com/partnergraph/partnergraph/store"
)

// world is a distributor with a reseller, a solution provider beside them, and a customer of each kind.
type world struct {
	*settlements.Service
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex
	at        time.Time
	scheduled map[models.ID]time.Time

	customers *customers.Service
	funds     *funds.Service

	distributor, reseller, provider models.Partner
	resale, advised, ofReseller     models.Customer
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) moveTo(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = at
}

// ScheduleManyIn remembers what was scheduled.
func (w *world) ScheduleManyIn(_ context.Context, _ bun.IDB, kind models.JobKind, all []models.Due) error {
	if kind != models.JobAccountSettle {
		return errors.New(string(kind))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, due := range all {
		w.scheduled[due.Object] = due.At
	}
	return nil
}

// none are customers without orders.
type none struct{}

func (none) HasPaid(context.Context, bun.IDB, models.ID) (bool, error) { return false, nil }
func (none) AwaitsPayment(context.Context, bun.IDB, models.ID, time.Time) (bool, error) {
	return false, nil
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), scheduled: map[models.ID]time.Time{}}
	ids := models.RandomIDs()
	recorder := &events.Recorder{IDs: ids, Now: w.now}
	books := &ledger.Service{DB: db, Now: w.now, IDs: ids}
	w.Service = &settlements.Service{DB: db, Now: w.now, IDs: ids, Events: recorder, Ledger: books, Jobs: w}
	w.funds = &funds.Service{DB: db, Ledger: books, Events: recorder, Now: w.now, IDs: ids, Account: w.Service}
	w.customers = &customers.Service{DB: db, Now: w.now, IDs: ids, Events: recorder, Purchases: none{}, Ledger: books, Recall: w.funds}
	w.distributor = w.partner(models.Distributor, "")
	w.reseller = w.partner(models.CloudReseller, w.distributor.ID)
	w.provider = w.partner(models.SolutionProvider, "")
	w.resale = w.customer(w.provider.ID, models.Resale)
	w.advised = w.customer(w.provider.ID, models.Advisory)
	w.ofReseller = w.customer(w.reseller.ID, models.Resale)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) insert(row any) {
	w.t.Helper()
	_, err := w.DB.NewInsert().Model(row).Exec(w.ctx)
	w.must(err)
}

func (w *world) partner(kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: string(kind), Level: models.LevelStandard, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.now(), UpdatedAt: w.now(),
	}
	w.insert(&p)
	return p
}

func (w *world) customer(partner models.ID, mode models.AssociationMode) models.Customer {
	w.t.Helper()
	c := models.Customer{
		ID: w.IDs(models.PrefixCustomer), Cloud: "hwc", Kind: models.Enterprise, VerifiedStatus: models.NotVerified,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner, Mode: mode, CreatedAt: w.now(), UpdatedAt: w.now(),
	}
	c.Name = string(c.ID)
	w.insert(&c)
	w.insert(&models.Association{ID: w.IDs(models.PrefixAssociation), CustomerID: c.ID, PartnerID: partner, Mode: mode, Source: models.SourceAPI, Since: w.now()})
	return c
}

// line gives a customer a line on account, in minor units.
func (w *world) line(customer models.Customer, minor int64) error {
	_, err := w.Set(w.ctx, operator(), settlements.SetLine{
		CustomerID: customer.ID, Amount: decimal.New(minor, -2), Reason: "trusted", IdempotencyKey: string(w.IDs("k")),
	})
	return err
}

// buy charges a purchase to a customer's account, as orders do, and returns how much of it went there.
func (w *world) buy(customer models.Customer, minor int64) int64 {
	w.t.Helper()
	charged := int64(0)
	w.must(w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		revenue, err := w.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "hwc/00", Kind: models.AccountRevenue, Asset: "CNY"})
		if err != nil {
			return err
		}
		account, err := w.AccountIn(ctx, tx, customer.ID, customer.Currency)
		if err != nil {
			return err
		}
		share, err := w.ShareIn(ctx, tx, account, minor, revenue.ID)
		if charged = share.Minor; err != nil || charged == 0 {
			return err
		}
		order := models.Order{
			ID: w.IDs(models.PrefixOrder), Cloud: "hwc", CustomerID: customer.ID, Status: models.OrderCompleted, Type: models.OrderNew, Source: models.PlacedByCustomer,
			Currency: customer.Currency, TotalMinor: charged, OfficialMinor: charged, AccountMinor: charged, CreatedAt: w.now(), UpdatedAt: w.now(),
		}
		order.Number = string(order.ID)
		if _, err := tx.NewInsert().Model(&order).Exec(ctx); err != nil {
			return err
		}
		if _, _, err := w.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: models.TransferPayment, OrderID: order.ID, Legs: []ledger.Leg{{AccountID: account.ID, AmountMinor: -charged}, {AccountID: revenue.ID, AmountMinor: charged}},
		}); err != nil {
			return err
		}
		return w.ChargeIn(ctx, tx, customer.ID, customer.Currency, charged, w.now())
	}))
	return charged
}

// give puts money into a customer's balance.
func (w *world) give(customer models.Customer, minor int64) {
	w.t.Helper()
	_, err := w.funds.AdjustBalance(w.ctx, operator(), funds.AdjustBalance{
		CustomerID: &customer.ID, Amount: decimal.New(minor, -2), Reason: "test", IdempotencyKey: string(w.IDs("k")),
	})
	w.must(err)
}

// credit lets a customer's balance go below zero.
func (w *world) credit(customer models.Customer, minor int64) {
	w.t.Helper()
	_, err := w.funds.SetCreditLine(w.ctx, operator(), funds.SetLimit{
		CustomerID: &customer.ID, Amount: decimal.New(minor, -2), Reason: "test", IdempotencyKey: string(w.IDs("k")),
	})
	w.must(err)
}

// settle runs the job of a customer and returns when it wants to run again; the zero time = never.
func (w *world) settle(customer models.Customer) time.Time {
	w.t.Helper()
	err := w.Settle(w.ctx, customer.ID)
	until, later := models.NotDueUntil(err)
	if err != nil && !later {
		w.t.Fatal(err)
	}
	return until
}

// stands is how a customer stands: used, available, due and overdue, and its balance, in minor units.
func (w *world) stands(customer models.Customer) []int64 {
	w.t.Helper()
	found, err := w.AccountsFor(w.ctx, operator(), []models.ID{customer.ID})
	w.must(err)
	a := found[customer.ID]
	accounts, err := w.Ledger.Accounts(w.ctx, w.DB, []string{string(customer.ID)}, models.MoneyKinds()...)
	w.must(err)
	return []int64{a.Used.Minor, a.Available.Minor, a.Due.Minor, a.Overdue.Minor, models.BalanceOf(accounts, models.CNY, w.now()).Total.Minor}
}

func (w *world) audit() {
	w.t.Helper()
	report, err := w.Ledger.Audit(w.ctx)
	if err != nil || report.Breaches() != 0 {
		w.t.Errorf("audit: %+v, %v", report, err)
	}
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions(), RequestID: "test"}
}

func asPartner(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, KeyID: "key_" + p.ID, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.AllPermissions(), RequestID: "test",
	}
}

func asCustomer(c models.Customer) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, UserID: "usr_" + c.ID, CustomerID: c.ID, Permissions: models.AllPermissions(), RequestID: "test",
	}
}

// reasonOf returns the machine-readable reason of a refusal, or its code where it has none.
func reasonOf(err error) string {
	var e *models.Error
	if errors.As(err, &e) && e.Reason() != "" {
		return e.Reason()
	}
	return string(models.CodeOf(err))
}
