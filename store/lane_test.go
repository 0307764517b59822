package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// gate is a lane whose first group waits until it is opened, so that what comes meanwhile is gathered.
type gate struct {
	*store.Lanes[string, string]

	mu     sync.Mutex
	groups [][]string
	begun  chan struct{} // gets a word whenever a group begins
	open   chan struct{}
	now    time.Time
}

func newGate() *gate {
	g := &gate{begun: make(chan struct{}, 100), open: make(chan struct{}), now: time.Unix(0, 0)}
	g.Lanes = &store.Lanes[string, string]{Width: 1, Run: g.run, Now: func() time.Time {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.now
	}}
	return g
}

func (g *gate) run(ctx context.Context, jobs []string) ([]store.Outcome[string], func()) {
	g.mu.Lock()
	g.groups = append(g.groups, slices.Clone(jobs))
	g.mu.Unlock()
	g.begun <- struct{}{}
	<-g.open
	outcomes := make([]store.Outcome[string], len(jobs))
	for i, job := range jobs {
		outcomes[i].Answer = "did " + job
		if strings.HasPrefix(job, "bad") {
			outcomes[i] = store.Outcome[string]{Err: errors.New(job)}
		}
		if ctx.Err() != nil {
			outcomes[i].Err = ctx.Err()
		}
	}
	return outcomes, nil
}

// ask sends a job and returns where its outcome will be, once the job is in the lane or has been answered.
func (g *gate) ask(ctx context.Context, job string) chan string {
	out := make(chan string, 1)
	before := g.Waiting() + len(g.all())
	go func() {
		answer, err := g.Do(ctx, "k", job)
		if err != nil {
			answer = err.Error()
			if code := models.CodeOf(err); code != models.CodeInternal {
				answer = string(code)
			}
		}
		out <- answer
	}()
	for g.Waiting()+len(g.all()) == before && len(out) == 0 {
		time.Sleep(100 * time.Microsecond)
	}
	return out
}

// all are the jobs of all groups so far.
func (g *gate) all() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Concat(g.groups...)
}

func (g *gate) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func TestLanesGatherWhatComesWhileTheyAreBusy(t *testing.T) {
	t.Parallel()
	g := newGate()
	first := g.ask(context.Background(), "a")
	<-g.begun
	var others []chan string
	want := []string{}
	for i := range 5 {
		others = append(others, g.ask(context.Background(), fmt.Sprint("b", i)))
		want = append(want, fmt.Sprint("b", i))
	}
	bad := g.ask(context.Background(), "bad")
	close(g.open)
	if got := <-first; got != "did a" {
		t.Errorf("first: %s", got)
	}
	for i, other := range others {
		if got := <-other; got != "did "+want[i] {
			t.Errorf("%s: %s", want[i], got)
		}
	}
	if got := <-bad; got != "bad" {
		t.Errorf("an outcome of its own: %s", got)
	}
	if len(g.groups) != 2 || !slices.Equal(g.groups[1], append(want, "bad")) {
		t.Errorf("groups %v", g.groups)
	}
}

func TestLanesLeaveOutWhoHasLeftOrWaitedTooLong(t *testing.T) {
	t.Parallel()
	g := newGate()
	first := g.ask(context.Background(), "a")
	<-g.begun
	leaving, leave := context.WithCancel(context.Background())
	left := g.ask(leaving, "left")
	late := g.ask(context.Background(), "late")
	leave()
	if got := <-left; got != context.Canceled.Error() {
		t.Errorf("who leaves hears %s", got)
	}
	g.pass(time.Second)
	close(g.open)
	if got := <-late; got != "RATE_LIMITED" {
		t.Errorf("who waited too long hears %s", got)
	}
	if got := <-first; got != "did a" {
		t.Errorf("first: %s", got)
	}
	if len(g.groups) != 1 {
		t.Errorf("groups %v", g.groups)
	}
}

func TestACallerDoesNotEndItsGroup(t *testing.T) {
	t.Parallel()
	g := newGate()
	leaving, leave := context.WithCancel(context.Background())
	first := g.ask(leaving, "a")
	<-g.begun
	leave()
	if got := <-first; got != context.Canceled.Error() {
		t.Errorf("who leaves hears %s", got)
	}
	second := g.ask(context.Background(), "b")
	close(g.open)
	if got := <-second; got != "did b" {
		t.Errorf("second: %s", got)
	}
}

