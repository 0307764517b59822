package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// RemittanceFilter narrows FindRemittances. Nil = no filter; an empty States matches nothing.
type RemittanceFilter struct {
	SigningEntity *string
	BankReference *string
	States        []models.RemittanceState
}

// FindRemittances returns the remittances that the caller may see, newest first: all for operators, none for others. It
// needs BALANCES_READ.
func (s *Service) FindRemittances(ctx context.Context, who models.Principal, filter RemittanceFilter, args models.PageArgs) (models.RemittanceConnection, error) {
	page, err := listPage(who, args, listRemittances, nil, nil)
	if err != nil {
		return models.RemittanceConnection{}, err
	}
	found, err := store.List[models.Remittance](ctx, page, true, func() *bun.SelectQuery { return filter.apply(visibleRemittances(s.DB, who)) })
	return found, openAll(found, err, s.openRemittance)
}

// RemittancesByIDs returns the remittances with these ids that the caller may see; the others are absent. It needs
// BALANCES_READ.
func (s *Service) RemittancesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Remittance, error) {
	return openedByID(ctx, s.DB, who, ids, selectRemittances, s.openRemittance)
}

// ClaimFilter narrows FindClaims. Nil = no filter; an empty States matches nothing.
type ClaimFilter struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	States     []models.RemittanceClaimState
}

// FindClaims returns the claims that the caller may see, newest first: its own, and an operator everybody's. It needs
// BALANCES_READ.
func (s *Service) FindClaims(ctx context.Context, who models.Principal, filter ClaimFilter, args models.PageArgs) (models.RemittanceClaimConnection, error) {
	page, err := listPage(who, args, listClaims, filter.PartnerID, filter.CustomerID)
	if err != nil {
		return models.RemittanceClaimConnection{}, err
	}
	found, err := store.List[models.RemittanceClaim](ctx, page, true, func() *bun.SelectQuery { return filter.apply(visibleClaims(s.DB, who)) })
	return found, openAll(found, err, s.openClaim)
}

// ClaimsByIDs returns the claims with these ids that the caller may see; the others are absent. It needs BALANCES_READ.
func (s *Service) ClaimsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.RemittanceClaim, error) {
	return openedByID(ctx, s.DB, who, ids, selectClaims, s.openClaim)
}

// AgreementFilter narrows FindAgreements. Nil = no filter; an empty States matches nothing.
type AgreementFilter struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	States     []models.PayerAgreementState
}

// FindAgreements returns the payer agreements that the caller may see, newest first: its own, and an operator everybody's.
// It needs BALANCES_READ.
func (s *Service) FindAgreements(ctx context.Context, who models.Principal, filter AgreementFilter, args models.PageArgs) (models.PayerAgreementConnection, error) {
	page, err := listPage(who, args, listAgreements, filter.PartnerID, filter.CustomerID)
	if err != nil {
		return models.PayerAgreementConnection{}, err
	}
	found, err := store.List[models.PayerAgreement](ctx, page, true, func() *bun.SelectQuery { return filter.apply(visibleAgreements(s.DB, who)) })
	return found, openAll(found, err, s.openAgreement)
}

// AgreementsByIDs returns the agreements with these ids that the caller may see; the others are absent. It needs
// BALANCES_READ.
func (s *Service) AgreementsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.PayerAgreement, error) {
	return openedByID(ctx, s.DB, who, ids, selectAgreements, s.openAgreement)
}

// openAll opens the names of a page in place.
func openAll[T any](found models.Connection[T], err error, open func(*T) error) error {
	for i := range found.Edges {
		if err == nil {
			err = open(&found.Edges[i].Node)
		}
	}
	return err
}

func openedByID[T models.Identified](ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID,
	fetch func(context.Context, bun.IDB, models.Principal, []models.ID) ([]T, error), open func(*T) error,
) (map[models.ID]T, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]T, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := fetch(ctx, db, who, ids)
	if err != nil {
		return nil, err
	}
	for _, row := range found {
		if err := open(&row); err != nil {
			return nil, err
		}
		byID[row.NodeID()] = row
	}
	return byID, nil
}
