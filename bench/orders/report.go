package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// report is a whole run.
type report struct {
	Started   time.Time `json:"started"`
	Clients   int       `json:"clients"`
	Customers int       `json:"customers"`
	Rounds    []round   `json:"rounds"`
}

// print writes the table: each round, and the one with the median speed again.
func (r report) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%d processors, %s/%s, %s; server, database and load generator share them\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	fmt.Fprintf(w, "%d clients of %d customers; an order is a server with its disk, placed from a quote and paid; wanted: 1000 orders/s\n\n", r.Clients, r.Customers)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "round\torders/s\tp50 ms\tp99 ms\tplace ms\tpay ms\tCPU ms/order server\tdatabase\tload\tcommits/s\tRSS MiB\t")
	line := func(name string, one round) {
		fmt.Fprintf(table, "%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t%.2f\t%.0f\t%d\t\n", name, one.PerSecond, one.P50, one.P99, one.PlaceMs, one.PayMs,
			one.ServerCPU, one.DatabaseCPU, one.LoadCPU, one.CommitsPerSecond, one.Resident>>20)
	}
	for i, one := range r.Rounds {
		line(fmt.Sprint(i+1), one)
	}
	sorted := slices.Clone(r.Rounds)
	slices.SortFunc(sorted, func(a, b round) int { return int(a.PerSecond - b.PerSecond) })
	line("median", sorted[len(sorted)/2])
	return table.Flush()
}

// save keeps the report as JSON.
func (r report) save(dir string) error {
	if dir == "" {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // nothing secret is in it
		return err
	}
	path := filepath.Join(dir, "orders-"+r.Started.Format("20060102-150405")+".json")
	return os.WriteFile(path, append(raw, '\n'), 0o644) //nolint:gosec // nothing secret is in it
}