func TestLanesRefuseMoreThanTheyCanQueue(t *testing.T) {
	t.Parallel()
	g := newGate()
	g.Queue, g.Group = 3, 2
	first := g.ask(context.Background(), "a")
	<-g.begun
	var waiting []chan string
	for i := range 3 {
		waiting = append(waiting, g.ask(context.Background(), fmt.Sprint(i)))
	}
	if got := <-g.ask(context.Background(), "too many"); got != "RATE_LIMITED" {
		t.Errorf("one too many hears %s", got)
	}
	close(g.open)
	<-first
	for i, w := range waiting {
		if got := <-w; got != fmt.Sprint("did ", i) {
			t.Errorf("%d: %s", i, got)
		}
	}
	if len(g.groups) != 3 || len(g.groups[1]) != 2 {
		t.Errorf("groups %v", g.groups)
	}
}

// TestLanesServeEverybodyOnce: many callers, several lanes.
func TestLanesServeEverybodyOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	served := map[string]int{}
	lanes := &store.Lanes[string, string]{Width: 3, Group: 7, Now: time.Now, Run: func(_ context.Context, jobs []string) ([]store.Outcome[string], func()) {
		mu.Lock()
		defer mu.Unlock()
		outcomes := make([]store.Outcome[string], len(jobs))
		for i, job := range jobs {
			served[job]++
			outcomes[i].Answer = job
		}
		return outcomes, nil
	}}
	var wg sync.WaitGroup
	for client := range 32 {
		wg.Go(func() {
			for i := range 50 {
				job := fmt.Sprint(client, "/", i)
				if got, err := lanes.Do(context.Background(), fmt.Sprint(client%5), job); err != nil || got != job {
					t.Errorf("%s: %q, %v", job, got, err)
				}
			}
		})
	}
	wg.Wait()
	for job, n := range served {
		if n != 1 {
			t.Errorf("%s was served %d times", job, n)
		}
	}
	if len(served) != 32*50 {
		t.Errorf("%d served", len(served))
	}
}

func TestAPanicIsAnErrorToItsGroupAlone(t *testing.T) {
	t.Parallel()
	lanes := &store.Lanes[string, string]{Width: 1, Now: time.Now, Run: func(_ context.Context, jobs []string) ([]store.Outcome[string], func()) {
		if jobs[0] == "bad" {
			panic("broken")
		}
		return []store.Outcome[string]{{Answer: jobs[0]}}, nil
	}}
	if _, err := lanes.Do(context.Background(), "k", "bad"); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("the panic: %v", err)
	}
	if got, err := lanes.Do(context.Background(), "k", "good"); err != nil || got != "good" {
		t.Errorf("the next: %q, %v", got, err)
	}
}

// What follows a group is over before its callers are answered, and does not keep the next group waiting.
func TestLanesGoOnWhileAGroupIsFollowed(t *testing.T) {
	t.Parallel()
	release, followed, taken := make(chan struct{}), make(chan struct{}), make(chan struct{})
	lanes := &store.Lanes[string, string]{Width: 1, Now: time.Now, Run: func(_ context.Context, jobs []string) ([]store.Outcome[string], func()) {
		outcomes := []store.Outcome[string]{{Answer: jobs[0]}}
		switch jobs[0] {
		case "slow":
			close(taken)
			return outcomes, func() { <-release; close(followed) }
		case "panics":
			return outcomes, func() { panic("after the commit") }
		}
		return outcomes, nil
	}}
	slow := make(chan error, 1)
	go func() {
		_, err := lanes.Do(context.Background(), "k", "slow")
		select {
		case <-followed:
		default:
			err = errors.New("answered before what follows was over")
		}
		slow <- err
	}()
	<-taken
	if _, err := lanes.Do(context.Background(), "k", "panics"); err == nil || !strings.Contains(err.Error(), "after the commit") {
		t.Errorf("a panic is %v", err)
	}
	if answer, err := lanes.Do(context.Background(), "k", "next"); err != nil || answer != "next" {
		t.Errorf("the next group: %s, %v", answer, err)
	}
	close(release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

// Who has waited elsewhere before has less patience left.
func TestLanesCountFromTheArrival(t *testing.T) {
	t.Parallel()
	g := newGate()
	first := g.ask(context.Background(), "a")
	<-g.begun
	at := time.Unix(0, 0)
	early := g.ask(store.Arrived(context.Background(), at.Add(-400*time.Millisecond)), "early")
	late := g.ask(store.Arrived(context.Background(), at.Add(time.Hour)), "a clock that is ahead")
	g.pass(200 * time.Millisecond)
	close(g.open)
	<-first
	if got := <-early; got != string(models.CodeRateLimited) {
		t.Errorf("600 ms after its arrival: %s", got)
	}
	if got := <-late; got != "did a clock that is ahead" {
		t.Errorf("after 200 ms: %s", got)
	}
}
