package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

const (
	// MaxAttempts is how often a job is tried before it is dead, which takes about eleven hours.
	MaxAttempts = 20
	// JobTimeout is how long one attempt may take.
	JobTimeout = time.Minute
	// SweepTimeout is how long one run of a sweep may take.
	SweepTimeout = 5 * time.Minute
	// RescueAfter is when a job that a replica took and never finished is given to another.
	RescueAfter = 10 * time.Minute
	// DoneRetention is how long jobs are kept that are done or cancelled. Dead ones stay.
	DoneRetention = 24 * time.Hour

	stopPatience                 = 10 * time.Second
	firstBackoff, longestBackoff = 5 * time.Second, time.Hour
	// never is how long River is told to keep what is to stay.
	never = -1
)

// Handler carries a job out for its object. It reads the object under a lock and does nothing when there is nothing left to do: a
// job may run more than once. It answers models.NotDue when the object is not due by its own clock; any other error has the job
// tried again later. It begins its own transactions.
type Handler func(ctx context.Context, object models.ID) error

// Meter is told of each attempt. Outcome is done, put_off, failed or dead.
type Meter interface {
	JobRan(kind models.JobKind, outcome string, took time.Duration)
}

// Options are what an Engine is made of.
type Options struct {
	DB     *store.DB    // required
	Logger *slog.Logger // required
	Meter  Meter        // nil = nobody is told
	// Now moves the engine's own clock, for tests; nil = the database's time.
	Now func() time.Time
	// Poll is how long a free replica waits before it looks for due jobs again; zero = one second.
	Poll time.Duration
	// Workers is how many jobs this replica carries out at once; zero = 8 on PostgreSQL, 2 on SQLite.
	Workers int
}

// Engine schedules jobs and carries them out. Handle and Every are called before Run; it is then safe for concurrent use.
type Engine struct {
	opts     Options
	inserter *river.Client[*sql.Tx]
	handlers map[models.JobKind]Handler
	sweeps   []sweep
}

// sweep is what one replica does at an interval.
type sweep struct {
	kind  models.JobKind
	every time.Duration
	do    func(context.Context) error
}

// New makes an engine that schedules; it carries nothing out and asks the database for nothing before Run or RunDue.
func New(opts Options) (*Engine, error) {
	e := &Engine{opts: opts, handlers: map[models.JobKind]Handler{}}
	var err error
	e.inserter, err = river.NewClient(e.driver(), e.config())
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return e, nil
}

// Handle names who carries a kind out. Jobs of a kind without a handler wait.
func (e *Engine) Handle(kind models.JobKind, handler Handler) {
	if handler != nil {
		e.handlers[kind] = handler
	}
}

// Every has one replica, whichever leads, do something at an interval. What fails is logged and done again at the next interval.
func (e *Engine) Every(interval time.Duration, kind models.JobKind, do func(context.Context) error) {
	e.sweeps = append(e.sweeps, sweep{kind, interval, do})
}

// Run carries out what is due, until ctx ends; then it waits for what is running. A database that is away for a while, or not
// migrated yet, only delays it.
func (e *Engine) Run(ctx context.Context) {
	config := e.config()
	config.FetchPollInterval, config.FetchCooldown = or(e.opts.Poll, time.Second), min(or(e.opts.Poll, time.Second), 100*time.Millisecond)
	for _, s := range e.sweeps {
		config.PeriodicJobs = append(config.PeriodicJobs, river.NewPeriodicJob(
			river.PeriodicInterval(s.every),
			func() (river.JobArgs, *river.InsertOpts) {
				return arguments{kind: s.kind}, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live()}}
			},
			&river.PeriodicJobOpts{ID: string(s.kind)},
		))
	}
	for ctx.Err() == nil {
		client, err := e.start(context.WithoutCancel(ctx), config)
		if err != nil {
			e.opts.Logger.WarnContext(ctx, "jobs not started", slog.Any("error", err))
			pause(ctx, 5*time.Second)
			continue
		}
		<-ctx.Done()
		e.stop(ctx, client)
	}
}

// RunDue carries out everything that is due now by the engine's clock, and what that makes due, and returns when it is done; for
// tests and for commands. Its error tells of jobs that failed, which are tried again at their time. Do not call it beside Run or itself.
func (e *Engine) RunDue(ctx context.Context) error {
	var failures failures
	config := e.config()
	config.FetchPollInterval, config.FetchCooldown, config.TestOnly = 2*time.Millisecond, time.Millisecond, true
	config.Workers = e.workers(&failures)
	for {
		n, err := e.makeAvailable(ctx)
		if err != nil || n == 0 {
			return errors.Join(err, failures.err())
		}
		client, err := e.start(context.WithoutCancel(ctx), config)
		if err != nil {
			return err
		}
		for n > 0 && err == nil {
			pause(ctx, 2*time.Millisecond)
			if n, err = e.countOpen(ctx, client.ID()); err == nil {
				err = ctx.Err()
			}
		}
		e.stop(ctx, client)
		if err != nil {
			return err
		}
	}
}

func (e *Engine) start(ctx context.Context, config *river.Config) (*river.Client[*sql.Tx], error) {
	if config.Workers == nil {
		config.Workers = e.workers(nil)
	}
	workers := 8
	if e.opts.DB.Engine() == store.SQLite {
		workers = 2
	}
	config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: or(e.opts.Workers, workers)}}
	client, err := river.NewClient(e.driver(), config)
	if err != nil {
		return nil, err
	}
	err = client.Start(ctx)
	return client, err
}

