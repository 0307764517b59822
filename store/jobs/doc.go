// Package jobs does things at their time: each once per object, whatever the number of replicas, and again after a failure.
//
// It owns the engine (River) with its tables, how a job is scheduled in a transaction, carried out, retried and kept when it
// is dead, and what runs at intervals on one replica only. It does not own what a job does: rooms bring handlers, which read
// their object under a lock and judge by their own clock whether it is due.
//
// Neighbours: cmd introduces it to the rooms, which know it as a one-method interface:
//
//	ScheduleIn(ctx context.Context, tx bun.IDB, kind models.JobKind, object models.ID, due time.Time) error
//
// and to sales/clock, through which operators see, cancel and re-run jobs. It uses store and models.
package jobs
