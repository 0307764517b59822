package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The refusals of account managers.
var (
	ErrManagerUnknown = models.NotFound("person of this partner's")
	ErrNoManager      = models.Precondition("NO_ACCOUNT_MANAGER", "This customer has no account manager.")
	ErrManagerActive  = models.Precondition("PERSON_DISABLED", "This person may not sign in and manages no accounts.")
)

// AssignAccountManager says who looks after a customer.
type AssignAccountManager struct {
	CustomerID models.ID
	UserID     models.ID // a person of the customer's partner
}

// RemoveAccountManager says which customer nobody looks after.
type RemoveAccountManager struct {
	CustomerID models.ID
}

// AssignManager makes a person of the partner's the customer's account manager, in the place of whoever it was (C18): a customer has
// one at most. Anybody else's person is NOT_FOUND, a disabled one PERSON_DISABLED.
func (s *Service) AssignManager(ctx context.Context, who models.Principal, cmd AssignAccountManager) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if err := cmd.UserID.Require(models.PrefixUser, "userId"); err != nil {
			return err
		}
		if err := associated(*customer); err != nil {
			return err
		}
		state, found, err := selectPersonForShare(ctx, tx, cmd.UserID, customer.PartnerID)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrManagerUnknown
		case state != models.UserActive:
			return ErrManagerActive
		case customer.AccountManagerID == cmd.UserID:
			return nil
		}
		return s.setManager(ctx, tx, who, customer, cmd.UserID, models.EventAccountManagerAssigned)
	})
}

// RemoveManager leaves a customer without an account manager; NO_ACCOUNT_MANAGER when it has none.
func (s *Service) RemoveManager(ctx context.Context, who models.Principal, cmd RemoveAccountManager) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if customer.AccountManagerID == "" {
			return ErrNoManager
		}
		return s.setManager(ctx, tx, who, customer, "", models.EventAccountManagerRemoved)
	})
}

// setManager tells the partner only: who looks after a customer is its own affair.
func (s *Service) setManager(ctx context.Context, tx bun.IDB, who models.Principal, customer *models.Customer, user models.ID, what models.EventType) error {
	data := map[string]any{}
	if customer.AccountManagerID != "" {
		data["formerUserId"] = customer.AccountManagerID
	}
	if user != "" {
		data["userId"] = user
	}
	change := models.Changed("accountManager", customer.AccountManagerID, user)
	customer.AccountManagerID, customer.UpdatedAt = user, s.now()
	if err := updateCustomer(ctx, tx, customer, "account_manager_id"); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: customer.PartnerID, SubjectID: string(customer.ID), Fields: []string{change.Field}, Changes: []models.FieldChange{change}, Data: data,
	})
}

// ManagersFor returns who looks after the customers, as their own partner and operators may see; customers without anybody are absent.
func (s *Service) ManagersFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID]models.AccountManager, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	rows, err := selectManagers(ctx, s.DB, who, customers)
	found := make(map[models.ID]models.AccountManager, len(rows))
	for _, row := range rows {
		found[row.CustomerID] = row
	}
	return found, err
}
