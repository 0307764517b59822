package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// carryOut has the cloud do what an order in PROCESSING asks for, and writes down that it is done.
func (s *Service) carryOut(ctx context.Context, who models.Principal, order models.Order) error {
	items, err := selectItems(ctx, s.DB, who, []models.ID{order.ID})
	if err != nil {
		return err
	}
	switch order.Type {
	case models.OrderNew:
		return s.create(ctx, who, order, items)
	case models.OrderUnsubscribe:
		return s.release(ctx, who, order, items)
	case models.OrderRenew, models.OrderToPayPerUse, models.OrderToPeriod:
		return s.alter(ctx, who, order, items)
	case models.OrderChange:
		return s.change(ctx, who, order, items)
	}
	return fmt.Errorf("no way to carry out an order of type %s", order.Type)
}

// familiesOf returns the main resources of an order's lines with the parts that the order names.
func (s *Service) familiesOf(ctx context.Context, tx bun.IDB, who models.Principal, items []models.OrderItem, lock bool) ([]resources.Family, error) {
	var mains []models.ID
	named := map[models.ID]bool{}
	for _, item := range items {
		named[item.ResourceID] = true
		if item.ParentID == "" {
			mains = append(mains, item.ResourceID)
		}
	}
	found, err := s.Resources.FamiliesIn(ctx, tx, who, mains, lock)
	if err != nil {
		return nil, err
	}
	families := make([]resources.Family, 0, len(mains))
	for _, id := range mains {
		family, seen := found[id]
		if !seen {
			return nil, fmt.Errorf("no resource %s", id)
		}
		family.Subs = slices.DeleteFunc(family.Subs, func(sub models.Resource) bool { return !named[sub.ID] })
		families = append(families, family)
	}
	return families, nil
}

// release ends what an unsubscription ends. When only renewed periods go, the cloud is told of the earlier end.
func (s *Service) release(ctx context.Context, who models.Principal, order models.Order, items []models.OrderItem) error {
	families, err := s.familiesOf(ctx, s.DB, who, items, false)
	if err != nil {
		return err
	}
	if order.UnsubscribeType == models.UnsubscribeRenewals {
		ends, err := s.endsWithout(ctx, s.DB, families, order)
		if err != nil {
			return err
		}
		if err := s.Driver.Alter(ctx, AlterRequest{Order: order, Resources: endingAt(families, ends)}); err != nil {
			return fmt.Errorf("unsubscribe order %s: %w", order.ID, err)
		}
	} else {
		request := ReleaseRequest{Order: order}
		for _, family := range families {
			request.Resources = append(append(request.Resources, family.Subs...), family.Main)
		}
		if err := s.Driver.Release(ctx, request); err != nil {
			return fmt.Errorf("unsubscribe order %s: %w", order.ID, err)
		}
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.releasedIn(ctx, tx, who, order.ID, items) })
}

// endingAt are the members as they will be: charged by period until the end of their main resource, or by use where there is none.
func endingAt(families []resources.Family, ends map[models.ID]time.Time) []models.Resource {
	var all []models.Resource
	for _, family := range families {
		end, ending := ends[family.Main.ID]
		for _, member := range family.Members() {
			member.ChargingMode, member.ExpiresAt = models.ChargedByUse, nil
			if ending {
				member.ChargingMode, member.ExpiresAt = models.ChargedByPeriod, &end
			}
			all = append(all, member)
		}
	}
	return all
}

// endsWithout says when each main resource ends without the renewed periods that the order takes back: when the first of those would
// have begun.
func (s *Service) endsWithout(ctx context.Context, tx bun.IDB, families []resources.Family, order models.Order) (map[models.ID]time.Time, error) {
	taken, err := s.renewalsTaken(ctx, tx, families, order)
	if err != nil {
		return nil, err
	}
	ends := map[models.ID]time.Time{}
	for _, family := range families {
		if family.Main.ExpiresAt != nil {
			ends[family.Main.ID] = *family.Main.ExpiresAt
		}
		for _, item := range taken {
			if item.ResourceID == family.Main.ID && item.EffectiveAt.Before(ends[family.Main.ID]) {
				ends[family.Main.ID] = *item.EffectiveAt
			}
		}
	}
	return ends, nil
}

