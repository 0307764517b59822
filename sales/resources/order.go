package resources

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// Family is a main resource with what follows it and is not closed, in the order of their ids.
type Family struct {
	Main models.Resource
	Subs []models.Resource
}

// Members returns the main resource and then what follows it.
func (f Family) Members() []models.Resource { return append([]models.Resource{f.Main}, f.Subs...) }

// FamiliesIn returns the resources with these ids that the caller may see, each with what follows it; the others are absent.
// Sub-resources that are asked for by their own id are families without followers. With lock the rows of the resources asked for
// stay locked until the transaction ends, in the order of their ids: whoever orders something for a resource takes turns there.
func (s *Service) FamiliesIn(ctx context.Context, tx bun.IDB, who models.Principal, ids []models.ID, lock bool) (map[models.ID]Family, error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	families := make(map[models.ID]Family, len(ids))
	if len(ids) == 0 {
		return families, nil
	}
	var mains, subs []models.Resource
	q := access.Resources(tx.NewSelect().Model(&mains).Where("r.id IN (?)", bun.List(ids)).Order("r.id"), who)
	if lock {
		q = store.ForUpdate(q)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, store.Translate(err)
	}
	err := access.Resources(tx.NewSelect().Model(&subs).Where("r.parent_id IN (?)", bun.List(ids)).
		Where("r.status <> ?", models.ResourceClosed).Order("r.parent_id", "r.id"), who).Scan(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	for _, main := range mains {
		families[main.ID] = Family{Main: main}
	}
	for _, sub := range subs {
		if family, seen := families[sub.ParentID]; seen {
			family.Subs = append(family.Subs, sub)
			families[sub.ParentID] = family
		}
	}
	return families, nil
}

// CloseIn closes main resources and what follows them, and records an event for each main one. Closed ones stay as they are.
func (s *Service) CloseIn(ctx context.Context, tx bun.IDB, who models.Principal, families []Family) error {
	err := s.rewrite(ctx, tx, who, families, models.EventResourceClosed, func(r *models.Resource) []models.FieldChange {
		before := r.Status
		r.Status = models.ResourceClosed
		return []models.FieldChange{models.Changed("status", before, r.Status)}
	})
	if err != nil {
		return err
	}
	// What was frozen with its customer in the meantime must not come to life again with it.
	var ids []models.ID
	for _, family := range families {
		for _, member := range family.Members() {
			ids = append(ids, member.ID)
		}
	}
	_, err = tx.NewUpdate().Model((*models.Resource)(nil)).Set("thawed_status = NULL").Where("id IN (?)", bun.List(ids)).Where("thawed_status IS NOT NULL").Exec(ctx)
	return store.Translate(err)
}

// ExtendIn lets main resources and what follows them end at another moment (O11, O12): the map is by the main resource. One that
// had expired and ends in the future again is in use again.
func (s *Service) ExtendIn(ctx context.Context, tx bun.IDB, who models.Principal, families []Family, until map[models.ID]time.Time) error {
	now := s.now()
	return s.rewrite(ctx, tx, who, families, models.EventResourceRenewed, func(r *models.Resource) []models.FieldChange {
		main := r.ID
		if !r.IsMain() {
			main = r.ParentID
		}
		end := until[main].UTC()
		changes := []models.FieldChange{models.Changed("expiresAt", instant(r.ExpiresAt), instant(&end))}
		r.ExpiresAt = &end
		if r.Status == models.ResourceExpired && end.After(now) {
			changes = append(changes, models.Changed("status", r.Status, models.ResourceInUse))
			r.Status = models.ResourceInUse
		}
		return changes
	})
}

// ChargeByUseIn turns main resources and what follows them to pay-per-use (O14): they have no end any more.
func (s *Service) ChargeByUseIn(ctx context.Context, tx bun.IDB, who models.Principal, families []Family) error {
	return s.rewrite(ctx, tx, who, families, models.EventResourceChanged, func(r *models.Resource) []models.FieldChange {
		changes := []models.FieldChange{
			models.Changed("chargingMode", r.ChargingMode, models.ChargedByUse), models.Changed("expiresAt", instant(r.ExpiresAt), ""),
		}
		r.ChargingMode, r.ExpiresAt, r.ExpirePolicy = models.ChargedByUse, nil, models.ExpireGracePeriod
		if r.Status == models.ResourceExpired {
			r.Status = models.ResourceInUse
		}
		return changes
	})
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// rewrite changes every member that is not closed and records what became of each main resource.
func (s *Service) rewrite(ctx context.Context, tx bun.IDB, who models.Principal, families []Family, what models.EventType, change func(*models.Resource) []models.FieldChange) error {
	var happened []models.Event
	now := s.now()
	for _, family := range families {
		for _, member := range family.Members() {
			if member.Status == models.ResourceClosed {
				continue
			}
			changes := change(&member)
			member.UpdatedAt = now
			if err := updateResource(ctx, tx, &member); err != nil {
				return err
			}
			if !member.IsMain() {
				continue
			}
			fields := make([]string, len(changes))
			for i, c := range changes {
				fields[i] = c.Field
			}
			happened = append(happened, models.Event{
				Type: what, PartnerID: member.PartnerID, CustomerID: member.CustomerID, SubjectID: string(member.ID), Fields: fields, Changes: changes,
			})
		}
	}
	if len(happened) == 0 {
		return nil
	}
	return s.Events.Record(ctx, tx, who, happened...)
}

func updateResource(ctx context.Context, tx bun.IDB, r *models.Resource) error {
	_, err := tx.NewUpdate().Model(r).
		Column("status", "spec_code", "charging_mode", "expire_policy", "expires_at", "updated_at").WherePK().Exec(ctx)
	return store.Translate(err)
}
