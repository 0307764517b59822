package resources

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// FreezeIn freezes everything that a customer runs, in the transaction that freezes the customer with its resources (C21), and
// remembers what each was. What is closed, expired or frozen already stays as it is.
func (s *Service) FreezeIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	s.announce(ctx, customer.ID)
	n, err := updateFrozen(ctx, tx, customer.ID, s.now())
	if err != nil {
		return err
	}
	return s.recordFreeze(ctx, tx, who, models.EventResourcesFrozen, customer, n)
}

// ThawIn gives everything that FreezeIn froze of a customer its status back, in the transaction that unfreezes the customer.
func (s *Service) ThawIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	s.announce(ctx, customer.ID)
	missed, err := selectExpiredMeanwhile(ctx, tx, customer.ID, s.now())
	if err != nil {
		return err
	}
	n, err := updateThawed(ctx, tx, customer.ID, s.now())
	if err != nil {
		return err
	}
	if s.Clock != nil {
		if err := s.Clock.ScheduleManyIn(ctx, tx, models.JobResourceExpire, missed); err != nil {
			return err
		}
	}
	return s.recordFreeze(ctx, tx, who, models.EventResourcesThawed, customer, n)
}

// recordFreeze tells of all resources at once: they may be thousands, and they share one cause.
func (s *Service) recordFreeze(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, customer models.Customer, n int64) error {
	if n == 0 {
		return nil
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: customer.PartnerID, CustomerID: customer.ID, SubjectID: string(customer.ID),
		Fields: []string{"resources.status"}, Data: map[string]any{"resources": n},
	})
}

func updateFrozen(ctx context.Context, tx bun.IDB, customer models.ID, now time.Time) (int64, error) {
	result, err := tx.NewUpdate().Model((*models.Resource)(nil)).
		Set("thawed_status = status, status = ?, frozen_reason = ?, updated_at = ?", models.ResourceFrozen, models.FreezeWithCustomer, now).
		Where("customer_id = ?", customer).Where("status IN (?)", bun.List([]models.ResourceStatus{models.ResourceCreating, models.ResourceInUse})).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}

func updateThawed(ctx context.Context, tx bun.IDB, customer models.ID, now time.Time) (int64, error) {
	result, err := tx.NewUpdate().Model((*models.Resource)(nil)).
		Set("status = thawed_status, thawed_status = NULL, frozen_reason = NULL, updated_at = ?", now).
		Where("customer_id = ?", customer).Where("frozen_reason = ?", models.FreezeWithCustomer).Exec(ctx)
	if err != nil {
		return 0, store.Translate(err)
	}
	return result.RowsAffected()
}

// selectExpiredMeanwhile returns the main resources of a frozen customer that have expired since: they are to expire when it thaws.
func selectExpiredMeanwhile(ctx context.Context, tx bun.IDB, customer models.ID, now time.Time) ([]models.Due, error) {
	var ids []models.ID
	err := tx.NewSelect().Model((*models.Resource)(nil)).Column("r.id").Where("r.customer_id = ? AND r.frozen_reason = ?", customer, models.FreezeWithCustomer).
		Where("r.parent_id IS NULL AND r.expires_at <= ?", now).Scan(ctx, &ids)
	missed := make([]models.Due, len(ids))
	for i, id := range ids {
		missed[i] = models.Due{Object: id, At: now}
	}
	return missed, store.Translate(err)
}
