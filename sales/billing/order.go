package billing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// BillOrder puts on the customer's bill what an event tells of: an order that was paid, money of it that was paid back, and a refund that
// was taken back. It is the outbox handler of ConsumerBills. Events may come twice and in any order: each is billed once, a refund after
// its order.
func (s *Service) BillOrder(ctx context.Context, event models.Event) error {
	var bill func(ctx context.Context, tx bun.IDB) error
	text := func(name string) models.ID {
		value, _ := event.Data[name].(string)
		return models.ID(value)
	}
	switch event.Type {
	case models.EventOrderPaid:
		bill = func(ctx context.Context, tx bun.IDB) error {
			_, err := s.billOrderIn(ctx, tx, models.ID(event.SubjectID))
			return err
		}
	case models.EventOrderRefunded:
		bill = func(ctx context.Context, tx bun.IDB) error { return s.billRefundIn(ctx, tx, text("refundId")) }
	case models.EventTransferReversed:
		if text("kind") != models.ID(models.TransferRefund) {
			return nil
		}
		bill = func(ctx context.Context, tx bun.IDB) error {
			return s.billReversalIn(ctx, tx, models.ID(event.SubjectID), text("transferId"))
		}
	default:
		return nil
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return bill(ctx, tx) })
	if store.Conflicts(err, "bill_lines", "source_id") {
		return nil // somebody else has just billed it
	}
	return err
}

// billOrderIn bills the lines of a paid order and returns them; those of an order that was billed before as they are.
func (s *Service) billOrderIn(ctx context.Context, tx bun.IDB, id models.ID) ([]models.BillLine, error) {
	// The order's own row makes its bills take turns.
	order, items, err := selectOrder(ctx, tx, id)
	if err != nil || order.PaidAt == nil {
		return nil, err
	}
	lines, err := selectLinesOf(ctx, tx, id)
	if err != nil || len(lines) > 0 {
		return lines, err
	}
	customers, err := selectCustomers(ctx, tx, "", []models.ID{order.CustomerID})
	if err != nil {
		return nil, err
	}
	history, err := selectAssociations(ctx, tx, []models.ID{order.CustomerID}, *order.PaidAt, *order.PaidAt)
	if err != nil {
		return nil, err
	}
	customer := at(customers[order.CustomerID], history[order.CustomerID], *order.PaidAt)
	if order.PartnerID != "" { // its resale money paid, whatever became of the association since
		customer.PartnerID, customer.Mode = order.PartnerID, models.Resale
	}
	weights := make([]int64, len(items))
	for i, item := range items {
		weights[i] = item.AmountMinor
	}
	payable := models.Spread(order.TotalMinor, weights)
	discount := models.Spread(max(order.OfficialMinor-order.TotalMinor, 0), weights)
	for i, item := range items {
		line := s.lineOf(order, item, customer)
		line.setFigures(payable[i], discount[i], min(item.CouponMinor, payable[i]), *order.PaidAt)
		lines = append(lines, line.BillLine)
	}
	return lines, s.bill(ctx, tx, lines, models.CausePurchase)
}

// figured is a line that is billed at once.
type figured struct{ models.BillLine }

// setFigures says what a line costs that was paid as it was billed: with coupons for a part, with money for the rest.
func (l *figured) setFigures(payable, discount, coupon int64, at time.Time) {
	scale := l.Currency.Scale()
	l.PayableMinor, l.DiscountMinor, l.CouponMinor, l.CashMinor = payable, discount, coupon, payable-coupon
	l.ExactPayable, l.ExactOfficial = decimal.New(payable, -scale), decimal.New(payable+discount, -scale)
	l.UsedAt, l.BilledAt, l.Cycle = at, &at, models.BillingCycleAt(at)
}

func (s *Service) lineOf(order models.Order, item models.OrderItem, customer models.Customer) figured {
	return figured{models.BillLine{
		ID: s.IDs(models.PrefixBillLine), Cloud: order.Cloud, SourceID: string(item.ID), Kind: kindOf(order.Type), CustomerID: order.CustomerID,
		PartnerID: customer.PartnerID, Mode: customer.Mode, OrderID: order.ID, ServiceType: item.ServiceType, ResourceType: item.ResourceType,
		SpecCode: item.SpecCode, Region: item.Region, ResourceID: string(item.ResourceID), Quantity: item.Quantity, Currency: order.Currency,
		CreatedAt: s.now(),
	}}
}

func kindOf(order models.OrderType) models.BillLineKind {
	switch order {
	case models.OrderRenew:
		return models.BillRenewal
	case models.OrderChange, models.OrderToPayPerUse, models.OrderToPeriod:
		return models.BillChange
	case models.OrderNew, models.OrderUnsubscribe:
	}
	return models.BillNew
}

