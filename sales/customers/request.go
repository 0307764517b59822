package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// RequestValidity is how long the other side has to decide. It is ours; the vendor does not say.
const RequestValidity = 15 * 24 * time.Hour

// The refusals of requests; models.AssociationRequest has those of its state.
var (
	ErrRequestUnknown = models.NotFound("association request")
	ErrNoSide         = models.Forbidden("A customer and its own partner change their relation; operators have endAssociation.")
	ErrOtherDecides   = models.Forbidden("The other side decides about this request.")
	ErrOtherAsked     = models.Forbidden("Only who made this request cancels it.")
	ErrRequestOpen    = models.Precondition("REQUEST_OPEN", "There is a request about this customer already; it has to be decided or cancelled first.")
)

// RequestModeSwitch asks for the other mode.
type RequestModeSwitch struct {
	CustomerID *models.ID // nil = the caller's own customer
	Mode       models.AssociationMode
	Reason     string  // for the other side, 1 to 256 characters, no personal data
	Code       *string // for RELATION_CHANGE, where the caller's organisation asks for one (G04)
}

// RequestDisassociation asks for the end.
type RequestDisassociation struct {
	CustomerID *models.ID // nil = the caller's own customer
	Reason     string     // for the other side, 1 to 256 characters, no personal data
	Code       *string    // for RELATION_CHANGE, where the caller's organisation asks for one (G04)
}

// AskedRelation is a request as it is after the operation.
type AskedRelation struct {
	Request models.AssociationRequest
}

// RequestModeSwitch asks the other side to change the mode (C11). See RequestDisassociation; the reasons of
// PRECONDITION_FAILED are SAME_MODE and what keeps a customer from resale (C09) as well.
func (s *Service) RequestModeSwitch(ctx context.Context, who models.Principal, cmd RequestModeSwitch) (AskedRelation, error) {
	if err := checkMode(&cmd.Mode); err != nil {
		return AskedRelation{}, err
	}
	return s.ask(ctx, who, cmd.CustomerID, cmd.Code, models.AssociationRequest{Kind: models.RequestModeSwitch, Mode: cmd.Mode, Reason: cmd.Reason})
}

// RequestDisassociation asks the other side to end the relation (C11). It needs RELATIONS_CHANGE, which a partner's
// administrators and customers have; the sides are the customer and the very partner that it belongs to. Reasons of
// PRECONDITION_FAILED: REQUEST_OPEN, ASKED_TOO_RECENTLY (C12) with notBefore in the details, and those of C13.
func (s *Service) RequestDisassociation(ctx context.Context, who models.Principal, cmd RequestDisassociation) (AskedRelation, error) {
	return s.ask(ctx, who, cmd.CustomerID, cmd.Code, models.AssociationRequest{Kind: models.RequestDisassociation, Reason: cmd.Reason})
}

func (s *Service) ask(ctx context.Context, who models.Principal, named *models.ID, code *string, wish models.AssociationRequest) (AskedRelation, error) {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return AskedRelation{}, err
	}
	wish.CustomerID = who.CustomerID
	if named != nil {
		wish.CustomerID = *named
	}
	if err := wish.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return AskedRelation{}, err
	}
	if wish.Reason == "" {
		return AskedRelation{}, models.Invalid("reason", "A request needs a reason.")
	}
	if err := checkText(wish.Reason, 256, "reason"); err != nil {
		return AskedRelation{}, err
	}
	proof, err := s.try(ctx, who, models.CodeRelation, code)
	if err != nil {
		return AskedRelation{}, err
	}
	var done AskedRelation
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if done.Request, err = s.askIn(ctx, tx, who, wish); err != nil {
			return err
		}
		return s.guard(ctx, tx, who, models.StepUpRelations, proof)
	})
	if err != nil {
		return AskedRelation{}, err
	}
	return done, nil
}

