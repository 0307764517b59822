package orders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// PaidPeriods returns what is left at a moment of the periods that a resource was paid for, the earliest first, for whoever may see the resource
// and orders; none for one that may not be seen.
func (s *Service) PaidPeriods(ctx context.Context, who models.Principal, id models.ID, at time.Time) ([]models.PaidPeriod, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	found, err := s.Resources.ByIDs(ctx, who, []models.ID{id})
	if err != nil || found[id].ID == "" {
		return nil, err
	}
	return s.periodsIn(ctx, s.DB, found[id], at)
}

func (s *Service) periodsIn(ctx context.Context, tx bun.IDB, main models.Resource, at time.Time) ([]models.PaidPeriod, error) {
	terms, err := s.terms(ctx, tx, []resources.Family{{Main: main}})
	return models.PaidPeriods(terms[main.ID], at), err
}

// placeChangeIn orders the change of a quote: something dearer waits for its payment, what costs nothing is carried out at once, and gives back
// what the quote says once the cloud has done it. When what the quote was made of is no longer so, it is stale.
func (s *Service) placeChangeIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, order models.Order, quote models.Quote) (models.Order, error) {
	first := quote.Lines[0]
	st, err := s.stand(ctx, tx, who, []models.ID{first.ResourceID}, models.ChargedByPeriod, true)
	if err != nil {
		return models.Order{}, err
	}
	main := st.families[0].Main
	periods, err := s.periodsIn(ctx, tx, main, first.Change.At)
	if err != nil {
		return models.Order{}, err
	}
	if st.customer.ID != customer.ID || !stillAsQuoted(main, periods, quote) || !s.now().Before(first.Change.Until) {
		return models.Order{}, ErrQuoteStale
	}
	order.Type = models.OrderChange
	s.belong(&order, customer, s.now())
	items := s.changeLines(order, main, quote)
	if order.TotalMinor > 0 {
		return s.placeAtIn(ctx, tx, who, customer, order, items)
	}
	infos, err := s.changeInfos(ctx, tx, main, periods, quote)
	if err != nil {
		return models.Order{}, err
	}
	order.Status = models.OrderProcessing
	if err := s.completeItems(&order, items); err != nil {
		return models.Order{}, err
	}
	if err := s.insertQuoted(ctx, tx, who, order, items); err != nil {
		return models.Order{}, err
	}
	for i := range infos {
		infos[i].ID, infos[i].OrderID, infos[i].Position = s.IDs(models.PrefixRefundInfo), order.ID, i+1
	}
	if err := insertRefundInfos(ctx, tx, infos); err != nil {
		return models.Order{}, err
	}
	return order, s.recordAccepted(ctx, tx, who, order, map[string]any{"refund": quote.Refund().StringFixed(order.Currency.Scale()), "currency": order.Currency})
}

// stillAsQuoted reports whether a resource and what is left of what was paid for it are as they were when the change was quoted.
func stillAsQuoted(main models.Resource, periods []models.PaidPeriod, quote models.Quote) bool {
	change := quote.Lines[0].Change
	size, measure := sizeOf(change.BaseSize, change.BaseSizeMeasureID)
	if main.SpecCode != change.BaseSpecCode || main.SpecSize != size || main.SpecMeasure != measure {
		return false
	}
	return slices.EqualFunc(periods, quote.Lines, func(p models.PaidPeriod, l models.QuoteLine) bool {
		return p.From.Equal(l.Change.From) && p.Until.Equal(l.Change.Until) && l.Change.PaidRest.Shift(l.Currency.Scale()).IntPart() == p.RestMinor
	})
}

// changeLines are a line for what is left of each period.
func (s *Service) changeLines(order models.Order, main models.Resource, quote models.Quote) []models.OrderItem {
	items := make([]models.OrderItem, len(quote.Lines))
	for i, line := range quote.Lines {
		begin, until := line.Change.Begin(), line.Change.Until
		items[i] = models.OrderItem{
			ID: s.IDs(models.PrefixOrderItem), OrderID: order.ID, ServiceType: main.ServiceType, ResourceType: main.ResourceType, SpecCode: line.SpecCode,
			Region: main.Region, Quantity: 1, PeriodType: line.PeriodType, PeriodCount: line.PeriodCount, AmountMinor: line.AmountMinor(order.DiscountID),
			ResourceID: main.ID, EffectiveAt: &begin, ExpiresAt: &until, BaseSpecCode: main.SpecCode, BaseSpecSize: main.SpecSize,
			BaseSpecMeasure: main.SpecMeasure, PeriodMinor: line.Change.WholeMinor(order.DiscountID, line.Currency),
		}
		items[i].SpecSize, items[i].SpecMeasure = sizeOf(line.Size, line.SizeMeasureID)
	}
	return items
}

