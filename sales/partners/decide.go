package partners

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// ConfirmCooperationRequest agrees to a request.
type ConfirmCooperationRequest struct {
	RequestID      models.ID
	Code           *string // for RELATION_CHANGE, where the caller's organisation asks for one (G04)
	IdempotencyKey string  // 1 to 128 printable ASCII characters, made up once per decision
}

// RejectCooperationRequest declines a request.
type RejectCooperationRequest struct {
	RequestID models.ID
	Reason    string // for the other side, 1 to 256 characters, no personal data
}

// CancelCooperationRequest takes a request back.
type CancelCooperationRequest struct{ RequestID models.ID }

// ConfirmedCooperation is what a confirmation did: the cooperation that began, or the one that ended with what it took back.
type ConfirmedCooperation struct {
	Request     models.CooperationRequest
	Cooperation models.Cooperation
	Transfer    *models.Transfer // the recall of the reseller's money; nil when nothing moved
}

// ConfirmCooperation carries a request out, exactly once (P15): the reseller comes under the distributor, and all other requests to take it on
// are cancelled, or their cooperation ends as EndCooperation does it. The side that did not ask decides, with RELATIONS_CHANGE. What stood
// in the way when it was asked is judged again; a refusal leaves the request as it was, and the reasons of its state are REQUEST_CLOSED and
// REQUEST_EXPIRED.
func (s *Service) ConfirmCooperation(ctx context.Context, who models.Principal, cmd ConfirmCooperationRequest) (ConfirmedCooperation, error) {
	if err := mayDecide(who, cmd.RequestID); err != nil {
		return ConfirmedCooperation{}, err
	}
	if err := ledger.CheckKey(cmd.IdempotencyKey); err != nil {
		return ConfirmedCooperation{}, err
	}
	proof, err := s.try(ctx, who, cmd.Code)
	if err != nil {
		return ConfirmedCooperation{}, err
	}
	asked := struct{ RequestID models.ID }{cmd.RequestID}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "confirmCooperationRequest", asked, func(ctx context.Context, tx bun.IDB) (ConfirmedCooperation, error) {
		request, reseller, err := s.lockRequest(ctx, tx, who, cmd.RequestID)
		if err != nil {
			return ConfirmedCooperation{}, err
		}
		if access.CooperationSide(who, request.DistributorID, request.ResellerID) != request.RequestedBy.Other() {
			return ConfirmedCooperation{}, ErrOtherDecides
		}
		if err := s.guard(ctx, tx, who, proof); err != nil {
			return ConfirmedCooperation{}, err
		}
		return s.confirmIn(ctx, tx, who, request, reseller)
	})
}

func (s *Service) confirmIn(ctx context.Context, tx bun.IDB, who models.Principal, request models.CooperationRequest, reseller models.Partner) (done ConfirmedCooperation, err error) {
	before := request.State
	if err := request.Become(models.CooperationConfirmed, s.now()); err != nil {
		return done, err
	}
	// Before the cooperation changes, which cancels what is open.
	if err := updateRequest(ctx, tx, request); err != nil {
		return done, err
	}
	done.Request = request
	if request.Kind == models.CooperationEnd {
		var ended EndedCooperation
		ended, err = s.partIn(ctx, tx, who, reseller, string(models.CooperationEnd))
		done.Cooperation, done.Transfer = ended.Cooperation, ended.Transfer
	} else {
		done.Cooperation, err = s.joinIn(ctx, tx, who, request.DistributorID, reseller)
	}
	if err != nil {
		return ConfirmedCooperation{}, err
	}
	return done, s.recordRequest(ctx, tx, who, models.EventCooperationConfirmed, request, before)
}

// joinIn brings a reseller, whose row the caller has locked, under a distributor.
func (s *Service) joinIn(ctx context.Context, tx bun.IDB, who models.Principal, distributorID models.ID, reseller models.Partner) (models.Cooperation, error) {
	distributor, found, err := selectForShare(ctx, tx, distributorID)
	if err != nil || !found {
		return models.Cooperation{}, orUnknown(err, ErrUnknown)
	}
	if err := models.MayCooperate(distributor, reseller); err != nil {
		return models.Cooperation{}, err
	}
	now := s.now()
	reseller.ParentID, reseller.UpdatedAt = distributor.ID, now
	if err := updatePlace(ctx, tx, reseller); err != nil {
		return models.Cooperation{}, err
	}
	if err := s.dropRequests(ctx, tx, who, reseller.ID); err != nil {
		return models.Cooperation{}, err
	}
	began := s.began(distributor, reseller, now)
	if err := insertRow(ctx, tx, &began); err != nil {
		return models.Cooperation{}, err
	}
	return began, s.recordBoth(ctx, tx, who, reseller.ID, models.Event{
		Type: models.EventCooperationBegan, PartnerID: distributor.ID, SubjectID: string(reseller.ID), Fields: []string{"parentId"},
		Changes: []models.FieldChange{models.Changed("parentId", "", distributor.ID)},
		Data:    map[string]any{"cooperationId": began.ID, "distributorId": distributor.ID, "resellerId": reseller.ID},
	})
}

