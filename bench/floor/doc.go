// Command floor is what the benchmarks hold the product against: a net/http handler that funds a customer with ONE prepared
// statement through pgx, which is one round trip and its own transaction.
//
// It writes the same rows of the ledger as fundCustomer (the key with its answer, the transfer, two entries, two balances with
// their floor), so that answers can be compared and the same audit judges both. It has none of what surrounds them in the product:
// no authentication, no permission, no edge between partner and customer, no event, no limit, no log. It is no part of the
// product and must never be reachable by anybody.
package main