// renewalsTaken are the lines of renewals that the order takes back: all of them with the resource, else those that had not begun when it
// was placed.
func (s *Service) renewalsTaken(ctx context.Context, tx bun.IDB, families []resources.Family, order models.Order) ([]models.OrderItem, error) {
	var members []models.Resource
	for _, family := range families {
		members = append(members, family.Members()...)
	}
	renewed, err := selectRenewals(ctx, tx, members)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(renewed, func(item models.OrderItem) bool {
		return order.UnsubscribeType == models.UnsubscribeRenewals && !order.CreatedAt.Before(*item.EffectiveAt)
	}), nil
}

// releasedIn writes down that the cloud has released everything, and gives the money back. Orders are locked before the customer, the
// customer before resources, resources before accounts, as everywhere.
func (s *Service) releasedIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, items []models.OrderItem) error {
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
	families, err := s.familiesOf(ctx, tx, who, items, true)
	if err != nil {
		return err
	}
	taken, err := s.renewalsTaken(ctx, tx, families, order)
	if err != nil {
		return err
	}
	if order.UnsubscribeType == models.UnsubscribeRenewals {
		ends, err := s.endsWithout(ctx, tx, families, order)
		if err != nil {
			return err
		}
		if err := s.endFamilies(ctx, tx, who, families, ends, false); err != nil {
			return err
		}
	} else {
		for _, family := range families {
			if _, err := s.Resources.CloseIn(ctx, tx, who, family.Main.ID); err != nil {
				return err
			}
		}
		if err := s.unsubscribePackages(ctx, tx, families); err != nil {
			return err
		}
	}
	lines := make([]models.ID, len(taken))
	for i, item := range taken {
		lines[i] = item.ID
	}
	if err := updateUnsubscribed(ctx, tx, lines, order.ID); err != nil {
		return err
	}
	if err := s.payInfosBack(ctx, tx, who, order, infos, bases, customer); err != nil {
		return err
	}
	return s.done(ctx, tx, who, &order, map[string]any{"resources": len(items)})
}

// endFamilies lets main resources, and what follows them, end at the moments of the map.
func (s *Service) endFamilies(ctx context.Context, tx bun.IDB, who models.Principal, families []resources.Family, ends map[models.ID]time.Time, automatic bool) error {
	for _, family := range families {
		extension := resources.Extension{ResourceID: family.Main.ID, ExpiresAt: ends[family.Main.ID], Automatic: automatic}
		if _, err := s.Resources.ExtendIn(ctx, tx, who, extension); err != nil {
			return err
		}
		if s.Packages != nil {
			if err := s.Packages.EndAtIn(ctx, tx, idsOf([]resources.Family{family}), extension.ExpiresAt); err != nil {
				return err
			}
		}
	}
	return nil
}

// unsubscribePackages ends the packages among what is given up (O18).
func (s *Service) unsubscribePackages(ctx context.Context, tx bun.IDB, families []resources.Family) error {
	if s.Packages == nil {
		return nil
	}
	return s.Packages.UnsubscribeIn(ctx, tx, idsOf(families))
}

func idsOf(families []resources.Family) []models.ID {
	var ids []models.ID
	for _, family := range families {
		for _, member := range family.Members() {
			ids = append(ids, member.ID)
		}
	}
	return ids
}

func basesOf(infos []models.RefundInfo) []models.ID {
	var ids []models.ID
	for _, info := range infos {
		if !slices.Contains(ids, info.BaseOrderID) {
			ids = append(ids, info.BaseOrderID)
		}
	}
	slices.Sort(ids)
	return ids
}

