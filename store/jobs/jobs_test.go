package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/jobs"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// bench is an engine over a database, with a clock and a list of what was carried out.
type bench struct {
	t      *testing.T
	db     *store.DB
	engine *jobs.Engine

	mu  sync.Mutex
	now time.Time
	ran []models.ID
	err map[models.ID]error
}

func newBench(t *testing.T, db *store.DB) *bench {
	t.Helper()
	b := &bench{t: t, db: db, now: time.Date(2026, 11, 10, 8, 0, 0, 0, time.UTC), err: map[models.ID]error{}}
	var err error
	b.engine, err = jobs.New(jobs.Options{DB: db, Logger: slog.New(slog.DiscardHandler), Now: b.time})
	if err != nil {
		t.Fatal(err)
	}
	b.engine.Handle(models.JobOrderExpire, b.handle)
	return b
}

func (b *bench) time() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.now = b.now.Add(d) }

func (b *bench) fail(id models.ID, err error) { b.mu.Lock(); defer b.mu.Unlock(); b.err[id] = err }

func (b *bench) handle(_ context.Context, id models.ID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ran = append(b.ran, id)
	return b.err[id]
}

func (b *bench) schedule(id models.ID, in time.Duration) {
	b.t.Helper()
	err := b.db.InTx(b.t.Context(), func(ctx context.Context, tx bun.Tx) error {
		return b.engine.ScheduleIn(ctx, tx, models.JobOrderExpire, id, b.time().Add(in))
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// runs carries out what is due and wants exactly these objects to have been handled since the last call.
func (b *bench) runs(want ...models.ID) {
	b.t.Helper()
	err := b.engine.RunDue(b.t.Context())
	all := b.jobs(jobs.Filter{})
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.ran)
	slices.Sort(want)
	if !slices.Equal(b.ran, want) {
		b.t.Errorf("carried out %v, want %v; %v; jobs %+v", b.ran, want, err, all)
	}
	b.ran = nil
}

func (b *bench) jobs(filter jobs.Filter) []models.Job {
	b.t.Helper()
	found, err := b.engine.Find(b.t.Context(), filter, models.Page{List: "jobs", Size: 100})
	if err != nil {
		b.t.Fatal(err)
	}
	return found.Nodes()
}

func (b *bench) only(state models.JobState) models.Job {
	b.t.Helper()
	found := b.jobs(jobs.Filter{States: []models.JobState{state}})
	if len(found) != 1 {
		b.t.Fatalf("%d jobs are %s, want one: %+v", len(found), state, b.jobs(jobs.Filter{}))
	}
	return found[0]
}

func each(t *testing.T, fn func(t *testing.T, b *bench)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newBench(t, db)) })
}

const one, two = models.ID("ord_01h455vb4pex5vsknk084sn02q"), models.ID("ord_01h455vb4pex5vsknk084sn02r")

func TestAJobRunsAtItsTimeAndOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.schedule(one, time.Hour)
		b.schedule(two, 2*time.Hour+123*time.Microsecond)
		b.runs()
		b.advance(time.Hour)
		b.runs(one)
		b.advance(time.Hour)
		b.runs()
		b.advance(time.Second)
		b.runs(two)
		b.advance(1000 * time.Hour)
		b.runs()
	})
}

func TestTheLastScheduleOfAnObjectCounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.schedule(one, time.Hour)
		b.schedule(one, time.Hour)
		b.schedule(one, 3*time.Hour)
		if n := len(b.jobs(jobs.Filter{})); n != 1 {
			t.Errorf("%d jobs for one object", n)
		}
		b.advance(2 * time.Hour)
		b.runs()
		b.schedule(one, -time.Hour) // past is now
		b.runs(one)
		b.schedule(one, -time.Hour)
		b.schedule(one, -time.Hour)
		b.advance(5 * time.Hour)
		b.runs(one)
	})
}

func TestWhatIsRolledBackIsNotScheduled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		regret := errors.New("regret")
		err := b.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(b.engine.ScheduleIn(ctx, tx, models.JobOrderExpire, one, b.time()), regret)
		})
		if !errors.Is(err, regret) {
			t.Error(err)
		}
		b.runs()
		if err := b.engine.ScheduleIn(t.Context(), b.db, models.JobOrderExpire, one, b.time()); err == nil {
			t.Error("scheduled outside a transaction")
		}
	})
}

func TestAJobWhoseObjectIsNotDueIsPutOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		until := b.time().Add(3 * time.Hour)
		b.fail(one, models.NotDue{Until: until})
		b.schedule(one, 0)
		b.runs(one)
		if job := b.only(models.JobScheduled); !job.DueAt.Equal(until) || job.ObjectID != one || job.Attempts != 0 {
			t.Errorf("put off as %+v", job)
		}
		b.advance(3 * time.Hour)
		b.fail(one, nil)
		b.runs(one)
	})
}

