// Command incentives measures how long a month of bill lines takes to become performance and statements: counting, in batches as settlements
// and orders bring them, and accrual, which is cut short once and begun again. It compares the statements with sums made by hand, prints the
// largest heap, and fails when anything differs. make bench-incentives runs it on both engines.
package main
