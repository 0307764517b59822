package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
)

// Codes checks one-time codes (G04); identity.Codes does. A try is counted before the transaction that uses the code, so
// that a refusal does not take the count back.
type Codes interface {
	Try(ctx context.Context, who models.Principal, purpose models.CodePurpose, code *string) (identity.Proof, error)
	// Use spends the code, or refuses with the reason that Try has found.
	Use(ctx context.Context, tx bun.IDB, who models.Principal, proof identity.Proof) error
	// Guard is Use where the caller's organisation asks for a code, and nothing elsewhere.
	Guard(ctx context.Context, tx bun.IDB, who models.Principal, action models.StepUpAction, proof identity.Proof) error
}

// The refusals of authorisations; models.Authorization has those of its state.
var (
	ErrAuthorizationUnknown = models.NotFound("authorisation")
	ErrPartnerAsks          = models.Forbidden("Only the customer's own partner asks for an authorisation.")
	ErrCustomerGrants       = models.Forbidden("Only the customer grants or refuses an authorisation.")
	ErrSideRevokes          = models.Forbidden("Only the customer and its own partner revoke an authorisation.")
)

// RequestAuthorization asks a customer to let its partner act for it.
type RequestAuthorization struct {
	CustomerID models.ID
	Scope      models.AuthorizationScope
	Reason     string           // for the customer, 1 to 256 characters, no personal data
	ValidUntil time.Time        // later than now, at most AuthorizationYears from now
	Language   *models.Language // of the letter; nil = EN
}

// GrantAuthorization agrees to a request.
type GrantAuthorization struct {
	AuthorizationID models.ID
	Code            string // for GRANT_AUTHORIZATION
}

// RefuseAuthorization declines a request.
type RefuseAuthorization struct {
	AuthorizationID models.ID
	Reason          string // for the partner, 1 to 256 characters, no personal data
}

// RevokeAuthorization takes an authorisation, or a request for one, back.
type RevokeAuthorization struct {
	AuthorizationID models.ID
	Reason          string  // for the other side, 1 to 256 characters, no personal data
	Code            *string // for REVOKE_AUTHORIZATION; the customer's alone
}

// AuthorizationChange is an authorisation as it is after the operation.
type AuthorizationChange struct {
	Authorization models.Authorization
}

// RequestAuthorization asks a resale customer to let its partner act within a scope (O16). The customer's own partner with
// CUSTOMERS_WRITE; the customer gets a letter where this server sends any. Reasons of PRECONDITION_FAILED: NOT_ASSOCIATED,
// ADVISORY_BUYS_ITSELF, AUTHORISATION_OPEN.
func (s *Service) RequestAuthorization(ctx context.Context, who models.Principal, cmd RequestAuthorization) (AuthorizationChange, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return AuthorizationChange{}, err
	}
	now := s.now()
	if err := cmd.check(now); err != nil {
		return AuthorizationChange{}, err
	}
	language := models.English
	if cmd.Language != nil {
		language = *cmd.Language
	}
	asked := models.Authorization{
		ID: s.IDs(models.PrefixAuthorization), CustomerID: cmd.CustomerID, Scope: cmd.Scope, State: models.AuthorizationRequested, Reason: cmd.Reason,
		Language: language, ValidUntil: cmd.ValidUntil.UTC().Truncate(time.Microsecond), CreatedAt: now,
	}
	asked.DecideBy = now.Add(models.AuthorizationDecision)
	if asked.ValidUntil.Before(asked.DecideBy) {
		asked.DecideBy = asked.ValidUntil
	}
	asked.ClosesAt = asked.DecideBy
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		customer, err := s.lockVisible(ctx, tx, who, cmd.CustomerID)
		if err != nil {
			return err
		}
		if sideOf(who, customer.ID, customer.PartnerID) != models.SidePartner {
			return ErrPartnerAsks
		}
		if customer.Mode != models.Resale {
			return models.ErrAdvisoryBuys
		}
		association, found, err := selectAssociationInForce(ctx, tx, customer.ID)
		if err != nil || !found {
			return orUnknown(err, ErrNotAssociated)
		}
		// One whose time is over, and that nobody has swept yet, does not stand in the way.
		if err := s.expireAuthorizationsIn(ctx, tx, selectOverdueAuthorizations(tx, now).Where("aut.customer_id = ?", customer.ID)); err != nil {
			return err
		}
		asked.PartnerID, asked.AssociationID = customer.PartnerID, association.ID
		if err := insertRow(ctx, tx, &asked); err != nil {
			if store.Conflicts(err, "authorizations", "customer_id") {
				return models.ErrAuthorizationOpen
			}
			return err
		}
		return s.recordAuthorization(ctx, tx, who, models.EventAuthorizationRequested, asked, "")
	})
	if err != nil {
		return AuthorizationChange{}, err
	}
	return AuthorizationChange{Authorization: asked}, nil
}

