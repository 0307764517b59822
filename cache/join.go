package cache

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// joiner sends commands of callers that come at the same time together: as many as the machine has processors are under way, each on
// its own connection, and what comes meanwhile shares the next one. A caller that is alone does not wait. On a busy server this
// saves most of what a command costs, which is a system call to write and one to read.
type joiner struct {
	client  redis.UniversalClient
	timeout time.Duration // of a round trip for several callers, which the end of none of them ends

	mu      sync.Mutex
	flying  int
	waiting []waitingCmds
}

type waitingCmds struct {
	cmds []redis.Cmder
	done chan struct{}
}

// process carries commands out, in their order, and returns the first of their errors. After an error of ctx they belong to somebody else and must not be
// looked at.
func (j *joiner) process(ctx context.Context, cmds ...redis.Cmder) error {
	j.mu.Lock()
	if j.flying < runtime.GOMAXPROCS(0) {
		j.flying++
		j.mu.Unlock()
		defer j.land()
		if len(cmds) == 1 {
			return j.client.Process(ctx, cmds[0])
		}
		return piped(ctx, j.client, cmds)
	}
	w := waitingCmds{cmds, make(chan struct{})}
	j.waiting = append(j.waiting, w)
	j.mu.Unlock()
	select {
	case <-w.done:
		for _, cmd := range cmds {
			if err := cmd.Err(); err != nil {
				return err
			}
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// land gives the connection of a command to those who wait, if there are any.
func (j *joiner) land() {
	if next := j.next(); next != nil {
		go j.fly(next)
	}
}

func (j *joiner) next() []waitingCmds {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, room := 0, maxPipeline
	for n < len(j.waiting) && (n == 0 || len(j.waiting[n].cmds) <= room) {
		room -= len(j.waiting[n].cmds)
		n++
	}
	if n == 0 {
		j.flying--
		j.waiting = nil
		return nil
	}
	together := j.waiting[:n:n]
	j.waiting = j.waiting[n:]
	return together
}

// fly carries commands out until nobody waits.
func (j *joiner) fly(together []waitingCmds) {
	for ; together != nil; together = j.next() {
		j.send(together)
	}
}

func (j *joiner) send(together []waitingCmds) {
	ctx, cancel := context.WithTimeout(context.Background(), j.timeout)
	defer cancel()
	var cmds []redis.Cmder
	for _, w := range together {
		cmds = append(cmds, w.cmds...)
	}
	_ = piped(ctx, j.client, cmds) // each command has its own error
	for _, w := range together {
		close(w.done)
	}
}

// joinAtMost is how many commands of one caller share a round trip with others, who wait for them.
const joinAtMost = 16

// send carries commands out, together with whoever else does something now, and returns the first of their errors.
func (r *Redis) send(ctx context.Context, cmds []redis.Cmder) error {
	if len(cmds) <= joinAtMost {
		return r.joiner.process(ctx, cmds...)
	}
	return piped(ctx, r.client, cmds)
}

// piped carries commands out in one round trip, and returns the first of their errors.
func piped(ctx context.Context, client redis.UniversalClient, cmds []redis.Cmder) error {
	pipe := client.Pipeline()
	for _, cmd := range cmds {
		_ = pipe.Process(ctx, cmd) // which does nothing yet that could fail
	}
	_, err := pipe.Exec(ctx)
	return err
}

// call is one run of a script on the one key that it touches.
type call struct {
	key  string
	args []any
}

// evaluate runs a script once per call. The calls share a round trip, and a second one when a server does not know the script yet: each script may run twice
// with the effect of once, or had none, so that no call needs to be told apart.
func (r *Redis) evaluate(ctx context.Context, s script, calls ...call) ([]*redis.Cmd, error) {
	answers, err := r.evaluateAs(ctx, "evalsha", s.hash, calls)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return r.evaluateAs(ctx, "eval", s.source, calls)
	}
	return answers, err
}

func (r *Redis) evaluateAs(ctx context.Context, command, what string, calls []call) ([]*redis.Cmd, error) {
	answers, cmds := make([]*redis.Cmd, len(calls)), make([]redis.Cmder, len(calls))
	for i, c := range calls {
		answers[i] = redis.NewCmd(ctx, append([]any{command, what, 1, c.key}, c.args...)...)
		answers[i].SetFirstKeyPos(3)
		cmds[i] = answers[i]
	}
	return answers, r.send(ctx, cmds)
}
