// Package ledger is the engine for every value that can move: accounts, transfers, their entries, holds, and the memory of
// requests that must not take effect twice.
//
// It owns the tables accounts, account_floors, transfers, entries, holds and idempotency_keys and keeps their invariants: the entries of a
// transfer sum to zero per asset, a balance never falls below its floor nor into held or earmarked money, an account's
// entries are numbered without a gap and in the order of time, a transfer is reversed at most once, a key takes effect once. Audit proves them.
// It does not own permissions, edges between owners or what a transfer is for: the rooms above decide those, record the
// events, and pass their transaction in. Nothing here begins one, but for Carry, which joins one to a key.
//
// Locks: rows of accounts are locked in the order of their ids, so that transfers wait for each other but never in a
// circle. A transaction that posts more than once calls Lock first, with all its accounts. Once comes before any lock.
// A Batch writes the postings of many requests together.
//
// Neighbours: funds, coupons and orders post here; it uses store and models only.
package ledger