func (cmd RequestAuthorization) check(now time.Time) error {
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	if !cmd.Scope.Valid() {
		return models.Invalid("scope", "The scope is ORDER or OPERATE.")
	}
	if cmd.Reason == "" {
		return models.Invalid("reason", "A request needs a reason.")
	}
	if err := checkText(cmd.Reason, 256, "reason"); err != nil {
		return err
	}
	if !cmd.ValidUntil.After(now) || cmd.ValidUntil.After(now.AddDate(models.AuthorizationYears, 0, 0)) {
		return models.Invalid("validUntil", "An authorisation ends after now, and within a year.")
	}
	return models.CheckLanguage(cmd.Language, "language")
}

// GrantAuthorization lets the partner act from now on (O16). The customer, with RELATIONS_CHANGE and a one-time code for
// GRANT_AUTHORIZATION. Reasons of PRECONDITION_FAILED: those of the authorisation's state and of the code (G04).
func (s *Service) GrantAuthorization(ctx context.Context, who models.Principal, cmd GrantAuthorization) (AuthorizationChange, error) {
	if err := mayDecideAuthorization(who, cmd.AuthorizationID, ""); err != nil {
		return AuthorizationChange{}, err
	}
	proof, err := s.try(ctx, who, models.CodeGrantAuthorization, &cmd.Code)
	if err != nil {
		return AuthorizationChange{}, err
	}
	return s.changeAuthorization(ctx, who, cmd.AuthorizationID, models.EventAuthorizationGranted, func(ctx context.Context, tx bun.IDB, a *models.Authorization) error {
		if who.CustomerID == "" {
			return ErrCustomerGrants
		}
		if err := a.Become(models.AuthorizationGranted, s.now()); err != nil {
			return err
		}
		return s.Codes.Use(ctx, tx, who, proof)
	})
}

// RefuseAuthorization declines a request (O16). The customer, with RELATIONS_CHANGE.
func (s *Service) RefuseAuthorization(ctx context.Context, who models.Principal, cmd RefuseAuthorization) (AuthorizationChange, error) {
	if err := mayDecideAuthorization(who, cmd.AuthorizationID, cmd.Reason); err != nil {
		return AuthorizationChange{}, err
	}
	if cmd.Reason == "" {
		return AuthorizationChange{}, models.Invalid("reason", "A refusal needs a reason.")
	}
	return s.changeAuthorization(ctx, who, cmd.AuthorizationID, models.EventAuthorizationRefused, func(_ context.Context, _ bun.IDB, a *models.Authorization) error {
		if who.CustomerID == "" {
			return ErrCustomerGrants
		}
		a.Answer, a.EndedBy = cmd.Reason, models.SideCustomer
		return a.Become(models.AuthorizationRefused, s.now())
	})
}

// RevokeAuthorization ends an authorisation at once, or takes a request back (O16). Either side, with RELATIONS_CHANGE and a
// reason; the customer with a one-time code for REVOKE_AUTHORIZATION as well. What was done under it stays done.
func (s *Service) RevokeAuthorization(ctx context.Context, who models.Principal, cmd RevokeAuthorization) (AuthorizationChange, error) {
	if err := mayDecideAuthorization(who, cmd.AuthorizationID, cmd.Reason); err != nil {
		return AuthorizationChange{}, err
	}
	if cmd.Reason == "" {
		return AuthorizationChange{}, models.Invalid("reason", "A revocation needs a reason.")
	}
	var proof identity.Proof
	if who.CustomerID != "" {
		var err error
		if proof, err = s.try(ctx, who, models.CodeRevokeAuthorization, cmd.Code); err != nil {
			return AuthorizationChange{}, err
		}
	}
	return s.changeAuthorization(ctx, who, cmd.AuthorizationID, models.EventAuthorizationRevoked, func(ctx context.Context, tx bun.IDB, a *models.Authorization) error {
		side := sideOf(who, a.CustomerID, a.PartnerID)
		if side == "" {
			return ErrSideRevokes
		}
		a.Answer, a.EndedBy = cmd.Reason, side
		if err := a.Become(models.AuthorizationRevoked, s.now()); err != nil || side == models.SidePartner {
			return err
		}
		return s.Codes.Use(ctx, tx, who, proof)
	})
}

