// Package payouts is how incentives reach the partner that earned them: the certification of its taxes and bank account, and the payouts of
// its confirmed statements.
//
// It owns the tables commercial_certifications, payout_requests, payout_statements, payout_carries and
// payout_preferences. A certification is sealed where it names a bank account and is never changed: what a partner says anew is certified
// anew (M13). A payout takes whole statements, each in one living payout at most, goes through the stages of N04, and moves value once, at its
// last one; what was earned outside statements (sales/staff) is credited here too. It does not own the statements (sales/incentives, which says
// which are confirmed and is told which are done), quotas (sales/coupons), the balance (sales/ledger), nor what keeps money from being withdrawn
// (sales/funds): it asks them in its own transactions.
//
// Neighbours: the API's doors; it uses sales/access, sales/events, sales/files, sales/incentives and sales/ledger.
package payouts
