package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/process"
)

// options are the flags.
type options struct {
	orders   int
	only     []string
	duration time.Duration // counted time of each turn
	warm     time.Duration // before it
	rounds   int
	clients  int
	conns    int // database connections of each contestant
	page     int // of 20 orders: where Q4 stands
	ours     string
	out      string
	profile  bool
}

func main() {
	process.Main("bench-graphql", func(ctx context.Context) error {
		opts, err := parse(os.Args[1:])
		if err != nil {
			return err
		}
		return run(ctx, opts)
	})
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench-graphql", flag.ContinueOnError)
	only := flags.String("only", "", "queries to run, comma separated: Q1, Q2, Q3, Q4, Q4 page 1; empty = all")
	flags.IntVar(&o.orders, "orders", 1_000_000, "orders of the data set; a fifth of them are the measured partner's")
	flags.DurationVar(&o.duration, "duration", 5*time.Second, "counted time of each turn")
	flags.DurationVar(&o.warm, "warm", time.Second, "time before it that does not count")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; the contestants take turns in each, the table has the median round")
	flags.IntVar(&o.clients, "clients", 16, "clients")
	flags.IntVar(&o.conns, "conns", 16, "database connections of each contestant")
	flags.IntVar(&o.page, "page", 10_000, "page of 20 orders where Q4 begins; the last one when there are fewer")
	flags.StringVar(&o.ours, "program", "", "partnergraph program to measure, such as another commit's; empty = this tree's")
	flags.StringVar(&o.out, "out", "", "directory for results as JSON, logs and profiles, such as bench/results; empty = none are kept")
	flags.BoolVar(&o.profile, "profile", false, "keep processor profiles of the server in -out; costs some speed")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for name := range strings.SplitSeq(*only, ",") {
		if name = strings.TrimSpace(name); name != "" {
			o.only = append(o.only, name)
		}
	}
	known := names()
	for _, name := range o.only {
		if !slices.Contains(known, name) {
			return o, fmt.Errorf("-only: there is no query %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	if o.orders < 1 || o.rounds < 1 || o.clients < 1 || o.conns < 1 || o.page < 1 || o.duration <= 0 {
		return o, errors.New("-orders, -rounds, -clients, -conns, -page and -duration must be above zero")
	}
	if o.profile && o.out == "" {
		return o, errors.New("-profile needs -out")
	}
	return o, nil
}

func run(ctx context.Context, opts options) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	at, err := newPlace(ctx, log, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.close()) }()
	results := report{Started: time.Now().UTC(), Orders: opts.orders, ReadyMs: at.ready}
	for _, q := range at.questions() {
		if len(opts.only) > 0 && !slices.Contains(opts.only, q.name) {
			continue
		}
		if err := at.same(q); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		row, err := at.measure(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		results.Rows = append(results.Rows, row)
	}
	if err := results.print(os.Stdout); err != nil {
		return err
	}
	return results.save(opts.out)
}
