// Package migrations owns the history of the tables: a folder of SQL per engine, embedded, and the runner.
//
// A step is NNNN_name.up.sql with its NNNN_name.down.sql, the same numbers and names on both engines. Steps expand, then
// contract, so that the old and the new binary run side by side. A step that has been released is never edited.
//
// It does not own the meaning of a column (package models) or any query. Neighbours: store opens the database, cmd runs
// `migrate`, store/storetest migrates the databases of the tests.
package migrations
