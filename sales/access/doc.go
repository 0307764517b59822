// Package access decides what a principal may do and which rows it may see.
//
// It owns the one query scope of every noun, which each list, lookup, count and nested field applies, and the check of
// permissions. It does not own the permissions a credential has (sales/identity) nor the tables (the rooms). A row that
// a scope hides does not exist for the caller: rooms answer NOT_FOUND, counts leave it out.
//
// It also answers dashboards, whose rules two rooms' monthly sums share.
//
// Neighbours: every room above uses it; it uses models, store and bun only.
package access
