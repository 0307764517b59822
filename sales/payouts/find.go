package payouts

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listCertifications = "commercialCertifications"
	listPayouts        = "payoutRequests"
)

// CertificationFilter narrows FindCertifications. Nil = no filter; an empty list matches nothing.
type CertificationFilter struct {
	PartnerID *models.ID
	States    []models.CertificationState
}

// FindCertifications returns a page of the certifications that the caller may see, newest first: a partner its own. It needs
// INCENTIVES_READ; INVALID for a bad page or filter.
func (s *Service) FindCertifications(ctx context.Context, who models.Principal, f CertificationFilter, args models.PageArgs) (models.CommercialCertificationConnection, error) {
	page, err := check(who, f.PartnerID, args, listCertifications)
	if err != nil {
		return models.CommercialCertificationConnection{}, err
	}
	return store.List[models.CommercialCertification](ctx, page, true, func() *bun.SelectQuery {
		return inStates(ofPartner(certifications(s.DB, who), "ccf", f.PartnerID), "ccf", f.States)
	})
}

// CertificationsByIDs returns the certifications with these ids that the caller may see; the others are absent. It needs INCENTIVES_READ.
func (s *Service) CertificationsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.CommercialCertification, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.CommercialCertification, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectCertifications(ctx, s.DB, who, ids)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

func check(who models.Principal, partner *models.ID, args models.PageArgs, list string) (models.Page, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return models.Page{}, err
	}
	if partner != nil {
		if err := partner.Require(models.PrefixPartner, "partnerId"); err != nil {
			return models.Page{}, err
		}
	}
	return args.Page(list)
}

// PayoutFilter narrows FindPayouts. Nil = no filter; an empty list matches nothing.
type PayoutFilter struct {
	PartnerID *models.ID
	States    []models.PayoutState
	Methods   []models.PayoutMethod
}

// FindPayouts returns a page of the payouts that the caller may see, newest first: a partner its own. It needs INCENTIVES_READ; INVALID
// for a bad page or filter.
func (s *Service) FindPayouts(ctx context.Context, who models.Principal, f PayoutFilter, args models.PageArgs) (models.PayoutRequestConnection, error) {
	page, err := check(who, f.PartnerID, args, listPayouts)
	if err != nil {
		return models.PayoutRequestConnection{}, err
	}
	return store.List[models.PayoutRequest](ctx, page, true, func() *bun.SelectQuery {
		q := inStates(ofPartner(payoutRequests(s.DB, who), "pyt", f.PartnerID), "pyt", f.States)
		if f.Methods != nil {
			q = q.Where("pyt.method IN (?)", bun.List(f.Methods))
		}
		return q
	})
}

// PayoutsByIDs returns the payouts with these ids that the caller may see; the others are absent. It needs INCENTIVES_READ.
func (s *Service) PayoutsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.PayoutRequest, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.PayoutRequest, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectPayouts(ctx, s.DB, who, ids)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// PartsFor returns the statements of each payout that the caller may see, oldest month first. It needs INCENTIVES_READ.
func (s *Service) PartsFor(ctx context.Context, who models.Principal, payouts []models.ID) (map[models.ID][]models.PayoutStatement, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	found := make(map[models.ID][]models.PayoutStatement, len(payouts))
	rows, err := selectParts(ctx, s.DB, who, payouts)
	for _, row := range rows {
		found[row.PayoutID] = append(found[row.PayoutID], row)
	}
	return found, err
}

// PayoutsFor returns the payout of each statement that is in one which was not withdrawn, as far as the caller may see it. It needs
// INCENTIVES_READ.
func (s *Service) PayoutsFor(ctx context.Context, who models.Principal, statements []models.ID) (map[models.ID]models.PayoutRequest, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	rows, err := selectHolders(ctx, s.DB, who, statements)
	found := make(map[models.ID]models.PayoutRequest, len(rows))
	for _, row := range rows {
		found[row.StatementID] = row.PayoutRequest
	}
	return found, err
}

// CarriesFor returns into which period each statement was carried over last, because it was too little by then, as far as the caller may see
// it (N03). It needs INCENTIVES_READ.
func (s *Service) CarriesFor(ctx context.Context, who models.Principal, statements []models.ID) (map[models.ID]models.BillingCycle, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	rows, err := selectVisibleCarries(ctx, s.DB, who, statements)
	found := make(map[models.ID]models.BillingCycle, len(rows))
	for _, row := range rows {
		found[row.StatementID] = max(found[row.StatementID], row.Into)
	}
	return found, err
}

// PreferencesFor returns the preferences of those partners that have one and whose the caller may see. It needs INCENTIVES_READ.
func (s *Service) PreferencesFor(ctx context.Context, who models.Principal, partners []models.ID) (map[models.ID]models.PayoutPreference, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	rows, err := selectPreferences(ctx, s.DB, who, partners)
	found := make(map[models.ID]models.PayoutPreference, len(rows))
	for _, row := range rows {
		found[row.PartnerID] = row
	}
	return found, err
}
