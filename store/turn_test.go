package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/store"
)

// relay is a lane whose groups go ahead, each as it is told.
type relay struct {
	*store.Lanes[int, string]

	begun  chan string        // what a group begins on, and of how many jobs it is
	told   []chan func(*step) // what the next one of the steps of the first, second, ... group is
	groups int
	mu     sync.Mutex
}

// step is a group that waits to be told how to go on.
type step struct {
	turn *store.Turn
	said string
}

func newRelay(groups int) *relay {
	r := &relay{begun: make(chan string, groups)}
	for range groups {
		r.told = append(r.told, make(chan func(*step), 10))
	}
	r.Lanes = &store.Lanes[int, string]{Width: 1, Group: 64, Patience: time.Hour, Now: time.Now, RunAhead: r.run}
	return r
}

func (r *relay) run(_ context.Context, jobs []int, turn *store.Turn) ([]store.Outcome[string], func()) {
	r.mu.Lock()
	at := r.groups
	r.groups++
	r.mu.Unlock()
	r.begun <- fmt.Sprintf("%d on %v", len(jobs), turn.Before())
	one := &step{turn: turn}
	for next := range r.told[at] {
		next(one)
	}
	outcomes := make([]store.Outcome[string], len(jobs))
	for i := range outcomes {
		outcomes[i].Answer = one.said
	}
	return outcomes, nil
}

func (r *relay) tell(group int, next func(*step)) { r.told[group] <- next }

// ask sends jobs, and returns where their outcomes will be once all of them are in the lane.
func (r *relay) ask(n int) chan string {
	out := make(chan string, n)
	before := r.Waiting()
	for i := range n {
		go func() {
			answer, err := r.Do(context.Background(), "k", i)
			if err != nil {
				answer = err.Error()
			}
			out <- answer
		}()
	}
	for n > 1 && r.Waiting() < before+n && len(r.begun) == 0 {
		time.Sleep(100 * time.Microsecond)
	}
	return out
}

// nothing fails the test when a group begins.
func (r *relay) nothing(t *testing.T) {
	t.Helper()
	select {
	case begun := <-r.begun:
		t.Errorf("a group began: %s", begun)
	case <-time.After(20 * time.Millisecond):
	}
}

func handOver(left string) func(*step) { return func(s *step) { s.turn.HandOver(left) } }

func keep(s *step) { s.turn.Keep() }

func wait(s *step) { s.said = fmt.Sprint("kept ", s.turn.Wait()) }

func TestAGroupBeginsOnWhatTheOneBeforeHandsOver(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		r := newRelay(3)
		first := r.ask(1)
		if got := <-r.begun; got != "1 on <nil>" {
			t.Errorf("the first group is %s", got)
		}
		second := r.ask(63)
		r.tell(0, handOver("one"))
		r.nothing(t) // too few wait
		r.ask(1)
		if got := <-r.begun; got != "64 on one" {
			t.Errorf("the second group is %s", got)
		}
		third := r.ask(64)
		r.tell(1, handOver("two"))
		r.nothing(t) // two are under way
		r.tell(1, wait)
		if kept {
			r.tell(0, keep)
		}
		close(r.told[0])
		<-first
		if got := <-r.begun; got != "64 on two" {
			t.Errorf("the third group is %s", got)
		}
		r.tell(1, keep)
		close(r.told[1])
		if got := <-second; got != fmt.Sprint("kept ", kept) {
			t.Errorf("the second group hears %s", got)
		}
		r.tell(2, wait)
		close(r.told[2])
		if got := <-third; got != "kept true" {
			t.Errorf("the third group hears %s", got)
		}
	}
}

