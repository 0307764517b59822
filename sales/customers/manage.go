package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/identity"
)

// People makes those who sign in; sales/identity does.
type People interface {
	CreateUserIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd identity.CreateUser) (models.User, error)
}

// Platforms finds the enabled platform that serves a partner's customers; sales/exposure does.
type Platforms interface {
	ForPartner(ctx context.Context, partnerID models.ID) (config models.AccessConfiguration, found bool, err error)
}

// Bindings joins a platform's account to a customer before anybody of it has arrived; sales/federation does.
type Bindings interface {
	// BindAccountIn fails with the reason IDENTITY_ALREADY_BOUND when the account is another customer's.
	BindAccountIn(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID, account models.FederatedAccount) error
}

// Running freezes what a customer runs and thaws it; sales/resources does, which lives above this room.
type Running interface {
	FreezeIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error
	ThawIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error
}

// Spending measures what customers have spent; sales/orders does, which lives above this room.
type Spending interface {
	// SpentIn returns what was paid less what was refunded in each of the periods, in minor units, with a fixed number of
	// statements. Who has spent nothing is absent.
	SpentIn(ctx context.Context, db bun.IDB, periods []models.SpendingPeriod) (map[models.ID]int64, error)
}

// Limits counts calls within a window; the cache does.
type Limits interface {
	Allow(ctx context.Context, key string, limit int64, window time.Duration) (bool, time.Duration)
}

// The refusals of managing customers, with machine-readable reasons where the state is at fault.
var (
	// ErrNotOwn refuses a customer that is not the calling partner's own; a reseller's customers are the reseller's to manage.
	ErrNotOwn   = &models.Error{Code: models.CodeNotFound, Message: "There is no such customer of this partner's own; a reseller manages its customers itself."}
	ErrAdvisory = models.Precondition("ADVISORY_CUSTOMER", "An advisory customer contracts with the cloud itself; its partner does not do this to it (C01).")
)

// CustomerChange is a customer as a change leaves it.
type CustomerChange struct {
	Customer models.Customer
}

// change runs what changes one customer in a transaction, with the customer's row locked, and answers with the customer as it is
// afterwards. The partner that the customer belongs to may, and operators.
func (s *Service) change(ctx context.Context, who models.Principal, id models.ID, run func(ctx context.Context, tx bun.IDB, customer *models.Customer) error) (CustomerChange, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return CustomerChange{}, err
	}
	if err := id.Require(models.PrefixCustomer, "customerId"); err != nil {
		return CustomerChange{}, err
	}
	var done CustomerChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		customer, err := s.own(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if err := run(ctx, tx, &customer); err != nil {
			return err
		}
		done.Customer = customer
		return nil
	})
	if err != nil {
		return CustomerChange{}, err
	}
	return done, nil
}

// own locks the row of a customer that the caller may manage.
func (s *Service) own(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Customer, error) {
	customer, found, err := selectCustomerForUpdate(ctx, tx, id)
	switch {
	case err != nil:
		return models.Customer{}, err
	case !who.SeesAll() && (who.PartnerID == "" || who.CustomerID != "" || customer.PartnerID != who.PartnerID):
		return models.Customer{}, ErrNotOwn
	case !found:
		return models.Customer{}, ErrUnknown
	}
	err = s.openPersonal(&customer)
	return customer, err
}

// resaleOrOperator refuses a partner what it may do to customers only whose money is its own.
func resaleOrOperator(who models.Principal, customer models.Customer) error {
	if !who.SeesAll() && customer.Mode != models.Resale {
		return ErrAdvisory
	}
	return nil
}

// associated refuses a customer that has no partner, for what a partner keeps of its customers.
func associated(customer models.Customer) error {
	if customer.PartnerID == "" {
		return ErrNotAssociated
	}
	return nil
}

// happened is an event about a customer, for its partner and itself.
func happened(what models.EventType, customer models.Customer, fields []string, data map[string]any) models.Event {
	return models.Event{
		Type: what, PartnerID: customer.PartnerID, CustomerID: customer.ID, SubjectID: string(customer.ID), Fields: fields, Data: data,
	}
}

// changed is an event about what a write did to fields of a customer.
func changed(what models.EventType, customer models.Customer, data map[string]any, changes ...models.FieldChange) models.Event {
	fields := make([]string, len(changes))
	for i, change := range changes {
		fields[i] = change.Field
	}
	event := happened(what, customer, fields, data)
	event.Changes = changes
	return event
}

// LeaveIn takes away what a partner keeps of a customer that leaves it: labels, account manager, contacts and budget are the
// partner's, and the next one must not find them.
func (s *Service) LeaveIn(ctx context.Context, tx bun.IDB, _ models.Principal, customer models.Customer) error {
	return deleteKept(ctx, tx, customer.ID)
}

var _ Farewell = (*Service)(nil)
