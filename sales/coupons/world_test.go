package coupons_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// world is a distributor with two resellers, a solution provider beside them, and customers of theirs.
type world struct {
	*coupons.Service
	t     *testing.T
	ctx   context.Context
	clock *clock
	jobs  *calendar

	distributor, reseller, second, provider models.Partner
	// ofDistributor, ofReseller and ofProvider are resale customers, advised an advisory one of the provider's.
	ofDistributor, ofReseller, ofProvider, advised models.Customer

	mu   sync.Mutex
	keys int
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

// calendar is Jobs that remembers when something is due.
type calendar struct {
	mu  sync.Mutex
	due map[models.ID]time.Time
}

func (c *calendar) ScheduleManyIn(_ context.Context, _ bun.IDB, kind models.JobKind, all []models.Due) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range all {
		want := models.JobCouponExpire
		if one.Object.Prefix() == models.PrefixCouponQuota {
			want = models.JobQuotaExpire
		}
		if kind != want {
			return fmt.Errorf("%s is scheduled as %s", one.Object, kind)
		}
		c.due[one.Object] = one.At
	}
	return nil
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	at := &clock{at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
	ids := models.RandomIDs()
	w := &world{t: t, ctx: t.Context(), clock: at, jobs: &calendar{due: map[models.ID]time.Time{}}}
	w.Service = &coupons.Service{
		DB: db, Now: at.now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: at.now}, Ledger: &ledger.Service{DB: db, Now: at.now, IDs: ids}, Jobs: w.jobs,
	}
	w.distributor = w.partner("Distributor", models.Distributor, "")
	w.reseller = w.partner("Reseller", models.CloudReseller, w.distributor.ID)
	w.second = w.partner("Second", models.CloudReseller, w.distributor.ID)
	w.provider = w.partner("Provider", models.SolutionProvider, "")
	w.ofDistributor = w.customer("of-distributor", w.distributor.ID, models.Resale)
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

// key makes up an idempotency key.
func (w *world) key() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys++
	return fmt.Sprintf("key-%d", w.keys)
}

