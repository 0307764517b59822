package resources

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Expire brings a main resource and what follows it to the status that is theirs by now, and schedules the next. It is the
// handler of models.JobResourceExpire. A resource that is closed, gone, charged by use or a sub-resource is left alone.
func (s *Service) Expire(ctx context.Context, id models.ID) error {
	who := models.SystemPrincipal("resource.expire")
	if err := s.turnOnExpiry(ctx, id); err != nil {
		return err
	}
	var early *models.NotDue
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		early = nil
		main, found, err := selectForUpdate(ctx, tx, id)
		if err != nil || !found || !main.IsMain() {
			return err
		}
		status, next := main.AfterExpiry(s.now(), s.Periods)
		if status != main.Status {
			if err := s.moveIn(ctx, tx, who, &main, status); err != nil {
				return err
			}
			return s.scheduleIn(ctx, tx, models.JobResourceExpire, id, next)
		}
		if !next.IsZero() {
			early = &models.NotDue{Until: next}
		}
		return nil
	})
	if err == nil && early != nil {
		return *early
	}
	return err
}

// turnOnExpiry has what turns to use at its expiry do so. Where it is refused the resource goes the way of the grace period.
func (s *Service) turnOnExpiry(ctx context.Context, id models.ID) error {
	main, found, err := selectOne(ctx, s.DB, id)
	turns := found && main.IsMain() && main.ExpirePolicy == models.ExpireToPayPerUse && main.ChargingMode == models.ChargedByPeriod &&
		main.Status == models.ResourceInUse && main.ExpiresAt != nil && !s.now().Before(*main.ExpiresAt)
	if err != nil || !turns || s.Orders == nil {
		return err
	}
	if err := s.Orders.ToPayPerUse(ctx, id); transient(err) {
		return err
	}
	return nil
}

// RenewDue renews a main resource that renews itself from its deduction day on, once a day until it expires (O13). It is the
// handler of models.JobResourceAutoRenew.
func (s *Service) RenewDue(ctx context.Context, id models.ID) error {
	main, found, err := selectOne(ctx, s.DB, id)
	if err != nil || !found || main.Status != models.ResourceInUse {
		return err
	}
	now, at := s.now(), main.NextAutoRenewalAt()
	switch {
	case at == nil || !now.Before(*main.ExpiresAt): // what expired is not renewed by itself any more
		return nil
	case now.Before(*at):
		return models.NotDue{Until: *at}
	}
	refusal := error(models.Precondition("NOT_OFFERED", "Nobody renews resources here."))
	if s.Orders != nil {
		refusal = s.Orders.RenewDue(ctx, id)
	}
	if refusal == nil || transient(refusal) {
		return refusal
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.recordIn(ctx, tx, models.SystemPrincipal("resource.autorenew"), models.EventResourceRenewalFailed, main, nil,
			map[string]any{"code": models.CodeOf(refusal), "reason": models.ReasonOf(refusal)})
	})
	if err != nil {
		return err
	}
	if again := models.DayAfter(now); again.Before(*main.ExpiresAt) {
		return models.NotDue{Until: again}
	}
	return nil
}

// transient reports whether an error is worth another try soon: the money that is short today is short in a minute.
func transient(err error) bool {
	switch models.CodeOf(err) {
	case models.CodeInternal, models.CodeUnavailable, models.CodeConflict, models.CodeRateLimited:
		return true
	}
	return false
}

// Extension is another end of a main resource.
type Extension struct {
	ResourceID models.ID
	ExpiresAt  time.Time // later than before for a renewal, earlier for one that was taken back
	Automatic  bool      // it renewed itself
}

