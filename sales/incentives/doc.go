// Package incentives is what partners earn: the statement of each reconciliation period and the lines that explain it.
//
// It owns the tables incentive_statements and incentive_lines and the rule that a statement is the sum of its lines and a
// line its performance times its rate. It does not own the bills that performance comes from, nor the payout.
//
// Neighbours: the API's doors read here; it uses sales/access.
package incentives
