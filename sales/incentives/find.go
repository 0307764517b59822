package incentives

import (
	"context"
	"time"

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
	listPerformance        = "performanceLines"
	listVersions           = "incentiveVersions"
	listPolicies           = "incentivePolicies"
	listTransfers          = "incentiveTransfers"
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

// PerformanceFilter narrows FindPerformance. Nil = no filter; an empty list matches nothing.
type PerformanceFilter struct {
	PartnerID   *models.ID // for whom it counts
	ResellerID  *models.ID // whose customer it was
	CustomerID  *models.ID
	Period      *models.BillingCycle
	ServiceType *string
	Mode        *models.AssociationMode
	Rules       []models.PerformanceRule
}

// FindPerformance returns what consumptions counted, newest first, each with the policy that says so and why it counts nothing (N11): a
// partner its own, which for a distributor are its resellers' too. It needs INCENTIVES_READ.
func (s *Service) FindPerformance(ctx context.Context, who models.Principal, f PerformanceFilter, args models.PageArgs) (models.PerformanceLineConnection, error) {
	for _, named := range []struct {
		id            *models.ID
		prefix, field string
	}{
		{f.PartnerID, models.PrefixPartner, "partnerId"}, {f.ResellerID, models.PrefixPartner, "resellerId"}, {f.CustomerID, models.PrefixCustomer, "customerId"},
	} {
		if named.id == nil {
			continue
		}
		if err := named.id.Require(named.prefix, named.field); err != nil {
			return models.PerformanceLineConnection{}, err
		}
	}
	page, err := check(who, args, listPerformance)
	if err != nil {
		return models.PerformanceLineConnection{}, err
	}
	return store.List[models.PerformanceLine](ctx, page, true, func() *bun.SelectQuery { return f.apply(visiblePerformance(s.DB, who)) })
}

func (f PerformanceFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.PartnerID != nil {
		q = q.Where("pfl.partner_id = ?", *f.PartnerID)
	}
	if f.ResellerID != nil {
		q = q.Where("pfl.reseller_id = ?", *f.ResellerID)
	}
	if f.CustomerID != nil {
		q = q.Where("pfl.customer_id = ?", *f.CustomerID)
	}
	if f.Period != nil {
		q = q.Where("pfl.period = ?", *f.Period)
	}
	if f.ServiceType != nil {
		q = q.Where("pfl.service_type = ?", *f.ServiceType)
	}
	if f.Mode != nil {
		q = q.Where("pfl.mode = ?", *f.Mode)
	}
	if f.Rules != nil {
		q = q.Where("pfl.rule IN (?)", bun.List(f.Rules))
	}
	return q
}

// FindVersions returns the versions of a cloud's policies, newest first; those that are not in force yet for operators only. It needs
// INCENTIVES_READ.
func (s *Service) FindVersions(ctx context.Context, who models.Principal, args models.PageArgs) (models.IncentiveVersionConnection, error) {
	page, err := check(who, args, listVersions)
	if err != nil {
		return models.IncentiveVersionConnection{}, err
	}
	now := s.now()
	return store.List[models.IncentiveVersion](ctx, page, true, func() *bun.SelectQuery {
		q := s.DB.NewSelect().Model((*models.IncentiveVersion)(nil)).Where("ipv.cloud = ?", s.Cloud)
		if !who.SeesAll() {
			q = q.Where("ipv.effective_at <= ?", now)
		}
		return q
	})
}

// PolicyFilter says which policies are wanted. Nil = no filter.
type PolicyFilter struct {
	AsOf        *time.Time // the version in force at this moment; nil = now; only operators look ahead
	ServiceType *string
	Month       *models.BillingCycle
	Level       *models.PartnerLevel
}

// FindPolicies returns the policies of the version that is in force at a moment (N11). It needs INCENTIVES_READ.
func (s *Service) FindPolicies(ctx context.Context, who models.Principal, f PolicyFilter, args models.PageArgs) (models.IncentiveRuleConnection, error) {
	page, err := check(who, args, listPolicies)
	if err != nil {
		return models.IncentiveRuleConnection{}, err
	}
	at := s.now()
	if f.AsOf != nil {
		if at = f.AsOf.UTC(); at.After(s.now()) && !who.SeesAll() {
			return models.IncentiveRuleConnection{}, models.Invalid("asOf", "Only operators look ahead.")
		}
	}
	return store.List[models.IncentiveRule](ctx, page, false, func() *bun.SelectQuery {
		q := s.DB.NewSelect().Model((*models.IncentiveRule)(nil)).
			Where("ipl.version_id = (SELECT v.id FROM incentive_versions AS v WHERE v.cloud = ? AND v.effective_at <= ? ORDER BY v.effective_at DESC LIMIT 1)", s.Cloud, at)
		if f.ServiceType != nil {
			q = q.Where("ipl.service_type = ?", *f.ServiceType)
		}
		if f.Month != nil {
			q = q.Where("ipl.month = ?", *f.Month)
		}
		if f.Level != nil {
			q = q.Where("ipl.level = ?", *f.Level)
		}
		return q
	})
}

// PoliciesByIDs returns the policies with these ids. It needs INCENTIVES_READ.
func (s *Service) PoliciesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.IncentiveRule, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	return selectPoliciesByIDs(ctx, s.DB, ids)
}

func check(who models.Principal, args models.PageArgs, list string) (models.Page, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return models.Page{}, err
	}
	return args.Page(list)
}
