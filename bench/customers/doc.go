// Command customers measures how fast a partner with 100,000 customers lists and filters them, and whether page 2,000 costs what the first one costs: see
// docs/performance.md. `make bench-customers` runs it.
//
// It starts its own PostgreSQL and a SQLite file, fills both with the customers of two partners, and asks the room that the API asks, personal data
// and all. Pages must have the rows that belong there, or there are no figures.
package main
