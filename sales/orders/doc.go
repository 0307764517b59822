// Package orders leads an order through its life: placed, paid or cancelled, provisioned, completed.
//
// It owns the tables orders and order_items, the payment of an order and the seam to the clouds (Driver), with a simulator
// for demonstrations and tests. It does not own money (sales/ledger moves it), resources once they exist
// (sales/resources), prices (sales/catalog) or the addresses that customers go back to after payment (sales/exposure).
//
// Neighbours: sales/events delivers the event of a payment to Provision; sales/customers says whose a customer is.
package orders
