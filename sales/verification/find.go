package verification

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// listVerifications is the name that the list's cursors carry.
const listVerifications = "verifications"

// Filter narrows Find. Nil = no filter; an empty list matches nothing.
type Filter struct {
	CustomerID *models.ID
	PartnerID  *models.ID
	Statuses   []models.VerifiedStatus
}

// Find returns the verifications that the caller may see, newest first: a customer its own, a partner those that were submitted while the
// customer was its own or its reseller's. It needs CUSTOMERS_READ.
func (s *Service) Find(ctx context.Context, who models.Principal, filter Filter, args models.PageArgs) (models.VerificationConnection, error) {
	none := models.VerificationConnection{}
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	page, err := args.Page(listVerifications)
	if err != nil {
		return none, err
	}
	found, err := store.List[models.Verification](ctx, page, true, func() *bun.SelectQuery {
		return filter.apply(access.Verifications(s.DB.NewSelect().Model((*models.Verification)(nil)), who))
	})
	if err != nil {
		return none, err
	}
	for i := range found.Edges {
		if err := s.open(who, &found.Edges[i].Node); err != nil {
			return none, err
		}
	}
	return found, nil
}

func (f Filter) check() error {
	if f.CustomerID != nil {
		if err := f.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return err
		}
	}
	if f.PartnerID != nil {
		return f.PartnerID.Require(models.PrefixPartner, "partnerId")
	}
	return nil
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.CustomerID != nil {
		q = q.Where("vrf.customer_id = ?", *f.CustomerID)
	}
	if f.PartnerID != nil {
		q = q.Where("vrf.partner_id = ?", *f.PartnerID)
	}
	if f.Statuses != nil {
		q = q.Where("vrf.status IN (?)", bun.List(f.Statuses))
	}
	return q
}

// ByIDs returns the verifications with these ids that the caller may see; the others are absent. It needs CUSTOMERS_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Verification, error) {
	return s.collect(who, ids, models.Verification.NodeID, func() ([]models.Verification, error) { return selectByIDs(ctx, s.DB, who, ids) })
}

// LatestFor returns the newest verification of each of the customers that the caller may see, with one statement. It needs CUSTOMERS_READ.
func (s *Service) LatestFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID]models.Verification, error) {
	return s.collect(who, customers, func(row models.Verification) models.ID { return row.CustomerID },
		func() ([]models.Verification, error) { return selectLatest(ctx, s.DB, who, customers) })
}

func (s *Service) collect(who models.Principal, ids []models.ID, key func(models.Verification) models.ID, read func() ([]models.Verification, error)) (map[models.ID]models.Verification, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.Verification, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := read()
	for _, row := range rows {
		if err := s.open(who, &row); err != nil {
			return nil, err
		}
		found[key(row)] = row
	}
	return found, err
}
