// Package federation keeps what SAML must remember between two requests: signing keys, requests that wait for their
// answer, assertions that were used, people who are on the create-or-bind page, and who is bound to whom (2.3-2.6).
//
// For a platform as identity provider it also keeps the service providers that are registered there, what they are told and tell
// (2.1-2.7), and the tickets by which a storefront signs its own people in.
//
// It owns the tables federated_accounts, federated_identities, saml_requests, saml_replays, first_logins, signing_keys,
// bind_notifications, service_providers, idp_requests, idp_participants, idp_logouts, sign_in_tickets and cloud_bindings. It does not own a platform's metadata and allowed addresses (sales/exposure), customers
// (sales/customers), people (sales/identity), nor a word of XML (package saml).
//
// Neighbours: package saml reaches it through its own interfaces, which cmd adapts; the create-or-bind page calls it inside
// the transaction that also makes the customer and its user. Operations for callers from outside (service providers, tickets)
// take a principal and ask what it may do; all others are this server's own and ask nobody's permission, except where they take a
// principal for the record. It reads access_configurations, partners, customers and users in SQL, and imports none of their rooms.
package federation
