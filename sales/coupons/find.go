package coupons

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listQuotas           = "couponQuotas"
	listQuotaRecords     = "couponQuotaRecords"
	listCoupons          = "coupons"
	listRecords          = "couponRecords"
	listUses             = "couponUses"
	listCustomersCoupons = "customer.coupons"
)

// QuotaFilter narrows FindQuotas. Nil = no filter; an empty list matches nothing.
type QuotaFilter struct {
	PartnerID *models.ID
	ParentID  *models.ID // only those given from this quota; a reseller, who does not know its distributor's, finds nothing by it
	Issued    *bool      // true = those that a distributor gave, false = those that the cloud gave
	Type      []models.CouponType
	Status    []models.CouponQuotaStatus
}

// FindQuotas returns the quotas that the caller may see, newest first: a partner's own and its resellers'. It needs COUPONS_READ.
func (s *Service) FindQuotas(ctx context.Context, who models.Principal, f QuotaFilter, args models.PageArgs) (models.CouponQuotaConnection, error) {
	return list[models.CouponQuota](ctx, who, args, listQuotas, func() *bun.SelectQuery {
		q := access.CouponQuotas(s.DB.NewSelect().Model((*models.CouponQuota)(nil)), who)
		q = same(same(q, "cqt.partner_id = ?", f.PartnerID), "cqt.parent_id = ?", f.ParentID)
		if f.ParentID != nil && who.PartnerKind == models.CloudReseller {
			q = q.Where("1 = 0")
		}
		if f.Issued != nil {
			q = q.Where("(cqt.parent_id IS NOT NULL) = ?", *f.Issued)
		}
		return among(among(q, "cqt.type IN (?)", f.Type), "cqt.status IN (?)", f.Status)
	}, named{f.PartnerID, models.PrefixPartner, "partnerId"}, named{f.ParentID, models.PrefixCouponQuota, "parentId"})
}

// QuotaRecordFilter narrows FindQuotaRecords. Nil = no filter; an empty list matches nothing.
type QuotaRecordFilter struct {
	QuotaID   *models.ID
	PartnerID *models.ID
	Operation []models.CouponQuotaOperation
}

// FindQuotaRecords returns what quotas that the caller may see were given and lost, newest first (V08). It needs COUPONS_READ.
func (s *Service) FindQuotaRecords(ctx context.Context, who models.Principal, f QuotaRecordFilter, args models.PageArgs) (models.CouponQuotaRecordConnection, error) {
	return list[models.CouponQuotaRecord](ctx, who, args, listQuotaRecords, func() *bun.SelectQuery {
		q := access.CouponQuotaRecords(s.DB.NewSelect().Model((*models.CouponQuotaRecord)(nil)), who)
		q = same(same(q, "cqr.quota_id = ?", f.QuotaID), "cqr.partner_id = ?", f.PartnerID)
		return among(q, "cqr.operation IN (?)", f.Operation)
	}, named{f.QuotaID, models.PrefixCouponQuota, "quotaId"}, named{f.PartnerID, models.PrefixPartner, "partnerId"})
}

// CouponFilter narrows Find. Nil = no filter; an empty list matches nothing.
type CouponFilter struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	QuotaID    *models.ID // customers, who know no quotas, find nothing by it
	Type       []models.CouponType
	Status     []models.CouponStatus
}

// Find returns the coupons that the caller may see, newest first: those that a partner or its reseller issued, or a customer has. It needs
// COUPONS_READ.
func (s *Service) Find(ctx context.Context, who models.Principal, f CouponFilter, args models.PageArgs) (models.CouponConnection, error) {
	return list[models.Coupon](ctx, who, args, listCoupons, func() *bun.SelectQuery {
		q := access.Coupons(s.DB.NewSelect().Model((*models.Coupon)(nil)), who)
		q = same(same(q, "cpn.partner_id = ?", f.PartnerID), "cpn.customer_id = ?", f.CustomerID)
		if f.QuotaID != nil && who.CustomerID != "" {
			q = q.Where("1 = 0")
		}
		q = same(q, "cpn.quota_id = ?", f.QuotaID)
		return among(among(q, "cpn.type IN (?)", f.Type), "cpn.status IN (?)", f.Status)
	}, named{f.PartnerID, models.PrefixPartner, "partnerId"}, named{f.CustomerID, models.PrefixCustomer, "customerId"},
		named{f.QuotaID, models.PrefixCouponQuota, "quotaId"})
}

// RecordFilter narrows FindRecords. Nil = no filter; an empty list matches nothing.
type RecordFilter struct {
	CouponID   *models.ID
	PartnerID  *models.ID
	CustomerID *models.ID
	Operation  []models.CouponOperation
}

