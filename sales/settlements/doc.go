// Package settlements lets customers buy on account and pay once a month (O04).
//
// It owns the tables settlement_lines and monthly_settlements: who may owe how much, what was bought on account in which month, and what of that is
// open. The money itself is in the ledger: each customer's account of the kind SETTLEMENT is below zero by what the open parts of its months add up
// to. It does not own orders, which ask it how much of a payment goes on account (sales/orders), nor use on demand, which is paid from the balance
// (sales/billing).
//
// Locks: whoever changes a month has locked the customer's accounts before, so that whoever holds these sees what is owed.
//
// Neighbours: the API's door; sales/orders charges and takes refunds off; sales/funds tells of reversed refunds, through its interface; store/jobs
// calls Settle when a month is over.
package settlements
