// Package funds is money as people see and move it: the balances of partners and customers.
//
// It owns who may see whose money, which kinds of account count as money, and the edges along which money moves: between a
// distributor and its reseller, between a partner and its resale customer, and back along the same edge; and what has
// become of it: statements, past balances, adjustment records and the files of statements. It does not own the accounts, which
// are sales/ledger's, nor the payment of orders, which is sales/orders'.
//
// Locks: a move takes its idempotency key, then shares the rows of the customer and of the reseller that make up the edge,
// then locks the accounts in the order of their ids. Whoever ends an edge locks that row for update before any account.
//
// Neighbours: the API's doors read and move here; it uses sales/ledger, sales/events and sales/access.
package funds
