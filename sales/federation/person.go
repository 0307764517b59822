package federation

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// PlatformPerson is somebody whom a platform, as identity provider, may name to service providers.
type PlatformPerson struct {
	User models.User
	// CustomerID is the customer whose person it is; one of the platform owner or of its resellers.
	CustomerID models.ID
	// UserKey and AccountKey are xUserId and xAccountId (2.4): the storefront's own keys, else our ids. They are unique per platform.
	UserKey, AccountKey string
}

// PersonOn returns what a signed-in user is on a platform; found is false for whoever may not sign in there: people who are no
// customer's, whose customer belongs to another platform's partner, or who are disabled.
func (s *Service) PersonOn(ctx context.Context, platformID string, userID models.ID) (person PlatformPerson, found bool, err error) {
	config, found, err := platformByID(ctx, s.DB, platformID)
	if err != nil || !found {
		return PlatformPerson{}, false, err
	}
	user, found, err := selectUserByID(ctx, s.DB, userID)
	if err != nil || !found || user.State != models.UserActive || user.CustomerID == "" {
		return PlatformPerson{}, false, err
	}
	customer, found, err := selectServedCustomer(ctx, s.DB, config.PartnerID, user.CustomerID)
	if err != nil || !found {
		return PlatformPerson{}, false, err
	}
	person = PlatformPerson{User: user, CustomerID: customer.ID, UserKey: user.ExternalID, AccountKey: accountKey(customer, config.PartnerID)}
	if person.UserKey == "" {
		person.UserKey = string(user.ID)
	}
	return person, true, nil
}

// accountKey is the xAccountId of a customer on a platform. A storefront's key counts only for customers of the platform's owner: two
// resellers may use the same one, and a cloud would take their customers for one account. Nor does a key that looks like an id of ours.
func accountKey(customer models.Customer, owner models.ID) string {
	if customer.PartnerID == owner && customer.ExternalID != "" && !strings.HasPrefix(customer.ExternalID, models.PrefixCustomer+"_") {
		return customer.ExternalID
	}
	return string(customer.ID)
}

// resolve finds who an xAccountId and xUserId are on a platform: the inverse of accountKey and UserKey. Zero ids where there is nobody.
func (s *Service) resolve(ctx context.Context, idb bun.IDB, owner models.ID, account, user string) (customerID, userID models.ID, err error) {
	if account == "" { // a cloud may name the person alone
		person, found, err := selectUserByID(ctx, idb, models.ID(user))
		if err != nil || !found {
			return "", "", err
		}
		account = string(person.CustomerID)
	}
	var customer models.Customer
	var found bool
	if strings.HasPrefix(account, models.PrefixCustomer+"_") {
		customer, found, err = selectServedCustomer(ctx, idb, owner, models.ID(account))
	} else {
		customer, found, err = selectCustomerByExternalID(ctx, idb, owner, account)
	}
	if err != nil || !found {
		return "", "", err
	}
	column := "external_id"
	if strings.HasPrefix(user, models.PrefixUser+"_") {
		column = "id"
	}
	person, found, err := selectUserOf(ctx, idb, customer.ID, column, user)
	if err != nil || !found {
		return customer.ID, "", err
	}
	return customer.ID, person.ID, nil
}
