package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// LineFilter narrows FindLines. Nil = no filter; empty lists match nothing.
type LineFilter struct {
	CustomerID  *models.ID
	PartnerID   *models.ID // whose customer it was then: the partner, or a distributor's reseller
	OrderID     *models.ID
	Cycle       *models.BillingCycle
	ServiceType *string
	Kinds       []models.BillLineKind
	Statuses    []models.BillLineStatus
	UsedFrom    *time.Time // inclusive
	UsedUntil   *time.Time // exclusive
}

// FindLines returns the bill lines that the caller may see, newest first: a customer its own, a partner those of what its resale customers,
// or its resellers', consumed while they were (O02). It needs BILLS_READ.
func (s *Service) FindLines(ctx context.Context, who models.Principal, f LineFilter, args models.PageArgs) (models.BillLineConnection, error) {
	page, err := listPage(who, "billLines", f.CustomerID, f.PartnerID, args)
	if err != nil {
		return models.BillLineConnection{}, err
	}
	if f.OrderID != nil {
		if err := f.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
			return models.BillLineConnection{}, err
		}
	}
	if f.UsedFrom != nil && f.UsedUntil != nil && !f.UsedFrom.Before(*f.UsedUntil) {
		return models.BillLineConnection{}, models.Invalid("usedUntil", "usedUntil must be later than usedFrom.")
	}
	return store.List[models.BillLine](ctx, page, true, func() *bun.SelectQuery { return f.apply(visibleLines(s.DB, who)) })
}

func (f LineFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	q = ofParties(q, "bil", f.CustomerID, f.PartnerID)
	if f.OrderID != nil {
		q = q.Where("bil.order_id = ?", *f.OrderID)
	}
	if f.Cycle != nil {
		q = q.Where("bil.cycle = ?", *f.Cycle)
	}
	if f.ServiceType != nil {
		q = q.Where("bil.service_type = ?", *f.ServiceType)
	}
	if f.Kinds != nil {
		q = q.Where("bil.kind IN (?)", bun.List(f.Kinds))
	}
	if f.UsedFrom != nil {
		q = q.Where("bil.used_at >= ?", f.UsedFrom.UTC())
	}
	if f.UsedUntil != nil {
		q = q.Where("bil.used_at < ?", f.UsedUntil.UTC())
	}
	if f.Statuses == nil {
		return q
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("1 = 0")
		for _, status := range f.Statuses {
			switch status {
			case models.BillUnbilled:
				q = q.WhereOr("bil.billed_at IS NULL")
			case models.BillInDebt:
				q = q.WhereOr("bil.debt_left_minor > 0")
			case models.BillPaid:
				q = q.WhereOr("bil.billed_at IS NOT NULL AND bil.debt_left_minor = 0")
			}
		}
		return q
	})
}

// LinesByIDs returns the bill lines with these ids that the caller may see; the others are absent. It needs BILLS_READ.
func (s *Service) LinesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.BillLine, error) {
	if err := access.Require(who, models.ReadBills); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.BillLine, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	rows, err := selectVisible(ctx, s.DB, who, ids)
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, err
}

// MonthFilter narrows FindMonths. Nil = no filter.
type MonthFilter struct {
	CustomerID  *models.ID
	PartnerID   *models.ID
	Cycle       *models.BillingCycle
	ServiceType *string
}

// FindMonths returns monthly sums of what FindLines shows, in the order in which they began. They are kept up with the lines, refunds and
// corrections included (B03). It needs BILLS_READ.
func (s *Service) FindMonths(ctx context.Context, who models.Principal, f MonthFilter, args models.PageArgs) (models.BillMonthConnection, error) {
	page, err := listPage(who, "billMonths", f.CustomerID, f.PartnerID, args)
	if err != nil {
		return models.BillMonthConnection{}, err
	}
	return store.List[models.BillMonth](ctx, page, true, func() *bun.SelectQuery {
		q := ofParties(visibleMonths(s.DB, who), "bmo", f.CustomerID, f.PartnerID)
		if f.Cycle != nil {
			q = q.Where("bmo.cycle = ?", *f.Cycle)
		}
		if f.ServiceType != nil {
			q = q.Where("bmo.service_type = ?", *f.ServiceType)
		}
		return q
	})
}

func listPage(who models.Principal, list string, customerID, partnerID *models.ID, args models.PageArgs) (models.Page, error) {
	if err := access.Require(who, models.ReadBills); err != nil {
		return models.Page{}, err
	}
	if customerID != nil {
		if err := customerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return models.Page{}, err
		}
	}
	if partnerID != nil {
		if err := partnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return models.Page{}, err
		}
	}
	return args.Page(list)
}

func ofParties(q *bun.SelectQuery, alias string, customerID, partnerID *models.ID) *bun.SelectQuery {
	if customerID != nil {
		q = q.Where("?.customer_id = ?", bun.Ident(alias), *customerID)
	}
	if partnerID != nil {
		q = q.Where("?.partner_id = ?", bun.Ident(alias), *partnerID)
	}
	return q
}
