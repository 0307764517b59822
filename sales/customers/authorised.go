package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// RequireAuthorisationIn refuses whoever acts for a customer without being let (O16), in the transaction of the act. The
// customer itself and operators need nothing. Its partner, and that partner's distributor acting for it, need an authorisation
// that the customer has granted to the partner for this scope; the audit record then names it beside the act, under the same
// request id. Until the transaction ends nobody revokes it. Errors: NOT_FOUND for a customer that the caller does not see,
// PRECONDITION_FAILED with ADVISORY_BUYS_ITSELF or NOT_AUTHORISED.
func (s *Service) RequireAuthorisationIn(ctx context.Context, tx bun.IDB, who models.Principal, customerID models.ID, scope models.AuthorizationScope) error {
	_, err := s.AuthorisationIn(ctx, tx, who, customerID, scope)
	return err
}

// AuthorisationIn is RequireAuthorisationIn for a room whose own record names the authorisation; nil when none is needed.
func (s *Service) AuthorisationIn(ctx context.Context, tx bun.IDB, who models.Principal, customerID models.ID, scope models.AuthorizationScope) (*models.Authorization, error) {
	// The customer's row before the authorisation's, as everything does that changes a relation.
	customer, found, err := selectCustomerForShare(ctx, tx, who, customerID)
	if err != nil || !found {
		return nil, orUnknown(err, ErrUnknown)
	}
	switch {
	case who.SeesAll() || who.CustomerID != "":
		return nil, nil
	case customer.Mode != models.Resale:
		return nil, models.ErrAdvisoryBuys
	}
	granted, found, err := selectGrantedForShare(ctx, tx, customer, scope)
	if err != nil {
		return nil, err
	}
	if !found || !granted.Allows(s.now()) {
		return nil, models.ErrNotAuthorised
	}
	return &granted, s.recordAuthorization(ctx, tx, who, models.EventAuthorizationUsed, granted, "")
}