// changeInfos are the breakdown of a change to something cheaper, by what was paid (O10): what goes back is negative, what was used up, or is
// needed for the rest of the time, positive.
func (s *Service) changeInfos(ctx context.Context, tx bun.IDB, main models.Resource, periods []models.PaidPeriod, quote models.Quote) ([]models.RefundInfo, error) {
	if quote.Refund().IsZero() {
		return nil, nil
	}
	terms := map[models.ID][]models.PaidTerm{}
	for _, period := range periods {
		terms[main.ID] = append(terms[main.ID], period.Terms...)
	}
	purse, err := s.purseOf(ctx, tx, terms)
	if err != nil {
		return nil, err
	}
	var infos []models.RefundInfo
	for i, period := range periods {
		for j, minor := range period.GiveBack(quote.Lines[i].Change.At, quote.Lines[i].RefundMinor()) {
			term := period.Terms[j]
			end := purse.take(term, models.TermRefund{RefundMinor: minor, ConsumedMinor: term.PaidMinor - minor})
			if end.RefundMinor != minor { // an operator has paid some of it back
				return nil, ErrQuoteStale
			}
			infos = append(infos, infosOf(main, term, end, quote.Currency)...)
		}
	}
	return infos, nil
}

// changed is a resource as a change makes it.
func changed(main models.Resource, line models.OrderItem) models.Resource {
	main.SpecCode, main.SpecSize, main.SpecMeasure = line.SpecCode, line.SpecSize, line.SpecMeasure
	return main
}

// change has the cloud give a resource another specification. When its time was over before the change was paid it is too late.
func (s *Service) change(ctx context.Context, who models.Principal, order models.Order, items []models.OrderItem) error {
	families, err := s.familiesOf(ctx, s.DB, who, items[:1], false)
	if err != nil {
		return err
	}
	if err := s.stillChangeable(families, items); err != nil {
		return err
	}
	request := AlterRequest{Order: order, Resources: []models.Resource{changed(families[0].Main, items[0])}}
	if err := s.Driver.Alter(ctx, request); err != nil {
		return fmt.Errorf("order %s: %w", order.ID, err)
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.changedIn(ctx, tx, who, order.ID, items) })
}

func (s *Service) stillChangeable(families []resources.Family, items []models.OrderItem) error {
	if err := stillThere(families); err != nil {
		return err
	}
	if last := items[len(items)-1].ExpiresAt; last != nil && !s.now().Before(*last) {
		return &FinalError{Reason: "PERIOD_OVER"}
	}
	return nil
}

// changedIn writes down that the cloud has changed the resource, which keeps its periods, and gives back what the breakdown says. Locks are taken
// in the order of releasedIn.
func (s *Service) changedIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, items []models.OrderItem) error {
	order, found, err := selectOrderForUpdate(ctx, tx, who, id)
	if err != nil || !found || order.Status != models.OrderProcessing {
		return err
	}
	infos, err := selectRefundInfos(ctx, tx, who, []models.ID{id})
	if err != nil {
		return err
	}
	bases, err := selectOrdersForUpdate(ctx, tx, basesOf(infos))
	if err != nil {
		return err
	}
	customer, err := s.customerNow(ctx, tx, who, order)
	if err != nil {
		return err
	}
	families, err := s.familiesOf(ctx, tx, who, items[:1], true)
	if err != nil {
		return err
	}
	if err := stillThere(families); err != nil {
		return err
	}
	line := items[0]
	_, err = s.Resources.ChangeSpecIn(ctx, tx, who, resources.SpecChange{
		ResourceID: line.ResourceID, SpecCode: line.SpecCode, SpecSize: line.SpecSize, SpecMeasure: line.SpecMeasure, OrderID: order.ID,
	})
	if err != nil {
		return err
	}
	if err := s.payInfosBack(ctx, tx, who, order, infos, bases, customer); err != nil {
		return err
	}
	return s.done(ctx, tx, who, &order, map[string]any{"resources": 1})
}