// ExtendIn has a main resource and what follows it expire at another moment, in the transaction that pays for it or takes it back
// (O11, O12). What had expired runs again when its end lies ahead; what somebody froze stays so. An automatic renewal counts; after the
// last one the resource does not renew itself any more. PRECONDITION_FAILED SUB_RESOURCE, RESOURCE_NOT_RENEWABLE for what is closed or
// has no end.
func (s *Service) ExtendIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd Extension) (models.Resource, error) {
	main, err := s.mainIn(ctx, tx, cmd.ResourceID)
	if err != nil {
		return main, err
	}
	if main.Status == models.ResourceClosed || main.ExpiresAt == nil {
		return main, ErrNotRenewable
	}
	before := main
	main.EndAt(cmd.ExpiresAt.UTC().Truncate(time.Microsecond), s.now())
	if cmd.Automatic {
		if main.AutoRenewed++; main.AutoRenewTimes != nil && *main.AutoRenewTimes > 0 && main.AutoRenewed >= *main.AutoRenewTimes {
			main.ExpirePolicy, main.AutoRenewTimes = models.ExpireGracePeriod, nil
		}
	}
	if err := s.updateTree(ctx, tx, &main); err != nil {
		return main, err
	}
	changes := []models.FieldChange{
		models.Changed("expiresAt", before.ExpiresAt.UTC().Format(time.RFC3339), main.ExpiresAt.Format(time.RFC3339)),
		models.Changed("status", before.Status, main.Status), models.Changed("expirePolicy", before.ExpirePolicy, main.ExpirePolicy),
	}
	if err := s.recordIn(ctx, tx, who, models.EventResourceRenewed, main, changes, map[string]any{"automatic": cmd.Automatic}); err != nil {
		return main, err
	}
	return main, s.scheduleLifeIn(ctx, tx, []models.Resource{main})
}

// TurnToUseIn has a main resource and what follows it charged by use from now on, without an end, in the caller's transaction.
// PRECONDITION_FAILED SUB_RESOURCE, RESOURCE_NOT_RENEWABLE.
func (s *Service) TurnToUseIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Resource, error) {
	return s.turnIn(ctx, tx, who, id, models.EventResourceTurnedToUse, func(main *models.Resource) error {
		if !main.Renewable() {
			return ErrNotRenewable
		}
		main.ChargingMode, main.UsageStatus, main.ExpiresAt, main.Status = models.ChargedByUse, models.UsageNormal, nil, models.ResourceInUse
		main.FrozenReason, main.ThawedStatus = "", ""
		return nil
	})
}

// TurnToPeriodIn has a main resource and what follows it charged by period until a moment, in the caller's transaction. What somebody froze stays
// so. PRECONDITION_FAILED SUB_RESOURCE, RESOURCE_BY_PERIOD for what is not charged by use, or is closed.
func (s *Service) TurnToPeriodIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, until time.Time) (models.Resource, error) {
	return s.turnIn(ctx, tx, who, id, models.EventResourceToPeriod, func(main *models.Resource) error {
		if main.ChargingMode != models.ChargedByUse || main.Status == models.ResourceClosed {
			return ErrNotByUse
		}
		until = until.UTC().Truncate(time.Microsecond)
		main.ChargingMode, main.UsageStatus, main.ExpiresAt = models.ChargedByPeriod, "", &until
		return nil
	})
}

// turnIn gives a main resource and what follows it the other charging mode, and lets it expire as it does in that. What it was to do at its expiry is
// forgotten.
func (s *Service) turnIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, what models.EventType, turn func(main *models.Resource) error) (models.Resource, error) {
	main, err := s.mainIn(ctx, tx, id)
	if err != nil {
		return main, err
	}
	before := main
	if err := turn(&main); err != nil {
		return main, err
	}
	setPolicy(&main, models.ExpireGracePeriod)
	if err := s.updateTree(ctx, tx, &main); err != nil {
		return main, err
	}
	err = s.recordIn(ctx, tx, who, what, main, []models.FieldChange{
		models.Changed("chargingMode", before.ChargingMode, main.ChargingMode), models.Changed("status", before.Status, main.Status),
		models.Changed("usageStatus", before.UsageStatus, main.UsageStatus), models.Changed("expiresAt", moment(before.ExpiresAt), moment(main.ExpiresAt)),
	}, nil)
	if err != nil {
		return main, err
	}
	return main, s.scheduleLifeIn(ctx, tx, []models.Resource{main})
}

