package app

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// renewables finds for the catalogue, which lies below the resources, what is to be renewed.
type renewables struct{ resources *resources.Service }

var _ catalog.Resources = renewables{}

// ForRenewal returns the main resources with their sub-resources. Resources have no size of their own: what is renewed is priced per piece.
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
		if resource, seen := found[id]; seen && resource.IsMain() {
			renewable = append(renewable, catalog.Renewable{Resource: resource, Subs: subs[id]})
		}
	}
	return renewable, nil
}
