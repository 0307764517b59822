package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// UnbindIdentity says which binding to end.
type UnbindIdentity struct{ IdentityID models.ID }

// Unbound is a binding that has ended, and the notification that tells its platform.
type Unbound struct {
	IdentityID       models.ID
	BindNotification models.BindNotification
	Delivery         Delivery
}

// Unbind ends a binding: from then on the platform's assertions about this person sign nobody in, and the sessions that came from
// them end. The account is released with its last person. The platform's notification comes back signed, for whoever carries it.
// People of a customer end their own bindings; everybody else needs CUSTOMERS_WRITE and sees the bindings of its customers.
// Unbinding again changes nothing and signs the notification anew. Errors: UNAUTHENTICATED, FORBIDDEN, INVALID, NOT_FOUND.
func (s *Service) Unbind(ctx context.Context, who models.Principal, cmd UnbindIdentity) (Unbound, error) {
	own := who.CustomerID != "" && who.UserID != ""
	if !own {
		if err := access.Require(who, models.WriteCustomers); err != nil {
			return Unbound{}, err
		}
	}
	if err := cmd.IdentityID.Require(models.PrefixFederatedIdentity, "identityId"); err != nil {
		return Unbound{}, err
	}
	var told models.BindNotification
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		identity, found, err := selectIdentity(ctx, tx, who, cmd.IdentityID)
		switch {
		case err != nil:
			return err
		case found && own && identity.UserID != who.UserID:
			return models.NotFound("federated identity")
		case !found:
			told, err = s.unboundBefore(ctx, tx, who, cmd.IdentityID)
			return err
		}
		told, err = s.unbindIn(ctx, tx, who, identity)
		return err
	})
	if err != nil {
		return Unbound{}, err
	}
	delivery, err := s.HandOver(ctx, who, told.ID)
	return Unbound{IdentityID: cmd.IdentityID, BindNotification: delivery.Notification, Delivery: delivery}, err
}

// unboundBefore finds what told of the end of a binding that is gone.
func (s *Service) unboundBefore(ctx context.Context, tx bun.IDB, who models.Principal, identity models.ID) (models.BindNotification, error) {
	told, found, err := selectUnbound(ctx, tx, who, identity)
	if err == nil && !found {
		err = models.NotFound("federated identity")
	}
	return told, err
}

func (s *Service) unbindIn(ctx context.Context, tx bun.IDB, who models.Principal, identity models.FederatedIdentity) (models.BindNotification, error) {
	// The account's row is locked, so that two people who are unbound at once do not each leave it to the other.
	account, found, err := lockAccount(ctx, tx, identity.PlatformID, identity.XAccountID)
	if err != nil || !found {
		return models.BindNotification{}, orNotFound(err, "federated identity")
	}
	if deleted, err := deleteIdentity(ctx, tx, identity); err != nil || !deleted {
		return models.BindNotification{}, orNotFound(err, "federated identity")
	}
	customer, err := selectCustomer(ctx, tx, account.CustomerID)
	if err != nil {
		return models.BindNotification{}, err
	}
	if err := s.farewell(ctx, tx, customer, identity); err != nil {
		return models.BindNotification{}, err
	}
	told, _, err := selectUnbound(ctx, tx, models.SystemPrincipal("unbind"), identity.ID)
	if err != nil {
		return models.BindNotification{}, err
	}
	return told, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventIdentityUnbound, SubjectID: string(identity.ID), PartnerID: customer.PartnerID, CustomerID: customer.ID,
		Data: map[string]any{"platformId": identity.PlatformID, "userId": identity.UserID},
	})
}

func orNotFound(err error, what string) error {
	if err != nil {
		return err
	}
	return models.NotFound(what)
}

// IdentitiesFor returns the bindings of each of these customers that the caller may see, oldest first, with one statement.
// FORBIDDEN without CUSTOMERS_READ.
func (s *Service) IdentitiesFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID][]models.FederatedIdentity, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	of := make(map[models.ID][]models.FederatedIdentity, len(customers))
	if len(customers) == 0 {
		return of, nil
	}
	rows, err := selectIdentities(ctx, s.DB, who, customers)
	for _, row := range rows {
		of[row.CustomerID] = append(of[row.CustomerID], row)
	}
	return of, err
}

// OwnIdentities returns the bindings of the signed-in person, oldest first.
func (s *Service) OwnIdentities(ctx context.Context, who models.Principal) ([]models.FederatedIdentity, error) {
	if who.UserID == "" {
		return nil, nil
	}
	return selectIdentitiesOfUser(ctx, s.DB, who.UserID)
}
