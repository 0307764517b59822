package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Reasons why a job is not run again or cancelled.
var (
	ErrRunning  = models.Precondition("JOB_RUNNING", "This job is being carried out; wait for its end.")
	ErrFinished = models.Precondition("JOB_FINISHED", "This job is done or was cancelled already.")
	errUnknown  = models.NotFound("job")
)

// Filter narrows Find. Nil = no filter; an empty list matches nothing.
type Filter struct {
	Kinds    []models.JobKind
	States   []models.JobState
	ObjectID *models.ID
}

// Find returns a page of jobs, newest first.
func (e *Engine) Find(ctx context.Context, filter Filter, page models.Page) (models.Connection[models.Job], error) {
	var none models.Connection[models.Job]
	now := e.now()
	q := filter.apply(e, selectRows(e.opts.DB), now)
	for _, bound := range []struct {
		id   models.ID
		sign string
	}{{page.After, "<"}, {page.Before, ">"}} {
		if bound.id == "" {
			continue
		}
		n, ok := bound.id.Number()
		if !ok {
			return none, models.Invalid("after", "This is not a cursor of ours.")
		}
		q = q.Where("j.id "+bound.sign+" ?", n)
	}
	direction := "DESC"
	if page.Backward {
		direction = "ASC"
	}
	var rows []row
	if err := q.OrderExpr("j.id "+direction).Limit(int64(page.Size)+1).Scan(ctx, &rows); err != nil {
		return none, store.Translate(err)
	}
	jobs := make([]models.Job, len(rows))
	for i, r := range rows {
		jobs[i] = r.job(now)
	}
	if !page.WantTotal {
		return models.NewConnection(page, jobs, nil), nil
	}
	count, err := filter.apply(e, e.opts.DB.NewSelect().Model((*row)(nil)), now).Count(ctx)
	total := int(count)
	return models.NewConnection(page, jobs, &total), store.Translate(err)
}

func (f Filter) apply(e *Engine, q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	if f.Kinds != nil {
		q = q.Where("j.kind IN (?)", bun.List(f.Kinds))
	}
	if f.ObjectID != nil {
		q = q.Where(object+" = ?", *f.ObjectID)
	}
	if f.States == nil {
		return q
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("1 = 0")
		for _, state := range f.States {
			q = e.whereState(q, state, now)
		}
		return q
	})
}

func (e *Engine) whereState(q *bun.SelectQuery, state models.JobState, now time.Time) *bun.SelectQuery {
	waits := bun.List(append(waiting(), rivertype.JobStatePending))
	switch state {
	case models.JobScheduled:
		return q.WhereOr("j.state IN (?) AND "+notDue+" AND j.attempt = 0", waits, e.justAfter(now))
	case models.JobDue:
		return q.WhereOr("j.state IN (?) AND "+due, waits, e.justAfter(now))
	case models.JobRunning:
		return q.WhereOr("j.state = ?", rivertype.JobStateRunning)
	case models.JobRetrying:
		return q.WhereOr("j.state IN (?) AND "+notDue+" AND j.attempt > 0", waits, e.justAfter(now))
	case models.JobDone:
		return q.WhereOr("j.state = ?", rivertype.JobStateCompleted)
	case models.JobDead:
		return q.WhereOr("j.state = ?", rivertype.JobStateDiscarded)
	case models.JobCancelled:
		return q.WhereOr("j.state = ?", rivertype.JobStateCancelled)
	}
	return q
}

// ByIDs returns the jobs with these ids; the others are absent.
func (e *Engine) ByIDs(ctx context.Context, ids []models.ID) (map[models.ID]models.Job, error) {
	return e.byIDs(ctx, e.opts.DB, ids)
}

func (e *Engine) byIDs(ctx context.Context, db bun.IDB, ids []models.ID) (map[models.ID]models.Job, error) {
	numbers := make([]int64, 0, len(ids))
	for _, id := range ids {
		if n, ok := id.Number(); ok {
			numbers = append(numbers, n)
		}
	}
	var rows []row
	if len(numbers) > 0 {
		if err := selectRows(db).Where("j.id IN (?)", bun.List(numbers)).Scan(ctx, &rows); err != nil {
			return nil, store.Translate(err)
		}
	}
	found := make(map[models.ID]models.Job, len(rows))
	for _, r := range rows {
		job := r.job(e.now())
		found[job.ID] = job
	}
	return found, nil
}

// RerunIn makes a job due now, whatever became of it, and returns it. ErrRunning while it is carried out; CONFLICT when the
// same is scheduled already.
func (e *Engine) RerunIn(ctx context.Context, tx bun.IDB, id models.ID) (before, after models.Job, err error) {
	return e.changeIn(ctx, tx, id, func(before models.Job) error {
		raw, err := rawTx(tx)
		if err != nil {
			return err
		}
		n, _ := id.Number()
		_, err = e.inserter.JobRetryTx(ctx, raw, n)
		return err
	})
}

// CancelIn ends a job that waits, or that is dead, and returns it. ErrRunning while it is carried out; ErrFinished when it is over.
func (e *Engine) CancelIn(ctx context.Context, tx bun.IDB, id models.ID) (before, after models.Job, err error) {
	return e.changeIn(ctx, tx, id, func(before models.Job) error {
		if before.State == models.JobDone || before.State == models.JobCancelled {
			return ErrFinished
		}
		n, _ := id.Number()
		_, err := tx.NewUpdate().Model((*row)(nil)).Set("state = ?, finalized_at = ?", rivertype.JobStateCancelled, e.at(e.now())).
			Where("j.id = ? AND j.state <> ?", n, rivertype.JobStateRunning).Exec(ctx)
		return err
	})
}

func (e *Engine) changeIn(ctx context.Context, tx bun.IDB, id models.ID, change func(before models.Job) error) (before, after models.Job, err error) {
	found, err := e.byIDs(ctx, tx, []models.ID{id})
	if err != nil {
		return before, after, err
	}
	before, ok := found[id]
	switch {
	case !ok:
		return before, after, errUnknown
	case before.State == models.JobRunning:
		return before, after, ErrRunning
	}
	if err := change(before); err != nil {
		return before, after, store.Translate(err)
	}
	if found, err = e.byIDs(ctx, tx, []models.ID{id}); err != nil {
		return before, after, err
	}
	after = found[id]
	if after.State == models.JobRunning { // a replica was quicker
		return before, after, ErrRunning
	}
	return before, after, nil
}

// Standing is how the queue stands.
type Standing struct {
	Dead      int           // jobs that failed at every attempt
	OldestDue time.Duration // how long the oldest job that nobody has taken has been due; zero = none
}

// Standing reads how the queue stands.
func (e *Engine) Standing(ctx context.Context) (Standing, error) {
	var standing Standing
	dead, err := e.opts.DB.NewSelect().Model((*row)(nil)).Where("j.state = ?", rivertype.JobStateDiscarded).Count(ctx)
	if err != nil {
		return standing, store.Translate(err)
	}
	standing.Dead = int(dead)
	var oldest []row
	now := e.now()
	err = selectRows(e.opts.DB).Where("j.state IN (?)", bun.List(waiting())).Where(due, e.justAfter(now)).
		OrderExpr("j.scheduled_at").Limit(1).Scan(ctx, &oldest)
	if len(oldest) > 0 {
		standing.OldestDue = now.Sub(oldest[0].ScheduledAt)
	}
	return standing, store.Translate(err)
}
