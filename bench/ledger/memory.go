package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/bench/internal/process"
)

// steady is how much more memory the server may hold at the end of a long run than after its first sixth.
const steady = 1.15

// memory funds cold pairs for a long time and looks at the server's memory meanwhile.
func memory(ctx context.Context, at *place) ([]row, error) {
	before, err := received(ctx, at.db)
	if err != nil {
		return nil, err
	}
	asks := make([]prepared, len(at.data.cold))
	for i, p := range at.data.cold {
		if asks[i], err = at.askOurs(p, "0.01"); err != nil {
			return nil, err
		}
	}
	ours := contestant{"ours", at.ours.PID(), at.overHTTP("ours", at.oursAt, graphQLAnswer, asks)}
	plan := load.Plan{Clients: at.opts.clients, Warm: at.opts.warm, Duration: at.opts.long}
	watched := make(chan []int64)
	go func() { watched <- watch(at.ours.PID(), plan) }()
	one, err := at.turn(ctx, ours, plan)
	resident := <-watched
	if err != nil {
		return nil, err
	}
	early, late := resident[1], resident[len(resident)-1]
	return []row{{
		Shape: fmt.Sprintf("memory over %s: %s MiB", at.opts.long, mebibytes(resident)), Flush: at.flush.Name, Ours: one,
		Wanted: fmt.Sprintf("end <= %.2f x the first sixth's", steady), Met: float64(late) <= steady*float64(early),
	}}, sound(ctx, at.db, before, one.Done)
}

// watch reads the memory at the start, after each sixth, and at the end.
func watch(pid int, plan load.Plan) []int64 {
	resident := []int64{process.Resident(pid)}
	for range 6 {
		time.Sleep((plan.Warm + plan.Duration) / 6)
		resident = append(resident, process.Resident(pid))
	}
	return resident
}

func mebibytes(sizes []int64) string {
	text := make([]string, len(sizes))
	for i, size := range sizes {
		text[i] = strconv.FormatInt(size>>20, 10)
	}
	return strings.Join(text, ", ")
}
