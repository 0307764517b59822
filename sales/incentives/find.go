package incentives

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listStatements         = "incentiveStatements"
	listPartnersStatements = "partner.incentiveStatements"
	listStatementsLines    = "incentiveStatement.lines"
)

// StatementFilter says which statements are wanted. Nil means any; an empty list matches nothing.
type StatementFilter struct {
	PartnerID *models.ID
	Status    []models.StatementStatus
	Period    *models.BillingCycle
}

// FindStatements returns a page of the statements that the caller may see, newest first: a partner its own, which for a
// distributor carry its resellers' performance (P14). It needs INCENTIVES_READ.
func (s *Service) FindStatements(ctx context.Context, who models.Principal, filter StatementFilter, args models.PageArgs) (models.IncentiveStatementConnection, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return models.IncentiveStatementConnection{}, err
	}
	if filter.PartnerID != nil {
		if err := filter.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return models.IncentiveStatementConnection{}, err
		}
	}
	page, err := args.Page(listStatements)
	if err != nil {
		return models.IncentiveStatementConnection{}, err
	}
	return store.List[models.IncentiveStatement](ctx, page, true, func() *bun.SelectQuery { return filtered(s.DB, who, filter) })
}

// FindStatementsForPartners returns a page of each partner's statements, newest first, with one statement for all partners
// and one more when totals are wanted. A partner whose statements are hidden has an empty page. It needs INCENTIVES_READ.
func (s *Service) FindStatementsForPartners(ctx context.Context, who models.Principal, partners []models.ID, args models.PageArgs) (map[models.ID]models.IncentiveStatementConnection, error) {
	page, err := check(who, args, listPartnersStatements)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.IncentiveStatement]{
		Column: "ist.partner_id", ParentOf: func(row models.IncentiveStatement) models.ID { return row.PartnerID }, Descending: true,
		Visible: func() *bun.SelectQuery { return visibleStatements(s.DB, who) },
	}
	return nested.Pages(ctx, s.DB, partners, page)
}

// StatementsByIDs returns the statements with these ids that the caller may see; the others are absent. It needs
// INCENTIVES_READ.
func (s *Service) StatementsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.IncentiveStatement, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.IncentiveStatement, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	rows, err := selectStatements(ctx, s.DB, who, ids)
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, err
}

// FindLinesForStatements returns a page of each statement's lines in the order in which they were written, with one
// statement for all and one more when totals are wanted. Lines of hidden statements are hidden. It needs INCENTIVES_READ.
func (s *Service) FindLinesForStatements(ctx context.Context, who models.Principal, statements []models.ID, args models.PageArgs) (map[models.ID]models.IncentiveLineConnection, error) {
	page, err := check(who, args, listStatementsLines)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.IncentiveLine]{
		Column: "isl.statement_id", ParentOf: func(row models.IncentiveLine) models.ID { return row.StatementID },
		Visible: func() *bun.SelectQuery { return visibleLines(s.DB, who) },
	}
	return nested.Pages(ctx, s.DB, statements, page)
}

func check(who models.Principal, args models.PageArgs, list string) (models.Page, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return models.Page{}, err
	}
	return args.Page(list)
}