// try counts a try of a code, before the transaction that is to use it.
func (s *Service) try(ctx context.Context, who models.Principal, purpose models.CodePurpose, code *string) (identity.Proof, error) {
	if s.Codes == nil {
		return identity.Proof{}, nil
	}
	return s.Codes.Try(ctx, who, purpose, code)
}

// guard asks for the code that the caller's organisation wants for an action, if it does (G04).
func (s *Service) guard(ctx context.Context, tx bun.IDB, who models.Principal, action models.StepUpAction, proof identity.Proof) error {
	if s.Codes == nil {
		return nil
	}
	return s.Codes.Guard(ctx, tx, who, action, proof)
}

func mayDecideAuthorization(who models.Principal, id models.ID, reason string) error {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return err
	}
	if err := id.Require(models.PrefixAuthorization, "authorizationId"); err != nil {
		return err
	}
	return checkText(reason, 256, "reason")
}

// changeAuthorization changes one that the caller may see, after it has locked its customer as everything does that changes
// a relation.
func (s *Service) changeAuthorization(ctx context.Context, who models.Principal, id models.ID, what models.EventType,
	change func(ctx context.Context, tx bun.IDB, a *models.Authorization) error,
) (AuthorizationChange, error) {
	var done AuthorizationChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		seen, err := selectAuthorizations(ctx, tx, who, []models.ID{id})
		if err != nil || len(seen) == 0 {
			return orUnknown(err, ErrAuthorizationUnknown)
		}
		if _, found, err := selectCustomerForUpdate(ctx, tx, seen[0].CustomerID); err != nil || !found {
			return orUnknown(err, ErrUnknown)
		}
		row, found, err := selectAuthorizationForUpdate(ctx, tx, id)
		if err != nil || !found {
			return orUnknown(err, ErrAuthorizationUnknown)
		}
		before := row.State
		if err := change(ctx, tx, &row); err != nil {
			return err
		}
		if err := updateAuthorization(ctx, tx, &row); err != nil {
			return err
		}
		done.Authorization = row
		return s.recordAuthorization(ctx, tx, who, what, row, before)
	})
	if err != nil {
		return AuthorizationChange{}, err
	}
	return done, nil
}

// endAuthorizations ends what a customer has granted to the partner that it leaves, or that it no longer is a resale customer
// of. The caller has locked the customer.
func (s *Service) endAuthorizations(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	rows, err := selectLiveAuthorizationsForUpdate(ctx, tx, customer.ID)
	if err != nil {
		return err
	}
	for i := range rows {
		before, now := rows[i].State, s.now()
		rows[i].State, rows[i].EndedAt = models.AuthorizationEnded, &now
		if err := updateAuthorization(ctx, tx, &rows[i]); err != nil {
			return err
		}
		if err := s.recordAuthorization(ctx, tx, who, models.EventAuthorizationEnded, rows[i], before); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) expireAuthorizationsIn(ctx context.Context, tx bun.IDB, overdue *bun.SelectQuery) error {
	var rows []models.Authorization
	if err := overdue.Scan(ctx, &rows); err != nil {
		return store.Translate(err)
	}
	for i := range rows {
		before := rows[i].State
		if err := rows[i].Become(models.AuthorizationExpired, s.now()); err != nil {
			return err
		}
		if err := updateAuthorization(ctx, tx, &rows[i]); err != nil {
			return err
		}
		err := s.recordAuthorization(ctx, tx, models.SystemPrincipal("relations"), models.EventAuthorizationExpired, rows[i], before)
		if err != nil {
			return err
		}
	}
	return nil
}

// recordAuthorization tells both sides. The reasons that people give stay with the authorisation. before is the state that it
// had, the same as now for an act under it.
func (s *Service) recordAuthorization(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, a models.Authorization, before models.AuthorizationState) error {
	event := models.Event{
		Type: what, PartnerID: a.PartnerID, CustomerID: a.CustomerID, SubjectID: string(a.ID),
		Data: map[string]any{"scope": a.Scope, "state": a.State, "validUntil": a.ValidUntil.UTC().Format(time.RFC3339)},
	}
	if what != models.EventAuthorizationUsed {
		event.Fields, event.Changes = []string{"state"}, []models.FieldChange{models.Changed("state", before, a.State)}
	}
	if a.EndedBy != "" {
		event.Data["endedBy"] = a.EndedBy
	}
	return s.Events.Record(ctx, tx, who, event)
}