// FindRecords returns what was done to coupons that the caller may see, newest first (V06). It needs COUPONS_READ.
func (s *Service) FindRecords(ctx context.Context, who models.Principal, f RecordFilter, args models.PageArgs) (models.CouponRecordConnection, error) {
	return list[models.CouponRecord](ctx, who, args, listRecords, func() *bun.SelectQuery {
		q := access.CouponRecords(s.DB.NewSelect().Model((*models.CouponRecord)(nil)), who)
		q = same(same(q, "cpr.coupon_id = ?", f.CouponID), "cpr.partner_id = ?", f.PartnerID)
		return among(same(q, "cpr.customer_id = ?", f.CustomerID), "cpr.operation IN (?)", f.Operation)
	}, named{f.CouponID, models.PrefixCoupon, "couponId"}, named{f.PartnerID, models.PrefixPartner, "partnerId"},
		named{f.CustomerID, models.PrefixCustomer, "customerId"})
}

// UseFilter narrows FindUses. Nil = no filter.
type UseFilter struct {
	CouponID   *models.ID
	OrderID    *models.ID
	CustomerID *models.ID
}

// FindUses returns what coupons that the caller may see paid, newest first. It needs COUPONS_READ.
func (s *Service) FindUses(ctx context.Context, who models.Principal, f UseFilter, args models.PageArgs) (models.CouponUseConnection, error) {
	return list[models.CouponUse](ctx, who, args, listUses, func() *bun.SelectQuery {
		q := access.CouponUses(s.DB.NewSelect().Model((*models.CouponUse)(nil)), who)
		q = same(same(q, "cpu.coupon_id = ?", f.CouponID), "cpu.order_id = ?", f.OrderID)
		return same(q, "cpu.customer_id = ?", f.CustomerID)
	}, named{f.CouponID, models.PrefixCoupon, "couponId"}, named{f.OrderID, models.PrefixOrder, "orderId"},
		named{f.CustomerID, models.PrefixCustomer, "customerId"})
}

// ByIDs returns those of the coupons that the caller may see, with one statement. It needs COUPONS_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Coupon, error) {
	if err := access.Require(who, models.ReadCoupons); err != nil {
		return nil, err
	}
	return selectVisibleCoupons(ctx, s.DB, who, ids)
}

// QuotasByIDs returns those of the quotas that the caller may see, with one statement. It needs COUPONS_READ.
func (s *Service) QuotasByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.CouponQuota, error) {
	if err := access.Require(who, models.ReadCoupons); err != nil {
		return nil, err
	}
	return selectVisibleQuotas(ctx, s.DB, who, ids)
}

// FindForCustomers returns a page of the coupons of each customer that the caller may see, newest first. It needs COUPONS_READ.
func (s *Service) FindForCustomers(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.CouponConnection, error) {
	if err := access.Require(who, models.ReadCoupons); err != nil {
		return nil, err
	}
	page, err := args.Page(listCustomersCoupons)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.Coupon]{
		Column: "cpn.customer_id", ParentOf: func(c models.Coupon) models.ID { return c.CustomerID }, Descending: true,
		Visible: func() *bun.SelectQuery { return access.Coupons(s.DB.NewSelect().Model((*models.Coupon)(nil)), who) },
	}
	return nested.Pages(ctx, s.DB, customers, page)
}

// named is an id of a filter, with what it must be.
type named struct {
	id            *models.ID
	prefix, field string
}

// list reads a page of one of the lists, newest first.
func list[T models.Identified](ctx context.Context, who models.Principal, args models.PageArgs, name string, visible func() *bun.SelectQuery, ids ...named) (models.Connection[T], error) {
	none := models.Connection[T]{}
	if err := access.Require(who, models.ReadCoupons); err != nil {
		return none, err
	}
	for _, one := range ids {
		if one.id == nil {
			continue
		}
		if err := one.id.Require(one.prefix, one.field); err != nil {
			return none, err
		}
	}
	page, err := args.Page(name)
	if err != nil {
		return none, err
	}
	return store.List[T](ctx, page, true, visible)
}

// same adds a condition unless its value is nil.
func same(q *bun.SelectQuery, condition string, id *models.ID) *bun.SelectQuery {
	if id == nil {
		return q
	}
	return q.Where(condition, *id)
}

// among adds a condition unless the list is nil; an empty list matches nothing.
func among[T any](q *bun.SelectQuery, condition string, values []T) *bun.SelectQuery {
	switch {
	case values == nil:
		return q
	case len(values) == 0:
		return q.Where("1 = 0")
	}
	return q.Where(condition, bun.List(values))
}
