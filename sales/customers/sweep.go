package customers

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// sweepSize is how many rows of a kind one transaction closes.
const sweepSize = 200

// SweepRelations closes the reports, invitations, requests and authorisations whose time is over, at most sweepSize of each. What is over counts
// as over before it is swept; this makes lists and the audit record say so.
func (s *Service) SweepRelations(ctx context.Context) error {
	now := s.now()
	return errors.Join(
		s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return s.expireReportsIn(ctx, tx, selectOverdueReports(tx, now))
		}),
		s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return s.expireInvitationsIn(ctx, tx, selectOverdueInvitations(tx, now))
		}),
		s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return s.expireRequestsIn(ctx, tx, selectOverdueRequests(tx, now))
		}),
		s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return s.expireAuthorizationsIn(ctx, tx, selectOverdueAuthorizations(tx, now))
		}),
	)
}

func (s *Service) expireInvitationsIn(ctx context.Context, tx bun.IDB, overdue *bun.SelectQuery) error {
	var invitations []models.Invitation
	if err := overdue.Scan(ctx, &invitations); err != nil {
		return store.Translate(err)
	}
	for i := range invitations {
		err := s.endInvitation(ctx, tx, models.SystemPrincipal("relations"), &invitations[i], models.InvitationExpired, models.EventInvitationExpired)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) expireRequestsIn(ctx context.Context, tx bun.IDB, overdue *bun.SelectQuery) error {
	var requests []models.AssociationRequest
	if err := overdue.Scan(ctx, &requests); err != nil {
		return store.Translate(err)
	}
	for i := range requests {
		before := requests[i].State
		if err := requests[i].Become(models.AssociationRequestExpired, s.now()); err != nil {
			return err
		}
		if err := updateRequest(ctx, tx, &requests[i]); err != nil {
			return err
		}
		if err := s.recordRequest(ctx, tx, models.SystemPrincipal("relations"), models.EventRelationExpired, requests[i], before); err != nil {
			return err
		}
	}
	return nil
}
