package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// ConfirmAssociationRequest agrees to a request.
type ConfirmAssociationRequest struct {
	RequestID      models.ID
	Code           *string // for RELATION_CHANGE, where the caller's organisation asks for one (G04)
	IdempotencyKey string  // 1 to 128 printable ASCII characters, made up once per decision
}

// RejectAssociationRequest declines a request.
type RejectAssociationRequest struct {
	RequestID models.ID
	Reason    string // for the other side, 1 to 256 characters, no personal data
}

// CancelAssociationRequest takes a request back.
type CancelAssociationRequest struct {
	RequestID models.ID
}

// ConfirmedRelation is what a confirmation did.
type ConfirmedRelation struct {
	Request     models.AssociationRequest
	Ended       models.Association
	Association *models.Association // in the other mode; nil after a disassociation
	Transfer    *models.Transfer    // the recall; nil when nothing moved
}

// ConfirmRequest carries a request out (C11), exactly once: the relation ends or changes its mode from now on, the money of
// a customer that leaves resale goes back to its partner (C14), and history keeps what was. The side that did not ask
// decides, with RELATIONS_CHANGE. What stood in the way when it was asked is judged again (C13): the reasons of
// PRECONDITION_FAILED are those of the request, REQUEST_CLOSED and REQUEST_EXPIRED; a refusal leaves the request as it was.
func (s *Service) ConfirmRequest(ctx context.Context, who models.Principal, cmd ConfirmAssociationRequest) (ConfirmedRelation, error) {
	if err := mayDecide(who, cmd.RequestID); err != nil {
		return ConfirmedRelation{}, err
	}
	if err := ledger.CheckKey(cmd.IdempotencyKey); err != nil {
		return ConfirmedRelation{}, err
	}
	proof, err := s.try(ctx, who, models.CodeRelation, cmd.Code)
	if err != nil {
		return ConfirmedRelation{}, err
	}
	asked := struct{ RequestID models.ID }{cmd.RequestID}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "confirmAssociationRequest", asked, func(ctx context.Context, tx bun.IDB) (ConfirmedRelation, error) {
		request, customer, err := s.lockRequest(ctx, tx, who, cmd.RequestID)
		if err != nil {
			return ConfirmedRelation{}, err
		}
		if sideOf(who, request.CustomerID, request.PartnerID) != request.RequestedBy.Other() {
			return ConfirmedRelation{}, ErrOtherDecides
		}
		if err := s.guard(ctx, tx, who, models.StepUpRelations, proof); err != nil {
			return ConfirmedRelation{}, err
		}
		return s.confirmIn(ctx, tx, who, request, customer)
	})
}

func (s *Service) confirmIn(ctx context.Context, tx bun.IDB, who models.Principal, request models.AssociationRequest, customer models.Customer) (ConfirmedRelation, error) {
	before := request.State
	if err := request.Become(models.AssociationRequestConfirmed, s.now()); err != nil {
		return ConfirmedRelation{}, err
	}
	blockers, err := s.changeBlockers(ctx, tx, customer, request)
	if err != nil {
		return ConfirmedRelation{}, err
	}
	if err := models.RefusalOf(blockers); err != nil {
		return ConfirmedRelation{}, err
	}
	// Before the relation changes, which cancels what is open.
	if err := updateRequest(ctx, tx, &request); err != nil {
		return ConfirmedRelation{}, err
	}
	done := ConfirmedRelation{Request: request}
	if request.Kind == models.RequestModeSwitch {
		err = s.switchIn(ctx, tx, who, customer, request.Mode, &done)
	} else {
		var ended EndedAssociation
		ended, err = s.leaveIn(ctx, tx, who, customer, string(models.RequestDisassociation))
		done.Ended, done.Transfer = ended.Association, ended.Transfer
		hideTag(who, &done.Ended)
	}
	if err != nil {
		return ConfirmedRelation{}, err
	}
	return done, s.recordRequest(ctx, tx, who, models.EventRelationConfirmed, request, before)
}

