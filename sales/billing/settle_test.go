package billing_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// whole finds every customer.
type whole struct{ *office }

func (w whole) ByIDIn(ctx context.Context, db bun.IDB, _ models.Principal, id models.ID) (models.Customer, bool, error) {
	var rows []models.Customer
	err := db.NewSelect().Model(&rows).Where("c.id = ?", id).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.Customer{}, false, err
	}
	return rows[0], true, nil
}

// day is a moment of a day of November 2026 in Beijing.
func day(n, hour int) time.Time {
	return time.Date(2026, 11, n, hour, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))
}

func TestSettlementsTakeWhatIsDue(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.fund(o.resale, 100_000)
		o.moveTo(day(10, 20))
		o.record(hours("today", o.resale, "10", day(10, 10)), hours("yesterday", o.resale, "10", day(9, 23)), monthly(hours("month", o.resale, "100", day(9, 10))))
		o.settle(o.resale, true)
		lines := o.lines(o.resale)
		byStatus := map[string]models.BillLine{}
		for _, line := range lines {
			byStatus[line.UsedAt.UTC().Format("2006-01-02 15")] = line
		}
		yesterday, today, month := byStatus["2026-11-09 15"], byStatus["2026-11-10 02"], byStatus["2026-11-09 02"]
		if yesterday.PayableMinor != 475 || yesterday.CashMinor != 475 || yesterday.Cycle != "2026-11" || yesterday.Status() != models.BillPaid {
			t.Errorf("yesterday's line: %+v", yesterday)
		}
		if today.BilledAt != nil || month.BilledAt != nil {
			t.Errorf("today's %v, the month's %v", today.BilledAt, month.BilledAt)
		}
		if got := o.balance(o.resale); got != 100_000-475 {
			t.Errorf("the balance is %d", got)
		}
		o.settle(o.resale, true) // again: nothing more
		// In December the month is due, and a late record of November with it: it is billed where it is settled.
		o.moveTo(time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC))
		o.record(hours("late", o.resale, "1000", day(9, 11)))
		o.settle(o.resale, false)
		late := o.lines(o.resale)[3]
		if late.Cycle != "2026-12" || late.PayableMinor != 47_500 {
			t.Errorf("the late line: %+v", late)
		}
		if got := o.balance(o.resale); got != 100_000-475-475-4750-47_500 {
			t.Errorf("the balance is %d", got)
		}
		var settlements []models.BillSettlement
		o.want(db.NewSelect().Model(&settlements).Order("id").Scan(o.ctx), "")
		if len(settlements) != 2 || settlements[1].Lines != 3 || settlements[1].PayableMinor != 475+4750+47_500 {
			t.Errorf("the settlements: %+v", settlements)
		}
		o.checkBooks()
	})
}

func TestAShortBalanceLeavesADebt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.fund(o.resale, 1000)
		o.moveTo(day(10, 20))
		o.record(hours("a", o.resale, "10", day(9, 1)), hours("b", o.resale, "20", day(9, 2))) // 4.75 and 9.50
		o.settle(o.resale, true)
		lines := o.lines(o.resale)
		if lines[0].CashMinor != 475 || lines[1].CashMinor != 525 || lines[1].DebtMinor != 425 || lines[1].Status() != models.BillInDebt || o.balance(o.resale) != 0 {
			t.Errorf("%+v, balance %d", lines, o.balance(o.resale))
		}
		// Tried again without money: nothing happens, and it asks to be tried again in an hour.
		later, _ := models.NotDueUntil(o.Settle(o.ctx, o.resale.ID))
		if !later.Equal(day(10, 21)) || o.balance(o.resale) != 0 {
			t.Errorf("it is tried again at %s", later)
		}
		o.fund(o.resale, 300)
		o.settle(o.resale, true)
		o.fund(o.resale, 1000)
		o.record(hours("c", o.resale, "1", day(9, 3))) // 0.475
		o.settle(o.resale, false)
		lines = o.lines(o.resale)
		if lines[1].DebtLeftMinor != 0 || lines[1].DebtMinor != 425 || lines[1].CashMinor != 525 || o.balance(o.resale) != 1000-125-48 {
			t.Errorf("%+v, balance %d", lines, o.balance(o.resale))
		}
		o.checkBooks()
		// All that was paid counts, when it was paid.
		var performance []models.PerformanceLine
		o.want(db.NewSelect().Model(&performance).Scan(o.ctx), "")
		var sum int64
		causes := map[models.ConsumptionCause]int{}
		for _, line := range performance {
			sum += line.AmountMinor
			causes[line.Cause]++
		}
		if diff := cmp.Diff(map[models.ConsumptionCause]int{models.CauseUse: 3, models.CauseDebtPaid: 2}, causes); sum != 475+950+48 || diff != "" {
			t.Errorf("performance of %d: %s", sum, diff)
		}
	})
}

