package cache

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxPipeline bounds what is sent to Redis before its answers are read, so that all of it is answered within the timeout.
const maxPipeline = 1000

// Lookup implements Leased.
func (r *Redis) Lookup(ctx context.Context, key string) Entry {
	return r.LookupAll(ctx, []string{key})[0]
}

// LookupAll implements Leased.
func (r *Redis) LookupAll(ctx context.Context, keys []string) []Entry {
	entries := make([]Entry, len(keys))
	var late []Invalidation
	for _, key := range keys {
		version, owed, doubtful := r.pending.owed(key)
		if doubtful {
			return entries
		}
		if owed {
			late = append(late, Invalidation{key, version})
		}
	}
	if len(late) > 0 && r.InvalidateAll(ctx, late) != nil {
		return entries
	}
	rows, clock, err := r.read(ctx, keys)
	if err != nil {
		return entries
	}
	var missed []int
	for i, key := range keys {
		if entries[i] = r.live(key, rows[i].Val(), clock); !entries[i].Hit {
			missed = append(missed, i)
		}
	}
	if len(missed) > 0 {
		r.lookUp(ctx, keys, missed, entries)
	}
	return entries
}

// read asks for the rows of the keys, and then for the time. That takes Redis a third of what the script takes that compares them.
func (r *Redis) read(ctx context.Context, keys []string) (rows []*redis.SliceCmd, clock time.Time, err error) {
	rows = make([]*redis.SliceCmd, 0, len(keys))
	for chunk := range slices.Chunk(keys, maxPipeline) {
		cmds := make([]redis.Cmder, 0, len(chunk)+1)
		for _, key := range chunk {
			row := redis.NewSliceCmd(ctx, "hmget", r.key("v:", key), "v", "d", "x")
			rows, cmds = append(rows, row), append(cmds, row)
		}
		now := redis.NewTimeCmd(ctx, "time")
		cmds = append(cmds, now)
		if err := r.do(ctx, "GET", func(ctx context.Context) error { return r.send(ctx, cmds) }); err != nil {
			return nil, clock, err
		}
		clock = now.Val() // of the last, which is the latest
	}
	return rows, clock, nil
}

// live reads a row with version, value and its end.
func (r *Redis) live(key string, row []any, clock time.Time) Entry {
	if len(row) != 3 || row[1] == nil {
		return Entry{}
	}
	text, _ := row[2].(string)
	if end, err := strconv.ParseInt(text, 10, 64); err != nil || clock.UnixMilli() >= end {
		return Entry{}
	}
	return r.entry(key, row[0], row[1])
}

// lookUp asks for leases of the keys at some places. What has been filled meanwhile is a hit.
func (r *Redis) lookUp(ctx context.Context, keys []string, places []int, entries []Entry) {
	lease := rand.Text()
	calls := make([]call, len(places))
	for i, at := range places {
		calls[i] = call{r.key("v:", keys[at]), []any{lease, leaseTTL.Milliseconds()}}
	}
	answers, err := r.run(ctx, "LOOKUP", r.lookup, calls)
	if err != nil {
		return
	}
	for i, at := range places {
		switch answer, _ := answers[i].Slice(); len(answer) {
		case 1:
			entries[at] = Entry{Lease: lease}
		case 2:
			entries[at] = r.entry(keys[at], answer[0], answer[1])
		}
	}
}

// entry reads a version and a value.
func (r *Redis) entry(key string, version, value any) Entry {
	text, _ := version.(string)
	bytes, _ := value.(string)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return Entry{}
	}
	// Another goroutine's invalidation may have failed while this answer was under way.
	if least, owed, doubtful := r.pending.owed(key); doubtful || owed && n < least {
		return Entry{}
	}
	return Entry{Value: []byte(bytes), Version: n, Hit: true}
}

// Fill implements Leased.
func (r *Redis) Fill(ctx context.Context, key, lease string, version int64, value []byte, ttl time.Duration) bool {
	answers := r.fillAll(ctx, []Filling{{key, lease, version, value}}, ttl)
	if len(answers) == 0 {
		return false
	}
	done, err := answers[0].Int()
	return err == nil && done == 1
}

// FillAll implements Leased.
func (r *Redis) FillAll(ctx context.Context, fillings []Filling, ttl time.Duration) {
	r.fillAll(ctx, fillings, ttl)
}

// fillAll leaves out what has no lease. What could not be filled is a miss later; run has counted the failure.
func (r *Redis) fillAll(ctx context.Context, fillings []Filling, ttl time.Duration) []*redis.Cmd {
	calls := make([]call, 0, len(fillings))
	for _, f := range fillings {
		if f.Lease != "" {
			calls = append(calls, call{r.key("v:", f.Key), []any{
				f.Lease, f.Version, f.Value, min(ttl, MaxLeasedTTL).Milliseconds(), floorTTL.Milliseconds(),
			}})
		}
	}
	answers, err := r.run(ctx, "FILL", r.fill, calls)
	if err != nil {
		return nil
	}
	return answers
}

// Invalidate implements Leased.
func (r *Redis) Invalidate(ctx context.Context, key string, version int64) error {
	return r.InvalidateAll(ctx, []Invalidation{{key, version}})
}

// InvalidateAll implements Leased.
func (r *Redis) InvalidateAll(ctx context.Context, invalidations []Invalidation) error {
	// The commit is done; that its caller has gone meanwhile must not keep the cache from hearing of it.
	ctx = context.WithoutCancel(ctx)
	calls := make([]call, len(invalidations))
	for i, one := range invalidations {
		calls[i] = call{r.key("v:", one.Key), []any{one.Version, floorTTL.Milliseconds()}}
	}
	_, err := r.run(ctx, "INVALIDATE", r.invalidate, calls)
	for _, one := range invalidations {
		if err != nil {
			r.pending.owe(one.Key, one.Version)
			continue
		}
		r.pending.settle(one.Key, one.Version)
	}
	if err != nil {
		return fmt.Errorf("cache: invalidate: %w", err)
	}
	return nil
}

// run runs a script once per call and returns the answers in the order of the calls. An error means that some of them may not have happened.
func (r *Redis) run(ctx context.Context, operation string, what script, calls []call) ([]*redis.Cmd, error) {
	answers := make([]*redis.Cmd, 0, len(calls))
	for chunk := range slices.Chunk(calls, maxPipeline) {
		err := r.do(ctx, operation, func(ctx context.Context) error {
			some, err := r.evaluate(ctx, what, chunk...)
			answers = append(answers, some...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}