// payInfosBack pays back what the breakdown says, one refund for each line that was paid, and at most what is left of it: an operator may have
// paid something back since the breakdown was made.
func (s *Service) payInfosBack(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, infos []models.RefundInfo, bases map[models.ID]models.Order, customer models.Customer) error {
	if err := s.giveInfosBack(ctx, tx, who, infos, customer); err != nil { // coupons are locked before money, as in a payment
		return err
	}
	var refunds []models.OrderRefund
	byLine := map[models.ID]int{}
	for _, info := range infos {
		if info.Kind != models.RefundInfoRefund {
			continue
		}
		at, seen := byLine[info.BaseItemID]
		if !seen {
			at = len(refunds)
			byLine[info.BaseItemID] = at
			base := bases[info.BaseOrderID]
			refund := models.OrderRefund{
				ID: s.IDs(models.PrefixOrderRefund), OrderID: base.ID, ItemID: info.BaseItemID, Currency: base.Currency,
				Reason: refundReason(order), CreatedAt: s.now(),
			}
			refund.Destination, refund.DestinationID = base.RefundTo(customer)
			refunds = append(refunds, refund)
		}
		refunds[at].AmountMinor -= info.AmountMinor
	}
	terms := map[models.ID][]models.PaidTerm{}
	for _, refund := range refunds {
		terms[refund.ItemID] = []models.PaidTerm{{OrderID: refund.OrderID, ItemID: refund.ItemID}}
	}
	purse, err := s.purseOf(ctx, tx, terms)
	if err != nil {
		return err
	}
	if err := s.lockRefundAccounts(ctx, tx, refunds, bases); err != nil {
		return err
	}
	for i := range refunds {
		refunds[i].AmountMinor = purse.take(models.PaidTerm{OrderID: refunds[i].OrderID, ItemID: refunds[i].ItemID}, models.TermRefund{RefundMinor: refunds[i].AmountMinor}).RefundMinor
		if refunds[i].AmountMinor == 0 {
			continue
		}
		if _, err := s.payBack(ctx, tx, who, bases[refunds[i].OrderID], &refunds[i]); err != nil {
			return err
		}
	}
	return nil
}

func refundReason(order models.Order) string {
	if order.Type == models.OrderChange {
		return "Changed by order " + order.Number
	}
	return "Unsubscribed by order " + order.Number
}

