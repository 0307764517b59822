package models

// AuthorizationScope is what a customer lets its partner do on its behalf (O16).
type AuthorizationScope string

// The scopes.
const (
	AuthorizedToOrder   AuthorizationScope = "ORDER"   // place orders, renew and change what is bought
	AuthorizedToOperate AuthorizationScope = "OPERATE" // start, stop and change what runs
)

// ErrNotAuthorised is how a partner is refused that its customer has not let act for it.
var ErrNotAuthorised = Precondition("NOT_AUTHORISED", "The customer has not authorised its partner to do this (O16); ask with requestAuthorization.")
