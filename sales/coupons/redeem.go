package coupons

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// RedeemIn pays for an order with coupons of its customer, in the order given, in the transaction of the payment (O04), and locks them to it
// until Release (V10). It returns what each paid for which line. The caller has locked the order, and pays the rest afterwards.
//
// INVALID for more than models.MaxCouponsPerOrder and for one named twice; NOT_FOUND for a coupon that the caller may not see or that is another
// customer's; the reasons of PRECONDITION_FAILED are those of models.Coupon.Redeem.
func (s *Service) RedeemIn(ctx context.Context, tx bun.IDB, who models.Principal, purchase models.CouponPurchase, ids []models.ID) ([]models.CouponShare, error) {
	if err := CheckCoupons(ids); err != nil || len(ids) == 0 {
		return nil, err
	}
	coupons, err := selectCouponsForUpdate(ctx, tx, who, ids)
	if err != nil {
		return nil, err
	}
	now := s.now()
	purchase.Lines = slices.Clone(purchase.Lines)
	var shares []models.CouponShare
	used, paid := make([]models.Coupon, len(ids)), make([]int64, len(ids))
	before := make([]models.Coupon, len(ids))
	for i, id := range ids {
		coupon, seen := coupons[id]
		if !seen || coupon.CustomerID != purchase.CustomerID {
			return nil, errNotNamed
		}
		before[i] = coupon
		pays, err := coupon.Redeem(purchase, now)
		if err != nil {
			return nil, err
		}
		used[i], paid[i] = coupon, before[i].BalanceMinor-coupon.BalanceMinor
		shares = append(shares, pays...)
	}
	transfer, err := s.spend(ctx, tx, who, models.TransferCouponPayment, purchase.OrderID, used, paid)
	if err != nil {
		return nil, err
	}
	uses, happened := make([]models.CouponUse, len(shares)), make([]models.Event, len(used))
	for i, share := range shares {
		coupon := coupons[share.CouponID]
		uses[i] = models.CouponUse{
			ID: s.IDs(models.PrefixCouponUse), CouponID: coupon.ID, PartnerID: coupon.PartnerID, CustomerID: coupon.CustomerID, OrderID: purchase.OrderID,
			ItemID: share.ItemID, Currency: coupon.Currency, AmountMinor: share.AmountMinor, TransferID: transfer, CreatedAt: now, UpdatedAt: now,
		}
	}
	for i, coupon := range used {
		if err := updateCoupon(ctx, tx, coupon); err != nil {
			return nil, err
		}
		happened[i] = balanceEvent(models.EventCouponUsed, before[i], coupon, purchase.OrderID, paid[i])
	}
	if err := insertUses(ctx, tx, uses); err != nil {
		return nil, err
	}
	return shares, s.Events.Record(ctx, tx, who, happened...)
}

// CheckCoupons applies the rule for the coupons of a payment (O04).
func CheckCoupons(ids []models.ID) error {
	if len(ids) > models.MaxCouponsPerOrder {
		return models.Invalid("couponIds", "A payment uses at most 3 coupons.")
	}
	if len(ids) == 0 {
		return nil
	}
	return checkBatch(ids, models.PrefixCoupon, "couponIds", models.MaxCouponsPerOrder)
}

// spend moves what coupons paid for an order to the cloud's revenue, or back when the kind is a refund, with one transfer.
func (s *Service) spend(ctx context.Context, tx bun.IDB, who models.Principal, kind models.TransferKind, order models.ID, coupons []models.Coupon, minors []int64) (models.ID, error) {
	posting := ledger.Posting{Kind: kind, OrderID: order}
	sign := int64(1)
	if kind == models.TransferCouponRefund {
		sign = -1
	}
	earned := map[models.ID]int64{} // by the revenue's account
	for i, coupon := range coupons {
		from, err := s.Ledger.Open(ctx, tx, couponAccount(coupon))
		if err != nil {
			return "", err
		}
		to, err := s.Ledger.Open(ctx, tx, revenue(coupon))
		if err != nil {
			return "", err
		}
		posting.Legs = append(posting.Legs, ledger.Leg{AccountID: from.ID, AmountMinor: -sign * minors[i]})
		earned[to.ID] += sign * minors[i]
	}
	for _, id := range sortedKeys(earned) {
		posting.Legs = append(posting.Legs, ledger.Leg{AccountID: id, AmountMinor: earned[id]})
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, posting)
	return transfer.ID, err
}

// balanceEvent tells of what a coupon paid, or got back.
func balanceEvent(kind models.EventType, before, after models.Coupon, order models.ID, minor int64) models.Event {
	event := couponEvent(kind, after, map[string]any{"orderId": order, "amount": models.NewMoney(minor, after.Currency).Plain()})
	event.Fields = []string{"balance"}
	event.Changes = []models.FieldChange{models.Changed("balance", before.Balance().Plain(), after.Balance().Plain())}
	if before.Status != after.Status {
		event.Fields = append(event.Fields, "status")
		event.Changes = append(event.Changes, models.Changed("status", before.Status, after.Status))
	}
	return event
}

