package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// row is a job as River keeps it.
type row struct {
	bun.BaseModel `bun:"table:river_job,alias:j"`

	ID          int64
	Kind        models.JobKind
	Object      models.ID `bun:",nullzero"`
	State       rivertype.JobState
	ScheduledAt time.Time
	Attempt     int
	MaxAttempts int
	LastError   string `bun:",nullzero"`
	AttemptedAt *time.Time
	FinalizedAt *time.Time
	CreatedAt   time.Time
}

// job is the row as the API shows it. A job of River's that waits is due from its time on, whether River has looked or not.
func (r row) job(now time.Time) models.Job {
	job := models.Job{
		ID: models.IDFromNumber(models.PrefixJob, r.ID), Kind: r.Kind, ObjectID: r.Object, DueAt: r.ScheduledAt, Attempts: r.Attempt,
		MaxAttempts: r.MaxAttempts, LastError: r.LastError, AttemptedAt: r.AttemptedAt, FinishedAt: r.FinalizedAt, CreatedAt: r.CreatedAt,
	}
	switch r.State {
	case rivertype.JobStateRunning:
		job.State = models.JobRunning
	case rivertype.JobStateCompleted:
		job.State = models.JobDone
	case rivertype.JobStateDiscarded:
		job.State = models.JobDead
	case rivertype.JobStateCancelled:
		job.State = models.JobCancelled
	case rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateScheduled, rivertype.JobStateRetryable:
		switch {
		case !r.ScheduledAt.After(now):
			job.State = models.JobDue
		case r.Attempt > 0:
			job.State = models.JobRetrying
		default:
			job.State = models.JobScheduled
		}
	}
	return job
}

// object is how SQL finds what a job is about.
const object = "(j.metadata ->> 'object')"

func selectRows(db bun.IDB) *bun.SelectQuery {
	lastError := "j.errors[array_upper(j.errors, 1)] ->> 'error'"
	if store.EngineOf(db) == store.SQLite {
		lastError = "json_extract(j.errors, '$[#-1].error')"
	}
	return db.NewSelect().Model((*row)(nil)).
		Column("j.id", "j.kind", "j.state", "j.scheduled_at", "j.attempt", "j.max_attempts", "j.attempted_at", "j.finalized_at", "j.created_at").
		ColumnExpr(object + " AS object").ColumnExpr(lastError + " AS last_error")
}

// deleteWaiting removes what waits for the same objects at other times.
func deleteWaiting(ctx context.Context, tx bun.IDB, kind models.JobKind, jobs []arguments) error {
	objects := make([]models.ID, len(jobs))
	for i, job := range jobs {
		objects[i] = job.Object
	}
	q := tx.NewDelete().Model((*row)(nil)).Where("j.kind = ?", kind).Where(object+" IN (?)", bun.List(objects)).
		Where("j.state IN (?)", bun.List(waiting()))
	if len(jobs) == 1 { // the common case keeps what is right already
		q = q.Where("j.metadata ->> 'due' <> ?", jobs[0].Due)
	}
	_, err := q.Exec(ctx)
	return store.Translate(err)
}

// makeAvailable lets River take what is due, as its leader does from time to time, and returns how many are.
func (e *Engine) makeAvailable(ctx context.Context) (int, error) {
	now := e.now()
	if e.opts.DB.Engine() == store.SQLite {
		// River writes times in two ways there, and finds one that is due this very millisecond in one of them only.
		_, err := e.opts.DB.NewUpdate().Model((*row)(nil)).Set("state = ?, scheduled_at = ?", rivertype.JobStateAvailable, now.Format(riverTime)).
			Where("j.state IN (?)", bun.List(waiting())).Where(due, e.justAfter(now)).Exec(ctx)
		if err != nil {
			return 0, store.Translate(err)
		}
	} else if _, err := e.driver().GetExecutor().JobSchedule(ctx, &riverdriver.JobScheduleParams{Max: 10_000, Now: &now}); err != nil {
		return 0, store.Translate(err)
	}
	return e.countOpen(ctx, "")
}

// countOpen counts what can be taken now, and what a client of River's has taken and not finished yet.
func (e *Engine) countOpen(ctx context.Context, client string) (int, error) {
	taker := "j.attempted_by[array_upper(j.attempted_by, 1)]"
	if e.opts.DB.Engine() == store.SQLite {
		taker = "json_extract(j.attempted_by, '$[#-1]')"
	}
	n, err := e.opts.DB.NewSelect().Model((*row)(nil)).
		Where("j.state = ? AND "+due, rivertype.JobStateAvailable, e.justAfter(e.now())).
		WhereOr("j.state = ? AND "+taker+" = ?", rivertype.JobStateRunning, client).Count(ctx)
	return int(n), store.Translate(err)
}

const (
	// due and notDue compare with justAfter.
	due, notDue = "j.scheduled_at < ?", "j.scheduled_at >= ?"
	// riverTime is how River writes times on SQLite.
	riverTime = "2006-01-02 15:04:05.999"
)

// justAfter is the first moment after a time that the database tells from it, as text where River keeps text.
func (e *Engine) justAfter(t time.Time) any {
	if e.opts.DB.Engine() == store.SQLite {
		return t.UTC().Add(time.Millisecond).Format("2006-01-02 15:04:05.000")
	}
	return t.Add(time.Microsecond)
}

// at is a time as River writes it.
func (e *Engine) at(t time.Time) any {
	if e.opts.DB.Engine() == store.SQLite {
		return t.UTC().Format(riverTime)
	}
	return t
}