// Who fails in the middle has kept nothing, and the lane goes on.
func TestAGroupThatPanicsKeepsNothing(t *testing.T) {
	t.Parallel()
	r := newRelay(3)
	first := r.ask(1)
	<-r.begun
	second := r.ask(64)
	r.tell(0, handOver("one"))
	<-r.begun
	r.tell(1, wait)
	r.tell(0, keep)
	r.tell(0, func(*step) { panic("broken") })
	if got := <-first; len(got) < 10 {
		t.Errorf("the first group hears %s", got)
	}
	close(r.told[1])
	if got := <-second; got != "kept false" {
		t.Errorf("the second group hears %s", got)
	}
	last := r.ask(1)
	if got := <-r.begun; got != "1 on <nil>" {
		t.Errorf("the third group is %s", got)
	}
	close(r.told[2])
	<-last
}

// Where groups go ahead in vain the next ones do not try, one after the first, three after the second running, and so on.
func TestGroupsRestAfterOthersWentAheadInVain(t *testing.T) {
	t.Parallel()
	var alone []bool
	lanes := &store.Lanes[bool, string]{Width: 1, Now: time.Now, RunAhead: func(_ context.Context, keeps []bool, turn *store.Turn) ([]store.Outcome[string], func()) {
		alone = append(alone, turn.Alone())
		if keeps[0] {
			turn.Keep()
		}
		return make([]store.Outcome[string], 1), nil
	}}
	ask := func(keeps bool, groups int) {
		for range groups {
			if _, err := lanes.Do(context.Background(), "k", keeps); err != nil {
				t.Fatal(err)
			}
			for lanes.Waiting() > 0 {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(5 * time.Millisecond) // until the lane has learned
		}
	}
	ask(true, 1)
	ask(false, 8)
	ask(true, 5)
	var want []bool
	for _, one := range "-" + "-a" + "-aaa" + "-a" + "aaaaa" {
		want = append(want, one == 'a')
	}
	if diff := cmp.Diff(want, alone); diff != "" {
		t.Errorf("alone (-want +got):\n%s", diff)
	}
	alone = nil
	ask(true, 3)
	if diff := cmp.Diff([]bool{true, false, false}, alone); diff != "" {
		t.Errorf("alone later (-want +got):\n%s", diff)
	}
}

func itself(id string) item { return item{ID: id, Parent: id, Name: id, N: 1} }

func TestStagesAreOneTransaction(t *testing.T) {
	t.Parallel()
	refusal := errors.New("the one before failed")
	each(t, func(t *testing.T, db *store.DB) {
		for name, c := range map[string]struct {
			ready   bool
			waiting error
			last    string // the id of the row of the last stage
			rows    int
		}{
			"at once":             {ready: true, last: "b", rows: 2},
			"one after the other": {last: "b", rows: 2},
			"not kept":            {waiting: refusal, last: "b"},
			"not kept, at once":   {ready: true, waiting: refusal, last: "b"},
			"taken":               {last: "a"},
			"taken, at once":      {ready: true, last: "a"},
		} {
			var steps []string
			follow, err := db.InStages(t.Context(), store.Stages{
				First: func(script *store.Script) {
					steps = append(steps, "first")
					script.Insert(&[]item{itself("a" + name)})
					script.OnCommit(func(context.Context) { steps = append(steps, "followed") })
				},
				Wait:  func() error { steps = append(steps, "waited"); return c.waiting },
				Ready: func() bool { return c.ready },
				Last: func(script *store.Script) {
					steps = append(steps, "last")
					script.Insert(&[]item{itself(c.last + name)})
				},
			})
			if rows := count(t, db); rows != c.rows {
				t.Errorf("%s: %d rows", name, rows)
			}
			if _, err := db.ExecContext(t.Context(), "DELETE FROM test_items"); err != nil {
				t.Fatal(err)
			}
			switch {
			case c.waiting != nil:
				if !errors.Is(err, refusal) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			case c.rows == 0:
				if !errors.Is(err, store.ErrConflict) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			case err != nil:
				t.Fatalf("%s: %v", name, err)
			}
			follow()
			want := []string{"first", "last", "waited", "followed"}
			if c.ready && db.Engine() == store.Postgres { // as one message
				want = []string{"waited", "first", "last", "followed"}
			}
			if diff := cmp.Diff(want, steps); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}
