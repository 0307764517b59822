package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of ending an association, with machine-readable reasons. What Recall refuses comes beside them.
var (
	ErrOperatorEnds  = models.Forbidden("Only an operator ends an association.")
	ErrNotAssociated = models.BlockUnlinked.Refusal()
	ErrPendingOrders = models.BlockOrders.Refusal()
	ErrOwes          = models.BlockOwing.Refusal()
)

// EndAssociation says which customer leaves its partner.
type EndAssociation struct {
	CustomerID     models.ID
	Reason         string // for people, 1 to 256 characters, no personal data; the audit record keeps it
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per end
}

// EndedAssociation is what the end did. A repeated key returns the balances of then, not of now; their versions tell.
type EndedAssociation struct {
	Association models.Association
	models.Recalled
}

// EndAssociation ends a customer's association (C14) and takes a resale customer's money back to its partner, exactly once:
// the customer is left with a balance of zero, the partner no longer sees it, and what happened before stays on record. An
// advisory customer's money does not move. Operators only. Reasons of PRECONDITION_FAILED: NOT_ASSOCIATED, CUSTOMER_FROZEN,
// PENDING_PAYMENT_ORDERS, ARREARS and HELD_MONEY (C13). Whatever fails leaves nothing behind and the key free.
func (s *Service) EndAssociation(ctx context.Context, who models.Principal, cmd EndAssociation) (EndedAssociation, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return EndedAssociation{}, err
	}
	if !who.SeesAll() {
		return EndedAssociation{}, ErrOperatorEnds
	}
	if err := cmd.check(); err != nil {
		return EndedAssociation{}, err
	}
	asked := struct {
		CustomerID models.ID
		Reason     string
	}{cmd.CustomerID, cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "endAssociation", asked, func(ctx context.Context, tx bun.IDB) (EndedAssociation, error) {
		return s.endIn(ctx, tx, who, cmd)
	})
}

func (cmd EndAssociation) check() error {
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	if cmd.Reason == "" {
		return models.Invalid("reason", "The end of an association needs a reason.")
	}
	if err := checkText(cmd.Reason, 256, "reason"); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// endIn is the end itself. The customer's row changes before the money is asked for, see the package's locks.
func (s *Service) endIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd EndAssociation) (EndedAssociation, error) {
	customer, found, err := selectCustomerForUpdate(ctx, tx, cmd.CustomerID)
	if err != nil {
		return EndedAssociation{}, err
	}
	if !found {
		return EndedAssociation{}, ErrUnknown
	}
	if err := s.mayLeave(ctx, tx, customer); err != nil {
		return EndedAssociation{}, err
	}
	return s.leaveIn(ctx, tx, who, customer, cmd.Reason)
}

// leaveIn ends the association of a customer whose row the caller has locked, and whom nothing keeps but its money.
func (s *Service) leaveIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, reason string) (EndedAssociation, error) {
	association, err := s.closeAssociation(ctx, tx, customer)
	if err != nil {
		return EndedAssociation{}, err
	}
	left := customer
	left.PartnerID, left.Mode, left.AssociatedAt, left.ExternalID, left.UpdatedAt = "", "", nil, "", *association.Until
	if err := updateCustomerLeft(ctx, tx, &left); err != nil {
		return EndedAssociation{}, err
	}
	if err := s.dropRequest(ctx, tx, who, customer.ID); err != nil {
		return EndedAssociation{}, err
	}
	if err := s.endAuthorizations(ctx, tx, who, customer); err != nil {
		return EndedAssociation{}, err
	}
	for _, room := range s.Farewells {
		if err := room.LeaveIn(ctx, tx, who, customer); err != nil {
			return EndedAssociation{}, err
		}
	}
	done := EndedAssociation{Association: association}
	if done.Recalled, err = s.recall(ctx, tx, who, customer); err != nil {
		return EndedAssociation{}, err
	}
	return done, s.recordEnd(ctx, tx, who, customer, reason, done)
}

// closeAssociation puts the end under the association in force.
func (s *Service) closeAssociation(ctx context.Context, tx bun.IDB, customer models.Customer) (models.Association, error) {
	association, found, err := selectAssociationInForce(ctx, tx, customer.ID)
	if err != nil {
		return models.Association{}, err
	}
	if !found {
		return models.Association{}, ErrNotAssociated
	}
	now := s.now()
	association.Until = &now
	err = updateAssociationEnd(ctx, tx, &association)
	return association, err
}

// recall has the customer's money taken back. Recall locks its accounts, as every settlement does: a debt that one has left since the customer
// was looked at keeps it as well.
func (s *Service) recall(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) (models.Recalled, error) {
	done, err := s.Recall.RecallIn(ctx, tx, who, customer)
	if err != nil {
		return models.Recalled{}, err
	}
	owes, err := s.owes(ctx, tx, customer.ID)
	if err == nil && owes {
		err = ErrOwes
	}
	return done, err
}

// mayLeave applies those of the vendor's obstacles that this server knows of (C13); money is Recall's.
func (s *Service) mayLeave(ctx context.Context, tx bun.IDB, customer models.Customer) error {
	if customer.PartnerID == "" {
		return ErrNotAssociated
	}
	if customer.Frozen != models.NotFrozen {
		return ErrFrozen
	}
	awaits, err := s.Purchases.AwaitsPayment(ctx, tx, customer.ID, s.now())
	if err != nil {
		return err
	}
	if awaits {
		return ErrPendingOrders
	}
	owes, err := s.owes(ctx, tx, customer.ID)
	if err == nil && owes {
		err = ErrOwes
	}
	return err
}

// recordEnd tells both sides, with the storefront's key, which the customer's row no longer has.
func (s *Service) recordEnd(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, reason string, done EndedAssociation) error {
	data := map[string]any{"associationId": done.Association.ID, "mode": done.Association.Mode, "reason": reason}
	if customer.ExternalID != "" {
		data["externalId"] = customer.ExternalID
	}
	if done.Transfer != nil {
		data["transferId"] = done.Transfer.ID
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventCustomerDisassociated, PartnerID: customer.PartnerID, CustomerID: customer.ID, SubjectID: string(customer.ID),
		Fields: []string{"association", "mode"}, Changes: []models.FieldChange{
			models.Changed("association", done.Association.ID, ""), models.Changed("mode", customer.Mode, ""),
		}, Data: data,
	})
}
