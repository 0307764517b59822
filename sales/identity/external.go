package identity

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// EnsureExternalUserIn returns the customer's person whom the storefront knows by this key, and makes it when there is none: without
// a password, so that only the storefront signs it in. INVALID for a key that is not 1 to 128 characters or looks like an id of ours.
// The caller has checked who may do so and holds the customer.
func (s *Service) EnsureExternalUserIn(ctx context.Context, tx bun.IDB, who models.Principal, customerID models.ID, externalID string) (models.User, error) {
	if err := CheckExternalUserID(externalID, "externalUserId"); err != nil {
		return models.User{}, err
	}
	user, found, err := selectUserByExternalID(ctx, tx, customerID, externalID)
	if err != nil || found {
		return user, err
	}
	now, id := s.now(), s.IDs(models.PrefixUser)
	user = models.User{
		ID: id, Kind: models.CustomerUser, CustomerID: customerID, LoginName: string(id), ExternalID: externalID, State: models.UserActive,
		Permissions: models.DefaultPermissions(models.CustomerUser, ""), CreatedAt: now, UpdatedAt: now,
	}
	inserted, err := insertUserOnce(ctx, tx, &user)
	if err != nil {
		return models.User{}, err
	}
	if !inserted { // somebody was faster
		user, found, err = selectUserByExternalID(ctx, tx, customerID, externalID)
		if err == nil && !found {
			err = models.Conflict("This person is being made at the same time; try again.")
		}
		return user, err
	}
	return user, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventUserCreated, SubjectID: string(user.ID), PartnerID: who.PartnerID, CustomerID: customerID,
		Data: map[string]any{"kind": user.Kind, "hasPassword": false},
	})
}

// CheckExternalUserID applies the rule for a storefront's own key of a person. A key that looks like an id of ours could be taken
// for another person where the two stand in one place.
func CheckExternalUserID(id, field string) error {
	n := utf8.RuneCountInString(id)
	if n < 1 || n > 128 || !utf8.ValidString(id) || strings.TrimSpace(id) != id || strings.ContainsFunc(id, unicode.IsControl) {
		return models.Invalid(field, field+" has 1 to 128 characters, no blanks around it and no control characters.")
	}
	if strings.HasPrefix(id, models.PrefixUser+"_") {
		return models.Invalid(field, field+" must not start with "+models.PrefixUser+"_, as our own ids do.")
	}
	return nil
}
