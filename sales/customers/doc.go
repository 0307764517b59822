// Package customers keeps end customers and whose they are.
//
// It owns the tables customers, associations, customer_restrictions, customer_reports, invitations, association_requests and authorizations:
// making an account with its sealed personal data, reporting and inviting a prospective one, associating it with a partner in
// one mode, changing that with both sides' consent, and finding all of it. E-mails are written here and sent through Mailer. It does not own who signs in for a customer (sales/identity), which platform
// knows it by which id (sales/federation), its money (sales/ledger, sales/funds) or what it buys (sales/orders); whether it
// has bought anything, or has something to pay, it asks through the interfaces Purchases and Debts. Ending an association moves money:
// that it asks through Recall; Farewells and Turns are the other rooms that have something to do then.
//
// Locks: an association ends by changing the customer's row, before any account is locked; whoever moves money along the
// edge has either locked the accounts before, and is waited for, or finds the edge gone. Everything that changes a relation
// locks the customer first, then an invitation, then a report or a request.
//
// Neighbours: it uses sales/access, sales/events and, to remember keys, sales/ledger below it; sales/orders above it asks it for a customer's partner.
package customers