// switchIn puts the customer into the other mode of the same partner: one row of its history ends and another begins.
func (s *Service) switchIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, mode models.AssociationMode, done *ConfirmedRelation) error {
	ended, err := s.closeAssociation(ctx, tx, customer)
	if err != nil {
		return err
	}
	began := models.Association{
		ID: s.IDs(models.PrefixAssociation), CustomerID: customer.ID, PartnerID: customer.PartnerID, Mode: mode,
		Source: models.SourceSwitch, Tag: ended.Tag, Since: *ended.Until,
	}
	if err := insertAssociation(ctx, tx, &began); err != nil {
		return err
	}
	after := customer
	after.Mode, after.AssociatedAt, after.UpdatedAt = mode, ended.Until, *ended.Until
	if err := updateCustomerPartner(ctx, tx, &after); err != nil {
		return err
	}
	if err := s.endAuthorizations(ctx, tx, who, customer); err != nil {
		return err
	}
	for _, room := range s.Turns {
		if err := room.TurnIn(ctx, tx, who, after); err != nil {
			return err
		}
	}
	recalled, err := s.recall(ctx, tx, who, customer)
	if err != nil {
		return err
	}
	done.Ended, done.Association, done.Transfer = ended, &began, recalled.Transfer
	hideTag(who, &done.Ended)
	hideTag(who, done.Association)
	data := map[string]any{"associationId": began.ID, "endedAssociationId": ended.ID, "mode": mode}
	if recalled.Transfer != nil {
		data["transferId"] = recalled.Transfer.ID
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventCustomerSwitched, PartnerID: customer.PartnerID, CustomerID: customer.ID, SubjectID: string(customer.ID),
		Fields: []string{"association", "mode"}, Changes: []models.FieldChange{models.Changed("mode", customer.Mode, mode)}, Data: data,
	})
}

// RejectRequest declines what the other side asks. The relation stays as it is.
func (s *Service) RejectRequest(ctx context.Context, who models.Principal, cmd RejectAssociationRequest) (AskedRelation, error) {
	if err := mayDecide(who, cmd.RequestID); err != nil {
		return AskedRelation{}, err
	}
	if cmd.Reason == "" {
		return AskedRelation{}, models.Invalid("reason", "A rejection needs a reason.")
	}
	if err := checkText(cmd.Reason, 256, "reason"); err != nil {
		return AskedRelation{}, err
	}
	return s.close(ctx, who, cmd.RequestID, models.EventRelationRejected, func(request *models.AssociationRequest) error {
		if sideOf(who, request.CustomerID, request.PartnerID) != request.RequestedBy.Other() {
			return ErrOtherDecides
		}
		request.Answer = cmd.Reason
		return request.Become(models.AssociationRequestRejected, s.now())
	})
}

// CancelRequest takes a request of one's own side back.
func (s *Service) CancelRequest(ctx context.Context, who models.Principal, cmd CancelAssociationRequest) (AskedRelation, error) {
	if err := mayDecide(who, cmd.RequestID); err != nil {
		return AskedRelation{}, err
	}
	return s.close(ctx, who, cmd.RequestID, models.EventRelationCancelled, func(request *models.AssociationRequest) error {
		if sideOf(who, request.CustomerID, request.PartnerID) != request.RequestedBy {
			return ErrOtherAsked
		}
		return request.Become(models.AssociationRequestCancelled, s.now())
	})
}

func (s *Service) close(ctx context.Context, who models.Principal, id models.ID, what models.EventType, change func(*models.AssociationRequest) error) (AskedRelation, error) {
	var done AskedRelation
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		request, _, err := s.lockRequest(ctx, tx, who, id)
		if err != nil {
			return err
		}
		before := request.State
		if err := change(&request); err != nil {
			return err
		}
		if err := updateRequest(ctx, tx, &request); err != nil {
			return err
		}
		done.Request = request
		return s.recordRequest(ctx, tx, who, what, request, before)
	})
	if err != nil {
		return AskedRelation{}, err
	}
	return done, nil
}

func mayDecide(who models.Principal, id models.ID) error {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return err
	}
	return id.Require(models.PrefixAssociationRequest, "requestId")
}

// lockRequest locks a request that the caller may see, after its customer as everything does that changes a relation.
func (s *Service) lockRequest(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.AssociationRequest, models.Customer, error) {
	seen, err := selectRequests(ctx, tx, who, []models.ID{id})
	if err != nil || len(seen) == 0 {
		return models.AssociationRequest{}, models.Customer{}, orUnknown(err, ErrRequestUnknown)
	}
	customer, found, err := selectCustomerForUpdate(ctx, tx, seen[0].CustomerID)
	if err != nil || !found {
		return models.AssociationRequest{}, models.Customer{}, orUnknown(err, ErrUnknown)
	}
	request, found, err := selectRequestForUpdate(ctx, tx, id)
	if err != nil || !found {
		return models.AssociationRequest{}, models.Customer{}, orUnknown(err, ErrRequestUnknown)
	}
	return request, customer, nil
}

// dropRequest cancels what is open about a customer that leaves otherwise.
func (s *Service) dropRequest(ctx context.Context, tx bun.IDB, who models.Principal, customer models.ID) error {
	request, found, err := selectOpenRequestForUpdate(ctx, tx, customer)
	if err != nil || !found {
		return err
	}
	before, now := request.State, s.now()
	request.State, request.DecidedAt = models.AssociationRequestCancelled, &now
	if err := updateRequest(ctx, tx, &request); err != nil {
		return err
	}
	return s.recordRequest(ctx, tx, who, models.EventRelationCancelled, request, before)
}
