package federation

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Binding joins a platform's account and one of its people to a customer and one of its users (2.4).
type Binding struct {
	PlatformID string
	XAccountID string // 1 to 128 characters
	XUserID    string // 1 to 128 characters
	CustomerID models.ID
	UserID     models.ID // one of the customer's users
	PartnerID  models.ID // the platform's owner, who may read the record; may be zero
}

// Identity is who a platform's account and person are here. Person is nil while only the account is bound.
type Identity struct {
	Account models.FederatedAccount
	Person  *models.FederatedIdentity
	// Told is how far the newest notification of the person's binding has come; empty when there is none.
	Told models.BindNotificationState
}

// FindIdentity looks up a platform's account and person with one statement; found is false while the account is unbound.
func (s *Service) FindIdentity(ctx context.Context, platformID, xAccountID, xUserID string) (identity Identity, found bool, err error) {
	return findIdentity(ctx, s.DB, platformID, xAccountID, xUserID)
}

func findIdentity(ctx context.Context, idb bun.IDB, platformID, xAccountID, xUserID string) (Identity, bool, error) {
	row, found, err := selectIdentityOf(ctx, idb, platformID, xAccountID, xUserID)
	if err != nil || !found {
		return Identity{}, false, err
	}
	return row.identity(platformID, xAccountID, xUserID), true, nil
}

func (row identityRow) identity(platformID, xAccountID, xUserID string) Identity {
	identity := Identity{Account: row.FederatedAccount}
	if row.PersonID != "" && row.PersonBoundAt != nil {
		identity.Person = &models.FederatedIdentity{
			ID: row.PersonID, PlatformID: platformID, XAccountID: xAccountID, XUserID: xUserID, UserID: row.UserID, BoundAt: *row.PersonBoundAt,
		}
	}
	if row.NotificationID != "" {
		identity.Told = models.BindNotification{SentAt: row.SentAt, Repeat: row.Repeat}.State()
	}
	return identity
}

// BindIn binds in the caller's transaction. Binding the same again changes nothing; a further person of a bound account
// is added. ErrAlreadyBound when the account belongs to another customer, the customer to another account of the
// platform, or the person to another user; ErrPlatformDisabled; INVALID for ids out of range; NOT_FOUND for a user who is not the customer's.
func (s *Service) BindIn(ctx context.Context, tx bun.IDB, who models.Principal, binding Binding) (Identity, error) {
	if err := binding.check(); err != nil {
		return Identity{}, err
	}
	if belongs, err := existsUserOf(ctx, tx, binding.UserID, binding.CustomerID); err != nil || !belongs {
		if err == nil {
			err = models.NotFound("user")
		}
		return Identity{}, err
	}
	// It may have been switched off since the person arrived.
	if state, err := selectState(ctx, tx, binding.PlatformID); err != nil || state == models.ExposureDisabled {
		if err == nil {
			err = ErrPlatformDisabled
		}
		return Identity{}, err
	}
	now := s.now()
	account := models.FederatedAccount{PlatformID: binding.PlatformID, XAccountID: binding.XAccountID, CustomerID: binding.CustomerID, BoundAt: now}
	person := models.FederatedIdentity{
		ID: s.IDs(models.PrefixFederatedIdentity), PlatformID: binding.PlatformID, XAccountID: binding.XAccountID,
		XUserID: binding.XUserID, UserID: binding.UserID, BoundAt: now,
	}
	// Inserting first and reading after makes two bindings at once wait for each other at the unique index.
	if err := insertBinding(ctx, tx, &account, &person); err != nil {
		return Identity{}, err
	}
	bound, found, err := findIdentity(ctx, tx, binding.PlatformID, binding.XAccountID, binding.XUserID)
	switch {
	case err != nil:
		return Identity{}, err
	case !found, bound.Person == nil, bound.Account.CustomerID != binding.CustomerID, bound.Person.UserID != binding.UserID:
		return Identity{}, ErrAlreadyBound
	case bound.Person.ID != person.ID:
		return bound, nil
	}
	return bound, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventIdentityBound, SubjectID: string(person.ID), PartnerID: binding.PartnerID, CustomerID: binding.CustomerID,
		Data: map[string]any{"platformId": binding.PlatformID, "userId": binding.UserID},
	})
}

func (b Binding) check() error {
	if err := models.CheckPlatformID(b.PlatformID, "platformId"); err != nil {
		return err
	}
	switch {
	case !isKey(b.XAccountID):
		return models.Invalid("xAccountId", "xAccountId has 1 to 128 characters.")
	case !isKey(b.XUserID):
		return models.Invalid("xUserId", "xUserId has 1 to 128 characters.")
	}
	if err := b.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	return b.UserID.Require(models.PrefixUser, "userId")
}

func isKey(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= 128 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
