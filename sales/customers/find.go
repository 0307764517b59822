package customers

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listCustomers         = "customers"
	listPartnersCustomers = "partner.customers"
)

// CustomerFilter narrows Find. Nil = no filter.
type CustomerFilter struct {
	PartnerID  *models.ID
	Mode       *models.AssociationMode
	Query      *string // the start of the account name, in any case; at most 64 characters
	ExternalID *string

	Tag              *string // one of the caller's own labels (C20)
	VerifiedStatus   *models.VerifiedStatus
	Frozen           *models.FrozenScope
	Kind             *models.CustomerKind
	AccountManagerID *models.ID // a person of the caller's (C18)
	Email            *string    // the whole address, in either case
	Phone            *string    // the whole number, as countrycode-number
	CreatedAfter     *time.Time // inclusive
	CreatedBefore    *time.Time // exclusive
	AssociatedAfter  *time.Time // inclusive; of the association in force
	AssociatedBefore *time.Time // exclusive
}

func (f CustomerFilter) check() error {
	if f.PartnerID != nil {
		if err := f.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	}
	if f.Query != nil && utf8.RuneCountInString(*f.Query) > 64 {
		return models.Invalid("query", "A search has at most 64 characters.")
	}
	return f.checkManaged()
}

// Find returns the customers that the caller may see, in the order of their ids.
func (s *Service) Find(ctx context.Context, who models.Principal, filter CustomerFilter, args models.PageArgs) (models.Connection[models.Customer], error) {
	var none models.Connection[models.Customer]
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	page, err := args.Page(listCustomers)
	if err != nil {
		return none, err
	}
	found, err := s.searched(ctx, s.search(who, filter), page)
	if err != nil {
		return none, err
	}
	err = s.openPage(found)
	return found, err
}

// FindForPartners returns a page of customers for each of the partners, with one statement for all of them and one more
// when totals are wanted. A partner that the caller may not see has an empty page.
func (s *Service) FindForPartners(ctx context.Context, who models.Principal, partners []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.Customer], error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	page, err := args.Page(listPartnersCustomers)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.Customer]{
		Column: "c.partner_id", ParentOf: func(c models.Customer) models.ID { return c.PartnerID },
		Visible: func() *bun.SelectQuery { return visible(s.DB, who) },
	}
	pages, err := nested.Pages(ctx, s.DB, partners, page)
	if err != nil {
		return nil, err
	}
	for _, found := range pages {
		if err := s.openPage(found); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// ByIDs returns the customers with these ids that the caller may see; the others are absent.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Customer, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return map[models.ID]models.Customer{}, nil
	}
	found, err := selectCustomers(ctx, s.DB, who, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.Customer, len(found))
	for _, customer := range found {
		if err := s.openPersonal(&customer); err != nil {
			return nil, err
		}
		byID[customer.ID] = customer
	}
	return byID, nil
}

// ByIDIn returns one customer that the caller may see, for a room that works in its own transaction. Personal data stays
// sealed, and no permission is asked for: the caller has done so for what it is about.
func (s *Service) ByIDIn(ctx context.Context, db bun.IDB, who models.Principal, id models.ID) (customer models.Customer, found bool, err error) {
	customers, err := selectCustomers(ctx, db, who, []models.ID{id})
	if err != nil || len(customers) == 0 {
		return models.Customer{}, false, err
	}
	return customers[0], true, nil
}

// ByIDForShareIn is ByIDIn for a room that writes down whose the customer is: until its transaction ends, nobody ends the
// association or freezes the customer.
func (s *Service) ByIDForShareIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (customer models.Customer, found bool, err error) {
	return selectCustomerForShare(ctx, tx, who, id)
}

// AssociationsFor returns the association in force of each of the customers that has one and that the caller may see.
func (s *Service) AssociationsFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID]models.Association, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	if len(customers) == 0 {
		return map[models.ID]models.Association{}, nil
	}
	found, err := selectAssociations(ctx, s.DB, who, customers)
	if err != nil {
		return nil, err
	}
	byCustomer := make(map[models.ID]models.Association, len(found))
	for _, association := range found {
		hideTag(who, &association)
		byCustomer[association.CustomerID] = association
	}
	return byCustomer, nil
}
