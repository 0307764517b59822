package identity

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// FindKeys returns a page of the API keys of the caller's own organisation, or of all for operators, newest first.
// Errors: UNAUTHENTICATED, FORBIDDEN without KEYS_MANAGE, INVALID for a bad page.
func (s *Service) FindKeys(ctx context.Context, who models.Principal, args models.PageArgs) (models.Connection[models.APIKey], error) {
	none := models.Connection[models.APIKey]{}
	if err := access.Require(who, models.ManageKeys); err != nil {
		return none, err
	}
	page, err := args.Page("apiKeys")
	if err != nil {
		return none, err
	}
	return store.List[models.APIKey](ctx, page, true, func() *bun.SelectQuery { return visibleKeys(s.DB, who) })
}
