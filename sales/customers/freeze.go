package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of freezing, with machine-readable reasons.
var (
	ErrAlreadyFrozen    = models.Precondition("ALREADY_FROZEN", "This customer is frozen in this scope already; unfreeze it to freeze less.")
	ErrNotFrozen        = models.Precondition("NOT_FROZEN", "This customer is not frozen.")
	ErrFrozenByOperator = models.Precondition("FROZEN_BY_OPERATOR", "An operator has frozen this customer; only an operator unfreezes it.")
)

// FreezeCustomer says whom to freeze, how far, and why.
type FreezeCustomer struct {
	CustomerID models.ID
	Scope      models.FrozenScope // ACCOUNT or ACCOUNT_AND_RESOURCES
	Reason     string             // for people, 1 to 256 characters, no personal data; the customer sees it
}

// UnfreezeCustomer says whom to unfreeze, and why.
type UnfreezeCustomer struct {
	CustomerID models.ID
	Reason     string // for people, 1 to 256 characters, no personal data; the audit record keeps it
}

// Freeze freezes a customer (C21): it places and pays no orders, and no money moves to or from it; with its resources, what it
// runs is FROZEN too. It may sign in and read everything, for it has to learn why. A customer whose account is frozen may be frozen further.
// Operators freeze anybody, a partner its own resale customers. Reasons of PRECONDITION_FAILED: ADVISORY_CUSTOMER,
// ALREADY_FROZEN, FROZEN_BY_OPERATOR.
func (s *Service) Freeze(ctx context.Context, who models.Principal, cmd FreezeCustomer) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if err := cmd.check(); err != nil {
			return err
		}
		if err := resaleOrOperator(who, *customer); err != nil {
			return err
		}
		by := models.FrozenByPartner
		if who.SeesAll() {
			by = models.FrozenByOperator
		}
		return s.freezeIn(ctx, tx, who, customer, cmd.Scope, cmd.Reason, by)
	})
}

func (cmd FreezeCustomer) check() error {
	if cmd.Scope != models.FrozenAccount && cmd.Scope != models.FrozenAccountAndResources {
		return models.Invalid("scope", "A customer is frozen by ACCOUNT or ACCOUNT_AND_RESOURCES.")
	}
	return checkReason(cmd.Reason, "A freeze needs a reason.")
}

func checkReason(reason, missing string) error {
	if reason == "" {
		return models.Invalid("reason", missing)
	}
	return checkText(reason, 256, "reason")
}

// freezeIn freezes a customer whose row is locked. The row changes before the accounts are locked, see the package's locks.
func (s *Service) freezeIn(ctx context.Context, tx bun.IDB, who models.Principal, customer *models.Customer, scope models.FrozenScope, reason string, by models.FreezeSource) error {
	switch {
	case customer.Frozen == scope, customer.Frozen == models.FrozenAccountAndResources:
		return ErrAlreadyFrozen
	case customer.FrozenBy == models.FrozenByOperator && by != models.FrozenByOperator:
		return ErrFrozenByOperator
	}
	before, now := customer.Frozen, s.now()
	customer.Frozen, customer.FrozenBy, customer.FrozenReason, customer.FrozenAt, customer.UpdatedAt = scope, by, reason, &now, now
	if err := updateCustomerFrozen(ctx, tx, customer); err != nil {
		return err
	}
	if err := s.waitForMoves(ctx, tx, *customer); err != nil {
		return err
	}
	if scope == models.FrozenAccountAndResources {
		if err := s.Running.FreezeIn(ctx, tx, who, *customer); err != nil {
			return err
		}
	}
	return s.Events.Record(ctx, tx, who, changed(models.EventCustomerFrozen, *customer, map[string]any{"scope": scope, "by": by, "reason": reason},
		models.Changed("frozen", before, customer.Frozen)))
}

// waitForMoves opens and locks the customer's accounts, so that money that has begun to move is waited for and what comes later
// sees the customer's row as it is now.
func (s *Service) waitForMoves(ctx context.Context, tx bun.IDB, customer models.Customer) error {
	floor := int64(0)
	if err := s.Ledger.Make(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCustomer, OwnerID: string(customer.ID), Kind: models.AccountBalance, Asset: string(customer.Currency), Floor: &floor,
	}); err != nil {
		return err
	}
	_, err := s.Ledger.LockOwners(ctx, tx, customer.ID)
	return err
}

// Unfreeze ends a freeze; resources that it froze are what they were before. A partner does not end an operator's. Reasons of
// PRECONDITION_FAILED: NOT_FROZEN, FROZEN_BY_OPERATOR, ADVISORY_CUSTOMER.
func (s *Service) Unfreeze(ctx context.Context, who models.Principal, cmd UnfreezeCustomer) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if err := checkReason(cmd.Reason, "The end of a freeze needs a reason."); err != nil {
			return err
		}
		if err := resaleOrOperator(who, *customer); err != nil {
			return err
		}
		switch {
		case customer.Frozen == models.NotFrozen:
			return ErrNotFrozen
		case customer.FrozenBy != models.FrozenByPartner && customer.FrozenBy != models.FrozenByBudget && !who.SeesAll():
			return ErrFrozenByOperator // also when nobody knows who did it
		}
		scope := customer.Frozen
		customer.Frozen, customer.FrozenBy, customer.FrozenReason, customer.FrozenAt, customer.UpdatedAt = models.NotFrozen, "", "", nil, s.now()
		if err := updateCustomerFrozen(ctx, tx, customer); err != nil {
			return err
		}
		if scope == models.FrozenAccountAndResources {
			if err := s.Running.ThawIn(ctx, tx, who, *customer); err != nil {
				return err
			}
		}
		return s.Events.Record(ctx, tx, who, changed(models.EventCustomerUnfrozen, *customer, map[string]any{"scope": scope, "reason": cmd.Reason},
			models.Changed("frozen", scope, customer.Frozen)))
	})
}
