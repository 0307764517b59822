package models

import (
	"errors"
	"slices"
	"time"
)

// JobKind says what a job does when its object is due. A kind belongs to one room, which carries it out.
type JobKind string

// The kinds that wait for one object each; the object is what the id of the job's schedule names.
const (
	JobOrderExpire       JobKind = "order.expire"       // an order that was not paid by its deadline
	JobHoldExpire        JobKind = "hold.expire"        // money held for an order, or a coupon locked by it
	JobResourceExpire    JobKind = "resource.expire"    // a main resource at its expiry, and at each end of a period after it
	JobResourceAutoRenew JobKind = "resource.autorenew" // a main resource on its deduction day (O13)
	JobCouponExpire      JobKind = "coupon.expire"      // a coupon at the begin and at the end of its validity
	JobQuotaExpire       JobKind = "quota.expire"       // a coupon quota at the end of its period
	JobUsageSettle       JobKind = "usage.settle"       // a customer whose use is to be paid, or whose debt is
	JobAccountSettle     JobKind = "account.settle"     // a customer that owes on account, at the end of the month (O04)
	JobPayoutDue         JobKind = "payout.due"         // a confirmed statement whose partner wants it paid out by itself (N03)
	JobBenefitLapse      JobKind = "benefit.lapse"      // a capability whose incentive was not applied for in its year
	JobStaffYear         JobKind = "staff.year"         // a scheme of dedicated staff at the end of its year (N07)
)

// The kinds that one replica does at an interval, for all objects at once.
const (
	JobSweepHolds      JobKind = "sweep.holds"      // gives expired holds back
	JobSweepRecharges  JobKind = "sweep.recharges"  // ends recharges that were not paid in time
	JobSweepRelations  JobKind = "sweep.relations"  // ends reports, invitations and requests that expired
	JobSweepBudgets    JobKind = "sweep.budgets"    // tells of budgets that are used up to a share
	JobSweepExports    JobKind = "sweep.exports"    // removes exports that are past their time
	JobSweepSessions   JobKind = "sweep.sessions"   // removes sessions that are over
	JobSweepFederation JobKind = "sweep.federation" // removes what sign-ins leave behind
	JobSweepWebhooks   JobKind = "sweep.webhooks"   // removes old deliveries
	JobSweepBackfill   JobKind = "sweep.backfill"   // schedules jobs for what was there before the jobs were
	JobSweepIncentives JobKind = "sweep.incentives" // accrues the statements that are estimated, and closes those whose month is over
)

// JobKindsOfObjects returns the kinds that wait for one object each, in a fixed order.
func JobKindsOfObjects() []JobKind {
	return []JobKind{JobOrderExpire, JobHoldExpire, JobResourceExpire, JobResourceAutoRenew, JobCouponExpire, JobQuotaExpire, JobUsageSettle, JobAccountSettle, JobPayoutDue,
		JobBenefitLapse, JobStaffYear}
}

// JobKinds returns every kind, in a fixed order.
func JobKinds() []JobKind {
	return append(JobKindsOfObjects(), JobSweepHolds, JobSweepRecharges, JobSweepRelations, JobSweepBudgets, JobSweepExports,
		JobSweepSessions, JobSweepFederation, JobSweepWebhooks, JobSweepBackfill, JobSweepIncentives)
}

// Valid reports whether k is one of JobKinds.
func (k JobKind) Valid() bool { return slices.Contains(JobKinds(), k) }

// Due is an object and when something is due for it.
type Due struct {
	Object ID
	At     time.Time
}

// JobState is where a job stands.
type JobState string

// The states.
const (
	JobScheduled JobState = "SCHEDULED" // waits for its time
	JobDue       JobState = "DUE"       // its time has come, and the next free replica takes it
	JobRunning   JobState = "RUNNING"   // a replica carries it out
	JobRetrying  JobState = "RETRYING"  // it failed and is tried again at its time
	JobDone      JobState = "DONE"      // carried out, or nothing was left to do
	JobDead      JobState = "DEAD"      // failed at every attempt; kept until an operator runs it again or cancels it
	JobCancelled JobState = "CANCELLED" // an operator cancelled it
)

// Job is one thing to do at one time. The engine behind store/jobs keeps it.
type Job struct {
	ID          ID
	Kind        JobKind
	ObjectID    ID // what it is about; zero for what runs at an interval
	State       JobState
	DueAt       time.Time // when it runs next, or ran last
	Attempts    int       // how often it was begun
	MaxAttempts int       // after so many failures it is dead
	LastError   string    // of the last failure, in words fit for people; "" = none
	AttemptedAt *time.Time
	FinishedAt  *time.Time // when it was done, dead or cancelled
	CreatedAt   time.Time
}

// NodeID returns the id to page by.
func (j Job) NodeID() ID { return j.ID }

// IsNode marks the type as a GraphQL Node.
func (Job) IsNode() {}

// LastErrorOrNil returns LastError, or nil when it is empty.
func (j Job) LastErrorOrNil() *string { return orNil(j.LastError) }

// JobConnection is a page of jobs.
type JobConnection = Connection[Job]

// JobEdge is one of the jobs and its position.
type JobEdge = Edge[Job]

// NotDue is what a handler answers when the object of its job is not due yet, by the handler's own clock: the job is put off
// until Until, and that is no failure.
type NotDue struct{ Until time.Time }

// Error says so.
func (e NotDue) Error() string { return "not due before " + e.Until.UTC().Format(time.RFC3339) }

// NotDueUntil returns when a job is due that its handler put off; false when err says something else.
func NotDueUntil(err error) (time.Time, bool) {
	var notDue NotDue
	if errors.As(err, &notDue) {
		return notDue.Until, true
	}
	return time.Time{}, false
}
