// Package customers keeps end customers and whose they are.
//
// It owns the tables customers and associations: making an account with its sealed personal data, associating it with a
// partner in one mode, and finding both. It does not own who signs in for a customer (sales/identity), which platform
// knows it by which id (sales/federation), its money (sales/ledger, sales/funds) or what it buys (sales/orders); whether it
// has bought anything it asks through the interface Purchases.
//
// Neighbours: it uses sales/access and sales/events below it; sales/orders above it asks it for a customer's partner.
package customers
