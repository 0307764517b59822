package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

const (
	listAuthorizations          = "authorizations"
	listCustomersAuthorizations = "customer.authorizations"
)

// AuthorizationFilter narrows FindAuthorizations. Nil = no filter; an empty list matches nothing.
type AuthorizationFilter struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	Scope      *models.AuthorizationScope
	States     []models.AuthorizationState
}

// FindAuthorizations returns the authorisations that the caller may see, newest first: its own, also past ones. It needs
// CUSTOMERS_READ.
func (s *Service) FindAuthorizations(ctx context.Context, who models.Principal, filter AuthorizationFilter, args models.PageArgs) (models.AuthorizationConnection, error) {
	page, err := relationPage(who, args, listAuthorizations,
		named{filter.PartnerID, models.PrefixPartner, "partnerId"}, named{filter.CustomerID, models.PrefixCustomer, "customerId"})
	if err != nil {
		return models.AuthorizationConnection{}, err
	}
	return store.List[models.Authorization](ctx, page, true, func() *bun.SelectQuery {
		q := access.Authorizations(s.DB.NewSelect().Model((*models.Authorization)(nil)), who)
		q = narrowed(narrowed(q, "aut.partner_id = ?", filter.PartnerID), "aut.customer_id = ?", filter.CustomerID)
		return narrowed(narrowed(q, "aut.scope = ?", filter.Scope), "aut.state IN (?)", listOf(filter.States))
	})
}

// AuthorizationsByIDs returns the authorisations with these ids that the caller may see. It needs CUSTOMERS_READ.
func (s *Service) AuthorizationsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Authorization, error) {
	return relationsByID(who, ids, nil, func() ([]models.Authorization, error) { return selectAuthorizations(ctx, s.DB, who, ids) })
}

// AuthorizationsFor returns a page of the authorisations of each of the customers, newest first, as far as the caller may see
// them. It needs CUSTOMERS_READ.
func (s *Service) AuthorizationsFor(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.AuthorizationConnection, error) {
	page, err := relationPage(who, args, listCustomersAuthorizations)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.Authorization]{
		Column: "aut.customer_id", ParentOf: func(a models.Authorization) models.ID { return a.CustomerID }, Descending: true,
		Visible: func() *bun.SelectQuery {
			return access.Authorizations(s.DB.NewSelect().Model((*models.Authorization)(nil)), who)
		},
	}
	return nested.Pages(ctx, s.DB, customers, page)
}
