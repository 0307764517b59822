// Command floor is what the benchmarks hold the product against: net/http handlers with statements and structs written for just
// one question each, through pgx.
//
// One funds a customer with ONE prepared statement, which is one round trip and its own transaction. It writes the same rows of
// the ledger as fundCustomer (the key with its answer, the transfer, two entries, two balances with their floor), so that answers
// can be compared and the same audit judges both. The others answer the queries of bench/queries with the same data, statements
// that do not wait for each other pipelined.
//
// It has none of what surrounds them in the product: no authentication, no permission, no edge between partner and customer, no
// event, no limit, no log, and no choice of fields. It is no part of the product and must never be reachable by anybody.
package main
