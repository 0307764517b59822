package orders

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/coupons"
)

// Vouchers is what orders need of coupons.
type Vouchers interface {
	// RedeemIn pays for an order of a customer with its coupons, in the order given, locks them to it, and returns what each paid for which
	// line (O04, V10).
	RedeemIn(ctx context.Context, tx bun.IDB, who models.Principal, purchase models.CouponPurchase, ids []models.ID) ([]models.CouponShare, error)
	// GiveBackIn gives back what coupons paid for lines of orders of a customer, and sets free what those orders lock (O08).
	GiveBackIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, orders []coupons.CouponReturn) error
	// ReleaseIn sets the coupons free that an order has locked.
	ReleaseIn(ctx context.Context, tx bun.IDB, order models.ID) error
	// Choices returns the named coupons of a customer, and the others that are usable now.
	Choices(ctx context.Context, who models.Principal, customer models.ID, named []models.ID) (chosen, others []models.Coupon, err error)
}

var _ Vouchers = (*coupons.Service)(nil)

// redeem pays for a locked order with coupons before money does, and writes down how much they paid of it and of its lines.
func (s *Service) redeem(ctx context.Context, tx bun.IDB, who models.Principal, order *models.Order, ids []models.ID) error {
	if len(ids) == 0 {
		return nil
	}
	if s.Vouchers == nil {
		return ErrNoCouponsYet
	}
	items, err := selectItems(ctx, tx, models.SystemPrincipal("coupons"), []models.ID{order.ID})
	if err != nil {
		return err
	}
	shares, err := s.Vouchers.RedeemIn(ctx, tx, who, purchaseOf(*order, items), ids)
	if err != nil {
		return err
	}
	for i := range items {
		for _, share := range shares {
			if share.ItemID == items[i].ID {
				items[i].CouponMinor += share.AmountMinor
				order.CouponMinor += share.AmountMinor
			}
		}
		if items[i].CouponMinor == 0 {
			continue
		}
		if err := updateItemCoupons(ctx, tx, items[i]); err != nil {
			return err
		}
	}
	return nil
}

// purchaseOf is an order as coupons look at it.
func purchaseOf(order models.Order, items []models.OrderItem) models.CouponPurchase {
	purchase := models.CouponPurchase{
		OrderID: order.ID, Cloud: order.Cloud, CustomerID: order.CustomerID, Currency: order.Currency, TotalMinor: order.TotalMinor, OfficialMinor: order.OfficialMinor,
	}
	for _, item := range items {
		purchase.Lines = append(purchase.Lines, models.CouponLine{
			ItemID: item.ID, ServiceType: item.ServiceType, Product: item.SpecCode, Region: item.Region, LeftMinor: item.AmountMinor,
		})
	}
	return purchase
}

// CouponOffers says what the customer's coupons would pay for an order that waits for its payment: those named in their order, then each of the
// others that it could pay with (O04). It changes nothing and promises nothing: the payment decides. None for an order that cannot be paid. INVALID
// for more than models.MaxCouponsPerOrder and for one named twice, NOT_FOUND for one that is not the customer's.
func (s *Service) CouponOffers(ctx context.Context, who models.Principal, order models.Order, named []models.ID) ([]models.CouponOffer, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	if s.Vouchers == nil || order.Payable(s.now()) != nil {
		return nil, nil //nolint:nilerr // what cannot be paid is paid with nothing
	}
	chosen, others, err := s.Vouchers.Choices(ctx, who, order.CustomerID, named)
	if err != nil || len(chosen)+len(others) == 0 {
		return nil, err
	}
	items, err := selectItems(ctx, s.DB, who, []models.ID{order.ID})
	if err != nil {
		return nil, err
	}
	return models.OfferCoupons(purchaseOf(order, items), chosen, others, s.now()), nil
}

// freeHold sets the customer's money free that is held for an order which needs none of it, and tells of it.
func (s *Service) freeHold(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order) error {
	freed, err := s.voidHold(ctx, tx, order)
	if err != nil || !freed {
		return err
	}
	_, err = s.heldOrFree(ctx, tx, who, order, models.EventOrderHoldReleased)
	return err
}

// giveCouponsBack gives coupons back what they paid for the whole order.
func (s *Service) giveCouponsBack(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, customer models.Customer) error {
	if s.Vouchers == nil || order.CouponMinor == 0 {
		return nil
	}
	return s.Vouchers.GiveBackIn(ctx, tx, who, customer, []coupons.CouponReturn{{OrderID: order.ID}})
}

// giveInfosBack gives coupons back what a breakdown says, all base orders together, so that their locks have one order.
func (s *Service) giveInfosBack(ctx context.Context, tx bun.IDB, who models.Principal, infos []models.RefundInfo, customer models.Customer) error {
	byOrder := map[models.ID]map[models.ID]int64{}
	for _, info := range infos {
		if info.Kind != models.RefundInfoCoupon {
			continue
		}
		if byOrder[info.BaseOrderID] == nil {
			byOrder[info.BaseOrderID] = map[models.ID]int64{}
		}
		byOrder[info.BaseOrderID][info.BaseItemID] -= info.AmountMinor
	}
	if s.Vouchers == nil || len(byOrder) == 0 {
		return nil
	}
	var back []coupons.CouponReturn
	for _, id := range basesOf(infos) {
		if lines := byOrder[id]; lines != nil {
			back = append(back, coupons.CouponReturn{OrderID: id, Lines: lines})
		}
	}
	return s.Vouchers.GiveBackIn(ctx, tx, who, customer, back)
}

// releaseCoupons sets the coupons free that an order has locked.
func (s *Service) releaseCoupons(ctx context.Context, tx bun.IDB, order models.Order) error {
	if s.Vouchers == nil || order.CouponMinor == 0 {
		return nil
	}
	return s.Vouchers.ReleaseIn(ctx, tx, order.ID)
}
