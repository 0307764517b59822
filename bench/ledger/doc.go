// Command ledger measures how fast money moves, beside a floor that does nothing else: see docs/performance.md. `make
// bench-ledger` runs it.
//
// It starts its own PostgreSQL, which waits for the disk, and its own Redis; builds and starts the real server and the floor
// as processes of their own; checks that both answer the same; lets them take turns; and after each shape compares the sum of
// what was acknowledged with the balances and runs the ledger's audit. A figure of a wrong ledger is never printed.
package main
