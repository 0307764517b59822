package app

import (
	"context"
	"errors"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/clock"
	"github.com/partnergraph/partnergraph/store/jobs"
)

// wireJobs makes the engine of what is done at its time, for the rooms to schedule with.
func (a *App) wireJobs() (err error) {
	r := a.Rooms
	if r.Jobs, err = jobs.New(jobs.Options{DB: r.DB, Logger: a.Log, Meter: a.metrics, Now: a.jobsNow}); err != nil {
		return err
	}
	r.Clock = &clock.Service{DB: r.DB, Jobs: r.Jobs, Events: r.Recorder}
	return nil
}

// wireHandlers says which room carries a kind out, and what one replica does at an interval. What each replica has to do for itself
// is in schedule.
func (a *App) wireHandlers() {
	r := a.Rooms
	r.Jobs.Handle(models.JobResourceExpire, r.Resources.Expire)
	r.Jobs.Handle(models.JobResourceAutoRenew, r.Resources.RenewDue)
	r.Jobs.Handle(models.JobOrderExpire, r.Orders.ExpireOrder)
	r.Jobs.Handle(models.JobCouponExpire, r.Coupons.ExpireCoupon)
	r.Jobs.Handle(models.JobQuotaExpire, r.Coupons.ExpireQuota)
	r.Jobs.Handle(models.JobUsageSettle, r.Billing.Settle)
	r.Jobs.Handle(models.JobAccountSettle, r.Accounts.Settle)
	r.Jobs.Handle(models.JobPayoutDue, r.Payouts.PayDue)
	r.Jobs.Handle(models.JobBenefitLapse, r.Benefits.Lapse)
	r.Jobs.Handle(models.JobStaffYear, r.Staff.EndYear)
	for kind, handler := range r.handlers {
		r.Jobs.Handle(kind, handler)
	}
	r.Jobs.Every(time.Minute, models.JobSweepHolds, counted(func(ctx context.Context) (int, error) {
		return r.Funds.ExpireHolds(ctx, models.SystemPrincipal("holds"))
	}))
	r.Jobs.Every(time.Minute, models.JobSweepRecharges, counted(r.Funds.ExpireRecharges))
	r.Jobs.Every(time.Minute, models.JobSweepRelations, func(ctx context.Context) error {
		return errors.Join(r.Customers.SweepRelations(ctx), r.Partners.SweepCooperations(ctx))
	})
	r.Jobs.Every(time.Minute, models.JobSweepBudgets, func(ctx context.Context) error { return r.watch(r.Customers.WatchBudgets(ctx)) })
	r.Jobs.Every(10*time.Minute, models.JobSweepExports, counted(r.Funds.SweepExports))
	r.Jobs.Every(10*time.Minute, models.JobSweepFederation, counted(r.Federation.Sweep))
	r.Jobs.Every(10*time.Minute, models.JobSweepWebhooks, counted(r.Webhooks.Sweep))
	r.Jobs.Every(time.Minute, models.JobSweepBackfill, r.backfill)
	r.Jobs.Every(time.Hour, models.JobSweepIncentives, counted(r.Incentives.Accrue))
	r.Jobs.Every(time.Hour, models.JobSweepSessions, func(ctx context.Context) error { _, err := a.sessions.Sweep(ctx); return err })
}

// backfill schedules what was there before the jobs were; once that is done it does nothing.
func (r *Rooms) backfill(ctx context.Context) error {
	return errors.Join(
		r.Jobs.Backfill(ctx, models.JobOrderExpire, r.Orders.UnscheduledExpiry),
		r.Jobs.Backfill(ctx, models.JobResourceExpire, r.Resources.UnscheduledExpiry),
		r.Jobs.Backfill(ctx, models.JobResourceAutoRenew, r.Resources.UnscheduledRenewal),
	)
}

// counted drops how much a sweep did.
func counted[N any](sweep func(context.Context) (N, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := sweep(ctx)
		return err
	}
}

// reportJobs measures how the queue stands.
func (a *App) reportJobs(ctx context.Context) error {
	standing, err := a.Rooms.Jobs.Standing(ctx)
	if err == nil {
		a.metrics.jobsStand(standing)
	}
	return err
}
