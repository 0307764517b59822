package staff

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listSchemes  = "staffSchemes"
	listMonths   = "staffMonths"
	listPayments = "staffPayments"
)

// SchemeFilter narrows FindSchemes. Nil = no filter; an empty list matches nothing.
type SchemeFilter struct {
	PartnerID *models.ID
	States    []models.StaffSchemeState
	Year      *int
}

// FindSchemes returns the schemes that the caller may see, newest first: a partner those that it is invited to. It needs INCENTIVES_READ.
func (s *Service) FindSchemes(ctx context.Context, who models.Principal, f SchemeFilter, args models.PageArgs) (models.StaffSchemeConnection, error) {
	page, err := check(who, args, listSchemes, named{f.PartnerID, models.PrefixPartner, "partnerId"})
	if err != nil {
		return models.StaffSchemeConnection{}, err
	}
	found, err := store.List[models.StaffScheme](ctx, page, true, func() *bun.SelectQuery {
		q := inStates(ofID(schemes(s.DB, who), "sfs.partner_id", f.PartnerID), "sfs.state", f.States)
		if f.Year != nil {
			q = q.Where("sfs.year = ?", *f.Year)
		}
		return q
	})
	for i := range found.Edges {
		if err == nil {
			err = s.openScheme(&found.Edges[i].Node)
		}
	}
	return found, err
}

// MonthFilter narrows FindMonths. Nil = no filter; an empty list matches nothing.
type MonthFilter struct {
	PartnerID *models.ID
	SchemeID  *models.ID
	Month     *models.BillingCycle
	States    []models.StaffMonthState
}

// FindMonths returns the months that the caller may see, newest first. It needs INCENTIVES_READ.
func (s *Service) FindMonths(ctx context.Context, who models.Principal, f MonthFilter, args models.PageArgs) (models.StaffMonthConnection, error) {
	page, err := check(who, args, listMonths, named{f.PartnerID, models.PrefixPartner, "partnerId"}, named{f.SchemeID, models.PrefixStaffScheme, "schemeId"})
	if err != nil {
		return models.StaffMonthConnection{}, err
	}
	return store.List[models.StaffMonth](ctx, page, true, func() *bun.SelectQuery {
		q := inStates(ofID(ofID(months(s.DB, who), "sft.partner_id", f.PartnerID), "sft.scheme_id", f.SchemeID), "sft.state", f.States)
		if f.Month != nil {
			q = q.Where("sft.month = ?", *f.Month)
		}
		return q
	})
}

// PaymentFilter narrows FindPayments. Nil = no filter; an empty list matches nothing.
type PaymentFilter struct {
	PartnerID *models.ID
	SchemeID  *models.ID
	States    []models.StaffPaymentState
}

// FindPayments returns the payments that the caller may see, newest first. It needs INCENTIVES_READ.
func (s *Service) FindPayments(ctx context.Context, who models.Principal, f PaymentFilter, args models.PageArgs) (models.StaffPaymentConnection, error) {
	page, err := check(who, args, listPayments, named{f.PartnerID, models.PrefixPartner, "partnerId"}, named{f.SchemeID, models.PrefixStaffScheme, "schemeId"})
	if err != nil {
		return models.StaffPaymentConnection{}, err
	}
	return store.List[models.StaffPayment](ctx, page, true, func() *bun.SelectQuery {
		return inStates(ofID(ofID(payments(s.DB, who), "sfp.partner_id", f.PartnerID), "sfp.scheme_id", f.SchemeID), "sfp.state", f.States)
	})
}

// named is an id of a filter, with the kind that it must be of.
type named struct {
	id            *models.ID
	prefix, field string
}

func check(who models.Principal, args models.PageArgs, list string, ids ...named) (models.Page, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return models.Page{}, err
	}
	for _, one := range ids {
		if one.id == nil {
			continue
		}
		if err := one.id.Require(one.prefix, one.field); err != nil {
			return models.Page{}, err
		}
	}
	return args.Page(list)
}

// SchemesByIDs returns the schemes with these ids that the caller may see; the others are absent. It needs INCENTIVES_READ.
func (s *Service) SchemesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.StaffScheme, error) {
	rows, err := byIDs(ctx, s.DB, who, ids, selectSchemes)
	found := make(map[models.ID]models.StaffScheme, len(rows))
	for _, row := range rows {
		if err == nil {
			err = s.openScheme(&row)
		}
		found[row.ID] = row
	}
	return found, err
}

// PaymentsByIDs returns the payments with these ids that the caller may see; the others are absent. It needs INCENTIVES_READ.
func (s *Service) PaymentsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.StaffPayment, error) {
	rows, err := byIDs(ctx, s.DB, who, ids, selectPayments)
	found := make(map[models.ID]models.StaffPayment, len(rows))
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// MembersByIDs returns the people with these ids that the caller may see; the others are absent. It needs INCENTIVES_READ.
func (s *Service) MembersByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.StaffMember, error) {
	rows, err := byIDs(ctx, s.DB, who, ids, selectMembers)
	found := make(map[models.ID]models.StaffMember, len(rows))
	for _, row := range rows {
		if err == nil {
			err = s.openMember(&row)
		}
		found[row.ID] = row
	}
	return found, err
}

// MembersFor returns the people of each scheme that the caller may see, in the order in which they came, also those that were removed: at most
// models.MaxStaffPeople each. It needs INCENTIVES_READ.
func (s *Service) MembersFor(ctx context.Context, who models.Principal, schemes []models.ID) (map[models.ID][]models.StaffMember, error) {
	rows, err := byIDs(ctx, s.DB, who, schemes, selectMembersOf)
	found := make(map[models.ID][]models.StaffMember, len(schemes))
	for _, row := range rows {
		if err == nil {
			err = s.openMember(&row)
		}
		found[row.SchemeID] = append(found[row.SchemeID], row)
	}
	return found, err
}

// MonthsFor returns the months of each payment that the caller may see, oldest first. It needs INCENTIVES_READ.
func (s *Service) MonthsFor(ctx context.Context, who models.Principal, payments []models.ID) (map[models.ID][]models.StaffMonth, error) {
	rows, err := byIDs(ctx, s.DB, who, payments, selectMonthsOf)
	found := make(map[models.ID][]models.StaffMonth, len(payments))
	for _, row := range rows {
		found[row.PaymentID] = append(found[row.PaymentID], row)
	}
	return found, err
}

func byIDs[T any](ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID, read func(context.Context, bun.IDB, models.Principal, []models.ID) ([]T, error)) ([]T, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return read(ctx, db, who, ids)
}
