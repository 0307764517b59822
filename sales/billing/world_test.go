package billing_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

const (
	ec2, vm     = "hws.service.type.ec2", "hws.resource.type.vm"
	ebs, volume = "hws.service.type.ebs", "hws.resource.type.volume"
)

// office is a cloud with the example catalogue, a distributor with a reseller, a provider with two customers, and one of the reseller's.
type office struct {
	*billing.Service
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex
	at        time.Time
	scheduled map[models.ID]time.Time

	catalog   *catalog.Service
	incentive *incentives.Service

	distributor, reseller, provider, stranger models.Partner
	resale, advisory, ofReseller, loose       models.Customer
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.at
}

func (o *office) moveTo(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at = at
}

// ScheduleManyIn remembers what was scheduled.
func (o *office) ScheduleManyIn(_ context.Context, _ bun.IDB, kind models.JobKind, all []models.Due) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, due := range all {
		if kind == models.JobUsageSettle {
			o.scheduled[due.Object] = due.At
		}
	}
	return nil
}

func open(t *testing.T, db *store.DB) *office {
	t.Helper()
	o := &office{t: t, ctx: t.Context(), at: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), scheduled: map[models.ID]time.Time{}}
	ids := models.RandomIDs()
	recorder := &events.Recorder{IDs: ids, Now: o.now}
	o.catalog = &catalog.Service{DB: db, Now: o.now, IDs: ids, Events: recorder, Cloud: "hws"}
	o.incentive = &incentives.Service{DB: db, Now: o.now, IDs: ids, Cloud: "hws", Events: recorder}
	o.Service = &billing.Service{
		DB: db, Now: o.now, IDs: ids, Events: recorder, Ledger: &ledger.Service{DB: db, Now: o.now, IDs: ids}, Prices: o.catalog, Cloud: "hws",
		Jobs: o, Performance: o.incentive,
	}
	o.distributor = o.partner(models.Distributor, "")
	o.reseller = o.partner(models.CloudReseller, o.distributor.ID)
	o.provider, o.stranger = o.partner(models.SolutionProvider, ""), o.partner(models.SolutionProvider, "")
	o.resale, o.advisory = o.customer(o.provider, models.Resale), o.customer(o.provider, models.Advisory)
	o.ofReseller, o.loose = o.customer(o.reseller, models.Resale), o.customer(models.Partner{}, "")
	_, err := o.catalog.Load(o.ctx, operator(), catalog.LoadCatalogue{Content: catalogue.JSON})
	o.want(err, "")
	o.moveTo(time.Date(2026, 11, 10, 8, 0, 0, 0, time.UTC))
	return o
}

func (o *office) insert(row any) {
	o.t.Helper()
	if _, err := o.DB.NewInsert().Model(row).Exec(o.ctx); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) partner(kind models.PartnerKind, parent models.ID) models.Partner {
	o.t.Helper()
	p := models.Partner{
		ID: o.IDs(models.PrefixPartner), Cloud: "hws", Kind: kind, Name: "P", Level: models.LevelLeading, State: models.PartnerActive, ParentID: parent,
		Currency: models.CNY, CreatedAt: o.at, UpdatedAt: o.at,
	}
	o.insert(&p)
	return p
}

func (o *office) customer(p models.Partner, mode models.AssociationMode) models.Customer {
	o.t.Helper()
	c := models.Customer{ID: o.IDs(models.PrefixCustomer), Cloud: "hws", PartnerID: p.ID, Mode: mode, Currency: models.CNY, CreatedAt: o.at, UpdatedAt: o.at}
	c.Name = string(c.ID)
	o.insert(&c)
	if p.ID != "" {
		o.insert(&models.Association{ID: o.IDs(models.PrefixAssociation), CustomerID: c.ID, PartnerID: p.ID, Mode: mode, Source: models.SourceAPI, Since: o.at.AddDate(-1, 0, 0)})
	}
	return c
}

// leave ends what a customer has with its partner at a moment; with a partner it begins there.
func (o *office) leave(c *models.Customer, at time.Time, to models.Partner, mode models.AssociationMode) {
	o.t.Helper()
	_, err := o.DB.NewUpdate().Model((*models.Association)(nil)).Set("until = ?", at.UTC()).Where("customer_id = ? AND until IS NULL", c.ID).Exec(o.ctx)
	o.want(err, "")
	if to.ID != "" {
		o.insert(&models.Association{ID: o.IDs(models.PrefixAssociation), CustomerID: c.ID, PartnerID: to.ID, Mode: mode, Source: models.SourceAPI, Since: at.UTC()})
	}
	c.PartnerID, c.Mode = to.ID, mode
	_, err = o.DB.NewUpdate().Model(c).Column("partner_id", "mode").WherePK().Exec(o.ctx)
	o.want(err, "")
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, Permissions: models.DefaultPermissions(models.Operator, ""), RequestID: "test"}
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

// refusal is the reason of an error, else its code with its field.
func refusal(err error) string {
	if reason := models.ReasonOf(err); reason != "" {
		return reason
	}
	text := string(models.CodeOf(err))
	if e := models.AsError(err); e != nil && e.Field != "" {
		text += " " + e.Field
	}
	return text
}

func (o *office) want(err error, refused string) {
	o.t.Helper()
	if refusal(err) != refused {
		o.t.Fatalf("got %q (%v), want %q", refusal(err), err, refused)
	}
}

// hours is a record of so many hours of a server at 0.4750 an hour.
func hours(key string, c models.Customer, n string, at time.Time) billing.UsageRecord {
	return billing.UsageRecord{
		ExternalID: key, CustomerID: c.ID, ServiceType: ec2, ResourceType: vm, SpecCode: "s6.large.2.linux", Region: "cn-north-4",
		UsageType: "duration", UsageValue: decimal.RequireFromString(n), UsageMeasureID: 4, UsedAt: at,
	}
}

