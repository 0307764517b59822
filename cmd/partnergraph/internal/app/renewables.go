package app

import (
	"context"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// renewables finds for the catalogue, which lies below the resources and orders, what is to be renewed or changed.
type renewables struct {
	resources *resources.Service
	orders    *orders.Service
}

var (
	_ catalog.Resources = renewables{}
	_ catalog.Changes   = renewables{}
)

// ForChange returns a resource with what is left of the periods that it was paid for.
func (r renewables) ForChange(ctx context.Context, who models.Principal, id models.ID, at time.Time) (models.Resource, []models.PaidPeriod, bool, error) {
	found, err := r.resources.ByIDs(ctx, who, []models.ID{id})
	resource, seen := found[id]
	if err != nil || !seen {
		return resource, nil, false, err
	}
	periods, err := r.orders.PaidPeriods(ctx, who, id, at)
	return resource, periods, true, err
}

// ForRenewal returns the resources with their sub-resources and the sizes of those that have one; the others are priced per piece.
func (r renewables) ForRenewal(ctx context.Context, who models.Principal, ids []models.ID) ([]catalog.Renewable, error) {
	found, err := r.resources.ByIDs(ctx, who, ids)
	if err != nil {
		return nil, err
	}
	subs, err := r.resources.SubResourcesFor(ctx, who, ids)
	if err != nil {
		return nil, err
	}
	var renewable []catalog.Renewable
	for _, id := range ids {
		if resource, seen := found[id]; seen {
			renewable = append(renewable, catalog.Renewable{Resource: resource, Subs: subs[id], Sizes: sizes(append([]models.Resource{resource}, subs[id]...))})
		}
	}
	return renewable, nil
}

func sizes(all []models.Resource) map[models.ID]catalog.Size {
	bySize := map[models.ID]catalog.Size{}
	for _, r := range all {
		if size, measure, linear := r.Size(); linear {
			bySize[r.ID] = catalog.Size{Value: size, MeasureID: measure}
		}
	}
	return bySize
}