// moment is a time as the API writes it; empty = none.
func moment(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// SpecChange is another specification of a main resource.
type SpecChange struct {
	ResourceID            models.ID
	SpecCode              string
	SpecSize, SpecMeasure string    // empty for what is sold by the piece
	OrderID               models.ID // that asked for it
}

// ChangeSpecIn gives a main resource another specification, in the transaction that settles it; its period and what follows it stay as they are.
// PRECONDITION_FAILED SUB_RESOURCE, RESOURCE_NOT_RENEWABLE for what is closed.
func (s *Service) ChangeSpecIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd SpecChange) (models.Resource, error) {
	main, err := s.mainIn(ctx, tx, cmd.ResourceID)
	if err != nil {
		return main, err
	}
	if main.Status == models.ResourceClosed {
		return main, ErrNotRenewable
	}
	before := main
	main.SpecCode, main.SpecSize, main.SpecMeasure = cmd.SpecCode, cmd.SpecSize, cmd.SpecMeasure
	if err := s.updateSpec(ctx, tx, &main); err != nil {
		return main, err
	}
	return main, s.recordIn(ctx, tx, who, models.EventResourceChanged, main, []models.FieldChange{
		models.Changed("specCode", before.SpecCode, main.SpecCode), models.Changed("specSize", before.SpecSize, main.SpecSize),
	}, map[string]any{"orderId": cmd.OrderID})
}

// CloseIn ends a main resource and what follows it, in the caller's transaction; one that is closed stays so.
func (s *Service) CloseIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Resource, error) {
	main, err := s.mainIn(ctx, tx, id)
	if err != nil || main.Status == models.ResourceClosed {
		return main, err
	}
	err = s.moveIn(ctx, tx, who, &main, models.ResourceClosed)
	return main, err
}

// moveIn gives a main resource and what follows it another status, and tells of it.
func (s *Service) moveIn(ctx context.Context, tx bun.IDB, who models.Principal, main *models.Resource, status models.ResourceStatus) error {
	before := *main
	main.Status = status
	what := models.EventResourceExpired
	switch status {
	case models.ResourceFrozen:
		main.FrozenReason, what = models.FreezeByExpiry, models.EventResourceFrozen
	case models.ResourceClosed:
		main.FrozenReason, main.ThawedStatus, what = "", "", models.EventResourceClosed
		if main.ChargingMode == models.ChargedByUse {
			main.UsageStatus = models.UsageClosed
		}
	case models.ResourceCreating, models.ResourceInUse, models.ResourceExpired:
	}
	if err := s.updateTree(ctx, tx, main); err != nil {
		return err
	}
	return s.recordIn(ctx, tx, who, what, *main, []models.FieldChange{models.Changed("status", before.Status, status)}, nil)
}

func (s *Service) recordIn(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, main models.Resource, changes []models.FieldChange, data map[string]any) error {
	fields := make([]string, 0, len(changes))
	moved := changes[:0:0]
	for _, change := range changes {
		if change.Before == nil && change.After == nil || change.Before != nil && change.After != nil && *change.Before == *change.After {
			continue
		}
		fields, moved = append(fields, change.Field), append(moved, change)
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: main.PartnerID, CustomerID: main.CustomerID, SubjectID: string(main.ID), Fields: fields, Changes: moved, Data: data,
	})
}

// scheduleLifeIn has main resources expire and renew themselves at their times.
func (s *Service) scheduleLifeIn(ctx context.Context, tx bun.IDB, mains []models.Resource) error {
	if s.Clock == nil {
		return nil
	}
	return errors.Join(s.Clock.ScheduleManyIn(ctx, tx, models.JobResourceExpire, s.expiries(mains)),
		s.Clock.ScheduleManyIn(ctx, tx, models.JobResourceAutoRenew, renewals(mains)))
}

