package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// LeaveIn unbinds a customer from the platforms of the partner that it leaves, in the transaction that ends the association:
// from then on no assertion of theirs signs anybody in as this customer, and the sessions that came from there end. The platforms
// are to be told. A later first login binds it again, with its consent.
func (s *Service) LeaveIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	identities, err := deleteIdentitiesOf(ctx, tx, customer.ID)
	if err != nil {
		return err
	}
	for _, identity := range identities {
		if err := s.farewell(ctx, tx, customer, identity); err != nil {
			return err
		}
	}
	platforms, err := deleteAccountsOf(ctx, tx, customer.ID)
	if err != nil {
		return err
	}
	happened := make([]models.Event, len(platforms))
	for i, platform := range platforms {
		happened[i] = models.Event{
			Type: models.EventIdentityUnbound, SubjectID: string(customer.ID), PartnerID: customer.PartnerID, CustomerID: customer.ID,
			Data: map[string]any{"platformId": platform},
		}
	}
	return s.Events.Record(ctx, tx, who, happened...)
}

// PartIn unbinds the customers of a reseller from the platforms of the distributor that it leaves, in the transaction that ends their cooperation,
// as LeaveIn does for one: their partner stays, and has no platform of its own (P12).
func (s *Service) PartIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) error {
	bound, err := selectBoundOf(ctx, tx, reseller.ID)
	if err != nil {
		return err
	}
	for _, customer := range bound {
		if err := s.LeaveIn(ctx, tx, who, customer); err != nil {
			return err
		}
	}
	return nil
}

// farewell ends what a platform signed a person in to and notes that the platform is to be told.
func (s *Service) farewell(ctx context.Context, tx bun.IDB, customer models.Customer, identity models.FederatedIdentity) error {
	if s.Sessions != nil {
		if err := s.Sessions.EndOfPlatformIn(ctx, tx, identity.PlatformID, identity.UserID); err != nil {
			return err
		}
	}
	_, err := s.RecordNotificationIn(ctx, tx, models.BindNotification{
		IdentityID: identity.ID, PlatformID: identity.PlatformID, XAccountID: identity.XAccountID, XUserID: identity.XUserID,
		CustomerID: customer.ID, CustomerName: customer.Name, Action: ActionUnbind,
	})
	return err
}
