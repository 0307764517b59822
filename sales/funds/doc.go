// Package funds is money as people see and move it: the balances of partners and customers.
//
// It owns who may see whose money and which kinds of account count as money. It does not own the accounts, which are
// sales/ledger's, nor the payment of orders, which is sales/orders'.
//
// Neighbours: the API's doors read here; it uses sales/ledger and sales/access.
package funds
