// Package incentives is what partners earn: the policies, what each consumption counts as performance, the statement of each
// reconciliation period and the lines that explain it.
//
// It owns the tables incentive_versions, incentive_policies, performance_lines, performance_months, incentive_statements, incentive_lines,
// company_identities, incentive_transfers and incentive_transfer_items, what moves from one account of a company to another (N12), and the rules by
// which a statement follows from its performance lines and their policies. A performance line is written once, in the transaction that
// bills the consumption, and says which policy counts it and why it counts nothing, and is added to the monthly sum that it falls under; a statement is an estimate, worked out again and again,
// until its month is closed, and stands from then on. It does not own the bills (sales/billing calls CountIn) nor the payout.
//
// Neighbours: the API's doors read here; it uses sales/access, sales/events, sales/ledger for keys, and sales/catalog to read files.
package incentives