// expiries says when main resources expire, or go on to the next status.
func (s *Service) expiries(all []models.Resource) (due []models.Due) {
	for _, r := range all {
		if !r.IsMain() {
			continue
		}
		status, next := r.AfterExpiry(s.now(), s.Periods)
		if status != r.Status {
			next = s.now()
		}
		if !next.IsZero() {
			due = append(due, models.Due{Object: r.ID, At: next})
		}
	}
	return due
}

// renewals says when main resources renew themselves.
func renewals(all []models.Resource) (due []models.Due) {
	for _, r := range all {
		if at := r.NextAutoRenewalAt(); at != nil {
			due = append(due, models.Due{Object: r.ID, At: *at})
		}
	}
	return due
}

// UnscheduledExpiry and UnscheduledRenewal find when main resources expire and renew themselves, for jobs.Engine.Backfill: of at most limit
// resources with ids above after.
func (s *Service) UnscheduledExpiry(ctx context.Context, tx bun.IDB, after models.ID, limit int) (due []models.Due, last models.ID, err error) {
	mains, last, err := selectMainsAfter(ctx, tx, after, limit)
	return s.expiries(mains), last, err
}

// UnscheduledRenewal is UnscheduledExpiry for what renews itself.
func (s *Service) UnscheduledRenewal(ctx context.Context, tx bun.IDB, after models.ID, limit int) (due []models.Due, last models.ID, err error) {
	mains, last, err := selectMainsAfter(ctx, tx, after, limit)
	return renewals(mains), last, err
}

func (s *Service) scheduleIn(ctx context.Context, tx bun.IDB, kind models.JobKind, id models.ID, at time.Time) error {
	if s.Clock == nil || at.IsZero() {
		return nil
	}
	return s.Clock.ScheduleManyIn(ctx, tx, kind, []models.Due{{Object: id, At: at}})
}

// mainIn locks a main resource, for rooms that have decided who may.
func (s *Service) mainIn(ctx context.Context, tx bun.IDB, id models.ID) (models.Resource, error) {
	main, found, err := selectForUpdate(ctx, tx, id)
	switch {
	case err != nil:
		return main, err
	case !found:
		return main, errUnknown
	case !main.IsMain():
		return main, subResource(main)
	}
	return main, nil
}

func selectOne(ctx context.Context, db bun.IDB, id models.ID) (models.Resource, bool, error) {
	return scanOne(ctx, db.NewSelect().Model((*models.Resource)(nil)).Where("r.id = ?", id))
}

func selectForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.Resource, bool, error) {
	return scanOne(ctx, store.ForUpdate(tx.NewSelect().Model((*models.Resource)(nil)).Where("r.id = ?", id)))
}

func scanOne(ctx context.Context, q *bun.SelectQuery) (models.Resource, bool, error) {
	var rows []models.Resource
	if err := q.Scan(ctx, &rows); err != nil || len(rows) == 0 {
		return models.Resource{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// updateTree writes a main resource's life, and the same to what follows it: nothing changes alone (O11).
func (s *Service) updateTree(ctx context.Context, tx bun.IDB, main *models.Resource) error {
	main.UpdatedAt = s.now()
	s.announce(ctx, main.ID)
	_, err := tx.NewUpdate().Model(main).
		Column("status", "usage_status", "charging_mode", "expires_at", "expire_policy", "frozen_reason", "thawed_status",
			"auto_renew_times", "auto_renewed", "deduction_days", "unified_expiry_day", "updated_at").
		Where("r.id = ? OR r.parent_id = ?", main.ID, main.ID).Exec(ctx)
	return store.Translate(err)
}

// updateSpec writes what a main resource is.
func (s *Service) updateSpec(ctx context.Context, tx bun.IDB, main *models.Resource) error {
	main.UpdatedAt = s.now()
	s.announce(ctx, main.ID)
	_, err := tx.NewUpdate().Model(main).Column("spec_code", "spec_size", "spec_measure", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}
