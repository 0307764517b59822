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

// LookUpCompanies returns nil for whoever may look companies up (C23): with COMPANIES_READ, operators, solution providers and distributors. It
// is FORBIDDEN for cloud resellers and customers, whatever their credential says.
func LookUpCompanies(who models.Principal) error {
	if err := Require(who, models.ReadCompanies); err != nil {
		return err
	}
	if who.SeesAll() || who.CustomerID == "" && (who.PartnerKind == models.SolutionProvider || who.PartnerKind == models.Distributor) {
		return nil
	}
	return models.Forbidden("Companies are looked up by solution providers and distributors.")
}