// stop lets running jobs finish for a while; those that take longer are cut short and tried again.
func (e *Engine) stop(ctx context.Context, client *river.Client[*sql.Tx]) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	if err := client.Stop(within); err != nil {
		e.opts.Logger.WarnContext(ctx, "jobs ended by force", slog.Any("error", err))
		_ = client.StopAndCancel(context.WithoutCancel(ctx))
	}
}

func (e *Engine) config() *river.Config {
	config := &river.Config{
		Logger: slog.New(quiet{e.opts.Logger.Handler()}), MaxAttempts: MaxAttempts, JobTimeout: JobTimeout, RescueStuckJobsAfter: RescueAfter,
		CompletedJobRetentionPeriod: DoneRetention, CancelledJobRetentionPeriod: DoneRetention, DiscardedJobRetentionPeriod: never,
		RetryPolicy: backoff{e.now}, PollOnly: true,
	}
	if e.opts.Now != nil {
		config.Test.Time = clock{e.opts.Now}
		// River's upkeep reads the real clock, to which everything of another time would look left behind.
		config.RescueStuckJobsAfter, config.CompletedJobRetentionPeriod, config.CancelledJobRetentionPeriod = 1<<62, never, never
	}
	return config
}

func (e *Engine) driver() riverdriver.Driver[*sql.Tx] {
	if e.opts.DB.Engine() == store.SQLite {
		return riversqlite.New(e.opts.DB.DB.DB)
	}
	return riverdatabasesql.New(e.opts.DB.DB.DB)
}

// now is the engine's time in UTC.
func (e *Engine) now() time.Time {
	if e.opts.Now != nil {
		return e.opts.Now().UTC()
	}
	return time.Now().UTC()
}

// workers makes one worker for each kind. failed, when not nil, gathers what went wrong.
func (e *Engine) workers(failed *failures) *river.Workers {
	workers := river.NewWorkers()
	for _, kind := range models.JobKindsOfObjects() {
		river.AddWorkerArgs(workers, arguments{kind: kind}, &worker{engine: e, kind: kind, timeout: JobTimeout, failed: failed})
	}
	for _, s := range e.sweeps {
		river.AddWorkerArgs(workers, arguments{kind: s.kind}, &worker{engine: e, kind: s.kind, timeout: SweepTimeout, sweep: s.do, failed: failed})
	}
	return workers
}

// worker is one kind for River.
type worker struct {
	river.WorkerDefaults[arguments]
	engine  *Engine
	kind    models.JobKind
	timeout time.Duration
	sweep   func(context.Context) error
	failed  *failures
}

// Timeout bounds one attempt.
func (w *worker) Timeout(*river.Job[arguments]) time.Duration { return w.timeout }

// Work is one attempt.
func (w *worker) Work(ctx context.Context, job *river.Job[arguments]) error {
	began := time.Now()
	outcome, err := w.attempt(ctx, job)
	if w.engine.opts.Meter != nil {
		w.engine.opts.Meter.JobRan(w.kind, outcome, time.Since(began))
	}
	return err
}

func (w *worker) attempt(ctx context.Context, job *river.Job[arguments]) (outcome string, err error) {
	failure := w.carryOut(ctx, job)
	until, early := models.NotDueUntil(failure)
	switch {
	case failure == nil:
		return "done", nil
	case early:
		if failure = w.engine.putOff(ctx, job.Args, w.kind, until); failure == nil {
			return "put_off", nil
		}
	}
	outcome = "failed"
	if w.sweep == nil && job.Attempt >= job.MaxAttempts {
		outcome = "dead"
	}
	w.engine.opts.Logger.WarnContext(ctx, "job failed", slog.String("job", string(w.kind)), slog.String("object_id", string(job.Args.Object)),
		slog.Int("attempt", job.Attempt), slog.String("outcome", outcome), slog.Any("error", failure))
	w.failed.add(fmt.Errorf("%s %s: %w", w.kind, job.Args.Object, failure))
	kept := errors.New(models.Describe(failure))
	if w.sweep != nil {
		return outcome, river.JobCancel(kept) // the next run is the retry
	}
	return outcome, kept
}

// carryOut calls the handler; its panic is a failure like any other.
func (w *worker) carryOut(ctx context.Context, job *river.Job[arguments]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.engine.opts.Logger.ErrorContext(ctx, "job panicked", slog.String("job", string(w.kind)), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	if w.sweep != nil {
		return w.sweep(ctx)
	}
	handler := w.engine.handlers[w.kind]
	if handler == nil {
		return models.NotDue{Until: w.engine.now().Add(time.Hour)}
	}
	return handler(ctx, job.Args.Object)
}

// backoff is five seconds after the first attempt, twice as long after each further one, and an hour at most.
type backoff struct{ now func() time.Time }

var _ river.ClientRetryPolicy = backoff{}

// NextRetry is when a job that failed is tried again.
func (b backoff) NextRetry(job *rivertype.JobRow) time.Time {
	return b.now().Add(min(firstBackoff<<min(max(job.Attempt-1, 0), 20), longestBackoff))
}

// clock is the engine's own time for River.
type clock struct{ now func() time.Time }

var _ rivertype.TimeGenerator = clock{}

// NowUTC is the time.
func (c clock) NowUTC() time.Time { return c.now().UTC() }

// NowUTCOrNil is the time, in place of the database's.
func (c clock) NowUTCOrNil() *time.Time {
	now := c.NowUTC()
	return &now
}

// quiet keeps River's log to what is broken: what a job's failure is, our own line says.
type quiet struct{ slog.Handler }

// Enabled drops all below an error.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && q.Handler.Enabled(ctx, level)
}

// Handle drops what fails because the work was ended, as at a stop: that is no fault.
func (q quiet) Handle(ctx context.Context, record slog.Record) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return q.Handler.Handle(ctx, record)
	}
}

// WithAttrs keeps it quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps it quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
