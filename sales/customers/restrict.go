package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of restricting.
var (
	ErrOperatorRestricts   = models.Forbidden("Only an operator restricts customers.")
	ErrRestrictionUnknown  = models.NotFound("customer restriction")
	ErrRestrictionInForce  = models.Precondition("RESTRICTION_IN_FORCE", "This customer has a restriction of this kind already.")
	ErrRestrictionWasEnded = models.Precondition("RESTRICTION_LIFTED", "This restriction was lifted before.")
)

// RestrictCustomer says something of a customer that stands in the way of its relation.
type RestrictCustomer struct {
	CustomerID models.ID
	Kind       models.CustomerRestrictionKind
	Note       string // for operators, 1 to 500 characters, no personal data
}

// LiftCustomerRestriction ends a restriction.
type LiftCustomerRestriction struct {
	RestrictionID models.ID
}

// RestrictedCustomer is a restriction as it is after the operation.
type RestrictedCustomer struct {
	Restriction models.CustomerRestriction
}

// Restrict sets a restriction (C08, C09, C13). It counts from now on; what is associated stays so. Operators only;
// NOT_FOUND for an unknown customer, ErrRestrictionInForce when there is one of the kind.
func (s *Service) Restrict(ctx context.Context, who models.Principal, cmd RestrictCustomer) (RestrictedCustomer, error) {
	if err := mayRestrict(who); err != nil {
		return RestrictedCustomer{}, err
	}
	if err := cmd.check(); err != nil {
		return RestrictedCustomer{}, err
	}
	restriction := models.CustomerRestriction{
		ID: s.IDs(models.PrefixCustomerRestriction), CustomerID: cmd.CustomerID, Kind: cmd.Kind, Note: cmd.Note, CreatedAt: s.now(),
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Whoever associates the customer has locked its row: it is judged before this, or with it.
		customer, found, err := selectCustomerForUpdate(ctx, tx, cmd.CustomerID)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		if err := insertRow(ctx, tx, &restriction); err != nil {
			if store.Conflicts(err, "customer_restrictions", "customer_id", "kind") {
				return ErrRestrictionInForce
			}
			return err
		}
		return s.recordRestriction(ctx, tx, who, models.EventCustomerRestricted, restriction, customer)
	})
	return RestrictedCustomer{restriction}, err
}

// LiftRestriction ends a restriction. Operators only; ErrRestrictionWasEnded the second time.
func (s *Service) LiftRestriction(ctx context.Context, who models.Principal, cmd LiftCustomerRestriction) (RestrictedCustomer, error) {
	if err := mayRestrict(who); err != nil {
		return RestrictedCustomer{}, err
	}
	if err := cmd.RestrictionID.Require(models.PrefixCustomerRestriction, "restrictionId"); err != nil {
		return RestrictedCustomer{}, err
	}
	var done RestrictedCustomer
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		restriction, found, err := selectRestrictionForUpdate(ctx, tx, cmd.RestrictionID)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrRestrictionUnknown
		case restriction.LiftedAt != nil:
			return ErrRestrictionWasEnded
		}
		now := s.now()
		restriction.LiftedAt = &now
		if err := updateRow(ctx, tx, &restriction, "lifted_at"); err != nil {
			return err
		}
		customer, _, err := s.ByIDIn(ctx, tx, who, restriction.CustomerID)
		if err != nil {
			return err
		}
		done.Restriction = restriction
		return s.recordRestriction(ctx, tx, who, models.EventCustomerUnrestricted, restriction, customer)
	})
	return done, err
}

// RestrictionsFor returns the restrictions in force of each of the customers, for operators; others learn of them as what
// stands in the way. It needs CUSTOMERS_READ.
func (s *Service) RestrictionsFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID][]models.CustomerRestriction, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	byCustomer := make(map[models.ID][]models.CustomerRestriction, len(customers))
	if !who.SeesAll() || len(customers) == 0 {
		return byCustomer, nil
	}
	found, err := selectRestrictions(ctx, s.DB, customers)
	for _, restriction := range found {
		byCustomer[restriction.CustomerID] = append(byCustomer[restriction.CustomerID], restriction)
	}
	return byCustomer, err
}

func mayRestrict(who models.Principal) error {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return err
	}
	if !who.SeesAll() {
		return ErrOperatorRestricts
	}
	return nil
}

func (cmd RestrictCustomer) check() error {
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	if !cmd.Kind.Valid() {
		return models.Invalid("kind", "There is no such restriction.")
	}
	if cmd.Note == "" {
		return models.Invalid("note", "A restriction needs a note.")
	}
	return checkText(cmd.Note, 500, "note")
}

// recordRestriction tells the customer as well, and its partner; the note stays with the operators.
func (s *Service) recordRestriction(ctx context.Context, tx bun.IDB, who models.Principal, event models.EventType, r models.CustomerRestriction, customer models.Customer) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: event, PartnerID: customer.PartnerID, CustomerID: customer.ID, SubjectID: string(customer.ID),
		Data: map[string]any{"restrictionId": r.ID, "kind": r.Kind},
	})
}