// grant gives a partner a quota of vouchers for a year.
func (w *world) grant(p models.Partner, value string, limits *coupons.Limits) models.CouponQuota {
	w.t.Helper()
	done, err := w.GrantQuota(w.ctx, operator(), coupons.GrantCouponQuota{
		PartnerID: p.ID, Type: models.CouponVoucher, Value: amount(value), Limits: limits, ExpiresAt: w.Now().AddDate(1, 0, 0), IdempotencyKey: w.key(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return done.CouponQuota
}

// give gives a reseller a quota from its distributor's.
func (w *world) give(parent models.CouponQuota, reseller models.Partner, value string) models.CouponQuota {
	w.t.Helper()
	done, err := w.IssueQuotas(w.ctx, asPartner(w.distributor), coupons.IssueCouponQuotas{
		QuotaID: parent.ID, Items: []coupons.ResellerQuota{{ResellerID: reseller.ID, Value: amount(value)}}, IdempotencyKey: w.key(),
	})
	if err != nil || done.Results[0].Error != nil {
		w.t.Fatal(err, done.Results)
	}
	return *done.Results[0].CouponQuota
}

// issue issues one coupon.
func (w *world) issue(quota models.CouponQuota, customer models.Customer, face string) models.Coupon {
	w.t.Helper()
	done, err := w.Issue(w.ctx, w.owner(quota), coupons.IssueCoupons{
		QuotaID: quota.ID, CustomerIDs: []models.ID{customer.ID}, FaceValue: amount(face), IdempotencyKey: w.key(),
	})
	if err != nil || done.Results[0].Error != nil {
		w.t.Fatal(err, done.Results)
	}
	return *done.Results[0].Coupon
}

func (w *world) owner(quota models.CouponQuota) models.Principal {
	for _, p := range []models.Partner{w.distributor, w.reseller, w.second, w.provider} {
		if p.ID == quota.PartnerID {
			return asPartner(p)
		}
	}
	return models.Principal{}
}

// order writes an order with one line down.
func (w *world) order(customer models.Customer, minor int64) (models.Order, models.CouponPurchase) {
	w.t.Helper()
	now := w.Now()
	o := models.Order{
		ID: w.IDs(models.PrefixOrder), Cloud: "hwc", CustomerID: customer.ID, PartnerID: customer.PartnerID, Status: models.OrderPendingPayment,
		Type: models.OrderNew, Source: models.PlacedByCustomer, Currency: models.CNY, TotalMinor: minor, OfficialMinor: minor, CreatedAt: now, UpdatedAt: now,
	}
	o.Number = string(o.ID)
	w.insert(&o)
	item := models.OrderItem{
		ID: w.IDs(models.PrefixOrderItem), OrderID: o.ID, Position: 1, ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6",
		Region: "north", Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, Currency: models.CNY, AmountMinor: minor,
	}
	w.insert(&item)
	return o, models.CouponPurchase{
		OrderID: o.ID, Cloud: "hwc", CustomerID: customer.ID, Currency: models.CNY, TotalMinor: minor, OfficialMinor: minor,
		Lines: []models.CouponLine{{ItemID: item.ID, ServiceType: item.ServiceType, Product: item.SpecCode, Region: item.Region, LeftMinor: minor}},
	}
}

// pay pays an order with coupons as sales/orders does, and writes down how much they paid.
func (w *world) pay(customer models.Customer, purchase models.CouponPurchase, ids ...models.ID) error {
	return w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		shares, err := w.RedeemIn(ctx, tx, asCustomer(customer), purchase, ids)
		if err != nil {
			return err
		}
		var paid int64
		for _, share := range shares {
			paid += share.AmountMinor
		}
		if _, err := tx.NewUpdate().Table("orders").Set("coupon_minor = ?", paid).Where("id = ?", purchase.OrderID).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Table("order_items").Set("coupon_minor = ?", paid).Where("order_id = ?", purchase.OrderID).Exec(ctx)
		return err
	})
}

func (w *world) inTx(fn func(ctx context.Context, tx bun.IDB) error) {
	w.t.Helper()
	if err := w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// back has all that coupons paid for an order come back.
func (w *world) back(customer models.Customer, order models.ID) {
	w.t.Helper()
	w.inTx(func(ctx context.Context, tx bun.IDB) error {
		return w.GiveBackIn(ctx, tx, system(), customer, []coupons.CouponReturn{{OrderID: order}})
	})
}

func (w *world) quota(id models.ID) models.CouponQuota {
	w.t.Helper()
	found, err := w.QuotasByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

func (w *world) coupon(id models.ID) models.Coupon {
	w.t.Helper()
	found, err := w.ByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

// records returns what was done to a coupon, oldest first, with the amounts.
func (w *world) records(id models.ID) (all []string) {
	w.t.Helper()
	page, err := w.FindRecords(w.ctx, operator(), coupons.RecordFilter{CouponID: &id}, models.PageArgs{})
	if err != nil {
		w.t.Fatal(err)
	}
	nodes := page.Nodes()
	for i := range nodes {
		r := nodes[len(nodes)-1-i]
		all = append(all, fmt.Sprintf("%s %s %s", r.Operation, r.Result, r.Amount().Amount().StringFixed(2)))
	}
	return all
}

// audit proves the ledger, I6 among the rest.
func (w *world) audit() {
	w.t.Helper()
	report, err := w.Ledger.Audit(w.ctx)
	if err != nil || report.Breaches() > 0 {
		w.t.Errorf("audit: %v %+v", err, report)
	}
}

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }

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
		Kind: models.CustomerUser, UserID: "usr_" + c.ID, CustomerID: c.ID, Permissions: models.DefaultPermissions(models.CustomerUser, ""), RequestID: "test",
	}
}

func without(who models.Principal, permission models.Permission) models.Principal {
	var left []models.Permission
	for _, p := range who.Permissions {
		if p != permission {
			left = append(left, p)
		}
	}
	who.Permissions = left
	return who
}

func ptr[T any](v T) *T { return &v }

// reasonOf returns the machine-readable reason of a refusal, or its code where it has none, with the field; "" for nil.
func reasonOf(err error) string {
	var e *models.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e) && e.Reason() != "":
		return e.Reason()
	case e != nil && e.Code == models.CodeInvalid:
		return "INVALID " + e.Field
	}
	return string(models.CodeOf(err))
}

// item is reasonOf of an item's error, which may be a nil pointer.
func item(err *models.Error) string {
	if err == nil {
		return ""
	}
	return reasonOf(err)
}
