package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/bench/internal/process"
)

// turn is what one turn of one contestant found.
type turn struct {
	load.Figures
	ServerCPU   float64 `json:"serverCpuMs"` // per answer, in milliseconds, as is the next one
	DatabaseCPU float64 `json:"databaseCpuMs"`
	Resident    int64   `json:"residentBytes"`
	Alone       float64 `json:"aloneP50Ms"` // of one client that has the server to itself
}

// contestant is one of those who take turns.
type contestant struct {
	address string
	process *process.Process
	request func(ask) []byte
}

func (at *place) measure(ctx context.Context, q question) (row, error) {
	floor := contestant{at.floorAt, at.floor, func(a ask) []byte { return a.floor }}
	ours := contestant{at.oursAt, at.ours, func(a ask) []byte { return a.ours }}
	turns := [2][]turn{}
	for n := range at.opts.rounds {
		for i, c := range []contestant{floor, ours} {
			profiled := at.startProfile(ctx, c, fmt.Sprintf("%s-%d", q.name, n+1))
			one, err := at.turn(ctx, c, q, at.opts.clients, at.opts.duration)
			profiled()
			if err != nil {
				return row{}, err
			}
			alone, err := at.turn(ctx, c, q, 1, at.opts.duration/4)
			if err != nil {
				return row{}, err
			}
			one.Alone = alone.P50
			at.log.Info("turn", "query", q.name, "round", n+1, "who", []string{"floor", "ours"}[i], "per_second", int(one.PerSecond),
				"p50_ms", one.P50, "p99_ms", one.P99, "cpu_ms", fmt.Sprintf("%.3f+%.3f", one.ServerCPU, one.DatabaseCPU), "refused", one.Refused)
			turns[i] = append(turns[i], one)
		}
	}
	return newRow(q, median(turns[0]), median(turns[1])), nil
}

func median(turns []turn) turn {
	slices.SortFunc(turns, func(a, b turn) int { return int(a.PerSecond - b.PerSecond) })
	return turns[len(turns)/2]
}

// turn lets one contestant answer for a while.
func (at *place) turn(ctx context.Context, c contestant, q question, clients int, duration time.Duration) (turn, error) {
	var server, database [2]time.Duration
	read := func(i int) func() {
		return func() { server[i], database[i] = process.CPU(c.process.PID()), process.CPU(at.postgres.PID()) }
	}
	var n load.Sequence
	figures, err := load.Run(load.Plan{Clients: clients, Warm: at.opts.warm, Duration: duration}, read(0), read(1), func(int) (load.Call, error) {
		conn, err := load.Dial(c.address)
		if err != nil {
			return nil, err
		}
		return func() string {
			status, body, err := conn.Do(c.request(q.asks[n.Next()%int64(len(q.asks))]))
			return refusal(status, body, err)
		}, nil
	})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && figures.Accepted == 0 {
		err = fmt.Errorf("nothing was answered: %v", figures.Refused)
	}
	per := func(used [2]time.Duration) float64 {
		return float64(used[1]-used[0]) / float64(time.Millisecond) / float64(max(figures.Accepted, 1))
	}
	return turn{Figures: figures, ServerCPU: per(server), DatabaseCPU: per(database), Resident: process.Resident(c.process.PID())}, err
}

// startProfile keeps a processor profile of the product for the counted time, when that is wanted.
func (at *place) startProfile(ctx context.Context, c contestant, name string) (stop func()) {
	if !at.opts.profile || c.process != at.ours {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(at.opts.warm)
		if err := at.profile(ctx, max(int(at.opts.duration.Seconds()), 1), "graphql-"+name); err != nil {
			at.log.Warn("no profile", "error", err)
		}
	}()
	return func() { <-done }
}

func (at *place) profile(ctx context.Context, seconds int, name string) error {
	return process.Profile(ctx, at.profileAt, seconds, filepath.Join(at.opts.out, name+".pprof"))
}
