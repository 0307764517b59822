package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
)

// options are the flags.
type options struct {
	customers int // of the partner that is measured
	size      int // rows of a page
	page      int // the deep page, from 1
	calls     int // of each page
	worst     float64
	only      string // searches whose name contains it
}

func main() {
	var o options
	flag.IntVar(&o.customers, "customers", 120_000, "customers of the partner")
	flag.IntVar(&o.size, "size", 50, "rows of a page")
	flag.IntVar(&o.page, "page", 2000, "the deep page")
	flag.IntVar(&o.calls, "calls", 400, "calls of each page; the table has the lower quartile")
	flag.Float64Var(&o.worst, "worst", 1.2, "fail when the deep page costs more than this many first pages")
	flag.StringVar(&o.only, "only", "", "only searches whose name contains this")
	flag.Parse()
	process.Main("bench-customers", func(ctx context.Context) error { return run(ctx, o) })
}

func run(ctx context.Context, o options) (err error) {
	if o.page < 2 || o.size < 1 || o.size > models.MaxPageSize || o.page*o.size > o.customers {
		return errors.New("-page times -size must not pass -customers")
	}
	dir, err := os.MkdirTemp("", "bench-customers")
	if err != nil {
		return err
	}
	started := &servers.Servers{}
	defer func() { err = errors.Join(err, started.Stop(), os.RemoveAll(dir)) }()
	postgres, err := started.Postgres(ctx, servers.PostgresOptions{})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(table, "engine\tsearch\tfirst page\tpage %d\tratio\t\n", o.page)
	var over []string
	for _, engine := range []struct{ name, url string }{{"PostgreSQL", postgres.URL()}, {"SQLite", "sqlite://" + filepath.Join(dir, "bench.db")}} {
		dear, err := measure(ctx, o, engine.name, engine.url, table)
		if err != nil {
			return fmt.Errorf("%s: %w", engine.name, err)
		}
		over = append(over, dear...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(over) > 0 {
		return fmt.Errorf("deep pages that cost more than %g first ones: %s", o.worst, strings.Join(over, ", "))
	}
	return nil
}

// measure fills one database and measures every search on it; over are those whose deep page is too dear.
func measure(ctx context.Context, o options, engine, url string, table *tabwriter.Writer) (over []string, err error) {
	db, err := store.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := migrations.Up(ctx, db); err != nil {
		return nil, err
	}
	crowd, err := fill(ctx, db, o.customers)
	if err != nil {
		return nil, err
	}
	for _, s := range crowd.searches() {
		if !strings.Contains(s.name, o.only) {
			continue
		}
		first, deep, err := crowd.compare(ctx, o, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		if deep == 0 {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t\t\t\n", engine, s.name, millis(first))
			continue
		}
		ratio := float64(deep) / float64(first)
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.2f\t\n", engine, s.name, millis(first), millis(deep), ratio)
		if ratio > o.worst {
			over = append(over, engine+" "+s.name)
		}
	}
	return over, nil
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// search is what is asked for, and how many rows there are.
type search struct {
	name   string
	filter customers.CustomerFilter
	rows   int
}

// compare lets the first page and the deep one take turns, and returns the lower quartile of each, which a busy machine disturbs less than the median; deep is zero when there is no such page.
func (c *crowd) compare(ctx context.Context, o options, s search) (first, deep time.Duration, err error) {
	pages := []models.PageArgs{{First: &o.size}}
	wanted := []int{min(o.size, s.rows)}
	if skipped := (o.page - 1) * o.size; s.rows > skipped {
		cursor := models.Cursor("customers", c.ids[skipped-1])
		pages = append(pages, models.PageArgs{First: &o.size, After: &cursor})
		wanted = append(wanted, min(o.size, s.rows-skipped))
	}
	times := make([][]time.Duration, len(pages))
	for call := range o.calls + o.calls/10 {
		for i, page := range pages {
			start := time.Now()
			found, err := c.rooms.Find(ctx, c.who, s.filter, page)
			took := time.Since(start)
			if err != nil {
				return 0, 0, err
			}
			if len(found.Edges) != wanted[i] || s.rows == len(c.ids) && i == 1 && found.Edges[0].Node.ID != c.ids[(o.page-1)*o.size] {
				return 0, 0, fmt.Errorf("page %d has %d rows, want %d", i, len(found.Edges), wanted[i])
			}
			if call >= o.calls/10 { // the first ones warm up
				times[i] = append(times[i], took)
			}
		}
	}
	first = typical(times[0])
	if len(times) > 1 {
		deep = typical(times[1])
	}
	return first, deep, nil
}

func typical(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/4]
}