func corrected(r billing.UsageRecord, n string) billing.UsageRecord {
	yes := true
	r.UsageValue, r.Corrects = decimal.RequireFromString(n), &yes
	return r
}

func monthly(r billing.UsageRecord) billing.UsageRecord {
	interval := models.SettleMonthly
	r.Settlement = &interval
	return r
}

// record takes records in of which none is refused, and returns their lines.
func (o *office) record(records ...billing.UsageRecord) []models.BillLine {
	o.t.Helper()
	done, err := o.Record(o.ctx, operator(), billing.RecordUsage{Records: records})
	o.want(err, "")
	lines := make([]models.BillLine, len(records))
	for i, result := range done.Results {
		if result.Error != nil {
			o.t.Fatalf("%s: %v", result.ExternalID, result.Error)
		}
		lines[i] = *result.BillLine
	}
	return lines
}

// refuse takes one record in and returns what is wrong with it.
func (o *office) refuse(record billing.UsageRecord) string {
	o.t.Helper()
	done, err := o.Record(o.ctx, operator(), billing.RecordUsage{Records: []billing.UsageRecord{record}})
	o.want(err, "")
	if done.Results[0].Error == nil {
		return ""
	}
	return refusal(done.Results[0].Error)
}

// settle settles a customer and wants no debt and nothing waiting, unless more is true.
func (o *office) settle(c models.Customer, more bool) {
	o.t.Helper()
	err := o.Settle(o.ctx, c.ID)
	if _, later := models.NotDueUntil(err); later != more || err != nil && !later {
		o.t.Fatalf("settlement of %s: %v", c.ID, err)
	}
}

// fund moves money from the outside to a customer.
func (o *office) fund(c models.Customer, minor int64) (moved models.Transfer) {
	o.t.Helper()
	floor := int64(0)
	err := o.DB.InTx(o.ctx, func(ctx context.Context, tx bun.Tx) error {
		world, err := o.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "hws", Kind: models.AccountWorld, Asset: "CNY"})
		if err != nil {
			return err
		}
		to, err := o.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: string(c.ID), Kind: models.AccountBalance, Asset: "CNY", Floor: &floor})
		if err != nil {
			return err
		}
		moved, _, err = o.Ledger.Post(ctx, tx, operator(), ledger.Posting{Kind: models.TransferRecharge, Legs: []ledger.Leg{
			{AccountID: world.ID, AmountMinor: -minor}, {AccountID: to.ID, AmountMinor: minor},
		}})
		return err
	})
	o.want(err, "")
	return moved
}

func (o *office) balance(c models.Customer) int64 {
	o.t.Helper()
	accounts, err := o.Ledger.Accounts(o.ctx, o.DB, []string{string(c.ID)}, models.MoneyKinds()...)
	o.want(err, "")
	var sum int64
	for _, account := range accounts {
		sum += account.BalanceMinor
	}
	return sum
}

// lines are a customer's lines, oldest first, as they are stored.
func (o *office) lines(c models.Customer) (rows []models.BillLine) {
	o.t.Helper()
	o.want(o.DB.NewSelect().Model(&rows).Where("bil.customer_id = ?", c.ID).OrderExpr("bil.created_at, bil.id").Scan(o.ctx), "")
	return rows
}

// checkSums wants the identities of 3.8 and the monthly sums to agree with the lines.
func (o *office) checkSums() {
	o.t.Helper()
	var lines []models.BillLine
	var months []models.BillMonth
	var payments []models.DebtPayment
	for _, rows := range []any{&lines, &months, &payments} {
		o.want(o.DB.NewSelect().Model(rows).Scan(o.ctx), "")
	}
	key := func(m models.BillMonth) string {
		return fmt.Sprint(m.CustomerID, m.PartnerID, m.Mode, m.Cycle, m.ServiceType, m.Currency)
	}
	paid, want := map[models.ID]int64{}, map[string]models.BillMonth{}
	for _, payment := range payments {
		paid[payment.LineID] += payment.CashMinor + payment.CreditMinor
	}
	for _, line := range lines {
		if line.PayableMinor != line.CashMinor+line.CreditMinor+line.CouponMinor+line.DebtMinor || line.DebtMinor-paid[line.ID] != line.DebtLeftMinor {
			o.t.Errorf("the identities do not hold: %+v, paid since %d", line, paid[line.ID])
		}
		if line.BilledAt == nil {
			continue
		}
		one := models.MonthOf(line)
		one.BillSums = one.Plus(want[key(one)].BillSums)
		one.DebtPaidMinor += paid[line.ID]
		want[key(one)] = one
	}
	for _, month := range months {
		sum := want[key(month)]
		month.ID = ""
		if sum != month {
			o.t.Errorf("the month's sum is %+v, the lines' %+v", month, sum)
		}
		delete(want, key(month))
	}
	if len(want) > 0 {
		o.t.Errorf("months without a sum: %v", want)
	}
}

// checkBooks wants checkSums, and a sound ledger.
func (o *office) checkBooks() {
	o.t.Helper()
	o.checkSums()
	report, err := o.Ledger.Audit(o.ctx)
	if err != nil || report.Breaches() > 0 {
		o.t.Errorf("the ledger: %+v, %v", report, err)
	}
	bills, err := o.Audit(o.ctx)
	if err != nil || bills.Breaches() > 0 {
		o.t.Errorf("the bills: %+v, %v", bills, err)
	}
}
