// Package billing is what customers consumed and how it was paid: the intake of pay-per-use records, their settlement against the
// customer's balance, and the bill lines of use, purchases and refunds with their monthly sums.
//
// It owns the tables usage_records, bill_lines, bill_settlements, bill_debt_payments and bill_months, the rule by which exact amounts
// become minor units, and what stays a debt. Nothing that was billed is overwritten: corrections are lines of their own. It does not own
// prices (sales/catalog rates use), money (sales/ledger), orders (their events are read from the outbox) nor what consumption is worth to a
// partner (sales/incentives, through Performance).
//
// Neighbours: the API's doors; sales/packages, through Packages, which pay for use first; sales/files, through Uploads, for files of records; store/jobs, through Jobs, for settlements.
package billing
