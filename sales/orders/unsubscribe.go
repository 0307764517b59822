package orders

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// UnsubscribeResources says what to give up.
type UnsubscribeResources struct {
	ResourceIDs    []models.ID // 1 to 10 main resources of one customer; what follows them goes with them (O07)
	Type           models.UnsubscribeType
	Reason         models.UnsubscribeReason
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once
}

// Unsubscribed is what was accepted. A repeated key returns the figures of then.
type Unsubscribed struct {
	Order     models.Order // of type UNSUBSCRIBE, in PROCESSING until the cloud has released everything
	Breakdown models.UnsubscribeBreakdown
}

// PreviewUnsubscribe says what unsubscribing would come to now, with the refusals of Unsubscribe; it changes nothing.
func (s *Service) PreviewUnsubscribe(ctx context.Context, who models.Principal, ids []models.ID, kind models.UnsubscribeType) (models.UnsubscribeBreakdown, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return models.UnsubscribeBreakdown{}, err
	}
	if err := checkUnsubscribe(ids, kind); err != nil {
		return models.UnsubscribeBreakdown{}, err
	}
	st, err := s.stand(ctx, s.DB, who, ids, models.ChargedByPeriod, false)
	if err != nil {
		return models.UnsubscribeBreakdown{}, err
	}
	plan, err := s.planUnsubscribe(ctx, s.DB, st, kind)
	return plan.UnsubscribeBreakdown, err
}

// Unsubscribe gives up main resources with what follows them, or the periods that they were renewed for and that have not begun (O07).
// It makes an order of type UNSUBSCRIBE with its breakdown (O10); the cloud then releases the resources, and the money goes back to whom
// models.Order.RefundTo names at that moment (O09). In full for ten main resources of a customer a year, within five days of their provisioning;
// otherwise less what was used up and the fee (O08).
//
// The customer may, operators, and its partner when it is authorised (NOT_AUTHORISED). More reasons of PRECONDITION_FAILED are those of
// models.Resource.CheckOrderable, RESOURCE_IN_PENDING_ORDER, RESOURCE_IN_TRADE, NO_RENEWED_PERIOD and TOO_MANY_RESOURCES.
func (s *Service) Unsubscribe(ctx context.Context, who models.Principal, cmd UnsubscribeResources) (Unsubscribed, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return Unsubscribed{}, err
	}
	if err := checkUnsubscribe(cmd.ResourceIDs, cmd.Type); err != nil {
		return Unsubscribed{}, err
	}
	if !slices.Contains(models.UnsubscribeReasons(), cmd.Reason) {
		return Unsubscribed{}, models.Invalid("reason", "This is no reason of unsubscribing (O07).")
	}
	asked := struct {
		ResourceIDs []models.ID
		Type        models.UnsubscribeType
		Reason      models.UnsubscribeReason
	}{cmd.ResourceIDs, cmd.Type, cmd.Reason}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "unsubscribeResources", asked, func(ctx context.Context, tx bun.IDB) (Unsubscribed, error) {
		return s.unsubscribeIn(ctx, tx, who, cmd)
	})
	if err != nil {
		return Unsubscribed{}, err
	}
	s.nudge()
	return done, nil
}

func checkUnsubscribe(ids []models.ID, kind models.UnsubscribeType) error {
	if kind != models.UnsubscribeResource && kind != models.UnsubscribeRenewals {
		return models.Invalid("type", "The type is RESOURCE_AND_RENEWALS or RENEWALS_ONLY (O07).")
	}
	return checkResources(ids)
}

// plannedEnd is a breakdown with what it was made of.
type plannedEnd struct {
	models.UnsubscribeBreakdown
	standing

	renewals []models.ID // lines of renewals that are taken back
}

