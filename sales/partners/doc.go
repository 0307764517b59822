// Package partners keeps the companies that sell a cloud: distributors, solution providers and cloud resellers, and the
// tree in which each reseller hangs under one distributor at most (P11, P12), with the history of who was whose.
//
// It owns the tables partners, cooperations, cooperation_requests, reseller_managers and reseller_upgrades. It does not own their people and keys (sales/identity), their
// money (sales/funds), their coupons (sales/coupons), their customers (sales/customers) or their capability exposure (sales/exposure); what becomes
// of these at the end of a cooperation it asks through Recall and Farewell, and what a reseller sold
// through Performance.
//
// Locks: everything that changes a cooperation locks the reseller's row, then reads its distributor's, then locks requests, and then has accounts locked.
// Whoever moves money between the two has either locked the accounts before, and is waited for, or finds the edge gone.
//
// Neighbours: sales/access says which partners a caller sees; sales/events keeps the record; sales/ledger remembers keys.
package partners
