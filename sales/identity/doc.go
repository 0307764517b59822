// Package identity knows who can sign in or call: people with a password, and programs with an API key, of the operator,
// of partners of every kind and of customers (G01-G03).
//
// It owns the tables users, api_keys, verification_codes and step_ups: creating people and keys, checking passwords and secrets,, sending and checking one-time codes, and saying which
// models.Principal stands behind one. A cloud reseller has keys like everybody else, though it has no capability
// exposure (A01). It does not own sessions (package session), federated identities (sales/federation), nor what a
// principal may see (sales/access).
//
// Neighbours: session and the GraphQL door ask it who is there; the first-login page lets it create a person inside a
// transaction of its own. It reads partners.kind and the existence of customers in SQL, and imports neither room.
package identity
