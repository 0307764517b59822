package federation

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// BindAccountIn binds a platform's account to a customer that its partner has created, in the caller's transaction and before anybody of it has
// arrived; the people are bound as they sign in. BoundAt is filled in. Binding the same again changes nothing; ErrAlreadyBound when the account is
// another customer's, or the customer has another account of the platform; INVALID for ids out of range.
func (s *Service) BindAccountIn(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID, account models.FederatedAccount) error {
	if err := models.CheckPlatformID(account.PlatformID, "platformId"); err != nil {
		return err
	}
	if !isKey(account.XAccountID) {
		return models.Invalid("xAccountId", "xAccountId has 1 to 128 characters.")
	}
	account.BoundAt = s.now()
	fresh, err := insertNew(ctx, tx, &account)
	if err != nil {
		return err
	}
	if !fresh {
		bound, found, err := selectAccount(ctx, tx, account.PlatformID, account.XAccountID)
		if err == nil && (!found || bound.CustomerID != account.CustomerID) {
			err = ErrAlreadyBound
		}
		return err
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventAccountBound, SubjectID: string(account.CustomerID), PartnerID: partnerID, CustomerID: account.CustomerID,
		Data: map[string]any{"platformId": account.PlatformID},
	})
}

// BindFirstPerson binds the first person who arrives at an account that was bound before anybody of it came (2.5, CreateSubCustomer) to the
// customer's own user; bound is false when the account is not bound, has a person already, or its customer has nobody who may sign in.
// Of two who arrive at once the first one is.
func (s *Service) BindFirstPerson(ctx context.Context, who models.Principal, platformID, xAccountID, xUserID string, partnerID models.ID) (identity Identity, bound bool, err error) {
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		identity, bound = Identity{}, false
		account, found, err := lockAccount(ctx, tx, platformID, xAccountID)
		if err != nil || !found {
			return err
		}
		if taken, err := existsPersonOf(ctx, tx, platformID, xAccountID); err != nil || taken {
			return err
		}
		user, found, err := selectFirstUser(ctx, tx, account.CustomerID)
		if err != nil || !found {
			return err
		}
		bound = true
		identity, err = s.BindIn(ctx, tx, who, Binding{
			PlatformID: platformID, XAccountID: xAccountID, XUserID: xUserID, CustomerID: account.CustomerID, UserID: user.ID, PartnerID: partnerID,
		})
		return err
	})
	return identity, bound && err == nil, err
}