// lockRefundAccounts locks the accounts of all refunds at once, in the order that the ledger keeps: each refund posts on its own, and two
// unsubscriptions must not wait for each other in a circle.
func (s *Service) lockRefundAccounts(ctx context.Context, tx bun.IDB, refunds []models.OrderRefund, bases map[models.ID]models.Order) error {
	var ids []models.ID
	for _, refund := range refunds {
		to, revenue, owed, err := s.refundAccounts(ctx, tx, bases[refund.OrderID], refund)
		if err != nil {
			return err
		}
		if ids = append(ids, to, revenue); owed != "" {
			ids = append(ids, owed)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	_, err := s.Ledger.Lock(ctx, tx, slices.Compact(ids)...)
	return err
}

// done completes an order.
func (s *Service) done(ctx context.Context, tx bun.IDB, who models.Principal, order *models.Order, data map[string]any) error {
	if err := s.releaseCoupons(ctx, tx, *order); err != nil {
		return err
	}
	now, before := s.now(), order.Status
	order.Status, order.CompletedAt, order.UpdatedAt = models.OrderCompleted, &now, now
	return s.updateTold(ctx, tx, who, order, models.Event{
		Type: models.EventOrderCompleted, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
		Fields: []string{"status", "completedAt"}, Changes: []models.FieldChange{models.Changed("status", before, order.Status)}, Data: data,
	})
}

// alter has the cloud do what a paid renewal, or a turn between use and period, asks for. A period after use begins now, before the cloud is asked:
// what it is told is what is written down.
func (s *Service) alter(ctx context.Context, who models.Principal, order models.Order, items []models.OrderItem) error {
	families, err := s.familiesOf(ctx, s.DB, who, items, false)
	if err != nil {
		return err
	}
	if err := stillThere(families); err != nil {
		return err
	}
	begin := beginOf(order, s.now())
	if err := s.Driver.Alter(ctx, AlterRequest{Order: order, Resources: endingAt(families, periodEnds(families, items, begin))}); err != nil {
		return fmt.Errorf("order %s: %w", order.ID, err)
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.alteredIn(ctx, tx, who, order.ID, items, begin) })
}

// beginOf says when the periods of an order about what runs begin: those of a renewal where the present ones end, those after use at a moment, and
// none, nil, when it turns to use.
func beginOf(order models.Order, at time.Time) func(main models.Resource) *time.Time {
	return func(main models.Resource) *time.Time {
		switch order.Type {
		case models.OrderToPeriod:
			return &at
		case models.OrderToPayPerUse:
			return nil
		case models.OrderNew, models.OrderRenew, models.OrderChange, models.OrderUnsubscribe:
		}
		return main.ExpiresAt
	}
}

// stillThere is final when a resource was closed between the order and its payment: nothing can bring it back.
func stillThere(families []resources.Family) error {
	for _, family := range families {
		if family.Main.Status == models.ResourceClosed {
			return &FinalError{Reason: "RESOURCE_CLOSED"}
		}
	}
	return nil
}

// periodEnds says when each main resource ends: so many periods after they begin.
func periodEnds(families []resources.Family, items []models.OrderItem, begin func(main models.Resource) *time.Time) map[models.ID]time.Time {
	ends := map[models.ID]time.Time{}
	for _, family := range families {
		from := begin(family.Main)
		for _, item := range items {
			if item.ResourceID == family.Main.ID && item.ExpiresAt != nil { // on a unified day
				ends[family.Main.ID] = *item.ExpiresAt
			} else if item.ResourceID == family.Main.ID && from != nil {
				ends[family.Main.ID] = item.PeriodType.After(*from, item.PeriodCount)
			}
		}
	}
	return ends
}

func (s *Service) alteredIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, items []models.OrderItem, begin func(main models.Resource) *time.Time) error {
	order, found, err := selectOrderForUpdate(ctx, tx, who, id)
	if err != nil || !found || order.Status != models.OrderProcessing {
		return err
	}
	if _, err := s.customerNow(ctx, tx, who, order); err != nil {
		return err
	}
	families, err := s.familiesOf(ctx, tx, who, items, true)
	if err != nil {
		return err
	}
	if err := stillThere(families); err != nil {
		return err
	}
	ends := periodEnds(families, items, begin)
	if err := writePeriods(ctx, tx, families, items, begin, ends); err != nil {
		return err
	}
	if order.Type == models.OrderRenew {
		err = s.endFamilies(ctx, tx, who, families, ends, order.Source == models.PlacedBySystem)
	} else {
		err = s.turnFamilies(ctx, tx, who, families, ends)
	}
	if err != nil {
		return err
	}
	return s.done(ctx, tx, who, &order, map[string]any{"resources": len(items)})
}

