package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"
)

// row is the result of one query: the median turn of each contestant.
type row struct {
	Query  string  `json:"query"`
	Floor  turn    `json:"floor"`
	Ours   turn    `json:"ours"`
	Ratio  float64 `json:"ratio"`    // of requests per second, ours to the floor's
	ByCPU  float64 `json:"ratioCpu"` // of answers per processor time of server and database, the steadiest figure
	Wanted float64 `json:"wanted"`
}

func newRow(q question, floor, ours turn) row {
	return row{
		Query: q.name, Floor: floor, Ours: ours, Wanted: q.wanted, Ratio: ours.PerSecond / floor.PerSecond,
		ByCPU: (floor.ServerCPU + floor.DatabaseCPU) / (ours.ServerCPU + ours.DatabaseCPU),
	}
}

// report is a whole run.
type report struct {
	Started time.Time `json:"started"`
	Orders  int       `json:"orders"`
	ReadyMs float64   `json:"readyMs"` // from the start of serve to its being ready
	Rows    []row     `json:"rows"`
}

// print writes the table. Pairs of figures are the floor's and ours.
func (r report) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%d processors, %s/%s, %s; server, database and load generator share them\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	fmt.Fprintf(w, "%d orders; serve is ready after %.0f ms\n\n", r.Orders, r.ReadyMs)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "query\treq/s\tratio\tratio by CPU\tp50 ms\tp99 ms\tCPU ms/req server\tdatabase\tRSS MiB\tone user p50 ms\twanted\t")
	for _, one := range r.Rows {
		both := func(format string, of func(turn) float64) string {
			return fmt.Sprintf(format+" / "+format, of(one.Floor), of(one.Ours))
		}
		verdict := ""
		if one.Wanted > 0 {
			verdict = fmt.Sprintf("%.2f%s", one.Wanted, map[bool]string{true: ": yes", false: ": NO"}[one.Ratio >= one.Wanted])
		}
		fmt.Fprintf(table, "%s\t%s\t%.2f\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", one.Query,
			both("%.0f", func(t turn) float64 { return t.PerSecond }), one.Ratio, one.ByCPU,
			both("%.2f", func(t turn) float64 { return t.P50 }), both("%.2f", func(t turn) float64 { return t.P99 }),
			both("%.3f", func(t turn) float64 { return t.ServerCPU }), both("%.3f", func(t turn) float64 { return t.DatabaseCPU }),
			both("%.0f", func(t turn) float64 { return float64(t.Resident >> 20) }), both("%.2f", func(t turn) float64 { return t.Alone }), verdict)
	}
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
	path := filepath.Join(dir, "graphql-"+r.Started.Format("20060102-150405")+".json")
	return os.WriteFile(path, append(raw, '\n'), 0o644) //nolint:gosec // nothing secret is in it
}
