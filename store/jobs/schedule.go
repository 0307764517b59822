package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// batch is how many jobs one insert carries.
const batch = 500

// arguments are what River keeps of a job. Object, Due and Again together with the kind are its unique key: an object is not
// scheduled twice for the same time, and a job that puts itself off is not taken for itself.
type arguments struct {
	kind   models.JobKind
	Object models.ID `json:"object,omitempty"`
	Due    string    `json:"due,omitempty"`
	Again  int       `json:"again,omitempty"`
}

var _ river.JobArgs = arguments{}

// Kind names the kind for River.
func (a arguments) Kind() string { return string(a.kind) }

// live are the states in which a job has still to be carried out.
func live() []rivertype.JobState {
	return append(waiting(), rivertype.JobStatePending, rivertype.JobStateRunning)
}

// waiting are the states of jobs that nobody carries out now.
func waiting() []rivertype.JobState {
	return []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStateRetryable}
}

// ScheduleIn has a kind of job carried out for an object at a time, in the caller's transaction: no sooner than that commits, and
// not at all when it does not. It replaces what waits for the same kind and object, so that the last call says when; a job that is
// running at that moment is not disturbed and the new one follows it. A time that is past is now.
func (e *Engine) ScheduleIn(ctx context.Context, tx bun.IDB, kind models.JobKind, object models.ID, due time.Time) error {
	return e.ScheduleManyIn(ctx, tx, kind, []models.Due{{Object: object, At: due}})
}

// ScheduleManyIn is ScheduleIn for many objects with few statements.
func (e *Engine) ScheduleManyIn(ctx context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error {
	for start := 0; start < len(all); start += batch {
		some := all[start:min(start+batch, len(all))]
		jobs := make([]arguments, len(some))
		for i, one := range some {
			jobs[i] = e.arguments(kind, one.Object, one.At)
		}
		if err := deleteWaiting(ctx, tx, kind, jobs); err != nil {
			return err
		}
		if err := e.insert(ctx, tx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// arguments rounds up to what both databases keep: a job that comes a moment early would find its object not due.
func (e *Engine) arguments(kind models.JobKind, object models.ID, due time.Time) arguments {
	if now := e.now(); due.Before(now) {
		due = now
	}
	if floor := due.Truncate(time.Millisecond); floor.Before(due) {
		due = floor.Add(time.Millisecond)
	}
	return arguments{kind: kind, Object: object, Due: due.UTC().Format(time.RFC3339Nano)}
}

// putOff schedules a job again that found its object not due. It replaces nothing: somebody may have scheduled a better time since.
func (e *Engine) putOff(ctx context.Context, job arguments, kind models.JobKind, until time.Time) error {
	next := e.arguments(kind, job.Object, until)
	next.Again = job.Again + 1
	return e.opts.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return e.insert(ctx, tx, []arguments{next}) })
}

func (e *Engine) insert(ctx context.Context, tx bun.IDB, jobs []arguments) error {
	raw, err := rawTx(tx)
	if err != nil {
		return err
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		due, err := time.Parse(time.RFC3339Nano, job.Due)
		if err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
		metadata, err := json.Marshal(map[string]any{"object": job.Object, "due": job.Due})
		if err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
		params[i] = river.InsertManyParams{Args: job, InsertOpts: &river.InsertOpts{
			ScheduledAt: due, Metadata: metadata, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live()},
		}}
	}
	_, err = e.inserter.InsertManyFastTx(ctx, raw, params)
	return store.Translate(err)
}

// rawTx is the transaction as River takes it.
func rawTx(tx bun.IDB) (*sql.Tx, error) {
	switch tx := tx.(type) {
	case bun.Tx:
		return tx.Tx, nil
	case *bun.Tx:
		return tx.Tx, nil
	}
	return nil, errors.New("jobs: a job is scheduled in a transaction")
}

// failures are what went wrong while RunDue ran. Nil gathers nothing.
type failures struct {
	mu  sync.Mutex
	all []error
}

func (f *failures) add(err error) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}

func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.all...)
}