// writePeriods writes on the lines which periods they have added.
func writePeriods(ctx context.Context, tx bun.IDB, families []resources.Family, items []models.OrderItem, begin func(main models.Resource) *time.Time, ends map[models.ID]time.Time) error {
	for _, family := range families {
		from, end := begin(family.Main), ends[family.Main.ID]
		if from == nil {
			continue
		}
		for _, member := range family.Members() {
			for _, item := range items {
				if item.ResourceID != member.ID {
					continue
				}
				item.EffectiveAt, item.ExpiresAt = from, &end
				if err := updateItemPeriod(ctx, tx, item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// turnFamilies has main resources, and what follows them, charged by period until the moments of the map, or by use where it has none.
func (s *Service) turnFamilies(ctx context.Context, tx bun.IDB, who models.Principal, families []resources.Family, ends map[models.ID]time.Time) error {
	for _, family := range families {
		end, ending := ends[family.Main.ID]
		var err error
		if ending {
			_, err = s.Resources.TurnToPeriodIn(ctx, tx, who, family.Main.ID, end)
		} else {
			_, err = s.Resources.TurnToUseIn(ctx, tx, who, family.Main.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// failed ends an order that the cloud will never carry out: one that took money goes over PENDING_REFUND, which Provision then settles, one
// that took none is cancelled at once.
func (s *Service) failed(ctx context.Context, who models.Principal, id models.ID, final *FinalError) error {
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		order, found, err := selectOrderForUpdate(ctx, tx, who, id)
		if err != nil || !found || order.Status != models.OrderProcessing {
			return err
		}
		before := order.Status
		order.Failure, order.UpdatedAt = final.Reason, s.now()
		order.Status = models.OrderPendingRefund
		if order.PaidMinor() == 0 && order.CouponMinor == 0 {
			order.Status = models.OrderCancelled
		}
		if err := s.updateOrder(ctx, tx, &order); err != nil {
			return err
		}
		if order.Type == models.OrderUnsubscribe {
			if err := s.giveFreeBack(ctx, tx, who, order); err != nil {
				return err
			}
		}
		happened := []models.Event{{
			Type: models.EventOrderFailed, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
			Fields: []string{"status", "failure"}, Changes: []models.FieldChange{models.Changed("status", before, order.Status)},
			Data: map[string]any{"failure": order.Failure},
		}}
		if order.Status == models.OrderCancelled {
			happened = append(happened, cancelledEvent(order, before, order.Failure))
		}
		return s.Events.Record(ctx, tx, who, happened...)
	})
	if err != nil {
		return err
	}
	return s.settle(ctx, who, id)
}

// giveFreeBack counts the main resources that were to be taken back without a reason, and were not, as not taken back.
func (s *Service) giveFreeBack(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order) error {
	infos, err := selectRefundInfos(ctx, tx, who, []models.ID{order.ID})
	if err != nil {
		return err
	}
	items, err := selectItems(ctx, tx, who, []models.ID{order.ID})
	if err != nil {
		return err
	}
	families, err := s.familiesOf(ctx, tx, who, items, false)
	if err != nil {
		return err
	}
	free := 0
	for _, family := range families {
		refunded, kept := false, false
		for _, info := range infos {
			if slices.ContainsFunc(family.Members(), func(r models.Resource) bool { return r.ID == info.ResourceID }) {
				back := info.Kind == models.RefundInfoRefund || info.Kind == models.RefundInfoCoupon
				refunded, kept = refunded || back, kept || !back
			}
		}
		if order.UnsubscribeType == models.UnsubscribeResource && refunded && !kept && models.FreelyUnsubscribable(family.Main.EffectiveAt, order.CreatedAt) {
			free++
		}
	}
	if free == 0 {
		return nil
	}
	_, err = takeFree(ctx, tx, order.CustomerID, models.UnsubscribeYear(order.CreatedAt), -free)
	return err
}

// settle pays an order in PENDING_REFUND back in full, with its vouchers, and cancels it.
func (s *Service) settle(ctx context.Context, who models.Principal, id models.ID) error {
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		order, found, err := selectOrderForUpdate(ctx, tx, who, id)
		if err != nil || !found || order.Status != models.OrderPendingRefund {
			return err
		}
		customer, err := s.customerNow(ctx, tx, who, order)
		if err != nil {
			return err
		}
		refunds, err := s.refundsByOrder(ctx, tx, []models.ID{id})
		if err != nil {
			return err
		}
		if err := s.giveCouponsBack(ctx, tx, who, order, customer); err != nil {
			return err
		}
		if left := order.LeftToRefund(refunds[id]); left.Minor > 0 {
			refund := models.OrderRefund{
				ID: s.IDs(models.PrefixOrderRefund), OrderID: order.ID, Currency: order.Currency, AmountMinor: left.Minor,
				Reason: "The order could not be carried out", CreatedAt: s.now(),
			}
			refund.Destination, refund.DestinationID = order.RefundTo(customer)
			if _, err := s.payBack(ctx, tx, who, order, &refund); err != nil {
				return err
			}
		}
		order.Status, order.UpdatedAt = models.OrderCancelled, s.now()
		if err := s.updateOrder(ctx, tx, &order); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, cancelledEvent(order, models.OrderPendingRefund, order.Failure))
	})
	if err == nil {
		s.nudge()
	}
	return err
}

func cancelledEvent(order models.Order, before models.OrderStatus, why string) models.Event {
	event := models.Event{
		Type: models.EventOrderCancelled, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
		Fields: []string{"status"}, Changes: []models.FieldChange{models.Changed("status", before, order.Status)},
	}
	if why != "" {
		event.Data = map[string]any{"reason": why}
	}
	return event
}

// finalOf returns the driver's last word in an error, nil when it is none.
func finalOf(err error) *FinalError {
	var final *FinalError
	if errors.As(err, &final) {
		return final
	}
	return nil
}
