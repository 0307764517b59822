// Package guard refuses GraphQL documents that would cost too much, before anything of them is executed.
//
// It owns the limits of one operation (depth, aliases, root fields, directives, fragments, fields, cost), the linear
// measurement behind them, and extensions.cost of the answer. Fragments are measured once and their figures added at
// each spread, so a document of chained fragments that expands to millions of fields is refused in the time it takes to
// read it.
//
// It does not own page sizes (the rooms check them; the guard only counts them), rates per client (a limiter may read
// CostOf) nor the size of the body and of the token stream (graph/transport).
//
// Neighbours: graph/transport installs the guard and its validation rules.
package guard
