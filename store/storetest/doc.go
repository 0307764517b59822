// Package storetest gives every test a migrated database of its own, on both engines.
//
// It owns: the template databases and their copies. It does not own the PostgreSQL server, which TEST_DATABASE_URL names
// and `make test` starts, nor any rows. Neighbours: the tests of store, migrations and every room.
package storetest
