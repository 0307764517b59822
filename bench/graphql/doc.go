// Command graphql measures how fast lists are read, beside a floor that answers the same questions with handlers written for
// just them (bench/floor): see docs/performance.md. `make bench-graphql` runs it.
//
// It starts its own PostgreSQL, fills it with `partnergraph seed`, and starts the floor and `partnergraph serve` as an operator
// would, with limits, logs and checks on. Both must answer the same, or there are no figures; then they take turns.
package main