// ReleaseIn sets the coupons free that an order uses, in the transaction that ends it (V10). What they paid stays paid.
func (s *Service) ReleaseIn(ctx context.Context, tx bun.IDB, order models.ID) error {
	return updateUnlocked(ctx, tx, order)
}

// GiveBackIn gives coupons back what they paid for lines of an order, at most what back says by line and at most what they paid, all of it when back
// is nil (O08, V06). It is for the transaction that ends what was bought; that sets free what the order has locked as well. What paid goes
// back to the coupon, which is usable again; where that has expired, was taken back, or its customer is not its partner's resale customer any
// more, on to its quota. The caller has locked the orders, and shares the customer, given as it is now.
func (s *Service) GiveBackIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, orders []CouponReturn) error {
	_, ids, err := s.usesOf(ctx, tx, orders)
	if err != nil || len(ids) == 0 {
		return err
	}
	orders = slices.Clone(orders)
	for i := range orders {
		orders[i].Lines = maps.Clone(orders[i].Lines) // what is left of each is counted down here
	}
	coupons, err := selectCouponsForUpdate(ctx, tx, models.SystemPrincipal("coupons"), ids)
	if err != nil {
		return err
	}
	// Again, with the coupons locked: somebody else may have given some of it back meanwhile.
	uses, _, err := s.usesOf(ctx, tx, orders)
	if err != nil {
		return err
	}
	now := s.now()
	ended := map[models.ID]*ending{}
	for _, one := range orders {
		back := map[models.ID]int64{}
		for _, use := range uses[one.OrderID] {
			minor := min(use.AmountMinor-use.ReturnedMinor, one.left(use.ItemID))
			if minor <= 0 {
				continue
			}
			one.take(use.ItemID, minor)
			use.ReturnedMinor, use.UpdatedAt = use.ReturnedMinor+minor, now
			if err := updateUse(ctx, tx, use); err != nil {
				return err
			}
			back[use.CouponID] += minor
		}
		if err := s.giveBack(ctx, tx, who, one.OrderID, coupons, back, customer, ended); err != nil {
			return err
		}
	}
	endings := make([]*ending, 0, len(ended))
	for _, id := range sortedKeys(ended) {
		endings = append(endings, ended[id])
	}
	return s.endIn(ctx, tx, who, endings, now)
}

// CouponReturn is what goes back of one order.
type CouponReturn struct {
	OrderID models.ID
	Lines   map[models.ID]int64 // at most so much of each line; nil = all
}

func (r CouponReturn) left(item models.ID) int64 {
	if r.Lines == nil {
		return models.MaxMinor
	}
	return r.Lines[item]
}

func (r CouponReturn) take(item models.ID, minor int64) {
	if r.Lines != nil {
		r.Lines[item] -= minor
	}
}

// usesOf reads what coupons paid for the orders, and which coupons those are.
func (s *Service) usesOf(ctx context.Context, tx bun.IDB, orders []CouponReturn) (map[models.ID][]models.CouponUse, []models.ID, error) {
	uses, named := make(map[models.ID][]models.CouponUse, len(orders)), map[models.ID]bool{}
	for _, one := range orders {
		found, err := selectUsesOfOrder(ctx, tx, one.OrderID)
		if err != nil {
			return nil, nil, err
		}
		uses[one.OrderID] = found
		for _, use := range found {
			named[use.CouponID] = true
		}
	}
	return uses, sortedKeys(named), nil
}

// giveBack puts back what coupons paid for one order, and notes which of them cannot keep it.
func (s *Service) giveBack(ctx context.Context, tx bun.IDB, who models.Principal, order models.ID, coupons map[models.ID]models.Coupon, back map[models.ID]int64, customer models.Customer, ended map[models.ID]*ending) error {
	if len(back) == 0 {
		return nil
	}
	ids := sortedKeys(back)
	rows, minors := make([]models.Coupon, len(ids)), make([]int64, len(ids))
	for i, id := range ids {
		rows[i], minors[i] = coupons[id], back[id]
	}
	transfer, err := s.spend(ctx, tx, who, models.TransferCouponRefund, order, rows, minors)
	if err != nil {
		return err
	}
	now := s.now()
	records, happened := make([]models.CouponRecord, len(ids)), make([]models.Event, len(ids))
	for i, id := range ids {
		before := coupons[id]
		coupon := before
		coupon.GiveBack(back[id], now)
		if coupon.LockedBy == order {
			coupon.LockedBy = ""
		}
		if err := updateCoupon(ctx, tx, coupon); err != nil {
			return err
		}
		coupons[id] = coupon
		records[i] = s.record(coupon, models.CouponUnsubscribed, back[id], now)
		records[i].OrderID, records[i].TransferID = order, transfer
		happened[i] = balanceEvent(models.EventCouponReturned, before, coupon, order, back[id])
		if status, ends := afterReturn(coupon, customer, s.now()); ends {
			ended[id] = &ending{coupon: &coupon, status: status, operation: models.CouponUnsubscribed, order: order}
		}
	}
	if err := insertCouponRecords(ctx, tx, records); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, happened...)
}
