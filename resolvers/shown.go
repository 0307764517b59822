package resolvers

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// shownBy collects the names of all fields below a selection.
func shownBy(selected ast.SelectionSet) *store.Shown {
	names := map[string]struct{}{}
	fragments := map[string]bool{}
	var collect func(ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, one := range set {
			switch one := one.(type) {
			case *ast.Field:
				names[one.Name] = struct{}{}
				collect(one.SelectionSet)
			case *ast.InlineFragment:
				collect(one.SelectionSet)
			case *ast.FragmentSpread:
				if !fragments[one.Name] {
					fragments[one.Name] = true
					collect(one.Definition.SelectionSet)
				}
			}
		}
	}
	collect(selected)
	return store.NewShown(names)
}

// showing lets a room that is called to show its rows, and for nothing else, leave out what is not shown.
func showing(ctx context.Context) context.Context {
	if around := batchOf(ctx); around != nil {
		return store.Showing(ctx, around.shown)
	}
	return ctx
}

// shown is a fetch whose rows are only shown.
func shown[K comparable, V any](from fetch[K, V]) fetch[K, V] {
	return func(ctx context.Context, who models.Principal, keys []K) (map[K]V, error) {
		return from(showing(ctx), who, keys)
	}
}

// pages is a call of a room for a page of each of some parents.
type pages[T any] func(context.Context, models.Principal, []models.ID, models.PageArgs) (map[models.ID]models.Connection[T], error)

// shownPages is the same for pages.
func shownPages[T any](from pages[T]) pages[T] {
	return func(ctx context.Context, who models.Principal, parents []models.ID, args models.PageArgs) (map[models.ID]models.Connection[T], error) {
		return from(showing(ctx), who, parents, args)
	}
}
