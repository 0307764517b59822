package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

const (
	listReports      = "customerReports"
	listInvitations  = "invitations"
	listRequests     = "associationRequests"
	listAssociations = "customer.associations"
)

// ReportFilter narrows FindReports. Nil = no filter; an empty States matches nothing.
type ReportFilter struct {
	PartnerID *models.ID
	States    []models.ReportState
}

// FindReports returns the reports that the caller may see, newest first. It needs CUSTOMERS_READ.
func (s *Service) FindReports(ctx context.Context, who models.Principal, filter ReportFilter, args models.PageArgs) (models.CustomerReportConnection, error) {
	page, err := relationPage(who, args, listReports, named{filter.PartnerID, models.PrefixPartner, "partnerId"})
	if err != nil {
		return models.CustomerReportConnection{}, err
	}
	found, err := store.List[models.CustomerReport](ctx, page, true, func() *bun.SelectQuery {
		q := access.CustomerReports(s.DB.NewSelect().Model((*models.CustomerReport)(nil)), who)
		return narrowed(narrowed(q, "crp.partner_id = ?", filter.PartnerID), "crp.state IN (?)", listOf(filter.States))
	})
	return found, openEdges(found, err, s.openReport)
}

// ReportsByIDs returns the reports with these ids that the caller may see. It needs CUSTOMERS_READ.
func (s *Service) ReportsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.CustomerReport, error) {
	return relationsByID(who, ids, s.openReport, func() ([]models.CustomerReport, error) {
		var rows []models.CustomerReport
		err := access.CustomerReports(s.DB.NewSelect().Model(&rows).Where("crp.id IN (?)", bun.List(ids)), who).Scan(ctx)
		return rows, store.Translate(err)
	})
}

// InvitationFilter narrows FindInvitations. Nil = no filter; an empty list matches nothing.
type InvitationFilter struct {
	PartnerID *models.ID
	ReportID  *models.ID
	States    []models.InvitationState
	Channels  []models.InvitationChannel
}

// FindInvitations returns the invitations that the caller may see, newest first. It needs CUSTOMERS_READ.
func (s *Service) FindInvitations(ctx context.Context, who models.Principal, filter InvitationFilter, args models.PageArgs) (models.InvitationConnection, error) {
	page, err := relationPage(who, args, listInvitations,
		named{filter.PartnerID, models.PrefixPartner, "partnerId"}, named{filter.ReportID, models.PrefixCustomerReport, "reportId"})
	if err != nil {
		return models.InvitationConnection{}, err
	}
	found, err := store.List[models.Invitation](ctx, page, true, func() *bun.SelectQuery {
		q := access.Invitations(s.DB.NewSelect().Model((*models.Invitation)(nil)), who)
		q = narrowed(narrowed(q, "inv.partner_id = ?", filter.PartnerID), "inv.report_id = ?", filter.ReportID)
		return narrowed(narrowed(q, "inv.state IN (?)", listOf(filter.States)), "inv.channel IN (?)", listOf(filter.Channels))
	})
	return found, openEdges(found, err, s.openInvitation)
}

// InvitationsByIDs returns the invitations with these ids that the caller may see. It needs CUSTOMERS_READ.
func (s *Service) InvitationsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Invitation, error) {
	return relationsByID(who, ids, s.openInvitation, func() ([]models.Invitation, error) {
		var rows []models.Invitation
		err := access.Invitations(s.DB.NewSelect().Model(&rows).Where("inv.id IN (?)", bun.List(ids)), who).Scan(ctx)
		return rows, store.Translate(err)
	})
}

// RequestFilter narrows FindRequests. Nil = no filter; an empty States matches nothing.
type RequestFilter struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	States     []models.AssociationRequestState
}