// TestADebtIsTriedAsSoonAsThereIsMoney is C13: whoever puts money in does not wait for the hour, and nobody else's settlement is touched.
func TestADebtIsTriedAsSoonAsThereIsMoney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.moveTo(day(10, 20))
		o.record(hours("a", o.resale, "10", day(9, 1)), hours("b", o.ofReseller, "10", day(9, 2)))
		o.settle(o.resale, true)
		owes := func(c models.Customer) bool {
			t.Helper()
			owing, err := o.Owes(o.ctx, db, c.ID)
			o.want(err, "")
			return owing
		}
		if !owes(o.resale) || owes(o.ofReseller) || owes(o.advisory) {
			t.Error("a customer owes when its use is settled and not paid, not before")
		}
		tried := func(want int, customers ...models.Customer) {
			t.Helper()
			o.mu.Lock()
			o.scheduled = map[models.ID]time.Time{}
			o.mu.Unlock()
			n, err := o.SettleChanged(o.ctx)
			o.want(err, "")
			if n != want || len(o.scheduled) != len(customers) {
				t.Errorf("%d, scheduled %v, want %d", n, o.scheduled, want)
			}
			for _, c := range customers {
				if !o.scheduled[c.ID].Equal(o.now()) {
					t.Errorf("%s at %s", c.ID, o.scheduled[c.ID])
				}
			}
		}
		tried(0) // nobody's balance has changed
		o.fund(o.resale, 1000)
		change := func(c models.Customer) models.OwnerChange {
			return models.OwnerChange{Kind: models.OwnerCustomer, ID: string(c.ID)}
		}
		o.Changed([]models.OwnerChange{change(o.resale), change(o.ofReseller), change(o.advisory)})
		tried(1, o.resale)
		o.settle(o.resale, false)
		if owes(o.resale) {
			t.Error("it is paid")
		}
		o.Changed([]models.OwnerChange{change(o.resale)})
		tried(0) // nothing is owed any more
	})
}

func TestCreditIsSpentAfterCashAndNeverPastTheFloor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.fund(o.resale, 300)
		line, set := int64(100), int64(50)
		accounts, err := o.Ledger.Accounts(o.ctx, db, []string{string(o.resale.ID)})
		o.want(err, "")
		o.want(db.InTx(o.ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := o.Ledger.Limit(ctx, tx, accounts[0].ID, ledger.Limits{CreditLineMinor: &line, EarmarkedMinor: &set})
			return err
		}), "")
		o.moveTo(day(10, 20))
		o.record(hours("a", o.resale, "10", day(9, 1)))
		o.settle(o.resale, true)
		got := o.lines(o.resale)[0]
		if got.CashMinor != 250 || got.CreditMinor != 100 || got.DebtMinor != 125 || o.balance(o.resale) != -50 {
			t.Errorf("%+v, balance %d", got, o.balance(o.resale))
		}
		o.checkBooks()
	})
}

func TestCorrectionsAreBookedAsDifferences(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.fund(o.resale, 10_000)
		o.moveTo(day(10, 20))
		record := hours("a", o.resale, "100", day(9, 1))
		first := o.record(record)[0]
		o.settle(o.resale, false)
		o.moveTo(day(12, 20))
		o.record(corrected(record, "40"))
		o.settle(o.resale, false)
		lines := o.lines(o.resale)
		if lines[0].PayableMinor != 4750 || lines[1].PayableMinor != -2850 || lines[1].CashMinor != -2850 || lines[1].BaseID != first.ID {
			t.Errorf("%+v", lines)
		}
		if got := o.balance(o.resale); got != 10_000-1900 {
			t.Errorf("the balance is %d", got)
		}
		o.checkBooks()
		var performance []models.PerformanceLine
		o.want(db.NewSelect().Model(&performance).Order("id").Scan(o.ctx), "")
		if len(performance) != 2 || performance[1].Cause != models.CauseCorrection || performance[1].AmountMinor != -2850 {
			t.Errorf("%+v", performance)
		}
	})
}

