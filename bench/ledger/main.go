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
	only     []string // shapes; empty = all that are no long runs
	flushes  []string
	duration time.Duration // counted time of each round
	warm     time.Duration // before it
	rounds   int
	clients  int
	crowd    int // clients of the overload
	inFlight int // callers of the hot account in one process
	pairs    int
	conns    int // database connections of each contestant
	long     time.Duration
	ours     string // programs to measure; empty = built from this tree
	floor    string
	out      string
	profile  bool
}

func main() {
	process.Main("bench-ledger", func(ctx context.Context) error {
		opts, err := parse(os.Args[1:])
		if err != nil {
			return err
		}
		return run(ctx, opts)
	})
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench-ledger", flag.ContinueOnError)
	only := flags.String("only", "", "shapes to run, comma separated: "+strings.Join(names(), ", ")+"; empty = all but memory")
	flushes := flags.String("flush", flushDisk+","+flushSlow, "models of the disk's flush time: disk, 1ms")
	flags.DurationVar(&o.duration, "duration", 5*time.Second, "counted time of each round")
	flags.DurationVar(&o.warm, "warm", time.Second, "time before it that does not count")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; the contestants take turns in each, the table has the median round")
	flags.IntVar(&o.clients, "clients", 32, "clients of cold and hot")
	flags.IntVar(&o.crowd, "crowd", 2000, "clients of overload")
	flags.IntVar(&o.inFlight, "in-flight", 512, "callers of rooms")
	flags.IntVar(&o.pairs, "pairs", 10_000, "pairs of partner and customer, and customers of the hot partner")
	flags.IntVar(&o.conns, "conns", 32, "database connections of each contestant")
	flags.DurationVar(&o.long, "long", 10*time.Minute, "counted time of memory")
	flags.StringVar(&o.ours, "program", "", "partnergraph program to measure over HTTP, such as another commit's; empty = this tree's")
	flags.StringVar(&o.out, "out", "", "directory for results as JSON, logs and profiles, such as bench/results; empty = none are kept")
	flags.BoolVar(&o.profile, "profile", false, "keep processor profiles of the server in -out; costs some speed")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.flushes = split(*flushes); len(o.flushes) == 0 {
		return o, errors.New("-flush: name disk, 1ms or both")
	}
	for _, flush := range o.flushes {
		if flush != flushDisk && flush != flushSlow {
			return o, fmt.Errorf("-flush: %q is neither disk nor 1ms", flush)
		}
	}
	o.only = split(*only)
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			return o, fmt.Errorf("-only: there is no shape %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	if o.rounds < 1 || o.clients < 1 || o.crowd < 1 || o.inFlight < 1 || o.pairs < 1 || o.conns < 1 || o.duration <= 0 {
		return o, errors.New("-rounds, -clients, -crowd, -in-flight, -pairs, -conns and -duration must be above zero")
	}
	if o.profile && o.out == "" {
		return o, errors.New("-profile needs -out")
	}
	return o, nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// run measures every wanted shape in every model of the disk and prints the table.
func run(ctx context.Context, opts options) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	results := report{Machine: machine(), Started: time.Now().UTC()}
	for i, flush := range opts.flushes {
		if err := measure(ctx, log, opts, flush, i == 0, &results); err != nil {
			return err
		}
	}
	if err := results.print(os.Stdout); err != nil {
		return err
	}
	return results.save(opts.out)
}

// measure starts a place with this model of the disk, and runs the shapes that belong there: each of them that depends on
// the disk, and the others once.
func measure(ctx context.Context, log *slog.Logger, opts options, flush string, first bool, results *report) (err error) {
	var wanted []shape
	for _, s := range shapes() {
		named := slices.Contains(opts.only, s.name) || len(opts.only) == 0 && !s.long
		if named && (first || s.flushes) {
			wanted = append(wanted, s)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	at, err := newPlace(ctx, log, opts, flush)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.close()) }()
	results.Flushes = append(results.Flushes, at.flush)
	for _, s := range wanted {
		log.Info("measuring", "shape", s.name, "flush", flush)
		rows, err := s.run(ctx, at)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		results.Rows = append(results.Rows, rows...)
	}
	return nil
}