// FindRequests returns the requests that the caller may see, newest first: those about its own relations, also past ones. It
// needs CUSTOMERS_READ.
func (s *Service) FindRequests(ctx context.Context, who models.Principal, filter RequestFilter, args models.PageArgs) (models.AssociationRequestConnection, error) {
	page, err := relationPage(who, args, listRequests,
		named{filter.PartnerID, models.PrefixPartner, "partnerId"}, named{filter.CustomerID, models.PrefixCustomer, "customerId"})
	if err != nil {
		return models.AssociationRequestConnection{}, err
	}
	return store.List[models.AssociationRequest](ctx, page, true, func() *bun.SelectQuery {
		q := access.AssociationRequests(s.DB.NewSelect().Model((*models.AssociationRequest)(nil)), who)
		q = narrowed(narrowed(q, "arq.partner_id = ?", filter.PartnerID), "arq.customer_id = ?", filter.CustomerID)
		return narrowed(q, "arq.state IN (?)", listOf(filter.States))
	})
}

// RequestsByIDs returns the requests with these ids that the caller may see. It needs CUSTOMERS_READ.
func (s *Service) RequestsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.AssociationRequest, error) {
	return relationsByID(who, ids, nil, func() ([]models.AssociationRequest, error) { return selectRequests(ctx, s.DB, who, ids) })
}

// HistoryFor returns a page of the associations of each of the customers, newest first: for a partner those with itself and
// its resellers, whoever served the customer in between. It needs CUSTOMERS_READ.
func (s *Service) HistoryFor(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.AssociationConnection, error) {
	page, err := relationPage(who, args, listAssociations)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.Association]{
		Column: "a.customer_id", ParentOf: func(a models.Association) models.ID { return a.CustomerID }, Descending: true,
		Visible: func() *bun.SelectQuery {
			return access.Associations(s.DB.NewSelect().Model((*models.Association)(nil)), who)
		},
	}
	pages, err := nested.Pages(ctx, s.DB, customers, page)
	for _, found := range pages {
		for i := range found.Edges {
			hideTag(who, &found.Edges[i].Node)
		}
	}
	return pages, err
}

// AssociationsAt returns the association that each of the customers had at an instant, as far as the caller may see it: its
// beginning counts, its end does not. It needs CUSTOMERS_READ.
func (s *Service) AssociationsAt(ctx context.Context, who models.Principal, customers []models.ID, at time.Time) (map[models.ID]models.Association, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	byCustomer := make(map[models.ID]models.Association, len(customers))
	if len(customers) == 0 {
		return byCustomer, nil
	}
	var rows []models.Association
	q := s.DB.NewSelect().Model(&rows).Where("a.customer_id IN (?)", bun.List(customers)).Where("a.since <= ?", at.UTC()).
		Where("(a.until IS NULL OR a.until > ?)", at.UTC())
	err := access.Associations(q, who).Scan(ctx)
	for _, association := range rows {
		hideTag(who, &association)
		byCustomer[association.CustomerID] = association
	}
	return byCustomer, store.Translate(err)
}

// hideTag takes the partner's own tag off what a customer gets to see.
func hideTag(who models.Principal, a *models.Association) {
	if who.CustomerID != "" {
		a.Tag = ""
	}
}

// named is an id that a filter names, or none.
type named struct {
	id            *models.ID
	prefix, field string
}

func relationPage(who models.Principal, args models.PageArgs, list string, ids ...named) (models.Page, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return models.Page{}, err
	}
	for _, named := range ids {
		if named.id == nil {
			continue
		}
		if err := named.id.Require(named.prefix, named.field); err != nil {
			return models.Page{}, err
		}
	}
	return args.Page(list)
}

// narrowed adds a condition unless its value is nil.
func narrowed[T any](q *bun.SelectQuery, condition string, value *T) *bun.SelectQuery {
	if value == nil {
		return q
	}
	return q.Where(condition, *value)
}

// listOf is a list as a value for SQL, or nil for no filter; an empty one matches nothing.
func listOf[T any](values []T) *any {
	if values == nil {
		return nil
	}
	list := any(bun.List(values))
	return &list
}

func openEdges[T any](page models.Connection[T], err error, open func(*T) error) error {
	for i := range page.Edges {
		if err != nil {
			return err
		}
		err = open(&page.Edges[i].Node)
	}
	return err
}

func relationsByID[T models.Identified](who models.Principal, ids []models.ID, open func(*T) error, read func() ([]T, error)) (map[models.ID]T, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]T, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	rows, err := read()
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if open != nil {
			if err := open(&rows[i]); err != nil {
				return nil, err
			}
		}
		byID[rows[i].NodeID()] = rows[i]
	}
	return byID, nil
}
