// Package federation keeps what SAML must remember between two requests: signing keys, requests that wait for their
// answer, assertions that were used, people who are on the create-or-bind page, and who is bound to whom (2.3-2.6).
//
// It owns the tables federated_accounts, federated_identities, saml_requests, saml_replays, first_logins, signing_keys and
// bind_notifications. It does not own a platform's metadata and allowed addresses (sales/exposure), customers
// (sales/customers), people (sales/identity), nor a word of XML (package saml).
//
// Neighbours: package saml reaches it through its own interfaces, which cmd adapts; the create-or-bind page calls it inside
// the transaction that also makes the customer and its user. Its operations are this server's own and ask nobody's
// permission, except where they take a principal for the record.
package federation
