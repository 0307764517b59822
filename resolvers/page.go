package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/partnergraph/partnergraph/models"
)

// pageArgs gathers a connection's arguments and looks ahead whether totalCount is selected, so that nothing is counted
// for nobody.
func pageArgs(ctx context.Context, first *int32, after *string, last *int32, before *string) models.PageArgs {
	return models.PageArgs{First: toInt(first), After: after, Last: toInt(last), Before: before, WantTotal: selects(ctx, "totalCount")}
}

func selects(ctx context.Context, name string) bool {
	for _, field := range graphql.CollectFieldsCtx(ctx, nil) {
		if field.Name == name {
			return true
		}
	}
	return false
}

func toInt(n *int32) *int {
	if n == nil {
		return nil
	}
	i := int(*n)
	return &i
}
