package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/process"
)

// options are the flags.
type options struct {
	duration  time.Duration // counted time of each round
	warm      time.Duration // before it
	rounds    int
	clients   int
	customers int
	quotes    int // for each round; a quote is good for one order
	conns     int // database connections of the product
	program   string
	out       string
	profile   bool
	texts     bool // show which statements ran, how often and how long
}

func main() {
	process.Main("bench-orders", func(ctx context.Context) error {
		opts, err := parse(os.Args[1:])
		if err != nil {
			return err
		}
		return run(ctx, opts)
	})
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench-orders", flag.ContinueOnError)
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "counted time of each round")
	flags.DurationVar(&o.warm, "warm", 2*time.Second, "time before it that does not count")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; the table has the median round")
	flags.IntVar(&o.clients, "clients", 32, "clients")
	flags.IntVar(&o.customers, "customers", 2_000, "customers, whose orders the clients place in turn")
	flags.IntVar(&o.quotes, "quotes", 40_000, "quotes made for each round; a round fails that runs out of them")
	flags.IntVar(&o.conns, "conns", 32, "database connections of the product")
	flags.StringVar(&o.program, "program", "", "partnergraph program to measure, such as another commit's; empty = this tree's")
	flags.StringVar(&o.out, "out", "", "directory for results as JSON, logs and profiles, such as bench/results; empty = none are kept")
	flags.BoolVar(&o.profile, "profile", false, "keep processor profiles of the server in -out; costs some speed")
	flags.BoolVar(&o.texts, "statements", false, "show the statements of the last round, per order; needs PostgreSQL's pg_stat_statements, and costs some speed")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.clients < 1 || o.customers < 1 || o.quotes < 1 || o.conns < 1 || o.duration <= 0 {
		return o, errors.New("-rounds, -clients, -customers, -quotes, -conns and -duration must be above zero")
	}
	if o.profile && o.out == "" {
		return o, errors.New("-profile needs -out")
	}
	return o, nil
}

func run(ctx context.Context, opts options) (err error) {
	at, err := newPlace(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)), opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.close()) }()
	results := report{Started: time.Now().UTC(), Clients: opts.clients, Customers: opts.customers}
	for n := range opts.rounds {
		one, err := at.round(ctx, n+1)
		if err != nil {
			return err
		}
		results.Rounds = append(results.Rounds, one)
	}
	if err := at.check(ctx, results.Rounds); err != nil {
		return err
	}
	if err := results.print(os.Stdout); err != nil {
		return err
	}
	if err := printStatements(os.Stdout, at.seen); err != nil {
		return err
	}
	return results.save(opts.out)
}
