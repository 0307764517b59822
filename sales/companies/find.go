package companies

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// CompanyFilter narrows Find. Nil = no filter.
type CompanyFilter struct {
	Search             *string // what a word of a name begins with, and what follows; see models.CompanyText
	Country            *string // two letters
	RegistrationNumber *string // the whole number, in either case
	Status             *models.CompanyStatus
	Industry           *string // as the register spells it
	Region             *string // as the register spells it
	Size               *models.CompanySize
	WalletThickness    *models.WalletThickness
	CloudActivity      *models.CloudActivity
}

// check spells a filter as the register does.
func (f *CompanyFilter) check() error {
	for _, text := range []struct {
		field string
		value *string
	}{{"search", f.Search}, {"country", f.Country}, {"registrationNumber", f.RegistrationNumber}, {"industry", f.Industry}, {"region", f.Region}} {
		if text.value == nil {
			continue
		}
		if utf8.RuneCountInString(*text.value) > maxText || !utf8.ValidString(*text.value) || strings.ContainsFunc(*text.value, unicode.IsControl) {
			return models.Invalid(text.field, fmt.Sprintf("%s has at most %d characters, and none that control.", text.field, maxText))
		}
	}
	if f.Search != nil {
		search := models.CompanyText(*f.Search)
		if n := utf8.RuneCountInString(search); n < models.MinCompanySearch || n > models.MaxCompanySearch {
			return models.Invalid("search", fmt.Sprintf("A search has %d to %d letters and digits.", models.MinCompanySearch, models.MaxCompanySearch))
		}
		f.Search = &search
	}
	if f.RegistrationNumber != nil {
		number := spelled(*f.RegistrationNumber)
		f.RegistrationNumber = &number
	}
	if f.Country != nil {
		country := spelled(*f.Country)
		f.Country = &country
	}
	return nil
}

// Find returns the companies of the register, in the order in which it came to know them. It needs COMPANIES_READ; an organisation that
// searches more often than SearchesPerHour is RATE_LIMITED.
func (s *Service) Find(ctx context.Context, who models.Principal, filter CompanyFilter, args models.PageArgs) (models.CompanyConnection, error) {
	var none models.CompanyConnection
	if err := access.LookUpCompanies(who); err != nil {
		return none, err
	}
	if err := filter.check(); err != nil {
		return none, err
	}
	page, err := args.Page("companies")
	if err != nil {
		return none, err
	}
	if err := s.allow(ctx, who); err != nil {
		return none, err
	}
	return s.provider().Search(ctx, filter, page)
}

// OfferingFilter narrows OfferingsFor.
type OfferingFilter struct{ Kind models.OfferingKind }

// RightFilter narrows RightsFor.
type RightFilter struct {
	Kind models.IntellectualPropertyKind
}

// RelationsFor returns a page of what each company's record says of its relations, in the record's order. It needs COMPANIES_READ, as all lists do.
func (s *Service) RelationsFor(ctx context.Context, who models.Principal, ids []models.ID, args models.PageArgs) (map[models.ID]models.CompanyRelationConnection, error) {
	below := store.Nested[models.CompanyRelation]{Column: "cmr.company_id", ParentOf: func(r models.CompanyRelation) models.ID { return r.CompanyID }}
	return facts(ctx, s, who, below, ids, "company.relations", args, nil)
}

// FinancingsFor returns a page of the rounds of financing of each company.
func (s *Service) FinancingsFor(ctx context.Context, who models.Principal, ids []models.ID, args models.PageArgs) (map[models.ID]models.FinancingRoundConnection, error) {
	below := store.Nested[models.FinancingRound]{Column: "cmn.company_id", ParentOf: func(f models.FinancingRound) models.ID { return f.CompanyID }}
	return facts(ctx, s, who, below, ids, "company.financingRounds", args, nil)
}

// OfferingsFor returns a page of the products or of the brands of each company.
func (s *Service) OfferingsFor(ctx context.Context, who models.Principal, ids []models.ID, filter OfferingFilter, args models.PageArgs) (map[models.ID]models.CompanyOfferingConnection, error) {
	below := store.Nested[models.CompanyOffering]{Column: "cmo.company_id", ParentOf: func(o models.CompanyOffering) models.ID { return o.CompanyID }}
	return facts(ctx, s, who, below, ids, "company."+string(filter.Kind), args, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("cmo.kind = ?", filter.Kind)
	})
}

// RankingsFor returns a page of the places of each company on lists.
func (s *Service) RankingsFor(ctx context.Context, who models.Principal, ids []models.ID, args models.PageArgs) (map[models.ID]models.CompanyRankingConnection, error) {
	below := store.Nested[models.CompanyRanking]{Column: "cmk.company_id", ParentOf: func(r models.CompanyRanking) models.ID { return r.CompanyID }}
	return facts(ctx, s, who, below, ids, "company.rankings", args, nil)
}

// RightsFor returns a page of the rights of one kind of each company.
func (s *Service) RightsFor(ctx context.Context, who models.Principal, ids []models.ID, filter RightFilter, args models.PageArgs) (map[models.ID]models.IntellectualPropertyConnection, error) {
	below := store.Nested[models.IntellectualProperty]{Column: "cmi.company_id", ParentOf: func(p models.IntellectualProperty) models.ID { return p.CompanyID }}
	return facts(ctx, s, who, below, ids, "company."+string(filter.Kind), args, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("cmi.kind = ?", filter.Kind)
	})
}

// facts reads a page of rows below each of the companies; narrow may be nil.
func facts[T models.Identified](
	ctx context.Context, s *Service, who models.Principal, below store.Nested[T], ids []models.ID, list string, args models.PageArgs, narrow func(*bun.SelectQuery) *bun.SelectQuery,
) (map[models.ID]models.Connection[T], error) {
	if err := access.LookUpCompanies(who); err != nil {
		return nil, err
	}
	page, err := args.Page(list)
	if err != nil {
		return nil, err
	}
	below.Visible = func() *bun.SelectQuery {
		q := s.Register.DB.NewSelect().Model((*T)(nil))
		if narrow != nil {
			q = narrow(q)
		}
		return q
	}
	return below.Pages(ctx, s.Register.DB, ids, page)
}
