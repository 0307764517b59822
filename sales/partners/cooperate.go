package partners

import (
	"context"
	"maps"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
)

// CooperationValidity is how long the other side has to decide, as long as a customer has for an invitation (C06).
const CooperationValidity = 7 * 24 * time.Hour

// The refusals of asking and deciding; models has those of the cooperation and of the state.
var (
	ErrUnknown            = models.NotFound("partner")
	ErrCooperationUnknown = models.NotFound("cooperation request")
	ErrDistributorInvites = models.Forbidden("Only a distributor invites resellers.")
	ErrResellerAsks       = models.Forbidden("Only a cloud reseller asks a distributor.")
	ErrNoSide             = models.Forbidden("A distributor and its own reseller end their cooperation; operators have endCooperation.")
	ErrOtherDecides       = models.Forbidden("The other side decides about this request.")
	ErrOtherAsked         = models.Forbidden("Only who made this request cancels it.")
)

// Codes checks one-time codes (G04); identity.Codes does. A try is counted before the transaction that uses the code.
type Codes interface {
	Try(ctx context.Context, who models.Principal, purpose models.CodePurpose, code *string) (identity.Proof, error)
	// Guard spends the code where the caller's organisation asks for one, and does nothing elsewhere.
	Guard(ctx context.Context, tx bun.IDB, who models.Principal, action models.StepUpAction, proof identity.Proof) error
}

// InviteReseller asks a reseller to come under the caller, a distributor.
type InviteReseller struct {
	ResellerID models.ID // as the reseller has told it: a partner does not see those that it has nothing to do with
	Reason     string    // for the other side, 1 to 256 characters, no personal data
	Code       *string   // for RELATION_CHANGE, where the caller's organisation asks for one (G04)
}

// RequestCooperation asks a distributor to take the caller, a reseller, on.
type RequestCooperation struct {
	DistributorID models.ID // as the distributor has told it
	Reason        string    // as in InviteReseller
	Code          *string   // as in InviteReseller
}

// RequestCooperationEnd asks the other side to end the cooperation in force.
type RequestCooperationEnd struct {
	ResellerID *models.ID // nil = the caller's own
	Reason     string     // as in InviteReseller
	Code       *string    // as in InviteReseller
}

// AskedCooperation is a request as it is after the operation.
type AskedCooperation struct{ Request models.CooperationRequest }

// InviteReseller invites a partner of the reseller program that has no distributor, in the caller's own country or region (P15). It needs
// RELATIONS_CHANGE and a distributor. An unknown partner is NOT_FOUND; the reasons of PRECONDITION_FAILED are those of models.MayCooperate,
// all of which the details name, and REQUEST_OPEN.
func (s *Service) InviteReseller(ctx context.Context, who models.Principal, cmd InviteReseller) (AskedCooperation, error) {
	if who.PartnerKind != models.Distributor {
		return AskedCooperation{}, refusedAs(who, ErrDistributorInvites)
	}
	wish := models.CooperationRequest{
		Kind: models.CooperationInvitation, RequestedBy: models.SideDistributor, DistributorID: who.PartnerID, ResellerID: cmd.ResellerID, Reason: cmd.Reason,
	}
	return s.ask(ctx, who, "resellerId", cmd.ResellerID, cmd.Code, wish)
}

// RequestCooperation asks a distributor to take the caller on, which reviews it (P15). It needs RELATIONS_CHANGE and a cloud reseller; the
// refusals are those of InviteReseller.
func (s *Service) RequestCooperation(ctx context.Context, who models.Principal, cmd RequestCooperation) (AskedCooperation, error) {
	if who.PartnerKind != models.CloudReseller {
		return AskedCooperation{}, refusedAs(who, ErrResellerAsks)
	}
	wish := models.CooperationRequest{
		Kind: models.CooperationApplication, RequestedBy: models.SideReseller, DistributorID: cmd.DistributorID, ResellerID: who.PartnerID, Reason: cmd.Reason,
	}
	return s.ask(ctx, who, "distributorId", cmd.DistributorID, cmd.Code, wish)
}

// RequestCooperationEnd asks the other side to end the cooperation in force. It needs RELATIONS_CHANGE and one of the two: a distributor
// names its reseller, and anybody else's is NOT_FOUND. Reasons of PRECONDITION_FAILED: NO_COOPERATION and REQUEST_OPEN.
func (s *Service) RequestCooperationEnd(ctx context.Context, who models.Principal, cmd RequestCooperationEnd) (AskedCooperation, error) {
	wish := models.CooperationRequest{Kind: models.CooperationEnd, ResellerID: who.PartnerID, Reason: cmd.Reason}
	if cmd.ResellerID != nil {
		wish.ResellerID = *cmd.ResellerID
	}
	return s.ask(ctx, who, "resellerId", wish.ResellerID, cmd.Code, wish)
}

// refusedAs is the refusal for a caller of the wrong kind, unless it has no credential at all.
func refusedAs(who models.Principal, refusal *models.Error) error {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return err
	}
	return refusal
}

