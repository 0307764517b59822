// Package seed fills an empty, migrated database with a partner network large enough to measure on: the generator behind
// `partnergraph seed`.
//
// It owns: what the made-up network looks like (who sells to whom, what was ordered, what runs, what is on the accounts)
// and how such a number of rows gets into PostgreSQL (COPY) and SQLite (multi-row inserts) quickly. Every row is a pure
// function of the options and its own number, so chunks are made in parallel, in any order, with flat memory, and two
// databases seeded alike hold the same rows, ids and times included.
//
// It does not own: the tables (migrations), the nouns (models) or any operation of a room. It writes rows directly,
// because it tells a history and does not live it: there are no events, no idempotency keys, no people, no API keys and no
// access configurations. Orders are imported history and carry no transfer; the ledger holds one opening transfer for
// each owner, and every invariant of its audit is true of that.
//
// Neighbours: cmd/partnergraph calls Run; store gives it the database; bench measures on what it made.
package seed
