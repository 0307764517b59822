package store

import (
	"context"
	"fmt"
	"hash/maphash"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Defaults of Lanes.
const (
	defaultGroup    = 256
	defaultQueue    = 4096
	defaultPatience = 500 * time.Millisecond
	// aheadFrom is how many jobs a group has at least that begins while another one is under way.
	aheadFrom = 64
	// mostBroken bounds how many groups run by themselves after groups that went ahead in vain: 63.
	mostBroken = 6
	// groupTime is how long a group may take, whatever its callers' deadlines are: they cannot end it for each other.
	groupTime = 20 * time.Second
)

// Lanes carry jobs out that would otherwise wait for each other's row locks: jobs of one key take the same lane, and while
// a lane is busy what arrives is gathered and then carried out as one group, in one transaction. An account that thousands
// of requests debit at once is thus locked and flushed once per group; a job that arrives alone runs at once and alone. Its fields
// are set before use; it is then safe for concurrent use.
type Lanes[J, A any] struct {
	// Run carries a group out and returns an outcome for each of its jobs, in their order. It is called by one goroutine per
	// lane at a time, with a context that no caller ends. What it returns as follow, when that is not nil, is done before the callers are
	// answered, but the lane's next group does not wait for it.
	Run func(ctx context.Context, jobs []J) (outcomes []Outcome[A], follow func())
	// RunAhead, when set, takes the place of Run and may be under way twice in a lane: once a group has handed over what it leaves behind, and as many wait
	// as it has jobs, and 64 at least, the next one begins on that. See Turn.
	RunAhead func(ctx context.Context, jobs []J, turn *Turn) (outcomes []Outcome[A], follow func())

	Width int // lanes; zero means one per processor: with more, groups are smaller and cost more
	Group int // jobs in one group at most; zero means 256
	Queue int // jobs that may wait in one lane; more are refused; zero means 4096
	// Patience is how long a job may wait, counted from its caller's Arrival when there is one: who waited longer is refused, so that
	// who is accepted is served soon. Zero means 500 ms.
	Patience time.Duration
	Now      func() time.Time // for Patience; required

	once  sync.Once
	seed  maphash.Seed
	lanes []lane[J, A]
}

// Outcome is what became of one job.
type Outcome[A any] struct {
	Answer A
	Err    error
}

// lane is one queue. It has goroutines only while there is something to do.
type lane[J, A any] struct {
	mu      sync.Mutex
	waiting []ticket[J, A]
	busy    bool
	came    chan struct{} // has room for the word that a job has come since somebody last looked
	broken  int           // how many groups running have not kept their word
	rest    int           // how many groups are still to run by themselves because of that
}

// ticket is a job with its caller.
type ticket[J, A any] struct {
	ctx   context.Context
	job   J
	since time.Time
	done  chan Outcome[A] // with room for the outcome, so that a caller who has left blocks nobody
}

type arrival struct{}

// Arrived returns a context that says since when its caller waits, so that all lanes on the way of a request share one patience:
// under overload it is refused early instead of waiting everywhere a little less than too long.
func Arrived(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, arrival{}, at)
}

// Do carries a job out in the lane of its key and returns its outcome. RATE_LIMITED says that it was not begun because too
// many wait. When ctx ends first, what became of the job is unknown: its idempotency key tells.
func (l *Lanes[J, A]) Do(ctx context.Context, key string, job J) (A, error) {
	t := ticket[J, A]{ctx: ctx, job: job, since: l.Now(), done: make(chan Outcome[A], 1)}
	if at, known := ctx.Value(arrival{}).(time.Time); known && at.Before(t.since) {
		t.since = at
	}
	if err := l.enter(l.laneOf(key), t); err != nil {
		var none A
		return none, err
	}
	select {
	case outcome := <-t.done:
		return outcome.Answer, outcome.Err
	case <-ctx.Done():
		var none A
		return none, context.Cause(ctx)
	}
}

// Waiting returns how many jobs wait for their group now.
func (l *Lanes[J, A]) Waiting() int {
	l.once.Do(l.make)
	waiting := 0
	for i := range l.lanes {
		waiting += l.waitingIn(&l.lanes[i])
	}
	return waiting
}

func (l *Lanes[J, A]) make() {
	l.seed = maphash.MakeSeed()
	l.lanes = make([]lane[J, A], or(l.Width, runtime.GOMAXPROCS(0)))
	for i := range l.lanes {
		l.lanes[i].came = make(chan struct{}, 1)
	}
}

func (l *Lanes[J, A]) laneOf(key string) *lane[J, A] {
	l.once.Do(l.make)
	return &l.lanes[maphash.String(l.seed, key)%uint64(len(l.lanes))]
}

func (l *Lanes[J, A]) enter(to *lane[J, A], t ticket[J, A]) error {
	to.mu.Lock()
	defer to.mu.Unlock()
	if len(to.waiting) >= or(l.Queue, defaultQueue) {
		return models.RateLimited(time.Second)
	}
	to.waiting = append(to.waiting, t)
	if !to.busy {
		to.busy = true
		go l.drain(to)
		return nil
	}
	select {
	case to.came <- struct{}{}:
	default: // nobody has looked since the last one
	}
	return nil
}

