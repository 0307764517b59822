package partners

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

const (
	listCooperations        = "cooperations"
	listCooperationRequests = "cooperationRequests"
)

// CooperationFilter narrows FindCooperations. Nil = no filter.
type CooperationFilter struct {
	PartnerID *models.ID // on either side
	At        *time.Time // in force then: its beginning counts, its end does not
}

// FindCooperations returns who belonged to whom, newest first, as far as the caller took part (P12). It needs PARTNERS_READ.
func (s *Service) FindCooperations(ctx context.Context, who models.Principal, filter CooperationFilter, args models.PageArgs) (models.CooperationConnection, error) {
	page, err := cooperationPage(who, filter.PartnerID, args, listCooperations)
	if err != nil {
		return models.CooperationConnection{}, err
	}
	return store.List[models.Cooperation](ctx, page, true, func() *bun.SelectQuery {
		q := access.Cooperations(withNames(s.DB.NewSelect().Model((*models.Cooperation)(nil)), "cop"), who)
		if filter.PartnerID != nil {
			q = q.Where("(cop.distributor_id = ? OR cop.reseller_id = ?)", *filter.PartnerID, *filter.PartnerID)
		}
		if filter.At != nil {
			at := filter.At.UTC()
			q = q.Where("cop.since <= ?", at).Where("(cop.until IS NULL OR cop.until > ?)", at)
		}
		return q
	})
}

// CooperationRequestFilter narrows FindCooperationRequests. Nil = no filter; an empty list matches nothing.
type CooperationRequestFilter struct {
	PartnerID *models.ID // on either side
	Kinds     []models.CooperationRequestKind
	States    []models.CooperationRequestState
}

// FindCooperationRequests returns the requests that the caller takes part in, newest first. It needs PARTNERS_READ.
func (s *Service) FindCooperationRequests(ctx context.Context, who models.Principal, filter CooperationRequestFilter, args models.PageArgs) (models.CooperationRequestConnection, error) {
	page, err := cooperationPage(who, filter.PartnerID, args, listCooperationRequests)
	if err != nil {
		return models.CooperationRequestConnection{}, err
	}
	return store.List[models.CooperationRequest](ctx, page, true, func() *bun.SelectQuery {
		q := requestsOf(s.DB, who)
		if filter.PartnerID != nil {
			q = q.Where("(crq.distributor_id = ? OR crq.reseller_id = ?)", *filter.PartnerID, *filter.PartnerID)
		}
		if filter.Kinds != nil {
			q = q.Where("crq.kind IN (?)", bun.List(filter.Kinds))
		}
		if filter.States != nil {
			q = q.Where("crq.state IN (?)", bun.List(filter.States))
		}
		return q
	})
}

// CooperationRequestsByIDs returns the requests with these ids that the caller takes part in; the others are absent. It needs PARTNERS_READ.
func (s *Service) CooperationRequestsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.CooperationRequest, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.CooperationRequest, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	rows, err := selectRequests(ctx, s.DB, who, ids)
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, err
}

func cooperationPage(who models.Principal, partner *models.ID, args models.PageArgs, list string) (models.Page, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return models.Page{}, err
	}
	if partner != nil {
		if err := partner.Require(models.PrefixPartner, "partnerId"); err != nil {
			return models.Page{}, err
		}
	}
	return args.Page(list)
}
