package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/bench/internal/process"
)

// contestant is one of those who take turns.
type contestant struct {
	name string
	pid  int // whose processor time and memory count; 0 = this process itself
	open func(client int) (load.Call, error)
}

// round is what one turn of one contestant found.
type round struct {
	load.Figures
	CommitsPerSecond float64 `json:"commitsPerSecond"` // of the whole database
	ServerCPU        float64 `json:"serverCpuMs"`      // per accepted request, in milliseconds, as is the next one
	DatabaseCPU      float64 `json:"databaseCpuMs"`
	LoadCPU          float64 `json:"loadCpuMs"` // of the load generator; 0 where it is in one process with the contestant
	Resident         int64   `json:"residentBytes"`
}

// meters are counters that only grow.
type meters struct {
	server, database, load time.Duration
	commits                int64
}

// turn lets one contestant run.
func (at *place) turn(ctx context.Context, c contestant, plan load.Plan) (round, error) {
	var before, after meters
	var readErr error
	read := func(into *meters) func() {
		return func() {
			var err error
			if *into, err = at.read(ctx, c); err != nil {
				readErr = err
			}
		}
	}
	figures, err := load.Run(plan, read(&before), read(&after), c.open)
	if err == nil {
		err = readErr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return round{}, err
	}
	per := func(used time.Duration) float64 {
		return float64(used) / float64(time.Millisecond) / float64(max(figures.Accepted, 1))
	}
	return round{
		Figures: figures, CommitsPerSecond: float64(after.commits-before.commits) / plan.Duration.Seconds(),
		ServerCPU: per(after.server - before.server), DatabaseCPU: per(after.database - before.database), LoadCPU: per(after.load - before.load),
		Resident: process.Resident(or(c.pid, os.Getpid())),
	}, nil
}

func (at *place) read(ctx context.Context, c contestant) (meters, error) {
	now := meters{database: process.CPU(at.postgres.PID())}
	if c.pid == 0 {
		now.server = process.Self()
	} else {
		now.server, now.load = process.CPU(c.pid), process.Self()
	}
	if at.db == nil {
		return now, nil
	}
	// Backends report their commits with a delay of a second at most, at both ends alike.
	err := at.db.NewRaw("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").Scan(ctx, &now.commits)
	return now, err
}

// compete lets the contestants take turns for so many rounds, and returns the round of each with the median speed, and how
// many requests were acknowledged in all.
func (at *place) compete(ctx context.Context, plan load.Plan, name string, contestants ...contestant) (medians []round, acknowledged int64, err error) {
	all := make([][]round, len(contestants))
	for n := range at.opts.rounds {
		for i, c := range contestants {
			stop := at.startProfile(ctx, c, plan, fmt.Sprintf("%s-%s-%d", name, at.flush.Name, n+1))
			one, err := at.turn(ctx, c, plan)
			stop()
			if err != nil {
				return nil, 0, fmt.Errorf("%s: %w", c.name, err)
			}
			if one.Done == 0 {
				return nil, 0, fmt.Errorf("%s carried nothing out: %v", c.name, one.Refused)
			}
			at.log.Info("turn", "shape", name, "round", n+1, "who", c.name, "per_second", int(one.PerSecond), "p50_ms", one.P50, "p99_ms", one.P99, "refused", one.Refused)
			all[i], acknowledged = append(all[i], one), acknowledged+one.Done
		}
	}
	for _, rounds := range all {
		slices.SortFunc(rounds, func(a, b round) int { return int(a.PerSecond - b.PerSecond) })
		medians = append(medians, rounds[len(rounds)/2])
	}
	return medians, acknowledged, nil
}

// startProfile keeps a processor profile of the product's server for the counted time, when that is wanted.
func (at *place) startProfile(ctx context.Context, c contestant, plan load.Plan, name string) (stop func()) {
	if at.opts.profile && c.pid == 0 {
		return at.profileSelf(name)
	}
	if !at.opts.profile || at.ours == nil || c.pid != at.ours.PID() {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(plan.Warm)
		if err := at.profile(ctx, max(int(plan.Duration.Seconds()), 1), name); err != nil {
			at.log.Warn("no profile", "error", err)
		}
	}()
	return func() { <-done }
}

// profileSelf keeps a profile of this process, load and warming up included.
func (at *place) profileSelf(name string) (stop func()) {
	file, err := os.Create(filepath.Join(at.opts.out, name+".pprof")) //nolint:gosec // where the user wants it
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		at.log.Warn("no profile", "error", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // a profile that was not kept is a smaller loss than the run
	}
}

func (at *place) profile(ctx context.Context, seconds int, name string) error {
	return process.Profile(ctx, at.profiles, seconds, filepath.Join(at.opts.out, name+".pprof"))
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