func (s *Service) ask(ctx context.Context, who models.Principal, field string, named models.ID, code *string, wish models.CooperationRequest) (AskedCooperation, error) {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return AskedCooperation{}, err
	}
	if who.PartnerID == "" || who.CustomerID != "" {
		return AskedCooperation{}, ErrNoSide
	}
	if err := named.Require(models.PrefixPartner, field); err != nil {
		return AskedCooperation{}, err
	}
	if err := checkReason(wish.Reason); err != nil {
		return AskedCooperation{}, err
	}
	proof, err := s.try(ctx, who, code)
	if err != nil {
		return AskedCooperation{}, err
	}
	var done AskedCooperation
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if done.Request, err = s.askIn(ctx, tx, who, wish); err != nil {
			return err
		}
		return s.guard(ctx, tx, who, proof)
	})
	if err != nil {
		return AskedCooperation{}, err
	}
	return done, nil
}

func (s *Service) askIn(ctx context.Context, tx bun.IDB, who models.Principal, wish models.CooperationRequest) (models.CooperationRequest, error) {
	now := s.now()
	reseller, err := s.lockReseller(ctx, tx, who, &wish)
	if err != nil {
		return wish, err
	}
	distributor, found, err := selectForShare(ctx, tx, wish.DistributorID)
	if err != nil || !found {
		return wish, orUnknown(err, ErrUnknown)
	}
	if wish.Kind != models.CooperationEnd {
		if err := models.MayCooperate(distributor, reseller); err != nil {
			return wish, err
		}
	}
	// One whose time is over, and that nobody has swept yet, does not stand in the way.
	overdue := selectOverdue(tx, now).Where("crq.distributor_id = ? AND crq.reseller_id = ?", distributor.ID, reseller.ID)
	if err := s.expireIn(ctx, tx, overdue); err != nil {
		return wish, err
	}
	wish.ID, wish.State, wish.ExpiresAt, wish.CreatedAt = s.IDs(models.PrefixCooperationRequest), models.CooperationRequested, now.Add(CooperationValidity), now
	wish.DistributorName, wish.ResellerName = distributor.Name, reseller.Name
	if err := insertRow(ctx, tx, &wish); err != nil {
		if store.Conflicts(err, "cooperation_requests", "distributor_id", "reseller_id") {
			return wish, models.ErrCooperationAskedTwice
		}
		return wish, err
	}
	return wish, s.recordRequest(ctx, tx, who, models.EventCooperationRequested, wish, "")
}

// lockReseller locks the reseller that a wish is about, and completes the wish for an end with the sides. Everything that changes a
// cooperation locks the reseller's row first, then its distributor's, then requests.
func (s *Service) lockReseller(ctx context.Context, tx bun.IDB, who models.Principal, wish *models.CooperationRequest) (models.Partner, error) {
	reseller, found, err := lock(ctx, tx, wish.ResellerID)
	if err != nil || !found {
		return reseller, orUnknown(err, ErrUnknown)
	}
	if wish.Kind != models.CooperationEnd {
		return reseller, nil
	}
	switch wish.RequestedBy = access.CooperationSide(who, reseller.ParentID, reseller.ID); {
	case wish.RequestedBy == "":
		return reseller, ErrUnknown
	case reseller.ParentID == "":
		return reseller, models.ErrNoCooperation
	}
	wish.DistributorID = reseller.ParentID
	return reseller, nil
}

func checkReason(reason string) error {
	if !isText(reason, 256) {
		return models.Invalid("reason", "A reason has 1 to 256 characters, none of them a control character.")
	}
	return nil
}

func (s *Service) try(ctx context.Context, who models.Principal, code *string) (identity.Proof, error) {
	if s.Codes == nil {
		return identity.Proof{}, nil
	}
	return s.Codes.Try(ctx, who, models.CodeRelation, code)
}

// guard asks for the code that the caller's organisation wants for changes of a relation, if it does (G04).
func (s *Service) guard(ctx context.Context, tx bun.IDB, who models.Principal, proof identity.Proof) error {
	if s.Codes == nil {
		return nil
	}
	return s.Codes.Guard(ctx, tx, who, models.StepUpRelations, proof)
}

// orUnknown is the error, or when there is none what was not found.
func orUnknown(err error, unknown *models.Error) error {
	if err != nil {
		return err
	}
	return unknown
}

// recordRequest tells both sides. The reasons that people give stay with the request.
func (s *Service) recordRequest(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, r models.CooperationRequest, before models.CooperationRequestState) error {
	return s.recordBoth(ctx, tx, who, r.ResellerID, models.Event{
		Type: what, PartnerID: r.DistributorID, SubjectID: string(r.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, r.State)},
		Data: map[string]any{
			"kind": r.Kind, "state": r.State, "requestedBy": r.RequestedBy, "distributorId": r.DistributorID, "resellerId": r.ResellerID,
		},
	})
}

// recordBoth records what the event tells the distributor, and notes the same on the reseller's record.
func (s *Service) recordBoth(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.ID, told models.Event) error {
	noted := told
	noted.Type, noted.PartnerID, noted.Data = models.EventCooperationNoted, reseller, map[string]any{"event": told.Type}
	maps.Copy(noted.Data, told.Data)
	return s.Events.Record(ctx, tx, who, told, noted)
}
