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
