package access

import "github.com/partnergraph/partnergraph/models"

// Require returns nil when the principal has the permission, UNAUTHENTICATED when there is no credential, and FORBIDDEN
// otherwise.
func Require(who models.Principal, permission models.Permission) error {
	switch {
	case who.May(permission):
		return nil
	case who.IsAnonymous():
		return models.Unauthenticated("Sign in, or send an API key as a bearer token.")
	}
	return models.Forbidden("This credential does not have the permission " + string(permission) + ".")
}
