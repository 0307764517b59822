package resources

import (
	"context"

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