// bill writes lines that are paid, adds them to the monthly sums and tells who counts performance.
func (s *Service) bill(ctx context.Context, tx bun.IDB, lines []models.BillLine, cause models.ConsumptionCause) error {
	if len(lines) == 0 {
		return nil
	}
	if err := insertLines(ctx, tx, lines); err != nil {
		return err
	}
	if err := s.sumUp(ctx, tx, lines, nil, nil); err != nil {
		return err
	}
	var consumed []models.Consumption
	for _, line := range lines {
		if line.PayableMinor != 0 {
			consumed = append(consumed, consumptionOf(line, cause, *line.BilledAt))
		}
	}
	return s.count(ctx, tx, consumed)
}

// billRefundIn takes a refund off the lines that it pays back: of one line of the order, or of all in proportion to what is left of each.
// Money goes back, coupons by rules of their own (O09).
func (s *Service) billRefundIn(ctx context.Context, tx bun.IDB, id models.ID) error {
	refund, found, err := selectRefund(ctx, tx, "id", id)
	if err != nil || !found {
		return err
	}
	bases, err := s.billOrderIn(ctx, tx, refund.OrderID)
	if err != nil {
		return err
	}
	back, billed, err := s.backOf(ctx, tx, refund, bases)
	if err != nil || billed {
		return err
	}
	left := make([]int64, len(bases))
	for i, base := range bases {
		if refund.ItemID == "" || base.SourceID == string(refund.ItemID) {
			left[i] = max(base.CashMinor+back[base.ID], 0)
		}
	}
	var lines []models.BillLine
	for i, part := range models.Spread(refund.AmountMinor, left) {
		if part != 0 {
			lines = append(lines, s.backLine(bases[i], fmt.Sprintf("%s#%s", refund.ID, bases[i].SourceID), -part, refund.CreatedAt))
		}
	}
	return s.bill(ctx, tx, lines, models.CauseRefund)
}

// backOf sums up what was given back of each line before; billed says that this refund was.
func (s *Service) backOf(ctx context.Context, tx bun.IDB, refund models.OrderRefund, bases []models.BillLine) (back map[models.ID]int64, billed bool, err error) {
	before, err := selectBack(ctx, tx, bases)
	back = map[models.ID]int64{}
	for _, line := range before {
		back[line.BaseID] += line.CashMinor
		billed = billed || isOf(line, refund)
	}
	return back, billed, err
}

// isOf reports whether a line says what a refund gave back.
func isOf(line models.BillLine, refund models.OrderRefund) bool {
	return strings.HasPrefix(line.SourceID, string(refund.ID)+"#")
}

// backLine gives back a part of a line, or takes it again.
func (s *Service) backLine(base models.BillLine, source string, minor int64, at time.Time) models.BillLine {
	line := figured{models.BillLine{
		ID: s.IDs(models.PrefixBillLine), Cloud: base.Cloud, SourceID: source, Kind: models.BillRefund, CustomerID: base.CustomerID,
		PartnerID: base.PartnerID, Mode: base.Mode, BaseID: base.ID, OrderID: base.OrderID, ServiceType: base.ServiceType,
		ResourceType: base.ResourceType, SpecCode: base.SpecCode, Region: base.Region, ResourceID: base.ResourceID, Quantity: base.Quantity,
		Currency: base.Currency, CreatedAt: s.now(),
	}}
	line.setFigures(minor, 0, 0, at.UTC())
	return line.BillLine
}

// billReversalIn bills again what a refund had given back that was reversed.
func (s *Service) billReversalIn(ctx context.Context, tx bun.IDB, original, reversal models.ID) error {
	refund, found, err := selectRefund(ctx, tx, "transfer_id", original)
	if err != nil || !found {
		return err
	}
	if err := s.billRefundIn(ctx, tx, refund.ID); err != nil {
		return err
	}
	bases, err := selectLinesOf(ctx, tx, refund.OrderID)
	if err != nil {
		return err
	}
	before, err := selectBack(ctx, tx, bases)
	if err != nil {
		return err
	}
	var lines []models.BillLine
	now := s.now()
	for _, line := range before {
		if !isOf(line, refund) {
			continue
		}
		for _, base := range bases {
			if base.ID == line.BaseID {
				lines = append(lines, s.backLine(base, fmt.Sprintf("%s#%s", reversal, base.SourceID), -line.PayableMinor, now))
			}
		}
	}
	return s.bill(ctx, tx, lines, models.CauseReversal) // a second time breaks the unique source, which BillOrder takes for done
}
