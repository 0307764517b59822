package identity

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// UserByID returns a person, for this server's own use: it asks nobody's permission. NOT_FOUND when there is none.
func (s *Service) UserByID(ctx context.Context, id models.ID) (models.User, error) {
	user, _, found, err := selectUser(ctx, s.DB, id)
	if err == nil && !found {
		err = models.NotFound("user")
	}
	return user, err
}

// PrincipalOf returns what the person is as a caller. A disabled person is UNAUTHENTICATED.
func (s *Service) PrincipalOf(ctx context.Context, user models.User) (models.Principal, error) {
	_, who, err := s.SignedIn(ctx, user.ID)
	return who, err
}

// SignedIn returns the person as it is now and what it is as a caller, in one statement. UNAUTHENTICATED when there is
// no such person any more or it is disabled.
func (s *Service) SignedIn(ctx context.Context, id models.ID) (models.User, models.Principal, error) {
	user, partnerKind, found, err := selectUser(ctx, s.DB, id)
	if err != nil {
		return models.User{}, models.Principal{}, err
	}
	if err := s.CheckActive(user); !found || err != nil {
		return models.User{}, models.Principal{}, errNoLongerValid()
	}
	return user, models.Principal{
		Kind: user.Kind, UserID: user.ID, PartnerID: user.PartnerID, PartnerKind: partnerKind, CustomerID: user.CustomerID,
		Permissions: intersect(models.DefaultPermissions(user.Kind, partnerKind), user.Permissions),
	}, nil
}

// CheckActive is UNAUTHENTICATED for a person who may not sign in, as the zero user is.
func (*Service) CheckActive(user models.User) error {
	if user.State != models.UserActive {
		return errNoLongerValid()
	}
	return nil
}

func errNoLongerValid() error { return models.Unauthenticated("This sign-in is no longer valid.") }

// Self returns the signed-in person behind the principal, or nil when there is none, as behind an API key.
func (s *Service) Self(ctx context.Context, who models.Principal) (*models.User, error) {
	if who.UserID == "" {
		return nil, nil
	}
	user, err := s.UserByID(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	return &user, nil
}

// NextEpochIn ends all sessions that the person has so far, in the caller's transaction, and returns the person with its
// new epoch. NOT_FOUND when there is no such person. The caller has checked who may do so.
func (s *Service) NextEpochIn(ctx context.Context, tx bun.IDB, id models.ID) (models.User, error) {
	user, found, err := updateEpoch(ctx, tx, id, s.now())
	if err == nil && !found {
		err = models.NotFound("user")
	}
	return user, err
}