// drain carries groups out until nothing waits.
func (l *Lanes[J, A]) drain(from *lane[J, A]) {
	var under *Turn // the group that is under way; nil when none is
	for {
		l.await(from, under)
		group := l.gather(from)
		if group == nil {
			return
		}
		turn := newTurn(under, len(group))
		if l.RunAhead == nil {
			l.carry(group, turn)
			continue
		}
		under = turn
		go l.carryAhead(from, group, turn)
	}
}

// carryAhead carries a group out that may go ahead, unless it had better not: where others keep changing the same rows, as another replica does, most groups
// would be carried out twice. The more of them have been, the longer it takes until one goes ahead again.
func (l *Lanes[J, A]) carryAhead(from *lane[J, A], group []ticket[J, A], turn *Turn) {
	from.mu.Lock()
	if turn.alone = from.rest > 0; turn.alone {
		from.rest--
	}
	from.mu.Unlock()
	l.carry(group, turn)
	if turn.alone {
		return
	}
	from.mu.Lock()
	defer from.mu.Unlock()
	if turn.own.kept {
		from.broken = 0
		return
	}
	from.broken = min(from.broken+1, mostBroken)
	from.rest = 1<<from.broken - 1
}

// await waits until the next group may begin: the one under way has ended, or it has handed over, is the only one, and as many wait as it has jobs, as smaller
// groups would cost more than they gain.
func (l *Lanes[J, A]) await(from *lane[J, A], under *Turn) {
	if under == nil {
		return
	}
	select {
	case <-under.own.ended:
		return
	case <-under.own.handed:
	}
	if under.before != nil {
		<-under.before.ended
	}
	for l.waitingIn(from) < max(under.own.jobs, aheadFrom) {
		select {
		case <-under.own.ended:
			return
		case <-from.came:
		}
	}
}

func (l *Lanes[J, A]) waitingIn(in *lane[J, A]) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.waiting)
}

// gather takes the next group out of the queue; nil when there is none, and then the lane is idle.
func (l *Lanes[J, A]) gather(from *lane[J, A]) []ticket[J, A] {
	from.mu.Lock()
	defer from.mu.Unlock()
	if len(from.waiting) == 0 {
		from.busy, from.waiting = false, nil
		return nil
	}
	n := min(len(from.waiting), or(l.Group, defaultGroup))
	group := from.waiting[:n:n]
	from.waiting = from.waiting[n:]
	return group
}

// carry runs a group, without those whose caller has left or who have waited too long.
func (l *Lanes[J, A]) carry(group []ticket[J, A], turn *Turn) {
	defer turn.own.end()
	oldest := l.Now().Add(-or(l.Patience, defaultPatience))
	begun, jobs := make([]ticket[J, A], 0, len(group)), make([]J, 0, len(group))
	for _, t := range group {
		switch {
		case t.ctx.Err() != nil:
			t.done <- Outcome[A]{Err: context.Cause(t.ctx)}
		case t.since.Before(oldest):
			t.done <- Outcome[A]{Err: models.RateLimited(time.Second)}
		default:
			begun, jobs = append(begun, t), append(jobs, t.job)
		}
	}
	if len(jobs) == 0 {
		return
	}
	// The first caller's trace and nothing else of it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(begun[0].ctx), groupTime)
	defer cancel()
	outcomes, follow := l.run(ctx, jobs, turn)
	turn.own.end()
	if follow == nil {
		answer(begun, outcomes)
		return
	}
	go func() { answer(begun, followed(outcomes, follow)) }()
}

func answer[J, A any](begun []ticket[J, A], outcomes []Outcome[A]) {
	for i, outcome := range outcomes {
		begun[i].done <- outcome
	}
}

// run is Run, whose panic is an error to its callers like any other: nobody else is there to catch it.
func (l *Lanes[J, A]) run(ctx context.Context, jobs []J, turn *Turn) (outcomes []Outcome[A], follow func()) {
	defer func() {
		if p := recover(); p != nil {
			turn.own.kept = false
			outcomes, follow = panicked[A](len(jobs), p), nil
		}
	}()
	if l.RunAhead != nil {
		return l.RunAhead(ctx, jobs, turn)
	}
	return l.Run(ctx, jobs)
}

// followed does what follows a group, and returns its outcomes.
func followed[A any](outcomes []Outcome[A], follow func()) (known []Outcome[A]) {
	defer func() {
		if p := recover(); p != nil {
			known = panicked[A](len(outcomes), p)
		}
	}()
	follow()
	return outcomes
}

func panicked[A any](jobs int, p any) []Outcome[A] {
	err := fmt.Errorf("store: a group of %d panicked: %v\n%s", jobs, p, debug.Stack())
	outcomes := make([]Outcome[A], jobs)
	for i := range outcomes {
		outcomes[i].Err = err
	}
	return outcomes
}