func TestAFailureIsTriedAgainUntilTheJobIsDead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fail(one, models.Precondition("LATER", "Not now."))
		b.schedule(one, 0)
		b.runs(one)
		job := b.only(models.JobRetrying)
		if wait := job.DueAt.Sub(b.time()); wait != 5*time.Second || job.LastError != "PRECONDITION_FAILED: Not now." || job.Attempts != 1 {
			t.Errorf("again in %s after %q, %d attempts", wait, job.LastError, job.Attempts)
		}
		b.runs()
		b.advance(5 * time.Second)
		b.runs(one)
		if wait := b.only(models.JobRetrying).DueAt.Sub(b.time()); wait != 10*time.Second {
			t.Errorf("again in %s the second time", wait)
		}
		b.fail(one, errors.New("secret 42"))
		for range jobs.MaxAttempts - 2 {
			b.advance(time.Hour)
			b.runs(one)
		}
		b.advance(10_000 * time.Hour)
		b.runs()
		if dead := b.only(models.JobDead); dead.LastError != "INTERNAL" || dead.FinishedAt == nil || dead.Attempts != jobs.MaxAttempts {
			t.Errorf("died as %+v", dead)
		}
	})
}

func TestAPanicIsAFailure(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.engine.Handle(models.JobHoldExpire, func(context.Context, models.ID) error { panic("secret") })
		err := b.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return b.engine.ScheduleIn(ctx, tx, models.JobHoldExpire, one, b.time())
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.engine.RunDue(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("the panic is told as %v", err)
		}
		b.only(models.JobRetrying)
	})
}

func TestAKindThatNobodyCarriesOutWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		err := b.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return b.engine.ScheduleIn(ctx, tx, models.JobCouponExpire, one, b.time())
		})
		if err := errors.Join(err, b.engine.RunDue(t.Context())); err != nil {
			t.Fatal(err)
		}
		if job := b.only(models.JobScheduled); job.DueAt.Sub(b.time()) != time.Hour {
			t.Errorf("waits until %s", job.DueAt)
		}
	})
}

func TestOperatorsRunJobsAgainAndCancelThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		change := func(do func(context.Context, bun.IDB, models.ID) (models.Job, models.Job, error), id models.ID) error {
			return b.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, _, err := do(ctx, tx, id)
				return err
			})
		}
		b.schedule(one, time.Hour)
		job := b.only(models.JobScheduled)
		if err := change(b.engine.CancelIn, job.ID); err != nil {
			t.Fatal(err)
		}
		b.advance(2 * time.Hour)
		b.runs()
		if err := change(b.engine.CancelIn, job.ID); !errors.Is(err, jobs.ErrFinished) {
			t.Errorf("cancelled twice: %v", err)
		}
		if err := change(b.engine.RerunIn, job.ID); err != nil {
			t.Fatal(err)
		}
		b.runs(one)
		if err := change(b.engine.RerunIn, models.IDFromNumber(models.PrefixJob, 99)); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("an unknown job: %v", err)
		}
	})
}

func TestJobsAreFoundByKindStateAndObjectInPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for i := range 5 {
			b.schedule(models.ID(fmt.Sprintf("ord_01h455vb4pex5vsknk084sn02%d", i)), time.Duration(i+1)*time.Hour)
		}
		b.advance(2 * time.Hour)
		id := models.ID("ord_01h455vb4pex5vsknk084sn023")
		for name, c := range map[string]struct {
			filter jobs.Filter
			want   int
		}{
			"all":          {jobs.Filter{}, 5},
			"due":          {jobs.Filter{States: []models.JobState{models.JobDue}}, 2},
			"waiting":      {jobs.Filter{States: []models.JobState{models.JobScheduled}}, 3},
			"both":         {jobs.Filter{States: []models.JobState{models.JobScheduled, models.JobDue}}, 5},
			"none":         {jobs.Filter{States: []models.JobState{}}, 0},
			"of a kind":    {jobs.Filter{Kinds: []models.JobKind{models.JobOrderExpire}}, 5},
			"of another":   {jobs.Filter{Kinds: []models.JobKind{models.JobCouponExpire}}, 0},
			"of an object": {jobs.Filter{ObjectID: &id}, 1},
		} {
			if got := len(b.jobs(c.filter)); got != c.want {
				t.Errorf("%s: %d jobs, want %d", name, got, c.want)
			}
		}
		var seen []models.ID
		page := models.Page{List: "jobs", Size: 2, WantTotal: true}
		for more := true; more; {
			got, err := b.engine.Find(t.Context(), jobs.Filter{}, page)
			if err != nil {
				t.Fatal(err)
			}
			if *got.TotalCount != 5 {
				t.Errorf("%d in all", *got.TotalCount)
			}
			for _, job := range got.Nodes() {
				seen = append(seen, job.ID)
				page.After = job.ID
			}
			more = got.PageInfo.HasNextPage
		}
		if len(seen) != 5 || !slices.IsSortedFunc(seen, func(a, b models.ID) int { return -strings.Compare(string(a), string(b)) }) {
			t.Errorf("paged %v", seen)
		}
		if standing, err := b.engine.Standing(t.Context()); err != nil || standing.OldestDue != time.Hour || standing.Dead != 0 {
			t.Errorf("standing %+v, %v", standing, err)
		}
	})
}

