package partners

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// PartnerFilter narrows a list of partners. A nil field does not filter; an empty list matches nothing.
type PartnerFilter struct {
	Kind     []models.PartnerKind
	ParentID *models.ID
	Query    *string // the beginning of the name, at most 100 characters; ASCII letters match in either case
}

func (f PartnerFilter) check() error {
	if f.ParentID != nil {
		if err := f.ParentID.Require(models.PrefixPartner, "parentId"); err != nil {
			return err
		}
	}
	if f.Query != nil && len([]rune(*f.Query)) > 100 {
		return models.Invalid("query", "The query has at most 100 characters.")
	}
	return nil
}

// Find returns a page of the partners that the caller sees, oldest first. FORBIDDEN without PARTNERS_READ; INVALID for a
// bad page or filter.
func (s *Service) Find(ctx context.Context, who models.Principal, filter PartnerFilter, args models.PageArgs) (models.Connection[models.Partner], error) {
	none := models.Connection[models.Partner]{}
	if err := access.Require(who, models.ReadPartners); err != nil {
		return none, err
	}
	page, err := args.Page("partners")
	if err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	return store.ListFrom[models.Partner](ctx, s.DB, page, false, func() *bun.SelectQuery { return filtered(s.DB, who, filter) })
}

// ByIDs returns the partners with these ids that the caller sees, with one statement; the others are absent. FORBIDDEN
// without PARTNERS_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Partner, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.Partner, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectByIDs(ctx, s.DB, who, ids)
	for _, partner := range rows {
		found[partner.ID] = partner
	}
	return found, err
}

// FindResellersFor returns a page of each distributor's resellers that the caller sees, oldest first, with one statement
// for all, and one more when totals are wanted. Every parent is in the answer. Errors as Find.
func (s *Service) FindResellersFor(ctx context.Context, who models.Principal, distributorIDs []models.ID, args models.PageArgs) (map[models.ID]models.Connection[models.Partner], error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	page, err := args.Page("resellers")
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.Partner]{
		Column: "p.parent_id", ParentOf: func(p models.Partner) models.ID { return p.ParentID },
		Visible: func() *bun.SelectQuery { return filtered(s.DB, who, PartnerFilter{}) },
	}
	return nested.Pages(ctx, s.DB, distributorIDs, page)
}