// began is the row of a cooperation that begins.
func (s *Service) began(distributor, reseller models.Partner, now time.Time) models.Cooperation {
	return models.Cooperation{
		ID: s.IDs(models.PrefixCooperation), DistributorID: distributor.ID, ResellerID: reseller.ID, Since: now,
		DistributorName: distributor.Name, ResellerName: reseller.Name,
	}
}

// RejectCooperation declines what the other side asks: a distributor's review that fails, or a reseller's no. Who may is as with
// ConfirmCooperation.
func (s *Service) RejectCooperation(ctx context.Context, who models.Principal, cmd RejectCooperationRequest) (AskedCooperation, error) {
	if err := mayDecide(who, cmd.RequestID); err != nil {
		return AskedCooperation{}, err
	}
	if err := checkReason(cmd.Reason); err != nil {
		return AskedCooperation{}, err
	}
	return s.close(ctx, who, cmd.RequestID, models.EventCooperationRejected, func(request *models.CooperationRequest) error {
		if access.CooperationSide(who, request.DistributorID, request.ResellerID) != request.RequestedBy.Other() {
			return ErrOtherDecides
		}
		request.Answer = cmd.Reason
		return request.Become(models.CooperationRejected, s.now())
	})
}

// CancelCooperation takes a request of one's own side back.
func (s *Service) CancelCooperation(ctx context.Context, who models.Principal, cmd CancelCooperationRequest) (AskedCooperation, error) {
	if err := mayDecide(who, cmd.RequestID); err != nil {
		return AskedCooperation{}, err
	}
	return s.close(ctx, who, cmd.RequestID, models.EventCooperationCancelled, func(request *models.CooperationRequest) error {
		if access.CooperationSide(who, request.DistributorID, request.ResellerID) != request.RequestedBy {
			return ErrOtherAsked
		}
		return request.Become(models.CooperationCancelled, s.now())
	})
}

func (s *Service) close(ctx context.Context, who models.Principal, id models.ID, what models.EventType, change func(*models.CooperationRequest) error) (AskedCooperation, error) {
	var done AskedCooperation
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		request, _, err := s.lockRequest(ctx, tx, who, id)
		if err != nil {
			return err
		}
		before := request.State
		if err := change(&request); err != nil {
			return err
		}
		if err := updateRequest(ctx, tx, request); err != nil {
			return err
		}
		done.Request = request
		return s.recordRequest(ctx, tx, who, what, request, before)
	})
	if err != nil {
		return AskedCooperation{}, err
	}
	return done, nil
}

func mayDecide(who models.Principal, id models.ID) error {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return err
	}
	return id.Require(models.PrefixCooperationRequest, "requestId")
}

// lockRequest locks a request that the caller may see, after its reseller as everything does that changes a cooperation.
func (s *Service) lockRequest(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.CooperationRequest, models.Partner, error) {
	seen, err := selectRequests(ctx, tx, who, []models.ID{id})
	if err != nil || len(seen) == 0 {
		return models.CooperationRequest{}, models.Partner{}, orUnknown(err, ErrCooperationUnknown)
	}
	reseller, found, err := lock(ctx, tx, seen[0].ResellerID)
	if err != nil || !found {
		return models.CooperationRequest{}, models.Partner{}, orUnknown(err, ErrUnknown)
	}
	// Whoever decided meanwhile held the reseller's row: it is read again.
	request, found, err := selectRequestForUpdate(ctx, tx, id)
	if err != nil || !found {
		return models.CooperationRequest{}, models.Partner{}, orUnknown(err, ErrCooperationUnknown)
	}
	return request, reseller, nil
}

// dropRequests cancels what is open about a reseller whose place in the tree changes.
func (s *Service) dropRequests(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.ID) error {
	open, err := selectOpenForUpdate(ctx, tx, reseller)
	if err != nil {
		return err
	}
	now := s.now()
	for _, request := range open {
		before := request.State
		request.State, request.DecidedAt = models.CooperationCancelled, &now
		if err := updateRequest(ctx, tx, request); err != nil {
			return err
		}
		if err := s.recordRequest(ctx, tx, who, models.EventCooperationCancelled, request, before); err != nil {
			return err
		}
	}
	return nil
}

// SweepCooperations closes the requests whose time is over, at most sweepSize. What is over counts as over before it is swept; this makes
// lists and the audit record say so.
func (s *Service) SweepCooperations(ctx context.Context) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.expireIn(ctx, tx, selectOverdue(tx, s.now()))
	})
}

func (s *Service) expireIn(ctx context.Context, tx bun.IDB, overdue *bun.SelectQuery) error {
	var requests []models.CooperationRequest
	if err := overdue.Scan(ctx, &requests); err != nil {
		return store.Translate(err)
	}
	for _, request := range requests {
		before := request.State
		if err := request.Become(models.CooperationExpired, s.now()); err != nil {
			return err
		}
		if err := updateRequest(ctx, tx, request); err != nil {
			return err
		}
		if err := s.recordRequest(ctx, tx, models.SystemPrincipal("relations"), models.EventCooperationExpired, request, before); err != nil {
			return err
		}
	}
	return nil
}