func (s *Service) askIn(ctx context.Context, tx bun.IDB, who models.Principal, wish models.AssociationRequest) (models.AssociationRequest, error) {
	customer, err := s.lockVisible(ctx, tx, who, wish.CustomerID)
	if err != nil {
		return wish, err
	}
	if wish.RequestedBy = sideOf(who, customer.ID, customer.PartnerID); wish.RequestedBy == "" {
		return wish, ErrNoSide
	}
	blockers, err := s.changeBlockers(ctx, tx, customer, wish)
	if err != nil {
		return wish, err
	}
	if err := models.RefusalOf(blockers); err != nil {
		return wish, err
	}
	now := s.now()
	asked, err := selectAsked(ctx, tx, customer.ID, now.AddDate(0, -4, 0)) // months have different lengths
	if err != nil {
		return wish, err
	}
	// One whose time is over, and that nobody has swept yet, does not stand in the way.
	if err := s.expireRequestsIn(ctx, tx, selectOverdueRequests(tx, now).Where("arq.customer_id = ?", customer.ID)); err != nil {
		return wish, err
	}
	if notBefore := or(s.Throttle, models.ThrottleChina).NotBefore(asked, wish.Kind, wish.RequestedBy, now); notBefore.After(now) {
		return wish, tooRecently(notBefore)
	}
	association, found, err := selectAssociationInForce(ctx, tx, customer.ID)
	if err != nil || !found {
		return wish, orUnknown(err, ErrNotAssociated)
	}
	wish.ID, wish.PartnerID, wish.AssociationID = s.IDs(models.PrefixAssociationRequest), association.PartnerID, association.ID
	wish.State, wish.ExpiresAt, wish.CreatedAt = models.AssociationRequested, now.Add(RequestValidity), now
	if err := insertRow(ctx, tx, &wish); err != nil {
		if store.Conflicts(err, "association_requests", "customer_id") {
			return wish, ErrRequestOpen
		}
		return wish, err
	}
	return wish, s.recordRequest(ctx, tx, who, models.EventRelationRequested, wish, "")
}

func tooRecently(notBefore time.Time) error {
	refused := models.Precondition("ASKED_TOO_RECENTLY", "This was asked too recently; the rule bounds requests in 3 months (C12).")
	refused.Details["notBefore"] = notBefore.UTC().Format(time.RFC3339)
	return refused
}

// lockVisible locks a customer that the caller may see.
func (s *Service) lockVisible(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Customer, error) {
	if _, found, err := s.ByIDIn(ctx, tx, who, id); err != nil || !found {
		return models.Customer{}, orUnknown(err, ErrUnknown)
	}
	customer, found, err := selectCustomerForUpdate(ctx, tx, id)
	if err != nil || !found {
		return models.Customer{}, orUnknown(err, ErrUnknown)
	}
	return customer, nil
}

// sideOf is the side of a relation that the principal is, or "": a distributor sees its reseller's customers and is no side.
func sideOf(who models.Principal, customer, partner models.ID) models.RelationSide {
	switch {
	case who.CustomerID != "" && who.CustomerID == customer:
		return models.SideCustomer
	case who.CustomerID == "" && who.PartnerID != "" && who.PartnerID == partner:
		return models.SidePartner
	}
	return ""
}

// changeBlockers is what keeps a customer from what a request asks for, now.
func (s *Service) changeBlockers(ctx context.Context, tx bun.IDB, customer models.Customer, wish models.AssociationRequest) ([]models.RelationBlocker, error) {
	facts, err := s.facts(ctx, tx, customer)
	if err != nil {
		return nil, err
	}
	if wish.Kind == models.RequestModeSwitch {
		return facts.SwitchBlockers(wish.Mode), nil
	}
	return facts.DisassociationBlockers(), nil
}

// recordRequest tells both sides. The reasons that people give stay with the request.
func (s *Service) recordRequest(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, r models.AssociationRequest, before models.AssociationRequestState) error {
	data := map[string]any{"kind": r.Kind, "state": r.State, "requestedBy": r.RequestedBy, "associationId": r.AssociationID}
	if r.Mode != "" {
		data["mode"] = r.Mode
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: r.PartnerID, CustomerID: r.CustomerID, SubjectID: string(r.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, r.State)}, Data: data,
	})
}