func (s *Service) unsubscribeIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd UnsubscribeResources) (Unsubscribed, error) {
	st, err := s.stand(ctx, tx, who, cmd.ResourceIDs, models.ChargedByPeriod, true)
	if err != nil {
		return Unsubscribed{}, err
	}
	plan, err := s.planUnsubscribe(ctx, tx, st, cmd.Type)
	if err != nil {
		return Unsubscribed{}, err
	}
	if n := len(plan.Free); n > 0 {
		// Another unsubscription of the customer may have taken some since the plan was made.
		taken, err := takeFree(ctx, tx, st.customer.ID, models.UnsubscribeYear(s.now()), n)
		if err != nil {
			return Unsubscribed{}, err
		}
		if !taken {
			return Unsubscribed{}, models.Conflict("Another unsubscription of this customer came in between; try again.")
		}
	}
	order := s.newOrder(who, st.customer, models.OrderUnsubscribe)
	order.Status, order.UnsubscribeType, order.UnsubscribeReason = models.OrderProcessing, cmd.Type, cmd.Reason
	items := s.linesFor(order, st.families)
	if err := s.insertOrder(ctx, tx, who, order, items); err != nil {
		return Unsubscribed{}, err
	}
	for i := range plan.Lines {
		plan.Lines[i].ID, plan.Lines[i].OrderID, plan.Lines[i].Position = s.IDs(models.PrefixRefundInfo), order.ID, i+1
	}
	if err := insertRefundInfos(ctx, tx, plan.Lines); err != nil {
		return Unsubscribed{}, err
	}
	return Unsubscribed{Order: order, Breakdown: plan.UnsubscribeBreakdown}, s.recordAccepted(ctx, tx, who, order, map[string]any{
		"refund": plan.Refund().Plain(), "currency": order.Currency, "resources": len(items), "free": len(plan.Free),
	})
}

// recordAccepted tells of an order that costs nothing; ConsumerProvision takes it from there. What state it is in the first event says.
func (s *Service) recordAccepted(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, data map[string]any) error {
	placed := s.placedEvent(order)
	return s.Events.Record(ctx, tx, who, placed, models.Event{
		Type: models.EventOrderAccepted, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
		Data: with(data, "type", order.Type),
	})
}

// linesFor are lines that name resources, mains with what follows them, at no price.
func (s *Service) linesFor(order models.Order, families []resources.Family) []models.OrderItem {
	var items []models.OrderItem
	for _, family := range families {
		main := models.ID("")
		for _, member := range family.Members() {
			item := models.OrderItem{
				ID: s.IDs(models.PrefixOrderItem), OrderID: order.ID, ParentID: main, Position: len(items) + 1,
				ServiceType: member.ServiceType, ResourceType: member.ResourceType, SpecCode: member.SpecCode, Region: member.Region,
				Quantity: 1, PeriodType: models.PeriodOneOff, PeriodCount: 1, Currency: order.Currency, ResourceID: member.ID,
				SpecSize: member.SpecSize, SpecMeasure: member.SpecMeasure,
			}
			if main == "" {
				main = item.ID
			}
			items = append(items, item)
		}
	}
	return items
}

// planUnsubscribe works the breakdown out. What was paid back of a line before counts against what goes back now, so that no order is ever
// paid back more than was paid.
func (s *Service) planUnsubscribe(ctx context.Context, tx bun.IDB, st standing, kind models.UnsubscribeType) (plannedEnd, error) {
	now := s.now()
	plan := plannedEnd{standing: st, UnsubscribeBreakdown: models.UnsubscribeBreakdown{CustomerID: st.customer.ID, Currency: st.customer.Currency}}
	if len(st.members()) > MaxItems {
		return plannedEnd{}, models.Precondition("TOO_MANY_RESOURCES", fmt.Sprintf("An order has at most %d lines; name fewer resources.", MaxItems))
	}
	terms, err := s.terms(ctx, tx, st.families)
	if err != nil {
		return plannedEnd{}, err
	}
	used, err := selectFreeUsed(ctx, tx, st.customer.ID, models.UnsubscribeYear(now))
	if err != nil {
		return plannedEnd{}, err
	}
	plan.FreeLeft = models.FreeUnsubscriptions - used
	purse, err := s.purseOf(ctx, tx, terms)
	if err != nil {
		return plannedEnd{}, err
	}
	for _, family := range st.families {
		free := kind == models.UnsubscribeResource && plan.FreeLeft > 0 && models.FreelyUnsubscribable(family.Main.EffectiveAt, now) && paidFor(family, terms) > 0
		if free {
			plan.FreeLeft--
			plan.Free = append(plan.Free, family.Main.ID)
		}
		ended := 0
		for _, member := range family.Members() {
			for _, term := range terms[member.ID] {
				if kind == models.UnsubscribeRenewals && (!term.Renewal || term.Begun(now)) {
					continue
				}
				ended++
				if term.Renewal {
					plan.renewals = append(plan.renewals, term.ItemID)
				}
				plan.Lines = append(plan.Lines, infosOf(member, term, purse.take(term, term.End(now, free, s.UnsubscribeFee)), st.customer.Currency)...)
			}
		}
		if ended == 0 && kind == models.UnsubscribeRenewals {
			refusal := models.Precondition("NO_RENEWED_PERIOD", "This resource has no renewed period that has not begun.")
			refusal.Details["resourceId"] = string(family.Main.ID)
			return plannedEnd{}, refusal
		}
	}
	return plan, nil
}

