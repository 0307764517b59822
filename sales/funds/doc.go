// Package funds is money as people see and move it: the balances of partners and customers.
//
// It owns who may see whose money, which kinds of account count as money, and the edges along which money moves: between a
// distributor and its reseller, between a partner and its resale customer, and back along the same edge; how money comes in
// from outside (M08): recharges through payment providers or by bank transfer, what arrived at the bank, the claims of those
// who sent it, and the agreements under which somebody else pays; withdrawals: who may withdraw what by which route, the
// review by operators, and the bank cards, sealed; and what has become of the money: statements, past balances, adjustment
// records and the files of statements. It does not own the accounts, which are sales/ledger's, nor the payment of orders,
// which is sales/orders'.
//
// Locks: a move locks the accounts at both ends in the order of their ids and reads the edge afterwards. Whoever ends an edge,
// or freezes a customer, changes that row and then opens and locks the accounts of its lower end, so that it waits for moves
// that have begun, and later ones see what it changed. A withdrawal takes its key, then its own row or, when it is
// submitted, shares its owner's, then locks the account; what it withdraws is held until it ends, however long that takes.
// What comes in from outside takes its key, then locks the claim, the recharge and the remittance in this order, then shares
// the owner's row, then locks the accounts.
//
// Neighbours: the API's doors read and move here; it uses sales/ledger, sales/events and sales/access.
package funds
