package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is a shape's result: the median round of each contestant.
type row struct {
	Shape  string  `json:"shape"`
	Flush  string  `json:"flush"`
	Floor  *round  `json:"floor,omitempty"`
	Ours   round   `json:"ours"`
	Ratio  float64 `json:"ratio,omitempty"` // of requests per second, ours to the floor's
	Wanted string  `json:"wanted,omitempty"`
	Met    bool    `json:"met"`
}

// report is a whole run.
type report struct {
	Started time.Time    `json:"started"`
	Machine string       `json:"machine"`
	Flushes []flushModel `json:"flushes"`
	Rows    []row        `json:"rows"`
}

func machine() string {
	return fmt.Sprintf("%d processors, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// print writes the table. Pairs of figures are the floor's and ours.
func (r report) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s; server, database and load generator share them\n", r.Machine)
	for _, f := range r.Flushes {
		fmt.Fprintf(w, "flush %-4s  a lone commit of one row takes %.2f ms: %s\n", f.Name, f.CommitMs, f.Model)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "shape\tflush\treq/s\tratio\tp50 ms\tp99 ms\tcommits/s\tCPU ms/req server\tdatabase\tRSS MiB\twanted\t")
	for _, one := range r.Rows {
		ratio, verdict := "-", ""
		if one.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", one.Ratio)
		}
		if one.Wanted != "" {
			verdict = one.Wanted + map[bool]string{true: ": yes", false: ": NO"}[one.Met]
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", one.Shape, one.Flush,
			one.both("%.0f", func(r round) float64 { return r.PerSecond }), ratio,
			one.both("%.2f", func(r round) float64 { return r.P50 }), one.both("%.2f", func(r round) float64 { return r.P99 }),
			one.both("%.0f", func(r round) float64 { return r.CommitsPerSecond }),
			one.both("%.3f", func(r round) float64 { return r.ServerCPU }), one.both("%.3f", func(r round) float64 { return r.DatabaseCPU }),
			one.both("%.0f", func(r round) float64 { return float64(r.Resident >> 20) }), verdict)
		if len(one.Ours.Refused) > 0 {
			fmt.Fprintf(table, "  refused: %s\t\t\t\t\t\t\t\t\t\t\t\n", refusals(one.Ours.Refused))
		}
	}
	return table.Flush()
}

func (r row) both(format string, of func(round) float64) string {
	text := fmt.Sprintf(format, of(r.Ours))
	if r.Floor != nil {
		text = fmt.Sprintf(format, of(*r.Floor)) + " / " + text
	}
	return text
}

func refusals(byCode map[string]int) string {
	var text []string
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		text = append(text, fmt.Sprintf("%s %d", code, byCode[code]))
	}
	return strings.Join(text, ", ")
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
	path := filepath.Join(dir, "ledger-"+r.Started.Format("20060102-150405")+".json")
	return os.WriteFile(path, append(raw, '\n'), 0o644) //nolint:gosec // nothing secret is in it
}
