// Package partners keeps the companies that sell a cloud: distributors, solution providers and cloud resellers, and the
// tree in which each reseller hangs under exactly one distributor (P11, P12).
//
// It owns the table partners. It does not own their people and keys (sales/identity), their money (sales/funds), their
// customers (sales/customers) or their capability exposure (sales/exposure).
//
// Neighbours: sales/access says which partners a caller sees; sales/events keeps the record.
package partners
