// Package customers keeps end customers and whose they are.
//
// It owns the tables customers and associations: making an account with its sealed personal data, associating it with a
// partner in one mode, and finding both. It does not own who signs in for a customer (sales/identity), which platform
// knows it by which id (sales/federation), its money (sales/ledger, sales/funds) or what it buys (sales/orders); whether it
// has bought anything, or has something to pay, it asks through the interface Purchases. Ending an association moves money:
// that it asks through Recall, and Farewells are the other rooms that have something to do then.
//
// Locks: an association ends by changing the customer's row, before any account is locked; whoever moves money along the
// edge has either locked the accounts before, and is waited for, or finds the edge gone.
//
// Neighbours: it uses sales/access, sales/events and, to remember keys, sales/ledger below it; sales/orders above it asks it for a customer's partner.
package customers