func TestSettlementsOfOneCustomerTakeTurns(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.fund(o.resale, 100_000)
		o.moveTo(day(10, 20))
		var records []billing.UsageRecord
		for i := range 50 {
			records = append(records, hours(fmt.Sprintf("r%d", i), o.resale, "10", day(9, 1)))
		}
		o.record(records...)
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				if err := o.Settle(o.ctx, o.resale.ID); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := o.balance(o.resale); got != 100_000-50*475 {
			t.Errorf("the balance is %d", got)
		}
		o.checkBooks()
	})
}

// paidOrder is an order of two lines, paid for less than its list price.
func (o *office) paidOrder(c models.Customer, partner models.ID, amounts ...int64) (models.Order, []models.OrderItem) {
	o.t.Helper()
	now := o.now()
	order := models.Order{
		ID: o.IDs(models.PrefixOrder), Cloud: "hws", CustomerID: c.ID, PartnerID: partner, Status: models.OrderCompleted, Type: models.OrderNew,
		Source: models.PlacedByCustomer, Currency: models.CNY, CreatedAt: now, PaidAt: &now, UpdatedAt: now,
	}
	order.Number = string(order.ID)
	var items []models.OrderItem
	for i, amount := range amounts {
		order.TotalMinor += amount
		items = append(items, models.OrderItem{
			ID: o.IDs(models.PrefixOrderItem), OrderID: order.ID, Position: i + 1, ServiceType: ec2, ResourceType: vm, SpecCode: "s6.large.2.linux",
			Region: "cn-north-4", Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, Currency: models.CNY, AmountMinor: amount,
		})
	}
	order.OfficialMinor = order.TotalMinor + 100
	o.insert(&order)
	o.insert(&items)
	return order, items
}

func (o *office) refund(order models.Order, item models.ID, minor int64) models.Event {
	o.t.Helper()
	transfer := o.fund(models.Customer{ID: order.CustomerID}, minor)
	refund := models.OrderRefund{
		ID: o.IDs(models.PrefixOrderRefund), OrderID: order.ID, ItemID: item, Currency: models.CNY, AmountMinor: minor, Destination: models.RefundToCustomer,
		DestinationID: order.CustomerID, TransferID: transfer.ID, Reason: "test", CreatedAt: o.now(),
	}
	o.insert(&refund)
	return models.Event{
		Type: models.EventOrderRefunded, SubjectID: string(order.ID), Data: map[string]any{"refundId": string(refund.ID), "transferId": string(transfer.ID)},
	}
}

func TestOrdersAndRefundsAreBilledOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		order, items := o.paidOrder(o.resale, o.provider.ID, 1000, 500)
		paid := models.Event{Type: models.EventOrderPaid, SubjectID: string(order.ID)}
		ofLine := o.refund(order, items[0].ID, 400)
		// The refund is told of first: its order is billed with it.
		for _, event := range []models.Event{ofLine, paid, ofLine, paid} {
			o.want(o.BillOrder(o.ctx, event), "")
		}
		figures := func() (all []string) {
			for _, line := range o.lines(o.resale) {
				all = append(all, fmt.Sprint(line.Kind, " ", line.Official().Minor, " ", line.PayableMinor, " ", line.CashMinor))
			}
			return all
		}
		if diff := cmp.Diff([]string{"NEW 1067 1000 1000", "NEW 533 500 500", "REFUND -400 -400 -400"}, figures()); diff != "" {
			t.Error(diff)
		}
		// The whole of the rest: what is left of each line goes back.
		ofOrder := o.refund(order, "", 550)
		o.want(o.BillOrder(o.ctx, ofOrder), "")
		o.want(o.BillOrder(o.ctx, ofOrder), "")
		if diff := cmp.Diff([]string{"REFUND -300 -300 -300", "REFUND -250 -250 -250"}, figures()[3:]); diff != "" {
			t.Error(diff)
		}
		reversal := models.Event{
			Type: models.EventTransferReversed, SubjectID: ofLine.Data["transferId"].(string),
			Data: map[string]any{"transferId": string(o.IDs(models.PrefixTransfer)), "kind": string(models.TransferRefund)},
		}
		o.want(o.BillOrder(o.ctx, reversal), "")
		o.want(o.BillOrder(o.ctx, reversal), "")
		if diff := cmp.Diff([]string{"REFUND 400 400 400"}, figures()[5:]); diff != "" {
			t.Error(diff)
		}
		o.want(o.BillOrder(o.ctx, models.Event{Type: models.EventTransferReversed, SubjectID: "trf_x", Data: map[string]any{"kind": string(models.TransferFund)}}), "")
		o.checkBooks()
		var sum int64
		o.want(db.NewSelect().Model((*models.PerformanceLine)(nil)).ColumnExpr("CAST(SUM(amount_minor) AS BIGINT)").Scan(o.ctx, &sum), "")
		if sum != 1500-400-550+400 {
			t.Errorf("performance of %d", sum)
		}
	})
}

