package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"
)

// row is one line of the table. Ours may take Factor times the floor and Allowance more.
type row struct {
	Name        string
	Floor, Ours time.Duration
	Factor      float64
	Allowance   time.Duration
}

func (r row) met() bool { return float64(r.Ours) <= r.Factor*float64(r.Floor)+float64(r.Allowance) }

func (r row) wanted() string {
	text := fmt.Sprintf("<= %.2f x", r.Factor)
	if r.Allowance > 0 {
		text += fmt.Sprintf(" + %.1f ms", milliseconds(r.Allowance))
	}
	return text
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// printTable writes processor time for each operation.
func printTable(w io.Writer, rows []row) error {
	fmt.Fprintf(w, "\n%d processors, %s/%s, %s; processor time for each operation, best round\n\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "operation\tfloor ms\tours ms\tratio\twanted\t")
	for _, r := range rows {
		verdict := map[bool]string{true: "yes", false: "NO"}[r.met()]
		fmt.Fprintf(table, "%s\t%.3f\t%.3f\t%.2f\t%s: %s\t\n", r.Name, milliseconds(r.Floor), milliseconds(r.Ours),
			float64(r.Ours)/float64(r.Floor), r.wanted(), verdict)
	}
	return table.Flush()
}
