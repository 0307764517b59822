package app

import (
	"context"
	"slices"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/sales/catalog"
)

// offered tells brands what the cloud sells.
type offered struct{ catalog *catalog.Service }

var _ brands.Catalogue = offered{}

// UnknownServiceTypes returns those of the codes that the version of the catalogue in force does not have; it reads all of its service types, of which
// a cloud has some hundred.
func (o offered) UnknownServiceTypes(ctx context.Context, codes []string) ([]string, error) {
	unknown, most := slices.Clone(codes), models.MaxPageSize
	args := models.PageArgs{First: &most}
	for {
		page, err := o.catalog.ServiceTypes(ctx, models.SystemPrincipal("brands"), catalog.CatalogueFilter{}, args)
		if err != nil {
			return nil, err
		}
		for _, service := range page.Nodes() {
			unknown = slices.DeleteFunc(unknown, func(code string) bool { return code == service.Code })
		}
		if len(unknown) == 0 || !page.PageInfo.HasNextPage {
			return unknown, nil
		}
		args.After = page.PageInfo.EndCursor
	}
}