func TestCouponsArePaidButDoNotCount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		order, items := o.paidOrder(o.advisory, "", 500, 1000)
		_, err := db.NewUpdate().Model(&items[0]).Set("coupon_minor = 500").WherePK().Exec(o.ctx)
		o.want(err, "")
		o.want(o.BillOrder(o.ctx, models.Event{Type: models.EventOrderPaid, SubjectID: string(order.ID)}), "")
		lines := o.lines(o.advisory)
		if lines[0].CouponMinor != 500 || lines[0].CashMinor != 0 || lines[1].CashMinor != 1000 || lines[0].PartnerID != o.provider.ID || lines[0].Mode != models.Advisory {
			t.Errorf("%+v", lines)
		}
		o.checkSums() // no coupon stands behind what the line says
		rules := map[models.PerformanceRule]int64{}
		var performance []models.PerformanceLine
		o.want(db.NewSelect().Model(&performance).Scan(o.ctx), "")
		for _, line := range performance {
			rules[line.Rule] += line.AmountMinor
		}
		if diff := cmp.Diff(map[models.PerformanceRule]int64{models.RuleCoupons: 0, models.RuleNoPolicy: 1000}, rules); diff != "" {
			t.Error(diff)
		}
	})
}

// shelf keeps one upload.
type shelf struct {
	content []byte
	taken   bool
}

func (s *shelf) Content(context.Context, models.Principal, models.UploadPurpose, models.ID) ([]byte, error) {
	if s.taken {
		return nil, errors.New("taken")
	}
	return s.content, nil
}

func (s *shelf) TakeIn(context.Context, bun.IDB, models.Principal, models.UploadPurpose, models.ID) error {
	s.taken = true
	return nil
}

func TestAFileOfRecords(t *testing.T) {
	t.Parallel()
	const header = "externalId,customerId,serviceType,resourceType,specCode,region,usageType,usageValue,usageMeasureId,usedAt,corrects\n"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		at := o.at.Add(-time.Hour).Format(time.RFC3339)
		row := func(key, value string) string {
			return fmt.Sprintf("%s,%s,%s,%s,s6.large.2.linux,cn-north-4,duration,%s,4,%s,", key, o.resale.ID, ec2, vm, value, at)
		}
		bring := func(content string) (billing.UsageImported, error) {
			o.Uploads = &shelf{content: []byte(content)}
			return o.Import(o.ctx, operator(), billing.ImportUsage{UploadID: o.IDs(models.PrefixUpload)})
		}
		done, err := bring("\xef\xbb\xbf" + header + strings.Join([]string{
			row("a", "1"), row("b", "1e9"), row("c", "2"), "too,short", row("a", "5") + "true", row("a", "1"), `"quo"te"` + row("", "1"), row("d", "3"),
		}, "\n"))
		o.want(err, "")
		var refused []string
		for _, one := range done.RefusedRows {
			refused = append(refused, fmt.Sprint(one.Row, " ", one.ExternalID, " ", refusal(one.Error)))
		}
		want := []string{"3 b INVALID usageValue", "5  INVALID row", "6 a INVALID externalId", "8  INVALID row"}
		if diff := cmp.Diff(want, refused); diff != "" || done.Rows != 8 || done.Taken != 4 || done.Refused != 4 {
			t.Errorf("%+v\n%s", done, diff)
		}
		if n := len(o.lines(o.resale)); n != 3 {
			t.Errorf("%d lines, want 3", n)
		}
		// The same file again changes nothing.
		if _, err := bring(header + row("a", "1") + "\n" + row("c", "2") + "\n"); err != nil || len(o.lines(o.resale)) != 3 {
			t.Errorf("again: %v, %d lines", err, len(o.lines(o.resale)))
		}
		for name, content := range map[string]string{
			"nothing":         "",
			"another header":  "externalId,colour\n",
			"a column twice":  strings.Replace(header, "corrects", "region", 1),
			"a missing one":   strings.Replace(header, "usedAt,", "", 1) + row("z", "1"),
			"too many rows":   header + strings.Repeat(row("z", "1")+"\n", models.MaxUsageRows+1),
			"a row too large": header + row("z", strings.Repeat("1", 5000)),
		} {
			if _, err := bring(content); refusal(err) != "INVALID uploadId" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(o.lines(o.resale)); n != 3 {
			t.Errorf("a refused file left %d lines", n-3)
		}
		o.Uploads = nil
		_, err = o.Import(o.ctx, operator(), billing.ImportUsage{UploadID: o.IDs(models.PrefixUpload)})
		o.want(err, "UPLOADS_OFF")
	})
}

