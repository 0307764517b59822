// Package clock lets operators see what this server does at its time, run it again and cancel it.
//
// It owns who may do so and the record of it. It does not own the engine (store/jobs) nor what a job does (the rooms).
//
// Neighbours: the GraphQL door; it uses sales/access and sales/events.
package clock

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/jobs"
)

// listJobs is the name of the list, which its cursors carry.
const listJobs = "jobs"

// Service shows and changes jobs. All fields are required and set once, before use; it is then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Jobs   *jobs.Engine
	Events *events.Recorder
}

// JobFilter narrows Find. Nil = no filter; an empty list matches nothing.
type JobFilter struct {
	Kinds    []models.JobKind
	States   []models.JobState
	ObjectID *models.ID
}

// may lets operators pass who have JOBS_MANAGE.
func may(who models.Principal) error {
	if err := access.Require(who, models.ManageJobs); err != nil {
		return err
	}
	if !who.SeesAll() {
		return models.Forbidden("Jobs are for operators.")
	}
	return nil
}

// Find returns jobs, newest first. Operators with JOBS_MANAGE only; an unknown kind is INVALID.
func (s *Service) Find(ctx context.Context, who models.Principal, filter JobFilter, args models.PageArgs) (models.Connection[models.Job], error) {
	var none models.Connection[models.Job]
	if err := may(who); err != nil {
		return none, err
	}
	for _, kind := range filter.Kinds {
		if !kind.Valid() {
			return none, models.Invalid("kinds", "This is not a kind of job.")
		}
	}
	page, err := args.Page(listJobs)
	if err != nil {
		return none, err
	}
	return s.Jobs.Find(ctx, jobs.Filter{Kinds: filter.Kinds, States: filter.States, ObjectID: filter.ObjectID}, page)
}

// ByIDs returns the jobs with these ids; the others are absent. Operators with JOBS_MANAGE only.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Job, error) {
	if err := may(who); err != nil {
		return nil, err
	}
	return s.Jobs.ByIDs(ctx, ids)
}

// JobCommand names a job.
type JobCommand struct{ JobID models.ID }

// JobChange is a job after a change.
type JobChange struct{ Job models.Job }

// Rerun makes a job due now, whatever became of it. Operators with JOBS_MANAGE only. NOT_FOUND for an unknown job;
// PRECONDITION_FAILED JOB_RUNNING while it is carried out; CONFLICT when the same is scheduled already.
func (s *Service) Rerun(ctx context.Context, who models.Principal, cmd JobCommand) (JobChange, error) {
	return s.change(ctx, who, cmd, models.EventJobRerun, s.Jobs.RerunIn)
}

// Cancel ends a job that waits or is dead. Operators with JOBS_MANAGE only. NOT_FOUND for an unknown job; PRECONDITION_FAILED
// JOB_RUNNING while it is carried out, JOB_FINISHED when it is done or cancelled.
func (s *Service) Cancel(ctx context.Context, who models.Principal, cmd JobCommand) (JobChange, error) {
	return s.change(ctx, who, cmd, models.EventJobCancelled, s.Jobs.CancelIn)
}

func (s *Service) change(ctx context.Context, who models.Principal, cmd JobCommand, what models.EventType,
	do func(context.Context, bun.IDB, models.ID) (before, after models.Job, err error),
) (JobChange, error) {
	var changed JobChange
	if err := may(who); err != nil {
		return changed, err
	}
	if err := cmd.JobID.Require(models.PrefixJob, "jobId"); err != nil {
		return changed, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, after, err := do(ctx, tx, cmd.JobID)
		if err != nil {
			return err
		}
		changed.Job = after
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: what, SubjectID: string(cmd.JobID), Fields: []string{"state"},
			Changes: []models.FieldChange{models.Changed("state", before.State, after.State)},
			Data:    map[string]any{"kind": after.Kind, "objectId": after.ObjectID},
		})
	})
	return changed, err
}
