package identity

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// owner is whose credential is made: the operator's when both ids are zero.
type owner struct {
	partnerID   models.ID
	partnerKind models.PartnerKind
	customerID  models.ID
}

// kind returns what a person or a program of the owner is.
func (o owner) kind(person bool) models.PrincipalKind {
	switch {
	case o.customerID != "":
		return models.CustomerUser
	case o.partnerID == "":
		return models.Operator
	case person:
		return models.PartnerMember
	}
	return models.PartnerKey
}

// ownerOf decides whose credential who may make. Operators name anybody or nobody; everybody else makes credentials of
// its own organisation only, so naming another is FORBIDDEN before it is looked up.
func ownerOf(ctx context.Context, idb bun.IDB, who models.Principal, partnerID, customerID *models.ID) (owner, error) {
	if partnerID != nil && customerID != nil {
		return owner{}, models.Invalid("customerId", "Give partnerId or customerId, not both.")
	}
	named := owner{partnerID: who.PartnerID, customerID: who.CustomerID}
	if partnerID != nil {
		if err := partnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return owner{}, err
		}
		named = owner{partnerID: *partnerID}
	}
	if customerID != nil {
		if err := customerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return owner{}, err
		}
		named = owner{customerID: *customerID}
	}
	if !who.SeesAll() && (named.partnerID != who.PartnerID || named.customerID != who.CustomerID) {
		return owner{}, models.Forbidden("You make credentials for your own organisation only.")
	}
	return completeOwner(ctx, idb, named)
}

// completeOwner checks that the owner exists and reads a partner's kind.
func completeOwner(ctx context.Context, idb bun.IDB, named owner) (owner, error) {
	switch {
	case named.partnerID != "":
		kind, found, err := selectPartnerKind(ctx, idb, named.partnerID)
		if err == nil && !found {
			err = models.NotFound("partner")
		}
		named.partnerKind = kind
		return named, err
	case named.customerID != "":
		found, err := existsCustomer(ctx, idb, named.customerID)
		if err == nil && !found {
			err = models.NotFound("customer")
		}
		return named, err
	}
	return named, nil
}

// grant returns the permissions of a new credential: those asked for, or with nil all that are possible. None may go
// beyond what the caller has (FORBIDDEN), or beyond what the owner's kind can have at all (INVALID). An empty list and
// unknown permissions are INVALID.
func grant(who models.Principal, possible, asked []models.Permission, field string) ([]models.Permission, error) {
	if asked == nil {
		return intersect(possible, who.Permissions), nil
	}
	if len(asked) == 0 {
		return nil, models.Invalid(field, "Name at least one permission, or leave it out to give all that are possible.")
	}
	for _, permission := range asked {
		switch {
		case !permission.Valid():
			return nil, models.Invalid(field, "There is no such permission.")
		case !who.May(permission):
			return nil, models.Forbidden("You do not have the permission " + string(permission) + " yourself.")
		case !contains(possible, permission):
			return nil, models.Invalid(field, "Such a credential cannot have the permission "+string(permission)+".")
		}
	}
	return intersect(models.AllPermissions(), asked), nil
}

func contains(list []models.Permission, permission models.Permission) bool {
	return models.Principal{Permissions: list}.May(permission)
}

// intersect keeps those of list, which is the caller's to give away, that are also in other.
func intersect(list, other []models.Permission) []models.Permission {
	return slices.DeleteFunc(list, func(permission models.Permission) bool { return !contains(other, permission) })
}