func TestLinesAreFoundByWhatTheyAre(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := open(t, db)
		o.fund(o.resale, 500)
		o.moveTo(day(10, 20))
		order, _ := o.paidOrder(o.ofReseller, o.reseller.ID, 700)
		o.want(o.BillOrder(o.ctx, models.Event{Type: models.EventOrderPaid, SubjectID: string(order.ID)}), "")
		o.record(hours("paid", o.resale, "1", day(9, 1)), hours("debt", o.resale, "100", day(9, 2)), hours("waiting", o.resale, "1", day(10, 1)))
		o.settle(o.resale, true)
		november, none, from, until := models.BillingCycle("2026-11"), "none", day(9, 2), day(10, 0)
		find := func(f billing.LineFilter) int {
			found, err := o.FindLines(o.ctx, operator(), f, models.PageArgs{WantTotal: true})
			o.want(err, "")
			return *found.TotalCount
		}
		for name, tt := range map[string]struct {
			filter billing.LineFilter
			want   int
		}{
			"all":            {billing.LineFilter{}, 4},
			"by customer":    {billing.LineFilter{CustomerID: &o.resale.ID}, 3},
			"by partner":     {billing.LineFilter{PartnerID: &o.reseller.ID}, 1},
			"by order":       {billing.LineFilter{OrderID: &order.ID}, 1},
			"by month":       {billing.LineFilter{Cycle: &november}, 3},
			"by service":     {billing.LineFilter{ServiceType: &none}, 0},
			"by kind":        {billing.LineFilter{Kinds: []models.BillLineKind{models.BillNew}}, 1},
			"no kind":        {billing.LineFilter{Kinds: []models.BillLineKind{}}, 0},
			"unbilled":       {billing.LineFilter{Statuses: []models.BillLineStatus{models.BillUnbilled}}, 1},
			"paid":           {billing.LineFilter{Statuses: []models.BillLineStatus{models.BillPaid}}, 2},
			"in debt or not": {billing.LineFilter{Statuses: []models.BillLineStatus{models.BillInDebt, models.BillUnbilled}}, 2},
			"no state":       {billing.LineFilter{Statuses: []models.BillLineStatus{}}, 0},
			"by time":        {billing.LineFilter{CustomerID: &o.resale.ID, UsedFrom: &from, UsedUntil: &until}, 1},
		} {
			if got := find(tt.filter); got != tt.want {
				t.Errorf("%s: %d, want %d", name, got, tt.want)
			}
		}
		for field, f := range map[string]billing.LineFilter{
			"customerId": {CustomerID: &order.ID}, "partnerId": {PartnerID: &order.ID}, "orderId": {OrderID: &o.resale.ID}, "usedUntil": {UsedFrom: &until, UsedUntil: &from},
		} {
			_, err := o.FindLines(o.ctx, operator(), f, models.PageArgs{})
			o.want(err, "INVALID "+field)
		}
		months, err := o.FindMonths(o.ctx, operator(), billing.MonthFilter{CustomerID: &o.resale.ID, Cycle: &november}, models.PageArgs{WantTotal: true})
		o.want(err, "")
		if *months.TotalCount != 1 || months.Nodes()[0].Lines != 2 {
			t.Errorf("%+v", months)
		}
	})
}