func paidFor(family resources.Family, terms map[models.ID][]models.PaidTerm) (minor int64) {
	for _, member := range family.Members() {
		for _, term := range terms[member.ID] {
			minor += term.PaidMinor + term.CouponMinor
		}
	}
	return minor
}

func infosOf(r models.Resource, term models.PaidTerm, end models.TermRefund, currency models.Currency) []models.RefundInfo {
	var infos []models.RefundInfo
	for _, part := range []struct {
		kind  models.RefundInfoKind
		minor int64
	}{{models.RefundInfoRefund, -end.RefundMinor}, {models.RefundInfoConsumed, end.ConsumedMinor}, {models.RefundInfoFee, end.FeeMinor}, {models.RefundInfoCoupon, -end.CouponMinor}} {
		if part.minor != 0 {
			infos = append(infos, models.RefundInfo{
				Kind: part.kind, BaseOrderID: term.OrderID, BaseItemID: term.ItemID, ResourceID: r.ID, ServiceType: r.ServiceType,
				ResourceType: r.ResourceType, Region: r.Region, Currency: currency, AmountMinor: part.minor,
			})
		}
	}
	return infos
}

// purse is what may still be paid back of orders and of their lines.
type purse struct{ orders, lines map[models.ID]int64 }

// take bounds what ends by what is left, and takes it.
func (p purse) take(term models.PaidTerm, end models.TermRefund) models.TermRefund {
	end.RefundMinor = min(end.RefundMinor, p.orders[term.OrderID], p.lines[term.ItemID])
	p.orders[term.OrderID] -= end.RefundMinor
	p.lines[term.ItemID] -= end.RefundMinor
	return end
}

// purseOf reads what is left of all orders that the terms were paid by. It does so for the system: what an earlier partner's money paid is
// invisible to the present one, and still counts.
func (s *Service) purseOf(ctx context.Context, tx bun.IDB, terms map[models.ID][]models.PaidTerm) (purse, error) {
	var ids []models.ID
	for _, all := range terms {
		for _, term := range all {
			ids = append(ids, term.OrderID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	p := purse{orders: map[models.ID]int64{}, lines: map[models.ID]int64{}}
	if len(ids) == 0 {
		return p, nil
	}
	who := models.SystemPrincipal("unsubscribe")
	orders, err := selectOrders(ctx, tx, who, ids)
	if err != nil {
		return purse{}, err
	}
	items, err := selectItems(ctx, tx, who, ids)
	if err != nil {
		return purse{}, err
	}
	refunds, err := s.refundsByOrder(ctx, tx, ids)
	if err != nil {
		return purse{}, err
	}
	byID := byOrderID(orders)
	for id, order := range byID {
		p.orders[id] = order.LeftToRefund(refunds[id]).Minor
	}
	for _, item := range items {
		p.lines[item.ID] = byID[item.OrderID].LeftOfItem(item, refunds[item.OrderID]).Minor
	}
	return p, nil
}

func (s *Service) refundsByOrder(ctx context.Context, tx bun.IDB, orders []models.ID) (map[models.ID][]models.OrderRefund, error) {
	found, err := selectRefunds(ctx, tx, models.SystemPrincipal("unsubscribe"), orders)
	byOrder := map[models.ID][]models.OrderRefund{}
	for _, refund := range found {
		byOrder[refund.OrderID] = append(byOrder[refund.OrderID], refund)
	}
	return byOrder, err
}

// RefundInfosFor returns the breakdown of each of the orders that the caller may see, in its order, with one statement (O10).
func (s *Service) RefundInfosFor(ctx context.Context, who models.Principal, orders []models.ID) (map[models.ID][]models.RefundInfo, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	byOrder := make(map[models.ID][]models.RefundInfo, len(orders))
	if len(orders) == 0 {
		return byOrder, nil
	}
	found, err := selectRefundInfos(ctx, s.DB, who, orders)
	for _, info := range found {
		byOrder[info.OrderID] = append(byOrder[info.OrderID], info)
	}
	return byOrder, err
}
