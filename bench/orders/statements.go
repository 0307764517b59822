package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
)

// statement is one text that ran, by order that was paid in the counted time.
type statement struct {
	Query  string
	Calls  float64 `bun:"-"`
	Ms     float64 `bun:"-"`
	Count  int64
	Millis float64
}

func (at *place) watchStatements(ctx context.Context) error {
	if !at.opts.texts {
		return nil
	}
	_, err := at.db.ExecContext(ctx, "CREATE EXTENSION pg_stat_statements")
	return err
}

// forgetStatements begins to count anew. What fails shows in the table, which then counts too much.
func (at *place) forgetStatements(ctx context.Context) {
	if at.opts.texts {
		_, _ = at.db.ExecContext(ctx, "SELECT pg_stat_statements_reset()")
	}
}

// statements reads what has run since, the longest first, for so many orders.
func (at *place) statements(ctx context.Context, orders int64) ([]statement, error) {
	if !at.opts.texts {
		return nil, nil
	}
	var all []statement
	err := at.db.NewRaw("SELECT LEFT(REGEXP_REPLACE(query, '\\s+', ' ', 'g'), 150) AS query, calls AS count, total_exec_time AS millis FROM pg_stat_statements ORDER BY total_exec_time DESC").Scan(ctx, &all)
	for i := range all {
		all[i].Calls, all[i].Ms = float64(all[i].Count)/float64(max(orders, 1)), all[i].Millis/float64(max(orders, 1))
	}
	return all, err
}

// printStatements writes the statements that took the most, and the sums of all.
func printStatements(w io.Writer, all []statement) error {
	if len(all) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\ncalls/order\tms/order\tstatement")
	var calls, ms float64
	for i, one := range all {
		calls, ms = calls+one.Calls, ms+one.Ms
		if i < 60 {
			fmt.Fprintf(table, "%.2f\t%.3f\t%s\n", one.Calls, one.Ms, one.Query)
		}
	}
	fmt.Fprintf(table, "%.2f\t%.3f\tall %d\n", calls, ms, len(all))
	return table.Flush()
}