// Two replicas over one database share the work: each job is done once, and sweeps by one of them.
func TestTwoReplicasDoEachJobOnce(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	const all = 300
	var mu sync.Mutex
	ran, by, swept := map[models.ID]int{}, map[int]int{}, map[int]int{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var engines []*jobs.Engine
	db := storetest.Open(t, url)
	for replica := range 2 {
		engine, err := jobs.New(jobs.Options{
			DB: storetest.Open(t, url), Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Poll: 20 * time.Millisecond, Workers: 4,
		})
		if err != nil {
			t.Fatal(err)
		}
		engine.Handle(models.JobOrderExpire, func(_ context.Context, id models.ID) error {
			mu.Lock()
			ran[id]++
			by[replica]++
			mu.Unlock()
			time.Sleep(2 * time.Millisecond)
			return nil
		})
		engine.Every(time.Second, models.JobSweepHolds, func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			swept[replica]++
			return nil
		})
		engines = append(engines, engine)
		running.Go(func() { engine.Run(ctx) })
	}
	for i := range all {
		id := models.RandomIDs()(models.PrefixOrder)
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return engines[i%2].ScheduleIn(ctx, tx, models.JobOrderExpire, id, time.Now().Add(time.Duration(i%50)*time.Millisecond))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		mu.Lock()
		done := len(ran) == all && swept[0]+swept[1] > 1
		mu.Unlock()
		if done {
			break
		}
	}
	time.Sleep(200 * time.Millisecond)
	cancel()
	running.Wait()
	if len(ran) != all {
		t.Errorf("%d of %d objects were handled", len(ran), all)
	}
	for id, times := range ran {
		if times != 1 {
			t.Errorf("%s was handled %d times", id, times)
		}
	}
	if by[0] == 0 || by[1] == 0 {
		t.Errorf("one replica did everything: %v", by)
	}
	if swept[0]+swept[1] < 2 {
		t.Errorf("swept %v", swept)
	}
}

// A replica is killed in the middle of a job: after RescueAfter another one takes the job over.
func TestAKilledReplicasJobIsTakenOver(t *testing.T) {
	t.Parallel()
	const urlOf, flagOf = "JOBS_TEST_URL", "JOBS_TEST_FLAG"
	if url := os.Getenv(urlOf); url != "" {
		// The replica to be killed: it takes the job and never ends it.
		engine, err := jobs.New(jobs.Options{DB: storetest.Open(t, url), Logger: slog.New(slog.DiscardHandler), Poll: 10 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		engine.Handle(models.JobOrderExpire, func(context.Context, models.ID) error {
			_ = os.WriteFile(os.Getenv(flagOf), nil, 0o600)
			select {}
		})
		engine.Run(t.Context())
		return
	}
	for engineName, url := range map[string]string{"sqlite": storetest.SQLiteURL(t), "postgres": storetest.PostgresURL(t)} {
		t.Run(engineName, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, storetest.Open(t, url))
			b.now = time.Now()
			b.schedule(one, 0)
			flag := filepath.Join(t.TempDir(), "taken")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestAKilledReplicasJobIsTakenOver$")
			child.Env = append(os.Environ(), urlOf+"="+url, flagOf+"="+flag)
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			for range 3000 {
				if _, err := os.Stat(flag); err == nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait()
			if job := b.only(models.JobRunning); job.ObjectID != one {
				t.Fatalf("the killed replica left %+v", job)
			}
			// River reads the real clock here, so the past is moved instead: the job was taken long ago, and the leader is long gone.
			for _, statement := range []string{
				"UPDATE river_job SET attempted_at = '" + time.Now().UTC().Add(-jobs.RescueAfter-time.Minute).Format("2006-01-02 15:04:05.000") + "'",
				"DELETE FROM river_leader",
			} {
				if _, err := b.db.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			heir, err := jobs.New(jobs.Options{DB: b.db, Logger: slog.New(slog.DiscardHandler), Poll: 10 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			heir.Handle(models.JobOrderExpire, b.handle)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan struct{})
			go func() { defer close(ended); heir.Run(ctx) }()
			for range 800 {
				if len(b.jobs(jobs.Filter{States: []models.JobState{models.JobDone}})) == 1 {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			cancel()
			<-ended
			b.only(models.JobDone)
			if !slices.Equal(b.ran, []models.ID{one}) {
				t.Errorf("the heir carried out %v", b.ran)
			}
		})
	}
}

// Our migration writes down what River's own steps make. A new step of River's needs one of ours.
func TestTheMigrationsAreThoseOfThisRiver(t *testing.T) {
	t.Parallel()
	for _, steps := range []fs.FS{riverdatabasesql.New(nil).GetMigrationFS("main"), riversqlite.New(nil).GetMigrationFS("main")} {
		names, err := fs.Glob(steps, "migration/main/*.up.sql")
		if err != nil || len(names) != 6 {
			t.Errorf("River has the steps %v (%v); 0040_jobs writes down six", names, err)
		}
	}
}
