package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/process"
)

// options are the flags.
type options struct {
	only    []string // shapes; empty = all
	rounds  int
	repeats int // operations of one round in one process
	logins  int // of one round
	program string
	out     string
	profile bool
}

// shape is one part of the run.
type shape struct {
	name string
	run  func(context.Context, *slog.Logger, options) ([]row, error)
}

func shapes() []shape {
	return []shape{{"verify", verifyResponses}, {"issue", issueResponses}, {"login", signIn}}
}

func names() []string {
	var all []string
	for _, s := range shapes() {
		all = append(all, s.name)
	}
	return all
}

func main() {
	process.Main("bench-saml", func(ctx context.Context) error {
		opts, err := parse(os.Args[1:])
		if err != nil {
			return err
		}
		return run(ctx, opts)
	})
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench-saml", flag.ContinueOnError)
	only := flags.String("only", "", "shapes to run, comma separated: "+strings.Join(names(), ", ")+"; empty = all")
	flags.IntVar(&o.rounds, "rounds", 7, "rounds; the contestants take turns in each, the table has the best one")
	flags.IntVar(&o.repeats, "repeats", 200, "operations of each round in one process")
	flags.IntVar(&o.logins, "logins", 300, "logins of each round")
	flags.StringVar(&o.program, "program", "", "partnergraph program to measure, such as another commit's; empty = this tree's")
	flags.StringVar(&o.out, "out", "", "directory for the server's log and profile, such as bench/results; empty = none are kept")
	flags.BoolVar(&o.profile, "profile", false, "keep processor profiles in -out; costs some speed")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.only = strings.FieldsFunc(*only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			return o, fmt.Errorf("-only: there is no shape %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	if o.rounds < 1 || o.repeats < 1 || o.logins < 1 {
		return o, errors.New("-rounds, -repeats and -logins must be above zero")
	}
	if o.profile && o.out == "" {
		return o, errors.New("-profile needs -out")
	}
	return o, nil
}

func run(ctx context.Context, opts options) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var rows []row
	for _, s := range shapes() {
		if len(opts.only) > 0 && !slices.Contains(opts.only, s.name) {
			continue
		}
		log.Info("measuring", "shape", s.name)
		found, err := s.run(ctx, log, opts)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows = append(rows, found...)
	}
	return printTable(os.Stdout, rows)
}

// contestant is an operation that takes turns with others.
type contestant func() error

// compete returns the processor time of one operation of each, in its best round. The operations run one at a time; what the
// garbage collector does for them meanwhile counts.
func compete(ctx context.Context, opts options, contestants ...contestant) ([]time.Duration, error) {
	best := make([]time.Duration, len(contestants))
	for range opts.rounds {
		for i, operate := range contestants {
			runtime.GC()
			before := process.Self()
			for range opts.repeats {
				if err := operate(); err != nil {
					return nil, err
				}
			}
			took := (process.Self() - before) / time.Duration(opts.repeats)
			if best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return best, nil
}
