// Package store opens the database and runs functions in one transaction each.
//
// It owns: the connection pool, the differences between PostgreSQL and SQLite, bounded retry, the translation of driver
// errors into four sentinels, keyset paging, lanes that carry requests out in groups, and the counting and tracing of
// statements.
//
// It does not own: any table or query of the domain (each room's sql.go), the tables' history (package migrations),
// what a value means (package models), or encryption of personal columns (store/seal).
//
// Neighbours: every room takes a *DB and passes bun.Tx or bun.IDB to its own SQL; store/storetest gives tests a
// migrated database on both engines.
package store
